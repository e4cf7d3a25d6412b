import { Webhook } from "standardwebhooks";
import { z } from "zod";
import { type Delivery, parkDelivery, recordWebhookTestAnswer } from "../../db/client/deliveries.ts";
import { decryptSecret, type EncryptionKeys } from "../../db/client/secrets.ts";
import { storableText } from "../../db/client/storable-text.ts";
import { about } from "../job-scope.ts";
import { type OutboundAnswer, OutboundError } from "../outbound.ts";
import type { TaskContext } from "../task.ts";

/** An operator waits for what the endpoint answers to it; of other events' answers nothing is kept. */
const TEST_EVENT = "webhook.test";

export const payload = z.strictObject({ event_id: z.uuid() });

/**
 * Makes one try to deliver an event to its endpoint and records it. The record decides about the next try (a job of its
 * own, over some 75 hours), so whatever the endpoint did, this job is done. Where the endpoint has as many at a time as it
 * may, the event waits in the database, and not here in the place of another merchant's.
 */
export default async function deliverWebhook(
	{ event_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const delivery = await context.shared.beginDelivery(event_id);
	if (delivery === null) return;
	const place = context.gate.enter(delivery);
	if (place === null) return parkDelivery(context.database, event_id);
	try {
		await deliver(delivery, context);
	} finally {
		place.leave();
	}
}

async function deliver(delivery: Delivery, context: TaskContext): Promise<void> {
	const { event_id, transaction_id, client_id } = delivery;
	const log = about(context.log, { event_id, transaction_id, client_id });
	const secrets = openSecrets(context.keys, delivery);
	const started_at = performance.now();
	let answer: OutboundAnswer | null = null;
	let error: string | null = null;
	try {
		answer = await context.outbound.post(delivery.url, {
			headers: webhookHeaders(delivery, secrets, new Date()),
			body: delivery.body,
		});
	} catch (cause) {
		if (!(cause instanceof OutboundError)) throw cause;
		error = cause.message;
	}
	if (delivery.type === TEST_EVENT && answer !== null) {
		await recordWebhookTestAnswer(
			context.database,
			event_id,
			answer.content_type,
			storableText(answer.body_start.toString("utf8")),
		);
	}
	const outcome = answer === null ? "no_answer" : `${Math.floor(answer.status_code / 100)}xx`;
	context.metrics.deliveries.observe({ outcome }, (performance.now() - started_at) / 1000);
	const status = await context.shared.recordDelivery({
		event_id,
		url: delivery.url,
		status_code: answer?.status_code ?? null,
		error,
		duration_ms: performance.now() - started_at,
		response_bytes: answer?.response_bytes ?? 0,
		retry_after_seconds: answer?.retry_after_seconds ?? null,
	});
	log.debug(
		{
			endpoint_id: delivery.endpoint_id,
			status,
			status_code: answer?.status_code,
			error,
			try: delivery.attempt,
		},
		"webhook sent",
	);
}

/** The endpoint's secret, and for a while after a change the one before, so that the receiver may change when it suits. */
function openSecrets(keys: EncryptionKeys, delivery: Delivery): string[] {
	const row = delivery.endpoint_id;
	const where =
		row === delivery.client_id
			? { table: "clients", column: "webhook_secret", row }
			: { table: "webhook_endpoints", column: "secret", row };
	return [delivery.secret, delivery.previous_secret]
		.filter((stored) => stored !== null)
		.map((stored) => decryptSecret(keys, stored, where));
}

/**
 * Standard Webhooks: the event's id stays the same on every try, the timestamp is this try's. A receiver accepts when any
 * of the signatures fits its secret.
 */
function webhookHeaders(delivery: Delivery, secrets: string[], now: Date): Record<string, string> {
	return {
		"content-type": "application/json",
		"user-agent": "LightSpeedPay-Webhooks/1",
		"webhook-id": delivery.message_id,
		"webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
		"webhook-signature": secrets
			.map((secret) => new Webhook(secret).sign(delivery.message_id, now, delivery.body))
			.join(" "),
	};
}
