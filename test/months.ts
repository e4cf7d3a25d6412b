/** Months that have passed, for tests of what happens at their end. */
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
	const client = await database.pool("admin").connect();
	try {
		await client.query("begin; set local session_replication_role = replica");
		await client.query(
			`update wallet_entries
				set created_at = (month_in_india(now()) - $2 * interval '1 month' + interval '10 days') at time zone 'Asia/Kolkata'
				where client_id = $1 and entry_no >= $3`,
			[client_id, months, from],
		);
		// Their times are in the hashes that chain them.
		await client.query(
			`with recursive chain (entry_no, hash) as (
				select 0::bigint, decode(repeat('00', 32), 'hex')
				union all
				select e.entry_no, entry_hash(c.hash, e.client_id, e.entry_no, e.id, e.type, e.amount, e.balance_after, e.transaction_id,
						e.refund_id, e.dispute_id, e.created_at, e.description)
					from chain c join wallet_entries e on e.client_id = $1 and e.entry_no = c.entry_no + 1
			), entries as (
				update wallet_entries e set hash = c.hash from chain c where e.client_id = $1 and e.entry_no = c.entry_no
			)
			update wallets w set head_hash = c.hash from chain c where w.client_id = $1 and w.entry_count = c.entry_no`,
			[client_id],
		);
		await client.query("commit");
	} finally {
		client.release();
	}
}
