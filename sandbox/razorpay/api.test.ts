import Razorpay from "razorpay";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestSandbox, TEST_ACCOUNT } from "../test-sandbox.ts";

const test = await startTestSandbox();
const { api_key, api_secret } = TEST_ACCOUNT;
const api = `${test.url}/razorpay/v1`;

// biome-ignore lint/suspicious/noExplicitAny: the SDK's types know neither `api` nor plain answers
function sdk(key_id = api_key, key_secret = api_secret): any {
	// biome-ignore lint/suspicious/noExplicitAny: as above
	const client = new Razorpay({ key_id, key_secret }) as any;
	client.api.rq.defaults.baseURL = `${test.url}/razorpay`;
	return client;
}

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
	return fetch(`${api}${path}`, {
		method,
		headers: {
			authorization: `Basic ${Buffer.from(`${api_key}:${api_secret}`).toString("base64")}`,
			"content-type": "application/json",
			...headers,
		},
		...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
}

async function paidOrder(amount = 50_000) {
	const order = await sdk().orders.create({ amount, currency: "INR" });
	const { body } = await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "success" });
	return { order, payment: body.payment };
}

beforeAll(() => test.control("PUT", "accounts", TEST_ACCOUNT));
afterAll(() => test.close());

describe("orders", () => {
	it("are made as the documentation shows them", async () => {
		const order = await sdk().orders.create({ amount: 5000, currency: "INR", receipt: "receipt#1", notes: { a: "b" } });
		expect(order).toEqual({
			id: expect.stringMatching(/^order_[A-Za-z0-9]{14}$/),
			entity: "order",
			amount: 5000,
			amount_paid: 0,
			amount_due: 5000,
			currency: "INR",
			receipt: "receipt#1",
			offer_id: null,
			status: "created",
			attempts: 0,
			notes: { a: "b" },
			created_at: expect.any(Number),
		});
		expect(await sdk().orders.fetch(order.id)).toEqual(order);
	});

	it("answer no notes with a list, not an object", async () => {
		expect((await sdk().orders.create({ amount: 100, currency: "INR" })).notes).toEqual([]);
		expect((await sdk().orders.create({ amount: 100, currency: "INR", notes: {} })).notes).toEqual([]);
	});

	it.each([
		["too little", { amount: 99, currency: "INR" }, "The amount must be at least INR 1.00", "amount"],
		["a fraction", { amount: 100.5, currency: "INR" }, "The amount must be an integer.", "amount"],
		["no amount", { currency: "INR" }, "The amount field is required.", "amount"],
		["no currency", { amount: 100 }, "The currency field is required.", "currency"],
		["a strange currency", { amount: 100, currency: "XXX" }, "Currency is not supported", "currency"],
		[
			"a long receipt",
			{ amount: 100, currency: "INR", receipt: "x".repeat(41) },
			"The receipt may not be greater than 40 characters.",
			"receipt",
		],
		["an unknown field", { amount: 100, currency: "INR", surprise: 1 }, /surprise is\/are not required/, "surprise"],
	])("are refused with %s", async (_case, body, description, field) => {
		const response = await call("POST", "/orders", body);
		expect(response.status).toBe(400);
		const { error } = (await response.json()) as { error: Record<string, unknown> };
		expect(error).toMatchObject({ code: "BAD_REQUEST_ERROR", source: "business", metadata: {}, field });
		expect(error.description).toEqual(
			typeof description === "string" ? description : expect.stringMatching(description),
		);
	});

	it("refuse a body that is not JSON", async () => {
		expect((await call("POST", "/orders", "{")).status).toBe(400);
	});

	it("are listed by receipt, newest first, in pages", async () => {
		const made: { id: string }[] = [];
		for (let n = 0; n < 3; n++) {
			made.push(await sdk().orders.create({ amount: 100 + n, currency: "INR", receipt: "twice" }));
		}
		const newest = made.map(({ id }) => id).reverse();
		const ids = (list: { items: { id: string }[] }) => list.items.map(({ id }) => id);
		expect(ids(await sdk().orders.all({ receipt: "twice" }))).toEqual(newest);
		expect(ids(await sdk().orders.all({ receipt: "twice", count: 1, skip: 1 }))).toEqual([newest[1]]);
		expect(await sdk().orders.all({ receipt: "never" })).toEqual({ entity: "collection", count: 0, items: [] });
	});

	it("belong to one account", async () => {
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, api_key: "rzp_test_other" });
		const order = await sdk().orders.create({ amount: 100, currency: "INR", receipt: "mine" });
		const other = sdk("rzp_test_other");
		await expect(other.orders.fetch(order.id)).rejects.toMatchObject({
			statusCode: 400,
			error: { description: "The id provided does not exist" },
		});
		expect((await other.orders.all({ receipt: "mine" })).count).toBe(0);
	});

	it.each([
		["a wrong secret", api_key, "wrong"],
		["an unknown key", "rzp_test_nobody", api_secret],
	])("refuse %s", async (_case, key, secret) => {
		await expect(sdk(key, secret).orders.create({ amount: 100, currency: "INR" })).rejects.toMatchObject({
			statusCode: 401,
			error: { code: "BAD_REQUEST_ERROR", description: "Authentication failed" },
		});
	});

	it("forget the oldest beyond their capacity", async () => {
		const small = await startTestSandbox({ order_capacity: 2 });
		await small.control("PUT", "accounts", TEST_ACCOUNT);
		const client = sdk();
		client.api.rq.defaults.baseURL = `${small.url}/razorpay`;
		const orders = [];
		for (const receipt of ["one", "two", "three"]) {
			orders.push(await client.orders.create({ amount: 100, currency: "INR", receipt }));
		}
		await expect(client.orders.fetch(orders[0].id)).rejects.toMatchObject({ statusCode: 400 });
		expect((await client.orders.all({ receipt: "one" })).count).toBe(0);
		expect((await client.orders.all({})).count).toBe(2);
		await small.close();
	});
});

it("answers an unknown address as Razorpay does", async () => {
	const response = await call("GET", "/nothing");
	expect(response.status).toBe(404);
	expect(await response.json()).toMatchObject({
		error: { description: "The requested URL was not found on the server.", source: "NA", step: "NA", reason: "NA" },
	});
});

describe("payments", () => {
	it("of a paid order are captured, with 2 % and GST on it as the fee", async () => {
		const { order, payment } = await paidOrder(50_000);
		expect(payment.id).toMatch(/^pay_[A-Za-z0-9]{14}$/);
		expect(await sdk().payments.fetch(payment.id)).toMatchObject({
			status: "captured",
			captured: true,
			method: "upi",
			amount: 50_000,
			fee: 1_180,
			tax: 180,
			acquirer_data: { rrn: expect.stringMatching(/^\d{12}$/) },
		});
		expect(await sdk().orders.fetch(order.id)).toMatchObject({ status: "paid", amount_due: 0, attempts: 1 });
	});

	it("that are authorized can be captured once, for their amount", async () => {
		const order = await sdk().orders.create({ amount: 900, currency: "INR" });
		const { body } = await test.control("POST", "pay", {
			provider: "razorpay",
			order: order.id,
			outcome: "authorized",
		});
		const { id } = body.payment;
		expect(await sdk().orders.fetch(order.id)).toMatchObject({ status: "attempted" });
		await expect(sdk().payments.capture(id, 800, "INR")).rejects.toMatchObject({ statusCode: 400 });
		expect(await sdk().payments.capture(id, 900, "INR")).toMatchObject({ status: "captured", fee: 21, tax: 3 });
		await expect(sdk().payments.capture(id, 900, "INR")).rejects.toMatchObject({
			error: { description: "This payment has already been captured" },
		});
	});

	it("of one order are all listed, and a decline leaves the order open", async () => {
		const order = await sdk().orders.create({ amount: 900, currency: "INR" });
		const decline = { provider: "razorpay", order: order.id, outcome: "failure", method: "card" };
		await test.control("POST", "pay", { ...decline, reason: "insufficient_funds" });
		expect(await sdk().orders.fetch(order.id)).toMatchObject({ status: "attempted", amount_due: 900 });
		await test.control("POST", "pay", { ...decline, outcome: "success", method: "netbanking" });
		expect(await sdk().orders.fetchPayments(order.id)).toMatchObject({
			entity: "collection",
			count: 2,
			items: [
				{ status: "captured", method: "netbanking", bank: "HDFC", error_code: null },
				{
					status: "failed",
					method: "card",
					card: { last4: "1111" },
					error_code: "BAD_REQUEST_ERROR",
					error_reason: "insufficient_funds",
					fee: null,
				},
			],
		});
	});
});

describe("refunds", () => {
	it("are made in parts until nothing is left", async () => {
		const { payment } = await paidOrder(1_000);
		const first = await sdk().payments.refund(payment.id, { amount: 400, receipt: "r-1" });
		expect(first).toMatchObject({
			id: expect.stringMatching(/^rfnd_[A-Za-z0-9]{14}$/),
			entity: "refund",
			amount: 400,
			payment_id: payment.id,
			status: "processed",
			speed_requested: "normal",
			notes: [],
		});
		await expect(sdk().payments.refund(payment.id, { amount: 700 })).rejects.toMatchObject({
			error: { description: "The refund amount provided is greater than amount captured" },
		});
		expect(await sdk().payments.fetch(payment.id)).toMatchObject({ status: "captured", refund_status: "partial" });
		await sdk().payments.refund(payment.id, {});
		expect(await sdk().payments.fetch(payment.id)).toMatchObject({
			status: "refunded",
			refund_status: "full",
			amount_refunded: 1_000,
		});
		await expect(sdk().payments.refund(payment.id, { amount: 100 })).rejects.toMatchObject({
			error: { description: "The payment has been fully refunded already" },
		});
		expect(await sdk().refunds.fetch(first.id)).toEqual(first);
		expect(await sdk().payments.fetchRefund(payment.id, first.id)).toEqual(first);
		expect((await sdk().payments.fetchMultipleRefund(payment.id, {})).count).toBe(2);
	});

	it("are one refund for one idempotency key", async () => {
		const { payment } = await paidOrder(1_000);
		const key = { "X-Refund-Idempotency": "refund-key-1" };
		const ask = (body: unknown, headers = key) => call("POST", `/payments/${payment.id}/refund`, body, headers);
		const first = await (await ask({ amount: 300 })).json();
		expect(await (await ask({ amount: 300 })).json()).toEqual(first);
		expect(await sdk().payments.fetch(payment.id)).toMatchObject({ amount_refunded: 300 });
		const other = await ask({ amount: 200 });
		expect(other.status).toBe(409);
		expect(await other.json()).toMatchObject({
			error: { description: "Different request with the same idempotency key has already been processed." },
		});
		expect((await ask({ amount: 300 }, { "X-Refund-Idempotency": "short" })).status).toBe(400);
	});

	it("need a captured payment", async () => {
		const order = await sdk().orders.create({ amount: 900, currency: "INR" });
		const { body } = await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "failure" });
		await expect(sdk().payments.refund(body.payment.id, {})).rejects.toMatchObject({ statusCode: 400 });
	});
});

describe("transfers", () => {
	const part = { account: "acc_IROu8Nod6PXPtZ", amount: 300, currency: "INR", notes: { reference: "t-1" } };

	it("asked for with an order are told once, and made when it is paid", async () => {
		const order = await sdk().orders.create({ amount: 1_000, currency: "INR", transfers: [part] });
		expect(order.transfers).toEqual([
			{
				id: expect.stringMatching(/^trf_[A-Za-z0-9]{14}$/),
				entity: "transfer",
				status: "created",
				source: order.id,
				recipient: part.account,
				amount: 300,
				currency: "INR",
				amount_reversed: 0,
				notes: { reference: "t-1" },
				linked_account_notes: [],
				on_hold: false,
				on_hold_until: null,
				recipient_settlement_id: null,
				created_at: expect.any(Number),
				processed_at: null,
				error: expect.objectContaining({ code: null, id: order.transfers[0].id }),
			},
		]);
		expect(await sdk().orders.fetch(order.id)).not.toHaveProperty("transfers");
		const { body } = await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "success" });
		expect(await sdk().payments.fetch(body.payment.id)).toMatchObject({ amount: 1_000, amount_transferred: 300 });
	});

	it("asked for with an order fail when somebody says so before it is paid, and are tried again when somebody says so", async () => {
		const order = await sdk().orders.create({ amount: 1_000, currency: "INR", transfers: [part] });
		const decide = (outcome: string) =>
			test.control("POST", "transfer", { provider: "razorpay", order: order.id, outcome });
		expect(await decide("failure")).toMatchObject({ status: 200, body: { transfers: [{ status: "created" }] } });
		const { body } = await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "success" });
		const now = async () => (await sdk().payments.fetch(body.payment.id)).amount_transferred;
		expect(await now()).toBe(0);
		expect(await decide("failure")).toMatchObject({
			body: { transfers: [{ status: "failed", processed_at: null, error: { reason: "insufficient_balance" } }] },
		});
		expect(await decide("success")).toMatchObject({
			body: { transfers: [{ status: "processed", processed_at: expect.any(Number), error: { reason: null } }] },
		});
		expect(await now()).toBe(300);
		expect(await decide("failure")).toMatchObject({ status: 409, body: { error: { code: "transfer_decided" } } });
		const whole = await sdk().orders.create({ amount: 1_000, currency: "INR" });
		expect(
			await test.control("POST", "transfer", { provider: "razorpay", order: whole.id, outcome: "failure" }),
		).toMatchObject({ status: 404, body: { error: { code: "order_not_found" } } });
		expect(
			await test.control("POST", "transfer", { provider: "payu", order: order.id, outcome: "failure" }),
		).toMatchObject({ status: 409, body: { error: { code: "no_transfers" } } });
	});

	it("from a payment are pending at first, and no more than was captured in all", async () => {
		const { payment } = await paidOrder(1_000);
		const made = await sdk().payments.transfer(payment.id, { transfers: [part, { ...part, amount: 200 }] });
		expect(made).toMatchObject({ entity: "collection", count: 2, items: [{ status: "pending" }, { amount: 200 }] });
		expect(await sdk().payments.fetchTransfer(payment.id)).toMatchObject({
			count: 2,
			items: [{ id: made.items[0].id, status: "processed", processed_at: expect.any(Number) }, { amount: 200 }],
		});
		await expect(sdk().payments.transfer(payment.id, { transfers: [{ ...part, amount: 501 }] })).rejects.toMatchObject({
			error: { description: "The sum of amount requested for transfer is greater than the captured amount" },
		});
		expect((await sdk().payments.fetchTransfer(payment.id)).count).toBe(2);
	});

	it.each([
		["to an account that is none", { account: "acc_none" }, "acc_none is an invalid account_code."],
		["of too little", { amount: 99 }, "The transfers.0.amount must be at least 100."],
		["of another currency", { currency: "USD" }, "The currency should be INR for transfers"],
	])("%s are refused", async (_case, wrong, description) => {
		const { payment } = await paidOrder(1_000);
		const transfers = [{ ...part, ...wrong }];
		await expect(sdk().payments.transfer(payment.id, { transfers })).rejects.toMatchObject({ error: { description } });
		const order = sdk().orders.create({ amount: 1_000, currency: "INR", transfers });
		await expect(order).rejects.toMatchObject({ error: { description } });
	});

	it("beyond the order's amount are refused with the order", async () => {
		const order = sdk().orders.create({ amount: 1_000, currency: "INR", transfers: [{ ...part, amount: 1_001 }] });
		await expect(order).rejects.toMatchObject({ statusCode: 400 });
	});

	it("leave the merchant's settlement", async () => {
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, api_key: "rzp_test_splitting" });
		const client = sdk("rzp_test_splitting");
		const order = await client.orders.create({ amount: 10_000, currency: "INR", transfers: [part] });
		const { body } = await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "success" });
		const [year, month, day] = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" })
			.format(order.created_at * 1000)
			.split("-")
			.map(Number);
		const { items } = await client.settlements.reports({ year, month, day });
		expect(items).toMatchObject([
			{ type: "payment", credit: 10_000 - 236, payment_id: null },
			{ type: "transfer", entity_id: order.transfers[0].id, debit: 300, credit: 0, payment_id: body.payment.id },
		]);
		expect((await client.settlements.all()).items[0].amount).toBe(10_000 - 236 - 300);
	});
});

describe("settlements", () => {
	it("report what each payment and refund came to, in pages, and add up", async () => {
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, api_key: "rzp_test_settled" });
		const client = sdk("rzp_test_settled");
		const payments = [];
		for (const amount of [10_000, 20_000, 30_000]) {
			const order = await client.orders.create({ amount, currency: "INR", receipt: `s-${amount}` });
			payments.push(
				(await test.control("POST", "pay", { provider: "razorpay", order: order.id, outcome: "success" })).body.payment,
			);
		}
		const refund = await client.payments.refund(payments[0].id, { amount: 5_000 });
		const [year, month, day] = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" })
			.format(refund.created_at * 1000)
			.split("-")
			.map(Number);
		const first = await client.settlements.reports({ year, month, day, count: 3 });
		const rest = await client.settlements.reports({ year, month, day, count: 3, skip: 3 });
		expect([first.count, rest.count]).toEqual([3, 1]);
		expect(first.items[0]).toMatchObject({
			entity_id: payments[0].id,
			type: "payment",
			amount: 10_000,
			fee: 236,
			tax: 36,
			credit: 9_764,
			debit: 0,
			settled: true,
			order_receipt: "s-10000",
		});
		expect(rest.items[0]).toMatchObject({
			entity_id: refund.id,
			type: "refund",
			debit: 5_000,
			credit: 0,
			payment_id: payments[0].id,
		});
		const { items } = await client.settlements.all();
		const lines: { credit: number; debit: number }[] = [...first.items, ...rest.items];
		expect(items).toHaveLength(1);
		expect(items[0].amount).toBe(lines.reduce((sum, { credit, debit }) => sum + credit - debit, 0));
		expect(await client.settlements.fetch(items[0].id)).toEqual(items[0]);
		expect(rest.items[0].settlement_id).toBe(items[0].id);
	});

	it("need a year and a month", async () => {
		expect((await call("GET", "/settlements/recon/combined?year=2026")).status).toBe(400);
	});
});
