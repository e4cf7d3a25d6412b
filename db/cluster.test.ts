import { spawn } from "node:child_process";
import { once } from "node:events";
import {
	chmodSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createConnection } from "./client/connection.ts";
import { type Cluster, startCluster } from "./cluster.ts";

const password = "a superuser's p@ssword/?";
const isRoot = process.getuid?.() === 0;

let home: string;
let clusters: Cluster[];
let reports: string[];

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "cluster-test-"));
	chmodSync(home, 0o711);
	clusters = [];
	reports = [];
});

afterEach(async () => {
	await Promise.all(clusters.map((cluster) => cluster.stop()));
	for (const { directory } of clusters) rmSync(directory, { recursive: true, force: true });
	rmSync(home, { recursive: true, force: true });
});

async function start(options: { directory?: string; port?: number; durable?: boolean } = {}): Promise<Cluster> {
	const cluster = await startCluster({
		directory: join(home, "postgres"),
		password,
		durable: false,
		report: (line) => reports.push(line),
		...options,
	});
	clusters.push(cluster);
	return cluster;
}

async function query<T extends pg.QueryResultRow>(cluster: Cluster, sql: string): Promise<T[]> {
	const client = createConnection({ connectionString: cluster.adminUrl });
	await client.connect();
	try {
		return (await client.query<T>(sql)).rows;
	} finally {
		await client.end();
	}
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

async function ended(pid: number): Promise<boolean> {
	for (let i = 0; i < 5_000 && isAlive(pid); i++) await sleep(20);
	return !isAlive(pid);
}

describe("startCluster", () => {
	test("a server that ends in the moment it is ready has ended, whoever looks first", async () => {
		const lockFile = join(home, "postgres", "postmaster.pid");
		for (let round = 0; round < 6; round++) {
			const starting = start().then(
				({ exited }) => exited,
				() => "refused",
			);
			let has_ended = false;
			starting.finally(() => {
				has_ended = true;
			});
			for (let is_killed = false; !has_ended && !is_killed; await new Promise(setImmediate)) {
				const text = await readFile(lockFile, "utf8").catch(() => "");
				const [pid, , , , , , , state] = text.split("\n");
				// That of the round before lies there at first.
				is_killed = state?.trim() === "ready" && existsSync(`/proc/${pid}`) && process.kill(Number(pid), "SIGKILL");
			}
			await starting;
			clusters.pop();
		}
	});

	test("serves PostgreSQL 18 durably in UTC, UTF-8 and a locale that never changes", async () => {
		const cluster = await start({ durable: true });
		const [row] = await query(
			cluster,
			`select current_setting('server_version_num')::integer / 10000 as major, current_setting('fsync') as fsync,
				current_setting('synchronous_commit') as commit, current_setting('TimeZone') as zone,
				pg_encoding_to_char(encoding) as encoding, datlocprovider::text as provider, datlocale as locale
			from pg_database where datname = 'postgres'`,
		);
		expect(row).toEqual({
			major: 18,
			fsync: "on",
			commit: "on",
			zone: "UTC",
			encoding: "UTF8",
			provider: "b",
			locale: "C.UTF-8",
		});
	});

	test("keeps data over a restart and leaves neither a process nor a lock file behind", async () => {
		const first = await start();
		await query(first, "create table kept as select 42 as answer");
		await first.stop();
		expect(await first.exited).toMatchObject({ expected: true, code: 0 });
		expect(isAlive(first.pid)).toBe(false);
		expect(existsSync(join(first.directory, "postmaster.pid"))).toBe(false);
		const second = await start();
		expect(await query(second, "select answer from kept")).toEqual([{ answer: 42 }]);
	});

	test("refuses a login without the right password, over TCP and over the socket", async () => {
		const cluster = await start();
		for (const host of ["127.0.0.1", cluster.directory]) {
			const client = createConnection({ host, port: cluster.port, user: "postgres", password: "wrong" });
			await expect(client.connect()).rejects.toMatchObject({ code: "28P01" });
		}
	});

	test("listens on the port asked for, and on a free one when that is taken", async () => {
		const blocker = createServer().listen(0, "127.0.0.1");
		await once(blocker, "listening");
		const { port } = blocker.address() as { port: number };
		const elsewhere = await start({ port });
		expect(elsewhere.port).not.toBe(port);
		await elsewhere.stop();
		blocker.close();
		await once(blocker, "close");
		const cluster = await start({ port });
		expect(cluster.port).toBe(port);
	});

	test("stops although clients hold transactions open", async () => {
		const cluster = await start();
		const client = createConnection({ connectionString: cluster.adminUrl });
		const lost = new Promise((resolve) => client.on("error", resolve));
		await client.connect();
		await client.query("begin");
		await cluster.stop();
		await lost;
		expect(isAlive(cluster.pid)).toBe(false);
	});

	test("reports a server that ends by itself as unexpected", async () => {
		const cluster = await start();
		process.kill(cluster.pid, "SIGQUIT");
		expect(await cluster.exited).toMatchObject({ expected: false });
	});

	test("recovers committed data after the server was killed", async () => {
		const first = await start({ durable: true });
		await query(first, "create table kept as select 42 as answer");
		process.kill(first.pid, "SIGKILL");
		await first.exited;
		const second = await start({ durable: true });
		expect(await query(second, "select answer from kept")).toEqual([{ answer: 42 }]);
	});

	test("waits for the processes that a killed server has left, which may be busy still", async () => {
		const first = await start();
		const goOn = join(home, "go-on");
		// It looks at nothing but the file, so it does not see that its server is gone.
		const busy = query(first, `do $$ begin while pg_stat_file('${goOn}', true) is null loop end loop; end $$`);
		busy.catch(() => {});
		await expect
			.poll(() => query(first, "select from pg_stat_activity where state = 'active' and query like 'do %'"))
			.toHaveLength(1);
		process.kill(first.pid, "SIGKILL");
		await first.exited;
		const starting = start();
		const hasToWait = () => readFileSync(first.logFile, "utf8").includes("is still in use");
		await expect.poll(hasToWait).toBe(true);
		writeFileSync(goOn, "");
		const second = await starting;
		// It may still have been answered.
		await busy.catch(() => {});
		expect(await query(second, "select 1 as one")).toEqual([{ one: 1 }]);
	});

	test("takes the server along when its parent is killed", async () => {
		const pid = await startInAnotherProcess();
		expect(await ended(pid.parent)).toBe(true);
		expect(await ended(pid.server)).toBe(true);
	});

	test("stops a server that an earlier run left behind, then starts", async () => {
		const first = await start();
		// What a parent leaves that was killed together with its watchdog: a server nobody answers for.
		const second = await start();
		expect(second.pid).not.toBe(first.pid);
		expect(isAlive(first.pid)).toBe(false);
		expect(reports.join()).toContain(`pid ${first.pid}`);
		expect(await query(second, "select 1 as one")).toEqual([{ one: 1 }]);
	});

	test("is not held up by a lock file whose pid now belongs to another program", async () => {
		const first = await start();
		await first.stop();
		writeFileSync(
			join(first.directory, "postmaster.pid"),
			`${process.pid}\n${first.directory}\n1\n1\n\n127.0.0.1\n0\nready\n`,
		);
		const second = await start();
		expect(await query(second, "select 1 as one")).toEqual([{ one: 1 }]);
	});

	test("starts over after an interrupted first run", async () => {
		mkdirSync(join(home, "postgres.new", "base"), { recursive: true });
		const cluster = await start();
		expect(await query(cluster, "select 1 as one")).toEqual([{ one: 1 }]);
		expect(readdirSync(home).sort()).toEqual(["postgres", "postgres.log"]);
	});

	test("says which version made a directory that it cannot use", async () => {
		mkdirSync(join(home, "postgres"));
		writeFileSync(join(home, "postgres", "PG_VERSION"), "15\n");
		await expect(start()).rejects.toThrow(/was made by PostgreSQL 15 and this is PostgreSQL 18: .*pg_upgrade/);
	});

	test("never mixes its files into a directory that holds something else", async () => {
		mkdirSync(join(home, "postgres"));
		writeFileSync(join(home, "postgres", "letters.txt"), "mine");
		await expect(start()).rejects.toThrow(/could not be made in/);
		expect(readdirSync(join(home, "postgres"))).toEqual(["letters.txt"]);
	});

	test.runIf(isRoot)(
		"keeps the data where the server's user can reach it when the wanted place is private",
		async () => {
			const hidden = join(home, "private");
			mkdirSync(hidden, { mode: 0o700 });
			const first = await start({ directory: join(hidden, "postgres") });
			expect(first.directory).toMatch(/^\/var\/lib\/lightspeedpay\/[0-9a-f]{16}$/);
			expect(reports.join()).toContain(`the database is kept in ${first.directory} instead`);
			await query(first, "create table kept as select 42 as answer");
			await first.stop();
			const second = await start({ directory: join(hidden, "postgres") });
			expect(await query(second, "select answer from kept")).toEqual([{ answer: 42 }]);
			await second.stop();
			rmSync(first.logFile, { force: true });
		},
	);

	test.runIf(isRoot)("runs the server as a user that is not root", async () => {
		const cluster = await start();
		const uid = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${cluster.pid}/status`, "utf8"))?.[1];
		expect(Number(uid)).toBeGreaterThan(0);
	});
});

/** A parent that starts a server, tells its pid, and then dies without a chance to clean up. */
async function startInAnotherProcess(): Promise<{ parent: number; server: number }> {
	const source = `
		import { startCluster } from ${JSON.stringify(new URL("./cluster.ts", import.meta.url).href)};
		const cluster = await startCluster(${JSON.stringify({ directory: join(home, "postgres"), password, durable: false })});
		process.stdout.write(String(cluster.pid), () => process.kill(process.pid, "SIGKILL"));
	`;
	const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", source], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const [output] = (await once(child.stdout, "data")) as [Buffer];
	return { parent: child.pid as number, server: Number(output) };
}
