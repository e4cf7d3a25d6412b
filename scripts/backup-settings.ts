/** Where backups are and how the database is reached: from the environment, else from the DATA_DIR of `npm start`. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { backupUrl } from "../db/backup/role.ts";
import { locateDirectory } from "../db/cluster.ts";
import { roleUrl } from "../db/prepare.ts";
import { splitDatabaseUrl } from "./database-url.ts";
import { backupPassword, readOrMakeSecrets, StartError } from "./start-settings.ts";

export interface BackupSettings {
	/** Of the role `backup`. */
	replication_url: string;
	/** Of the role `jobs`, which writes down what was done. */
	record_url: string;
	directory: string;
	keep_days: number;
}

const days = z.coerce.number().int().min(1).default(7);

export async function readBackupSettings(env: Record<string, string | undefined>): Promise<BackupSettings> {
	const keep_days = days.safeParse(env.BACKUP_KEEP_DAYS || undefined);
	if (!keep_days.success) throw new StartError("BACKUP_KEEP_DAYS must be a whole number of days, at least 1.");
	const data_directory = resolve(env.DATA_DIR || ".data");
	const directory = resolve(env.BACKUP_DIR || join(data_directory, "backups"));
	if (env.BACKUP_DATABASE_URL && env.DATABASE_URL) {
		return {
			replication_url: env.BACKUP_DATABASE_URL,
			record_url: env.DATABASE_URL,
			directory,
			keep_days: keep_days.data,
		};
	}
	if (!existsSync(join(data_directory, "secrets.json"))) {
		throw new StartError(
			`There is no system in ${data_directory}: set DATA_DIR, or BACKUP_DATABASE_URL (role backup), DATABASE_URL (role jobs) and BACKUP_DIR.`,
		);
	}
	const secrets = readOrMakeSecrets(data_directory);
	const lock = join(await locateDirectory(join(data_directory, "postgres")), "postmaster.pid");
	const port = (await readFile(lock, "utf8").catch(() => "")).split("\n")[3];
	if (!port) throw new StartError(`The database in ${data_directory} does not run: start it with npm start.`);
	const { adminUrl, database } = splitDatabaseUrl(`postgres://postgres@127.0.0.1:${port}/`);
	return {
		replication_url: backupUrl(roleUrl(adminUrl, database, "jobs", ""), backupPassword(secrets)),
		record_url: roleUrl(adminUrl, database, "jobs", secrets.database_passwords.jobs),
		directory,
		keep_days: keep_days.data,
	};
}
