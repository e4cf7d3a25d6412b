/** What must hold when many real connections do the same thing at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { acceptGatewayEvent, attemptState, initiateRequest, queryAs } from "../../test/payments.ts";
import { type GatewayEventClaim, settleAttempt, settleGatewayEvents } from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { acceptGatewayEvents, initiatePayments } from "../client/payments.ts";
import { createPool } from "../client/pool.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let crowd: ReturnType<typeof createPool>;
beforeAll(async () => {
	database = await createTestDatabase();
	// A hundred at once may take a busy machine longer than a process, or a statement, may wait.
	crowd = createPool({
		connectionString: database.url("checkout"),
		application_name: "crowd",
		max: 100,
		connectionTimeoutMillis: 30_000,
		options: "-c statement_timeout=30s",
	});
});
afterAll(async () => {
	await crowd.end();
	await database.drop();
});

const rows = queryAs(() => database.pool("admin"));

test("two hundred initiations at once over three gateways are all taken", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, {}, [{}, {}, {}]);
	const results = await Promise.all(
		Array.from({ length: 200 }, () => initiatePayments(crowd, [initiateRequest(kaveri)])),
	);
	expect(results.flat().filter((result) => !result.ok)).toEqual([]);
	expect(
		await rows(
			"select sum(volume)::int as volume, sum(window_count)::int as requests from gateway_states where client_id = $1",
			[kaveri.id],
		),
	).toEqual([{ volume: 2_000_000, requests: 200 }]);
});

test("a gateway that another session holds is waited for, not called missing", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys);
	const holder = await database.connection("admin");
	await holder.query("begin");
	await holder.query("select from gateway_states where client_id = $1 for update", [kaveri.id]);
	const initiated = initiatePayments(crowd, [initiateRequest(kaveri)]);
	await expect
		.poll(() => rows("select from pg_stat_activity where application_name = 'crowd' and wait_event_type = 'Lock'"))
		.toHaveLength(1);
	await holder.query("commit");
	expect((await initiated)[0]).toMatchObject({ ok: true });
});

test("a gateway that another session holds is passed over when another one is free", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, {}, [{ priority: 9 }, {}]);
	const holder = await database.connection("admin");
	await holder.query("begin");
	await holder.query("select from gateway_states where gateway_id = $1 for update", [kaveri.gateways[0]!.id]);
	const [result] = await initiatePayments(crowd, [initiateRequest(kaveri)]);
	await holder.query("rollback");
	expect(result).toMatchObject({ ok: true });
	expect(await rows("select gateway_id from transactions where client_id = $1", [kaveri.id])).toEqual([
		{ gateway_id: kaveri.gateways[1]!.id },
	]);
});

test("limits are met exactly under a crowd: requests a minute, month's volume, rate, caps", async () => {
	const kaveri = await createMerchant(
		database.pool("admin"),
		keys,
		{ max_rpm_per_gateway: 7, rate_limit_per_minute: 60, daily_amount_cap: 190_000 },
		[{}, {}, { monthly_limit: 30_000 }],
	);
	const results = (
		await Promise.all(
			Array.from({ length: 40 }, () => initiatePayments(crowd, [initiateRequest(kaveri), initiateRequest(kaveri)])),
		)
	).flat();
	const counts = Object.groupBy(results, (result) => (result.ok ? "ok" : result.error.code));
	// 7 + 7 requests, 3 payments of the month's limit
	expect(counts.ok).toHaveLength(17);
	expect(counts.rate_limited).toHaveLength(20);
	expect(await rows("select volume from gateway_states where gateway_id = $1", [kaveri.gateways[2]!.id])).toEqual([
		{ volume: 30_000 },
	]);
	expect(
		await rows("select max(window_count) as requests from gateway_states where client_id = $1", [kaveri.id]),
	).toEqual([{ requests: 7 }]);
	expect(await rows("select day_count, day_amount from client_usage where client_id = $1", [kaveri.id])).toEqual([
		{ day_count: 17, day_amount: 170_000 },
	]);
});

test("one order_id fifty times at once makes one transaction", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys);
	const asked = initiateRequest(kaveri);
	const results = (await Promise.all(Array.from({ length: 50 }, () => initiatePayments(crowd, [asked])))).flat();
	expect(new Set(results.map((result) => result.ok && result.transaction_id)).size).toBe(1);
	expect(results.filter((result) => result.ok && !result.replayed)).toHaveLength(1);
	expect(await rows("select from transactions where client_id = $1", [kaveri.id])).toHaveLength(1);
	expect(await rows("select volume from gateway_states where client_id = $1", [kaveri.id])).toEqual([
		{ volume: 10_000 },
	]);
});

test("batches over the same merchants in any order never deadlock", async () => {
	const merchants = await Promise.all(
		Array.from({ length: 6 }, () => createMerchant(database.pool("admin"), keys, {}, [{}, {}])),
	);
	const results = await Promise.all(
		Array.from({ length: 60 }, (_, index) => {
			const order = index % 2 === 0 ? merchants : merchants.toReversed();
			return initiatePayments(
				crowd,
				order.map((one) => initiateRequest(one)),
			);
		}),
	);
	expect(results.flat().filter((result) => !result.ok)).toEqual([]);
});

test("a hundred copies of one webhook are stored once, and a hundred settlements book one commission", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, { fee_percent: 3.5 });
	await initiatePayments(crowd, [initiateRequest(kaveri)]);
	const [attempt] = await rows<{ id: string }>("select id from payment_attempts where client_id = $1", [kaveri.id]);
	const event = {
		gateway_id: kaveri.gateways[0]!.id,
		dedupe_key: "evt_1",
		event_type: "payment.captured",
		headers: {},
		raw_body: Buffer.from("{}"),
		body_proven: true,
	};
	const accepted = await Promise.all(Array.from({ length: 100 }, () => acceptGatewayEvent(crowd, event)));
	expect(accepted.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
	expect(new Set(accepted.map(({ event_id }) => event_id)).size).toBe(1);
	expect(await rows("select from gateway_events where gateway_id = $1", [event.gateway_id])).toHaveLength(1);

	// In calls of many, each in an order of its own.
	const others = ["evt_2", "evt_3", "evt_4"].map((dedupe_key) => ({ ...event, dedupe_key }));
	const calls = await Promise.all(
		Array.from({ length: 30 }, (_, n) =>
			acceptGatewayEvents(
				crowd,
				[0, 1, 2, 3].map((i) => others[(i + n) % 3]!),
			),
		),
	);
	expect(calls.flat().filter(({ duplicate }) => !duplicate)).toHaveLength(3);
	for (const answers of calls) {
		expect(answers[3]).toEqual({ event_id: answers[0]!.event_id, duplicate: true });
		expect(new Set(answers.map(({ event_id }) => event_id)).size).toBe(3);
	}
	const told = await rows<{ dedupe_key: string }>(
		`select e.dedupe_key from gateway_events e join graphile_worker._private_jobs j on j.payload ->> 'event_id' = e.id::text
			where e.gateway_id = $1 order by 1`,
		[event.gateway_id],
	);
	expect(told.map(({ dedupe_key }) => dedupe_key)).toEqual(["evt_1", "evt_2", "evt_3", "evt_4"]);

	const workers = createPool({ connectionString: database.url("jobs"), application_name: "workers", max: 20 });
	const settled = await Promise.all(
		Array.from({ length: 100 }, () => settleAttempt(workers, attempt!.id, attemptState("succeeded"))),
	);
	await workers.end();
	expect(settled.filter(({ changed }) => changed)).toHaveLength(1);
	expect(
		await rows("select type, amount, balance_after from wallet_entries where client_id = $1 order by entry_no", [
			kaveri.id,
		]),
	).toEqual([
		{ type: "COMMISSION", amount: 350, balance_after: 350 },
		{ type: "COMMISSION_GST", amount: 63, balance_after: 413 },
	]);
	expect(await rows("select from webhook_events where client_id = $1", [kaveri.id])).toHaveLength(1);
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
});

test("payments settle, fail and expire while new ones are taken, without deadlock or drift", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, {}, [{}, {}, {}]);
	await Promise.all(Array.from({ length: 60 }, () => initiatePayments(crowd, [initiateRequest(kaveri)])));
	const attempts = await rows<{ id: string }>("select id from payment_attempts where client_id = $1 order by id", [
		kaveri.id,
	]);
	await rows(
		"update transactions set expires_at = now() where client_id = $1 and id in (select transaction_id from payment_attempts where id = any($2))",
		[kaveri.id, attempts.slice(40).map(({ id }) => id)],
	);
	const workers = createPool({ connectionString: database.url("jobs"), application_name: "workers", max: 20 });
	await Promise.all([
		...attempts.slice(0, 20).map(({ id }) => settleAttempt(workers, id, attemptState("succeeded"))),
		...attempts.slice(20, 40).map(({ id }) => settleAttempt(workers, id, attemptState("failed"))),
		workers.query("select expire_transactions(7)"),
		workers.query("select expire_transactions(7)"),
		workers.query("select refresh_success_rates()"),
		...Array.from({ length: 40 }, () => initiatePayments(crowd, [initiateRequest(kaveri), initiateRequest(kaveri)])),
	]);
	await workers.query("select expire_transactions()");
	await workers.end();
	expect(
		await rows("select status, count(*)::int from transactions where client_id = $1 group by 1 order by 1", [
			kaveri.id,
		]),
	).toEqual([
		{ status: "created", count: 80 },
		{ status: "expired", count: 20 },
		{ status: "failed", count: 20 },
		{ status: "paid", count: 20 },
	]);
	// what failed or expired gave its volume back
	expect(await rows("select sum(volume)::int as volume from gateway_states where client_id = $1", [kaveri.id])).toEqual(
		[{ volume: 1_000_000 }],
	);
	expect(await rows("select day_count, day_amount from client_usage where client_id = $1", [kaveri.id])).toEqual([
		{ day_count: 100, day_amount: 1_000_000 },
	]);
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
});

test("calls that settle many webhooks, of the same merchants and payments in different orders, meet without deadlock or drift", async () => {
	const merchants = await Promise.all(
		[1, 2, 3].map(() => createMerchant(database.pool("admin"), keys, { fee_percent: 3.5 }, [{}, {}])),
	);
	await initiatePayments(
		crowd,
		Array.from({ length: 36 }, (_, n) => initiateRequest(merchants[n % 3]!)),
	);
	const attempts = await rows<{ id: string; gateway_id: string }>(
		"select id, gateway_id from payment_attempts where client_id = any ($1) order by id",
		[merchants.map(({ id }) => id)],
	);
	// The first half fails before it is paid, as a payer tries again; the second is paid at once. Each word comes twice.
	const told = [1, 2].flatMap((copy) =>
		attempts.flatMap(({ id, gateway_id }, n) =>
			(n < 18 ? (["failed", "succeeded"] as const) : (["succeeded"] as const)).map((outcome) => ({
				gateway_id,
				dedupe_key: `${outcome} ${id} ${copy}`,
				state: { ...attemptState(outcome, { psp_payment_id: `pay_${id}` }), psp_order_id: null, reference: id },
			})),
		),
	);
	const accepted = await acceptGatewayEvents(
		crowd,
		told.map(({ gateway_id, dedupe_key }) => ({
			gateway_id,
			dedupe_key,
			event_type: "payment",
			headers: {},
			body_proven: true,
			raw_body: Buffer.from("{}"),
		})),
	);
	const claims: GatewayEventClaim[] = told.map(({ gateway_id, state }, n) => ({
		event_id: accepted[n]!.event_id,
		gateway_id,
		state,
	}));
	const deadlocks = async () =>
		(
			await rows<{ deadlocks: number }>(
				"select deadlocks::int from pg_stat_database where datname = current_database()",
			)
		)[0]!.deadlocks;
	const before = await deadlocks();
	const workers = createPool({ connectionString: database.url("jobs"), application_name: "workers", max: 9 });
	/** As a worker does: what waited too long is settled again, alone. */
	const settle = (some: GatewayEventClaim[]): Promise<unknown> =>
		settleGatewayEvents(workers, some).catch(async (error: { code?: string }) => {
			if (error.code !== "55P03") throw error;
			for (const one of some) await settleAttempt(workers, one.state.reference!, one.state);
		});
	await Promise.all(
		Array.from({ length: 9 }, (_, call) => settle(claims.filter((_, n) => (n * 7 + call) % 9 < 2))).concat(
			merchants.map((of) => initiatePayments(crowd, [initiateRequest(of), initiateRequest(of)])),
		),
	);
	await workers.end();
	expect(await deadlocks()).toBe(before);
	expect(
		await rows("select status, count(*)::int from transactions where client_id = any ($1) group by 1 order by 1", [
			merchants.map(({ id }) => id),
		]),
	).toEqual([
		{ status: "created", count: 6 },
		{ status: "paid", count: 36 },
	]);
	expect(
		await rows("select entry_count, balance_due from wallets where client_id = any ($1)", [
			merchants.map(({ id }) => id),
		]),
	).toEqual(merchants.map(() => ({ entry_count: 24, balance_due: 12 * 413 })));
	expect(
		await rows("select sum(volume)::int as volume from gateway_states where client_id = any ($1)", [
			merchants.map(({ id }) => id),
		]),
	).toEqual([{ volume: 42 * 10_000 }]);
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
});
