/** PhonePe's webhooks. Docs: standard-checkout api-reference/webhook. */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { PspAccount, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";
import { readSettings } from "./settings.ts";
import { orderSchema, orderState, refundSchema, refundState } from "./transform.ts";

/** The addresses and ranges of the same page. */
export const webhookNetworks: readonly string[] = [
	"103.116.32.16/29",
	"103.116.32.24/30",
	"103.116.32.28/31",
	"103.116.33.8/30",
	"103.116.33.136/30",
	"103.116.34.1/32",
	"103.116.34.16/29",
	"103.243.35.242/32",
];

/** Events of PhonePe's own page, and of payments made elsewhere through the same account. */
const paymentEvents: ReadonlySet<string> = new Set([
	"checkout.order.completed",
	"checkout.order.failed",
	"checkout.transaction.attempt.failed",
	"pg.order.completed",
	"pg.order.failed",
	"pg.transaction.attempt.failed",
	"pg.transaction.failed",
]);
const refundEvents: ReadonlySet<string> = new Set(["pg.refund.accepted", "pg.refund.completed", "pg.refund.failed"]);

const envelopeSchema = z.object({ event: z.string().min(1).max(100), payload: z.record(z.string(), z.unknown()) });
/** PhonePe's samples of some refunds have no envelope. */
const bareRefundSchema = z.looseObject({ refundId: z.string().min(1), originalMerchantOrderId: z.string() });

/** To tell one event from the next there is nothing but these: PhonePe sends no id of an event. */
const subjectSchema = z.object({
	refundId: z.string().nullish().catch(null),
	merchantRefundId: z.string().nullish().catch(null),
	orderId: z.string().nullish().catch(null),
	state: z.string().nullish().catch(null),
});

export function verifyWebhook(account: PspAccount, request: WebhookRequest): WebhookVerification {
	if (!account.webhook_secret) return { valid: false, reason: "no webhook secret is set for this gateway" };
	const read = readSettings(account);
	if (!read.usable) return { valid: false, reason: read.reason };
	const { webhook_mode, webhook_username } = read.settings;
	if (webhook_mode === "hmac") {
		const signature = request.headers["x-phonepe-checksum-signature"];
		if (signature === undefined) return { valid: false, reason: "no X-PhonePe-Checksum-Signature header" };
		const expected = createHmac("sha256", account.webhook_secret).update(request.raw_body).digest("hex");
		return equal(signature, expected)
			? accepted(request, true)
			: { valid: false, reason: "X-PhonePe-Checksum-Signature does not match the body" };
	}
	if (webhook_username === undefined) return { valid: false, reason: "settings.webhook_username is not set" };
	const authorization = request.headers.authorization;
	if (authorization === undefined) return { valid: false, reason: "no Authorization header" };
	const expected = createHash("sha256").update(`${webhook_username}:${account.webhook_secret}`).digest("hex");
	return equal(authorization, expected)
		? accepted(request, false)
		: { valid: false, reason: "Authorization is not that of the webhook's user name and password" };
}

function accepted(request: WebhookRequest, body_proven: boolean): WebhookVerification {
	const envelope = readEnvelope(request);
	return {
		valid: true,
		dedupe_key: dedupeKey(request.raw_body, envelope),
		event_type: envelope?.event ?? "unreadable",
		body_proven,
	};
}

/** The digest keeps apart what happens to one thing more than once, such as two payments of an order that failed. */
function dedupeKey(raw_body: Buffer, envelope: z.infer<typeof envelopeSchema> | null): string {
	const digest = createHash("sha256").update(raw_body).digest("hex").slice(0, 32);
	if (envelope === null) return `unreadable:${digest}`;
	const { refundId, merchantRefundId, orderId, state } = subjectSchema.parse(envelope.payload);
	const subject = refundId || merchantRefundId || orderId || "";
	return [envelope.event, subject.slice(0, 64), state?.slice(0, 20) ?? "", digest].join(":");
}

export function parseWebhook(request: WebhookRequest): WebhookEvent {
	const envelope = readEnvelope(request);
	if (envelope === null) return { kind: "ignored", event_type: "unreadable" };
	const { event: event_type, payload } = envelope;
	if (paymentEvents.has(event_type)) {
		const order = orderSchema.safeParse(payload);
		if (order.success) {
			return { kind: "payment", event_type, payment: orderState(order.data, order.data.merchantOrderId || null) };
		}
	}
	if (refundEvents.has(event_type)) {
		const refund = refundSchema.safeParse(payload);
		if (refund.success) {
			const nothing = { reference: null, psp_refund_id: null, psp_payment_id: null };
			return { kind: "refund", event_type, refund: refundState(refund.data, nothing) };
		}
	}
	return { kind: "ignored", event_type };
}

function readEnvelope({ raw_body }: WebhookRequest): z.infer<typeof envelopeSchema> | null {
	let body: unknown;
	try {
		body = JSON.parse(raw_body.toString("utf8"));
	} catch {
		return null;
	}
	const envelope = envelopeSchema.safeParse(body);
	if (envelope.success) return envelope.data;
	const refund = bareRefundSchema.safeParse(body);
	if (!refund.success || "event" in refund.data) return null;
	const state = typeof refund.data.state === "string" ? refund.data.state.toLowerCase() : "";
	return { event: `pg.refund.${state.slice(0, 20)}`, payload: refund.data };
}

function equal(given: string, expected: string): boolean {
	const [a, b] = [Buffer.from(given), Buffer.from(expected)];
	return a.length === b.length && timingSafeEqual(a, b);
}
