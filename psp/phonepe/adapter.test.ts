import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CreateOrderInput, PspAccount, PspEndpoint } from "../adapter.ts";
import { createPhonePeAdapter } from "./adapter.ts";

const account: PspAccount = {
	api_key: "SU2511_unit",
	api_secret: "client secret of unit",
	webhook_secret: "webhook-secret",
	settings: { client_version: 3 },
};

const input: CreateOrderInput = {
	reference: "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f",
	amount: 49900,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books",
	description: null,
	customer: { name: "Asha Rao", phone: "+919000012345" },
	method: null,
	return_url: "https://pay.example.in/pay/1/return?token=t",
	cancel_url: "https://pay.example.in/pay/1/cancel?token=t",
	webhook_url: "https://pay.example.in/webhook/lsp_key/1",
	splits: [],
	expires_at: new Date(Date.now() + 20 * 60_000),
};

const refundInput = {
	reference: "0199f3a2-7777-7d4e-8f60-1a2b3c4d5e6f",
	psp_payment_id: "OM2511211015097451914211",
	psp_order_id: "OMO2511211012291234567890",
	order_reference: input.reference,
	amount: 12_000,
	currency: "INR",
	reason: "Out of stock",
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
	vi.useRealTimers();
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
});

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

/** One answer after the other; the last one for good. */
function inTurn(...answers: Respond[]): Respond {
	let turn = 0;
	return (request, response) => (answers[turn++] ?? (answers.at(-1) as Respond))(request, response);
}

function newToken(name: string, life_s = 3600) {
	return json({
		...fixture("token.issued"),
		access_token: name,
		expires_at: fixture("token.issued").issued_at + life_s,
	});
}

/** An adapter whose PhonePe is `respond`, on a port of its own; its tokens come from `identity`. */
async function adapterAgainst(respond: Respond, endpoint: PspEndpoint = {}, identity: Respond = newToken("token-1")) {
	const seen: SeenRequest[] = [];
	const tokens: SeenRequest[] = [];
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const url = new URL(request.url ?? "/", "http://127.0.0.1");
		const is_token = url.pathname.endsWith("/v1/oauth/token");
		const body = is_token ? Object.fromEntries(new URLSearchParams(text)) : text && JSON.parse(text);
		const one = { method: request.method ?? "", url, headers: request.headers, body };
		(is_token ? tokens : seen).push(one);
		(is_token ? identity : respond)(one, response);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return { adapter: createPhonePeAdapter({ api_url, timeout_ms: 10_000, ...endpoint }), seen, tokens, api_url };
}

const authorizations = (requests: SeenRequest[]) => requests.map(({ headers }) => headers.authorization);

describe("the access token", () => {
	const created = json(fixture("pay.created"));

	test("is asked for with the client's credentials, on the path of production", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(created);
		expect((await adapter.createOrder(account, input)).outcome).toBe("succeeded");
		expect(tokens).toHaveLength(1);
		expect(tokens[0]).toMatchObject({
			method: "POST",
			url: { pathname: "/apis/identity-manager/v1/oauth/token" },
			headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
			body: {
				client_id: "SU2511_unit",
				client_secret: "client secret of unit",
				client_version: "3",
				grant_type: "client_credentials",
			},
		});
		expect(seen[0]?.url.pathname).toBe("/apis/pg/checkout/v2/pay");
		expect(authorizations(seen)).toEqual(["O-Bearer token-1"]);
	});

	test("and everything else is asked of PhonePe's sandbox for an account that is there", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(created);
		await adapter.createOrder({ ...account, settings: { environment: "sandbox" } }, input);
		expect(tokens[0]?.url.pathname).toBe("/apis/pg-sandbox/v1/oauth/token");
		expect(tokens[0]?.body).toMatchObject({ client_version: "1" });
		expect(seen[0]?.url.pathname).toBe("/apis/pg-sandbox/checkout/v2/pay");
	});

	test("is shared by calls that come at once, and each account has its own", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(
			created,
			{},
			({ body }, response) =>
				void newToken(`token of ${(body as { client_id: string }).client_id}`)({} as never, response),
		);
		const other = { ...account, api_key: "SU2511_other" };
		const one_secret_later = { ...account, api_secret: "another secret" };
		await Promise.all(
			[account, account, account, other, other, one_secret_later].map((each) => adapter.createOrder(each, input)),
		);
		expect(tokens).toHaveLength(3);
		expect(seen).toHaveLength(6);
		expect(authorizations(seen).filter((value) => value === "O-Bearer token of SU2511_other")).toHaveLength(2);
	});

	test("that has run out is not used, even where no new one is to be had", async () => {
		vi.useFakeTimers({ toFake: ["Date"] });
		const { adapter, seen } = await adapterAgainst(created, {}, inTurn(newToken("a"), html(503)));
		await adapter.createOrder(account, input);
		vi.setSystemTime(Date.now() + 3_601_000);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "psp_unavailable", http_status: 503 },
		});
		expect(seen).toHaveLength(1);
	});

	test("that is refused is replaced once, for all calls that were refused with it", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(
			(request, response) =>
				request.headers.authorization === "O-Bearer b"
					? created(request, response)
					: json({ code: "UNAUTHORIZED", message: "Unauthorized" }, 401)(request, response),
			{},
			inTurn(newToken("a"), newToken("b"), newToken("c")),
		);
		const results = await Promise.all(Array.from({ length: 8 }, () => adapter.createOrder(account, input)));
		expect(results.map(({ outcome }) => outcome)).toEqual(Array(8).fill("succeeded"));
		expect(tokens).toHaveLength(2);
		expect(seen).toHaveLength(16);
	});

	test("that is refused again is not replaced again", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(json({ code: "UNAUTHORIZED" }, 401));
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "authentication_failed", http_status: 401 },
		});
		expect([seen.length, tokens.length]).toEqual([2, 2]);
	});

	test("that cannot be replaced leaves the refusal", async () => {
		const { adapter } = await adapterAgainst(
			json({}, 401),
			{},
			inTurn(newToken("a"), json({ code: "UNAUTHORIZED" }, 401)),
		);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "authentication_failed" },
		});
	});

	test.each<[string, Respond, string, number | null]>([
		["wrong credentials", json({ code: "UNAUTHORIZED" }, 401), "authentication_failed", 401],
		["credentials it cannot read", json(fixture("pay.refused"), 400), "authentication_failed", 400],
		["too many requests", json({}, 429, { "retry-after": "9" }), "rate_limited", 429],
		["a fault", json(fixture("pay.internal-error"), 500), "psp_unavailable", 500],
		["a page", html(200), "psp_unavailable", 200],
		["an answer without a token", json({ token_type: "O-Bearer" }), "psp_unavailable", 200],
		["a lost reply", hangUp, "psp_unavailable", null],
	])(
		"not given for %s: nothing was asked of PhonePe, and no lookup was answered",
		async (_, identity, code, http_status) => {
			const { adapter, seen } = await adapterAgainst(created, {}, identity);
			const refused = await adapter.createOrder(account, input);
			expect(refused).toMatchObject({ outcome: "failed", error: { code, http_status } });
			expect(await adapter.findOrder(account, input)).toMatchObject({ outcome: "unknown", error: { code } });
			const order = { psp_order_id: refundInput.psp_order_id, reference: input.reference };
			expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "unknown", error: { code } });
			expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome: "failed", error: { code } });
			expect(seen).toEqual([]);
		},
	);

	test("not given in time: nothing was asked of PhonePe", async () => {
		const { adapter, seen } = await adapterAgainst(created, { timeout_ms: 150 }, () => undefined);
		expect(await adapter.createOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "psp_unavailable" },
		});
		expect(seen).toEqual([]);
	});

	test("that an error page echoes is not carried on, nor is the client's secret", async () => {
		const echo: Respond = ({ headers, body }, response) => {
			const message = `${headers.authorization} ${new URLSearchParams(body as Record<string, string>)}`;
			json({ code: "BAD_REQUEST", message }, 400)({} as never, response);
		};
		const api = await adapterAgainst(echo, {}, newToken("the-token-itself"));
		const identity = await adapterAgainst(created, {}, echo);
		const kept = [await api.adapter.createOrder(account, input), await identity.adapter.createOrder(account, input)];
		const text = JSON.stringify(kept);
		expect(text).toContain("[removed]");
		for (const secret of ["the-token-itself", "client secret of unit", "client+secret+of+unit"]) {
			expect(text).not.toContain(secret);
		}
	});
});

describe("creating an order", () => {
	test("sends paise, our reference, and the way back, and presents PhonePe's page", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("pay.created")));
		const result = await adapter.createOrder({ ...account, settings: { merchant_id: "MKAVERI" } }, input);
		expect(seen[0]?.headers).toMatchObject({ "content-type": "application/json", "x-merchant-id": "MKAVERI" });
		expect(seen[0]?.body).toEqual({
			merchantOrderId: input.reference,
			amount: 49900,
			expireAfter: expect.any(Number),
			metaInfo: { udf1: "KB-1042" },
			paymentFlow: {
				type: "PG_CHECKOUT",
				message: "Order KB-1042",
				merchantUrls: { redirectUrl: input.return_url },
			},
		});
		expect(result).toEqual({
			outcome: "succeeded",
			psp_order_id: "OMO2511211012291234567890",
			presentation: { kind: "redirect", url: fixture("pay.created").redirectUrl },
			raw: { orderId: "OMO2511211012291234567890", state: "PENDING", expireAt: 1763723259307 },
		});
	});

	test.each([
		["already over", -60, 300],
		["soon over", 120, 300],
		["as long as it lasts", 1_200, 1_200],
		["open for days", 86_400, 3_600],
	])("ends at PhonePe when the payment does, as far as it lets one choose: %s", async (_, seconds, expected) => {
		vi.useFakeTimers({ toFake: ["Date"] });
		const { adapter, seen } = await adapterAgainst(json(fixture("pay.created")));
		await adapter.createOrder(account, { ...input, expires_at: new Date(Date.now() + seconds * 1000) });
		expect(seen[0]?.body).toMatchObject({ expireAfter: expected });
	});

	test.each([
		["upi", ["UPI_INTENT", "UPI_QR", "UPI_COLLECT"]],
		["card", ["CARD"]],
		["netbanking", ["NET_BANKING"]],
		["wallet", undefined],
	])("offers only what the merchant asked for: %s", async (method, modes) => {
		const { adapter, seen } = await adapterAgainst(json(fixture("pay.created")));
		await adapter.createOrder(account, { ...input, method });
		const body = seen[0]!.body as { paymentFlow: Record<string, unknown> };
		expect(body.paymentFlow.paymentModeConfig).toEqual(
			modes && { enabledPaymentModes: modes.map((type) => ({ type })) },
		);
	});

	test.each([
		["another currency", { currency: "USD" }],
		["parts for another account", { splits: [{ account: "M2", amount: 100 }] }],
		["a reference that PhonePe does not take", { reference: "a/b" }],
		["one that is too long", { reference: "r".repeat(64) }],
	])("with %s is refused before PhonePe is asked", async (_, changed) => {
		const { adapter, seen, tokens } = await adapterAgainst(json(fixture("pay.created")));
		expect(await adapter.createOrder(account, { ...input, ...changed })).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request" },
		});
		expect([...seen, ...tokens]).toEqual([]);
	});

	test.each([
		[{ client_version: "one" }],
		[{ client_version: 0 }],
		[{ environment: "uat" }],
		[{ merchant_id: "M\r\nX-Evil: 1" }],
	])("with settings %j says so and asks nothing", async (settings) => {
		const { adapter, tokens } = await adapterAgainst(json(fixture("pay.created")));
		const result = await adapter.createOrder({ ...account, settings }, input);
		expect(result).toMatchObject({
			outcome: "failed",
			error: {
				code: "authentication_failed",
				message: expect.stringContaining(`settings.${Object.keys(settings)[0]}`),
			},
		});
		expect(tokens).toEqual([]);
	});

	test.each<[string, Respond, string, string, number | null]>([
		["a refusal", json(fixture("pay.refused"), 400), "failed", "invalid_request", 400],
		["403 as a page", html(403), "failed", "authentication_failed", 403],
		["429", json({}, 429), "failed", "rate_limited", 429],
		["a twin that is running", json({}, 409), "unknown", "duplicate_request", 409],
		["a fault told with a 4xx", json(fixture("pay.internal-error"), 400), "unknown", "psp_unavailable", 400],
		["500", json(fixture("pay.internal-error"), 500), "unknown", "psp_unavailable", 500],
		["502 as a page", html(502), "unknown", "psp_unavailable", 502],
		["504", html(504), "unknown", "timed_out", 504],
		["200 with a page", html(200), "unknown", "unreadable_answer", 200],
		["200 without an order", json({ state: "PENDING" }), "unknown", "unreadable_answer", 200],
		[
			"200 with an address that is none of the web",
			json({ ...fixture("pay.created"), redirectUrl: "javascript:alert(1)" }),
			"unknown",
			"unreadable_answer",
			200,
		],
		["a connection closed without an answer", hangUp, "unknown", "psp_unavailable", null],
	])("%s", async (_, respond, outcome, code, http_status) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect(await adapter.createOrder(account, input)).toMatchObject({ outcome, error: { code, http_status } });
		expect(seen).toHaveLength(1);
	});
});

describe("finding an order whose reply was lost", () => {
	const status = (name: string, changed = {}) => json({ ...fixture(`order-status.${name}`), ...changed });

	test.each(["unknown-order", "unknown-order-of-sdk"])("none was made: %s", async (name) => {
		const { adapter, seen } = await adapterAgainst(json(fixture(`order-status.${name}`), 400));
		expect(await adapter.findOrder(account, input)).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		expect(seen.map(({ url }) => `${url.pathname}${url.search}`)).toEqual([
			`/apis/pg/checkout/v2/order/${input.reference}/status?details=true&errorContext=true`,
		]);
	});

	test.each<[string, Respond]>([
		["a page with 404", html(404)],
		["404 of another kind", json({ code: "NOT_FOUND", message: "Api Mapping Not Found" }, 404)],
		["a refusal without a reason", json(fixture("pay.refused"), 400)],
		["429", json({}, 429)],
		["502", html(502)],
		["an order it cannot read", json({ orderId: "OMO1", state: "PENDING" })],
		["a lost reply", hangUp],
	])("%s leaves it unknown", async (_, respond) => {
		const { adapter } = await adapterAgainst(respond);
		expect((await adapter.findOrder(account, input)).outcome).toBe("unknown");
	});

	test("one that nobody has opened is asked for again, for the address of its page", async () => {
		const { adapter, seen } = await adapterAgainst(inTurn(status("untouched"), json(fixture("pay.created"))));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "succeeded",
			psp_order_id: "OMO2511211012291234567890",
			presentation: { kind: "redirect", url: fixture("pay.created").redirectUrl },
		});
		expect(seen[1]?.body).toMatchObject({ merchantOrderId: input.reference, amount: 49900 });
	});

	test("one whose page cannot be had again is an order that no payer can pay", async () => {
		const { adapter } = await adapterAgainst(inTurn(status("untouched"), json(fixture("pay.refused"), 400)));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "duplicate_request" },
		});
	});

	test.each<[string, Respond]>([
		["a fault", html(502)],
		["429", json({}, 429)],
		["a lost reply", hangUp],
	])("%s when it is asked for again leaves it unknown", async (_, respond) => {
		const { adapter } = await adapterAgainst(inTurn(status("untouched"), respond));
		expect((await adapter.findOrder(account, input)).outcome).toBe("unknown");
	});

	test("credentials that are refused when it is asked for again leave it unknown", async () => {
		const { adapter } = await adapterAgainst(
			inTurn(status("untouched"), json({}, 401)),
			{},
			inTurn(newToken("a"), json(fixture("pay.refused"), 400)),
		);
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "unknown",
			error: { code: "authentication_failed" },
		});
	});

	test.each(["retrying", "completed-upi"])("one that a payer has been at goes on to our own page: %s", async (name) => {
		const { adapter, seen } = await adapterAgainst(status(name));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "succeeded",
			presentation: { kind: "redirect", url: input.return_url },
		});
		expect(seen).toHaveLength(1);
	});

	test("one that has failed can no longer be paid", async () => {
		const { adapter } = await adapterAgainst(status("untouched", { state: "FAILED", errorCode: "ORDER_EXPIRED" }));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "payer_timed_out", psp_code: "ORDER_EXPIRED" },
		});
	});

	test("one for another amount is not ours", async () => {
		const { adapter } = await adapterAgainst(status("untouched", { amount: 4990 }));
		expect(await adapter.findOrder(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "amount_mismatch" },
		});
	});
});

describe("fetching the status", () => {
	const order = { psp_order_id: "OMO2511211012291234567890", reference: input.reference };
	const statusOf = async (answer: unknown, http_status = 200) => {
		const { adapter } = await adapterAgainst(json(answer, http_status));
		return adapter.fetchStatus(account, order);
	};

	test.each([
		["completed-upi", "upi", "455069731511", "OM2511211015097451914211"],
		["completed-card", "card", "520506406845", "OM2511211150264011152620"],
		["completed-wallet-and-upi", "wallet", "455948340054", "OM2511211823340281302812"],
		["declined-then-completed", "upi", "455069731511", "OM2511211015097451914211"],
	])("%s", async (name, method, bank_reference, psp_payment_id) => {
		expect(await statusOf(fixture(`order-status.${name}`))).toMatchObject({
			...order,
			outcome: "succeeded",
			psp_payment_id,
			amount: 49900,
			currency: "INR",
			method,
			bank_reference,
			error: null,
		});
	});

	test("nothing of the payer's account is kept", async () => {
		const kept = JSON.stringify([
			await statusOf(fixture("order-status.completed-upi")),
			await statusOf(fixture("order-status.completed-card")),
		]);
		for (const private_part of ["ybl", '1234"', "Asha", "KB-1042"]) expect(kept).not.toContain(private_part);
	});

	test("a wallet that only counts as one is told by its instrument", async () => {
		const [payment] = fixture("order-status.completed-upi").paymentDetails;
		const by_wallet = { ...payment, paymentMode: "UPI_INTENT", instrument: { type: "WALLET" } };
		const state = await statusOf({ ...fixture("order-status.completed-upi"), paymentDetails: [by_wallet] });
		expect(state.method).toBe("wallet");
	});

	test("declined while the order may still be paid is failed, with PhonePe's reason", async () => {
		expect(await statusOf(fixture("order-status.retrying"))).toMatchObject({
			outcome: "failed",
			psp_payment_id: "OM2511211013579231302711",
			error: { code: "declined", psp_code: "ZM", message: "Payment failed" },
		});
		expect(await statusOf(fixture("order-status.failed"))).toMatchObject({
			outcome: "failed",
			error: { code: "declined", psp_code: "ZM", message: "Wrong MPIN was entered" },
		});
	});

	test("a payment that the bank has not decided outweighs a later decline", async () => {
		const [declined] = fixture("order-status.retrying").paymentDetails;
		const waiting = { ...declined, transactionId: "OM1", state: "PENDING", timestamp: declined.timestamp - 1000 };
		const state = await statusOf({ ...fixture("order-status.retrying"), paymentDetails: [declined, waiting] });
		expect(state).toMatchObject({ outcome: "pending", psp_payment_id: "OM1", error: null });
	});

	test("nobody has tried: pending; and nobody did before it ran out: failed", async () => {
		expect(await statusOf(fixture("order-status.untouched"))).toMatchObject({
			outcome: "pending",
			psp_payment_id: null,
			amount: null,
		});
		const { paymentDetails: _, ...without_list } = fixture("order-status.untouched");
		expect(await statusOf(without_list)).toMatchObject({ outcome: "pending", psp_payment_id: null });
		expect(await statusOf({ ...fixture("order-status.untouched"), state: "FAILED" })).toMatchObject({
			outcome: "failed",
			psp_payment_id: null,
			error: { code: "payer_timed_out" },
		});
	});

	test.each([
		["Z9", "insufficient_funds"],
		["ZA", "cancelled_by_payer"],
		["U69", "payer_timed_out"],
		["TXN_AUTO_FAILED", "payer_timed_out"],
		["U90", "bank_unavailable"],
		["no such code", "declined"],
	])("the reason %s", async (detailedErrorCode, code) => {
		const [declined] = fixture("order-status.retrying").paymentDetails;
		const payment = { ...declined, errorCode: "PAYMENT_ERROR", detailedErrorCode };
		const state = await statusOf({ ...fixture("order-status.retrying"), paymentDetails: [payment] });
		expect(state.error).toMatchObject({ code, psp_code: detailedErrorCode });
	});

	test.each(["constructor", "toString", "__proto__"])("%s, a name that every object has, is no code", async (name) => {
		const [declined] = fixture("order-status.retrying").paymentDetails;
		const payment = { ...declined, errorCode: name, detailedErrorCode: name, paymentMode: name };
		const state = await statusOf({ ...fixture("order-status.retrying"), paymentDetails: [payment] });
		expect(state).toMatchObject({ outcome: "failed", method: null, error: { code: "declined", psp_code: name } });
		const { adapter } = await adapterAgainst(json({ code: name, message: "no" }, 400));
		expect((await adapter.createOrder(account, input)).outcome).toBe("failed");
		expect(await adapter.createOrder(account, input)).toMatchObject({ error: { code: "invalid_request" } });
	});

	test("a completed order that names no completed payment is asked about again, and counts once, by the one name", async () => {
		const completed = fixture("order-status.completed-upi");
		const [payment] = completed.paymentDetails;
		const { paymentDetails: _, ...without_list } = completed;
		for (const unnamed of [
			without_list,
			{ ...completed, paymentDetails: [] },
			{ ...completed, paymentDetails: [{ ...payment, state: "PENDING" }] },
		]) {
			expect(await statusOf(unnamed)).toMatchObject({
				...order,
				outcome: "unknown",
				error: { code: "unreadable_answer", psp_code: "COMPLETED" },
			});
		}
		expect(await statusOf(completed)).toMatchObject({ outcome: "succeeded", psp_payment_id: payment.transactionId });
	});

	test("an amount other than the order's is told as it is", async () => {
		const [payment] = fixture("order-status.completed-upi").paymentDetails;
		const state = await statusOf({
			...fixture("order-status.completed-upi"),
			paymentDetails: [{ ...payment, amount: 100 }],
		});
		expect(state).toMatchObject({ outcome: "succeeded", amount: 100 });
	});

	test("of two payments that were completed, the earlier is the order's", async () => {
		const [payment] = fixture("order-status.completed-upi").paymentDetails;
		const second = { ...payment, transactionId: "OM_second", timestamp: payment.timestamp + 1 };
		const answer = fixture("order-status.completed-upi");
		for (const paymentDetails of [
			[second, payment],
			[payment, second],
		]) {
			expect((await statusOf({ ...answer, paymentDetails })).psp_payment_id).toBe(payment.transactionId);
		}
	});

	test.each([
		["another order", { orderId: "OMO1" }],
		["a state that is not documented", { state: "LEVITATING" }],
		["a failed order with a completed payment", { state: "FAILED" }],
		["an amount in rupees", { amount: 499.5 }],
		["payments it cannot read", { paymentDetails: [{ state: "COMPLETED" }] }],
	])("%s is unknown", async (_, changed) => {
		expect((await statusOf({ ...fixture("order-status.completed-upi"), ...changed })).outcome).toBe("unknown");
	});

	test("an order that PhonePe does not know is unknown, not failed", async () => {
		expect(await statusOf(fixture("order-status.unknown-order"), 400)).toMatchObject({
			outcome: "unknown",
			error: { code: "not_found" },
		});
	});

	test("a reference that would change the path is not sent", async () => {
		const { adapter, seen, tokens } = await adapterAgainst(json({}));
		const state = await adapter.fetchStatus(account, { ...order, reference: "../refund" });
		expect(state.outcome).toBe("unknown");
		expect([...seen, ...tokens]).toEqual([]);
	});
});

describe("refunds", () => {
	const asked = { reference: refundInput.reference, psp_payment_id: refundInput.psp_payment_id };

	test("go by our id of it and of the order", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("refund.accepted")));
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			...asked,
			outcome: "pending",
			psp_refund_id: "OMR2511211657281836129569",
			amount: 12_000,
			error: null,
		});
		expect(seen[0]?.url.pathname).toBe("/apis/pg/payments/v2/refund");
		expect(seen[0]?.body).toEqual({
			merchantRefundId: refundInput.reference,
			originalMerchantOrderId: input.reference,
			amount: 12_000,
		});
	});

	test("asked for again, after PhonePe refuses the id, are the one refund", async () => {
		const { adapter, seen } = await adapterAgainst(
			inTurn(json(fixture("pay.refused"), 400), json(fixture("refund-status.confirmed"))),
		);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			...asked,
			outcome: "pending",
			psp_refund_id: "OMR2511211657281836129569",
			amount: 12_000,
		});
		expect(seen[1]?.url.pathname).toBe(`/apis/pg/payments/v2/refund/${refundInput.reference}/status`);
	});

	test.each([
		["amount", { amount: 5_000 }],
		["order", { originalMerchantOrderId: "another" }],
	])("with an id that stands for another %s are refused", async (_, changed) => {
		const { adapter } = await adapterAgainst(
			inTurn(json(fixture("pay.refused"), 400), json({ ...fixture("refund-status.confirmed"), ...changed })),
		);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "failed",
			error: { code: "duplicate_request" },
		});
	});

	const unknown_refund = json(fixture("refund-status.unknown-refund"), 400);
	test.each<[string, Respond, Respond, string, string]>([
		["beyond the amount", json(fixture("refund.excess"), 400), unknown_refund, "failed", "refund_exceeds_amount"],
		[
			"beyond the amount, in words alone",
			json({ code: "BAD_REQUEST", message: "Refund amount is greater than the order amount" }, 400),
			unknown_refund,
			"failed",
			"refund_exceeds_amount",
		],
		["for any other reason", json(fixture("pay.refused"), 400), unknown_refund, "failed", "invalid_request"],
		[
			"while nobody can say whether it is a repeat",
			json(fixture("pay.refused"), 400),
			html(502),
			"unknown",
			"psp_unavailable",
		],
		["by rate", json({}, 429), unknown_refund, "failed", "rate_limited"],
		["by a fault", html(500), unknown_refund, "unknown", "psp_unavailable"],
		["by silence", hangUp, unknown_refund, "unknown", "psp_unavailable"],
	])("refused %s", async (_, refund, status, outcome, code) => {
		const { adapter } = await adapterAgainst(inTurn(refund, status));
		expect(await adapter.refund(account, refundInput)).toMatchObject({ ...asked, outcome, error: { code } });
	});

	test.each([
		["confirmed", "pending", null],
		["completed", "succeeded", "586756785123"],
	])("that are %s", async (name, outcome, bank_reference) => {
		const { adapter } = await adapterAgainst(json(fixture(`refund-status.${name}`)));
		const wanted = { ...refundInput, psp_refund_id: "OMR2511211657281836129569" };
		const state = await adapter.fetchRefund(account, wanted);
		expect(state).toMatchObject({ ...asked, outcome, amount: 12_000, bank_reference, error: null });
		expect(JSON.stringify(state.raw)).not.toContain("ybl");
	});

	test("that failed have a reason, and nothing of the payer's account", async () => {
		const { adapter } = await adapterAgainst(json(fixture("refund-status.failed")));
		const state = await adapter.fetchRefund(account, { ...refundInput, psp_refund_id: "OMR2511211657281836129569" });
		expect(state).toMatchObject({
			...asked,
			outcome: "failed",
			error: { code: "bank_unavailable", psp_code: "INTERNAL_SERVER_ERROR" },
		});
		expect(JSON.stringify(state)).not.toContain("121212121212");
	});

	test.each<[string, Respond]>([
		["another refund", json({ ...fixture("refund-status.confirmed"), refundId: "OMR1" })],
		["a refund of another order", json({ ...fixture("refund-status.confirmed"), originalMerchantOrderId: "x" })],
		["a state that is not documented", json({ ...fixture("refund-status.confirmed"), state: "LEVITATING" })],
		["no such refund", unknown_refund],
		["a page", html(200)],
	])("looked up and answered with %s are unknown", async (_, respond) => {
		const { adapter } = await adapterAgainst(respond);
		const wanted = { ...refundInput, psp_refund_id: "OMR2511211657281836129569" };
		expect((await adapter.fetchRefund(account, wanted)).outcome).toBe("unknown");
	});
});

test("the browser's return says nothing", async () => {
	const { adapter } = await adapterAgainst(hangUp);
	const returned = { query: { state: "COMPLETED", code: "PAYMENT_SUCCESS" }, form: {}, psp_order_id: "OMO1" };
	expect(adapter.verifyReturn(account, returned)).toEqual({ verified: false, claims: "unknown" });
});

test("there is no settlement report to fetch, and it says where there is one", async () => {
	const { adapter, tokens } = await adapterAgainst(hangUp);
	expect(await adapter.fetchSettlement(account, "2026-11-20")).toMatchObject({
		outcome: "failed",
		error: { message: expect.stringContaining("dashboard") },
	});
	expect(tokens).toEqual([]);
});

test("the real PhonePe is the preset: its pages, its webhook addresses", () => {
	const adapter = createPhonePeAdapter();
	expect(adapter.browser_origins).toEqual(["https://*.phonepe.com"]);
	expect(adapter.webhook_networks).toContain("103.116.33.8/30");
});
