import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ROLE_PASSWORDS } from "../test/test-cluster.ts";
import { createConnection } from "./client/connection.ts";
import { type Cluster, startCluster } from "./cluster.ts";
import { type DatabaseRole, type PrepareOptions, prepareDatabase, roleUrl } from "./prepare.ts";

// Roles and databases belong to a whole server, so these tests have one of their own.
let home: string;
let cluster: Cluster;
let directory: string;
let counter = 0;

beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), "prepare-test-"));
	chmodSync(home, 0o711);
	cluster = await startCluster({ directory: join(home, "postgres"), password: "x", durable: false });
});

afterAll(async () => {
	await cluster.stop();
	rmSync(cluster.directory, { recursive: true, force: true });
	rmSync(home, { recursive: true, force: true });
});

let database: string;
const clients: pg.Client[] = [];

beforeEach(() => {
	database = `prepared_${++counter}`;
	directory = join(home, database);
	mkdirSync(join(directory, "migrations"), { recursive: true });
	mkdirSync(join(directory, "functions"));
});

afterEach(async () => {
	await Promise.all(clients.splice(0).map((client) => client.end()));
});

function put(file: string, sql: string): void {
	writeFileSync(join(directory, file), sql);
}

function prepare(options: Partial<PrepareOptions> = {}) {
	return prepareDatabase({
		adminUrl: cluster.adminUrl,
		database,
		passwords: ROLE_PASSWORDS,
		directory,
		...options,
	});
}

async function login(role: DatabaseRole, password = ROLE_PASSWORDS[role]): Promise<pg.Client> {
	const client = createConnection({ connectionString: roleUrl(cluster.adminUrl, database, role, password) });
	await client.connect();
	clients.push(client);
	return client;
}

describe("prepareDatabase", () => {
	test("applies migrations in order, then functions, then grants, each only once", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer primary key);");
		put("migrations/0002_add_text.sql", "alter table public.notes add column text text not null default '{x}';");
		put(
			"functions/count_notes.sql",
			"create or replace function public.count_notes() returns bigint language sql stable security definer set search_path = '' as $$ select public.zero_plus(count(*)) from public.notes $$;",
		);
		put(
			"functions/zero_plus.sql",
			"create or replace function public.zero_plus(n bigint) returns bigint language sql immutable as $$ select 0 + n $$;",
		);
		put("grants.sql", "grant execute on function public.count_notes() to checkout;");
		expect(await prepare()).toEqual({
			migrations: ["0001_create_notes.sql", "0002_add_text.sql"],
			functions: true,
		});
		expect(await prepare()).toEqual({ migrations: [], functions: false });
		const checkout = await login("checkout");
		expect((await checkout.query("select public.count_notes() as count")).rows).toEqual([{ count: "0" }]);
		await expect(checkout.query("select public.zero_plus(1)")).rejects.toMatchObject({ code: "42501" });
	});

	test("applies functions again when one of them, the grants or the migrations changed", async () => {
		put("functions/one.sql", "create or replace function public.one() returns int language sql as 'select 1';");
		await prepare();
		put("functions/one.sql", "create or replace function public.one() returns int language sql as 'select 10';");
		expect((await prepare()).functions).toBe(true);
		put("grants.sql", "grant execute on function public.one() to checkout;");
		expect((await prepare()).functions).toBe(true);
		put("migrations/0001_drop_one.sql", "drop function public.one();");
		expect(await prepare()).toEqual({ migrations: ["0001_drop_one.sql"], functions: true });
		expect((await (await login("checkout")).query("select public.one() as one")).rows).toEqual([{ one: 10 }]);
	});

	test("refuses a migration that was edited after it was applied, by name, and changes nothing", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
		await prepare();
		put("migrations/0001_create_notes.sql", "create table public.notes (id bigint);");
		put("migrations/0002_create_more.sql", "create table public.more (id bigint);");
		await expect(prepare()).rejects.toThrow(/0001_create_notes\.sql was edited after it was applied/);
		const owner = await login("owner");
		expect((await owner.query("select to_regclass('public.more') as more")).rows).toEqual([{ more: null }]);
	});

	test("refuses to run when an applied migration's file is gone", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
		await prepare();
		rmSync(join(directory, "migrations/0001_create_notes.sql"));
		await expect(prepare()).rejects.toThrow(/0001_create_notes\.sql was applied .* its file is gone/);
	});

	test("refuses a migration that would run before one already applied", async () => {
		put("migrations/0002_create_notes.sql", "create table public.notes (id integer);");
		await prepare();
		put("migrations/0001_create_more.sql", "create table public.more (id integer);");
		await expect(prepare()).rejects.toThrow(/0001_create_more/);
	});

	test("undoes all pending migrations when one fails, and names its file and line", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
		put("migrations/0002_break.sql", "create table public.more (id integer);\n\nselect no_such_column;\n");
		await expect(prepare()).rejects.toThrow(/0002_break\.sql:3: .*no_such_column/);
		put("migrations/0002_break.sql", "create table public.more (id integer);");
		expect((await prepare()).migrations).toEqual(["0001_create_notes.sql", "0002_break.sql"]);
	});

	test("undoes all functions when one fails, and names its file and line", async () => {
		put("functions/a.sql", "create or replace function public.a() returns int language sql as 'select 1';");
		put("functions/b.sql", "-- header\ncreate or replace nonsense public.b() returns int language sql as '';");
		await expect(prepare()).rejects.toThrow(/functions\/b\.sql:2: .*nonsense/);
		const owner = await login("owner");
		expect((await owner.query("select to_regproc('public.a') as a")).rows).toEqual([{ a: null }]);
	});

	test("refuses a migration whose name has no place in the order", async () => {
		put("migrations/notes.sql", "select 1;");
		await expect(prepare()).rejects.toThrow(/notes\.sql is not a migration's name/);
	});

	test("lets two starts at once take turns", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
		const results = await Promise.all([prepare(), prepare(), prepare()]);
		expect(results.flatMap(({ migrations }) => migrations)).toEqual(["0001_create_notes.sql"]);
	});

	test("installs the job schemas for jobs, lets owner add jobs and nobody else see them", async () => {
		await prepare();
		const owner = await login("owner");
		await owner.query("select graphile_worker.add_jobs(array[]::graphile_worker.job_spec[])");
		const checkout = await login("checkout");
		await expect(checkout.query("select graphile_worker.add_job('x')")).rejects.toMatchObject({ code: "42501" });
		const jobs = await login("jobs");
		expect((await jobs.query("select version from pgboss.version")).rows).toHaveLength(1);
		await expect(jobs.query("create schema mine")).rejects.toMatchObject({ code: "42501" });
		await expect(checkout.query("select * from pgboss.version")).rejects.toMatchObject({ code: "42501" });
	});

	test("gives nobody but owner a way to create in public, and finance only reports, read-only", async () => {
		put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
		await prepare();
		for (const role of ["checkout", "jobs", "studio", "finance"] as const) {
			const client = await login(role);
			await expect(client.query("create table public.mine (id integer)")).rejects.toThrow();
			await expect(client.query("select * from public.notes")).rejects.toMatchObject({ code: "42501" });
			await expect(client.query("create temporary table mine (id integer)")).rejects.toThrow();
		}
		const finance = await login("finance");
		expect((await finance.query("show default_transaction_read_only")).rows[0]).toEqual({
			default_transaction_read_only: "on",
		});
		const studio = await login("studio");
		await studio.query("create table directus.own (id integer)");
	});

	test("sets changed passwords and never sends one in clear", async () => {
		const statements: string[] = [];
		const spy = pg.Client.prototype.query;
		pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
			statements.push(JSON.stringify(args[0]));
			return (spy as (...args: unknown[]) => unknown).apply(this, args);
		} as typeof spy;
		try {
			await prepare({ passwords: { ...ROLE_PASSWORDS, finance: "a new s3cret'" } });
		} finally {
			pg.Client.prototype.query = spy;
		}
		await login("finance", "a new s3cret'");
		expect(statements.join("\n")).toContain("SCRAM-SHA-256$4096:");
		expect(statements.join("\n")).not.toContain("s3cret");
	});

	test("works with an administrator who may create roles and databases but is no superuser", async () => {
		const own = await startCluster({ directory: join(home, "own"), password: "x", durable: false });
		try {
			const admin = createConnection({ connectionString: own.adminUrl });
			await admin.connect();
			await admin.query("create role manager login createrole createdb password 'm'");
			await admin.query("create role clerk login password 'c'");
			await admin.end();
			const managerUrl = own.adminUrl.replace("postgres:x@", "manager:m@");
			put("migrations/0001_create_notes.sql", "create table public.notes (id integer);");
			expect((await prepare({ adminUrl: managerUrl })).migrations).toHaveLength(1);
			expect((await prepare({ adminUrl: managerUrl })).migrations).toHaveLength(0);
			await expect(prepare({ adminUrl: own.adminUrl.replace("postgres:x@", "clerk:c@") })).rejects.toThrow(
				/role clerk may not create roles and databases: run `alter role "clerk" createrole createdb`/,
			);
		} finally {
			await own.stop();
			rmSync(own.directory, { recursive: true, force: true });
		}
	});

	test("says in one sentence that the server cannot be reached or the login is wrong", async () => {
		await expect(prepare({ adminUrl: "postgres://postgres:x@127.0.0.1:1/postgres" })).rejects.toThrow(
			/^No connection to PostgreSQL at 127\.0\.0\.1:1\/postgres as postgres: .*ECONNREFUSED/,
		);
		await expect(prepare({ adminUrl: cluster.adminUrl.replace(":x@", ":y@") })).rejects.toThrow(
			/password authentication failed/,
		);
	});
});
