import { readdirSync, readFileSync } from "node:fs";
import { Cashfree, CFEnvironment } from "cashfree-pg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PspAccount, WebhookRequest } from "../adapter.ts";
import { isSignedBy, sign } from "./signature.ts";
import { MAX_AGE_MS, parseWebhook, verifyWebhook } from "./webhook.ts";

const account: PspAccount = {
	api_key: "TEST430329ae80e0f32e41a393d78b923034",
	api_secret: "client-secret-of-the-merchant",
	webhook_secret: null,
	settings: {},
};
const ORDER = "7c1f3f0e-8d0b-4b3a-9a52-0d6f7f0d1a11";
const SENT_AT = 1_795_157_449_733;
const KEY = "n9rn7079wqXcse3GEDEXCYle9ajXmU0SUQY8zrUNAlc=";

/** Amounts get the two decimals that Cashfree writes, and of which a formatter of JSON leaves one. */
function fixture(name: string): Buffer {
	const text = readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8");
	return Buffer.from(text.replace(/(": -?\d+\.\d)(?=[,\s])/g, "$10"));
}

function delivery(
	raw_body: Buffer,
	{ secret = account.api_secret, timestamp = String(SENT_AT), ...headers }: Record<string, string> = {},
): WebhookRequest {
	return {
		raw_body,
		headers: {
			"x-webhook-signature": sign(secret, timestamp, raw_body),
			"x-webhook-timestamp": timestamp,
			"x-webhook-version": "2025-01-01",
			"x-webhook-attempt": "1",
			"x-idempotency-key": KEY,
			...headers,
		},
	};
}

const verify = (request: WebhookRequest, now = SENT_AT + 1_000, of = account) => verifyWebhook(of, request, now);

function parsePayment(name: string) {
	const event = parseWebhook(delivery(fixture(name)));
	if (event.kind !== "payment") throw new Error(`${name} was read as ${event.kind}`);
	return event.payment;
}

function parseRefund(name: string) {
	const event = parseWebhook(delivery(fixture(name)));
	if (event.kind !== "refund") throw new Error(`${name} was read as ${event.kind}`);
	return event.refund;
}

describe("verifying a webhook", () => {
	const body = fixture("payment.success.upi");

	test("one signed with the client secret is accepted, and Cashfree's key is the dedupe key", () => {
		expect(verify(delivery(body))).toEqual({
			valid: true,
			dedupe_key: KEY,
			event_type: "PAYMENT_SUCCESS_WEBHOOK",
			body_proven: true,
		});
	});

	test("a secret of its own for webhooks takes the client secret's place", () => {
		const rotated = { ...account, webhook_secret: "client-secret-before-it-was-changed" };
		expect(verify(delivery(body, { secret: "client-secret-before-it-was-changed" }), undefined, rotated).valid).toBe(
			true,
		);
		expect(verify(delivery(body), undefined, rotated).valid).toBe(false);
	});

	test("the official SDK accepts what we sign, and we accept what it accepts", () => {
		const sdk = new Cashfree(CFEnvironment.SANDBOX, "id", "s3cret-é", undefined, undefined, undefined, false);
		fc.assert(
			// The SDK reads the body once it has verified it, and falls over what is no object.
			fc.property(fc.object(), fc.integer({ min: 1e12, max: 9e12 }).map(String), (body, timestamp) => {
				const text = JSON.stringify(body, null, "\t");
				const signature = sign("s3cret-é", timestamp, text);
				expect(sdk.PGVerifyWebhookSignature(signature, text, timestamp).raw).toBe(text);
				expect(isSignedBy("s3cret-é", timestamp, Buffer.from(text), signature)).toBe(true);
			}),
		);
	});

	test("bytes that are not UTF-8 are signed as they are", () => {
		const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
		expect(verify(delivery(bytes))).toMatchObject({ valid: true, event_type: "unreadable" });
		expect(parseWebhook(delivery(bytes))).toEqual({ kind: "ignored", event_type: "unreadable" });
	});

	test.each([
		["another secret's", sign("another", String(SENT_AT), body)],
		["one with a dot after the timestamp", sign(account.api_secret, `${SENT_AT}.`, body)],
		["one of the body alone", sign(account.api_secret, "", body)],
		["one in hex", Buffer.from(sign(account.api_secret, String(SENT_AT), body), "base64").toString("hex")],
		["one in the alphabet of addresses", `${"-_".repeat(21)}-=`],
		["a shortened one", sign(account.api_secret, String(SENT_AT), body).slice(0, 40)],
		["one with a line break", `${sign(account.api_secret, String(SENT_AT), body)}\n`],
		["an empty one", ""],
	])("a signature that is %s is refused", (_, signature) => {
		expect(verify(delivery(body, { "x-webhook-signature": signature })).valid).toBe(false);
	});

	test("a body that lost a byte, or was written anew, is refused", () => {
		const { headers } = delivery(body);
		expect(verify({ raw_body: body.subarray(0, -1), headers }).valid).toBe(false);
		const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
		expect(rewritten.toString()).toContain('"order_amount":170,');
		expect(verify({ raw_body: rewritten, headers }).valid).toBe(false);
	});

	test("a timestamp other than the signed one is refused", () => {
		const { headers, raw_body } = delivery(body);
		const later = { ...headers, "x-webhook-timestamp": String(SENT_AT + 1) };
		expect(verify({ raw_body, headers: later }).valid).toBe(false);
		const { "x-webhook-timestamp": _, ...without } = headers;
		expect(verify({ raw_body, headers: without }).valid).toBe(false);
	});

	test.each([
		["2, 12 and 42 minutes", [2, 12, 42]],
		["all of an hour", [59.9]],
	])("retries %s after the first try are let through with its timestamp", (_, minutes) => {
		for (const minute of minutes) expect(verify(delivery(body), SENT_AT + minute * 60_000).valid).toBe(true);
	});

	test("one that is older than an hour is refused, however well signed", () => {
		expect(verify(delivery(body), SENT_AT + MAX_AGE_MS).valid).toBe(true);
		expect(verify(delivery(body), SENT_AT + MAX_AGE_MS + 1)).toEqual({
			valid: false,
			reason: "x-webhook-timestamp is too long ago",
		});
	});

	test("a clock some minutes behind is tolerated, one far behind is not", () => {
		expect(verify(delivery(body), SENT_AT - 4 * 60_000).valid).toBe(true);
		expect(verify(delivery(body), SENT_AT - 6 * 60_000).valid).toBe(false);
	});

	test("a timestamp in seconds is read as one", () => {
		const seconds = String(Math.floor(SENT_AT / 1000));
		expect(verify(delivery(body, { timestamp: seconds })).valid).toBe(true);
		expect(verify(delivery(body, { timestamp: seconds }), SENT_AT + MAX_AGE_MS + 1_000).valid).toBe(false);
	});

	test.each(["", "now", "-1795157449733", "1795157449733.5", "17951574497330", "0"])(
		"a signed timestamp %j is refused",
		(timestamp) => {
			expect(verify(delivery(body, { timestamp })).valid).toBe(false);
		},
	);

	test("the clock counts when none is given", () => {
		expect(verifyWebhook(account, delivery(body, { timestamp: String(Date.now()) })).valid).toBe(true);
		expect(verifyWebhook(account, delivery(body, { timestamp: "1600000000000" })).valid).toBe(false);
	});

	test("without any secret nothing is accepted", () => {
		for (const webhook_secret of [null, ""]) {
			const bare = { ...account, api_secret: "", webhook_secret };
			expect(verify(delivery(body, { secret: "" }), undefined, bare).valid).toBe(false);
		}
	});

	test.each([
		["missing", ""],
		["too short", "abc"],
		["too long", "e".repeat(129)],
		["of two headers", `${KEY}, ${KEY}`],
		["with a line break", `${KEY}\n`],
	])("a key that is %s is not taken: the body's own is", (_, key) => {
		const verified = verify(delivery(body, { "x-idempotency-key": key }));
		expect(verified).toMatchObject({ valid: true, dedupe_key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
	});

	test("without a key equal bytes have equal keys, and other bytes another", () => {
		const keyOf = (bytes: Buffer, timestamp: string) => {
			const { headers, raw_body } = delivery(bytes, { timestamp });
			const { "x-idempotency-key": _, ...rest } = headers;
			const verified = verify({ raw_body, headers: rest });
			return verified.valid ? verified.dedupe_key : null;
		};
		const first = keyOf(body, String(SENT_AT));
		expect(first).not.toBeNull();
		expect(keyOf(Buffer.from(body), String(SENT_AT + 500))).toBe(first);
		expect(keyOf(fixture("payment.charges.upi"), String(SENT_AT))).not.toBe(first);
	});
});

describe("reading a webhook", () => {
	test("a paid UPI payment", () => {
		expect(parsePayment("payment.success.upi")).toMatchObject({
			outcome: "succeeded",
			psp_order_id: ORDER,
			reference: ORDER,
			psp_payment_id: "5114912345678",
			amount: 17_000,
			currency: "INR",
			method: "upi",
			bank_reference: "634928698581",
			fee: null,
			error: null,
		});
	});

	test("a payment whose id is a number has it as a string", () => {
		expect(parsePayment("payment.success.card-number-id")).toMatchObject({
			psp_payment_id: "1453002795",
			amount: 123_410,
			method: "card",
			bank_reference: "P78112898712",
		});
	});

	test("a fee that the payer bears is not part of what was asked for", () => {
		expect(parsePayment("payment.success.surcharge")).toMatchObject({ amount: 10_000, method: "upi" });
	});

	test("what Cashfree keeps, tax included, to the paisa", () => {
		expect(parsePayment("payment.charges.upi")).toMatchObject({ outcome: "succeeded", amount: 17_000, fee: 340 + 61 });
	});

	test("a declined payment, with the bank's words and without a reference", () => {
		expect(parsePayment("payment.failed.netbanking")).toMatchObject({
			outcome: "failed",
			method: "netbanking",
			amount: 180,
			bank_reference: null,
			error: {
				code: "declined",
				psp_code: "invalid_amount",
				message: "AMOUNT SHOULD BE WITHIN RANGE BETWEEN 20.00 TO 500000.00.",
			},
		});
	});

	test("the bank's message tells more than the reason does", () => {
		expect(parsePayment("payment.failed.upi-rejected").error).toMatchObject({
			code: "insufficient_funds",
			psp_code: "auth_declined",
		});
	});

	test("a payer who left has not been declined", () => {
		expect(parsePayment("payment.user-dropped.card")).toMatchObject({
			outcome: "failed",
			psp_payment_id: "975672265",
			error: { code: "cancelled_by_payer", psp_code: "USER_DROPPED" },
		});
	});

	test("an order of another system under the same account has no reference of ours", () => {
		const body = fixture("payment.success.upi").toString().replace(ORDER, "shop-order-17");
		const event = parseWebhook(delivery(Buffer.from(body)));
		expect(event).toMatchObject({ payment: { psp_order_id: "shop-order-17", reference: null } });
	});

	test("money that is held for a capture is not taken", () => {
		const body = JSON.parse(fixture("payment.success.card-number-id").toString());
		body.data.payment.authorization = { action: "CAPTURE", status: "PENDING", captured_amount: 0 };
		const event = parseWebhook(delivery(Buffer.from(JSON.stringify(body))));
		expect(event).toMatchObject({ kind: "payment", payment: { outcome: "authorized" } });
		body.data.payment.authorization.status = "SUCCESS";
		const captured = parseWebhook(delivery(Buffer.from(JSON.stringify(body))));
		expect(captured).toMatchObject({ kind: "payment", payment: { outcome: "succeeded" } });
	});

	test("a status that Cashfree may add one day is neither success nor failure", () => {
		const body = fixture("payment.success.upi").toString().replace('"SUCCESS"', '"UNDER_REVIEW"');
		expect(parseWebhook(delivery(Buffer.from(body)))).toMatchObject({ payment: { outcome: "unknown", error: null } });
	});

	test("a refund by our reference, its ids as strings", () => {
		expect(parseRefund("refund.status.success")).toMatchObject({
			outcome: "succeeded",
			reference: "0b8f2c1e-4d3a-4f6b-9a1c-2e3d4f5a6b7c",
			psp_refund_id: "11325632",
			psp_payment_id: "5114912345678",
			amount: 200,
			bank_reference: "205907014017",
			error: null,
		});
	});

	test("a refund that Cashfree gave up has failed", () => {
		expect(parseRefund("refund.status.cancelled")).toMatchObject({
			outcome: "failed",
			bank_reference: null,
			error: { psp_code: "CANCELLED" },
		});
	});

	test("a refund that nobody asked for has no reference", () => {
		expect(parseRefund("refund.auto.success")).toMatchObject({
			outcome: "succeeded",
			reference: null,
			psp_refund_id: "1243460973",
			psp_payment_id: "2148333968",
			amount: 3_900,
		});
	});

	test("a settlement, and whatever else there is, is kept and of no consequence", () => {
		const settled = parseWebhook(delivery(fixture("settlement.success")));
		expect(settled).toEqual({ kind: "ignored", event_type: "SETTLEMENT_SUCCESS" });
		const test_call = Buffer.from('{"data":{"test_object":{"test_key":"test_value"}},"type":"WEBHOOK"}');
		expect(parseWebhook(delivery(test_call))).toEqual({ kind: "ignored", event_type: "WEBHOOK" });
	});

	test("nothing of the payer's account is kept", () => {
		for (const name of readdirSync(new URL("./fixtures", import.meta.url))) {
			if (!name.startsWith("payment.") && !name.startsWith("refund.")) continue;
			const kept = JSON.stringify(parseWebhook(delivery(fixture(name.replace(".json", "")))));
			for (const secret of ["asha", "Asha", "90000123", "470613", "upi_id"]) expect(kept).not.toContain(secret);
		}
	});

	test.each([
		["an amount with a part of a paisa", '"payment_amount": 170.00', '"payment_amount": 170.001'],
		["an amount that is none", '"payment_amount": 170.00', '"payment_amount": "much"'],
		["no amount", '"payment_amount": 170.00', '"paid": 170.00'],
		["an id beyond what a number can hold", '"5114912345678"', "51149123456789012345"],
		["no status", '"payment_status"', '"status"'],
		["no order", '"order_id": "7c1f3f0e', '"id": "7c1f3f0e'],
	])("a payment with %s is not read", (_, there, instead) => {
		const body = fixture("payment.success.upi").toString();
		expect(body).toContain(there);
		expect(parseWebhook(delivery(Buffer.from(body.replace(there, instead))))).toEqual({
			kind: "ignored",
			event_type: "PAYMENT_SUCCESS_WEBHOOK",
		});
	});

	test("no bytes make it throw", () => {
		const wholes = readdirSync(new URL("./fixtures", import.meta.url))
			.filter((name) => name.endsWith(".json"))
			.map((name) => fixture(name.replace(".json", "")));
		fc.assert(
			fc.property(fc.constantFrom(...wholes), fc.nat(), fc.integer({ min: 0, max: 255 }), (whole, place, byte) => {
				const bytes = Buffer.from(whole);
				bytes[place % bytes.length] = byte;
				expect(["payment", "refund", "ignored"]).toContain(parseWebhook(delivery(bytes)).kind);
				// Without the last brace at the least: a fixture ends with a line break.
				expect(parseWebhook(delivery(whole.subarray(0, place % (whole.length - 1)))).kind).toBe("ignored");
			}),
		);
	});
});
