import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import Payu from "payu-websdk";
import { afterEach, describe, expect, test } from "vitest";
import type { CreateOrderInput, CreateOrderResult, PspAccount, PspEndpoint, RefundInput } from "../adapter.ts";
import { createPayuAdapter } from "./adapter.ts";
import { signedReturn } from "./conformance.ts";
import { commandHash } from "./hash.ts";
import { referenceOfToken, tokenOf, txnidOf } from "./ids.ts";
import { splitIdOf } from "./transform.ts";

const account: PspAccount = { api_key: "payukey", api_secret: "salt-of-payu", webhook_secret: null, settings: {} };
const sdk = new Payu({ key: account.api_key, salt: account.api_secret });

const TXNID = "61z4yjm7lu5k9knj8i5qlr7hv";
const MIHPAYID = "403993715521889530";
/** The reference whose token stands in the fixtures. */
const REFUND = referenceOfToken("36ZjCVt4iWJDuH3rHGvXy3") as string;

const input: CreateOrderInput = {
	reference: "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f",
	amount: 49900,
	currency: "INR",
	order_id: "KB-1042",
	merchant_name: "Kaveri Books",
	description: null,
	customer: { name: "Asha Rao", email: "asha.rao@example.com", phone: "+919000012345" },
	method: null,
	return_url: "https://pay.example/pay/1/return?token=t&lang=hi",
	cancel_url: "https://pay.example/pay/1/cancel?token=t",
	webhook_url: "https://pay.example/webhook/lsp_key/1",
	splits: [],
	expires_at: new Date("2026-01-01T00:00:00Z"),
};

const refundInput: RefundInput = {
	reference: REFUND,
	psp_payment_id: MIHPAYID,
	psp_order_id: TXNID,
	order_reference: input.reference,
	amount: 1_000,
	currency: "INR",
	reason: "Out of stock",
};

interface SeenCall {
	path: string;
	fields: Record<string, string>;
}
type Respond = (call: SeenCall, response: http.ServerResponse) => void;

const servers: http.Server[] = [];
afterEach(async () => {
	for (const server of servers.splice(0)) {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
});

/** An adapter whose PayU answers call after call with these, the last of them ever after. */
async function adapterAgainst(responds: Respond | readonly Respond[], endpoint: PspEndpoint = {}) {
	const answers = [responds].flat();
	const seen: SeenCall[] = [];
	const server = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const fields = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
		const call = { path: request.url ?? "", fields };
		seen.push(call);
		(answers[Math.min(seen.length, answers.length) - 1] as Respond)(call, response);
	});
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const api_url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return { adapter: createPayuAdapter({ api_url, timeout_ms: 10_000, ...endpoint }), seen, api_url };
}

function fixture(name: string) {
	return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
}

function json(body: unknown, status = 200): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
	};
}

function text(body: string, status = 200): Respond {
	return (_, response) => {
		response.writeHead(status, { "content-type": "text/html" }).end(body);
	};
}

const hangUp: Respond = (_, response) => response.destroy();
const queued = {
	status: 1,
	msg: "Refund Request Queued",
	request_id: "131278422",
	bank_ref_num: null,
	error_code: 102,
};
const refused = (msg: string, error_code?: string | number) => json({ status: 0, msg, error_code });

function formOf(result: CreateOrderResult): Record<string, string> {
	if (result.outcome !== "succeeded" || result.presentation.kind !== "form") throw new Error("no form was made");
	return result.presentation.fields;
}

describe("creating an order", () => {
	const adapter = createPayuAdapter();

	test("makes a form for PayU's page without calling anything, and the same one again", async () => {
		const first = await adapter.createOrder(account, input);
		expect(first).toMatchObject({
			outcome: "succeeded",
			psp_order_id: txnidOf(input.reference),
			presentation: { kind: "form", url: "https://secure.payu.in/_payment" },
		});
		expect(formOf(first)).toEqual({
			key: "payukey",
			txnid: txnidOf(input.reference),
			amount: "499.00",
			productinfo: "Order KB-1042",
			firstname: "Asha Rao",
			email: "asha.rao@example.com",
			phone: "9000012345",
			surl: input.return_url,
			furl: input.return_url,
			udf1: input.reference,
			hash: expect.stringMatching(/^[0-9a-f]{128}$/),
		});
		expect(await adapter.createOrder(account, { ...input, expires_at: new Date() })).toEqual(first);
		expect(await adapter.findOrder(account, input)).toEqual(first);
	});

	test("its hash is the one of PayU's SDK, whatever the merchant and the payer have written", async () => {
		const words = fc.option(fc.string({ unit: "grapheme", maxLength: 150 }), { nil: undefined });
		await fc.assert(
			fc.asyncProperty(words, words, words, words, async (description, name, email, phone) => {
				const customer = { ...(name && { name }), ...(email && { email }), ...(phone && { phone }) };
				const order = { ...input, description: description ?? null, customer };
				const { hash, ...fields } = formOf(await adapter.createOrder(account, order));
				expect(hash).toBe(sdk.hasher.generatePaymentHash({ ...fields }));
				expect([...(fields.productinfo as string)].length).toBeLessThanOrEqual(100);
				expect([...(fields.firstname as string)].length).toBeLessThanOrEqual(60);
				for (const value of Object.values(fields)) {
					expect(value).not.toBe("");
					expect(value).toBe(value.trim());
					expect(value).not.toMatch(/[|\p{Cc}]/u);
					expect(value.isWellFormed()).toBe(true);
				}
			}),
		);
	});

	test("a payer who left no name, address or number has something in the mandatory fields", async () => {
		const fields = formOf(await adapter.createOrder(account, { ...input, customer: {} }));
		expect(fields).toMatchObject({ firstname: "Customer", email: "not.given@example.com", phone: "9999999999" });
	});

	test("the payer is offered the method asked for, and all of them where PayU has no word for it", async () => {
		const methodOf = async (method: string | null) =>
			formOf(await adapter.createOrder(account, { ...input, method })).enforce_paymethod;
		expect(await methodOf("card")).toBe("creditcard|debitcard");
		expect(await methodOf("wallet")).toBe("cashcard");
		expect(await methodOf("constructor")).toBeUndefined();
		expect(await methodOf(null)).toBeUndefined();
	});

	test("a merchant's test account goes to PayU's test pages", async () => {
		const tester = { ...account, settings: { environment: "test" } };
		expect(await adapter.createOrder(tester, input)).toMatchObject({
			presentation: { url: "https://test.payu.in/_payment" },
		});
		expect(adapter.browser_origins).toEqual(["https://secure.payu.in", "https://test.payu.in"]);
	});

	test("parts for others are in the form, together as much as the payment, and in its hash", async () => {
		const splits = [
			{ account: "P41sCY", amount: 10_000 },
			{ account: "P41sCK", amount: 5_050 },
		];
		const { hash, splitRequest, ...fields } = formOf(await adapter.createOrder(account, { ...input, splits }));
		const split = JSON.parse(splitRequest as string);
		expect(split).toEqual({
			type: "absolute",
			splitInfo: {
				P41sCY: {
					aggregatorSubTxnId: splitIdOf(input.reference, 0),
					aggregatorSubAmt: "100.00",
					aggregatorCharges: "348.50",
				},
				P41sCK: { aggregatorSubTxnId: splitIdOf(input.reference, 1), aggregatorSubAmt: "50.50" },
			},
		});
		expect(hash).toBe(sdk.hasher.generatePaymentHash({ ...fields, splitRequest: split }));
	});

	test("nothing is left for the merchant where the parts are the whole payment", async () => {
		const splits = [{ account: "P41sCY", amount: input.amount }];
		const { splitRequest } = formOf(await adapter.createOrder(account, { ...input, splits }));
		expect(JSON.parse(splitRequest as string).splitInfo.P41sCY).not.toHaveProperty("aggregatorCharges");
	});

	test.each<[string, Partial<CreateOrderInput>]>([
		["less than a rupee", { amount: 99 }],
		["a fraction of a paisa", { amount: 100.5 }],
		["another currency", { currency: "USD" }],
		["a reference that is no uuid", { reference: "KB-1" }],
		["parts above the payment", { splits: [{ account: "P41sCY", amount: 49_901 }] }],
		["a part of nothing", { splits: [{ account: "P41sCY", amount: 0 }] }],
		["a part for what is no merchant key", { splits: [{ account: 'x":{"', amount: 1 }] }],
		["two parts for one account", { splits: ["P41sCY", "P41sCY"].map((name) => ({ account: name, amount: 1_000 })) }],
	])("%s is refused", async (_, change) => {
		expect(await adapter.createOrder(account, { ...input, ...change })).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request" },
		});
	});
});

describe("asking for a payment", () => {
	const order = { psp_order_id: TXNID, reference: input.reference };

	test("calls verify_payment with the txnid, the key and a hash, to PayU's one address", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("verify_payment.captured")));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "succeeded",
			psp_order_id: TXNID,
			psp_payment_id: MIHPAYID,
			amount: 49_900,
			currency: "INR",
			method: "upi",
			bank_reference: "431998369241",
			error: null,
		});
		expect(seen).toEqual([
			{
				path: "/merchant/postservice.php?form=2",
				fields: {
					key: "payukey",
					command: "verify_payment",
					var1: TXNID,
					hash: commandHash(account, "verify_payment", TXNID),
				},
			},
		]);
	});

	test("what is kept of the answer names no payer", async () => {
		const { adapter } = await adapterAgainst(json(fixture("verify_payment.failed-offer")));
		const kept = JSON.stringify((await adapter.fetchStatus(account, order)).raw);
		for (const theirs of ["Asha", "ASHA", "9528", "Laptop"]) expect(kept).not.toContain(theirs);
	});

	test("with a discount of the merchant's, the amount is what was asked for", async () => {
		const { adapter } = await adapterAgainst(json(fixture("verify_payment.failed-offer")));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "failed",
			amount: 1_000_000,
			method: "card",
			error: { code: "declined", psp_code: "E4936", message: "Bank was unable to authenticate." },
		});
	});

	test("a txnid that PayU does not know is a payment that nobody has tried", async () => {
		const { adapter } = await adapterAgainst(json(fixture("verify_payment.not-found")));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "pending",
			psp_payment_id: null,
			error: null,
		});
	});

	test.each(["initiated", "Not Started"])("so is one that is %j", async (unmappedstatus) => {
		const answer = fixture("verify_payment.captured");
		Object.assign(answer.transaction_details[TXNID], { status: "pending", unmappedstatus });
		const { adapter } = await adapterAgainst(json(answer));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "pending", psp_payment_id: null });
	});

	test.each([
		["pending", "pending", "pending", null],
		["pending", "in progress", "pending", null],
		["success", "auth", "authorized", null],
		["failure", "userCancelled", "failed", "cancelled_by_payer"],
		["failure", "dropped", "failed", "cancelled_by_payer"],
		["failure", "bounced", "failed", "cancelled_by_payer"],
		["failure", "expired", "failed", "payer_timed_out"],
		["something", "new", "unknown", "unreadable_answer"],
	])("%s / %s is %s", async (status, unmappedstatus, outcome, code) => {
		const answer = fixture("verify_payment.captured");
		Object.assign(answer.transaction_details[TXNID], { status, unmappedstatus });
		const { adapter } = await adapterAgainst(json(answer));
		const state = await adapter.fetchStatus(account, order);
		expect([state.outcome, state.error?.code ?? null]).toEqual([outcome, code]);
		expect(state.psp_payment_id).toBe(MIHPAYID);
	});

	test.each(["captured", "auth"])(
		"a success (%s) without PayU's id of it is asked about again",
		async (unmappedstatus) => {
			for (const mihpayid of [null, "", undefined, "Not Found"]) {
				const answer = fixture("verify_payment.captured");
				Object.assign(answer.transaction_details[TXNID], { mihpayid, unmappedstatus });
				const { adapter } = await adapterAgainst(json(answer));
				expect(await adapter.fetchStatus(account, order)).toMatchObject({
					outcome: "unknown",
					psp_order_id: TXNID,
					psp_payment_id: null,
					error: { code: "unreadable_answer" },
				});
			}
		},
	);

	test("an amount that is not one is not made up", async () => {
		const answer = fixture("verify_payment.captured");
		Object.assign(answer.transaction_details[TXNID], { amt: "many", transaction_amount: null });
		const { adapter } = await adapterAgainst(json(answer));
		expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "succeeded", amount: null });
	});

	test.each<[string, Respond, string, number | null]>([
		[
			"an answer about another payment",
			json({ status: 1, transaction_details: { other: {} } }),
			"unreadable_answer",
			null,
		],
		[
			"an empty list, as PHP writes an empty object",
			json({ status: 0, msg: "none", transaction_details: [] }),
			"invalid_request",
			null,
		],
		["a wrong hash", refused("Invalid Hash."), "authentication_failed", null],
		["too many requests, in words", text("Too many Requests. Please try after 60 seconds"), "rate_limited", 60],
		[
			"too many requests, in JSON",
			refused("Sorry … Too many Requests. Please try after 2 minutes"),
			"rate_limited",
			120,
		],
		["a page", text("<html>maintenance</html>"), "unreadable_answer", null],
		["a page of a proxy", text("<html>502</html>", 502), "psp_unavailable", null],
		["nothing", hangUp, "psp_unavailable", null],
		["JSON that is no object", json([1]), "unreadable_answer", null],
	])("%s says nothing about the payment", async (_, respond, code, retry_after_seconds) => {
		const { adapter } = await adapterAgainst(respond);
		expect(await adapter.fetchStatus(account, order)).toMatchObject({
			outcome: "unknown",
			psp_payment_id: null,
			error: { code, retry_after_seconds },
		});
	});

	test("several txnids at once are not asked for", async () => {
		const { adapter, seen } = await adapterAgainst(json({}));
		const state = await adapter.fetchStatus(account, { ...order, psp_order_id: `${TXNID}|${TXNID}` });
		expect(state).toMatchObject({ outcome: "unknown", error: { code: "invalid_request" } });
		expect(seen).toEqual([]);
	});

	test("values are encoded as a form, so that none becomes a field of its own", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("verify_payment.not-found")));
		await adapter.fetchStatus({ ...account, api_key: "k&command=x+é" }, order);
		expect(seen[0]?.fields).toMatchObject({ key: "k&command=x+é", command: "verify_payment" });
	});
});

describe("a browser that comes back", () => {
	const { verifyReturn } = createPayuAdapter();
	const back = (fields: Record<string, string>) => signedReturn(account, TXNID, { mihpayid: MIHPAYID, ...fields });

	test("a success and a failure are proven by their hash", () => {
		expect(verifyReturn(account, back({ status: "success", unmappedstatus: "captured" }))).toEqual({
			verified: true,
			psp_payment_id: MIHPAYID,
			claims: "succeeded",
		});
		expect(verifyReturn(account, back({ status: "failure", unmappedstatus: "userCancelled" }))).toEqual({
			verified: true,
			psp_payment_id: MIHPAYID,
			claims: "failed",
		});
	});

	test("with charges on top it is proven by them, too", () => {
		expect(verifyReturn(account, back({ status: "success", additionalCharges: "12.50" })).verified).toBe(true);
	});

	test("one that is pending claims nothing", () => {
		const pending = back({ status: "pending", unmappedstatus: "in progress" });
		expect(verifyReturn(account, pending)).toEqual({ verified: false, claims: "unknown" });
	});

	test.each([
		["a success", { status: "success" }, "unknown"],
		["a failure", { status: "failure", unmappedstatus: "failed" }, "failed"],
		["a cancellation", { status: "failure", unmappedstatus: "userCancelled" }, "cancelled"],
		["nothing at all", {}, "unknown"],
	])("%s without a hash proves nothing", (_, form, claims) => {
		const unsigned = { query: {}, form: { txnid: TXNID, key: account.api_key, ...form }, psp_order_id: TXNID };
		expect(verifyReturn(account, unsigned)).toEqual({ verified: false, claims });
	});

	test("a success of another payment, or with another amount, proves nothing", () => {
		const other = { ...back({ status: "success" }), psp_order_id: "another" };
		expect(verifyReturn(account, other)).toEqual({ verified: false, claims: "unknown" });
		const cheaper = back({ status: "success" });
		const changed = { ...cheaper, form: { ...cheaper.form, amount: "1.00" } };
		expect(verifyReturn(account, changed)).toEqual({ verified: false, claims: "unknown" });
	});

	test("what is in the address in place of the form counts for nothing", () => {
		const { form, psp_order_id } = back({ status: "success" });
		expect(verifyReturn(account, { query: form, form: {}, psp_order_id }).verified).toBe(false);
	});
});

describe("refunding", () => {
	test("asks with the payment, a token made of our reference, and rupees; PayU takes it on", async () => {
		const { adapter, seen } = await adapterAgainst(
			text(JSON.stringify({ ...queued, mihpayid: "#" }).replace('"#"', MIHPAYID)),
		);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "pending",
			reference: REFUND,
			psp_refund_id: "131278422",
			psp_payment_id: MIHPAYID,
			amount: 1_000,
			error: null,
		});
		expect(seen.map(({ fields }) => fields)).toEqual([
			{
				key: "payukey",
				command: "cancel_refund_transaction",
				var1: MIHPAYID,
				var2: tokenOf(REFUND),
				var3: "10.00",
				hash: commandHash(account, "cancel_refund_transaction", MIHPAYID),
			},
		]);
	});

	test.each([
		[100, "succeeded"],
		[101, "pending"],
		["112", "pending"],
		[126, "pending"],
		[225, "pending"],
	])("an answer with code %s is %s", async (error_code, outcome) => {
		const { adapter } = await adapterAgainst(json({ ...queued, status: 0, error_code }));
		expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome, psp_refund_id: "131278422" });
	});

	test("of money that was only held, PayU queues a cancellation under another name", async () => {
		const { adapter } = await adapterAgainst(json({ status: 1, msg: "Cancel Request Queued", txn_update_id: "77" }));
		expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome: "pending", psp_refund_id: "77" });
	});

	test("a token that PayU knows is looked up, and the refund that has it is the answer", async () => {
		const { adapter, seen } = await adapterAgainst([
			refused("token already used or request pending", 106),
			json(fixture("check_action_status.by-payment")),
		]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "pending",
			reference: REFUND,
			psp_refund_id: "131278422",
			amount: 1_000,
			error: null,
		});
		expect(seen[1]?.fields).toMatchObject({ command: "check_action_status", var1: MIHPAYID, var2: "payuid" });
	});

	test("so is any other refusal: the amount may be spent by the very refund that is asked for", async () => {
		const { adapter } = await adapterAgainst([
			refused("Invalid amount", 105),
			json(fixture("check_action_status.nested")),
		]);
		expect(await adapter.refund(account, { ...refundInput, amount: 244_500 })).toMatchObject({
			outcome: "succeeded",
			psp_refund_id: "10241480197",
			bank_reference: "220448967168",
		});
	});

	test("a token used for another amount is refused", async () => {
		const { adapter } = await adapterAgainst([
			refused("token already used or request pending"),
			json(fixture("check_action_status.by-payment")),
		]);
		expect(await adapter.refund(account, { ...refundInput, amount: 2_000 })).toMatchObject({
			outcome: "failed",
			psp_refund_id: null,
			error: { code: "duplicate_request" },
		});
	});

	test("a refund of ours whose amount cannot be read is unknown", async () => {
		const actions = fixture("check_action_status.by-request");
		actions.transaction_details["131278422"]["131278422"].amt = "ten";
		const { adapter } = await adapterAgainst([refused("token already used or request pending"), json(actions)]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome: "unknown", amount: null });
	});

	test("a token that PayU knows and does not show is unknown", async () => {
		const { adapter } = await adapterAgainst([
			refused("Transactions with the same amount and same token are not allowed", 227),
			json(fixture("check_action_status.none")),
		]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "unknown",
			error: { code: "duplicate_request" },
		});
	});

	test.each([
		["Invalid amount", 105, "refund_exceeds_amount", null],
		["Invalid Amount – Chargeback of amount 20.00 present", "113", "refund_exceeds_amount", null],
		["transaction not exists", undefined, "not_found", null],
		["Same amount same transaction within 5 minutes", 214, "rate_limited", 300],
		["Refund request failed", undefined, "invalid_request", null],
		["Partial refunds not allowed", 128, "invalid_request", null],
	])("%s: failed, when PayU has no refund with the token", async (msg, error_code, code, retry_after_seconds) => {
		const { adapter } = await adapterAgainst([refused(msg, error_code), json(fixture("check_action_status.none"))]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "failed",
			psp_refund_id: null,
			amount: null,
			error: { code, retry_after_seconds },
		});
	});

	test("a payment that was split is refused with the reason", async () => {
		const split = { status: 236, msg: "Refund Split Info must be of JSON format", mihpayid: MIHPAYID };
		const { adapter } = await adapterAgainst([json(split), json(fixture("check_action_status.none"))]);
		expect(await adapter.refund(account, refundInput)).toMatchObject({
			outcome: "failed",
			error: { code: "invalid_request", psp_code: "236", message: expect.stringContaining("each account's part") },
		});
	});

	test("a refusal that cannot be checked is unknown", async () => {
		const { adapter } = await adapterAgainst([refused("Refund request failed"), text("<html></html>", 500)]);
		expect((await adapter.refund(account, refundInput)).outcome).toBe("unknown");
	});

	test.each<[string, Respond, string, string]>([
		[
			"a lock that PayU could not obtain",
			refused("Transaction lock could not be obtained", 120),
			"unknown",
			"psp_unavailable",
		],
		["an exception", refused("Some Exception Occured."), "unknown", "psp_unavailable"],
		["a status in words", json({ status: "success", msg: "Done" }), "unknown", "unreadable_answer"],
		["a queue without a number", json({ status: 1, msg: "Refund Request Queued" }), "unknown", "unreadable_answer"],
		["no answer", hangUp, "unknown", "psp_unavailable"],
		["500", json({ status: 0, msg: "Invalid amount" }, 500), "unknown", "psp_unavailable"],
		["too many requests", text("Too many Requests"), "failed", "rate_limited"],
		["429", json({}, 429), "failed", "rate_limited"],
		["a wrong hash", refused("Invalid Hash."), "failed", "authentication_failed"],
	])("%s ends it after one call", async (_, respond, outcome, code) => {
		const { adapter, seen } = await adapterAgainst(respond);
		expect(await adapter.refund(account, refundInput)).toMatchObject({ outcome, error: { code } });
		expect(seen).toHaveLength(1);
	});

	test("what cannot be a payment of PayU's is not sent", async () => {
		const { adapter, seen } = await adapterAgainst(json(queued));
		for (const change of [{ psp_payment_id: "pay_1|2" }, { reference: "r" }, { currency: "USD" }]) {
			expect(await adapter.refund(account, { ...refundInput, ...change })).toMatchObject({
				outcome: "failed",
				error: { code: "invalid_request" },
			});
		}
		expect(seen).toEqual([]);
	});
});

describe("asking for a refund", () => {
	const wanted = { ...refundInput, psp_refund_id: "131278422" };

	test("by the number that PayU gave it", async () => {
		const { adapter, seen } = await adapterAgainst(json(fixture("check_action_status.by-request")));
		expect(await adapter.fetchRefund(account, wanted)).toMatchObject({
			outcome: "succeeded",
			reference: REFUND,
			psp_refund_id: "131278422",
			psp_payment_id: MIHPAYID,
			amount: 1_000,
			bank_reference: "527013524405",
		});
		expect(seen[0]?.fields).toMatchObject({ command: "check_action_status", var1: "131278422" });
	});

	test.each([
		["SUCCESS", "succeeded"],
		["failure", "failed"],
		["QUEUED", "pending"],
		["IN PROGRESS", "pending"],
		["in_progress", "pending"],
		["REQUESTED", "pending"],
		["od_hit", "pending"],
		["whatever", "unknown"],
	])("%s is %s", async (status, outcome) => {
		const answer = fixture("check_action_status.by-request");
		answer.transaction_details["131278422"]["131278422"].status = status;
		const { adapter } = await adapterAgainst(json(answer));
		const state = await adapter.fetchRefund(account, wanted);
		expect([state.outcome, state.error === null]).toEqual([outcome, ["succeeded", "pending"].includes(outcome)]);
	});

	test("one that PayU does not know, or that has another token, is unknown", async () => {
		const { adapter } = await adapterAgainst(json(fixture("check_action_status.none")));
		expect(await adapter.fetchRefund(account, wanted)).toMatchObject({ outcome: "unknown", amount: null });
		const known = await adapterAgainst(json(fixture("check_action_status.by-request")));
		const other = { ...wanted, reference: input.reference };
		expect((await known.adapter.fetchRefund(account, other)).outcome).toBe("unknown");
	});
});

describe("giving part of a payment to another account", () => {
	const transfer = {
		...refundInput,
		reference: "b0fcba3d-bc1f-4d0c-9a5e-6a2b84bb1e4b",
		account: "P41sCY",
		amount: 12_000,
	};
	const paid = json(fixture("verify_payment.captured"));
	const mine = splitIdOf(transfer.reference, 0);

	test("splits the payment that PayU says was taken, the rest staying with the merchant", async () => {
		const { adapter, seen } = await adapterAgainst([paid, json({ status: 1, message: "Splits creation successful." })]);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "succeeded",
			psp_transfer_id: mine,
			amount: 12_000,
		});
		expect(seen[1]?.fields.command).toBe("payment_split");
		expect(JSON.parse(seen[1]?.fields.var1 ?? "")).toEqual({
			type: "absolute",
			payuId: MIHPAYID,
			splitInfo: {
				P41sCY: { aggregatorSubTxnId: mine, aggregatorSubAmt: "120.00", aggregatorCharges: "379.00" },
			},
		});
		expect(mine.length).toBeLessThanOrEqual(25);
	});

	test("one that PayU has saved and not made is pending", async () => {
		const { adapter } = await adapterAgainst([paid, json({ status: 2, message: "Splits saved, but not created yet" })]);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({ outcome: "pending", psp_transfer_id: mine });
	});

	const exists = json({
		status: 0,
		error_code: "AGG-104",
		error_desc: "Split info already exists for this transaction",
	});
	const splitsOf = (part: object) => json({ status: 1, splits: [{ merchantKey: "P41sCY", ...part }] });

	test("repeated, it finds itself; a payment divided in another way is refused", async () => {
		const again = await adapterAgainst([paid, exists, splitsOf({ aggregatorSubTxnId: mine, amount: 120.0 })]);
		expect(await again.adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "succeeded",
			psp_transfer_id: mine,
			amount: 12_000,
		});
		const other = await adapterAgainst([paid, exists, splitsOf({ aggregatorSubTxnId: "other", amount: 120.0 })]);
		expect(await other.adapter.transfer?.(account, transfer)).toMatchObject({
			outcome: "failed",
			psp_transfer_id: null,
			error: { code: "duplicate_request", psp_code: "AGG-104" },
		});
		const lost = await adapterAgainst([paid, exists, hangUp]);
		expect((await lost.adapter.transfer?.(account, transfer))?.outcome).toBe("unknown");
	});

	test.each([
		["AGG-108", "failed", "amount_mismatch"],
		["AGG-103", "failed", "not_found"],
		["AGG-110", "unknown", "psp_unavailable"],
		["AGG-101", "failed", "invalid_request"],
	])("%s is %s, %s", async (error_code, outcome, code) => {
		const { adapter } = await adapterAgainst([paid, json({ status: 0, error_code, error_desc: "No." })]);
		expect(await adapter.transfer?.(account, transfer)).toMatchObject({
			outcome,
			error: { code, psp_code: error_code },
		});
	});

	test("nothing is split that was not taken, or that cannot be looked up", async () => {
		const unpaid = await adapterAgainst(json(fixture("verify_payment.failed-offer")));
		expect((await unpaid.adapter.transfer?.(account, transfer))?.outcome).toBe("failed");
		const silent = await adapterAgainst(hangUp);
		expect((await silent.adapter.transfer?.(account, transfer))?.outcome).toBe("unknown");
		expect([...unpaid.seen, ...silent.seen].map(({ fields }) => fields.command)).toEqual([
			"verify_payment",
			"verify_payment",
		]);
	});
});

describe("the settlement report", () => {
	const day = "2026-11-20";
	const none = json({ status: 1, msg: `0 transactions settled on ${day}`, Txn_details: {} });

	test("payments, refunds and what PayU took back, each with its sign", async () => {
		const { adapter, seen } = await adapterAgainst([json(fixture("get_settlement_details.day")), none]);
		const report = await adapter.fetchSettlement(account, day);
		if (report.outcome !== "succeeded") throw new Error(report.error.message);
		const common = { currency: "INR", utr: "N223211598444659", psp_settlement_id: "N223211598444659" };
		expect(report.lines).toEqual([
			{
				...common,
				kind: "payment",
				psp_kind: "capture",
				psp_id: "13799177287",
				psp_payment_id: "13799177287",
				psp_order_id: TXNID,
				amount: 1_197_988,
				credit: 1_169_715,
				debit: 0,
				fee: 28_273,
				tax: 4_313,
				settled_at: new Date("2026-11-19T18:30:00Z"),
			},
			expect.objectContaining({
				...common,
				kind: "refund",
				psp_id: "9586840777",
				psp_payment_id: "13799177288",
				amount: 4_000,
				credit: 0,
				debit: 4_000,
				fee: 0,
			}),
			expect.objectContaining({ ...common, kind: "adjustment", psp_id: "9586840999", credit: 0, debit: 7_550 }),
		]);
		expect(seen.map(({ fields }) => [fields.command, fields.var1, fields.var2, fields.var3])).toEqual([
			["get_settlement_details", day, "1", "2000"],
			["get_settlement_details", day, "2", "2000"],
		]);
	});

	const lineOf = (payuid: string) => ({ ...fixture("get_settlement_details.day").Txn_details["1"], payuid });
	const page = (msg: string, ...ids: string[]) => json({ status: 1, msg, Txn_details: ids.map(lineOf) });

	test("pages are followed to the end, also where a page too far is the last one once more", async () => {
		for (const end of [none, page("1 transactions", "3")]) {
			const { adapter } = await adapterAgainst([page("2 transactions", "1", "2"), page("1 transactions", "3"), end]);
			const report = await adapter.fetchSettlement(account, day);
			expect(report.outcome === "succeeded" && report.lines.map((line) => line.psp_id)).toEqual(["1", "2", "3"]);
		}
	});

	test.each<[string, Respond[]]>([
		["breaks off", [page("2 transactions", "1", "2"), text("<html></html>", 502)]],
		["repeats some of its lines", [page("2 transactions", "1", "2"), page("2 transactions", "2", "3")]],
		["gives less than it announces", [page("3 transactions settled", "1", "2"), none]],
		["has a line without an amount", [json({ status: 1, Txn_details: { 1: { ...lineOf("1"), mer_net_amount: "" } } })]],
		["is none", [json({ status: 1, msg: "ok" })]],
	])("a report that %s is not given", async (_, responds) => {
		const { adapter } = await adapterAgainst(responds);
		expect((await adapter.fetchSettlement(account, day)).outcome).toBe("unknown");
	});

	test("an empty list, as PHP writes an empty object, is an empty report", async () => {
		const { adapter } = await adapterAgainst(json({ status: 1, msg: "0 transactions settled", Txn_details: [] }));
		expect(await adapter.fetchSettlement(account, day)).toEqual({ outcome: "succeeded", lines: [] });
	});

	test("a day that is none is not asked for", async () => {
		const { adapter, seen } = await adapterAgainst(none);
		expect(await adapter.fetchSettlement(account, "20-11-2026")).toMatchObject({ outcome: "failed" });
		expect(seen).toEqual([]);
	});
});
