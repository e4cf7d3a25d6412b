import { readFileSync } from "node:fs";
import Stripe from "stripe";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { PspAccount, WebhookRequest } from "../adapter.ts";
import { sign, signatureHeader } from "./signature.ts";
import { parseWebhook, verifyWebhook } from "./webhook.ts";

const SECRET = "whsec_of_the_merchant";
const account: PspAccount = {
	api_key: "pk_test_unit",
	api_secret: "sk_test_secret_of_the_merchant",
	webhook_secret: SECRET,
	settings: {},
};
const NOW = 1_763_708_461;

/** The exact bytes of a fixture; Stripe's own bodies are indented, too. */
const bytes = (name: string) => readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url));
const request = (raw_body: Buffer, signature?: string): WebhookRequest => ({
	raw_body,
	headers: signature === undefined ? {} : { "stripe-signature": signature },
});
const parsed = (name: string) => parseWebhook(request(bytes(name)));
const reference = "0199f3a2-5b1c-7d4e-8f60-1a2b3c4d5e6f";

afterEach(() => {
	vi.useRealTimers();
});

describe("the proof of a webhook", () => {
	const body = bytes("checkout.session.completed.paid");
	const at = (seconds: number) => vi.useFakeTimers({ now: seconds * 1000, toFake: ["Date"] });

	test("is a signature over time and body, as the official SDK makes it", () => {
		at(NOW);
		const header = Stripe.webhooks.generateTestHeaderString({
			payload: body.toString(),
			secret: SECRET,
			timestamp: NOW,
		});
		expect(signatureHeader(SECRET, NOW, body)).toBe(header);
		expect(verifyWebhook(account, request(body, header))).toEqual({
			valid: true,
			dedupe_key: "evt_1SVa1cKx2mNpQr4tCompleted",
			event_type: "checkout.session.completed",
			body_proven: true,
		});
	});

	test.each<[string, string, boolean]>([
		[
			"one of two secrets while the merchant's is replaced",
			`t=${NOW},v1=${"0".repeat(64)},v1=${sign(SECRET, NOW, body)}`,
			true,
		],
		["beside a scheme that is not v1", `t=${NOW},v0=${"a".repeat(64)},v1=${sign(SECRET, NOW, body)}`, true],
		["with spaces after the commas", `t=${NOW}, v1=${sign(SECRET, NOW, body)}`, true],
		["in a scheme that is not v1", `t=${NOW},v0=${sign(SECRET, NOW, body)}`, false],
		["of another time", `t=${NOW - 1},v1=${sign(SECRET, NOW, body)}`, false],
		["by another secret", signatureHeader("whsec_of_another", NOW, body), false],
		["in capitals", `t=${NOW},v1=${sign(SECRET, NOW, body).toUpperCase()}`, false],
		["cut short", `t=${NOW},v1=${sign(SECRET, NOW, body).slice(0, 62)}`, false],
		["without a time", `v1=${sign(SECRET, NOW, body)}`, false],
		["with a time that is none", `t=now,v1=${sign(SECRET, NOW, body)}`, false],
		["with nothing", "", false],
		["with commas alone", ",".repeat(10_000), false],
	])("%s", (_, header, valid) => {
		at(NOW);
		expect(verifyWebhook(account, request(body, header)).valid).toBe(valid);
	});

	test.each([
		[0, true],
		[300, true],
		[301, false],
		[86_400, false],
		// A clock of ours that is behind Stripe's.
		[-600, true],
	])("holds for %i seconds after it was made: %s", (age, valid) => {
		at(NOW + age);
		expect(verifyWebhook(account, request(body, signatureHeader(SECRET, NOW, body))).valid).toBe(valid);
	});

	test("of an event that is retried for days is as good as the first, since each try is signed anew", () => {
		const first = request(body, signatureHeader(SECRET, NOW, body));
		at(NOW);
		const accepted = verifyWebhook(account, first);
		const two_days_later = NOW + 2 * 86_400;
		at(two_days_later);
		expect(verifyWebhook(account, first).valid).toBe(false);
		expect(verifyWebhook(account, request(body, signatureHeader(SECRET, two_days_later, body)))).toEqual(accepted);
	});

	test("covers every byte", () => {
		at(NOW);
		const header = signatureHeader(SECRET, NOW, body);
		const compact = Buffer.from(JSON.stringify(JSON.parse(body.toString())));
		for (const changed of [body.subarray(0, -1), Buffer.concat([body, Buffer.from(" ")]), compact]) {
			expect(verifyWebhook(account, request(changed, header)).valid).toBe(false);
		}
	});

	test("needs a header, and a secret that somebody has set", () => {
		at(NOW);
		expect(verifyWebhook(account, request(body)).valid).toBe(false);
		for (const webhook_secret of [null, ""]) {
			const header = signatureHeader(webhook_secret ?? "", NOW, body);
			expect(verifyWebhook({ ...account, webhook_secret }, request(body, header)).valid).toBe(false);
		}
	});

	test("of bytes that are no event still tells copies apart from others", () => {
		at(NOW);
		const keyOf = (raw_body: Buffer) => {
			const verified = verifyWebhook(account, request(raw_body, signatureHeader(SECRET, NOW, raw_body)));
			return verified.valid && verified.dedupe_key;
		};
		const [one, other] = [Buffer.from('{"id":"<evil>"}'), Buffer.from("not JSON")];
		expect(keyOf(one)).toMatch(/^sha256:/);
		expect(keyOf(one)).toBe(keyOf(Buffer.from(one)));
		expect(keyOf(other)).not.toBe(keyOf(one));
	});
});

describe("what a webhook says", () => {
	test("a session that is paid", () => {
		expect(parsed("checkout.session.completed.paid")).toMatchObject({
			kind: "payment",
			event_type: "checkout.session.completed",
			payment: {
				outcome: "succeeded",
				psp_order_id: expect.stringMatching(/^cs_test_/),
				reference,
				psp_payment_id: "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs",
				amount: 49900,
				currency: "INR",
				error: null,
			},
		});
	});

	test("a session that the payer is through with, and no money yet", () => {
		expect(parsed("checkout.session.completed.unpaid")).toMatchObject({
			payment: { outcome: "pending", psp_payment_id: "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs" },
		});
	});

	test("a bank that declined after that", () => {
		expect(parsed("checkout.session.async_payment_failed.netbanking")).toMatchObject({
			payment: { outcome: "failed", reference, error: { code: "declined" } },
		});
	});

	test("a session that ended before anybody tried", () => {
		expect(parsed("checkout.session.expired.never-tried")).toMatchObject({
			payment: { outcome: "failed", psp_payment_id: null, error: { code: "payer_timed_out" } },
		});
	});

	test("a payment, by our reference: the message names no session", () => {
		expect(parsed("payment_intent.succeeded.card")).toMatchObject({
			payment: { outcome: "succeeded", psp_order_id: null, reference, amount: 49900 },
		});
		expect(parsed("payment_intent.payment_failed.insufficient-funds")).toMatchObject({
			payment: { outcome: "failed", reference, error: { code: "insufficient_funds" } },
		});
	});

	test("a payment that the merchant took without us is of no consequence", () => {
		expect(parsed("payment_intent.succeeded.not-ours").kind).toBe("ignored");
	});

	test("a refund that the payer's bank sent back", () => {
		expect(parsed("refund.failed.expired-card")).toMatchObject({
			kind: "refund",
			refund: {
				outcome: "failed",
				reference: "0199f3a2-7a1c-7d4e-8f60-1a2b3c4d5e6f",
				psp_refund_id: "re_3SVa1ZKx2mNpQr4t0Rf6NdPq",
				psp_payment_id: "pi_3SVa1ZKx2mNpQr4t0Wq5TgRs",
				amount: 12_000,
				error: { psp_code: "expired_or_canceled_card" },
			},
		});
	});

	test("how much of a charge was refunded in all says nothing about any refund", () => {
		expect(parsed("charge.refunded.partial")).toEqual({ kind: "ignored", event_type: "charge.refunded" });
	});

	test.each([
		["payout.paid", { object: "payout" }],
		["customer.created", { object: "customer" }],
		["checkout.session.completed", { object: "checkout.session" }],
		["payment_intent.succeeded", null],
		["refund.updated", { id: "re_1", amount: "12" }],
	])("%s without what it should hold, or about something else, is ignored", (type, object) => {
		const body = Buffer.from(JSON.stringify({ id: "evt_1", type, data: { object } }));
		expect(parseWebhook(request(body))).toEqual({ kind: "ignored", event_type: type });
	});

	test("keeps neither the payer's details nor what gives access", () => {
		for (const name of ["checkout.session.completed.paid", "payment_intent.payment_failed.insufficient-funds"]) {
			const kept = JSON.stringify(parsed(name));
			for (const secret of ["asha.rao@example.com", "_secret_", "KB-1042"]) expect(kept).not.toContain(secret);
		}
	});
});
