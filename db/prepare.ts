/**
 * Brings a PostgreSQL server to what the code expects: roles, database, schemas of the job libraries, migrations, functions,
 * grants. Runs before every start; costs little when nothing has changed. Knows nothing of how the server came to be.
 *
 * Order: roles and database (administrator) → schemas graphile_worker (as `owner`) and pgboss (as `jobs`) → db/migrations, once each and
 * never edited afterwards (as `owner`) → db/functions and db/grants.sql, all again whenever one of them changed (as `owner`).
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { Logger, runMigrations } from "graphile-worker";
import { type MigrationBuilder, runner } from "node-pg-migrate";
import pg from "pg";
import { PgBoss } from "pg-boss";
import { createConnection } from "./client/connection.ts";

export const REQUIRED_POSTGRES_MAJOR = 18;

/** Each process logs in as one of these; what they may do is in the setup statements below and in db/grants.sql. */
export const DATABASE_ROLES = ["owner", "checkout", "jobs", "studio", "finance"] as const;
export type DatabaseRole = (typeof DATABASE_ROLES)[number];

/** Something the person who starts the system can put right; the message is one sentence that says how. */
export class PrepareError extends Error {
	override name = "PrepareError";
}

export interface PrepareOptions {
	/** A login that may create roles and databases; the database in it is only used to get in. */
	adminUrl: string;
	/** Name of the application's database; created when missing. */
	database: string;
	passwords: Record<DatabaseRole, string>;
	/** Folder with migrations/, functions/ and grants.sql; default: the one of this file. */
	directory?: string;
	report?: (line: string) => void;
}

export interface Prepared {
	/** File names of migrations applied by this call. */
	migrations: string[];
	/** Whether functions and grants were applied by this call. */
	functions: boolean;
}

export async function prepareDatabase(options: PrepareOptions): Promise<Prepared> {
	const report = options.report ?? (() => {});
	const directory = options.directory ?? import.meta.dirname;
	await withClient(options.adminUrl, async (admin) => {
		await assertCapableServer(admin);
		// Roles and databases belong to the whole server: two starts at once take turns.
		await takeTurns(admin);
		await createRolesAndDatabase(admin, options);
	});
	await withClient(withDatabase(options.adminUrl, options.database), async (admin) => {
		await setUpDatabase(admin);
		const url = (role: DatabaseRole) => roleUrl(options.adminUrl, options.database, role, options.passwords[role]);
		await installGraphileWorker(url("owner"));
		await installPgBoss(url("jobs"));
	});
	return withClient(roleUrl(options.adminUrl, options.database, "owner", options.passwords.owner), async (owner) => {
		// Held to the end of the session, so that a second start finds everything applied.
		await takeTurns(owner);
		const migrations = await applyMigrations(owner, join(directory, "migrations"));
		if (migrations.length > 0) report(`Applied ${migrations.length} migration(s), the last is ${migrations.at(-1)}.`);
		const functions = await applyFunctions(owner, directory);
		if (functions) report("Applied functions and grants.");
		return { migrations, functions };
	});
}

/** The connection URL of one role on the server that `adminUrl` points to. */
export function roleUrl(adminUrl: string, database: string, role: DatabaseRole, password: string): string {
	const url = new URL(withDatabase(adminUrl, database));
	url.username = role;
	url.password = encodeURIComponent(password);
	return url.href;
}

function withDatabase(adminUrl: string, database: string): string {
	const url = new URL(adminUrl);
	url.pathname = `/${encodeURIComponent(database)}`;
	return url.href;
}

/** Until the session ends, other starts wait that ask for this in the same database. */
async function takeTurns(client: pg.Client): Promise<void> {
	await client.query("select pg_advisory_lock(hashtextextended('lightspeedpay.prepare', 0))");
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
	const client = createConnection({ connectionString, application_name: "lightspeedpay-prepare" });
	try {
		await client.connect();
	} catch (cause) {
		const url = new URL(connectionString);
		throw new PrepareError(
			`No connection to PostgreSQL at ${url.host}${url.pathname} as ${url.username}: ${(cause as Error).message || (cause as NodeJS.ErrnoException).code}.`,
			{ cause },
		);
	}
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}

async function assertCapableServer(admin: pg.Client): Promise<void> {
	const { rows } = await admin.query<{ version: number; server_version: string; name: string; capable: boolean }>(
		`select current_setting('server_version_num')::integer as version, current_setting('server_version') as server_version,
			rolname as name, rolsuper or (rolcreaterole and rolcreatedb) as capable
		from pg_catalog.pg_roles where rolname = current_user`,
	);
	const server = rows[0]!;
	if (server.version < REQUIRED_POSTGRES_MAJOR * 10_000) {
		throw new PrepareError(
			`PostgreSQL ${server.server_version} is too old: point DATABASE_URL to PostgreSQL ${REQUIRED_POSTGRES_MAJOR} or newer, or unset it to use the embedded server.`,
		);
	}
	if (!server.capable) {
		throw new PrepareError(
			`The role ${server.name} may not create roles and databases: run \`alter role ${pg.escapeIdentifier(server.name)} createrole createdb\` as a superuser, or use another login in DATABASE_URL.`,
		);
	}
}

async function createRolesAndDatabase(admin: pg.Client, { database, passwords }: PrepareOptions): Promise<void> {
	const { rows: existing } = await admin.query<{ rolname: string }>(
		"select rolname from pg_catalog.pg_roles where rolname = any($1)",
		[DATABASE_ROLES],
	);
	const names = new Set(existing.map(({ rolname }) => rolname));
	const statements = DATABASE_ROLES.map((role) => {
		const verb = names.has(role) ? "alter" : "create";
		// The verifier, not the password, is sent: statements end in logs and in pg_stat_statements.
		return `${verb} role ${role} login nocreatedb nocreaterole inherit password ${pg.escapeLiteral(scramVerifier(passwords[role]))};`;
	});
	await admin.query(`
		begin;
		${statements.join("\n")}
		-- An administrator who is no superuser must be a member to create what belongs to these roles.
		do $$ begin
			if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
				execute format('grant owner, jobs, studio to %I with inherit true, set true', current_user);
			end if;
		end $$;
		commit;
	`);
	const { rowCount } = await admin.query("select from pg_catalog.pg_database where datname = $1", [database]);
	if (rowCount === 0) {
		await admin.query(
			`create database ${pg.escapeIdentifier(database)} owner owner template template0 encoding 'UTF8'
			locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'`,
		);
	}
}

/** RFC 5803: what PostgreSQL keeps instead of the password. */
export function scramVerifier(password: string): string {
	const iterations = 4096;
	const salt = randomBytes(16);
	const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, 32, "sha256");
	const clientKey = createHmac("sha256", salted).update("Client Key").digest();
	const storedKey = createHash("sha256").update(clientKey).digest("base64");
	const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
	return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}

/**
 * What holds in the whole database whatever tables come: who owns which schema, nothing for everybody, and a bound on how
 * long each role may hold a statement or a transaction open: an open one keeps dead rows of hot tables alive. None of this
 * is copied when a database is cloned, so a clone needs it again.
 */
export async function setUpDatabase(admin: pg.Client): Promise<void> {
	const { rows } = await admin.query<{ name: string }>("select quote_ident(current_database()) as name");
	const database = rows[0]!.name;
	await admin.query(`
		begin;
		select pg_advisory_xact_lock(hashtextextended('lightspeedpay.prepare', 0));
		set local client_min_messages = warning;
		revoke all on database ${database} from public;
		grant connect on database ${database} to owner, checkout, jobs, studio, finance;
		grant temporary on database ${database} to owner;

		alter schema public owner to owner;
		revoke all on schema public from public;
		grant usage on schema public to checkout, jobs, studio;
		create schema if not exists migrations authorization owner;
		create schema if not exists reports authorization owner;
		grant usage on schema reports to finance;
		create schema if not exists graphile_worker authorization owner;
		create schema if not exists pgboss authorization jobs;
		create schema if not exists directus authorization studio;
		-- A new function is nobody's until db/grants.sql gives it to somebody.
		alter default privileges for role owner revoke execute on functions from public;
		alter default privileges for role jobs revoke execute on functions from public;
		-- Large objects lie in no schema, so anybody who may call these could keep some. Only a superuser can take them away.
		do $$ begin
			if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
				revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
					pg_catalog.lo_from_bytea(oid, bytea) from public;
			end if;
		end $$;

		alter role owner in database ${database} set lock_timeout = '30s';
		alter role checkout in database ${database} set statement_timeout = '5s';
		alter role checkout in database ${database} set idle_in_transaction_session_timeout = '10s';
		-- Checkout's statements all look few rows up by key. Their plans are kept for the life of a connection, those of
		-- foreign keys too; one made while a table was small must not become a scan of all of it when it has grown.
		alter role checkout in database ${database} set enable_seqscan = off;
		alter role checkout in database ${database} set enable_hashjoin = off;
		alter role checkout in database ${database} set enable_mergejoin = off;
		-- and planning them anew for each call costs more than running them
		alter role checkout in database ${database} set plan_cache_mode = force_generic_plan;
		alter role jobs in database ${database} set statement_timeout = '60s';
		alter role jobs in database ${database} set idle_in_transaction_session_timeout = '30s';
		alter role jobs in database ${database} set enable_seqscan = off;
		alter role jobs in database ${database} set plan_cache_mode = force_generic_plan;
		alter role studio in database ${database} set search_path = directus, public;
		alter role studio in database ${database} set statement_timeout = '30s';
		alter role studio in database ${database} set idle_in_transaction_session_timeout = '60s';
		alter role finance in database ${database} set search_path = reports;
		alter role finance in database ${database} set default_transaction_read_only = on;
		-- Whoever reads keeps what died meanwhile from being cleared away, and rows of routing die thousands of times a second: a
		-- minute of that is borne, five are not. Reports take seconds.
		alter role finance in database ${database} set statement_timeout = '60s';
		alter role finance in database ${database} set idle_in_transaction_session_timeout = '15s';
		alter role finance in database ${database} set transaction_timeout = '60s';
		commit;
	`);
}

/**
 * The tables and functions of Graphile Worker belong to `owner`: the money path calls them with owner's rights, so the role
 * that works the queue must not be able to replace them. It gets rows and calls.
 */
async function installGraphileWorker(ownerUrl: string): Promise<void> {
	await runMigrations({ connectionString: ownerUrl, logger: quietLogger });
	await withClient(ownerUrl, (owner) =>
		owner.query(`
			begin;
			select pg_advisory_xact_lock(hashtextextended('lightspeedpay.prepare', 0));
			set local client_min_messages = warning;
			grant usage on schema graphile_worker to jobs;
			grant select, insert, update, delete on all tables in schema graphile_worker to jobs;
			grant usage on all sequences in schema graphile_worker to jobs;
			grant execute on all functions in schema graphile_worker to jobs;
			-- Graphile Worker closes its tables to all but their owner by row level security.
			do $$
			declare
				v_table regclass;
			begin
				for v_table in
					select oid from pg_catalog.pg_class where relnamespace = 'graphile_worker'::regnamespace and relrowsecurity
						and not exists (select from pg_catalog.pg_policy where polrelid = pg_class.oid and polname = 'jobs')
				loop
					execute format('create policy jobs on %s to jobs using (true) with check (true)', v_table);
				end loop;
			end $$;
			commit;
		`),
	);
}

async function installPgBoss(jobsUrl: string): Promise<void> {
	const boss = new PgBoss({
		connectionString: jobsUrl,
		schema: "pgboss",
		createSchema: false,
		supervise: false,
		schedule: false,
		max: 1,
	});
	let failure: unknown = null;
	boss.on("error", (error) => {
		failure = error;
	});
	await boss.start();
	await boss.stop({ graceful: false });
	if (failure !== null) throw failure;
	// The queue monitor's functions read the runs of the schedules.
	await withClient(jobsUrl, async (jobs) => {
		await takeTurns(jobs);
		await jobs.query("grant usage on schema pgboss to owner; grant select on pgboss.job to owner");
	});
}

/** Progress of the libraries' own migrations says nothing to whoever starts the system; their errors are thrown. */
const quietLogger = new Logger(() => () => {});

interface SqlFile {
	/** File name, e.g. 0001_tables.sql. */
	name: string;
	path: string;
	text: string;
	sha256: string;
}

async function readSqlFiles(folder: string): Promise<SqlFile[]> {
	const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return [];
		throw error;
	});
	return Promise.all(
		names
			.filter((name) => name.endsWith(".sql"))
			.sort()
			.map((name) => readSqlFile(join(folder, name))),
	);
}

async function readSqlFile(path: string): Promise<SqlFile> {
	const text = await readFile(path, "utf8");
	return { name: basename(path), path, text, sha256: createHash("sha256").update(text).digest("hex") };
}

async function applyMigrations(owner: pg.Client, folder: string): Promise<string[]> {
	const files = await readSqlFiles(folder);
	for (const { name } of files) {
		if (!/^\d{4}_[a-z0-9_]+\.sql$/.test(name)) {
			throw new PrepareError(`${name} is not a migration's name: call it like 0001_create_clients.sql.`);
		}
	}
	await owner.query(`
		set client_min_messages = warning;
		create table if not exists migrations.files (
			name text constraint files_pkey primary key,
			sha256 text not null,
			applied_at timestamptz not null default now()
		);
		create table if not exists migrations.sources (
			name text constraint sources_pkey primary key,
			sha256 text not null,
			applied_at timestamptz not null default now()
		);
		reset client_min_messages;
	`);
	const applied = new Map<string, string>();
	const { rows } = await owner.query<{ name: string; sha256: string }>(
		"select name, sha256 from migrations.files order by name",
	);
	for (const { name, sha256 } of rows) applied.set(name, sha256);
	const byName = new Map(files.map((file) => [file.name, file]));
	for (const [name, sha256] of applied) {
		const file = byName.get(name);
		if (file === undefined) {
			throw new PrepareError(
				`Migration ${name} was applied to this database but its file is gone: restore it, or use the code this database belongs to.`,
			);
		}
		if (file.sha256 !== sha256) {
			throw new PrepareError(
				`Migration ${name} was edited after it was applied to this database: restore the file and put the change into a new migration.`,
			);
		}
	}
	const pending = files.filter(({ name }) => !applied.has(name));
	if (pending.length === 0) return [];
	const lines: string[] = [];
	const collect = (line: unknown) => {
		lines.push(String(line));
	};
	await runner({
		dbClient: owner,
		dir: folder,
		ignorePattern: "(?!.*\\.sql$).*",
		direction: "up",
		migrationsSchema: "migrations",
		migrationsTable: "runs",
		checkOrder: true,
		singleTransaction: true,
		advisoryLockMode: "wait",
		logger: { info: collect, warn: collect, error: collect },
		migrationLoaderStrategies: [{ extensions: [".sql"], loader: async () => files.map(migrationUnit) }],
	}).catch((cause: unknown) => {
		throw explainSqlError(cause, pending, lines);
	});
	return pending.map(({ name }) => name);
}

/** Records the hash in the very transaction of the migration, so that neither can exist without the other. */
function migrationUnit(file: SqlFile) {
	return {
		id: file.path,
		filePaths: [file.path],
		actions: {
			up: (migration: MigrationBuilder) => {
				migration.sql(file.text);
				migration.sql(
					`insert into migrations.files (name, sha256) values (${pg.escapeLiteral(file.name)}, '${file.sha256}')`,
				);
			},
			down: false as const,
		},
	};
}

async function applyFunctions(owner: pg.Client, directory: string): Promise<boolean> {
	const files = await readSqlFiles(join(directory, "functions"));
	const grants = await readSqlFile(join(directory, "grants.sql")).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return null;
		throw error;
	});
	if (grants !== null) files.push(grants);
	const { rows } = await owner.query<{ fingerprint: string; sha256: string | null }>(
		`select (select coalesce(string_agg(sha256, ',' order by name), '') from migrations.files) as fingerprint,
			(select sha256 from migrations.sources where name = 'functions') as sha256`,
	);
	const state = rows[0]!;
	// Migrations count as well: one may have dropped a function whose signature changed.
	const combined = createHash("sha256").update(state.fingerprint);
	for (const file of files) combined.update(`\n${file.name} ${file.sha256}`);
	const sha256 = combined.digest("hex");
	if (sha256 === state.sha256) return false;

	await owner.query("begin");
	try {
		// A function in SQL may call one of a file that comes later.
		await owner.query("set local check_function_bodies = off; set local client_min_messages = warning");
		for (const file of files) {
			await owner.query(file.text).catch((cause: unknown) => {
				throw explainSqlError(cause, [file], []);
			});
		}
		await owner.query(
			`insert into migrations.sources (name, sha256) values ('functions', $1)
			on conflict (name) do update set sha256 = excluded.sha256, applied_at = now()`,
			[sha256],
		);
		await owner.query("commit");
		return true;
	} catch (error) {
		await owner.query("rollback");
		throw error;
	}
}

/** Names the file and line of an SQL error; PostgreSQL counts characters from the start of what was sent. */
function explainSqlError(cause: unknown, files: SqlFile[], context: string[]): PrepareError {
	const error = cause as Partial<pg.DatabaseError> & Error;
	// The runner prints which migration it was at; the last one named is the one that failed.
	const named = files.filter(({ name }) => context.some((line) => line.includes(basename(name, ".sql"))));
	const file = files.length === 1 ? files[0] : named.at(-1);
	const line =
		file !== undefined && error.position !== undefined
			? `:${file.text.slice(0, Number(error.position)).split("\n").length}`
			: "";
	const place = file === undefined ? "db/migrations" : `${relative(process.cwd(), file.path)}${line}`;
	const parts = [`${place}: ${error.message}`, error.detail, error.hint, error.where].filter(Boolean);
	return new PrepareError(parts.join("\n  "), { cause });
}
