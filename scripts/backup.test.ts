import { execFile } from "node:child_process";
import {
	chmodSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backupUrl, prepareBackupRole } from "../db/backup/role.ts";
import { chooseBackup, listBackups, pruneBackups } from "../db/backup/store.ts";
import { listSegments, segmentsOf } from "../db/backup/wal.ts";
import { checkInvariants } from "../db/client/invariants.ts";
import { createPool } from "../db/client/pool.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { type Cluster, startCluster } from "../db/cluster.ts";
import { type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { SCHEDULES } from "../jobs/schedules.ts";
import type { TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { payPayment } from "../test/payments.ts";
import { backupPassword, openDataDirectory, readOrMakeSecrets } from "./start-settings.ts";

/** A DATA_DIR as `npm start` makes it, with the database alone. */
let home: string;
let data_directory: string;
let cluster: Cluster;
let merchant: TestMerchant;
const pools = new Map<string, pg.Pool>();
let database: Pick<TestDatabase, "pool">;

beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), "backup-test-"));
	chmodSync(home, 0o711);
	data_directory = join(home, "data");
	openDataDirectory(data_directory);
	const secrets = readOrMakeSecrets(data_directory);
	cluster = await startCluster({
		directory: join(data_directory, "postgres"),
		password: secrets.database_superuser_password,
		archiveDirectory: join(data_directory, "backups", "wal"),
		durable: false,
	});
	await prepareDatabase({
		adminUrl: cluster.adminUrl,
		database: "lightspeedpay",
		passwords: secrets.database_passwords,
	});
	await prepareBackupRole(adminUrl(), backupPassword(secrets));
	database = {
		pool(role) {
			const url =
				role === "admin"
					? adminUrl()
					: roleUrl(cluster.adminUrl, "lightspeedpay", role as DatabaseRole, secrets.database_passwords[role]);
			const pool = pools.get(role) ?? createPool({ connectionString: url, application_name: "test", max: 2 });
			pools.set(role, pool);
			return pool;
		},
	};
	merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
	await pay();
});
afterAll(async () => {
	await endPools();
	await cluster.stop();
	rmSync(home, { recursive: true, force: true });
	if (!cluster.directory.startsWith(home)) rmSync(cluster.directory, { recursive: true, force: true });
	if (!cluster.archiveDirectory!.startsWith(home)) rmSync(cluster.archiveDirectory!, { recursive: true, force: true });
});

function adminUrl(of = cluster): string {
	const url = new URL(of.adminUrl);
	url.pathname = "/lightspeedpay";
	return url.href;
}

const endPools = () => Promise.all([...pools.values()].map((pool) => pool.end()));
const pay = () => payPayment(database as TestDatabase, merchant);

interface Ran {
	code: number;
	stdout: string;
	stderr: string;
}

async function run(script: string, ...args: string[]): Promise<Ran> {
	const env = { PATH: process.env.PATH, DATA_DIR: data_directory, TZ: "America/New_York" };
	const ran = promisify(execFile)(process.execPath, [join(import.meta.dirname, script), ...args], { env });
	return ran.then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

/** As the clock of a worker does. */
async function runByClock(name: "back_up" | "test_restore"): Promise<Record<string, number>> {
	const secrets = readOrMakeSecrets(data_directory);
	return SCHEDULES.find((schedule) => schedule.name === name)!.run({
		database: database.pool("jobs"),
		log: pino({ level: "silent" }),
		backups: {
			database_url: backupUrl(adminUrl(), backupPassword(secrets)),
			record_url: roleUrl(cluster.adminUrl, "lightspeedpay", "jobs", secrets.database_passwords.jobs),
			directory: join(data_directory, "backups"),
			keep_days: "7",
		},
	});
}

const records = async () =>
	(
		await database
			.pool("admin")
			.query(
				"select kind, result, verified_at is not null as is_verified, error, bytes, wal_to > wal_from as has_range from public.backups order by id",
			)
	).rows;

/** What a cluster says it has, and whether that is in order. */
async function look(of: Cluster): Promise<{ paid: number; violations: unknown[] }> {
	const pool = createPool({ connectionString: adminUrl(of), application_name: "test", max: 1 });
	try {
		const { rows } = await pool.query(
			"select count(*)::integer as paid from public.transactions where paid_at is not null",
		);
		return { paid: rows[0].paid, violations: await checkInvariants(pool) };
	} finally {
		await pool.end();
	}
}

describe("a backup", () => {
	test("is restored to a time between two payments, by one command, with every invariant holding", async () => {
		expect(await run("backup.ts")).toMatchObject({ code: 0, stderr: "" });
		await pay();
		// Rounded up: a Date holds milliseconds, and the payment before it was committed within this one.
		const { rows } = await database
			.pool("admin")
			.query<{ now: Date }>("select date_trunc('milliseconds', clock_timestamp() + interval '1 millisecond') as now");
		await pay();
		await pay();

		const to = join(home, "restored");
		const restored = await run("restore.ts", "--to", to, "--time", rows[0]!.now.toISOString());
		expect(restored).toMatchObject({ code: 0, stderr: "" });
		expect(restored.stdout).toContain("Its invariants hold.");
		const { database_superuser_password } = readOrMakeSecrets(to);
		const copy = await startCluster({ directory: join(to, "postgres"), password: database_superuser_password });
		try {
			expect(await look(copy)).toEqual({ paid: 2, violations: [] });
		} finally {
			await copy.stop();
			if (!copy.directory.startsWith(home)) rmSync(copy.directory, { recursive: true, force: true });
		}
		expect(await look(cluster)).toEqual({ paid: 4, violations: [] });
	});

	test("is tested by a restore of its own, and both are written down", async () => {
		expect(await run("backup.ts", "--test")).toMatchObject({ code: 0, stderr: "" });
		expect(await records()).toEqual([
			{ kind: "base", result: "succeeded", is_verified: true, error: null, bytes: expect.any(Number), has_range: true },
			{
				kind: "restore_test",
				result: "succeeded",
				is_verified: true,
				error: null,
				bytes: expect.any(Number),
				has_range: null,
			},
		]);
		expect(readdirSync(join(data_directory, "backups"))).not.toContain("restore-test");
	});

	test("holds no secret in the clear", async () => {
		const [backup] = await listBackups(join(data_directory, "backups"));
		const wal = cluster.archiveDirectory!;
		const files = [join(backup!.directory, "base.tar.gz"), ...readdirSync(wal).map((name) => join(wal, name))];
		expect(files.length).toBeGreaterThan(1);
		const secrets = [
			merchant.client_salt,
			merchant.webhook_secret,
			merchant.gateways[0]!.api_secret,
			...Object.values(readOrMakeSecrets(data_directory).database_passwords),
		];
		for (const file of files) {
			const content = gunzipSync(readFileSync(file));
			expect(
				secrets.filter((secret) => content.includes(secret)),
				file,
			).toEqual([]);
		}
	});

	test("that is damaged fails the clock's test of it, and operators are told", async () => {
		const [backup] = await listBackups(join(data_directory, "backups"));
		const file = join(backup!.directory, "base.tar.gz");
		truncateSync(file, statSync(file).size - 100_000);
		await expect(runByClock("test_restore")).rejects.toThrow("is cut off or damaged");
		expect((await records()).at(-1)).toMatchObject({ kind: "restore_test", result: "failed", is_verified: false });
		const { rows } = await database
			.pool("admin")
			.query("select severity from public.alerts where kind = 'backup_failed' and status = 'open'");
		expect(rows).toEqual([{ severity: "critical" }]);
	});

	test("is made by the clock beside the one before, and written down like one by hand", async () => {
		expect(await runByClock("back_up")).toEqual({ done: 1 });
		const [by_hand, by_clock, ...others] = await listBackups(join(data_directory, "backups"));
		expect(others).toEqual([]);
		expect(by_clock!.finished_at > by_hand!.finished_at).toBe(true);
		expect((await records()).at(-1)).toMatchObject({ kind: "base", result: "succeeded", is_verified: true });
	});

	test("is not the clock's where the worker has no place for it", async () => {
		for (const name of ["back_up", "test_restore"]) {
			const { run } = SCHEDULES.find((schedule) => schedule.name === name)!;
			expect(await run({ database: database.pool("jobs"), log: pino({ level: "silent" }) })).toEqual({ configured: 0 });
		}
	});
});

describe("of old backups", () => {
	const HOUR_MS = 3_600_000;
	const SEGMENT_BYTES = 16 * 2 ** 20;
	let directory: string;

	/** Complete so many hours ago; each hour fills a segment, and a backup takes two. */
	function keepBackup(hours_ago: number, newest: number): void {
		const finished_at = new Date(Date.now() - hours_ago * HOUR_MS);
		const label = finished_at.toISOString().replaceAll(/[-:]|\.\d+/g, "");
		const position = (segment: number) => `0/${(segment * SEGMENT_BYTES).toString(16)}`;
		const segment = newest - hours_ago;
		mkdirSync(join(directory, "base", label), { recursive: true });
		writeFileSync(
			join(directory, "base", label, "backup.json"),
			JSON.stringify({
				label,
				started_at: new Date(finished_at.getTime() - HOUR_MS),
				finished_at,
				timeline: 1,
				wal_from: position(segment - 1),
				wal_to: position(segment + 1),
				wal_segment_bytes: SEGMENT_BYTES,
				bytes: 1,
				content_bytes: 1,
			}),
		);
	}

	function keepAll(hours: number[], newest = 250): void {
		directory = mkdtempSync(join(home, "kept-"));
		mkdirSync(join(directory, "wal"));
		for (let segment = 1; segment <= newest; segment++) {
			writeFileSync(join(directory, "wal", `00000001${segment.toString(16).toUpperCase().padStart(16, "0")}.gz`), "");
		}
		for (const hours_ago of hours) keepBackup(hours_ago, newest);
	}

	/** Whether there is a backup for that time, with all the log from its beginning until now. */
	async function isRestorable(hours_ago: number, newest = 250): Promise<boolean> {
		const backup = chooseBackup(await listBackups(directory), new Date(Date.now() - hours_ago * HOUR_MS));
		if (backup === null) return false;
		const kept = await listSegments(join(directory, "wal"));
		const needed = segmentsOf({ ...backup, wal_to: `0/${((newest + 1) * SEGMENT_BYTES).toString(16)}` });
		return needed.every((segment) => kept.has(segment));
	}

	test("those are removed that no time within the days kept needs, with their log", async () => {
		const daily = Array.from({ length: 10 }, (_, day) => day * 24 + 5);
		keepAll(daily);
		// 221, 197 and 173 hours ago: the youngest of these is still what the first hours of the 7 days are restored from
		expect(await pruneBackups(directory, 7)).toEqual({ backups: 2, segments: 75 });
		for (let hours_ago = 0; hours_ago <= 168; hours_ago++) expect(await isRestorable(hours_ago)).toBe(true);
		expect(await isRestorable(174)).toBe(false);
		expect(await pruneBackups(directory, 7)).toEqual({ backups: 0, segments: 0 });
	});

	test.each([
		["two stay however old they are", [240, 230, 220], 1],
		["all stay while they are young", [48, 24, 1], 0],
		["the only one stays", [240], 0],
		["one as old as the days kept lets those before it go", [220, 200, 168, 1], 2],
		["none stands before a gap of some days but the last", [240, 230, 220, 10, 1], 2],
	])("%s", async (_, hours, removed) => {
		keepAll(hours);
		expect(await pruneBackups(directory, 7)).toMatchObject({ backups: removed });
		const oldest = Math.min(168, Math.max(...hours));
		for (let hours_ago = oldest; hours_ago >= 0; hours_ago -= 4) expect(await isRestorable(hours_ago)).toBe(true);
	});
});

test("a time before the first backup is refused in one sentence", async () => {
	const refused = await run("restore.ts", "--to", join(home, "never"), "--time", "2020-01-01T00:00:00+05:30");
	expect(refused.stderr).toMatch(/^No backup was complete by then: the first one was at .*\n$/);
	expect(refused.code).toBe(1);
});
