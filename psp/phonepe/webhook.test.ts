import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { PspAccount, WebhookRequest } from "../adapter.ts";
import { parseWebhook, verifyWebhook } from "./webhook.ts";

const SECRET = "hook5ecret99";

function accountWith(settings: Record<string, unknown>, webhook_secret: string | null = SECRET): PspAccount {
	return { api_key: "SU2511_unit", api_secret: "client-secret", webhook_secret, settings };
}
const hmac = accountWith({ webhook_mode: "hmac" });
const basic = accountWith({ webhook_mode: "basic", webhook_username: "kaveri_hooks" });

function fixture(name: string): Buffer {
	return readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url));
}

function signed(raw_body: Buffer, secret = SECRET): WebhookRequest {
	const signature = createHmac("sha256", secret).update(raw_body).digest("hex");
	return {
		raw_body,
		headers: { "x-phonepe-checksum-key-id": "1", "x-phonepe-checksum-signature": signature },
	};
}

function authorized(raw_body: Buffer, user = "kaveri_hooks", password = SECRET): WebhookRequest {
	const authorization = createHash("sha256").update(`${user}:${password}`).digest("hex");
	return { raw_body, headers: { authorization } };
}

const parse = (name: string) => parseWebhook({ raw_body: fixture(name), headers: {} });

describe("a webhook proven by HMAC", () => {
	const request = signed(fixture("checkout.order.completed"));

	test("is proven as a whole", () => {
		expect(verifyWebhook(hmac, request)).toMatchObject({
			valid: true,
			event_type: "checkout.order.completed",
			body_proven: true,
		});
	});

	test("is what an account without a mode expects", () => {
		expect(verifyWebhook(accountWith({}), request).valid).toBe(true);
	});

	test("is refused with any byte changed, in another encoding of the proof, and with the proof of the other way", () => {
		const { raw_body, headers } = request;
		const signature = headers["x-phonepe-checksum-signature"] as string;
		for (let at = 0; at < raw_body.length; at += 7) {
			const changed = Buffer.from(raw_body);
			changed[at] = (changed[at] as number) ^ 1;
			expect(verifyWebhook(hmac, { raw_body: changed, headers }).valid).toBe(false);
		}
		for (const wrong of [signature.toUpperCase(), signature.slice(0, -1), `${signature}0`, "", "é".repeat(64)]) {
			const forged = { raw_body, headers: { "x-phonepe-checksum-signature": wrong } };
			expect(verifyWebhook(hmac, forged).valid).toBe(false);
		}
		expect(verifyWebhook(hmac, authorized(raw_body)).valid).toBe(false);
		expect(verifyWebhook(hmac, { raw_body, headers: {} }).valid).toBe(false);
	});
});

describe("a webhook proven by user name and password", () => {
	const request = authorized(fixture("checkout.order.completed"));

	test("proves who sent it, and not what", () => {
		const verified = verifyWebhook(basic, request);
		expect(verified).toMatchObject({ valid: true, body_proven: false });
		const other_body = authorized(fixture("checkout.order.failed"));
		expect(verifyWebhook(basic, other_body).valid).toBe(true);
	});

	test("is refused in any other form than PhonePe's", () => {
		const { raw_body, headers } = request;
		const hash = headers.authorization as string;
		for (const authorization of [hash.toUpperCase(), `SHA256 ${hash}`, `Basic ${hash}`, hash.slice(1), ""]) {
			expect(verifyWebhook(basic, { raw_body, headers: { authorization } }).valid).toBe(false);
		}
		expect(verifyWebhook(basic, authorized(raw_body, "kaveri_hook")).valid).toBe(false);
		expect(verifyWebhook(basic, authorized(raw_body, "kaveri_hooks", "other")).valid).toBe(false);
		expect(verifyWebhook(basic, signed(raw_body)).valid).toBe(false);
		expect(verifyWebhook(basic, { raw_body, headers: {} }).valid).toBe(false);
	});

	test("is refused while the user name is not set", () => {
		const nameless = accountWith({ webhook_mode: "basic", webhook_username: "" });
		expect(verifyWebhook(nameless, authorized(request.raw_body, ""))).toEqual({
			valid: false,
			reason: "settings.webhook_username is not set",
		});
	});
});

test("no webhook is accepted without a secret, or with settings that say nothing", () => {
	const raw_body = fixture("checkout.order.completed");
	for (const secret of [null, ""]) {
		expect(verifyWebhook(accountWith({}, secret), signed(raw_body, secret ?? "")).valid).toBe(false);
	}
	expect(verifyWebhook(accountWith({ webhook_mode: "none" }), signed(raw_body))).toMatchObject({
		valid: false,
		reason: expect.stringContaining("settings.webhook_mode"),
	});
});

describe("the dedupe key", () => {
	const keyOf = (raw_body: Buffer) => {
		const verified = verifyWebhook(hmac, signed(raw_body));
		if (!verified.valid) throw new Error(verified.reason);
		return verified.dedupe_key;
	};

	test("names the event, what it is about and its state", () => {
		expect(keyOf(fixture("checkout.order.completed"))).toMatch(
			/^checkout\.order\.completed:OMO2511211012291234567890:COMPLETED:[0-9a-f]{32}$/,
		);
		expect(keyOf(fixture("pg.refund.completed"))).toMatch(
			/^pg\.refund\.completed:OMR2511211657281836129569:COMPLETED:[0-9a-f]{32}$/,
		);
	});

	test("is the same for the same bytes and for no others", () => {
		const names = [
			"checkout.order.completed",
			"checkout.order.failed",
			"checkout.transaction.attempt.failed",
			"pg.refund.accepted",
			"pg.refund.completed",
			"pg.refund.failed",
			"subscription.paused",
		];
		const keys = names.map((name) => keyOf(fixture(name)));
		expect(new Set(keys).size).toBe(names.length);
		expect(names.map((name) => keyOf(fixture(name)))).toEqual(keys);
	});

	test("keeps two declines of one order apart", () => {
		const first = fixture("checkout.transaction.attempt.failed");
		const second = Buffer.from(first.toString().replace("OM2511211013579231302711", "OM2511211014000000000000"));
		expect(keyOf(second)).not.toBe(keyOf(first));
	});

	test("is short and exists for what cannot be read", () => {
		for (const body of [
			"",
			"{",
			"null",
			'{"event":7}',
			JSON.stringify({ event: "x", payload: { orderId: "9".repeat(999) } }),
		]) {
			expect(keyOf(Buffer.from(body)).length).toBeLessThan(250);
		}
	});
});

describe("what a webhook says", () => {
	const reference = "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f";
	const order = { psp_order_id: "OMO2511211012291234567890", reference };

	test("an order that was paid", () => {
		expect(parse("checkout.order.completed")).toMatchObject({
			kind: "payment",
			event_type: "checkout.order.completed",
			payment: {
				...order,
				outcome: "succeeded",
				psp_payment_id: "OM2511211015097451914211",
				amount: 49900,
				currency: "INR",
				method: "upi",
				error: null,
			},
		});
	});

	test("one that names no payment has to be looked up", () => {
		expect(parse("checkout.order.completed.no-payments")).toMatchObject({
			kind: "payment",
			payment: { ...order, outcome: "unknown" },
		});
	});

	test("an order that failed, and a try that did while the order goes on", () => {
		expect(parse("checkout.order.failed")).toMatchObject({
			payment: { ...order, outcome: "failed", error: { code: "declined", psp_code: "ZM" } },
		});
		expect(parse("checkout.transaction.attempt.failed")).toMatchObject({
			payment: { ...order, outcome: "failed", error: { code: "insufficient_funds", psp_code: "Z9" } },
		});
	});

	test.each([
		["pg.refund.accepted", "pending"],
		["pg.refund.completed", "succeeded"],
	])("%s, by our reference of it", (name, outcome) => {
		expect(parse(name)).toMatchObject({
			kind: "refund",
			refund: {
				outcome,
				reference: "0199f3a2-7777-7d4e-8f60-1a2b3c4d5e6f",
				psp_refund_id: "OMR2511211657281836129569",
				amount: 12_000,
			},
		});
	});

	test("pg.refund.failed, which may come without our reference", () => {
		expect(parse("pg.refund.failed")).toMatchObject({
			kind: "refund",
			refund: {
				outcome: "failed",
				reference: null,
				psp_refund_id: "OMR2511211657281836129569",
				error: { code: "declined", psp_code: "ZM" },
			},
		});
	});

	test("a refund without an envelope, as documented for UPI", () => {
		const event = parse("pg.refund.completed.without-envelope");
		expect(event).toMatchObject({
			kind: "refund",
			event_type: "pg.refund.completed",
			refund: { outcome: "succeeded", psp_refund_id: "OMR2511211657281836129569", bank_reference: "586756785123" },
		});
		expect(JSON.stringify(event)).not.toContain("ybl");
	});

	test("what is none of ours, or cannot be read, is ignored", () => {
		expect(parse("subscription.paused")).toEqual({ kind: "ignored", event_type: "subscription.paused" });
		const bodies = [
			'{"event":"checkout.order.completed","payload":{}}',
			'{"event":"checkout.order.completed"}',
			'{"event":"pg.refund.completed","payload":{"amount":-1,"state":"COMPLETED"}}',
			'{"refundId":"OMR1","originalMerchantOrderId":"x","state":7}',
			'{"event":null,"refundId":"OMR1","originalMerchantOrderId":"x","state":"COMPLETED","amount":1}',
			"[]",
			"\u0000",
		];
		for (const body of bodies) {
			expect(parseWebhook({ raw_body: Buffer.from(body), headers: {} }).kind).toBe("ignored");
		}
	});
});
