import { callRows, callValue, type Queryable } from "./call.ts";

export interface Delivery {
	/** Null: it is about no payment. */
	transaction_id: string | null;
	event_id: string;
	/** What the merchant sees as the event's id: the same for all its endpoints. */
	message_id: string;
	type: string;
	/** The merchant's first endpoint has the merchant's id. */
	endpoint_id: string;
	client_id: string;
	url: string;
	/** Ciphertexts, both made for the same place; the previous one for a while after it was replaced. */
	secret: string;
	previous_secret: string | null;
	/** Goes ahead of others that wait, after the endpoint has rested. */
	is_probe: boolean;
	/** Its endpoint did not take the last one. */
	is_troubled: boolean;
	/** The exact bytes to sign and send. */
	body: string;
	attempt: number;
}

export interface DeliveryResult {
	event_id: string;
	url: string;
	/** Null when there was no answer. */
	status_code: number | null;
	error: string | null;
	duration_ms: number;
	response_bytes: number;
	retry_after_seconds: number | null;
}

export type WebhookEventStatus = "pending" | "waiting" | "delivered" | "dead" | "disabled" | "unwanted";

export type WebhookReplayStatus = "running" | "done" | "stopped";

/** Null when there is nothing to be sent now: the event is done with, kept, or waits for its endpoint. */
export async function beginDelivery(database: Queryable, event_id: string): Promise<Delivery | null> {
	return (await begin(database, [event_id], true))[0]!;
}

/** As beginDelivery for each, in one round trip and one commit; in their order. */
export function beginDeliveries(database: Queryable, event_ids: string[]): Promise<(Delivery | null)[]> {
	return begin(database, event_ids, false);
}

async function begin(database: Queryable, event_ids: string[], is_alone: boolean): Promise<(Delivery | null)[]> {
	const rows = await callRows<Delivery>(database, "begin_deliveries", "select * from public.begin_deliveries($1, $2)", [
		event_ids,
		is_alone,
	]);
	const begun = new Map(rows.map((row) => [row.event_id, row]));
	return event_ids.map((id) => begun.get(id) ?? null);
}

/** Records the try and, unless it was the last, has the next one made when it is due. */
export async function recordDelivery(database: Queryable, result: DeliveryResult): Promise<WebhookEventStatus> {
	return (await record(database, [result], true))[0]!;
}

/** As recordDelivery for each, in one round trip and one commit; in their order. */
export function recordDeliveries(database: Queryable, results: DeliveryResult[]): Promise<WebhookEventStatus[]> {
	return record(database, results, false);
}

async function record(
	database: Queryable,
	results: DeliveryResult[],
	is_alone: boolean,
): Promise<WebhookEventStatus[]> {
	const tries = results.map((result) => ({ ...result, duration_ms: Math.round(result.duration_ms) }));
	const rows = await callRows<{ event_id: string; status: WebhookEventStatus }>(
		database,
		"record_deliveries",
		"select event_id, status from public.record_deliveries($1, $2)",
		[JSON.stringify(tries), is_alone],
	);
	const recorded = new Map(rows.map(({ event_id, status }) => [event_id, status]));
	return results.map(({ event_id }) => recorded.get(event_id)!);
}

/** Lets an event wait until its endpoint has fewer at a time. */
export async function parkDelivery(database: Queryable, event_id: string): Promise<void> {
	await callRows(database, "park_delivery", "select public.park_delivery($1)", [event_id]);
}

/** Puts events that wait back into the queue where their endpoints are well again. Returns how many. */
export function releaseWebhooks(database: Queryable): Promise<number> {
	return callValue(database, "release_webhooks", "select public.release_webhooks() as value", []);
}

/** Keeps the beginning of what an endpoint answered to a test event. */
export async function recordWebhookTestAnswer(
	database: Queryable,
	event_id: string,
	content_type: string | null,
	answer: string,
): Promise<void> {
	await callRows(database, "record_webhook_test_answer", "select public.record_webhook_test_answer($1, $2, $3)", [
		event_id,
		content_type,
		answer,
	]);
}

/** Puts a replay's next events into the queue once those before were tried, and adds the job of the next step. */
export function continueWebhookReplay(database: Queryable, replay_id: string): Promise<WebhookReplayStatus | null> {
	return callValue(database, "continue_webhook_replay", "select public.continue_webhook_replay($1) as value", [
		replay_id,
	]);
}
