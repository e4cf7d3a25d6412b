import type { ConformanceKit } from "../conformance.ts";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `key-${suffix}`,
		api_secret: `key-secret-${suffix}`,
		webhook_secret: `webhook-secret-${suffix}`,
		settings: {},
	}),
	paths: { create_order: "/orders", refund: "/refunds" },
	not_applicable: {},
	signReturn: (_account, psp_order_id, _psp_payment_id) => ({ query: {}, form: {}, psp_order_id }),
	failedReturn: (psp_order_id) => ({ query: {}, form: {}, psp_order_id }),
};
