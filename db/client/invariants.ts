import { callRows, callValue, type Queryable } from "./call.ts";

export interface Violation {
	invariant: string;
	detail: string;
}

export interface Checked {
	violations: Violation[];
	/** How many were looked at. */
	payments: number;
	wallets: number;
	/** From when on the payments were looked at to which something happened; null = all. */
	since: Date | null;
}

interface Slice {
	checked: number;
	last: string | null;
	violations: Violation[];
}

/** So that no statement runs for long: an old snapshot keeps dead rows of hot tables alive. */
const PAYMENTS_A_SLICE = 20_000;
const WALLETS_A_SLICE = 500;

/** All there is, in one statement that sees one moment. None is the pass. For databases of a moderate size, and by hand. */
export function checkInvariants(database: Queryable): Promise<Violation[]> {
	return callRows(database, "check_invariants", "select invariant, detail from public.check_invariants()", []);
}

/** What has changed until now since the last window that was closed. */
export async function checkRecentInvariants(database: Queryable): Promise<Checked & { until: Date }> {
	const [window] = await callRows<{ since: Date; until: Date }>(
		database,
		"read_check_window",
		"select since, until from public.read_check_window()",
		[],
	);
	const { since, until } = window!;
	return { ...(await checkSlices(database, since)), until };
}

/** What was found until then has been told. */
export async function closeCheckWindow(database: Queryable, until: Date): Promise<void> {
	await callRows(database, "close_check_window", "select public.close_check_window($1)", [until]);
}

/** All there is, slice by slice. */
export async function checkAllInvariants(database: Queryable): Promise<Checked> {
	const checked = await checkSlices(database, null);
	const volumes = "select invariant, detail from public.check_gateway_volumes()";
	checked.violations.push(...(await callRows<Violation>(database, "check_gateway_volumes", volumes, [])));
	return checked;
}

async function checkSlices(database: Queryable, since: Date | null): Promise<Checked> {
	const payments = await walk(PAYMENTS_A_SLICE, (after, limit) =>
		callValue(database, "check_payment_slice", "select public.check_payment_slice($1, $2, $3) as value", [
			since,
			after,
			limit,
		]),
	);
	const wallets = await walk(WALLETS_A_SLICE, (after, limit) =>
		callValue(database, "check_wallet_slice", "select public.check_wallet_slice($1, $2, $3) as value", [
			since === null,
			after,
			limit,
		]),
	);
	const books = await callRows<Violation>(
		database,
		"check_books",
		"select invariant, detail from public.check_books($1)",
		[since],
	);
	return {
		violations: [...payments.violations, ...wallets.violations, ...books],
		payments: payments.checked,
		wallets: wallets.checked,
		since,
	};
}

async function walk(
	limit: number,
	next: (after: string | null, limit: number) => Promise<Slice>,
): Promise<{ checked: number; violations: Violation[] }> {
	const violations: Violation[] = [];
	let checked = 0;
	let after: string | null = null;
	for (;;) {
		const slice: Slice = await next(after, limit);
		checked += slice.checked;
		violations.push(...slice.violations);
		if (slice.checked < limit) return { checked, violations };
		after = slice.last;
	}
}
