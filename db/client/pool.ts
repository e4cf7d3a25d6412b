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
}

export function createPool(options: PoolOptions): pg.Pool {
	const pool = new pg.Pool({ max: 10, connectionTimeoutMillis: 5000, keepAlive: true, ...options, types });
	// An idle connection that the server closes is replaced on the next use; without a listener it would end the process.
	pool.on("error", () => {});
	return pool;
}
