import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PayoutAdapter } from "../payout-adapter.ts";
import { createRazorpayPayouts } from "./payouts.ts";
import { sign } from "./signature.ts";

/** As razorpay docs api/x/payouts/create/bank-account show it. */
const queued = {
	id: "pout_00000000000001",
	entity: "payout",
	fund_account_id: "fa_00000000000001",
	amount: 1_000_000,
	currency: "INR",
	notes: { notes_key_1: "Tea, Earl Grey, Hot" },
	fees: 0,
	tax: 0,
	status: "queued",
	utr: null,
	mode: "IMPS",
	purpose: "refund",
	reference_id: "53cda91c-8f81-4e77-bbb9-7388f4ac6bf4",
	narration: "Acme Corp Fund Transfer",
	batch_id: null,
	status_details: {
		description: "Payout is queued as there is insufficient balance in your business account to process the payout",
		source: "business",
		reason: "low_balance",
	},
	created_at: 1_545_383_037,
};
const input = {
	reference: queued.reference_id,
	amount: 1_000_000,
	destination: "fa_00000000000001",
	mode: "IMPS",
} as const;
const account = {
	api_key: "rzp_test_key",
	api_secret: "key-secret",
	webhook_secret: "hook-secret",
	source_account: "7878780080316316",
};

let answer: { status: number; body: unknown };
let seen: { method: string; url: string; headers: Record<string, unknown>; body: string }[] = [];
let adapter: PayoutAdapter;
const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	seen.push({
		method: request.method!,
		url: request.url!,
		headers: request.headers,
		body: Buffer.concat(chunks).toString(),
	});
	response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
});
beforeAll(async () => {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	adapter = createRazorpayPayouts({ api_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterAll(() => server.close());
beforeEach(() => {
	seen = [];
});
const answers = (body: unknown, status = 200) => {
	answer = { status, body };
};
const error = (description: string, reason = "input_validation_failed") => ({
	error: { code: "BAD_REQUEST_ERROR", description, source: "business", step: null, reason, metadata: {} },
});

describe("RazorpayX", () => {
	test("is asked as its documentation says, with our id as reference and idempotency key", async () => {
		answers(queued);
		expect(await adapter.createPayout(account, input)).toMatchObject({
			outcome: "processing",
			psp_payout_id: queued.id,
			psp_status: "queued",
			amount: 1_000_000,
			error: null,
		});
		const [{ method, url, headers, body }] = seen as [(typeof seen)[0]];
		expect([method, url]).toEqual(["POST", "/v1/payouts"]);
		expect(headers).toMatchObject({
			authorization: `Basic ${Buffer.from("rzp_test_key:key-secret").toString("base64")}`,
			"x-payout-idempotency": input.reference,
		});
		expect(JSON.parse(body)).toEqual({
			account_number: "7878780080316316",
			fund_account_id: "fa_00000000000001",
			amount: 1_000_000,
			currency: "INR",
			mode: "IMPS",
			purpose: "vendor bill",
			queue_if_low_balance: false,
			reference_id: input.reference,
			narration: "Commission",
		});
	});

	test.each([
		["queued", "processing"],
		["pending", "processing"],
		["scheduled", "processing"],
		["processing", "processing"],
		["a word of tomorrow", "processing"],
		["processed", "processed"],
		["reversed", "reversed"],
		["rejected", "failed"],
		["cancelled", "failed"],
		["failed", "failed"],
	])("says %s: %s", async (status, outcome) => {
		answers({ ...queued, status, utr: "HDFCN00000000001" });
		const found = await adapter.findPayout(account, { reference: input.reference, psp_payout_id: queued.id });
		expect(found).toMatchObject({ outcome, bank_reference: "HDFCN00000000001" });
		expect(seen[0]!.url).toBe("/v1/payouts/pout_00000000000001");
	});

	test("refuses for want of money, and of a repetition that differs nobody knows", async () => {
		answers(error("Your account does not have enough balance to carry out the payout operation."), 400);
		expect(await adapter.createPayout(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "insufficient_funds" },
		});
		answers(error("Different request with the same idempotency key has already been processed."), 400);
		expect(await adapter.createPayout(account, input)).toMatchObject({ outcome: "unknown" });
		answers("<html>bad gateway</html>", 502);
		expect(await adapter.createPayout(account, input)).toMatchObject({ outcome: "unknown" });
	});

	test("is looked up by our reference, and only an empty list of its own says that there is none", async () => {
		const collection = (items: unknown[]) => answers({ entity: "collection", count: items.length, items });
		const find = () => adapter.findPayout(account, { reference: input.reference, psp_payout_id: null });
		collection([
			{ ...queued, reference_id: "another" },
			{ ...queued, status: "processed" },
		]);
		expect(await find()).toMatchObject({ outcome: "processed" });
		expect(seen[0]!.url).toBe(`/v1/payouts?account_number=7878780080316316&reference_id=${input.reference}`);
		collection([]);
		expect(await find()).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		answers(error("Authentication failed"), 401);
		expect(await find()).toMatchObject({ outcome: "unknown", error: { code: "authentication_failed" } });
	});

	test("proves its webhooks over the bytes as they came", () => {
		const raw_body = Buffer.from(
			JSON.stringify({
				entity: "event",
				event: "payout.reversed",
				contains: ["payout"],
				payload: { payout: { entity: { ...queued, status: "reversed" } } },
				created_at: 1_545_383_037,
			}),
		);
		const headers = { "x-razorpay-event-id": "evt_1", "x-razorpay-signature": sign("hook-secret", raw_body) };
		expect(adapter.verifyWebhook(account, { raw_body, headers })).toEqual({
			valid: true,
			dedupe_key: "evt_1",
			event_type: "payout.reversed",
			reference: input.reference,
		});
		expect(adapter.verifyWebhook({ ...account, webhook_secret: "other" }, { raw_body, headers }).valid).toBe(false);
		expect(adapter.verifyWebhook({ ...account, webhook_secret: null }, { raw_body, headers }).valid).toBe(false);
	});
});
