/** Cashfree's webhooks, versions 2022-09-01 to 2026-01-01. Docs: cashfree.com/docs api-reference/webhooks. */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { PspAccount, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";
import { disputeState, isDisputeEvent } from "./dispute.ts";
import { isSignedBy } from "./signature.ts";
import { paymentState, refundSchema, refundState, webhookPaymentSchema } from "./transform.ts";

/** cashfree docs api-reference/webhooks/reliability-and-operations: production, then its sandbox. */
export const webhookNetworks: readonly string[] = [
	"52.66.101.190/32",
	"3.109.102.144/32",
	"18.60.134.245/32",
	"18.60.183.142/32",
	"52.66.25.127/32",
	"15.206.45.168/32",
];

/**
 * How old a signed webhook may be. Cashfree sets no limit, and does not say whether a retry gets a new timestamp: if not,
 * the last of its retries (2, then 10, then 30 minutes) comes 42 minutes after the first try. An hour lets it through
 * with room for a queue. Within it a replay changes nothing: the event is known by its key, and what it says is only ever
 * the state of a payment that may have moved on. Retries that a merchant has set to come later than this are refused,
 * and the payment is found by looking it up.
 */
export const MAX_AGE_MS = 60 * 60_000;
/** For clocks that differ. */
const MAX_AHEAD_MS = 5 * 60_000;

const paymentEvents: ReadonlySet<string> = new Set([
	"PAYMENT_SUCCESS_WEBHOOK",
	"PAYMENT_FAILED_WEBHOOK",
	"PAYMENT_USER_DROPPED_WEBHOOK",
	"PAYMENT_CHARGES_WEBHOOK",
]);

/** The signature does not cover this header. */
const EVENT_ID = /^[\w+/=-]{8,128}$/;

const envelopeSchema = z.object({
	type: z.string().min(1).max(100),
	data: z.record(z.string(), z.unknown()).catch({}),
	event_time: z.string().nullish().catch(null),
});

export function verifyWebhook(account: PspAccount, request: WebhookRequest, now = Date.now()): WebhookVerification {
	const secret = account.webhook_secret ?? account.api_secret;
	if (!secret) return { valid: false, reason: "no secret is set for this gateway" };
	const signature = request.headers["x-webhook-signature"];
	const timestamp = request.headers["x-webhook-timestamp"];
	if (signature === undefined) return { valid: false, reason: "no x-webhook-signature header" };
	if (timestamp === undefined) return { valid: false, reason: "no x-webhook-timestamp header" };
	if (!isSignedBy(secret, timestamp, request.raw_body, signature)) {
		return { valid: false, reason: "x-webhook-signature does not match the timestamp and the body" };
	}
	const sent_at = readTimestamp(timestamp);
	if (sent_at === null) return { valid: false, reason: "x-webhook-timestamp is no time" };
	if (now - sent_at > MAX_AGE_MS) return { valid: false, reason: "x-webhook-timestamp is too long ago" };
	if (sent_at - now > MAX_AHEAD_MS) return { valid: false, reason: "x-webhook-timestamp is in the future" };
	const event_id = request.headers["x-idempotency-key"];
	return {
		valid: true,
		dedupe_key: event_id !== undefined && EVENT_ID.test(event_id) ? event_id : bodyKey(request.raw_body),
		event_type: readEnvelope(request)?.type ?? "unreadable",
		body_proven: true,
	};
}

export function parseWebhook(request: WebhookRequest): WebhookEvent {
	const envelope = readEnvelope(request);
	if (envelope === null) return { kind: "ignored", event_type: "unreadable" };
	const { type: event_type, data } = envelope;
	if (paymentEvents.has(event_type)) {
		const parsed = webhookPaymentSchema.safeParse(data);
		if (parsed.success) {
			const { order, payment, error_details, charges_details } = parsed.data;
			const whole = { ...payment, error_details: error_details ?? payment.error_details };
			return { kind: "payment", event_type, payment: paymentState(whole, order.order_id, charges_details) };
		}
	}
	if (event_type === "REFUND_STATUS_WEBHOOK" || event_type === "AUTO_REFUND_STATUS_WEBHOOK") {
		const parsed = refundSchema.safeParse(data.refund ?? data.auto_refund);
		if (parsed.success) return { kind: "refund", event_type, refund: refundState(parsed.data) };
	}
	if (isDisputeEvent(event_type)) {
		const dispute = disputeState(event_type, data, envelope.event_time ?? null);
		if (dispute !== null) return { kind: "dispute", event_type, dispute };
	}
	return { kind: "ignored", event_type };
}

/** Milliseconds; the oldest versions of the webhooks have seconds. */
function readTimestamp(value: string): number | null {
	if (!/^\d{10}(\d{3})?$/.test(value)) return null;
	return Number(value) * (value.length === 10 ? 1000 : 1);
}

/** Webhooks older than version 2025-01-01 have no key; equal bytes are the same event. */
function bodyKey(raw_body: Buffer): string {
	return `sha256:${createHash("sha256").update(raw_body).digest("hex")}`;
}

function readEnvelope(request: WebhookRequest): z.infer<typeof envelopeSchema> | null {
	try {
		return envelopeSchema.parse(JSON.parse(request.raw_body.toString("utf8")));
	} catch {
		return null;
	}
}
