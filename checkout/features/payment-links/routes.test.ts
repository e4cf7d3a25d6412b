import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLinkPage } from "../../../db/client/links.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
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
		createMerchant(database.pool("admin"), keys, { redirect_urls: ["https://shop.test/thanks"] }),
		createMerchant(database.pool("admin"), keys),
	]);
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

const create = (body: unknown): Promise<Answer> => post(checkout, merchant, "/payment-links", body);

function expectRefusal(answer: Answer, status: number, code: string, param?: string): void {
	expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([status, code, param]);
}

describe("POST /payment-links", () => {
	it("answers with a link that can be shared", async () => {
		const { status, body } = await create({
			amount: 250_000,
			currency: "INR",
			description: "Yoga class – मई",
			reference: "INV-2041",
			usage: "multiple",
			expires_at: "2030-12-01T00:00:00+05:30",
			redirect_url: "https://shop.test/thanks?invoice=2041",
		});
		expect(status).toBe(200);
		expect(body).toEqual({
			link_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
			url: expect.stringMatching(/^http:\/\/pay\.test\/l\/[a-z0-9]{16,}$/),
			amount: 250_000,
			currency: "INR",
			description: "Yoga class – मई",
			reference: "INV-2041",
			usage: "multiple",
			status: "active",
			paid_count: 0,
			expires_at: "2030-11-30T18:30:00.000Z",
			redirect_url: "https://shop.test/thanks?invoice=2041",
			created_at: expect.stringMatching(/Z$/),
		});
		const page = await readLinkPage(database.pool("checkout"), body.url.split("/l/")[1]);
		expect(page).toMatchObject({ link_id: body.link_id, client_id: merchant.id, amount: 250_000 });
	});

	it("needs nothing but an amount", async () => {
		const { body } = await create({ amount: 100 });
		expect(body).toMatchObject({ usage: "single", currency: "INR", reference: null, expires_at: null });
	});

	it("counts expires_in from now", async () => {
		const inAnHour = async () => {
			const { rows } = await database.pool("admin").query<{ at: Date }>("select now() + interval '1 hour' as at");
			return rows[0]!.at.getTime();
		};
		const earliest = await inAnHour();
		const { body } = await create({ amount: 100, expires_in: 3600 });
		const latest = await inAnHour();
		// checkout carries the database's time on from when it asked for it, which is exact to half of that round trip.
		const error_ms = 30_000;
		expect(Date.parse(body.expires_at)).toBeGreaterThanOrEqual(earliest - error_ms);
		expect(Date.parse(body.expires_at)).toBeLessThanOrEqual(latest + error_ms);
	});

	it("gives the same link for the same reference, and refuses it with other fields", async () => {
		const link = { amount: 5000, reference: randomUUID(), expires_at: "2030-01-01T00:00:00Z" };
		const answers = await Promise.all([create(link), create(link), create(link)]);
		expect(new Set(answers.map(({ body }) => body.url)).size).toBe(1);
		expectRefusal(await create({ ...link, amount: 5001 }), 409, "idempotency_key_conflict");
		const theirs = await post(checkout, other, "/payment-links", link);
		expect(theirs.body.url).not.toBe(answers[0]!.body.url);
	});

	it("gives the same link when the call with expires_in is repeated", async () => {
		const link = { amount: 5000, reference: randomUUID(), expires_in: 3600 };
		const first = await create(link);
		const again = await create(link);
		expect([again.status, again.body]).toEqual([200, first.body]);
	});

	it.each([
		["no amount", {}, "amount"],
		["less than a rupee", { amount: 99 }, "amount"],
		["another currency", { amount: 100, currency: "USD" }, "currency"],
		["another usage", { amount: 100, usage: "twice" }, "usage"],
		["a long description", { amount: 100, description: "x".repeat(251) }, "description"],
		["an empty reference", { amount: 100, reference: "" }, "reference"],
		["a time that is over", { amount: 100, expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
		["a day for a time", { amount: 100, expires_at: "2030-01-01" }, "expires_at"],
		["too little time", { amount: 100, expires_in: 59 }, "expires_in"],
		["too much time", { amount: 100, expires_in: 40_000_000 }, "expires_in"],
		["two times", { amount: 100, expires_in: 60, expires_at: "2030-01-01T00:00:00Z" }, "expires_in"],
		["an address not registered", { amount: 100, redirect_url: "https://evil.test/thanks" }, "redirect_url"],
		["a script as address", { amount: 100, redirect_url: "javascript:alert(1)" }, "redirect_url"],
		["an unknown field", { amount: 100, order_id: "A" }, "order_id"],
	])("refuses %s and names the field", async (_name, body, param) => {
		expectRefusal(await create(body), 400, "invalid_request", param);
	});
});

describe("GET /payment-links/:id", () => {
	it("shows the merchant its link, and nobody else", async () => {
		const { body } = await create({ amount: 100 });
		expect((await get(checkout, merchant, `/payment-links/${body.link_id}`)).body).toEqual(body);
		expectRefusal(await get(checkout, other, `/payment-links/${body.link_id}`), 404, "not_found");
		expectRefusal(await get(checkout, merchant, "/payment-links/not-an-id"), 404, "not_found");
		expectRefusal(await get(checkout, merchant, `/payment-links/${randomUUID()}`), 404, "not_found");
	});

	it("says expired once its time is over", async () => {
		const { body } = await create({ amount: 100, expires_in: 60 });
		await database
			.pool("admin")
			.query("update public.payment_links set expires_at = now() - interval '1 second' where id = $1", [body.link_id]);
		const answer = await get(checkout, merchant, `/payment-links/${body.link_id}`);
		expect(answer.body.status).toBe("expired");
	});
});

describe("POST /payment-links/:id/disable", () => {
	it("takes the link back, with or without a body, as often as it is asked", async () => {
		const { body } = await create({ amount: 100 });
		const path = `/payment-links/${body.link_id}/disable`;
		for (const content of [undefined, {}, undefined]) {
			const answer = await post(checkout, merchant, path, content);
			expect([answer.status, answer.body]).toEqual([200, { ...body, status: "disabled" }]);
		}
		expect((await get(checkout, merchant, `/payment-links/${body.link_id}`)).body.status).toBe("disabled");
	});

	it("takes nothing in the body, no other merchant's link, and no forged request", async () => {
		const { body } = await create({ amount: 100 });
		const path = `/payment-links/${body.link_id}/disable`;
		expectRefusal(await post(checkout, merchant, path, { now: true }), 400, "invalid_request", "now");
		expectRefusal(await post(checkout, other, path, undefined), 404, "not_found");
		const forged = { method: "POST", headers: signedHeaders({ ...merchant, client_salt: "guess" }, "POST", path) };
		expectRefusal(await ask(checkout.url + path, forged), 401, "invalid_credentials");
		expect((await get(checkout, merchant, `/payment-links/${body.link_id}`)).body.status).toBe("active");
	});
});
