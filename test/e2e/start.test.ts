import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { createConnection } from "../../db/client/connection.ts";
import { startCluster } from "../../db/cluster.ts";
import { type Demo, makeDataDirectory, type Supervisor, spawnSupervisor, startStack, untilReady } from "../stack.ts";

const directories: string[] = [];
const supervisors: Supervisor[] = [];

function directory(): string {
	const path = makeDataDirectory();
	directories.push(path);
	return path;
}

function start(dataDirectory: string, env: Record<string, string> = {}, command?: string[]): Supervisor {
	const supervisor = spawnSupervisor(dataDirectory, env, command);
	supervisors.push(supervisor);
	return supervisor;
}

afterEach(async () => {
	for (const supervisor of supervisors.splice(0)) {
		supervisor.process.kill("SIGTERM");
		await supervisor.exited;
	}
});

afterAll(() => {
	for (const path of directories) rmSync(path, { recursive: true, force: true });
});

function demoOf(dataDirectory: string): Demo {
	return JSON.parse(readFileSync(join(dataDirectory, "demo.json"), "utf8"));
}

/** Processes that run on, or were told of, this data directory. */
function processesOf(dataDirectory: string): string[] {
	return readdirSync("/proc").filter((pid) => {
		if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
		try {
			const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
			const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
			return (
				command.includes(dataDirectory) ||
				environment.includes(dataDirectory) ||
				readlinkSync(`/proc/${pid}/cwd`).startsWith(dataDirectory)
			);
		} catch {
			return false;
		}
	});
}

async function untilNoneIsLeft(dataDirectory: string): Promise<string[]> {
	for (let i = 0; i < 2_000 && processesOf(dataDirectory).length > 0; i++) await sleep(50);
	return processesOf(dataDirectory);
}

describe("npm start", () => {
	const shared = directory();
	let firstKeys: string[];

	test("brings everything up, tells how to use it, and the printed curl makes a payment", async () => {
		const stack = await startStack({ dataDirectory: shared });
		try {
			const { demo } = stack;
			expect((await fetch(`${demo.checkout_url}/readyz`)).status).toBe(200);
			expect((await fetch(`${demo.studio_url}/server/ping`)).status).toBe(200);
			expect(demo.merchants.map(({ name }) => name)).toEqual(["Kaveri Books", "Fifty Lamps"]);
			firstKeys = demo.merchants.map(({ client_key }) => client_key);
			expect(statSync(join(shared, "demo.json")).mode & 0o077).toBe(0);
			expect(statSync(join(shared, "secrets.json")).mode & 0o077).toBe(0);

			for (const login of [demo.admin, demo.operator, demo.finance]) {
				expect(stack.output()).toContain(login.password);
				const answer = await fetch(`${demo.studio_url}/auth/login`, {
					method: "POST",
					headers: { "content-type": "application/json" },
					body: JSON.stringify(login),
				});
				expect(answer.status, login.email).toBe(200);
			}

			const command = /\n(\(T=\$[\s\S]*?; echo\))\n/.exec(stack.output())?.[1];
			const answer = JSON.parse(execFileSync("sh", ["-c", command as string], { encoding: "utf8" }));
			expect(answer).toMatchObject({ amount: 49_900, currency: "INR" });
			expect(answer.checkout_url).toContain(`${demo.checkout_url}/pay/`);

			const finance = createConnection({ connectionString: demo.reports_database_url });
			await finance.connect();
			await expect(finance.query("select * from public.clients")).rejects.toThrow(/permission denied/);
			await finance.end();
		} finally {
			expect(await stack.stop({ keep: true })).toBe(0);
		}
		expect(stack.output()).toContain("Stopped; the data is kept.");
		expect(await untilNoneIsLeft(shared)).toEqual([]);
	});

	test("keeps data and keys over a second start, refuses a third beside it, and leaves nothing behind when it is killed", async () => {
		const supervisor = start(shared);
		await untilReady(supervisor);
		const demo = demoOf(shared);
		expect(demo.merchants.map(({ client_key }) => client_key)).toEqual(firstKeys);
		const database = createConnection({ connectionString: demo.database_url });
		await database.connect();
		const { rows } = await database.query(
			`select (select count(*)::int from public.transactions) as payments,
				(select count(*)::int from public.payment_gateways) as gateways, (select count(*)::int from public.clients) as clients`,
		);
		await database.end();
		expect(rows[0]).toMatchObject({ payments: 1, clients: 2 });
		expect(rows[0].gateways).toBeGreaterThan(50);

		const third = start(shared);
		expect(await third.exited).toBe(1);
		expect(third.output()).toMatch(/^LightSpeedPay already runs on .* \(process \d+\): stop that one/);
		expect((await fetch(`${demo.checkout_url}/healthz`)).status).toBe(200);

		supervisor.process.kill("SIGKILL");
		await supervisor.exited;
		expect(await untilNoneIsLeft(shared)).toEqual([]);
	});

	test("starts again after that, reports a part that crashes with its last lines, and starts it again, as it does with the database", async () => {
		const supervisor = start(shared);
		await untilReady(supervisor);
		const { checkout_url, studio_url, merchants } = demoOf(shared);
		expect(merchants.map(({ client_key }) => client_key)).toEqual(firstKeys);
		const printed = async (pattern: RegExp) => {
			while (!pattern.test(supervisor.output())) {
				await Promise.race([
					once(supervisor.process.stdout!, "data"),
					once(supervisor.process.stderr!, "data"),
					supervisor.exited.then((code) => {
						throw new Error(`npm start ended with ${code}:\n${supervisor.output()}`);
					}),
				]);
			}
		};
		const pid = supervisor.process.pid as number;
		process.kill(pidOf("directus/server.ts", pid) as number, "SIGKILL");
		process.kill(pidOf("jobs/worker.ts", pid) as number, "SIGKILL");
		// No payment waits for the studio.
		expect((await fetch(`${checkout_url}/healthz`)).status).toBe(200);
		await printed(/The part "jobs" ended by SIGKILL\. Its last lines:\n {4}\{[\s\S]*It is started again in 1 s\./);
		await Promise.all([printed(/The part "jobs" is up again/), printed(/The part "studio" is up again/)]);
		expect((await fetch(`${studio_url}/server/ping`)).status).toBe(200);

		process.kill(pidOf("bin/postgres", pid) as number, "SIGKILL");
		await printed(/The database server ended by SIGKILL[\s\S]*PostgreSQL is up again/);
		await expect.poll(async () => (await fetch(`${checkout_url}/readyz`)).status).toBe(200);

		supervisor.process.kill("SIGTERM");
		expect(await supervisor.exited).toBe(0);
		expect(await untilNoneIsLeft(shared)).toEqual([]);
	});

	test("stops cleanly when npm is asked to, also while it is still starting", async () => {
		const own = directory();
		const supervisor = start(own, {}, ["npm", "start"]);
		while (!supervisor.output().includes("PostgreSQL listens")) await once(supervisor.process.stdout!, "data");
		supervisor.process.kill("SIGTERM");
		expect(await supervisor.exited).toBe(0);
		expect(await untilNoneIsLeft(own)).toEqual([]);
	});

	test("says which port is taken and how to choose another, before starting anything", async () => {
		const blocker = createServer().listen(0, "127.0.0.1");
		await once(blocker, "listening");
		const { port } = blocker.address() as { port: number };
		const own = directory();
		for (const variable of ["CHECKOUT_PORT", "STUDIO_PORT", "SANDBOX_PORT"]) {
			const supervisor = start(own, { [variable]: String(port) });
			expect(await supervisor.exited).toBe(1);
			expect(supervisor.output()).toMatch(
				new RegExp(`^Port ${port} is taken: stop the program .* ${variable}=\\d+ npm start\\.\n$`),
			);
		}
		blocker.close();
	});

	test("says that a directory cannot be written to and how to choose another", async () => {
		const supervisor = start("/proc/lightspeedpay");
		expect(await supervisor.exited).toBe(1);
		expect(supervisor.output()).toMatch(/^\/proc\/lightspeedpay cannot be written to \(\w+\): choose another .*\n$/);
	});

	test("says what is wrong with a database that it cannot use", async () => {
		const supervisor = start(directory(), { DATABASE_URL: "postgres://somebody:secret@127.0.0.1:1/shop" });
		expect(await supervisor.exited).toBe(1);
		expect(supervisor.output()).toMatch(
			/No connection to PostgreSQL at 127\.0\.0\.1:1\/\S+ as somebody: .*ECONNREFUSED/,
		);
		expect(supervisor.output()).not.toContain("secret");
	});

	test("runs on a PostgreSQL of one's own given by DATABASE_URL", async () => {
		const home = directory();
		// As root the server runs as another user, which must get through.
		chmodSync(home, 0o711);
		const cluster = await startCluster({ directory: join(home, "postgres"), password: "own", durable: false });
		try {
			const url = new URL(cluster.adminUrl);
			url.pathname = "/shop";
			const stack = await startStack({ dataDirectory: directory(), env: { DATABASE_URL: url.href } });
			expect(demoOf(stack.dataDirectory).database_url).toMatch(/\/shop$/);
			expect((await fetch(`${stack.demo.checkout_url}/readyz`)).status).toBe(200);
			expect(await stack.stop({ keep: true })).toBe(0);

			// What a deployment runs before its processes, here for a second database of that server.
			url.pathname = "/bazaar";
			const names = ["OWNER", "CHECKOUT", "JOBS", "STUDIO", "FINANCE", "ADMIN"].map((name) => [
				`${name}_PASSWORD`,
				"x1y2z3",
			]);
			const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/prepare.ts"], {
				cwd: join(import.meta.dirname, "../.."),
				env: {
					PATH: process.env.PATH,
					DATABASE_URL: url.href,
					ADMIN_EMAIL: "asha@example.com",
					...Object.fromEntries(names),
				},
				encoding: "utf8",
			});
			expect(status, stderr).toBe(0);
			expect(stdout).toMatch(/The database and the studio are prepared\.\n$/);
		} finally {
			await cluster.stop();
		}
	});
});

/** A child of the supervisor by its script. */
function pidOf(script: string, parent: number): number | null {
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			const isChild = readFileSync(`/proc/${pid}/status`, "utf8").includes(`PPid:\t${parent}\n`);
			if (isChild && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(script)) return Number(pid);
		} catch {
			// It ended while we looked.
		}
	}
	return null;
}
