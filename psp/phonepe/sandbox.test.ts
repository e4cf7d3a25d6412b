import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { connectSandbox, type SandboxDriver } from "../sandbox-driver.ts";
import { createPhonePeAdapter } from "./adapter.ts";

type Sdk = typeof import("@phonepe-pg/pg-sdk-node");
type Client = ReturnType<Sdk["StandardCheckoutClient"]["getInstance"]>;

const require = createRequire(import.meta.url);
const { Env, MetaInfo, RefundRequest, StandardCheckoutClient, StandardCheckoutPayRequest } =
	require("@phonepe-pg/pg-sdk-node") as Sdk;
const { BaseUrl } = require("@phonepe-pg/pg-sdk-node/dist/common/constants/BaseUrl") as {
	BaseUrl: Record<"PRODUCTION" | "SANDBOX", Record<string, string>>;
};
const { TokenService } = require("@phonepe-pg/pg-sdk-node/dist/common/tokenhandler/TokenService") as {
	TokenService: { oAuthResponse: unknown };
};

const account: PspAccount = {
	api_key: "SU2511_agreement",
	api_secret: "client-secret-agreement",
	webhook_secret: "hook5ecret99",
	settings: { client_version: 1, webhook_mode: "basic", webhook_username: "kaveri_hooks" },
};

/** The sandbox is worth testing against only as far as PhonePe's own software takes it for PhonePe. */
describe.each([
	["production", { PG_HOST_URL: "/apis/pg", OAUTH_HOST_URL: "/apis/identity-manager" }],
	["sandbox", { PG_HOST_URL: "/apis/pg-sandbox", OAUTH_HOST_URL: "/apis/pg-sandbox" }],
] as const)(
	"the sandbox, the official SDK and the adapter agree on the paths of PhonePe's %s:",
	(environment, paths) => {
		const sandbox = createSandbox();
		const here = { ...account, settings: { ...account.settings, environment } };
		let driver: SandboxDriver;
		let client: Client;

		beforeAll(async () => {
			await sandbox.listen(0);
			driver = await connectSandbox(sandbox.url, "phonepe");
			await driver.registerAccount(here);
			const env = environment === "production" ? "PRODUCTION" : "SANDBOX";
			for (const [name, path] of Object.entries(paths)) BaseUrl[env][name] = `${driver.api_url}${path}`;
			// getInstance gives one client a process, for one merchant and environment.
			const Client = StandardCheckoutClient as unknown as new (...parts: unknown[]) => Client;
			client = new Client(here.api_key, here.api_secret, 1, Env[env], false);
		});
		beforeEach(() => {
			// Kept by the class, and so for all clients.
			TokenService.oAuthResponse = undefined;
		});
		afterAll(async () => {
			await driver.close();
			await sandbox.close();
		});

		function orderInput(): CreateOrderInput {
			return {
				reference: randomUUID(),
				amount: 49900,
				currency: "INR",
				order_id: "KB-1042",
				merchant_name: "Kaveri Books",
				description: `"Two" <books> & a pen`,
				customer: { name: "Asha Rao", email: "asha.rao@example.com" },
				method: null,
				return_url: "http://127.0.0.1:9/pay/1/return?token=t",
				cancel_url: "http://127.0.0.1:9/pay/1/cancel?token=t",
				webhook_url: "http://127.0.0.1:9/webhook/lsp_key/1",
				splits: [],
				expires_at: new Date(Date.now() + 600_000),
			};
		}

		function payRequest(input: CreateOrderInput) {
			return StandardCheckoutPayRequest.builder()
				.merchantOrderId(input.reference)
				.amount(input.amount)
				.expireAfter(599)
				.message(input.description as string)
				.redirectUrl(input.return_url)
				.metaInfo(MetaInfo.builder().udf1(input.order_id).build())
				.build();
		}

		const adapter = () => createPhonePeAdapter({ api_url: driver.api_url });

		async function adapterOrder() {
			const input = orderInput();
			const order = await adapter().createOrder(here, input);
			if (order.outcome !== "succeeded" || order.presentation.kind !== "redirect") throw new Error("no page to pay on");
			return { input, reference: input.reference, psp_order_id: order.psp_order_id, page: order.presentation.url };
		}

		async function bodiesSent(path: string): Promise<unknown[]> {
			const query = new URLSearchParams({ service: "phonepe", method: "POST", path: `${paths.PG_HOST_URL}${path}` });
			const log = (await (await fetch(`${sandbox.url}/_control/log?${query}`)).json()) as { body: unknown }[];
			return log.map(({ body }) => body);
		}

		test("an order made through the SDK is paid, found and given back by either", async () => {
			const input = orderInput();
			const made = await client.pay(payRequest(input));
			expect(made).toMatchObject({ orderId: expect.stringMatching(/^OMO\d{22}$/), state: "PENDING" });
			expect(made.expireAt).toBeGreaterThan(Date.now() + 590_000);
			expect((await fetch(made.redirectUrl)).status).toBe(200);
			expect(await client.getOrderStatus(input.reference)).toMatchObject({ state: "PENDING", paymentDetails: [] });
			const order = { psp_order_id: made.orderId, reference: input.reference };
			expect((await adapter().fetchStatus(here, order)).outcome).toBe("pending");

			await driver.pay(made.orderId, "success");
			const status = await client.getOrderStatus(input.reference, true);
			expect(status).toMatchObject({
				orderId: made.orderId,
				state: "COMPLETED",
				amount: 49900,
				metaInfo: { udf1: "KB-1042" },
				paymentDetails: [{ state: "COMPLETED", amount: 49900, rail: { type: "UPI" }, instrument: { type: "ACCOUNT" } }],
			});
			const state = await adapter().fetchStatus(here, order);
			expect(state).toMatchObject({
				outcome: "succeeded",
				psp_payment_id: status.paymentDetails[0]?.transactionId,
				bank_reference: (status.paymentDetails[0]!.rail as { utr: string }).utr,
			});
			expect(await client.getTransactionStatus(state.psp_payment_id as string)).toMatchObject({
				orderId: made.orderId,
			});

			const merchantRefundId = randomUUID();
			const refund = RefundRequest.builder()
				.merchantRefundId(merchantRefundId)
				.originalMerchantOrderId(input.reference)
				.amount(10_000)
				.build();
			const made_refund = await client.refund(refund);
			expect(made_refund).toMatchObject({ refundId: expect.stringMatching(/^OMR\d{22}$/), state: "PENDING" });
			expect(await client.getRefundStatus(merchantRefundId)).toMatchObject({
				merchantRefundId,
				originalMerchantOrderId: input.reference,
				amount: 10_000,
				state: "COMPLETED",
			});
			await expect(client.refund(refund)).rejects.toMatchObject({ type: "BadRequest", httpStatusCode: 400 });
			const repeated = await adapter().refund(here, {
				reference: merchantRefundId,
				psp_payment_id: state.psp_payment_id as string,
				psp_order_id: made.orderId,
				order_reference: input.reference,
				amount: 10_000,
				currency: "INR",
				reason: null,
			});
			expect(repeated).toMatchObject({ outcome: "succeeded", psp_refund_id: made_refund.refundId });
		});

		test("both send the same, but for the SDK's own headers", async () => {
			const { input } = await adapterOrder();
			const [ours] = (await bodiesSent("/checkout/v2/pay")).slice(-1) as [{ expireAfter: number }];
			expect(ours.expireAfter).toBeGreaterThan(590);
			await client.pay(payRequest(input));
			const [theirs] = (await bodiesSent("/checkout/v2/pay")).slice(-1);
			expect({ ...ours, expireAfter: 599 }).toEqual(theirs);
		});

		test("a merchantOrderId whose page was opened is refused, and so is one that nobody knows", async () => {
			const { input, page } = await adapterOrder();
			await fetch(page);
			await expect(client.pay(payRequest(input))).rejects.toMatchObject({ type: "BadRequest", code: "BAD_REQUEST" });
			expect(await adapter().findOrder(here, input)).toMatchObject({
				outcome: "failed",
				error: { code: "duplicate_request" },
			});
			await expect(client.getOrderStatus(randomUUID())).rejects.toMatchObject({
				type: "BadRequest",
				code: "INVALID_MERCHANT_ORDER_ID",
			});
		});

		test("a decline leaves the order open, and both say why it was", async () => {
			const order = await adapterOrder();
			await driver.pay(order.psp_order_id, "failure");
			expect(await client.getOrderStatus(order.reference, false)).toMatchObject({
				state: "PENDING",
				paymentDetails: [{ state: "FAILED", errorCode: "INVALID_MPIN", detailedErrorCode: "ZM" }],
			});
			expect(await adapter().fetchStatus(here, order)).toMatchObject({ outcome: "failed", error: { psp_code: "ZM" } });
			await driver.pay(order.psp_order_id, "success");
			const status = await client.getOrderStatus(order.reference, true);
			expect(status.paymentDetails.map(({ state }) => state)).toEqual(["FAILED", "COMPLETED"]);
			expect((await client.getOrderStatus(order.reference, false)).paymentDetails).toHaveLength(1);
			expect((await adapter().fetchStatus(here, order)).outcome).toBe("succeeded");
		});

		test("a token that is refused is renewed and the call made once more", async () => {
			const order = await adapterOrder();
			await client.getOrderStatus(order.reference);
			await driver.fault({ path: `${paths.PG_HOST_URL}/checkout`, kind: "status", status: 401, times: 1 });
			expect((await client.getOrderStatus(order.reference)).state).toBe("PENDING");
			await driver.fault({ path: `${paths.PG_HOST_URL}/checkout`, kind: "status", status: 401, times: 1 });
			expect((await adapter().fetchStatus(here, order)).outcome).toBe("pending");
		});

		test("faults are the SDK's exceptions", async () => {
			const order = await adapterOrder();
			for (const [status, type] of [
				[429, "TooManyRequests"],
				[500, "ServerError"],
			] as const) {
				await driver.fault({ path: `${paths.PG_HOST_URL}/checkout`, kind: "status", status, times: 1 });
				await expect(client.getOrderStatus(order.reference)).rejects.toMatchObject({ type, httpStatusCode: status });
			}
		});

		test("a webhook is proven to the SDK and to the adapter, and forged to neither", async () => {
			const validate = (authorization: string, body: string) =>
				client.validateCallback("kaveri_hooks", here.webhook_secret as string, authorization, body);

			const order = await adapterOrder();
			await driver.pay(order.psp_order_id, "success");
			const [request] = await driver.webhooksAbout(order.psp_order_id, 1);
			const { headers, raw_body } = request as { headers: Record<string, string>; raw_body: Buffer };
			expect(validate(headers.authorization as string, raw_body.toString())).toMatchObject({
				type: "CHECKOUT_ORDER_COMPLETED",
				payload: { state: "COMPLETED", orderId: order.psp_order_id, merchantOrderId: order.reference, amount: 49900 },
			});
			expect(adapter().verifyWebhook(here, { headers, raw_body }).valid).toBe(true);

			const other = await adapterOrder();
			await driver.pay(other.psp_order_id, "success", { webhook: { forge: true } });
			const [forged] = await driver.webhooksAbout(other.psp_order_id, 1);
			expect(() => validate(forged?.headers.authorization as string, `${forged?.raw_body}`)).toThrow(
				"Invalid Callback",
			);
			expect(adapter().verifyWebhook(here, forged as NonNullable<typeof forged>).valid).toBe(false);
		});
	},
);
