import type { ConformanceKit } from "../conformance.ts";

const UNSIGNED = "the return carries nothing but the order id, unsigned";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `TEST${suffix}`,
		api_secret: `cfsk_ma_test_${suffix}`,
		webhook_secret: null,
		settings: {},
	}),
	paths: { create_order: "/pg/orders", refund: "/pg/orders" },
	split_account: "vendor_kaveri",
	no_split_events: "webhooks tell of a vendor's settlements as a whole, never of an order's part",
	not_applicable: {
		"return: signed by the PSP for this order": UNSIGNED,
		"return: a failure is shown, never proven": UNSIGNED,
	},
	signReturn: (_account, psp_order_id) => ({ query: { token: "t", order_id: psp_order_id }, form: {}, psp_order_id }),
	failedReturn: (psp_order_id) => ({ query: { token: "t", order_id: psp_order_id }, form: {}, psp_order_id }),
};
