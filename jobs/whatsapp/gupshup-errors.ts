import type { ErrorRule } from "./adapter.ts";
import { META_ERRORS, metaRule } from "./meta-errors.ts";

const ours: ErrorRule = { action: "stop", fault_of: "configuration" };
const theirs: ErrorRule = { action: "stop", fault_of: "recipient" };
const unpaid: ErrorRule = { action: "delay", fault_of: "configuration", delay_seconds: 300, pause_seconds: 300 };

/** By HTTP status, of answers that say `"status":"error"`. */
export const GUPSHUP_STATUSES: Readonly<Record<number, ErrorRule>> = {
	400: ours,
	401: unpaid,
	402: unpaid,
	403: unpaid,
	404: ours,
	429: { action: "delay", fault_of: "provider", delay_seconds: 60, pause_seconds: 60 },
};

/** Words in the message of an answer, looked for in this order, where the status alone does not say enough. */
export const GUPSHUP_MESSAGES: readonly { words: string; rule: ErrorRule }[] = [
	{ words: "invalid destination", rule: theirs },
	{ words: "balance", rule: unpaid },
];

/** Codes of failed messages in webhooks; others are WhatsApp's own. */
export const GUPSHUP_CODES: Readonly<Record<number, ErrorRule>> = {
	// outside the 24 hours, or without a template that fits
	1001: ours,
	1004: ours,
	1005: ours,
	1006: ours,
	1007: ours,
	1008: theirs,
	// not on WhatsApp
	1002: theirs,
	// the wallet at Gupshup is empty
	1003: unpaid,
};

export function gupshupRule(http_status: number, message: string): ErrorRule {
	const lower = message.toLowerCase();
	return (
		GUPSHUP_MESSAGES.find(({ words }) => lower.includes(words))?.rule ??
		GUPSHUP_STATUSES[http_status] ??
		(http_status >= 500 ? { action: "retry", fault_of: "provider" } : ours)
	);
}

export function gupshupFailureRule(code: number): ErrorRule {
	return GUPSHUP_CODES[code] ?? (META_ERRORS[code] === undefined ? theirs : metaRule(code, null));
}
