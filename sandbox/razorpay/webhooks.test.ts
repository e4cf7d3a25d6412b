import { createRequire } from "node:module";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReceivedWebhook, startReceiver, startTestSandbox, TEST_ACCOUNT } from "../test-sandbox.ts";

const { validateWebhookSignature } = createRequire(import.meta.url)("razorpay") as {
	validateWebhookSignature(body: string, signature: string, secret: string): boolean;
};

let test: Awaited<ReturnType<typeof startTestSandbox>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

async function startWith(answers: number[] = []) {
	test = await startTestSandbox();
	receiver = await startReceiver(answers);
	await test.control("PUT", "accounts", { ...TEST_ACCOUNT, webhook_url: receiver.url });
}

beforeEach(() => startWith());
afterEach(async () => {
	await test.close();
	await receiver.close();
});

function call(method: string, path: string, body?: unknown) {
	const credentials = Buffer.from(`${TEST_ACCOUNT.api_key}:${TEST_ACCOUNT.api_secret}`).toString("base64");
	return fetch(`${test.url}/razorpay/v1${path}`, {
		method,
		headers: { authorization: `Basic ${credentials}`, "content-type": "application/json" },
		...(body !== undefined && { body: JSON.stringify(body) }),
	}).then((response) => response.json() as Promise<{ id: string }>);
}

async function pay(outcome: string, webhook?: unknown, more: Record<string, unknown> = {}) {
	const order = await call("POST", "/orders", { amount: 900, currency: "INR", receipt: "attempt-1" });
	const instruction = { provider: "razorpay", order: "attempt-1", outcome, ...more };
	const { body } = await test.control("POST", "pay", webhook === undefined ? instruction : { ...instruction, webhook });
	return { order, report: body };
}

const isSigned = ({ body, headers }: ReceivedWebhook) =>
	validateWebhookSignature(body, String(headers["x-razorpay-signature"]), TEST_ACCOUNT.webhook_secret);
const eventOf = ({ body }: ReceivedWebhook) => JSON.parse(body).event as string;
const idOf = ({ headers }: ReceivedWebhook) => headers["x-razorpay-event-id"];

describe("Razorpay's webhooks", () => {
	it("tell of parts for other accounts, signed, that they failed and that they were processed after all", async () => {
		const transfers = [{ account: "acc_IROu8Nod6PXPtZ", amount: 300, currency: "INR", notes: { reference: "t-1" } }];
		const { id } = await call("POST", "/orders", { amount: 900, currency: "INR", transfers });
		const say = (what: string, outcome: string) =>
			test.control("POST", what, { provider: "razorpay", order: id, outcome });
		await say("transfer", "failure");
		await say("pay", "success");
		await receiver.until(4);
		await say("transfer", "success");
		const told = (await receiver.until(5)).slice(3);
		expect(told.every(isSigned)).toBe(true);
		const error = { code: "BAD_REQUEST_TRANSFER_INSUFFICIENT_BALANCE", reason: "insufficient_balance" };
		const transfer = { recipient: "acc_IROu8Nod6PXPtZ", amount: 300, source: id, notes: { reference: "t-1" } };
		expect(told.map(({ body }) => JSON.parse(body))).toMatchObject([
			{
				event: "transfer.failed",
				contains: ["transfer"],
				payload: { transfer: { entity: { ...transfer, status: "failed", error } } },
			},
			{
				event: "transfer.processed",
				contains: ["transfer"],
				payload: { transfer: { entity: { ...transfer, status: "processed", error: { code: null } } } },
			},
		]);
	});

	it("tell of what the account subscribed to, of orders that somebody pays unasked", async () => {
		const settings = { webhook_events: ["payment.captured"] };
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, webhook_url: receiver.url, settings, pays_after_ms: 0 });
		const order = await call("POST", "/orders", { amount: 900, currency: "INR" });
		const [webhook] = await receiver.until(1);
		expect(eventOf(webhook!)).toBe("payment.captured");
		expect(JSON.parse(webhook!.body).payload.payment.entity).toMatchObject({ order_id: order.id, amount: 900 });
		const { body } = await test.control("GET", "webhooks");
		expect(body).toHaveLength(1);
	});

	it("tell of a success in three events that the official SDK verifies", async () => {
		const { order, report } = await pay("success");
		const webhooks = await receiver.until(3);
		expect(webhooks.map(eventOf)).toEqual(["payment.authorized", "payment.captured", "order.paid"]);
		expect(webhooks.map(isSigned)).toEqual([true, true, true]);
		expect(webhooks.map(idOf)).toEqual(report.webhooks.map(({ event_id }: { event_id: string }) => event_id));
		expect(new Set(webhooks.map(idOf)).size).toBe(3);
		const [authorized, captured, paid] = webhooks.map(({ body }) => JSON.parse(body));
		expect(authorized.payload.payment.entity).toMatchObject({ status: "authorized", captured: false, fee: null });
		expect(captured).toMatchObject({
			entity: "event",
			account_id: expect.stringMatching(/^acc_\w{14}$/),
			contains: ["payment"],
			payload: { payment: { entity: { order_id: order.id, status: "captured", fee: 21 } } },
		});
		expect(paid).toMatchObject({
			contains: ["payment", "order"],
			payload: { order: { entity: { status: "paid", amount_due: 0, attempts: 1 } } },
		});
	});

	it("tell of a decline with its reason", async () => {
		await pay("failure", undefined, { reason: "payment_declined" });
		const [failed] = await receiver.until(1);
		expect(eventOf(failed!)).toBe("payment.failed");
		expect(JSON.parse(failed!.body).payload.payment.entity).toMatchObject({
			status: "failed",
			error_code: "BAD_REQUEST_ERROR",
			error_reason: "payment_declined",
		});
	});

	it("tell of capture and refund through the API", async () => {
		const { report } = await pay("authorized");
		await receiver.until(1);
		await call("POST", `/payments/${report.payment.id}/capture`, { amount: 900, currency: "INR" });
		await receiver.until(3);
		await call("POST", `/payments/${report.payment.id}/refund`, { amount: 400 });
		const webhooks = await receiver.until(5);
		expect(webhooks.map(eventOf)).toEqual([
			"payment.authorized",
			"payment.captured",
			"order.paid",
			"refund.created",
			"refund.processed",
		]);
		expect(JSON.parse(webhooks[4]!.body).payload.refund.entity).toMatchObject({ amount: 400, status: "processed" });
	});

	it("tell what became of a refund that took its time", async () => {
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, webhook_url: receiver.url, refunds: "later" });
		const { report } = await pay("success", { skip: true });
		const decide = (refund: string, outcome: string) =>
			test.control("POST", "refund", { provider: "razorpay", refund, outcome });
		const refund = await call("POST", `/payments/${report.payment.id}/refund`, { amount: 900 });
		expect(refund).toMatchObject({ status: "pending", acquirer_data: { arn: null } });
		expect((await decide(refund.id, "success")).body.refund).toMatchObject({ status: "processed" });
		expect((await decide(refund.id, "success")).body.error).toMatchObject({ code: "refund_decided" });
		expect((await decide(refund.id, "failure")).body.refund).toMatchObject({ status: "failed" });
		expect((await decide("rfnd_none", "failure")).body.error).toMatchObject({ code: "refund_not_found" });
		expect((await receiver.until(3)).map(eventOf)).toEqual(["refund.created", "refund.processed", "refund.failed"]);
		expect(await call("GET", `/payments/${report.payment.id}`)).toMatchObject({
			status: "captured",
			amount_refunded: 0,
		});
		expect(await call("GET", "/settlements")).toMatchObject({ items: [{ amount: 900 - 21 }] });
	});

	it("say nothing while the bank has not decided, and settle the same payment later", async () => {
		const { report } = await pay("pending");
		expect(report).toMatchObject({ payment: { status: "created" }, order: { status: "attempted" }, webhooks: [] });
		const later = await test.control("POST", "pay", { provider: "razorpay", order: "attempt-1", outcome: "success" });
		expect(later.body.payment.id).toBe(report.payment.id);
		expect((await receiver.until(3)).map(eventOf)).toContain("payment.captured");
	});

	it("are repeated with the same event id after any answer but 2xx", async () => {
		await test.close();
		await receiver.close();
		await startWith([500, 302]);
		await pay("failure");
		const webhooks = await receiver.until(3);
		expect(new Set(webhooks.map(idOf)).size).toBe(1);
		expect(new Set(webhooks.map(({ body }) => body)).size).toBe(1);
		expect(webhooks.map(isSigned)).toEqual([true, true, true]);
	});

	it("are given up after a bounded number of tries", async () => {
		await test.close();
		test = await startTestSandbox({ webhook_max_attempts: 2 });
		await test.control("PUT", "accounts", { ...TEST_ACCOUNT, webhook_url: "http://127.0.0.1:9/nobody" });
		await pay("failure");
		await expect
			.poll(async () => (await test.control("GET", "webhooks")).body)
			.toMatchObject([{ event_type: "payment.failed", status: "given_up", attempts: 2, last_status: null }]);
	});

	it("can be duplicated with the same event id", async () => {
		await pay("failure", { duplicate: 2 });
		const webhooks = await receiver.until(3);
		expect(new Set(webhooks.map(idOf)).size).toBe(1);
	});

	it("can be forged: signed with another secret", async () => {
		await pay("failure", { forge: true });
		expect(isSigned((await receiver.until(1))[0]!)).toBe(false);
	});

	it("can come last to first", async () => {
		await pay("success", { reorder: true });
		expect((await receiver.until(3)).map(eventOf)).toEqual(["order.paid", "payment.captured", "payment.authorized"]);
	});

	it("can be left out, or come later than others", async () => {
		expect((await pay("failure", { skip: true })).report.webhooks).toEqual([]);
		await pay("failure", { delay_ms: 150 }, { reason: "payment_timed_out" });
		await pay("failure", { duplicate: false }, { reason: "payment_declined" });
		const reasons = (await receiver.until(2)).map(({ body }) => JSON.parse(body).payload.payment.entity.error_reason);
		expect(reasons).toEqual(["payment_declined", "payment_timed_out"]);
	});

	it("show another amount and currency than the order's when told so", async () => {
		await pay("success", undefined, { amount: 700, currency: "USD" });
		const captured = (await receiver.until(3))[1]!;
		expect(JSON.parse(captured.body).payload.payment.entity).toMatchObject({ amount: 700, currency: "USD" });
	});
});
