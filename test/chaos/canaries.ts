/** Secrets that must be found nowhere: not in a row, a recorded statement, a log, nor in the bytes that a backup copies. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type pg from "pg";
import { decryptSecret, type EncryptionKeys, SECRET_COLUMNS } from "../../db/client/secrets.ts";
import type { World } from "./world.ts";

/** Shorter ones are found by chance. */
const LEAST_LENGTH = 12;

export function makeCanary(name: string): string {
	return `${name}-canary-${randomBytes(12).toString("hex")}`;
}

/**
 * Every place where one was found, and every column for secrets that none was in. Looked for are the world's, and all that lies
 * encrypted in the database, opened with its keys.
 */
export async function findCanaries(world: World, keys: EncryptionKeys): Promise<string[]> {
	const { admin, database } = world;
	const { secrets, empty } = await openSecrets(admin, keys);
	const canaries = [...new Set([...world.canaries, ...secrets])].filter(({ length }) => length >= LEAST_LENGTH);
	return [
		// A storm on somebody else's server has no studio to type them into.
		...(world.studio === null ? [] : empty.map((column) => `no secret was ever in ${column}`)),
		// First the files, as what is asked of the tables may be logged.
		...(await findInFiles(database.files ?? [], canaries)),
		...findInLogs(world, [...canaries, ...world.kept_canaries]),
		...(await findInTables(admin, canaries, world.kept_canaries)),
	];
}

async function openSecrets(admin: pg.Pool, keys: EncryptionKeys): Promise<{ secrets: string[]; empty: string[] }> {
	const secrets: string[] = [];
	const empty: string[] = [];
	for (const { table, column, made_for = column, row_id = "id" } of SECRET_COLUMNS) {
		const { rows } = await admin.query<{ row: string; stored: string }>(
			`select ${row_id} as row, ${column} as stored from public.${table} where ${column} is not null`,
		);
		if (rows.length === 0) empty.push(`${table}.${column}`);
		secrets.push(...rows.map(({ row, stored }) => decryptSecret(keys, stored, { table, column: made_for, row })));
	}
	return { secrets, empty };
}

/** Where tokens of people lie as Directus needs them. */
const PEOPLE = "directus.directus_users";

/** Every column of every table, as text: payloads of jobs, revisions, sessions and recorded statements among them. */
async function findInTables(admin: pg.Pool, canaries: readonly string[], kept: readonly string[]): Promise<string[]> {
	await admin.query("create extension if not exists pg_stat_statements schema chaos");
	const { rows: tables } = await admin.query<{ name: string; has_bytes: boolean }>(
		`select format('%I.%I', n.nspname, c.relname) as name,
				exists (select from pg_attribute a where a.attrelid = c.oid and a.atttypid = 'bytea'::regtype) as has_bytes
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where (c.relkind in ('r', 'p') and n.nspname not like 'pg\\_%' and n.nspname not in ('information_schema', 'chaos'))
				or (n.nspname, c.relname) = ('chaos', 'pg_stat_statements')`,
	);
	const all = [...canaries, ...kept];
	// As text, bytes are hexadecimal.
	const hexadecimal = all.map((canary) => Buffer.from(canary).toString("hex"));
	const found: string[] = [];
	for (const { name, has_bytes } of tables) {
		const row = name === PEOPLE ? "(to_jsonb(t) - 'token')::text" : "t::text";
		const { rows } = await admin.query<{ count: number }>(
			`select count(*)::int as count from ${name} t where exists (select from unnest($1::text[]) c where strpos(${row}, c) > 0)`,
			[has_bytes ? [...all, ...hexadecimal] : all],
		);
		if (rows[0]!.count > 0) found.push(`${rows[0]!.count} rows of ${name}`);
	}
	return found;
}

function findInLogs({ logs }: World, canaries: readonly string[]): string[] {
	return Object.entries(logs).flatMap(([name, file]) => {
		// The sandbox plays those whose secrets they are.
		if (name === "sandbox") return [];
		const text = readFileSync(file, "utf8");
		return canaries.some((canary) => text.includes(canary)) ? [`the log of ${name}`] : [];
	});
}

/** The server's files: tables, the write-ahead log, its own log. It goes on meanwhile, so that one may be gone by then. */
function findInFiles(files: readonly string[], canaries: readonly string[]): Promise<string[]> {
	if (files.length === 0) return Promise.resolve([]);
	return new Promise((resolve, reject) => {
		const options = ["-r", "-l", "-a", "-s", "-F", "-f", "-", ...files];
		const grep = execFile("grep", options, { env: { ...process.env, LC_ALL: "C" } }, (error, stdout) => {
			if (error !== null && typeof error.code === "string") return reject(error);
			resolve(stdout.split("\n").filter((line) => line !== ""));
		});
		// Where it has ended before, the callback says so.
		grep.stdin!.on("error", () => {});
		grep.stdin!.end(canaries.join("\n"));
	});
}
