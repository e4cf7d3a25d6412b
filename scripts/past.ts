/** Lets what has just been booked have happened earlier, for demonstrations and tests that need months. Never on a real platform. */
import type pg from "pg";

export interface Moment {
	client_id: string;
	/** Of its wallet, from this entry_no on. */
	from_entry: number;
	/** Beside the payments of these entries: those that were not paid. */
	transactions?: readonly string[];
	/** Beside the payouts that were booked: those that were not. */
	payouts?: readonly string[];
	/** 2026-03-31T23:59:59+05:30 */
	at: string;
}

/**
 * Moves entries with their payments, attempts, refunds, settlements and adjustments to one moment. Takes a superuser: entries are
 * append-only, so triggers are off meanwhile.
 */
export async function moveToPast(admin: pg.ClientBase, moment: Moment): Promise<void> {
	const { client_id, from_entry, transactions = [], payouts = [], at } = moment;
	const own = "select * from public.wallet_entries where client_id = $1 and entry_no >= $2";
	await admin.query("begin");
	try {
		await admin.query("set local session_replication_role = replica");
		const move = (text: string, values: unknown[] = [client_id, from_entry, at]) => admin.query(text, values);
		await move(
			`with paid as (select transaction_id as id from (${own}) e where type = 'COMMISSION' union select unnest($4::uuid[]) as id),
				attempts as (
					update public.payment_attempts a set created_at = $3, updated_at = $3, settled_at = case when settled_at is not null then $3::timestamptz end
						from paid where a.transaction_id = paid.id and a.client_id = $1)
				update public.transactions t set created_at = $3, updated_at = $3, expires_at = $3::timestamptz + interval '15 minutes',
						paid_at = case when paid_at is not null then $3::timestamptz end
					from paid where t.id = paid.id and t.client_id = $1`,
			[client_id, from_entry, at, transactions],
		);
		await move(
			`update public.refunds r set created_at = $3, updated_at = $3, completed_at = $3 from (${own}) e where r.id = e.refund_id`,
		);
		await move(
			`update public.manual_settlements s set created_at = $3, received_on = ($3::timestamptz at time zone 'Asia/Kolkata')::date
				from (${own}) e where s.entry_id = e.id`,
		);
		await move(
			`update public.adjustments a set created_at = $3, decided_at = $3 from (${own}) e where a.entry_id = e.id`,
		);
		await move(
			`update public.disputes d set created_at = $3, updated_at = $3 from (${own}) e where d.id = e.dispute_id`,
		);
		await move(
			`update public.payouts p set created_at = least(p.created_at, $3::timestamptz), updated_at = $3,
					collected_for = least(p.collected_for, ($3::timestamptz at time zone 'Asia/Kolkata')::date),
					processed_at = case when p.entry_id = e.id then $3::timestamptz else p.processed_at end,
					reversed_at = case when p.reversal_entry_id = e.id then $3::timestamptz else p.reversed_at end
				from (${own} union all select null where false) e where e.id in (p.entry_id, p.reversal_entry_id)`.replace(
				" union all select null where false",
				"",
			),
		);
		await move(
			`update public.payouts set created_at = $2, updated_at = $2, collected_for = ($2::timestamptz at time zone 'Asia/Kolkata')::date
				where client_id = $1 and id = any ($3)`,
			[client_id, at, payouts],
		);
		await move("update public.wallet_entries set created_at = $3 where client_id = $1 and entry_no >= $2");
		await chainAgain(admin, client_id);
		await admin.query("commit");
	} catch (error) {
		await admin.query("rollback");
		throw error;
	}
}

/** The times of entries are in the hashes that chain them. Triggers are off. */
export async function chainAgain(admin: pg.ClientBase, client_id: string): Promise<void> {
	await admin.query(
		`with recursive chain (entry_no, hash) as (
			select 0::bigint, decode(repeat('00', 32), 'hex')
			union all
			select e.entry_no, public.entry_hash(c.hash, e.client_id, e.entry_no, e.id, e.type, e.amount, e.balance_after, e.transaction_id,
					e.refund_id, e.dispute_id, e.created_at, e.description)
				from chain c join public.wallet_entries e on e.client_id = $1 and e.entry_no = c.entry_no + 1
		), entries as (
			update public.wallet_entries e set hash = c.hash from chain c where e.client_id = $1 and e.entry_no = c.entry_no
		)
		update public.wallets w set head_hash = c.hash from chain c where w.client_id = $1 and w.entry_count = c.entry_no`,
		[client_id],
	);
}
