/**
 * Installs Directus' own tables, or brings them to this version, in the database that DB_… names, and ends. A process of its
 * own (started by prepare.ts), because Directus reads the environment once and keeps one connection pool a process.
 */
import "./import-hooks.ts";

const { getDatabase, isInstalled } = await import("@directus/api/database/index");
const { default: runMigrations } = await import("@directus/api/database/migrations/run");
const { default: runSeed } = await import("@directus/api/database/seeds/run");

const database = getDatabase();
try {
	if (!(await isInstalled())) await runSeed(database);
	await runMigrations(database, "latest", false);
} finally {
	await database.destroy();
}
// Schedules of imported modules would keep the process alive.
process.exit(0);
