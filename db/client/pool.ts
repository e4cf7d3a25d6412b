import pg from "pg";

const INT8 = 20;

/** int8 is read as a number: paise fit many times over, and what does not fit must stop us rather than be rounded. */
const types: pg.CustomTypesConfig = {
	getTypeParser(oid: number, format?: "text" | "binary") {
		if (oid === INT8 && format !== "binary") return parseInt8;
		return pg.types.getTypeParser(oid, format as "text");
	},
} as pg.CustomTypesConfig;

function parseInt8(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value)) throw new RangeError(`${text} does not fit a JavaScript integer`);
	return value;
}

export interface PoolOptions {
	connectionString: string;
	application_name: string;
	max?: number;
	/** Settings of its sessions, as `-c name=value`. */
	options?: string;
	/** How long to wait for a connection, free or new: 5 s. */
	connectionTimeoutMillis?: number;
	/** Hears why a connection broke; what is asked of it next hears only that it did. */
	onBroken?(error: Error): void;
}

export function createPool({ onBroken = () => {}, ...options }: PoolOptions): pg.Pool {
	const pool = new pg.Pool({ max: 10, connectionTimeoutMillis: 5000, keepAlive: true, ...options, types });
	// An idle connection that the server closes is replaced on the next use; without a listener it would end the process.
	pool.on("error", () => {});
	// So would one that breaks while it is lent out and no query runs on it; the next query tells.
	pool.on("connect", (connection) => connection.on("error", onBroken));
	const query = pool.query.bind(pool) as (...given: unknown[]) => Promise<unknown>;
	const persistent = (...given: unknown[]) => askAgain(() => query(...given));
	return Object.assign(pool, { query: persistent as pg.Pool["query"] });
}

const MOST_REPEATS = 3;
/** serialization_failure, deadlock_detected */
const GIVEN_UP_FOR_OTHERS = /^(40001|40P01)$/;

/**
 * A statement that the database gave up so that others may go on did nothing. What is asked of a pool is a transaction of its
 * own, so it is asked again at once, and a job that is a deadlock's victim neither waits nor loses one of its tries.
 */
export async function askAgain<Result>(ask: () => Promise<Result>): Promise<Result> {
	for (let repeats = 0; ; repeats++) {
		try {
			return await ask();
		} catch (error) {
			const was_given_up = error instanceof pg.DatabaseError && GIVEN_UP_FOR_OTHERS.test(error.code ?? "");
			if (!was_given_up || repeats === MOST_REPEATS) throw error;
		}
	}
}
