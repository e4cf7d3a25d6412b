import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settleRefund } from "../../../db/client/refunds.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { payPayment, startPayment } from "../../../test/payments.ts";
import {
	type Answer,
	ask,
	get,
	post,
	signedHeaders,
	startTestCheckout,
	type TestCheckout,
} from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;
let other: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	[merchant, other] = await Promise.all([
		createMerchant(database.pool("admin"), keys),
		createMerchant(database.pool("admin"), keys),
	]);
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

/** A payment of ₹100.00. */
const paid = async () => (await payPayment(database, merchant)).transaction_id;

const refund = (body: unknown, headers?: Record<string, string>): Promise<Answer> =>
	post(checkout, merchant, "/refund", body, headers);

function expectRefusal(answer: Answer, status: number, code: string, param?: string): void {
	expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
}

async function refundsOf(transaction_id: string): Promise<{ amount: number }[]> {
	const { rows } = await database
		.pool("admin")
		.query("select amount::int from public.refunds where transaction_id = $1 order by id", [transaction_id]);
	return rows;
}

describe("POST /refund", () => {
	it("books what is asked for, adds its job, and says so", async () => {
		const transaction_id = await paid();
		const { status, body } = await refund({
			transaction_id,
			amount: 4000,
			reason: "One book returned",
			idempotency_key: "return-1",
		});
		expect(status).toBe(200);
		expect(body).toEqual({
			refund_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
			transaction_id,
			order_id: expect.any(String),
			amount: 4000,
			currency: "INR",
			status: "pending",
			kind: "requested",
			reason: "One book returned",
			bank_reference: null,
			created_at: expect.stringMatching(/Z$/),
			completed_at: null,
		});
		const { rows } = await database
			.pool("admin")
			.query("select task_identifier from graphile_worker.jobs where key = $1", [`refund_payment:${body.refund_id}`]);
		expect(rows).toEqual([{ task_identifier: "refund_payment" }]);
	});

	it("gives back what is left when no amount is said, and nothing beyond", async () => {
		const transaction_id = await paid();
		expect((await refund({ transaction_id, amount: 2500 })).body.amount).toBe(2500);
		expect((await refund({ transaction_id })).body.amount).toBe(7500);
		expectRefusal(await refund({ transaction_id, idempotency_key: "again" }), 409, "refund_exceeds_amount", "amount");
		expectRefusal(await refund({ transaction_id, amount: 1 }), 409, "refund_exceeds_amount", "amount");
	});

	it("answers one key with one refund, in the body or in the header, even when asked fifty times at once", async () => {
		const transaction_id = await paid();
		const answers = await Promise.all(
			Array.from({ length: 50 }, (_, i) =>
				i % 2 === 0
					? refund({ transaction_id, amount: 1000, idempotency_key: "return-50" })
					: refund({ transaction_id, amount: 1000 }, { "idempotency-key": "return-50" }),
			),
		);
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
		expect(new Set(answers.map(({ body }) => body.refund_id)).size).toBe(1);
		expect(answers.filter(({ body }) => body.replayed === undefined)).toHaveLength(1);
		expect(await refundsOf(transaction_id)).toEqual([{ amount: 1000 }]);
	});

	it("refuses the same key for another amount or payment", async () => {
		const transaction_id = await paid();
		const idempotency_key = randomUUID();
		expect((await refund({ transaction_id, amount: 1000, idempotency_key })).status).toBe(200);
		expectRefusal(await refund({ transaction_id, amount: 1001, idempotency_key }), 409, "idempotency_key_conflict");
		expectRefusal(await refund({ transaction_id, idempotency_key }), 409, "idempotency_key_conflict");
		const another = { transaction_id: await paid(), amount: 1000, idempotency_key };
		expectRefusal(await refund(another), 409, "idempotency_key_conflict");
	});

	it("lets two merchants use the same key", async () => {
		const idempotency_key = randomUUID();
		const mine = await refund({ transaction_id: await paid(), idempotency_key });
		const theirs = (await payPayment(database, other)).transaction_id;
		const answer = await post(checkout, other, "/refund", { transaction_id: theirs, idempotency_key });
		expect(answer.status).toBe(200);
		expect(answer.body.refund_id).not.toBe(mine.body.refund_id);
	});

	it("takes key in body and header only when they agree", async () => {
		const transaction_id = await paid();
		const both = { transaction_id, amount: 100, idempotency_key: "k1" };
		expectRefusal(await refund(both, { "idempotency-key": "k2" }), 400, "invalid_request", "idempotency_key");
		expect((await refund(both, { "idempotency-key": "k1" })).status).toBe(200);
	});

	it("moves no money when the very same bytes are sent again without a key", async () => {
		const transaction_id = await paid();
		const body = JSON.stringify({ transaction_id, amount: 1000 });
		const recorded = {
			method: "POST",
			headers: { "content-type": "application/json", ...signedHeaders(merchant, "POST", "/refund", body) },
			body,
		};
		const first = await ask(`${checkout.url}/refund`, recorded);
		const again = await ask(`${checkout.url}/refund`, recorded);
		expect(again.body).toEqual({ ...first.body, replayed: true });
		expect(await refundsOf(transaction_id)).toEqual([{ amount: 1000 }]);
	});

	it("never books more than was paid, however many calls race", async () => {
		const transaction_id = await paid();
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, i) => refund({ transaction_id, amount: 1500, idempotency_key: `race-${i}` })),
		);
		const refused = answers.filter(({ status }) => status !== 200);
		expect(refused.map(({ status, body }) => [status, body.error.code])).toEqual(
			Array(14).fill([409, "refund_exceeds_amount"]),
		);
		expect(await refundsOf(transaction_id)).toEqual(Array(6).fill({ amount: 1500 }));
	});

	it("refuses what is not paid, and what is not the merchant's", async () => {
		const { transaction_id } = await startPayment(database, merchant);
		expectRefusal(await refund({ transaction_id }), 409, "not_refundable");
		expectRefusal(await refund({ transaction_id: randomUUID() }), 404, "not_found");
		const theirs = (await payPayment(database, other)).transaction_id;
		expectRefusal(await refund({ transaction_id: theirs }), 404, "not_found");
	});

	it.each([
		["no transaction", {}, "transaction_id"],
		["a malformed transaction", { transaction_id: "KB-1" }, "transaction_id"],
		["nothing", { transaction_id: randomUUID(), amount: 0 }, "amount"],
		["less than nothing", { transaction_id: randomUUID(), amount: -5 }, "amount"],
		["half a paisa", { transaction_id: randomUUID(), amount: 1.5 }, "amount"],
		["text for an amount", { transaction_id: randomUUID(), amount: "100" }, "amount"],
		["too much to count", { transaction_id: randomUUID(), amount: 1e15 }, "amount"],
		["an empty key", { transaction_id: randomUUID(), idempotency_key: "" }, "idempotency_key"],
		["a long key", { transaction_id: randomUUID(), idempotency_key: "k".repeat(101) }, "idempotency_key"],
		["a reason of two lines", { transaction_id: randomUUID(), reason: "a\nb" }, "reason"],
		["an unknown field", { transaction_id: randomUUID(), speed: "fast" }, "speed"],
	])("refuses %s and names the field", async (_name, body, param) => {
		expectRefusal(await refund(body), 400, "invalid_request", param);
	});

	it("names the header at fault", async () => {
		const answer = await refund({ transaction_id: randomUUID() }, { "idempotency-key": "k".repeat(101) });
		expectRefusal(answer, 400, "invalid_request", "Idempotency-Key");
	});

	it("takes only what is signed", async () => {
		const answer = await refund({ transaction_id: await paid() }, { "x-signature": "0".repeat(64) });
		expectRefusal(answer, 401, "invalid_credentials");
	});

	it("counts towards the merchant's requests of the minute", async () => {
		const slow = await createMerchant(database.pool("admin"), keys, { rate_limit_per_minute: 2 });
		const { transaction_id } = await payPayment(database, slow);
		const answer = await post(checkout, slow, "/refund", { transaction_id, amount: 100 });
		expect(answer.status).toBe(200);
		const limited = await get(checkout, slow, `/refund/${answer.body.refund_id}`);
		expectRefusal(limited, 429, "rate_limited");
		expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
	});
});

describe("GET /refund/:id", () => {
	it("shows the merchant how far its refund is", async () => {
		const { body } = await refund({ transaction_id: await paid(), amount: 4000 });
		const before = await get(checkout, merchant, `/refund/${body.refund_id}`);
		expect([before.status, before.body]).toEqual([200, body]);
		await settleRefund(database.pool("jobs"), body.refund_id, {
			outcome: "succeeded",
			psp_refund_id: "rfnd_1",
			amount: 4000,
			bank_reference: "123456789012",
			error: null,
			raw: {},
		});
		const after = await get(checkout, merchant, `/refund/${body.refund_id}`);
		expect(after.body).toEqual({
			...body,
			status: "succeeded",
			bank_reference: "123456789012",
			completed_at: expect.stringMatching(/Z$/),
		});
		const { body: transaction } = await get(checkout, merchant, `/transaction/${body.transaction_id}`);
		expect(transaction).toMatchObject({ status: "partially_refunded", amount: 10_000, amount_refunded: 4000 });
	});

	it("says why one failed, and lets the amount be given back anew", async () => {
		const transaction_id = await paid();
		const { body } = await refund({ transaction_id });
		await settleRefund(database.pool("jobs"), body.refund_id, {
			outcome: "failed",
			psp_refund_id: null,
			amount: null,
			bank_reference: null,
			error: { code: "declined", message: "The balance does not suffice." },
			raw: {},
		});
		expect((await get(checkout, merchant, `/refund/${body.refund_id}`)).body).toMatchObject({
			status: "failed",
			error: { code: "declined", message: "The balance does not suffice." },
		});
		const again = await refund({ transaction_id, idempotency_key: "after-the-failure" });
		expect(again.body).toMatchObject({ amount: 10_000, status: "pending" });
	});

	it("knows no other merchant's, no malformed id and no query", async () => {
		const { body } = await refund({ transaction_id: await paid(), amount: 100 });
		expectRefusal(await get(checkout, other, `/refund/${body.refund_id}`), 404, "not_found");
		expectRefusal(await get(checkout, merchant, "/refund/not-an-id"), 404, "not_found");
		expectRefusal(await get(checkout, merchant, `/refund/${randomUUID()}`), 404, "not_found");
		expectRefusal(await get(checkout, merchant, `/refund/${body.refund_id}?a=1`), 400, "invalid_request", "a");
	});
});
