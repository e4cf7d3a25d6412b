/** The studio's database for the commands that look into its configuration. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";

/** DATABASE_URL, or that of `npm start` on this machine while it runs. */
export async function openStudioDatabase(): Promise<pg.Client> {
	const client = createConnection({ connectionString: databaseUrl(), application_name: "lightspeedpay-studio-config" });
	try {
		await client.connect();
	} catch (error) {
		fail(`No connection to the database: ${(error as Error).message || (error as NodeJS.ErrnoException).code}.`);
	}
	return client;
}

export function requiresSecondFactor(): boolean {
	const given = process.env.STUDIO_REQUIRE_TFA || (process.env.DATABASE_URL ? "on" : "off");
	return given === "on";
}

function databaseUrl(): string {
	if (process.env.DATABASE_URL) return process.env.DATABASE_URL;
	const file = join(process.env.DATA_DIR || ".data", "demo.json");
	try {
		return JSON.parse(readFileSync(file, "utf8")).database_url;
	} catch {
		fail(
			`Set DATABASE_URL to the postgres:// URL of the database role studio, or run this where \`npm start\` runs (${file} is not there).`,
		);
	}
}

function fail(message: string): never {
	console.error(message);
	process.exit(1);
}
