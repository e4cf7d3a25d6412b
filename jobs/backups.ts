/** Backups by the clock. They run in a process of their own: they compress and compare gigabytes, and jobs must not wait for that. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Logger } from "pino";

export interface BackupSettings {
	/** Of the role `backup`. */
	database_url: string;
	/** Of the role `jobs`. */
	record_url: string;
	directory: string;
	/** Empty = as long as standard. */
	keep_days: string;
}

const SCRIPT = join(import.meta.dirname, "../scripts/backup.ts");

/** Rejects with what the backup said when it failed; it has raised its alert by then. */
export async function runBackup(
	kind: "base" | "restore_test",
	settings: BackupSettings | null,
	log: Logger,
): Promise<Record<string, number>> {
	if (settings === null) return { configured: 0 };
	// It ends with this process: the channel breaks.
	const child = spawn(process.execPath, [SCRIPT, ...(kind === "restore_test" ? ["--test"] : [])], {
		env: {
			PATH: process.env.PATH,
			DATABASE_URL: settings.record_url,
			BACKUP_DATABASE_URL: settings.database_url,
			BACKUP_DIR: settings.directory,
			BACKUP_KEEP_DAYS: settings.keep_days,
		},
		stdio: ["ignore", "pipe", "pipe", "ipc"],
	});
	const said: string[] = [];
	for (const stream of [child.stdout!, child.stderr!]) stream.setEncoding("utf8").on("data", (text) => said.push(text));
	const code = await new Promise<number | null>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", resolve);
	});
	const words = said.join("").trim();
	if (code !== 0) throw new Error(words.slice(0, 500) || `The backup ended with ${code}.`);
	log.info({ kind }, words);
	return { done: 1 };
}
