/**
 * `npm run bench:volume`: how long the studio takes for its lists and modules over the history of a large platform. Seeds a
 * database of its own (or takes the one a run before has left in --directory) and asks a real studio process, as an administrator,
 * for what its pages ask for: lists and their bookmarks, and every address of the modules. Then it runs every report as finance.
 *
 *   npm run bench:volume -- [--directory D] [--merchants 10000] [--gateways 50000] [--transactions 5000000] [--days 90] [--rounds 5]
 *                           [--keep]   leaves everything running until Ctrl-C, and prints how to get in
 */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createConnection } from "../db/client/connection.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { collections } from "../directus/config/collections.ts";
import type { Router, Studio } from "../directus/extensions/lightspeedpay/src/endpoint/context.ts";
import { addEveryRoute } from "../directus/extensions/lightspeedpay/src/endpoint/every-route.ts";
import { prepareStudio } from "../directus/prepare.ts";
import { closeFigures, seedSettlements, seedTraces, seedVolume } from "../scripts/seed-volume.ts";
import { timeReports } from "./reports.ts";
import { listPages, modulePages, SAMPLES, type Samples } from "./studio-pages.ts";

const { values } = parseArgs({
	options: {
		directory: { type: "string" },
		merchants: { type: "string", default: "10000" },
		gateways: { type: "string", default: "50000" },
		transactions: { type: "string", default: "5000000" },
		days: { type: "string", default: "90" },
		rounds: { type: "string", default: "5" },
		keep: { type: "boolean", default: false },
	},
});
const rounds = Number(values.rounds);
/** What a page may take on the server. */
const LIMIT_MS = 300;
const WIDTH = 64;

const home = values.directory ?? (await mkdtemp(join(tmpdir(), "lightspeedpay-volume-")));
await mkdir(home, { recursive: true });
// As root the server runs as another user, which must get through.
await chmod(home, 0o711);
// The same each time, so that a database that was left can be opened again; it listens on loopback only.
const secretOf = (name: string) => createHash("sha256").update(`bench ${name}`).digest("base64");
const cluster = await startCluster({
	directory: join(home, "postgres"),
	password: "bench",
	durable: false,
	report: console.log,
});
let child: ChildProcess | undefined;
try {
	const passwords = Object.fromEntries(DATABASE_ROLES.map((role) => [role, "bench"])) as Record<DatabaseRole, string>;
	const database = "volume";
	await prepareDatabase({ adminUrl: cluster.adminUrl, database, passwords });
	const adminUrl = new URL(cluster.adminUrl);
	adminUrl.pathname = `/${database}`;
	const encryptionKeys = `bench:${secretOf("encryption")}`;
	const admin = createConnection({ connectionString: adminUrl.href });
	await admin.connect();
	const report = (line: string) => console.log(`seeded: ${line}`);
	const { rows: known } = await admin.query("select from public.transactions limit 1");
	if (known.length === 0) {
		await seedVolume(
			adminUrl.href,
			parseEncryptionKeys(encryptionKeys),
			{
				merchants: Number(values.merchants),
				gateways: Number(values.gateways),
				transactions: Number(values.transactions),
				days: Number(values.days),
			},
			report,
		);
	}
	const { rows: traced } = await admin.query("select from public.gateway_log limit 1");
	if (traced.length === 0) await seedTraces(adminUrl.href, report);
	const { rows: settled } = await admin.query("select from public.settlements limit 1");
	if (settled.length === 0) await seedSettlements(adminUrl.href, report);
	await closeFigures(adminUrl.href, report);
	const login = { email: "admin@example.com", password: "volume-of-a-large-platform" };
	await prepareStudio({
		databaseUrl: roleUrl(cluster.adminUrl, database, "studio", "bench"),
		admin: login,
		requireSecondFactor: false,
	});
	child = fork(join(import.meta.dirname, "../directus/server.ts"), [], {
		env: {
			PATH: process.env.PATH,
			DATABASE_URL: roleUrl(cluster.adminUrl, database, "studio", "bench"),
			STUDIO_SECRET: secretOf("studio"),
			ENCRYPTION_KEYS: encryptionKeys,
			PUBLIC_CHECKOUT_URL: "https://pay.example.com",
			STUDIO_UPLOADS: join(home, "uploads"),
			PORT: "0",
		},
		stdio: ["ignore", "ignore", "inherit", "ipc"],
	});
	const [started] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [{ port?: number }];
	if (typeof started?.port !== "number") throw new Error("The studio did not start.");
	const studio = `http://127.0.0.1:${started.port}`;

	const entered = await fetch(`${studio}/auth/login`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify(login),
	});
	const token = ((await entered.json()) as { data: { access_token: string } }).data.access_token;
	const { rows: samples } = await admin.query<Samples>(SAMPLES);
	const { rows: keys } = await admin.query<{ table: string; column: string }>(
		`select conrelid::regclass::text as "table", a.attname as "column" from pg_constraint c
			join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
			where c.contype = 'p' and c.connamespace = 'public'::regnamespace`,
	);
	const keyOf = new Map(keys.map(({ table, column }) => [table, column]));

	process.env.ENCRYPTION_KEYS = encryptionKeys;
	const unused = () => {};
	// Only to know them: the studio's process answers.
	addEveryRoute({ get: unused, post: unused, patch: unused, delete: unused } as unknown as Router, {} as Studio);
	const pages = [...listPages(collections, keyOf), ...modulePages(samples[0]!)];
	const load = () => loadavg()[0]!.toFixed(1);
	console.log(`\nload before: ${load()}\n${"".padEnd(WIDTH)}   median      slowest`);
	let is_met = true;
	for (const { name, path } of pages) {
		const taken: number[] = [];
		let status = 0;
		for (let round = 0; round < rounds; round++) {
			const begin = performance.now();
			const answer = await fetch(studio + path, { headers: { authorization: `Bearer ${token}` } });
			await answer.arrayBuffer();
			taken.push(performance.now() - begin);
			status = answer.status;
		}
		taken.sort((a, b) => a - b);
		const median = taken[Math.floor(rounds / 2)]!;
		const is_good = status === 200 && median <= LIMIT_MS;
		is_met &&= is_good;
		const verdict = status !== 200 ? `status ${status}` : is_good ? "" : "SLOW";
		console.log(
			`${name.padEnd(WIDTH)}${median.toFixed(1).padStart(8)} ms ${taken.at(-1)!.toFixed(1).padStart(9)} ms  ${verdict}`,
		);
	}
	const is_reported = await timeReports({
		financeUrl: roleUrl(cluster.adminUrl, database, "finance", "bench"),
		client: samples[0]!.client,
		rounds,
	});
	console.log(`\nload after: ${load()}\nevery page within ${LIMIT_MS} ms: ${is_met ? "yes" : "NO"}`);
	process.exitCode = is_met && is_reported ? 0 : 1;
	if (values.keep) {
		console.log(
			`\n${studio}  ${login.email}  ${login.password}\npsql ${adminUrl.href}\nlargest merchant ${samples[0]!.client}`,
		);
		await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
	}
	await admin.end();
} finally {
	if (child !== undefined && child.exitCode === null) {
		child.kill("SIGTERM");
		await once(child, "exit");
	}
	await cluster.stop();
	if (values.directory === undefined) await rm(home, { recursive: true, force: true });
}
