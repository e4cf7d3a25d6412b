import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, type StartedPayment, startPayment } from "../../test/payments.ts";
import { recordPspOrder, settleAttempt } from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { enqueuePendingLookups } from "../client/operations.ts";
import { readTransaction } from "../client/payments.ts";
import {
	beginRefund,
	createRefund,
	findRefund,
	type RefundOutcome,
	type RefundRequest,
	readRefund,
	settleRefund,
} from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(async () => {
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
	await database.drop();
});

const jobs = () => database.pool("jobs");
const rows = queryAs(() => database.pool("admin"));
const merchant = (columns = {}) => createMerchant(database.pool("admin"), keys, columns);

async function paid(of: TestMerchant, amount = 10_000): Promise<StartedPayment> {
	const payment = await startPayment(database, of, { amount });
	await recordPspOrder(jobs(), {
		attempt_id: payment.attempt_id,
		psp_order_id: `order_${randomUUID()}`,
		presentation: { kind: "redirect", url: "https://psp.example/pay" },
		latency_ms: 1,
	});
	await settleAttempt(
		jobs(),
		payment.attempt_id,
		attemptState("succeeded", { psp_payment_id: `pay_${payment.attempt_id}`, amount }),
	);
	return payment;
}

const ask = (of: TestMerchant, payment: StartedPayment, more: Partial<RefundRequest> = {}) =>
	createRefund(database.pool("checkout"), {
		client_id: of.id,
		transaction_id: payment.transaction_id,
		amount: null,
		reason: null,
		idempotency_key: null,
		...more,
	});

const told = (outcome: RefundOutcome["outcome"], more: Partial<RefundOutcome> = {}): RefundOutcome => ({
	outcome,
	psp_refund_id: "rfnd_1",
	amount: null,
	bank_reference: null,
	error: outcome === "failed" ? { code: "declined", message: "The bank refused." } : null,
	raw: null,
	...more,
});

async function refunded(of: TestMerchant, payment: StartedPayment, amount: number): Promise<string> {
	const { refund } = await ask(of, payment, { amount });
	await settleRefund(jobs(), refund.refund_id, told("succeeded", { amount }));
	return refund.refund_id;
}

const view = async (payment: StartedPayment) =>
	(await readTransaction(database.pool("checkout"), payment.transaction_id))?.view;
const balance = async (of: TestMerchant) =>
	(await rows<{ balance_due: number }>("select balance_due from wallets where client_id = $1", [of.id]))[0]!
		.balance_due;

describe("asking for a refund", () => {
	test("books it, adds its job, and changes the payment only when the PSP has done it", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund, replayed } = await ask(kaveri, payment, { amount: 4_000, reason: "One book out of stock" });
		expect(replayed).toBe(false);
		expect(refund).toMatchObject({
			transaction_id: payment.transaction_id,
			amount: 4_000,
			currency: "INR",
			status: "pending",
			kind: "requested",
			reason: "One book out of stock",
			completed_at: null,
		});
		expect(
			await rows("select 1 from graphile_worker.jobs where task_identifier = 'refund_payment' and key = $1", [
				`refund_payment:${refund.refund_id}`,
			]),
		).toHaveLength(1);
		expect(await view(payment)).toMatchObject({ status: "paid", amount_refunded: 0 });

		expect(await settleRefund(jobs(), refund.refund_id, told("succeeded", { amount: 4_000 }))).toEqual({
			status: "succeeded",
			changed: true,
		});
		expect(await view(payment)).toMatchObject({ status: "partially_refunded", amount_refunded: 4_000 });
		expect(await readRefund(database.pool("checkout"), kaveri.id, refund.refund_id)).toMatchObject({
			status: "succeeded",
			completed_at: expect.any(String),
		});
		await refunded(kaveri, payment, 6_000);
		expect(await view(payment)).toMatchObject({ status: "refunded", amount_refunded: 10_000 });
	});

	test("without an amount gives back what is left", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		await refunded(kaveri, payment, 2_500);
		expect((await ask(kaveri, payment)).refund.amount).toBe(7_500);
		await expect(ask(kaveri, payment)).rejects.toMatchObject({ code: "refund_exceeds_amount", param: "amount" });
	});

	test("by an operator who confirms twice is made once", async () => {
		const payment = await paid(await merchant());
		const key = randomUUID();
		const confirm = async (amount: number, of = key) =>
			(
				await queryAs(() => database.pool("studio"))<{ refund: { refund_id: string } }>(
					"select create_refund_for_operator($1, $2, 'Torn', 'asha', $3) as refund",
					[payment.transaction_id, amount, of],
				)
			)[0]!.refund.refund_id;
		const [first, second] = await Promise.all([confirm(1_000), confirm(1_000)]);
		expect(second).toBe(first);
		await expect(confirm(2_000)).rejects.toMatchObject({ code: "LS032" });
		expect(await confirm(1_000, randomUUID())).not.toBe(first);
		expect(
			await rows("select 1 from audit_log where action = 'create_refund' and row_id = $1", [payment.transaction_id]),
		).toHaveLength(2);
	});

	test("beyond what is left is refused, with what is under way counted", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const first = await ask(kaveri, payment, { amount: 6_000 });
		await expect(ask(kaveri, payment, { amount: 4_001 })).rejects.toMatchObject({ code: "refund_exceeds_amount" });
		await settleRefund(jobs(), first.refund.refund_id, told("failed"));
		expect((await ask(kaveri, payment, { amount: 10_000 })).refund.amount).toBe(10_000);
	});

	test.each([
		["nothing", { amount: 0 }, { code: "invalid_request", param: "amount" }],
		["less than nothing", { amount: -1 }, { code: "invalid_request", param: "amount" }],
		["another's payment", { client_id: randomUUID() }, { code: "not_found" }],
		["a payment that does not exist", { transaction_id: randomUUID() }, { code: "not_found" }],
	])("of %s is refused and writes nothing", async (_, more, error) => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		await expect(ask(kaveri, payment, more)).rejects.toMatchObject(error);
		expect(await rows("select 1 from refunds where transaction_id = $1", [payment.transaction_id])).toEqual([]);
	});

	test("of a payment that is not paid is refused", async () => {
		const kaveri = await merchant();
		await expect(ask(kaveri, await startPayment(database, kaveri))).rejects.toMatchObject({ code: "not_refundable" });
	});

	test("twice with one key is one refund; with another body it is a conflict", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const key = { idempotency_key: "refund-1", amount: 3_000 };
		const asked = await Promise.all(Array.from({ length: 20 }, () => ask(kaveri, payment, key)));
		expect(new Set(asked.map(({ refund }) => refund.refund_id)).size).toBe(1);
		expect(asked.filter(({ replayed }) => !replayed)).toHaveLength(1);
		await expect(ask(kaveri, payment, { ...key, amount: 3_001 })).rejects.toMatchObject({
			code: "idempotency_key_conflict",
		});
		await expect(ask(kaveri, await paid(kaveri), key)).rejects.toMatchObject({ code: "idempotency_key_conflict" });
	});

	test("sixty at once never give back more than was captured", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const asked = await Promise.allSettled(Array.from({ length: 60 }, () => ask(kaveri, payment, { amount: 700 })));
		expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(14);
		const [sum] = await rows<{ total: number }>(
			"select sum(amount)::bigint as total from refunds where transaction_id = $1",
			[payment.transaction_id],
		);
		expect(sum!.total).toBe(9_800);
	});
});

describe("what the PSP says of a refund", () => {
	test("is settled once, however often it is told", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment, { amount: 5_000 });
		const results = await Promise.all(
			Array.from({ length: 40 }, () => settleRefund(jobs(), refund.refund_id, told("succeeded", { amount: 5_000 }))),
		);
		expect(results.filter(({ changed }) => changed)).toHaveLength(1);
		expect(await view(payment)).toMatchObject({ amount_refunded: 5_000 });
		expect(await rows("select type from webhook_events where refund_id = $1", [refund.refund_id])).toEqual([
			{ type: "refund.succeeded" },
		]);
		expect(await beginRefund(jobs(), refund.refund_id)).toBeNull();
	});

	test("one begun while another run records the provider's answer sees the answer", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		await beginRefund(jobs(), refund.refund_id);
		const recorder = await database.connection("jobs");
		await recorder.query("begin");
		await settleRefund(recorder, refund.refund_id, told("pending"));
		const begun = beginRefund(jobs(), refund.refund_id);
		const waiting =
			"select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%begin_refund%'";
		await expect.poll(() => rows(waiting)).toHaveLength(1);
		await recorder.query("commit");
		expect(await begun).toMatchObject({ psp_refund_id: "rfnd_1", status: "pending", started_before: true });
	});

	test("unknown is not failed: it is asked about again, and the amount stays reserved", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		expect(await beginRefund(jobs(), refund.refund_id)).toMatchObject({
			reference: refund.refund_id,
			amount: 10_000,
			psp_refund_id: null,
			payment: { psp_payment_id: `pay_${payment.attempt_id}`, order_reference: payment.attempt_id },
		});
		await settleRefund(jobs(), refund.refund_id, told("unknown", { psp_refund_id: null }));
		expect(await readRefund(database.pool("checkout"), kaveri.id, refund.refund_id)).toMatchObject({
			status: "pending",
		});
		await expect(ask(kaveri, payment)).rejects.toMatchObject({ code: "refund_exceeds_amount" });
		await rows("delete from graphile_worker._private_jobs");
		await rows("update refunds set next_lookup_at = now() where id = $1", [refund.refund_id]);
		await enqueuePendingLookups(jobs());
		expect(
			await rows("select task_identifier from graphile_worker.jobs where key = $1", [
				`refund_payment:${refund.refund_id}`,
			]),
		).toEqual([{ task_identifier: "refund_payment" }]);
	});

	test("a failure is told to the merchant and to operators", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		await settleRefund(jobs(), refund.refund_id, told("failed"));
		expect(await view(payment)).toMatchObject({ status: "paid", amount_refunded: 0 });
		expect(
			await rows(
				"select type, payload -> 'data' -> 'error' ->> 'code' as code from webhook_events where refund_id = $1",
				[refund.refund_id],
			),
		).toEqual([{ type: "refund.failed", code: "declined" }]);
		expect(await rows("select kind from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "refund_failed" },
		]);
	});

	test("another amount than asked for is not believed", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment, { amount: 5_000 });
		await settleRefund(jobs(), refund.refund_id, told("succeeded", { amount: 50_00_00 }));
		expect(await view(payment)).toMatchObject({ status: "paid", amount_refunded: 0 });
		expect(await rows("select kind from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "refund_amount_mismatch" },
		]);
	});

	test("a success that is taken back raises an alert and changes nothing", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const id = await refunded(kaveri, payment, 10_000);
		await settleRefund(jobs(), id, told("failed"));
		expect(await view(payment)).toMatchObject({ status: "refunded" });
		expect(await rows("select kind from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "refund_taken_back" },
		]);
	});

	test("is found by our reference and by the PSP's id, only in its own account", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		await settleRefund(jobs(), refund.refund_id, told("pending", { psp_refund_id: "rfnd_known" }));
		const gateway_id = kaveri.gateways[0]!.id;
		const find = (about: Partial<Parameters<typeof findRefund>[1]>) =>
			findRefund(jobs(), { gateway_id, psp_refund_id: null, reference: null, ...about });
		expect(await find({ reference: refund.refund_id })).toBe(refund.refund_id);
		expect(await find({ psp_refund_id: "rfnd_known" })).toBe(refund.refund_id);
		const other = (await merchant()).gateways[0]!.id;
		expect(await find({ gateway_id: other, reference: refund.refund_id })).toBeNull();
	});
});

describe("a second payment of one order", () => {
	test("goes back whole, leaves the first as it was, and closes its alert", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const due = await balance(kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_second" }));
		const [refund] = await rows<{ id: string; amount: number }>(
			"select id, amount from refunds where transaction_id = $1",
			[payment.transaction_id],
		);
		expect(refund!.amount).toBe(10_000);
		expect((await beginRefund(jobs(), refund!.id))?.payment.psp_payment_id).toBe("pay_second");
		await settleRefund(jobs(), refund!.id, told("succeeded", { amount: 10_000 }));
		expect(await view(payment)).toMatchObject({ status: "paid", amount_refunded: 0 });
		expect(await balance(kaveri)).toBe(due);
		expect(await rows("select status from alerts where client_id = $1", [kaveri.id])).toEqual([{ status: "resolved" }]);
		expect((await ask(kaveri, payment)).refund.amount).toBe(10_000);
	});
});

describe("which payment of an order counts", () => {
	test("one that the PSP names only later is not a second one", async () => {
		const kaveri = await merchant();
		const payment = await startPayment(database, kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed", { psp_payment_id: "pay_failed" }));
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: null }));
		await expect(ask(kaveri, payment)).rejects.toMatchObject({ code: "not_refundable" });
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_good" }));
		expect(await rows("select kind from refunds where transaction_id = $1", [payment.transaction_id])).toEqual([]);
		const { refund } = await ask(kaveri, payment);
		expect((await beginRefund(jobs(), refund.refund_id))?.payment.psp_payment_id).toBe("pay_good");
	});

	test("a second one goes back with the amount that the PSP states", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const second = (more: object) => settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", more));
		await second({ psp_payment_id: "pay_small", amount: 100 });
		await second({ psp_payment_id: "pay_dollars", currency: "USD" });
		expect(
			await rows("select psp_payment_id, amount from refunds where transaction_id = $1", [payment.transaction_id]),
		).toEqual([{ psp_payment_id: "pay_small", amount: 100 }]);
		expect(
			await rows("select 1 from alerts where client_id = $1 and kind = 'second_success'", [kaveri.id]),
		).toHaveLength(2);
	});
});

describe("a refund that cannot be settled by itself", () => {
	const resolve = (refund_id: string, outcome: string, reason: string | null) =>
		queryAs(() => database.pool("studio"))("select public.resolve_refund($1, $2, '412345678901', $3, 'operator-1')", [
			refund_id,
			outcome,
			reason,
		]);

	test("is settled by an operator, with a reason", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		await settleRefund(jobs(), refund.refund_id, told("failed"));
		await expect(resolve(refund.refund_id, "succeeded", "")).rejects.toMatchObject({ code: "LS044" });
		await expect(resolve(refund.refund_id, "perhaps", "x")).rejects.toMatchObject({ code: "LS021" });
		await resolve(refund.refund_id, "succeeded", "Paid back by bank transfer");
		expect(await view(payment)).toMatchObject({ status: "refunded" });
		await expect(resolve(refund.refund_id, "succeeded", "again")).rejects.toMatchObject({ code: "LS043" });
	});

	test("one that failed stays failed when another amount is told later", async () => {
		const kaveri = await merchant();
		const payment = await paid(kaveri);
		const { refund } = await ask(kaveri, payment);
		await settleRefund(jobs(), refund.refund_id, told("failed"));
		await ask(kaveri, payment);
		expect(await settleRefund(jobs(), refund.refund_id, told("succeeded", { amount: 1 }))).toMatchObject({
			status: "failed",
		});
	});
});

describe("commission of what was refunded", () => {
	test("is taken back pro rata with its GST, and the whole for refunds that add up to the whole", async () => {
		const kaveri = await merchant({ fee_percent: 3.5 });
		const payment = await paid(kaveri, 49_900);
		expect(await balance(kaveri)).toBe(1747 + 314);
		await refunded(kaveri, payment, 10_000);
		// 1747 × 10000 / 49900 = 350.1, 314 × 10000 / 49900 = 62.9
		expect(await balance(kaveri)).toBe(1747 + 314 - 350 - 63);
		await refunded(kaveri, payment, 39_900);
		expect(await balance(kaveri)).toBe(0);
	});

	test("stays where the merchant's terms say so", async () => {
		const kaveri = await merchant({ reverse_commission_on_refund: false });
		const payment = await paid(kaveri);
		const due = await balance(kaveri);
		await refunded(kaveri, payment, 10_000);
		expect(await balance(kaveri)).toBe(due);
	});

	test("never drifts by a paisa over any sequence of refunds", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 100, max: 5_000_000 }),
				fc.integer({ min: 0, max: 10_000 }),
				fc.array(fc.integer({ min: 1, max: 1_000_000 }), { maxLength: 5 }),
				async (amount, fee_thousandths, parts) => {
					const kaveri = await merchant({ fee_percent: fee_thousandths / 1000 });
					const payment = await paid(kaveri, amount);
					let left = amount;
					for (const part of parts) {
						if (part >= left) break;
						await refunded(kaveri, payment, part);
						left -= part;
						expect(await balance(kaveri)).toBeGreaterThanOrEqual(0);
					}
					await refunded(kaveri, payment, left);
					expect(await balance(kaveri)).toBe(0);
				},
			),
			{ numRuns: 25 },
		);
	});
});
