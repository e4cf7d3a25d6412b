import type { PspAccount, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";

/** The addresses that the PSP publishes for its webhooks, as CIDR ranges. */
export const webhookNetworks: readonly string[] = [];

export function verifyWebhook(account: PspAccount, _request: WebhookRequest): WebhookVerification {
	if (!account.webhook_secret) return { valid: false, reason: "no webhook secret is set for this gateway" };
	return { valid: false, reason: "this provider's webhooks cannot be verified yet" };
}

export function parseWebhook(_request: WebhookRequest): WebhookEvent {
	return { kind: "ignored", event_type: "unreadable" };
}
