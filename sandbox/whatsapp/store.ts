import { randomUUID } from "node:crypto";
import { z } from "zod";
import { randomAlphanumeric } from "../ids.ts";
import { Ring } from "../ring.ts";
import type { GupshupAccount, MetaAccount, WhatsappAccount, WhatsappService } from "./accounts.ts";

export const MESSAGE_STATUSES = ["accepted", "sent", "delivered", "read", "failed"] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export interface WhatsappMessage {
	id: string;
	provider: WhatsappService;
	recipient: string;
	template: string;
	language: string;
	parameters: string[];
	/** As its reader sees it. */
	text: string;
	/** biz_opaque_callback_data. */
	reference: string | null;
	status: MessageStatus;
	received_at: string;
}

/** What becomes of the next messages that fit. */
export const outcomeSchema = z.strictObject({
	provider: z.enum(["meta", "gupshup"]),
	recipient: z.string().min(1).optional(),
	/** A code of the provider, e.g. 131026 at Meta; at Gupshup an answer has none, only a webhook. */
	code: z.int(),
	/** answer: the call is refused; webhook: it is accepted, and fails afterwards. */
	at: z.enum(["answer", "webhook"]).default("answer"),
	http_status: z.int().min(400).max(599).default(400),
	message: z.string().min(1).max(200).default("The sandbox was told to refuse this"),
	retry_after: z.int().min(0).max(86_400).optional(),
	times: z.int().min(1).max(100_000).default(1),
});
export type Outcome = z.output<typeof outcomeSchema>;

const MAX_MESSAGES = 5_000;
/** What Meta says of a token made with set_token_expires_in_60_days. */
export const META_TOKEN_SECONDS = 60 * 86_400;

/** Accounts, their tokens, and what was sent through them; in memory. */
export class WhatsappStore {
	readonly #accounts = new Map<WhatsappService, WhatsappAccount>();
	readonly #tokens = new Map<WhatsappService, Set<string>>();
	readonly #sessions = new Set<string>();
	readonly #messages = new Ring<WhatsappMessage>(MAX_MESSAGES);
	#outcomes: (Outcome & { used: number })[] = [];

	putAccount(account: WhatsappAccount): void {
		this.#accounts.set(account.provider, account);
		const tokens = this.#tokens.get(account.provider) ?? new Set();
		const first = account.provider === "meta" ? account.token : account.api_key;
		if (first) tokens.add(first);
		this.#tokens.set(account.provider, tokens);
	}

	account(provider: "meta"): MetaAccount | undefined;
	account(provider: "gupshup"): GupshupAccount | undefined;
	account(provider: WhatsappService): WhatsappAccount | undefined;
	account(provider: WhatsappService): WhatsappAccount | undefined {
		return this.#accounts.get(provider);
	}

	accounts(): WhatsappAccount[] {
		return [...this.#accounts.values()];
	}

	isGood(provider: WhatsappService, token: string): boolean {
		return this.#tokens.get(provider)?.has(token) ?? false;
	}

	issueToken(provider: WhatsappService): string {
		const token = provider === "meta" ? `EAA${randomAlphanumeric(60)}` : `sk_${randomAlphanumeric(32)}`;
		const tokens = this.#tokens.get(provider) ?? new Set();
		this.#tokens.set(provider, tokens.add(token));
		return token;
	}

	/** From now on every token of before is answered with 401. */
	expireTokens(provider: WhatsappService): void {
		this.#tokens.set(provider, new Set());
	}

	openSession(): string {
		const session = `pt_${randomAlphanumeric(32)}`;
		this.#sessions.add(session);
		return session;
	}

	hasSession(session: string): boolean {
		return this.#sessions.has(session);
	}

	keep(message: Omit<WhatsappMessage, "id" | "status" | "received_at">): WhatsappMessage {
		const kept: WhatsappMessage = {
			id: message.provider === "meta" ? `wamid.${randomAlphanumeric(40)}` : randomUUID(),
			status: "accepted",
			received_at: new Date().toISOString(),
			...message,
		};
		this.#messages.push(kept);
		return kept;
	}

	/** Oldest first. */
	messages(): WhatsappMessage[] {
		return this.#messages.list();
	}

	find(id: string): WhatsappMessage | undefined {
		return this.#messages.list().find((message) => message.id === id);
	}

	clear(): void {
		this.#messages.clear();
		this.#outcomes = [];
	}

	order(outcome: Outcome): void {
		this.#outcomes.push({ ...outcome, used: 0 });
	}

	takeOutcome(provider: WhatsappService, recipient: string): Outcome | null {
		const found = this.#outcomes.find(
			(outcome) =>
				outcome.provider === provider && (outcome.recipient === undefined || outcome.recipient === recipient),
		);
		if (found === undefined) return null;
		found.used += 1;
		this.#outcomes = this.#outcomes.filter(({ used, times }) => used < times);
		return found;
	}
}

/** The template's text with the parameters in the places of {{1}}, {{2}} … */
export function fillIn(body: string, parameters: string[]): string {
	return body.replaceAll(/\{\{(\d+)\}\}/g, (place, position) => parameters[Number(position) - 1] ?? place);
}
