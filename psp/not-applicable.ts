import type { PspAdapter } from "./adapter.ts";
import type { ConformanceKit } from "./conformance.ts";

export const SESSION_SCENARIO = "session: an expired token is renewed and the call made once more";
export const TRANSFER_SCENARIO = "transfer: part of a payment goes to another account, once a reference";
export const splitScenarios = {
	moved: "split: that the part came is told, with our reference and the amount",
	failed: "split: a part that failed is told, and that it came after all",
	forged: "split: forged is refused",
} as const;
export const closeScenarios = {
	unpaid: "close: an order that nobody has paid cannot be paid any more",
	paid: "close: an order that was paid is not closed",
	lost: "close: a lost reply is unknown",
} as const;

export const disputeScenarios = {
	opened: "dispute: opened, with the payment, the amount and the day to answer by",
	decided: "dispute: won, lost and ended without money are told apart",
	newer: "dispute: a message about a later moment says so, whatever order they come in",
	forged: "dispute: forged is refused",
} as const;

export const statementScenarios = {
	paid: "statement: a payment, with our reference, the amount and the UTR as the bank says",
	other_amount: "statement: another amount than asked for is told as the bank says",
	twice: "statement: paid twice is two credits with two UTRs",
	declined: "statement: a payment that was declined or is under way is not there",
} as const;

/** The conformance scenarios that a PSP has no counterpart for, and why: by what the adapter leaves out, and by its kit. */
export function notApplicable(adapter: PspAdapter, kit: ConformanceKit): Readonly<Record<string, string>> {
	const left_out: Record<string, string> = {};
	if (kit.paths.token === undefined) left_out[SESSION_SCENARIO] = "calls carry the credentials themselves";
	if (adapter.transfer === undefined) left_out[TRANSFER_SCENARIO] = "nothing is transferred after a payment";
	const unsplit = kit.split_account === undefined ? "the PSP offers no split" : kit.no_split_events;
	if (unsplit !== undefined) {
		for (const name of Object.values(splitScenarios)) left_out[name] = unsplit;
	}
	if (adapter.closeOrder === undefined) {
		for (const name of Object.values(closeScenarios)) left_out[name] = "orders cannot be closed";
	}
	if (kit.no_disputes !== undefined) {
		for (const name of Object.values(disputeScenarios)) left_out[name] = kit.no_disputes;
	}
	if (kit.statement === undefined) {
		for (const name of Object.values(statementScenarios)) left_out[name] = "the PSP itself tells of payments";
	}
	return { ...left_out, ...kit.not_applicable };
}
