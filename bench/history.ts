/**
 * A database with a year of payments behind it, or the same merchants without: what goals about growth compare. Each is on a
 * server of its own. Seeding twenty million transactions takes a quarter of an hour and 35 GB, so its directory can be kept:
 *
 *   node bench/history.ts --directory D/full [--transactions 20000000] [--merchants 10000]   seeds, and stops the server
 */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { createConnection } from "../db/client/connection.ts";
import { freePort, startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { type BenchMerchant, seedMerchants } from "./merchants.ts";
import type { Ground } from "./scene.ts";

export interface HistorySize {
	transactions: number;
	merchants: number;
}

export interface History {
	ground: Ground;
	/** Stops the server; the directory stays. */
	close(): Promise<void>;
}

/** What a kept directory needs to be opened again; its server listens on loopback only and holds invented data. */
interface Kept {
	superuser: string;
	passwords: Record<DatabaseRole, string>;
	encryptionKeys: string;
	merchants: BenchMerchant[];
}

const DATABASE = "bench";
const GATEWAYS = 5;
/** Transactions written by one statement. */
const CHUNK = 100_000;
const WRITERS = 2;
const DAYS = 365;

/** Opens the history in `directory`; seeds it first where there is none. */
export async function openHistory(
	directory: string,
	size: HistorySize,
	report: (line: string) => void,
): Promise<History> {
	await mkdir(directory, { recursive: true });
	// As root the server runs as another user, which must get through.
	await chmod(directory, 0o711);
	const file = join(directory, "history.json");
	if (!existsSync(file)) await seed(directory, file, size, report);
	const { superuser, passwords, encryptionKeys, merchants } = JSON.parse(await readFile(file, "utf8")) as Kept;
	const cluster = await startCluster({ directory: join(directory, "postgres"), password: superuser, report });
	try {
		await prepareDatabase({ adminUrl: cluster.adminUrl, database: DATABASE, passwords });
		const ground: Ground = {
			home: directory,
			admin_url: withDatabase(cluster.adminUrl),
			url: (role) => roleUrl(cluster.adminUrl, DATABASE, role, passwords[role]),
			encryption_keys: encryptionKeys,
			status_token_key: randomBytes(32).toString("base64"),
			checkout_port: await freePort(),
			sandbox_port: await freePort(),
			merchants,
			lone: merchants[0]!,
		};
		return { ground, close: () => cluster.stop() };
	} catch (error) {
		await cluster.stop();
		throw error;
	}
}

async function seed(
	directory: string,
	file: string,
	{ transactions, merchants: count }: HistorySize,
	report: (line: string) => void,
): Promise<void> {
	const kept = {
		superuser: randomBytes(12).toString("hex"),
		passwords: Object.fromEntries(DATABASE_ROLES.map((role) => [role, randomBytes(12).toString("hex")])) as Record<
			DatabaseRole,
			string
		>,
		encryptionKeys: `bench:${randomBytes(32).toString("base64")}`,
	};
	// What a seeding that was broken off has left.
	await rm(join(directory, "postgres"), { recursive: true, force: true });
	// Nothing is lost that could not be seeded again; it is flushed at the end.
	const cluster = await startCluster({
		directory: join(directory, "postgres"),
		password: kept.superuser,
		durable: false,
		report,
	});
	let merchants: BenchMerchant[];
	try {
		await prepareDatabase({ adminUrl: cluster.adminUrl, database: DATABASE, passwords: kept.passwords });
		const adminUrl = withDatabase(cluster.adminUrl);
		merchants = await seedMerchants(adminUrl, kept.encryptionKeys, count, GATEWAYS);
		if (transactions > 0) await seedTransactions(adminUrl, merchants, transactions, report);
	} finally {
		await cluster.stop();
	}
	await promisify(execFile)("sync");
	await writeFile(file, JSON.stringify({ ...kept, merchants } satisfies Kept), { mode: 0o600 });
}

/**
 * Transactions that are over, with one attempt each, in order of time. Order ids are what merchants write: a running number (half
 * of them), random (a quarter), or a date and a number; loads on top of the history do the same (`orderIdOf`).
 */
async function seedTransactions(
	adminUrl: string,
	merchants: BenchMerchant[],
	transactions: number,
	report: (line: string) => void,
): Promise<void> {
	const writers = Array.from({ length: WRITERS }, () => createConnection({ connectionString: adminUrl }));
	try {
		for (const writer of writers) {
			await writer.connect();
			await writer.query(`set session_replication_role = replica; set synchronous_commit = off; set work_mem = '256MB';
				set maintenance_work_mem = '1GB'; set max_parallel_maintenance_workers = 0`);
			await writer.query(
				`create temporary table merchant as
					select m.place - 1 as place, m.id::uuid as id, array_agg(g.id order by g.id) as gateways
						from unnest($1::text[]) with ordinality m (id, place)
						join public.payment_gateways g on g.client_id = m.id::uuid group by 1, 2`,
				[merchants.map(({ id }) => id)],
			);
			await writer.query("create unique index on merchant (place); analyze merchant");
		}
		const first = writers[0]!;
		// A payment's row grows by more than the room that its page keeps for that, so pages are full once their payments are over.
		// Written as they end, rows would leave the room, and smaller new ones would fill it: each payment a page of its own.
		const { rows: pages } = await first.query<{ fill: string; reset: string }>(`
			select 'alter table ' || c.oid::regclass || ' set (fillfactor = 100)' as fill,
					'alter table ' || c.oid::regclass || ' set (fillfactor = ' || option_value || ')' as reset
				from pg_class c cross join pg_options_to_table(c.reloptions)
				where c.oid in ('public.transactions'::regclass, 'public.payment_attempts'::regclass) and option_name = 'fillfactor'`);
		for (const { fill } of pages) await first.query(fill);
		// Those no foreign key needs; written once at the end, as full as they are after a year of inserts.
		const { rows: indexes } = await first.query<{ drop: string; make: string; reset: string }>(`
			select coalesce('alter table ' || i.indrelid::regclass || ' drop constraint ' || quote_ident(c.conname),
						'drop index ' || i.indexrelid::regclass) as drop,
					regexp_replace(pg_get_indexdef(i.indexrelid), '( WHERE |$)', ' with (fillfactor = 70)\\1')
						|| coalesce('; alter table ' || i.indrelid::regclass || ' add constraint ' || quote_ident(c.conname) || ' '
							|| case c.contype when 'u' then 'unique' end || ' using index ' || quote_ident(c.conname), '') as make,
					'alter index ' || i.indexrelid::regclass || ' reset (fillfactor)' as reset
				from pg_index i left join pg_constraint c on c.conindid = i.indexrelid and c.contype <> 'f'
				where i.indrelid in ('public.transactions'::regclass, 'public.payment_attempts'::regclass) and not i.indisprimary
					and not exists (select from pg_constraint f where f.contype = 'f' and f.conindid = i.indexrelid)`);
		for (const { drop } of indexes) await first.query(drop);

		let next = 0;
		await Promise.all(
			writers.map(async (writer) => {
				while (next < transactions) {
					const from = next;
					next += CHUNK;
					await writer.query(WRITE, [from, Math.min(CHUNK, transactions - from), transactions, DAYS, merchants.length]);
					if ((from / CHUNK) % 5 === 4) report(`${from + CHUNK} transactions`);
				}
			}),
		);
		let index = 0;
		await Promise.all(
			writers.map(async (writer) => {
				while (index < indexes.length) {
					const { make, reset } = indexes[index++]!;
					await writer.query(`${make}; ${reset}`);
				}
			}),
		);
		report("indexes");
		for (const { reset } of pages) await first.query(reset);
		await first.query("vacuum (freeze, analyze) public.transactions, public.payment_attempts");
		report("vacuumed");
	} finally {
		await Promise.all(writers.map((writer) => writer.end()));
	}
}

/** As WRITE writes them, for payments on top of the history. `place` is the merchant's in the list. */
export function orderIdOf(place: number, number: number): string {
	if (isRandom(place)) return randomBytes(16).toString("hex");
	const day = place % 4 === 2 ? new Date().toISOString().slice(0, 10).replaceAll("-", "") : "ORD";
	return `${day}-${Date.now()}${number}`;
}

export function isRandom(place: number): boolean {
	return place % 4 === 1;
}

const WRITE = `
	with made as (
		select n, uuidv7(made_at - clock_timestamp()) as id, uuidv7(made_at - clock_timestamp()) as attempt_id, m.id as client_id,
				m.gateways[1 + n % cardinality(m.gateways)] as gateway_id, made_at,
				case m.place % 4 when 1 then md5(n::text) when 2 then to_char(made_at, 'YYYYMMDD-') || n else 'ORD-' || n end as order_id,
				(100 * (50 + floor(9950 * luck * luck)))::bigint as amount,
				case when luck < 0.82 then 'paid' when luck < 0.95 then 'failed' else 'expired' end as status,
				(array['upi', 'card', 'netbanking', 'upi'])[1 + n % 4] as method
			from generate_series($1::bigint, $1::bigint + $2::bigint - 1) n
			cross join lateral (select random() as luck, random() as which, n as of_n) drawn
			cross join lateral (select now() - ($3::bigint - n)::float8 / $3::bigint * ($4::integer * interval '1 day') as made_at) at
			-- A few merchants are large: the square of a uniform draw.
			join merchant m on m.place = floor($5::integer * which * which)::bigint
			order by n
	), transactions as (
		insert into public.transactions (id, order_id, client_id, gateway_id, customer, amount, currency, status, method, gateway_txn_id,
				fee_percent, error_code, error_message, expires_at, paid_at, caps_booked_at, version, created_at, updated_at)
			select id, order_id, client_id, gateway_id, jsonb_build_object('email', 'payer' || n || '@example.com'), amount, 'INR', status,
					method, case status when 'paid' then 'pay_' || md5(order_id) end, 2, case status when 'failed' then 'declined' end,
					case status when 'failed' then 'The bank declined.' end, made_at + interval '15 minutes',
					case status when 'paid' then made_at + interval '40 seconds' end, case status when 'paid' then made_at end, 3, made_at,
					made_at + interval '40 seconds'
				from made
	)
	insert into public.payment_attempts (id, transaction_id, client_id, gateway_id, attempt_no, amount, status, psp_order_id, psp_payment_id,
			method, bank_reference, psp_fee, error_code, error_message, latency_ms, routing, started_at, released_at, settled_at,
			created_at, updated_at)
		select attempt_id, id, client_id, gateway_id, 1, amount, case status when 'paid' then 'succeeded' else status end,
				'order_' || md5(n::text), case status when 'paid' then 'pay_' || md5(order_id) end, method,
				case status when 'paid' then lpad(n::text, 12, '4') end, case status when 'paid' then amount / 50 end,
				case status when 'failed' then 'declined' end, case status when 'failed' then 'The bank declined.' end, 80 + n % 200,
				'{"mode": "smart", "priority": 0, "success_rate": 92.1, "tried_before": 0}', made_at,
				case status when 'paid' then null else made_at + interval '40 seconds' end, made_at + interval '40 seconds',
				made_at, made_at + interval '40 seconds'
			from made`;

function withDatabase(adminUrl: string): string {
	const url = new URL(adminUrl);
	url.pathname = `/${DATABASE}`;
	return url.href;
}

if (import.meta.main) {
	const { values } = parseArgs({
		options: {
			directory: { type: "string" },
			transactions: { type: "string", default: "20000000" },
			merchants: { type: "string", default: "10000" },
		},
	});
	if (values.directory === undefined) throw new Error("Name a --directory.");
	const size = { transactions: Number(values.transactions), merchants: Number(values.merchants) };
	const history = await openHistory(values.directory, size, console.log);
	await history.close();
}
