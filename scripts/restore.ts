/**
 * `npm run restore -- --to <directory> [--time 2026-01-31T18:30:00+05:30] [--backup <label>] [--from <backups>]`: makes a new
 * DATA_DIR with the database as it was at that time (else as late as the archive knows), and says whether its invariants hold.
 * What runs is left alone. See docs/backups.md.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DamagedBackup } from "../db/backup/manifest.ts";
import { RestoreError, restoreCluster } from "../db/backup/restore.ts";
import { chooseBackup, listBackups } from "../db/backup/store.ts";
import { checkInvariants } from "../db/client/invariants.ts";
import { createPool } from "../db/client/pool.ts";
import { ClusterError, locateDirectory } from "../db/cluster.ts";
import { splitDatabaseUrl } from "./database-url.ts";
import { openDataDirectory, readOrMakeSecrets, StartError } from "./start-settings.ts";

try {
	await restore();
} catch (error) {
	const known = [StartError, DamagedBackup, RestoreError, ClusterError].some((type) => error instanceof type);
	console.error(known ? (error as Error).message : error);
	process.exitCode = 1;
}

async function restore(): Promise<void> {
	const started = performance.now();
	const { values } = parseArgs({
		options: {
			to: { type: "string" },
			time: { type: "string" },
			backup: { type: "string" },
			from: { type: "string" },
		},
	});
	if (values.to === undefined) throw new RestoreError("Say where to: npm run restore -- --to <new directory>.");
	const to = resolve(values.to);
	const data_directory = resolve(process.env.DATA_DIR || ".data");
	const backups = resolve(values.from ?? (process.env.BACKUP_DIR || join(data_directory, "backups")));
	const time = readTime(values.time);
	const all = await listBackups(backups);
	const backup =
		values.backup === undefined ? chooseBackup(all, time) : (all.find(({ label }) => label === values.backup) ?? null);
	if (backup === null) {
		throw new RestoreError(
			all.length === 0
				? `There is no backup in ${backups}: name its directory with --from.`
				: `No backup was complete by then: the first one was at ${all[0]!.finished_at.toISOString()}.`,
		);
	}
	if (existsSync(join(to, "postgres"))) throw new RestoreError(`${to} holds a database: name a new directory.`);
	openDataDirectory(to);
	const log = join(await locateDirectory(join(data_directory, "postgres")), "pg_wal");
	console.log(`Restoring ${backup.label} to ${time?.toISOString() ?? "the end of the archive"} …`);
	const cluster = await restoreCluster({
		backup,
		backups,
		directory: join(to, "postgres"),
		time,
		left_behind: existsSync(log) ? log : null,
		logFile: join(to, "logs", "postgres.log"),
		report: console.log,
	});
	try {
		const secrets = join(data_directory, "secrets.json");
		if (existsSync(secrets) && !existsSync(join(to, "secrets.json"))) {
			mkdirSync(to, { recursive: true });
			copyFileSync(secrets, join(to, "secrets.json"));
		}
		console.log(`${cluster.directory} is restored (${Math.round((performance.now() - started) / 1000)} s).`);
		if (existsSync(join(to, "secrets.json"))) await check(cluster.port, to);
		else console.log(`Put the system's secrets.json into ${to}: without its keys nothing in the database can be used.`);
	} finally {
		await cluster.stop();
	}
	console.log(`Stop what runs, then: DATA_DIR=${to} npm start`);
}

function readTime(text: string | undefined): Date | null {
	if (text === undefined) return null;
	const time = new Date(text);
	// Without a zone it would be this machine's.
	if (Number.isNaN(time.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/.test(text)) {
		throw new RestoreError("--time must be a time with its zone, e.g. 2026-01-31T18:30:00+05:30.");
	}
	return time;
}

async function check(port: number, data_directory: string): Promise<void> {
	const { database_superuser_password } = readOrMakeSecrets(data_directory);
	const { adminUrl, database } = splitDatabaseUrl(
		`postgres://postgres:${encodeURIComponent(database_superuser_password)}@127.0.0.1:${port}/`,
	);
	const url = new URL(adminUrl);
	url.pathname = `/${database}`;
	const restored = createPool({ connectionString: url.href, application_name: "lightspeedpay-restore", max: 1 });
	try {
		const violations = await checkInvariants(restored);
		for (const { invariant, detail } of violations) console.error(`VIOLATED ${invariant}: ${detail}`);
		if (violations.length > 0) process.exitCode = 1;
		else console.log("Its invariants hold.");
	} finally {
		await restored.end();
	}
}
