import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PlayedMonth, playMonth } from "../../scripts/month.ts";
import { moveToPast } from "../../scripts/past.ts";
import { formatReport } from "../../scripts/report-formats.ts";
import { ReportError, readReports, runReport } from "../../scripts/reports.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, startPayment } from "../../test/payments.ts";
import { recordSplitTransfer, settleAttempt } from "../client/attempts.ts";
import { closeBillingMonth } from "../client/invoices.ts";
import { checkInvariants } from "../client/operations.ts";
import { createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

/*
 * The books of three merchants, spring of 2026, times of India; commission and GST (18 %) in paise, to the paisa, half up.
 *
 *   Kaveri, 3.5 %, registered in Karnataka as we are          Lamps, 2 %, Tamil Nadu, no GSTIN
 *   10 Feb  12:00     10,000 →   350 +  63                    15 Mar   50,000 → 1,000 + 180
 *   31 Mar  23:59:59  20,000 →   700 + 126                    10 Apr   12,345 → 246.9 = 247, 44.46 = 44
 *    1 Apr  00:00:00  30,000 → 1,050 + 189                    21 Apr   adjustment −100
 *    5 Apr  refund of 5,000 of February's 10,000:             Narmada, 3.5 %, Maharashtra, no GSTIN
 *           350 × ½ = −175, 63 × ½ = 31.5 = −32               20 Mar   30,00,00,000 → 1,05,00,000 + 18,90,000
 *   20 Apr  settled 500                                        2 Apr   refund of all of it
 *    1 May  01:30     40,000 → 1,400 + 252 (30 April in UTC)
 */
const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let kaveri: TestMerchant;
let lamps: TestMerchant;
let narmada: TestMerchant;
const rows = queryAs(() => database.pool("admin"));
const reports = readReports();

beforeAll(async () => {
	database = await createTestDatabase();
	await rows(
		"update company_profile set legal_name = 'Lightspeed Payments', address = 'Bengaluru', gstin = '29AAGCB7383J1Z4'",
	);
	const merchant = (company_name: string, columns: object) =>
		createMerchant(database.pool("admin"), keys, { company_name, ...columns });
	kaveri = await merchant("Kaveri", { gstin: "29AAGCB7383J1Z4", fee_percent: 3.5 });
	lamps = await merchant("Lamps", { state_code: "33", fee_percent: 2 });
	narmada = await merchant("Narmada", { state_code: "27", fee_percent: 3.5 });

	const february = await pay(kaveri, 10_000, "2026-02-10T12:00:00+05:30", 150);
	await pay(lamps, 50_000, "2026-03-15T12:00:00+05:30");
	const large = await pay(narmada, 300_000_000, "2026-03-20T12:00:00+05:30");
	await pay(kaveri, 20_000, "2026-03-31T23:59:59.999+05:30", 400);
	await pay(kaveri, 30_000, "2026-04-01T00:00:00+05:30");
	await decline(kaveri, "2026-04-01T00:00:00+05:30");
	await refund(narmada, large, 300_000_000, "2026-04-02T12:00:00+05:30");
	await refund(kaveri, february, 5_000, "2026-04-05T12:00:00+05:30");
	await pay(lamps, 12_345, "2026-04-10T12:00:00+05:30");
	await book(kaveri, "2026-04-20T12:00:00+05:30", () =>
		database
			.pool("studio")
			.query(
				"select record_manual_settlement($1, 500, 'UTR 1', 'upi', (now() at time zone 'Asia/Kolkata')::date, null, 'meera')",
				[kaveri.id],
			),
	);
	await book(lamps, "2026-04-21T12:00:00+05:30", () =>
		database.pool("studio").query("select propose_adjustment(uuidv7(), $1, -100, 'Goodwill', 'meera')", [lamps.id]),
	);
	await pay(kaveri, 40_000, "2026-04-30T20:00:00Z");

	await settle();
	await runSchedules();

	// A month's documents are dated the first of the next one.
	for (const { id } of [kaveri, lamps, narmada]) while ((await closeBillingMonth(database.pool("jobs"), id)) !== null);
	await database.pool("admin").query(
		`begin; set local session_replication_role = replica;
			update invoices set issued_on = (month + interval '1 month')::date; commit`,
	);
});
afterAll(() => database.drop());

async function settle(): Promise<void> {
	await rows(
		`insert into payouts (client_id, collected_for, amount, provider, status, kind, asked_by, reason) values
			($1, '2026-04-10', 291, 'razorpay', 'queued', 'nightly', null, null), ($1, '2026-04-10', 100, 'razorpay', 'failed', 'asked', 'meera', 'now')`,
		[lamps.id],
	);
	const gateway = (of: TestMerchant) => of.gateways[0]!.id;
	await rows(
		`insert into settlements (client_id, gateway_id, psp_settlement_id, currency, utr, settled_on, line_count, matched_count, payment_count,
				payment_amount, fee, tax, net) values
			($1, $2, 'setl_1', 'INR', 'UTR1', '2026-04-02', 1, 1, 1, 20000, 400, 61, 19600),
			($3, $4, 'setl_2', 'INR', 'UTR2', '2026-04-02', 2, 1, 2, 9500, 190, 29, 9310)`,
		[kaveri.id, gateway(kaveri), lamps.id, gateway(lamps)],
	);
	await rows(
		`with report as (
			insert into settlement_reports (client_id, gateway_id, source, imported_by) values ($3, $4, 'pull', 'system') returning id
		), line as (
			insert into settlement_lines (settlement_id, client_id, gateway_id, kind, psp_id, amount, credit, debit, fee, tax, currency, utr, status, report_id)
				select (select id from settlements where psp_settlement_id = 'setl_2'), $3, $4, 'payment', 'pay_unknown', 9500, 9310, 0, 190, 29, 'INR', 'UTR2',
					'open', id from report returning id
		)
		insert into reconciliation_exceptions (client_id, gateway_id, kind, line_id, attempt_id, expected, stated, status, opened_at, resolution,
				resolution_reason, resolved_by, resolved_at)
			select $3::uuid, $4::uuid, 'missing_with_us', id, null::uuid, null::bigint, 9500, 'open', timestamptz '2026-04-02T20:00:00Z', null, null, null,
				null::timestamptz from line
			union all
			select $1, $2, 'missing_there', null, id, 20000, null, 'resolved', '2026-04-03T06:00:00Z', 'explained', 'It came.', 'system', '2026-04-07T06:00:00Z'
				from payment_attempts where client_id = $1 and amount = 20000`,
		[kaveri.id, gateway(kaveri), lamps.id, gateway(lamps)],
	);
}

async function runSchedules(): Promise<void> {
	for (const queue of ["close_report_days", "collect_commissions"]) {
		await rows("select pgboss.create_queue($1, $2::jsonb)", [queue, { policy: "standard" }]);
		await rows("insert into queues (queue, kind) values ($1, 'schedule')", [queue]);
	}
	await rows(
		`insert into pgboss.job (name, state, retry_count, created_on, started_on, completed_on, output) values
			('close_report_days', 'completed', 0, '2026-03-31T18:50:00Z', '2026-03-31T18:50:01Z', '2026-03-31T18:50:03Z', '{"days": 1}'),
			('collect_commissions', 'failed', 2, '2026-04-01T20:30:00Z', '2026-04-01T20:30:20Z', '2026-04-01T20:30:21Z', '{"message": "no connection"}'),
			('close_report_days', 'completed', 0, '2026-04-02T18:50:00Z', '2026-04-02T18:50:01Z', '2026-04-02T18:50:03Z', '{"days": 1}')`,
	);
}

async function book(of: TestMerchant, at: string, work: () => Promise<unknown>, transactions: string[] = []) {
	const [wallet] = await rows<{ entry_count: number }>("select entry_count from wallets where client_id = $1", [of.id]);
	await work();
	const admin = await database.pool("admin").connect();
	try {
		await moveToPast(admin, { client_id: of.id, from_entry: wallet!.entry_count + 1, transactions, at });
	} finally {
		admin.release();
	}
}

async function pay(of: TestMerchant, amount: number, at: string, fee: number | null = null): Promise<string> {
	const { transaction_id, attempt_id } = await startPayment(database, of, { amount });
	await book(of, at, () =>
		settleAttempt(
			database.pool("jobs"),
			attempt_id,
			attemptState("succeeded", { psp_payment_id: `pay_${attempt_id}`, amount, fee }),
		),
	);
	return transaction_id;
}

async function decline(of: TestMerchant, at: string): Promise<void> {
	const { transaction_id, attempt_id } = await startPayment(database, of);
	await book(
		of,
		at,
		() => settleAttempt(database.pool("jobs"), attempt_id, attemptState("failed", { method: "card" })),
		[transaction_id],
	);
}

async function refund(of: TestMerchant, transaction_id: string, amount: number, at: string): Promise<void> {
	await book(of, at, async () => {
		const { refund } = await createRefund(database.pool("checkout"), {
			client_id: of.id,
			transaction_id,
			amount,
			reason: null,
			idempotency_key: null,
		});
		await settleRefund(database.pool("jobs"), refund.refund_id, {
			outcome: "succeeded",
			psp_refund_id: `rfnd_${refund.refund_id}`,
			amount,
			bank_reference: null,
			error: null,
			raw: null,
		});
	});
}

/** Each row as its values, in the order of the report's columns. */
async function ask(name: string, from: string, to: string, client?: TestMerchant) {
	const report = reports.find((each) => each.name === name)!;
	const answer = await runReport(database.pool("finance"), report, {
		from,
		to,
		...(client === undefined ? {} : { client: client.id }),
	});
	return answer.rows.map((row) => answer.columns.map((column) => row[column]));
}

const close = async () => (await rows<{ closed: number }>("select close_report_days(100000) as closed"))[0]!.closed;

describe.each(["open days, read from the rows", "closed days, read from their figures"])("of %s", (which) => {
	beforeAll(async () => {
		if (which.startsWith("closed")) expect(await close()).toBeGreaterThan(80);
	});

	test("commission-daily counts each day of India, its first and last moment within it", async () => {
		// day, merchants, payments, volume, commission, gst, refunds, refunded, reversed, gst reversed, net
		expect(await ask("commission-daily", "2026-03-31", "2026-04-05")).toEqual([
			["2026-03-31", 1, 1, 20_000, 700, 126, 0, 0, 0, 0, 700],
			["2026-04-01", 1, 1, 30_000, 1_050, 189, 0, 0, 0, 0, 1_050],
			["2026-04-02", 1, 0, 0, 0, 0, 1, 300_000_000, -10_500_000, -1_890_000, -10_500_000],
			["2026-04-05", 1, 0, 0, 0, 0, 1, 5_000, -175, -32, -175],
		]);
		// 30 April in UTC is 1 May in India
		expect(await ask("commission-daily", "2026-04-30", "2026-04-30")).toEqual([]);
		expect(await ask("commission-daily", "2026-05-01", "2026-05-01", kaveri)).toEqual([
			["2026-05-01", 1, 1, 40_000, 1_400, 252, 0, 0, 0, 0, 1_400],
		]);
		expect(await ask("commission-daily", "2026-05-01", "2026-05-01", lamps)).toEqual([]);
	});

	test("vw_commission_daily holds the same, a merchant and day", async () => {
		const { rows: april } = await database
			.pool("finance")
			.query(
				"select day::text, company_name, payments, commission, reversed from vw_commission_daily where day between '2026-04-01' and '2026-04-05' order by day",
			);
		expect(april).toEqual([
			{ day: "2026-04-01", company_name: "Kaveri", payments: 1, commission: 1_050, reversed: 0 },
			{ day: "2026-04-02", company_name: "Narmada", payments: 0, commission: 0, reversed: -10_500_000 },
			{ day: "2026-04-05", company_name: "Kaveri", payments: 0, commission: 0, reversed: -175 },
		]);
	});

	test("dues-ageing takes what was paid off the oldest dues", async () => {
		// Kaveri at the end of 20 April: 413 + 826 + 1,239 − 207 − 500 = 1,771. Raised within 30 days: 826 + 1,239 = 2,065, so all of it.
		// Lamps: 1,180 + 291 = 1,471, of which 291 is of April; 15 March is 36 days back.
		expect((await ask("dues-ageing", "2026-04-20", "2026-04-20")).map((row) => row.slice(1))).toEqual([
			["Kaveri", "active", 1_771, 1_771, 0, 0, 0, 0],
			["Lamps", "active", 1_471, 291, 1_180, 0, 0, 0],
		]);
		// At the end of 31 May, Kaveri owes 1,771 + 1,652 = 3,423: 1,652 of 1 May (30 days back: the 31st day), the rest of 1 April
		// (60 days back) and 31 March (61 days back): 1,239 and 532.
		expect((await ask("dues-ageing", "2026-05-31", "2026-05-31", kaveri)).map((row) => row.slice(3))).toEqual([
			[3_423, 0, 1_652, 1_771, 0, 0],
		]);
		expect((await ask("dues-ageing", "2026-07-30", "2026-07-30", kaveri)).map((row) => row.slice(3))).toEqual([
			[3_423, 0, 0, 0, 3_423, 0],
		]);
		expect(await ask("dues-ageing", "2026-02-09", "2026-02-09")).toEqual([]);
	});

	test("collection says what was charged, settled and adjusted", async () => {
		// day, charged, collected, settled, adjusted, payouts …
		expect(await ask("collection", "2026-04-05", "2026-04-30")).toEqual([
			["2026-04-05", -207, 0, 0, 0, 0, 0, 0, 0, 0, 0],
			// one payout waits, one failed
			["2026-04-10", 291, 0, 0, 0, 2, 1, 0, 1, 391, 0],
			["2026-04-20", 0, 0, 500, 0, 0, 0, 0, 0, 0, 0],
			["2026-04-21", 0, 0, 0, -100, 0, 0, 0, 0, 0, 0],
		]);
	});

	test("merchant-statement runs from the balance before to the balance after", async () => {
		// 413 of February and 826 of March; then + 1,050 + 189 − 175 − 32 − 500
		expect(await ask("merchant-statement", "2026-04-01", "2026-04-30", kaveri)).toEqual([
			[null, "opening balance", null, null, null, null, 1_239],
			["2026-04-01", "commission", null, 1, 30_000, 1_050, 2_289],
			["2026-04-01", "GST on commission", null, null, null, 189, 2_478],
			["2026-04-05", "commission taken back", null, 1, 5_000, -175, 2_303],
			["2026-04-05", "GST taken back", null, null, null, -32, 2_271],
			["2026-04-20", "payment received", "upi UTR 1", null, null, -500, 1_771],
		]);
		expect(await ask("merchant-statement", "2026-04-12", "2026-04-30", lamps)).toEqual([
			[null, "opening balance", null, null, null, null, 1_471],
			["2026-04-21", "adjustment", "Goodwill", null, null, -100, 1_371],
		]);
	});

	test("monthly-revenue takes a refund off the month that it happened in", async () => {
		// month, merchants, new, payments, volume, commission, reversed, revenue, take rate, growth
		expect(await ask("monthly-revenue", "2026-02-15", "2026-05-01")).toEqual([
			["2026-02-01", 1, 1, 1, 10_000, 350, 0, 350, 3.5, null],
			// 700 + 1,000 + 1,05,00,000 of 30,00,70,000; 1,05,01,700 / 350 is 30,004.857 times
			["2026-03-01", 3, 2, 3, 300_070_000, 10_501_700, 0, 10_501_700, 3.5, 3_000_385.7],
			// 1,050 + 247 − 175 − 1,05,00,000; of 42,345 − 30,00,05,000 paid less refunded: 100 × −1,04,98,878 / −29,99,62,655
			["2026-04-01", 2, 0, 2, 42_345, 1_297, -10_500_175, -10_498_878, 3.5, -200],
			["2026-05-01", 1, 0, 1, 40_000, 1_400, 0, 1_400, 3.5, -100],
		]);
	});

	test("merchant-cohorts follows merchants from their first month", async () => {
		// cohort, merchants, age, month, active, %, payments, volume, revenue, %
		expect(await ask("merchant-cohorts", "2026-02-01", "2026-03-31")).toEqual([
			["2026-02-01", 1, 0, "2026-02-01", 1, 100, 1, 10_000, 350, 100],
			["2026-02-01", 1, 1, "2026-03-01", 1, 100, 1, 20_000, 700, 200],
			["2026-02-01", 1, 2, "2026-04-01", 1, 100, 1, 30_000, 875, 250],
			["2026-02-01", 1, 3, "2026-05-01", 1, 100, 1, 40_000, 1_400, 400],
			["2026-03-01", 2, 0, "2026-03-01", 2, 100, 2, 300_050_000, 10_501_000, 100],
			// 247 − 1,05,00,000
			["2026-03-01", 2, 1, "2026-04-01", 1, 50, 1, 12_345, -10_499_753, -100],
		]);
	});

	test("trial-balance balances", async () => {
		expect(await ask("trial-balance", "2026-04-05", "2026-04-30")).toEqual([
			// −207 + 291 − 500 − 100
			["receivable from merchants", 0, 516],
			["bank: collected", 0, 0],
			["bank: payments received", 500, 0],
			["commission", 0, 247],
			["commission taken back", 175, 0],
			["GST on commission", 0, 44],
			["GST taken back", 32, 0],
			["adjustments", 100, 0],
			["other entries", 0, 0],
			["total", 807, 807],
		]);
	});

	test("gateway-cost says what was approved, and what of it is known to cost how much", async () => {
		// provider, gateway, method, succeeded, failed, undecided, approval, volume, stated fee, of what it was stated, settled fee
		expect(await ask("gateway-cost", "2026-03-31", "2026-04-02")).toEqual([
			// settled on 2 April: 590 of 20,000 + 9,500
			["razorpay", null, "all", 2, 1, 0, 66.67, 50_000, 400, 2, 590, 2],
			["razorpay", null, "upi", 2, 0, 0, 100, 50_000, 400, 2, null, null],
			["razorpay", null, "card", 0, 1, 0, 0, 0, 0, null, null, null],
		]);
		expect(await ask("gateway-cost", "2026-02-01", "2026-03-31", kaveri)).toEqual([
			// 150 + 400 of 10,000 + 20,000
			["razorpay", "Gateway 1", "all", 2, 0, 0, 100, 30_000, 550, 1.833, null, null],
			["razorpay", "Gateway 1", "upi", 2, 0, 0, 100, 30_000, 550, 1.833, null, null],
		]);
		// fees of a period in which nobody paid
		expect(await ask("gateway-cost", "2026-04-02", "2026-04-02", kaveri)).toEqual([
			["razorpay", "Gateway 1", "all", 0, 0, 0, null, 0, 0, null, 400, 2],
		]);
	});

	test("reconciliation says what was settled and what differs", async () => {
		// provider, gateway, settlements, lines, matched, paid, refunded, fee, its GST, net, fee %, opened, resolved, open,
		// missing with us, missing there, amount, fee, state, duplicate, without owner
		const all = await ask("reconciliation", "2026-04-01", "2026-04-30");
		expect(all.map((row) => row.slice(0, -1))).toEqual([
			["razorpay", null, 2, 3, 2, 29_500, 0, 590, 90, 28_910, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 1],
		]);
		const own = await ask("reconciliation", "2026-04-01", "2026-04-30", lamps);
		expect(own.map((row) => row.slice(0, 14))).toEqual([
			["razorpay", "Gateway 1", 1, 2, 1, 9_500, 0, 190, 29, 9_310, 2, 1, 0, 1],
		]);
		const differs = await ask("reconciliation-exceptions", "2026-04-01", "2026-04-30");
		expect(differs.map(([, on, , ...rest]) => [on, ...rest])).toEqual([
			[
				"2026-04-03",
				"Lamps",
				"razorpay",
				"Gateway 1",
				"missing_with_us",
				null,
				9_500,
				9_500,
				"open",
				null,
				null,
				null,
				"pay_unknown",
				"UTR2",
			],
			[
				"2026-04-03",
				"Kaveri",
				"razorpay",
				"Gateway 1",
				"missing_there",
				20_000,
				null,
				-20_000,
				"resolved",
				null,
				"explained",
				"It came.",
				null,
				null,
			],
		]);
		expect(differs[1]![2]).toBe(4);
	});

	test("a period without anything is empty", async () => {
		for (const { name } of reports) {
			// of what is open now, and with lines that say 0
			if (["reconciliation", "gst-summary", "merchant-statement", "trial-balance"].includes(name)) continue;
			expect(await ask(name, "2025-06-01", "2025-06-30", kaveri), name).toEqual([]);
		}
		expect(await ask("merchant-statement", "2025-06-01", "2025-06-30", kaveri)).toEqual([
			[null, "opening balance", null, null, null, null, 0],
		]);
		expect((await ask("gst-summary", "2025-06-01", "2025-06-30")).map((row) => row.slice(1))).toEqual(
			Array(6).fill([0, 0, 0, 0, 0, 0, 0]),
		);
	});
});

describe("the figures of closed days", () => {
	const figures = async () => ({
		days: await rows("select * from ledger_days order by client_id, day"),
		months: await rows("select * from ledger_months order by client_id, month"),
		providers: await rows("select * from provider_days order by day, provider, method"),
	});

	test("made anew are the same, from whichever day and in whatever steps", async () => {
		await close();
		const before = await figures();
		expect(before.days).toHaveLength(11);
		await rows("select reopen_report_days('2026-04-05')");
		expect((await figures()).days).toHaveLength(6);
		while ((await rows<{ n: number }>("select close_report_days(7) as n"))[0]!.n > 0);
		expect(await figures()).toEqual(before);
		await rows("select reopen_report_days('2000-01-01')");
		expect((await figures()).months).toEqual([]);
		await close();
		expect(await figures()).toEqual(before);
	});

	test("follow an attempt that succeeds days after it failed", async () => {
		await close();
		const { transaction_id, attempt_id } = await startPayment(database, lamps);
		const failed = attemptState("failed", { method: "card" });
		const at = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
		await book(lamps, at(4), () => settleAttempt(database.pool("jobs"), attempt_id, failed), [transaction_id]);
		await rows("select reopen_report_days((now() at time zone 'Asia/Kolkata')::date - 5)");
		await rows("select close_report_days(3)");
		const tried = () =>
			rows(
				"select sum(succeeded)::int as succeeded, sum(failed)::int as failed from provider_days where day > '2026-05-02'",
			);
		expect(await tried()).toEqual([{ succeeded: 0, failed: 1 }]);
		await book(
			lamps,
			at(2),
			() =>
				settleAttempt(
					database.pool("jobs"),
					attempt_id,
					attemptState("succeeded", { psp_payment_id: "pay_late", method: "card" }),
				),
			[transaction_id],
		);
		await close();
		expect(await tried()).toEqual([{ succeeded: 1, failed: 0 }]);
	});
});

describe("of the documents", () => {
	// Kaveri, Karnataka as we are: halves, the odd paisa CGST's. The note on February's invoice: 175 + 32.
	test("gst-b2b lists the invoices to registered merchants", async () => {
		const lines = await ask("gst-b2b", "2026-03-01", "2026-06-01");
		expect(lines.map(([gstin, receiver, , date, ...rest]) => [gstin, receiver, date, ...rest])).toEqual([
			["29AAGCB7383J1Z4", "Kaveri", "2026-03-01", 413, "29", "N", "Regular B2B", 18, 350, 0, 32, 31],
			["29AAGCB7383J1Z4", "Kaveri", "2026-04-01", 826, "29", "N", "Regular B2B", 18, 700, 0, 63, 63],
			["29AAGCB7383J1Z4", "Kaveri", "2026-05-01", 1_239, "29", "N", "Regular B2B", 18, 1_050, 0, 95, 94],
			["29AAGCB7383J1Z4", "Kaveri", "2026-06-01", 1_652, "29", "N", "Regular B2B", 18, 1_400, 0, 126, 126],
		]);
	});

	test("gst-b2cs adds up small supplies by state, gst-b2cl lists the large ones of other states", async () => {
		expect(await ask("gst-b2cs", "2026-04-01", "2026-05-01")).toEqual([["OE", "33", 18, 1_247, 224, 0, 0]]);
		const large = await ask("gst-b2cl", "2026-04-01", "2026-05-01");
		expect(large.map((line) => line.slice(1))).toEqual([["2026-04-01", 12_390_000, "27", 18, 10_500_000, 1_890_000]]);
	});

	test("gst-credit-notes lists those to registered merchants and those on large invoices", async () => {
		const notes = await ask("gst-credit-notes", "2026-05-01", "2026-05-31");
		expect(
			notes.map(([section, gstin, receiver, , date, type, , credited, ...rest]) => [
				section,
				gstin,
				receiver,
				date,
				type,
				credited,
				...rest,
			]),
		).toEqual([
			["CDNR", "29AAGCB7383J1Z4", "Kaveri", "2026-05-01", "C", "2026-03-01", 207, "29", 18, 175, 0, 16, 16],
			["CDNUR", null, "Narmada", "2026-05-01", "C", "2026-04-01", 12_390_000, "27", 18, 10_500_000, 1_890_000, 0, 0],
		]);
	});

	test("gst-hsn and gst-documents close the return", async () => {
		expect(await ask("gst-hsn", "2026-05-01", "2026-05-31")).toEqual([
			// 1,050 − 175, 95 − 16, 94 − 16
			["B2B", "997158", "NA", 0, 18, 1_032, 875, 0, 79, 78],
			// 247 − 1,05,00,000, 44 − 18,90,000
			["B2C", "997158", "NA", 0, 18, -12_389_709, -10_499_753, -1_889_956, 0, 0],
		]);
		const documents = await ask("gst-documents", "2026-03-01", "2026-06-30");
		expect(
			documents.map(([nature, , from, to, ...counts]) => [
				nature,
				String(from).slice(-6),
				String(to).slice(-6),
				...counts,
			]),
		).toEqual([
			["Invoices for outward supply", "000001", "000007", 7, 0, 7],
			["Credit Note", "000001", "000002", 2, 0, 2],
		]);
	});

	test("gst-summary adds up the tables", async () => {
		// section, documents, taxable, igst, cgst, sgst, tax, value
		expect(await ask("gst-summary", "2026-05-01", "2026-05-31")).toEqual([
			["4A B2B", 1, 1_050, 0, 95, 94, 189, 1_239],
			["5 B2CL", 0, 0, 0, 0, 0, 0, 0],
			["7 B2CS", 1, 247, 44, 0, 0, 44, 291],
			["9B CDNR", 1, -175, 0, -16, -16, -32, -207],
			["9B CDNUR", 1, -10_500_000, -1_890_000, 0, 0, -1_890_000, -12_390_000],
			["total", 4, -10_498_878, -1_889_956, 79, 78, -1_889_799, -12_388_677],
		]);
	});
});

test("scheduled-runs says what ran, when, and with what result", async () => {
	expect(await ask("scheduled-runs", "2026-04-01", "2026-04-02")).toEqual([
		[
			"close_report_days",
			"2026-04-01 00:20:00",
			"2026-04-01 00:20:01",
			"2026-04-01 00:20:03",
			"completed",
			1,
			"days 1",
		],
		[
			"collect_commissions",
			"2026-04-02 02:00:00",
			"2026-04-02 02:00:20",
			"2026-04-02 02:00:21",
			"failed",
			3,
			"no connection",
		],
	]);
});

describe("asked for", () => {
	const report = (name: string) => reports.find((each) => each.name === name)!;

	test.each([
		["no day", "commission-daily", { from: "April", to: "2026-04-30" }, "--from April is not a day"],
		[
			"a day that no month has",
			"commission-daily",
			{ from: "2026-04-01", to: "2026-04-31" },
			"--to 2026-04-31 is not a day",
		],
		[
			"a period that runs backwards",
			"commission-daily",
			{ from: "2026-05-01", to: "2026-04-30" },
			"ends before it begins",
		],
		[
			"no merchant's id",
			"collection",
			{ from: "2026-04-01", to: "2026-04-30", client: "' or true" },
			"is not a merchant's id",
		],
		["nobody's statement", "merchant-statement", { from: "2026-04-01", to: "2026-04-30" }, "add --client"],
	])("with %s says what to do", async (_, name, question, words) => {
		const failure = runReport(database.pool("finance"), report(name), question);
		await expect(failure).rejects.toThrow(words);
		await expect(failure).rejects.toBeInstanceOf(ReportError);
	});

	test("as a table it shows rupees, as csv and json paise", async () => {
		const answer = {
			columns: ["day", "merchant", "due_paise", "approval_percent"],
			rows: [{ day: "2026-04-01", merchant: '=Kaveri, "Books"', due_paise: 12_345_678, approval_percent: null }],
		};
		expect(formatReport(answer, "table").split("\n")[0]).toBe("day         merchant                due ₹  approval %");
		expect(formatReport(answer, "table")).toContain("1,23,456.78");
		expect(formatReport(answer, "csv")).toBe(
			'day,merchant,due_paise,approval_percent\r\n2026-04-01,"\'=Kaveri, ""Books""",12345678,\r\n',
		);
		expect(JSON.parse(formatReport(answer, "json"))).toEqual(answer.rows);
	});

	const psql = spawnSync("psql", ["--version"]).status === 0;
	test.skipIf(!psql)("by psql, each file answers the same", async () => {
		for (const { name } of reports) {
			const { stdout, stderr, status } = spawnSync(
				"psql",
				[
					"-qAt",
					"-F",
					"|",
					"-v",
					"from=2026-04-01",
					"-v",
					"to=2026-05-31",
					"-v",
					`client=${kaveri.id}`,
					"-f",
					join("reports", `${name}.sql`),
					database.url("finance"),
				],
				{ encoding: "utf8", env: { ...process.env, TZ: "UTC" } },
			);
			expect(stderr, name).toBe("");
			expect(status, name).toBe(0);
			expect(stdout.split("\n").filter(Boolean).length, name).toBe(
				(await ask(name, "2026-04-01", "2026-05-31", kaveri)).length,
			);
		}
	});
});

describe("a month that was played", () => {
	let played: PlayedMonth;
	let month: TestDatabase;
	const query = queryAs(() => month.pool("admin"));
	beforeAll(async () => {
		month = await createTestDatabase();
		const [{ first }] = (await query<{ first: string }>(
			"select (month_in_india(now()) - interval '1 month')::date::text as first",
		)) as [{ first: string }];
		const pools = {
			admin: month.pool("admin"),
			checkout: month.pool("checkout"),
			jobs: month.pool("jobs"),
			studio: month.pool("studio"),
		};
		played = await playMonth({ ...pools, keys, month: first, payments_a_day: 1 });
	});
	afterAll(() => month.drop());

	const answer = async (name: string, client?: string) => {
		const report = reports.find((each) => each.name === name)!;
		return (
			await runReport(month.pool("finance"), report, {
				from: played.from,
				to: played.to,
				...(client ? { client } : {}),
			})
		).rows;
	};

	test("breaks no invariant", async () => {
		expect(await checkInvariants(month.pool("jobs"))).toEqual([]);
	});

	test("has the figures that payments, refunds, disputes and payouts come to without the ledger", async () => {
		for (const { id } of played.merchants) {
			const [own] = (await query(
				`with paid as (
						select t.*, round(t.amount * t.fee_percent / 100) as fee, round(round(t.amount * t.fee_percent / 100) * 18 / 100) as gst
							from transactions t where t.client_id = $1 and t.paid_at is not null
					), given_back as (
						select p.fee, p.gst, p.amount,
								least(p.amount, coalesce((select sum(r.amount) from refunds r where r.transaction_id = p.id and r.status = 'succeeded'), 0)
									+ coalesce((select sum(d.amount) from disputes d where d.transaction_id = p.id and d.status = 'lost'), 0)) as back
							from paid p
					)
					select sum(fee)::int as commission, sum(gst)::int as gst, sum(round(fee * back / amount))::int as reversed,
							sum(round(gst * back / amount))::int as gst_reversed,
							coalesce((select sum(amount) from payouts where client_id = $1 and status = 'processed'), 0)::int as collected,
							coalesce((select sum(amount) from manual_settlements where client_id = $1), 0)::int as settled,
							coalesce((select sum(amount) from adjustments where client_id = $1 and status = 'approved'), 0)::int as adjusted
						from given_back`,
				[id],
			)) as Record<string, number>[];
			const { commission, gst, reversed, gst_reversed, collected, settled, adjusted } = own as Record<
				string,
				number
			> as {
				[key in "commission" | "gst" | "reversed" | "gst_reversed" | "collected" | "settled" | "adjusted"]: number;
			};
			expect(commission).toBeGreaterThan(0);
			const due = commission + gst - reversed - gst_reversed - collected - settled + adjusted;
			const balance = await answer("trial-balance", id);
			const line = (account: string) => balance.find((row) => row.account === account)!;
			expect(line("commission").credit_paise).toBe(commission);
			expect(line("GST on commission").credit_paise).toBe(gst);
			expect(line("commission taken back").debit_paise).toBe(reversed);
			expect(line("GST taken back").debit_paise).toBe(gst_reversed);
			expect(line("bank: collected").debit_paise).toBe(collected);
			expect(line("bank: payments received").debit_paise).toBe(settled);
			expect(line("adjustments").debit_paise).toBe(0 - adjusted);
			const receivable = line("receivable from merchants");
			expect(Number(receivable.debit_paise) - Number(receivable.credit_paise)).toBe(due);
			expect(line("total").debit_paise).toBe(line("total").credit_paise);
			expect((await answer("merchant-statement", id)).at(-1)!.balance_paise).toBe(due);
			// The month's invoice has the month's commission, less what its own refunds took back.
			expect(
				await query("select sum(taxable_amount)::int as taxable from invoices where client_id = $1", [id]),
			).toEqual([{ taxable: commission - reversed }]);
		}
	});

	test("goes on with parts that PSPs split off, which the statement has in one line a day, with those that did not come", async () => {
		const of = await createMerchant(month.pool("admin"), keys, { fee_percent: 3.5 });
		for (const fails of [false, true, false]) {
			const { attempt_id } = await startPayment(month, of, { amount: 10_000 });
			await query("insert into payment_splits (attempt_id, client_id, account, amount) values ($1, $2, 'acc_1', 400)", [
				attempt_id,
				of.id,
			]);
			await settleAttempt(month.pool("jobs"), attempt_id, attemptState("succeeded"));
			if (!fails) continue;
			await recordSplitTransfer(month.pool("jobs"), attempt_id, {
				outcome: "failed",
				psp_transfer_id: "trf_1",
				account: "acc_1",
				amount: 400,
				amount_reversed: 0,
				currency: "INR",
				occurred_at: null,
				error: null,
			});
		}
		const [{ today }] = (await query<{ today: string }>(
			"select (now() at time zone 'Asia/Kolkata')::date::text as today",
		)) as [{ today: string }];
		const ask = async (name: string) => {
			const report = reports.find((each) => each.name === name)!;
			return (await runReport(month.pool("finance"), report, { from: played.from, to: today, client: of.id })).rows;
		};
		const lines = await ask("merchant-statement");
		expect(lines.map(({ line, amount_paise, balance_paise }) => [line, amount_paise, balance_paise])).toEqual([
			["opening balance", null, 0],
			["commission", 1_050, 1_050],
			["GST on commission", 189, 1_239],
			["split off by the PSP", -800, 439],
		]);
		const balance = await ask("trial-balance");
		expect(balance.find(({ account }) => account === "bank: collected")).toMatchObject({ debit_paise: 800 });
		expect(balance.find(({ account }) => account === "other entries")).toMatchObject({
			debit_paise: 0,
			credit_paise: 0,
		});
	});

	test("saw collections come through, fail and come back, and a dispute lost", async () => {
		expect(await query("select status, count(*)::int as n from payouts group by 1 order by 1")).toEqual([
			{ status: "failed", n: 1 },
			{ status: "processed", n: 3 },
			{ status: "reversed", n: 1 },
		]);
		expect(await query("select status from disputes order by status")).toEqual([{ status: "lost" }, { status: "won" }]);
	});

	test("has each difference found that was planted, and no other", async () => {
		const found = (await answer("reconciliation-exceptions")).length;
		expect(found).toBe(0);
		expect(
			Object.fromEntries(
				(
					await query<{ kind: string; n: number }>(
						"select kind, count(*)::int as n from reconciliation_exceptions group by 1",
					)
				).map(({ kind, n }) => [kind, n]),
			),
		).toEqual(played.planted);
	});
});
