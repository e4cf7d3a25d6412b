import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initiatePayments } from "../db/client/payments.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { initiateRequest, queryAs } from "../test/payments.ts";
import { AddressGuard, countedAddress } from "./address-guard.ts";
import { ask, get, initiate, signedHeaders, startTestCheckout, type TestCheckout } from "./test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
/** Two processes, as far as the database can tell. */
let checkouts: [TestCheckout, TestCheckout];
let merchant: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys);
	await rows(
		"update public.address_policy set requests_per_minute = 40, burst_per_second = 30, most_strikes = 5, flood_factor = 2",
	);
	const start = () => startTestCheckout(database, { TRUSTED_PROXIES: "127.0.0.1" });
	checkouts = await Promise.all([start(), start()]);
});
afterAll(async () => {
	await Promise.all(checkouts.map((each) => each.stop()));
	await database?.drop();
});

const rows = queryAs(() => database.pool("admin"));

describe("a merchant's limits", () => {
	it("are its plan's, exact over two processes, and told in headers", async () => {
		await rows("insert into public.rate_plans values ('tiny', 10, 1000)");
		const tiny = await createMerchant(database.pool("admin"), keys, { rate_plan: "tiny" });
		const send = (count: number) =>
			Promise.all(Array.from({ length: count }, (_, i) => get(checkouts[i % 2]!, tiny, "/transactions")));
		const answers = await send(30);
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
		const refused = answers.find(({ status }) => status === 429)!;
		expect(refused.headers.get("ratelimit-policy")).toBe('"minute";q=10;w=60, "burst";q=1000;w=1');
		expect(refused.headers.get("ratelimit")).toMatch(
			new RegExp(`^"minute";r=0;t=${refused.headers.get("retry-after")}, "burst";r=\\d+;t=1$`),
		);

		await rows("update public.rate_plans set requests_per_minute = 12 where name = 'tiny'");
		expect((await send(6)).filter(({ status }) => status === 200)).toHaveLength(2);
		await rows("update public.clients set rate_limit_per_minute = 13 where id = $1", [tiny.id]);
		expect(await rows("select rate_plan from public.clients where id = $1", [tiny.id])).toEqual([{ rate_plan: null }]);
	});

	it("are changed by operators, with a reason, for all merchants on the plan, and refused where they cannot be", async () => {
		const studio = queryAs(() => database.pool("studio"));
		const save = (name: string, minute: number, burst: number, reason: string | null = "Festival") =>
			studio("select save_rate_plan($1, $2, $3, $4, 'asha')", [name, minute, burst, reason]);
		await save("festival", 50, 10);
		const shop = await createMerchant(database.pool("admin"), keys, { rate_plan: "festival" });
		await save("festival", 70, 20);
		expect(await rows("select rate_limit_per_minute, burst_per_second from clients where id = $1", [shop.id])).toEqual([
			{ rate_limit_per_minute: 70, burst_per_second: 20 },
		]);
		expect(
			await rows(
				"select actor, after -> 'before' as before, after ->> 'reason' as reason from audit_log where action = 'save_rate_plan' order by id desc limit 1",
			),
		).toEqual([
			{
				actor: "asha",
				before: { name: "festival", requests_per_minute: 50, burst_per_second: 10 },
				reason: "Festival",
			},
		]);
		for (const [name, minute, burst] of [
			["Festival", 50, 10],
			["f", 50, 10],
			["none", 0, 0],
			["fast", 10, 11],
		] as const) {
			await expect(save(name, minute, burst)).rejects.toMatchObject({ code: "LS322", hint: expect.any(String) });
		}
		await expect(save("festival", 70, 20, " ")).rejects.toMatchObject({ code: "LS044" });

		const remove = (reason: string | null = "Over") =>
			studio("select remove_rate_plan('festival', $1, 'asha')", [reason]);
		await expect(remove()).rejects.toMatchObject({ code: "LS325", hint: expect.any(String) });
		await rows("update clients set rate_plan = null where id = $1", [shop.id]);
		await expect(remove(" ")).rejects.toMatchObject({ code: "LS044" });
		await remove();
		expect(
			await rows("select actor, after -> 'before' ->> 'name' as name from audit_log where action = 'remove_rate_plan'"),
		).toEqual([{ actor: "asha", name: "festival" }]);
		await expect(remove()).rejects.toMatchObject({ code: "LS324" });

		const [policy] = await rows<Record<string, number>>("select * from address_policy");
		const change = (more: object) =>
			studio("select save_address_policy($1, 'Attack', 'asha')", [JSON.stringify({ ...policy, ...more })]);
		for (const wrong of [
			{ requests_per_minute: 59 },
			{ requests_per_minute: 100, flood_factor: 1 },
			{ requests_per_minute: 100, longest_block_seconds: 1 },
			{ requests_per_minute: 100, most_strikes: null },
		]) {
			await expect(change(wrong)).rejects.toMatchObject({ code: "LS323", hint: expect.any(String) });
		}
		await change({ requests_per_minute: 100, most_strikes: 7 });
		expect(await rows("select requests_per_minute, most_strikes from address_policy")).toEqual([
			{ requests_per_minute: 100, most_strikes: 7 },
		]);
		await rows("update address_policy set requests_per_minute = 40, most_strikes = 5");
	});

	it("say on a payment what is left", async () => {
		const { headers } = await initiate(checkouts[0], merchant, { amount: 49900, order_id: "A" });
		expect(headers.get("ratelimit-policy")).toBe('"minute";q=100000;w=60');
		expect(headers.get("ratelimit")).toMatch(/^"minute";r=99999;t=60$/);
	});

	it("hold at once: of five in one batch on a burst of two, three are to come again in a second", async () => {
		const bursty = await createMerchant(database.pool("admin"), keys, { burst_per_second: 2 });
		const results = await initiatePayments(
			database.pool("checkout"),
			Array.from({ length: 5 }, () => initiateRequest(bursty)),
		);
		expect(results.map((result) => (result.ok ? "ok" : [result.error.code, result.error.retry_after_seconds]))).toEqual(
			["ok", "ok", ...Array(3).fill(["rate_limited", 1])],
		);
	});
});

describe("an address", () => {
	const now = Date.now();
	const fail = (error: unknown) => {
		throw error;
	};
	const guards = () =>
		Promise.all(
			[1, 2].map(async () => {
				const guard = new AddressGuard(database.pool("checkout"), () => now, fail);
				await guard.share();
				return guard;
			}),
		);
	const enter = (guard: AddressGuard, address: string, times: number) =>
		Array.from({ length: times }, () => guard.enter(address)?.reason ?? null).filter((reason) => reason === null)
			.length;

	it("is held to one limit by two processes that tell each other", async () => {
		const [one, other] = await guards();
		expect(enter(one!, "9.9.9.1", 20) + enter(other!, "9.9.9.1", 10)).toBe(30);
		await one!.share();
		await other!.share();
		await one!.share();
		// What is not told yet is the error: at most what the other lets through in between.
		expect(enter(other!, "9.9.9.1", 15)).toBe(10);
		expect(other!.enter("9.9.9.1")).toEqual({ reason: "minute", retry_after_seconds: expect.any(Number) });
		expect(other!.enter("9.9.9.2")).toBeNull();
	});

	it("is not counted for requests of merchants that prove themselves, nor blocked for fewer failures than those", async () => {
		const [one] = await guards();
		for (let i = 0; i < 100; i++) {
			expect(one!.enter("9.9.9.3")).toBeNull();
			one!.forgive("9.9.9.3");
		}
		for (let i = 0; i < 10; i++) one!.strike("9.9.9.3");
		await one!.share();
		await one!.share();
		expect(one!.enter("9.9.9.3")).toBeNull();
	});

	it("is told apart in bursts, and blocked when it floods on", async () => {
		const [one, other] = await guards();
		expect(enter(one!, "9.9.9.4", 31)).toBe(30);
		expect(one!.enter("9.9.9.4")).toEqual({ reason: "burst", retry_after_seconds: 1 });
		enter(one!, "9.9.9.4", 60);
		await one!.share();
		await other!.share();
		expect(other!.enter("9.9.9.4")).toEqual({ reason: "blocked", retry_after_seconds: expect.any(Number) });
	});

	it.each([
		["203.0.112.7", "203.0.112.7"],
		["::ffff:203.0.112.7", "203.0.112.7"],
		["2a02:26f0:1:2:aaaa::1", "2a02:26f0:1:2::"],
		["10.0.0.7", null],
		["127.0.0.1", null],
		["fd00::1", null],
		["nonsense", null],
	])("%s counts as %s", (address, counted) => {
		expect(countedAddress(address)).toBe(counted);
	});
});

describe("an address whose credentials are refused again and again", () => {
	const from = (address: string) => ({ "x-forwarded-for": address });
	const guess = (checkout: TestCheckout, address: string) =>
		ask(`${checkout.url}/transactions`, {
			headers: { ...signedHeaders({ ...merchant, client_salt: "wrong" }, "GET", "/transactions"), ...from(address) },
		});
	const tell = async () => {
		for (const { dependencies } of checkouts) await dependencies.addresses.share();
	};

	it("is blocked by every process, but for webhooks of PSPs, until a person lifts it", async () => {
		for (let i = 0; i < 5; i++) expect((await guess(checkouts[0], "9.9.9.9")).status).toBe(401);
		await tell();
		const answer = await guess(checkouts[1], "9.9.9.9");
		expect([answer.status, answer.body.error.code]).toEqual([429, "rate_limited"]);
		expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(500);
		const webhook = await ask(`${checkouts[1].url}/webhook/${merchant.client_key}`, {
			method: "POST",
			body: "{}",
			headers: from("9.9.9.9"),
		});
		expect(webhook.status).toBe(401);
		expect((await guess(checkouts[1], "9.9.8.8")).status).toBe(401);

		const [block] = await rows<{ id: string; address: string; severity: string }>(
			`select b.id, host(b.address) as address, a.severity from public.address_blocks b
				join public.alerts a on a.dedupe_key = 'address_blocked:' || host(b.address) where b.address = '9.9.9.9'`,
		);
		expect(block).toMatchObject({ address: "9.9.9.9", severity: "warning" });
		const studio = database.pool("studio");
		const lift = (reason: string) => studio.query("select public.lift_address_block($1, $2, 'k')", [block!.id, reason]);
		await expect(lift(" ")).rejects.toMatchObject({ code: "LS044" });
		await lift("the merchant has its new salt now");
		await expect(lift("again")).rejects.toMatchObject({ code: "LS321" });
		await tell();
		expect((await guess(checkouts[1], "9.9.9.9")).status).toBe(401);
	});

	it("is never blocked for webhooks that do not verify", async () => {
		const [checkout] = checkouts;
		const webhook = () =>
			ask(`${checkout.url}/webhook/${merchant.client_key}`, { method: "POST", body: "{}", headers: from("9.9.7.7") });
		for (let i = 0; i < 8; i++) expect((await webhook()).status).toBe(401);
		await tell();
		expect((await webhook()).status).toBe(401);
		expect(await rows("select from public.address_blocks where address = '9.9.7.7'")).toEqual([]);
	});
});
