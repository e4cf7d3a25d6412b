/**
 * `npm run bench:routing`: how many payments each rotation mode gets approved where gateways' success rates change. Real
 * decisions by the database's own functions; only the payers and PSPs are played. Every mode meets the same payers: payment n
 * at gateway g succeeds or not alike in each.
 *
 *   npm run bench:routing -- [--payments 12000] [--seed 1] [--at-once 10] [--refresh-every 50] [--world 4]
 *
 * approved  expected share of successes of the gateways chosen, after the warm-up (the first tenth)
 * uplift    of that over round_robin, in points
 * regret    what is missing to an oracle that always knows the best gateway, in percent of the oracle's
 */
import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type pg from "pg";
import { refreshSuccessRates } from "../db/client/operations.ts";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";
import { startCluster } from "../db/cluster.ts";
import { DATABASE_ROLES, type DatabaseRole, prepareDatabase, roleUrl } from "../db/prepare.ts";
import { type BenchMerchant, seedMerchants } from "./merchants.ts";

const { values } = parseArgs({
	options: {
		payments: { type: "string", default: "12000" },
		seed: { type: "string", default: String(1 + Math.floor(Math.random() * 1_000_000)) },
		"at-once": { type: "string", default: "10" },
		// Rates are measured every 15 s: 50 payments are some three a second through one merchant, 12,000 are an hour.
		"refresh-every": { type: "string", default: "50" },
		// One of them only, counted from 1.
		world: { type: "string" },
	},
});
const payments = Number(values.payments);
const seed = Number(values.seed);
const at_once = Number(values["at-once"]);
const refresh_every = Number(values["refresh-every"]);

/** The true success rate of each gateway when a share `t` (0 to 1) of the payments was made. */
type World = (t: number) => readonly number[];

const WORLDS: Record<string, World> = {
	"steady, far apart": () => [0.9, 0.8, 0.7, 0.6],
	"steady, close together": () => [0.88, 0.86, 0.84, 0.82],
	"the best one breaks and returns": (t) => [t > 0.35 && t < 0.65 ? 0.3 : 0.92, 0.82, 0.75, 0.7],
	"the worst one becomes the best": (t) => [0.82, 0.78, 0.74, t < 0.4 ? 0.4 : 0.94],
	"they drift across each other": (t) =>
		[0, 1, 2, 3].map((gateway) => 0.8 + 0.12 * Math.sin(2 * Math.PI * (t + gateway / 4))),
	"short outages in turn": (t) =>
		[0.9, 0.88, 0.86, 0.84].map((rate, gateway) => (Math.floor(t * 6) % 4 === gateway && t > 0.1 ? 0.35 : rate)),
};
const MODES = ["dynamic", "smart", "weighted", "round_robin"] as const;
const GATEWAYS = 4;

/** A number in [0, 1) that depends on nothing but the seed and the names of the draw (splitmix32). */
function draw(...names: number[]): number {
	let state = names.reduce((mixed, name) => Math.imul(mixed ^ name, 0x9e3779b1) ^ (mixed >>> 15), seed | 0);
	state = (state + 0x9e3779b9) | 0;
	state = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
	state = Math.imul(state ^ (state >>> 15), 0x735a2d97);
	return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
}

interface Databases {
	admin: pg.Pool;
	checkout: pg.Pool;
	jobs: pg.Pool;
}

/** The expected success of each payment's gateway, in the order in which they were made. */
async function play(
	merchant: BenchMerchant,
	mode: string,
	world: World,
	world_no: number,
	{ admin, checkout, jobs }: Databases,
) {
	await admin.query("update public.clients set rotation_mode = $2 where id = $1", [merchant.id, mode]);
	const { rows: gateways } = await admin.query<{ id: string }>(
		"select id from public.payment_gateways where client_id = $1 order by id",
		[merchant.id],
	);
	const place = new Map(gateways.map(({ id }, index) => [id, index]));
	const expected: number[] = [];
	while (expected.length < payments) {
		const made = expected.length;
		const taken = await initiatePayments(
			checkout,
			Array.from({ length: at_once }, (_, n) => ({
				client_id: merchant.id,
				client_key: merchant.client_key,
				order_id: `${mode}-${made + n}`,
				amount: 10_000,
				currency: "INR",
			})),
		);
		const ids = taken.map((result) => {
			if (!result.ok) throw result.error;
			return result.transaction_id;
		});
		const { rows: attempts } = await admin.query<{ id: string; gateway_id: string }>(
			`select a.id, a.gateway_id from unnest($1::uuid[]) with ordinality t (id, place)
				join public.payment_attempts a on a.transaction_id = t.id order by t.place`,
			[ids],
		);
		const outcomes = attempts.map(({ gateway_id }, n) => {
			const gateway = place.get(gateway_id) as number;
			const rate = world((made + n) / payments)[gateway] as number;
			expected.push(rate);
			return draw(world_no, made + n, gateway) < rate ? "succeeded" : "failed";
		});
		await jobs.query({
			name: "settle",
			text: "select public.settle_attempt(id, state) from unnest($1::uuid[], $2::jsonb[]) told (id, state)",
			values: [
				attempts.map(({ id }) => id),
				attempts.map(({ id }, n) =>
					JSON.stringify({ outcome: outcomes[n], psp_payment_id: id, amount: 10_000, currency: "INR", method: "upi" }),
				),
			],
		});
		if (expected.length % refresh_every < at_once) await refreshSuccessRates(jobs);
	}
	return expected;
}

function mean(numbers: readonly number[]): number {
	return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

const percent = (share: number) => (100 * share).toFixed(2).padStart(6);

const home = await mkdtemp(join(tmpdir(), "lightspeedpay-bench-"));
// As root the server runs as another user, which must get through.
await chmod(home, 0o711);
const cluster = await startCluster({
	directory: join(home, "postgres"),
	password: randomBytes(12).toString("hex"),
	durable: false,
	report: console.log,
});
const pools: pg.Pool[] = [];
try {
	const passwords = Object.fromEntries(DATABASE_ROLES.map((role) => [role, randomBytes(12).toString("hex")])) as Record<
		DatabaseRole,
		string
	>;
	const database = "routing";
	await prepareDatabase({ adminUrl: cluster.adminUrl, database, passwords });
	const adminUrl = new URL(cluster.adminUrl);
	adminUrl.pathname = `/${database}`;
	const merchants = await seedMerchants(
		adminUrl.href,
		`bench:${randomBytes(32).toString("base64")}`,
		Object.keys(WORLDS).length * MODES.length,
		GATEWAYS,
	);
	const connect = (url: string): pg.Pool => {
		const pool = createPool({ connectionString: url, application_name: "bench", max: 2 });
		pools.push(pool);
		return pool;
	};
	const databases: Databases = {
		admin: connect(adminUrl.href),
		checkout: connect(roleUrl(cluster.adminUrl, database, "checkout", passwords.checkout)),
		jobs: connect(roleUrl(cluster.adminUrl, database, "jobs", passwords.jobs)),
	};

	console.log(`\n${payments} payments a mode over ${GATEWAYS} gateways, --seed ${seed}\n`);
	console.log(`${"world".padEnd(34)}${"mode".padEnd(14)}approved  uplift  regret`);
	const warm = Math.floor(payments / 10);
	const totals = new Map<string, number[]>();
	for (const [world_no, [name, world]] of Object.entries(WORLDS).entries()) {
		if (values.world !== undefined && Number(values.world) !== world_no + 1) continue;
		const best = Array.from({ length: payments }, (_, n) => Math.max(...world(n / payments))).slice(warm);
		const approved = new Map<string, number>();
		for (const mode of MODES) {
			const merchant = merchants.pop() as BenchMerchant;
			approved.set(mode, mean((await play(merchant, mode, world, world_no, databases)).slice(warm)));
		}
		approved.set("oracle", mean(best));
		const even = approved.get("round_robin") as number;
		const oracle = approved.get("oracle") as number;
		for (const [mode, share] of approved) {
			const regret = (oracle - share) / oracle;
			totals.set(mode, [...(totals.get(mode) ?? []), regret]);
			console.log(
				`${name.padEnd(34)}${mode.padEnd(14)}${percent(share)} %  ${percent(share - even)}  ${percent(regret)} %`,
			);
		}
	}
	console.log(`\n${"mean regret over all worlds".padEnd(34)}`);
	for (const [mode, regrets] of totals) console.log(`${"".padEnd(34)}${mode.padEnd(30)}${percent(mean(regrets))} %`);
	const regretOf = (mode: string) => mean(totals.get(mode) as number[]);
	const is_met = regretOf("dynamic") < regretOf("smart") && regretOf("dynamic") < 0.02;
	console.log(`\ndynamic better than smart and within 2 % of the oracle: ${is_met ? "yes" : "NO"}`);
	process.exitCode = is_met ? 0 : 1;
} finally {
	for (const pool of pools) await pool.end();
	await cluster.stop();
	await rm(home, { recursive: true, force: true });
}
