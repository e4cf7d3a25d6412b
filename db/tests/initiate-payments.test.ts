import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { initiateRequest, queryAs } from "../../test/payments.ts";
import { type InitiateRequest, type InitiateResult, initiatePayments } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const merchant = (columns = {}, gateways: Record<string, unknown>[] = [{}]) =>
	createMerchant(database.pool("admin"), keys, columns, gateways);

function initiate(...requests: InitiateRequest[]): Promise<InitiateResult[]> {
	return initiatePayments(database.pool("checkout"), requests);
}

const codes = (results: InitiateResult[]) => results.map((result) => (result.ok ? "ok" : result.error.code));
const error = (result: InitiateResult | undefined) => (result && !result.ok ? result.error : undefined);

const rows = queryAs(() => database.pool("admin"));

async function gatewaysUsed(results: InitiateResult[]): Promise<string[]> {
	const ids = results.flatMap((result) => (result.ok ? [result.transaction_id] : []));
	const found = await rows<{ id: string; gateway_id: string }>(
		"select id, gateway_id from transactions where id = any($1)",
		[ids],
	);
	const byId = new Map(found.map((row) => [row.id, row.gateway_id]));
	return ids.map((id) => byId.get(id)!);
}

describe("a payment", () => {
	test("is booked with its attempt, job and limits in one commit", async () => {
		const kaveri = await merchant({ fee_percent: 2.5 });
		const [result] = await initiate(
			initiateRequest(kaveri, { metadata: { cart: 7 }, customer: { id: "c1", name: "Asha" } }),
		);
		if (!result?.ok) throw result?.error;
		const [transaction] = await rows<Record<string, unknown>>("select * from transactions where id = $1", [
			result.transaction_id,
		]);
		expect(transaction).toMatchObject({
			client_id: kaveri.id,
			gateway_id: kaveri.gateways[0]!.id,
			amount: 10_000,
			status: "created",
			fee_percent: "2.500",
			customer_id: "c1",
			metadata: { cart: 7 },
		});
		const [attempt] = await rows<{ id: string; routing: object }>(
			"select * from payment_attempts where transaction_id = $1",
			[result.transaction_id],
		);
		expect(attempt).toMatchObject({
			gateway_id: kaveri.gateways[0]!.id,
			attempt_no: 1,
			status: "created",
			routing: { mode: "smart" },
		});
		expect(
			await rows("select payload from graphile_worker._private_jobs where payload ->> 'attempt_id' = $1", [
				attempt!.id,
			]),
		).toHaveLength(1);
		const [state] = await rows("select volume, window_count from gateway_states where gateway_id = $1", [
			kaveri.gateways[0]!.id,
		]);
		expect(state).toEqual({ volume: 10_000, window_count: 1 });
	});

	test("is answered with the same transaction when it is asked for again", async () => {
		const kaveri = await merchant();
		const asked = initiateRequest(kaveri);
		const [first] = await initiate(asked);
		const [again, inOneBatch] = await initiate(asked, asked);
		expect(first).toMatchObject({ ok: true, replayed: false });
		expect(again).toEqual({ ...first, replayed: true, rate: expect.anything() });
		expect(inOneBatch).toEqual({ ...first, replayed: true, rate: expect.anything() });
	});

	test("under the same order_id with another amount or currency is a conflict and changes nothing", async () => {
		const kaveri = await merchant();
		const asked = initiateRequest(kaveri);
		await initiate(asked);
		const results = await initiate({ ...asked, amount: 10_001 }, { ...asked, currency: "USD" });
		expect(codes(results)).toEqual(["order_id_conflict", "order_id_conflict"]);
		expect(await rows("select from transactions where client_id = $1", [kaveri.id])).toHaveLength(1);
		expect(await rows("select from gateway_states where client_id = $1 and volume = 10000", [kaveri.id])).toHaveLength(
			1,
		);
	});

	test("of one batch that conflicts with another of the batch is refused, the first wins", async () => {
		const kaveri = await merchant();
		const asked = initiateRequest(kaveri);
		expect(codes(await initiate(asked, { ...asked, amount: 999 }, asked))).toEqual(["ok", "order_id_conflict", "ok"]);
	});

	test("that is refused spoils none of the others in its batch", async () => {
		const kaveri = await merchant();
		const stranger = await merchant();
		const results = await initiate(
			initiateRequest(kaveri),
			{ ...initiateRequest(kaveri), client_key: stranger.client_key },
			initiateRequest(kaveri, { amount: 0 }),
			initiateRequest(kaveri, { order_id: "" }),
			initiateRequest(kaveri, { currency: "rupees" }),
			initiateRequest(stranger),
		);
		expect(codes(results)).toEqual([
			"ok",
			"invalid_credentials",
			"invalid_request",
			"invalid_request",
			"invalid_request",
			"ok",
		]);
		expect(results.map((result) => error(result)?.param)).toEqual([
			undefined,
			undefined,
			"amount",
			"order_id",
			"currency",
			undefined,
		]);
	});

	test("under a key that was regenerated is refused at once, also by a process that has not heard of it", async () => {
		const kaveri = await merchant();
		await rows("update clients set client_key = 'lsp_' || md5(random()::text) where id = $1", [kaveri.id]);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["invalid_credentials"]);
	});

	test.each(["suspended", "disabled"])("of a merchant that is %s is refused", async (status) => {
		const kaveri = await merchant({ status });
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["client_suspended"]);
	});

	test("is refused from the moment commission due reaches the threshold, and taken again below it", async () => {
		const kaveri = await merchant({ suspend_threshold: 500 });
		await rows("update wallets set balance_due = 499 where client_id = $1", [kaveri.id]);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["ok"]);
		await rows("update wallets set balance_due = 500 where client_id = $1", [kaveri.id]);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["dues_outstanding"]);
		await rows("update wallets set balance_due = 0 where client_id = $1", [kaveri.id]);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["ok"]);
	});
});

describe("the rate limit", () => {
	test("admits exactly so many requests a minute and says when to come back", async () => {
		const kaveri = await merchant({ rate_limit_per_minute: 3 });
		const results = await initiate(...Array.from({ length: 5 }, () => initiateRequest(kaveri)));
		expect(codes(results)).toEqual(["ok", "ok", "ok", "rate_limited", "rate_limited"]);
		expect(error(results[3])?.retry_after_seconds).toBeGreaterThan(0);
		expect(error(results[3])?.retry_after_seconds).toBeLessThanOrEqual(60);
		await rows(
			"update client_usage set window_started_at = window_started_at - interval '1 minute' where client_id = $1",
			[kaveri.id],
		);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["ok"]);
	});
});

describe("caps", () => {
	test.each([
		["max_transaction_amount", { max_transaction_amount: 9_999 }],
		["daily_count_cap", { daily_count_cap: 2 }],
		["daily_amount_cap", { daily_amount_cap: 29_999 }],
		["monthly_amount_cap", { monthly_amount_cap: 29_999 }],
	])("%s refuses what would exceed it, and names it", async (name, columns) => {
		const kaveri = await merchant(columns);
		const results = await initiate(...Array.from({ length: 3 }, () => initiateRequest(kaveri)));
		const allowed = name === "max_transaction_amount" ? 0 : 2;
		expect(results.filter((result) => result.ok)).toHaveLength(allowed);
		expect(error(results.at(-1))).toMatchObject({ code: "cap_exceeded", param: name });
		expect(await rows("select from transactions where client_id = $1", [kaveri.id])).toHaveLength(allowed);
	});

	test("raise a warning once, when 80 % are used", async () => {
		const kaveri = await merchant({ daily_amount_cap: 100_000 });
		const warned = async () =>
			(await rows("select from alerts where client_id = $1 and kind = 'cap_nearly_reached'", [kaveri.id])).length;
		await initiate(initiateRequest(kaveri, { amount: 79_999 }));
		expect(await warned()).toBe(0);
		await initiate(initiateRequest(kaveri, { amount: 1 }));
		expect(await warned()).toBe(1);
		await initiate(initiateRequest(kaveri, { amount: 1 }));
		expect(await warned()).toBe(1);
	});
});

describe("routing", () => {
	test("uses fifty gateways with one request a minute for fifty payments and refuses the fifty-first", async () => {
		const lamps = await merchant(
			{ max_rpm_per_gateway: 1 },
			Array.from({ length: 50 }, () => ({})),
		);
		const results: InitiateResult[] = [];
		for (const size of [1, 20, 1, 28, 1]) {
			results.push(...(await initiate(...Array.from({ length: size }, () => initiateRequest(lamps)))));
		}
		expect(codes(results).slice(0, 50)).toEqual(Array(50).fill("ok"));
		expect(new Set(await gatewaysUsed(results)).size).toBe(50);
		expect(error(results[50])).toMatchObject({ code: "service_unavailable" });
		expect(error(results[50])?.retry_after_seconds).toBeGreaterThan(0);
		expect(await rows("select kind from alerts where client_id = $1", [lamps.id])).toEqual([{ kind: "no_gateway" }]);
	});

	test("in smart mode takes the highest priority, then the best success rate, then the longest unused", async () => {
		const kaveri = await merchant({}, [{ priority: 1 }, { priority: 5 }, { priority: 5 }, { priority: 5 }]);
		const [, worse, good, better] = kaveri.gateways.map(({ id }) => id);
		await rows("update gateway_states set success_rate = 50 where gateway_id = $1", [worse]);
		expect(await gatewaysUsed(await initiate(...Array.from({ length: 4 }, () => initiateRequest(kaveri))))).toEqual(
			[good, better]
				.sort()
				.flatMap((id) => [id])
				.concat([good, better].sort()),
		);
		await rows("update gateway_states set success_rate = 90 where gateway_id = $1", [good]);
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri), initiateRequest(kaveri)))).toEqual([
			better,
			better,
		]);
	});

	test("in round robin gives every gateway its turn, whatever its priority", async () => {
		const kaveri = await merchant({ rotation_mode: "round_robin" }, [{ priority: 9 }, {}, {}]);
		const used = await gatewaysUsed([
			...(await initiate(initiateRequest(kaveri))),
			...(await initiate(...Array.from({ length: 4 }, () => initiateRequest(kaveri)))),
			...(await initiate(initiateRequest(kaveri))),
		]);
		expect(new Set(used.slice(0, 3)).size).toBe(3);
		expect(used.slice(3)).toEqual(used.slice(0, 3));
	});

	test("in weighted mode shares by weight", async () => {
		const kaveri = await merchant({ rotation_mode: "weighted" }, [{ weight: 1 }, { weight: 9 }]);
		const results: InitiateResult[] = [];
		for (let batch = 0; batch < 20; batch++) {
			results.push(...(await initiate(...Array.from({ length: 25 }, () => initiateRequest(kaveri)))));
			results.push(...(await initiate(initiateRequest(kaveri))));
		}
		const heavy = (await gatewaysUsed(results)).filter((id) => id === kaveri.gateways[1]!.id).length;
		// 520 draws with p = 0.9: six standard deviations to either side
		expect(heavy).toBeGreaterThan(427);
		expect(heavy).toBeLessThan(510);
	});

	test.each([
		["switched off", { is_active: false }, {}],
		["of another currency", { currencies: ["USD"] }, {}],
		["without the method", { methods: ["card"] }, { method: "upi" }],
		["for larger amounts", { min_amount: 10_001 }, {}],
		["for smaller amounts", { max_amount: 9_999 }, {}],
		["whose month is full", { monthly_limit: 9_999 }, {}],
	])("skips a gateway %s", async (_, columns, more) => {
		const kaveri = await merchant({}, [{ priority: 9, ...columns }, {}]);
		const fits = kaveri.gateways[1]!.id;
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri, more), initiateRequest(kaveri, more)))).toEqual([
			fits,
			fits,
		]);
		const alone = await merchant({}, [columns]);
		expect(codes(await initiate(initiateRequest(alone, more)))).toEqual(["service_unavailable"]);
	});

	test("skips a gateway that is cooling down and takes it again when its time is over", async () => {
		const kaveri = await merchant();
		await rows("update gateway_states set cooldown_until = now() + interval '20 seconds' where client_id = $1", [
			kaveri.id,
		]);
		const [refused] = await initiate(initiateRequest(kaveri));
		expect(error(refused)).toMatchObject({ code: "service_unavailable" });
		expect(error(refused)?.retry_after_seconds).toBeLessThanOrEqual(20);
		await rows("update gateway_states set cooldown_until = now() where client_id = $1", [kaveri.id]);
		expect(codes(await initiate(initiateRequest(kaveri)))).toEqual(["ok"]);
	});

	test("follows a toggle on the very next request", async () => {
		const kaveri = await merchant({}, [{ priority: 9 }, {}]);
		const [preferred, other] = kaveri.gateways.map(({ id }) => id);
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri)))).toEqual([preferred]);
		await rows("update payment_gateways set is_active = false where id = $1", [preferred]);
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri)))).toEqual([other]);
		await rows("update payment_gateways set is_active = true where id = $1", [preferred]);
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri)))).toEqual([preferred]);
	});

	test("fills a gateway's month to the paisa within one batch, then goes on with the next", async () => {
		const kaveri = await merchant({}, [{ priority: 9, monthly_limit: 25_000 }, {}]);
		const [limited, other] = kaveri.gateways.map(({ id }) => id);
		const results = await initiate(
			initiateRequest(kaveri),
			initiateRequest(kaveri),
			initiateRequest(kaveri),
			initiateRequest(kaveri, { amount: 5_000 }),
		);
		expect(await gatewaysUsed(results)).toEqual([limited, limited, other, limited]);
		expect(await rows("select volume from gateway_states where gateway_id = $1", [limited])).toEqual([
			{ volume: 25_000 },
		]);
	});

	test("counts a new month from zero", async () => {
		const kaveri = await merchant({}, [{ monthly_limit: 10_000 }]);
		await rows("update gateway_states set volume = 10000, volume_month = '2020-01-01' where client_id = $1", [
			kaveri.id,
		]);
		expect(codes(await initiate(initiateRequest(kaveri), initiateRequest(kaveri)))).toEqual([
			"ok",
			"service_unavailable",
		]);
		expect(await rows("select volume from gateway_states where client_id = $1", [kaveri.id])).toEqual([
			{ volume: 10_000 },
		]);
	});

	test("does what explain_routing said it would, and explain_routing names why each other gateway is skipped", async () => {
		const kaveri = await merchant({ max_rpm_per_gateway: 1 }, [
			{ priority: 1 },
			{ priority: 2 },
			{ is_active: false },
			{ max_amount: 50 },
		]);
		const explain = () =>
			rows<{ position: number | null; gateway_id: string; skipped_because: string | null }>(
				"select position, gateway_id, skipped_because from explain_routing($1, 10000)",
				[kaveri.id],
			);
		const [first, second, off, small] = kaveri.gateways.map(({ id }) => id);
		const before = await explain();
		expect(before.slice(0, 2)).toEqual([
			{ position: 1, gateway_id: second, skipped_because: null },
			{ position: 2, gateway_id: first, skipped_because: null },
		]);
		expect(new Map(before.slice(2).map((row) => [row.gateway_id, row.skipped_because]))).toEqual(
			new Map([
				[off, "inactive"],
				[small, "amount_above_maximum"],
			]),
		);
		expect(await gatewaysUsed(await initiate(initiateRequest(kaveri)))).toEqual([second]);
		expect((await explain()).find((row) => row.gateway_id === second)?.skipped_because).toBe("rpm_limit_reached");
	});
});

describe("the schema", () => {
	test("keeps a payment on its own merchant's gateways", async () => {
		const [kaveri, other] = [await merchant(), await merchant()];
		const [result] = await initiate(initiateRequest(kaveri));
		if (!result?.ok) throw result?.error;
		await expect(
			rows("update transactions set gateway_id = $2 where id = $1", [result.transaction_id, other.gateways[0]!.id]),
		).rejects.toMatchObject({ constraint: "transactions_gateway_id_client_id_fkey" });
		await expect(
			rows("update payment_attempts set gateway_id = $2 where transaction_id = $1", [
				result.transaction_id,
				other.gateways[0]!.id,
			]),
		).rejects.toMatchObject({ constraint: "payment_attempts_gateway_id_client_id_fkey" });
		await expect(
			rows("update payment_gateways set client_id = $2 where id = $1", [kaveri.gateways[0]!.id, other.id]),
		).rejects.toMatchObject({ code: "LS013" });
	});

	test("allows a merchant fifty active gateways, also when two are added at once", async () => {
		const lamps = await merchant(
			{},
			Array.from({ length: 49 }, () => ({})),
		);
		const add = () =>
			rows(
				"insert into payment_gateways (client_id, name, provider, api_key, api_secret) values ($1, 'one more', 'razorpay', 'k', 'v1.x')",
				[lamps.id],
			);
		const results = await Promise.allSettled([add(), add()]);
		expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		expect(results.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "LS012" } });
	});
});
