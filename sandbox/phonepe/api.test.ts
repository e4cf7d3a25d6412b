import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startTestSandbox } from "../test-sandbox.ts";
import { createTestClient, PHONEPE_ACCOUNT, payBody } from "./test-client.ts";

let test: Awaited<ReturnType<typeof startTestSandbox>>;
let client: ReturnType<typeof createTestClient>;
const folders: string[] = [];

beforeEach(async () => {
	test = await startTestSandbox();
	await test.control("PUT", "accounts", PHONEPE_ACCOUNT);
	client = createTestClient(test.url);
	await client.logIn();
});
afterEach(async () => {
	vi.useRealTimers();
	await test.close();
	for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

const pay = (order: string, outcome: string, more: Record<string, unknown> = {}) =>
	test.control("POST", "pay", { provider: "phonepe", order, outcome, ...more });
const status = (merchantOrderId: string, query = "?details=true") =>
	client.call("GET", `/checkout/v2/order/${merchantOrderId}/status${query}`);
const refund = (merchantRefundId: string, originalMerchantOrderId: string, amount: number) =>
	client.call("POST", "/payments/v2/refund", { merchantRefundId, originalMerchantOrderId, amount });

describe("PhonePe's tokens", () => {
	it("are given for the client's credentials, on either path", async () => {
		for (const path of ["identity-manager", "pg-sandbox"]) {
			const { status, body } = await client.askForToken({}, path);
			expect(status).toBe(200);
			expect(body).toMatchObject({ token_type: "O-Bearer", expires_in: 3600, access_token: expect.any(String) });
			expect(body.expires_at - body.issued_at).toBe(3600);
		}
	});

	it.each([
		[{ client_secret: "wrong" }, 401],
		[{ client_id: "nobody" }, 401],
		[{ client_version: "one" }, 400],
		[{ grant_type: "password" }, 400],
	])("are not given for %j", async (form, expected) => {
		expect((await client.askForToken(form)).status).toBe(expected);
	});

	it("are needed for every call, and run out after an hour", async () => {
		const { merchantOrderId } = await client.createOrder();
		for (const authorization of ["", "O-Bearer nonsense", "Bearer x"]) {
			const answer = await client.call("GET", `/checkout/v2/order/${merchantOrderId}/status`, undefined, {
				authorization,
			});
			expect(answer).toMatchObject({ status: 401, body: { code: "UNAUTHORIZED" } });
		}
		vi.useFakeTimers({ toFake: ["Date"] });
		vi.setSystemTime(Date.now() + 3_601_000);
		expect((await status(merchantOrderId)).status).toBe(401);
		await client.logIn();
		expect((await status(merchantOrderId)).status).toBe(200);
	});

	it("leave no secret in the log", async () => {
		const { body } = await test.control("GET", "log?service=phonepe");
		expect(JSON.stringify(body)).toContain("client_credentials");
		expect(JSON.stringify(body)).not.toContain(PHONEPE_ACCOUNT.api_secret);
	});
});

describe("PhonePe's orders", () => {
	it("are made with an id, a page and an end", async () => {
		const merchantOrderId = "KB-1042_a";
		const { status: http, body } = await client.call(
			"POST",
			"/checkout/v2/pay",
			payBody({ merchantOrderId, expireAfter: 600, metaInfo: { udf1: "any thing", udf11: "a.b+c@d e" } }),
		);
		expect(http).toBe(200);
		expect(body).toEqual({
			orderId: expect.stringMatching(/^OMO\d{22}$/),
			state: "PENDING",
			expireAt: expect.any(Number),
			redirectUrl: expect.stringMatching(new RegExp(`^${test.url}/phonepe/transact/v2\\?token=\\w{48}$`)),
		});
		expect((await status(merchantOrderId)).body).toMatchObject({
			orderId: body.orderId,
			state: "PENDING",
			amount: 49_900,
			metaInfo: { udf1: "any thing" },
			paymentDetails: [],
		});
	});

	it.each([
		["less than a rupee", { amount: 99 }, "amount"],
		["a part of a paisa", { amount: 100.5 }, "amount"],
		["an amount in words", { amount: "100" }, "amount"],
		["a slash in the id", { merchantOrderId: "a/b" }, "merchantOrderId"],
		["an id of 64 characters", { merchantOrderId: "a".repeat(64) }, "merchantOrderId"],
		["a life of under five minutes", { expireAfter: 299 }, "expireAfter"],
		["a life of over an hour", { expireAfter: 3_601 }, "expireAfter"],
		["another flow", { paymentFlow: { type: "PG", merchantUrls: {} } }, "paymentFlow.type"],
		["a field that metaInfo does not have", { metaInfo: { note: "x" } }, "metaInfo"],
		["a long field", { metaInfo: { udf1: "x".repeat(257) } }, "metaInfo.udf1"],
		["a restricted field with a slash", { metaInfo: { udf11: "a/b" } }, "metaInfo.udf11"],
		[
			"modes both shown and hidden",
			{
				paymentFlow: {
					...(payBody().paymentFlow as object),
					paymentModeConfig: { enabledPaymentModes: [], disabledPaymentModes: [] },
				},
			},
			"paymentFlow.paymentModeConfig",
		],
	])("are not made with %s", async (_, changed, field) => {
		expect(await client.call("POST", "/checkout/v2/pay", payBody(changed))).toEqual({
			status: 400,
			body: { success: false, code: "BAD_REQUEST", message: expect.any(String), data: { field } },
		});
	});

	it.each(["", "[", "null", "[]"])("are not made of the body %j", async (body) => {
		expect((await client.call("POST", "/checkout/v2/pay", body)).status).toBe(400);
	});

	it("are one a merchantOrderId: the same until the page was opened, refused from then on", async () => {
		const first = await client.createOrder();
		const again = payBody({ merchantOrderId: first.merchantOrderId });
		expect((await client.call("POST", "/checkout/v2/pay", again)).body).toMatchObject({
			orderId: first.orderId,
			redirectUrl: first.redirectUrl,
		});
		expect((await client.call("POST", "/checkout/v2/pay", { ...again, amount: 100 })).status).toBe(400);
		await fetch(first.redirectUrl);
		expect(await client.call("POST", "/checkout/v2/pay", again)).toMatchObject({
			status: 400,
			body: { code: "BAD_REQUEST" },
		});
	});

	it("keep to their account", async () => {
		const { merchantOrderId } = await client.createOrder();
		const other = createTestClient(test.url, { ...PHONEPE_ACCOUNT, api_key: "SU2511_other" });
		await test.control("PUT", "accounts", { ...PHONEPE_ACCOUNT, api_key: "SU2511_other" });
		await other.logIn();
		expect(await other.call("GET", `/checkout/v2/order/${merchantOrderId}/status`)).toMatchObject({
			status: 400,
			body: { code: "INVALID_MERCHANT_ORDER_ID", message: "No entry found for given merchant order id" },
		});
		expect((await other.createOrder({ merchantOrderId, amount: 100 })).state).toBe("PENDING");
		expect((await status(merchantOrderId)).body.amount).toBe(49_900);
	});

	it("take a flag in the query twice, as the SDK sends it, but not twice differently", async () => {
		const { orderId, merchantOrderId } = await client.createOrder();
		await pay(orderId, "failure");
		await pay(orderId, "failure");
		expect((await status(merchantOrderId, "?details=false&details=false")).body.paymentDetails).toHaveLength(1);
		expect((await status(merchantOrderId, "?details=true&details=true")).body.paymentDetails).toHaveLength(2);
		expect((await status(merchantOrderId, "")).body.paymentDetails).toHaveLength(1);
		expect((await status(merchantOrderId, "?details=true&details=false")).status).toBe(400);
	});

	it("may be paid after a decline, and never twice", async () => {
		const { orderId, merchantOrderId } = await client.createOrder();
		await pay(orderId, "failure", { reason: "Z9" });
		await pay(merchantOrderId, "success", { method: "card" });
		expect((await pay(orderId, "success")).body.error).toMatchObject({ code: "order_not_found" });
		expect((await status(merchantOrderId)).body).toMatchObject({
			state: "COMPLETED",
			paymentDetails: [
				{ state: "FAILED", errorCode: "INSUFFICIENT_BALANCE", detailedErrorCode: "Z9" },
				{ state: "COMPLETED", paymentMode: "CARD", instrument: { type: "CREDIT_CARD", brn: expect.any(String) } },
			],
		});
	});

	it("that allow no second try fail with the first, and say why when they are asked to", async () => {
		const { orderId, merchantOrderId } = await client.createOrder({ disablePaymentRetry: true });
		await pay(orderId, "failure", { reason: "UT" });
		expect((await pay(orderId, "success")).status).toBe(404);
		const { body } = await status(merchantOrderId);
		expect(body).toMatchObject({ state: "FAILED", errorCode: "BANK_TECHNICAL_ISSUE", detailedErrorCode: "UT" });
		expect(body).not.toHaveProperty("errorContext");
		expect((await status(merchantOrderId, "?errorContext=true")).body.errorContext).toMatchObject({
			source: "ISSUING_BANK",
			description: "Technical issue at the customer's bank.",
		});
	});

	it("run out, and cannot be paid any more", async () => {
		const { orderId, merchantOrderId, redirectUrl } = await client.createOrder({ expireAfter: 300 });
		vi.useFakeTimers({ toFake: ["Date"] });
		vi.setSystemTime(Date.now() + 301_000);
		expect((await pay(orderId, "success")).status).toBe(404);
		expect((await status(merchantOrderId)).body).toMatchObject({ state: "FAILED", errorCode: "ORDER_EXPIRED" });
		expect(await (await fetch(redirectUrl)).text()).toContain("can no longer be paid");
		const again = payBody({ merchantOrderId });
		expect((await client.call("POST", "/checkout/v2/pay", again)).status).toBe(400);
	});

	it("stay open after their end while a payment is undecided", async () => {
		const { orderId, merchantOrderId } = await client.createOrder({ expireAfter: 300 });
		await pay(orderId, "pending");
		vi.useFakeTimers({ toFake: ["Date"] });
		vi.setSystemTime(Date.now() + 301_000);
		expect((await status(merchantOrderId)).body).toMatchObject({
			state: "PENDING",
			paymentDetails: [{ state: "PENDING" }],
		});
		await pay(orderId, "success");
		expect((await status(merchantOrderId)).body.state).toBe("COMPLETED");
	});
});

describe("PhonePe's refunds", () => {
	async function paidOrder() {
		const order = await client.createOrder();
		await pay(order.orderId, "success");
		return order.merchantOrderId;
	}

	it("are one an id, and never more than was paid", async () => {
		const order = await paidOrder();
		const first = await refund("R-1", order, 30_000);
		expect(first.body).toEqual({
			refundId: expect.stringMatching(/^OMR\d{22}$/),
			amount: 30_000,
			state: "PENDING",
		});
		expect(await refund("R-1", order, 30_000)).toMatchObject({ status: 400, body: { code: "BAD_REQUEST" } });
		expect(await refund("R-2", order, 19_901)).toMatchObject({ status: 400, body: { code: "EXCESS_REFUND_AMOUNT" } });
		expect((await refund("R-3", order, 19_900)).status).toBe(200);
		expect((await client.call("GET", "/payments/v2/refund/R-1/status")).body).toMatchObject({
			merchantRefundId: "R-1",
			originalMerchantOrderId: order,
			refundId: first.body.refundId,
			state: "COMPLETED",
		});
		expect((await client.call("GET", "/payments/v2/refund/R-2/status")).status).toBe(400);
	});

	it("are made of paid orders only, and of a rupee at least", async () => {
		const { merchantOrderId } = await client.createOrder();
		expect((await refund("R-1", merchantOrderId, 1_000)).status).toBe(400);
		expect((await refund("R-1", "nobody's", 1_000)).body.code).toBe("BAD_REQUEST");
		expect((await refund("R-1", "nobodys", 1_000)).body.code).toBe("INVALID_MERCHANT_ORDER_ID");
		expect((await refund("R-1", await paidOrder(), 99)).status).toBe(400);
	});

	it("that failed can be made again", async () => {
		await test.control("PUT", "accounts", { ...PHONEPE_ACCOUNT, refunds: "later" });
		const order = await paidOrder();
		const { body } = await refund("R-1", order, 49_900);
		expect((await client.call("GET", "/payments/v2/refund/R-1/status")).body.state).toBe("CONFIRMED");
		expect((await refund("R-2", order, 49_900)).status).toBe(400);
		const decide = (outcome: string) =>
			test.control("POST", "refund", { provider: "phonepe", refund: body.refundId, outcome });
		expect((await decide("failure")).body.refund).toMatchObject({ state: "FAILED", detailedErrorCode: "U90" });
		expect((await decide("success")).body.error.code).toBe("refund_decided");
		expect((await refund("R-2", order, 49_900)).status).toBe(200);
	});
});

it("an address that PhonePe does not have is answered in its words", async () => {
	expect(await client.call("GET", "/checkout/v3/pay")).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
});

it("orders survive a restart, tokens do not", async () => {
	const folder = await mkdtemp(join(tmpdir(), "lightspeedpay-sandbox-"));
	folders.push(folder);
	const restart = async () => {
		await test.close();
		test = await startTestSandbox({ state_file: join(folder, "state.json") });
		client = createTestClient(test.url);
	};
	await restart();
	await test.control("PUT", "accounts", PHONEPE_ACCOUNT);
	const { body: token } = await client.askForToken();
	const headers = { authorization: `O-Bearer ${token.access_token}` };
	const order = payBody();
	await client.call("POST", "/checkout/v2/pay", order, headers);
	await pay(String(order.merchantOrderId), "success");
	const body = { merchantRefundId: "R-1", originalMerchantOrderId: order.merchantOrderId, amount: 1_000 };
	await client.call("POST", "/payments/v2/refund", body, headers);

	await restart();
	expect((await client.call("GET", "/payments/v2/refund/R-1/status", undefined, headers)).status).toBe(401);
	await client.logIn();
	expect((await status(String(order.merchantOrderId))).body.state).toBe("COMPLETED");
	expect((await client.call("GET", "/payments/v2/refund/R-1/status")).body.state).toBe("COMPLETED");
});

it("the oldest orders are forgotten, with all that names them", async () => {
	await test.close();
	test = await startTestSandbox({ order_capacity: 2 });
	await test.control("PUT", "accounts", PHONEPE_ACCOUNT);
	client = createTestClient(test.url);
	await client.logIn();
	const [oldest, ...others] = [await client.createOrder(), await client.createOrder(), await client.createOrder()];
	expect((await status(oldest!.merchantOrderId)).status).toBe(400);
	expect((await pay(oldest!.merchantOrderId, "success")).status).toBe(404);
	expect((await fetch(oldest!.redirectUrl)).status).toBe(410);
	for (const { merchantOrderId } of others) expect((await status(merchantOrderId)).status).toBe(200);
});
