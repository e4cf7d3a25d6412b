import { randomUUID } from "node:crypto";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { connectSandbox, type SandboxDriver } from "../sandbox-driver.ts";
import { createStripeAdapter } from "./adapter.ts";
import { conformanceKit } from "./conformance.ts";

/** The sandbox is worth testing against only as far as Stripe's own software takes it for Stripe. */
describe("the sandbox, the official SDK and the adapter agree", () => {
	const sandbox = createSandbox();
	const account: PspAccount = conformanceKit.createAccount("agreement");
	let driver: SandboxDriver;

	beforeAll(async () => {
		await sandbox.listen(0);
		driver = await connectSandbox(sandbox.url, "stripe");
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

	/** The official SDK with its own transport; only the path before /v1 is put in. */
	function plainSdk(): Stripe {
		const { hostname, port } = new URL(driver.api_url);
		const prefixed = (input: string, init: RequestInit) => fetch(input.replace("/v1/", "/stripe/v1/"), init);
		return new Stripe(account.api_secret, {
			host: hostname,
			port,
			protocol: "http",
			telemetry: false,
			httpClient: Stripe.createFetchHttpClient(prefixed as never),
		});
	}

	async function openedOrder(input = orderInput()) {
		const adapter = createStripeAdapter({ api_url: driver.api_url });
		const order = await adapter.createOrder(account, input);
		if (order.outcome !== "succeeded" || order.presentation.kind !== "redirect") throw new Error("no page to pay at");
		const { url } = order.presentation;
		/** Where the payer's browser would be taken after choosing this on the page. */
		async function choose(outcome: "success" | "failure") {
			const body = new URLSearchParams({ outcome, method: "card", reason: "insufficient_funds" });
			const html = await (await fetch(`${url}/pay`, { method: "POST", body })).text();
			const [, href = ""] = /id="return" href="([^"]+)"/.exec(html) ?? [];
			return href.replaceAll("&amp;", "&");
		}
		return { adapter, psp_order_id: order.psp_order_id, reference: input.reference, choose };
	}

	test("on where the browser comes back to after paying on the hosted page", async () => {
		const { adapter, psp_order_id, choose } = await openedOrder();
		const returned = new URL(await choose("success"));
		const query = Object.fromEntries(returned.searchParams);
		expect(`${returned.origin}${returned.pathname}`).toBe("http://127.0.0.1:1/pay/1/return");
		expect(query).toEqual({ token: "t", session_id: psp_order_id });
		expect(adapter.verifyReturn(account, { query, form: {}, psp_order_id })).toEqual({
			verified: false,
			claims: "succeeded",
		});
	});

	test("on a decline, after which the payer stays and pays", async () => {
		const { adapter, psp_order_id, reference, choose } = await openedOrder();
		expect(await choose("failure")).toBe("");
		expect(await adapter.fetchStatus(account, { psp_order_id, reference })).toMatchObject({
			outcome: "failed",
			reference,
			error: { code: "insufficient_funds", psp_code: "insufficient_funds" },
		});
		await choose("success");
		expect((await adapter.fetchStatus(account, { psp_order_id, reference })).outcome).toBe("succeeded");
	});

	test("on webhooks", async () => {
		const { adapter, psp_order_id, reference, choose } = await openedOrder();
		await choose("success");
		const kinds = new Set<string>();
		for (const request of await driver.webhooksAbout([psp_order_id, reference], 3)) {
			const signature = request.headers["stripe-signature"] as string;
			const event = Stripe.webhooks.constructEvent(request.raw_body, signature, account.webhook_secret as string);
			expect(adapter.verifyWebhook(account, request)).toEqual({
				valid: true,
				dedupe_key: event.id,
				event_type: event.type,
				body_proven: true,
			});
			kinds.add(`${event.type} ${adapter.parseWebhook(request).kind}`);
		}
		expect(kinds).toContain("payment_intent.succeeded payment");
		expect(kinds).toContain("checkout.session.completed payment");
	});

	test("on the state of a session, as the plain SDK reads it", async () => {
		const { psp_order_id, reference, choose } = await openedOrder();
		await choose("success");
		const session = await plainSdk().checkout.sessions.retrieve(psp_order_id, { expand: ["payment_intent"] });
		expect(session).toMatchObject({
			status: "complete",
			payment_status: "paid",
			amount_total: 49900,
			client_reference_id: reference,
			metadata: { reference, order_id: "KB-1042" },
			payment_intent: { amount_received: 49900, description: `"Two" <books> & a pen`, metadata: { reference } },
		});
	});

	test("on refunds and transfers, as the plain SDK reads them", async () => {
		const { adapter, psp_order_id, reference, choose } = await openedOrder();
		await choose("success");
		const { psp_payment_id } = await adapter.fetchStatus(account, { psp_order_id, reference });
		const payment = { psp_payment_id: psp_payment_id as string, psp_order_id, order_reference: reference };
		const asked = { ...payment, amount: 5_000, currency: "INR" };
		const refund = await adapter.refund(account, { ...asked, reference: randomUUID(), reason: "Out of stock" });
		expect(await plainSdk().refunds.retrieve(refund.psp_refund_id as string)).toMatchObject({
			amount: 5_000,
			metadata: { reference: refund.reference, reason: "Out of stock" },
		});
		const split = { ...asked, reference: randomUUID(), account: "acct_1SellerOne" };
		const transfer = await adapter.transfer?.(account, split);
		expect(await plainSdk().transfers.retrieve(transfer?.psp_transfer_id as string)).toMatchObject({
			amount: 5_000,
			destination: "acct_1SellerOne",
			metadata: { reference: split.reference },
		});
	});

	test("that a create whose answer was lost is made once, however the retry is worded", async () => {
		const input = orderInput();
		const hasty = createStripeAdapter({ api_url: driver.api_url });
		await driver.fault({ path: "/v1/checkout/sessions", kind: "drop_after_success", times: 1 });
		expect((await hasty.createOrder(account, input)).outcome).toBe("unknown");
		const found = await hasty.findOrder(account, input);
		const later = { ...input, expires_at: new Date(Date.now() + 2 * 60 * 60_000) };
		expect(await hasty.createOrder(account, later)).toMatchObject({
			outcome: "unknown",
			error: { code: "duplicate_request" },
		});
		const sessions: string[] = [];
		for await (const { id, client_reference_id } of plainSdk().checkout.sessions.list({ limit: 100 })) {
			if (client_reference_id === input.reference) sessions.push(id);
		}
		expect(found).toMatchObject({ outcome: "succeeded", psp_order_id: sessions[0] });
		expect(sessions).toHaveLength(1);
	});

	test("that a refund whose answer was lost is made once", async () => {
		const { adapter, psp_order_id, reference, choose } = await openedOrder();
		await choose("success");
		const { psp_payment_id } = await adapter.fetchStatus(account, { psp_order_id, reference });
		const input = {
			psp_payment_id: psp_payment_id as string,
			psp_order_id,
			order_reference: reference,
			reference: randomUUID(),
			amount: 30_000,
			currency: "INR",
			reason: null,
		};
		const lost = await fetch(`${sandbox.url}/_control/faults`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ service: "stripe", path: "/v1/refunds", method: "POST", kind: "drop_after_success" }),
		});
		expect(lost.status).toBe(201);
		expect((await adapter.refund(account, input)).outcome).toBe("unknown");
		expect(await adapter.refund(account, input)).toMatchObject({ outcome: "succeeded", amount: 30_000 });
		const { data } = await plainSdk().refunds.list({ payment_intent: input.psp_payment_id });
		expect(data).toHaveLength(1);
	});
});
