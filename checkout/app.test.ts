import { request as rawRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { ask, initiate, signedHeaders, startTestCheckout, type TestCheckout } from "./test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys, { redirect_urls: ["https://shop.test/thanks"] });
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

const valid = { amount: 49900, order_id: "A-1" };
const withBody = (fields: object) => ({ ...valid, ...fields });

async function countRows(): Promise<Record<string, number>> {
	const { rows } = await database.pool("admin").query(
		`select (select count(*) from public.transactions)::int transactions, (select count(*) from public.payment_attempts)::int attempts,
			(select count(*) from graphile_worker.jobs)::int jobs, (select count(*) from public.webhook_events)::int events,
			(select count(*) from public.wallet_entries)::int entries, (select coalesce(sum(volume), 0) from public.gateway_states)::int volume`,
	);
	return rows[0];
}

describe("a request that is refused", () => {
	const bad: [name: string, body: unknown, param: string | undefined][] = [
		["malformed JSON", '{"amount": 49900,', "body"],
		["no body", "", "body"],
		["an array", "[]", "body"],
		["null", "null", "body"],
		[
			"text that is not UTF-8",
			Buffer.from('{"amount":49900,"order_id":"\xff"}', "latin1").toString("latin1"),
			"order_id",
		],
		["no amount", { order_id: "A-1" }, "amount"],
		["no order_id", { amount: 49900 }, "order_id"],
		["a negative amount", withBody({ amount: -49900 }), "amount"],
		["an amount of zero", withBody({ amount: 0 }), "amount"],
		["an amount below a rupee", withBody({ amount: 99 }), "amount"],
		["a fractional amount", withBody({ amount: 499.5 }), "amount"],
		["a huge amount", withBody({ amount: 100_000_000_001 }), "amount"],
		["an amount beyond integers", '{"amount":1e400,"order_id":"A-1"}', "amount"],
		["an amount as a string", withBody({ amount: "49900" }), "amount"],
		["an amount of null", withBody({ amount: null }), "amount"],
		["an amount as a list", withBody({ amount: [49900] }), "amount"],
		["an order_id that is a number", withBody({ order_id: 17 }), "order_id"],
		["an empty order_id", withBody({ order_id: "" }), "order_id"],
		["an order_id that is too long", withBody({ order_id: "A".repeat(101) }), "order_id"],
		["an order_id with a space", withBody({ order_id: "A 1" }), "order_id"],
		["an order_id with NUL", withBody({ order_id: "A\u0000" }), "order_id"],
		["another currency", withBody({ currency: "USD" }), "currency"],
		["a currency in lower case", withBody({ currency: "inr" }), "currency"],
		["an unknown field", withBody({ amout: 1 }), "amout"],
		["a field called __proto__", '{"amount":49900,"order_id":"A-1","__proto__":{"x":1}}', "__proto__"],
		["a field given twice", '{"amount":49900,"order_id":"A-1","amount":100}', "amount"],
		["credentials beside a signature", withBody({ client_key: "k", client_salt: "s" }), "client_key"],
		["an unknown field of the customer", withBody({ customer: { nmae: "x" } }), "customer.nmae"],
		["a customer that is text", withBody({ customer: "Asha" }), "customer"],
		["an e-mail address that is none", withBody({ customer: { email: "asha" } }), "customer.email"],
		["a phone number that is none", withBody({ customer: { phone: "call me" } }), "customer.phone"],
		["a name that is too long", withBody({ customer: { name: "x".repeat(201) } }), "customer.name"],
		["half of a surrogate pair", '{"amount":49900,"order_id":"A-1","description":"\\ud83d"}', "description"],
		["metadata that nests", withBody({ metadata: { a: { b: 1 } } }), "metadata.a"],
		["metadata with NUL", withBody({ metadata: { a: "\u0000" } }), "metadata.a"],
		["too much metadata", withBody({ metadata: manyEntries(51, 1) }), "metadata"],
		["metadata that is too long", withBody({ metadata: manyEntries(40, 400) }), "metadata"],
		["a redirect_url that is no URL", withBody({ redirect_url: "/thanks" }), "redirect_url"],
		["a redirect_url that runs a script", withBody({ redirect_url: "javascript:alert(1)" }), "redirect_url"],
		["a redirect_url of another origin", withBody({ redirect_url: "https://evil.test/thanks" }), "redirect_url"],
		["a redirect_url of another path", withBody({ redirect_url: "https://shop.test/other" }), "redirect_url"],
		["a redirect_url with a user", withBody({ redirect_url: "https://a@shop.test/thanks" }), "redirect_url"],
		["a method that is no word", withBody({ method: "UPI!" }), "method"],
	];
	function manyEntries(count: number, length: number): Record<string, string> {
		return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, "x".repeat(length)]));
	}

	it.each(bad)(
		"for %s gets invalid_request that names the field, and nothing is written",
		async (_name, body, param) => {
			const before = await countRows();
			const answer = await initiate(checkout, merchant, body);
			expect(answer.status).toBe(400);
			expect(answer.body).toEqual({
				error: {
					code: "invalid_request",
					message: expect.stringMatching(/\.$/),
					param,
					request_id: answer.headers.get("x-request-id"),
				},
			});
			expect(await countRows()).toEqual(before);
		},
	);

	it("for bytes that are not UTF-8 gets invalid_request", async () => {
		const body = Buffer.from([...Buffer.from('{"amount":49900,"order_id":"'), 0xff, ...Buffer.from('"}')]);
		const answer = await ask(`${checkout.url}/payment/initiate`, {
			method: "POST",
			headers: { "content-type": "application/json", ...signedHeaders(merchant, "POST", "/payment/initiate", body) },
			body,
		});
		expect([answer.status, answer.body.error.param]).toEqual([400, "body"]);
	});

	it.each([
		["none", undefined],
		["a form", "application/x-www-form-urlencoded"],
		["text", "text/plain"],
		["another charset", "application/json; charset=utf-16"],
	])("for its content type (%s) gets unsupported_media_type, and nothing is written", async (_name, type) => {
		const before = await countRows();
		const body = new Blob([JSON.stringify(valid)]);
		const answer = await ask(`${checkout.url}/payment/initiate`, {
			method: "POST",
			headers: {
				...(type !== undefined && { "content-type": type }),
				...signedHeaders(merchant, "POST", "/payment/initiate", JSON.stringify(valid)),
			},
			body,
		});
		expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([
			415,
			"unsupported_media_type",
			"Content-Type",
		]);
		expect(await countRows()).toEqual(before);
	});

	it("for a compressed body gets unsupported_media_type", async () => {
		const answer = await ask(`${checkout.url}/payment/initiate`, {
			method: "POST",
			headers: { "content-type": "application/json", "content-encoding": "gzip" },
			body: "x",
		});
		expect([answer.status, answer.body.error.param]).toEqual([415, "Content-Encoding"]);
	});

	it.each([
		["1 MiB and a byte", 1024 * 1024 + 1],
		["3 MiB", 3 * 1024 * 1024],
	])("for a body of %s gets payload_too_large, and nothing is written", async (_name, size) => {
		const before = await countRows();
		const start = JSON.stringify(valid).slice(0, -1);
		const body = `${start}${" ".repeat(size - start.length - 1)}}`;
		const answer = await initiate(checkout, merchant, body);
		expect([answer.status, answer.body.error.code]).toEqual([413, "payload_too_large"]);
		expect(await countRows()).toEqual(before);
	});

	it("for a body without end is cut off", async () => {
		const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
			const request = rawRequest(`${checkout.url}/payment/initiate`, {
				method: "POST",
				headers: { "content-type": "application/json" },
			});
			request.on("error", resolve);
			const chunk = Buffer.alloc(256 * 1024, 32);
			const send = () => {
				if (!request.destroyed) request.write(chunk, () => setImmediate(send));
			};
			send();
		});
		expect(error.code).toMatch(/ECONNRESET|EPIPE/);
	});

	it("takes a body of exactly 1 MiB", async () => {
		const start = JSON.stringify({ amount: 49900, order_id: "exactly-1-MiB" }).slice(0, -1);
		const answer = await initiate(checkout, merchant, `${start}${" ".repeat(1024 * 1024 - start.length - 1)}}`);
		expect(answer.status).toBe(200);
	});
});

describe("any answer", () => {
	it("carries a request id, the caller's where it is well-formed, and headers that keep browsers out", async () => {
		const own = await ask(`${checkout.url}/healthz`, { headers: { "x-request-id": "shop-4711-abc" } });
		expect(own.headers.get("x-request-id")).toBe("shop-4711-abc");
		const given = await ask(`${checkout.url}/healthz`, { headers: { "x-request-id": "<script>" } });
		expect(given.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
		expect(given.headers.get("content-security-policy")).toBe("default-src 'none';frame-ancestors 'none'");
		expect(given.headers.get("x-content-type-options")).toBe("nosniff");
		expect(given.headers.get("referrer-policy")).toBe("no-referrer");
		expect(given.headers.get("x-powered-by")).toBeNull();
	});

	it.each(["/nothing", "/payment/initiate", "/webhook/lsp_unknown"])(
		"to GET %s is not_found in the same envelope",
		async (path) => {
			const answer = await ask(checkout.url + path);
			expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"]);
			expect(answer.body.error.request_id).toBe(answer.headers.get("x-request-id"));
		},
	);

	it("to an address that does not decode is invalid_request", async () => {
		const answer = await ask(`${checkout.url}/transaction/%E0%A4%A`);
		expect([answer.status, answer.body.error.code]).toEqual([400, "invalid_request"]);
	});
});
