/** PayU's chargebacks read into our disputes, and their proof. Docs: docs.payu.in webhooks-for-chargeback. */

import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { DisputePhase, DisputeState, PspAccount } from "../adapter.ts";
import { isoTime } from "../iso-time.ts";
import { paiseOf } from "./amount.ts";

const text = z.string().nullish();

/** Digits of numbers are kept as text (parseKeepingDigits). */
export const disputeSchema = z.object({
	type: z.literal("payments"),
	event: z.literal("dispute"),
	reason_code: text,
	created_at: text,
	updated_at: text,
	cb_id: z.string().regex(/^[\w-]{1,64}$/),
	/** PayU's payment id. */
	txn_id: z.string().regex(/^[\w-]{1,64}$/),
	cb_type: z.string(),
	due_date: text,
	cb_amount: z.string(),
	cb_status: z.string(),
});
export type PayuDispute = z.infer<typeof disputeSchema>;

/** SHA-512 over the fields as they are written, the account's key before and its salt behind. The status is signed without its spaces. */
export function disputeSignature(
	{ api_key, api_secret }: Pick<PspAccount, "api_key" | "api_secret">,
	{
		txn_id,
		cb_amount,
		cb_id,
		cb_type,
		cb_status,
	}: Pick<PayuDispute, "txn_id" | "cb_amount" | "cb_id" | "cb_type" | "cb_status">,
): string {
	const status = cb_status.replaceAll(" ", "");
	return createHash("sha512")
		.update([api_key, txn_id, cb_amount, cb_id, cb_type, status, api_secret].join("|"))
		.digest("hex");
}

export function isSignedDispute(account: PspAccount, dispute: PayuDispute, signature: string): boolean {
	if (!/^[0-9a-f]{128}$/i.test(signature)) return false;
	return timingSafeEqual(Buffer.from(disputeSignature(account, dispute), "hex"), Buffer.from(signature, "hex"));
}

export function disputeState(dispute: PayuDispute): DisputeState {
	return {
		status: statusOf(dispute.cb_status),
		psp_dispute_id: dispute.cb_id,
		psp_payment_id: dispute.txn_id,
		psp_order_id: null,
		reference: null,
		amount: paiseOf(dispute.cb_amount),
		// PayU India takes rupees and states no currency.
		currency: "INR",
		phase: phaseOf(dispute.cb_type),
		psp_status: dispute.cb_status,
		reason_code: null,
		reason: dispute.reason_code || null,
		// The day is named; it ends in India.
		respond_by: /^\d{4}-\d{2}-\d{2}$/.test(dispute.due_date ?? "")
			? isoTime(`${dispute.due_date}T23:59:59+05:30`)
			: null,
		opened_at: isoTime(dispute.created_at),
		occurred_at: isoTime(dispute.updated_at),
		amount_deducted: null,
		raw: dispute,
	};
}

/** Where PayU bears the loss of a fraud, the merchant keeps the money. */
function statusOf(cb_status: string): DisputeState["status"] {
	switch (cb_status.replaceAll(" ", "").toLowerCase()) {
		case "closedcustomerfavour":
			return "lost";
		case "closedinmerchantfavour":
			return "won";
		case "closedunderfraudliability":
			return "closed";
		default:
			return "opened";
	}
}

function phaseOf(cb_type: string): DisputePhase | null {
	if (/pre-?\s?arb/i.test(cb_type)) return "pre_arbitration";
	if (/arbitration/i.test(cb_type)) return "arbitration";
	if (/retrieval/i.test(cb_type)) return "retrieval";
	return /chargeback/i.test(cb_type) ? "chargeback" : null;
}
