import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { breachesAfter } from "../../test/invariants.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import {
	attemptState,
	disputeReport,
	payPayment,
	queryAs,
	type StartedPayment,
	startPayment,
} from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import { type DisputeReport, findDisputedAttempt, recordDispute } from "../client/disputes.ts";
import { checkInvariants } from "../client/invariants.ts";
import { createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(async () => {
	expect(await checkInvariants(jobs())).toEqual([]);
	await database.drop();
});

const jobs = () => database.pool("jobs");
const rows = queryAs(() => database.pool("admin"));
const merchant = (columns = {}) => createMerchant(database.pool("admin"), keys, columns);

let disputes = 0;
/** Of the latest dispute. */
function report(status: DisputeReport["status"], day: number, more: Partial<DisputeReport> = {}): DisputeReport {
	const psp_dispute_id = `disp_${disputes}`;
	return disputeReport(status, day, { psp_dispute_id, raw: { id: psp_dispute_id }, ...more });
}
const newDispute = () => `disp_${++disputes}`;

const tell = ({ attempt_id }: StartedPayment, said: DisputeReport) => recordDispute(jobs(), attempt_id, said);

const entriesOf = ({ transaction_id }: StartedPayment) =>
	rows<{ type: string; amount: number }>(
		"select type, amount from wallet_entries where transaction_id = $1 order by entry_no",
		[transaction_id],
	);

const eventsOf = async ({ transaction_id }: StartedPayment) =>
	(
		await rows<{ type: string }>(
			"select type from webhook_events where transaction_id = $1 and dispute_id is not null order by id",
			[transaction_id],
		)
	).map(({ type }) => type);

const openAlerts = (kind: string, of: TestMerchant) =>
	rows<{ message: string; details: Record<string, unknown> }>(
		"select message, details from alerts where kind = $1 and client_id = $2 and status <> 'resolved'",
		[kind, of.id],
	);

async function refund(of: TestMerchant, { transaction_id }: StartedPayment, amount: number | null): Promise<void> {
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
		amount: refund.amount,
		bank_reference: null,
		error: null,
		raw: null,
	});
}

describe("a dispute", () => {
	test("opened is told to the merchant and to operators, with the day to answer by, and takes nothing", async () => {
		const kaveri = await merchant({ webhook_url: "https://kaveri.example/hooks" });
		const payment = await payPayment(database, kaveri);
		newDispute();
		expect(await tell(payment, report("opened", 1))).toMatchObject({ status: "opened", changed: true });
		expect(await entriesOf(payment)).toEqual([
			{ type: "COMMISSION", amount: 350 },
			{ type: "COMMISSION_GST", amount: 63 },
			{ type: "DISPUTE_OPENED", amount: 0 },
		]);
		const [event] = await rows<{ payload: { type: string; data: unknown } }>(
			"select payload from webhook_events where transaction_id = $1 and dispute_id is not null",
			[payment.transaction_id],
		);
		expect(event!.payload).toMatchObject({
			type: "dispute.opened",
			data: {
				transaction_id: payment.transaction_id,
				status: "opened",
				amount: 10_000,
				respond_by: "2026-11-20T18:29:59.000Z",
			},
		});
		const [alert] = await openAlerts("dispute_opened", kaveri);
		expect(alert!.message).toBe(
			"A payer disputes ₹100.00 of a payment of ₹100.00. Answer with evidence in the PSP's dashboard by 20 Nov 2026 23:59 IST.",
		);
		const [view] = await rows<{ view: { disputes?: unknown[] } }>(
			"select transaction_view(t) as view from transactions t where id = $1",
			[payment.transaction_id],
		);
		expect(view!.view.disputes).toMatchObject([{ status: "opened", phase: "chargeback", reason_code: "10.4" }]);
	});

	test("won takes nothing, closes the alert, and may be lost in a later phase", async () => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		await tell(payment, report("opened", 1));
		expect(await tell(payment, report("won", 5))).toMatchObject({ status: "won", changed: true });
		expect(await openAlerts("dispute_opened", kaveri)).toEqual([]);
		// no phase of its own: a copy that the PSP made late
		expect(await tell(payment, report("opened", 6))).toMatchObject({ status: "won", changed: false });
		const next = { phase: "pre_arbitration", respond_by: "2026-12-01T18:29:59Z" };
		expect(await tell(payment, report("opened", 7, next))).toMatchObject({ status: "opened", changed: true });
		expect((await openAlerts("dispute_opened", kaveri))[0]!.message).toContain("by 01 Dec 2026");
		expect(await tell(payment, report("lost", 9, next))).toMatchObject({ status: "lost", changed: true });
		expect((await entriesOf(payment)).slice(2)).toEqual([
			{ type: "DISPUTE_OPENED", amount: 0 },
			{ type: "DISPUTE_WON", amount: 0 },
			{ type: "DISPUTE_LOST", amount: -350 },
			{ type: "DISPUTE_LOST_GST", amount: -63 },
		]);
		expect(await eventsOf(payment)).toEqual(["dispute.opened", "dispute.closed", "dispute.opened", "dispute.closed"]);
	});

	test("lost is final: that it was won after all asks an operator", async () => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		await tell(payment, report("lost", 5));
		expect(await tell(payment, report("won", 4))).toMatchObject({ status: "lost", changed: false });
		expect(await openAlerts("dispute_outcome_changed", kaveri)).toEqual([]);
		expect(await tell(payment, report("won", 6))).toMatchObject({ status: "lost", changed: false });
		expect(await openAlerts("dispute_outcome_changed", kaveri)).toHaveLength(1);
	});

	test("comes to the same in every order, each message any number of times", async () => {
		const kaveri = await merchant();
		await fc.assert(
			fc.asyncProperty(
				fc.shuffledSubarray([0, 0, 1, 1, 2, 2, 3, 3], { minLength: 8 }),
				fc.constantFrom("won", "lost", "closed" as const),
				async (order, ending) => {
					const payment = await payPayment(database, kaveri);
					const id = { psp_dispute_id: newDispute() };
					const said = [
						report("opened", 1, id),
						report("opened", 2, { ...id, psp_status: "under_review" }),
						report("opened", 3, { ...id, phase: "pre_arbitration" }),
						report(ending as DisputeReport["status"], 4, { ...id, phase: "pre_arbitration" }),
					];
					for (const which of order) await tell(payment, said[which]!);
					const [dispute] = await rows("select status, phase from disputes where psp_dispute_id = $1", [
						id.psp_dispute_id,
					]);
					expect(dispute).toEqual({ status: ending, phase: "pre_arbitration" });
					const marks = (await entriesOf(payment)).slice(2);
					expect(marks[0]).toEqual({ type: "DISPUTE_OPENED", amount: 0 });
					expect(marks.slice(1)).toEqual(
						ending === "lost"
							? [
									{ type: "DISPUTE_LOST", amount: -350 },
									{ type: "DISPUTE_LOST_GST", amount: -63 },
								]
							: [{ type: `DISPUTE_${ending.toUpperCase()}`, amount: 0 }],
					);
					expect((await eventsOf(payment)).at(-1)).toBe("dispute.closed");
				},
			),
			{ numRuns: 12 },
		);
	});

	test("lost, told by thirty at once beside refunds, is booked once", async () => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		await Promise.all([
			...Array.from({ length: 30 }, () => tell(payment, report("lost", 4, { amount: 6_000 }))),
			refund(kaveri, payment, 1_000),
			refund(kaveri, payment, 2_000),
		]);
		const entries = await entriesOf(payment);
		expect(entries.filter(({ type }) => type === "DISPUTE_LOST")).toHaveLength(1);
		// 90 % of ₹3.50 and of ₹0.63
		expect(entries.reduce((sum, { amount }) => sum + amount, 0)).toBe(413 - 315 - 57);
	});

	test.each([
		["more than was captured", { amount: 10_001 }],
		["no amount", { amount: null }],
		["another currency", { currency: "USD" }],
	])("of %s is not booked, and an operator is asked", async (_, wrong) => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		expect(await tell(payment, report("lost", 4, wrong))).toMatchObject({ status: "refused", changed: false });
		expect(await openAlerts("dispute_mismatch", kaveri)).toHaveLength(1);
		expect(await entriesOf(payment)).toHaveLength(2);
	});

	test("that overtakes the news of its payment waits for it", async () => {
		const kaveri = await merchant();
		const payment = await startPayment(database, kaveri);
		newDispute();
		expect(await tell(payment, report("opened", 1))).toBeNull();
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		expect(await tell(payment, report("opened", 1))).toMatchObject({ changed: true });
		const about = { gateway_id: kaveri.gateways[0]!.id, psp_order_id: null, reference: null };
		expect(await findDisputedAttempt(jobs(), { ...about, psp_payment_id: "pay_1" })).toBe(payment.attempt_id);
		expect(await findDisputedAttempt(jobs(), { ...about, psp_payment_id: "pay_2" })).toBeNull();
	});

	test("lost leaves the rest to be refunded, and no more", async () => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		await tell(payment, report("lost", 4, { amount: 7_000 }));
		await expect(refund(kaveri, payment, 3_001)).rejects.toMatchObject({ code: "refund_exceeds_amount" });
		await refund(kaveri, payment, null);
		expect((await entriesOf(payment)).reduce((sum, { amount }) => sum + amount, 0)).toBe(0);
	});

	test("lost gives no commission back where the merchant's terms give none", async () => {
		const kaveri = await merchant({ reverse_commission_on_refund: false });
		const payment = await payPayment(database, kaveri);
		newDispute();
		await tell(payment, report("lost", 4));
		expect((await entriesOf(payment)).slice(2)).toEqual([
			{ type: "DISPUTE_OPENED", amount: 0 },
			{ type: "DISPUTE_LOST", amount: 0 },
		]);
	});

	test("lost and refunded in any parts and order takes back its share to the paisa, and never more than the commission", async () => {
		const kaveri = await merchant();
		await fc.assert(
			fc.asyncProperty(
				fc.integer({ min: 100, max: 999_999 }),
				fc.array(
					fc.record({ share: fc.double({ min: 0.01, max: 1, noNaN: true }), by: fc.constantFrom("refund", "dispute") }),
					{
						minLength: 1,
						maxLength: 4,
					},
				),
				async (amount, parts) => {
					const payment = await startPayment(database, kaveri, { amount });
					const psp_payment_id = `pay_${payment.attempt_id}`;
					await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { amount, psp_payment_id }));
					let returned = 0;
					let refunded = 0;
					for (const { share, by } of parts) {
						const part = Math.max(1, Math.floor(amount * share));
						if (by === "dispute") {
							await tell(payment, report("lost", 4, { psp_dispute_id: newDispute(), psp_payment_id, amount: part }));
							returned += part;
						} else if (returned + part <= amount) {
							await refund(kaveri, payment, part);
							returned += part;
							refunded += part;
						}
					}
					const entries = await entriesOf(payment);
					const sum = (...types: string[]) =>
						entries
							.filter(({ type }) => types.includes(type))
							.reduce((total, entry) => total + Number(entry.amount), 0);
					const captured = BigInt(amount);
					const basis = BigInt(Math.min(returned, amount));
					const shareOf = (booked: number) => Number((2n * BigInt(booked) * basis + captured) / (2n * captured));
					expect(refunded).toBeLessThanOrEqual(amount);
					expect(0 - sum("COMMISSION_REVERSAL", "DISPUTE_LOST")).toBe(shareOf(sum("COMMISSION")));
					expect(0 - sum("COMMISSION_GST_REVERSAL", "DISPUTE_LOST_GST")).toBe(shareOf(sum("COMMISSION_GST")));
				},
			),
			{ numRuns: 25 },
		);
	});
});

describe("check_invariants", () => {
	test.each([
		["dispute_has_its_entries", "delete from wallet_entries where type = 'DISPUTE_LOST'"],
		[
			"dispute_has_its_entries",
			"update disputes set status = 'won', reverses_commission = false where status = 'lost'",
		],
		["dispute_has_its_event", "delete from webhook_events where type = 'dispute.closed'"],
		["dispute_stays_within_what_was_captured", "update disputes set amount = 10000000"],
		["commission_is_reversed_in_proportion", "update disputes set amount = 1 where status = 'lost'"],
		[
			"reversals_stay_within_commission",
			"update wallet_entries set amount = amount - 1000 where type = 'DISPUTE_LOST'",
		],
		["wallet_entries_hash_chain", "update wallet_entries set description = 'nothing' where entry_no = 2"],
		[
			"wallet_holds_the_head_of_its_chain",
			"delete from wallet_entries where entry_no = 4; update wallets set entry_count = 3 where entry_count = 4",
		],
	])("%s: %s", async (invariant, corruption) => {
		const kaveri = await merchant();
		const payment = await payPayment(database, kaveri);
		newDispute();
		await tell(payment, report("lost", 4, { amount: 5_000 }));
		expect(await breachesAfter(database, (client) => client.query(corruption))).toContain(invariant);
	});
});
