import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { ask, get, initiate, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;
let other: TestMerchant;
let payments: { transaction_id: string; status_token: string; order_id: string }[];

beforeAll(async () => {
	database = await createTestDatabase();
	[merchant, other] = await Promise.all([
		createMerchant(database.pool("admin"), keys),
		createMerchant(database.pool("admin"), keys),
	]);
	checkout = await startTestCheckout(database);
	payments = [];
	for (let i = 0; i < 5; i++) {
		payments.push((await initiate(checkout, merchant, { amount: 49900, order_id: `A-${i}` })).body);
	}
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

describe("GET /transaction/:id", () => {
	const view = (i: number) => ({
		transaction_id: payments[i]!.transaction_id,
		order_id: `A-${i}`,
		status: "created",
		amount: 49900,
		amount_refunded: 0,
		currency: "INR",
		provider: "razorpay",
		method: null,
		created_at: expect.stringMatching(/Z$/),
		paid_at: null,
		expires_at: expect.stringMatching(/Z$/),
	});
	const withToken = (id: string, token: string) =>
		ask(`${checkout.url}/transaction/${id}?token=${encodeURIComponent(token)}`);

	it("shows the merchant its transaction", async () => {
		const answer = await get(checkout, merchant, `/transaction/${payments[0]!.transaction_id}`);
		expect([answer.status, answer.body]).toEqual([200, view(0)]);
	});

	it("shows it to whoever holds its status token", async () => {
		const { transaction_id, status_token } = payments[1]!;
		const answer = await withToken(transaction_id, status_token);
		expect([answer.status, answer.body]).toEqual([200, view(1)]);
		expect(answer.headers.get("access-control-allow-origin")).toBe("*");
	});

	it("refuses another transaction's token, an altered one and an empty one", async () => {
		const { transaction_id, status_token } = payments[0]!;
		for (const token of [payments[1]!.status_token, status_token.slice(0, -1), `${status_token}A`, ""]) {
			const { status, body } = await withToken(transaction_id, token);
			expect([status, body.error.code, body.error.param]).toEqual([401, "invalid_credentials", "token"]);
		}
	});

	it("hides another merchant's transaction", async () => {
		const answer = await get(checkout, other, `/transaction/${payments[0]!.transaction_id}`);
		expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"]);
	});

	it("knows no transaction of an id that is none, signed or with a token", async () => {
		const key = checkout.dependencies.env.STATUS_TOKEN_KEY;
		for (const id of ["not-an-id", "0198c0de-0000-7000-8000-000000000000"]) {
			expect((await get(checkout, merchant, `/transaction/${id}`)).body.error.code).toBe("not_found");
			expect((await withToken(id, createStatusToken(key, id))).body.error.code).toBe("not_found");
		}
	});

	it("refuses unknown and repeated query parameters by name", async () => {
		const { transaction_id, status_token } = payments[0]!;
		const unknown = await get(checkout, merchant, `/transaction/${transaction_id}?expand=all`);
		expect([unknown.status, unknown.body.error.param]).toEqual([400, "expand"]);
		const twice = await ask(
			`${checkout.url}/transaction/${transaction_id}?token=${status_token}&token=${status_token}`,
		);
		expect([twice.status, twice.body.error.param]).toEqual([400, "token"]);
	});
});

describe("GET /transactions", () => {
	const idsOf = (answer: { body: { data: { order_id: string }[] } }) =>
		answer.body.data.map(({ order_id }) => order_id);

	it("lists the merchant's own, newest first, page by page to the end", async () => {
		const first = await get(checkout, merchant, "/transactions?limit=2");
		expect([idsOf(first), first.body.has_more]).toEqual([["A-4", "A-3"], true]);
		const following = (answer: typeof first) =>
			`/transactions?limit=2&starting_after=${answer.body.data.at(-1).transaction_id}`;
		const second = await get(checkout, merchant, following(first));
		expect([idsOf(second), second.body.has_more]).toEqual([["A-2", "A-1"], true]);
		const third = await get(checkout, merchant, following(second));
		expect([idsOf(third), third.body.has_more]).toEqual([["A-0"], false]);
		expect((await get(checkout, other, "/transactions")).body).toEqual({ data: [], has_more: false });
	});

	it("filters by order_id, status and time", async () => {
		expect(idsOf(await get(checkout, merchant, "/transactions?order_id=A-2"))).toEqual(["A-2"]);
		expect(idsOf(await get(checkout, merchant, "/transactions?status=paid"))).toEqual([]);
		const { body } = await get(checkout, merchant, "/transactions?order_id=A-2");
		const created_at = encodeURIComponent(body.data[0].created_at);
		const since = idsOf(await get(checkout, merchant, `/transactions?created_gte=${created_at}`));
		expect(since.slice(0, 2)).toEqual(["A-4", "A-3"]);
		expect(since).not.toContain("A-1");
		expect(idsOf(await get(checkout, merchant, `/transactions?created_lt=${created_at}`))).toEqual(["A-1", "A-0"]);
		expect(idsOf(await get(checkout, merchant, "/transactions?created_lt=2020-01-01T00:00:00%2B05:30"))).toEqual([]);
	});

	it.each([
		["limit=0", "limit"],
		["limit=101", "limit"],
		["limit=ten", "limit"],
		["limit=1&limit=2", "limit"],
		["starting_after=last", "starting_after"],
		["status=done", "status"],
		["created_gte=yesterday", "created_gte"],
		["created_lt=2026-01-31", "created_lt"],
		["order=A-1", "order"],
	])("refuses %s and names the parameter", async (query, param) => {
		const { status, body } = await get(checkout, merchant, `/transactions?${query}`);
		expect([status, body.error.code, body.error.param]).toEqual([400, "invalid_request", param]);
	});

	it("is not for holders of a token", async () => {
		const { status, body } = await ask(`${checkout.url}/transactions?token=${payments[0]!.status_token}`);
		expect([status, body.error.code]).toEqual([401, "invalid_credentials"]);
	});
});
