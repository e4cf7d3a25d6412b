import type { PaymentState } from "./adapter.ts";

/** What is known of an order's payment where the PSP has said nothing about it; outcome, error and raw come beside it. */
export function nothingKnown(psp_order_id: string): Omit<PaymentState, "outcome" | "error" | "raw"> {
	return {
		psp_order_id,
		reference: null,
		psp_payment_id: null,
		amount: null,
		currency: null,
		method: null,
		bank_reference: null,
		fee: null,
	};
}
