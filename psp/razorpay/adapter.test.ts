import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { validatePaymentVerification } from "razorpay/dist/utils/razorpay-utils.js";
import { afterEach, describe, expect, test } from "vitest";
import type { CreateOrderInput, PspAccount, PspEndpoint } from "../adapter.ts";
import { createRazorpayAdapter } from "./adapter.ts";
import { sign } from "./signature.ts";

const account: PspAccount = {
	api_key: "rzp_test_unit",
	api_secret: "key-secret-of-the-merchant",
	webhook_secret: "webhook-secret-of-the-merchant",
	settings: {},
};

const input: CreateOrderInput = {
	reference: "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f",
	amount: 49900,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books",
	description: null,
	customer: { name: "Asha Rao", email: "asha.rao@example.com", phone: "+919000012345" },
	method: "upi",
	return_url: "https://pay.example/pay/1/return?token=t",
	cancel_url: "https://pay.example/pay/1/cancel?token=t",
	webhook_url: "https://pay.example/webhook/lsp_key/1",
	splits: [],
	expires_at: new Date("2026-01-01T00:00:00Z"),
};

interface SeenRequest {
	method: string;
	url: URL;
	headers: http.IncomingHttpHeaders;
	body: unknown;
}
type Respond = (request: SeenRequest, response: http.ServerResponse) => void;

const servers: http.Server[] = [];
afterEach(async () => {
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
});

/** An adapter whose Razorpay is `respond`, on a port of its own. */
async function adapterAgainst(respond: Respond, endpoint: PspEndpoint = {}) {
	const seen: SeenRequest[] = [];
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const url = new URL(request.url ?? "/", "http://127.0.0.1");
		const one = { method: request.method ?? "", url, headers: request.headers, body: text && JSON.parse(text) };
		seen.push(one);
		respond(one, response);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return { adapter: createRazorpayAdapter({ api_url, timeout_ms: 10_000, ...endpoint }), seen, api_url };
}

function fixture(name: string) {
	return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
	};
}

function html(status: number, body = "<html><body><h1>502 Bad Gateway</h1></body></html>"): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "text/html" }).end(body);
	};
}

const hangUp: Respond = (_, response) => response.destroy();
const fault = { error: { code: "SERVER_ERROR", description: "We are facing some trouble", reason: "NA" } };

describe("creating an order", () => {
	test("sends paise, receipt and notes with the merchant's key, and presents the hosted page", async () => {
		const { adapter, seen, api_url } = await adapterAgainst(json(fixture("order.create.created")));
		const result = await adapter.createOrder(account, input);
		expect(seen).toHaveLength(1);
		expect(seen[0]?.url.pathname).toBe("/v1/orders");
		expect(seen[0]?.headers.authorization).toBe(
			`Basic ${Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64")}`,
		);
		expect(seen[0]?.body).toEqual({
			amount: 49900,
			currency: "INR",
			receipt: input.reference,
			payment_capture: true,
			notes: { reference: input.reference, order_id: "KB-1042" },
		});
		expect(result).toMatchObject({
			outcome: "succeeded",
			psp_order_id: "order_QhT3zPq7Nc5YdJ",
			presentation: {
				kind: "form",
				url: `${api_url}/v1/checkout/embedded`,
				fields: {
					key_id: "rzp_test_unit",
					order_id: "order_QhT3zPq7Nc5YdJ",
					amount: "49900",
					currency: "INR",
					name: "Kaveri Books",
					description: "Order KB-1042",
					method: "upi",
					"prefill[name]": "Asha Rao",
					"prefill[email]": "asha.rao@example.com",
					"prefill[contact]": "+919000012345",
					callback_url: input.return_url,
					cancel_url: input.cancel_url,
					"notes[reference]": input.reference,
				},
			},
		});
	});

	test("asks for the parts that go to other accounts, each with our reference", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("order.create.created")));
		const splits = [
			{ account: "acc_IROu8Nod6PXPtZ", amount: 12_000 },
			{ account: "acc_IRQWUleX4BqvYn", amount: 3_000 },
		];
		expect((await adapter.createOrder(account, { ...input, splits })).outcome).toBe("succeeded");
		const notes = { reference: input.reference };
		expect(seen[0]?.body).toMatchObject({
			transfers: [
				{ account: "acc_IROu8Nod6PXPtZ", amount: 12_000, currency: "INR", notes },
				{ account: "acc_IRQWUleX4BqvYn", amount: 3_000, currency: "INR", notes },
			],
		});
	});

	test("reads notes that come back as an empty list", async () => {
		const { adapter } = await adapterAgainst(json(fixture("order.create.notes-empty")));
		expect((await adapter.createOrder(account, input)).outcome).toBe("succeeded");
	});

	test.each<[string, Respond, string, string, number | null]>([
		["a refusal", json(fixture("order.create.refused"), 400), "failed", "invalid_request", 400],
		["a wrong key", json({ error: { code: "BAD_REQUEST_ERROR" } }, 401), "failed", "authentication_failed", 401],
		["429", json({ error: { code: "BAD_REQUEST_ERROR" } }, 429), "failed", "rate_limited", 429],
		["429 without a body", html(429, ""), "failed", "rate_limited", 429],
		["403 as a page", html(403), "failed", "authentication_failed", 403],
		["a fault told with a 4xx", json(fault, 400), "unknown", "psp_unavailable", 400],
		["500 as JSON", json(fault, 500), "unknown", "psp_unavailable", 500],
		["502 as a page", html(502), "unknown", "psp_unavailable", 502],
		["504", html(504), "unknown", "timed_out", 504],
		["408", html(408), "unknown", "timed_out", 408],
		["200 with a page", html(200), "unknown", "unreadable_answer", 200],
		["200 with another object", json({ entity: "order" }), "unknown", "unreadable_answer", 200],
		[
			"200 with an amount in rupees",
			json({ ...fixture("order.create.created"), amount: 499.5 }),
			"unknown",
			"unreadable_answer",
			200,
		],
		["200 with nothing", html(200, ""), "unknown", "unreadable_answer", 200],
		[
			"an order for another amount",
			json({ ...fixture("order.create.created"), amount: 4990 }),
			"failed",
			"amount_mismatch",
			null,
		],
		[
			"an order in another currency",
			json({ ...fixture("order.create.created"), currency: "USD" }),
			"failed",
			"amount_mismatch",
			null,
		],
		["a connection closed without an answer", hangUp, "unknown", "psp_unavailable", null],
	])("%s", async (_, respond, outcome, code, http_status) => {
		const { adapter, seen } = await adapterAgainst(respond);
		const result = await adapter.createOrder(account, input);
		expect(result).toMatchObject({ outcome, error: { code, http_status } });
		expect(seen).toHaveLength(1);
	});

	test.each([
		["seconds", { "retry-after": "17" }, 17],
		["a date", { date: "Fri, 21 Nov 2025 05:00:00 GMT", "retry-after": "Fri, 21 Nov 2025 05:01:30 GMT" }, 90],
		["something else", { "retry-after": "soon" }, null],
	])("Retry-After as %s", async (_, headers, expected) => {
		const { adapter } = await adapterAgainst(json({ error: {} }, 429, headers as Record<string, string>));
		const result = await adapter.createOrder(account, input);
		expect(result).toMatchObject({ outcome: "failed", error: { retry_after_seconds: expected } });
	});

	test("no answer in time is unknown", async () => {
		const { adapter } = await adapterAgainst(() => undefined, { timeout_ms: 150 });
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "timed_out" },
		});
	});

	test("an answer that trickles in does not hold the call beyond its time", async () => {
		const trickle: Respond = (_, response) => {
			response.writeHead(200, { "content-type": "application/json" });
			const timer = setInterval(() => response.write(" "), 20);
			response.on("close", () => clearInterval(timer));
		};
		const { adapter } = await adapterAgainst(trickle, { timeout_ms: 200 });
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "timed_out" },
		});
	});

	test("a refused connection, and a name that does not exist, were never sent", async () => {
		const { api_url, adapter } = await adapterAgainst(hangUp);
		for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "psp_unavailable", psp_code: "ECONNREFUSED" },
		});
		const nowhere = createRazorpayAdapter({ api_url: api_url.replace("127.0.0.1", "psp.invalid") });
		expect(await nowhere.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "psp_unavailable" },
		});
	});

	test("calls of many accounts at the same time, one of them with new credentials, each bring their own and get their own answer", async () => {
		const held: (() => void)[] = [];
		const { adapter } = await adapterAgainst((request, response) => {
			const credentials = Buffer.from(request.headers.authorization?.slice(6) ?? "", "base64").toString();
			const order = { ...fixture("order.create.created"), id: `order_${credentials.replace(":", "_")}` };
			held.unshift(() => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(order)));
			// The last to ask is answered first.
			if (held.length === 5) for (const answer of held) answer();
		});
		const accounts = [
			...["key0", "key1", "key2", "key3"].map((api_key) => ({ ...account, api_key, api_secret: `secretof${api_key}` })),
			{ ...account, api_key: "key3", api_secret: "rotated" },
		];
		const results = await Promise.all(accounts.map((each) => adapter.createOrder(each, input)));
		expect(results.map((result) => result.outcome === "succeeded" && result.psp_order_id)).toEqual([
			"order_key0_[removed]",
			"order_key1_[removed]",
			"order_key2_[removed]",
			"order_key3_[removed]",
			"order_key3_[removed]",
		]);
	});

	test("a redirect is not followed, so the key goes nowhere else", async () => {
		const elsewhere = await adapterAgainst(json(fixture("order.create.created")));
		const { adapter } = await adapterAgainst((_, response) => {
			response.writeHead(307, { location: `${elsewhere.api_url}/v1/orders` }).end();
		});
		expect((await adapter.createOrder(account, input)).outcome).toBe("unknown");
		expect(elsewhere.seen).toEqual([]);
	});

	test("an error page that echoes the request does not carry the secrets on", async () => {
		const { adapter } = await adapterAgainst((request, response) => {
			const basic = request.headers.authorization ?? "";
			const decoded = Buffer.from(basic.slice(6), "base64").toString();
			response.writeHead(400, { "content-type": "application/json" });
			response.end(JSON.stringify({ error: { code: "BAD_REQUEST_ERROR", description: `${basic} ${decoded}` } }));
		});
		const kept = JSON.stringify(await adapter.createOrder(account, input));
		expect(kept).toContain("[removed]");
		expect(kept).not.toContain(account.api_secret);
		expect(kept).not.toContain(Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64"));
	});
});

describe("finding an order whose reply was lost", () => {
	const orders = (...items: unknown[]) => json({ entity: "collection", count: items.length, items });

	test("asks by receipt and presents the order like a new one", async () => {
		const { adapter, seen } = await adapterAgainst(orders(fixture("order.create.created")));
		const result = await adapter.findOrder(account, input);
		expect(seen[0]?.url.pathname).toBe("/v1/orders");
		expect(seen[0]?.url.searchParams.get("receipt")).toBe(input.reference);
		expect(result).toMatchObject({ outcome: "succeeded", psp_order_id: "order_QhT3zPq7Nc5YdJ" });
	});

	test("an empty list is the only proof that there is none", async () => {
		const { adapter } = await adapterAgainst(orders());
		expect(await adapter.findOrder(account, input)).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		const other = await adapterAgainst(orders({ ...fixture("order.create.created"), receipt: "another" }));
		expect((await other.adapter.findOrder(account, input)).outcome).toBe("unknown");
	});

	test.each<[string, Respond]>([
		["a wrong key", json({ error: {} }, 401)],
		["429", json({ error: {} }, 429)],
		["404", json({ error: {} }, 404)],
		["502", html(502)],
		["a lost reply", hangUp],
	])("%s leaves it unknown", async (_, respond) => {
		const { adapter } = await adapterAgainst(respond);
		expect((await adapter.findOrder(account, input)).outcome).toBe("unknown");
	});

	test("of two, the one that a payer has begun to pay is taken", async () => {
		const fresh = { ...fixture("order.create.created"), id: "order_fresh" };
		const begun = { ...fixture("order.create.created"), id: "order_begun", status: "attempted" };
		const { adapter } = await adapterAgainst(orders(fresh, begun));
		expect(await adapter.findOrder(account, input)).toMatchObject({ psp_order_id: "order_begun" });
	});
});

describe("fetching the status", () => {
	const order = { psp_order_id: "order_QhT3zPq7Nc5YdJ", reference: input.reference };
	const [declined, captured] = fixture("order.payments.failed-then-captured").items;
	const statusOf = async (...items: unknown[]) => {
		const { adapter } = await adapterAgainst(json({ entity: "collection", count: items.length, items }));
		return adapter.fetchStatus(account, order);
	};

	test("a captured payment outranks a later decline", async () => {
		expect(await statusOf(declined, captured)).toMatchObject({
			outcome: "succeeded",
			psp_payment_id: captured.id,
			amount: 49900,
			currency: "INR",
			fee: 1178,
		});
	});

	test("nobody has paid yet: pending; the newest try counts otherwise", async () => {
		expect(await statusOf()).toMatchObject({ outcome: "pending", psp_payment_id: null, amount: null });
		const waiting = { ...captured, status: "created", captured: false, created_at: declined.created_at + 1 };
		expect((await statusOf(declined, waiting)).outcome).toBe("pending");
		expect((await statusOf(waiting, { ...declined, created_at: waiting.created_at + 1 })).outcome).toBe("failed");
		expect((await statusOf(declined, { ...captured, status: "authorized" })).outcome).toBe("authorized");
	});

	test("a refunded payment had been taken, unless it was only held", async () => {
		expect((await statusOf({ ...captured, status: "refunded" })).outcome).toBe("succeeded");
		expect(await statusOf({ ...captured, status: "refunded", captured: false })).toMatchObject({
			outcome: "failed",
			error: { psp_code: "refunded_without_capture" },
		});
	});

	test("reasons that are names of every object are no codes", async () => {
		for (const name of ["constructor", "toString", "__proto__"]) {
			const { error } = await statusOf({ ...declined, error_reason: name, error_code: name });
			expect(error).toMatchObject({ code: "declined", psp_code: name });
		}
	});

	test("a status that is not documented, a payment of another order, or a failed lookup is unknown", async () => {
		expect((await statusOf({ ...captured, status: "levitating" })).outcome).toBe("unknown");
		expect((await statusOf({ ...captured, order_id: "order_other" })).outcome).toBe("unknown");
		const { adapter } = await adapterAgainst(json({ error: { description: "The id provided does not exist" } }, 400));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "unknown",
			error: { code: "not_found" },
		});
	});

	test("an id that would change the path is not sent", async () => {
		const { adapter, seen } = await adapterAgainst(json({}));
		const state = await adapter.fetchStatus(account, { ...order, psp_order_id: "../refunds" });
		expect(state.outcome).toBe("unknown");
		expect(seen).toEqual([]);
	});
});

describe("the browser's return", () => {
	const adapter = createRazorpayAdapter();
	const psp_order_id = "order_QhT3zPq7Nc5YdJ";
	const payment_id = "pay_QhT4mXk2Lr8WvB";
	const signature = sign(account.api_secret, `${psp_order_id}|${payment_id}`);
	const form = {
		razorpay_payment_id: payment_id,
		razorpay_order_id: psp_order_id,
		razorpay_signature: signature,
	};
	const returned = (fields: Record<string, string>) =>
		adapter.verifyReturn(account, { query: {}, form: fields, psp_order_id });

	test("is verified when signed with the key secret, as the official SDK does", () => {
		expect(validatePaymentVerification({ order_id: psp_order_id, payment_id }, signature, account.api_secret)).toBe(
			true,
		);
		expect(returned(form)).toEqual({ verified: true, psp_payment_id: payment_id, claims: "succeeded" });
	});

	test("of another order is refused, whatever order id it posts", () => {
		const other = { ...form, razorpay_signature: sign(account.api_secret, `order_other|${payment_id}`) };
		expect(returned({ ...other, razorpay_order_id: "order_other" })).toEqual({ verified: false, claims: "unknown" });
		expect(returned({ ...form, razorpay_payment_id: "pay_other" }).verified).toBe(false);
		expect(returned({ ...form, razorpay_signature: "" }).verified).toBe(false);
	});

	test("of a failure proves nothing", () => {
		expect(returned({ "error[code]": "BAD_REQUEST_ERROR", "error[description]": "Payment failed" })).toEqual({
			verified: false,
			claims: "failed",
		});
		expect(returned({ "error[code]": "BAD_REQUEST_ERROR", "error[reason]": "payment_cancelled" }).claims).toBe(
			"cancelled",
		);
		expect(returned({})).toEqual({ verified: false, claims: "unknown" });
	});
});

describe("refunding", () => {
	const payment = {
		psp_payment_id: "pay_QhT4mXk2Lr8WvB",
		psp_order_id: "order_QhT4aBc1De2FgH",
		order_reference: input.reference,
	};
	const refund = {
		reference: "0199f3b7-0c2d-7e3f-9a41-5b6c7d8e9f00",
		...payment,
		amount: 19900,
		currency: "INR",
		reason: "One book out of stock",
	};

	const none = { entity: "collection", count: 0, items: [] };
	const pending = fixture("refund.create.pending");
	const LIST = "GET /v1/payments/pay_QhT4mXk2Lr8WvB/refunds";
	const callsOf = (seen: SeenRequest[]) => seen.map(({ method, url }) => `${method} ${url.pathname}`);
	/** What the payment's refunds are, and what the making of a new one is answered with. */
	function serves(there: object[], made: Respond): Respond {
		return (request, response) => {
			const skip = Number(request.url.searchParams.get("skip") ?? 0);
			const count = Number(request.url.searchParams.get("count") ?? 10);
			const page = { ...none, items: there.slice(skip, skip + Math.min(count, 100)) };
			return (request.method === "GET" ? json(page) : made)(request, response);
		};
	}
	const ours = (changes: object = {}) => ({
		...pending,
		payment_id: payment.psp_payment_id,
		amount: refund.amount,
		receipt: null,
		notes: { reference: refund.reference },
		...changes,
	});
	const others = (count: number) =>
		Array.from({ length: count }, (_, n) => ours({ id: `rfnd_${n}`, notes: { reference: `another ${n}` } }));

	test("sends our id as idempotency key, receipt and note, once the payment's refunds show that there is none", async () => {
		const { adapter, seen } = await adapterAgainst(serves(others(2), json(pending)));
		expect(await adapter.refund(account, refund)).toMatchObject({ outcome: "pending", amount: 19900 });
		expect(callsOf(seen)).toEqual([LIST, LIST, "POST /v1/payments/pay_QhT4mXk2Lr8WvB/refund"]);
		expect(seen[2]?.headers["x-refund-idempotency"]).toBe(refund.reference);
		expect(seen[2]?.body).toMatchObject({ amount: 19900, receipt: refund.reference });
	});

	test.each([
		["processed", "succeeded"],
		["pending", "pending"],
		["failed", "failed"],
		["something new", "unknown"],
	])("that was made before and is %s is answered with, not made again", async (status, outcome) => {
		for (const changes of [{}, { notes: [], receipt: refund.reference }]) {
			const there = [...others(3), ours({ ...changes, status })];
			const { adapter, seen } = await adapterAgainst(serves(there, json(pending)));
			expect(await adapter.refund(account, refund)).toMatchObject({
				outcome,
				reference: refund.reference,
				psp_refund_id: pending.id,
				amount: refund.amount,
			});
			expect(callsOf(seen)).toEqual([LIST]);
		}
	});

	test("that was made before is found behind a hundred others, whatever the pages' length", async () => {
		const there = [...others(230), ours()];
		const { adapter, seen } = await adapterAgainst(serves(there, json(pending)));
		expect((await adapter.refund(account, refund)).psp_refund_id).toBe(pending.id);
		expect(seen.map(({ url }) => url.searchParams.get("skip"))).toEqual(["0", "100", "200"]);
		const short = await adapterAgainst((request, response) => {
			const skip = Number(request.url.searchParams.get("skip"));
			return json({ ...none, items: there.slice(skip, skip + 50) })(request, response);
		});
		expect((await short.adapter.refund(account, refund)).psp_refund_id).toBe(pending.id);
	});

	test("with the reference of another amount, made before, is refused", async () => {
		const { adapter, seen } = await adapterAgainst(serves([ours({ amount: 100 })], json(pending)));
		expect(await adapter.refund(account, refund)).toMatchObject({
			outcome: "failed",
			psp_refund_id: null,
			error: { code: "duplicate_request" },
		});
		expect(callsOf(seen)).toEqual([LIST]);
	});

	test.each<[string, Respond]>([
		["with 500", json(fault, 500)],
		["with 404", json({ error: { code: "BAD_REQUEST_ERROR", description: "The id provided does not exist" } }, 404)],
		["with nothing", hangUp],
		["with a page", html(200)],
		["with refunds of another payment", json({ ...none, items: [ours({ payment_id: "pay_another" })] })],
		["the same page for ever", json({ ...none, items: others(3) })],
	])("that cannot be looked for, as Razorpay answers %s, is not made: an earlier one may exist", async (_, respond) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect((await adapter.refund(account, refund)).outcome).toBe("unknown");
		expect(seen.map(({ method }) => method)).not.toContain("POST");
	});

	test("waits for credentials that Razorpay takes", async () => {
		const refusal = { error: { code: "BAD_REQUEST_ERROR", description: "Authentication failed" } };
		const { adapter, seen } = await adapterAgainst(json(refusal, 401));
		expect(await adapter.refund(account, refund)).toMatchObject({
			outcome: "failed",
			error: { code: "authentication_failed" },
		});
		expect(callsOf(seen)).toEqual([LIST]);
	});

	test("concurrent calls keep their own keys, and other calls have none", async () => {
		const { adapter, seen } = await adapterAgainst(serves([], json(pending)));
		const references = Array.from({ length: 20 }, (_, n) => `0199f3b7-0c2d-7e3f-9a41-00000000${1000 + n}`);
		await Promise.all([
			...references.map((reference) => adapter.refund(account, { ...refund, reference })),
			adapter.findOrder(account, input),
		]);
		for (const { method, headers, body } of seen) {
			const receipt = method === "GET" ? undefined : (body as { receipt: string }).receipt;
			expect(headers["x-refund-idempotency"]).toBe(receipt);
		}
		expect(seen).toHaveLength(41);
	});

	const refused = (description: string) => ({ error: { code: "BAD_REQUEST_ERROR", description } });
	test.each<[string, Respond, string, string]>([
		["beyond the amount", json(fixture("refund.create.beyond-amount"), 400), "failed", "refund_exceeds_amount"],
		["once more", json(refused("The payment has been fully refunded already"), 400), "failed", "refund_exceeds_amount"],
		[
			"while the same request runs",
			json(refused("Another request with the same idempotency key is still in progress."), 409),
			"unknown",
			"duplicate_request",
		],
		[
			"with a key used for something else",
			json(refused("Different request with the same idempotency key has already been processed."), 409),
			"failed",
			"duplicate_request",
		],
		["with a 409 in other words", json(refused("Conflict"), 409), "unknown", "duplicate_request"],
		["answered with 500", json(fault, 500), "unknown", "psp_unavailable"],
		["with a lost reply", hangUp, "unknown", "psp_unavailable"],
	])("%s", async (_, respond, outcome, code) => {
		const { adapter } = await adapterAgainst(serves([], respond));
		expect(await adapter.refund(account, refund)).toMatchObject({
			outcome,
			reference: refund.reference,
			error: { code },
		});
	});

	test("a refund that cannot be looked up is unknown, not failed", async () => {
		const { adapter, seen } = await adapterAgainst(json({ error: {} }, 400));
		const wanted = { ...payment, reference: refund.reference, psp_refund_id: "rfnd_QhU9aBc1De2FgH" };
		expect((await adapter.fetchRefund(account, wanted)).outcome).toBe("unknown");
		expect(seen[0]?.url.pathname).toBe("/v1/payments/pay_QhT4mXk2Lr8WvB/refunds/rfnd_QhU9aBc1De2FgH");
	});
});

describe("transferring a part to another account", () => {
	const transfer = {
		reference: "0199f3a2-9c1d-7e2f-8a3b-4c5d6e7f8091",
		psp_payment_id: "pay_QhT4kLm8XcVbNm",
		psp_order_id: "order_QhT3zPq7Nc5YdJ",
		order_reference: input.reference,
		account: "acc_IROu8Nod6PXPtZ",
		amount: 12_000,
		currency: "INR",
	};
	const none = { entity: "collection", count: 0, items: [] };
	const pending = fixture("transfer.create.pending");
	const withStatus = (status: string) => ({ ...pending, items: [{ ...pending.items[0], status }] });
	/** What is there already, and what the making of a new one is answered with. */
	function serves(there: unknown, made: Respond): Respond {
		return (request, response) => (request.method === "GET" ? json(there) : made)(request, response);
	}

	test("is made once the payment's transfers show that there is none, with our reference", async () => {
		const { adapter, seen } = await adapterAgainst(serves(none, json(pending)));
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "pending",
			psp_transfer_id: "trf_QhT7cVbN2mLkJh",
			amount: 12_000,
			error: null,
		});
		expect(seen.map(({ method, url }) => `${method} ${url.pathname}`)).toEqual([
			"GET /v1/payments/pay_QhT4kLm8XcVbNm/transfers",
			"POST /v1/payments/pay_QhT4kLm8XcVbNm/transfers",
		]);
		expect(seen[1]?.body).toEqual({
			transfers: [
				{
					account: "acc_IROu8Nod6PXPtZ",
					amount: 12_000,
					currency: "INR",
					notes: { reference: transfer.reference },
				},
			],
		});
	});

	test.each([
		["processed", "succeeded"],
		["partially_reversed", "succeeded"],
		["created", "pending"],
		["failed", "failed"],
		["reversed", "failed"],
		["something new", "unknown"],
	])("that was made before and is %s is answered with, not made again", async (status, outcome) => {
		const { adapter, seen } = await adapterAgainst(serves(withStatus(status), json(pending)));
		expect((await adapter.transfer?.(account, transfer))?.outcome).toBe(outcome);
		expect(seen.map(({ method }) => method)).toEqual(["GET"]);
	});

	test("with a reference that stands for another one is refused", async () => {
		const { adapter, seen } = await adapterAgainst(serves(pending, json(pending)));
		for (const other of [{ amount: 100 }, { account: "acc_IRQWUleX4BqvYn" }]) {
			expect(await adapter.transfer?.(account, { ...transfer, ...other })).toMatchObject({
				outcome: "failed",
				error: { code: "duplicate_request" },
			});
		}
		expect(seen.every(({ method }) => method === "GET")).toBe(true);
	});

	test("that cannot be looked for is not made: an earlier one may exist", async () => {
		const { adapter, seen } = await adapterAgainst(json(fault, 500));
		expect((await adapter.transfer?.(account, transfer))?.outcome).toBe("unknown");
		expect(seen.map(({ method }) => method)).toEqual(["GET"]);
	});

	const insufficient = {
		error: { code: "BAD_REQUEST_ERROR", description: "Transfer cannot be made due to insufficient balance" },
	};
	test.each<[string, Respond, string, string]>([
		["beyond the merchant's balance", json(insufficient, 400), "failed", "insufficient_funds"],
		["answered with 500", json(fault, 500), "unknown", "psp_unavailable"],
		["with a lost reply", hangUp, "unknown", "psp_unavailable"],
		["answered with nothing", json(none), "unknown", "unreadable_answer"],
	])("%s", async (_, respond, outcome, code) => {
		const { adapter } = await adapterAgainst(serves(none, respond));
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({ outcome, error: { code } });
	});
});

describe("the settlement report", () => {
	const { items } = fixture("settlement.recon.four-kinds") as { items: Record<string, unknown>[] };
	const served = (lines: unknown[], cap: number): Respond => {
		return (request, response) => {
			const skip = Number(request.url.searchParams.get("skip"));
			const count = Math.min(cap, Number(request.url.searchParams.get("count")));
			json({ items: lines.slice(skip, skip + count) })(request, response);
		};
	};

	test("asks for the day and reads the four kinds of lines", async () => {
		const { adapter, seen } = await adapterAgainst(served(items, 1000));
		const report = await adapter.fetchSettlement(account, "2025-11-21");
		expect(Object.fromEntries(seen[0]?.url.searchParams ?? [])).toEqual({
			year: "2025",
			month: "11",
			day: "21",
			count: "1000",
			skip: "0",
		});
		if (report.outcome !== "succeeded") throw new Error(report.error.message);
		expect(
			report.lines.map(({ kind, psp_payment_id, credit, debit, fee, tax, utr }) => ({
				kind,
				psp_payment_id,
				credit,
				debit,
				fee,
				tax,
				utr,
			})),
		).toEqual([
			{
				kind: "payment",
				psp_payment_id: "pay_QhT4mXk2Lr8WvB",
				credit: 48722,
				debit: 0,
				fee: 1178,
				tax: 180,
				utr: "KKBKH26325891582",
			},
			{
				kind: "refund",
				psp_payment_id: "pay_QhT4mXk2Lr8WvB",
				credit: 0,
				debit: 19900,
				fee: 0,
				tax: 0,
				utr: "KKBKH26325891582",
			},
			{
				kind: "transfer",
				psp_payment_id: "pay_QhT4mXk2Lr8WvB",
				credit: 0,
				debit: 100296,
				fee: 296,
				tax: 46,
				utr: "KKBKH26325891582",
			},
			{ kind: "adjustment", psp_payment_id: null, credit: 1012, debit: 0, fee: 0, tax: 0, utr: null },
		]);
		expect(report.lines[0]?.settled_at).toEqual(new Date(1763700000 * 1000));
	});

	test("is followed to its end though the server caps its pages", async () => {
		const many = Array.from({ length: 23 }, (_, n) => ({ ...items[0], entity_id: `pay_${n}` }));
		const { adapter } = await adapterAgainst(served(many, 5));
		const report = await adapter.fetchSettlement(account, "2025-11-21");
		expect(report.outcome === "succeeded" && report.lines).toHaveLength(23);
	});

	test("is never given in part", async () => {
		let page = 0;
		const { adapter } = await adapterAgainst((request, response) =>
			(page++ === 0 ? json({ items }) : html(502))(request, response),
		);
		expect((await adapter.fetchSettlement(account, "2025-11-21")).outcome).toBe("unknown");
		const endless = await adapterAgainst(json({ items }));
		expect(await endless.adapter.fetchSettlement(account, "2025-11-21")).toMatchObject({
			outcome: "unknown",
			error: { code: "unreadable_answer" },
		});
	});

	test("leaves out what is not settled, and asks nothing for a day that is none", async () => {
		const { adapter, seen } = await adapterAgainst(served([{ ...items[0], settled: false }], 10));
		expect(await adapter.fetchSettlement(account, "2025-11-21")).toEqual({ outcome: "succeeded", lines: [] });
		seen.length = 0;
		expect(await adapter.fetchSettlement(account, "21/11/2025")).toMatchObject({ error: { code: "invalid_request" } });
		expect(seen).toEqual([]);
	});
});

test("the published addresses hold for Razorpay itself, not for a stand-in", () => {
	expect(createRazorpayAdapter().webhook_networks).toContain("52.66.75.174/32");
	expect(createRazorpayAdapter().browser_origins).toEqual(["https://api.razorpay.com"]);
	const stand_in = createRazorpayAdapter({ api_url: "http://127.0.0.1:4000/razorpay" });
	expect(stand_in.webhook_networks).toEqual([]);
	expect(stand_in.browser_origins).toEqual(["http://127.0.0.1:4000"]);
});
