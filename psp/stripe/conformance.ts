import type { ConformanceKit } from "../conformance.ts";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `pk_test_${suffix}`,
		api_secret: `sk_test_secret_${suffix}`,
		webhook_secret: `whsec_${suffix}`,
		settings: {},
	}),
	paths: { create_order: "/v1/checkout/sessions", refund: "/v1/refunds" },
	not_applicable: {
		"return: signed by the PSP for this order": "returns carry no signature",
		"return: a failure is shown, never proven": "a payer whose payment failed stays on the PSP's page",
	},
	split_account: "acct_1Conformance",
	no_split_events: "the part is moved with the charge or not at all; no event tells that it failed",
	traced_method: "card",
	signReturn: (_account, psp_order_id) => ({
		query: { token: "t", session_id: psp_order_id },
		form: {},
		psp_order_id,
	}),
	failedReturn: (psp_order_id) => ({ query: { token: "t" }, form: {}, psp_order_id }),
};
