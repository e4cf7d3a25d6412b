import type { PspAccount } from "./adapter.ts";

/** Anything shorter would take ordinary words apart. */
const MIN_LENGTH = 6;

/**
 * The last line of defence before a PSP's answer is kept: every string in it that contains one of the account's secrets
 * (as it is, in base64, percent-encoded as in an address or a form, or as the Basic credentials made of it) loses it.
 * Adapters keep only fields they know in the first place; this is for error pages and messages that echo a request.
 */
export function redact<T>(value: T, account: PspAccount): T {
	const secrets = [account.api_secret, account.webhook_secret ?? ""].filter((secret) => secret.length >= MIN_LENGTH);
	// Of a secret without signs most of these are the same.
	const needles = new Set([
		base64(`${account.api_key}:${account.api_secret}`),
		...secrets.flatMap((secret) => [secret, base64(secret), encodeURIComponent(secret), formEncoded(secret)]),
	]);
	return scrub(value, [...needles]) as T;
}

function base64(value: string): string {
	return Buffer.from(value).toString("base64");
}

function formEncoded(value: string): string {
	return new URLSearchParams([["", value]]).toString().slice(1);
}

function scrub(value: unknown, needles: readonly string[]): unknown {
	if (typeof value === "string") {
		if (value.length < MIN_LENGTH) return value;
		return needles.reduce(
			(text, needle) => (text.includes(needle) ? text.replaceAll(needle, "[removed]") : text),
			value,
		);
	}
	if (Array.isArray(value)) return value.map((item) => scrub(item, needles));
	if (typeof value === "object" && value !== null && !(value instanceof Date)) {
		return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrub(item, needles)]));
	}
	return value;
}
