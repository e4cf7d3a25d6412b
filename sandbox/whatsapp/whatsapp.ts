import { type Response, Router } from "express";
import { z } from "zod";
import { sendPage } from "../page.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { createGupshupApi } from "./gupshup.ts";
import { createMetaApi, metaError } from "./meta.ts";
import { messagesPage } from "./page.ts";
import { MESSAGE_STATUSES, type Outcome, type WhatsappMessage, WhatsappStore } from "./store.ts";
import { answerWebhook, type StatusChange, statusWebhook } from "./webhooks.ts";

export const statusInstructionSchema = z.strictObject({
	message: z.string().min(1),
	status: z.enum(MESSAGE_STATUSES),
	code: z.int().default(131026),
	reason: z.string().min(1).max(200).default("Message undeliverable"),
	duplicate: z.int().min(0).max(1_000).default(0),
	forge: z.boolean().default(false),
});

const SHOWN = 50;

/** Two providers of WhatsApp messages, and the phones that receive them. */
export class Whatsapp {
	readonly store = new WhatsappStore();
	readonly services: { name: string; router: Router; errorBody: (status: number) => unknown }[];
	readonly pages = Router();
	readonly #sender: WebhookSender;

	constructor(sender: WebhookSender) {
		this.#sender = sender;
		const accept = (message: WhatsappMessage, outcome: Outcome | null) => this.#accept(message, outcome);
		this.services = [
			{
				name: "meta",
				router: createMetaApi(this.store, accept),
				errorBody: (status) =>
					status === 429 ? metaError(130429, "Rate limit hit") : metaError(131000, "Something went wrong"),
			},
			{
				name: "gupshup",
				router: createGupshupApi(this.store, accept),
				errorBody: (status) => ({
					status: "error",
					message: status === 429 ? "Too Many Requests" : "Internal Server Error",
				}),
			},
		];
		this.pages.get("/", (_req, res) => {
			sendPage(res, 200, messagesPage(this.store.messages().slice(-SHOWN).reverse()));
		});
		this.pages.post("/:id", (req, res) => this.#act(req.params.id, readAct(req.body), res));
	}

	/** What the provider tells of a message; resolves when its webhooks were tried. */
	async change(message: WhatsappMessage, changes: StatusChange[], duplicate = 0): Promise<void> {
		const account = this.store.account(message.provider);
		for (const { status } of changes) message.status = status;
		if (account === undefined) return;
		const webhooks = changes
			.map((change) => statusWebhook(account, message, change))
			.filter((webhook) => webhook !== null)
			.flatMap((webhook) => Array.from({ length: 1 + duplicate }, () => webhook));
		await this.#sender.sendInOrder(webhooks);
	}

	async answer(message: WhatsappMessage, text: string): Promise<void> {
		const account = this.store.account(message.provider);
		const webhook = account && answerWebhook(account, message.recipient, text);
		if (webhook) await this.#sender.sendInOrder([webhook]);
	}

	/** Meta's test of a webhook address: whether it gives the challenge back. */
	async verifyAddress(challenge: string): Promise<boolean> {
		const account = this.store.account("meta");
		if (!account?.webhook_url || !account.verify_token) return false;
		const url = new URL(account.webhook_url);
		url.search = new URLSearchParams({
			"hub.mode": "subscribe",
			"hub.verify_token": account.verify_token,
			"hub.challenge": challenge,
		}).toString();
		const response = await fetch(url, { redirect: "manual" });
		return response.ok && (await response.text()) === challenge;
	}

	#accept(message: WhatsappMessage, outcome: Outcome | null): void {
		const first: StatusChange[] = message.provider === "gupshup" ? [{ status: "accepted" }] : [];
		if (outcome !== null) {
			void this.change(message, [...first, { status: "failed", code: outcome.code, reason: outcome.message }]);
		} else if (this.store.account(message.provider)?.statuses === "automatic") {
			void this.change(message, [...first, { status: "sent" }, { status: "delivered" }]);
		}
	}

	#act(id: string, act: string | null, res: Response): void {
		const message = this.store.find(id);
		if (message !== undefined) {
			if (act === "stop") void this.answer(message, "STOP");
			else if (act === "read") void this.change(message, [{ status: "read" }]);
			else if (act === "failed") {
				void this.change(message, [{ status: "failed", code: 131026, reason: "Message undeliverable" }]);
			}
		}
		res.redirect(303, "/whatsapp");
	}
}

function readAct(body: unknown): string | null {
	return new URLSearchParams(Buffer.isBuffer(body) ? body.toString("utf8") : "").get("act");
}
