import type { Pool, PoolClient } from "pg";

/** Commits what the work did, or nothing: a connection whose transaction did not end is closed, and the transaction with it. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
	const client = await pool.connect();
	let failure: Error | undefined;
	try {
		await client.query("begin");
		const result = await work(client);
		await client.query("commit");
		return result;
	} catch (error) {
		failure = error as Error;
		throw error;
	} finally {
		client.release(failure);
	}
}
