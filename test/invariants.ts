import type pg from "pg";
import type { TestDatabase } from "./database.ts";

/** The invariants that do not hold any more once something is corrupted, past all triggers; it is undone at the test's end. */
export async function breachesAfter(
	database: TestDatabase,
	corrupt: (client: pg.PoolClient) => Promise<unknown>,
): Promise<string[]> {
	const client = await database.connection("admin");
	await client.query("begin; set local session_replication_role = replica");
	await corrupt(client);
	const { rows } = await client.query<{ invariant: string }>("select invariant from check_invariants()");
	return rows.map(({ invariant }) => invariant);
}
