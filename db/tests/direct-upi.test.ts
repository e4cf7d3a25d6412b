import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { queryAs, type StartedPayment, startPayment } from "../../test/payments.ts";
import { beginPspOrder, movePayment, recordPspOrder, requestAnotherGateway } from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { expireTransactions } from "../client/operations.ts";
import { readPayPage, readTransaction } from "../client/payments.ts";
import { createRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";
import { submitUtr } from "../client/upi.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(async () => {
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
	await database.drop();
});

const checkout = () => database.pool("checkout");
const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));

const merchant = (settings: Record<string, unknown> = {}) =>
	createMerchant(database.pool("admin"), keys, {}, [
		{
			provider: "upi",
			api_key: "kaveribooks@okbank",
			api_secret: null,
			settings: { payee_name: "Kaveri Books", ...settings },
		},
	]);

let serial = 0;
const freshUtr = () => String(600_000_000_000 + ++serial);

interface UpiPayment extends StartedPayment {
	amount: number;
	reference: string;
}

async function shown(of: TestMerchant, amount = 50_000): Promise<UpiPayment> {
	const payment = await startPayment(database, of, { amount });
	const work = await beginPspOrder(database.pool("jobs"), payment.attempt_id);
	const reference = `LS${payment.attempt_id.replaceAll("-", "").slice(-16).toUpperCase()}`;
	await recordPspOrder(database.pool("jobs"), {
		attempt_id: payment.attempt_id,
		psp_order_id: reference,
		presentation: { kind: "upi", amount: work!.transaction.amount, reference },
		latency_ms: 0,
	});
	return { ...payment, amount: work!.transaction.amount, reference };
}

const status = async ({ transaction_id }: StartedPayment) =>
	(await readTransaction(checkout(), transaction_id))?.view.status;

const today = () =>
	new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(new Date());

const line = (amount: number, more: Record<string, unknown> = {}) => ({
	credited_on: today(),
	amount,
	utr: freshUtr(),
	payer: "asha@okbank",
	narration: "UPI/CR/ASHA RAO",
	...more,
});

async function importStatement(of: TestMerchant, lines: ReturnType<typeof line>[]) {
	const [result] = await asStudio<{ value: Record<string, number> & { statement_id: string } }>(
		"select public.import_bank_statement($1, 'statement.csv', $2, $3, 'operator-1') as value",
		[
			of.gateways[0]!.id,
			createHash("sha256").update(randomUUID()).digest("hex"),
			JSON.stringify(lines.map((each, index) => ({ line_no: index + 1, ...each }))),
		],
	);
	return result!.value;
}

const exceptions = (of: TestMerchant) =>
	rows<{ id: string; exception: string }>(
		"select id, exception from bank_statement_lines where client_id = $1 and status = 'exception' order by line_no",
		[of.id],
	);

describe("the amount asked for", () => {
	test("is the payment's where credits are matched by reference", async () => {
		const kaveri = await merchant();
		expect((await shown(kaveri)).amount).toBe(50_000);
		expect((await shown(kaveri)).amount).toBe(50_000);
	});

	test("differs by paise among open payments where credits are matched by amount, never above the price", async () => {
		const kaveri = await merchant({ match_by: "amount" });
		const payments = await Promise.all(Array.from({ length: 30 }, () => shown(kaveri)));
		const amounts = payments.map(({ amount }) => amount);
		expect(new Set(amounts).size).toBe(30);
		expect(Math.max(...amounts)).toBeLessThan(50_000);
		expect(Math.min(...amounts)).toBeGreaterThan(50_000 - 100);
	});

	test("never falls below one rupee, and is the whole when no other is free", async () => {
		const kaveri = await merchant({ match_by: "amount" });
		const amounts = [];
		for (let n = 0; n < 4; n++) amounts.push((await shown(kaveri, 102)).amount);
		expect([...amounts.slice(0, 2).sort(), ...amounts.slice(2)]).toEqual([100, 101, 102, 102]);
	});

	test("the code is to be shown for nine minutes at most", async () => {
		const kaveri = await merchant();
		const { attempt_id } = await startPayment(database, kaveri);
		const work = await beginPspOrder(database.pool("jobs"), attempt_id);
		const [now] = await rows<{ now: Date }>("select now()");
		expect(work!.transaction.expires_at.getTime() - now!.now.getTime()).toBeLessThanOrEqual(540_000);
		expect(work!.gateway.api_secret).toBeNull();
	});
});

describe("a UTR that the payer names", () => {
	test("waits for an operator, and pays when that approves", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		const utr = freshUtr();
		expect(await submitUtr(checkout(), payment.transaction_id, utr)).toBe("submitted");
		expect(await submitUtr(checkout(), payment.transaction_id, utr)).toBe("submitted");
		expect(await status(payment)).toBe("pending");
		expect((await readPayPage(checkout(), payment.transaction_id))?.utr_claim).toEqual({ utr, status: "submitted" });
		const [claim] = await asStudio<{ id: string }>("select id from utr_claims where utr = $1", [utr]);
		const decide = () => asStudio("select public.decide_utr_claim($1, true, null, 'operator-1')", [claim!.id]);
		await decide();
		expect((await readTransaction(checkout(), payment.transaction_id))?.view).toMatchObject({
			status: "paid",
			method: "upi",
			provider: "upi",
		});
		await expect(decide()).rejects.toMatchObject({ code: "LS043" });
		expect(await rows("select actor from audit_log where action = 'approve_utr' and row_id = $1", [claim!.id])).toEqual(
			[{ actor: "operator-1" }],
		);
		expect(await submitUtr(checkout(), payment.transaction_id, freshUtr())).toBe("paid");
	});

	test("is used once a merchant, however many claim it", async () => {
		const kaveri = await merchant();
		const [first, second] = [await shown(kaveri), await shown(kaveri)];
		const utr = freshUtr();
		await submitUtr(checkout(), first.transaction_id, utr);
		await submitUtr(checkout(), second.transaction_id, utr);
		const claims = await rows<{ id: string }>("select id from utr_claims where utr = $1 order by id", [utr]);
		const decided = await Promise.allSettled(
			claims.map(({ id }) => asStudio("select public.decide_utr_claim($1, true, null, 'operator-1')", [id])),
		);
		expect(decided.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
		expect([await status(first), await status(second)].sort()).toEqual(["paid", "pending"]);
		const third = await shown(kaveri);
		await expect(submitUtr(checkout(), third.transaction_id, utr)).rejects.toMatchObject({ code: "utr_already_used" });
		const elsewhere = await shown(await merchant());
		expect(await submitUtr(checkout(), elsewhere.transaction_id, utr)).toBe("submitted");
	});

	test("is rejected with a reason, after which the payer may name another, five in all", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		await submitUtr(checkout(), payment.transaction_id, freshUtr());
		const [claim] = await rows<{ id: string }>("select id from utr_claims where transaction_id = $1", [
			payment.transaction_id,
		]);
		const reject = (reason: string | null) =>
			asStudio("select public.decide_utr_claim($1, false, $2, 'operator-1')", [claim!.id, reason]);
		await expect(reject(" ")).rejects.toMatchObject({ code: "LS044" });
		await reject("No such credit on the statement");
		expect((await readPayPage(checkout(), payment.transaction_id))?.utr_claim).toMatchObject({ status: "rejected" });
		for (let n = 0; n < 4; n++) await submitUtr(checkout(), payment.transaction_id, freshUtr());
		await expect(submitUtr(checkout(), payment.transaction_id, freshUtr())).rejects.toMatchObject({
			code: "rate_limited",
		});
	});

	test.each(["", "12345", "1234567890123", "12345678901a", " 123456789012"])("%j is refused", async (utr) => {
		const payment = await shown(await merchant());
		await expect(submitUtr(checkout(), payment.transaction_id, utr)).rejects.toMatchObject({
			code: "invalid_request",
			param: "utr",
		});
	});

	test("is not taken for a payment that is no direct UPI", async () => {
		const payment = await startPayment(database, await createMerchant(database.pool("admin"), keys));
		await expect(submitUtr(checkout(), payment.transaction_id, freshUtr())).rejects.toMatchObject({
			code: "not_found",
		});
	});

	test("after the payment expired pays it late", async () => {
		const payment = await shown(await merchant());
		await rows("update transactions set expires_at = now() - interval '1 minute' where id = $1", [
			payment.transaction_id,
		]);
		await expireTransactions(database.pool("jobs"));
		expect(await status(payment)).toBe("expired");
		expect(
			await rows("select 1 from payment_attempts where id = $1 and next_lookup_at is not null", [payment.attempt_id]),
		).toEqual([]);
		await submitUtr(checkout(), payment.transaction_id, freshUtr());
		await asStudio("select public.decide_utr_claim(id, true, null, 'op') from utr_claims where transaction_id = $1", [
			payment.transaction_id,
		]);
		expect((await readTransaction(checkout(), payment.transaction_id))?.view).toMatchObject({
			status: "paid",
			late: true,
		});
	});
});

describe("a bank statement", () => {
	test("pays what it certainly belongs to, by claim, reference or amount, and leaves the rest open", async () => {
		const kaveri = await merchant({ match_by: "amount" });
		const [claimed, referenced, marked] = [await shown(kaveri), await shown(kaveri), await shown(kaveri)];
		const utr = freshUtr();
		await submitUtr(checkout(), claimed.transaction_id, utr);
		const result = await importStatement(kaveri, [
			line(claimed.amount, { utr }),
			line(referenced.amount, { narration: `UPI/CR/ASHA/${referenced.reference.toLowerCase()}/OKBANK` }),
			line(marked.amount),
			line(77_777),
			line(5_000, { utr: null, narration: "NEFT-SALARY" }),
		]);
		expect(result).toMatchObject({ lines: 5, matched: 3, exceptions: 2, repeated: 0 });
		expect([await status(claimed), await status(referenced), await status(marked)]).toEqual(["paid", "paid", "paid"]);
		expect((await exceptions(kaveri)).map(({ exception }) => exception)).toEqual(["no_payment", "no_utr"]);
	});

	test("imported twice, or overlapping, pays nothing twice", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		const lines = [line(payment.amount, { narration: payment.reference }), line(1_234, { utr: null })];
		expect(await importStatement(kaveri, lines)).toMatchObject({ matched: 1, exceptions: 1, repeated: 0 });
		expect(await importStatement(kaveri, lines)).toMatchObject({ matched: 0, exceptions: 0, repeated: 2 });
		expect(await rows("select 1 from wallet_entries where client_id = $1", [kaveri.id])).toHaveLength(2);
	});

	test("two imports at once pay everything once", async () => {
		const kaveri = await merchant();
		const payments = await Promise.all(Array.from({ length: 12 }, () => shown(kaveri)));
		const lines = payments.map((payment) => line(payment.amount, { narration: payment.reference }));
		const results = await Promise.all([importStatement(kaveri, lines), importStatement(kaveri, lines.toReversed())]);
		expect(results.reduce((sum, { matched }) => sum + matched!, 0)).toBe(12);
		for (const payment of payments) expect(await status(payment)).toBe("paid");
	});

	test("does not guess: equal amounts by reference mode, a wrong amount, a second credit", async () => {
		const kaveri = await merchant();
		const [one, two] = [await shown(kaveri), await shown(kaveri)];
		await importStatement(kaveri, [
			line(50_000),
			line(49_000, { utr: "612345678901", narration: "x" }),
			line(one.amount, { narration: one.reference }),
			line(one.amount, { narration: one.reference }),
		]);
		expect((await exceptions(kaveri)).map(({ exception }) => exception)).toEqual([
			"no_payment",
			"no_payment",
			"several_payments",
		]);
		expect([await status(one), await status(two)]).toEqual(["paid", "pending"]);
	});

	test("a credit that came before its payer named the UTR pays when that happens", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		const utr = freshUtr();
		await importStatement(kaveri, [line(payment.amount, { utr })]);
		expect(await submitUtr(checkout(), payment.transaction_id, utr)).toBe("paid");
		expect(await exceptions(kaveri)).toEqual([]);
	});

	test("does not let an old credit, or one of another payment, pay", async () => {
		const kaveri = await merchant({ match_by: "amount" });
		const [first, second] = [await shown(kaveri, 80_000), await shown(kaveri)];
		const [old, stranger] = [freshUtr(), freshUtr()];
		await importStatement(kaveri, [
			line(first.amount, { utr: old, credited_on: "2026-01-02" }),
			// says that it is the first's, and has the second's amount
			line(second.amount, { narration: `UPI/${first.reference}` }),
			// the round price
			line(50_000, { utr: stranger, narration: "NEFT/RENT MAY" }),
		]);
		expect(await submitUtr(checkout(), first.transaction_id, old)).toBe("submitted");
		expect([await status(first), await status(second)]).toEqual(["pending", "pending"]);
		expect((await exceptions(kaveri)).map(({ exception }) => exception)).toEqual([
			"no_payment",
			"amount_differs",
			"no_payment",
		]);
		const [claim] = await rows<{ id: string }>("select id from utr_claims where utr = $1", [old]);
		await expect(
			asStudio("select public.decide_utr_claim($1, true, null, 'operator-1')", [claim!.id]),
		).rejects.toMatchObject({ code: "LS046" });
	});

	test("does not pay by an amount that another payment of these days had, though that is paid", async () => {
		const kaveri = await merchant({ match_by: "amount" });
		const first = await shown(kaveri, 102);
		await importStatement(kaveri, [line(first.amount)]);
		expect((await shown(kaveri, 102)).amount).not.toBe(first.amount);
		expect((await shown(kaveri, 102)).amount).toBe(102);
	});

	test("that names a UTR approved before is that payment's", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		const utr = freshUtr();
		await submitUtr(checkout(), payment.transaction_id, utr);
		await asStudio("select public.decide_utr_claim(id, true, null, 'op') from utr_claims where utr = $1", [utr]);
		expect(await importStatement(kaveri, [line(payment.amount, { utr })])).toMatchObject({ matched: 1, exceptions: 0 });
	});

	test("imported while the payer names its UTR pays all the same", async () => {
		const kaveri = await merchant();
		const payments = await Promise.all(Array.from({ length: 8 }, () => shown(kaveri)));
		const utrs = payments.map(() => freshUtr());
		await Promise.all([
			importStatement(
				kaveri,
				utrs.map((utr) => line(50_000, { utr })),
			),
			...payments.map((payment, n) => submitUtr(checkout(), payment.transaction_id, utrs[n] as string)),
		]);
		for (const payment of payments) expect(await status(payment)).toBe("paid");
		expect(await exceptions(kaveri)).toEqual([]);
	});

	test("waits for a payer who is naming a UTR, and neither is turned away", async () => {
		const kaveri = await merchant();
		const payment = await shown(kaveri);
		const importing = await database.connection("admin");
		// As import_bank_statement takes its locks: the gateway's row, then the payments that it pays.
		await importing.query("begin");
		await importing.query("select from payment_gateways where id = $1 for no key update", [kaveri.gateways[0]!.id]);
		const naming = submitUtr(checkout(), payment.transaction_id, freshUtr());
		await expect
			.poll(() => rows("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))
			.toHaveLength(1);
		await importing.query("select from transactions where id = $1 for update", [payment.transaction_id]);
		await importing.query("commit");
		expect(await naming).toBe("submitted");
	});

	test("that pays expired payments, and settlements of the same merchant beside it, do not block each other", async () => {
		const kaveri = await merchant();
		const payments = await Promise.all(Array.from({ length: 10 }, () => shown(kaveri)));
		await rows("update transactions set expires_at = now() where client_id = $1", [kaveri.id]);
		await expireTransactions(database.pool("jobs"));
		const [imported, others] = [payments.slice(0, 5), payments.slice(5)];
		for (const payment of others) await submitUtr(checkout(), payment.transaction_id, freshUtr());
		const claims = await rows<{ id: string }>("select id from utr_claims where client_id = $1", [kaveri.id]);
		await Promise.all([
			importStatement(
				kaveri,
				imported.map((payment) => line(payment.amount, { narration: payment.reference })),
			),
			...claims.map(({ id }) => asStudio("select public.decide_utr_claim($1, true, null, 'op')", [id])),
		]);
		for (const payment of payments) expect(await status(payment)).toBe("paid");
	});

	test("an open line is settled by an operator, with a reason, for the right amount only", async () => {
		const kaveri = await merchant();
		const [payment, dearer] = [await shown(kaveri), await shown(kaveri, 60_000)];
		await importStatement(kaveri, [line(50_000), line(33_333)]);
		const [credit, stranger] = await exceptions(kaveri);
		const resolve = (id: string, attempt: string | null, reason: string | null) =>
			asStudio("select public.resolve_statement_line($1, $2, $3, 'operator-1')", [id, attempt, reason]);
		await expect(resolve(credit!.id, payment.attempt_id, null)).rejects.toMatchObject({ code: "LS044" });
		await expect(resolve(credit!.id, dearer.attempt_id, "x")).rejects.toMatchObject({ code: "LS046" });
		await resolve(credit!.id, payment.attempt_id, "The payer sent a screenshot");
		expect(await status(payment)).toBe("paid");
		await resolve(stranger!.id, null, "The merchant's own transfer");
		await expect(resolve(stranger!.id, null, "again")).rejects.toMatchObject({ code: "LS043" });
		expect(await exceptions(kaveri)).toEqual([]);
	});

	test("of no direct UPI gateway, or with a line that cannot be read, is refused whole", async () => {
		const kaveri = await merchant();
		await expect(importStatement(await createMerchant(database.pool("admin"), keys), [line(1)])).rejects.toMatchObject({
			code: "LS027",
		});
		await expect(importStatement(kaveri, [line(1), line(0)])).rejects.toMatchObject({ code: "LS045" });
		expect(await rows("select 1 from bank_statements where client_id = $1", [kaveri.id])).toEqual([]);
	});
});

test("a payer whose payment moved on may still name the UTR of what was paid before, for eight days", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, {}, [
		{ priority: 2, provider: "upi", api_key: "kaveribooks@okbank", api_secret: null },
		{ priority: 1 },
	]);
	const payment = await shown(kaveri);
	await requestAnotherGateway(checkout(), payment.transaction_id);
	expect(await movePayment(database.pool("jobs"), payment.attempt_id, { is_closed: false })).toMatchObject({
		next_attempt_id: expect.any(String),
	});
	expect(await readPayPage(checkout(), payment.transaction_id)).toMatchObject({ presentation: null, takes_utr: true });
	expect(await submitUtr(checkout(), payment.transaction_id, freshUtr())).toBe("submitted");

	await rows("update payment_attempts set created_at = now() - interval '9 days' where id = $1", [payment.attempt_id]);
	expect(await readPayPage(checkout(), payment.transaction_id)).toMatchObject({ takes_utr: false });
	await expect(submitUtr(checkout(), payment.transaction_id, freshUtr())).rejects.toMatchObject({ code: "not_found" });
});

test("a payer who named a UTR is not led to pay elsewhere before somebody has looked", async () => {
	const kaveri = await createMerchant(database.pool("admin"), keys, {}, [
		{ priority: 2, provider: "upi", api_key: "kaveribooks@okbank", api_secret: null },
		{ priority: 1 },
	]);
	const payment = await shown(kaveri);
	expect((await readPayPage(checkout(), payment.transaction_id))?.can_move).toBe(true);
	await submitUtr(checkout(), payment.transaction_id, freshUtr());
	expect((await readPayPage(checkout(), payment.transaction_id))?.can_move).toBe(false);
	expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(false);
});

test("a payment that asked for some paise less is refunded up to what came in", async () => {
	const kaveri = await merchant({ match_by: "amount" });
	await shown(kaveri);
	const payment = await shown(kaveri);
	expect(payment.amount).toBeLessThan(50_000);
	await importStatement(kaveri, [line(payment.amount)]);
	const ask = (amount: number | null) =>
		createRefund(checkout(), {
			client_id: kaveri.id,
			transaction_id: payment.transaction_id,
			amount,
			reason: null,
			idempotency_key: null,
		});
	await expect(ask(50_000)).rejects.toMatchObject({ code: "refund_exceeds_amount" });
	expect((await ask(null)).refund.amount).toBe(payment.amount);
});
