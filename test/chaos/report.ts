/** The tables of a storm, and what to do about a failure. */
import type { Survived } from "./disasters.ts";
import type { Played } from "./payer.ts";
import type { Outcome, StormResult } from "./storm.ts";

const OUTCOMES = ["paid", "partially_refunded", "refunded", "failed", "expired", "refused"] as const;
const HEADINGS = ["payments", "paid", "part back", "all back", "failed", "expired", "refused", "late", "moved"];
const MOST_SHOWN = 20;

export function describeStorm(seed: number, payments: number, result: StormResult): string {
	const { plays, outcomes, truth, audit, upset, standstills, rounds, seconds } = result;
	const behaviours = tableOf("behaviour", plays, outcomes, ({ behaviour }) => behaviour);
	const refunds = tableOf(
		"refund asked for",
		plays.filter(({ plan }) => plan.refund !== "none"),
		outcomes,
		({ plan }) => plan.refund,
	);
	const faults = tableOf(
		"fault (requests upset)",
		plays.filter(({ plan }) => plan.fault !== null),
		outcomes,
		({ plan }) => `${plan.fault_kind} (${upset.get(plan.fault_kind) ?? 0})`,
	);
	const orders = Object.entries(truth.orders).map(([provider, count]) => `${provider} ${count}`);
	const lines = [
		`Seed ${seed}, ${plays.length} payments.`,
		"",
		behaviours,
		"",
		refunds,
		"",
		faults,
		"",
		...notesOf(plays),
		"",
		`The sandbox took ${truth.taken.length} payments and gave ${truth.given_back.length} back; orders: ${orders.join(", ")}.`,
		`Storm ${seconds.storm} s, calm ${seconds.calm} s (${rounds} rounds), audit ${seconds.audit} s.`,
		...(standstills.length === 0
			? []
			: [
					`The machine stood still ${standstills.length} times, for ${Math.max(...standstills.map((each) => each.seconds)).toFixed(1)} s at most.`,
				]),
		"",
		...audit.checks.map((check) => {
			const count = audit.violations.filter((violation) => violation.check === check).length;
			return `${count === 0 ? "ok  " : "FAIL"} ${check}${count === 0 ? "" : ` (${count})`}`;
		}),
	];
	return [...lines, "", ...verdict(seed, payments, result), "", faultsSurvived(result)].join("\n");
}

/** What befalls payments by plan, by the part of the plan that says so. */
const OF_PAYMENTS: readonly [string, (play: Played) => string | null][] = [
	["provider or merchant", ({ plan }) => (plan.fault === null ? null : plan.fault_kind)],
	["webhook or payer", ({ behaviour }) => (isOrdinary(behaviour) ? null : behaviour)],
	["refund", ({ plan }) => (/racing|times|more/.test(plan.refund) ? plan.refund : null)],
	["merchant", ({ plan }) => (plan.is_sent_twice ? "one order sent twice at once" : null)],
];

const isOrdinary = (behaviour: string) =>
	["pays", "pays and returns", "UPI: names the UTR", "UPI: names nothing"].includes(behaviour);

/**
 * Each fault, how often it was injected and how often survived: a payment survives that ends in a truthful state, a disaster
 * after which all is well again. Of payments the recovery is the longest that a payer waited for a provider.
 */
function faultsSurvived({ plays, upset, disasters, audit: { violations } }: StormResult): string {
	const lost = new Set(violations.map(({ transaction_id }) => transaction_id));
	const rows: string[][] = [["fault", "injected", "survived", "well again after", ""]];
	const cells = ({ name, injected, survived, seconds, note }: Survived) => [
		name,
		String(injected),
		String(survived),
		seconds === null ? "NOT" : `${seconds.toFixed(1)} s`,
		note ?? "",
	];
	rows.push(...disasters.map(cells));
	for (const [of, nameOf] of OF_PAYMENTS) {
		const groups = new Map<string, Played[]>();
		for (const play of plays) {
			const name = nameOf(play);
			if (name !== null) groups.set(name, [...(groups.get(name) ?? []), play]);
		}
		for (const [name, met] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
			const safe = met.filter(({ transaction_id, faults }) => faults.length === 0 && !lost.has(transaction_id ?? ""));
			const waited = met.flatMap(({ ready_seconds }) => ready_seconds ?? []);
			rows.push([
				`${of}: ${name}`,
				String(met.length),
				String(safe.length),
				waited.length === 0 ? "–" : `${Math.max(...waited).toFixed(1)} s`,
				upset.has(name) ? `${upset.get(name)} requests upset` : "",
			]);
		}
	}
	const [injected, survived] = [1, 2].map((column) => rows.slice(1).reduce((sum, row) => sum + Number(row[column]), 0));
	rows.push(["all", String(injected), String(survived), "", ""]);
	return columns(rows, new Set([0, 4]));
}

function verdict(seed: number, payments: number, { plays, audit: { violations } }: StormResult): string[] {
	if (violations.length === 0) return [`All of it holds. Seed ${seed}.`];
	const numbers = new Map(plays.map(({ transaction_id, plan }) => [transaction_id, plan.number]));
	const failed = violations.flatMap(({ transaction_id }) =>
		transaction_id === null ? [] : (numbers.get(transaction_id) ?? []),
	);
	const shown = violations.slice(0, MOST_SHOWN).map(({ check, detail, transaction_id }) => {
		const play = plays.find((played) => transaction_id !== null && played.transaction_id === transaction_id);
		const of =
			play &&
			`\n      payment ${play.plan.number}, transaction ${transaction_id}: ${play.behaviour}; ${play.notes.join("; ")}`;
		return `  ${check}\n      ${detail}${of ?? ""}`;
	});
	return [
		`${violations.length} violations:`,
		...shown,
		...(violations.length > MOST_SHOWN ? [`  … and ${violations.length - MOST_SHOWN} more`] : []),
		"",
		`To play all of it again:  npm run chaos -- --seed ${seed} --payments ${payments}`,
		...(failed.length > 0
			? [
					`These payments alone:     npm run chaos -- --seed ${seed} --payments ${payments} --only ${[...new Set(failed)].slice(0, 50).join(",")}`,
				]
			: []),
	];
}

/** What went otherwise than planned, and how often. */
function notesOf(plays: readonly Played[]): string[] {
	const counts = new Map<string, number>();
	for (const note of plays.flatMap(({ notes }) => notes)) counts.set(note, (counts.get(note) ?? 0) + 1);
	return [...counts].sort(([, a], [, b]) => b - a).map(([note, count]) => `${String(count).padStart(5)}  ${note}`);
}

function tableOf(
	title: string,
	plays: readonly Played[],
	outcomes: Map<string, Outcome>,
	groupOf: (played: Played) => string,
): string {
	const groups = new Map<string, Played[]>();
	for (const played of plays) {
		const group = groupOf(played);
		groups.set(group, [...(groups.get(group) ?? []), played]);
	}
	const rows = [...groups]
		.sort(([a], [b]) => a.localeCompare(b))
		.map(([group, members]) => [group, ...count(members, outcomes)]);
	const total = ["all", ...count(plays, outcomes)];
	const table = [[title, ...HEADINGS], ...rows.map((row) => row.map(String)), total.map(String)];
	return columns(table, new Set([0]));
}

/** Cells below each other; at their left where they are words. */
function columns(table: readonly string[][], words: ReadonlySet<number>): string {
	const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
	const placed = (cell: string, column: number) =>
		words.has(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
	return table.map((row) => row.map(placed).join("  ").trimEnd()).join("\n");
}

function count(plays: readonly Played[], outcomes: Map<string, Outcome>): number[] {
	const found = plays.map(({ transaction_id }) => (transaction_id === null ? undefined : outcomes.get(transaction_id)));
	return [
		plays.length,
		...OUTCOMES.map((status) => found.filter((outcome) => (outcome?.status ?? "refused") === status).length),
		found.filter((outcome) => outcome?.is_late).length,
		found.filter((outcome) => (outcome?.attempts ?? 0) > 1).length,
	];
}
