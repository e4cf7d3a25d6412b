import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { isStatusToken } from "../../../db/client/status-token.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { type Answer, get, initiate, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;

beforeAll(async () => {
	database = await createTestDatabase();
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

const merchantWith = (columns: Record<string, unknown>, gateways?: Record<string, unknown>[]): Promise<TestMerchant> =>
	createMerchant(database.pool("admin"), keys, columns, gateways);

async function transactionsOf({ id }: TestMerchant): Promise<Record<string, unknown>[]> {
	const { rows } = await database.pool("admin").query("select * from public.transactions where client_id = $1", [id]);
	return rows;
}

function expectRefusal(answer: Answer, status: number, code: string, param?: string): void {
	expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
}

describe("POST /payment/initiate", () => {
	it("answers with the transaction, where to send the payer, and the token to follow it", async () => {
		const merchant = await merchantWith({ redirect_urls: ["https://shop.test/thanks"] });
		const { status, body } = await initiate(checkout, merchant, {
			amount: 49900,
			order_id: "A-1",
			currency: "INR",
			redirect_url: "https://shop.test/thanks?order=A-1",
			customer: { id: "c1", name: "आशा", email: "asha@example.com", phone: "+91 98765 43210" },
			method: "upi",
			metadata: { cart: 17, gift: true, note: "two\nlines", none: null },
			description: "Two books – नमस्ते 📚",
		});
		expect(status).toBe(200);
		expect(body).toEqual({
			transaction_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
			status: "created",
			order_id: "A-1",
			amount: 49900,
			currency: "INR",
			checkout_url: `http://pay.test/pay/${body.transaction_id}?token=${body.status_token}`,
			status_token: expect.any(String),
			expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
		});
		expect(isStatusToken(checkout.dependencies.env.STATUS_TOKEN_KEY, body.transaction_id, body.status_token)).toBe(
			true,
		);
		expect(await transactionsOf(merchant)).toEqual([
			expect.objectContaining({
				id: body.transaction_id,
				redirect_url: "https://shop.test/thanks?order=A-1",
				customer: { id: "c1", name: "आशा", email: "asha@example.com", phone: "+91 98765 43210" },
				metadata: { cart: 17, gift: true, note: "two\nlines", none: null },
				description: "Two books – नमस्ते 📚",
			}),
		]);
	});

	it("gives a repeated order_id the same transaction, and refuses it with another amount", async () => {
		const merchant = await merchantWith({});
		const first = await initiate(checkout, merchant, { amount: 49900, order_id: "A-1" });
		const again = await initiate(checkout, merchant, { amount: 49900, order_id: "A-1", description: "again" });
		expect(again.body).toEqual({ ...first.body, replayed: true });
		const other = await initiate(checkout, merchant, { amount: 49901, order_id: "A-1" });
		expectRefusal(other, 409, "order_id_conflict", "order_id");
		expect(await transactionsOf(merchant)).toHaveLength(1);
	});

	it("makes one transaction of one order_id that is sent fifty times at once", async () => {
		const merchant = await merchantWith({});
		const answers = await Promise.all(
			Array.from({ length: 50 }, () => initiate(checkout, merchant, { amount: 49900, order_id: "A-1" })),
		);
		expect(new Set(answers.map(({ body }) => body.transaction_id)).size).toBe(1);
		expect(answers.filter(({ body }) => !body.replayed)).toHaveLength(1);
		expect(await transactionsOf(merchant)).toHaveLength(1);
	});

	it("keeps merchants apart: the same order_id is two payments", async () => {
		const [one, other] = [await merchantWith({}), await merchantWith({})];
		const answers = await Promise.all(
			[one, other].map((each) => initiate(checkout, each, { amount: 100, order_id: "A" })),
		);
		expect(new Set(answers.map(({ body }) => body.transaction_id)).size).toBe(2);
	});

	it("refuses with dues_outstanding when commission due has reached the threshold", async () => {
		const merchant = await merchantWith({ suspend_threshold: 1000 });
		await database
			.pool("admin")
			.query("update public.wallets set balance_due = 1000 where client_id = $1", [merchant.id]);
		expectRefusal(await initiate(checkout, merchant, { amount: 100, order_id: "A" }), 402, "dues_outstanding");
		expect(await transactionsOf(merchant)).toEqual([]);
	});

	it.each([
		["max_transaction_amount", 10_000],
		["daily_amount_cap", 10_000],
		["monthly_amount_cap", 10_000],
	])("refuses with cap_exceeded, naming %s", async (cap, value) => {
		const merchant = await merchantWith({ [cap]: value });
		expectRefusal(await initiate(checkout, merchant, { amount: 10_001, order_id: "A" }), 422, "cap_exceeded", cap);
		expect(await transactionsOf(merchant)).toEqual([]);
	});

	it("refuses with rate_limited and the seconds to wait, across payments and reads", async () => {
		const merchant = await merchantWith({ rate_limit_per_minute: 2 });
		await initiate(checkout, merchant, { amount: 100, order_id: "A" });
		await get(checkout, merchant, "/transactions");
		for (const answer of [
			await initiate(checkout, merchant, { amount: 100, order_id: "B" }),
			await get(checkout, merchant, "/transactions"),
		]) {
			expectRefusal(answer, 429, "rate_limited");
			const seconds = Number(answer.headers.get("retry-after"));
			expect(seconds).toBeGreaterThanOrEqual(1);
			expect(seconds).toBeLessThanOrEqual(60);
		}
		expect(await transactionsOf(merchant)).toHaveLength(1);
	});

	it("refuses with service_unavailable and Retry-After when no gateway can take it", async () => {
		const merchant = await merchantWith({}, [{ is_active: false }]);
		const answer = await initiate(checkout, merchant, { amount: 100, order_id: "A" });
		expectRefusal(answer, 503, "service_unavailable");
		expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
		expect(await transactionsOf(merchant)).toEqual([]);
	});

	it("uses fifty gateways for fifty payments at one a minute, and refuses the next", async () => {
		const merchant = await merchantWith(
			{ max_rpm_per_gateway: 1 },
			Array.from({ length: 50 }, () => ({})),
		);
		const answers = await Promise.all(
			Array.from({ length: 50 }, (_, i) => initiate(checkout, merchant, { amount: 100, order_id: `A-${i}` })),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
		expect(new Set((await transactionsOf(merchant)).map(({ gateway_id }) => gateway_id)).size).toBe(50);
		const next = await initiate(checkout, merchant, { amount: 100, order_id: "A-50" });
		expectRefusal(next, 503, "service_unavailable");
	});

	it("answers each of many requests sent at once for itself: good, conflicting and capped", async () => {
		const merchant = await merchantWith({ max_transaction_amount: 50_000 });
		await initiate(checkout, merchant, { amount: 100, order_id: "taken" });
		const answers = await Promise.all(
			Array.from({ length: 30 }, (_, i) =>
				initiate(
					checkout,
					merchant,
					[
						{ amount: 200 + i, order_id: `good-${i}` },
						{ amount: 200 + i, order_id: "taken" },
						{ amount: 50_001, order_id: `large-${i}` },
					][i % 3],
				),
			),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, (_, i) => [200, 409, 422][i % 3]));
		expect(answers.filter((_, i) => i % 3 === 0).map(({ body }) => body.amount)).toEqual(
			Array.from({ length: 10 }, (_, i) => 200 + 3 * i),
		);
	});

	it("loses only the one payment that the database cannot take, not those that were sent with it", async () => {
		const merchant = await merchantWith({});
		// What no validation foresees, played by a rule that only this order breaks.
		await database
			.pool("admin")
			.query("alter table public.transactions add constraint unforeseen check (order_id <> 'poison') not valid");
		const orders = ["a", "b", "poison", "c"];
		const answers = await Promise.all(
			orders.map((order_id) => initiate(checkout, merchant, { amount: 100, order_id })),
		);
		await database.pool("admin").query("alter table public.transactions drop constraint unforeseen");
		expect(answers.map(({ status }) => status)).toEqual([200, 200, 500, 200]);
		expect(answers[2]?.body.error).toEqual({
			code: "internal_error",
			message: "Something went wrong on our side.",
			request_id: expect.any(String),
		});
	});

	it("answers service_unavailable while the database refuses connections, and works again after", async () => {
		const merchant = await merchantWith({});
		const admin = database.pool("admin");
		await initiate(checkout, merchant, { amount: 100, order_id: "before" });
		await admin.query(`alter database ${database.name} connection limit 0`);
		try {
			await admin.query(
				"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'checkout-initiate' and datname = current_database()",
			);
			const answer = await initiate(checkout, merchant, { amount: 100, order_id: "during" });
			expectRefusal(answer, 503, "service_unavailable");
			expect(answer.headers.get("retry-after")).toBe("2");
		} finally {
			await admin.query(`alter database ${database.name} connection limit -1`);
		}
		expect((await initiate(checkout, merchant, { amount: 100, order_id: "after" })).status).toBe(200);
	});

	it("answers service_unavailable and keeps nothing while the database has no room, and works again after", async () => {
		const merchant = await merchantWith({});
		const admin = database.pool("admin");
		const stored = async () =>
			(await admin.query("select order_id from public.transactions where client_id = $1", [merchant.id])).rows;
		await admin.query(`create function public.refuse_to_grow() returns trigger language plpgsql as $$
			begin raise exception using errcode = 'disk_full', message = 'could not extend file'; end $$;
			create trigger full_disk before insert on public.transactions execute function public.refuse_to_grow()`);
		try {
			const answers = await Promise.all(
				["one", "two", "three"].map((order_id) => initiate(checkout, merchant, { amount: 100, order_id })),
			);
			for (const answer of answers) {
				expectRefusal(answer, 503, "service_unavailable");
				expect(answer.headers.get("retry-after")).toBe("2");
			}
			expect(await stored()).toEqual([]);
		} finally {
			await admin.query("drop trigger full_disk on public.transactions");
		}
		expect((await initiate(checkout, merchant, { amount: 100, order_id: "one" })).status).toBe(200);
		expect(await stored()).toEqual([{ order_id: "one" }]);
	});
});
