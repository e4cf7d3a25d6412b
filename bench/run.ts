/**
 * `npm run bench`: how many payments a second are taken durably (fsync on, embedded PostgreSQL, everything on this
 * machine), beside the same function called directly and beside simpler code. The shapes take turns within each round, so
 * that a slow minute of the machine hits all of them; medians over the rounds are printed.
 *
 *   npm run bench -- [--rounds 3] [--seconds 5] [--connections 64] [--merchants 1000] [--gateways 5]
 */
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";
import { startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { type Figures, loadCalls, loadInitiate } from "./load.ts";
import { type BenchMerchant, seedMerchants } from "./merchants.ts";

const { values } = parseArgs({
	options: {
		rounds: { type: "string", default: "3" },
		seconds: { type: "string", default: "5" },
		connections: { type: "string", default: "64" },
		merchants: { type: "string", default: "1000" },
		gateways: { type: "string", default: "5" },
	},
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const connections = Number(values.connections);

const home = await mkdtemp(join(tmpdir(), "lightspeedpay-bench-"));
// As root the server runs as another user, which must get through.
await chmod(home, 0o711);
const superuser = randomBytes(12).toString("hex");
const cluster = await startCluster({ directory: join(home, "postgres"), password: superuser, report: console.log });
const children: ChildProcess[] = [];
try {
	const passwords = Object.fromEntries(DATABASE_ROLES.map((role) => [role, randomBytes(12).toString("hex")])) as Record<
		DatabaseRole,
		string
	>;
	const database = "bench";
	await prepareDatabase({ adminUrl: cluster.adminUrl, database, passwords });
	const url = (role: DatabaseRole) => roleUrl(cluster.adminUrl, database, role, passwords[role]);
	const encryptionKeys = `bench:${randomBytes(32).toString("base64")}`;
	console.log(`Seeding ${values.merchants} merchants with ${values.gateways} gateways each …`);
	const admin = new URL(cluster.adminUrl);
	admin.pathname = `/${database}`;
	const merchants = await seedMerchants(admin.href, encryptionKeys, Number(values.merchants), Number(values.gateways));

	const start = async (script: string, args: string[], env: Record<string, string>): Promise<string> => {
		const child = fork(join(import.meta.dirname, script), args, {
			env: { PATH: process.env.PATH, ...env },
			stdio: ["ignore", "ignore", "inherit", "ipc"],
		});
		children.push(child);
		const [message] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [{ port?: number }];
		if (typeof message?.port !== "number") throw new Error(`${script} did not start`);
		return `http://127.0.0.1:${message.port}`;
	};
	const checkout = await start("../checkout/server.ts", [], {
		DATABASE_URL: url("checkout"),
		ENCRYPTION_KEYS: encryptionKeys,
		STATUS_TOKEN_KEY: randomBytes(32).toString("base64"),
		PUBLIC_CHECKOUT_URL: "http://127.0.0.1:3000",
		LOG_LEVEL: "warn",
		PORT: "0",
	});
	const oneCall = await start("peers.ts", ["one-call"], { DATABASE_URL: url("checkout") });
	const statements = await start("peers.ts", ["statements"], { DATABASE_URL: url("owner") });

	const direct = createPool({ connectionString: url("checkout"), application_name: "bench", max: 8 });
	const pick = (among: BenchMerchant[]) => {
		const { id, client_key } = among[Math.floor(Math.random() * among.length)]!;
		return { client_id: id, client_key, order_id: randomUUID(), amount: 10_000, currency: "INR" };
	};
	const call = async (size: number) => {
		const results = await initiatePayments(
			direct,
			Array.from({ length: size }, () => pick(merchants)),
		);
		return results.filter((result) => result.ok).length;
	};
	const one = merchants.slice(0, 1);
	const load = { connections, seconds };
	const shapes: { name: string; measure: () => Promise<Figures> }[] = [
		{ name: `checkout, ${merchants.length} merchants`, measure: () => loadInitiate(checkout, merchants, load) },
		{ name: "checkout, one merchant", measure: () => loadInitiate(checkout, one, load) },
		{ name: "checkout, one connection", measure: () => loadInitiate(checkout, merchants, { connections: 1, seconds }) },
		{
			name: "peer: our function, one call a request",
			measure: () => loadInitiate(oneCall, merchants, { ...load, with_ids: true }),
		},
		{
			name: "peer: statement by statement",
			measure: () => loadInitiate(statements, merchants, { ...load, with_ids: true }),
		},
		{
			name: "peer: statement by statement, one merchant",
			measure: () => loadInitiate(statements, one, { ...load, with_ids: true }),
		},
		{
			name: "function alone, 32 a call, 2 connections",
			measure: () => loadCalls({ connections: 2, seconds }, () => call(32)),
		},
		{
			name: "function alone, 1 a call, 8 connections",
			measure: () => loadCalls({ connections: 8, seconds }, () => call(1)),
		},
	];

	const measured = new Map<string, Figures[]>(shapes.map(({ name }) => [name, []]));
	for (const { measure } of shapes.slice(0, 3)) await measure();
	for (let round = 1; round <= rounds; round++) {
		for (const { name, measure } of shapes) {
			const figures = await measure();
			measured.get(name)!.push(figures);
			console.log(`round ${round}  ${name}: ${Math.round(figures.per_second)}/s`);
		}
	}
	await direct.end();

	const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
	const summary = shapes.map(({ name }) => {
		const all = measured.get(name)!;
		return {
			name,
			per_second: median(all.map((figures) => figures.per_second)),
			p50: median(all.map((figures) => figures.p50)),
			p99: median(all.map((figures) => figures.p99)),
			refused: all.reduce((sum, figures) => sum + figures.refused, 0),
		};
	});
	const base = summary[0]!.per_second;
	const table = summary.map((row) => [
		row.name,
		row.per_second.toFixed(0),
		`${(row.per_second / base).toFixed(2)} ×`,
		row.p50.toFixed(1),
		row.p99.toFixed(1),
		String(row.refused),
	]);
	const heads = ["shape", "payments/s", "ratio", "p50 ms", "p99 ms", "refused"];
	console.log(
		`\n${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}, fsync on, ${connections} connections, median of ${rounds} rounds of ${seconds} s\n`,
	);
	for (const row of [heads, heads.map(() => "---"), ...table]) console.log(`| ${row.join(" | ")} |`);
} finally {
	for (const child of children) child.kill("SIGTERM");
	await Promise.all(
		children.map((child) => child.exitCode === null && child.signalCode === null && once(child, "exit")),
	);
	await cluster.stop();
	await rm(home, { recursive: true, force: true });
}
