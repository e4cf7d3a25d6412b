/** Months that have passed, for tests of what happens at their end. */
import { inTransaction } from "../jobs/transaction.ts";
import { chainAgain } from "../scripts/past.ts";
import type { TestDatabase } from "./database.ts";

/**
 * As if a merchant's entries from entry_no `from` on had been written that many months ago, on the eleventh. Entries are
 * append-only, so triggers are off meanwhile.
 */
export async function backdateEntries(
	database: TestDatabase,
	client_id: string,
	months: number,
	from = 1,
): Promise<void> {
	await inTransaction(database.pool("admin"), async (client) => {
		await client.query("set local session_replication_role = replica");
		await client.query(
			`update wallet_entries
				set created_at = (month_in_india(now()) - $2 * interval '1 month' + interval '10 days') at time zone 'Asia/Kolkata'
				where client_id = $1 and entry_no >= $3`,
			[client_id, months, from],
		);
		await chainAgain(client, client_id);
	});
}
