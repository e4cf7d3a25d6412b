import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestProject } from "vitest/node";
import { createConnection } from "../db/client/connection.ts";
import { type Cluster, startCluster } from "../db/cluster.ts";
import { prepareDatabase } from "../db/prepare.ts";
import { ROLE_PASSWORDS, TEMPLATE_DATABASE, type TestCluster } from "./test-cluster.ts";

const PREFIX = "lightspeedpay-test-";
const A_DAY = 24 * 3600 * 1000;

declare module "vitest" {
	export interface ProvidedContext {
		testCluster: TestCluster;
	}
}

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
	removeForgotten();
	// The tests' processes and those that they start load the same code again and again.
	process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "lightspeedpay-compile-cache");
	const home = mkdtempSync(join(tmpdir(), PREFIX));
	// Another user than root runs the server and must get through.
	chmodSync(home, 0o711);
	const cluster = await startCluster({
		directory: join(home, "postgres"),
		password: "test-superuser",
		durable: false,
		report: console.log,
	});
	try {
		await prepareDatabase({ adminUrl: cluster.adminUrl, database: TEMPLATE_DATABASE, passwords: ROLE_PASSWORDS });
	} catch (error) {
		await cluster.stop();
		rmSync(home, { recursive: true, force: true });
		throw error;
	}
	project.provide("testCluster", { adminUrl: cluster.adminUrl });
	return () => tearDown(cluster, home);
}

async function tearDown(cluster: Cluster, home: string): Promise<void> {
	const kept = await keptDatabases(cluster);
	await cluster.stop();
	if (kept.length === 0 || process.env.CI === "true") {
		rmSync(home, { recursive: true, force: true });
		if (dirname(cluster.directory) !== home) rmSync(cluster.directory, { recursive: true, force: true });
		return;
	}
	console.log(`\nDatabases of failed tests: ${kept.join(", ")}`);
	console.log(`To look into one: node scripts/open-cluster.ts ${cluster.directory}\n`);
}

async function keptDatabases(cluster: Cluster): Promise<string[]> {
	const client = createConnection({ connectionString: cluster.adminUrl });
	await client.connect();
	const { rows } = await client.query<{ datname: string }>(
		"select datname from pg_catalog.pg_database where datname like 'test\\_%' order by datname",
	);
	await client.end();
	return rows.map(({ datname }) => datname);
}

/** Clusters that were kept for a look, or whose run was killed, and that nobody came back for. */
function removeForgotten(): void {
	for (const name of readdirSync(tmpdir())) {
		if (!name.startsWith(PREFIX)) continue;
		const path = join(tmpdir(), name);
		const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
		if (age > A_DAY) rmSync(path, { recursive: true, force: true });
	}
}
