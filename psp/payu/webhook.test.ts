import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { PspAccount, WebhookRequest } from "../adapter.ts";
import { reverseHash } from "./hash.ts";
import { txnidOf } from "./ids.ts";
import { parseWebhook, verifyWebhook } from "./webhook.ts";

const account: PspAccount = { api_key: "payukey", api_secret: "salt-of-payu", webhook_secret: null, settings: {} };

function fixture(name: string) {
	return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), "utf8"));
}

function signed(fields: Record<string, string>, salt = account.api_secret): Record<string, string> {
	return { ...fields, hash: reverseHash({ ...account, api_secret: salt }, fields) };
}

function asForm(fields: Record<string, string>): WebhookRequest {
	const headers = { "content-type": "application/x-www-form-urlencoded" };
	return { raw_body: Buffer.from(new URLSearchParams(fields).toString()), headers };
}

function asJson(body: unknown): WebhookRequest {
	return { raw_body: Buffer.from(JSON.stringify(body)), headers: { "content-type": "application/json" } };
}

const success: Record<string, string> = fixture("webhook.payment.success");

function paymentIn(request: WebhookRequest) {
	const event = parseWebhook(request);
	if (event.kind !== "payment") throw new Error(`it was read as ${event.kind}`);
	return event.payment;
}

describe("verifying a webhook of a payment", () => {
	test("a form whose hash is PayU's is accepted; its body is still to be confirmed, since the hash leaves parts of it out", () => {
		expect(verifyWebhook(account, asForm(signed(success)))).toEqual({
			valid: true,
			dedupe_key: expect.stringMatching(/^payment:[0-9a-f]{64}$/),
			event_type: "payment.success",
			body_proven: false,
		});
	});

	test("the values are hashed as they are written: &, +, quotes, any script", () => {
		for (const productinfo of ["a&b=c", "1+1", "two  spaces", '"quoted"', "कावेरी ☕", "%20", "a|b"]) {
			expect(verifyWebhook(account, asForm(signed({ ...success, productinfo }))).valid).toBe(true);
		}
	});

	test("the same in JSON, plain and in PayU's envelope, is accepted", () => {
		const envelope = fixture("webhook.payment.failure-envelope");
		expect(verifyWebhook(account, asJson(signed(success))).valid).toBe(true);
		const failure = { ...envelope, event_payload: signed(envelope.event_payload) };
		expect(verifyWebhook(account, asJson(failure))).toMatchObject({ valid: true, event_type: "payment.failure" });
		expect(paymentIn(asJson(failure))).toMatchObject({ outcome: "failed", amount: 100, psp_payment_id: "27472524682" });
	});

	test("in JSON an amount that is a number is hashed as it is written", () => {
		const body = JSON.stringify(signed({ ...success, amount: "10.00" })).replace('"amount":"10.00"', '"amount":10.00');
		const request = { raw_body: Buffer.from(body), headers: {} };
		expect(verifyWebhook(account, request).valid).toBe(true);
		expect(paymentIn(request).amount).toBe(1_000);
	});

	test("in JSON a payment id that is a number keeps all of its digits", () => {
		const body = JSON.stringify(signed(success)).replace('"403993715521889530"', "403993715521889530");
		expect(paymentIn({ raw_body: Buffer.from(body), headers: {} }).psp_payment_id).toBe("403993715521889530");
	});

	test("in JSON a split that is an object is hashed as its JSON", () => {
		const splitInfo = { splitStatus: "success", splitSegments: [{ merchantKey: "P41sCY", amount: "100" }] };
		const fields = signed({ ...success, splitInfo: JSON.stringify(splitInfo) });
		expect(verifyWebhook(account, asJson({ ...fields, splitInfo })).valid).toBe(true);
	});

	test.each([
		["another amount", { amount: "1.00" }],
		["another status", { status: "failure" }],
		["another payment", { txnid: "5e2e5eb03a45f13a8bdb" }],
		["another merchant's key", { key: "another" }],
		["no hash", { hash: "" }],
	])("%s is refused", (_, change) => {
		expect(verifyWebhook(account, asForm({ ...signed(success), ...change })).valid).toBe(false);
	});

	test("one made with another salt is refused, and everything is without a salt", () => {
		expect(verifyWebhook(account, asForm(signed(success, "another-salt"))).valid).toBe(false);
		expect(verifyWebhook({ ...account, api_secret: "" }, asForm(signed(success, ""))).valid).toBe(false);
	});

	test("of two values with one name the last is read, by hash and by content alike", () => {
		const twice = `amount=1.00&${new URLSearchParams(signed(success))}`;
		const request = { raw_body: Buffer.from(twice), headers: {} };
		expect(verifyWebhook(account, request).valid).toBe(true);
		expect(paymentIn(request).amount).toBe(49_900);
		const appended = `${new URLSearchParams(signed(success))}&amount=1.00`;
		expect(verifyWebhook(account, { raw_body: Buffer.from(appended), headers: {} }).valid).toBe(false);
	});

	test("a retry has the same key; another state, or a changed payment id, another", () => {
		const keyOf = (fields: Record<string, string>) => {
			const verified = verifyWebhook(account, asForm(signed(fields)));
			return verified.valid ? verified.dedupe_key : null;
		};
		expect(keyOf(success)).toBe(keyOf(success));
		const others = [
			{ ...success, status: "failure" },
			{ ...success, unmappedstatus: "auth" },
			{ ...success, mihpayid: "1" },
			{ ...success, amount: "1.00" },
		];
		expect(new Set([success, ...others].map(keyOf)).size).toBe(5);
	});

	test.each(["", "null", "[1]", "{", "a=1&b=2", '{"event":7}', "%", "=&=", '{"status":{"a":1},"txnid":[]}'])(
		"%j is neither accepted nor read",
		(body) => {
			const request = { raw_body: Buffer.from(body), headers: {} };
			expect(verifyWebhook(account, request).valid).toBe(false);
			expect(parseWebhook(request)).toEqual({ kind: "ignored", event_type: "unreadable" });
		},
	);
});

describe("reading a webhook of a payment", () => {
	test("a success with all that PayU says, and nothing of the payer", () => {
		const reference = "b0fcba3d-bc1f-4d0c-9a5e-6a2b84bb1e4b";
		const txnid = txnidOf(reference) as string;
		const payment = paymentIn(asForm(signed({ ...success, txnid })));
		expect(payment).toMatchObject({
			outcome: "succeeded",
			psp_order_id: txnid,
			reference,
			psp_payment_id: "403993715521889530",
			amount: 49_900,
			currency: "INR",
			method: "upi",
			bank_reference: "431998369241",
			fee: null,
			error: null,
		});
		const kept = JSON.stringify(payment.raw);
		for (const theirs of ["asha", "Asha", "9000012345", "okbank", "hash", "payukey"])
			expect(kept).not.toContain(theirs);
	});

	test.each([
		["success", "captured", "succeeded"],
		["success", "auth", "authorized"],
		["success", "autorefund", "unknown"],
		["pending", "in progress", "pending"],
		["failure", "failed", "failed"],
		["failure", "dropped", "failed"],
		["refunded", "", "unknown"],
	])("%s / %s is %s", (status, unmappedstatus, outcome) => {
		expect(paymentIn(asForm(signed({ ...success, status, unmappedstatus }))).outcome).toBe(outcome);
	});

	test("a success that names no payment has to be looked up", () => {
		for (const mihpayid of ["", "Not Found"]) {
			expect(paymentIn(asForm(signed({ ...success, mihpayid })))).toMatchObject({
				outcome: "unknown",
				psp_payment_id: null,
				error: { code: "unreadable_answer" },
			});
		}
		expect(
			paymentIn(asForm(signed({ ...success, status: "failure", unmappedstatus: "failed", mihpayid: "" }))),
		).toMatchObject({
			outcome: "failed",
			psp_payment_id: null,
		});
	});

	test.each([
		["userCancelled", "E500", "cancelled_by_payer"],
		["userCancelled", "E214", "cancelled_by_payer"],
		["bounced", "E000", "cancelled_by_payer"],
		["dropped", "E000", "cancelled_by_payer"],
		["dropped", "E214", "bank_unavailable"],
		["failed", "E1605", "cancelled_by_payer"],
		["failed", "E706", "insufficient_funds"],
		["failed", "E906", "payer_timed_out"],
		["failed", "E312", "declined"],
		["failed", "E99999", "declined"],
		["failed", "toString", "declined"],
	])("a failure that is %s with %s is %s", (unmappedstatus, error, code) => {
		const { error: told } = paymentIn(asForm(signed({ ...success, status: "failure", unmappedstatus, error })));
		expect(told).toMatchObject({ code, psp_code: error === "E000" ? unmappedstatus : error });
	});
});

describe("webhooks of refunds", () => {
	test("carry no proof: they are taken for this account's key, to be confirmed by asking", () => {
		const request = asJson(fixture("webhook.refund.success"));
		expect(verifyWebhook(account, request)).toMatchObject({
			valid: true,
			event_type: "refund.success",
			body_proven: false,
		});
		expect(verifyWebhook({ ...account, api_key: "another" }, request).valid).toBe(false);
		expect(verifyWebhook({ ...account, api_secret: "" }, request).valid).toBe(false);
	});

	test("a success by our reference", () => {
		expect(parseWebhook(asJson(fixture("webhook.refund.success")))).toMatchObject({
			kind: "refund",
			refund: {
				outcome: "succeeded",
				reference: expect.stringMatching(/^[0-9a-f-]{36}$/),
				psp_refund_id: "11865427756",
				psp_payment_id: "403993715521889530",
				amount: 14_900,
				bank_reference: "308239782136",
				error: null,
			},
		});
	});

	test("a failure of a refund that was made on PayU's dashboard has no reference of ours", () => {
		expect(parseWebhook(asJson(fixture("webhook.refund.failure")))).toMatchObject({
			kind: "refund",
			refund: {
				outcome: "failed",
				reference: null,
				psp_payment_id: "23907365951",
				amount: 7_200,
				error: { code: "declined" },
			},
		});
	});

	test("a retry has the same key; another state, and one that was guessed before the bank's number came, another", () => {
		const refund = fixture("webhook.refund.success");
		const keyOf = (change: object) => {
			const verified = verifyWebhook(account, asJson({ ...refund, ...change }));
			return verified.valid ? verified.dedupe_key : null;
		};
		expect(keyOf({})).toBe(keyOf({}));
		expect(new Set([keyOf({}), keyOf({ status: "failure" }), keyOf({ bank_arn: null })]).size).toBe(3);
	});
});
