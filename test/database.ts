/**
 * A database of its own for a test file, cloned from the prepared template in some 50 ms.
 *
 *   const database = await createTestDatabase();
 *   const checkout = database.pool("checkout");
 *   afterAll(() => database.drop());
 *
 * When a test of the file failed, drop() keeps the database and prints its name.
 */
import { randomBytes } from "node:crypto";
import { basename } from "node:path";
import type pg from "pg";
import { beforeEach, expect, inject, onTestFinished } from "vitest";
import { createConnection } from "../db/client/connection.ts";
import { createPool } from "../db/client/pool.ts";
import { type DatabaseRole, roleUrl, setUpDatabase } from "../db/prepare.ts";
import { ROLE_PASSWORDS, TEMPLATE_DATABASE } from "./test-cluster.ts";

export interface TestDatabase {
	name: string;
	/** The superuser's URL of this database. */
	adminUrl: string;
	url(role: DatabaseRole): string;
	/** One pool a role, ended by drop(); "admin" is the superuser. */
	pool(role: DatabaseRole | "admin"): pg.Pool;
	/** A connection of the test's own, closed at its end: what it leaves open, as when the test fails, is rolled back. */
	connection(role: DatabaseRole | "admin"): Promise<pg.PoolClient>;
	drop(): Promise<void>;
}

let failed = false;
beforeEach(({ onTestFailed }) => {
	onTestFailed(() => {
		failed = true;
	});
});

export async function createTestDatabase(template = TEMPLATE_DATABASE): Promise<TestDatabase> {
	const { adminUrl: clusterUrl } = inject("testCluster");
	const file = basename(expect.getState().testPath ?? "unknown", ".test.ts").replaceAll(/[^a-z0-9]+/g, "_");
	const name = `test_${file.slice(0, 40)}_${randomBytes(4).toString("hex")}`;
	await execute(clusterUrl, `create database ${name} template ${template} owner owner`);
	const url = new URL(clusterUrl);
	url.pathname = `/${name}`;
	const adminUrl = url.href;
	const pools = new Map<string, pg.Pool>();
	const database: TestDatabase = {
		name,
		adminUrl,
		url: (role) => roleUrl(clusterUrl, name, role, ROLE_PASSWORDS[role]),
		pool(role) {
			const existing = pools.get(role);
			if (existing !== undefined) return existing;
			const connectionString = role === "admin" ? adminUrl : database.url(role);
			// A test waits for its turn as long as that takes on a busy machine.
			const pool = createPool({ connectionString, application_name: `test-${role}`, connectionTimeoutMillis: 0 });
			pools.set(role, pool);
			return pool;
		},
		async connection(role) {
			const connection = await database.pool(role).connect();
			onTestFinished(() => connection.release(true));
			return connection;
		},
		async drop() {
			await Promise.all([...pools.values()].map((pool) => pool.end()));
			if (failed) {
				console.log(`A test failed: its database ${name} is kept.`);
				return;
			}
			await execute(clusterUrl, `drop database ${name} with (force)`);
		},
	};
	// Grants on the database itself and settings of roles in it are not cloned.
	await withAdmin(adminUrl, setUpDatabase);
	return database;
}

/** A further template of this run: made by the first file that needs it, while others wait. */
export async function makeTemplate(name: string, prepare: (database: TestDatabase) => Promise<unknown>): Promise<void> {
	await withAdmin(inject("testCluster").adminUrl, async (client) => {
		await client.query("select pg_advisory_lock(hashtextextended($1, 0))", [name]);
		const { rowCount } = await client.query("select from pg_catalog.pg_database where datname = $1", [name]);
		if (rowCount === 1) return;
		const draft = await createTestDatabase();
		await prepare(draft);
		await client.query(`alter database ${draft.name} rename to ${name}`);
	});
}

async function execute(url: string, statement: string): Promise<void> {
	await withAdmin(url, (client) => client.query(statement));
}

async function withAdmin(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
	const client = createConnection({ connectionString: url });
	await client.connect();
	try {
		await work(client);
	} finally {
		await client.end();
	}
}
