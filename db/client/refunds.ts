import type { AttemptError } from "./attempts.ts";
import { callRows, callValue, type Queryable } from "./call.ts";
import type { Gateway } from "./clients.ts";

/** As merchants see it; a refund that the PSP may or may not have is pending to them. Amounts in paise. */
export interface RefundView {
	refund_id: string;
	transaction_id: string;
	order_id: string;
	amount: number;
	currency: string;
	status: "pending" | "succeeded" | "failed";
	/** duplicate_payment: a payment made a second time, given back by itself; not part of amount_refunded. */
	kind: "requested" | "duplicate_payment";
	reason: string | null;
	bank_reference: string | null;
	error?: { code: string; message: string | null };
	created_at: string;
	completed_at: string | null;
}

export interface RefundRequest {
	client_id: string;
	transaction_id: string;
	/** Paise; null for what is left. */
	amount: number | null;
	reason: string | null;
	idempotency_key: string | null;
}

/** Throws not_found, invalid_request, not_refundable, refund_exceeds_amount or idempotency_key_conflict. */
export async function createRefund(
	database: Queryable,
	request: RefundRequest,
): Promise<{ refund: RefundView; replayed: boolean }> {
	const rows = await callRows<{ refund: RefundView; replayed: boolean }>(
		database,
		"create_refund",
		"select refund, replayed from public.create_refund($1, $2, $3, $4, $5, 'merchant')",
		[request.client_id, request.transaction_id, request.amount, request.reason, request.idempotency_key],
	);
	return rows[0]!;
}

export function readRefund(database: Queryable, client_id: string, refund_id: string): Promise<RefundView | null> {
	return callValue(database, "read_refund", "select public.read_refund($1, $2) as value", [client_id, refund_id]);
}

/** What a worker needs for calling the PSP about one refund. Gateway secrets are ciphertexts. */
export interface RefundWork {
	refund_id: string;
	transaction_id: string;
	/** Our name of it at the PSP, and the idempotency key there. */
	reference: string;
	kind: "requested" | "duplicate_payment";
	status: "created" | "pending" | "unknown";
	amount: number;
	currency: string;
	reason: string | null;
	/** Known once the PSP has answered. */
	psp_refund_id: string | null;
	lookups: number;
	/** An earlier run may have reached the PSP. */
	started_before: boolean;
	payment: { psp_payment_id: string; psp_order_id: string; order_reference: string };
	client: { id: string };
	gateway: Gateway;
}

/** Marks the refund started and returns its work; null when it is settled. */
export function beginRefund(database: Queryable, refund_id: string): Promise<RefundWork | null> {
	return callValue(database, "begin_refund", "select public.begin_refund($1) as value", [refund_id]);
}

export interface RefundOutcome {
	outcome: "succeeded" | "failed" | "pending" | "unknown";
	psp_refund_id: string | null;
	/** Paise as the PSP states them; null when it did not say. */
	amount: number | null;
	bank_reference: string | null;
	error: AttemptError | null;
	/** Without secrets; kept with the refund. */
	raw: unknown;
}

/** Status, payment, reversal of commission, event and alerts in one commit; safe to repeat. */
export async function settleRefund(
	database: Queryable,
	refund_id: string,
	state: RefundOutcome,
): Promise<{ status: "created" | "pending" | "unknown" | "succeeded" | "failed"; changed: boolean }> {
	const { outcome, psp_refund_id, amount, bank_reference, error, raw } = state;
	const rows = await callRows<{ status: "pending"; changed: boolean }>(
		database,
		"settle_refund",
		"select status, changed from public.settle_refund($1, $2)",
		[refund_id, JSON.stringify({ outcome, psp_refund_id, amount, bank_reference, error, raw })],
	);
	return rows[0]!;
}

/** By our reference, else by the PSP's refund id; only among the refunds of that account. */
export function findRefund(
	database: Queryable,
	about: { gateway_id: string; psp_refund_id: string | null; reference: string | null },
): Promise<string | null> {
	return callValue(database, "find_refund", "select public.find_refund($1, $2, $3) as value", [
		about.gateway_id,
		about.psp_refund_id,
		about.reference,
	]);
}
