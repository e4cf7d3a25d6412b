/**
 * Where shapes are measured. A ground is a seeded database on a durable server of its own; a scene is a ground with processes
 * (parts) running on it. Each scene of a stage starts with a fresh copy of the seeded database, so that no shape pays for the
 * rows that another has left.
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";
import { freePort, startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl, setUpDatabase } from "../db/prepare.ts";
import { type BenchMerchant, seedMerchants } from "./merchants.ts";
import type { Part, Running } from "./parts.ts";

export interface Ground {
	/** For logs and the data of other servers; removed at the end. */
	home: string;
	/** The superuser's URL of the database. */
	admin_url: string;
	url(role: DatabaseRole): string;
	encryption_keys: string;
	/** Base64. */
	status_token_key: string;
	/** Known before the processes run, as they are told of each other. */
	checkout_port: number;
	sandbox_port: number;
	/** Without limits of their own, each with the same number of gateways. */
	merchants: BenchMerchant[];
	/** A merchant with one gateway; not among the others. */
	lone: BenchMerchant;
}

export interface Scene extends Ground {
	/** A part that this scene runs. */
	of(part: Part): Running;
	/**
	 * What autovacuum does within the first seconds of a new database, at once. Statements that were planned while tables were
	 * empty are planned anew: until then they may walk through all that has come since.
	 */
	analyze(): Promise<void>;
	/** Runs when the scene is closed, also when the bench is interrupted: the last first, all before the parts are stopped. */
	onClose(step: () => unknown): void;
	close(): Promise<void>;
}

export async function openScene(ground: Ground, parts: Part[]): Promise<Scene> {
	const running = new Map<string, Running>();
	const steps: (() => unknown)[] = [];
	const close = async () => {
		for (const step of steps.splice(0).reverse()) await step();
		// Last started, first stopped: nobody is left to complain that its peer is gone.
		for (const part of [...running.values()].reverse()) await part.stop();
		running.clear();
	};
	try {
		for (const part of parts) running.set(part.name, await part.start(ground, (other) => running.get(other.name)));
	} catch (error) {
		await close();
		throw error;
	}
	return {
		...ground,
		of(part) {
			const found = running.get(part.name);
			if (found === undefined) throw new Error(`This shape does not name ${part.name} among what it needs.`);
			return found;
		},
		async analyze() {
			await withClient(ground.admin_url, (admin) => admin.query("analyze"));
		},
		onClose: (step) => steps.push(step),
		close,
	};
}

export interface Stage {
	ground: Ground;
	/** A scene on a fresh copy of the seeded database. */
	open(parts: Part[]): Promise<Scene>;
	/** Stops the server and removes everything. */
	close(): Promise<void>;
}

export interface StageOptions {
	merchants: number;
	gateways: number;
	report(line: string): void;
}

const SEEDED = "seeded";
const DATABASE = "bench";

export async function openStage({ merchants, gateways, report }: StageOptions): Promise<Stage> {
	const home = await mkdtemp(join(tmpdir(), "lightspeedpay-bench-"));
	const cleanup: (() => Promise<unknown>)[] = [() => rm(home, { recursive: true, force: true })];
	const close = async () => {
		for (const step of cleanup.splice(0).reverse()) await step();
	};
	try {
		// As root the server runs as another user, which must get through.
		await chmod(home, 0o711);
		const cluster = await startCluster({
			directory: join(home, "postgres"),
			password: randomBytes(12).toString("hex"),
			// From when a job waits is a commit's own time.
			settings: { track_commit_timestamp: "on" },
			report,
		});
		cleanup.push(() => cluster.stop());
		const passwords = Object.fromEntries(
			DATABASE_ROLES.map((role) => [role, randomBytes(12).toString("hex")]),
		) as Record<DatabaseRole, string>;
		await prepareDatabase({ adminUrl: cluster.adminUrl, database: SEEDED, passwords });
		const adminOf = (database: string) => {
			const url = new URL(cluster.adminUrl);
			url.pathname = `/${database}`;
			return url.href;
		};
		const encryption_keys = `bench:${randomBytes(32).toString("base64")}`;
		report(`Seeding ${merchants} merchants with ${gateways} gateways each …`);
		const seeded = await seedMerchants(adminOf(SEEDED), encryption_keys, merchants, gateways);
		const [lone] = await seedMerchants(adminOf(SEEDED), encryption_keys, 1, 1);
		const ground: Ground = {
			home,
			admin_url: adminOf(DATABASE),
			url: (role) => roleUrl(cluster.adminUrl, DATABASE, role, passwords[role]),
			encryption_keys,
			status_token_key: randomBytes(32).toString("base64"),
			checkout_port: await freePort(),
			sandbox_port: await freePort(),
			merchants: seeded,
			lone: lone!,
		};
		return {
			ground,
			async open(parts) {
				await withClient(cluster.adminUrl, async (admin) => {
					await admin.query(`drop database if exists ${DATABASE} with (force)`);
					await admin.query(`create database ${DATABASE} template ${SEEDED} owner owner`);
				});
				// Grants on the database itself and settings of roles in it are not cloned.
				await withClient(ground.admin_url, setUpDatabase);
				return openScene(ground, parts);
			},
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

export async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
	const client = createConnection({ connectionString: url });
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}
