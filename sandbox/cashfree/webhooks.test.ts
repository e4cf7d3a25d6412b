import { createHmac, randomUUID } from "node:crypto";
import { Cashfree, CFEnvironment } from "cashfree-pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReceivedWebhook, startReceiver, startTestSandbox } from "../test-sandbox.ts";

const ACCOUNT = { provider: "cashfree", api_key: "TEST4303", api_secret: "client secret" };

let test: Awaited<ReturnType<typeof startTestSandbox>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

async function startWith(answers: number[] = [], account: object = {}) {
	test = await startTestSandbox();
	receiver = await startReceiver(answers);
	await test.control("PUT", "accounts", { ...ACCOUNT, webhook_url: receiver.url, ...account });
}

beforeEach(() => startWith());
afterEach(async () => {
	await test.close();
	await receiver.close();
});

async function call(path: string, body: unknown) {
	const response = await fetch(`${test.url}/cashfree/pg${path}`, {
		method: "POST",
		headers: {
			"x-client-id": ACCOUNT.api_key,
			"x-client-secret": ACCOUNT.api_secret,
			"x-api-version": "2025-01-01",
			"content-type": "application/json",
		},
		body: JSON.stringify(body),
	});
	return (await response.json()) as Record<string, unknown>;
}

async function pay(outcome: string, webhook?: unknown, more: Record<string, unknown> = {}) {
	const order = randomUUID();
	await call("/orders", {
		order_id: order,
		order_amount: 170,
		customer_details: { customer_id: "cust4711", customer_phone: "9000012345" },
		order_tags: { order_id: "KB-1042" },
	});
	const { body: report } = await test.control("POST", "pay", {
		provider: "cashfree",
		order,
		outcome,
		...(webhook !== undefined && { webhook }),
		...more,
	});
	return { order, report };
}

const sdk = new Cashfree(CFEnvironment.SANDBOX, "id", ACCOUNT.api_secret, undefined, undefined, undefined, false);
const isSigned = ({ body, headers }: ReceivedWebhook, secret = ACCOUNT.api_secret) =>
	createHmac("sha256", secret).update(`${headers["x-webhook-timestamp"]}${body}`).digest("base64") ===
	headers["x-webhook-signature"];
const typeOf = ({ body }: ReceivedWebhook) => JSON.parse(body).type as string;
const keyOf = ({ headers }: ReceivedWebhook) => headers["x-idempotency-key"];

describe("Cashfree's webhooks", () => {
	it("tell of a success, and then of what it costs, in bytes that the official SDK verifies", async () => {
		const before = Date.now();
		const { order, report } = await pay("success");
		const webhooks = await receiver.until(2);
		const after = Date.now();
		expect(webhooks.map(typeOf)).toEqual(["PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_CHARGES_WEBHOOK"]);
		for (const { body, headers } of webhooks) {
			const signature = String(headers["x-webhook-signature"]);
			expect(sdk.PGVerifyWebhookSignature(signature, body, String(headers["x-webhook-timestamp"])).raw).toBe(body);
			expect(headers).toMatchObject({
				"content-type": "application/json",
				"x-webhook-version": "2025-01-01",
				"x-webhook-attempt": "1",
			});
			expect(body).toContain('"order_amount":170.00,');
			expect(body).toContain('"payment_amount":170.00,');
			expect(Number(headers["x-webhook-timestamp"])).toBeGreaterThanOrEqual(before);
			expect(Number(headers["x-webhook-timestamp"])).toBeLessThanOrEqual(after);
		}
		expect(webhooks.map(keyOf)).toEqual(report.webhooks.map(({ event_id }: { event_id: string }) => event_id));
		expect(new Set(webhooks.map(keyOf)).size).toBe(2);
		const [success, charges] = webhooks.map(({ body }) => JSON.parse(body));
		expect(success).toMatchObject({
			event_time: expect.stringMatching(/\+05:30$/),
			data: {
				order: { order_id: order, order_amount: 170, order_currency: "INR", order_tags: { order_id: "KB-1042" } },
				payment: {
					cf_payment_id: expect.stringMatching(/^\d{16}$/),
					payment_status: "SUCCESS",
					payment_group: "upi",
					payment_method: { upi: { channel: "link" } },
					bank_reference: expect.stringMatching(/^\d{12}$/),
				},
				customer_details: { customer_id: "cust4711", customer_phone: "9000012345" },
			},
		});
		expect(success.data).not.toHaveProperty("charges_details");
		expect(charges.data.charges_details).toEqual({
			service_charge: 3.4,
			service_tax: 0.61,
			settlement_amount: 165.99,
			settlement_currency: "INR",
			service_charge_discount: null,
		});
	});

	it("tell of a decline with its reason", async () => {
		await pay("failure", undefined, { reason: "bank_rejected" });
		const [webhook] = await receiver.until(1);
		expect(JSON.parse(webhook!.body)).toMatchObject({
			type: "PAYMENT_FAILED_WEBHOOK",
			data: {
				payment: { payment_status: "FAILED" },
				error_details: { error_code: "TRANSACTION_DECLINED", error_reason: "bank_rejected", error_source: "bank" },
			},
		});
	});

	it("say nothing of a payment that the bank has not decided", async () => {
		expect((await pay("pending")).report.webhooks).toEqual([]);
	});

	it("tell of a refund with ids that are numbers", async () => {
		const { order } = await pay("success", { skip: true });
		const refund_id = randomUUID();
		const refund = await call(`/orders/${order}/refunds`, { refund_id, refund_amount: 50 });
		const [webhook] = await receiver.until(1);
		expect(webhook!.body).toContain('"refund_amount":50.00,');
		expect(JSON.parse(webhook!.body)).toMatchObject({
			type: "REFUND_STATUS_WEBHOOK",
			data: {
				refund: { refund_id, order_id: order, refund_status: "SUCCESS", cf_refund_id: Number(refund.cf_refund_id) },
			},
		});
	});

	it("tell of a second success that was given back", async () => {
		const { order } = await pay("success", { skip: true });
		await test.control("POST", "pay", { provider: "cashfree", order, outcome: "success" });
		const webhooks = await receiver.until(3);
		expect(webhooks.map(typeOf)).toEqual([
			"PAYMENT_SUCCESS_WEBHOOK",
			"PAYMENT_CHARGES_WEBHOOK",
			"AUTO_REFUND_STATUS_WEBHOOK",
		]);
		const { auto_refund } = JSON.parse(webhooks[2]!.body).data;
		expect(auto_refund).toMatchObject({ event: "AUTO-REFUND", order_id: order, refund_status: "SUCCESS" });
		expect(auto_refund).not.toHaveProperty("refund_id");
	});

	it("come again with the same bytes and key when they are refused, and count the tries", async () => {
		await test.close();
		await receiver.close();
		await startWith([500, 302]);
		await pay("failure");
		const tries = await receiver.until(3);
		expect(tries.map(({ headers }) => headers["x-webhook-attempt"])).toEqual(["1", "2", "3"]);
		expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
		expect(new Set(tries.map(keyOf)).size).toBe(1);
		expect(new Set(tries.map(({ headers }) => headers["x-webhook-timestamp"])).size).toBe(1);
		expect(tries.every((one) => isSigned(one))).toBe(true);
	});

	it("are signed with a secret of their own where the account has one", async () => {
		await test.close();
		await receiver.close();
		await startWith([], { webhook_secret: "the secret before" });
		await pay("failure");
		const [webhook] = await receiver.until(1);
		expect(isSigned(webhook!, "the secret before")).toBe(true);
		expect(isSigned(webhook!)).toBe(false);
	});

	it("can be repeated, forged, left out, and sent last to first", async () => {
		const { report } = await pay("success", { duplicate: 1 });
		const twice = await receiver.until(4);
		expect(twice.map(typeOf)).toEqual([
			"PAYMENT_SUCCESS_WEBHOOK",
			"PAYMENT_SUCCESS_WEBHOOK",
			"PAYMENT_CHARGES_WEBHOOK",
			"PAYMENT_CHARGES_WEBHOOK",
		]);
		expect(new Set(twice.map(keyOf)).size).toBe(2);
		expect(twice.map(({ headers }) => headers["x-webhook-attempt"])).toEqual(["1", "1", "1", "1"]);
		expect(report.webhooks).toHaveLength(2);
		expect((await pay("failure", { skip: true })).report.webhooks).toEqual([]);
		await pay("failure", { forge: true });
		expect(isSigned((await receiver.until(5))[4]!)).toBe(false);
		await pay("success", { reorder: true });
		expect((await receiver.until(7)).slice(5).map(typeOf)).toEqual([
			"PAYMENT_CHARGES_WEBHOOK",
			"PAYMENT_SUCCESS_WEBHOOK",
		]);
	});

	it.each(["INITIATED", "SUCCESS", "FAILED", "REVERSED"])(
		"tell of a settlement that is %s when asked to",
		async (status) => {
			const { order } = await pay("success", { skip: true });
			const answer = await call("/simulate/settlement", { merchantOrderIds: [order], status });
			expect(answer).toMatchObject({ simulation_status: "SUCCESS", settlement_ids: [expect.any(Number)] });
			const [webhook] = await receiver.until(1);
			expect(JSON.parse(webhook!.body)).toMatchObject({
				type: `SETTLEMENT_${status}`,
				data: { settlement: { status, payment_amount: 170, service_charge: 3.4, settlement_amount: 165.99 } },
			});
			expect(isSigned(webhook!)).toBe(true);
		},
	);
});
