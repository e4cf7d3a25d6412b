import { randomUUID } from "node:crypto";
import Razorpay from "razorpay";
import { validatePaymentVerification } from "razorpay/dist/utils/razorpay-utils.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { connectSandbox, type SandboxDriver } from "../sandbox-driver.ts";
import { createRazorpayAdapter } from "./adapter.ts";
import { conformanceKit } from "./conformance.ts";

/** The sandbox is worth testing against only as far as Razorpay's own software takes it for Razorpay. */
describe("the sandbox, the official SDK and the adapter agree", () => {
	const sandbox = createSandbox();
	const account: PspAccount = conformanceKit.createAccount("agreement");
	let driver: SandboxDriver;

	beforeAll(async () => {
		await sandbox.listen(0);
		driver = await connectSandbox(sandbox.url, "razorpay");
		await driver.registerAccount(account);
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
			return_url: "http://127.0.0.1:1/pay/1/return?token=t",
			cancel_url: "http://127.0.0.1:1/pay/1/cancel?token=t",
			webhook_url: "http://127.0.0.1:1/webhook/lsp_key/1",
			splits: [],
			expires_at: new Date(Date.now() + 60_000),
		};
	}

	async function openedOrder() {
		const adapter = createRazorpayAdapter({ api_url: driver.api_url });
		const order = await adapter.createOrder(account, orderInput());
		if (order.outcome !== "succeeded" || order.presentation.kind !== "form") throw new Error("no form to pay with");
		const { url, fields } = order.presentation;
		const page = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
		/** What the payer's browser would post back to us after choosing this on the page. */
		async function choose(outcome: "success" | "failure") {
			const body = new URLSearchParams({ outcome, method: "upi", reason: "insufficient_funds" });
			const html = await (await fetch(`${page.url}/pay`, { method: "POST", body })).text();
			const inputs = html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
			return Object.fromEntries([...inputs].map(([, name, value]) => [name as string, value as string]));
		}
		return { adapter, psp_order_id: order.psp_order_id, choose };
	}

	test("on a look-up of an order that was paid twice, which tells of both until one is given back", async () => {
		const adapter = createRazorpayAdapter({ api_url: driver.api_url });
		const order = await adapter.createOrder(account, orderInput());
		if (order.outcome !== "succeeded") throw new Error("no order");
		const { psp_order_id } = order;
		await driver.pay(psp_order_id, "success");
		await driver.pay(psp_order_id, "success");
		const look = () => adapter.fetchStatus(account, { psp_order_id, reference: "" });
		const { further = [], ...best } = await look();
		expect([best, ...further]).toMatchObject([
			{ outcome: "succeeded", amount: 49_900 },
			{ outcome: "succeeded", amount: 49_900 },
		]);
		const [second] = further;
		expect(second!.psp_payment_id).not.toBe(best.psp_payment_id);
		await adapter.refund(account, {
			reference: randomUUID(),
			psp_order_id,
			order_reference: "",
			psp_payment_id: best.psp_payment_id!,
			amount: 49_900,
			currency: "INR",
			reason: null,
		});
		expect(await look()).toMatchObject({ psp_payment_id: second!.psp_payment_id });
		expect(await look()).not.toHaveProperty("further");
	});

	test("on what the browser brings back after paying on the hosted page", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const form = await choose("success");
		const payment_id = form.razorpay_payment_id as string;
		expect(
			validatePaymentVerification(
				{ order_id: psp_order_id, payment_id },
				form.razorpay_signature as string,
				account.api_secret,
			),
		).toBe(true);
		expect(adapter.verifyReturn(account, { query: { token: "t" }, form, psp_order_id })).toEqual({
			verified: true,
			psp_payment_id: payment_id,
			claims: "succeeded",
		});
	});

	test("on what it brings back after a decline", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const form = await choose("failure");
		expect(adapter.verifyReturn(account, { query: { token: "t" }, form, psp_order_id })).toEqual({
			verified: false,
			claims: "failed",
		});
		expect(await adapter.fetchStatus(account, { psp_order_id, reference: "" })).toMatchObject({
			outcome: "failed",
			error: { code: "insufficient_funds", psp_code: "insufficient_funds" },
		});
	});

	test("on webhooks", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		await choose("success");
		for (const request of await driver.webhooksAbout(psp_order_id, 3)) {
			const signature = request.headers["x-razorpay-signature"] as string;
			const secret = account.webhook_secret as string;
			expect(Razorpay.validateWebhookSignature(request.raw_body.toString(), signature, secret)).toBe(true);
			expect(adapter.verifyWebhook(account, request).valid).toBe(true);
			expect(adapter.parseWebhook(request).kind).toBe("payment");
		}
	});

	test("on the state of an order, as the plain SDK reads it", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		await choose("success");
		const sdk = new Razorpay({ key_id: account.api_key, key_secret: account.api_secret });
		const transport = (sdk.api as unknown as { rq: { defaults: { baseURL: string } } }).rq;
		transport.defaults.baseURL = driver.api_url;
		expect(await sdk.orders.fetch(psp_order_id)).toMatchObject({ status: "paid", amount_paid: 49900, amount_due: 0 });
		expect((await adapter.fetchStatus(account, { psp_order_id, reference: "" })).outcome).toBe("succeeded");
	});
});
