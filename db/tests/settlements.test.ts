import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, type StartedPayment, startPayment } from "../../test/payments.ts";
import { recordPspOrder, settleAttempt } from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { beginRefund, createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";
import {
	beginReconciliation,
	beginSettlementPull,
	enqueueSettlementPulls,
	finishReconciliation,
	type ReportedLine,
	reconcileGateways,
	recordSettlementPullFailure,
	recordSettlementReport,
	rejudgeExceptions,
} from "../client/settlements.ts";

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
const asStudio = queryAs(() => database.pool("studio"));
const merchant = () => createMerchant(database.pool("admin"), keys);

interface Payment extends StartedPayment {
	order: string;
	payment: string;
}

/** Ordered at the PSP, and paid unless more is said. */
async function ordered(of: TestMerchant, is_paid = true, fee: number | null = 236): Promise<Payment> {
	const started = await startPayment(database, of);
	const order = `order_${started.attempt_id}`;
	const payment = `pay_${started.attempt_id}`;
	await recordPspOrder(jobs(), {
		attempt_id: started.attempt_id,
		psp_order_id: order,
		presentation: { kind: "redirect", url: "https://psp.example/pay" },
		latency_ms: 1,
	});
	if (is_paid) await pay({ ...started, order, payment }, fee);
	return { ...started, order, payment };
}

const pay = ({ attempt_id, payment }: Payment, fee: number | null = 236) =>
	settleAttempt(jobs(), attempt_id, attemptState("succeeded", { psp_payment_id: payment, fee }));

/** The line that agrees with a payment of ₹100. */
const line = ({ order, payment }: Payment, more: Partial<ReportedLine> = {}): ReportedLine => ({
	kind: "payment",
	psp_kind: "payment",
	psp_id: payment,
	psp_payment_id: payment,
	psp_order_id: order,
	psp_settlement_id: "setl_1",
	amount: 10_000,
	credit: 9_764,
	debit: 0,
	fee: 236,
	tax: 36,
	currency: "INR",
	utr: "HDFC0001",
	settled_at: new Date(),
	...more,
});

const report = (of: TestMerchant, lines: ReportedLine[], is_final = false, day = today()) =>
	recordSettlementReport(jobs(), { gateway_id: of.gateways[0]!.id, source: "pull", day, is_final }, lines);

const today = () => new Date(Date.now() + 330 * 60_000).toISOString().slice(0, 10);

interface Exception {
	id: string;
	kind: string;
	status: string;
	attempt_id: string | null;
	expected: number | null;
	stated: number | null;
	details: Record<string, unknown>;
	resolution: string | null;
	resolved_by: string | null;
}

const exceptionsOf = (of: TestMerchant) =>
	rows<Exception>("select * from reconciliation_exceptions where client_id = $1 order by id", [of.id]);

const jobsFor = async (attempt_id: string) =>
	(
		await rows<{ task: string }>("select task_identifier as task from graphile_worker.jobs where key like '%:' || $1", [
			attempt_id,
		])
	).map(({ task }) => task);

describe("a settlement report", () => {
	test("is matched by order id, payment id or our reference, and adds up to the settlement", async () => {
		const kaveri = await merchant();
		const [a, b, c] = [await ordered(kaveri), await ordered(kaveri), await ordered(kaveri)];
		const refunded = await refundOf(kaveri, a);
		const result = await report(kaveri, [
			line(a),
			line(b, { psp_order_id: null }),
			line(c, {
				psp_id: "ch_1",
				psp_order_id: null,
				psp_payment_id: null,
				reference: c.attempt_id.replaceAll("-", ""),
			}),
			line(a, { kind: "refund", psp_id: refunded, amount: 10_000, credit: 0, debit: 10_000, fee: 0, tax: 0 }),
			line(a, {
				kind: "adjustment",
				psp_kind: "reserve_hold",
				psp_id: "adj_1",
				amount: 500,
				credit: 0,
				debit: 500,
				fee: 0,
			}),
		]);
		expect(result).toMatchObject({ lines: 5, new: 5, changed: 0, repeated: 0, opened: 0 });
		expect(await rows("select * from settlements where client_id = $1", [kaveri.id])).toMatchObject([
			{
				psp_settlement_id: "setl_1",
				utr: "HDFC0001",
				line_count: 5,
				matched_count: 4,
				payment_amount: 30_000,
				refund_amount: 10_000,
				other_amount: -500,
				fee: 708,
				net: 3 * 9_764 - 10_000 - 500,
			},
		]);
		expect(
			await rows(
				"select attempt_id, status, psp_kind from settlement_lines where client_id = $1 order by credit, debit, attempt_id",
				[kaveri.id],
			),
		).toMatchObject([
			{ status: "informative", psp_kind: "reserve_hold" },
			{ attempt_id: a.attempt_id, status: "matched" },
			{ attempt_id: a.attempt_id },
			{ attempt_id: b.attempt_id },
			{ attempt_id: c.attempt_id },
		]);
		expect(await exceptionsOf(kaveri)).toEqual([]);
	});

	test("changes nothing when it comes again, in another report or together with newer lines", async () => {
		const kaveri = await merchant();
		const [a, b] = [await ordered(kaveri), await ordered(kaveri)];
		const alien = line(a, { psp_id: "pay_alien", psp_payment_id: "pay_alien", psp_order_id: "order_alien" });
		await report(kaveri, [line(a), alien]);
		const state = () =>
			rows(
				`select (select jsonb_agg(l order by id) from settlement_lines l where client_id = $1),
					(select jsonb_agg(to_jsonb(s) - 'updated_at') from settlements s where client_id = $1),
					(select jsonb_agg(e order by id) from reconciliation_exceptions e where client_id = $1),
					(select count(*) from settlement_reports where client_id = $1)`,
				[kaveri.id],
			);
		const before = await state();
		expect(await report(kaveri, [line(a), alien])).toMatchObject({ report_id: null, new: 0, repeated: 2 });
		expect(await state()).toEqual(before);
		expect(await report(kaveri, [line(b), line(a)])).toMatchObject({ new: 1, repeated: 1, opened: 0 });
		// A report that knows the settlement by its UTR alone.
		expect(await report(kaveri, [line(b, { psp_settlement_id: null })])).toMatchObject({ new: 0, repeated: 1 });
	});

	test("that says something else than an earlier one counts, and what was said before is kept", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		await report(kaveri, [line(payment, { fee: 300, credit: 9_700 })]);
		expect(await exceptionsOf(kaveri)).toMatchObject([{ kind: "fee", expected: 236, stated: 300, status: "open" }]);
		expect(await report(kaveri, [line(payment)])).toMatchObject({ new: 0, changed: 1 });
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "fee", status: "resolved", resolution: "explained", resolved_by: "system" },
		]);
		expect(
			await rows(
				"select l.earlier, s.net, s.fee from settlement_lines l join settlements s on s.id = settlement_id where l.client_id = $1",
				[kaveri.id],
			),
		).toMatchObject([{ earlier: [{ fee: 300, credit: 9_700 }], net: 9_764, fee: 236 }]);
	});

	test("has settlements that are the sum of their lines, whatever comes in whatever parts", async () => {
		const kaveri = await merchant();
		const payments = [await ordered(kaveri), await ordered(kaveri), await ordered(kaveri)];
		const anyLine = fc.record({
			of: fc.nat(2),
			kind: fc.constantFrom("payment", "refund", "adjustment", "transfer", "other") as fc.Arbitrary<
				ReportedLine["kind"]
			>,
			occurrence: fc.integer({ min: 1, max: 2 }),
			psp_settlement_id: fc.constantFrom("setl_a", "setl_b", null),
			utr: fc.constantFrom("U1", null),
			amount: fc.integer({ min: 1, max: 1_000_000 }),
			credit: fc.nat(1_000_000),
			debit: fc.nat(1_000_000),
			fee: fc.nat(5_000),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(fc.array(anyLine, { maxLength: 6 }), { maxLength: 3 }), async (parts) => {
				for (const part of parts) {
					await report(
						kaveri,
						part.map(({ of, ...more }) => line(payments[of]!, more)),
					);
				}
				expect(
					await rows(
						`select s.id from settlements s left join settlement_lines l on l.settlement_id = s.id where s.client_id = $1 group by s.id
							having s.net <> coalesce(sum(l.credit - l.debit), 0) or s.fee <> coalesce(sum(l.fee), 0) or s.line_count <> count(l.id)
								or s.matched_count <> count(*) filter (where l.status = 'matched')
								or s.payment_amount <> coalesce(sum(l.amount) filter (where l.kind = 'payment'), 0)`,
						[kaveri.id],
					),
				).toEqual([]);
			}),
			{ numRuns: 15 },
		);
	});
});

describe("a difference is found", () => {
	test("missing with us: a payment and a refund that we do not know, until we do", async () => {
		const kaveri = await merchant();
		const known = await ordered(kaveri);
		await report(kaveri, [
			line(known),
			line(known, { psp_id: "pay_x", psp_payment_id: "pay_x", psp_order_id: "order_x" }),
			line(known, { kind: "refund", psp_id: "rfnd_x", amount: 400, credit: 0, debit: 400, fee: 0, tax: 0 }),
		]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "missing_with_us", attempt_id: null, stated: 10_000 },
			{ kind: "missing_with_us", attempt_id: known.attempt_id, stated: 400 },
		]);
		await rows("update payment_attempts set psp_payment_id = 'pay_x' where id = $1", [
			(await ordered(kaveri)).attempt_id,
		]);
		await rejudgeExceptions(jobs(), null, false);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ status: "resolved", resolution: "explained" },
			{ status: "open" },
		]);
	});

	test("state: they have settled what is not paid with us; the PSP is asked, and once it is paid the difference explains itself", async () => {
		const kaveri = await merchant();
		const unpaid = await ordered(kaveri, false);
		await report(kaveri, [line(unpaid)]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "state", attempt_id: unpaid.attempt_id, details: { ours: "pending", theirs: "captured" } },
		]);
		expect(await jobsFor(unpaid.attempt_id)).toContain("confirm_attempt");
		expect(await rows("select status from transactions where id = $1", [unpaid.transaction_id])).not.toMatchObject([
			{ status: "paid" },
		]);
		await pay(unpaid);
		await rejudgeExceptions(jobs(), null, true);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ status: "resolved", resolution: "explained", resolved_by: "system" },
		]);
	});

	test("amount: other than ordered, in another currency, or a net that does not add up", async () => {
		const kaveri = await merchant();
		const [a, b, c] = [await ordered(kaveri), await ordered(kaveri), await ordered(kaveri)];
		await report(kaveri, [
			line(a, { amount: 9_000, credit: 8_764 }),
			line(b, { currency: "USD" }),
			line(c, { credit: 9_700 }),
		]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "amount", attempt_id: a.attempt_id, expected: 10_000, stated: 9_000 },
			{ kind: "amount", attempt_id: b.attempt_id, details: { reason: "currency", stated_currency: "USD" } },
			{ kind: "amount", attempt_id: c.attempt_id, expected: 9_764, stated: 9_700, details: { reason: "net" } },
		]);
	});

	test("fee: against the terms, else against what the PSP stated at the payment, else not judged", async () => {
		const kaveri = await merchant();
		const [stated, unknown, by_terms] = [
			await ordered(kaveri),
			await ordered(kaveri, true, null),
			await ordered(kaveri),
		];
		const higher = { fee: 354, tax: 54, credit: 9_646 };
		await report(kaveri, [line(stated, higher), line(unknown, higher)]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "fee", attempt_id: stated.attempt_id, expected: 236, stated: 354 },
		]);
		// 3 % and 18 % GST on it: 354
		await asStudio("select public.set_settlement_terms($1, $2, 5, 'contract of May', 'finance-1')", [
			kaveri.gateways[0]!.id,
			JSON.stringify([{ method: "upi", percent: 3, fixed: 0, gst_percent: 18 }]),
		]);
		await report(kaveri, [line(by_terms, higher)]);
		await rejudgeExceptions(jobs(), null, false);
		expect(await exceptionsOf(kaveri)).toMatchObject([{ status: "resolved", resolution: "explained" }]);
		expect(await asStudio("select f from public.gateway_fees($1) f", [[kaveri.gateways[0]!.id]])).toMatchObject([
			{ f: { payments: 3, volume: 30_000, fee: 1_062, tax: 162, effective_percent: 3.54 } },
		]);
	});

	test("duplicate: settled in two settlements until it is taken back; a second payment unless it goes back by itself", async () => {
		const kaveri = await merchant();
		const [twice, second] = [await ordered(kaveri), await ordered(kaveri)];
		const other = { psp_id: "pay_second", psp_payment_id: "pay_second" };
		await report(kaveri, [line(twice), line(second), line(second, other)]);
		await report(kaveri, [line(twice, { psp_settlement_id: "setl_2", utr: "HDFC0002" })]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "duplicate", attempt_id: second.attempt_id, details: { reason: "second_payment" } },
			{
				kind: "duplicate",
				attempt_id: twice.attempt_id,
				expected: 0,
				stated: 9_764,
				details: { reason: "settled_twice" },
			},
		]);
		await settleAttempt(jobs(), second.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_second" }));
		await report(kaveri, [
			line(twice, {
				kind: "adjustment",
				psp_id: "adj_9",
				credit: 0,
				debit: 9_764,
				fee: 0,
				tax: 0,
				psp_settlement_id: "setl_3",
				utr: null,
			}),
		]);
		await rejudgeExceptions(jobs(), null, false);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ status: "resolved" },
			{ status: "resolved", resolution: "explained" },
		]);
	});

	test("missing there: paid and refunded, and in no report when the PSP's time is over, until a later report has it", async () => {
		const kaveri = await merchant();
		const [a, lost, fresh] = [await ordered(kaveri), await ordered(kaveri), await ordered(kaveri)];
		const refund = await refundOf(kaveri, a);
		await rows("update payment_attempts set settled_at = now() - interval '8 days' where id = any($1)", [
			[a.attempt_id, lost.attempt_id],
		]);
		await rows("update refunds set completed_at = now() - interval '7 days' where psp_refund_id = $1", [refund]);
		const ago = (days: number) => new Date(Date.now() + 330 * 60_000 - days * 86_400_000).toISOString().slice(0, 10);
		await report(kaveri, [line(a)], true, ago(9));
		// Covered to yesterday; the fresh payment still has its days.
		await report(kaveri, [], true, ago(1));
		await reconcileAll();
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ kind: "missing_there", attempt_id: lost.attempt_id, expected: 10_000, stated: null },
			{ kind: "missing_there", attempt_id: a.attempt_id, expected: 10_000 },
		]);
		await reconcileAll();
		expect(await exceptionsOf(kaveri)).toHaveLength(2);
		await report(kaveri, [
			line(lost),
			line(fresh),
			line(a, { kind: "refund", psp_id: refund, credit: 0, debit: 10_000, fee: 0, tax: 0 }),
		]);
		expect(await exceptionsOf(kaveri)).toMatchObject([
			{ status: "resolved", resolution: "explained" },
			{ status: "resolved", resolution: "explained" },
		]);
	});

	test("direct UPI: a payment that an operator approved and no bank statement shows", async () => {
		const upi = await createMerchant(database.pool("admin"), keys, {}, [
			{ provider: "upi", api_key: "kaveri@okbank", api_secret: null, settings: {} },
		]);
		const [on_statement, approved] = [await startPayment(database, upi), await startPayment(database, upi)];
		for (const [payment, utr] of [
			[on_statement, "412345678901"],
			[approved, "412345678902"],
		] as const) {
			await rows("select public.settle_upi_receipt($1, $2, 'operator')", [payment.attempt_id, utr]);
			await rows("update payment_attempts set settled_at = now() - interval '8 days' where id = $1", [
				payment.attempt_id,
			]);
		}
		const credit = (line_no: number, days: number, utr: string | null) => ({
			line_no,
			credited_on: new Date(Date.now() + 330 * 60_000 - days * 86_400_000).toISOString().slice(0, 10),
			amount: 10_000,
			utr,
			payer: null,
			narration: `UPI/${utr}`,
		});
		const lines = [credit(1, 9, "412345678999"), credit(2, 8, "412345678901"), credit(3, 1, null)];
		await asStudio("select public.import_bank_statement($1, 'may.csv', $2, $3, 'op')", [
			upi.gateways[0]!.id,
			"a".repeat(64),
			JSON.stringify(lines),
		]);
		await reconcileAll();
		await reconcileAll();
		expect((await exceptionsOf(upi)).map(({ kind, attempt_id }) => [kind, attempt_id])).toEqual([
			["missing_with_us", null],
			["missing_with_us", null],
			["missing_there", approved.attempt_id],
		]);
	});
});

async function reconcileAll(): Promise<void> {
	for (let after: string | null = null, is_done = false; !is_done; ) {
		const step = await reconcileGateways(jobs(), after);
		is_done = step.next === null && !step.again;
		after = step.next;
	}
}

async function refundOf(of: TestMerchant, payment: Payment): Promise<string> {
	const {
		refund: { refund_id },
	} = await createRefund(database.pool("checkout"), {
		client_id: of.id,
		transaction_id: payment.transaction_id,
		amount: null,
		reason: null,
		idempotency_key: null,
	});
	await beginRefund(jobs(), refund_id);
	const psp_refund_id = `rfnd_${randomUUID()}`;
	await settleRefund(jobs(), refund_id, {
		outcome: "succeeded",
		psp_refund_id,
		amount: 10_000,
		bank_reference: null,
		error: null,
		raw: {},
	} as Parameters<typeof settleRefund>[2]);
	return psp_refund_id;
}

describe("people", () => {
	test("take an exception, note what they found and resolve it with a reason; later reports do not open it again", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		const wrong = line(payment, { amount: 9_000, credit: 8_764 });
		await report(kaveri, [wrong]);
		const [{ id }] = (await exceptionsOf(kaveri)) as [Exception];
		const [taken] = await asStudio<{ e: object }>(
			"select public.change_exception($1, 'finance-1', 'asked the PSP', 'finance-1') as e",
			[id],
		);
		expect(taken!.e).toMatchObject({ owner: "finance-1", note: "asked the PSP" });
		await expect(
			asStudio("select public.resolve_exception($1, 'accepted', ' ', 'finance-1')", [id]),
		).rejects.toMatchObject({ code: "LS044" });
		await asStudio("select public.resolve_exception($1, 'psp_corrects', 'ticket 4711', 'finance-1')", [id]);
		await expect(asStudio("select public.resolve_exception($1, 'accepted', 'x', 'y')", [id])).rejects.toMatchObject({
			code: "LS251",
		});
		await report(kaveri, [wrong, line(payment, { ...wrong, fee: 240 })]);
		expect(await exceptionsOf(kaveri)).toMatchObject([{ id, status: "resolved", resolution: "psp_corrects" }]);
		expect(await rows("select action, actor from audit_log where row_id = $1 order by id", [id])).toEqual([
			{ action: "change_exception", actor: "finance-1" },
			{ action: "resolve_exception", actor: "finance-1" },
		]);
	});

	test("find them by kind, gateway, owner and age, a page at a time", async () => {
		const kaveri = await merchant();
		const payments = [await ordered(kaveri), await ordered(kaveri), await ordered(kaveri)];
		await report(
			kaveri,
			payments.map((payment) => line(payment, { amount: 1 })),
		);
		const gateway = kaveri.gateways[0]!.id;
		const list = (more: Record<string, unknown> = {}, limit = 50) => {
			const { kind = null, owner = null, days = null, after = null } = more;
			return asStudio<{ e: Exception }>("select public.list_exceptions('open', $1, $2, null, $3, $4, $5, $6) as e", [
				kind,
				gateway,
				owner,
				days,
				after,
				limit,
			]);
		};
		const all = await list();
		expect(all).toHaveLength(3);
		expect((await list({}, 2)).map(({ e }) => e.id)).toEqual(all.slice(0, 2).map(({ e }) => e.id));
		expect((await list({ after: all[1]!.e.id })).map(({ e }) => e.id)).toEqual([all[2]!.e.id]);
		await asStudio("select public.change_exception($1, 'finance-2', null, 'finance-2')", [all[0]!.e.id]);
		expect(await list({ owner: "finance-2" })).toHaveLength(1);
		expect(await list({ owner: "nobody" })).toHaveLength(2);
		expect(await list({ kind: "fee" })).toHaveLength(0);
		expect(await list({ days: 1 })).toHaveLength(0);
	});
});

describe("the studio", () => {
	test("reads settlements with their lines, differences with what they are about, and gateways with fees and reports", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		await report(kaveri, [
			line(payment),
			line(payment, { psp_id: "pay_z", psp_payment_id: "pay_z", psp_order_id: null }),
		]);
		const gateway = kaveri.gateways[0]!.id;
		const one = async (call: string, ...values: unknown[]) =>
			(await asStudio<{ value: Record<string, unknown> }>(`select public.${call} as value`, values)).map(
				({ value }) => value,
			);
		const [settlement] = await one("list_settlements(null, $1, null, null, 'HDFC0001', null, null, 10)", kaveri.id);
		expect(settlement).toMatchObject({ net: 2 * 9_764, line_count: 2, matched_count: 1, gateway_id: gateway });
		expect(
			await one("list_settlements($1, null, current_date - 3, null, null, current_date + 3, $2, 10)", gateway, gateway),
		).toHaveLength(1);
		expect(await one("read_settlement($1)", settlement!.id)).toMatchObject([
			{ credits: [], psp_settlement_id: "setl_1" },
		]);
		const lines = await one("list_settlement_lines($1, 'all', null, 10)", settlement!.id);
		expect(lines).toMatchObject([
			{ status: "matched", transaction_id: payment.transaction_id, open_exceptions: [] },
			{ status: "open", open_exceptions: [{ kind: "missing_with_us" }] },
		]);
		expect(await one("list_settlement_lines($1, 'differing', $2, 10)", settlement!.id, lines[0]!.id)).toHaveLength(1);
		const [exception] = await exceptionsOf(kaveri);
		expect(await one("read_exception($1)", exception!.id)).toMatchObject([
			{ line: { psp_id: "pay_z" }, payment: null },
		]);
		expect(await one("count_exceptions()")).toMatchObject([
			{ open: expect.any(Number), oldest_at: expect.any(String) },
		]);
		expect(await one("read_settlement_account($1)", gateway)).toMatchObject([
			{ open: 1, fees: { payments: 2, fee: 472 }, reports: [{ source: "pull", new: 2 }], settlement_days: 5 },
		]);
	});
});

describe("the clock", () => {
	test("has each gateway with payments pulled once an hour, from the day of its first payment", async () => {
		const [kaveri] = [await merchant(), await merchant()];
		const payment = await ordered(kaveri);
		await rows("update payment_attempts set settled_at = now() - interval '2 days' where id = $1", [
			payment.attempt_id,
		]);
		const pulls = () =>
			rows("select payload from graphile_worker._private_jobs where key = 'pull_settlement:' || $1", [
				kaveri.gateways[0]!.id,
			]);
		await enqueueSettlementPulls(jobs(), ["razorpay"], 0);
		expect(await pulls()).toHaveLength(1);
		expect(await enqueueSettlementPulls(jobs(), ["razorpay"], 0)).toBe(0);
		const pull = await beginSettlementPull(jobs(), kaveri.gateways[0]!.id);
		expect(pull!.days).toHaveLength(3);
		expect(pull!.days.at(-1)).toEqual({ day: today(), is_final: false });
		await report(kaveri, [], true, pull!.days[0]!.day);
		expect((await beginSettlementPull(jobs(), kaveri.gateways[0]!.id))!.days).toEqual(pull!.days.slice(1));
	});

	test("alerts when pulls have failed for a day, and takes it back with the next that works", async () => {
		const kaveri = await merchant();
		const gateway = kaveri.gateways[0]!.id;
		const alert = () => rows("select status from alerts where dedupe_key = 'settlement_pull_fails:' || $1", [gateway]);
		await recordSettlementPullFailure(jobs(), gateway, today(), { code: "authentication_failed" });
		expect(await alert()).toEqual([]);
		await rows("update settlement_accounts set failing_since = now() - interval '25 hours' where gateway_id = $1", [
			gateway,
		]);
		await recordSettlementPullFailure(jobs(), gateway, today(), { code: "authentication_failed" });
		expect(await alert()).toEqual([{ status: "open" }]);
		await report(kaveri, []);
		expect(await alert()).toEqual([{ status: "resolved" }]);
	});

	test("compares a night once, and alerts while differences are open for days", async () => {
		const kaveri = await merchant();
		await report(kaveri, [line(await ordered(kaveri), { amount: 5 })]);
		const night = await beginReconciliation(jobs());
		expect(night).toMatch(/^\d{4}-\d{2}-\d{2}$/);
		expect(await beginReconciliation(jobs()), "a run that broke off is taken up").toBe(night);
		await finishReconciliation(jobs(), night!, { opened: 0 });
		expect(await beginReconciliation(jobs())).toBeNull();
		const alert = () => rows("select status from alerts where kind = 'reconciliation_waits'");
		expect(await alert()).toEqual([]);
		await rows("select public.finish_reconciliation($1, '{}', interval '0')", [night]);
		expect(await alert()).toEqual([{ status: "open" }]);
		await finishReconciliation(jobs(), night!, {});
		expect(await alert()).toEqual([{ status: "resolved" }]);
	});
});
