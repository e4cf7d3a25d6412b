/** Razorpay's disputes read into ours. Shapes: razorpay docs api/disputes/entity, webhooks/disputes. */

import { z } from "zod";
import type { DisputePhase, DisputeState } from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { isoTime } from "../iso-time.ts";
import { paymentSchema, paymentState } from "./transform.ts";

const text = z.string().nullish();

const disputeSchema = z.object({
	id: z.string().regex(/^[A-Za-z0-9_]{1,64}$/),
	payment_id: text,
	amount: z.int(),
	currency: z.string(),
	amount_deducted: z.int().nonnegative().nullish(),
	reason_code: text,
	reason_description: text,
	respond_by: z.int().nonnegative().nullish(),
	status: z.string(),
	phase: text,
	created_at: z.int().nonnegative().nullish(),
});

/** By the event: its entity may have moved on by the time it is sent again. */
const statusByEvent: Readonly<Record<string, DisputeState["status"]>> = {
	"payment.dispute.created": "opened",
	"payment.dispute.under_review": "opened",
	"payment.dispute.action_required": "opened",
	"payment.dispute.won": "won",
	"payment.dispute.lost": "lost",
	"payment.dispute.closed": "closed",
};
const phases: Readonly<Record<string, DisputePhase>> = {
	fraud: "fraud",
	retrieval: "retrieval",
	chargeback: "chargeback",
	pre_arbitration: "pre_arbitration",
	arbitration: "arbitration",
};

export function isDisputeEvent(event: string): boolean {
	return entryOf(statusByEvent, event) !== undefined;
}

/** `entities` are those of the webhook's payload; null when they are no dispute. */
export function disputeState(
	event: string,
	entities: { dispute?: unknown; payment?: unknown },
	occurred_at: number | null,
): DisputeState | null {
	const parsed = disputeSchema.safeParse(entities.dispute);
	const status = entryOf(statusByEvent, event);
	if (!parsed.success || status === undefined) return null;
	const dispute = parsed.data;
	const payment = paymentSchema.safeParse(entities.payment);
	const known = payment.success ? paymentState(payment.data, null) : null;
	return {
		status,
		psp_dispute_id: dispute.id,
		psp_payment_id: dispute.payment_id || known?.psp_payment_id || null,
		psp_order_id: known?.psp_order_id ?? null,
		reference: known?.reference ?? null,
		amount: dispute.amount,
		currency: dispute.currency,
		phase: entryOf(phases, dispute.phase) ?? null,
		psp_status: dispute.status,
		reason_code: dispute.reason_code || null,
		reason: dispute.reason_description || null,
		respond_by: isoTime(dispute.respond_by),
		opened_at: isoTime(dispute.created_at),
		occurred_at: isoTime(occurred_at),
		amount_deducted: dispute.amount_deducted ?? null,
		raw: dispute,
	};
}
