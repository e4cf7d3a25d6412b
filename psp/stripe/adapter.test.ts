import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CreateOrderInput, PspAccount, PspEndpoint, RefundInput, TransferInput } from "../adapter.ts";
import { createStripeAdapter } from "./adapter.ts";

const account: PspAccount = {
	api_key: "pk_test_unit",
	api_secret: "sk_test_secret_of_the_merchant",
	webhook_secret: "whsec_of_the_merchant",
	settings: {},
};

/** Its uuid says 2025-11-21 07:00:00 UTC. */
const input: CreateOrderInput = {
	reference: "019aa536-7180-7d4e-8f60-1a2b3c4d5e6f",
	amount: 49900,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books",
	description: null,
	customer: { name: "Asha Rao", email: "asha.rao@example.com", phone: "+919000012345" },
	method: null,
	return_url: "https://pay.example/pay/1/return?token=t",
	cancel_url: "https://pay.example/pay/1/cancel?token=t",
	webhook_url: "https://pay.example/webhook/lsp_key/1",
	splits: [],
	expires_at: new Date("2025-11-21T07:15:00Z"),
};
const STARTED_AT = Date.parse("2025-11-21T07:00:00Z") / 1000;
const TEN_MINUTES = 600;

interface SeenRequest {
	method: string;
	path: string;
	query: Record<string, string>;
	headers: http.IncomingHttpHeaders;
	form: Record<string, string>;
}
type Respond = (request: SeenRequest, response: http.ServerResponse) => void;

const servers: http.Server[] = [];
afterEach(async () => {
	vi.useRealTimers();
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
});

/** An adapter whose Stripe is `respond`, on a port of its own and below a path. */
async function adapterAgainst(respond: Respond, endpoint: PspEndpoint = {}) {
	const seen: SeenRequest[] = [];
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const url = new URL(request.url ?? "/", "http://127.0.0.1");
		const one = {
			method: request.method ?? "",
			path: url.pathname,
			query: Object.fromEntries(url.searchParams),
			headers: request.headers,
			form: Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())),
		};
		seen.push(one);
		respond(one, response);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/stripe`;
	return { adapter: createStripeAdapter({ api_url, timeout_ms: 10_000, ...endpoint }), seen };
}

function fixture(name: string) {
	return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
	};
}

function html(status: number): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "text/html" }).end("<html><body><h1>Bad Gateway</h1></body></html>");
	};
}

const hangUp: Respond = (_, response) => response.destroy();
const fault = json({ error: { message: "An unknown error occurred", type: "api_error" } }, 500);
const list = (data: unknown[], has_more = false) => ({ object: "list", data, has_more, url: "/v1/x" });
const calls = (seen: SeenRequest[]) => seen.map(({ method, path }) => `${method} ${path}`);

/** Answers by method and path; what is not named is a fault. */
function routes(table: Record<string, Respond>): Respond {
	return (request, response) => (table[`${request.method} ${request.path}`] ?? fault)(request, response);
}

const open = { ...fixture("session.open"), client_reference_id: input.reference };
const SESSIONS = "/stripe/v1/checkout/sessions";
const SESSION = `${SESSIONS}/${open.id}`;

describe("creating a session", () => {
	test("asks for one item at our amount, with our reference on everything, by the merchant's key", async () => {
		vi.useFakeTimers({ now: STARTED_AT * 1000, toFake: ["Date"] });
		const { adapter, seen } = await adapterAgainst(json(open));
		const result = await adapter.createOrder(account, input);
		expect(calls(seen)).toEqual([`POST ${SESSIONS}`]);
		expect(seen[0]?.headers).toMatchObject({
			authorization: `Bearer ${account.api_secret}`,
			"idempotency-key": input.reference,
			"stripe-version": "2026-10-28.endive",
			"content-type": "application/x-www-form-urlencoded",
		});
		expect(seen[0]?.headers).not.toHaveProperty("x-stripe-client-telemetry");
		expect(seen[0]?.form).toEqual({
			mode: "payment",
			client_reference_id: input.reference,
			"line_items[0][quantity]": "1",
			"line_items[0][price_data][currency]": "inr",
			"line_items[0][price_data][unit_amount]": "49900",
			"line_items[0][price_data][product_data][name]": "Order KB-1042",
			"metadata[reference]": input.reference,
			"metadata[order_id]": "KB-1042",
			"payment_intent_data[capture_method]": "automatic",
			"payment_intent_data[description]": "Order KB-1042",
			"payment_intent_data[metadata][reference]": input.reference,
			"payment_intent_data[metadata][order_id]": "KB-1042",
			"adaptive_pricing[enabled]": "false",
			success_url: "https://pay.example/pay/1/return?token=t&session_id={CHECKOUT_SESSION_ID}",
			cancel_url: "https://pay.example/pay/1/cancel?token=t",
			customer_email: "asha.rao@example.com",
			expires_at: String(STARTED_AT + 32 * 60),
		});
		expect(result).toMatchObject({
			outcome: "succeeded",
			psp_order_id: open.id,
			presentation: { kind: "redirect", url: open.url },
		});
	});

	test.each([
		["a short one is as long as Stripe demands", 15 * 60, 32 * 60],
		["one that Stripe takes is as asked for", 3 * 60 * 60, 3 * 60 * 60],
		["a long one is as long as Stripe allows", 48 * 60 * 60, 24 * 60 * 60 - 120],
	])("of the times that a payment may take, %s", async (_, asked, sent) => {
		vi.useFakeTimers({ now: STARTED_AT * 1000, toFake: ["Date"] });
		const { adapter, seen } = await adapterAgainst(json(open));
		await adapter.createOrder(account, { ...input, expires_at: new Date((STARTED_AT + asked) * 1000) });
		expect(Number(seen[0]?.form.expires_at) - STARTED_AT).toBe(sent);
	});

	test("narrows the page to a method that Stripe knows, and leaves out an email that is none", async () => {
		const { adapter, seen } = await adapterAgainst(json(open));
		await adapter.createOrder(account, { ...input, method: "upi", customer: { email: "not an address" } });
		await adapter.createOrder(account, { ...input, method: "paylater" });
		expect(seen[0]?.form["allowed_payment_method_types[0]"]).toBe("upi");
		expect(seen[0]?.form).not.toHaveProperty("customer_email");
		expect(seen[1]?.form).not.toHaveProperty("allowed_payment_method_types[0]");
	});

	test("sends one part to another account, and refuses more without asking Stripe", async () => {
		const { adapter, seen } = await adapterAgainst(json(open));
		const part = { account: "acct_1SellerOne", amount: 12_000 };
		expect((await adapter.createOrder(account, { ...input, splits: [part] })).outcome).toBe("succeeded");
		expect(seen[0]?.form).toMatchObject({
			"payment_intent_data[transfer_data][destination]": "acct_1SellerOne",
			"payment_intent_data[transfer_data][amount]": "12000",
		});
		expect(await adapter.createOrder(account, { ...input, splits: [part, part] })).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request" },
		});
		expect(seen).toHaveLength(1);
	});

	test.each<[string, Respond, string, string, number]>([
		["a refusal", json(fixture("error.amount-too-small"), 400), "failed", "invalid_request", 400],
		["a wrong key", json({ error: { type: "invalid_request_error" } }, 401), "failed", "authentication_failed", 401],
		["a key without the right", json({ error: {} }, 403), "failed", "authentication_failed", 403],
		["429", json({ error: { code: "rate_limit" } }, 429), "failed", "rate_limited", 429],
		["a rate limit told with 400", json({ error: { code: "rate_limit" } }, 400), "failed", "rate_limited", 400],
		["429 as a page", html(429), "failed", "rate_limited", 429],
		["a twin that runs", json({ error: { code: "idempotency_key_in_use" } }, 409), "unknown", "duplicate_request", 409],
		["a fault behind Stripe", json({ error: {} }, 424), "unknown", "bank_unavailable", 424],
		["500", fault, "unknown", "psp_unavailable", 500],
		["502 as a page", html(502), "unknown", "psp_unavailable", 502],
		["504", html(504), "unknown", "timed_out", 504],
		["a page with 200", html(200), "unknown", "unreadable_answer", 200],
		["an object that is no session", json({ id: "cs_1" }), "unknown", "unreadable_answer", 200],
		["a redirect", json({}, 302, { location: "https://elsewhere.example/" }), "unknown", "unreadable_answer", 302],
	])("answered with %s", async (_, respond, outcome, code, http_status) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect(await adapter.createOrder(account, input)).toMatchObject({ outcome, error: { code, http_status } });
		expect(seen).toHaveLength(1);
	});

	test("with a key that was used for other words may have made the order before", async () => {
		const { adapter } = await adapterAgainst(json(fixture("error.idempotency"), 400));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "duplicate_request", psp_code: "idempotency_error" },
		});
	});

	test("with a broken connection is unknown, and nothing is sent a second time", async () => {
		const { adapter, seen } = await adapterAgainst(hangUp);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "psp_unavailable" },
		});
		expect(seen).toHaveLength(1);
	});

	test("no answer in time is unknown, also one that trickles in", async () => {
		const silent = await adapterAgainst(() => undefined, { timeout_ms: 150 });
		const trickling = await adapterAgainst(
			(_, response) => {
				const timer = setInterval(() => response.write(" "), 40);
				response.on("close", () => clearInterval(timer));
			},
			{ timeout_ms: 150 },
		);
		for (const { adapter } of [silent, trickling]) {
			const result = await adapter.createOrder(account, input);
			expect(result).toMatchObject({ outcome: "unknown", error: { code: "timed_out" } });
		}
	});

	test.each(["", "sk test", "sk_test\r\nX-Evil: 1"])(
		"with a key that Stripe never issued (%j) is never sent",
		async (api_secret) => {
			const { adapter, seen } = await adapterAgainst(json(open));
			expect((await adapter.createOrder({ ...account, api_secret }, input)).outcome).toBe("failed");
			expect(seen).toEqual([]);
		},
	);

	test("a session for another amount or currency is not shown to anybody", async () => {
		for (const wrong of [{ amount_total: 49901 }, { currency: "usd" }]) {
			const { adapter } = await adapterAgainst(json({ ...open, ...wrong }));
			expect(await adapter.createOrder(account, input)).toMatchObject({
				outcome: "failed",
				error: { code: "amount_mismatch" },
			});
		}
	});

	test("concurrent calls of two merchants keep their own keys", async () => {
		const { adapter, seen } = await adapterAgainst(json(open));
		const accounts = Array.from({ length: 20 }, (_, n) => ({ ...account, api_secret: `sk_test_of_merchant_${n}` }));
		await Promise.all(
			accounts.map((each, n) => adapter.createOrder(each, { ...input, reference: `${input.reference}-${n}` })),
		);
		expect(seen).toHaveLength(20);
		for (const { headers } of seen) {
			const merchant = String(headers.authorization).split("_").at(-1);
			expect(headers["idempotency-key"]).toBe(`${input.reference}-${merchant}`);
		}
	});
});

describe("finding a session whose reply was lost", () => {
	/** Of a kind that is not ours, too: the merchant may save cards with them. */
	const others = Array.from({ length: 3 }, (_, n) => ({
		...open,
		id: `cs_test_other${n}`,
		client_reference_id: `o-${n}`,
		mode: "setup",
		amount_total: null,
		currency: undefined,
	}));

	test("lists the sessions of the payment's time, and makes none", async () => {
		const { adapter, seen } = await adapterAgainst(json(list([...others, open])));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "succeeded",
			psp_order_id: open.id,
			presentation: { kind: "redirect", url: open.url },
		});
		expect(calls(seen)).toEqual([`GET ${SESSIONS}`]);
		expect(seen[0]?.query).toEqual({
			"created[gte]": String(STARTED_AT - TEN_MINUTES),
			"created[lte]": String(STARTED_AT + 15 * 60 + TEN_MINUTES),
			limit: "100",
		});
	});

	test("follows the pages to the end, and only then says that there is none", async () => {
		const { adapter, seen } = await adapterAgainst((request, response) => {
			const last = request.query.starting_after === undefined;
			json(list(last ? others.slice(0, 2) : others.slice(2), last))(request, response);
		});
		expect(await adapter.findOrder(account, input)).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		expect(seen.map(({ query }) => query.starting_after)).toEqual([undefined, "cs_test_other1"]);
	});

	test("of a reference that tells no time looks through all that came before the payment's end", async () => {
		const { adapter, seen } = await adapterAgainst(json(list([])));
		await adapter.findOrder(account, { ...input, reference: "3f2c1b0a-9d8e-4c7b-a6f5-e4d3c2b1a098" });
		expect(Object.keys(seen[0]?.query ?? {})).toEqual(["created[lte]", "limit"]);
	});

	test.each<[string, Respond]>([
		["that breaks off", hangUp],
		["that is refused", json({ error: {} }, 401)],
		["that is no list", json({ data: [] })],
		["that goes on for ever", json(list(others, true))],
		["that has more and shows nothing", json(list([], true))],
		["with a session of ours that cannot be read", json(list([{ ...open, status: 7 }]))],
	])("a list %s is unknown", async (_, respond) => {
		const { adapter } = await adapterAgainst(respond);
		expect((await adapter.findOrder(account, input)).outcome).toBe("unknown");
	});

	test("one that has ended can be paid by nobody; one that was paid leads back to us", async () => {
		const ended = await adapterAgainst(json(list([{ ...open, status: "expired", url: null }])));
		expect(await ended.adapter.findOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "not_found" },
		});
		const paid = { ...fixture("session.paid.card"), client_reference_id: input.reference, payment_intent: "pi_1" };
		const done = await adapterAgainst(json(list([paid])));
		expect(await done.adapter.findOrder(account, input)).toMatchObject({
			outcome: "succeeded",
			psp_order_id: paid.id,
			presentation: { kind: "redirect", url: input.return_url },
		});
	});
});

describe("fetching the status", () => {
	const order = { psp_order_id: open.id, reference: input.reference };

	test("of a paid session, with the network's reference and Stripe's fee", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("session.paid.card")));
		const state = await adapter.fetchStatus(account, order);
		expect(state).toMatchObject({
			outcome: "succeeded",
			psp_order_id: open.id,
			reference: fixture("session.paid.card").client_reference_id,
			psp_payment_id: "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs",
			amount: 49900,
			currency: "INR",
			method: "card",
			bank_reference: "104102132302314",
			fee: 1178,
			error: null,
		});
		expect(seen[0]?.path).toBe(SESSION);
		expect(seen[0]?.query).toEqual({ "expand[0]": "payment_intent.latest_charge.balance_transaction" });
	});

	test("keeps neither the payer's details nor what gives access", async () => {
		const { adapter } = await adapterAgainst(json(fixture("session.paid.card")));
		const kept = JSON.stringify(await adapter.fetchStatus(account, order));
		for (const secret of ["asha.rao@example.com", "Asha Rao", "4242", "_secret_", "KB-1042", "Xt5EWLLDS7FJjR1c"]) {
			expect(kept).not.toContain(secret);
		}
	});

	test("of a declined try, with the bank's reason", async () => {
		const { adapter } = await adapterAgainst(json(fixture("session.declined.insufficient-funds")));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "failed",
			amount: 49900,
			error: {
				code: "insufficient_funds",
				psp_code: "insufficient_funds",
				message: "Your card has insufficient funds.",
			},
		});
	});

	const { payment_intent: paid } = fixture("session.paid.card");
	const withIntent = (fields: object, session: object = {}) => ({
		...open,
		payment_intent: { ...paid, amount_received: 0, ...fields },
		...session,
	});
	test.each([
		["nobody has tried", open, "pending", null],
		["the payer's app has not said", withIntent({ status: "requires_action" }), "pending", null],
		["the bank has not said", withIntent({ status: "processing" }, { status: "complete" }), "pending", null],
		["money is held", withIntent({ status: "requires_capture", amount_capturable: 49900 }), "authorized", null],
		["the page was closed untouched", { ...open, status: "expired", url: null }, "failed", "payer_timed_out"],
		[
			"the page was closed while the payer tried",
			withIntent({ status: "requires_action" }, { status: "expired" }),
			"failed",
			"payer_timed_out",
		],
		[
			"the page was closed and the bank still decides",
			withIntent({ status: "processing" }, { status: "expired" }),
			"pending",
			null,
		],
		[
			"Stripe ended it",
			withIntent({ status: "canceled", cancellation_reason: "abandoned" }),
			"failed",
			"payer_timed_out",
		],
		[
			"the merchant ended it",
			withIntent({ status: "canceled", cancellation_reason: "fraudulent" }),
			"failed",
			"declined",
		],
		["a status that is not documented", withIntent({ status: "new" }), "unknown", null],
		["nothing was to be paid", { ...open, status: "complete", payment_status: "no_payment_required" }, "unknown", null],
	])("%s", async (_, session, outcome, code) => {
		const { adapter } = await adapterAgainst(json(session));
		const state = await adapter.fetchStatus(account, order);
		expect([state.outcome, state.error?.code ?? null]).toEqual([outcome, code]);
	});

	test.each(["constructor", "toString", "__proto__"])("%s, a name that every object has, is no code", async (name) => {
		const declined = withIntent({
			status: "requires_payment_method",
			last_payment_error: { code: name, decline_code: name, message: "no" },
		});
		const canceled = withIntent({ status: "canceled", last_payment_error: null, cancellation_reason: name });
		for (const session of [declined, canceled]) {
			const { adapter } = await adapterAgainst(json(session));
			expect(await adapter.fetchStatus(account, order)).toMatchObject({
				outcome: "failed",
				error: { code: "declined", psp_code: name },
			});
		}
		const { adapter } = await adapterAgainst(json({ error: { type: name, code: name, message: "no" } }, 400));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request" },
		});
	});

	test("a fee in the currency of another balance is not ours to know", async () => {
		const abroad = structuredClone(fixture("session.paid.card"));
		abroad.payment_intent.latest_charge.balance_transaction.currency = "usd";
		const { adapter } = await adapterAgainst(json(abroad));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "succeeded", fee: null });
	});

	test("what was received counts, not what was asked for", async () => {
		const { adapter } = await adapterAgainst(json(withIntent({ status: "succeeded", amount_received: 100 })));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "succeeded", amount: 100 });
	});

	test.each<[string, Respond]>([
		["that fails", fault],
		["that is refused", json({ error: { code: "resource_missing" } }, 404)],
		["that shows another session", json({ ...fixture("session.paid.card"), id: "cs_test_another" })],
	])("a lookup %s says nothing", async (_, respond) => {
		const { adapter } = await adapterAgainst(respond);
		expect((await adapter.fetchStatus(account, order)).outcome).toBe("unknown");
	});

	test("an id that would change the path is not sent", async () => {
		const { adapter, seen } = await adapterAgainst(json(open));
		for (const psp_order_id of ["../refunds", "cs_1?x=1", ""]) {
			expect((await adapter.fetchStatus(account, { ...order, psp_order_id })).outcome).toBe("unknown");
		}
		expect(seen).toEqual([]);
	});
});

describe("closing", () => {
	const order = { psp_order_id: open.id, reference: input.reference };
	const refused = json(fixture("error.session-not-open"), 400);
	const closing = (session: unknown) =>
		adapterAgainst(routes({ [`POST ${SESSION}/expire`]: refused, [`GET ${SESSION}`]: json(session) }));

	test("an open session ends it", async () => {
		const { adapter, seen } = await adapterAgainst(json({ ...open, status: "expired", url: null }));
		expect((await adapter.closeOrder?.(account, order))?.outcome).toBe("succeeded");
		expect(calls(seen)).toEqual([`POST ${SESSION}/expire`]);
	});

	test("one that has ended is no different", async () => {
		const { adapter } = await closing({ ...open, status: "expired", url: null });
		expect((await adapter.closeOrder?.(account, order))?.outcome).toBe("succeeded");
	});

	test.each([
		["paid", "paid"],
		["left to the bank", "unpaid"],
	])("one that is %s is not closed", async (_, payment_status) => {
		const { adapter } = await closing({ ...open, status: "complete", url: null, payment_status });
		expect(await adapter.closeOrder?.(account, order)).toMatchObject({
			outcome: "failed",
			error: { code: "order_already_paid", psp_code: payment_status },
		});
	});

	test("a refusal of an open session is a refusal, and a lost reply unknown", async () => {
		const { adapter } = await closing(open);
		expect((await adapter.closeOrder?.(account, order))?.outcome).toBe("failed");
		const lost = await adapterAgainst(hangUp);
		expect((await lost.adapter.closeOrder?.(account, order))?.outcome).toBe("unknown");
		const blind = await adapterAgainst(routes({ [`POST ${SESSION}/expire`]: refused }));
		expect((await blind.adapter.closeOrder?.(account, order))?.outcome).toBe("unknown");
	});
});

test("a return proves nothing, and claims a success only for the session that we stored", () => {
	const adapter = createStripeAdapter();
	const returned = { query: { token: "t", session_id: open.id }, form: {}, psp_order_id: open.id };
	expect(adapter.verifyReturn(account, returned)).toEqual({ verified: false, claims: "succeeded" });
	expect(adapter.verifyReturn(account, { ...returned, psp_order_id: "cs_test_another" })).toEqual({
		verified: false,
		claims: "unknown",
	});
});

describe("refunding", () => {
	const made = fixture("refund.succeeded.card");
	const refund: RefundInput = {
		reference: made.metadata.reference,
		psp_payment_id: made.payment_intent,
		psp_order_id: open.id,
		order_reference: input.reference,
		amount: 12_000,
		currency: "INR",
		reason: "Out of stock",
	};
	const REFUNDS = "/stripe/v1/refunds";
	const serving = (there: unknown[], answer: Respond) =>
		adapterAgainst(routes({ [`GET ${REFUNDS}`]: json(list(there)), [`POST ${REFUNDS}`]: answer }));

	test("looks for the refund first, then asks for it with our id as key and in the metadata", async () => {
		const { adapter, seen } = await serving([{ ...made, id: "re_other", metadata: {} }], json(made));
		expect(await adapter.refund(account, refund)).toMatchObject({
			outcome: "succeeded",
			reference: refund.reference,
			psp_refund_id: "re_3SVa1ZKx2mNpQr4t0Rf6NdPq",
			psp_payment_id: refund.psp_payment_id,
			amount: 12_000,
			bank_reference: "74849487325012345678901",
			error: null,
		});
		expect(calls(seen)).toEqual([`GET ${REFUNDS}`, `POST ${REFUNDS}`]);
		expect(seen[0]?.query).toEqual({ payment_intent: refund.psp_payment_id, limit: "100" });
		expect(seen[1]?.headers["idempotency-key"]).toBe(refund.reference);
		expect(seen[1]?.form).toEqual({
			payment_intent: refund.psp_payment_id,
			amount: "12000",
			"metadata[reference]": refund.reference,
			"metadata[reason]": "Out of stock",
		});
	});

	test("that was made before is answered with, also after Stripe has forgotten the key", async () => {
		const { adapter, seen } = await serving([made], fault);
		expect((await adapter.refund(account, refund)).psp_refund_id).toBe(made.id);
		expect(await adapter.refund(account, { ...refund, amount: 1 })).toMatchObject({
			outcome: "failed",
			error: { code: "duplicate_request" },
		});
		expect(seen.every(({ method }) => method === "GET")).toBe(true);
	});

	test.each<[string, Respond, string]>([
		["that fails", fault, "unknown"],
		["without an answer", hangUp, "unknown"],
		["by a key that is refused", json({ error: {} }, 401), "unknown"],
		["of a payment that is none", json({ error: { code: "resource_missing" } }, 404), "failed"],
	])("after a lookup %s is not asked for", async (_, respond, outcome) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect((await adapter.refund(account, refund)).outcome).toBe(outcome);
		expect(calls(seen)).toEqual([`GET ${REFUNDS}`]);
	});

	test.each([
		["succeeded", "succeeded"],
		["pending", "pending"],
		["requires_action", "pending"],
		["failed", "failed"],
		["canceled", "failed"],
		["something new", "unknown"],
	])("%s", async (status, outcome) => {
		const { adapter } = await serving([], json({ ...made, status }));
		expect((await adapter.refund(account, refund)).outcome).toBe(outcome);
	});

	const already = { error: { code: "charge_already_refunded", message: "Charge ch_1 has already been refunded." } };
	test.each<[string, Respond, string, string]>([
		["beyond the amount", json(fixture("error.refund-beyond-amount"), 400), "failed", "refund_exceeds_amount"],
		["of a payment that is refunded", json(already, 400), "failed", "refund_exceeds_amount"],
		["with a key used for other words", json(fixture("error.idempotency"), 400), "failed", "duplicate_request"],
		["while a twin runs", json({ error: { code: "idempotency_key_in_use" } }, 409), "unknown", "duplicate_request"],
		["answered with 500", fault, "unknown", "psp_unavailable"],
		["with a lost reply", hangUp, "unknown", "psp_unavailable"],
	])("%s", async (_, respond, outcome, code) => {
		const { adapter, seen } = await serving([], respond);
		expect(await adapter.refund(account, refund)).toMatchObject({
			outcome,
			reference: refund.reference,
			error: { code },
		});
		expect(seen.filter(({ method }) => method === "POST")).toHaveLength(1);
	});

	test("is looked up by Stripe's id; a lookup that fails says nothing", async () => {
		const wanted = { ...refund, psp_refund_id: made.id };
		const { adapter, seen } = await adapterAgainst(json(made));
		expect(await adapter.fetchRefund(account, wanted)).toMatchObject({ outcome: "succeeded", amount: 12_000 });
		expect(calls(seen)).toEqual([`GET ${REFUNDS}/${made.id}`]);
		const none = await adapterAgainst(json({ error: { code: "resource_missing" } }, 404));
		expect((await none.adapter.fetchRefund(account, wanted)).outcome).toBe("unknown");
	});
});

describe("transferring a part to another account", () => {
	const { payment_intent: intent } = fixture("session.paid.card");
	const charge = intent.latest_charge;
	const transfer: TransferInput = {
		reference: "0199f3a2-9c1d-7e2f-8a3b-4c5d6e7f8091",
		psp_payment_id: intent.id,
		psp_order_id: open.id,
		order_reference: input.reference,
		account: "acct_1SellerOne",
		amount: 12_000,
		currency: "INR",
	};
	const made = {
		id: "tr_3SVa1ZKx2mNpQr4t0Transf1",
		object: "transfer",
		amount: 12_000,
		currency: "inr",
		destination: transfer.account,
		metadata: { reference: transfer.reference },
		reversed: false,
	};
	const INTENT = `/stripe/v1/payment_intents/${intent.id}`;
	const TRANSFERS = "/stripe/v1/transfers";
	const grouped = { ...intent, latest_charge: { ...charge, transfer_group: `group_${intent.id}` } };

	test("takes it from the payment's charge, with our id as key and in the metadata", async () => {
		const { adapter, seen } = await adapterAgainst(
			routes({ [`GET ${INTENT}`]: json(intent), [`POST ${TRANSFERS}`]: json(made) }),
		);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "succeeded",
			psp_transfer_id: made.id,
			amount: 12_000,
			error: null,
		});
		expect(calls(seen)).toEqual([`GET ${INTENT}`, `POST ${TRANSFERS}`]);
		expect(seen[1]?.headers["idempotency-key"]).toBe(transfer.reference);
		expect(seen[1]?.form).toEqual({
			amount: "12000",
			currency: "inr",
			destination: "acct_1SellerOne",
			source_transaction: charge.id,
			"metadata[reference]": transfer.reference,
		});
	});

	test("one that was made before is found in the payment's group", async () => {
		const { adapter, seen } = await adapterAgainst(
			routes({ [`GET ${INTENT}`]: json(grouped), [`GET ${TRANSFERS}`]: json(list([made])) }),
		);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "succeeded",
			psp_transfer_id: made.id,
		});
		expect(seen[1]?.query.transfer_group).toBe(`group_${intent.id}`);
		expect(await adapter.transfer?.(account, { ...transfer, account: "acct_1SellerTwo" })).toMatchObject({
			outcome: "failed",
			error: { code: "duplicate_request" },
		});
		expect(seen.every(({ method }) => method === "GET")).toBe(true);
	});

	test("is not made when it cannot be looked for, nor from a payment that was not taken", async () => {
		const blind = await adapterAgainst(routes({ [`GET ${INTENT}`]: json(grouped) }));
		expect((await blind.adapter.transfer?.(account, transfer))?.outcome).toBe("unknown");
		const lost = await adapterAgainst(hangUp);
		expect((await lost.adapter.transfer?.(account, transfer))?.outcome).toBe("unknown");
		const held = await adapterAgainst(json({ ...intent, status: "requires_capture" }));
		expect((await held.adapter.transfer?.(account, transfer))?.outcome).toBe("failed");
		for (const { seen } of [blind, lost, held]) expect(seen.every(({ method }) => method === "GET")).toBe(true);
	});

	test.each<[string, Respond, string, string]>([
		["beyond the balance", json({ error: { code: "balance_insufficient" } }, 400), "failed", "insufficient_funds"],
		["answered with 500", fault, "unknown", "psp_unavailable"],
		["with a lost reply", hangUp, "unknown", "psp_unavailable"],
	])("%s", async (_, respond, outcome, code) => {
		const { adapter } = await adapterAgainst(
			routes({ [`GET ${INTENT}`]: json(intent), [`POST ${TRANSFERS}`]: respond }),
		);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({ outcome, error: { code } });
	});
});

describe("the settlement report", () => {
	const PAYOUTS = "/stripe/v1/payouts";
	const LINES = "/stripe/v1/balance_transactions";
	const payouts = fixture("payouts.one-day");
	const [payout] = payouts.data;
	const lines = fixture("balance-transactions.five-kinds");
	const serving = (paid: unknown, answer: Respond = json(lines)) =>
		adapterAgainst(routes({ [`GET ${PAYOUTS}`]: json(paid), [`GET ${LINES}`]: answer }));

	test("asks for the payouts of the day in India, and what is in each", async () => {
		const { adapter, seen } = await serving(payouts);
		const report = await adapter.fetchSettlement(account, "2025-11-23");
		if (report.outcome !== "succeeded") throw new Error(report.error.message);
		expect(seen.map(({ query }) => query)).toEqual([
			{
				"arrival_date[gte]": String(Date.parse("2025-11-23T00:00:00+05:30") / 1000),
				"arrival_date[lt]": String(Date.parse("2025-11-24T00:00:00+05:30") / 1000),
				status: "paid",
				limit: "100",
			},
			{ payout: payout.id, "expand[0]": "data.source", limit: "100" },
		]);
		expect(
			report.lines.map(({ kind, psp_id, psp_payment_id, amount, credit, debit, fee, tax }) => [
				kind,
				psp_id.slice(0, 2),
				psp_payment_id,
				amount,
				credit,
				debit,
				fee,
				tax,
			]),
		).toEqual([
			["adjustment", "dp", "pi_3SUz9YKx2mNpQr4t0Older001", 2_500, 0, 4_000, 1_500, 0],
			["transfer", "tr", "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs", 5_000, 0, 5_000, 0, 0],
			["refund", "re", "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs", 12_000, 0, 12_000, 0, 0],
			["payment", "ch", "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs", 49_900, 48_722, 0, 1_178, 180],
		]);
		expect(report.lines.reduce((sum, { credit, debit }) => sum + credit - debit, 0)).toBe(payout.amount);
		for (const line of report.lines) {
			expect(line).toMatchObject({ psp_settlement_id: payout.id, utr: "AXISCN1234567890", currency: "INR" });
			expect(line.settled_at).toEqual(new Date("2025-11-23T00:00:00Z"));
		}
	});

	test("follows the pages of both lists", async () => {
		const second = { ...payout, id: "po_second" };
		const paged =
			(items: { id: string }[]): Respond =>
			(request, response) => {
				const start = items.findIndex(({ id }) => id === request.query.starting_after) + 1;
				const end = start + Number(request.query.limit);
				json(list(items.slice(start, end), end < items.length))(request, response);
			};
		const { adapter } = await adapterAgainst(
			routes({
				[`GET ${PAYOUTS}`]: paged([payout, second]),
				[`GET ${LINES}`]: (request, response) => paged(lines.data)(request, response),
			}),
			{ page_size: 1 },
		);
		const report = await adapter.fetchSettlement(account, "2025-11-23");
		expect(report.outcome === "succeeded" && report.lines).toHaveLength(8);
	});

	test("shows a payout that the merchant asked for by hand as one line", async () => {
		const { adapter, seen } = await serving(list([{ ...payout, automatic: false }]));
		expect(await adapter.fetchSettlement(account, "2025-11-23")).toMatchObject({
			outcome: "succeeded",
			lines: [{ kind: "adjustment", psp_id: payout.id, credit: payout.amount, psp_payment_id: null }],
		});
		expect(seen).toHaveLength(1);
	});

	test.each<[string, unknown, Respond | undefined]>([
		["breaks off", payouts, hangUp],
		["fails", payouts, fault],
		["repeats a line", payouts, json(list([lines.data[1], lines.data[1]]))],
		["never moves on", payouts, json(list(lines.data, true))],
		["has more and shows nothing", payouts, json(list([], true))],
		["is not written yet", list([{ ...payout, reconciliation_status: "in_progress" }]), undefined],
	])("that %s is not given in part", async (_, paid, respond) => {
		const { adapter } = await serving(paid, respond);
		expect((await adapter.fetchSettlement(account, "2025-11-23")).outcome).toBe("unknown");
	});

	test("asks nothing for a day that is none", async () => {
		const { adapter, seen } = await serving(payouts);
		expect((await adapter.fetchSettlement(account, "2025-02-30")).outcome).toBe("failed");
		expect(seen).toEqual([]);
	});
});
