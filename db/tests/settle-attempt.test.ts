import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, type StartedPayment, startPayment } from "../../test/payments.ts";
import {
	beginPspOrder,
	findAttemptForEvent,
	readAttempt,
	recordPspOrder,
	recordPspOrderFailure,
	recordPspOrderUnknown,
	settleAttempt,
} from "../client/attempts.ts";
import {
	clearCooldowns,
	enqueuePendingLookups,
	expireTransactions,
	refreshSuccessRates,
} from "../client/operations.ts";
import { readPayPage, readTransaction } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const merchant = (columns = {}, gateways: Record<string, unknown>[] = [{}]) =>
	createMerchant(database.pool("admin"), keys, columns, gateways);

const rows = queryAs(() => database.pool("admin"));

const start = (of: TestMerchant, amount = 10_000) => startPayment(database, of, { amount });

async function ordered(of: TestMerchant, amount = 10_000): Promise<StartedPayment & { psp_order_id: string }> {
	const started = await start(of, amount);
	await beginPspOrder(jobs(), started.attempt_id);
	const psp_order_id = `order_${randomUUID().slice(0, 14)}`;
	await recordPspOrder(jobs(), {
		attempt_id: started.attempt_id,
		psp_order_id,
		presentation: { kind: "redirect", url: "https://psp.example/pay" },
		latency_ms: 12,
	});
	return { ...started, psp_order_id };
}

const view = async (transaction_id: string) => (await readTransaction(database.pool("checkout"), transaction_id))?.view;
const events = async (transaction_id: string) =>
	(
		await rows<{ type: string }>("select type from webhook_events where transaction_id = $1 order by id", [
			transaction_id,
		])
	).map(({ type }) => type);
const entries = (client_id: string) =>
	rows("select type, amount, balance_after, entry_no from wallet_entries where client_id = $1 order by entry_no", [
		client_id,
	]);
const volume = async (client_id: string) =>
	(
		await rows<{ volume: number }>("select sum(volume)::int as volume from gateway_states where client_id = $1", [
			client_id,
		])
	)[0]!.volume;

describe("a success", () => {
	test("marks paid, books commission and GST, moves the wallet and writes the event, all at once", async () => {
		const kaveri = await merchant({ fee_percent: 3.5, webhook_url: "https://kaveri.example/hook" });
		const payment = await ordered(kaveri, 12_345);
		expect(await view(payment.transaction_id)).toMatchObject({ status: "pending", paid_at: null });
		const settled = await settleAttempt(
			jobs(),
			payment.attempt_id,
			attemptState("succeeded", { amount: 12_345, bank_reference: "612345678901", fee: 291 }),
		);
		expect(settled).toEqual({ transaction_status: "paid", changed: true });
		expect(await view(payment.transaction_id)).toMatchObject({
			status: "paid",
			method: "upi",
			paid_at: expect.any(String),
		});
		// 12345 × 3.5 % = 432.075 → 432; 18 % of it = 77.76 → 78
		expect(await entries(kaveri.id)).toEqual([
			{ type: "COMMISSION", amount: 432, balance_after: 432, entry_no: 1 },
			{ type: "COMMISSION_GST", amount: 78, balance_after: 510, entry_no: 2 },
		]);
		expect(await rows("select balance_due, entry_count from wallets where client_id = $1", [kaveri.id])).toEqual([
			{ balance_due: 510, entry_count: 2 },
		]);
		const [event] = await rows<{ id: string; payload: Record<string, unknown>; status: string }>(
			"select id, payload, status from webhook_events where transaction_id = $1",
			[payment.transaction_id],
		);
		expect(event).toMatchObject({
			status: "pending",
			payload: { id: event!.id, type: "payment.paid", data: await view(payment.transaction_id) },
		});
		expect(
			await rows("select from graphile_worker._private_jobs where payload ->> 'event_id' = $1", [event!.id]),
		).toHaveLength(1);
		expect(
			await rows("select bank_reference, psp_fee, status from payment_attempts where id = $1", [payment.attempt_id]),
		).toEqual([{ bank_reference: "612345678901", psp_fee: 291, status: "succeeded" }]);
	});

	test("that is told again changes nothing", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		const before = [await view(payment.transaction_id), await entries(kaveri.id), await events(payment.transaction_id)];
		for (const outcome of ["succeeded", "failed", "pending", "unknown"] as const) {
			expect(await settleAttempt(jobs(), payment.attempt_id, attemptState(outcome))).toEqual({
				transaction_status: "paid",
				changed: false,
			});
		}
		expect([
			await view(payment.transaction_id),
			await entries(kaveri.id),
			await events(payment.transaction_id),
		]).toEqual(before);
	});

	test.each([
		["another amount", { amount: 9_999 }],
		["another currency", { currency: "USD" }],
		["no amount", { amount: null }],
	])("over %s is never paid and alerts", async (_, more) => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		expect(await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", more))).toEqual({
			transaction_status: "pending",
			changed: false,
		});
		expect(await entries(kaveri.id)).toEqual([]);
		expect(await rows("select kind, severity from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "amount_mismatch", severity: "critical" },
		]);
	});

	test("after a decline makes the failed payment paid, and its volume counts again", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		expect(await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"))).toEqual({
			transaction_status: "failed",
			changed: true,
		});
		expect(await view(payment.transaction_id)).toMatchObject({
			status: "failed",
			error: { code: "declined", message: "The bank declined." },
		});
		expect(await volume(kaveri.id)).toBe(0);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		const paid = await view(payment.transaction_id);
		expect(paid).toMatchObject({ status: "paid" });
		expect(paid).not.toHaveProperty("error");
		expect(paid).not.toHaveProperty("late");
		expect(await volume(kaveri.id)).toBe(10_000);
		expect(await events(payment.transaction_id)).toEqual(["payment.failed", "payment.paid"]);
	});

	test("after expiry is accepted and shown as late", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		await rows("update transactions set expires_at = now() where id = $1", [payment.transaction_id]);
		expect(await expireTransactions(jobs())).toBe(1);
		expect(await view(payment.transaction_id)).toMatchObject({ status: "expired" });
		expect(await volume(kaveri.id)).toBe(0);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		expect(await view(payment.transaction_id)).toMatchObject({ status: "paid", late: true });
		expect(await events(payment.transaction_id)).toEqual(["payment.expired", "payment.paid"]);
		expect(await volume(kaveri.id)).toBe(10_000);
	});

	test("of a second attempt is kept beside the first, raised as an alert, and booked once", async () => {
		const kaveri = await merchant({}, [{}, {}]);
		const payment = await start(kaveri);
		await beginPspOrder(jobs(), payment.attempt_id);
		const { next_attempt_id } = await recordPspOrderFailure(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "psp_unavailable", message: "503", http_status: 503 },
			latency_ms: 3,
		});
		await settleAttempt(jobs(), next_attempt_id!, attemptState("succeeded"));
		expect(
			await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_2" })),
		).toEqual({
			transaction_status: "paid",
			changed: false,
		});
		expect(await rows("select gateway_txn_id from transactions where id = $1", [payment.transaction_id])).toEqual([
			{ gateway_txn_id: "pay_1" },
		]);
		expect(
			await rows("select kind from alerts where client_id = $1 and kind = 'second_success'", [kaveri.id]),
		).toHaveLength(1);
		expect((await entries(kaveri.id)).length).toBe(2);
	});

	test("of a merchant without an endpoint leaves an event that is not sent", async () => {
		const payment = await ordered(await merchant());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		expect(
			await rows("select type, status from webhook_events where transaction_id = $1", [payment.transaction_id]),
		).toEqual([{ type: "payment.paid", status: "disabled" }]);
	});
});

test("commission is rounded half up to the paisa, and GST on the rounded commission", async () => {
	const rich = await merchant();
	await fc.assert(
		fc.asyncProperty(
			fc.integer({ min: 1, max: 10_000_000_00 }),
			fc.integer({ min: 0, max: 100_000 }),
			async (amount, millipercent) => {
				await rows("update clients set fee_percent = $2::numeric / 1000 where id = $1", [rich.id, millipercent]);
				const payment = await start(rich, amount);
				await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { amount }));
				const booked = await rows<{ type: string; amount: number }>(
					"select type, amount from wallet_entries where transaction_id = $1 order by entry_no",
					[payment.transaction_id],
				);
				const fee = (BigInt(amount) * BigInt(millipercent) + 50_000n) / 100_000n;
				const gst = (fee * 18n + 50n) / 100n;
				expect(booked).toEqual([
					...(fee > 0n ? [{ type: "COMMISSION", amount: Number(fee) }] : []),
					...(gst > 0n ? [{ type: "COMMISSION_GST", amount: Number(gst) }] : []),
				]);
			},
		),
		{ numRuns: 60 },
	);
	expect(await rows("select * from check_invariants()")).toEqual([]);
});

test("dues that reach a merchant's thresholds raise one alert each", async () => {
	const kaveri = await merchant({ suspend_threshold: 1_000, fee_percent: 3.5 });
	await rows("update wallets set warn_threshold = 800 where client_id = $1", [kaveri.id]);
	for (let paid = 0; paid < 3; paid++) {
		const payment = await ordered(kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
	}
	expect(await rows("select kind from alerts where client_id = $1 order by kind", [kaveri.id])).toEqual([
		{ kind: "dues_outstanding" },
		{ kind: "dues_warning" },
	]);
	await expect(start(kaveri)).rejects.toMatchObject({ code: "dues_outstanding" });
});

describe("making the order at the PSP", () => {
	test("is begun once; a later run is told that an order may exist", async () => {
		const payment = await start(await merchant());
		expect(await beginPspOrder(jobs(), payment.attempt_id)).toMatchObject({
			started_before: false,
			transaction: { amount: 10_000 },
		});
		expect(await beginPspOrder(jobs(), payment.attempt_id)).toMatchObject({ started_before: true });
		await recordPspOrder(jobs(), {
			attempt_id: payment.attempt_id,
			psp_order_id: "order_x",
			presentation: { kind: "redirect", url: "https://x" },
			latency_ms: 1,
		});
		expect(await beginPspOrder(jobs(), payment.attempt_id)).toBeNull();
	});

	test("shows the payer's page where to go, and the first order stays", async () => {
		const payment = await ordered(await merchant());
		await recordPspOrder(jobs(), {
			attempt_id: payment.attempt_id,
			psp_order_id: "another",
			presentation: {},
			latency_ms: 1,
		});
		expect(await readPayPage(database.pool("checkout"), payment.transaction_id)).toMatchObject({
			psp_order_id: payment.psp_order_id,
			presentation: { kind: "redirect" },
		});
	});

	test("that certainly failed moves to the next gateway, cools the first, and gives its volume back", async () => {
		const kaveri = await merchant({ cooldown_seconds: 60 }, [{ priority: 9 }, {}]);
		const [first, second] = kaveri.gateways.map(({ id }) => id);
		const payment = await start(kaveri);
		await beginPspOrder(jobs(), payment.attempt_id);
		const { next_attempt_id } = await recordPspOrderFailure(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "rate_limited", message: "429", http_status: 429, retry_after_seconds: 120 },
			latency_ms: 5,
		});
		expect(await readAttempt(jobs(), next_attempt_id!)).toMatchObject({ gateway: { id: second } });
		expect(
			await rows("select volume from gateway_states where gateway_id = any($1) order by volume", [[first, second]]),
		).toEqual([{ volume: 0 }, { volume: 10_000 }]);
		expect(
			await rows(
				"select last_response_code, extract(epoch from cooldown_until - now()) between 110 and 120 as asked_for from gateway_states where gateway_id = $1",
				[first],
			),
		).toEqual([{ last_response_code: 429, asked_for: true }]);
		expect(await rows("select kind from gateway_log where gateway_id = $1", [first])).toEqual([
			{ kind: "cooled_down" },
		]);
		await rows("update gateway_states set cooldown_until = now() where gateway_id = $1", [first]);
		expect(await clearCooldowns(jobs())).toBe(1);
		expect(await rows("select kind from gateway_log where gateway_id = $1 order by id", [first])).toEqual([
			{ kind: "cooled_down" },
			{ kind: "returned" },
		]);
	});

	test("that failed at every gateway fails the payment", async () => {
		const kaveri = await merchant();
		const payment = await start(kaveri);
		await beginPspOrder(jobs(), payment.attempt_id);
		expect(
			await recordPspOrderFailure(jobs(), {
				attempt_id: payment.attempt_id,
				error: { code: "invalid_request", message: "no", http_status: 400 },
				latency_ms: 5,
			}),
		).toEqual({ next_attempt_id: null });
		expect(await view(payment.transaction_id)).toMatchObject({ status: "failed", error: { code: "invalid_request" } });
		expect(await events(payment.transaction_id)).toEqual(["payment.failed"]);
		expect(await volume(kaveri.id)).toBe(0);
		// the merchant's request was at fault, not the gateway
		expect(await rows("select cooldown_until from gateway_states where client_id = $1", [kaveri.id])).toEqual([
			{ cooldown_until: null },
		]);
	});

	test("whose reply was lost is unknown: the payment waits, moves nowhere, and is looked up again", async () => {
		const kaveri = await merchant({}, [{}, {}]);
		const payment = await start(kaveri);
		await beginPspOrder(jobs(), payment.attempt_id);
		await recordPspOrderUnknown(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "timed_out", message: "no reply" },
			latency_ms: 10_000,
		});
		expect(
			await rows("select status from payment_attempts where transaction_id = $1", [payment.transaction_id]),
		).toEqual([{ status: "unknown" }]);
		expect(await view(payment.transaction_id)).toMatchObject({ status: "created" });
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [payment.attempt_id]);
		expect(await enqueuePendingLookups(jobs())).toBeGreaterThan(0);
		expect(
			await rows("select from graphile_worker.jobs where key = $1", [`create_psp_order:${payment.attempt_id}`]),
		).toHaveLength(1);
		expect(await beginPspOrder(jobs(), payment.attempt_id)).toMatchObject({ started_before: true });
	});
});

test("an event finds its attempt by the PSP's order or our reference, among its merchant's accounts at that PSP only", async () => {
	const kaveri = await merchant({}, [{ priority: 9 }, {}, { provider: "payu" }]);
	const other = await merchant();
	const payment = await ordered(kaveri);
	const [own, sibling, elsewhere] = kaveri.gateways.map(({ id }) => id);
	const find = (gateway_id: string | undefined, psp_order_id: string | null, reference: string | null) =>
		findAttemptForEvent(jobs(), { gateway_id: gateway_id!, psp_order_id, reference });
	expect(await find(own, payment.psp_order_id, null)).toBe(payment.attempt_id);
	expect(await find(own, "order_of_nobody", payment.attempt_id.replaceAll("-", ""))).toBe(payment.attempt_id);
	expect(await find(own, null, "not a uuid")).toBeNull();
	// one webhook secret for two accounts
	expect(await find(sibling, payment.psp_order_id, null)).toBe(payment.attempt_id);
	expect(await find(elsewhere, payment.psp_order_id, payment.attempt_id)).toBeNull();
	expect(await find(other.gateways[0]!.id, payment.psp_order_id, payment.attempt_id)).toBeNull();
});

test("one failure does not empty a new gateway's success rate, and payers who gave up do not lower it", async () => {
	const kaveri = await merchant();
	const rate = async () => {
		await refreshSuccessRates(jobs());
		return Number(
			(
				await rows<{ success_rate: string }>("select success_rate from gateway_states where client_id = $1", [
					kaveri.id,
				])
			)[0]!.success_rate,
		);
	};
	await settleAttempt(
		jobs(),
		(await ordered(kaveri)).attempt_id,
		attemptState("failed", { error: { code: "cancelled_by_payer", message: "" } }),
	);
	expect(await rate()).toBe(100);
	await settleAttempt(jobs(), (await ordered(kaveri)).attempt_id, attemptState("failed"));
	expect(await rate()).toBe(83.33);
	await settleAttempt(jobs(), (await ordered(kaveri)).attempt_id, attemptState("succeeded"));
	expect(await rate()).toBe(85.71);
});

test("what is not known is asked about after 5 s, 30 s, 2 min, 10 min, hourly for a day, then daily for 8 days", async () => {
	const unknown = await start(await merchant());
	await beginPspOrder(jobs(), unknown.attempt_id);
	await recordPspOrderUnknown(jobs(), {
		attempt_id: unknown.attempt_id,
		error: { code: "timed_out", message: "no answer" },
		latency_ms: 1,
	});
	const seconds: number[] = [];
	for (let asked = 0; asked < 5; asked++) {
		const [attempt] = await rows<{ seconds: number }>(
			"select round(extract(epoch from next_lookup_at - now()))::int as seconds from payment_attempts where id = $1",
			[unknown.attempt_id],
		);
		seconds.push(attempt!.seconds);
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [unknown.attempt_id]);
		await enqueuePendingLookups(jobs());
	}
	expect(seconds).toEqual([5, 30, 120, 600, 3600]);

	const payment = await ordered(await merchant());
	const waits: number[] = [];
	for (let asked = 0; asked < 27; asked++) {
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [payment.attempt_id]);
		await enqueuePendingLookups(jobs());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("pending"));
		const [attempt] = await rows<{ minutes: number }>(
			"select round(extract(epoch from next_lookup_at - now()) / 60)::int as minutes from payment_attempts where id = $1",
			[payment.attempt_id],
		);
		waits.push(attempt!.minutes);
	}
	expect(waits).toEqual([10, ...Array.from({ length: 24 }, () => 60), 1440, 1440]);
	await rows(
		"update payment_attempts set created_at = now() - interval '9 days', next_lookup_at = now() where id = $1",
		[payment.attempt_id],
	);
	await enqueuePendingLookups(jobs());
	expect(await rows("select next_lookup_at from payment_attempts where id = $1", [payment.attempt_id])).toEqual([
		{ next_lookup_at: null },
	]);
});

describe("reordered and repeated words of a PSP", () => {
	test("a success that overtakes the reply with the order's id brings the id along", async () => {
		const payment = await start(await merchant());
		await beginPspOrder(jobs(), payment.attempt_id);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_order_id: "order_early" }));
		await recordPspOrderUnknown(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "timed_out", message: "no answer" },
			latency_ms: 1,
		});
		expect(await rows("select psp_order_id, status from payment_attempts where id = $1", [payment.attempt_id])).toEqual(
			[{ psp_order_id: "order_early", status: "succeeded" }],
		);
	});

	test("a second payment of one order is given back once, with an alert, and changes nothing else", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		for (let told = 0; told < 2; told++) {
			expect(
				await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_2" })),
			).toEqual({
				transaction_status: "paid",
				changed: false,
			});
		}
		expect(
			await rows("select kind, details ->> 'psp_payment_id' as payment from alerts where client_id = $1", [kaveri.id]),
		).toEqual([{ kind: "second_success", payment: "pay_2" }]);
		expect(
			await rows("select kind, amount, status, psp_payment_id from refunds where client_id = $1", [kaveri.id]),
		).toEqual([{ kind: "duplicate_payment", amount: 10_000, status: "created", psp_payment_id: "pay_2" }]);
		expect(await entries(kaveri.id)).toHaveLength(2);
	});

	test("the failure of an older try does not undo a newer authorization", async () => {
		const payment = await ordered(await merchant());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("authorized", { psp_payment_id: "pay_new" }));
		await settleAttempt(jobs(), payment.attempt_id, attemptState("pending", { psp_payment_id: "pay_old" }));
		expect(
			await settleAttempt(jobs(), payment.attempt_id, attemptState("failed", { psp_payment_id: "pay_old" })),
		).toEqual({
			transaction_status: "pending",
			changed: false,
		});
		expect(
			await settleAttempt(jobs(), payment.attempt_id, attemptState("failed", { psp_payment_id: "pay_new" })),
		).toEqual({
			transaction_status: "failed",
			changed: true,
		});
	});

	test("an order that was declined is asked about again, before and after it expired, as it can still be paid", async () => {
		const payment = await ordered(await merchant());
		const nextLookup = async () =>
			(
				await rows<{ next_lookup_at: Date | null }>("select next_lookup_at from payment_attempts where id = $1", [
					payment.attempt_id,
				])
			)[0]!.next_lookup_at;
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"));
		expect(await nextLookup()).not.toBeNull();
		await rows("update transactions set expires_at = now() where id = $1", [payment.transaction_id]);
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [payment.attempt_id]);
		await enqueuePendingLookups(jobs());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"));
		expect(await nextLookup()).not.toBeNull();
	});

	test("the last decline's reason is the one that is shown, without another event", async () => {
		const payment = await ordered(await merchant());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"));
		await settleAttempt(
			jobs(),
			payment.attempt_id,
			attemptState("failed", { error: { code: "insufficient_funds", message: "Too little." } }),
		);
		expect(await view(payment.transaction_id)).toMatchObject({
			error: { code: "insufficient_funds", message: "Too little." },
		});
		expect(await events(payment.transaction_id)).toEqual(["payment.failed"]);
	});

	test("a success of a replaced attempt counts once towards caps, and closes the attempt that replaced it", async () => {
		const kaveri = await merchant({}, [{ priority: 9 }, {}]);
		const payment = await start(kaveri);
		await beginPspOrder(jobs(), payment.attempt_id);
		const { next_attempt_id } = await recordPspOrderFailure(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "psp_unavailable", message: "503", http_status: 503 },
			latency_ms: 3,
		});
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		expect(await rows("select day_count, day_amount from client_usage where client_id = $1", [kaveri.id])).toEqual([
			{ day_count: 1, day_amount: 10_000 },
		]);
		expect(await volume(kaveri.id)).toBe(10_000);
		expect((await readAttempt(jobs(), next_attempt_id!))?.attempt_status).toBe("expired");
	});

	test("a failed payment that no PSP has an order for cannot be tried again", async () => {
		const payment = await start(await merchant());
		await beginPspOrder(jobs(), payment.attempt_id);
		await recordPspOrderFailure(jobs(), {
			attempt_id: payment.attempt_id,
			error: { code: "invalid_request", message: "no" },
			latency_ms: 5,
		});
		const record = await readTransaction(database.pool("checkout"), payment.transaction_id);
		expect(new Date(record!.retry_until).getTime()).toBeLessThanOrEqual(Date.now());
	});
});
