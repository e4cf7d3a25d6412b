import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestSandbox } from "../test-sandbox.ts";

const ACCOUNT = { provider: "cashfree", api_key: "TEST4303", api_secret: "client secret" };

let test: Awaited<ReturnType<typeof startTestSandbox>>;
beforeAll(async () => {
	test = await startTestSandbox();
	await test.control("PUT", "accounts", ACCOUNT);
	await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "TEST_OTHER" });
});
afterAll(() => test.close());

interface Answer {
	status: number;
	headers: Headers;
	// biome-ignore lint/suspicious/noExplicitAny: every answer is looked at in its own test
	body: any;
}

async function call(
	method: string,
	path: string,
	body?: unknown,
	headers: Record<string, string> = {},
): Promise<Answer> {
	const response = await fetch(`${test.url}/cashfree/pg${path}`, {
		method,
		headers: {
			"x-client-id": ACCOUNT.api_key,
			"x-client-secret": ACCOUNT.api_secret,
			"x-api-version": "2025-01-01",
			"content-type": "application/json",
			...headers,
		},
		...(body !== undefined && { body: JSON.stringify(body) }),
	});
	return { status: response.status, headers: response.headers, body: await response.json() };
}

const newOrder = (changes: object = {}) => ({
	order_id: randomUUID(),
	order_amount: 499,
	order_currency: "INR",
	customer_details: { customer_id: "cust4711", customer_phone: "9000012345" },
	...changes,
});

async function createOrder(changes: object = {}): Promise<string> {
	const { status, body } = await call("POST", "/orders", newOrder(changes));
	if (status !== 200) throw new Error(JSON.stringify(body));
	return body.order_id;
}

async function paidOrder(changes: object = {}): Promise<string> {
	const order = await createOrder(changes);
	await pay(order, "success");
	return order;
}

const pay = (order: string, outcome: string, more: object = {}) =>
	test.control("POST", "pay", { provider: "cashfree", order, outcome, ...more });

describe("orders", () => {
	it("are made and read as Cashfree writes them", async () => {
		const order = newOrder({
			order_amount: 10.15,
			order_meta: { return_url: "http://shop.example/{order_id}", notify_url: "https://shop.example/cf" },
			order_note: "Two books",
			order_tags: { name: "Asha" },
		});
		const before = Date.now();
		const { status, body } = await call("POST", "/orders", order);
		const after = Date.now();
		expect(status).toBe(200);
		expect(body).toMatchObject({
			cf_order_id: expect.stringMatching(/^\d{16}$/),
			entity: "order",
			order_amount: 10.15,
			order_id: order.order_id,
			order_meta: { return_url: "http://shop.example/{order_id}", notify_url: "https://shop.example/cf" },
			order_note: "Two books",
			order_splits: [],
			order_status: "ACTIVE",
			order_tags: { name: "Asha" },
			payment_session_id: expect.stringMatching(/^session_\w{100}$/),
			customer_details: { customer_id: "cust4711", customer_phone: "9000012345", customer_name: null },
		});
		expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+05:30$/);
		// Whole seconds are told.
		expect(Date.parse(body.created_at)).toBeGreaterThan(before - 1_000);
		expect(Date.parse(body.created_at)).toBeLessThanOrEqual(after);
		expect((await call("GET", `/orders/${order.order_id}`)).body).toEqual(body);
	});

	it("get an id when they bring none", async () => {
		const { body } = await call("POST", "/orders", newOrder({ order_id: undefined }));
		expect(body.order_id).toMatch(/^order_\w{30}$/);
	});

	it("belong to one account", async () => {
		const order = await createOrder();
		const other = { "x-client-id": "TEST_OTHER" };
		expect((await call("GET", `/orders/${order}`, undefined, other)).status).toBe(404);
		expect((await call("POST", "/orders", newOrder({ order_id: order }), other)).status).toBe(200);
	});

	it("are refused under an id that there is", async () => {
		const order = await createOrder();
		expect(await call("POST", "/orders", newOrder({ order_id: order }))).toMatchObject({
			status: 409,
			body: {
				message: "order with same id is already present",
				code: "order_already_exists",
				type: "invalid_request_error",
			},
		});
	});

	it.each([
		["no amount", { order_amount: undefined }, "order_amount_missing"],
		["less than a rupee", { order_amount: 0.99 }, "order_amount_invalid"],
		["three decimals", { order_amount: 10.155 }, "order_amount_invalid"],
		["an amount in words", { order_amount: "10" }, "order_amount_invalid"],
		["a currency that is none", { order_currency: "rupee" }, "order_currency_invalid"],
		["an id with other signs", { order_id: "KB/1" }, "order_id_invalid"],
		["an id that is too long", { order_id: "x".repeat(46) }, "order_id_invalid"],
		["no customer", { customer_details: undefined }, "customer_details_missing"],
		["no phone", { customer_details: { customer_id: "cust" } }, "customer_phone_missing"],
		[
			"a phone with nine digits",
			{ customer_details: { customer_id: "cust", customer_phone: "900001234" } },
			"customer_phone_invalid",
		],
		[
			"a customer id with other signs",
			{ customer_details: { customer_id: "a@b.in", customer_phone: "9000012345" } },
			"customer_id_invalid",
		],
		["a note of two letters", { order_note: "ab" }, "order_note_invalid"],
		["an expiry that is no time", { order_expiry_time: "soon" }, "order_expiry_time_invalid"],
		["an expiry in a minute", { order_expiry_time: inMinutes(1) }, "order_expiry_time_invalid"],
		["an expiry in a year", { order_expiry_time: inMinutes(525_600) }, "order_expiry_time_invalid"],
		["a webhook address without TLS", { order_meta: { notify_url: "http://shop.example/cf" } }, "notify_url_invalid"],
		["a way back that is no web address", { order_meta: { return_url: "javascript:alert(1)" } }, "return_url_invalid"],
		["eleven tags", { order_tags: Object.fromEntries(Array.from("abcdefghijk", (x) => [x, x])) }, "order_tags_invalid"],
		["a tag that is no text", { order_tags: { a: 1 } }, "order_tags_invalid"],
		["more parts than there is", { order_splits: [{ vendor_id: "vendor_a", amount: 500 }] }, "order_splits_invalid"],
		["a part for nobody", { order_splits: [{ vendor_id: "nobody", amount: 1 }] }, "api_request_failed"],
	])("are refused with %s", async (_case, changes, code) => {
		expect(await call("POST", "/orders", newOrder(changes))).toMatchObject({
			status: 400,
			body: { code, type: "invalid_request_error" },
		});
	});

	it.each(["{", "[]", '"text"', "null"])("are refused when the body is %s", async (text) => {
		const response = await fetch(`${test.url}/cashfree/pg/orders`, {
			method: "POST",
			headers: {
				"x-client-id": ACCOUNT.api_key,
				"x-client-secret": ACCOUNT.api_secret,
				"x-api-version": "2025-01-01",
				"content-type": "application/json",
			},
			body: text,
		});
		expect(response.status).toBe(400);
	});
});

describe("every answer", () => {
	it("says how many calls are left, and which call it answers", async () => {
		const { headers } = await call("GET", `/orders/${await createOrder()}`, undefined, { "x-request-id": "ours" });
		expect(Object.fromEntries(headers)).toMatchObject({
			"x-api-version": "2025-01-01",
			"x-ratelimit-limit": "400",
			"x-ratelimit-remaining": "399",
			"x-ratelimit-retry": "0",
			"x-ratelimit-type": "app_id",
			"x-request-id": "ours",
		});
		expect((await call("GET", "/orders/none")).headers.get("x-request-id")).toMatch(/^\w{32}$/);
	});

	it.each([
		["a wrong secret", { "x-client-secret": "x" }, 401],
		["no secret", { "x-client-secret": "" }, 401],
		["an unknown id", { "x-client-id": "nobody" }, 401],
		["no version", { "x-api-version": "" }, 400],
		["an unknown version", { "x-api-version": "2019-01-01" }, 400],
	])("with %s is a refusal", async (_case, headers, status) => {
		expect((await call("GET", "/orders/x", undefined, headers)).status).toBe(status);
		expect((await call("POST", "/orders", newOrder(), headers)).status).toBe(status);
	});

	it("to an address that there is not, names it so", async () => {
		expect(await call("GET", "/nothing")).toMatchObject({
			status: 404,
			body: { message: "bad URL, please check API documentation", code: "request_failed" },
		});
	});
});

describe("idempotency keys", () => {
	it("repeat the first answer, a refusal too", async () => {
		const key = { "x-idempotency-key": randomUUID() };
		const order = newOrder();
		const first = await call("POST", "/orders", order, key);
		expect(first.headers.get("x-idempotency-replayed")).toBe("false");
		const again = await call("POST", "/orders", order, key);
		expect(again.headers.get("x-idempotency-replayed")).toBe("true");
		expect(again.headers.get("x-idempotency-key")).toBe(key["x-idempotency-key"]);
		expect(again.body).toEqual(first.body);
		const refused = { "x-idempotency-key": randomUUID() };
		expect((await call("POST", "/orders", order, refused)).status).toBe(409);
		expect((await call("POST", "/orders", order, refused)).headers.get("x-idempotency-replayed")).toBe("true");
	});

	it("are refused for another request", async () => {
		const key = { "x-idempotency-key": randomUUID() };
		await call("POST", "/orders", newOrder(), key);
		expect(await call("POST", "/orders", newOrder(), key)).toMatchObject({
			status: 422,
			body: { type: "idempotency_error" },
		});
	});

	it("of two accounts do not meet", async () => {
		const key = { "x-idempotency-key": randomUUID() };
		const [a, b] = [newOrder(), newOrder()];
		expect((await call("POST", "/orders", a, key)).body.order_id).toBe(a.order_id);
		const other = await call("POST", "/orders", b, { ...key, "x-client-id": "TEST_OTHER" });
		expect(other.body.order_id).toBe(b.order_id);
	});
});

describe("payments", () => {
	it("are listed newest first, and read one by one", async () => {
		const order = await createOrder();
		await pay(order, "failure", { reason: "bank_rejected" });
		await pay(order, "success", { method: "card" });
		const { body } = await call("GET", `/orders/${order}/payments`);
		expect(body).toMatchObject([
			{
				payment_status: "SUCCESS",
				payment_group: "credit_card",
				payment_amount: 499,
				is_captured: true,
				auth_id: expect.stringMatching(/^\d{6}$/),
				error_details: null,
				payment_method: { card: { card_number: "XXXXXXXXXXXX1111" } },
			},
			{
				payment_status: "FAILED",
				is_captured: false,
				error_details: { error_reason: "bank_rejected", error_code: "TRANSACTION_DECLINED", error_source: "bank" },
				payment_group: "upi",
			},
		]);
		const one = await call("GET", `/orders/${order}/payments/${body[0].cf_payment_id}`);
		expect(one.body).toEqual(body[0]);
		expect((await call("GET", `/orders/${order}/payments/1`)).body.code).toBe("payment_not_found");
	});

	it("of an order that was closed there are none", async () => {
		const order = await createOrder();
		expect((await call("PATCH", `/orders/${order}`, { order_status: "TERMINATED" })).body.order_status).toBe(
			"TERMINATED",
		);
		expect(await pay(order, "success")).toMatchObject({ status: 404, body: { error: { code: "order_not_found" } } });
		expect((await call("GET", `/orders/${order}/payments`)).body).toEqual([]);
	});

	it("that have begun keep an order from being closed at once", async () => {
		const order = await createOrder();
		await pay(order, "pending");
		const { body } = await call("PATCH", `/orders/${order}`, { order_status: "TERMINATED" });
		expect(body.order_status).toBe("TERMINATION_REQUESTED");
		await pay(order, "failure");
		expect((await call("GET", `/orders/${order}`)).body.order_status).toBe("TERMINATED");
	});

	it("keep an order from being closed when they are made", async () => {
		const refusal = await call("PATCH", `/orders/${await paidOrder()}`, { order_status: "TERMINATED" });
		expect(refusal).toMatchObject({ status: 400, body: { code: "order_already_paid" } });
		const other = await call("PATCH", `/orders/${await createOrder()}`, { order_status: "ACTIVE" });
		expect(other).toMatchObject({ status: 400, body: { code: "order_status_invalid" } });
	});

	it("that are authorised hold the money and leave the order open", async () => {
		const order = await createOrder();
		await pay(order, "authorized");
		const { body } = await call("GET", `/orders/${order}/payments`);
		expect(body).toMatchObject([
			{ payment_status: "SUCCESS", is_captured: false, authorization: { action: "CAPTURE" } },
		]);
		expect((await call("GET", `/orders/${order}`)).body.order_status).toBe("ACTIVE");
	});

	it("show another amount and currency than the order's when told so", async () => {
		const order = await createOrder();
		await pay(order, "success", { amount: 701, currency: "USD" });
		const { body } = await call("GET", `/orders/${order}/payments`);
		expect(body).toMatchObject([{ payment_amount: 7.01, payment_currency: "USD", order_amount: 499 }]);
	});
});

describe("refunds", () => {
	const refundOf = (order: string, changes: object = {}) =>
		call("POST", `/orders/${order}/refunds`, { refund_id: randomUUID(), refund_amount: 100.5, ...changes });

	it("are made, listed and read", async () => {
		const order = await paidOrder();
		const { body } = await refundOf(order, { refund_note: "Out of stock" });
		expect(body).toMatchObject({
			entity: "refund",
			order_id: order,
			refund_amount: 100.5,
			refund_note: "Out of stock",
			refund_status: "SUCCESS",
			refund_type: "MERCHANT_INITIATED",
			refund_arn: expect.stringMatching(/^\d{12}$/),
			refund_speed: { requested: "STANDARD" },
		});
		expect((await call("GET", `/orders/${order}/refunds`)).body).toEqual([body]);
		expect((await call("GET", `/orders/${order}/refunds/${body.refund_id}`)).body).toEqual(body);
		expect((await call("GET", `/orders/${order}/refunds/none`)).body.code).toBe("refund_not_found");
	});

	it.each([
		["no id", { refund_id: undefined }, "refund_id_missing"],
		["an id that is too long", { refund_id: "x".repeat(41) }, "refund_id_invalid"],
		["nothing", { refund_amount: 0 }, "refund_amount_invalid"],
		["more than was paid", { refund_amount: 499.01 }, "refund_amount_invalid"],
		["another speed", { refund_speed: "SOON" }, "refund_speed_invalid"],
		["a note of two letters", { refund_note: "ab" }, "refund_note_invalid"],
	])("are refused with %s", async (_case, changes, code) => {
		expect(await refundOf(await paidOrder(), changes)).toMatchObject({ status: 400, body: { code } });
	});

	it("are refused a second time under one id, and before there is a payment", async () => {
		const order = await paidOrder();
		const refund_id = randomUUID();
		await refundOf(order, { refund_id });
		expect(await refundOf(order, { refund_id })).toMatchObject({
			status: 409,
			body: { code: "refund_already_exists" },
		});
		expect((await refundOf(await createOrder())).body.code).toBe("order_not_paid");
	});

	it("stay pending where the account wants it so, and can be cancelled, which frees the money", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "TEST_LATER", refunds: "later" });
		const headers = { "x-client-id": "TEST_LATER" };
		const { body: order } = await call("POST", "/orders", newOrder(), headers);
		await pay(order.order_id, "success");
		const path = `/orders/${order.order_id}/refunds`;
		const ask = (refund_amount: number) => call("POST", path, { refund_id: randomUUID(), refund_amount }, headers);
		const { body: refund } = await ask(400);
		expect(refund).toMatchObject({ refund_status: "PENDING", refund_arn: null, processed_at: null });
		expect((await ask(100)).body.code).toBe("refund_amount_invalid");
		const decide = (outcome: string) =>
			test.control("POST", "refund", { provider: "cashfree", refund: refund.cf_refund_id, outcome });
		expect((await decide("failure")).body.refund.refund_status).toBe("CANCELLED");
		expect((await decide("failure")).status).toBe(409);
		expect((await ask(499)).status).toBe(200);
	});
});

describe("parts for vendors", () => {
	it("go to a vendor once it is made", async () => {
		const order = await paidOrder();
		const split = { split: [{ vendor_id: "tunga_press", amount: 10.01 }] };
		const path = `/easy-split/orders/${order}/split`;
		expect(await call("POST", path, split)).toMatchObject({ status: 400, body: { message: "vendor does not exist" } });
		const vendor = {
			vendor_id: "tunga_press",
			status: "ACTIVE",
			name: "Tunga Press",
			email: "a@b.in",
			phone: "9000012345",
		};
		expect((await call("POST", "/easy-split/vendors", vendor)).body).toEqual(vendor);
		expect(await call("POST", path, split)).toMatchObject({ status: 200, body: { status: "OK" } });
		expect((await call("GET", `/orders/${order}`)).body.order_splits).toMatchObject([{ amount: 10.01 }]);
	});

	it.each([
		["more than was paid", [{ vendor_id: "vendor_a", amount: 499.01 }], /greater than/],
		["a share of more than all", [{ vendor_id: "vendor_a", percentage: 101 }], /percentage/],
		["both an amount and a share", [{ vendor_id: "vendor_a", amount: 1, percentage: 1 }], /Both/],
		["shares that come to more than all", Array(3).fill({ vendor_id: "vendor_a", percentage: 40 }), /greater than/],
		["none", [], /missing/],
	])("are refused with %s", async (_case, split, message) => {
		const { status, body } = await call("POST", `/easy-split/orders/${await paidOrder()}/split`, { split });
		expect(status).toBe(400);
		expect(body.message).toMatch(message);
	});

	it("are refused before the payment", async () => {
		const split = [{ vendor_id: "vendor_a", amount: 1 }];
		expect((await call("POST", `/easy-split/orders/${await createOrder()}/split`, { split })).status).toBe(400);
	});
});

describe("the settlement report", () => {
	const recon = (filters: object, pagination: object = { limit: 1000 }, headers = {}) =>
		call("POST", "/settlement/recon", { filters, pagination }, headers);

	it("has payments and refunds, by settlement and by day, page by page", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "TEST_RECON" });
		const headers = { "x-client-id": "TEST_RECON" };
		const { body: order } = await call("POST", "/orders", newOrder({ order_amount: 100 }), headers);
		await pay(order.order_id, "success");
		const refund = { refund_id: randomUUID(), refund_amount: 25.25 };
		await call("POST", `/orders/${order.order_id}/refunds`, refund, headers);
		const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(new Date());
		const day = { start_date: `${today}T00:00:00+05:30`, end_date: `${today}T23:59:59+05:30` };
		const { body } = await recon(day, undefined, headers);
		expect(body).toMatchObject({
			cursor: null,
			limit: 1000,
			data: [
				{
					event_details: {
						event_type: "PAYMENT",
						sale_type: "CREDIT",
						event_amount: 100,
						event_service_charge: 2,
						event_service_tax: 0.36,
						event_settlement_amount: 97.64,
					},
					order_details: { order_id: order.order_id },
				},
				{
					event_details: { event_type: "REFUND", sale_type: "DEBIT", event_amount: 25.25 },
					refund_details: [{ refund_id: refund.refund_id }],
				},
			],
		});
		const { cf_settlement_id, settlement_utr } = body.data[0].settlement_details;
		for (const filter of [{ cf_settlement_ids: [Number(cf_settlement_id)] }, { settlement_utrs: [settlement_utr] }]) {
			expect((await recon(filter, undefined, headers)).body.data).toHaveLength(2);
		}
		const first = (await recon(day, { limit: 1 }, headers)).body;
		expect(first).toMatchObject({ cursor: expect.any(String), data: [{ event_details: { event_type: "PAYMENT" } }] });
		const second = (await recon(day, { limit: 1, cursor: first.cursor }, headers)).body;
		expect(second).toMatchObject({ cursor: null, data: [{ event_details: { event_type: "REFUND" } }] });
		const long_ago = { start_date_processed_on: "2020-01-01T00:00:00Z", end_date_processed_on: "2020-01-02T00:00:00Z" };
		expect((await recon(long_ago, undefined, headers)).body.data).toEqual([]);
	});

	it.each([
		["no filter", {}, { limit: 10 }],
		["half a span", { start_date: "2026-01-01T00:00:00Z" }, { limit: 10 }],
		["too many at a time", { settlement_utrs: ["x"] }, { limit: 1001 }],
		["a cursor of somebody else's", { settlement_utrs: ["x"] }, { limit: 10, cursor: "x" }],
	])("is refused with %s", async (_case, filters, pagination) => {
		expect((await recon(filters, pagination)).status).toBe(400);
	});
});

describe("what the sandbox knows", () => {
	it("survives an orderly stop, and still fits together", async () => {
		const folder = await mkdtemp(join(tmpdir(), "cashfree-sandbox-"));
		const state_file = join(folder, "state.json");
		const order_id = randomUUID();
		const refund_id = randomUUID();
		try {
			let own = await startTestSandbox({ state_file });
			const ask = async (method: string, path: string, body?: object) => {
				const headers = {
					"x-client-id": ACCOUNT.api_key,
					"x-client-secret": ACCOUNT.api_secret,
					"x-api-version": "2025-01-01",
				};
				const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
				return (await fetch(`${own.url}/cashfree/pg${path}`, init)).json();
			};
			await own.control("PUT", "accounts", { ...ACCOUNT, refunds: "later" });
			await ask("POST", "/orders", newOrder({ order_id }));
			await own.control("POST", "pay", { provider: "cashfree", order: order_id, outcome: "success" });
			await ask("POST", `/orders/${order_id}/refunds`, { refund_id, refund_amount: 10 });
			const before = await ask("GET", `/orders/${order_id}`);
			await own.close();
			own = await startTestSandbox({ state_file });
			expect(await ask("GET", `/orders/${order_id}`)).toEqual(before);
			await own.control("POST", "refund", { provider: "cashfree", refund: refund_id, outcome: "success" });
			const refunds = await ask("GET", `/orders/${order_id}/refunds`);
			expect(refunds).toMatchObject([{ refund_id, refund_status: "SUCCESS" }]);
			await own.close();
		} finally {
			await rm(folder, { recursive: true });
		}
	});

	it("is bounded: the oldest order goes first", async () => {
		const small = await startTestSandbox({ order_capacity: 2 });
		try {
			await small.control("PUT", "accounts", ACCOUNT);
			const ids = [randomUUID(), randomUUID(), randomUUID()];
			const ask = (method: string, path: string, body?: object) =>
				fetch(`${small.url}/cashfree/pg${path}`, {
					method,
					headers: {
						"x-client-id": ACCOUNT.api_key,
						"x-client-secret": ACCOUNT.api_secret,
						"x-api-version": "2025-01-01",
					},
					...(body && { body: JSON.stringify(body) }),
				});
			for (const order_id of ids) await ask("POST", "/orders", newOrder({ order_id }));
			const found = await Promise.all(ids.map(async (id) => (await ask("GET", `/orders/${id}`)).status));
			expect(found).toEqual([404, 200, 200]);
		} finally {
			await small.close();
		}
	});
});

function inMinutes(minutes: number): string {
	return new Date(Date.now() + minutes * 60_000).toISOString();
}
