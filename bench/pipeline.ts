/** What happens behind an initiated payment: shapes of the goals about it. */
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Shape, Throughput } from "./goal.ts";
import { load, loadInitiate, post } from "./load.ts";
import { checkout, jobs, otherCheckout, otherJobs, type Part, sandbox, sandboxWithPayers } from "./parts.ts";
import { withClient } from "./scene.ts";

/** Nothing more has ended for so long: what is missing does not come. */
const PATIENCE_MS = 30_000;

/**
 * Processes that have just started, and connections that have not planned anything yet, are no measure: under full load they took a third
 * fewer payments in the first seconds than after ten.
 */
const WARM_UP_SECONDS = 10;

export type Paid = {
	/** From the first request until the last event was delivered. */
	per_second: number;
	/** Initiated, and no event delivered. */
	missing: number;
};

/** What a service with two cores has in its hands at a time: enough for some seconds' worth of batches at every stage. */
const UNDER_WAY = 400;

/** Payments are initiated for as long as said, about UNDER_WAY ahead of those delivered; then all are waited for. */
function payments(name: string, checkouts: Part[], workers: Part[]): Shape<Paid> {
	return {
		name,
		needs: [sandboxWithPayers, ...checkouts, ...workers],
		when: "each round",
		// Its own, as it waits for what it began: the last of a warm-up would be paid while it is measured.
		warm_up_seconds: 0,
		measure: (scene, { connections, seconds }) =>
			withClient(scene.admin_url, async (admin) => {
				const urls = checkouts.map((part) => scene.of(part).url);
				const payFor = async (seconds: number) => {
					const pace = new Pace(UNDER_WAY);
					const initiated = loadInitiate(urls, scene.merchants, { connections, seconds, turn: () => pace.turn() });
					await during(initiated, () => pace.look(() => underWay(admin)));
					return untilNone(() => underWay(admin));
				};
				await payFor(WARM_UP_SECONDS);
				await scene.analyze();
				const before = await delivered(admin);
				const start = performance.now();
				const ended_at = await payFor(seconds);
				const after = await delivered(admin);
				return { per_second: ((after - before) * 1_000) / (ended_at - start), missing: (await begun(admin)) - after };
			}),
	};
}

export const paidPayments = payments("paid payments, from initiation to the delivered event", [checkout], [jobs]);

export const paidPaymentsByTwo = payments(
	"paid payments, two checkouts and two workers",
	[checkout, otherCheckout],
	[jobs, otherJobs],
);

/** Lets one begin while about `most` or fewer are under way. */
class Pace {
	readonly #most: number;
	#under_way = 0;
	#begun_since = 0;
	#waiting: (() => void)[] = [];

	constructor(most: number) {
		this.#most = most;
	}

	turn(): Promise<void> {
		if (this.#under_way + this.#begun_since >= this.#most) return new Promise((resolve) => this.#waiting.push(resolve));
		this.#begun_since++;
		return Promise.resolve();
	}

	/** How many are under way says `count`; a request that is not answered yet may be left out. */
	async look(count: () => Promise<number>): Promise<void> {
		const begun_before = this.#begun_since;
		this.#under_way = await count();
		this.#begun_since -= begun_before;
		for (const begin of this.#waiting.splice(0, Math.max(0, this.#most - this.#under_way - this.#begun_since))) {
			this.#begun_since++;
			begin();
		}
	}
}

export type JobStart = { p50: number; p99: number };

const MODERATE_RATE = 100;

/** From the commit of a payment until the transaction in which a worker begins its order, by the database's clock. */
export const jobStart: Shape<JobStart> = {
	name: `commit to job start at ${MODERATE_RATE} payments a second`,
	// Their orders are paid meanwhile, so that the worker does all that it is for; and nothing is left over from before.
	needs: [sandboxWithPayers, checkout, jobs],
	when: "each round",
	warm_up_seconds: WARM_UP_SECONDS,
	measure: (scene, { seconds }) =>
		withClient(scene.admin_url, async (admin) => {
			await admin.query(NOTE_INITIATIONS);
			await loadInitiate(scene.of(checkout).url, scene.merchants, { connections: 8, seconds, rate: MODERATE_RATE });
			await sleep(500);
			// started_at is the start of its transaction.
			const { rows } = await admin.query<JobStart | { p50: null; p99: null }>(
				`select percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99
					from (select extract(epoch from a.started_at - pg_xact_commit_timestamp(i.xid))::float8 * 1000 as ms
						from bench.initiations i join public.payment_attempts a on a.id = i.attempt_id where a.started_at is not null) waited`,
			);
			await admin.query("drop schema bench cascade");
			if (rows[0]!.p50 === null) throw new Error("No order was begun.");
			return rows[0]!;
		}),
};

/** Which transaction initiated what: the rows themselves only know the one that wrote them last. */
const NOTE_INITIATIONS = `
	create schema bench
		create table initiations (attempt_id uuid not null, xid xid not null);
	create function bench.note() returns trigger language plpgsql security definer set search_path = '' as
		$$begin insert into bench.initiations values (new.id, pg_current_xact_id()::xid); return null; end$$;
	create trigger note after insert on public.payment_attempts for each row execute function bench.note()`;

let events = 0;
const run = Date.now().toString(36);

/** Razorpay's webhooks, each signed and new, from all connections at once. */
export const pspWebhooks: Shape<Throughput> = {
	name: "PSP's webhooks",
	needs: [checkout],
	when: "each round",
	measure: (scene, { connections, seconds }) =>
		load(scene.of(checkout).url, { connections, seconds }, () => {
			const number = events++;
			const merchant = scene.merchants[number % scene.merchants.length]!;
			const gateway = merchant.gateways[Math.floor(number / scene.merchants.length) % merchant.gateways.length]!;
			const body = capturedEvent(number);
			return post(
				`/webhook/${merchant.client_key}/${gateway.id}`,
				{
					"content-type": "application/json",
					"user-agent": "Razorpay-Webhook/v1",
					"x-razorpay-event-id": `evt${run}${number}`,
					"x-razorpay-signature": createHmac("sha256", gateway.webhook_secret).update(body).digest("hex"),
				},
				body,
			);
		}),
};

/** As many initiations as are answered while the workers make the orders of those before. */
function whileDraining(
	name: string,
	checkouts: Part[],
	workers: Part[],
): Shape<Throughput & { orders_per_second: number }> {
	return {
		name,
		needs: [sandbox, ...checkouts, ...workers],
		when: "each round",
		warm_up_seconds: WARM_UP_SECONDS,
		measure: (scene, { connections, seconds }) =>
			withClient(scene.admin_url, async (admin) => {
				const urls = checkouts.map((part) => scene.of(part).url);
				const orders = () =>
					count(admin, "select count(*)::int as n from public.payment_attempts where psp_order_id is not null");
				const before = await orders();
				const figures = await loadInitiate(urls, scene.merchants, { connections, seconds });
				return { ...figures, orders_per_second: ((await orders()) - before) / seconds };
			}),
	};
}

export const initiationsWhileDraining = whileDraining(
	"checkout, many merchants, while the worker drains",
	[checkout],
	[jobs],
);

export const initiationsByTwoWhileDraining = whileDraining(
	"two checkouts, many merchants, while two workers drain",
	[checkout, otherCheckout],
	[jobs, otherJobs],
);

function capturedEvent(number: number): string {
	const payment = {
		id: `pay_${number}`,
		entity: "payment",
		amount: 10_000,
		currency: "INR",
		base_amount: 10_000,
		status: "captured",
		order_id: `order_${run}${number}`,
		international: false,
		method: "upi",
		amount_refunded: 0,
		refund_status: null,
		captured: true,
		vpa: "payer@upi",
		email: "payer@example.com",
		contact: "+919000090000",
		notes: [],
		fee: 236,
		tax: 36,
		error_code: null,
		acquirer_data: { rrn: "512345678901" },
		created_at: 1_763_700_000,
	};
	return JSON.stringify({
		entity: "event",
		account_id: "acc_bench",
		event: "payment.captured",
		contains: ["payment"],
		payload: { payment: { entity: payment } },
		created_at: 1_763_700_000,
	});
}

const count = async (admin: pg.Client, query: string) => (await admin.query<{ n: number }>(query)).rows[0]!.n;

const begun = (admin: pg.Client) => count(admin, "select count(*)::int as n from public.transactions");

const delivered = (admin: pg.Client) =>
	count(admin, "select count(*)::int as n from public.webhook_events where status = 'delivered'");

/** Not paid yet, or paid and not delivered: by the small indexes of such rows, as counts of all are a tenth of what is measured. */
const underWay = (admin: pg.Client) =>
	count(
		admin,
		`select (select count(*) from public.transactions where paid_at is null and caps_booked_at is not null)::int
			+ (select count(*) from public.webhook_events where status <> 'delivered')::int as n`,
	);

/** Looks again and again until the work is done. */
async function during(work: Promise<unknown>, look: () => Promise<void>): Promise<void> {
	let is_done = false;
	const ended = work.finally(() => {
		is_done = true;
	});
	for (; !is_done; await sleep(25)) await look();
	await ended;
}

/** When nothing was left, or nothing had moved for long. */
async function untilNone(read: () => Promise<number>): Promise<number> {
	let left = await read();
	let moved_at = performance.now();
	while (left > 0 && performance.now() - moved_at < PATIENCE_MS) {
		await sleep(25);
		const now = await read();
		if (now !== left) moved_at = performance.now();
		left = now;
	}
	return moved_at;
}
