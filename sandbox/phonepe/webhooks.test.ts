import { createHash, createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReceivedWebhook, startReceiver, startTestSandbox } from "../test-sandbox.ts";
import { createTestClient, PHONEPE_ACCOUNT } from "./test-client.ts";

let test: Awaited<ReturnType<typeof startTestSandbox>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let client: ReturnType<typeof createTestClient>;

beforeEach(async () => {
	test = await startTestSandbox();
	receiver = await startReceiver();
	await register();
	client = createTestClient(test.url);
	await client.logIn();
});
afterEach(async () => {
	await test.close();
	await receiver.close();
});

const register = (more: Record<string, unknown> = {}) =>
	test.control("PUT", "accounts", { ...PHONEPE_ACCOUNT, webhook_url: receiver.url, ...more });
const pay = (order: string, outcome: string, more: Record<string, unknown> = {}) =>
	test.control("POST", "pay", { provider: "phonepe", order, outcome, ...more });

const bodyOf = ({ body }: ReceivedWebhook) => JSON.parse(body);
const isSigned = ({ body, headers }: ReceivedWebhook, secret = PHONEPE_ACCOUNT.webhook_secret) =>
	headers["x-phonepe-checksum-signature"] === createHmac("sha256", secret).update(body).digest("hex");

describe("PhonePe's webhooks", () => {
	it("tell of a success, signed over the body", async () => {
		const { orderId, merchantOrderId } = await client.createOrder({ metaInfo: { udf1: "KB-1042" } });
		await pay(orderId, "success");
		const [webhook] = (await receiver.until(1)) as [ReceivedWebhook];
		expect(isSigned(webhook)).toBe(true);
		expect(webhook.headers).not.toHaveProperty("authorization");
		expect(bodyOf(webhook)).toMatchObject({
			event: "checkout.order.completed",
			type: "CHECKOUT_ORDER_COMPLETED",
			payload: {
				merchantId: expect.stringMatching(/^M[0-9A-F]{12}$/),
				merchantOrderId,
				orderId,
				state: "COMPLETED",
				amount: 49_900,
				metaInfo: { udf1: "KB-1042" },
				paymentDetails: [{ state: "COMPLETED", amount: 49_900 }],
			},
		});
	});

	it("carry the user name's and the password's digest and no signature where the merchant chose that", async () => {
		await register({ settings: { webhook_mode: "basic", webhook_username: "kaveri_hooks" } });
		await pay((await client.createOrder()).orderId, "success");
		const [webhook] = (await receiver.until(1)) as [ReceivedWebhook];
		expect(webhook.headers.authorization).toBe(
			createHash("sha256").update(`kaveri_hooks:${PHONEPE_ACCOUNT.webhook_secret}`).digest("hex"),
		);
		expect(webhook.headers).not.toHaveProperty("x-phonepe-checksum-signature");
	});

	it("tell of a decline while the order goes on, and of an order that failed with it", async () => {
		const open = await client.createOrder();
		await pay(open.orderId, "failure");
		const closed = await client.createOrder({ disablePaymentRetry: true });
		await receiver.until(1);
		await pay(closed.orderId, "failure", { reason: "insufficient_funds" });
		const [attempt, order] = (await receiver.until(2)).map(bodyOf);
		expect(attempt).toMatchObject({
			event: "checkout.transaction.attempt.failed",
			payload: { state: "PENDING", paymentDetails: [{ state: "FAILED", detailedErrorCode: "ZM" }] },
		});
		expect(order).toMatchObject({
			event: "checkout.order.failed",
			payload: { state: "FAILED", errorCode: "INSUFFICIENT_BALANCE", detailedErrorCode: "Z9" },
		});
	});

	it("tell of a refund twice, each time with the state that it is about", async () => {
		const { orderId, merchantOrderId } = await client.createOrder();
		await pay(orderId, "success", { webhook: { skip: true } });
		await client.call("POST", "/payments/v2/refund", {
			merchantRefundId: "R-1",
			originalMerchantOrderId: merchantOrderId,
			amount: 1_000,
		});
		const told = (await receiver.until(2)).map(bodyOf);
		expect(told.map(({ event, payload }) => [event, payload.state])).toEqual([
			["pg.refund.accepted", "CONFIRMED"],
			["pg.refund.completed", "COMPLETED"],
		]);
		expect(told[1].payload).toMatchObject({ merchantRefundId: "R-1", refundId: expect.stringMatching(/^OMR/) });
	});

	it("say nothing while the bank has not decided, and PhonePe holds no money", async () => {
		const { orderId } = await client.createOrder();
		for (const outcome of ["pending", "authorized"]) {
			expect((await pay(orderId, outcome)).body).toMatchObject({ webhooks: [], payment: { state: "PENDING" } });
		}
		await pay(orderId, "success");
		expect((await receiver.until(1)).map(bodyOf)[0].event).toBe("checkout.order.completed");
	});

	it("can be duplicated to the byte, forged, and left out", async () => {
		await pay((await client.createOrder()).orderId, "success", { webhook: { duplicate: 2 } });
		expect(new Set((await receiver.until(3)).map(({ body }) => body)).size).toBe(1);
		await pay((await client.createOrder()).orderId, "success", { webhook: { forge: true } });
		expect(isSigned((await receiver.until(4))[3]!)).toBe(false);
		expect(
			(await pay((await client.createOrder()).orderId, "success", { webhook: { skip: true } })).body.webhooks,
		).toEqual([]);
	});

	it("are not sent without a secret", async () => {
		await register({ webhook_secret: null });
		expect((await pay((await client.createOrder()).orderId, "success")).body.webhooks).toEqual([]);
	});
});
