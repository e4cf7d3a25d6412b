import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CreateOrderInput, PspAccount, PspEndpoint } from "../adapter.ts";
import { createCashfreeAdapter } from "./adapter.ts";

const account: PspAccount = {
	api_key: "TEST430329ae80e0f32e41a393d78b923034",
	api_secret: "client-secret-of-the-merchant",
	webhook_secret: null,
	settings: {},
};

const ORDER = "7c1f3f0e-8d0b-4b3a-9a52-0d6f7f0d1a11";
const REFUND = "0b8f2c1e-4d3a-4f6b-9a1c-2e3d4f5a6b7c";
const order_names = { psp_order_id: ORDER, reference: ORDER };
const IN_TWO_HOURS = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2 * 3_600_000);

const input: CreateOrderInput = {
	reference: ORDER,
	amount: 49_900,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books",
	description: null,
	customer: { id: "cust4711", name: "Asha Rao", email: "asha.rao@example.com", phone: "+91 90000-12345" },
	method: "upi",
	return_url: "https://pay.example.in/pay/1/return?token=t",
	cancel_url: "https://pay.example.in/pay/1/cancel?token=t",
	webhook_url: "https://pay.example.in/webhook/lsp_key/1",
	splits: [],
	expires_at: IN_TWO_HOURS,
};

const refundInput = {
	reference: REFUND,
	psp_payment_id: "12376123",
	psp_order_id: ORDER,
	order_reference: ORDER,
	amount: 1_050,
	currency: "INR",
	reason: "Out of stock",
};

const transferInput = { ...refundInput, account: "vendor_kaveri", amount: 7_007 };

interface SeenRequest {
	method: string;
	url: URL;
	headers: http.IncomingHttpHeaders;
	// biome-ignore lint/suspicious/noExplicitAny: whatever was sent
	body: any;
}
type Respond = (request: SeenRequest, response: http.ServerResponse) => void;

const servers: http.Server[] = [];
afterEach(async () => {
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
});

/** An adapter whose Cashfree answers in turn as `answers` say, the last of them for good, on a port of its own. */
async function adapterAgainst(answers: Respond | Respond[], endpoint: PspEndpoint = {}) {
	const seen: SeenRequest[] = [];
	const queue = [answers].flat();
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const url = new URL(request.url ?? "/", "http://127.0.0.1");
		const one = { method: request.method ?? "", url, headers: request.headers, body: text && JSON.parse(text) };
		seen.push(one);
		(queue.length > 1 ? queue.shift() : queue[0])?.(one, response);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const calls = () => seen.map(({ method, url }) => `${method} ${url.pathname}`);
	return { adapter: createCashfreeAdapter({ api_url, timeout_ms: 10_000, ...endpoint }), seen, calls, api_url };
}

function fixture(name: string) {
	return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
	};
}

function html(status: number): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "text/html" }).end(`<html><body><h1>${status}</h1></body></html>`);
	};
}

function refusal(status: number, message: string, code = "request_failed", type = "invalid_request_error"): Respond {
	return json({ message, code, type }, status);
}

const hangUp: Respond = (_, response) => response.destroy();
const orderNotFound = refusal(404, "Order Reference Id does not exist", "order_not_found");
const refundNotFound = refusal(404, "refund not found", "refund_not_found");
const anOrder = (changes: object = {}) => ({ ...fixture("order.create.active"), ...changes });
const aRefund = (changes: object = {}) => ({
	cf_payment_id: "12376123",
	cf_refund_id: "1553338",
	refund_id: REFUND,
	order_id: ORDER,
	entity: "refund",
	refund_amount: 10.5,
	refund_currency: "INR",
	refund_status: "PENDING",
	refund_arn: null,
	status_description: "In Progress",
	...changes,
});

describe("creating an order", () => {
	test("sends rupees and our reference as the order's id, and presents Cashfree's script", async () => {
		const { adapter, seen, api_url } = await adapterAgainst(json(anOrder()));
		const result = await adapter.createOrder(account, input);
		expect(seen).toHaveLength(1);
		expect(seen[0]).toMatchObject({
			method: "POST",
			url: { pathname: "/pg/orders" },
			headers: {
				"x-client-id": account.api_key,
				"x-client-secret": account.api_secret,
				"x-api-version": "2026-01-01",
				"x-request-id": ORDER,
			},
		});
		// With one Cashfree would repeat a first answer of 500 for good.
		expect(seen[0]?.headers).not.toHaveProperty("x-idempotency-key");
		expect(seen[0]?.body).toEqual({
			order_id: ORDER,
			order_amount: 499,
			order_currency: "INR",
			customer_details: {
				customer_id: "cust4711",
				customer_phone: "9000012345",
				customer_email: "asha.rao@example.com",
				customer_name: "Asha Rao",
			},
			order_meta: {
				return_url: input.return_url,
				notify_url: input.webhook_url,
				payment_methods: "upi",
			},
			order_expiry_time: IN_TWO_HOURS.toISOString(),
			order_note: "Order KB-1042",
			order_tags: { order_id: "KB-1042" },
		});
		expect(result).toMatchObject({
			outcome: "succeeded",
			psp_order_id: ORDER,
			presentation: {
				kind: "script",
				script_url: `${api_url}/js/v3/cashfree.js`,
				session: { payment_session_id: anOrder().payment_session_id, mode: "sandbox" },
			},
		});
	});

	test("keeps nothing of the payer and not the session", async () => {
		const { adapter } = await adapterAgainst(json(anOrder()));
		const { raw } = await adapter.createOrder(account, input);
		expect(raw).toMatchObject({ cf_order_id: "2149460581", order_status: "ACTIVE" });
		for (const secret of ["session_", "Asha", "90000"]) expect(JSON.stringify(raw)).not.toContain(secret);
	});

	test("gives parts to vendors in rupees", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		const splits = [
			{ account: "vendor_kaveri", amount: 10_005 },
			{ account: "vendor_tunga", amount: 7 },
		];
		await adapter.createOrder(account, { ...input, splits });
		expect(seen[0]?.body.order_splits).toEqual([
			{ vendor_id: "vendor_kaveri", amount: 100.05 },
			{ vendor_id: "vendor_tunga", amount: 0.07 },
		]);
	});

	test("no order expires sooner or later than Cashfree lets it", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		await adapter.createOrder(account, { ...input, expires_at: new Date() });
		await adapter.createOrder(account, { ...input, expires_at: new Date(Date.now() + 365 * 86_400_000) });
		const [soon, late] = seen.map(({ body }) => Date.parse(body.order_expiry_time) - Date.now());
		expect(soon).toBeGreaterThan(15 * 60_000);
		expect(late).toBeLessThan(30 * 86_400_000);
	});

	test("what of the customer Cashfree would refuse an order for is left out", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		const customer = { id: "cust4711", name: "Al", email: `${"a".repeat(90)}@example.com`, phone: "9000012345" };
		await adapter.createOrder(account, { ...input, customer });
		expect(seen[0]?.body.customer_details).toEqual({ customer_id: "cust4711", customer_phone: "9000012345" });
	});

	test("webhooks are asked for only at an address that Cashfree takes", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		await adapter.createOrder(account, { ...input, webhook_url: "http://127.0.0.1:3000/webhook", method: null });
		await adapter.createOrder(account, { ...input, webhook_url: `https://pay.example.in/${"x".repeat(250)}` });
		expect(seen[0]?.body.order_meta).toEqual({ return_url: input.return_url });
		expect(seen[1]?.body.order_meta).not.toHaveProperty("notify_url");
	});

	test.each([
		["+919000012345", "9000012345"],
		["09000012345", "9000012345"],
		["9000012345", "9000012345"],
		["+44 20 7946 0958", "+442079460958"],
		["12345", "9999999999"],
		["020 7946 0958 1", "9999999999"],
		[undefined, "9999999999"],
	])("the phone number %s goes as %s", async (phone, sent) => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		await adapter.createOrder(account, { ...input, customer: { phone } });
		expect(seen[0]?.body.customer_details).toEqual({
			customer_id: ORDER.replaceAll("-", ""),
			customer_phone: sent,
		});
	});

	test("customers whose ids differ in signs alone stay two customers", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		for (const id of ["a.rao@x.in", "arao@x.in", "a", "x".repeat(80)]) {
			await adapter.createOrder(account, { ...input, customer: { id } });
		}
		const ids = seen.map(({ body }) => body.customer_details.customer_id);
		expect(new Set(ids).size).toBe(4);
		for (const id of ids) expect(id).toMatch(/^[0-9a-f]{40}$/);
	});

	test("a note is neither too long nor too short", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		await adapter.createOrder(account, { ...input, description: "x".repeat(500) });
		await adapter.createOrder(account, { ...input, description: "x" });
		expect(seen.map(({ body }) => body.order_note.length)).toEqual([200, 3]);
	});

	test.each([
		["more rupees than JSON can hold", { amount: Number.MAX_SAFE_INTEGER }],
		["a part of a paisa", { amount: 100.5 }],
		["a currency without hundredths", { currency: "JPY" }],
		["a currency with thousandths", { currency: "KWD" }],
		["no currency", { currency: "rupees" }],
		["a part that is no amount", { splits: [{ account: "vendor_kaveri", amount: 0.5 }] }],
	])("%s is never sent", async (_, wrong) => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		expect(await adapter.createOrder(account, { ...input, ...wrong })).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request" },
		});
		expect(seen).toEqual([]);
	});

	test.each([
		["another amount", { order_amount: 498.99 }],
		["another currency", { order_currency: "USD" }],
	])("an order for %s is shown to nobody", async (_, wrong) => {
		const { adapter } = await adapterAgainst(json(anOrder(wrong)));
		const result = await adapter.createOrder(account, input);
		expect(result).toMatchObject({ outcome: "failed", error: { code: "amount_mismatch" } });
	});

	test.each([
		["of another id", { order_id: "another" }],
		["without a session", { payment_session_id: null }],
		["without a readable amount", { order_amount: "499.001" }],
	])("an order %s is unknown", async (_, wrong) => {
		const { adapter } = await adapterAgainst(json(anOrder(wrong)));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "unreadable_answer" },
		});
	});

	test("an order that exists already is the one made before, and is looked up", async () => {
		const exists = json(fixture("order.create.already-exists"), 409);
		const { adapter, calls } = await adapterAgainst([exists, json(anOrder())]);
		expect(await adapter.createOrder(account, input)).toMatchObject({ outcome: "succeeded", psp_order_id: ORDER });
		expect(calls()).toEqual(["POST /pg/orders", `GET /pg/orders/${ORDER}`]);
	});

	test("an order that exists already for another amount is refused", async () => {
		const exists = json(fixture("order.create.already-exists"), 409);
		const { adapter } = await adapterAgainst([exists, json(anOrder({ order_amount: 1 }))]);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "amount_mismatch" },
		});
	});

	test.each([
		["order_amount : should be at least 1", 400, "order_amount_invalid", "invalid_request_error", "invalid_request"],
		["authentication Failed", 401, "request_failed", "authentication_error", "authentication_failed"],
		["this is not allowed", 403, "request_failed", "invalid_request_error", "authentication_failed"],
		["vendor does not exist", 400, "api_request_failed", "invalid_request_error", "invalid_request"],
		["Too many requests from IP. Check headers", 429, "request_failed", "rate_limit_error", "rate_limited"],
	] as const)("%s is a refusal", async (message, status, psp_code, type, code) => {
		const { adapter, seen } = await adapterAgainst(refusal(status, message, psp_code, type));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code, psp_code, message, http_status: status },
		});
		expect(seen).toHaveLength(1);
	});

	test.each([
		["internal Server Error", refusal(500, "internal Server Error", "internal_error", "api_error")],
		["a bank's failure", refusal(502, "bank is not responding", "bank_processing_failure", "api_error")],
		["a fault with a status that says refusal", refusal(400, "upstream failed", "request_failed", "api_error")],
		["a conflict of idempotency keys", refusal(422, "in progress", "request_invalid", "idempotency_error")],
		["a page of a proxy", html(503)],
		["a page where an order was to be", html(200)],
		["a redirect", (_: SeenRequest, response: http.ServerResponse) => response.writeHead(302, { location: "/" }).end()],
		["a closed connection", hangUp],
	])("%s leaves the order unknown", async (_, respond) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect((await adapter.createOrder(account, input)).outcome).toBe("unknown");
		expect(seen).toHaveLength(1);
	});

	test.each([
		[{ "x-ratelimit-retry": "42" }, 42],
		[{ "x-ratelimit-retry": "0" }, null],
		[{ "x-ratelimit-retry": "soon" }, null],
		[{ "x-ratelimit-retry": "42", "retry-after": "7" }, 7],
	])("how long to wait is read from %j", async (headers, retry_after_seconds) => {
		const { adapter } = await adapterAgainst(
			json({ message: "Too many requests", code: "request_failed" }, 429, headers),
		);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "rate_limited", retry_after_seconds },
		});
	});

	test("one account's credentials never reach another's call", async () => {
		const { adapter, seen } = await adapterAgainst(json(anOrder()));
		const other = { ...account, api_key: "TEST_OTHER", api_secret: "another-client-secret" };
		await Promise.all([account, other, account, other].map((each) => adapter.createOrder(each, input)));
		const pairs = seen.map(({ headers }) => `${headers["x-client-id"]} ${headers["x-client-secret"]}`).sort();
		expect(pairs.filter((pair) => pair === `${account.api_key} ${account.api_secret}`)).toHaveLength(2);
		expect(pairs.filter((pair) => pair === "TEST_OTHER another-client-secret")).toHaveLength(2);
	});
});

describe("finding an order", () => {
	test("is by our reference", async () => {
		const { adapter, calls } = await adapterAgainst(json(anOrder({ order_status: "PAID" })));
		expect(await adapter.findOrder(account, input)).toMatchObject({ outcome: "succeeded", psp_order_id: ORDER });
		expect(calls()).toEqual([`GET /pg/orders/${ORDER}`]);
	});

	test("there is none when Cashfree says so, and says so itself", async () => {
		const known = await adapterAgainst(orderNotFound);
		expect(await known.adapter.findOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "not_found", psp_code: "order_not_found" },
		});
		for (const respond of [html(404), refusal(404, "bad URL, please check API documentation")]) {
			const { adapter } = await adapterAgainst(respond);
			expect((await adapter.findOrder(account, input)).outcome).toBe("unknown");
		}
	});
});

describe("asking for the status", () => {
	test("a success counts, however many tries came after it", async () => {
		const { adapter, calls } = await adapterAgainst(json(fixture("order.payments.failed-then-paid")));
		expect(await adapter.fetchStatus(account, order_names)).toMatchObject({
			outcome: "succeeded",
			psp_order_id: ORDER,
			reference: ORDER,
			psp_payment_id: "12376124",
			amount: 1_001,
			currency: "INR",
			method: "upi",
			bank_reference: "P78112898712",
			error: null,
		});
		expect(calls()).toEqual([`GET /pg/orders/${ORDER}/payments`]);
	});

	test("a failed payment that says it is captured is a failed one", async () => {
		const { adapter } = await adapterAgainst(json(fixture("order.payments.failed-marked-captured")));
		expect(await adapter.fetchStatus(account, order_names)).toMatchObject({
			outcome: "failed",
			amount: 1_001,
			method: "card",
			error: { code: "declined", psp_code: "auth_declined" },
		});
	});

	test("money that is blocked for a capture is not taken", async () => {
		const { adapter } = await adapterAgainst(json(fixture("order.payments.preauthorised")));
		expect(await adapter.fetchStatus(account, order_names)).toMatchObject({ outcome: "authorized", amount: 1_001 });
	});

	test("whether it was captured is said in one place or in the other", async () => {
		const [held] = fixture("order.payments.preauthorised");
		const outcomeOf = async (changes: object) => {
			const { adapter } = await adapterAgainst(json([{ ...held, ...changes }]));
			return (await adapter.fetchStatus(account, order_names)).outcome;
		};
		expect(await outcomeOf({ authorization: null })).toBe("authorized");
		expect(await outcomeOf({ is_captured: undefined })).toBe("authorized");
		expect(await outcomeOf({ is_captured: undefined, authorization: null })).toBe("succeeded");
		// As in Cashfree's own sample of a success.
		expect(await outcomeOf({ is_captured: true })).toBe("succeeded");
		expect(await outcomeOf({ is_captured: true, authorization: "CAPTURE" })).toBe("succeeded");
	});

	test.each([
		["PENDING", "pending"],
		["NOT_ATTEMPTED", "pending"],
		["FAILED", "failed"],
		["USER_DROPPED", "failed"],
		["CANCELLED", "failed"],
		["VOID", "failed"],
		["UNDER_REVIEW", "unknown"],
	])("a payment that is %s is %s", async (payment_status, outcome) => {
		const [payment] = fixture("order.payments.failed-marked-captured");
		const { adapter } = await adapterAgainst(json([{ ...payment, payment_status }]));
		expect((await adapter.fetchStatus(account, order_names)).outcome).toBe(outcome);
	});

	test("the newest try is told of, by its time and then by its id", async () => {
		const [payment] = fixture("order.payments.failed-marked-captured");
		const at = (payment_time: string, cf_payment_id: string) => ({ ...payment, payment_time, cf_payment_id });
		const earlier = at("2026-11-20T12:15:06+05:30", "99999999");
		const later = at("2026-11-20T12:15:07+05:30", "9999998");
		const latest = at("2026-11-20T12:15:07+05:30", "10000000");
		const untouched = { ...at("2026-11-20T12:16:00+05:30", "10000001"), payment_status: "NOT_ATTEMPTED" };
		for (const list of [
			[earlier, later, latest, untouched],
			[untouched, latest, later, earlier],
		]) {
			const { adapter } = await adapterAgainst(json(list));
			expect((await adapter.fetchStatus(account, order_names)).psp_payment_id).toBe("10000000");
		}
	});

	test("of two successes the first counts: the other goes back by itself", async () => {
		const [first] = fixture("order.payments.failed-then-paid");
		const second = { ...first, cf_payment_id: "12376126", payment_completion_time: "2026-11-20T12:19:10+05:30" };
		// Begun before the first, done after it.
		const slow = { ...second, cf_payment_id: "12376120", payment_time: "2026-11-20T12:15:00+05:30" };
		for (const list of [
			[second, first],
			[first, second],
			[first, slow],
		]) {
			const { adapter } = await adapterAgainst(json(list));
			expect((await adapter.fetchStatus(account, order_names)).psp_payment_id).toBe("12376124");
		}
	});

	test("words that are names of every object are no codes", async () => {
		const [payment] = fixture("order.payments.failed-marked-captured");
		for (const name of ["constructor", "toString", "__proto__"]) {
			const failed = { ...payment, payment_message: null, payment_group: name, error_details: { error_reason: name } };
			const { adapter } = await adapterAgainst(json([failed]));
			expect(await adapter.fetchStatus(account, order_names)).toMatchObject({
				outcome: "failed",
				method: name,
				error: { code: "declined" },
			});
			const [refused, odd] = [refusal(400, "no", name), json(aRefund({ refund_status: name }))];
			expect(await (await adapterAgainst(refused)).adapter.createOrder(account, input)).toMatchObject({
				outcome: "failed",
				error: { code: "invalid_request" },
			});
			expect((await (await adapterAgainst(odd)).adapter.refund(account, refundInput)).outcome).toBe("unknown");
		}
	});

	test("payments of another order say nothing", async () => {
		const foreign = fixture("order.payments.failed-then-paid").map((payment: object) => ({
			...payment,
			order_id: "x",
		}));
		const { adapter } = await adapterAgainst(json(foreign));
		expect(await adapter.fetchStatus(account, order_names)).toMatchObject({ outcome: "unknown", amount: null });
	});

	test("a list with one payment that cannot be read is not taken in part", async () => {
		const [paid, dropped] = fixture("order.payments.failed-then-paid");
		const { adapter } = await adapterAgainst(json([{ ...paid, payment_amount: "10.011" }, dropped]));
		expect((await adapter.fetchStatus(account, order_names)).outcome).toBe("unknown");
	});

	test("an order that Cashfree does not know is unknown, never failed", async () => {
		const { adapter } = await adapterAgainst(orderNotFound);
		expect(await adapter.fetchStatus(account, order_names)).toMatchObject({
			outcome: "unknown",
			error: { code: "not_found" },
		});
	});

	test("an id that is none is not put into an address", async () => {
		const { adapter, seen } = await adapterAgainst(json([]));
		const state = await adapter.fetchStatus(account, { psp_order_id: "../settlements", reference: ORDER });
		expect(state.outcome).toBe("unknown");
		expect(seen).toEqual([]);
	});
});

describe("the payer's return", () => {
	test.each<Record<string, string>>([
		{},
		{ order_id: ORDER },
		{ order_id: ORDER, order_status: "PAID", signature: "x" },
	])("proves nothing: %j", (query) => {
		const adapter = createCashfreeAdapter();
		const result = adapter.verifyReturn(account, { query, form: {}, psp_order_id: ORDER });
		expect(result).toEqual({ verified: false, claims: "unknown" });
	});
});

describe("closing an order", () => {
	test("asks for its termination", async () => {
		const { adapter, seen, calls } = await adapterAgainst(json(anOrder({ order_status: "TERMINATED" })));
		expect((await adapter.closeOrder?.(account, order_names))?.outcome).toBe("succeeded");
		expect(calls()).toEqual([`PATCH /pg/orders/${ORDER}`]);
		expect(seen[0]?.body).toEqual({ order_status: "TERMINATED" });
	});

	test.each([
		["TERMINATION_REQUESTED", "unknown"],
		["ACTIVE", "unknown"],
		["PAID", "failed"],
	])("an order that is then %s is not closed", async (order_status, outcome) => {
		const { adapter } = await adapterAgainst(json(anOrder({ order_status })));
		expect((await adapter.closeOrder?.(account, order_names))?.outcome).toBe(outcome);
	});

	test.each([
		["PAID", "failed", "order_already_paid"],
		["TERMINATED", "succeeded", undefined],
		["TERMINATION_REQUESTED", "unknown", "psp_unavailable"],
		["ACTIVE", "failed", "invalid_request"],
	])("refused, for an order that is %s", async (order_status, outcome, code) => {
		const { adapter } = await adapterAgainst([refusal(400, "not now"), json(anOrder({ order_status }))]);
		const result = await adapter.closeOrder?.(account, order_names);
		expect(result?.outcome).toBe(outcome);
		expect(result && "error" in result ? result.error.code : undefined).toBe(code);
	});

	test.each([
		["nobody had begun to pay", [], "succeeded"],
		["a try had failed", fixture("order.payments.failed-marked-captured"), "succeeded"],
		[
			"a payer has begun to pay",
			[{ ...fixture("order.payments.preauthorised")[0], payment_status: "PENDING" }],
			"unknown",
		],
		["money is held", fixture("order.payments.preauthorised"), "unknown"],
		["it was paid in the end", fixture("order.payments.failed-then-paid"), "failed"],
	])("refused, for one that has expired when %s", async (_, payments, outcome) => {
		const expired = json(anOrder({ order_status: "EXPIRED" }));
		const { adapter } = await adapterAgainst([refusal(400, "order is no longer active"), expired, json(payments)]);
		expect((await adapter.closeOrder?.(account, order_names))?.outcome).toBe(outcome);
	});

	test("refused, and the lookup lost, leaves it unknown", async () => {
		const { adapter } = await adapterAgainst([refusal(400, "not now"), hangUp]);
		expect((await adapter.closeOrder?.(account, order_names))?.outcome).toBe("unknown");
	});

	test("refused for the credentials or the rate says nothing of the order, and is not asked again", async () => {
		for (const status of [401, 429]) {
			const { adapter, seen } = await adapterAgainst(refusal(status, "no"));
			expect((await adapter.closeOrder?.(account, order_names))?.outcome).toBe("failed");
			expect(seen).toHaveLength(1);
		}
	});

	test("one that does not exist is not found", async () => {
		const { adapter } = await adapterAgainst(orderNotFound);
		expect(await adapter.closeOrder?.(account, order_names)).toMatchObject({
			outcome: "failed",
			error: { code: "not_found" },
		});
	});
});

describe("refunding", () => {
	test("sends rupees and our id", async () => {
		const { adapter, seen, calls } = await adapterAgainst(json(aRefund()));
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "pending",
			reference: REFUND,
			psp_refund_id: "1553338",
			psp_payment_id: "12376123",
			amount: 1_050,
			error: null,
		});
		expect(calls()).toEqual([`POST /pg/orders/${ORDER}/refunds`]);
		expect(seen[0]?.body).toEqual({
			refund_id: REFUND,
			refund_amount: 10.5,
			refund_note: "Out of stock",
			refund_speed: "STANDARD",
		});
		expect(seen[0]?.headers).not.toHaveProperty("x-idempotency-key");
	});

	test.each([
		["SUCCESS", "succeeded"],
		["PENDING", "pending"],
		["ONHOLD", "pending"],
		["CANCELLED", "failed"],
		["FAILED", "failed"],
		["ELSEWHERE", "unknown"],
	])("%s is %s", async (refund_status, outcome) => {
		const { adapter } = await adapterAgainst(json(aRefund({ refund_status })));
		expect((await adapter.refund(account, refundInput)).outcome).toBe(outcome);
	});

	test.each([
		["a repeated id", refusal(409, "refund with same id is already present", "refund_already_exists")],
		["too much, after the first took all", refusal(400, "refund amount is greater than", "refund_amount_invalid")],
		["something else", refusal(422, "validation failed", "request_invalid", "validation_error")],
	])("refused for %s answers the refund that there is under the id", async (_, refused) => {
		const { adapter, calls } = await adapterAgainst([refused, json(aRefund({ refund_status: "SUCCESS" }))]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome: "succeeded", amount: 1_050 });
		expect(calls()[1]).toBe(`GET /pg/orders/${ORDER}/refunds/${REFUND}`);
	});

	test("a refund of another amount under the same id keeps the one asked for from being made", async () => {
		const other = json(aRefund({ refund_amount: 9.5 }));
		const refused = await adapterAgainst([refusal(409, "exists"), other]);
		expect(await refused.adapter.refund(account, refundInput)).toMatchObject({
			outcome: "failed",
			psp_refund_id: null,
			error: { code: "duplicate_request" },
		});
		const made = await adapterAgainst(other);
		expect(await made.adapter.refund(account, refundInput)).toMatchObject({
			outcome: "unknown",
			amount: null,
			error: { code: "amount_mismatch" },
		});
	});

	test.each([
		["of another order", { order_id: "another-order" }],
		["of another id", { refund_id: randomUUID() }],
		["of no id", { refund_id: null }],
		["of a negative amount", { refund_amount: -10.5 }],
	])("an answer about a refund %s is unknown", async (_, changes) => {
		for (const answers of [[json(aRefund(changes))], [refusal(409, "exists"), json(aRefund(changes))]]) {
			const { adapter } = await adapterAgainst(answers);
			expect((await adapter.refund(account, refundInput)).outcome).toBe("unknown");
		}
	});

	test.each([
		["refund_amount : refund amount is greater than the amount left to refund", "refund_amount_invalid"],
		["Refund amount exceeds order amount", "request_failed"],
		["order is already refunded", "request_failed"],
	])("%s: refused when there is no refund under the id", async (message, code) => {
		const { adapter } = await adapterAgainst([refusal(400, message, code), refundNotFound]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "failed",
			error: { code: "refund_exceeds_amount", message },
		});
	});

	test("refused, and the lookup lost, is unknown: the refund may be the one made before", async () => {
		for (const lookup of [hangUp, html(404), refusal(500, "internal Server Error", "internal_error", "api_error")]) {
			const { adapter } = await adapterAgainst([refusal(400, "no"), lookup]);
			expect((await adapter.refund(account, refundInput)).outcome).toBe("unknown");
		}
	});

	test("a fault or a lost reply is unknown, without a second call", async () => {
		for (const respond of [hangUp, html(502), refusal(500, "internal Server Error", "internal_error", "api_error")]) {
			const { adapter, seen } = await adapterAgainst(respond);
			expect((await adapter.refund(account, refundInput)).outcome).toBe("unknown");
			expect(seen).toHaveLength(1);
		}
	});

	test("its status is asked for by our id", async () => {
		const { adapter, calls } = await adapterAgainst(json(aRefund({ refund_status: "SUCCESS", refund_arn: "2059" })));
		const wanted = { ...refundInput, psp_refund_id: "1553338" };
		expect(await adapter.fetchRefund(account, wanted)).toMatchObject({ outcome: "succeeded", bank_reference: "2059" });
		expect(calls()).toEqual([`GET /pg/orders/${ORDER}/refunds/${REFUND}`]);
	});

	test("a status that cannot be had is unknown", async () => {
		const another = [json(aRefund({ refund_id: randomUUID() })), json(aRefund({ order_id: "another-order" }))];
		for (const respond of [refundNotFound, hangUp, html(200), ...another]) {
			const { adapter } = await adapterAgainst(respond);
			const state = await adapter.fetchRefund(account, { ...refundInput, psp_refund_id: "1553338" });
			expect(state).toMatchObject({ outcome: "unknown", reference: REFUND, psp_refund_id: null });
		}
	});
});

describe("a further payment", () => {
	const [success] = fixture("order.payments.failed-then-paid");
	const first = { ...success, cf_payment_id: "12376123" };
	const further = {
		...success,
		cf_payment_id: "12376130",
		payment_time: "2026-11-20T12:18:00+05:30",
		payment_completion_time: "2026-11-20T12:19:30+05:30",
	};
	const PAYMENTS = `GET /pg/orders/${ORDER}/payments`;
	const REFUNDS = `GET /pg/orders/${ORDER}/refunds`;
	const asked = { ...refundInput, psp_payment_id: "12376130", amount: 1_001, is_further_payment: true };
	const wanted = { ...asked, psp_refund_id: "1243460973" };
	/** What the order was paid with, what of it was given back, and what a refund that is asked for is answered with. */
	const paidWith = (payments: object[], refunds: object[]) =>
		adapterAgainst([json(payments), json(refunds), json(aRefund({ refund_amount: 10.01 }))]);
	const automatic = (changes: object = {}) => ({
		...fixture("refund.auto.success").data.auto_refund,
		cf_refund_id: "1243460973",
		cf_payment_id: "12376130",
		refund_amount: 10.01,
		...changes,
	});

	test.each([
		["SUCCESS", "succeeded"],
		["PENDING", "pending"],
		["CANCELLED", "failed"],
	])("that Cashfree gives back by itself is answered as it is there: %s", async (refund_status, outcome) => {
		// Some lists name an id that is none of ours.
		for (const refund_id of [null, "auto_1243460973"]) {
			const { adapter, calls } = await paidWith([further, first], [aRefund(), automatic({ refund_status, refund_id })]);
			expect(await adapter.refund(account, asked)).toMatchObject({
				outcome,
				reference: REFUND,
				psp_refund_id: "1243460973",
				psp_payment_id: "12376130",
				amount: 1_001,
			});
			expect(calls()).toEqual([PAYMENTS, REFUNDS]);
		}
	});

	test("that Cashfree has yet to give back is asked about again, never refunded by order", async () => {
		const another = automatic({ order_id: "another-order" });
		for (const refunds of [[], [aRefund()], [another]]) {
			const { adapter, calls } = await paidWith([further, first], refunds);
			expect(await adapter.refund(account, asked)).toMatchObject({
				outcome: "unknown",
				reference: REFUND,
				psp_refund_id: null,
				error: { message: expect.stringContaining("by itself") },
			});
			expect(calls()).toEqual([PAYMENTS, REFUNDS]);
		}
	});

	test("that Cashfree does not list yet, or no longer as taken, is not refunded by order", async () => {
		for (const payments of [[first], [], [first, { ...further, payment_status: "VOID" }]]) {
			const { adapter, calls } = await paidWith(payments, []);
			expect((await adapter.refund(account, asked)).outcome).toBe("unknown");
			expect(calls()).toEqual([PAYMENTS, REFUNDS]);
			const told = await paidWith(payments, [automatic()]);
			expect((await told.adapter.refund(account, asked)).outcome).toBe("succeeded");
		}
	});

	test("that is the only one of its order is refunded by order", async () => {
		const { adapter, calls } = await adapterAgainst([json([further]), json(aRefund({ refund_amount: 10.01 }))]);
		expect(await adapter.refund(account, asked)).toMatchObject({ outcome: "pending", psp_refund_id: "1553338" });
		expect(calls()).toEqual([PAYMENTS, `POST /pg/orders/${ORDER}/refunds`]);
	});

	test("is not refunded while it cannot be known what becomes of it", async () => {
		const broken = [hangUp, html(502), html(200), refusal(500, "internal Server Error", "internal_error", "api_error")];
		for (const lookup of broken) {
			for (const answers of [[lookup], [json([further, first]), lookup]]) {
				const { adapter, seen } = await adapterAgainst(answers);
				expect((await adapter.refund(account, asked)).outcome).toBe("unknown");
				expect(seen.map(({ method }) => method)).not.toContain("POST");
			}
		}
	});

	test("waits for credentials that Cashfree takes, as any refund does", async () => {
		const { adapter } = await adapterAgainst(refusal(401, "authentication Failed", "request_failed"));
		expect(await adapter.refund(account, asked)).toMatchObject({
			outcome: "failed",
			error: { code: "authentication_failed" },
		});
	});

	test("is found again by the id of Cashfree's own refund", async () => {
		const { adapter, calls } = await adapterAgainst([refundNotFound, json([aRefund(), automatic()])]);
		expect(await adapter.fetchRefund(account, wanted)).toMatchObject({
			outcome: "succeeded",
			reference: REFUND,
			psp_refund_id: "1243460973",
			psp_payment_id: "12376130",
			amount: 1_001,
			bank_reference: "205907014017",
		});
		expect(calls()).toEqual([`GET /pg/orders/${ORDER}/refunds/${REFUND}`, REFUNDS]);
	});

	test("is not taken for given back by another refund", async () => {
		const others = [
			automatic({ cf_refund_id: "1" }),
			automatic({ order_id: "another-order" }),
			automatic({ refund_type: "MERCHANT_INITIATED", refund_id: "by-hand" }),
		];
		for (const list of [json([]), json(others), hangUp, html(200)]) {
			const { adapter } = await adapterAgainst([refundNotFound, list]);
			expect(await adapter.fetchRefund(account, wanted)).toMatchObject({ outcome: "unknown", psp_refund_id: null });
		}
	});
});

describe("giving a part of a payment away", () => {
	test("sends the part with our id as the key that makes repeating safe", async () => {
		const { adapter, seen, calls } = await adapterAgainst(json({ status: "OK", message: "Order split created" }));
		expect(await adapter.transfer?.(account, transferInput)).toMatchObject({
			outcome: "succeeded",
			psp_transfer_id: null,
			amount: null,
			error: null,
		});
		expect(calls()).toEqual([`POST /pg/easy-split/orders/${ORDER}/split`]);
		expect(seen[0]?.headers["x-idempotency-key"]).toBe(REFUND);
		expect(seen[0]?.body).toEqual({
			split: [{ vendor_id: "vendor_kaveri", amount: 70.07, tags: { transfer: REFUND } }],
			disable_split: false,
		});
	});

	test.each([
		["vendor does not exist", 400, "failed", "invalid_request", null],
		["Transaction already processed, not eligible for split", 409, "failed", "invalid_request", null],
		["Transaction is not synced, please retry after 2 mins", 400, "failed", "psp_unavailable", 120],
	])("%s", async (message, status, outcome, code, retry_after_seconds) => {
		const { adapter } = await adapterAgainst(refusal(status, message, "api_request_failed"));
		const result = await adapter.transfer?.(account, transferInput);
		expect(result).toMatchObject({ outcome, error: { code, retry_after_seconds } });
	});

	test("a lost reply, or an answer that is not OK, is unknown", async () => {
		for (const respond of [hangUp, json({ status: "PENDING" }), html(200)]) {
			const { adapter } = await adapterAgainst(respond);
			expect((await adapter.transfer?.(account, transferInput))?.outcome).toBe("unknown");
		}
	});
});

describe("the settlement report", () => {
	test("is asked for by the day in India and read to the paisa", async () => {
		const { adapter, seen, calls } = await adapterAgainst(json(fixture("settlement.recon.four-kinds")));
		const report = await adapter.fetchSettlement(account, "2026-11-20");
		expect(calls()).toEqual(["POST /pg/settlement/recon"]);
		expect(seen[0]?.body).toEqual({
			pagination: { limit: 1000, cursor: null },
			filters: {
				start_date_processed_on: "2026-11-20T00:00:00+05:30",
				end_date_processed_on: "2026-11-20T23:59:59+05:30",
			},
		});
		const settled = {
			psp_settlement_id: "4301319325",
			currency: "INR",
			utr: "1644822317781212",
			settled_at: new Date("2026-11-20T07:05:19Z"),
		};
		expect(report).toEqual({
			outcome: "succeeded",
			lines: [
				{
					...settled,
					kind: "payment",
					psp_kind: "PAYMENT",
					psp_id: "5114912345678",
					psp_payment_id: "5114912345678",
					psp_order_id: ORDER,
					amount: 20_000,
					credit: 19_587,
					debit: 0,
					fee: 413,
					tax: 63,
				},
				{
					...settled,
					kind: "refund",
					psp_kind: "REFUND",
					psp_id: "11325632",
					psp_payment_id: "5114912345678",
					psp_order_id: ORDER,
					amount: 5_050,
					credit: 0,
					debit: 5_050,
					fee: 0,
					tax: 0,
				},
				{
					...settled,
					kind: "adjustment",
					psp_kind: expect.any(String),
					psp_id: "77120",
					psp_payment_id: null,
					psp_order_id: null,
					amount: 1_180,
					credit: 0,
					debit: 1_180,
					fee: 0,
					tax: 0,
					utr: null,
				},
				{
					...settled,
					kind: "payment",
					psp_kind: "PAYMENT",
					psp_id: "43595",
					psp_payment_id: null,
					psp_order_id: "shop-order-17",
					amount: 9_999,
					credit: 9_792,
					debit: 0,
					fee: 176 + 32,
					tax: 32,
				},
			],
		});
	});

	test("follows the cursor to the end", async () => {
		const { data } = fixture("settlement.recon.four-kinds");
		const pages = [
			json({ cursor: "b", limit: 2, data: data.slice(0, 2) }),
			json({ cursor: "c", limit: 2, data: data.slice(2, 3) }),
			json({ cursor: null, limit: 2, data: data.slice(3) }),
		];
		const { adapter, seen } = await adapterAgainst(pages, { page_size: 2 });
		const report = await adapter.fetchSettlement(account, "2026-11-20");
		expect(report.outcome === "succeeded" && report.lines).toHaveLength(4);
		expect(seen.map(({ body }) => body.pagination)).toEqual([
			{ limit: 2, cursor: null },
			{ limit: 2, cursor: "b" },
			{ limit: 2, cursor: "c" },
		]);
	});

	test("ends at an empty page, and never goes round in circles", async () => {
		const { data } = fixture("settlement.recon.four-kinds");
		const empty = await adapterAgainst(json({ cursor: "a", limit: 10, data: [] }));
		expect(await empty.adapter.fetchSettlement(account, "2026-11-20")).toEqual({ outcome: "succeeded", lines: [] });
		const round = await adapterAgainst(json({ cursor: "a", limit: 10, data }));
		expect((await round.adapter.fetchSettlement(account, "2026-11-20")).outcome).toBe("unknown");
		expect(round.seen).toHaveLength(2);
	});

	test("with one line that cannot be read is not given in part", async () => {
		const report = fixture("settlement.recon.four-kinds");
		report.data[1].event_details.event_amount = "50.505";
		const { adapter } = await adapterAgainst(json(report));
		expect((await adapter.fetchSettlement(account, "2026-11-20")).outcome).toBe("unknown");
	});

	test("is not asked for a day that is none", async () => {
		const { adapter, seen } = await adapterAgainst(json({}));
		expect((await adapter.fetchSettlement(account, "20-11-2026")).outcome).toBe("failed");
		expect(seen).toEqual([]);
	});
});

describe("the SDK", () => {
	test("reports nothing to its makers", async () => {
		const { adapter } = await adapterAgainst(hangUp);
		await adapter.createOrder(account, input);
		const require_of_sdk = createRequire(createRequire(import.meta.url).resolve("cashfree-pg"));
		const { isInitialized } = require_of_sdk("@sentry/node") as { isInitialized(): boolean };
		expect(isInitialized()).toBe(false);
	});
});

describe("without a sandbox", () => {
	test.each([
		["TEST430329ae80e0f32e41a393d78b923034", "secret", "sandbox", "https://sandbox.cashfree.com"],
		["430329ae80e0f32e41a393d78b923034", "cfsk_ma_test_0e1f2a3b", "sandbox", "https://sandbox.cashfree.com"],
		["430329ae80e0f32e41a393d78b923034", "cfsk_ma_prod_0e1f2a3b", "production", "https://api.cashfree.com"],
	])("the account %s with the secret %s is known at the host of its mode", async (api_key, api_secret, mode, host) => {
		const called = vi.spyOn(globalThis, "fetch").mockImplementation(async () => Response.json(anOrder()));
		const result = await createCashfreeAdapter().createOrder({ ...account, api_key, api_secret }, input);
		expect(called.mock.calls.map(([url]) => url)).toEqual([`${host}/pg/orders`]);
		called.mockRestore();
		expect(result).toMatchObject({
			outcome: "succeeded",
			presentation: { script_url: "https://sdk.cashfree.com/js/v3/cashfree.js", session: { mode } },
		});
	});

	test("everything is Cashfree's own", () => {
		const adapter = createCashfreeAdapter();
		expect(adapter.browser_origins).toContain("https://sdk.cashfree.com");
		for (const origin of adapter.browser_origins) expect(new URL(origin).hostname).toMatch(/\.cashfree\.com$/);
		expect(adapter.webhook_networks.length).toBeGreaterThan(0);
		for (const network of adapter.webhook_networks) expect(network).toMatch(/^\d+\.\d+\.\d+\.\d+\/32$/);
	});
});
