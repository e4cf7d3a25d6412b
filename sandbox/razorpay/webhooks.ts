import { createHash, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { type Dispute, unixSeconds } from "../disputes.ts";
import { randomAlphanumeric } from "../ids.ts";
import type { PayInstruction } from "../provider.ts";
import type { Account } from "../registry.ts";
import type { OutgoingWebhook, WebhookSender } from "../webhook-sender.ts";
import { type Order, type Payment, type Refund, type Transfer, unixNow } from "./store.ts";

export interface RazorpayEvent {
	event: string;
	payment?: Payment;
	order?: Order;
	refund?: Refund;
	transfer?: Transfer;
	dispute?: RazorpayDispute;
	created_at?: number;
}

export type RazorpayDispute = ReturnType<typeof disputeEntity>;

/** What a bank takes for a dispute is taken when it is lost. */
export function disputeEntity({ number, payment_id, amount, currency, phase, state, opened_at, respond_by }: Dispute) {
	return {
		id: `disp_${number}`,
		entity: "dispute",
		payment_id,
		amount,
		currency,
		amount_deducted: state === "lost" ? amount : 0,
		reason_code: "10.4",
		respond_by: unixSeconds(respond_by),
		status: state === "opened" ? "open" : state,
		phase,
		created_at: unixSeconds(opened_at),
	};
}

type Manner = PayInstruction["webhook"];

export const PLAIN_MANNER: Manner = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };

interface Sender {
	/** Every account has an id of its own besides its key. */
	id: string;
	/** Made once: Node makes a key of a text for each use of it, which takes longer than the use. */
	key: KeyObject;
}

const senders = new WeakMap<Account, Sender>();

/** An account whose settings change is another object. */
function senderOf(account: Account): Sender {
	let sender = senders.get(account);
	if (sender === undefined) {
		const hash = createHash("sha256").update(account.api_key).digest("hex");
		sender = { id: `acc_${hash.slice(0, 14)}`, key: keyOf(account.webhook_secret!) };
		senders.set(account, sender);
	}
	return sender;
}

const keyOf = (secret: string) => createSecretKey(Buffer.from(secret));

/** Events are rendered at once, so that a later change of the payment does not alter what is still to be sent. */
function render(
	account: Account,
	{ event, payment, order, refund, dispute, transfer, created_at }: RazorpayEvent,
	key: KeyObject,
): OutgoingWebhook {
	const entities = {
		...(refund && { refund }),
		...(payment && { payment }),
		...(order && { order }),
		...(dispute && { dispute }),
		...(transfer && { transfer }),
	};
	const body = JSON.stringify({
		entity: "event",
		account_id: senderOf(account).id,
		event,
		contains: Object.keys(entities),
		payload: Object.fromEntries(Object.entries(entities).map(([name, entity]) => [name, { entity }])),
		created_at: created_at ?? unixNow(),
	});
	const eventId = randomAlphanumeric(14);
	return {
		service: "razorpay",
		event_id: eventId,
		event_type: event,
		url: account.webhook_url!,
		headers: {
			"content-type": "application/json",
			"user-agent": "Razorpay-Webhook/v1",
			"x-razorpay-event-id": eventId,
			"x-razorpay-signature": createHmac("sha256", key).update(body).digest("hex"),
		},
		body,
	};
}

/** Answers what will be sent; an account without URL or secret for webhooks is sent none. */
export function sendEvents(
	sender: WebhookSender,
	account: Account,
	events: RazorpayEvent[],
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	if (manner.skip || !account.webhook_url || !account.webhook_secret) return [];
	const key = manner.forge ? keyOf(randomAlphanumeric(20)) : senderOf(account).key;
	const { webhook_events } = account.settings;
	const wanted = Array.isArray(webhook_events) ? events.filter(({ event }) => webhook_events.includes(event)) : events;
	const webhooks = wanted.map((event) => render(account, event, key));
	if (manner.reorder) webhooks.reverse();
	const copies = webhooks.flatMap((webhook) => Array<OutgoingWebhook>(1 + manner.duplicate).fill(webhook));
	void sender.sendInOrder(copies, manner.delay_ms);
	return webhooks.map(({ event_type, event_id }) => ({ event: event_type, event_id }));
}
