/** Razorpay's webhooks. Docs: webhooks/{validate-test,best-practices,payments,refunds,orders,route}. */

import { createHash } from "node:crypto";
import { z } from "zod";
import type { PspAccount, TransferReport, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { disputeState, isDisputeEvent } from "./dispute.ts";
import { isSignedBy } from "./signature.ts";
import {
	orderSchema,
	paymentSchema,
	paymentState,
	refundSchema,
	refundState,
	toldTransferSchema,
	transferReport,
} from "./transform.ts";

/** razorpay docs security/whitelists (production). */
export const webhookNetworks: readonly string[] = [
	"52.66.75.174/32",
	"52.66.76.63/32",
	"52.66.151.218/32",
	"35.154.217.40/32",
	"35.154.22.73/32",
	"35.154.143.15/32",
	"13.126.199.247/32",
	"13.126.238.192/32",
	"13.232.194.134/32",
	"18.96.225.0/26",
	"18.99.161.0/26",
];

const paymentEvents: ReadonlySet<string> = new Set([
	"payment.authorized",
	"payment.captured",
	"payment.failed",
	"order.paid",
]);
const refundEvents: ReadonlySet<string> = new Set([
	"refund.created",
	"refund.processed",
	"refund.failed",
	"refund.speed_changed",
]);
/** Razorpay has none of a transfer that was reversed. */
const transferOutcomes: Readonly<Record<string, TransferReport["outcome"]>> = {
	"transfer.processed": "succeeded",
	"transfer.failed": "failed",
};

/** The signature does not cover this header. */
const EVENT_ID = /^[\w-]{1,128}$/;

const envelopeSchema = z.object({
	event: z.string().min(1).max(100),
	payload: z.record(z.string(), z.unknown()).catch({}),
	created_at: z.int().nonnegative().nullish().catch(null),
});

export function verifyWebhook(account: PspAccount, request: WebhookRequest): WebhookVerification {
	if (!account.webhook_secret) return { valid: false, reason: "no webhook secret is set for this gateway" };
	const signature = request.headers["x-razorpay-signature"];
	if (signature === undefined) return { valid: false, reason: "no X-Razorpay-Signature header" };
	if (!isSignedBy(account.webhook_secret, request.raw_body, signature)) {
		return { valid: false, reason: "X-Razorpay-Signature does not match the body" };
	}
	const event_id = request.headers["x-razorpay-event-id"];
	return {
		valid: true,
		dedupe_key: event_id !== undefined && EVENT_ID.test(event_id) ? event_id : bodyKey(request.raw_body),
		event_type: readEnvelope(request)?.event ?? "unreadable",
		body_proven: true,
	};
}

export function parseWebhook(request: WebhookRequest): WebhookEvent {
	const envelope = readEnvelope(request);
	if (envelope === null) return { kind: "ignored", event_type: "unreadable" };
	const event_type = envelope.event;
	if (paymentEvents.has(event_type)) {
		const payment = readEntity(envelope.payload.payment, paymentSchema);
		const order = readEntity(envelope.payload.order, orderSchema);
		if (payment !== null) return { kind: "payment", event_type, payment: paymentState(payment, order) };
	}
	if (refundEvents.has(event_type)) {
		const refund = readEntity(envelope.payload.refund, refundSchema);
		if (refund !== null) return { kind: "refund", event_type, refund: refundState(refund) };
	}
	if (isDisputeEvent(event_type)) {
		const { dispute, payment } = envelope.payload;
		const entities = { dispute: entityOf(dispute), payment: entityOf(payment) };
		const state = disputeState(event_type, entities, envelope.created_at ?? null);
		if (state !== null) return { kind: "dispute", event_type, dispute: state };
	}
	const outcome = entryOf(transferOutcomes, event_type);
	if (outcome !== undefined) {
		const transfer = readEntity(envelope.payload.transfer, toldTransferSchema);
		if (transfer !== null) {
			return { kind: "transfer", event_type, transfer: transferReport(outcome, transfer, envelope.created_at ?? null) };
		}
	}
	return { kind: "ignored", event_type };
}

/** Razorpay always sends an event id; were it missing or no such id, equal bytes are the same event. */
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

function readEntity<Schema extends z.ZodType>(part: unknown, schema: Schema): z.infer<Schema> | null {
	const parsed = schema.safeParse(entityOf(part));
	return parsed.success ? parsed.data : null;
}

function entityOf(part: unknown): unknown {
	return (part as { entity?: unknown } | null | undefined)?.entity;
}
