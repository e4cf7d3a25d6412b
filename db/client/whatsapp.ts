import { callRows, callValue, type Queryable } from "./call.ts";

export type WhatsappProvider = "meta" | "gupshup";

/** A message to be sent now, by the attempt that was noted for it. */
export interface WhatsappWork {
	id: string;
	/** 1 on the first try. */
	attempt: number;
	/** International, digits only. */
	recipient: string;
	/** What the template is called at the provider. */
	template: string;
	language: "en" | "hi";
	parameters: string[];
}

export interface WhatsappResult {
	outcome: "accepted" | "refused" | "unknown";
	provider_message_id?: string | null;
	/** What a refusal asks for. */
	action?: "retry" | "delay" | "stop";
	fault_of?: "provider" | "configuration" | "recipient";
	/** At least so long until the next try. */
	delay_seconds?: number;
	/** Nothing is sent to anybody for so long. */
	pause_seconds?: number;
	http_status?: number | null;
	code?: string | null;
	message?: string | null;
	latency_ms: number;
}

export type WhatsappStatus =
	| "queued"
	| "sending"
	| "accepted"
	| "sent"
	| "delivered"
	| "read"
	| "failed"
	| "unknown"
	| "skipped";

/** What the provider's webhook tells of a message. */
export interface WhatsappStatusReport {
	message_id: string;
	/** Our id of it, where the provider gives it back. */
	reference: string | null;
	status: "accepted" | "sent" | "delivered" | "read" | "failed";
	/** Seconds since 1970. */
	at: number | null;
	recipient: string;
	code?: string;
	message?: string;
	action?: "retry" | "delay" | "stop";
	delay_seconds?: number;
}

/** Null when nothing is to be sent now. */
export function beginWhatsapp(
	database: Queryable,
	notification_id: string,
	provider: WhatsappProvider | null,
): Promise<WhatsappWork | null> {
	return callValue(database, "begin_whatsapp", "select public.begin_whatsapp($1, $2) as value", [
		notification_id,
		provider,
	]);
}

export function recordWhatsappAttempt(
	database: Queryable,
	notification_id: string,
	result: WhatsappResult,
): Promise<WhatsappStatus> {
	return callValue(database, "record_whatsapp_attempt", "select public.record_whatsapp_attempt($1, $2) as value", [
		notification_id,
		JSON.stringify(result),
	]);
}

/** Durable when it resolves; false for a repetition. */
export function acceptWhatsappEvent(
	database: Queryable,
	provider: WhatsappProvider,
	dedupe_key: string,
	raw_body: Buffer,
): Promise<boolean> {
	return callValue(database, "accept_whatsapp_event", "select public.accept_whatsapp_event($1, $2, $3) as value", [
		provider,
		dedupe_key,
		raw_body,
	]);
}

/** Null when it was read before. */
export async function readWhatsappEvent(
	database: Queryable,
	event_id: string,
): Promise<{ provider: WhatsappProvider; raw_body: Buffer } | null> {
	const event = await callValue<{ provider: WhatsappProvider; raw_body: string } | null>(
		database,
		"read_whatsapp_event",
		"select public.read_whatsapp_event($1) as value",
		[event_id],
	);
	return event && { provider: event.provider, raw_body: Buffer.from(event.raw_body, "base64") };
}

export async function closeWhatsappEvent(database: Queryable, event_id: string, error: string | null): Promise<void> {
	await callRows(database, "close_whatsapp_event", "select public.close_whatsapp_event($1, $2)", [event_id, error]);
}

export function recordWhatsappStatus(
	database: Queryable,
	provider: WhatsappProvider,
	report: WhatsappStatusReport,
): Promise<"applied" | "unchanged" | "no_message" | "too_early"> {
	return callValue(database, "record_whatsapp_status", "select public.record_whatsapp_status($1, $2) as value", [
		provider,
		JSON.stringify(report),
	]);
}

/** Returns how many merchants that changed. */
export function answerWhatsappStop(database: Queryable, recipient: string, stop: boolean): Promise<number> {
	return callValue(database, "answer_whatsapp_stop", "select public.answer_whatsapp_stop($1, $2) as value", [
		recipient,
		stop,
	]);
}

/** Tells the studio what this worker's environment says. */
export async function configureWhatsapp(
	database: Queryable,
	provider: WhatsappProvider | null,
	sender: string | null,
	is_sandbox: boolean,
): Promise<void> {
	await callRows(database, "configure_whatsapp", "select public.configure_whatsapp($1, $2, $3)", [
		provider,
		sender,
		is_sandbox,
	]);
}

export interface StoredWhatsappToken {
	id: string;
	/** Ciphertext. */
	token: string;
	origin: string;
	generation: number;
	/** Null: it does not expire, or not that anybody knows. */
	expires_in_seconds: number | null;
}

export function readWhatsappToken(
	database: Queryable,
	provider: WhatsappProvider,
): Promise<StoredWhatsappToken | null> {
	return callValue(database, "read_whatsapp_token", "select public.read_whatsapp_token($1) as value", [provider]);
}

/** False when another worker was first. `generation` is that of the token it replaces, 0 for none. */
export function saveWhatsappToken(
	database: Queryable,
	provider: WhatsappProvider,
	{ id, token, origin, generation, expires_in_seconds }: StoredWhatsappToken,
): Promise<boolean> {
	return callValue(
		database,
		"save_whatsapp_token",
		"select public.save_whatsapp_token($1, $2, $3, $4, $5, $6) as value",
		[provider, id, token, origin, expires_in_seconds, generation],
	);
}

export function claimWhatsappRenewal(
	database: Queryable,
	provider: WhatsappProvider,
	generation: number,
): Promise<boolean> {
	return callValue(database, "claim_whatsapp_renewal", "select public.claim_whatsapp_renewal($1, $2) as value", [
		provider,
		generation,
	]);
}

/** Returns how many merchants were warned. */
export function watchBalances(database: Queryable): Promise<number> {
	return callValue(database, "watch_balances", "select public.watch_balances() as value", []);
}
