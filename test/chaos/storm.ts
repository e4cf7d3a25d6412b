/** A storm from its first payment to the audit. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Audit, audit, type MerchantEvent } from "./audit.ts";
import { type Calm, calmDown, importStatements, shortenCoolDowns } from "./calm.ts";
import { type Disaster, longDisasters, SHORT, type Survived, survive } from "./disasters.ts";
import { type Patience, type Played, playPayment, refundPayment, type Stage } from "./payer.ts";
import { type PlanOptions, planPayment } from "./plan.ts";
import { buryPoison } from "./poison.ts";
import { type Standstill, watchStandstills } from "./standstills.ts";
import { readTruth, type Truth } from "./truth.ts";
import { createWatcher } from "./watcher.ts";
import { createWorld, MERCHANT_COUNT, type StormDatabase, type World } from "./world.ts";

export interface StormOptions {
	seed: number;
	payments: number;
	/** Play these numbers only. */
	only?: readonly number[];
	/** Only those whose name holds it. */
	disasters?: string;
	/** Where logs and the sandbox's files go. */
	directory: string;
	report?: (line: string) => void;
}

export interface StormResult {
	plays: Played[];
	outcomes: Map<string, Outcome>;
	truth: Truth;
	audit: Audit;
	/** Requests that each kind of fault upset. */
	upset: Map<string, number>;
	disasters: Survived[];
	standstills: readonly Standstill[];
	rounds: number;
	seconds: { storm: number; calm: number; audit: number };
}

export interface Outcome {
	status: string;
	is_late: boolean;
	attempts: number;
}

/** For what is under way to come to its end, which it does in a tenth of it. */
const CALM_MS = 240_000;
/** From so many payments on there is time for waits that outlast the clients' patience. */
const LONG_FROM = 1_000;
const CONCURRENCY = 90;
const LONG_PATIENCE: Patience = { order_ms: 40_000, paid_ms: 12_000, move_ms: 25_000 };
const SHORT_PATIENCE: Patience = { order_ms: 11_000, paid_ms: 4_000, move_ms: 6_000 };

export async function runStorm(database: StormDatabase, options: StormOptions): Promise<StormResult> {
	const { seed, payments, only, disasters: named = "", directory, report = () => {} } = options;
	const is_long = payments >= LONG_FROM;
	const planned: PlanOptions = { seed, merchants: MERCHANT_COUNT, is_long };
	const numbers = only ?? Array.from({ length: payments }, (_, index) => index + 1);
	const is_own = database.crash !== undefined;
	const world = await createWorld(database, { directory, with_studio: is_own });
	const watcher = createWatcher(world.admin);
	const standstills = watchStandstills(database.adminUrl);
	const stage: Stage = { world, watcher, seed, patience: is_long ? LONG_PATIENCE : SHORT_PATIENCE };
	const calm: Calm = { rounds: 0, refused_refunds: new Set() };
	const heard = new Map<string, MerchantEvent>();
	const startedAt = performance.now();
	let stopped = false;
	let is_storm = true;
	try {
		const statements = every(
			5_000,
			() => is_storm,
			() => importStatements(world),
		);
		const cooling = every(
			2_000,
			() => is_storm,
			() => shortenCoolDowns(world),
		);
		// The sandbox keeps the newest 5,000 events only.
		const listening = every(
			10_000,
			() => is_storm,
			() => hear(world, heard),
		);
		const disasters = (is_own ? longDisasters(world) : SHORT).filter(({ name }) => name.includes(named));
		const { plays, survived } = await playAll(stage, planned, numbers, disasters, report);
		is_storm = false;
		const faults = (await Promise.all([statements, cooling, listening])).flat();
		const upset = await countUpset(world, plays);
		const stormedAt = performance.now();
		report(
			`${plays.length} payments played in ${seconds(stormedAt - startedAt)} s; waiting for all that is under way.`,
		);

		await calmDown(world, planned, calm, CALM_MS);
		const waiting = plays.filter(({ refund_waits }) => refund_waits);
		for (const played of waiting) await refundPayment(stage, played);
		await calmDown(world, planned, calm, CALM_MS);
		const alive = await buryPoison(world);
		await hear(world, heard);
		const calmAt = performance.now();

		watcher.close();
		await world.stop();
		stopped = true;
		const truth = readTruth(world.state_file);
		const result = await audit(
			world,
			seed,
			plays,
			truth,
			[...heard.values()],
			[...calm.refused_refunds],
			survived,
			standstills.found,
		);
		result.violations.push(
			...[...faults, ...alive].map((detail) => ({
				check: "every answer was as it should be",
				detail,
				transaction_id: null,
			})),
		);
		const outcomes = await readOutcomes(world);
		return {
			plays,
			outcomes,
			truth,
			audit: result,
			upset,
			disasters: survived,
			standstills: standstills.found,
			rounds: calm.rounds,
			seconds: {
				storm: seconds(stormedAt - startedAt),
				calm: seconds(calmAt - stormedAt),
				audit: seconds(performance.now() - calmAt),
			},
		};
	} finally {
		is_storm = false;
		watcher.close();
		standstills.close();
		if (!stopped) await world.stop();
		await world.admin.end();
	}
}

const seconds = (milliseconds: number) => Math.round(milliseconds / 100) / 10;

async function playAll(
	stage: Stage,
	planned: PlanOptions,
	numbers: readonly number[],
	disasters: readonly Disaster[],
	report: (line: string) => void,
): Promise<{ plays: Played[]; survived: Survived[] }> {
	const plays: Played[] = [];
	const waiting = numbers.map((number) => planPayment(planned, number));
	const total = waiting.length;
	const to_come = [...disasters];
	const survived: Survived[] = [];
	let striking = Promise.resolve();
	let gate = striking;
	const play = async () => {
		for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
			const [disaster] = to_come;
			if (disaster !== undefined && total - waiting.length > disaster.at * total) {
				to_come.shift();
				// One after the other, so that each has its own time; and each amid payments, which wait for the one before.
				const before = striking;
				striking = before.then(async () => {
					const after = await survive(stage, disaster);
					survived.push(after);
					report(`${after.name}: ${after.seconds === null ? "NOT well" : `well after ${after.seconds} s`}`);
				});
				gate = before;
			}
			await gate;
			plays.push(await playPayment(stage, plan));
			if (plays.length % 500 === 0) report(`${plays.length} of ${total} payments played.`);
		}
	};
	await Promise.all(Array.from({ length: Math.min(CONCURRENCY, total) }, play));
	await striking;
	return { plays, survived };
}

/** Again and again, `every_ms` after it was done, while it may. Answers what went wrong. */
async function every(every_ms: number, may: () => boolean, work: () => Promise<void>): Promise<string[]> {
	const faults: string[] = [];
	for (let next = Date.now() + every_ms; may(); await sleep(100)) {
		if (Date.now() < next) continue;
		await work().catch((error: Error) => faults.push(`${error.message} ${error.stack}`));
		next = Date.now() + every_ms;
	}
	return faults;
}

async function hear({ control, receiver }: World, heard: Map<string, MerchantEvent>): Promise<void> {
	for (const [id, event] of receiver.taken) heard.set(id, { id, ...event, merchant: "dead" });
	const { body } = await control<MerchantEvent[]>("GET", "merchant/events?limit=5000");
	for (const { id, type, verified, merchant } of body) {
		const before = heard.get(id);
		heard.set(id, { id, type, verified: verified && before?.verified !== false, merchant });
	}
}

/** A fault is set for some requests; the control tells which of them did not come. */
async function countUpset({ control }: World, plays: readonly Played[]): Promise<Map<string, number>> {
	const upset = new Map<string, number>();
	for (const { plan } of plays) {
		if (plan.fault !== null) upset.set(plan.fault_kind, (upset.get(plan.fault_kind) ?? 0) + plan.fault.times);
	}
	const { body } = await control<
		{ kind: string; status: number; html: boolean; delay_ms?: number; service: string; times: number; used: number }[]
	>("GET", "faults");
	for (const left of body) {
		const kind = kindOf(left);
		upset.set(kind, (upset.get(kind) ?? 0) - (left.times - left.used));
	}
	return upset;
}

function kindOf({
	kind,
	status,
	html,
	delay_ms,
	service,
}: {
	kind: string;
	status: number;
	html: boolean;
	delay_ms?: number;
	service: string;
}): string {
	if (service === "merchant") return "merchant is down";
	switch (kind) {
		case "status":
			return status === 429
				? "429 with Retry-After"
				: status === 401
					? "token refused"
					: html
						? "502 with a page"
						: "500";
		case "timeout":
			return "time-out before";
		case "drop_after_success":
			return delay_ms === undefined ? "dropped reply" : "time-out after";
		case "drop_before":
			return "dropped request";
		default:
			return kind;
	}
}

async function readOutcomes({ admin }: World): Promise<Map<string, Outcome>> {
	const { rows } = await admin.query<{ id: string } & Outcome>(
		`select t.id, t.status, t.is_late, (select count(*)::int from public.payment_attempts a where a.transaction_id = t.id) as attempts
			from public.transactions t`,
	);
	return new Map(rows.map(({ id, ...outcome }) => [id, outcome]));
}
