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

/** As the database functions give it; nulls for whoever is no merchant. */
export type RateRow = [
	per_minute: number | null,
	left: number | null,
	reset_seconds: number | null,
	per_second: number | null,
	left_now: number | null,
	wait_seconds?: number | null,
];

export function toRate([per_minute, left, reset_seconds, per_second, left_now]: RateRow): Rate | null {
	if (per_minute === null || left === null || reset_seconds === null) return null;
	return { per_minute, left, reset_seconds, per_second, left_now };
}
