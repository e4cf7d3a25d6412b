/** What must hold once a storm has passed. Reads the database as it is and the sandbox's truth beside it. */
import { readFileSync } from "node:fs";
import type pg from "pg";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { TEST_ENCRYPTION_KEYS } from "../merchants.ts";
import { findCanaries } from "./canaries.ts";
import type { Survived } from "./disasters.ts";
import type { Played } from "./payer.ts";
import { orderIdOf } from "./payer.ts";
import type { Standstill } from "./standstills.ts";
import type { Truth } from "./truth.ts";
import type { World } from "./world.ts";

export interface Violation {
	check: string;
	detail: string;
	transaction_id: string | null;
}

export interface MerchantEvent {
	id: string;
	type: string;
	verified: boolean;
	merchant: string | null;
}

interface Check {
	name: string;
	/** Every row is a violation: detail, transaction_id. */
	sql: string;
}

const SUCCESS_OF_ITS_PAYMENT = `t.paid_at is not null and t.gateway_id = a.gateway_id and a.status = 'succeeded'
	and t.gateway_txn_id = s.psp_payment_id`;
const RIGHT_AMOUNT = "s.amount = coalesce(a.payable_amount, t.amount) and s.currency = t.currency";
const DIED = "'The worker died during the last try.'";
/** The sandbox's successes with the attempt that each belongs to. */
const SUCCESSES = `chaos.taken s
	join public.payment_gateways g on g.provider = s.provider and g.api_key = s.api_key
	join public.payment_attempts a on a.gateway_id = g.id and a.psp_order_id = s.psp_order_id
	join public.transactions t on t.id = a.transaction_id`;

const CHECKS: readonly Check[] = [
	{
		name: "the invariants hold",
		sql: "select invariant || ': ' || detail as detail, null::uuid as transaction_id from public.check_invariants()",
	},
	{
		name: "every payment is in a final state",
		sql: `select status as detail, id as transaction_id from public.transactions where status in ('created', 'pending')`,
	},
	{
		name: "nothing is paid that the sandbox did not take, at the right amount",
		sql: `select format('%s %s %s of %s', g.provider, t.gateway_txn_id, t.status, t.amount) as detail, t.id as transaction_id
			from public.transactions t join public.payment_gateways g on g.id = t.gateway_id
			where t.paid_at is not null and not exists (select from chaos.taken s
				join public.payment_attempts a on a.transaction_id = t.id and a.gateway_id = t.gateway_id and a.psp_order_id = s.psp_order_id
				where s.provider = g.provider and s.api_key = g.api_key and s.psp_payment_id = t.gateway_txn_id and ${RIGHT_AMOUNT})`,
	},
	{
		name: "every success belongs to an attempt of ours",
		sql: `select format('%s %s of order %s', s.provider, s.psp_payment_id, s.psp_order_id) as detail, null::uuid as transaction_id
			from chaos.taken s where not exists (select from public.payment_gateways g join public.payment_attempts a on a.gateway_id = g.id
				where g.provider = s.provider and g.api_key = s.api_key and a.psp_order_id = s.psp_order_id)`,
	},
	{
		name: "a payment with a success at the right amount is paid",
		sql: `select format('%s %s took %s; %s, attempt %s %s', s.provider, s.psp_payment_id, s.amount, t.status, a.id, a.status) as detail,
				t.id as transaction_id
			from ${SUCCESSES} where ${RIGHT_AMOUNT} and t.paid_at is null`,
	},
	{
		name: "every other success is given back, or an operator is told",
		sql: `select format('%s %s took %s; %s, attempt %s %s', s.provider, s.psp_payment_id, s.amount, t.status, a.id, a.status) as detail,
				t.id as transaction_id
			from ${SUCCESSES}
			where not (${SUCCESS_OF_ITS_PAYMENT})
				and s.amount <> coalesce((select sum(b.amount) from chaos.given_back b
					where b.provider = s.provider and b.api_key = s.api_key and b.psp_payment_id = s.psp_payment_id), 0)
				-- which of several payments of one order is given back is for a provider to say that does so by itself
				and not (${RIGHT_AMOUNT} and t.paid_at is not null and (select count(*) - 1 from chaos.taken o where o.psp_order_id = s.psp_order_id)
					<= (select count(*) from chaos.given_back b join chaos.taken o using (provider, api_key, psp_payment_id)
						where b.is_automatic and o.psp_order_id = s.psp_order_id))
				and not (not (${RIGHT_AMOUNT}) and exists (select from public.alerts x where x.dedupe_key = 'amount_mismatch:' || a.id))
				-- what went straight to a bank account goes back by hand: an open line of the statement, or a refund that failed aloud
				and not (s.provider = 'upi' and exists (select from public.bank_statement_lines l
					where l.gateway_id = g.id and l.utr = s.psp_payment_id and l.status = 'exception'))
				and not (s.provider = 'upi' and exists (select from public.refunds r join public.alerts x on x.dedupe_key = 'refund_failed:' || r.id
					where r.attempt_id = a.id and r.psp_payment_id = s.psp_payment_id and r.kind = 'duplicate_payment' and r.status = 'failed'))
				-- a bank refused to take it back, which only an operator can mend
				and not exists (select from public.refunds r join public.alerts x on x.dedupe_key = 'refund_failed:' || r.id and x.severity = 'critical'
					where r.attempt_id = a.id and r.psp_payment_id = s.psp_payment_id and r.kind = 'duplicate_payment' and r.status = 'failed'
						and r.id in (select refund_id from chaos.refused_refunds))`,
	},
	{
		name: "refunds with us are refunds at the sandbox",
		sql: `select format('refund %s %s of %s (%s)', r.id, r.status, r.amount, r.psp_refund_id) as detail, r.transaction_id
			from public.refunds r join public.payment_gateways g on g.id = r.gateway_id
			where r.status = 'succeeded' and not exists (select from chaos.given_back b where b.provider = g.provider
				and b.api_key = g.api_key and b.psp_refund_id = r.psp_refund_id and b.amount = r.amount
				-- Cashfree refunds an order, whichever of its payments
				and (b.psp_payment_id = r.psp_payment_id or g.provider = 'cashfree'))`,
	},
	{
		name: "refunds at the sandbox are refunds with us",
		sql: `select format('%s refund %s of %s', b.provider, b.psp_refund_id, b.amount) as detail, null::uuid as transaction_id
			from chaos.given_back b
			where not b.is_automatic and not exists (select from public.refunds r join public.payment_gateways g on g.id = r.gateway_id
				where g.provider = b.provider and g.api_key = b.api_key and r.psp_refund_id = b.psp_refund_id and r.amount = b.amount
					and r.status = 'succeeded')`,
	},
	{
		name: "no success is given back more than once over",
		sql: `select format('%s %s: took %s, gave back %s', s.provider, s.psp_payment_id, s.amount, sum(b.amount)) as detail,
				null::uuid as transaction_id
			from chaos.taken s join chaos.given_back b on b.provider = s.provider and b.api_key = s.api_key and b.psp_payment_id = s.psp_payment_id
			group by s.provider, s.psp_payment_id, s.amount having sum(b.amount) > s.amount`,
	},
	{
		name: "no refund is open, and one that failed says why",
		sql: `select format('refund %s %s: %s', id, status, error_code) as detail, transaction_id from public.refunds
			where status not in ('succeeded', 'failed') or (status = 'failed' and error_code is null)`,
	},
	{
		name: "no attempt is open",
		sql: `select format('attempt %s %s: %s', id, status, error_code) as detail, transaction_id from public.payment_attempts
			where status in ('created', 'unknown', 'pending', 'authorized')`,
	},
	{
		name: "every attempt says why this gateway, and why it failed",
		sql: `select format('attempt %s %s %s %s', a.id, a.status, a.routing, a.error_code) as detail, a.transaction_id
			from public.payment_attempts a join public.clients c on c.id = a.client_id
			where a.routing ->> 'mode' is distinct from c.rotation_mode or (a.status = 'failed' and a.error_code is null)`,
	},
	{
		// A worker that is killed takes the job with it that it had on its last try, which operators are told of.
		name: "no job is left, dead or locked",
		sql: `select format('%s, %s of %s tries, %s: %s', k.identifier, j.attempts, j.max_attempts,
				coalesce('locked by ' || j.locked_by, 'free'), j.last_error) as detail, null::uuid as transaction_id
			from graphile_worker._private_jobs j join graphile_worker._private_tasks k on k.id = j.task_id
			where j.locked_at is not null or j.last_error is distinct from ${DIED}
				or not exists (select from public.alerts x where x.dedupe_key = 'job_failed:' || k.identifier)`,
	},
	{
		name: "every webhook of a provider was worked off, or an operator told that it is about nobody's order",
		sql: `select format('%s event %s %s: %s', provider, id, event_type, error) as detail, null::uuid as transaction_id
			from public.gateway_events e where processed_at is null
				or (error like 'No payment here belongs to the order %'
					and not exists (select from public.alerts x where x.dedupe_key = 'webhook_unmatched:' || e.gateway_id))`,
	},
	{
		name: "every event for a merchant was delivered",
		sql: `select format('event %s %s %s: %s', id, type, status, last_error) as detail, transaction_id
			from public.webhook_events where status <> 'delivered'`,
	},
	{
		name: "every event arrived, and verified, at its merchant",
		sql: `select format('event %s %s: %s', e.id, e.type, coalesce(h.verified::text, 'not seen')) as detail, e.transaction_id
			from public.webhook_events e join public.clients c on c.id = e.client_id
			left join chaos.heard h on h.id = e.id::text and h.type = e.type and h.merchant = c.company_name
			where h.verified is not true`,
	},
	{
		name: "no schedule failed, and no alert speaks of a fault of ours",
		sql: `select format('%s: %s %s', kind, message, details) as detail, null::uuid as transaction_id from public.alerts
			where kind in ('invariant_violated', 'refunded_twice', 'refund_taken_back', 'refund_amount_mismatch')
				or (kind = 'job_failed' and message not like '%' || ${DIED} and details ->> 'job_id' <> all (select id from chaos.poisoned))`,
	},
	{
		// Half up in whole numbers, from nothing but payments, terms and refunds.
		name: "the commission due is what the terms say",
		sql: `select format('%s: due %s, expected %s', c.company_name, w.balance_due, coalesce(x.due, 0)) as detail, null::uuid as transaction_id
			from public.wallets w join public.clients c on c.id = w.client_id
			left join (
				select client_id, sum(fee + gst - case when takes_back then fee_back + gst_back else 0 end) as due from (
					select *, div(2 * fee * refunded + captured, 2 * captured) as fee_back,
							div(2 * gst * refunded + captured, 2 * captured) as gst_back from (
						select *, div(fee * 18 + 50, 100) as gst from (
							select t.client_id, c.reverse_commission_on_refund as takes_back,
									div(t.amount * (c.fee_percent * 1000)::bigint::numeric + 50000, 100000) as fee,
									coalesce(a.payable_amount, t.amount)::numeric as captured,
									coalesce((select sum(r.amount) from public.refunds r
										where r.transaction_id = t.id and r.kind = 'requested' and r.status = 'succeeded'), 0)::numeric as refunded
								from public.transactions t join public.clients c on c.id = t.client_id
								join public.payment_attempts a on a.transaction_id = t.id and a.gateway_id = t.gateway_id and a.status = 'succeeded'
								where t.paid_at is not null) paid) taxed) reversed
				group by client_id) x on x.client_id = c.id
			where w.balance_due <> coalesce(x.due, 0)`,
	},
];

export interface Audit {
	checks: string[];
	violations: Violation[];
}

export async function audit(
	world: World,
	seed: number,
	plays: readonly Played[],
	truth: Truth,
	heard: readonly MerchantEvent[],
	refused_refunds: readonly string[],
	survived: readonly Survived[],
	standstills: readonly Standstill[],
): Promise<Audit> {
	const { admin } = world;
	await loadTruth(admin, truth, heard, refused_refunds, [...world.poisoned]);
	const violations: Violation[] = [];
	const checks: string[] = [];
	for (const { name, sql } of CHECKS) {
		const { rows } = await admin.query<Omit<Violation, "check">>(sql);
		checks.push(name);
		violations.push(...rows.map((row) => ({ check: name, ...row })));
	}

	checks.push("every accepted payment is there once, as it was asked for");
	const { rows } = await admin.query<{ id: string; order_id: string; amount: number; client_id: string }>(
		"select id, order_id, amount::int, client_id from public.transactions",
	);
	const found = new Map(rows.map((row) => [row.id, row]));
	for (const { plan, transaction_id } of plays) {
		const row = transaction_id === null ? undefined : found.get(transaction_id);
		const order_id = orderIdOf(seed, plan.number);
		const is_right =
			row?.order_id === order_id && row.amount === plan.amount && row.client_id === world.merchants[plan.merchant]!.id;
		if (transaction_id === null ? rows.some((other) => other.order_id === order_id) : !is_right) {
			violations.push({ check: checks.at(-1)!, detail: `order ${order_id}: ${JSON.stringify(row)}`, transaction_id });
		}
	}
	for (const { id, order_id, amount, client_id } of world.others) {
		const row = found.get(id);
		if (row?.order_id === order_id && row.amount === amount && row.client_id === client_id) continue;
		violations.push({ check: checks.at(-1)!, detail: `order ${order_id}: ${JSON.stringify(row)}`, transaction_id: id });
	}
	const accepted = plays.filter(({ transaction_id }) => transaction_id !== null).length + world.others.length;
	if (rows.length !== accepted) {
		const detail = `${accepted} payments accepted, ${rows.length} stored`;
		violations.push({ check: checks.at(-1)!, detail, transaction_id: null });
	}

	checks.push("every answer was as it should be");
	for (const { faults, transaction_id } of plays) {
		violations.push(...faults.map((detail) => ({ check: checks.at(-1)!, detail, transaction_id })));
	}
	for (const { name, faults } of survived) {
		violations.push(
			...faults.map((detail) => ({ check: checks.at(-1)!, detail: `${name}: ${detail}`, transaction_id: null })),
		);
	}

	checks.push("no process had a fault of its own");
	const upsets = [...survived.filter(({ breaks_connections }) => breaks_connections), ...standstills];
	for (const [name, file] of Object.entries(world.logs)) {
		for (const line of readFileSync(file, "utf8").split("\n")) {
			// pino: 50 is an error, 60 the end.
			if (!/"level":(50|60)/.test(line) || isExpected(line, world, upsets)) continue;
			violations.push({ check: checks.at(-1)!, detail: `${name}: ${line.slice(0, 400)}`, transaction_id: null });
		}
	}
	checks.push("no secret is in the clear in a table, a job, a recorded statement, a log or a file of the server");
	for (const detail of await findCanaries(world, parseEncryptionKeys(TEST_ENCRYPTION_KEYS))) {
		violations.push({ check: checks.at(-1)!, detail, transaction_id: null });
	}

	checks.push("every disaster was survived");
	for (const { name, seconds } of survived) {
		if (seconds === null) violations.push({ check: checks.at(-1)!, detail: name, transaction_id: null });
	}
	return { checks, violations };
}

/** Reconnecting takes a while longer than it takes to be ready. */
const AFTERMATH_SECONDS = 15;

/** Alerts go to operators through the log; poisoned jobs fail; and who loses the database says so. */
function isExpected(
	line: string,
	{ poisoned }: World,
	upsets: readonly { struck_at: number; seconds: number | null }[],
): boolean {
	// Flows write to people, for whom there is no mail server here.
	if (
		/"alert":"|Could not send notification via mail/.test(line) ||
		poisoned.has(/"job_id":(\d+)/.exec(line)?.[1] ?? "")
	)
		return true;
	const time = Number(/"time":(\d{13})/.exec(line)?.[1]);
	return upsets.some(
		({ struck_at, seconds }) => time >= struck_at && time <= struck_at + ((seconds ?? 0) + AFTERMATH_SECONDS) * 1000,
	);
}

async function loadTruth(
	admin: pg.Pool,
	{ taken, given_back }: Truth,
	heard: readonly MerchantEvent[],
	refused_refunds: readonly string[],
	poisoned: readonly string[],
): Promise<void> {
	await admin.query(`create schema chaos;
		create table chaos.taken (provider text, api_key text, psp_order_id text, psp_payment_id text, amount bigint, currency text);
		create table chaos.given_back (provider text, api_key text, psp_payment_id text, psp_refund_id text, amount bigint, is_automatic boolean);
		create table chaos.heard (id text, type text, verified boolean, merchant text);
		create table chaos.refused_refunds (refund_id uuid);
		create table chaos.poisoned (id text)`);
	const load = (table: string, rows: readonly unknown[]) =>
		admin.query(`insert into chaos.${table} select * from jsonb_populate_recordset(null::chaos.${table}, $1)`, [
			JSON.stringify(rows),
		]);
	await load("taken", taken);
	await load("given_back", given_back);
	await load("heard", heard);
	await load(
		"refused_refunds",
		refused_refunds.map((refund_id) => ({ refund_id })),
	);
	await load(
		"poisoned",
		poisoned.map((id) => ({ id })),
	);
	await admin.query("analyze");
}
