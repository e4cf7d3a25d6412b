import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startReceiver, startTestSandbox } from "../test-sandbox.ts";
import { istDay } from "./store.ts";
import { PAYU_ACCOUNT, payuMerchant } from "./test-client.ts";

const folder = mkdtempSync(join(tmpdir(), "sandbox-payu-"));
let test = await startTestSandbox({ state_file: join(folder, "state.json") });
const receiver = await startReceiver();
const merchant = payuMerchant(() => test);
const { openedOrder, pay, call } = merchant;

beforeAll(() => test.control("PUT", "accounts", { ...PAYU_ACCOUNT, webhook_url: receiver.url }));
afterAll(async () => {
	await test.close();
	await receiver.close();
	rmSync(folder, { recursive: true });
});

async function paidOrder(amount = "499.00") {
	const txnid = await openedOrder({ amount });
	const { body } = await pay(txnid, "success", { webhook: { skip: true } });
	return { txnid, mihpayid: body.payment.mihpayid as string };
}

describe("calls", () => {
	it.each([
		["a wrong hash", { hash: "0".repeat(128) }, "Invalid Hash."],
		["an unknown key", { key: "nobody" }, "Invalid Merchant Key or Merchant is not active"],
		["no command of PayU's", { command: "constructor" }, "Invalid Hash."],
	])("with %s are refused in the body, with status 200", async (_case, change, msg) => {
		expect(await call("verify_payment", ["t"], change)).toEqual({ status: 0, msg });
	});

	it("take a command that there is not for what it is", async () => {
		expect(await call("toString", ["t"])).toEqual({ status: 0, msg: "Invalid command" });
	});

	it("are upset in PayU's words", async () => {
		await test.control("POST", "faults", { service: "payu", path: "/merchant", kind: "status", status: 429 });
		const response = await fetch(`${test.url}/payu/merchant/postservice.php`, { method: "POST" });
		expect(response.status).toBe(429);
		expect(await response.json()).toMatchObject({ status: 0, msg: expect.stringContaining("Too many Requests") });
	});
});

describe("verify_payment", () => {
	it("knows nothing of a form that was posted and not paid", async () => {
		const txnid = await openedOrder();
		expect(await call("verify_payment", [txnid])).toEqual({
			status: 0,
			msg: "0 out of 1 Transactions Fetched Successfully",
			transaction_details: { [txnid]: { mihpayid: "Not Found", status: "Not Found" } },
		});
	});

	it("tells of several at once", async () => {
		const [paid, unpaid] = [await paidOrder(), await openedOrder()];
		const answer = await call("verify_payment", [`${paid.txnid}|${unpaid}`]);
		expect(answer).toMatchObject({ status: 1, msg: "1 out of 2 Transactions Fetched Successfully" });
		expect(answer.transaction_details).toMatchObject({
			[paid.txnid]: { mihpayid: paid.mihpayid, amt: "499.00", status: "success", unmappedstatus: "captured" },
			[unpaid]: { status: "Not Found" },
		});
	});

	it("tells of the success where a failure went before, and of none to another merchant", async () => {
		const txnid = await openedOrder();
		await pay(txnid, "failure", { reason: "insufficient_funds" });
		const failed = await call("verify_payment", [txnid]);
		expect(failed.transaction_details[txnid]).toMatchObject({ status: "failure", error_code: "E706" });
		await pay(txnid, "success");
		const paid = await call("verify_payment", [txnid]);
		expect(paid.transaction_details[txnid]).toMatchObject({ status: "success", error_code: "E000" });
		const other = { ...PAYU_ACCOUNT, api_key: "payuother" };
		await test.control("PUT", "accounts", other);
		expect(await payuMerchant(() => test, other).call("verify_payment", [txnid])).toMatchObject({ status: 0 });
	});

	it.each([
		["user_cancelled", "userCancelled"],
		["dropped", "dropped"],
		["bounced", "bounced"],
		["a word that PayU has not", "failed"],
		["constructor", "failed"],
	])("tells that a payment failed for %s", async (reason, unmappedstatus) => {
		const txnid = await openedOrder();
		await pay(txnid, "failure", { reason });
		const { transaction_details } = await call("verify_payment", [txnid]);
		expect(transaction_details[txnid]).toMatchObject({ status: "failure", unmappedstatus });
	});
});

describe("paying by the control", () => {
	it("takes one success a txnid, rupees only, and nothing before a browser has posted the form", async () => {
		const { txnid } = await paidOrder();
		expect((await pay(txnid, "success")).status).toBe(404);
		expect((await pay(txnid, "failure")).status).toBe(404);
		expect((await pay(await openedOrder(), "success", { currency: "USD" })).status).toBe(404);
		expect((await pay(merchant.form().txnid as string, "success")).status).toBe(404);
	});

	it("finds the order by udf1, too, and decides what the bank has left open", async () => {
		const txnid = await openedOrder({ udf1: "our-reference" });
		const pending = await pay("our-reference", "pending");
		const held = await pay(txnid, "authorized");
		const taken = await pay(txnid, "success");
		const ids = [pending, held, taken].map(({ body }) => body.payment.mihpayid);
		expect(new Set(ids).size).toBe(1);
		expect(taken.body.payment).toMatchObject({ status: "success", unmappedstatus: "captured" });
	});
});

describe("refunds", () => {
	it("are refused with PayU's codes", async () => {
		const { mihpayid } = await paidOrder("100.00");
		const refund = (...vars: string[]) => call("cancel_refund_transaction", vars);
		expect(await refund("123", "t1", "10.00")).toMatchObject({ status: 0, error_code: "116" });
		expect(await refund(mihpayid, "", "10.00")).toMatchObject({ status: 0, msg: "token is empty" });
		expect(await refund(mihpayid, "t1", "")).toMatchObject({ status: 0, msg: "amount is empty" });
		expect(await refund(mihpayid, "t".repeat(24), "10.00")).toMatchObject({ status: 0, msg: "token is invalid" });
		expect(await refund(mihpayid, "t1", "100.01")).toMatchObject({ status: 0, error_code: "105" });
		expect(await refund(mihpayid, "t1", "0.00")).toMatchObject({ status: 0, error_code: "105" });
		expect(await refund(mihpayid, "t1", "100.00")).toMatchObject({ status: 1, error_code: 102 });
		expect(await refund(mihpayid, "t1", "100.00")).toMatchObject({ status: 0, error_code: "106" });
		expect(await refund(mihpayid, "t2", "0.01")).toMatchObject({ status: 0, error_code: "105" });
	});

	it("of a payment that is not taken are refused", async () => {
		const txnid = await openedOrder();
		const { body } = await pay(txnid, "failure");
		expect(await call("cancel_refund_transaction", [body.payment.mihpayid, "t-failed", "1.00"])).toMatchObject({
			status: 0,
			error_code: "111",
		});
	});

	it("are told of by request id under both commands, and all together by payment id", async () => {
		const { mihpayid } = await paidOrder();
		const { request_id } = await call("cancel_refund_transaction", [mihpayid, "t-told", "10.00"]);
		const told = await call("check_action_status", [request_id]);
		expect(told.transaction_details[request_id][request_id]).toMatchObject({ token: "t-told", status: "success" });
		expect(await call("check_action_status_txnid", [request_id])).toEqual(told);
		const { transaction_details } = await call("check_action_status", [mihpayid, "payuid"]);
		const actions = Object.values(transaction_details[mihpayid]) as { action: string; token: string }[];
		expect(actions.map(({ action, token }) => [action, token])).toEqual(
			expect.arrayContaining([
				["capture", ""],
				["refund", "t-told"],
			]),
		);
		expect(await call("check_action_status", ["0"])).toMatchObject({
			status: 0,
			transaction_details: { 0: "No action status found" },
		});
	});

	it("stay queued where the account says so, until the bank decides", async () => {
		const later = { ...PAYU_ACCOUNT, api_key: "payulater", refunds: "later", webhook_url: receiver.url };
		await test.control("PUT", "accounts", later);
		const slow = payuMerchant(() => test, later);
		const txnid = await slow.openedOrder({ amount: "100.00" });
		const { body } = await slow.pay(txnid, "success", { webhook: { skip: true } });
		const { mihpayid } = body.payment;
		const { request_id } = await slow.call("cancel_refund_transaction", [mihpayid, "t-later", "100.00"]);
		const statusOf = async () =>
			(await slow.call("check_action_status", [request_id])).transaction_details[request_id][request_id].status;
		expect(await statusOf()).toBe("queued");
		const decide = (outcome: string) =>
			test.control("POST", "refund", { provider: "payu", refund: request_id, outcome });
		expect((await decide("failure")).body.webhooks).toEqual([{ event: "Refund", event_id: `${request_id}:failure` }]);
		expect(await statusOf()).toBe("failure");
		expect((await decide("success")).status).toBe(409);
		expect(await slow.call("cancel_refund_transaction", [mihpayid, "t-again", "100.00"])).toMatchObject({ status: 1 });
		const webhooks = await receiver.until(1);
		const refused = webhooks.map(({ body }) => body).find((text) => text.includes(request_id));
		expect(JSON.parse(refused as string)).toMatchObject({
			action: "refund",
			status: "failure",
			token: "t-later",
			amt: "100.00",
			merchantTxnId: txnid,
		});
		expect(refused).not.toContain("hash");
	});
});

describe("settlements", () => {
	const books = { ...PAYU_ACCOUNT, api_key: "payubooks" };
	const today = istDay(Date.now());

	it("are told line by line in pages, and by day in a range, with the same sums", async () => {
		await test.control("PUT", "accounts", books);
		const own = payuMerchant(() => test, books);
		for (const amount of ["100.00", "200.00", "300.55"]) {
			await own.pay(await own.openedOrder({ amount }), "success");
		}
		const { transaction_details } = await own.call("verify_payment", ["payubooks-1"]);
		const { mihpayid } = transaction_details["payubooks-1"];
		await own.call("cancel_refund_transaction", [mihpayid, "t-books", "40.00"]);

		const whole = await own.call("get_settlement_details", [today]);
		const lines = Object.values(whole.Txn_details) as Record<string, string>[];
		expect(whole.msg).toBe(`4 transactions settled on ${today}`);
		expect(lines.map((line) => [line.requestaction, line.requestamount, line.mer_net_amount])).toEqual([
			["capture", "100.00", "97.6400"],
			["capture", "200.00", "195.2800"],
			["capture", "300.55", "293.4600"],
			["refund", "40.00", "-40.0000"],
		]);
		const second = await own.call("get_settlement_details", [today, "2", "3"]);
		expect(Object.keys(second.Txn_details)).toEqual(["1"]);
		expect(await own.call("get_settlement_details", [lines[0]?.mer_utr as string])).toMatchObject({
			Txn_details: whole.Txn_details,
		});
		expect(await own.call("get_settlement_details_range", [today, today])).toMatchObject({
			status: 1,
			rows: 1,
			result: [{ settlementAmount: "546.38", utrNumber: lines[0]?.mer_utr }],
		});
		const none = await own.call("get_settlement_details", ["2015-05-01"]);
		expect(none).toEqual({ status: 1, msg: "0 transactions settled on 2015-05-01", Txn_details: {} });
		expect(await own.call("get_settlement_details", ["1-5-2015"])).toMatchObject({ status: 0 });
	});
});

describe("splits", () => {
	const part = (amount: string, charges?: string) => ({
		aggregatorSubTxnId: "child-1",
		aggregatorSubAmt: amount,
		...(charges !== undefined && { aggregatorCharges: charges }),
	});
	const split = (payuId: string, splitInfo: object) => JSON.stringify({ type: "absolute", payuId, splitInfo });

	it("are made once a payment, for all of it", async () => {
		const { mihpayid } = await paidOrder("100.00");
		const divide = (info: object, id = mihpayid) => call("payment_split", [split(id, info)]);
		expect(await call("payment_split", ["{"])).toMatchObject({ status: 0, error_code: "AGG-107" });
		expect(await divide({ P41sCY: part("100.00") }, "1")).toMatchObject({ error_code: "AGG-103" });
		expect(await divide({ P41sCY: part("60.00") })).toMatchObject({ error_code: "AGG-108" });
		expect(await call("get_split_info", [mihpayid])).toMatchObject({ error_code: "AGG-302" });
		expect(await divide({ P41sCY: part("60.00", "40.00") })).toMatchObject({ status: 1, splitStatus: "success" });
		expect(await divide({ P41sCY: part("60.00", "40.00") })).toMatchObject({ error_code: "AGG-104" });
		expect(await call("get_split_info", [mihpayid])).toMatchObject({
			status: 1,
			splits: [
				{ merchantKey: "P41sCY", aggregatorSubTxnId: "child-1", amount: 60, splitType: "split" },
				{ merchantKey: PAYU_ACCOUNT.api_key, amount: 40, splitType: "commission" },
			],
		});
		expect(await call("cancel_refund_transaction", [mihpayid, "t-split", "10.00"])).toMatchObject({
			status: 236,
			msg: "Refund Split Info must be of JSON format",
		});
	});
});

it("remembers orders, payments, refunds and tokens across an orderly restart", async () => {
	const { txnid, mihpayid } = await paidOrder();
	const { request_id } = await call("cancel_refund_transaction", [mihpayid, "t-kept", "10.00"]);
	await test.close();
	test = await startTestSandbox({ state_file: join(folder, "state.json") });
	expect((await call("verify_payment", [txnid])).transaction_details[txnid]).toMatchObject({ mihpayid });
	expect(await call("check_action_status", [request_id])).toMatchObject({ status: 1 });
	expect(await call("cancel_refund_transaction", [mihpayid, "t-kept", "10.00"])).toMatchObject({ error_code: "106" });
});

it("forgets the oldest orders when it is full", async () => {
	const small = await startTestSandbox({ order_capacity: 2 });
	await small.control("PUT", "accounts", PAYU_ACCOUNT);
	const own = payuMerchant(() => small);
	const [oldest, ...newer] = [await own.openedOrder(), await own.openedOrder(), await own.openedOrder()];
	expect((await own.pay(oldest as string, "success")).status).toBe(404);
	for (const txnid of newer) expect((await own.pay(txnid, "success")).status).toBe(200);
	await small.close();
});
