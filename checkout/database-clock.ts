import type { Queryable } from "../db/client/call.ts";
import { readDatabaseTime } from "../db/client/payments.ts";

/**
 * The database's time, without a round trip: measured now and then, and carried on by the monotonic clock in between, so a
 * wrong or jumping clock of this machine changes nothing.
 */
export interface DatabaseClock {
	/** Milliseconds since 1970. */
	now(): number;
	/** Measures anew; the error of a measurement is at most half its round trip. */
	measure(): Promise<void>;
	stop(): void;
}

const REFRESH_MS = 30_000;

export async function startDatabaseClock(
	database: Queryable,
	onError: (error: unknown) => void,
): Promise<DatabaseClock> {
	let time = 0;
	let measured_at = 0;
	async function measure(): Promise<void> {
		const before = performance.now();
		const database_time = await readDatabaseTime(database);
		const after = performance.now();
		time = database_time.getTime();
		measured_at = (before + after) / 2;
	}
	await measure();
	const timer = setInterval(() => measure().catch(onError), REFRESH_MS).unref();
	return {
		now: () => time + (performance.now() - measured_at),
		measure,
		stop: () => clearInterval(timer),
	};
}
