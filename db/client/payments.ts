import { callRows, callValue, type Queryable } from "./call.ts";
import type { ClientTheme, Gateway } from "./clients.ts";
import type { DisputeView } from "./disputes.ts";
import { DomainError, type ErrorCode } from "./errors.ts";
import { type Rate, type RateRow, toRate } from "./rates.ts";
import { storableText } from "./storable-text.ts";

export interface InitiateRequest {
	client_id: string;
	/** The key that the request was authenticated with; refused when it is no longer the merchant's. */
	client_key: string;
	order_id: string;
	/** Paise. */
	amount: number;
	currency: string;
	redirect_url?: string;
	customer?: { id?: string; name?: string; email?: string; phone?: string };
	method?: string;
	metadata?: Record<string, unknown>;
	description?: string;
}

export type InitiateResult =
	| {
			ok: true;
			replayed: boolean;
			transaction_id: string;
			status: TransactionStatus;
			order_id: string;
			amount: number;
			currency: string;
			expires_at: string;
			rate: Rate | null;
	  }
	| { ok: false; error: DomainError };

export type TransactionStatus =
	| "created"
	| "pending"
	| "paid"
	| "partially_refunded"
	| "refunded"
	| "failed"
	| "expired";

/** The body of GET /transaction/:id. Times are ISO 8601 in UTC. */
export interface TransactionView {
	transaction_id: string;
	order_id: string;
	status: TransactionStatus;
	amount: number;
	amount_refunded: number;
	currency: string;
	provider: string;
	method: string | null;
	error?: { code: string; message: string | null };
	/** Where the payer's bank has wanted it back. */
	disputes?: DisputeView[];
	/** Paid after expires_at. */
	late?: true;
	created_at: string;
	paid_at: string | null;
	expires_at: string;
}

export interface TransactionRecord {
	client_id: string;
	/** Counts status changes. */
	version: number;
	/** Until then a failed payment can still become paid by another try of the payer. */
	retry_until: string;
	view: TransactionView;
}

export interface PayPage extends ClientTheme {
	client_id: string;
	client_key: string;
	/** Ciphertexts, both made for the column client_salt; the salt before only while it is still valid. */
	client_salt: string;
	previous_client_salt: string | null;
	company_name: string;
	redirect_url: string | null;
	description: string | null;
	late: boolean;
	version: number;
	attempt_id: string;
	attempt_status: string;
	psp_order_id: string | null;
	/** As the adapter gave it; null until the PSP has the order. */
	presentation: unknown;
	/** The payer has asked for another gateway, and a worker is finding out whether this attempt can be left. */
	attempt_is_moving: boolean;
	/** Another gateway could take the payment over. */
	can_move: boolean;
	/** The newest UTR that the payer named (direct UPI). */
	utr_claim: { utr: string; status: "submitted" | "approved" | "rejected" } | null;
	/** Whether the payer may name a UTR. */
	takes_utr: boolean;
	/** Oldest first. */
	refunds: { amount: number; status: "pending" | "succeeded" | "failed"; kind: "requested" | "duplicate_payment" }[];
	gateway: Gateway;
	database_time: string;
	view: TransactionView;
}

interface InitiateRow {
	error_code: ErrorCode | null;
	error_param: string | null;
	retry_after_seconds: number | null;
	replayed: boolean;
	transaction_id: string;
	status: TransactionStatus;
	expires_at: Date;
	rate: RateRow | null;
}

/** Takes many payments in one round trip and one commit; answers in the order of the requests. */
export async function initiatePayments(database: Queryable, requests: InitiateRequest[]): Promise<InitiateResult[]> {
	const rows = await callRows<InitiateRow>(
		database,
		"initiate_payments",
		"select * from public.initiate_payments($1::jsonb)",
		[JSON.stringify(requests)],
	);
	return rows.map((row, index) =>
		row.error_code === null
			? {
					ok: true,
					replayed: row.replayed,
					transaction_id: row.transaction_id,
					status: row.status,
					order_id: requests[index]!.order_id,
					amount: requests[index]!.amount,
					currency: requests[index]!.currency,
					expires_at: row.expires_at.toISOString(),
					rate: toRate(row.rate),
				}
			: {
					ok: false,
					error: new DomainError(row.error_code, {
						param: row.error_param ?? undefined,
						retry_after_seconds: row.retry_after_seconds ?? undefined,
						rate: toRate(row.rate),
					}),
				},
	);
}

export function readTransaction(database: Queryable, transaction_id: string): Promise<TransactionRecord | null> {
	return callValue(database, "read_transaction", "select public.read_transaction($1) as value", [transaction_id]);
}

/** In the order of the ids; null where there is none. */
export async function readTransactions(
	database: Queryable,
	transaction_ids: string[],
): Promise<(TransactionRecord | null)[]> {
	const rows = await callRows<{ value: TransactionRecord | null }>(
		database,
		"read_transactions",
		"select value from public.read_transactions($1::uuid[])",
		[transaction_ids],
	);
	return rows.map(({ value }) => value);
}

export interface TransactionFilter {
	limit: number;
	starting_after?: string;
	order_id?: string;
	status?: string;
	created_gte?: Date;
	created_lt?: Date;
}

export async function listTransactions(
	database: Queryable,
	client_id: string,
	filter: TransactionFilter,
): Promise<{ data: TransactionView[]; has_more: boolean }> {
	const rows = await callRows<{ view: TransactionView }>(
		database,
		"list_transactions",
		"select view from public.list_transactions($1, $2, $3, $4, $5, $6, $7)",
		[
			client_id,
			filter.limit,
			filter.starting_after ?? null,
			filter.order_id ?? null,
			filter.status ?? null,
			filter.created_gte ?? null,
			filter.created_lt ?? null,
		],
	);
	return { data: rows.slice(0, filter.limit).map(({ view }) => view), has_more: rows.length > filter.limit };
}

export function readPayPage(database: Queryable, transaction_id: string): Promise<PayPage | null> {
	return callValue(database, "read_pay_page", "select public.read_pay_page($1) as value", [transaction_id]);
}

/** Has a worker ask the PSP what became of the attempt. */
export async function requestConfirmation(database: Queryable, attempt_id: string): Promise<void> {
	await callRows(database, "request_confirmation", "select public.request_confirmation($1)", [attempt_id]);
}

export interface GatewayEventInput {
	gateway_id: string;
	dedupe_key: string;
	event_type: string;
	headers: Record<string, string>;
	raw_body: Buffer;
	/** False where the PSP's proof does not cover the body. */
	body_proven: boolean;
}

export interface AcceptedEvent {
	event_id: string;
	duplicate: boolean;
}

/** Stores verified PSP webhooks and enqueues them, in one round trip and one commit; durable when it resolves. In their order. */
export function acceptGatewayEvents(database: Queryable, events: GatewayEventInput[]): Promise<AcceptedEvent[]> {
	const described = events.map(({ gateway_id, dedupe_key, event_type, headers, body_proven }) => ({
		gateway_id,
		dedupe_key: storableText(dedupe_key),
		event_type: storableText(event_type),
		headers,
		verified: body_proven,
	}));
	return callRows<AcceptedEvent>(
		database,
		"accept_gateway_events",
		"select event_id, duplicate from public.accept_gateway_events($1, $2)",
		[JSON.stringify(described), events.map(({ raw_body }) => raw_body)],
	);
}

export interface Health {
	database_time: string;
	/** Null when no worker has ever beaten. */
	worker_seen_seconds_ago: number | null;
	/** Age of the oldest job that is due and not taken; null when there is none. */
	oldest_job_seconds: number | null;
}

export function readHealth(database: Queryable): Promise<Health> {
	return callValue(database, "read_health", "select public.read_health() as value", []);
}

export function readDatabaseTime(database: Queryable): Promise<Date> {
	return callValue(database, "read_database_time", "select public.read_database_time() as value", []);
}
