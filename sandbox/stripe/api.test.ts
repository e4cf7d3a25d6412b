import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestSandbox } from "../test-sandbox.ts";

const test = await startTestSandbox();
const ACCOUNT = { provider: "stripe", api_key: "pk_test_kaveri", api_secret: "sk_test_kaveri_secret" };
const api = `${test.url}/stripe/v1`;

/** The official SDK as it comes, but for the sandbox's address and its path. */
function sdk(key = ACCOUNT.api_secret): Stripe {
	const prefixed: typeof fetch = (input, init) => {
		const url = new URL(String(input));
		return fetch(`${url.origin}/stripe${url.pathname}${url.search}`, init);
	};
	const { hostname, port } = new URL(test.url);
	return new Stripe(key, {
		host: hostname,
		port,
		protocol: "http",
		maxNetworkRetries: 0,
		telemetry: false,
		httpClient: Stripe.createFetchHttpClient(prefixed as never),
	});
}

function call(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
	return fetch(`${api}${path}`, {
		method,
		headers: {
			authorization: `Bearer ${ACCOUNT.api_secret}`,
			"content-type": "application/x-www-form-urlencoded",
			...headers,
		},
		...(body !== undefined && { body }),
	});
}

function sessionParams(amount = 49_900): Stripe.Checkout.SessionCreateParams {
	return {
		mode: "payment",
		success_url: "https://shop.example/return?session_id={CHECKOUT_SESSION_ID}",
		cancel_url: "https://shop.example/cancel",
		client_reference_id: "attempt-1",
		line_items: [
			{ quantity: 1, price_data: { currency: "inr", unit_amount: amount, product_data: { name: "Books" } } },
		],
		metadata: { reference: "attempt-1" },
		payment_intent_data: { metadata: { reference: "attempt-1" } },
	};
}

async function pay(order: string, outcome: string, more: Record<string, unknown> = {}) {
	const { status, body } = await test.control("POST", "pay", { provider: "stripe", order, outcome, ...more });
	return { status, payment: body.payment, body };
}

async function paidSession(amount?: number) {
	const session = await sdk().checkout.sessions.create(sessionParams(amount));
	const { payment } = await pay(session.id, "success", { method: "card" });
	return { session, intent: payment as Stripe.PaymentIntent };
}

beforeAll(() => test.control("PUT", "accounts", ACCOUNT));
afterAll(() => test.close());

describe("sessions", () => {
	it("are made as the documentation shows them, open for a day", async () => {
		const session = await sdk().checkout.sessions.create(sessionParams());
		expect(session).toMatchObject({
			id: expect.stringMatching(/^cs_test_[A-Za-z0-9]{58}$/),
			object: "checkout.session",
			amount_total: 49_900,
			currency: "inr",
			client_reference_id: "attempt-1",
			livemode: false,
			metadata: { reference: "attempt-1" },
			mode: "payment",
			payment_intent: null,
			payment_status: "unpaid",
			status: "open",
			success_url: "https://shop.example/return?session_id={CHECKOUT_SESSION_ID}",
			url: `${test.url}/stripe/c/pay/${session.id}`,
		});
		expect(session.expires_at - session.created).toBe(24 * 60 * 60);
		expect(await sdk().checkout.sessions.retrieve(session.id)).toEqual(session);
	});

	const now = Math.floor(Date.now() / 1000);
	it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
		["no line item", { line_items: undefined }, { code: "parameter_missing", param: "line_items" }],
		["an unknown parameter", { surprise: 1 }, { code: "parameter_unknown", param: "surprise" }],
		["an end within half an hour", { expires_at: now + 29 * 60 }, { param: "expires_at" }],
		["an end after a day", { expires_at: now + 25 * 60 * 60 }, { param: "expires_at" }],
		["an end that is no number", { expires_at: "soon" }, { code: "parameter_invalid_integer", param: "expires_at" }],
		["a way back that is no address", { success_url: "shop" }, { param: "success_url" }],
		["an email that is none", { customer_email: "asha" }, { code: "email_invalid", param: "customer_email" }],
		["metadata that is too long", { metadata: { a: "x".repeat(501) } }, { param: "metadata[a]" }],
		[
			"a part for no account",
			{ payment_intent_data: { transfer_data: { destination: "shop" } } },
			{ param: "payment_intent_data[transfer_data][destination]" },
		],
	])("are refused with %s", async (_case, wrong, error) => {
		const params = { ...sessionParams(), ...wrong } as Stripe.Checkout.SessionCreateParams;
		await expect(sdk().checkout.sessions.create(params)).rejects.toMatchObject({
			type: "StripeInvalidRequestError",
			statusCode: 400,
			...error,
		});
	});

	it("are refused below the least amount", async () => {
		const created = sdk().checkout.sessions.create(sessionParams(49));
		await expect(created).rejects.toMatchObject({ statusCode: 400, code: "amount_too_small" });
	});

	it("are listed newest first, in pages and by time", async () => {
		const made: string[] = [];
		for (let n = 0; n < 3; n++) made.push((await sdk().checkout.sessions.create(sessionParams())).id);
		const ids: string[] = [];
		for await (const session of sdk().checkout.sessions.list({ limit: 2 })) ids.push(session.id);
		expect(ids.slice(0, 3)).toEqual([...made].reverse());
		expect(new Set(ids).size).toBe(ids.length);
		expect((await sdk().checkout.sessions.list({ created: { gte: now + 3600 } })).data).toEqual([]);
		expect((await sdk().checkout.sessions.list({ created: { lte: now + 3600 }, status: "open" })).data).not.toEqual([]);
	});

	it("belong to one account", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "pk_other", api_secret: "sk_test_other" });
		const session = await sdk().checkout.sessions.create(sessionParams());
		const other = sdk("sk_test_other").checkout.sessions;
		await expect(other.retrieve(session.id)).rejects.toMatchObject({ statusCode: 404, code: "resource_missing" });
		expect((await other.list()).data).toEqual([]);
	});

	it("can be expired while they are open, and are not paid afterwards", async () => {
		const session = await sdk().checkout.sessions.create(sessionParams());
		await pay(session.id, "pending");
		const expired = await sdk().checkout.sessions.expire(session.id, { expand: ["payment_intent"] });
		expect(expired).toMatchObject({ status: "expired", url: null, payment_intent: { status: "canceled" } });
		expect((await pay(session.id, "success")).status).toBe(404);
		await expect(sdk().checkout.sessions.expire(session.id)).rejects.toMatchObject({
			statusCode: 400,
			message: expect.stringContaining("a status of `expired`"),
		});
	});

	it("forget the oldest beyond their capacity", async () => {
		const small = await startTestSandbox({ order_capacity: 2 });
		await small.control("PUT", "accounts", ACCOUNT);
		const body =
			"mode=payment&success_url=https%3A%2F%2Fa.example&line_items[0][price_data][currency]=inr&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A";
		const headers = { authorization: `Bearer ${ACCOUNT.api_secret}` };
		const ids: string[] = [];
		for (let n = 0; n < 3; n++) {
			const made = await fetch(`${small.url}/stripe/v1/checkout/sessions`, { method: "POST", headers, body });
			ids.push(((await made.json()) as { id: string }).id);
		}
		const list = await (await fetch(`${small.url}/stripe/v1/checkout/sessions`, { headers })).json();
		expect((list as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
		await small.close();
	});
});

describe("keys and addresses", () => {
	it.each([
		["a wrong key", "Bearer sk_test_wrong_wrong_wrong"],
		["none", ""],
		["a strange scheme", "Digest x"],
	])("%s is refused, and not repeated", async (_case, authorization) => {
		const response = await call("GET", "/checkout/sessions", undefined, { authorization });
		expect(response.status).toBe(401);
		const text = await response.text();
		expect(JSON.parse(text).error.type).toBe("invalid_request_error");
		expect(text).not.toContain("sk_test_wrong_wrong_wrong");
	});

	it("a key is taken as the user of Basic credentials, too", async () => {
		const authorization = `Basic ${Buffer.from(`${ACCOUNT.api_secret}:`).toString("base64")}`;
		expect((await call("GET", "/checkout/sessions", undefined, { authorization })).status).toBe(200);
	});

	it("an unknown address is answered as Stripe does", async () => {
		const response = await call("GET", "/nothing");
		expect(response.status).toBe(404);
		expect(await response.json()).toMatchObject({
			error: { message: expect.stringContaining("Unrecognized request URL (GET: /v1/nothing)") },
		});
	});
});

describe("idempotency keys", () => {
	const body =
		"mode=payment&success_url=https%3A%2F%2Fa.example&line_items[0][price_data][currency]=inr&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A";

	it("give the first answer again, and say so", async () => {
		const ask = () => call("POST", "/checkout/sessions", body, { "idempotency-key": "key-1" });
		const [first, again] = [await ask(), await ask()];
		expect(await again.json()).toEqual(await first.json());
		expect([first, again].map(({ headers }) => headers.get("idempotent-replayed"))).toEqual([null, "true"]);
		expect(again.headers.get("idempotency-key")).toBe("key-1");
	});

	it("show the first answer as it was, whatever became of it", async () => {
		const ask = async () =>
			(await (await call("POST", "/checkout/sessions", body, { "idempotency-key": "key-2" })).json()) as {
				id: string;
				status: string;
			};
		const { id } = await ask();
		await sdk().checkout.sessions.expire(id);
		expect(await ask()).toMatchObject({ id, status: "open" });
	});

	it("are refused with other parameters", async () => {
		const params = sessionParams();
		await sdk().checkout.sessions.create(params, { idempotencyKey: "key-3" });
		const other = sdk().checkout.sessions.create(sessionParams(500), { idempotencyKey: "key-3" });
		await expect(other).rejects.toMatchObject({ type: "StripeIdempotencyError", statusCode: 400 });
	});

	it("are not used up by parameters that are refused", async () => {
		const bad = sdk().checkout.sessions.create(sessionParams(1), { idempotencyKey: "key-4" });
		await expect(bad).rejects.toMatchObject({ code: "amount_too_small" });
		const good = await sdk().checkout.sessions.create(sessionParams(), { idempotencyKey: "key-4" });
		expect(good.status).toBe("open");
	});

	it("are of one account", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "pk_twin", api_secret: "sk_test_twin" });
		const mine = await sdk().checkout.sessions.create(sessionParams(), { idempotencyKey: "key-5" });
		const theirs = await sdk("sk_test_twin").checkout.sessions.create(sessionParams(), { idempotencyKey: "key-5" });
		expect(theirs.id).not.toBe(mine.id);
	});
});

describe("payments", () => {
	it("are seen through the session, down to Stripe's fee: 2 % and GST on it", async () => {
		const { session, intent } = await paidSession(50_000);
		const expand = ["payment_intent.latest_charge.balance_transaction"];
		expect(await sdk().checkout.sessions.retrieve(session.id, { expand })).toMatchObject({
			status: "complete",
			payment_status: "paid",
			url: null,
			payment_intent: {
				id: intent.id,
				status: "succeeded",
				amount_received: 50_000,
				metadata: { reference: "attempt-1" },
				latest_charge: {
					id: expect.stringMatching(/^ch_\w{24}$/),
					paid: true,
					captured: true,
					payment_method_details: { type: "card", card: { network_transaction_id: expect.stringMatching(/^\d{15}$/) } },
					balance_transaction: { amount: 50_000, fee: 1_180, net: 48_820, type: "charge" },
				},
			},
		});
	});

	it("are not expanded where there is nothing to expand, or too deep", async () => {
		const { session } = await paidSession();
		for (const path of ["nothing", "payment_intent.latest_charge.balance_transaction.source.payment_intent"]) {
			const retrieved = sdk().checkout.sessions.retrieve(session.id, { expand: [path] });
			await expect(retrieved).rejects.toMatchObject({ statusCode: 400 });
		}
	});

	it("of one session are one intent, and a decline leaves the page open", async () => {
		const session = await sdk().checkout.sessions.create(sessionParams());
		const first = await pay(session.id, "failure", { method: "card", reason: "insufficient_funds" });
		expect(first.payment).toMatchObject({
			status: "requires_payment_method",
			last_payment_error: { code: "card_declined", decline_code: "insufficient_funds", type: "card_error" },
		});
		expect((await sdk().checkout.sessions.retrieve(session.id)).status).toBe("open");
		const second = await pay(session.id, "success", { method: "upi" });
		expect(second.payment).toMatchObject({ id: first.payment.id, status: "succeeded", last_payment_error: null });
		expect((await pay(session.id, "success")).status).toBe(404);
	});

	it("are left to the payer's app, or to a bank that decides after the page is done", async () => {
		const app = await sdk().checkout.sessions.create(sessionParams());
		expect((await pay(app.id, "pending", { method: "upi" })).payment.status).toBe("requires_action");
		expect((await sdk().checkout.sessions.retrieve(app.id)).status).toBe("open");
		const bank = await sdk().checkout.sessions.create(sessionParams());
		expect((await pay(bank.id, "pending", { method: "netbanking" })).payment.status).toBe("processing");
		expect(await sdk().checkout.sessions.retrieve(bank.id)).toMatchObject({
			status: "complete",
			payment_status: "unpaid",
		});
		expect((await pay(bank.id, "success", { method: "card" })).payment.status).toBe("succeeded");
		const { latest_charge } = await sdk().paymentIntents.retrieve((await pay(app.id, "success")).payment.id, {
			expand: ["latest_charge"],
		});
		expect(latest_charge).toMatchObject({ payment_method_details: { type: "upi" } });
	});

	it("that are held can be taken once", async () => {
		const session = await sdk().checkout.sessions.create(sessionParams());
		const held = await pay(session.id, "authorized");
		expect(held.payment).toMatchObject({ status: "requires_capture", amount_capturable: 49_900, amount_received: 0 });
		const taken = await pay(session.id, "success");
		expect(taken.payment).toMatchObject({ status: "succeeded", amount_received: 49_900 });
		expect((await pay(session.id, "success")).status).toBe(404);
	});

	it("are made only by the methods that the session allows", async () => {
		const session = await sdk().checkout.sessions.create({
			...sessionParams(),
			allowed_payment_method_types: ["card"],
		});
		expect(session.payment_method_types).toEqual(["card"]);
		const { payment } = await pay(session.id, "success", { method: "upi" });
		const charge = await sdk().charges.retrieve(payment.latest_charge);
		expect(charge.payment_method_details?.type).toBe("card");
	});
});

describe("refunds", () => {
	it("are made in parts until nothing is left", async () => {
		const { intent } = await paidSession(1_000);
		const refund = await sdk().refunds.create({
			payment_intent: intent.id,
			amount: 400,
			metadata: { reference: "r-1" },
		});
		expect(refund).toMatchObject({
			id: expect.stringMatching(/^re_\w{24}$/),
			object: "refund",
			amount: 400,
			payment_intent: intent.id,
			status: "succeeded",
			metadata: { reference: "r-1" },
			destination_details: { type: "card", card: { reference: expect.stringMatching(/^\d{23}$/) } },
		});
		await expect(sdk().refunds.create({ payment_intent: intent.id, amount: 700 })).rejects.toMatchObject({
			statusCode: 400,
			param: "amount",
			message: "Refund amount (₹7.00) is greater than unrefunded amount on charge (₹6.00)",
		});
		await sdk().refunds.create({ payment_intent: intent.id });
		await expect(sdk().refunds.create({ payment_intent: intent.id })).rejects.toMatchObject({
			code: "charge_already_refunded",
		});
		const charge = await sdk().charges.retrieve(intent.latest_charge as string);
		expect(charge).toMatchObject({ amount_refunded: 1_000, refunded: true });
		expect(await sdk().refunds.retrieve(refund.id)).toEqual(refund);
		expect((await sdk().refunds.list({ payment_intent: intent.id })).data).toHaveLength(2);
	});

	it("need a payment, and one that was taken", async () => {
		const session = await sdk().checkout.sessions.create(sessionParams());
		const { payment } = await pay(session.id, "failure");
		for (const payment_intent of [payment.id, "pi_none", undefined]) {
			await expect(sdk().refunds.create({ payment_intent })).rejects.toMatchObject({
				type: "StripeInvalidRequestError",
			});
		}
		await expect(sdk().refunds.list({ payment_intent: "pi_none" })).rejects.toMatchObject({ statusCode: 404 });
	});
});

describe("payouts", () => {
	it("list what came to them, in pages, and add up", async () => {
		await test.control("PUT", "accounts", { ...ACCOUNT, api_key: "pk_paid", api_secret: "sk_test_paid" });
		const client = sdk("sk_test_paid");
		const intents: Stripe.PaymentIntent[] = [];
		for (const amount of [10_000, 20_000, 30_000]) {
			const { id } = await client.checkout.sessions.create(sessionParams(amount));
			intents.push((await pay(id, "success")).payment);
		}
		const refund = await client.refunds.create({ payment_intent: intents[0]!.id, amount: 5_000 });
		const { data: payouts } = await client.payouts.list({ status: "paid" });
		expect(payouts).toHaveLength(1);
		const [payout] = payouts as [Stripe.Payout];
		expect(payout.arrival_date % 86_400).toBe(0);
		expect((await client.payouts.list({ arrival_date: { gt: payout.arrival_date } })).data).toEqual([]);
		const lines: Stripe.BalanceTransaction[] = [];
		const params = { payout: payout.id, limit: 2, expand: ["data.source"] };
		for await (const line of client.balanceTransactions.list(params)) lines.push(line);
		expect(lines.map(({ type, amount, fee }) => [type, amount, fee])).toEqual([
			["refund", -5_000, 0],
			["charge", 30_000, 708],
			["charge", 20_000, 472],
			["charge", 10_000, 236],
			["payout", -(60_000 - 1_416 - 5_000), 0],
		]);
		expect(lines.reduce((sum, { net }) => sum + net, 0)).toBe(0);
		expect(payout.amount).toBe(60_000 - 1_416 - 5_000);
		expect(lines[0]?.source).toMatchObject({ id: refund.id, payment_intent: intents[0]!.id });
		expect(lines[1]?.fee_details).toMatchObject([
			{ type: "stripe_fee", amount: 600 },
			{ type: "tax", amount: 108 },
		]);
	});

	it("grow by a refund that came back", async () => {
		const later = { ...ACCOUNT, api_key: "pk_later", api_secret: "sk_test_later", refunds: "later" };
		await test.control("PUT", "accounts", later);
		const client = sdk("sk_test_later");
		const { id } = await client.checkout.sessions.create(sessionParams(10_000));
		const { payment } = await pay(id, "success");
		const refund = await client.refunds.create({ payment_intent: payment.id, amount: 4_000 });
		expect(refund.status).toBe("pending");
		await test.control("POST", "refund", { provider: "stripe", refund: refund.id, outcome: "failure" });
		expect(await client.refunds.retrieve(refund.id)).toMatchObject({
			status: "failed",
			failure_reason: "expired_or_canceled_card",
		});
		expect((await client.payouts.list()).data[0]?.amount).toBe(10_000 - 236);
		expect(await client.charges.retrieve(payment.latest_charge)).toMatchObject({ amount_refunded: 0 });
	});
});

describe("transfers", () => {
	const destination = "acct_1Seller";

	it("are made from a charge, share its group, and take no more than it", async () => {
		const { intent } = await paidSession(10_000);
		const source_transaction = intent.latest_charge as string;
		const ask = (amount: number, currency = "inr") =>
			sdk().transfers.create({ amount, currency, destination, source_transaction, metadata: { reference: "t-1" } });
		const transfer = await ask(7_000);
		expect(transfer).toMatchObject({
			id: expect.stringMatching(/^tr_\w{24}$/),
			amount: 7_000,
			destination,
			source_transaction,
			transfer_group: `group_${intent.id}`,
			metadata: { reference: "t-1" },
		});
		expect((await sdk().charges.retrieve(source_transaction)).transfer_group).toBe(transfer.transfer_group);
		await expect(ask(3_001)).rejects.toMatchObject({ statusCode: 400, code: "balance_insufficient" });
		await expect(ask(100, "usd")).rejects.toMatchObject({ statusCode: 400, param: "currency" });
		await ask(3_000);
		const { data } = await sdk().transfers.list({ transfer_group: `group_${intent.id}` });
		expect(data.map(({ amount }) => amount)).toEqual([3_000, 7_000]);
	});

	it("asked for with the session are made with the payment", async () => {
		const params = sessionParams(10_000);
		const session = await sdk().checkout.sessions.create({
			...params,
			payment_intent_data: { ...params.payment_intent_data, transfer_data: { destination, amount: 2_500 } },
		});
		const { payment } = await pay(session.id, "success");
		expect(payment.transfer_group).toBe(`group_${payment.id}`);
		const { data } = await sdk().transfers.list({ transfer_group: payment.transfer_group });
		expect(data).toMatchObject([{ amount: 2_500, destination, source_transaction: payment.latest_charge }]);
	});
});

it("keeps its sessions, payments and payouts for a next start", async () => {
	const directory = await mkdtemp(join(tmpdir(), "stripe-sandbox-"));
	const state_file = join(directory, "state.json");
	const first = await startTestSandbox({ state_file });
	await first.control("PUT", "accounts", ACCOUNT);
	const headers = { authorization: `Bearer ${ACCOUNT.api_secret}` };
	const body =
		"mode=payment&client_reference_id=kept&success_url=https%3A%2F%2Fa.example&line_items[0][price_data][currency]=inr&line_items[0][price_data][unit_amount]=100&line_items[0][price_data][product_data][name]=A";
	await fetch(`${first.url}/stripe/v1/checkout/sessions`, { method: "POST", headers, body });
	await first.control("POST", "pay", { provider: "stripe", order: "kept", outcome: "pending" });
	await first.close();
	const second = await startTestSandbox({ state_file });
	const { body: report } = await second.control("POST", "pay", {
		provider: "stripe",
		order: "kept",
		outcome: "success",
	});
	expect(report).toMatchObject({ order: { payment_status: "paid" }, payment: { status: "succeeded" } });
	const payouts = await (await fetch(`${second.url}/stripe/v1/payouts`, { headers })).json();
	expect(payouts).toMatchObject({ data: [{ amount: 98 }] });
	await second.close();
	await rm(directory, { recursive: true });
});
