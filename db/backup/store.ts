/**
 * The directory of backups:
 *
 *   base/<label>/   base.tar.gz, backup_manifest, backup.json; complete when it has its name
 *   wal/            what the server archives, as one file a segment
 */
import { existsSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { locateDirectory } from "../cluster.ts";
import { readArchive } from "./archive-file.ts";
import { MANIFEST_FILE, takeBaseBackup } from "./base-backup.ts";
import { DamagedBackup, readManifest } from "./manifest.ts";
import { listSegments, pruneSegments, segmentsOf } from "./wal.ts";

export const ARCHIVE_FILE = "base.tar.gz";
const UNFINISHED = ".unfinished-";
/** However old they are. */
const KEPT_AT_LEAST = 2;
const DAY_MS = 86_400_000;
const ARCHIVING_MS = 120_000;

const description = z.object({
	label: z.string(),
	started_at: z.coerce.date(),
	finished_at: z.coerce.date(),
	timeline: z.number(),
	wal_from: z.string(),
	wal_to: z.string(),
	wal_segment_bytes: z.number(),
	/** On disk. */
	bytes: z.number(),
	/** Of the files in it. */
	content_bytes: z.number(),
});
export type Backup = z.output<typeof description> & { directory: string };

export const walDirectory = (backups: string): Promise<string> => locateDirectory(join(backups, "wal"));

/** Copies the cluster and reads the copy back. The URL's role has the attribute REPLICATION. */
export async function makeBackup(url: string, backups: string, label: string): Promise<Backup> {
	const base = join(backups, "base");
	await mkdir(base, { recursive: true, mode: 0o700 });
	for (const name of await readdir(base)) {
		if (name.startsWith(UNFINISHED)) await rm(join(base, name), { recursive: true });
	}
	const unfinished = join(base, UNFINISHED + label);
	await mkdir(unfinished, { mode: 0o700 });
	try {
		const started_at = new Date();
		const taken = await takeBaseBackup(url, unfinished, label);
		const finished_at = new Date();
		const manifest = await readManifest(join(unfinished, MANIFEST_FILE));
		const content_bytes = await readArchive(join(unfinished, ARCHIVE_FILE), manifest, null);
		const sizes = await Promise.all([ARCHIVE_FILE, MANIFEST_FILE].map((name) => stat(join(unfinished, name))));
		const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
		const made = { label, started_at, finished_at, ...taken, bytes, content_bytes };
		await waitForWal(made, await walDirectory(backups));
		await writeFile(join(unfinished, "backup.json"), `${JSON.stringify(made, null, "\t")}\n`, {
			mode: 0o600,
			flush: true,
		});
		const directory = join(base, label);
		await rename(unfinished, directory);
		await syncDirectory(base);
		return { ...made, directory };
	} catch (error) {
		await rm(unfinished, { recursive: true, force: true });
		throw error;
	}
}

/** A copy without the log of the time that it took is worth nothing. */
async function waitForWal(backup: Omit<Backup, "directory">, wal: string): Promise<void> {
	for (const deadline = Date.now() + ARCHIVING_MS; ; await sleep(200)) {
		const archived = await listSegments(wal);
		const missing = segmentsOf(backup).find((name) => !archived.has(name));
		if (missing === undefined) return;
		if (Date.now() > deadline) throw new DamagedBackup(`The server does not archive: ${missing} is not in ${wal}.`);
	}
}

async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, "r");
	await directory.sync();
	await directory.close();
}

/** The complete ones, oldest first. */
export async function listBackups(backups: string): Promise<Backup[]> {
	const base = join(backups, "base");
	if (!existsSync(base)) return [];
	const names = (await readdir(base)).filter((name) => !name.startsWith(".")).sort();
	return Promise.all(
		names.map(async (name) => {
			const directory = join(base, name);
			return { ...description.parse(JSON.parse(await readFile(join(directory, "backup.json"), "utf8"))), directory };
		}),
	);
}

/** The last one that was complete at that time. */
export function chooseBackup(backups: readonly Backup[], time: Date | null): Backup | null {
	return backups.findLast(({ finished_at }) => time === null || finished_at <= time) ?? null;
}

/** Removes backups older than so many days, and the WAL that only they needed. */
export async function pruneBackups(backups: string, keep_days: number): Promise<{ backups: number; segments: number }> {
	const all = await listBackups(backups);
	const oldest_kept = Date.now() - keep_days * DAY_MS;
	const count = all.findIndex(
		// The one before the window is needed to restore to the window's first minutes.
		(_, index) => index >= all.length - KEPT_AT_LEAST || all[index + 1]!.finished_at.getTime() > oldest_kept,
	);
	const removed = all.slice(0, Math.max(0, count));
	for (const { directory } of removed) await rm(directory, { recursive: true });
	const first = all[removed.length];
	const segments = first === undefined ? 0 : await pruneSegments(await walDirectory(backups), segmentsOf(first)[0]!);
	return { backups: removed.length, segments };
}
