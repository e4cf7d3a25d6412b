import type { ConformanceKit } from "../conformance.ts";
import { sign } from "./signature.ts";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `rzp_test_${suffix}`,
		api_secret: `key-secret-${suffix}`,
		webhook_secret: `webhook-secret-${suffix}`,
		settings: {},
	}),
	paths: { create_order: "/v1/orders", refund: "/v1/payments" },
	not_applicable: {},
	split_account: "acc_IROu8Nod6PXPtZ",
	signReturn: (account, psp_order_id, psp_payment_id) => ({
		query: { token: "t" },
		form: {
			razorpay_payment_id: psp_payment_id,
			razorpay_order_id: psp_order_id,
			razorpay_signature: sign(account.api_secret, `${psp_order_id}|${psp_payment_id}`),
		},
		psp_order_id,
	}),
	failedReturn: (psp_order_id) => ({
		query: { token: "t" },
		form: { "error[code]": "BAD_REQUEST_ERROR", "error[description]": "Payment failed" },
		psp_order_id,
	}),
};
