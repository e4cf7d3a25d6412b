/** Brings the studio's part of the database to what the code says. Runs before every start; quick when nothing changed. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";
import { type Applied, applyConfiguration } from "./config/apply.ts";
import { directusDatabaseEnvironment, REPOSITORY } from "./env.ts";
import { ensureUserOn } from "./users.ts";

export interface PrepareStudioOptions {
	/** The studio role's connection; db/prepare.ts has made role, schema and tables before. */
	databaseUrl: string;
	/** The first administrator, made when missing; a password changed later stays changed. */
	admin: { email: string; password: string };
	/** Whether roles that deal in money, people or secrets need a second factor; true unless said otherwise. */
	requireSecondFactor?: boolean;
	report?: (line: string) => void;
}

export interface PreparedStudio extends Applied {
	/** Whether Directus' own tables were made or migrated by this call. */
	installed: boolean;
	adminId: string;
}

export async function prepareStudio(options: PrepareStudioOptions): Promise<PreparedStudio> {
	const client = createConnection({
		connectionString: options.databaseUrl,
		application_name: "lightspeedpay-prepare",
	});
	await client.connect();
	try {
		// Several studios may start at once.
		await client.query("select pg_advisory_lock(hashtextextended('lightspeedpay.prepare_studio', 0))");
		const installed = !(await isUpToDate(client));
		if (installed) {
			options.report?.("Installing the studio's own tables.");
			await install(options.databaseUrl);
		}
		await applyTriggers(client);
		const applied = await applyConfiguration(client, { requireSecondFactor: options.requireSecondFactor ?? true });
		for (const { table_name, row_key, kind } of applied.drift) {
			options.report?.(`${kind} by hand in the studio, set back: ${table_name} ${row_key}.`);
		}
		const adminId = await ensureUserOn(client, { ...options.admin, role: "administrator", firstName: "Admin" });
		// Directus asks every administrator for a contact until there is one (its own set-up takes it from PROJECT_OWNER).
		await client.query("update directus.directus_settings set project_owner = $1 where project_owner is null", [
			options.admin.email,
		]);
		return { installed, ...applied, adminId };
	} finally {
		await client.end();
	}
}

/** Whether every migration that this version of Directus has was applied; loading Directus to ask it would take seconds. */
async function isUpToDate(client: pg.Client): Promise<boolean> {
	const { rows } = await client.query<{ is_there: boolean }>(
		"select to_regclass('directus.directus_migrations') is not null as is_there",
	);
	if (!rows[0]!.is_there) return false;
	const api = dirname(fileURLToPath(import.meta.resolve("@directus/api")));
	const files = await readdir(join(api, "database", "migrations"));
	const versions = files.filter((file) => /^[0-9]+[A-Z]-[^.]+\.js$/.test(file)).map((file) => file.split("-", 1)[0]!);
	const { rows: applied } = await client.query<{ version: string }>("select version from directus.directus_migrations");
	const done = new Set(applied.map(({ version }) => version));
	return versions.every((version) => done.has(version));
}

/** What the database has to notice about the studio's own tables. */
async function applyTriggers(client: pg.Client): Promise<void> {
	const text = await readFile(join(import.meta.dirname, "triggers.sql"), "utf8");
	const sha256 = createHash("sha256").update(text).digest("hex");
	const { rowCount } = await client.query(
		"select from public.studio_configuration where table_name = '(triggers)' and content ->> 'sha256' = $1",
		[sha256],
	);
	if (rowCount === 1) return;
	await client.query(`begin;\n${text}\ncommit;`);
	await client.query(
		`insert into public.studio_configuration (table_name, row_key, content)
		values ('(triggers)', '[]', jsonb_build_object('sha256', $1::text))
		on conflict (table_name, row_key) do update set content = excluded.content`,
		[sha256],
	);
}

async function install(databaseUrl: string): Promise<void> {
	const child = spawn(process.execPath, [join(import.meta.dirname, "install.ts")], {
		cwd: REPOSITORY,
		env: { PATH: process.env.PATH, HOME: process.env.HOME, ...directusDatabaseEnvironment(databaseUrl) },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	const collect = (chunk: Buffer) => {
		output = `${output}${chunk}`.slice(-4_000);
	};
	child.stdout.on("data", collect);
	child.stderr.on("data", collect);
	const code = await new Promise<number | null>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", resolve);
	});
	if (code !== 0) throw new Error(`Directus' tables could not be installed:\n${output.trim()}`);
}
