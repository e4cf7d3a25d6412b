/**
 * `npm run backup`: copies the running database, reads the copy back, removes what is older than BACKUP_KEEP_DAYS.
 * `npm run backup -- --test`: restores the last copy beside it, starts it, and runs check_invariants() there.
 * `npm run backup -- --list`. The worker runs the first two by the clock. See docs/backups.md.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DamagedBackup } from "../db/backup/manifest.ts";
import { RestoreError, restoreCluster } from "../db/backup/restore.ts";
import { chooseBackup, listBackups, makeBackup, pruneBackups } from "../db/backup/store.ts";
import { type BackupOutcome, beginBackup, finishBackup } from "../db/client/backups.ts";
import { checkInvariants } from "../db/client/invariants.ts";
import { createPool } from "../db/client/pool.ts";
import { ClusterError } from "../db/cluster.ts";
import { type BackupSettings, readBackupSettings } from "./backup-settings.ts";
import { StartError } from "./start-settings.ts";

const { values: options } = parseArgs({
	options: { test: { type: "boolean", default: false }, list: { type: "boolean", default: false } },
});
// Whoever started us over IPC is gone.
process.on("disconnect", () => process.exit(1));
process.channel?.unref();

try {
	const settings = await readBackupSettings(process.env);
	if (options.list) await list(settings);
	else if (options.test) await record(settings, "restore_test", testRestore);
	else await record(settings, "base", backUp);
} catch (error) {
	const known = [StartError, DamagedBackup, RestoreError, ClusterError].some((type) => error instanceof type);
	console.error(known ? (error as Error).message : error);
	process.exitCode = 1;
}

async function record(
	settings: BackupSettings,
	kind: "base" | "restore_test",
	work: (settings: BackupSettings, label: string) => Promise<BackupOutcome>,
): Promise<void> {
	const giveFree = lock(settings.directory);
	const pool = createPool({ connectionString: settings.record_url, application_name: "lightspeedpay-backup", max: 1 });
	try {
		const label =
			kind === "base"
				? new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")
				: (chooseBackup(await listBackups(settings.directory), null)?.label ?? "none");
		const id = await beginBackup(pool, kind, label);
		try {
			await finishBackup(pool, id, null, await work(settings, label));
		} catch (error) {
			await finishBackup(pool, id, (error as Error).message, {});
			throw error;
		}
	} finally {
		await pool.end();
		giveFree();
	}
}

async function backUp(settings: BackupSettings, label: string): Promise<BackupOutcome> {
	const started = performance.now();
	const { bytes, content_bytes, wal_from, wal_to, directory } = await makeBackup(
		settings.replication_url,
		settings.directory,
		label,
	);
	const removed = await pruneBackups(settings.directory, settings.keep_days);
	const seconds = Math.round((performance.now() - started) / 100) / 10;
	console.log(`${directory}: ${inMegabytes(content_bytes)} in ${inMegabytes(bytes)}, verified, ${seconds} s.`);
	return { bytes, wal_from, wal_to, details: { content_bytes, seconds, removed } };
}

async function testRestore(settings: BackupSettings, label: string): Promise<BackupOutcome> {
	const backup = (await listBackups(settings.directory)).find((one) => one.label === label);
	if (backup === undefined) throw new RestoreError("There is no backup yet: run npm run backup.");
	const directory = join(settings.directory, "restore-test");
	await rm(directory, { recursive: true, force: true });
	const started = performance.now();
	const logFile = join(settings.directory, "restore-test.log");
	const options = { backup, backups: settings.directory, directory, time: null, left_behind: null, logFile };
	const cluster = await restoreCluster(options);
	try {
		const ready_seconds = Math.round((performance.now() - started) / 100) / 10;
		const url = new URL(settings.replication_url);
		url.port = String(cluster.port);
		url.hostname = cluster.host;
		const restored = createPool({ connectionString: url.href, application_name: "lightspeedpay-restore-test", max: 1 });
		try {
			const { rows } = await restored.query<{ at: Date | null }>("select pg_last_xact_replay_timestamp() as at");
			const violations = await checkInvariants(restored);
			if (violations.length > 0) {
				const [first] = violations;
				throw new RestoreError(
					`${violations.length} invariant(s) are violated in the restored copy; the first: ${first!.invariant}: ${first!.detail}.`,
				);
			}
			const seconds = Math.round((performance.now() - started) / 100) / 10;
			console.log(`${label} restored in ${ready_seconds} s, its invariants hold; ${seconds} s in all.`);
			return { bytes: backup.content_bytes, details: { ready_seconds, seconds, restored_to: rows[0]!.at } };
		} finally {
			await restored.end();
		}
	} finally {
		await cluster.stop();
		await rm(cluster.directory, { recursive: true, force: true });
	}
}

async function list({ directory }: BackupSettings): Promise<void> {
	const backups = await listBackups(directory);
	if (backups.length === 0) console.log(`There is no backup in ${directory}.`);
	for (const { label, finished_at, bytes } of backups) {
		console.log(`${label}  complete at ${finished_at.toISOString()}  ${inMegabytes(bytes)}`);
	}
}

function inMegabytes(bytes: number): string {
	return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** One at a time in a directory. */
function lock(directory: string): () => void {
	mkdirSync(directory, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
	const file = join(directory, "backup.pid");
	for (let attempt = 1; ; attempt++) {
		try {
			writeFileSync(file, String(process.pid), { flag: "wx" });
			return () => rmSync(file, { force: true });
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
		const pid = Number(readFileSync(file, "utf8"));
		if (attempt === 2 || isAlive(pid)) {
			throw new StartError(`A backup or a restore test is at work in ${directory} (process ${pid}): wait for its end.`);
		}
		rmSync(file, { force: true });
	}
}

function isAlive(pid: number): boolean {
	try {
		return pid > 1 && process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}
