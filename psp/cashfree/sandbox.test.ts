import { randomUUID } from "node:crypto";
import { Cashfree, CFEnvironment } from "cashfree-pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount, WebhookRequest } from "../adapter.ts";
import { connectSandbox, type SandboxDriver } from "../sandbox-driver.ts";
import { createCashfreeAdapter } from "./adapter.ts";
import { conformanceKit } from "./conformance.ts";

/** The sandbox is worth testing against only as far as Cashfree's own software takes it for Cashfree. */
describe("the sandbox, the official SDK and the adapter agree", () => {
	const sandbox = createSandbox();
	const account: PspAccount = conformanceKit.createAccount("agreement");
	let driver: SandboxDriver;
	let sdk: Cashfree;

	beforeAll(async () => {
		await sandbox.listen(0);
		driver = await connectSandbox(sandbox.url, "cashfree");
		await driver.registerAccount(account);
		// With the transport that it brings along.
		const { api_key, api_secret } = account;
		sdk = new Cashfree(CFEnvironment.SANDBOX, api_key, api_secret, undefined, undefined, undefined, false);
		sdk.basePath = `${driver.api_url}/pg`;
	});
	afterAll(async () => {
		await driver.close();
		await sandbox.close();
	});

	function orderInput(changes: Partial<CreateOrderInput> = {}): CreateOrderInput {
		return {
			reference: randomUUID(),
			amount: 49_950,
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
			expires_at: new Date(Date.now() + 60 * 60_000),
			...changes,
		};
	}

	async function createdOrder(changes: Partial<CreateOrderInput> = {}) {
		const adapter = createCashfreeAdapter({ api_url: driver.api_url });
		const input = orderInput(changes);
		const order = await adapter.createOrder(account, input);
		if (order.outcome !== "succeeded" || order.presentation.kind !== "script") throw new Error("no script to pay with");
		return { adapter, input, psp_order_id: order.psp_order_id, session: order.presentation.session };
	}

	async function paidOrder() {
		const order = await createdOrder();
		await driver.pay(order.psp_order_id, "success");
		const { psp_payment_id } = await order.adapter.fetchStatus(account, { ...order, reference: "" });
		const names = { psp_order_id: order.psp_order_id, order_reference: order.input.reference };
		return { ...order, payment: { ...names, psp_payment_id: psp_payment_id as string } };
	}

	/** What the official SDK says to the bytes that came. */
	function verifiedBySdk({ raw_body, headers }: WebhookRequest) {
		return sdk.PGVerifyWebhookSignature(
			headers["x-webhook-signature"] as string,
			raw_body.toString(),
			headers["x-webhook-timestamp"] as string,
		);
	}

	test("on an order, made by either and read by the other", async () => {
		const { adapter, input, psp_order_id, session } = await createdOrder();
		const { data } = await sdk.PGFetchOrder(psp_order_id);
		expect(data).toMatchObject({
			entity: "order",
			order_id: input.reference,
			order_amount: 499.5,
			order_currency: "INR",
			order_status: "ACTIVE",
			order_tags: { order_id: "KB-1042" },
			payment_session_id: session.payment_session_id,
		});
		const reference = randomUUID();
		const made = await sdk.PGCreateOrder({
			order_id: reference,
			order_amount: 499.5,
			order_currency: "INR",
			customer_details: { customer_id: "cust4711", customer_phone: "9000012345" },
		});
		const found = await adapter.findOrder(account, { ...input, reference });
		expect(found).toMatchObject({
			outcome: "succeeded",
			psp_order_id: reference,
			presentation: { session: { payment_session_id: made.data.payment_session_id } },
		});
	});

	test("on a payment that the payer makes on the hosted page", async () => {
		const { adapter, psp_order_id, session } = await createdOrder();
		const opened = await fetch(`${driver.api_url}/pg/view/sessions/checkout`, {
			method: "POST",
			body: new URLSearchParams({ payment_session_id: session.payment_session_id as string }),
		});
		expect(opened.status).toBe(200);
		const choose = (choice: Record<string, string>) =>
			fetch(`${opened.url}/pay`, { method: "POST", body: new URLSearchParams({ method: "upi", ...choice }) });
		await choose({ outcome: "failure", reason: "insufficient_funds" });
		expect(await adapter.fetchStatus(account, { psp_order_id, reference: "" })).toMatchObject({
			outcome: "failed",
			error: { code: "insufficient_funds", psp_code: "insufficient_funds" },
		});
		await choose({ outcome: "success" });
		const state = await adapter.fetchStatus(account, { psp_order_id, reference: "" });
		expect(state).toMatchObject({ outcome: "succeeded", amount: 49_950, method: "upi" });
		const { data: payments } = await sdk.PGOrderFetchPayments(psp_order_id);
		expect(payments.map(({ payment_status, cf_payment_id }) => [payment_status, cf_payment_id])).toEqual([
			["SUCCESS", state.psp_payment_id],
			["FAILED", expect.any(String)],
		]);
		const { data: one } = await sdk.PGOrderFetchPayment(psp_order_id, state.psp_payment_id as string);
		expect(one).toMatchObject({ payment_amount: 499.5, is_captured: true, bank_reference: state.bank_reference });
		expect((await sdk.PGFetchOrder(psp_order_id)).data.order_status).toBe("PAID");
	});

	test("on a payment begun through the SDK", async () => {
		const { adapter, psp_order_id, session } = await createdOrder();
		const { data } = await sdk.PGPayOrder({
			payment_session_id: session.payment_session_id as string,
			payment_method: { upi: { channel: "link" } } as never,
		});
		expect(data).toMatchObject({ payment_amount: 499.5, action: "link", payment_method: "upi", channel: "link" });
		expect(await adapter.fetchStatus(account, { psp_order_id, reference: "" })).toMatchObject({
			outcome: "pending",
			psp_payment_id: data.cf_payment_id,
		});
		expect((await fetch(data.data?.url as string)).status).toBe(200);
	});

	test("on webhooks: what the sandbox sends, the official SDK verifies, and so does the adapter", async () => {
		const { adapter, psp_order_id, payment } = await paidOrder();
		const reference = randomUUID();
		await adapter.refund(account, { ...payment, reference, amount: 10_000, currency: "INR", reason: "Out of stock" });
		const requests = await driver.webhooksAbout(psp_order_id, 3);
		const types = requests.map((request) => {
			const verified = adapter.verifyWebhook(account, request);
			expect(verified).toMatchObject({ valid: true, dedupe_key: request.headers["x-idempotency-key"] });
			return verifiedBySdk(request).type;
		});
		expect(types.sort()).toEqual(["PAYMENT_CHARGES_WEBHOOK", "PAYMENT_SUCCESS_WEBHOOK", "REFUND_STATUS_WEBHOOK"]);
		const events = requests.map((request) => adapter.parseWebhook(request));
		const fee = 999 + 180;
		expect(events).toContainEqual(
			expect.objectContaining({ payment: expect.objectContaining({ outcome: "succeeded", fee, amount: 49_950 }) }),
		);
		expect(events).toContainEqual(
			expect.objectContaining({ refund: expect.objectContaining({ outcome: "succeeded", reference, amount: 10_000 }) }),
		);
		for (const { raw_body, headers } of requests) {
			const rewritten = Buffer.from(JSON.stringify(JSON.parse(raw_body.toString())));
			expect(rewritten.length).toBeLessThan(raw_body.length);
			expect(() => verifiedBySdk({ raw_body: rewritten, headers })).toThrow("did not match");
			expect(adapter.verifyWebhook(account, { raw_body: rewritten, headers }).valid).toBe(false);
		}
	});

	test("on a forged webhook, which both refuse", async () => {
		const { adapter, psp_order_id } = await createdOrder();
		await driver.pay(psp_order_id, "failure", { webhook: { forge: true } });
		const [request] = (await driver.webhooksAbout(psp_order_id, 1)) as [WebhookRequest];
		expect(() => verifiedBySdk(request)).toThrow("did not match");
		expect(adapter.verifyWebhook(account, request).valid).toBe(false);
	});

	test("on a second success, which Cashfree gives back of its own accord", async () => {
		const { adapter, psp_order_id } = await createdOrder();
		await driver.pay(psp_order_id, "success");
		await driver.pay(psp_order_id, "success");
		const requests = await driver.webhooksAbout(psp_order_id, 5);
		const refund = requests.map((request) => adapter.parseWebhook(request)).find(({ kind }) => kind === "refund");
		expect(refund).toMatchObject({
			event_type: "AUTO_REFUND_STATUS_WEBHOOK",
			refund: { outcome: "succeeded", reference: null, amount: 49_950 },
		});
		for (const request of requests) expect(verifiedBySdk(request).type).toBeTruthy();
	});

	test("on a look-up of an order that was paid twice, which tells of both, the first first", async () => {
		const { adapter, payment, ...order } = await paidOrder();
		await driver.pay(order.psp_order_id, "success");
		const state = await adapter.fetchStatus(account, { ...order, reference: "" });
		expect(state).toMatchObject({ outcome: "succeeded", psp_payment_id: payment.psp_payment_id });
		expect(state.further).toMatchObject([{ outcome: "succeeded", amount: 49_950 }]);
		expect(state.further![0]!.psp_payment_id).not.toBe(payment.psp_payment_id);
	});

	test("on giving a second success back, which is left to Cashfree", async () => {
		const { adapter, psp_order_id, payment } = await paidOrder();
		await driver.pay(psp_order_id, "success");
		const { data: payments } = await sdk.PGOrderFetchPayments(psp_order_id);
		const further = payments
			.map(({ cf_payment_id }) => String(cf_payment_id))
			.find((id) => id !== payment.psp_payment_id)!;
		const reference = randomUUID();
		const asked = { ...payment, reference, amount: 49_950, currency: "INR", reason: null, is_further_payment: true };
		expect(await adapter.refund(account, { ...asked, psp_payment_id: further })).toMatchObject({
			outcome: "succeeded",
			reference,
			psp_payment_id: further,
			amount: 49_950,
		});
		const { data: refunds } = await sdk.PGOrderFetchRefunds(psp_order_id);
		expect(refunds.map(({ refund_type, cf_payment_id }) => [refund_type, cf_payment_id])).toEqual([
			["PAYMENT_AUTO_REFUND", further],
		]);
		expect((await adapter.fetchStatus(account, { psp_order_id, reference: psp_order_id })).psp_payment_id).toBe(
			payment.psp_payment_id,
		);
	});

	test("on giving back what was paid beside another order", async () => {
		const { adapter, payment } = await paidOrder();
		const asked = { ...payment, reference: randomUUID(), amount: 49_950, currency: "INR", reason: null };
		const refund = await adapter.refund(account, { ...asked, is_further_payment: true });
		expect(refund).toMatchObject({ outcome: "succeeded", psp_payment_id: payment.psp_payment_id });
	});

	test("on refunds", async () => {
		const { adapter, psp_order_id, payment } = await paidOrder();
		const reference = randomUUID();
		const asked = { ...payment, reference, amount: 20_005, currency: "INR", reason: "Out of stock" };
		const refund = await adapter.refund(account, asked);
		const { data } = await sdk.PGOrderFetchRefund(psp_order_id, reference);
		expect(data).toMatchObject({
			cf_refund_id: refund.psp_refund_id,
			cf_payment_id: payment.psp_payment_id,
			refund_amount: 200.05,
			refund_note: "Out of stock",
			refund_status: "SUCCESS",
			refund_type: "MERCHANT_INITIATED",
		});
		const again = sdk.PGOrderCreateRefund(psp_order_id, { refund_id: reference, refund_amount: 200.05 });
		await expect(again).rejects.toMatchObject({
			response: { status: 409, data: { code: "refund_already_exists", type: "invalid_request_error" } },
		});
		expect((await adapter.refund(account, asked)).psp_refund_id).toBe(refund.psp_refund_id);
		expect((await sdk.PGOrderFetchRefunds(psp_order_id)).data).toHaveLength(1);
	});

	test("that a refund asked for ten times at once is one refund", async () => {
		const { adapter, psp_order_id, payment } = await paidOrder();
		const asked = { ...payment, reference: randomUUID(), amount: 49_950, currency: "INR", reason: null };
		const refunds = await Promise.all(Array.from({ length: 10 }, () => adapter.refund(account, asked)));
		expect(new Set(refunds.map(({ outcome, amount }) => `${outcome} ${amount}`))).toEqual(new Set(["succeeded 49950"]));
		expect(new Set(refunds.map(({ psp_refund_id }) => psp_refund_id)).size).toBe(1);
		expect((await sdk.PGOrderFetchRefunds(psp_order_id)).data).toHaveLength(1);
	});

	test("on closing an order", async () => {
		const first = await createdOrder();
		const names = { psp_order_id: first.psp_order_id, reference: first.input.reference };
		expect((await first.adapter.closeOrder?.(account, names))?.outcome).toBe("succeeded");
		expect((await sdk.PGFetchOrder(first.psp_order_id)).data.order_status).toBe("TERMINATED");
		const second = await createdOrder();
		const { data } = await sdk.PGTerminateOrder(second.psp_order_id, { order_status: "TERMINATED" });
		expect(data.order_status).toBe("TERMINATED");
		expect((await second.adapter.closeOrder?.(account, { ...names, psp_order_id: second.psp_order_id }))?.outcome).toBe(
			"succeeded",
		);
	});

	test("that an order which somebody is paying is not closed until that has come to an end", async () => {
		for (const [end, closed] of [
			["failure", "succeeded"],
			["success", "failed"],
		] as const) {
			const { adapter, psp_order_id, input } = await createdOrder();
			const names = { psp_order_id, reference: input.reference };
			await driver.pay(psp_order_id, "pending");
			expect((await adapter.closeOrder?.(account, names))?.outcome).toBe("unknown");
			expect((await adapter.closeOrder?.(account, names))?.outcome).toBe("unknown");
			await driver.pay(psp_order_id, end);
			expect((await adapter.closeOrder?.(account, names))?.outcome).toBe(closed);
		}
	});

	test("on parts for vendors, at creation and after the payment", async () => {
		const { adapter, psp_order_id, input } = await createdOrder({
			splits: [{ account: "vendor_kaveri", amount: 10_001 }],
		});
		await driver.pay(psp_order_id, "success");
		const part = {
			psp_order_id,
			psp_payment_id: "",
			order_reference: input.reference,
			reference: randomUUID(),
			account: "vendor_tunga",
			amount: 20_000,
			currency: "INR",
		};
		for (let n = 0; n < 3; n++) expect((await adapter.transfer?.(account, part))?.outcome).toBe("succeeded");
		const { data } = await sdk.PGFetchOrder(psp_order_id);
		expect(data.order_splits?.map(({ vendor_id, amount }) => [vendor_id, amount])).toEqual([
			["vendor_kaveri", 100.01],
			["vendor_tunga", 200],
		]);
		const beyond = await adapter.transfer?.(account, { ...part, reference: randomUUID() });
		expect(beyond).toMatchObject({ outcome: "failed", error: { code: "invalid_request" } });
		const nobody = await adapter.transfer?.(account, {
			...part,
			reference: randomUUID(),
			account: "nobody",
			amount: 1,
		});
		expect(nobody).toMatchObject({ outcome: "failed", error: { message: "vendor does not exist" } });
	});

	test("on the settlement report, and its webhook", async () => {
		const { adapter, psp_order_id, payment } = await paidOrder();
		const day = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(new Date());
		const report = await adapter.fetchSettlement(account, day);
		if (report.outcome !== "succeeded") throw new Error(report.error.message);
		const line = report.lines.find((one) => one.psp_order_id === psp_order_id);
		expect(line).toMatchObject({ kind: "payment", psp_id: payment.psp_payment_id, amount: 49_950, fee: 999 + 180 });
		const id = Number(line?.psp_settlement_id);
		const { data } = await sdk.PGSettlementFetchRecon({
			pagination: { limit: 1000 },
			filters: { cf_settlement_ids: [id] },
		});
		expect(data.data?.map(({ order_details }) => order_details?.order_id)).toContain(psp_order_id);
		await sdk.PGSimulateSettlement({ merchantOrderIds: [psp_order_id] });
		const [request] = (await driver.webhooksAbout(line?.utr as string, 1)) as [WebhookRequest];
		expect(verifiedBySdk(request)).toMatchObject({ type: "SETTLEMENT_SUCCESS" });
		expect(adapter.parseWebhook(request)).toEqual({ kind: "ignored", event_type: "SETTLEMENT_SUCCESS" });
	});

	test("on what a refusal looks like", async () => {
		const { api_key } = account;
		const stranger = new Cashfree(CFEnvironment.SANDBOX, api_key, "x", undefined, undefined, undefined, false);
		stranger.basePath = sdk.basePath;
		await expect(stranger.PGFetchOrder(randomUUID())).rejects.toMatchObject({
			response: {
				status: 401,
				data: { message: "authentication Failed", code: "request_failed", type: "authentication_error" },
				headers: { "x-ratelimit-limit": "400", "x-ratelimit-type": "app_id", "x-api-version": "2026-01-01" },
			},
		});
		await expect(sdk.PGFetchOrder(randomUUID())).rejects.toMatchObject({
			response: { status: 404, data: { code: "order_not_found" } },
		});
	});
});
