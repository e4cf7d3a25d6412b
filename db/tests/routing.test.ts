import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, initiateRequest, queryAs, startPayment } from "../../test/payments.ts";
import { beginPspOrder, recordPspOrder, recordPspOrderFailure, settleAttempt } from "../client/attempts.ts";
import { refreshSuccessRates } from "../client/operations.ts";
import { type InitiateRequest, initiatePayments } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const rows = queryAs(() => database.pool("admin"));
const merchant = (gateways: Record<string, unknown>[], columns = {}) =>
	createMerchant(database.pool("admin"), keys, columns, gateways);

interface Decision {
	gateway_id: string;
	attempt_id: string;
	routing: {
		mode: string;
		success_rate: number;
		probe?: true;
		explored?: true;
		skipped?: Record<string, string>;
	};
}

/** Payments in calls of `at_once`, with the gateway each got and why. */
async function decide(
	of: TestMerchant,
	count: number,
	more: Partial<InitiateRequest> = {},
	at_once = 1,
): Promise<Decision[]> {
	const ids: string[] = [];
	for (let done = 0; done < count; done += at_once) {
		const results = await initiatePayments(
			database.pool("checkout"),
			Array.from({ length: at_once }, () => initiateRequest(of, more)),
		);
		for (const result of results) {
			if (!result.ok) throw result.error;
			ids.push(result.transaction_id);
		}
	}
	return rows<Decision>(
		"select gateway_id, id as attempt_id, routing from payment_attempts where transaction_id = any ($1) order by id",
		[ids],
	);
}

const share = (decisions: Decision[], of: TestMerchant, index: number) =>
	decisions.filter(({ gateway_id }) => gateway_id === of.gateways[index]!.id).length / decisions.length;

const setState = (of: TestMerchant, index: number, columns: Record<string, unknown>) =>
	rows(
		`update gateway_states set ${Object.keys(columns)
			.map((column, place) => `${column} = $${place + 2}`)
			.join(", ")} where gateway_id = $1`,
		[of.gateways[index]!.id, ...Object.values(columns)],
	);

const state = async (of: TestMerchant, index: number) =>
	(
		await rows<{
			probe_stage: number | null;
			probe_passes: number;
			cooldowns_in_row: number;
			seconds: number;
			success_rate: number;
			outcomes: number;
			method_rates: Record<string, { rate: number; outcomes: number }>;
		}>(
			`select probe_stage, probe_passes, cooldowns_in_row, success_rate::float8, outcomes, method_rates,
				round(extract(epoch from cooldown_until - now()))::int as seconds from gateway_states where gateway_id = $1`,
			[of.gateways[index]!.id],
		)
	)[0]!;

async function makeOrder({ attempt_id }: Decision): Promise<void> {
	await beginPspOrder(jobs(), attempt_id);
	await recordPspOrder(jobs(), {
		attempt_id,
		psp_order_id: `order_${randomUUID()}`,
		presentation: { kind: "redirect", url: "https://psp.example/" },
		latency_ms: 1,
	});
}

async function refuse({ attempt_id }: Decision): Promise<void> {
	await beginPspOrder(jobs(), attempt_id);
	await recordPspOrderFailure(jobs(), {
		attempt_id,
		error: { code: "rate_limited", message: "429", http_status: 429 },
		latency_ms: 1,
	});
}

/** Outcomes of a gateway, oldest first, without payments behind them being routed. */
async function settleMany(of: TestMerchant, outcomes: boolean[], method = "upi"): Promise<void> {
	for (const is_success of outcomes) {
		const { attempt_id } = await startPayment(database, of);
		await settleAttempt(
			jobs(),
			attempt_id,
			attemptState(is_success ? "succeeded" : "failed", { psp_payment_id: randomUUID(), method }),
		);
	}
	await refreshSuccessRates(jobs());
}

describe.each([1, 20])("modes, %i requests a call", (at_once) => {
	test("smart takes priority first, then the better rate of the method asked for", async () => {
		const kaveri = await merchant([{ priority: 5 }, { priority: 5 }, { priority: 9, is_active: false }]);
		await setState(kaveri, 0, { success_rate: 90, method_rates: { card: { rate: 40, outcomes: 80 } } });
		await setState(kaveri, 1, { success_rate: 80, method_rates: { card: { rate: 70, outcomes: 80 } } });
		expect(share(await decide(kaveri, 20, {}, at_once), kaveri, 0)).toBe(1);
		const cards = await decide(kaveri, 20, { method: "card" }, at_once);
		expect(share(cards, kaveri, 1)).toBe(1);
		expect(cards[0]!.routing).toMatchObject({
			mode: "smart",
			success_rate: 70,
			skipped: { [kaveri.gateways[2]!.id]: "inactive" },
		});
	});

	test("round_robin spreads evenly", async () => {
		const kaveri = await merchant([{}, {}, {}, {}], { rotation_mode: "round_robin" });
		const decisions = await decide(kaveri, 80, {}, at_once);
		for (const index of [0, 1, 2, 3]) expect(share(decisions, kaveri, index)).toBe(0.25);
	});

	test("weighted follows the weights", async () => {
		const kaveri = await merchant([{ weight: 70 }, { weight: 30 }], { rotation_mode: "weighted" });
		// 300 draws at 0.7: five standard deviations are 0.13
		expect(Math.abs(share(await decide(kaveri, 300, {}, at_once), kaveri, 0) - 0.7)).toBeLessThan(0.14);
	});

	test("dynamic prefers the better rate and keeps trying the others", async () => {
		const kaveri = await merchant([{}, {}], { rotation_mode: "dynamic" });
		await setState(kaveri, 0, { success_rate: 92, beliefs: { "": { successes: 115, outcomes: 125 } } });
		// Which is drawn 4 times in 100: none in 400 draws, or 40, is as good as impossible.
		await setState(kaveri, 1, { success_rate: 87, beliefs: { "": { successes: 109, outcomes: 125 } } });
		const decisions = await decide(kaveri, 400, {}, at_once);
		expect(share(decisions, kaveri, 0)).toBeGreaterThan(0.88);
		expect(share(decisions, kaveri, 1)).toBeGreaterThan(0);
		expect(decisions.some(({ routing }) => routing.explored)).toBe(true);
	});

	test("dynamic tries a gateway of which little is known", async () => {
		const kaveri = await merchant([{}, {}], { rotation_mode: "dynamic" });
		await setState(kaveri, 0, { success_rate: 90, beliefs: { "": { successes: 112, outcomes: 125 } } });
		await setState(kaveri, 1, { success_rate: 86, beliefs: { "": { successes: 0, outcomes: 1 } } });
		// Drawn 8 times in 100: 4 in 400 draws are as good as impossible.
		expect(share(await decide(kaveri, 400, {}, at_once), kaveri, 1)).toBeGreaterThan(0.01);
	});

	test("dynamic tries a bad gateway again once what it knows of it is old", async () => {
		const kaveri = await merchant([{}, {}], { rotation_mode: "dynamic" });
		const bad = { success_rate: 40, beliefs: { "": { successes: 48, outcomes: 125 } }, belief_half_life: 300 };
		await setState(kaveri, 0, { success_rate: 90, beliefs: { "": { successes: 112, outcomes: 125 } } });
		await setState(kaveri, 1, { ...bad, believed_at: new Date() });
		expect(share(await decide(kaveri, 200, {}, at_once), kaveri, 1)).toBe(0);
		await setState(kaveri, 1, { ...bad, believed_at: new Date(Date.now() - 6 * 300_000) });
		expect(share(await decide(kaveri, 400, {}, at_once), kaveri, 1)).toBeGreaterThan(0.01);
	});

	test("dynamic judges by the method asked for", async () => {
		const kaveri = await merchant([{}, {}], { rotation_mode: "dynamic" });
		const upi = { successes: 115, outcomes: 125 };
		await setState(kaveri, 0, { beliefs: { "": upi, card: { successes: 40, outcomes: 125 } } });
		await setState(kaveri, 1, { beliefs: { "": { successes: 60, outcomes: 125 }, card: upi } });
		expect(share(await decide(kaveri, 100, { method: "card" }, at_once), kaveri, 1)).toBe(1);
		expect(share(await decide(kaveri, 100, {}, at_once), kaveri, 0)).toBe(1);
	});

	test("keeps with each payment which gateways were skipped and why", async () => {
		const kaveri = await merchant([
			{ priority: 1 },
			{ is_active: false },
			{ methods: ["card"] },
			{ min_amount: 1_000_000 },
			{ max_amount: 500 },
			{ currencies: ["USD"] },
			{ monthly_limit: 5_000 },
			{},
		]);
		await setState(kaveri, 7, { cooldown_until: new Date(Date.now() + 60_000) });
		const [decision] = await decide(kaveri, at_once, { method: "upi" }, at_once);
		expect(decision!.gateway_id).toBe(kaveri.gateways[0]!.id);
		expect(Object.values(decision!.routing.skipped!).sort()).toEqual([
			"amount_above_maximum",
			"amount_below_minimum",
			"cooling_down",
			"currency_not_supported",
			"inactive",
			"method_not_supported",
			"monthly_limit_reached",
		]);
	});
});

describe("a gateway on its way back from a cool-down", () => {
	/** The first gateway's circuit is half open at `stage`, the second takes the rest. */
	async function halfOpen(stage: number, columns: Record<string, unknown> = {}): Promise<TestMerchant> {
		const kaveri = await merchant([{ priority: 2 }, { priority: 1 }]);
		await setState(kaveri, 0, { probe_stage: stage, cooldown_until: new Date(Date.now() - 1000), ...columns });
		return kaveri;
	}

	test("gets one request first, and the next only when that went well", async () => {
		const kaveri = await halfOpen(0);
		const decisions = await decide(kaveri, 10);
		expect(share(decisions, kaveri, 0)).toBe(0.1);
		expect(decisions[0]).toMatchObject({ gateway_id: kaveri.gateways[0]!.id, routing: { probe: true } });
		await makeOrder(decisions[0]!);
		expect(await state(kaveri, 0)).toMatchObject({ probe_stage: 1 });
	});

	test("gets one request of a call with many", async () => {
		const kaveri = await halfOpen(0);
		expect(share(await decide(kaveri, 20, {}, 20), kaveri, 0)).toBe(1 / 20);
	});

	test("a probe that is never heard of is sent again after a minute", async () => {
		const kaveri = await halfOpen(0, { probe_sent_at: new Date(Date.now() - 61_000) });
		expect(share(await decide(kaveri, 1), kaveri, 0)).toBe(1);
	});

	test.each([
		[1, 0.05, 1],
		[2, 0.2, 1],
		[3, 0.5, 1],
		[2, 0.2, 20],
		[3, 0.5, 20],
	])("gets a growing share: stage %i about %f, %i requests a call", async (stage, wanted, at_once) => {
		const kaveri = await halfOpen(stage);
		const got = share(await decide(kaveri, 300, {}, at_once), kaveri, 0);
		expect(Math.abs(got - wanted)).toBeLessThan(6 * Math.sqrt((wanted * (1 - wanted)) / (300 / at_once)) + 0.01);
		expect(got).toBeGreaterThan(0);
	});

	test("takes its full share after ten that went well, with a line in its log", async () => {
		const kaveri = await halfOpen(0, { cooldowns_in_row: 2 });
		await setState(kaveri, 1, { cooldown_until: new Date(Date.now() + 600_000) });
		for (let n = 0; n < 10; n++) {
			const [decision] = await decide(kaveri, 1);
			await makeOrder(decision!);
		}
		expect(await state(kaveri, 0)).toMatchObject({ probe_stage: null, cooldowns_in_row: 0 });
		expect(await rows("select kind from gateway_log where gateway_id = $1", [kaveri.gateways[0]!.id])).toEqual([
			{ kind: "recovered" },
		]);
	});

	test("that fails again cools down twice as long each time, an hour at most", async () => {
		const kaveri = await merchant([{ priority: 2 }, { priority: 1 }], { cooldown_seconds: 300 });
		const waits: number[] = [];
		for (let n = 0; n < 6; n++) {
			const [decision] = await decide(kaveri, 1);
			expect(decision!.gateway_id).toBe(kaveri.gateways[0]!.id);
			await refuse(decision!);
			waits.push((await state(kaveri, 0)).seconds);
			await setState(kaveri, 0, { cooldown_until: new Date(Date.now() - 1000) });
		}
		expect(waits).toEqual([300, 600, 1200, 2400, 3600, 3600]);
	});

	test("refusals of requests that were under way lengthen nothing", async () => {
		const kaveri = await merchant([{ priority: 2 }, { priority: 1 }], { cooldown_seconds: 300 });
		const decisions = await decide(kaveri, 4);
		for (const decision of decisions) await refuse(decision);
		expect(await state(kaveri, 0)).toMatchObject({ seconds: 300, cooldowns_in_row: 1, probe_stage: 0 });
	});

	test("takes everything when the merchant has no other", async () => {
		const kaveri = await halfOpen(0);
		await setState(kaveri, 1, { cooldown_until: new Date(Date.now() + 600_000) });
		expect(share(await decide(kaveri, 12), kaveri, 0)).toBe(1);
	});
});

describe("the success rate", () => {
	test("of a new gateway is not emptied by one failure, and is kept in all and by method", async () => {
		const kaveri = await merchant([{}]);
		await settleMany(kaveri, [false]);
		expect((await state(kaveri, 0)).success_rate).toBe(83.33);
		await settleMany(kaveri, [true, true, true], "card");
		expect(await state(kaveri, 0)).toMatchObject({
			success_rate: 88.89,
			outcomes: 4,
			method_rates: { upi: { rate: 83.33, outcomes: 1 }, card: { rate: 100, outcomes: 3 } },
		});
	});

	test("follows at once when the last ten tell of another gateway than before", async () => {
		const kaveri = await merchant([{}]);
		await settleMany(
			kaveri,
			Array.from({ length: 40 }, (_, n) => n % 20 !== 0),
		);
		expect((await state(kaveri, 0)).success_rate).toBeGreaterThan(93);
		await settleMany(
			kaveri,
			Array.from({ length: 10 }, () => false),
		);
		expect(await state(kaveri, 0)).toMatchObject({ success_rate: 33.33, outcomes: 10 });
	});

	test("keeps its window when the last ten are within what chance does", async () => {
		const kaveri = await merchant([{}]);
		await settleMany(
			kaveri,
			Array.from({ length: 40 }, (_, n) => n % 5 !== 0),
		);
		await settleMany(kaveri, [true, false, true, true, false, true, true, false, true, true]);
		expect(await state(kaveri, 0)).toMatchObject({ outcomes: 50 });
	});

	test("lets what is known of an idle gateway age at the pace of its merchant's payments", async () => {
		const kaveri = await merchant([{}, {}]);
		await rows(
			`insert into transactions (order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at)
				select 'aged-' || n, $1, $2, 100, 'INR', 2, now() from generate_series(1, 600) n`,
			[kaveri.id, kaveri.gateways[0]!.id],
		);
		// One a second; the other gateway's only one was long ago.
		await rows(
			`insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, routing, settled_at)
				select t.id, client_id, gateway_id, 1, 100, 'succeeded', '{}', now() - row_number() over () * interval '1 second'
					from transactions t where client_id = $1`,
			[kaveri.id],
		);
		await refreshSuccessRates(jobs());
		const [busy, idle] = await rows<{ half_life: number; outcomes: number | null }>(
			`select belief_half_life::float8 as half_life, (beliefs -> '' ->> 'outcomes')::float8 as outcomes
				from gateway_states where client_id = $1 order by gateway_id = $2 desc`,
			[kaveri.id, kaveri.gateways[0]!.id],
		);
		// Twice the time of the newest 500.
		for (const { half_life } of [busy!, idle!]) {
			expect(half_life).toBeGreaterThan(990);
			expect(half_life).toBeLessThan(1_100);
		}
		// The sum of 0.5^(age / 1000 s) over 500 seconds.
		expect(busy!.outcomes).toBeGreaterThan(400);
		expect(busy!.outcomes).toBeLessThan(440);
	});

	test("lets it age too when the gateway was measured just before that pace was known", async () => {
		const kaveri = await merchant([{}, {}]);
		const [{ id: early }] = (await rows<{ id: string }>(
			`insert into transactions (order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at)
				values ('early', $1, $2, 100, 'INR', 2, now()) returning id`,
			[kaveri.id, kaveri.gateways[1]!.id],
		)) as [{ id: string }];
		await rows(
			`insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, routing, settled_at)
				values ($1, $2, $3, 1, 100, 'failed', '{}', now())`,
			[early, kaveri.id, kaveri.gateways[1]!.id],
		);
		await refreshSuccessRates(jobs());
		await rows(
			`with made as (
				insert into transactions (order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at)
					select 'later-' || n, $1, $2, 100, 'INR', 2, now() from generate_series(1, 600) n returning id, client_id, gateway_id)
			insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, routing, settled_at)
				select id, client_id, gateway_id, 1, 100, 'succeeded', '{}', now() - row_number() over () * interval '0.01 second'
					from made`,
			[kaveri.id, kaveri.gateways[0]!.id],
		);
		await refreshSuccessRates(jobs());
		const [{ half_life }] = (await rows<{ half_life: number }>(
			"select belief_half_life::float8 as half_life from gateway_states where gateway_id = $1",
			[kaveri.gateways[1]!.id],
		)) as [{ half_life: number }];
		// Twice the 5 s of the newest 500, and what the statements took.
		expect(half_life).toBeGreaterThan(9.9);
		expect(half_life).toBeLessThan(20);
	});

	test("counts the last 125 only", async () => {
		const kaveri = await merchant([{}]);
		await settleMany(
			kaveri,
			Array.from({ length: 130 }, (_, n) => n % 4 !== 0),
		);
		expect((await state(kaveri, 0)).outcomes).toBe(125);
	});
});

describe("explain_routing", () => {
	const explain = (of: TestMerchant, more = "") =>
		rows<{
			name: string;
			position: number | null;
			skipped_because: string | null;
			circuit: string;
			probe_share: number | null;
		}>(
			`select name, position, skipped_because, circuit, probe_share from explain_routing('${of.id}', 10000, 'INR', null${more})`,
		);

	test("answers what would happen, with another mode, or without a gateway", async () => {
		const kaveri = await merchant([{ priority: 9, weight: 1 }, { priority: 5, weight: 100 }, { is_active: false }]);
		expect((await explain(kaveri)).map(({ name, position }) => [name, position])).toEqual([
			["Gateway 1", 1],
			["Gateway 2", 2],
			["Gateway 3", null],
		]);
		expect((await explain(kaveri, ", 'weighted'"))[0]).toMatchObject({ name: "Gateway 2", position: 1 });
		expect(await explain(kaveri, `, null, array['${kaveri.gateways[0]!.id}'::uuid]`)).toEqual([
			expect.objectContaining({ name: "Gateway 2", position: 1 }),
			expect.objectContaining({ name: "Gateway 1", skipped_because: "left_out" }),
			expect.objectContaining({ name: "Gateway 3", skipped_because: "inactive" }),
		]);
	});

	test("shows each gateway's circuit, and a probed one behind the others", async () => {
		const kaveri = await merchant([{ priority: 9 }, { priority: 5 }, { priority: 1 }]);
		await setState(kaveri, 0, { probe_stage: 2 });
		await setState(kaveri, 1, { cooldown_until: new Date(Date.now() + 60_000), probe_stage: 0 });
		expect(await explain(kaveri)).toEqual([
			expect.objectContaining({ name: "Gateway 3", position: 1, circuit: "closed" }),
			expect.objectContaining({ name: "Gateway 1", position: 2, circuit: "half_open", probe_share: 0.2 }),
			expect.objectContaining({ name: "Gateway 2", position: null, skipped_because: "cooling_down", circuit: "open" }),
		]);
	});
});

test("a gateway's egress group names the task that only its workers run", async () => {
	const kaveri = await merchant([{ egress_group: "mumbai" }]);
	const [decision] = await decide(kaveri, 1);
	const job = () =>
		rows(
			`select t.identifier as task_identifier from graphile_worker._private_jobs j
				join graphile_worker._private_tasks t on t.id = j.task_id where j.payload ->> 'attempt_id' = $1`,
			[decision!.attempt_id],
		);
	const changeTo = (egress_group: string | null) =>
		rows("update payment_gateways set egress_group = $2 where client_id = $1", [kaveri.id, egress_group]);
	expect(await job()).toEqual([{ task_identifier: "create_psp_order:mumbai" }]);
	await changeTo(null);
	expect(await job()).toEqual([{ task_identifier: "create_psp_order" }]);
	await changeTo("pune");
	expect(await job()).toEqual([{ task_identifier: "create_psp_order:pune" }]);
	await expect(merchant([{ egress_group: "Not A Name" }])).rejects.toMatchObject({
		constraint: "payment_gateways_egress_group_check",
	});
});
