/** Stripe's webhooks. Docs: docs.stripe.com/webhooks, api/events/types. */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { PspAccount, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";
import { disputeState, isDisputeEvent } from "./dispute.ts";
import { isSignedBy, parseSignatureHeader, TOLERANCE_SECONDS } from "./signature.ts";
import {
	declinedLater,
	intentState,
	paymentIntentSchema,
	refundSchema,
	refundState,
	sessionSchema,
	sessionState,
} from "./transform.ts";

/** stripe.com/files/ips/ips_webhooks.txt */
export const webhookNetworks: readonly string[] = [
	"3.18.12.63/32",
	"3.69.109.8/32",
	"3.120.168.93/32",
	"3.130.192.231/32",
	"13.235.14.237/32",
	"13.235.122.149/32",
	"18.211.135.69/32",
	"35.154.171.200/32",
	"35.157.207.129/32",
	"52.15.183.38/32",
	"54.88.130.119/32",
	"54.88.130.237/32",
	"54.187.174.169/32",
	"54.187.205.235/32",
	"54.187.216.72/32",
];

const sessionEvents: ReadonlySet<string> = new Set([
	"checkout.session.completed",
	"checkout.session.async_payment_succeeded",
	"checkout.session.async_payment_failed",
	"checkout.session.expired",
]);
const intentEvents: ReadonlySet<string> = new Set([
	"payment_intent.amount_capturable_updated",
	"payment_intent.canceled",
	"payment_intent.payment_failed",
	"payment_intent.processing",
	"payment_intent.requires_action",
	"payment_intent.succeeded",
]);
/** charge.refunded is none of them: its charge says how much was refunded in all, not by which refund. */
const refundEvents: ReadonlySet<string> = new Set([
	"refund.created",
	"refund.updated",
	"refund.failed",
	"charge.refund.updated",
]);

const eventSchema = z.object({
	id: z.string().regex(/^[A-Za-z0-9_]{1,255}$/),
	type: z.string().min(1).max(100),
	created: z.int().nonnegative().nullish().catch(null),
	data: z.object({ object: z.unknown() }),
});

/**
 * Stripe signs every delivery anew, retries of an old event too, so that one older than the tolerance is a copy that
 * somebody kept and not a late retry. One from the future is only a clock of ours that is behind, and is taken: nobody
 * but the owner of the secret can have made it, and the event's id keeps it from counting twice.
 */
export function verifyWebhook(account: PspAccount, request: WebhookRequest): WebhookVerification {
	if (!account.webhook_secret) return { valid: false, reason: "no webhook secret is set for this gateway" };
	const header = request.headers["stripe-signature"];
	if (header === undefined) return { valid: false, reason: "no Stripe-Signature header" };
	const signature = parseSignatureHeader(header);
	if (signature === null) return { valid: false, reason: "Stripe-Signature has no time or no v1 signature" };
	if (!isSignedBy(account.webhook_secret, signature, request.raw_body)) {
		return { valid: false, reason: "Stripe-Signature does not match the body" };
	}
	if (Date.now() / 1000 - signature.timestamp > TOLERANCE_SECONDS) {
		return { valid: false, reason: `Stripe-Signature is older than ${TOLERANCE_SECONDS} seconds` };
	}
	const event = readEvent(request);
	return {
		valid: true,
		dedupe_key: event?.id ?? bodyKey(request.raw_body),
		event_type: event?.type ?? "unreadable",
		body_proven: true,
	};
}

export function parseWebhook(request: WebhookRequest): WebhookEvent {
	const event = readEvent(request);
	if (event === null) return { kind: "ignored", event_type: "unreadable" };
	const event_type = event.type;
	const { object } = event.data;
	if (sessionEvents.has(event_type)) {
		const session = sessionSchema.safeParse(object);
		if (session.success) {
			const failed_later = event_type === "checkout.session.async_payment_failed";
			const payment = failed_later ? declinedLater(session.data) : sessionState(session.data);
			return { kind: "payment", event_type, payment };
		}
	}
	if (intentEvents.has(event_type)) {
		const intent = paymentIntentSchema.safeParse(object);
		// Without our reference it is a payment that the merchant took by other means than us.
		if (intent.success && intent.data.metadata?.reference) {
			return { kind: "payment", event_type, payment: intentState(intent.data) };
		}
	}
	if (refundEvents.has(event_type)) {
		const refund = refundSchema.safeParse(object);
		if (refund.success) return { kind: "refund", event_type, refund: refundState(refund.data) };
	}
	if (isDisputeEvent(event_type)) {
		const dispute = disputeState(object, event.created ?? null);
		if (dispute !== null) return { kind: "dispute", event_type, dispute };
	}
	return { kind: "ignored", event_type };
}

/** Events have an id; were one unreadable, equal bytes are the same event. */
function bodyKey(raw_body: Buffer): string {
	return `sha256:${createHash("sha256").update(raw_body).digest("hex")}`;
}

function readEvent(request: WebhookRequest): z.infer<typeof eventSchema> | null {
	try {
		return eventSchema.parse(JSON.parse(request.raw_body.toString("utf8")));
	} catch {
		return null;
	}
}
