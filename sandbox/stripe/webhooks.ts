import { createHmac } from "node:crypto";
import { randomAlphanumeric } from "../ids.ts";
import type { PayInstruction } from "../provider.ts";
import type { Account } from "../registry.ts";
import type { OutgoingWebhook, WebhookSender } from "../webhook-sender.ts";
import { type StripeObject, unixNow } from "./store.ts";

export const API_VERSION = "2026-10-28.endive";

export interface StripeEvent {
	type: string;
	/** A snapshot: an event shows the state that it is about. */
	object: StripeObject;
	created?: number;
}

type Manner = PayInstruction["webhook"];

const PLAIN_MANNER: Manner = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };

/** The secret as it is written, whsec_ included; the time is that of the try. */
function signatureOf(secret: string, body: string): string {
	const timestamp = unixNow();
	return `t=${timestamp},v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

function render(account: Account, { type, object, created }: StripeEvent, secret: string): OutgoingWebhook {
	const id = `evt_${randomAlphanumeric(24)}`;
	const body = JSON.stringify(
		{
			id,
			object: "event",
			api_version: API_VERSION,
			created: created ?? unixNow(),
			data: { object },
			livemode: false,
			pending_webhooks: 1,
			request: { id: null, idempotency_key: null },
			type,
		},
		null,
		2,
	);
	return {
		service: "stripe",
		event_id: id,
		event_type: type,
		url: account.webhook_url!,
		headers: () => ({
			"content-type": "application/json; charset=utf-8",
			"user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
			"stripe-signature": signatureOf(secret, body),
		}),
		body,
	};
}

/** Answers what will be sent; an account without URL or secret for webhooks is sent none. */
export function sendEvents(
	sender: WebhookSender,
	account: Account,
	events: StripeEvent[],
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	if (manner.skip || !account.webhook_url || !account.webhook_secret) return [];
	const secret = manner.forge ? `whsec_${randomAlphanumeric(32)}` : account.webhook_secret;
	const webhooks = events.map((event) => render(account, event, secret));
	if (manner.reorder) webhooks.reverse();
	const copies = webhooks.flatMap((webhook) => Array<OutgoingWebhook>(1 + manner.duplicate).fill(webhook));
	void sender.sendInOrder(copies, manner.delay_ms);
	return webhooks.map(({ event_type, event_id }) => ({ event: event_type, event_id }));
}
