import { createHash, createHmac } from "node:crypto";
import { randomAlphanumeric } from "../ids.ts";
import type { PayInstruction } from "../provider.ts";
import type { Account } from "../registry.ts";
import type { OutgoingWebhook, WebhookSender } from "../webhook-sender.ts";
import { merchantIdOf, orderView, refundView } from "./api-views.ts";
import type { Order, Payment, Refund } from "./store.ts";

export type PhonePeEvent =
	| { event: "checkout.order.completed" | "checkout.order.failed"; order: Order; payment: Payment | null }
	| { event: "checkout.transaction.attempt.failed"; order: Order; payment: Payment }
	| { event: "pg.refund.accepted" | "pg.refund.completed" | "pg.refund.failed"; refund: Refund };

type Manner = PayInstruction["webhook"];

const PLAIN_MANNER: Manner = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };

function payloadOf(account: Account, event: PhonePeEvent): unknown {
	const merchantId = merchantIdOf(account.api_key);
	if ("refund" in event) return { merchantId, ...refundView(event.refund) };
	const { order, payment } = event;
	return { merchantId, merchantOrderId: order.merchantOrderId, ...orderView(order, payment === null ? [] : [payment]) };
}

/**
 * The two ways that PhonePe's dashboard offers to prove a webhook. HMAC covers the body; the other is a header that is
 * always the same.
 */
function proofOf({ settings }: Account, secret: string, body: string): Record<string, string> {
	if (settings.webhook_mode === "basic") {
		const credentials = `${settings.webhook_username}:${secret}`;
		return { authorization: createHash("sha256").update(credentials).digest("hex") };
	}
	return {
		"x-phonepe-checksum-key-id": "1",
		"x-phonepe-checksum-signature": createHmac("sha256", secret).update(body).digest("hex"),
	};
}

/** Events are rendered at once, so that a later change of the order does not alter what is still to be sent. */
function render(account: Account, event: PhonePeEvent, secret: string): OutgoingWebhook {
	const type = event.event.toUpperCase().replaceAll(".", "_");
	const body = JSON.stringify({ event: event.event, type, payload: payloadOf(account, event) });
	return {
		service: "phonepe",
		// For the list of what was sent alone: PhonePe gives its events no id.
		event_id: randomAlphanumeric(14),
		event_type: event.event,
		url: account.webhook_url!,
		headers: { "content-type": "application/json", ...proofOf(account, secret, body) },
		body,
	};
}

/** Answers what will be sent; an account without URL or secret for webhooks is sent none. */
export function sendEvents(
	sender: WebhookSender,
	account: Account,
	events: PhonePeEvent[],
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	if (manner.skip || !account.webhook_url || !account.webhook_secret) return [];
	const secret = manner.forge ? randomAlphanumeric(20) : account.webhook_secret;
	const webhooks = events.map((event) => render(account, event, secret));
	if (manner.reorder) webhooks.reverse();
	const copies = webhooks.flatMap((webhook) => Array<OutgoingWebhook>(1 + manner.duplicate).fill(webhook));
	void sender.sendInOrder(copies, manner.delay_ms);
	return webhooks.map(({ event_type, event_id }) => ({ event: event_type, event_id }));
}
