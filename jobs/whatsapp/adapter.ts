/**
 * What every WhatsApp provider's adapter does. Stateless: tokens are handed in. An answer is accepted, refused or unknown:
 * refused means that the message was certainly not sent, and everything that is not certain is unknown.
 */
import type { WhatsappProvider, WhatsappResult, WhatsappStatusReport, WhatsappWork } from "../../db/client/whatsapp.ts";
import type { Exchange } from "../../psp/exchange.ts";

export interface WhatsappAdapter {
	provider: WhatsappProvider;
	/** Whom messages come from, for the studio. */
	sender: string;
	/** The provider stands on this machine. */
	is_sandbox: boolean;
	token: TokenSource;
	/** Never rejects. */
	send(token: string, message: WhatsappWork): Promise<SendAnswer>;
	/** What a webhook's body says; what is not understood is counted, not thrown. */
	readWebhook(raw_body: Buffer): WebhookContent;
}

export type SendAnswer = Omit<WhatsappResult, "latency_ms"> & {
	/** The token is not, or no longer, good: worth one renewal. */
	is_token_refused?: boolean;
};

export interface TokenSource {
	/** The one that the environment gives; null where each is asked for with other credentials. */
	initial: string | null;
	/** What `initial`, or those credentials, are: when this changes, the token kept is one of a former account. */
	identity: string;
	/** A token with less time left is renewed before it is used. */
	renew_before_seconds: number;
	/** Null: only a person can make another one. Never rejects; null as a result: refused, or no answer. */
	renew: ((token: string | null) => Promise<RenewedToken | null>) | null;
}

export interface RenewedToken {
	token: string;
	/** Null: it does not expire. */
	expires_in_seconds: number | null;
}

export interface WebhookContent {
	reports: WhatsappStatusReport[];
	/** What people wrote to us, as far as it is text. */
	answers: { from: string; text: string }[];
	/** Entries that were not understood. */
	unreadable: number;
}

/** What a provider's error code asks for. */
export interface ErrorRule {
	/** retry: soon; delay: after delay_seconds at least; stop: never. */
	action: "retry" | "delay" | "stop";
	/** The provider's faults count towards the circuit, those of our configuration raise an alert. */
	fault_of: "provider" | "configuration" | "recipient";
	delay_seconds?: number;
	/** Sends nothing to anybody for so long. */
	pause_seconds?: number;
}

/** A connection that never was has sent nothing; an answer that was lost leaves it open. */
export function withoutAnswer(exchange: Exclude<Exchange, { kind: "answered" }>): SendAnswer {
	const { reason: message } = exchange;
	return exchange.kind === "never_sent"
		? { outcome: "refused", action: "retry", fault_of: "provider", code: "no_connection", message }
		: { outcome: "unknown", fault_of: "provider", code: "no_answer", message };
}

const STOP = /^\s*(stop|unsubscribe|opt[ -]?out|बंद( करें)?|रोकें|रोको)\s*[.!]?\s*$/i;
const START = /^\s*(start|subscribe|शुरू( करें)?|चालू)\s*[.!]?\s*$/i;

/** Whether somebody who answered wants no more messages, or wants them again. */
export function readWish(text: string): "stop" | "start" | null {
	if (STOP.test(text)) return "stop";
	return START.test(text) ? "start" : null;
}
