import { createHmac, randomUUID } from "node:crypto";
import type { OutgoingWebhook } from "../webhook-sender.ts";
import type { GupshupAccount, MetaAccount, WhatsappAccount } from "./accounts.ts";
import type { MessageStatus, WhatsappMessage } from "./store.ts";

export interface StatusChange {
	status: MessageStatus;
	code?: number | undefined;
	reason?: string | undefined;
	/** Signed with a secret that is not the account's. */
	forge?: boolean | undefined;
}

/** Null where the account wants no webhooks, or the provider tells nothing of this status. */
export function statusWebhook(
	account: WhatsappAccount,
	message: WhatsappMessage,
	change: StatusChange,
): OutgoingWebhook | null {
	if (!account.webhook_url) return null;
	if (account.provider === "gupshup")
		return gupshupWebhook(account, gupshupStatus(account, message, change), change.status);
	if (change.status === "accepted") return null;
	return metaWebhook(account, { statuses: [metaStatus(message, change)] }, change.status, change.forge);
}

/** Somebody answers a message. */
export function answerWebhook(account: WhatsappAccount, from: string, text: string): OutgoingWebhook | null {
	if (!account.webhook_url) return null;
	if (account.provider === "gupshup") {
		const payload = { id: randomUUID(), source: from, type: "text", payload: { text }, sender: { phone: from } };
		const body = { app: account.app_name, timestamp: Date.now(), version: 2, type: "message", payload };
		return gupshupWebhook(account, body, "answer");
	}
	const id = `wamid.${randomUUID()}`;
	const messages = [{ from, id, timestamp: seconds(), type: "text", text: { body: text } }];
	return metaWebhook(account, { messages }, "answer");
}

const seconds = () => String(Math.floor(Date.now() / 1000));

function metaStatus({ id, recipient, reference }: WhatsappMessage, { status, code, reason }: StatusChange): object {
	return {
		id,
		status,
		timestamp: seconds(),
		recipient_id: recipient,
		...(reference !== null && { biz_opaque_callback_data: reference }),
		...(status === "sent" && {
			pricing: { billable: true, pricing_model: "PMP", type: "regular", category: "utility" },
		}),
		...(status === "failed" && {
			errors: [
				{
					code,
					title: reason,
					message: reason,
					error_data: { details: reason },
					href: "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
				},
			],
		}),
	};
}

function metaWebhook(account: MetaAccount, content: object, event: string, forge = false): OutgoingWebhook {
	const { phone_number_id, app_secret, webhook_url } = account;
	const body = JSON.stringify({
		object: "whatsapp_business_account",
		entry: [
			{
				id: `waba_${account.app_id}`,
				changes: [
					{
						field: "messages",
						value: {
							messaging_product: "whatsapp",
							metadata: { display_phone_number: phone_number_id, phone_number_id },
							...content,
						},
					},
				],
			},
		],
	});
	const signature = createHmac("sha256", forge ? `${app_secret} forged` : app_secret)
		.update(body)
		.digest("hex");
	return {
		service: "meta",
		event_id: randomUUID(),
		event_type: event,
		url: webhook_url!,
		headers: { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` },
		body,
	};
}

function gupshupStatus(
	{ app_name }: GupshupAccount,
	{ id, recipient }: WhatsappMessage,
	{ status, code, reason }: StatusChange,
): object {
	const is_first = status === "accepted";
	return {
		app: app_name,
		timestamp: Date.now(),
		version: 2,
		type: "message-event",
		payload: {
			// Before it is on its way a message has Gupshup's id alone.
			id: is_first || status === "failed" ? id : `gBEG${id.replaceAll("-", "").slice(0, 20)}`,
			...(!is_first && { gsId: id }),
			type: is_first ? "enqueued" : status,
			destination: recipient,
			payload: status === "failed" ? { code, reason } : { ts: Math.floor(Date.now() / 1000) },
		},
	};
}

function gupshupWebhook(account: GupshupAccount, body: object, event: string): OutgoingWebhook {
	return {
		service: "gupshup",
		event_id: randomUUID(),
		event_type: event,
		url: account.webhook_url!,
		headers: { "content-type": "application/json" },
		body: JSON.stringify(body),
	};
}
