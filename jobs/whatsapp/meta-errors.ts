import type { ErrorRule } from "./adapter.ts";

const soon: ErrorRule = { action: "retry", fault_of: "provider" };
const limited: ErrorRule = { action: "delay", fault_of: "provider", delay_seconds: 60, pause_seconds: 60 };
const locked: ErrorRule = { action: "delay", fault_of: "configuration", delay_seconds: 300, pause_seconds: 300 };
const ours: ErrorRule = { action: "stop", fault_of: "configuration" };
const theirs: ErrorRule = { action: "stop", fault_of: "recipient" };

/** Error codes of the Cloud API, in answers and in status webhooks alike. */
export const META_ERRORS: Readonly<Record<number, ErrorRule>> = {
	// Token and permissions: a person has to act; meanwhile nothing else would come through either.
	0: locked,
	190: locked,
	3: ours,
	10: ours,
	131005: ours,
	131031: locked,
	368: locked,
	131042: locked,
	131045: ours,
	133010: ours,
	// Limits of the account, of spam, and of one recipient (a message each six seconds).
	4: limited,
	80007: limited,
	130429: limited,
	131048: { ...limited, delay_seconds: 3600, pause_seconds: 600 },
	131056: { action: "delay", fault_of: "recipient", delay_seconds: 10 },
	// The request or the template.
	33: ours,
	100: ours,
	131008: ours,
	131009: ours,
	131047: ours,
	131051: ours,
	132000: ours,
	132001: ours,
	132005: ours,
	132007: ours,
	132012: ours,
	132015: ours,
	132016: ours,
	// The recipient: not on WhatsApp, not allowed, or has had enough for now.
	131021: theirs,
	131026: theirs,
	131030: theirs,
	131049: theirs,
	131050: theirs,
	// Passes by itself.
	1: soon,
	2: soon,
	131000: soon,
	131016: soon,
	131057: soon,
	133004: soon,
};

/** 200 to 299 are all "permission not granted". */
export function metaRule(code: number, http_status: number | null): ErrorRule {
	const known = META_ERRORS[code];
	if (known !== undefined) return known;
	if (code >= 200 && code <= 299) return ours;
	if (http_status === 429) return limited;
	return http_status !== null && http_status >= 500 ? soon : ours;
}
