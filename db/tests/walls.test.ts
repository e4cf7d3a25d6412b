import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { breachesAfter } from "../../test/invariants.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { payPayment, queryAs } from "../../test/payments.ts";
import { DATABASE_ERRORS, ERROR_CODES } from "../client/errors.ts";
import { checkInvariants } from "../client/invariants.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const ROOT = join(import.meta.dirname, "..", "..");
let database: TestDatabase;
let kaveri: TestMerchant;
let transaction_id: string;
beforeAll(async () => {
	database = await createTestDatabase();
	kaveri = await createMerchant(database.pool("admin"), keys);
	transaction_id = (await payPayment(database, kaveri)).transaction_id;
});
afterAll(() => database.drop());

const rows = queryAs(() => database.pool("admin"));

describe("the roles", () => {
	test.each(["checkout", "jobs"] as const)(
		"%s reads and writes no table of ours, only through functions",
		async (role) => {
			const tables = await rows<{ name: string }>(
				"select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
			);
			expect(tables.length).toBeGreaterThan(15);
			for (const { name } of tables) {
				await expect(database.pool(role).query(`select from public.${name}`), name).rejects.toMatchObject({
					code: "42501",
				});
				await expect(database.pool(role).query(`delete from public.${name}`), name).rejects.toMatchObject({
					code: "42501",
				});
			}
			await expect(database.pool(role).query("create table public.mine ()")).rejects.toMatchObject({ code: "42501" });
		},
	);

	test("jobs works the queue and cannot replace what owner's functions call in it", async () => {
		const jobs = database.pool("jobs");
		await jobs.query("select * from graphile_worker.jobs");
		await expect(
			jobs.query("create or replace function graphile_worker.mine() returns void language sql as ''"),
		).rejects.toMatchObject({ code: "42501" });
		expect(
			await rows(
				"select proname from pg_proc where pronamespace = 'graphile_worker'::regnamespace and proowner <> 'owner'::regrole",
			),
		).toEqual([]);
		expect(
			await rows("select pg_has_role('jobs', 'owner', 'member') or pg_has_role('owner', 'jobs', 'member') as related"),
		).toEqual([{ related: false }]);
	});

	test("finance reads the reports and nothing else", async () => {
		const finance = database.pool("finance");
		expect(
			(
				await finance.query("select volume, commission, gst from reports.vw_commission_daily where client_id = $1", [
					kaveri.id,
				])
			).rows,
		).toEqual([{ volume: 10_000, commission: 350, gst: 63 }]);
		expect(
			(await finance.query("select balance_due from reports.vw_commission_due where client_id = $1", [kaveri.id])).rows,
		).toEqual([{ balance_due: 413 }]);
	});

	test("finance, whatever it tries, reads nothing else and writes nothing", async () => {
		const relations = await rows<{ name: string }>(
			`select format('%I.%I', nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
				where relkind in ('r', 'p', 'v', 'm', 'S') and nspname not in ('reports', 'pg_catalog', 'information_schema', 'pg_toast')`,
		);
		expect(relations.length).toBeGreaterThan(60);
		const finance = await database.connection("finance");
		const refused = async (text: string, ...codes: string[]) =>
			expect(
				await finance.query(text).then(
					() => "done",
					(error) => error.code,
				),
				text,
			).toBeOneOf(["42501", ...codes]);
		// Its own setting, so it can leave it.
		await finance.query("set default_transaction_read_only = off");
		for (const { name } of relations) await refused(`select * from ${name}`);
		expect(
			await rows(
				`select p.oid::regprocedure::text as name from pg_proc p join pg_namespace n on n.oid = pronamespace
					where nspname not in ('reports', 'pg_catalog', 'information_schema') and has_function_privilege('finance', p.oid, 'execute')
						and has_schema_privilege('finance', n.oid, 'usage')`,
			),
		).toEqual([]);
		for (const view of ["merchants", "vw_commission_daily", "gst_documents"]) {
			await finance.query(`select * from reports.${view} limit 1`);
			await refused(`delete from reports.${view}`, "55000");
		}
		for (const text of [
			"update reports.merchants set company_name = 'Mine'",
			"insert into reports.merchants (company_name) values ('Mine')",
			"create table reports.mine ()",
			"create table public.mine ()",
			"create temporary table mine ()",
			"create schema mine",
			"create function reports.mine() returns void language sql as ''",
			"create view reports.mine as select 1",
			"select public.check_invariants()",
			"select public.reopen_report_days('2000-01-01')",
			"select lo_create(0)",
			"select lo_creat(-1)",
			"select lo_from_bytea(0, 'x')",
			"select lo_import('/etc/passwd')",
			"select pg_read_file('/etc/passwd')",
			"select pg_read_binary_file('global/pg_control')",
			"select pg_ls_dir('.')",
			"copy reports.merchants to '/tmp/mine'",
			"copy (select 1) to program 'true'",
			"create extension dblink",
			"select * from pg_authid",
			"select * from pg_user_mapping",
			"set role owner",
			"set role jobs",
			"set session authorization postgres",
			"alter role finance superuser",
			"alter role owner password 'mine'",
			"select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
			"alter system set log_statement = 'all'",
			"select pg_reload_conf()",
		]) {
			// 0A000: there is no such extension to install; 3F000: its schema is not even to be seen
			await refused(text, "0A000");
		}
	});

	test("each function of the money path is callable by its own role alone", async () => {
		const settle = "select public.settle_attempt(null, '{}')";
		const initiate = "select public.initiate_payments('[]')";
		for (const role of ["checkout", "studio", "finance"] as const) {
			await expect(database.pool(role).query(settle), role).rejects.toMatchObject({ code: "42501" });
		}
		for (const role of ["jobs", "studio", "finance"] as const) {
			await expect(database.pool(role).query(initiate), role).rejects.toMatchObject({ code: "42501" });
		}
		for (const role of ["checkout", "jobs", "studio", "finance"] as const) {
			for (const call of ["settle_attempts(null, null)", "book_commissions(null, null)", "append_entries(null)"]) {
				await expect(database.pool(role).query(`select public.${call}`), role).rejects.toMatchObject({ code: "42501" });
			}
		}
	});

	test("every function of ours fixes its search path or is a plain expression, and no name is overloaded", async () => {
		expect(
			await rows(
				`select proname from pg_proc where pronamespace = 'public'::regnamespace group by 1 having count(*) > 1`,
			),
		).toEqual([]);
		expect(
			await rows(
				`select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef
					and not coalesce(proconfig, '{}') @> array['search_path=""']`,
			),
		).toEqual([]);
	});
});

test("a source of webhooks that cannot be read is refused", async () => {
	const set = (networks: string[]) =>
		rows("update payment_gateways set webhook_networks = $2 where id = $1", [
			kaveri.gateways[0]!.id,
			JSON.stringify(networks),
		]);
	await expect(set(["203.0.113.0/24", "not a network"])).rejects.toMatchObject({
		code: "LS014",
		hint: expect.any(String),
	});
	await set(["203.0.113.0/24", "2001:db8::1"]);
});

test("an alert that stays open is sent again after an hour, and not before", async () => {
	const raise = () => rows("select raise_alert('test', 'warning', 'm', '{}', 'test:again')");
	const sent = async () =>
		(
			await rows(
				"select from graphile_worker._private_jobs j join alerts a on j.payload ->> 'alert_id' = a.id::text where a.dedupe_key = 'test:again'",
			)
		).length;
	const age = (minutes: number) =>
		rows(
			"update alerts set last_at = now() - $1 * interval '1 minute', notified_at = now() - $1 * interval '1 minute' where dedupe_key = 'test:again'",
			[minutes],
		);
	await raise();
	await age(30);
	await raise();
	expect(await sent()).toBe(1);
	await age(61);
	await raise();
	expect(await sent()).toBe(2);
	expect(await rows("select count from alerts where dedupe_key = 'test:again'")).toEqual([{ count: 3 }]);
});

describe("the books", () => {
	test.each([
		"update wallet_entries set amount = amount + 1",
		"delete from wallet_entries",
		"truncate wallet_entries cascade",
		"update audit_log set actor = 'nobody'",
		"delete from audit_log",
		"truncate audit_log",
	])("refuse %j, even from a superuser", async (text) => {
		await expect(rows(text)).rejects.toMatchObject({ code: "LS010", hint: expect.any(String) });
	});

	test("take a payment's commission once", async () => {
		await expect(
			rows(
				"select book_commissions(array[a], array[t]) from transactions t join payment_attempts a on a.transaction_id = t.id where t.id = $1",
				[transaction_id],
			),
		).rejects.toMatchObject({ constraint: "wallet_entries_type_transaction_id_key" });
	});
});

describe("the audit trail", () => {
	const newest = async () =>
		(
			await rows<Record<string, unknown>>(
				"select actor, database_role, action, table_name, before, after from audit_log order by id desc limit 1",
			)
		)[0];

	test("records a change made by SQL with before, after and who", async () => {
		await rows("update clients set fee_percent = 4.25 where id = $1", [kaveri.id]);
		expect(await newest()).toEqual({
			actor: "postgres",
			database_role: "postgres",
			action: "update",
			table_name: "clients",
			before: { fee_percent: 3.5 },
			after: { fee_percent: 4.25 },
		});
	});

	test("names the person when the session says who it is", async () => {
		const client = await database.connection("admin");
		await client.query("begin; select set_config('app.actor', 'asha@example.org', true)");
		await client.query("update payment_gateways set is_active = false where client_id = $1", [kaveri.id]);
		await client.query("update payment_gateways set is_active = true where client_id = $1", [kaveri.id]);
		await client.query("commit");
		expect(await newest()).toMatchObject({
			actor: "asha@example.org",
			table_name: "payment_gateways",
			after: { is_active: true },
		});
	});

	test("says that a secret changed and never what it is", async () => {
		await rows("update payment_gateways set api_secret = 'v1.k.canary.canary' where client_id = $1", [kaveri.id]);
		expect(await newest()).toMatchObject({ before: { api_secret: "(secret)" }, after: { api_secret: "(new secret)" } });
		expect(await rows("select from audit_log a where a::text like '%canary%' or a::text like '%v1.%'")).toEqual([]);
	});

	test("records money rows touched by hand, not those touched by the application", async () => {
		const about = () => rows("select action from audit_log where table_name = 'transactions'");
		await payPayment(database, kaveri);
		expect(await about()).toEqual([]);
		await rows("update transactions set description = 'by hand' where id = $1", [transaction_id]);
		expect(await about()).toEqual([{ action: "update" }]);
	});

	test("records a regenerated key with the person, and keeps the old key for the PSPs' webhooks", async () => {
		const other = await createMerchant(database.pool("admin"), keys);
		await database
			.pool("studio")
			.query(
				"select public.regenerate_client_credentials($1, 'lsp_new_key_1', 'v1.a', null, 0, 'leaked', 'operator-1')",
				[other.id],
			);
		expect(await newest()).toMatchObject({
			actor: "operator-1",
			database_role: "studio",
			action: "regenerate_credentials",
		});
		const found = await database
			.pool("checkout")
			.query("select public.find_webhook_gateways($1) ->> 'client_id' as id", [other.client_key]);
		expect(found.rows).toEqual([{ id: other.id }]);
		expect(
			(await database.pool("checkout").query("select public.find_client($1) as client", [other.client_key])).rows,
		).toEqual([{ client: null }]);
		await expect(
			database
				.pool("studio")
				.query("select public.regenerate_client_credentials($1, $2, 'v1.a', null, 0, 'leaked', 'x')", [
					kaveri.id,
					other.client_key,
				]),
		).rejects.toMatchObject({ code: "LS011" });
	});
});

const A_REFUND = `insert into refunds (client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, status,
		completed_at, requested_by, psp_payment_id)
	select a.client_id, a.transaction_id, a.id, a.gateway_id, 'requested', 1000, 'INR', 'created', null, 'merchant', 'pay_1'
		from payment_attempts a where a.status = 'succeeded' limit 1`;

describe("check_invariants", () => {
	test("finds nothing in healthy books", async () => {
		expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
	});

	// Planted with triggers and keys off, in a transaction that is rolled back: the walls would not let them in.
	test.each([
		["wallet_balance_is_sum_of_entries", "update wallets set balance_due = balance_due + 1"],
		["wallet_entries_chain", "update wallet_entries set balance_after = balance_after + 1 where entry_no = 1"],
		["paid_transaction_has_its_commission", "delete from wallet_entries where type = 'COMMISSION'"],
		["commission_has_its_gst", "delete from wallet_entries where type = 'COMMISSION_GST'"],
		["gateway_volume_covers_its_attempts", "update gateway_states set volume = 0"],
		["commission_only_for_paid_transactions", "update transactions set status = 'failed', paid_at = null"],
		["entry_belongs_to_the_transactions_client", "update transactions set client_id = gen_random_uuid()"],
		["paid_transaction_has_a_succeeded_attempt", "update payment_attempts set status = 'failed'"],
		["succeeded_attempt_belongs_to_a_paid_transaction", "update transactions set status = 'failed', paid_at = null"],
		["gateway_belongs_to_the_transactions_client", "update transactions set client_id = gen_random_uuid()"],
		["paid_transaction_has_its_event", "delete from webhook_events"],
		["refunds_stay_within_what_was_captured", `${A_REFUND.replace("1000", "10001")}`],
		["amount_refunded_is_sum_of_refunds", "update transactions set amount_refunded = 1 where paid_at is not null"],
		[
			"reversals_stay_within_commission",
			`insert into wallet_entries (client_id, entry_no, type, amount, transaction_id, refund_id, balance_after, hash)
				select client_id, entry_no + 1000, 'COMMISSION_REVERSAL', -amount - 1, transaction_id, gen_random_uuid(), 0, hash
				from wallet_entries where type = 'COMMISSION'`,
		],
		[
			"reversal_belongs_to_a_succeeded_refund",
			`with r as (${A_REFUND} returning *)
				insert into wallet_entries (client_id, entry_no, type, amount, transaction_id, refund_id, balance_after, hash)
				select client_id, 99, 'COMMISSION_REVERSAL', -1, transaction_id, id, 0, sha256('') from r`,
		],
		["settled_refund_has_its_event", A_REFUND.replace("'created', null", "'succeeded', now()")],
		[
			"second_success_is_given_back",
			`insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, psp_payment_id, routing)
				select transaction_id, client_id, gateway_id, 2, amount, 'succeeded', 'pay_other', '{}'
				from payment_attempts where status = 'succeeded'`,
		],
		[
			"utr_receipt_settled_its_attempt",
			`insert into upi_receipts (client_id, utr, gateway_id, attempt_id, amount, source)
				select gen_random_uuid(), '612345678901', gateway_id, id, amount, 'operator' from payment_attempts limit 1`,
		],
		[
			"at_most_50_active_gateways",
			"insert into payment_gateways (client_id, name, provider, api_key, api_secret) select (select id from clients limit 1), 'g', 'razorpay', 'k', 'v1.x' from generate_series(1, 51)",
		],
	])("finds a planted breach of %s", async (invariant, corruption) => {
		expect(await breachesAfter(database, (client) => client.query(corruption))).toContain(invariant);
	});
});

describe("error codes", () => {
	test("that the database raises are all known to the application and explained in docs/error-codes.md", async () => {
		const folder = join(ROOT, "db", "functions");
		const raised = new Set<string>();
		for (const name of await readdir(folder)) {
			for (const [, code] of (await readFile(join(folder, name), "utf8")).matchAll(/errcode = '(LS\d{3})'/g))
				raised.add(code!);
		}
		expect([...raised].sort()).toEqual(Object.keys(DATABASE_ERRORS).sort());
		const page = await readFile(join(ROOT, "docs", "error-codes.md"), "utf8");
		for (const code of [...raised, ...ERROR_CODES]) expect(page, code).toContain(`\`${code}\``);
	});
});
