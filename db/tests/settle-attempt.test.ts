import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readDatabase, verifyLedger } from "../../scripts/verify-ledger.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, type StartedPayment, startPayment } from "../../test/payments.ts";
import {
	type AttemptState,
	beginPspOrder,
	beginPspOrders,
	findAttemptForEvent,
	readAttempt,
	recordPspOrder,
	recordPspOrderFailure,
	recordPspOrders,
	recordPspOrderUnknown,
	settleAttempt,
	settleGatewayEvents,
} from "../client/attempts.ts";
import {
	clearCooldowns,
	enqueuePendingLookups,
	expireTransactions,
	refreshSuccessRates,
} from "../client/operations.ts";
import { acceptGatewayEvents, readPayPage, readTransaction } from "../client/payments.ts";
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

	test("cannot come for an open payment that counts in no cap, as expiry finds the open ones by what counts", async () => {
		const payment = await ordered(await merchant());
		await expect(
			rows("update transactions set caps_booked_at = null where id = $1", [payment.transaction_id]),
		).rejects.toMatchObject({ constraint: "transactions_caps_booked_at_check" });
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
	const splitting = await ordered(kaveri);
	await rows("insert into payment_splits (attempt_id, client_id, account, amount) values ($1, $2, 'acc_1', 413)", [
		splitting.attempt_id,
		kaveri.id,
	]);
	for (let paid = 0; paid < 3; paid++) {
		const payment = await ordered(kaveri);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
	}
	expect(await rows("select kind from alerts where client_id = $1 order by kind", [kaveri.id])).toEqual([
		{ kind: "dues_outstanding" },
		{ kind: "dues_warning" },
	]);
	await expect(start(kaveri)).rejects.toMatchObject({ code: "dues_outstanding" });
	// A payment whose commission is settled at once leaves the balance where it was.
	await rows("update alerts set status = 'resolved' where client_id = $1", [kaveri.id]);
	await settleAttempt(jobs(), splitting.attempt_id, attemptState("succeeded"));
	expect(await rows("select kind from alerts where client_id = $1 and status <> 'resolved'", [kaveri.id])).toEqual([]);
});

describe("making the order at the PSP", () => {
	test("is begun once; a later run is told that an order may exist", async () => {
		const payment = await start(await merchant());
		expect(await beginPspOrders(jobs(), [payment.attempt_id, payment.attempt_id])).toMatchObject([
			{ started_before: false, transaction: { amount: 10_000 } },
			null,
		]);
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

	test("is begun for many at once: what may not be begun, or only alone, is left out", async () => {
		const kaveri = await merchant();
		const splitting = await merchant({ fee_percent: 3.5 }, [
			{ split_account: "acc_IROu8Nod6PXPtZ", split_enabled: true },
		]);
		const direct = await merchant({}, [
			{ provider: "upi", api_key: "kaveri@okbank", api_secret: null, settings: { match_by: "amount" } },
		]);
		const fresh = await start(kaveri);
		const again = await start(kaveri);
		await beginPspOrder(jobs(), again.attempt_id);
		const split = await start(splitting);
		const upi = await start(direct);
		const over = await start(kaveri);
		await rows("update transactions set status = 'expired' where id = $1", [over.transaction_id]);
		const begun_over = await start(kaveri);
		await beginPspOrder(jobs(), begun_over.attempt_id);
		await rows("update transactions set status = 'expired' where id = $1", [begun_over.transaction_id]);
		const known = await ordered(kaveri);
		const all = [over, split, upi, fresh, known, again, begun_over].map(({ attempt_id }) => attempt_id);

		const works = await beginPspOrders(jobs(), [...all, randomUUID()]);
		expect(works).toMatchObject([
			null,
			{ attempt_id: split.attempt_id, started_before: false, split: { account: "acc_IROu8Nod6PXPtZ", amount: 413 } },
			null,
			{ attempt_id: fresh.attempt_id, started_before: false, attempt_status: "created", split: null },
			null,
			{ attempt_id: again.attempt_id, started_before: true },
			// an order may exist at the PSP: it is to be looked up
			{ attempt_id: begun_over.attempt_id, started_before: true, transaction: { status: "expired" } },
			null,
		]);
		for (const work of works.filter((each) => each !== null)) {
			// Made in another place, it says the same.
			const { started_before, ...said } = work;
			expect(await readAttempt(jobs(), work.attempt_id)).toMatchObject(said);
			expect(work.gateway.api_secret).toMatch(/^v1\./);
		}
		expect(
			await rows("select id from payment_attempts where id = any ($1) and started_at is null order by id", [all]),
		).toEqual([upi, over].map(({ attempt_id }) => ({ id: attempt_id })).sort((a, b) => (a.id < b.id ? -1 : 1)));
		const alone = await beginPspOrder(jobs(), upi.attempt_id);
		expect(alone).toMatchObject({ started_before: false, gateway: { provider: "upi" } });
		expect(alone!.transaction.amount).toBeLessThan(10_000);
	});

	test("is recorded for many at once, each as it would be by itself", async () => {
		const kaveri = await merchant();
		const [fresh, failed, over, known, twin] = [
			await start(kaveri),
			await start(kaveri),
			await start(kaveri),
			await ordered(kaveri),
			await start(kaveri),
		];
		await rows("update transactions set status = 'failed' where id = $1", [failed.transaction_id]);
		await rows("update transactions set status = 'expired' where id = $1", [over.transaction_id]);
		await rows("update gateway_states set probe_stage = 1 where client_id = $1", [kaveri.id]);
		const order = ({ attempt_id }: StartedPayment, presentation: unknown = { kind: "redirect", url: "https://x" }) => ({
			attempt_id,
			psp_order_id: `new_${attempt_id}`,
			presentation,
			latency_ms: 7.4,
		});
		const listener = await database.connection("checkout");
		const told: (string | undefined)[] = [];
		listener.on("notification", ({ payload }) => told.push(payload));
		await listener.query("listen transaction_status");
		const before = await rows<{ id: string; version: number }>("select id, version from transactions");
		const versionOf = (id: string) => before.find((each) => each.id === id)!.version;

		await recordPspOrders(jobs(), [
			order(known),
			order(twin, { kind: "upi", amount: 10_000 }),
			order(over),
			order(failed),
			order(fresh),
			order(fresh),
		]);
		const state = async (of: StartedPayment) =>
			(
				await rows<Record<string, unknown>>(
					`select t.status, t.version, a.status as attempt, a.psp_order_id = 'new_' || a.id as is_new, a.latency_ms, a.lookups,
							a.next_lookup_at is not null as is_looked_up
						from payment_attempts a join transactions t on t.id = a.transaction_id where a.id = $1`,
					[of.attempt_id],
				)
			)[0];
		const recorded = { attempt: "pending", is_new: true, latency_ms: 7, lookups: 2, is_looked_up: true };
		const version = (of: StartedPayment, more: number) => versionOf(of.transaction_id) + more;
		expect(await state(fresh)).toEqual({ ...recorded, status: "pending", version: version(fresh, 1) });
		expect(await state(failed)).toEqual({ ...recorded, status: "failed", version: version(failed, 1) });
		expect(await state(over)).toEqual({ ...recorded, status: "expired", version: version(over, 0) });
		expect(await state(known)).toMatchObject({ is_new: false, status: "pending", version: version(known, 0) });
		expect(await state(twin)).toEqual({
			...recorded,
			is_looked_up: false,
			status: "pending",
			version: version(twin, 1),
		});
		// The answer comes behind what was announced before it.
		await listener.query("unlisten transaction_status");
		expect(told.sort()).toEqual([fresh, failed, twin].map(({ transaction_id }) => transaction_id).sort());
		// four requests through it went well: three of them brought the next stage
		expect(
			await rows("select probe_stage, probe_passes from gateway_states where client_id = $1", [kaveri.id]),
		).toEqual([{ probe_stage: 2, probe_passes: 1 }]);
	});

	test("is recorded for none where one of the attempts is not there", async () => {
		const payment = await start(await merchant());
		const order = { psp_order_id: "order_none", presentation: { kind: "redirect", url: "https://x" }, latency_ms: 1 };
		await expect(
			recordPspOrders(jobs(), [
				{ ...order, attempt_id: payment.attempt_id },
				{ ...order, attempt_id: randomUUID() },
			]),
		).rejects.toMatchObject({ code: "LS020" });
		expect((await readAttempt(jobs(), payment.attempt_id))?.psp_order_id).toBeNull();
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
	/** Of the rhythm's steps the one that the attempt waits for; it may be up to a tenth longer, and has begun already. */
	const step = async ({ attempt_id }: StartedPayment) => {
		const [attempt] = await rows<{ seconds: number }>(
			"select extract(epoch from next_lookup_at - now())::float as seconds from payment_attempts where id = $1",
			[attempt_id],
		);
		return [5, 30, 120, 600, 3_600, 86_400].find((seconds) => attempt!.seconds <= seconds * 1.1);
	};
	const waits: unknown[] = [];
	for (let asked = 0; asked < 5; asked++) {
		waits.push(await step(unknown));
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [unknown.attempt_id]);
		await enqueuePendingLookups(jobs());
	}
	expect(waits).toEqual([5, 30, 120, 600, 3_600]);

	const payment = await ordered(await merchant());
	waits.length = 0;
	for (let asked = 0; asked < 27; asked++) {
		await rows("update payment_attempts set next_lookup_at = now() where id = $1", [payment.attempt_id]);
		await enqueuePendingLookups(jobs());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("pending"));
		waits.push(await step(payment));
	}
	expect(waits).toEqual([600, ...Array.from({ length: 24 }, () => 3_600), 86_400, 86_400]);
	await rows(
		"update payment_attempts set created_at = now() - interval '9 days', next_lookup_at = now() where id = $1",
		[payment.attempt_id],
	);
	await enqueuePendingLookups(jobs());
	expect(await rows("select next_lookup_at from payment_attempts where id = $1", [payment.attempt_id])).toEqual([
		{ next_lookup_at: null },
	]);
});

test("what was asked about together is not asked about together again: a wait is up to a tenth longer, by lot", async () => {
	const [spread] = await rows<{ least: number; most: number; different: boolean }>(
		`select min(seconds)::float as least, max(seconds)::float as most, count(distinct seconds) > 1 as different
			from (select extract(epoch from lookup_delay(4)) as seconds from generate_series(1, 200)) lots`,
		[],
	);
	expect(spread!.least).toBeGreaterThanOrEqual(3_600);
	expect(spread!.most).toBeLessThanOrEqual(3_960);
	expect(spread!.different).toBe(true);
});

test.each([
	["unknown", "pending", 1],
	["authorized", "authorized", 1],
	["pending", "pending", 0],
] as const)(
	"where a PSP's last answer after 8 days is %s, the attempt stays %s, with %i alerts",
	async (outcome, status, count) => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		const alerts = () =>
			rows("select details ->> 'attempt_id' as id from alerts where kind = 'payment_unresolved' and client_id = $1", [
				kaveri.id,
			]);
		await settleAttempt(jobs(), payment.attempt_id, attemptState(outcome));
		expect(await alerts()).toEqual([]);
		await rows("update payment_attempts set created_at = now() - interval '9 days' where id = $1", [
			payment.attempt_id,
		]);
		for (let asked = 0; asked < 2; asked++) await settleAttempt(jobs(), payment.attempt_id, attemptState(outcome));
		expect(await alerts()).toEqual(Array.from({ length: count }, () => ({ id: payment.attempt_id })));
		expect(await rows("select status, error_code from payment_attempts where id = $1", [payment.attempt_id])).toEqual([
			{ status, error_code: count === 0 ? null : outcome },
		]);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded"));
		expect((await view(payment.transaction_id))?.status).toBe("paid");
	},
);

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

	test("of two payments that one look-up tells of, the second is given back in the same commit", async () => {
		const kaveri = await merchant();
		const payment = await ordered(kaveri);
		const state = attemptState("succeeded", { psp_payment_id: "pay_1" });
		const further = [{ ...state, psp_payment_id: "pay_2" }];
		for (const changed of [true, false]) {
			expect(await settleAttempt(jobs(), payment.attempt_id, { ...state, further })).toEqual({
				transaction_status: "paid",
				changed,
			});
		}
		expect(await rows("select gateway_txn_id from transactions where client_id = $1", [kaveri.id])).toEqual([
			{ gateway_txn_id: "pay_1" },
		]);
		expect(
			await rows("select kind, amount, status, psp_payment_id from refunds where client_id = $1", [kaveri.id]),
		).toEqual([{ kind: "duplicate_payment", amount: 10_000, status: "created", psp_payment_id: "pay_2" }]);
		expect(await entries(kaveri.id)).toHaveLength(2);
	});

	/** A payment whose order the first gateway refused; it may have taken money all the same. */
	async function movedOn() {
		const kaveri = await merchant({}, [{ priority: 9 }, {}]);
		const first = await start(kaveri);
		const { next_attempt_id } = await recordPspOrderFailure(jobs(), {
			attempt_id: first.attempt_id,
			error: { code: "psp_unavailable", message: "503", http_status: 503 },
			latency_ms: 3,
		});
		return { kaveri, first, next_attempt_id: next_attempt_id! };
	}

	test("a payment that its PSP names only later is known by that name, one that came twice as well, and is given back then", async () => {
		const { kaveri, first, next_attempt_id } = await movedOn();
		for (const name of [null, "pay_1"]) {
			await settleAttempt(jobs(), next_attempt_id, attemptState("succeeded", { psp_payment_id: name }));
		}
		expect(await rows("select gateway_txn_id from transactions where client_id = $1", [kaveri.id])).toEqual([
			{ gateway_txn_id: "pay_1" },
		]);
		const alerts = () =>
			rows("select details ->> 'psp_payment_id' as payment, status from alerts where client_id = $1 and kind = $2", [
				kaveri.id,
				"second_success",
			]);
		await settleAttempt(jobs(), first.attempt_id, attemptState("succeeded", { psp_payment_id: null }));
		expect(await alerts()).toEqual([{ payment: null, status: "open" }]);
		for (let told = 0; told < 2; told++) {
			await settleAttempt(jobs(), first.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_2" }));
		}
		expect(await alerts()).toEqual([
			{ payment: null, status: "resolved" },
			{ payment: "pay_2", status: "open" },
		]);
		expect(await rows("select kind, psp_payment_id from refunds where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "duplicate_payment", psp_payment_id: "pay_2" },
		]);
		expect(await rows("select * from check_payments($1)", [[first.transaction_id]])).toEqual([]);
	});

	test("a payment that was named when it was authorized keeps that name, and goes back under it", async () => {
		const { kaveri, first, next_attempt_id } = await movedOn();
		for (const [attempt_id, psp_payment_id] of [
			[next_attempt_id, "pay_1"],
			[first.attempt_id, "pay_2"],
		] as const) {
			await settleAttempt(jobs(), attempt_id, attemptState("authorized", { psp_payment_id }));
			await settleAttempt(jobs(), attempt_id, attemptState("succeeded", { psp_payment_id: null }));
		}
		expect(await rows("select gateway_txn_id from transactions where client_id = $1", [kaveri.id])).toEqual([
			{ gateway_txn_id: "pay_1" },
		]);
		expect(await rows("select kind, psp_payment_id from refunds where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "duplicate_payment", psp_payment_id: "pay_2" },
		]);
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

	test("that the page was closed in the end does not replace why an earlier try was declined", async () => {
		const payment = await ordered(await merchant());
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"));
		const closed = attemptState("failed", { error: { code: "payer_timed_out", message: "The page was closed." } });
		await settleAttempt(jobs(), payment.attempt_id, closed);
		expect(await view(payment.transaction_id)).toMatchObject({
			error: { code: "declined", message: "The bank declined." },
		});
		expect(await rows("select error_code from payment_attempts where id = $1", [payment.attempt_id])).toEqual([
			{ error_code: "declined" },
		]);
		const untouched = await ordered(await merchant());
		await settleAttempt(jobs(), untouched.attempt_id, closed);
		expect(await view(untouched.transaction_id)).toMatchObject({ error: { code: "payer_timed_out" } });
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

describe("many states in one call", () => {
	interface Told {
		/** Which of a scene's attempts; null: of nobody here. */
		attempt: number | null;
		state: AttemptState;
	}
	const told = (attempt: number | null, outcome: AttemptState["outcome"], more: Partial<AttemptState> = {}): Told => ({
		attempt,
		state: attemptState(outcome, more),
	});

	/**
	 * A merchant with four payments and five attempts: one waiting (0), one that moved to a second gateway (1, 2), one that a PSP
	 * splits our part off (3), and one that has expired (4).
	 */
	async function scene() {
		const of = await merchant({ fee_percent: 3.5, webhook_url: "https://kaveri.example/hook" }, [{ priority: 9 }, {}]);
		await rows("update wallets set warn_threshold = 500 where client_id = $1", [of.id]);
		const order = async (order_id: string) => {
			const { transaction_id, attempt_id } = await startPayment(database, of, { order_id });
			await beginPspOrder(jobs(), attempt_id);
			return { transaction_id, attempt_id };
		};
		const [waiting, moved, split, expired] = [await order("0"), await order("1"), await order("2"), await order("3")];
		const { next_attempt_id } = await recordPspOrderFailure(jobs(), {
			attempt_id: moved.attempt_id,
			error: { code: "psp_unavailable", message: "503", http_status: 503 },
			latency_ms: 3,
		});
		await rows("insert into payment_splits (attempt_id, client_id, account, amount) values ($1, $2, 'acc_1', 100)", [
			split.attempt_id,
			of.id,
		]);
		await rows("update transactions set expires_at = now() where id = $1", [expired.transaction_id]);
		await expireTransactions(jobs());
		const attempts = [waiting.attempt_id, moved.attempt_id, next_attempt_id!, split.attempt_id, expired.attempt_id];
		return { of, attempts };
	}

	/** What a PSP says, stored in one go; then settled in calls of so many. */
	async function settleInCallsOf(size: number, { of, attempts }: Awaited<ReturnType<typeof scene>>, all: Told[]) {
		const accepted = await acceptGatewayEvents(
			database.pool("checkout"),
			all.map((_, place) => ({
				gateway_id: of.gateways[0]!.id,
				dedupe_key: `told-${place}`,
				event_type: "payment",
				headers: {},
				body_proven: true,
				raw_body: Buffer.from("{}"),
			})),
		);
		const claims = all.map(({ attempt, state }, place) => ({
			event_id: accepted[place]!.event_id,
			gateway_id: of.gateways[0]!.id,
			state: { psp_order_id: null, reference: attempt === null ? randomUUID() : attempts[attempt]!, ...state },
		}));
		const answers = [];
		for (let place = 0; place < claims.length; place += size) {
			answers.push(...(await settleGatewayEvents(jobs(), claims.slice(place, place + size))));
		}
		return answers.map((answer) => answer && { status: answer.transaction_status, changed: answer.changed });
	}

	/** All that the states have left, without what differs from merchant to merchant. */
	async function outcome(client_id: string) {
		const of = async (text: string) => await rows(text.replaceAll("$client", `'${client_id}'`));
		return {
			payments: await of(
				`select order_id, status, method, error_code, error_message, gateway_txn_id, gateway_response, is_late, version,
					paid_at is not null as is_paid, caps_booked_at is not null as counts, (select name from payment_gateways g where g.id = gateway_id)
					from transactions where client_id = $client order by order_id`,
			),
			attempts: await of(
				`select order_id, attempt_no, a.status, psp_payment_id, a.method, bank_reference, psp_fee, a.error_code, a.error_message,
					released_at is not null as is_released, settled_at is not null as is_settled,
					case next_lookup_at when t.expires_at then 'at expiry' else case when next_lookup_at > started_at + interval '1 minute'
						then 'later' when next_lookup_at is not null then 'soon' end end as next_lookup
					from payment_attempts a join transactions t on t.id = transaction_id where t.client_id = $client order by 1, 2`,
			),
			entries: await of(
				`select entry_no, e.type, e.amount, balance_after, e.description, order_id
					from wallet_entries e join transactions t on t.id = transaction_id where e.client_id = $client order by 1`,
			),
			events: await of(
				`select order_id, e.type, payload -> 'data' ->> 'status' as status, payload -> 'data' -> 'error' as error
					from webhook_events e join transactions t on t.id = transaction_id where e.client_id = $client order by 1, e.id`,
			),
			volumes: await of(
				"select priority, volume from gateway_states join payment_gateways g on g.id = gateway_id where g.client_id = $client order by 1",
			),
			usage: await of("select day_count, day_amount, month_amount from client_usage where client_id = $client"),
			refunds: await of(
				"select order_id, psp_payment_id, r.amount from refunds r join transactions t on t.id = transaction_id where r.client_id = $client order by 1, 2",
			),
			alerts: await of(
				"select kind, details ->> 'psp_payment_id' as payment from alerts where client_id = $client order by 1, 2",
			),
			splits: await of("select status from payment_splits where client_id = $client"),
			webhooks: await of(
				"select processed_at is not null as is_processed from gateway_events where client_id = $client order by id",
			),
		};
	}

	async function expectTheSame(all: Told[]): Promise<Awaited<ReturnType<typeof outcome>>> {
		const [together, apart] = [await scene(), await scene()];
		const answers = await settleInCallsOf(all.length, together, all);
		expect(answers).toEqual(await settleInCallsOf(1, apart, all));
		const left = await outcome(together.of.id);
		expect(left).toEqual(await outcome(apart.of.id));
		return left;
	}

	test("leave what single calls leave: successes, a failure, one told twice, another amount, and one of nobody here", async () => {
		const left = await expectTheSame([
			told(0, "succeeded", { psp_payment_id: "pay_a", bank_reference: "612345678901", fee: 236 }),
			told(2, "failed"),
			told(null, "succeeded"),
			told(0, "succeeded", { psp_payment_id: "pay_a" }),
			told(3, "succeeded", { amount: 9_999 }),
			told(3, "succeeded", { psp_payment_id: "pay_b" }),
			told(4, "failed"),
		]);
		expect(left.payments).toMatchObject([
			{ status: "paid", gateway_txn_id: "pay_a" },
			{ status: "failed", error_code: "declined" },
			{ status: "paid", gateway_txn_id: "pay_b" },
			{ status: "expired" },
		]);
		expect(left.entries).toMatchObject([
			{ type: "COMMISSION", amount: 350, order_id: "0" },
			{ type: "COMMISSION_GST", amount: 63, balance_after: 413 },
			{ type: "COMMISSION_SPLIT", amount: -100, order_id: "2" },
			{ type: "COMMISSION", amount: 350, order_id: "2" },
			{ type: "COMMISSION_GST", amount: 63, balance_after: 726 },
		]);
		expect(left.alerts).toMatchObject(
			expect.arrayContaining([
				{ kind: "amount_mismatch", payment: null },
				{ kind: "dues_warning", payment: null },
			]),
		);
		expect(left.webhooks.map((event) => (event as { is_processed: boolean }).is_processed)).toEqual([
			true,
			true,
			false,
			true,
			true,
			true,
			true,
		]);
	});

	test("of one payment count one after the other: declined, then paid, then paid again at the gateway of before", async () => {
		const left = await expectTheSame([
			told(2, "failed"),
			told(2, "authorized", { psp_payment_id: "pay_a" }),
			told(2, "succeeded", { psp_payment_id: "pay_a" }),
			told(1, "succeeded", { psp_payment_id: "pay_b" }),
			told(2, "succeeded", { psp_payment_id: "pay_c" }),
		]);
		expect(left.events).toMatchObject([
			{ order_id: "1", type: "payment.failed", status: "failed", error: { code: "declined" } },
			{ order_id: "1", type: "payment.paid", status: "paid", error: null },
			{ order_id: "3", type: "payment.expired" },
		]);
		expect(left.refunds).toMatchObject([{ psp_payment_id: "pay_b" }, { psp_payment_id: "pay_c" }]);
		expect(left.entries).toHaveLength(2);
	});

	test("in any mixture leave what single calls leave, with sound books", async () => {
		const payment = fc.constantFrom("pay_a", "pay_b");
		const anything: fc.Arbitrary<Told> = fc
			.record({
				attempt: fc.integer({ min: 0, max: 4 }),
				outcome: fc.constantFrom("succeeded", "failed", "pending", "authorized", "unknown"),
				psp_payment_id: fc.option(payment, { freq: 5 }),
				amount: fc.constantFrom(10_000, 10_000, 10_000, 9_999),
				code: fc.constantFrom("declined", "insufficient_funds"),
			})
			.map(({ attempt, outcome, psp_payment_id, amount, code }) =>
				told(attempt, outcome, {
					psp_payment_id,
					amount,
					...(outcome === "failed" && { error: { code, message: code } }),
				}),
			);
		await fc.assert(
			fc.asyncProperty(fc.array(anything, { minLength: 2, maxLength: 8 }), async (all) => {
				await expectTheSame(all);
			}),
			{ numRuns: 10, seed: 1 },
		);
		expect((await verifyLedger(readDatabase(database.adminUrl))).breaks).toEqual([]);
		expect(await rows("select * from check_invariants()")).toEqual([]);
	});

	test("name the attempt that does not exist", async () => {
		const nobody = randomUUID();
		await expect(settleAttempt(jobs(), nobody, attemptState("succeeded"))).rejects.toMatchObject({
			code: "LS020",
			detail: nobody,
		});
	});
});
