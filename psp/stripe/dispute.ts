/** Stripe's disputes read into ours. Docs: docs.stripe.com/api/disputes/object. */

import { z } from "zod";
import type { DisputePhase, DisputeState } from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { isoTime } from "../iso-time.ts";
import { idSchema } from "./transform.ts";

const text = z.string().nullish();
const reference = z
	.union([idSchema, z.object({ id: idSchema }).transform(({ id }) => id)])
	.nullish()
	.catch(null);

const disputeSchema = z.object({
	id: idSchema,
	amount: z.int(),
	balance_transactions: z
		.array(z.object({ amount: z.int() }))
		.nullish()
		.catch(null),
	charge: reference,
	created: z.int().nonnegative(),
	currency: z.string(),
	evidence_details: z.object({ due_by: z.int().nonnegative().nullish() }).nullish().catch(null),
	network_reason_code: text,
	payment_intent: reference,
	reason: text,
	status: z.string(),
});

const events: ReadonlySet<string> = new Set([
	"charge.dispute.created",
	"charge.dispute.updated",
	"charge.dispute.closed",
	"charge.dispute.funds_withdrawn",
	"charge.dispute.funds_reinstated",
]);
/** Any other is one that waits for somebody. */
const endings: Readonly<Record<string, DisputeState["status"]>> = {
	won: "won",
	lost: "lost",
	warning_closed: "closed",
	prevented: "closed",
};

export function isDisputeEvent(type: string): boolean {
	return events.has(type);
}

export function disputeState(object: unknown, occurred_at: number | null): DisputeState | null {
	const parsed = disputeSchema.safeParse(object);
	if (!parsed.success) return null;
	const dispute = parsed.data;
	const taken = dispute.balance_transactions?.reduce((sum, { amount }) => sum - amount, 0);
	return {
		status: entryOf(endings, dispute.status) ?? "opened",
		psp_dispute_id: dispute.id,
		psp_payment_id: dispute.payment_intent ?? dispute.charge ?? null,
		psp_order_id: null,
		reference: null,
		amount: dispute.amount,
		currency: dispute.currency.toUpperCase(),
		phase: phaseOf(dispute.status),
		psp_status: dispute.status,
		reason_code: dispute.network_reason_code || dispute.reason || null,
		reason: dispute.reason || null,
		respond_by: isoTime(dispute.evidence_details?.due_by || null),
		opened_at: isoTime(dispute.created),
		occurred_at: isoTime(occurred_at),
		amount_deducted: taken === undefined ? null : Math.max(taken, 0),
		raw: dispute,
	};
}

/** A dispute that has ended does not say in which phase. */
function phaseOf(status: string): DisputePhase | null {
	if (status.startsWith("warning_")) return "inquiry";
	if (status.startsWith("appeal_")) return "arbitration";
	return status === "needs_response" || status === "under_review" ? "chargeback" : null;
}
