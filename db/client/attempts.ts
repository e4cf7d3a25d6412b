import { callRows, callValue, type Queryable } from "./call.ts";
import type { Gateway } from "./clients.ts";
import type { TransactionStatus } from "./payments.ts";

/** What a worker needs for calling the PSP about one attempt. Gateway secrets are ciphertexts. */
export interface AttemptWork {
	attempt_id: string;
	attempt_status: "created" | "pending" | "authorized" | "succeeded" | "failed" | "unknown" | "expired";
	/** An earlier run may have reached the PSP: look the order up before making one. */
	started_before: boolean;
	psp_order_id: string | null;
	/** Look-ups made so far. */
	lookups: number;
	transaction: {
		id: string;
		status: TransactionStatus;
		order_id: string;
		/** What this attempt asks for; direct UPI may ask some paise less than the payment, to be told apart. */
		amount: number;
		currency: string;
		description: string | null;
		customer: { id?: string; name?: string; email?: string; phone?: string };
		method: string | null;
		expires_at: Date;
	};
	client: { id: string; client_key: string; company_name: string };
	/** Part that the PSP is to settle to us; null when nothing is split off. Paise. */
	split: { account: string; amount: number } | null;
	gateway: Gateway;
}

export interface AttemptError {
	code: string;
	message: string;
	http_status?: number | null;
	retry_after_seconds?: number | null;
}

export interface AttemptState {
	outcome: "succeeded" | "failed" | "pending" | "authorized" | "unknown";
	/** Recorded where it is not known yet: a webhook may overtake the reply to the create call. */
	psp_order_id?: string | null;
	psp_payment_id: string | null;
	amount: number | null;
	currency: string | null;
	method: string | null;
	bank_reference: string | null;
	fee: number | null;
	error: AttemptError | null;
	/** Without secrets; kept with the transaction. */
	raw: unknown;
	/** Others that took money for the same order. */
	further?: readonly AttemptState[];
}

type AttemptWorkJson = Omit<AttemptWork, "transaction"> & {
	transaction: Omit<AttemptWork["transaction"], "expires_at"> & { expires_at: string };
};

function toWork(json: AttemptWorkJson): AttemptWork {
	return { ...json, transaction: { ...json.transaction, expires_at: new Date(json.transaction.expires_at) } };
}

/** Marks attempts started and returns their work, in one round trip and one commit; in their order. */
async function beginOrders(
	database: Queryable,
	attempt_ids: string[],
	is_alone: boolean,
): Promise<(AttemptWork | null)[]> {
	const rows = await callRows<{ attempt_id: string; work: AttemptWorkJson }>(
		database,
		"begin_psp_orders",
		"select attempt_id, work from public.begin_psp_orders($1, $2)",
		[attempt_ids, is_alone],
	);
	const begun = new Map(rows.map(({ attempt_id, work }) => [attempt_id, toWork(work)]));
	return attempt_ids.map((id) => {
		const work = begun.get(id) ?? null;
		// One that is asked for twice is begun once: whoever comes second is told by a call of its own that an order may exist.
		begun.delete(id);
		return work;
	});
}

/** Null when nothing is left to do, or when it is to be begun by itself. */
export function beginPspOrders(database: Queryable, attempt_ids: string[]): Promise<(AttemptWork | null)[]> {
	return beginOrders(database, attempt_ids, false);
}

/** Null when nothing is left to do. */
export async function beginPspOrder(database: Queryable, attempt_id: string): Promise<AttemptWork | null> {
	return (await beginOrders(database, [attempt_id], true))[0]!;
}

/** `is_over`: nobody is to pay its order any more, and it was not closed at the PSP yet. */
export async function readAttempt(
	database: Queryable,
	attempt_id: string,
): Promise<(AttemptWork & { is_over: boolean }) | null> {
	const json = await callValue<(AttemptWorkJson & { is_over: boolean }) | null>(
		database,
		"attempt_work",
		"select public.attempt_work($1) as value",
		[attempt_id],
	);
	return json && { ...toWork(json), is_over: json.is_over };
}

export interface PspOrder {
	attempt_id: string;
	psp_order_id: string;
	presentation: unknown;
	latency_ms: number;
}

async function recordOrders(database: Queryable, orders: PspOrder[], is_alone: boolean): Promise<void> {
	await callRows(database, "record_psp_orders", "select public.record_psp_orders($1, $2)", [
		JSON.stringify(orders.map((order) => ({ ...order, latency_ms: Math.round(order.latency_ms) }))),
		is_alone,
	]);
}

/** In one round trip and one commit. */
export function recordPspOrders(database: Queryable, orders: PspOrder[]): Promise<void> {
	return recordOrders(database, orders, false);
}

export function recordPspOrder(database: Queryable, order: PspOrder): Promise<void> {
	return recordOrders(database, [order], true);
}

/** The PSP certainly has no order. The payment moves to another gateway, or fails. */
export async function recordPspOrderFailure(
	database: Queryable,
	failure: { attempt_id: string; error: AttemptError; latency_ms: number },
): Promise<{ next_attempt_id: string | null }> {
	const next_attempt_id = await callValue<string | null>(
		database,
		"record_psp_order_failure",
		"select public.record_psp_order_failure($1, $2, $3) as value",
		[failure.attempt_id, JSON.stringify(failure.error), Math.round(failure.latency_ms)],
	);
	return { next_attempt_id };
}

/** The PSP may have the order. */
export async function recordPspOrderUnknown(
	database: Queryable,
	failure: { attempt_id: string; error: AttemptError; latency_ms: number },
): Promise<void> {
	await callRows(database, "record_psp_order_unknown", "select public.record_psp_order_unknown($1, $2, $3)", [
		failure.attempt_id,
		JSON.stringify(failure.error),
		Math.round(failure.latency_ms),
	]);
}

/** Status, commission, wallet, outgoing event and jobs in one commit; safe to repeat. */
export async function settleAttempt(
	database: Queryable,
	attempt_id: string,
	state: AttemptState,
): Promise<{ transaction_status: TransactionStatus; changed: boolean }> {
	const rows = await callRows<{ transaction_status: TransactionStatus; changed: boolean }>(
		database,
		"settle_attempt",
		"select transaction_status, changed from public.settle_attempt($1, $2)",
		[attempt_id, JSON.stringify(state)],
	);
	return rows[0]!;
}

export interface GatewayEvent {
	event_id: string;
	gateway_id: string;
	provider: string;
	headers: Record<string, string>;
	raw_body: Buffer;
	body_proven: boolean;
	processed_at: Date | null;
}

/** In their order; null where there is none. */
export async function readGatewayEvents(database: Queryable, event_ids: string[]): Promise<(GatewayEvent | null)[]> {
	const rows = await callRows<GatewayEvent>(
		database,
		"read_gateway_events",
		"select * from public.read_gateway_events($1)",
		[event_ids],
	);
	const read = new Map(rows.map((row) => [row.event_id, row]));
	return event_ids.map((id) => read.get(id) ?? null);
}

export interface GatewayEventClaim {
	event_id: string;
	gateway_id: string;
	/** What the event, whose body is proven, says of a payment. */
	state: AttemptState & { psp_order_id: string | null; reference: string | null };
}

export interface SettledEvent {
	attempt_id: string;
	/** Null where nobody said. */
	transaction_id: string | null;
	transaction_status: TransactionStatus;
	changed: boolean;
}

/**
 * Finds each event's attempt, settles it and marks the event processed, in one round trip and one commit; in their order. Null
 * where no attempt is found: then the event is left as it is.
 */
export async function settleGatewayEvents(
	database: Queryable,
	claims: GatewayEventClaim[],
): Promise<(SettledEvent | null)[]> {
	const rows = await callRows<{ event_id: string; attempt_id: string | null } & Omit<SettledEvent, "attempt_id">>(
		database,
		"settle_gateway_events",
		"select * from public.settle_gateway_events($1)",
		[JSON.stringify(claims)],
	);
	const settled = new Map(rows.map((row) => [row.event_id, row.attempt_id === null ? null : (row as SettledEvent)]));
	return claims.map(({ event_id }) => settled.get(event_id) ?? null);
}

/** By the PSP's order id, else by our reference; only among the attempts of that gateway. */
export function findAttemptForEvent(
	database: Queryable,
	about: { gateway_id: string; psp_order_id: string | null; reference: string | null },
): Promise<string | null> {
	return callValue(database, "find_attempt", "select public.find_attempt($1, $2, $3) as value", [
		about.gateway_id,
		about.psp_order_id,
		about.reference,
	]);
}

/** Processed; or, with an error, kept for another try. */
export async function markGatewayEvent(database: Queryable, event_id: string, error: string | null): Promise<void> {
	await callRows(database, "mark_gateway_event", "select public.mark_gateway_event($1, $2)", [event_id, error]);
}

/** Processed, although it is about nothing of ours. */
export async function closeGatewayEvent(database: Queryable, event_id: string, note: string): Promise<void> {
	await callRows(database, "close_gateway_event", "select public.close_gateway_event($1, $2)", [event_id, note]);
}

/** The payer wants another try elsewhere; false when the payment cannot move now. */
export function requestAnotherGateway(database: Queryable, transaction_id: string): Promise<boolean> {
	return callValue(database, "request_another_gateway", "select public.request_another_gateway($1) as value", [
		transaction_id,
	]);
}

/** The next attempt, on another gateway; null when the payment stays where it is. `is_closed`: the order was closed at the PSP. */
export async function movePayment(
	database: Queryable,
	attempt_id: string,
	{ is_closed }: { is_closed: boolean },
): Promise<{ next_attempt_id: string | null }> {
	const next_attempt_id = await callValue<string | null>(
		database,
		"move_payment",
		"select public.move_payment($1, $2) as value",
		[attempt_id, is_closed],
	);
	return { next_attempt_id };
}

/** The PSP has closed the attempt's order: it is not looked up again. */
export async function closeAttempt(database: Queryable, attempt_id: string): Promise<void> {
	await callRows(database, "close_attempt", "select public.close_attempt($1)", [attempt_id]);
}

/** The attempt that the payer wanted to leave may have taken money: the payment stays with it. */
export async function abandonMove(database: Queryable, attempt_id: string): Promise<void> {
	await callRows(database, "abandon_move", "select public.abandon_move($1)", [attempt_id]);
}

/** The PSP would not split our part off: the order is made without, and operators are told. */
export async function refuseSplit(database: Queryable, attempt_id: string, error: AttemptError): Promise<void> {
	await callRows(database, "refuse_split", "select public.refuse_split($1, $2)", [attempt_id, JSON.stringify(error)]);
}

/** What a PSP comes to say of the part of a payment that was to be ours; amounts in paise, times ISO 8601. */
export interface SplitTransferReport {
	outcome: "succeeded" | "failed";
	psp_transfer_id: string;
	account: string;
	amount: number;
	amount_reversed: number;
	currency: string;
	occurred_at: string | null;
	error: AttemptError | null;
}

/**
 * The split, its entry in the wallet and the alert in one commit; safe to repeat, in any order. Answers whether it changed anything;
 * null when it is not the part that was asked for.
 */
export function recordSplitTransfer(
	database: Queryable,
	attempt_id: string,
	report: SplitTransferReport,
): Promise<boolean | null> {
	return callValue(database, "record_split_transfer", "select public.record_split_transfer($1, $2) as value", [
		attempt_id,
		JSON.stringify(report),
	]);
}
