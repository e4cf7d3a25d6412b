import { randomUUID } from "node:crypto";
import http from "node:http";
import https from "node:https";
import Payu from "payu-websdk";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { connectSandbox, type SandboxDriver } from "../sandbox-driver.ts";
import { createPayuAdapter } from "./adapter.ts";
import { fieldsOf } from "./webhook.ts";

/** The sandbox is worth testing against only as far as PayU's own software takes it for PayU. */
describe("the sandbox, the official SDK and the adapter agree", () => {
	const sandbox = createSandbox();
	const account: PspAccount = {
		api_key: "payuagree",
		api_secret: "salt+of&agreement",
		webhook_secret: null,
		settings: {},
	};
	const splitting: PspAccount = {
		...account,
		api_key: "payusplit",
		settings: { additional_charges: "12.50", webhook_format: "json" },
	};
	let driver: SandboxDriver;

	beforeAll(async () => {
		await sandbox.listen(0);
		driver = await connectSandbox(sandbox.url, "payu");
		await driver.registerAccount(account);
		await driver.registerAccount(splitting);
	});
	afterEach(() => vi.restoreAllMocks());
	afterAll(async () => {
		await driver.close();
		await sandbox.close();
	});

	/** The SDK knows only its own host and port 443: what it sends there is brought to the sandbox as it is. */
	function sdkOf({ api_key, api_secret }: PspAccount, config = {}) {
		const { hostname, port } = new URL(sandbox.url);
		vi.spyOn(https, "request").mockImplementation(((options: http.RequestOptions, answered: () => void) =>
			http.request({ ...options, protocol: "http:", hostname, port }, answered)) as typeof https.request);
		const sdk = new Payu({ key: api_key, salt: api_secret }, "TEST", config);
		sdk.credes.apiPath = "/payu/merchant/postservice.php?form=2";
		sdk.credes.paymentURL = `${sandbox.url}/payu/_payment`;
		return sdk;
	}

	function orderInput(splits: CreateOrderInput["splits"] = []): CreateOrderInput {
		return {
			reference: randomUUID(),
			amount: 49900,
			currency: "INR",
			order_id: "KB-1042",
			merchant_name: "Kaveri Books",
			description: `"Two" <books> & a pen + ink | कावेरी ☕`,
			customer: { name: "Asha + Rao & Co", email: "asha.rao@example.com" },
			method: null,
			return_url: "http://127.0.0.1:1/pay/1/return?token=t",
			cancel_url: "http://127.0.0.1:1/pay/1/cancel?token=t",
			webhook_url: "http://127.0.0.1:1/webhook/lsp_key/1",
			splits,
			expires_at: new Date(Date.now() + 60_000),
		};
	}

	async function openedOrder(merchant = account, splits: CreateOrderInput["splits"] = []) {
		const adapter = createPayuAdapter({ api_url: driver.api_url });
		const order = await adapter.createOrder(merchant, orderInput(splits));
		if (order.outcome !== "succeeded" || order.presentation.kind !== "form") throw new Error("no form to pay with");
		const { psp_order_id } = order;
		const { url, fields } = order.presentation;
		const page = await fetch(url, { method: "POST", body: new URLSearchParams(fields) });
		expect(page.status).toBe(200);
		/** What the payer's browser would post back to us after choosing this on the page. */
		async function choose(outcome: "success" | "failure" | "pending", reason = "insufficient_funds") {
			const ids = { key: merchant.api_key, txnid: psp_order_id };
			const body = new URLSearchParams({ ...ids, outcome, method: "card", reason });
			const answer = await fetch(`${sandbox.url}/payu/_payment_options`, { method: "POST", body });
			const [, form = ""] = /<form[^>]* id="return">([\s\S]*?)<\/form>/.exec(await answer.text()) ?? [];
			const inputs = form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
			return Object.fromEntries(
				[...inputs].map(([, name, value]) => [name as string, withoutEntities(value as string)]),
			);
		}
		return { adapter, psp_order_id, fields, choose };
	}

	test("on the form: what the SDK makes opens the page, what it did not make does not", async () => {
		const sdk = sdkOf(account);
		const form = sdk.paymentInitiate({
			txnid: "sdk-form-1",
			amount: "10",
			productinfo: "A book & a pen",
			firstname: "Asha",
			email: "asha.rao@example.com",
			phone: "9000012345",
			surl: "http://127.0.0.1:1/s",
			furl: "http://127.0.0.1:1/f",
		});
		const inputs = [...form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)" \/>/g)];
		const fields = Object.fromEntries(
			inputs.map(([, name, value]) => [name as string, withoutEntities(value as string)]),
		);
		const post = (body: Record<string, string>) =>
			fetch(`${sandbox.url}/payu/_payment`, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
		expect((await post(fields)).status).toBe(303);
		expect((await post({ ...fields, amount: "10.00" })).status).toBe(400);
	});

	test.each(["success", "failure"] as const)("on what the browser brings back after a %s", async (outcome) => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const form = await choose(outcome);
		expect(form).toMatchObject({ txnid: psp_order_id, status: outcome });
		expect(sdkOf(account).hasher.validateResponseHash(form)).toBe(true);
		expect(adapter.verifyReturn(account, { query: { token: "t" }, form, psp_order_id })).toEqual({
			verified: true,
			psp_payment_id: form.mihpayid,
			claims: outcome === "success" ? "succeeded" : "failed",
		});
	});

	test("on a payer who cancels", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const form = await choose("failure", "user_cancelled");
		expect(sdkOf(account).hasher.validateResponseHash(form)).toBe(true);
		expect(await adapter.fetchStatus(account, { psp_order_id, reference: "" })).toMatchObject({
			outcome: "failed",
			error: { code: "cancelled_by_payer", psp_code: "E1605" },
		});
	});

	test("on webhooks of a payment, by form", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		await choose("success");
		const [request] = await driver.webhooksAbout(psp_order_id, 1);
		if (request === undefined) throw new Error("no webhook came");
		expect(sdkOf(account).hasher.validateResponseHash(fieldsOf(request.raw_body.toString()))).toBe(true);
		expect(adapter.verifyWebhook(account, request).valid).toBe(true);
		expect(adapter.parseWebhook(request)).toMatchObject({ kind: "payment", payment: { outcome: "succeeded" } });
	});

	test("on a payment with parts for others and charges on top, its return and its webhook in JSON", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder(splitting, [{ account: "P41sCY", amount: 30_000 }]);
		const form = await choose("success");
		expect(form).toMatchObject({ additionalCharges: "12.50", splitInfo: expect.stringContaining("P41sCY") });
		const sdk = sdkOf(splitting, { useSplitHash: true });
		expect(sdk.hasher.validateResponseHash(form)).toBe(true);
		expect(adapter.verifyReturn(splitting, { query: {}, form, psp_order_id })).toMatchObject({ verified: true });
		const [request] = await driver.webhooksAbout(psp_order_id, 1);
		if (request === undefined) throw new Error("no webhook came");
		const { event_payload } = JSON.parse(request.raw_body.toString());
		expect(sdk.hasher.validateResponseHash(event_payload)).toBe(true);
		expect(adapter.verifyWebhook(splitting, request).valid).toBe(true);
		expect(adapter.parseWebhook(request)).toMatchObject({ kind: "payment", payment: { amount: 49_900 } });
	});

	test("on the state of a payment, as the plain SDK reads it", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const sdk = sdkOf(account);
		const none = { mihpayid: "Not Found", status: "Not Found" };
		expect(await sdk.verifyPayment(psp_order_id)).toMatchObject({
			status: 0,
			transaction_details: { [psp_order_id]: none },
		});
		await choose("success");
		expect(await sdk.verifyPayment(psp_order_id)).toMatchObject({
			status: 1,
			transaction_details: { [psp_order_id]: { status: "success", unmappedstatus: "captured", amt: "499.00" } },
		});
		expect((await adapter.fetchStatus(account, { psp_order_id, reference: "" })).outcome).toBe("succeeded");
	});

	test("on refunds: the SDK's is seen by the adapter, and the adapter's by the SDK", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const { mihpayid = "" } = await choose("success");
		const sdk = sdkOf(account);
		const theirs = await sdk.cancelRefundTransaction(mihpayid, "sdk-token-1", "100.00");
		expect(theirs).toMatchObject({ status: 1, msg: "Refund Request Queued", error_code: 102 });
		expect(await sdk.cancelRefundTransaction(mihpayid, "sdk-token-1", "100.00")).toMatchObject({
			status: 0,
			msg: "token already used or request pending",
		});
		const payment = { psp_payment_id: mihpayid, psp_order_id, order_reference: "" };
		const refund = { ...payment, reference: randomUUID(), currency: "INR", reason: null };
		expect(await adapter.refund(account, { ...refund, amount: 39_901 })).toMatchObject({
			outcome: "failed",
			error: { code: "refund_exceeds_amount" },
		});
		const ours = await adapter.refund(account, { ...refund, amount: 39_900 });
		const request_id = ours.psp_refund_id as string;
		expect(await sdk.checkActionStatus(request_id)).toMatchObject({
			status: 1,
			transaction_details: { [request_id]: { [request_id]: { action: "refund", amt: "399.00", status: "success" } } },
		});
		expect(await sdk.checkActionStatus("dfasdfddasd")).toStrictEqual({
			status: 0,
			msg: "0 out of 1 Transactions Fetched Successfully",
			transaction_details: { dfasdfddasd: "No action status found" },
		});
	});

	test("on the settlement report", async () => {
		const { adapter, choose } = await openedOrder();
		await choose("success");
		const day = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(new Date());
		const plain = (await sdkOf(account).getSettlementDetails(day)) as { Txn_details: Record<string, object> };
		const report = await adapter.fetchSettlement(account, day);
		expect(report).toMatchObject({ outcome: "succeeded" });
		expect(report.outcome === "succeeded" && report.lines.length).toBe(Object.keys(plain.Txn_details).length);
	});
});

function withoutEntities(text: string): string {
	const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
	return text.replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => characters[name] as string);
}
