import type { ConformanceKit } from "../conformance.ts";

const SETTLEMENT = "no settlement report is offered to programs";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `SU2511_${suffix}`,
		api_secret: `client-secret-${suffix}`,
		webhook_secret: `webhook-secret-${suffix}`,
		settings: { client_version: 1, webhook_mode: "hmac" },
	}),
	paths: {
		create_order: "/apis/pg/checkout/v2/pay",
		refund: "/apis/pg/payments/v2/refund",
		token: "/apis/identity-manager/v1/oauth/token",
	},
	lookup_repeats_create: true,
	no_disputes:
		"PhonePe names its dispute events, payment.dispute.*, and publishes no sample of one: they are kept and not acted upon",
	not_applicable: {
		"status: money held and not taken is authorized": "money is taken at once",
		"status: another currency than asked for is told as the PSP says": "rupees only, and no currency on the wire",
		"return: signed by the PSP for this order": "returns are unsigned",
		"return: a failure is shown, never proven": "returns say nothing",
		"settlement: every line of the day, following the pages": SETTLEMENT,
		"settlement: a report that breaks off is not given in part": SETTLEMENT,
	},
	signReturn: (_account, psp_order_id) => ({ query: { token: "t" }, form: {}, psp_order_id }),
	failedReturn: (psp_order_id) => ({ query: { token: "t" }, form: {}, psp_order_id }),
};
