/** Cashfree's disputes read into ours. Docs: cashfree.com/docs api-reference/payments/latest/disputes/dispute-webhooks. */

import { z } from "zod";
import type { DisputePhase, DisputeState } from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { isoTime } from "../iso-time.ts";
import { paiseOf } from "./money.ts";
import { cashfreeId, referenceOf } from "./transform.ts";

const text = z.string().nullish();
const rupees = z.union([z.number(), z.string()]).nullish();

const dataSchema = z.object({
	dispute: z.object({
		dispute_id: cashfreeId,
		dispute_type: text,
		reason_code: z.union([z.string(), z.number().transform(String)]).nullish(),
		reason_description: text,
		dispute_amount: rupees,
		dispute_amount_currency: text,
		created_at: text,
		updated_at: text,
		resolved_at: text,
		respond_by: text,
		dispute_status: z.string(),
	}),
	order_details: z
		.object({
			order_id: text,
			order_currency: text,
			cf_payment_id: cashfreeId.nullish(),
			payment_currency: text,
		})
		.nullish(),
});

const events: ReadonlySet<string> = new Set(["DISPUTE_CREATED", "DISPUTE_UPDATED", "DISPUTE_CLOSED"]);
const phases: Readonly<Record<string, DisputePhase>> = {
	DISPUTE: "inquiry",
	RETRIEVAL: "retrieval",
	CHARGEBACK: "chargeback",
	PRE_ARBITRATION: "pre_arbitration",
	ARBITRATION: "arbitration",
};

export function isDisputeEvent(type: string): boolean {
	return events.has(type);
}

export function disputeState(type: string, data: unknown, event_time: string | null): DisputeState | null {
	const parsed = dataSchema.safeParse(data);
	if (!parsed.success) return null;
	const { dispute, order_details: order } = parsed.data;
	return {
		status: statusOf(type, dispute.dispute_status),
		psp_dispute_id: dispute.dispute_id,
		psp_payment_id: order?.cf_payment_id ?? null,
		psp_order_id: order?.order_id || null,
		reference: referenceOf(order?.order_id),
		amount: paiseOf(dispute.dispute_amount),
		currency: dispute.dispute_amount_currency || order?.payment_currency || order?.order_currency || null,
		phase: entryOf(phases, dispute.dispute_type) ?? null,
		psp_status: dispute.dispute_status,
		reason_code: dispute.reason_code || null,
		reason: dispute.reason_description || null,
		respond_by: isoTime(dispute.respond_by),
		opened_at: isoTime(dispute.created_at),
		occurred_at: isoTime(dispute.updated_at) ?? isoTime(event_time),
		amount_deducted: null,
		raw: { ...dispute, order_details: order },
	};
}

/** A status is the stage and what became of it: CHARGEBACK_MERCHANT_LOST. Who accepts a dispute loses it. */
function statusOf(type: string, status: string): DisputeState["status"] {
	if (status.endsWith("_MERCHANT_WON")) return "won";
	if (status.endsWith("_MERCHANT_LOST") || status.endsWith("_MERCHANT_ACCEPTED")) return "lost";
	return type === "DISPUTE_CLOSED" ? "closed" : "opened";
}
