import { callRows, callValue, type Queryable } from "./call.ts";

/** What a PSP says of a dispute; amounts in paise, times ISO 8601. */
export interface DisputeReport {
	status: "opened" | "won" | "lost" | "closed";
	psp_dispute_id: string;
	psp_payment_id: string | null;
	amount: number | null;
	currency: string | null;
	phase: string | null;
	psp_status: string | null;
	reason_code: string | null;
	reason: string | null;
	respond_by: string | null;
	opened_at: string | null;
	occurred_at: string | null;
	amount_deducted: number | null;
	raw: unknown;
}

/** As merchants see it, in a transaction and in dispute events. Amounts in paise. */
export interface DisputeView {
	dispute_id: string;
	transaction_id: string;
	order_id: string;
	status: DisputeReport["status"];
	phase: string | null;
	amount: number;
	currency: string;
	reason_code: string | null;
	reason: string | null;
	provider_dispute_id: string;
	respond_by: string | null;
	opened_at: string;
	closed_at: string | null;
}

/** The attempt whose payment is disputed, by the names that the PSP gave it; null when it is none of ours. */
export function findDisputedAttempt(
	database: Queryable,
	about: { gateway_id: string; psp_payment_id: string | null; psp_order_id: string | null; reference: string | null },
): Promise<string | null> {
	return callValue(database, "find_disputed_attempt", "select public.find_disputed_attempt($1, $2, $3, $4) as value", [
		about.gateway_id,
		about.psp_payment_id,
		about.psp_order_id,
		about.reference,
	]);
}

/**
 * The dispute, its entries in the wallet, the merchant's event and the alerts in one commit; safe to repeat, in any order.
 * Null when the payment is not paid here. "refused": the amount or the currency cannot be right, and an alert says so.
 */
export async function recordDispute(
	database: Queryable,
	attempt_id: string,
	report: DisputeReport,
): Promise<{ dispute_id: string | null; status: DisputeReport["status"] | "refused"; changed: boolean } | null> {
	const rows = await callRows<{
		dispute_id: string | null;
		status: DisputeReport["status"] | "refused";
		changed: boolean;
	}>(database, "record_dispute", "select dispute_id, status, changed from public.record_dispute($1, $2)", [
		attempt_id,
		JSON.stringify(report),
	]);
	return rows[0] ?? null;
}
