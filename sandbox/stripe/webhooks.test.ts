import Stripe from "stripe";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReceivedWebhook, startReceiver, startTestSandbox } from "../test-sandbox.ts";

const ACCOUNT = {
	provider: "stripe",
	api_key: "pk_test_kaveri",
	api_secret: "sk_test_kaveri_secret",
	webhook_secret: "whsec_kaveri",
};

let test: Awaited<ReturnType<typeof startTestSandbox>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;

async function startWith(answers: number[] = [], options: Parameters<typeof startTestSandbox>[0] = {}) {
	test = await startTestSandbox(options);
	receiver = await startReceiver(answers);
	await test.control("PUT", "accounts", { ...ACCOUNT, webhook_url: receiver.url });
}

beforeEach(() => startWith());
afterEach(async () => {
	await test.close();
	await receiver.close();
});

function call(method: string, path: string, body?: Record<string, string>) {
	return fetch(`${test.url}/stripe/v1${path}`, {
		method,
		headers: { authorization: `Bearer ${ACCOUNT.api_secret}` },
		...(body !== undefined && { body: new URLSearchParams(body) }),
	}).then((response) => response.json() as Promise<{ id: string; status: string }>);
}

async function pay(outcome: string, webhook?: unknown, more: Record<string, unknown> = {}) {
	const session = await call("POST", "/checkout/sessions", {
		mode: "payment",
		success_url: "https://shop.example/return",
		client_reference_id: "attempt-1",
		"line_items[0][price_data][currency]": "inr",
		"line_items[0][price_data][unit_amount]": "900",
		"line_items[0][price_data][product_data][name]": "Books",
		"metadata[reference]": "attempt-1",
		"payment_intent_data[metadata][reference]": "attempt-1",
	});
	const { body } = await test.control("POST", "pay", {
		provider: "stripe",
		order: session.id,
		outcome,
		...(webhook !== undefined && { webhook }),
		...more,
	});
	return { session, report: body };
}

const stripe = new Stripe(ACCOUNT.api_secret);
/** What the official verifier makes of it; throws when the signature is not good. */
const eventOf = ({ body, headers }: ReceivedWebhook) =>
	stripe.webhooks.constructEvent(body, String(headers["stripe-signature"]), ACCOUNT.webhook_secret);
const typesOf = (webhooks: ReceivedWebhook[]) => webhooks.map((webhook) => eventOf(webhook).type);

describe("Stripe's webhooks", () => {
	it("tell of a success in three events that the official SDK verifies", async () => {
		const { session, report } = await pay("success");
		const webhooks = await receiver.until(3);
		expect(typesOf(webhooks)).toEqual(["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]);
		const [, intent, completed] = webhooks.map(eventOf) as [Stripe.Event, Stripe.Event, Stripe.Event];
		expect(intent.data.object).toMatchObject({
			object: "payment_intent",
			status: "succeeded",
			amount_received: 900,
			metadata: { reference: "attempt-1" },
		});
		expect(completed.data.object).toMatchObject({
			id: session.id,
			payment_status: "paid",
			payment_intent: report.payment.id,
			client_reference_id: "attempt-1",
		});
		expect(webhooks.map((webhook) => eventOf(webhook).id)).toEqual(
			report.webhooks.map(({ event_id }: { event_id: string }) => event_id),
		);
	});

	it("tell of a decline, with the reason in the intent", async () => {
		await pay("failure", undefined, { reason: "expired_card", method: "card" });
		const [failed] = (await receiver.until(1)) as [ReceivedWebhook];
		expect(eventOf(failed)).toMatchObject({
			type: "payment_intent.payment_failed",
			data: { object: { status: "requires_payment_method", last_payment_error: { code: "expired_card" } } },
		});
	});

	it("tell what a bank says after the page is done", async () => {
		const decide = (outcome: string) =>
			test.control("POST", "pay", { provider: "stripe", order: "attempt-1", outcome });
		await pay("pending", undefined, { method: "netbanking" });
		await receiver.until(2);
		await decide("success");
		await receiver.until(5);
		await pay("pending", undefined, { method: "netbanking" });
		await receiver.until(7);
		await decide("failure");
		const types = typesOf(await receiver.until(9));
		expect(types).toEqual([
			"payment_intent.processing",
			"checkout.session.completed",
			"charge.succeeded",
			"payment_intent.succeeded",
			"checkout.session.async_payment_succeeded",
			"payment_intent.processing",
			"checkout.session.completed",
			"payment_intent.payment_failed",
			"checkout.session.async_payment_failed",
		]);
	});

	it("tell of a session that was closed, and of what the payer had begun", async () => {
		const { session } = await pay("failure");
		await receiver.until(1);
		await call("POST", `/checkout/sessions/${session.id}/expire`);
		expect(typesOf(await receiver.until(3))).toEqual([
			"payment_intent.payment_failed",
			"payment_intent.canceled",
			"checkout.session.expired",
		]);
	});

	it("tell of refunds, and what became of one that took its time", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, webhook_url: receiver.url, refunds: "later" });
		const { report } = await pay("success", { skip: true });
		const refund = await call("POST", "/refunds", { payment_intent: report.payment.id, amount: "400" });
		const decide = (id: string, outcome: string) =>
			test.control("POST", "refund", { provider: "stripe", refund: id, outcome });
		await receiver.until(2);
		expect((await decide(refund.id, "success")).body.refund).toMatchObject({ status: "succeeded" });
		expect((await decide(refund.id, "success")).body.error).toMatchObject({ code: "refund_decided" });
		await receiver.until(3);
		expect((await decide(refund.id, "failure")).body.refund).toMatchObject({ status: "failed" });
		expect((await decide("re_none", "failure")).body.error).toMatchObject({ code: "refund_not_found" });
		const webhooks = await receiver.until(5);
		expect(typesOf(webhooks)).toEqual([
			"refund.created",
			"charge.refunded",
			"refund.updated",
			"refund.updated",
			"refund.failed",
		]);
		expect(webhooks.map((webhook) => eventOf(webhook).data.object)).toMatchObject([
			{ status: "pending" },
			{ amount_refunded: 400 },
			{ status: "succeeded" },
			{ status: "failed" },
			{ status: "failed" },
		]);
	});

	it("are repeated after any answer but 2xx, with the same event", async () => {
		await test.close();
		await receiver.close();
		await startWith([500, 302]);
		await pay("failure");
		const webhooks = await receiver.until(3);
		expect(new Set(webhooks.map((webhook) => eventOf(webhook).id)).size).toBe(1);
	});

	it("are signed anew on each try", async () => {
		await test.close();
		await receiver.close();
		// A signature has the time in seconds: the second try is to fall into another one.
		await startWith([500], { webhook_retry_base_ms: 1_050 });
		await pay("failure");
		const [first, second] = (await receiver.until(2)) as [ReceivedWebhook, ReceivedWebhook];
		expect(second.headers["stripe-signature"]).not.toBe(first.headers["stripe-signature"]);
		expect(eventOf(second).id).toBe(eventOf(first).id);
	});

	it("can be duplicated, forged, left out and last to first", async () => {
		await pay("failure", { duplicate: 2 });
		expect(new Set((await receiver.until(3)).map((webhook) => eventOf(webhook).id)).size).toBe(1);
		await pay("failure", { forge: true });
		const forged = (await receiver.until(4))[3] as ReceivedWebhook;
		expect(() => eventOf(forged)).toThrow("No signatures found matching");
		expect((await pay("failure", { skip: true })).report.webhooks).toEqual([]);
		await pay("success", { reorder: true });
		expect(typesOf((await receiver.until(7)).slice(4))).toEqual([
			"checkout.session.completed",
			"payment_intent.succeeded",
			"charge.succeeded",
		]);
	});

	it("show another amount and currency than the session's when told so", async () => {
		await pay("success", undefined, { amount: 700, currency: "USD" });
		const [, intent, session] = (await receiver.until(3)).map(eventOf) as Stripe.Event[];
		expect(intent?.data.object).toMatchObject({ amount_received: 700, currency: "usd" });
		expect(session?.data.object).toMatchObject({ amount_total: 700, currency: "usd" });
	});
});
