/** Which column of a bank statement is what. Banks name them alike, but not the same, and put addresses and periods above. */

export interface Header {
	/** How many columns have a name. */
	width: number;
	/** When the bank booked it. */
	date: number | null;
	value_date: number | null;
	narration: number;
	/** Columns that may hold the UTR by itself, the likeliest first. */
	references: number[];
	amounts:
		| { kind: "columns"; credit: number; debit: number | null }
		/** One column of amounts; beside it one that says Cr or Dr, unless the amounts say so themselves. */
		| { kind: "one"; amount: number; direction: number | null };
}

export type HeaderSearch =
	| { outcome: "found"; header: Header; index: number }
	| { outcome: "no_credit_column"; columns: string[] }
	| { outcome: "not_found" };

/** Statements have a letterhead of twenty lines or so. */
export const MAX_LETTERHEAD_LINES = 60;

/** Letters and digits alone, lower case, without the currency: "Deposit Amt. (INR)" is depositamt. In order of preference. */
const names = {
	date: [
		"date",
		"txndate",
		"trandate",
		"transactiondate",
		"txnposteddate",
		"posteddate",
		"postdate",
		"postingdate",
		"bookingdate",
		"dateoftransaction",
		"transactiondatetime",
		"dateandtime",
		"datetime",
	],
	value_date: ["valuedate", "valuedt", "valuedat"],
	narration: [
		"narration",
		"description",
		"transactiondescription",
		"particulars",
		"transactionparticulars",
		"remarks",
		"transactionremarks",
		"transactiondetails",
		"details",
	],
	reference: [
		"utr",
		"utrno",
		"utrnumber",
		"rrn",
		"utrrrn",
		"refno",
		"referenceno",
		"referencenumber",
		"reference",
		"ref",
		"chqrefno",
		"chqrefnumber",
		"chequerefno",
		"refnochequeno",
		"chequenorefno",
		"refchequeno",
		"transactionid",
		"txnid",
		"tranid",
		"chqno",
		"chequeno",
		"chequenumber",
		"instrumentid",
		"instrumentno",
	],
	credit: [
		"credit",
		"creditamount",
		"creditamt",
		"creditedamount",
		"amountcredited",
		"deposit",
		"deposits",
		"depositamount",
		"depositamt",
		"cr",
		"cramount",
		"cramt",
	],
	debit: [
		"debit",
		"debitamount",
		"debitamt",
		"debitedamount",
		"amountdebited",
		"withdrawal",
		"withdrawals",
		"withdrawalamount",
		"withdrawalamt",
		"dr",
		"dramount",
		"dramt",
	],
	amount: ["amount", "transactionamount", "txnamount", "tranamount"],
	direction: ["drcr", "crdr", "debitcredit", "creditdebit", "type", "transactiontype", "txntype", "drorcr", "crordr"],
} as const;

export function findHeader(rows: readonly string[][]): HeaderSearch {
	let without_credits: string[] | null = null;
	for (const [index, cells] of rows.slice(0, MAX_LETTERHEAD_LINES).entries()) {
		const columns = cells.map(columnName);
		const all = (wanted: readonly string[]) =>
			wanted.flatMap((name) => columns.flatMap((column, at) => (column === name ? [at] : [])));
		const first = (wanted: readonly string[]) => all(wanted)[0] ?? null;

		const date = first(names.date);
		const value_date = first(names.value_date);
		const narration = first(names.narration);
		if ((date === null && value_date === null) || narration === null) continue;
		const amounts = findAmounts(first, all);
		if (amounts === null) {
			without_credits ??= cells.filter((cell) => cell !== "");
			continue;
		}
		return {
			outcome: "found",
			index,
			header: {
				width: columns.findLastIndex((name) => name !== "") + 1,
				date,
				value_date,
				narration,
				references: all(names.reference),
				amounts,
			},
		};
	}
	return without_credits === null
		? { outcome: "not_found" }
		: { outcome: "no_credit_column", columns: without_credits };
}

function findAmounts(
	first: (wanted: readonly string[]) => number | null,
	all: (wanted: readonly string[]) => number[],
): Header["amounts"] | null {
	const credit = first(names.credit);
	if (credit !== null) return { kind: "columns", credit, debit: first(names.debit) };
	const amount = first(names.amount);
	if (amount === null) return null;
	// Kotak has Dr / Cr twice: behind the amount, and behind the balance. The nearest is the amount's.
	const [direction = null] = all(names.direction).sort((a, b) => Math.abs(a - amount) - Math.abs(b - amount));
	return { kind: "one", amount, direction };
}

export function amountColumns({ amounts }: Header): number[] {
	if (amounts.kind === "one") return [amounts.amount];
	return amounts.debit === null ? [amounts.credit] : [amounts.debit, amounts.credit];
}

function columnName(cell: string): string {
	return cell
		.toLowerCase()
		.replace(/[^a-z](inr|rs\.?|rupees)[^a-z]*$/, "")
		.replace(/[^a-z0-9]/g, "");
}
