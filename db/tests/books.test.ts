import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { breachesAfter } from "../../test/invariants.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { backdateEntries } from "../../test/months.ts";
import { attemptState, queryAs, startPayment } from "../../test/payments.ts";
import {
	beginPspOrder,
	recordSplitTransfer,
	refuseSplit,
	type SplitTransferReport,
	settleAttempt,
} from "../client/attempts.ts";
import { recordDispute } from "../client/disputes.ts";
import { checkInvariants } from "../client/invariants.ts";
import { type ClosedMonth, closeBillingMonth, type Invoice, listBillingDue, readInvoice } from "../client/invoices.ts";
import { createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const KARNATAKA = "29AAGCB7383J1Z4";
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
	await rows("update company_profile set legal_name = 'Lightspeed Payments', address = 'Bengaluru', gstin = $1", [
		KARNATAKA,
	]);
});
afterAll(async () => {
	expect(await checkInvariants(jobs())).toEqual([]);
	await database.drop();
});

const jobs = () => database.pool("jobs");
const studio = () => database.pool("studio");
const rows = queryAs(() => database.pool("admin"));
const merchant = (columns = {}) => createMerchant(database.pool("admin"), keys, columns);

async function value<Value>(text: string, values: unknown[] = []): Promise<Value> {
	return (await studio().query<{ value: Value }>(text, values)).rows[0]!.value;
}

const balance = async (of: TestMerchant) =>
	(await rows<{ balance_due: number }>("select balance_due from wallets where client_id = $1", [of.id]))[0]!
		.balance_due;

async function paid(of: TestMerchant, amount = 10_000): Promise<string> {
	const { transaction_id, attempt_id } = await startPayment(database, of, { amount });
	await settleAttempt(jobs(), attempt_id, attemptState("succeeded", { psp_payment_id: `pay_${attempt_id}`, amount }));
	return transaction_id;
}

async function refunded(of: TestMerchant, transaction_id: string, amount: number): Promise<void> {
	const { refund } = await createRefund(database.pool("checkout"), {
		client_id: of.id,
		transaction_id,
		amount,
		reason: null,
		idempotency_key: null,
	});
	await settleRefund(jobs(), refund.refund_id, {
		outcome: "succeeded",
		psp_refund_id: `rfnd_${refund.refund_id}`,
		amount,
		bank_reference: null,
		error: null,
		raw: null,
	});
}

const backdate = (of: TestMerchant, months: number, from = 1) => backdateEntries(database, of.id, months, from);

const entryCount = async (of: TestMerchant) =>
	Number((await rows<{ n: number }>("select count(*) as n from wallet_entries where client_id = $1", [of.id]))[0]!.n);

async function closeAll(of: TestMerchant): Promise<ClosedMonth[]> {
	const closed: ClosedMonth[] = [];
	for (;;) {
		const month = await closeBillingMonth(jobs(), of.id);
		if (month === null) return closed;
		closed.push(month);
	}
}

async function documentsOf(of: TestMerchant): Promise<Invoice[]> {
	const ids = await rows<{ id: string }>("select id from invoices where client_id = $1 order by id", [of.id]);
	return Promise.all(ids.map(async ({ id }) => (await readInvoice(jobs(), id))!));
}

const settle = (of: TestMerchant, amount: number, reference: string, more: { method?: string; on?: string } = {}) =>
	value<{ id: string; replayed: boolean; balance_due: number }>(
		"select record_manual_settlement($1, $2, $3, $4, coalesce($5::date, (now() at time zone 'Asia/Kolkata')::date), null, 'meera') as value",
		[of.id, amount, reference, more.method ?? "bank_transfer", more.on ?? null],
	);

interface AdjustmentView {
	id: string;
	status: string;
	needs_second_person: boolean;
}
const propose = (of: TestMerchant, amount: number, actor: string, id = randomUUID(), reason = "Wrong rate in May") =>
	value<AdjustmentView>("select propose_adjustment($1, $2, $3, $4, $5) as value", [id, of.id, amount, reason, actor]);
const decide = (id: string, approve: boolean, actor: string, reason: string | null = null) =>
	value<AdjustmentView>("select decide_adjustment($1, $2, $3, $4) as value", [id, approve, reason, actor]);

describe("a settlement by hand", () => {
	test("lowers what is due, once a reference however it is written", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		expect(await balance(kaveri)).toBe(413);
		expect(await settle(kaveri, 400, "utr 412345678901")).toMatchObject({ replayed: false, balance_due: 13 });
		expect(await settle(kaveri, 400, " UTR  412345678901 ")).toMatchObject({ replayed: true, balance_due: 13 });
		await expect(settle(kaveri, 401, "UTR 412345678901")).rejects.toMatchObject({ code: "LS082", detail: "400" });
		expect(
			await rows(
				"select type, amount, balance_after from wallet_entries where client_id = $1 order by entry_no desc limit 1",
				[kaveri.id],
			),
		).toEqual([{ type: "MANUAL_SETTLEMENT", amount: -400, balance_after: 13 }]);
		expect(
			await rows(
				"select actor, after ->> 'reference' as reference from audit_log where action = 'record_manual_settlement' and row_id = $1",
				[kaveri.id],
			),
		).toEqual([{ actor: "meera", reference: "UTR 412345678901" }]);
	});

	test("recorded by twenty people at once is booked once", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		const answers = await Promise.all(Array.from({ length: 20 }, () => settle(kaveri, 100, "NEFT-7")));
		expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
		expect(await balance(kaveri)).toBe(313);
	});

	test("of more than is due is an advance", async () => {
		const kaveri = await merchant();
		expect(await settle(kaveri, 5_000, "ADVANCE 1")).toMatchObject({ balance_due: -5_000 });
	});

	test.each([
		["nothing", [0, "REF1"], "LS089"],
		["no reference", [100, "  "], "LS090"],
		["a day to come", [100, "REF2", { on: "2999-01-01" }], "LS090"],
		["an unknown way", [100, "REF3", { method: "barter" }], "LS090"],
	] as const)("with %s is refused", async (_, [amount, reference, more], code) => {
		await expect(settle(await merchant(), amount, reference, more)).rejects.toMatchObject({ code });
	});

	test("lets payments through again the moment the balance falls under the threshold, and closes the alert", async () => {
		const kaveri = await merchant({ suspend_threshold: 800 });
		await paid(kaveri);
		await paid(kaveri);
		await expect(startPayment(database, kaveri)).rejects.toMatchObject({ code: "dues_outstanding" });
		const alert = () => rows("select status from alerts where dedupe_key = $1", [`dues_outstanding:${kaveri.id}`]);
		expect(await alert()).toEqual([{ status: "open" }]);
		// 826 due: at the threshold still refused
		await settle(kaveri, 26, "PART 1");
		await expect(startPayment(database, kaveri)).rejects.toMatchObject({ code: "dues_outstanding" });
		expect(await alert()).toEqual([{ status: "open" }]);
		await settle(kaveri, 1, "PART 2");
		await startPayment(database, kaveri);
		expect(await alert()).toEqual([{ status: "resolved" }]);
	});

	test("is nobody's but the studio's to record", async () => {
		for (const role of ["checkout", "jobs", "finance"] as const) {
			await expect(
				database.pool(role).query("select public.record_manual_settlement(null, 1, 'x', 'upi', null, null, 'x')"),
			).rejects.toMatchObject({ code: "42501" });
			await expect(
				database.pool(role).query("select public.book_entry(null, 'ADJUSTMENT', 1, 'x')"),
			).rejects.toMatchObject({ code: "42501" });
		}
	});
});

describe("an adjustment", () => {
	test("within the limit is booked at once, with its reason", async () => {
		const kaveri = await merchant();
		const id = randomUUID();
		expect(await propose(kaveri, -500, "meera", id)).toMatchObject({ status: "approved", needs_second_person: false });
		expect(await propose(kaveri, -500, "meera", id)).toMatchObject({ id, status: "approved" });
		expect(await balance(kaveri)).toBe(-500);
		expect(
			await rows("select type, amount, description from wallet_entries where client_id = $1", [kaveri.id]),
		).toEqual([{ type: "ADJUSTMENT", amount: -500, description: "Wrong rate in May" }]);
		await expect(propose(kaveri, -501, "meera", id)).rejects.toMatchObject({ code: "LS032" });
	});

	test("over the limit is booked only by another person", async () => {
		const kaveri = await merchant();
		const { id, status } = await propose(kaveri, 100_001, "meera");
		expect(status).toBe("proposed");
		expect(await balance(kaveri)).toBe(0);
		await expect(decide(id, true, "meera")).rejects.toMatchObject({ code: "LS083" });
		expect(await decide(id, true, "arun")).toMatchObject({ status: "approved", decided_by: "arun" });
		expect(await balance(kaveri)).toBe(100_001);
		await expect(decide(id, true, "arun")).rejects.toMatchObject({ code: "LS043" });
	});

	test("in small parts needs a second person once the parts exceed the limit", async () => {
		const kaveri = await merchant();
		expect((await propose(kaveri, 60_000, "meera")).status).toBe("approved");
		expect((await propose(kaveri, -40_001, "meera")).status).toBe("proposed");
		expect((await propose(kaveri, -40_000, "meera")).status).toBe("approved");
		expect((await propose(kaveri, 40_001, "arun")).status).toBe("approved");
	});

	test("in many parts at once slips none past the limit", async () => {
		const kaveri = await merchant();
		const made = await Promise.all(Array.from({ length: 12 }, () => propose(kaveri, 30_000, "meera")));
		expect(made.filter(({ status }) => status === "approved")).toHaveLength(3);
		expect(await balance(kaveri)).toBe(90_000);
	});

	test("that brings what is due to the threshold tells operators, as a payment's commission does", async () => {
		const kaveri = await merchant({ suspend_threshold: 500 });
		await rows("update wallets set warn_threshold = 300 where client_id = $1", [kaveri.id]);
		const alerts = () =>
			rows("select kind, severity, status from alerts where client_id = $1 order by kind", [kaveri.id]);
		await propose(kaveri, 299, "meera");
		expect(await alerts()).toEqual([]);
		await propose(kaveri, 201, "meera");
		expect(await alerts()).toEqual([
			{ kind: "dues_outstanding", severity: "critical", status: "open" },
			{ kind: "dues_warning", severity: "warning", status: "open" },
		]);
		await expect(startPayment(database, kaveri)).rejects.toMatchObject({ code: "dues_outstanding" });
		await propose(kaveri, -1, "meera");
		await startPayment(database, kaveri);
		expect(await alerts()).toMatchObject([{ status: "resolved" }, { status: "open" }]);
	});

	test("approved by many at once is booked once", async () => {
		const kaveri = await merchant();
		const { id } = await propose(kaveri, 200_000, "meera");
		const results = await Promise.allSettled(
			Array.from({ length: 12 }, (_, index) => decide(id, true, `approver-${index}`)),
		);
		expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		expect(await balance(kaveri)).toBe(200_000);
	});

	test("is turned down with a reason, and taken back by who proposed it", async () => {
		const kaveri = await merchant();
		const first = await propose(kaveri, 200_000, "meera");
		await expect(decide(first.id, false, "arun")).rejects.toMatchObject({ code: "LS044" });
		expect(await decide(first.id, false, "arun", "No such agreement")).toMatchObject({ status: "rejected" });
		const second = await propose(kaveri, 200_000, "meera");
		expect(await decide(second.id, false, "meera", "Typo")).toMatchObject({ status: "withdrawn" });
		expect(await balance(kaveri)).toBe(0);
	});

	test("approved by its proposer is refused by the table itself", async () => {
		const kaveri = await merchant();
		const { id } = await propose(kaveri, 200_000, "meera");
		await expect(
			rows(
				`update adjustments set status = 'approved', decided_by = 'meera', decided_at = now(),
					entry_id = (select id from wallet_entries limit 1) where id = $1`,
				[id],
			),
		).rejects.toMatchObject({ constraint: "adjustments_second_person_check" });
	});

	test.each([
		["no reason", 100, " ", "LS044"],
		["no amount", 0, "why", "LS089"],
	])("with %s is refused", async (_, amount, reason, code) => {
		await expect(propose(await merchant(), amount, "meera", randomUUID(), reason)).rejects.toMatchObject({ code });
	});
});

describe("suspending", () => {
	const suspend = (of: TestMerchant, to: boolean, reason = "Chargebacks") =>
		value<string>("select set_client_suspension($1, $2, $3, 'ravi') as value", [of.id, to, reason]);

	test("refuses payments until the merchant is released, and both are in the audit log with their reason", async () => {
		const kaveri = await merchant();
		expect(await suspend(kaveri, true)).toBe("suspended");
		await expect(startPayment(database, kaveri)).rejects.toMatchObject({ code: "client_suspended" });
		expect(
			(await value<{ suspension: object }>("select read_commission_account($1) as value", [kaveri.id])).suspension,
		).toMatchObject({ by: "ravi", reason: "Chargebacks" });
		expect(await suspend(kaveri, false, "Explained")).toBe("active");
		await startPayment(database, kaveri);
		expect(
			await rows(
				"select actor, action, after ->> 'reason' as reason from audit_log where row_id = $1 and action like '%_client' order by id",
				[kaveri.id],
			),
		).toEqual([
			{ actor: "ravi", action: "suspend_client", reason: "Chargebacks" },
			{ actor: "ravi", action: "release_client", reason: "Explained" },
		]);
	});

	test("what is suspended already, or disabled, or without a reason, is refused", async () => {
		const kaveri = await merchant();
		await expect(suspend(kaveri, true, " ")).rejects.toMatchObject({ code: "LS044" });
		await expect(suspend(kaveri, false)).rejects.toMatchObject({ code: "LS085", detail: "active" });
		await suspend(kaveri, true);
		await expect(suspend(kaveri, true)).rejects.toMatchObject({ code: "LS085" });
		const closed = await merchant({ status: "disabled" });
		await expect(suspend(closed, false)).rejects.toMatchObject({ code: "LS085", detail: "disabled" });
	});
});

describe("a GSTIN", () => {
	test.each(["27AAPFU0939F1ZV", KARNATAKA, "33AABCU9603R1Z6", "07AAACR5055K1Z8"])("%s is one", async (gstin) => {
		const check = (text: string) => rows<{ is: boolean }>("select is_gstin($1) as is", [text]);
		const [{ is }] = (await check(gstin)) as [{ is: boolean }];
		expect(is).toBe(gstinIsRight(gstin));
	});

	test("with any other last character is refused, of a merchant and of ourselves", async () => {
		const digits = [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
		const found = await rows<{ gstin: string }>(
			"select '27AAPFU0939F1Z' || d as gstin from unnest($1::text[]) d where is_gstin('27AAPFU0939F1Z' || d)",
			[digits],
		);
		expect(found).toEqual([{ gstin: "27AAPFU0939F1ZV" }]);
		await expect(merchant({ gstin: "27AAPFU0939F1ZW" })).rejects.toMatchObject({ code: "LS080" });
		await expect(rows("update company_profile set gstin = '27AAPFU0939F1ZW'")).rejects.toMatchObject({ code: "LS080" });
	});

	test("agrees with an independent calculation for any number", async () => {
		const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
		const numbers = [..."0123456789"];
		const gstins = fc.sample(
			fc
				.tuple(
					fc.integer({ min: 1, max: 37 }),
					fc.array(fc.constantFrom(...letters), { minLength: 5, maxLength: 5 }),
					fc.array(fc.constantFrom(...numbers), { minLength: 4, maxLength: 4 }),
					fc.constantFrom(...letters),
					fc.constantFrom(...letters, ...numbers.slice(1)),
					fc.constantFrom(...letters, ...numbers),
				)
				.map(([state, name, serial, kind, entity, check]) =>
					[String(state).padStart(2, "0"), ...name, ...serial, kind, entity, "Z", check].join(""),
				),
			2000,
		);
		const found = await rows<{ gstin: string; is: boolean }>(
			"select g as gstin, is_gstin(g) as is from unnest($1::text[]) g",
			[gstins],
		);
		expect(found.filter(({ gstin, is }) => is !== gstinIsRight(gstin))).toEqual([]);
		expect(found.filter(({ is }) => is).length).toBeGreaterThan(10);
	});

	test("gives a merchant its state, and no other", async () => {
		const kaveri = await merchant({ gstin: "27AAPFU0939F1ZV" });
		expect(await rows("select state_code from clients where id = $1", [kaveri.id])).toEqual([{ state_code: "27" }]);
		await expect(rows("update clients set state_code = '29' where id = $1", [kaveri.id])).rejects.toMatchObject({
			code: "LS081",
		});
	});
});

/** The rule of the GST network, written again with array arithmetic. */
function gstinIsRight(gstin: string): boolean {
	const values = [...gstin].map((character) => Number.parseInt(character, 36));
	const sum = values
		.slice(0, 14)
		.map((one, index) => one * (index % 2 === 0 ? 1 : 2))
		.reduce((total, product) => total + Math.floor(product / 36) + (product % 36), 0);
	return (36 - (sum % 36)) % 36 === values[14];
}

test.each([
	["2026-03-31", "25-26"],
	["2026-04-01", "26-27"],
	["1999-12-31", "99-00"],
	["2100-01-01", "99-00"],
])("%s is in the financial year %s", async (day, year) => {
	expect(await rows("select financial_year($1) as year", [day])).toEqual([{ year }]);
});

describe("closing a month", () => {
	test("within the supplier's state issues an invoice with CGST and SGST that adds up to what was booked", async () => {
		const kaveri = await merchant({ state_code: "29" });
		// GST of 63, 6 and 2 paise: 71 in all, an odd sum
		await paid(kaveri);
		await paid(kaveri, 1_000);
		await paid(kaveri, 333);
		await rows("update clients set fee_percent = 2 where id = $1", [kaveri.id]);
		await paid(kaveri, 50_000);
		await backdate(kaveri, 1);
		const [closed, ...more] = await closeAll(kaveri);
		expect(more).toEqual([]);
		expect(closed?.documents).toHaveLength(1);
		const [invoice] = await documentsOf(kaveri);
		expect(invoice).toMatchObject({
			kind: "invoice",
			document_no: closed?.documents[0],
			sac: "997158",
			place_of_supply: "29",
			is_interstate: false,
			igst: 0,
		});
		const [booked] = await rows<{ commission: number; gst: number }>(
			`select sum(amount) filter (where type = 'COMMISSION') as commission, sum(amount) filter (where type = 'COMMISSION_GST') as gst
				from wallet_entries where client_id = $1`,
			[kaveri.id],
		);
		expect(invoice!.taxable_amount).toBe(Number(booked!.commission));
		expect(invoice!.cgst + invoice!.sgst).toBe(Number(booked!.gst));
		expect([invoice!.cgst - invoice!.sgst]).toEqual([1]);
		expect(invoice!.total).toBe(await balance(kaveri));
		expect(invoice!.lines).toMatchObject([
			{ kind: "commission", fee_percent: 2, quantity: 1, volume: 50_000, taxable_amount: 1_000 },
			{ kind: "commission", fee_percent: 3.5, gst_percent: 18, quantity: 3, volume: 11_333, taxable_amount: 397 },
		]);
		expect(invoice!.account).toMatchObject({ opening_balance: 0, closing_balance: await balance(kaveri) });
		expect(
			await rows("select from graphile_worker._private_jobs where payload ->> 'invoice_id' = $1", [invoice!.id]),
		).toHaveLength(1);
	});

	test.each([
		["of another state's GSTIN", { gstin: "27AAPFU0939F1ZV" }, "27"],
		["of another state without a GSTIN", { state_code: "33" }, "33"],
	])("of a merchant %s issues it with IGST", async (_, columns, state) => {
		const kaveri = await merchant(columns);
		await paid(kaveri);
		await backdate(kaveri, 1);
		await closeAll(kaveri);
		expect(await documentsOf(kaveri)).toMatchObject([
			{ place_of_supply: state, is_interstate: true, taxable_amount: 350, cgst: 0, sgst: 0, igst: 63, total: 413 },
		]);
	});

	test("of a merchant whose state nobody knows takes the supplier's", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		await backdate(kaveri, 1);
		await closeAll(kaveri);
		expect(await documentsOf(kaveri)).toMatchObject([{ place_of_supply: "29", cgst: 32, sgst: 31, igst: 0 }]);
	});

	test("leaves the running month open", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		expect(await closeAll(kaveri)).toEqual([]);
		expect(await listBillingDue(jobs())).not.toContain(kaveri.id);
	});

	test("takes a refund of the same month off the invoice, and credits one of an earlier month", async () => {
		const kaveri = await merchant({ state_code: "27" });
		const march = await paid(kaveri);
		const other = await paid(kaveri, 20_000);
		await refunded(kaveri, other, 5_000);
		await backdate(kaveri, 3);
		const april = (await entryCount(kaveri)) + 1;
		await refunded(kaveri, march, 10_000);
		await refunded(kaveri, other, 5_000);
		await paid(kaveri, 30_000);
		await backdate(kaveri, 2, april);
		const may = (await entryCount(kaveri)) + 1;
		await settle(kaveri, 100, "MAY 1");
		await propose(kaveri, -7, "meera");
		await backdate(kaveri, 1, may);
		// all three missed months are caught up, oldest first
		expect((await closeAll(kaveri)).map(({ documents }) => documents.length)).toEqual([1, 2, 0]);
		const [first, second, note] = await documentsOf(kaveri);
		expect(first).toMatchObject({
			kind: "invoice",
			taxable_amount: 350 + 700 - 175,
			igst: 63 + 126 - 32,
			lines: [
				{ kind: "commission", quantity: 2, volume: 30_000 },
				{ kind: "reversal", quantity: 1, volume: -5_000, taxable_amount: -175 },
			],
		});
		expect(second).toMatchObject({ kind: "invoice", taxable_amount: 1_050, igst: 189 });
		expect(note).toMatchObject({
			kind: "credit_note",
			credits: { document_no: first!.document_no },
			taxable_amount: 350 + 175,
			igst: 63 + 31,
			lines: [{ kind: "reversal", quantity: 2, volume: 15_000 }],
		});
		const [{ closing }] = (await rows<{ closing: number }>(
			"select closing_balance as closing from billing_periods where client_id = $1 order by month desc limit 1",
			[kaveri.id],
		)) as [{ closing: number }];
		expect(closing).toBe(await balance(kaveri));
		expect(first!.total + second!.total - note!.total - 107).toBe(closing);
	});

	test("credits a dispute that was lost in a later month, on the invoice of the payment's month", async () => {
		const kaveri = await merchant({ state_code: "27" });
		const march = await paid(kaveri);
		await paid(kaveri, 20_000);
		await backdate(kaveri, 2);
		const april = (await entryCount(kaveri)) + 1;
		const [attempt] = await rows<{ id: string; psp_payment_id: string }>(
			"select id, psp_payment_id from payment_attempts where transaction_id = $1",
			[march],
		);
		await recordDispute(jobs(), attempt!.id, {
			status: "lost",
			psp_dispute_id: `disp_${march}`,
			psp_payment_id: attempt!.psp_payment_id,
			amount: 10_000,
			currency: "INR",
			phase: "chargeback",
			psp_status: "lost",
			reason_code: "10.4",
			reason: "Fraud, card absent",
			respond_by: null,
			opened_at: null,
			occurred_at: new Date().toISOString(),
			amount_deducted: 10_000,
			raw: {},
		});
		await backdate(kaveri, 1, april);
		expect((await closeAll(kaveri)).map(({ documents }) => documents.length)).toEqual([1, 1]);
		const [invoice, note] = await documentsOf(kaveri);
		expect(invoice).toMatchObject({ kind: "invoice", taxable_amount: 350 + 700, igst: 63 + 126 });
		expect(note).toMatchObject({
			kind: "credit_note",
			credits: { document_no: invoice!.document_no },
			taxable_amount: 350,
			igst: 63,
			lines: [{ kind: "reversal", quantity: 1, volume: 10_000, taxable_amount: 350 }],
		});
		expect(invoice!.total - note!.total).toBe(await balance(kaveri));
		expect(await checkInvariants(database.pool("admin"))).toEqual([]);
	});

	test("of payments that were all refunded in it issues nothing", async () => {
		const kaveri = await merchant();
		await refunded(kaveri, await paid(kaveri), 10_000);
		await backdate(kaveri, 1);
		expect(await closeAll(kaveri)).toMatchObject([{ documents: [] }]);
	});

	test("by many processes at once closes it once", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		await backdate(kaveri, 1);
		const closed = await Promise.all(Array.from({ length: 15 }, () => closeBillingMonth(jobs(), kaveri.id)));
		expect(closed.filter((month) => month !== null)).toHaveLength(1);
		expect(await documentsOf(kaveri)).toHaveLength(1);
	});

	test("keeps what an invoice said when merchant and company change", async () => {
		const kaveri = await merchant({ legal_name: "कावेरी पुस्तकालय", state_code: "29" });
		const march = await paid(kaveri);
		await backdate(kaveri, 1);
		await closeAll(kaveri);
		const [before] = await documentsOf(kaveri);
		await rows("update clients set legal_name = 'Other', state_code = '27' where id = $1", [kaveri.id]);
		expect(await documentsOf(kaveri)).toEqual([before]);
		expect(before!.recipient.name).toBe("कावेरी पुस्तकालय");
		await refunded(kaveri, march, 10_000);
		await expect(rows("update invoices set total = 0")).rejects.toMatchObject({ code: "LS010" });
		await expect(rows("delete from invoice_lines")).rejects.toMatchObject({ code: "LS010" });
	});

	test("credits, in however many odd parts, exactly the CGST and SGST that the invoice charged", async () => {
		const kaveri = await merchant({ state_code: "29" });
		// GST of 63 paise, given back as 21 three times
		const paidInAll = await paid(kaveri);
		await backdate(kaveri, 4);
		for (const [part, month] of [
			[3_333, 3],
			[3_333, 2],
			[3_334, 1],
		] as const) {
			const from = (await entryCount(kaveri)) + 1;
			await refunded(kaveri, paidInAll, part);
			await backdate(kaveri, month, from);
		}
		await closeAll(kaveri);
		const [invoice, ...notes] = await documentsOf(kaveri);
		expect(notes.map(({ cgst, sgst }) => [cgst, sgst])).toEqual([
			[11, 10],
			[10, 11],
			[11, 10],
		]);
		const credited = (tax: "taxable_amount" | "cgst" | "sgst") => notes.reduce((sum, note) => sum + note[tax], 0);
		expect([credited("taxable_amount"), credited("cgst"), credited("sgst")]).toEqual([
			invoice!.taxable_amount,
			invoice!.cgst,
			invoice!.sgst,
		]);
	});

	test("credits whom the invoice was sent to, though the merchant was registered elsewhere since", async () => {
		const kaveri = await merchant({ state_code: "29", legal_name: "Kaveri Books LLP" });
		const march = await paid(kaveri);
		await backdate(kaveri, 2);
		const from = (await entryCount(kaveri)) + 1;
		await refunded(kaveri, march, 10_000);
		await backdate(kaveri, 1, from);
		expect(await closeBillingMonth(jobs(), kaveri.id)).not.toBeNull();
		await rows("update clients set gstin = '27AAPFU0939F1ZV', state_code = '27', legal_name = 'Kaveri' where id = $1", [
			kaveri.id,
		]);
		await closeAll(kaveri);
		const [invoice, note] = await documentsOf(kaveri);
		expect(note).toMatchObject({ kind: "credit_note", place_of_supply: "29", igst: 0, recipient: invoice!.recipient });
		expect(note!.recipient).toMatchObject({ name: "Kaveri Books LLP", gstin: null });
	});

	test("dates no document before the one with the number before it, though a clock was set back", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		await backdate(kaveri, 1);
		const client = await database.connection("admin");
		await client.query("begin; set local session_replication_role = replica");
		const { rows: later } = await client.query<{ day: string }>(
			`update invoices i set issued_on = issued_on + 1 from document_series s
				where i.kind = 'invoice' and s.kind = i.kind and s.financial_year = i.financial_year and i.number = s.last_number
				returning i.issued_on::text as day`,
		);
		await client.query("set local session_replication_role = origin");
		await client.query("select close_billing_month($1)", [kaveri.id]);
		const { rows: made } = await client.query("select issued_on::text as day from invoices where client_id = $1", [
			kaveri.id,
		]);
		expect(made).toEqual([later.at(-1)]);
	});

	test("waits until the company's details are filled in", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		await backdate(kaveri, 1);
		const client = await database.connection("admin");
		await client.query("begin; update company_profile set address = null");
		await expect(client.query("select close_billing_month($1)", [kaveri.id])).rejects.toMatchObject({
			code: "LS086",
		});
		await client.query("rollback");
		expect(await listBillingDue(jobs())).toContain(kaveri.id);
		expect(await closeAll(kaveri)).toHaveLength(1);
	});
});

test("numbers have no gap, however many connections issue and however many of them fail", async () => {
	const merchants = await Promise.all(Array.from({ length: 30 }, () => merchant()));
	for (const each of merchants) {
		await paid(each);
		await backdate(each, 1);
	}
	const issued = await Promise.all(
		merchants.map(async ({ id }, index) => {
			const client = await database.pool("admin").connect();
			try {
				await client.query("begin");
				const { rows: answer } = await client.query<{ closed: ClosedMonth }>(
					"select close_billing_month($1) as closed",
					[id],
				);
				// every third is lost before it commits, with a number taken
				await client.query(index % 3 === 0 ? "rollback" : "commit");
				return index % 3 === 0 ? [] : answer[0]!.closed.documents;
			} finally {
				client.release();
			}
		}),
	);
	expect(new Set(issued.flat()).size).toBe(20);
	for (const each of merchants) await closeAll(each);
	const numbers = await rows<{ number: number; document_no: string; issued_on: string }>(
		"select number, document_no from invoices where kind = 'invoice' order by number",
	);
	expect(numbers.map(({ number }) => number)).toEqual(numbers.map((_, index) => index + 1));
	for (const { document_no } of numbers) expect(document_no).toMatch(/^LSP\/\d\d-\d\d\/\d{6}$/);
	expect(await checkInvariants(jobs())).toEqual([]);
});

test("any month of payments and refunds is invoiced to the paisa", async () => {
	await fc.assert(
		fc.asyncProperty(
			fc.array(
				fc.record({
					month: fc.integer({ min: 1, max: 3 }),
					amount: fc.integer({ min: 100, max: 99_999 }),
					refunds: fc.array(
						fc.record({ share: fc.integer({ min: 1, max: 60 }), later: fc.integer({ min: 0, max: 2 }) }),
						{ maxLength: 2 },
					),
				}),
				{ minLength: 1, maxLength: 4 },
			),
			async (payments) => {
				const kaveri = await merchant({ fee_percent: 2.75 });
				const transactions = new Map<number, string>();
				for (const month of [3, 2, 1]) {
					const from = (await entryCount(kaveri)) + 1;
					for (const [index, payment] of payments.entries()) {
						if (payment.month === month) transactions.set(index, await paid(kaveri, payment.amount));
						let left = payment.amount;
						for (const { share, later } of payment.refunds) {
							const amount = Math.min(left, Math.ceil((payment.amount * share) / 100));
							left -= amount;
							if (payment.month - later === month && transactions.has(index) && amount > 0) {
								await refunded(kaveri, transactions.get(index)!, amount);
							}
						}
					}
					await backdate(kaveri, month, from);
				}
				await closeAll(kaveri);
				const documents = await documentsOf(kaveri);
				const sum = documents.reduce((total, { kind, total: each }) => total + (kind === "invoice" ? each : -each), 0);
				expect(sum).toBe(await balance(kaveri));
				for (const { kind, cgst, sgst, lines } of documents) {
					expect(kind === "invoice" ? [0, 1] : [-1, 0, 1]).toContain(cgst - sgst);
					for (const line of lines) expect(Math.abs(line.cgst - line.sgst)).toBeLessThanOrEqual(1);
				}
			},
		),
		{ numRuns: 8 },
	);
});

describe("the studio's lists", () => {
	test("page through merchants by what they owe, and find them by name", async () => {
		const name = `Page ${randomUUID()}`;
		const made = await Promise.all(["A", "B", "C"].map((letter) => merchant({ company_name: `${name} ${letter}` })));
		await Promise.all([settle(made[0]!, 100, "ONE"), settle(made[1]!, 100, "TWO"), settle(made[2]!, 50, "TRI")]);
		const page = async (after: { balance_due: number; client_id: string } | null) =>
			(
				await studio().query<{ row: { client_id: string; balance_due: number; last_settlement: { amount: number } } }>(
					"select list_commission($1, 'all', $2, $3, 2) as row",
					[name.toUpperCase(), after?.balance_due, after?.client_id],
				)
			).rows.map(({ row }) => row);
		const first = await page(null);
		expect(first.map(({ balance_due }) => balance_due)).toEqual([-50, -100]);
		expect(first[0]).toMatchObject({ last_settlement: { amount: 50 } });
		const second = await page(first[1]!);
		expect(second.map(({ balance_due }) => balance_due)).toEqual([-100]);
		expect(new Set([...first, ...second].map(({ client_id }) => client_id)).size).toBe(3);
	});

	test("page through a merchant's entries, of one month or those by hand alone", async () => {
		const kaveri = await merchant();
		await paid(kaveri);
		await backdate(kaveri, 1);
		await settle(kaveri, 13, "LATER");
		await closeAll(kaveri);
		const list = async (before: number | null, month: string | null, by_hand: boolean) =>
			(
				await studio().query<{ row: { entry_no: number; type: string } }>(
					"select list_wallet_entries($1, $2, $3::date, $4, 2) as row",
					[kaveri.id, before, month, by_hand],
				)
			).rows.map(({ row }) => row.entry_no);
		expect(await list(null, null, false)).toEqual([3, 2]);
		expect(await list(2, null, false)).toEqual([1]);
		expect(await list(null, null, true)).toEqual([3]);
		const [{ month }] = (await rows<{ month: string }>("select month::text from billing_periods where client_id = $1", [
			kaveri.id,
		])) as [{ month: string }];
		expect(await list(null, month, false)).toEqual([2, 1]);
		expect(await list(null, "2001-01-01", false)).toEqual([]);
	});
});

describe("the company's details", () => {
	const save = (more: object) =>
		value<Record<string, unknown>>("select save_company_profile(read_company_profile() || $1, 'asha') as value", [
			JSON.stringify(more),
		]);
	test("are saved with who did it", async () => {
		expect(await save({ upi_vpa: "dues@bank", email: " " })).toMatchObject({ upi_vpa: "dues@bank", email: null });
		expect(
			await rows(
				"select actor, after ->> 'upi_vpa' as vpa from audit_log where table_name = 'company_profile' order by id desc limit 1",
			),
		).toEqual([{ actor: "asha", vpa: "dues@bank" }]);
	});
	test.each([
		[{ gstin: "nonsense" }, "LS080"],
		[{ upi_vpa: "nonsense" }, "LS091"],
		[{ invoice_prefix: "LSC" }, "LS091"],
		[{ invoice_prefix: "LONG" }, "LS091"],
		[{ adjustment_limit: -1 }, "LS091"],
		[{ adjustment_limit: "much" }, "LS091"],
	])("%j is refused", async (more, code) => {
		await expect(save(more)).rejects.toMatchObject({ code, hint: expect.any(String) });
	});
});

// Planted with triggers and keys off, in a transaction that is rolled back: the walls would not let them in.
describe("check_invariants finds a planted breach of", () => {
	let kaveri: TestMerchant;
	beforeAll(async () => {
		kaveri = await merchant();
		const march = await paid(kaveri);
		await paid(kaveri);
		await backdate(kaveri, 2);
		const from = (await entryCount(kaveri)) + 1;
		await refunded(kaveri, march, 10_000);
		await settle(kaveri, 5, "PLANTED");
		const { id } = await propose(kaveri, 200_000, "meera");
		await decide(id, true, "arun");
		await backdate(kaveri, 1, from);
		await closeAll(kaveri);
	});

	test.each([
		[
			"closed_months_cover_the_entries",
			"update billing_periods set first_entry_no = first_entry_no + 1 where client_id = $1",
		],
		[
			"closed_months_cover_the_entries",
			"update billing_periods set adjusted = adjusted + 1, closing_balance = closing_balance + 1 where client_id = $1",
		],
		["documents_add_up_to_the_entries", "delete from invoices where client_id = $1 and kind = 'credit_note'"],
		[
			"documents_add_up_to_the_entries",
			"update invoices set taxable_amount = taxable_amount + 1, total = total + 1 where client_id = $1 and kind = 'invoice'",
		],
		[
			"document_is_the_sum_of_its_lines",
			"update invoice_lines l set taxable_amount = l.taxable_amount + 1 from invoices i where i.id = l.invoice_id and i.client_id = $1",
		],
		["document_numbers_have_no_gap", "delete from invoices where client_id = $1"],
		["document_numbers_have_no_gap", "update document_series set last_number = last_number + 1"],
		[
			"document_numbers_follow_their_days",
			"update invoices set issued_on = issued_on + 1 where client_id <> $1 and number = 1",
		],
		[
			"credit_note_stays_within_its_invoice",
			"update invoices set taxable_amount = 1000000, total = 1000000 + cgst + sgst + igst where client_id = $1 and kind = 'credit_note'",
		],
		[
			"credit_note_stays_within_its_invoice",
			"update invoices set igst = cgst + sgst, cgst = 0, sgst = 0 where client_id = $1 and kind = 'credit_note'",
		],
		["document_has_its_pdf", "update invoices set created_at = now() - interval '2 days' where client_id = $1"],
		["entry_by_hand_has_its_record", "delete from manual_settlements where client_id = $1"],
		["entry_by_hand_has_its_record", "delete from adjustments where client_id = $1"],
		["record_by_hand_has_its_entry", "update manual_settlements set amount = amount + 1 where client_id = $1"],
		["record_by_hand_has_its_entry", "delete from wallet_entries where client_id = $1 and type = 'ADJUSTMENT'"],
		[
			"payout_entry_has_its_payout",
			"update wallet_entries set type = 'COMMISSION_PAYOUT' where client_id = $1 and type = 'MANUAL_SETTLEMENT'",
		],
		[
			"payout_has_its_entries",
			"insert into payouts (client_id, collected_for, amount, provider, status, processed_at, entry_id) select client_id, current_date, 5, 'razorpay', 'processed', now(), id from wallet_entries where client_id = $1 limit 1",
		],
		[
			"split_entry_has_its_split",
			"update wallet_entries set type = 'COMMISSION_SPLIT', transaction_id = uuidv7() where client_id = $1 and type = 'MANUAL_SETTLEMENT'",
		],
		[
			"split_entry_has_its_split",
			"update wallet_entries set type = 'COMMISSION_SPLIT_REVERSAL', amount = 5, transaction_id = (select id from transactions where client_id = $1 limit 1) where client_id = $1 and type = 'MANUAL_SETTLEMENT'",
		],
		[
			"split_is_booked_as_it_came",
			"insert into payment_splits (attempt_id, client_id, account, amount, status, entry_id) select id, client_id, 'acc_1', 5, 'collected', uuidv7() from payment_attempts where client_id = $1 and status = 'succeeded' limit 1",
		],
		[
			"split_is_collected_with_its_payment",
			"insert into payment_splits (attempt_id, client_id, account, amount) select id, client_id, 'acc_1', 5 from payment_attempts where client_id = $1 and status = 'succeeded' limit 1",
		],
		[
			"adjustment_was_approved_by_another",
			"alter table adjustments drop constraint adjustments_second_person_check; update adjustments set decided_by = proposed_by where client_id = $1",
		],
	])("%s: %s", async (invariant, corruption) => {
		const breaches = await breachesAfter(database, async (client) => {
			for (const statement of corruption.split("; ")) {
				await client.query(statement, statement.includes("$1") ? [kaveri.id] : []);
			}
		});
		expect(breaches).toContain(invariant);
	});
});

describe("a part that the PSP splits off", () => {
	/** A payment through a gateway that splits; what was asked of the PSP. */
	async function ordered(of: TestMerchant, amount: number) {
		const started = await startPayment(database, of, { amount });
		return { ...started, amount, split: (await beginPspOrder(jobs(), started.attempt_id))?.split ?? null };
	}
	const pay = ({ attempt_id, amount }: { attempt_id: string; amount: number }, psp_payment_id = `pay_${attempt_id}`) =>
		settleAttempt(jobs(), attempt_id, attemptState("succeeded", { psp_payment_id, amount }));
	const splitting = (columns = {}) =>
		createMerchant(database.pool("admin"), keys, columns, [
			{ split_account: "acc_IROu8Nod6PXPtZ", split_enabled: true },
			{ split_account: "acc_IROu8Nod6PXPtZ" },
		]);
	/** of × part / whole, to the paisa, half up. */
	const share = (of: number, part: number, whole: number) =>
		Number((2n * BigInt(of) * BigInt(part) + BigInt(whole)) / (2n * BigInt(whole)));
	const entriesOf = (transaction_id: string) =>
		rows<{ type: string; amount: number }>(
			"select type, amount from wallet_entries where transaction_id = $1 order by entry_no",
			[transaction_id],
		);

	test("is booked as due and as collected with the payment, once, and what is due stays as it was", async () => {
		const of = await splitting({ rotation_mode: "smart" });
		await rows("update payment_gateways set priority = 99 where client_id = $1 and split_enabled", [of.id]);
		await rows("update payment_gateways set is_active = false where client_id = $1 and not split_enabled", [of.id]);
		const order = await ordered(of, 1_000_000);
		expect(order.split).toEqual({ account: "acc_IROu8Nod6PXPtZ", amount: 41_300 });
		expect((await beginPspOrder(jobs(), order.attempt_id))?.split).toEqual(order.split);
		await pay(order);
		await pay(order);
		expect(await entriesOf(order.transaction_id)).toEqual([
			{ type: "COMMISSION_SPLIT", amount: -41_300 },
			{ type: "COMMISSION", amount: 35_000 },
			{ type: "COMMISSION_GST", amount: 6_300 },
		]);
		expect(await balance(of)).toBe(0);

		// a refund takes commission back; the part stays with us, so the merchant has it in advance, and the next part is so much less
		await refunded(of, order.transaction_id, 500_000);
		expect(await balance(of)).toBe(-20_650);
		const next = await ordered(of, 1_000_000);
		expect(next.split?.amount).toBe(20_650);
		await pay(next);
		expect(await balance(of)).toBe(0);
	});

	describe("and then cannot settle to us", () => {
		type Ordered = Awaited<ReturnType<typeof ordered>>;
		/** So many seconds after the payment. */
		const at = (seconds: number) => new Date(Date.UTC(2026, 10, 20) + seconds * 1000).toISOString();
		const failure = { code: "declined", psp_code: "insufficient_balance", message: "Transfer failed" };
		const tell = (
			{ attempt_id, split }: Ordered,
			outcome: SplitTransferReport["outcome"],
			seconds: number,
			more: Partial<SplitTransferReport> = {},
		) =>
			recordSplitTransfer(jobs(), attempt_id, {
				outcome,
				psp_transfer_id: `trf_${attempt_id}`,
				account: "acc_IROu8Nod6PXPtZ",
				amount: split!.amount,
				amount_reversed: 0,
				currency: "INR",
				occurred_at: at(seconds),
				error: outcome === "failed" ? failure : null,
				...more,
			});
		async function one(columns = {}, amount = 1_000_000) {
			const of = await splitting(columns);
			await rows("update payment_gateways set is_active = false where client_id = $1 and not split_enabled", [of.id]);
			return { of, order: await ordered(of, amount) };
		}
		const alertsOf = async (of: TestMerchant) =>
			(
				await rows<{ kind: string }>(
					"select kind from alerts where client_id = $1 and status <> 'resolved' order by kind",
					[of.id],
				)
			).map(({ kind }) => kind);

		test("is due again, once however often it is told, and closes the alert about dues when it came after all", async () => {
			const { of, order } = await one({ suspend_threshold: 41_300 });
			await pay(order);
			expect(await tell(order, "failed", 5)).toBe(true);
			expect(await tell(order, "failed", 5)).toBe(false);
			expect(await tell(order, "failed", 90_000)).toBe(false);
			expect((await entriesOf(order.transaction_id)).slice(3)).toEqual([
				{ type: "COMMISSION_SPLIT_REVERSAL", amount: 41_300 },
			]);
			expect([await balance(of), await alertsOf(of)]).toEqual([41_300, ["dues_outstanding", "split_failed"]]);
			const [alert] = await rows<{ details: unknown }>(
				"select details from alerts where client_id = $1 and kind = 'split_failed'",
				[of.id],
			);
			expect(alert!.details).toMatchObject({
				transaction_id: order.transaction_id,
				account: "acc_IROu8Nod6PXPtZ",
				returned: 41_300,
				error: failure,
			});
			expect(await tell(order, "succeeded", 176_400)).toBe(true);
			expect(await tell(order, "succeeded", 176_400)).toBe(false);
			// that it had failed is told late
			expect(await tell(order, "failed", 90_001)).toBe(false);
			expect((await entriesOf(order.transaction_id)).slice(4)).toEqual([{ type: "COMMISSION_SPLIT", amount: -41_300 }]);
			expect([await balance(of), await alertsOf(of)]).toEqual([0, ["split_failed"]]);
			await backdate(of, 1);
			const [month] = await closeAll(of);
			expect(month!.documents).toHaveLength(1);
			expect(await rows("select settled, closing_balance from billing_periods where client_id = $1", [of.id])).toEqual([
				{ settled: -41_300, closing_balance: 0 },
			]);
		});

		test("is told before the payment is known as paid, and is booked with it", async () => {
			const { of, order } = await one();
			expect(await tell(order, "failed", 5)).toBe(true);
			expect([await balance(of), await entriesOf(order.transaction_id)]).toEqual([0, []]);
			await pay(order);
			await pay(order);
			expect(await entriesOf(order.transaction_id)).toEqual([
				{ type: "COMMISSION_SPLIT", amount: -41_300 },
				{ type: "COMMISSION_SPLIT_REVERSAL", amount: 41_300 },
				{ type: "COMMISSION", amount: 35_000 },
				{ type: "COMMISSION_GST", amount: 6_300 },
			]);
			expect(await tell(order, "failed", 5)).toBe(false);
			expect(await balance(of)).toBe(41_300);
		});

		test("is what was asked for: nothing else that the PSP moves changes anything", async () => {
			const { of, order } = await one();
			await pay(order);
			for (const other of [{ account: "acc_00000000000001" }, { amount: 41_299 }, { currency: "USD" }]) {
				expect(await tell(order, "failed", 5, other)).toBeNull();
			}
			expect(await tell(order, "succeeded", 4)).toBe(false);
			expect(await tell(order, "failed", 5, { psp_transfer_id: "trf_by_hand" })).toBeNull();
			// of one moment: it failed, and was tried again
			expect(await tell(order, "failed", 4)).toBe(false);
			await expect(tell(order, "unknown" as "failed", 9)).rejects.toMatchObject({ code: "LS021" });
			const refused = await ordered(of, 1_000_000);
			await refuseSplit(jobs(), refused.attempt_id, { code: "invalid_request", message: "no such account" });
			await pay(refused);
			expect(await tell(refused, "failed", 5)).toBeNull();
			expect([await balance(of), await alertsOf(of)]).toEqual([41_300, ["split_refused"]]);
		});

		test("leaves the same due whether the payer has the money back before or after", async () => {
			for (const refundFirst of [true, false]) {
				const { of, order } = await one();
				await pay(order);
				if (!refundFirst) await tell(order, "failed", 5);
				await refunded(of, order.transaction_id, 500_000);
				if (refundFirst) await tell(order, "failed", 5);
				expect(await balance(of)).toBe(20_650);
				await refunded(of, order.transaction_id, 500_000);
				expect(await balance(of)).toBe(0);
			}
		});

		test("never has more due again than was split off, and comes to what was told last, in any order", async () => {
			const said = fc.record({
				outcome: fc.constantFrom("succeeded" as const, "failed" as const),
				amount_reversed: fc.integer({ min: 0, max: 60_000 }),
				seconds: fc.integer({ min: 1, max: 6 }),
			});
			const step = fc.oneof(said, fc.constant("pay" as const), fc.constant("refund" as const));
			await fc.assert(
				fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
					const { of, order } = await one();
					let paidAlready = false;
					let back = 0;
					let latest = { seconds: 0, returned: 0 };
					for (const step of [...steps, "pay" as const]) {
						if (step === "pay") {
							await pay(order);
							paidAlready = true;
						} else if (step === "refund") {
							if (!paidAlready || back === 1_000_000) continue;
							await refunded(of, order.transaction_id, 250_000);
							back += 250_000;
						} else {
							const { outcome, amount_reversed, seconds } = step;
							await tell(order, outcome, seconds, { amount_reversed });
							const returned = outcome === "failed" ? 41_300 : Math.min(amount_reversed, 41_300);
							const isNews =
								seconds > latest.seconds ||
								(seconds === latest.seconds && (outcome === "succeeded" || latest.returned === 41_300));
							if (isNews) latest = { seconds, returned };
						}
						expect(await balance(of)).toBe(paidAlready ? latest.returned - (41_300 * back) / 1_000_000 : 0);
					}
				}),
				{ numRuns: 25 },
			);
		});
	});

	test("is not booked where it was refused, declined, or the gateway does not split", async () => {
		const of = await splitting();
		await rows("update payment_gateways set is_active = false where client_id = $1 and not split_enabled", [of.id]);
		const refused = await ordered(of, 1_000_000);
		await refuseSplit(jobs(), refused.attempt_id, {
			code: "invalid_request",
			message: "no such account",
			http_status: 400,
			retry_after_seconds: null,
		});
		expect((await beginPspOrder(jobs(), refused.attempt_id))?.split).toBeNull();
		await pay(refused);
		expect(await balance(of)).toBe(41_300);
		const declined = await ordered(of, 1_000_000);
		await settleAttempt(jobs(), declined.attempt_id, attemptState("failed", { psp_payment_id: "pay_declined" }));
		expect(await balance(of)).toBe(41_300);
		expect((await ordered(of, 2_000)).split).toBeNull();
		await rows("update payment_gateways set split_enabled = false where client_id = $1", [of.id]);
		expect((await ordered(of, 1_000_000)).split).toBeNull();
		await expect(
			rows("update payment_gateways set split_account = 'vendor' where client_id = $1", [of.id]),
		).rejects.toMatchObject({ constraint: "payment_gateways_split_account_check" });
	});

	test("leaves what is due right over any payments and refunds, with and without it", async () => {
		const payment = fc.record({
			amount: fc.integer({ min: 3_000, max: 3_000_000 }),
			splits: fc.boolean(),
			parts: fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 3 }),
		});
		await fc.assert(
			fc.asyncProperty(fc.array(payment, { minLength: 1, maxLength: 5 }), async (payments) => {
				const of = await splitting();
				await rows("update payment_gateways set is_active = false where client_id = $1 and not split_enabled", [of.id]);
				let due = 0;
				for (const { amount, splits, parts } of payments) {
					await rows("update payment_gateways set split_enabled = $2 where client_id = $1 and is_active", [
						of.id,
						splits,
					]);
					const order = await ordered(of, amount);
					const [fee, gst] = [share(amount, 35, 1_000), share(share(amount, 35, 1_000), 18, 100)];
					const asked = fee + gst + Math.min(0, due);
					expect(order.split?.amount ?? 0).toBe(splits && asked >= 100 ? asked : 0);
					await pay(order);
					let left = amount;
					for (const percent of parts) {
						const part = Math.floor((left * percent) / 100);
						if (part < 1) continue;
						await refunded(of, order.transaction_id, part);
						left -= part;
					}
					const back = share(fee, amount - left, amount) + share(gst, amount - left, amount);
					due += fee + gst - (order.split?.amount ?? 0) - back;
					expect(await balance(of)).toBe(due);
				}
			}),
			{ numRuns: 8 },
		);
	});
});
