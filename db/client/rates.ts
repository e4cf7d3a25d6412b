/** What is left of a merchant's limits after a request. */
export interface Rate {
	per_minute: number;
	left: number;
	/** Until the minute begins anew. */
	reset_seconds: number;
	/** Null: as many at once as a minute allows. */
	per_second: number | null;
	left_now: number | null;
}

/** As the database functions give it; null for whoever is no merchant. */
export type RateRow = [
	per_minute: number,
	left: number,
	reset_seconds: number,
	per_second: number | null,
	left_now: number | null,
	wait_seconds?: number | null,
];

export function toRate(row: RateRow | null): Rate | null {
	if (row === null) return null;
	const [per_minute, left, reset_seconds, per_second, left_now] = row;
	return { per_minute, left, reset_seconds, per_second, left_now };
}
