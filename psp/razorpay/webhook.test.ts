import { readFileSync } from "node:fs";
import fc from "fast-check";
import Razorpay from "razorpay";
import { describe, expect, test } from "vitest";
import type { PspAccount, WebhookRequest } from "../adapter.ts";
import { isSignedBy, sign } from "./signature.ts";
import { parseWebhook, verifyWebhook } from "./webhook.ts";

const account: PspAccount = {
	api_key: "rzp_test_unit",
	api_secret: "key-secret-of-the-merchant",
	webhook_secret: "webhook-secret-of-the-merchant",
	settings: {},
};

function fixture(name: string): Buffer {
	return readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url));
}

function delivery(raw_body: Buffer, headers: Record<string, string> = {}): WebhookRequest {
	return {
		raw_body,
		headers: {
			"x-razorpay-signature": sign(account.webhook_secret as string, raw_body),
			"x-razorpay-event-id": "evt_QhT1",
			...headers,
		},
	};
}

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
	const body = fixture("payment.captured.upi");

	test("a body signed with the webhook secret is accepted, and its event id is the dedupe key", () => {
		expect(verifyWebhook(account, delivery(body))).toEqual({
			valid: true,
			dedupe_key: "evt_QhT1",
			event_type: "payment.captured",
			body_proven: true,
		});
	});

	test("the official SDK accepts what we sign, and we accept what it accepts", () => {
		const signature = sign("s3cret-é", body);
		expect(Razorpay.validateWebhookSignature(body.toString(), signature, "s3cret-é")).toBe(true);
		expect(isSignedBy("s3cret-é", body, signature)).toBe(true);
	});

	test("bytes that are not UTF-8 are signed as they are", () => {
		const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
		expect(verifyWebhook(account, delivery(bytes))).toMatchObject({ valid: true, event_type: "unreadable" });
		expect(parseWebhook(delivery(bytes))).toEqual({ kind: "ignored", event_type: "unreadable" });
	});

	test.each([
		["the key secret in place of the webhook secret", sign(account.api_secret, body)],
		["a signature in upper case", sign(account.webhook_secret as string, body).toUpperCase()],
		["a shortened signature", sign(account.webhook_secret as string, body).slice(0, 32)],
		["an empty signature", ""],
		["something that is not hex", "z".repeat(64)],
	])("%s is refused", (_, signature) => {
		expect(verifyWebhook(account, delivery(body, { "x-razorpay-signature": signature })).valid).toBe(false);
	});

	test("a body that lost a byte, or was written anew, is refused", () => {
		const signed = delivery(body).headers;
		expect(verifyWebhook(account, { raw_body: body.subarray(0, -1), headers: signed }).valid).toBe(false);
		const rewritten = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
		expect(verifyWebhook(account, { raw_body: rewritten, headers: signed }).valid).toBe(false);
	});

	test("without a secret, or without the header, nothing is accepted", () => {
		for (const webhook_secret of [null, ""]) {
			expect(verifyWebhook({ ...account, webhook_secret }, delivery(body)).valid).toBe(false);
			const empty = delivery(body, { "x-razorpay-signature": sign("", body) });
			expect(verifyWebhook({ ...account, webhook_secret }, empty).valid).toBe(false);
		}
		expect(verifyWebhook(account, { raw_body: body, headers: {} }).valid).toBe(false);
	});

	test.each([
		["that is too long", "e".repeat(129)],
		["with a space", "evt 1"],
		["of two headers", "evt_1, evt_2"],
		["with a line break", "evt_1\n"],
		["of other letters", "evt_é"],
	])("an event id %s is not taken: the body's own key is", (_, event_id) => {
		const verified = verifyWebhook(account, delivery(body, { "x-razorpay-event-id": event_id }));
		expect(verified).toMatchObject({ valid: true, dedupe_key: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
	});

	test("an event id may have 128 letters", () => {
		const event_id = `evt-${"x".repeat(124)}`;
		const verified = verifyWebhook(account, delivery(body, { "x-razorpay-event-id": event_id }));
		expect(verified).toMatchObject({ dedupe_key: event_id });
	});

	test("without an event id equal bytes have equal keys, and other bytes another", () => {
		const keyOf = (bytes: Buffer) => {
			const verified = verifyWebhook(account, delivery(bytes, { "x-razorpay-event-id": "" }));
			return verified.valid ? verified.dedupe_key : null;
		};
		expect(keyOf(body)).toBe(keyOf(Buffer.from(body)));
		expect(keyOf(body)).not.toBe(keyOf(fixture("payment.failed.upi")));
	});
});

describe("reading a webhook", () => {
	test("a captured UPI payment", () => {
		expect(parsePayment("payment.captured.upi")).toMatchObject({
			outcome: "succeeded",
			psp_order_id: "order_QhT3zPq7Nc5YdJ",
			reference: null,
			psp_payment_id: "pay_QhT4mXk2Lr8WvB",
			amount: 49900,
			currency: "INR",
			method: "upi",
			bank_reference: "512345678901",
			fee: 1178,
			error: null,
		});
	});

	test("an authorized payment is not a paid one", () => {
		expect(parsePayment("payment.authorized.netbanking")).toMatchObject({
			outcome: "authorized",
			method: "netbanking",
			bank_reference: "0125836177",
			fee: null,
		});
	});

	test("a declined payment says why in our words and in Razorpay's", () => {
		expect(parsePayment("payment.failed.upi")).toMatchObject({
			outcome: "failed",
			error: { code: "declined", psp_code: "payment_failed", message: "Payment failed" },
		});
		expect(parsePayment("payment.failed.insufficient-funds").error?.code).toBe("insufficient_funds");
	});

	test("a failed payment is failed though it calls itself captured", () => {
		expect(parsePayment("payment.failed.card-marked-captured")).toMatchObject({
			outcome: "failed",
			error: { code: "declined", psp_code: null },
		});
	});

	test("only the order, never the payer's form, tells our reference", () => {
		expect(parsePayment("order.paid.upi").reference).toBe("0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f");
		const forged = JSON.parse(fixture("payment.captured.upi").toString());
		forged.payload.payment.entity.notes = { reference: "someone-else's" };
		const event = parseWebhook(delivery(Buffer.from(JSON.stringify(forged))));
		expect(event).toMatchObject({ kind: "payment", payment: { reference: null } });
	});

	test("refunds carry our reference and their state", () => {
		const reference = "0199f3b7-0c2d-7e3f-9a41-5b6c7d8e9f00";
		expect(parseRefund("refund.created.pending")).toMatchObject({ outcome: "pending", reference, amount: 19900 });
		expect(parseRefund("refund.processed.partial")).toMatchObject({
			outcome: "succeeded",
			reference,
			psp_refund_id: "rfnd_QhU9aBc1De2FgH",
			psp_payment_id: "pay_QhT4mXk2Lr8WvB",
			bank_reference: "74537605324001234567890",
		});
		expect(parseRefund("refund.failed.instant")).toMatchObject({ outcome: "failed", error: { psp_code: "failed" } });
		expect(parseRefund("refund.processed.never-captured").reference).toBeNull();
	});

	test("a transfer that failed has failed though it calls itself processed, and may be processed later", () => {
		const read = (name: string, change: object = {}) => {
			const message = JSON.parse(fixture(name).toString());
			Object.assign(message.payload.transfer.entity, change);
			const event = parseWebhook(delivery(Buffer.from(JSON.stringify(message))));
			if (event.kind !== "transfer") throw new Error(`${name} was read as ${event.kind}`);
			return event.transfer;
		};
		const part = {
			psp_transfer_id: "trf_QhT7cVbN2mLkJh",
			psp_order_id: "order_QhT3zPq7Nc5YdJ",
			reference: "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f",
			account: "acc_IROu8Nod6PXPtZ",
			amount: 2061,
			amount_reversed: 0,
			currency: "INR",
		};
		expect(read("transfer.failed.called-processed")).toMatchObject({
			...part,
			outcome: "failed",
			occurred_at: "2025-11-20T00:53:26.000Z",
			error: { code: "declined", psp_code: "insufficient_balance" },
		});
		expect(read("transfer.processed.order")).toMatchObject({
			...part,
			outcome: "succeeded",
			occurred_at: "2025-11-21T00:53:26.000Z",
			error: null,
		});
		expect(read("transfer.processed.order", { status: undefined, source: "pay_1", amount_reversed: 61 })).toMatchObject(
			{
				outcome: "succeeded",
				psp_order_id: null,
				amount_reversed: 61,
			},
		);
	});

	test.each(["settlement.processed.daily", "payment.downtime.started.upi"])("%s is kept and ignored", (name) => {
		expect(parseWebhook(delivery(fixture(name))).kind).toBe("ignored");
	});

	test.each([
		["no JSON", "amount=1"],
		["a list", "[]"],
		["null", "null"],
		["no event", '{"payload":{}}'],
		["an event without a payload", '{"event":"payment.captured"}'],
		["a payload that is not an object", '{"event":"payment.captured","payload":7}'],
		["a payment that is not an object", '{"event":"payment.captured","payload":{"payment":null}}'],
		["a transfer of nothing", '{"event":"transfer.failed","payload":{"transfer":{"entity":{"id":"trf_1"}}}}'],
		["an amount in rupees", '{"event":"payment.captured","payload":{"payment":{"entity":{"amount":499.5}}}}'],
	])("%s throws nothing and is ignored", (_, body) => {
		expect(parseWebhook(delivery(Buffer.from(body))).kind).toBe("ignored");
	});

	test("a documented message with any part of it replaced by anything throws nothing", () => {
		const message = JSON.parse(fixture("order.paid.upi").toString());
		const places = ["payload.payment.entity", "payload.order.entity", "payload.payment", "payload"].flatMap((path) => {
			const parent = path.split(".").reduce((part, name) => part[name], message);
			return Object.keys(parent).map((name) => [...path.split("."), name]);
		});
		fc.assert(
			fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, value) => {
				const changed = structuredClone(message);
				const parent = place.slice(0, -1).reduce((part, name) => part[name], changed);
				parent[place.at(-1) as string] = value;
				const event = parseWebhook(delivery(Buffer.from(JSON.stringify(changed))));
				if (event.kind === "payment") expect(Number.isSafeInteger(event.payment.amount)).toBe(true);
			}),
		);
	});

	test("the payer's account details are not kept", () => {
		for (const name of ["payment.captured.upi", "payment.captured.card", "order.paid.upi"]) {
			const kept = JSON.stringify(parsePayment(name));
			for (const detail of ["asha", "9000012345", "0153", "999999", "Asha Rao", "token_"]) {
				expect(kept).not.toContain(detail);
			}
		}
	});
});
