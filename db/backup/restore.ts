/** Makes a data directory out of a base backup and the archived log, up to a time. */
import { existsSync } from "node:fs";
import { appendFile, chown, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cluster, ClusterError, placeRestored, startCluster } from "../cluster.ts";
import { readArchive } from "./archive-file.ts";
import { MANIFEST_FILE } from "./base-backup.ts";
import { readManifest } from "./manifest.ts";
import { ARCHIVE_FILE, type Backup, walDirectory } from "./store.ts";
import { restoreCommand } from "./wal.ts";

/** Something the person who restores can put right; the message is one sentence that says how. */
export class RestoreError extends Error {
	override readonly name = "RestoreError";
}

export interface RestoreOptions {
	backup: Backup;
	/** The directory of all backups. */
	backups: string;
	/** The new data directory: missing or empty. */
	directory: string;
	/** Null: all there is. */
	time: Date | null;
	/** pg_wal of the server that is gone, for what it had not archived; null = there is none. */
	left_behind: string | null;
	logFile?: string;
	report?: (line: string) => void;
}

const RECOVERY = "# of the restore";
/** Replaying a day's log takes minutes. */
const PATIENCE_MS = 3 * 3_600_000;

/**
 * Unpacks the backup, comparing every file with the manifest, and starts a server that replays the log up to the time and then
 * begins a timeline of its own. The caller stops it.
 */
export async function restoreCluster(options: RestoreOptions): Promise<Cluster> {
	const { backup, time, report = () => {} } = options;
	const { directory, owner } = await placeRestored(options.directory, report);
	if (existsSync(directory) && (await readdir(directory)).length > 0) {
		throw new RestoreError(`${directory} is not empty: name a directory that does not exist yet.`);
	}
	await mkdir(directory, { recursive: true, mode: 0o700 });
	if (owner !== null) await chown(directory, owner.uid, owner.gid);
	try {
		const manifest = await readManifest(join(backup.directory, MANIFEST_FILE));
		await readArchive(join(backup.directory, ARCHIVE_FILE), manifest, { directory, owner });
		const settings = {
			restore_command: restoreCommand(await walDirectory(options.backups), options.left_behind),
			recovery_target_action: "promote",
			// A standby calls itself ready before it has replayed everything.
			hot_standby: "off",
			...(time !== null && { recovery_target_time: time.toISOString().replace("Z", "+00") }),
		};
		const lines = Object.entries(settings).map(
			([name, value]) => `${name} = '${value.replaceAll("'", "''")}' ${RECOVERY}`,
		);
		await appendFile(join(directory, "postgresql.auto.conf"), `${lines.join("\n")}\n`);
		await writeFile(join(directory, "recovery.signal"), "");
		if (owner !== null) await chown(join(directory, "recovery.signal"), owner.uid, owner.gid);
		const cluster = await startCluster({
			directory: options.directory,
			// Only a new cluster is given one.
			password: "",
			patience_ms: PATIENCE_MS,
			...(options.logFile !== undefined && { logFile: options.logFile }),
			report,
		});
		await forgetRecovery(directory);
		return cluster;
	} catch (error) {
		await rm(directory, { recursive: true, force: true });
		if (error instanceof ClusterError && time !== null && error.message.includes("recovery ended before")) {
			throw new RestoreError(
				`The archive ends before ${time.toISOString()}: choose an earlier time, or leave it out for the last there is.`,
				{ cause: error },
			);
		}
		throw error;
	}
}

/** The next recovery of this directory is another one. */
async function forgetRecovery(directory: string): Promise<void> {
	const file = join(directory, "postgresql.auto.conf");
	const lines = (await readFile(file, "utf8")).split("\n");
	await writeFile(file, lines.filter((line) => !line.endsWith(RECOVERY)).join("\n"));
}
