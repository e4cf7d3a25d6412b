import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PayoutAdapter } from "../payout-adapter.ts";
import { createCashfreePayouts } from "./payouts.ts";
import { sign } from "./signature.ts";

const reference = "0190f3f2-7b1c-7c3e-9d43-5e1d2a6c9b10";
/** As Cashfree's reference of Standard Transfer V2 shows it. */
const received = {
	transfer_id: "0190f3f27b1c7c3e9d435e1d2a6c9b10",
	cf_transfer_id: "123456",
	status: "RECEIVED",
	status_code: "RECEIVED",
	status_description: "The transfer has been received by Cashfree successfully for further processing.",
	beneficiary_details: { beneficiary_id: "JOHN18011" },
	transfer_amount: 413.05,
	transfer_mode: "BANK",
	fundsource_id: "CASHFREE_1",
	added_on: "2021-11-24T13:39:25Z",
	updated_on: "2021-11-24T13:40:27Z",
};
const input = { reference, amount: 41_305, destination: "JOHN18011", mode: "NEFT" } as const;
const account = { api_key: "CF123", api_secret: "client-secret", webhook_secret: null, source_account: "CASHFREE_1" };

let answer: { status: number; body: unknown };
let seen: { url: string; headers: Record<string, unknown>; body: string }[] = [];
let adapter: PayoutAdapter;
const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	seen.push({ url: request.url!, headers: request.headers, body: Buffer.concat(chunks).toString() });
	response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
});
beforeAll(async () => {
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	adapter = createCashfreePayouts({ api_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterAll(() => server.close());
beforeEach(() => {
	seen = [];
});
const answers = (body: unknown, status = 200) => {
	answer = { status, body };
};
const find = () => adapter.findPayout(account, { reference, psp_payout_id: null });

describe("Cashfree Payouts", () => {
	test("is asked as its documentation says, in rupees, with our id as transfer_id", async () => {
		answers(received);
		expect(await adapter.createPayout(account, input)).toMatchObject({
			outcome: "processing",
			psp_payout_id: "123456",
			amount: 41_305,
			error: null,
		});
		expect(seen[0]!.url).toBe("/payout/transfers");
		expect(seen[0]!.headers).toMatchObject({
			"x-client-id": "CF123",
			"x-client-secret": "client-secret",
			"x-api-version": "2024-01-01",
		});
		expect(JSON.parse(seen[0]!.body)).toEqual({
			transfer_id: received.transfer_id,
			transfer_amount: 413.05,
			transfer_currency: "INR",
			transfer_mode: "neft",
			beneficiary_details: { beneficiary_id: "JOHN18011" },
			transfer_remarks: "Commission",
			fundsource_id: "CASHFREE_1",
		});
	});

	test.each([
		["RECEIVED", "processing"],
		["APPROVAL_PENDING", "processing"],
		["PENDING", "processing"],
		["A_WORD_OF_TOMORROW", "processing"],
		["SUCCESS", "processed"],
		["REVERSED", "reversed"],
		["FAILED", "failed"],
		["REJECTED", "failed"],
	])("says %s: %s", async (status, outcome) => {
		answers({ ...received, status, transfer_utr: "N351200478962883" });
		expect(await find()).toMatchObject({ outcome, bank_reference: "N351200478962883" });
		expect(seen[0]!.url).toBe(`/payout/transfers?transfer_id=${received.transfer_id}`);
	});

	test("of a taken id and of a fault nobody knows; of an empty account one does", async () => {
		const error = (status: number, code: string, message: string) =>
			answers({ type: "invalid_request_error", code, message }, status);
		error(409, "transfer_id_already_exists", "Transfer request with the given transfer_id already exists");
		expect(await adapter.createPayout(account, input)).toMatchObject({ outcome: "unknown" });
		error(422, "insufficient_balance", "Insufficient balance in the fund source");
		expect(await adapter.createPayout(account, input)).toMatchObject({
			outcome: "failed",
			error: { code: "insufficient_funds" },
		});
		answers({ type: "api_error", code: "internal_error", message: "internal server error" }, 500);
		expect(await adapter.createPayout(account, input)).toMatchObject({ outcome: "unknown" });
		error(404, "transfer_id_not_found", "transfer_id does not exist");
		expect(await find()).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		answers("not found", 404);
		expect(await find()).toMatchObject({ outcome: "unknown" });
	});

	test("proves its webhooks with timestamp and bytes, by the client's secret", () => {
		const raw_body = Buffer.from(
			JSON.stringify({
				data: { ...received, status: "SUCCESS" },
				event_time: "2024-07-25T17:43:36",
				type: "TRANSFER_SUCCESS",
			}),
		);
		const headers = {
			"x-webhook-timestamp": "1721909616000",
			"x-webhook-signature": sign("client-secret", "1721909616000", raw_body),
		};
		expect(adapter.verifyWebhook(account, { raw_body, headers })).toMatchObject({
			valid: true,
			event_type: "TRANSFER_SUCCESS",
			reference,
		});
		const late = { ...headers, "x-webhook-timestamp": "1721909616001" };
		expect(adapter.verifyWebhook(account, { raw_body, headers: late }).valid).toBe(false);
	});
});
