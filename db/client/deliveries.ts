import { callRows, callValue, type Queryable } from "./call.ts";

export interface Delivery {
	event_id: string;
	type: string;
	url: string;
	/** Ciphertexts, both made for the column webhook_secret; the previous one for a day or more after it was replaced. */
	webhook_secret: string;
	previous_webhook_secret: string | null;
	client_id: string;
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

export type WebhookEventStatus = "pending" | "delivered" | "dead" | "disabled";

export type WebhookReplayStatus = "running" | "done" | "stopped";

/** Null when the event needs no delivery any more. */
export function beginDelivery(database: Queryable, event_id: string): Promise<Delivery | null> {
	return callValue(database, "begin_delivery", "select public.begin_delivery($1) as value", [event_id]);
}

/** Records the try and, unless it was the last, has the next one made when it is due. */
export function recordDelivery(database: Queryable, result: DeliveryResult): Promise<WebhookEventStatus> {
	return callValue(database, "record_delivery", "select public.record_delivery($1, $2, $3, $4, $5, $6, $7) as value", [
		result.event_id,
		result.url,
		result.status_code,
		result.error,
		Math.round(result.duration_ms),
		result.response_bytes,
		result.retry_after_seconds,
	]);
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
