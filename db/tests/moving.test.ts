import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, startPayment } from "../../test/payments.ts";
import {
	abandonMove,
	beginPspOrder,
	movePayment,
	recordPspOrder,
	recordPspOrderFailure,
	requestAnotherGateway,
	settleAttempt,
} from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { expireTransactions } from "../client/operations.ts";
import { readPayPage, readTransaction, requestConfirmation } from "../client/payments.ts";
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
const checkout = () => database.pool("checkout");
const rows = queryAs(() => database.pool("admin"));
const merchant = (gateways: Record<string, unknown>[] = [{ priority: 2 }, { priority: 1 }], columns = {}) =>
	createMerchant(database.pool("admin"), keys, columns, gateways);

interface Moving {
	transaction_id: string;
	attempt_id: string;
}

async function order(attempt_id: string): Promise<void> {
	await beginPspOrder(jobs(), attempt_id);
	await recordPspOrder(jobs(), {
		attempt_id,
		psp_order_id: `order_${randomUUID()}`,
		presentation: { kind: "redirect", url: "https://psp.example/pay" },
		latency_ms: 1,
	});
}

/** Declined at the first gateway. */
async function declined(of: TestMerchant): Promise<Moving> {
	const payment = await startPayment(database, of);
	await order(payment.attempt_id);
	await settleAttempt(jobs(), payment.attempt_id, attemptState("failed"));
	return payment;
}

async function moved(payment: Moving, is_closed = false): Promise<string> {
	expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(true);
	const { next_attempt_id } = await movePayment(jobs(), payment.attempt_id, { is_closed });
	return next_attempt_id as string;
}

const page = async ({ transaction_id }: Moving) => (await readPayPage(checkout(), transaction_id))!;
const usage = async (of: TestMerchant) =>
	(
		await rows<{ day_count: number; day_amount: number }>(
			"select day_count, day_amount from client_usage where client_id = $1",
			[of.id],
		)
	)[0]!;
const volumes = (of: TestMerchant) =>
	rows<{ volume: number }>(
		"select s.volume from gateway_states s join payment_gateways g on g.id = s.gateway_id where g.client_id = $1 order by g.priority desc",
		[of.id],
	);

describe("another try at another gateway", () => {
	test("is asked for by the payer, and made once the first is known not to have taken money", async () => {
		const kaveri = await merchant();
		const payment = await declined(kaveri);
		expect(await page(payment)).toMatchObject({ can_move: true, attempt_is_moving: false });
		expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(true);
		expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(true);
		expect(await page(payment)).toMatchObject({ attempt_is_moving: true });
		expect(
			await rows("select 1 from graphile_worker.jobs where key = $1", [`move_payment:${payment.attempt_id}`]),
		).toHaveLength(1);

		const { next_attempt_id } = await movePayment(jobs(), payment.attempt_id, { is_closed: false });
		expect(await movePayment(jobs(), payment.attempt_id, { is_closed: false })).toEqual({ next_attempt_id: null });
		expect(await page(payment)).toMatchObject({
			attempt_id: next_attempt_id,
			attempt_status: "created",
			attempt_is_moving: false,
			gateway: { id: kaveri.gateways[1]!.id },
			view: { status: "failed" },
		});
		expect(await volumes(kaveri)).toEqual([{ volume: 0 }, { volume: 10_000 }]);
		expect(await usage(kaveri)).toEqual({ day_count: 1, day_amount: 10_000 });

		await order(next_attempt_id as string);
		expect(await page(payment)).toMatchObject({ attempt_status: "pending", presentation: { kind: "redirect" } });
		await settleAttempt(jobs(), next_attempt_id as string, attemptState("succeeded"));
		expect((await page(payment)).view.status).toBe("paid");
		expect(await usage(kaveri)).toEqual({ day_count: 1, day_amount: 10_000 });
	});

	test("a payer who left the first without trying is moved with the status unbroken", async () => {
		const kaveri = await merchant();
		const payment = await startPayment(database, kaveri);
		await order(payment.attempt_id);
		const next = await moved(payment, true);
		expect((await page(payment)).view.status).toBe("pending");
		expect(
			await rows("select status, error_code, closed_at is not null as closed from payment_attempts where id = $1", [
				payment.attempt_id,
			]),
		).toEqual([{ status: "failed", error_code: "cancelled_by_payer", closed: true }]);
		await order(next);
		await settleAttempt(jobs(), next, attemptState("succeeded"));
		expect((await page(payment)).view.status).toBe("paid");
	});

	test("declined there too gives everything back; the payer may go on, to five attempts", async () => {
		const kaveri = await merchant(Array.from({ length: 7 }, (_, index) => ({ priority: 9 - index })));
		const payment = await declined(kaveri);
		let attempt_id = payment.attempt_id;
		for (let n = 2; n <= 5; n++) {
			attempt_id = await moved({ ...payment, attempt_id });
			await order(attempt_id);
			const before = (await page(payment)).version;
			await settleAttempt(jobs(), attempt_id, attemptState("failed"));
			expect((await page(payment)).version).toBeGreaterThan(before);
			expect(await usage(kaveri)).toEqual({ day_count: 0, day_amount: 0 });
		}
		expect(await page(payment)).toMatchObject({ can_move: false });
		expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(false);
		expect((await volumes(kaveri)).reduce((sum, { volume }) => sum + volume, 0)).toBe(0);
		expect(await rows("select type from webhook_events where transaction_id = $1", [payment.transaction_id])).toEqual([
			{ type: "payment.failed" },
		]);
	});

	test("paid at the first after all: the second is closed; paid at both: the later goes back", async () => {
		const kaveri = await merchant();
		const payment = await declined(kaveri);
		const next = await moved(payment);
		await order(next);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("succeeded", { psp_payment_id: "pay_first" }));
		expect((await page(payment)).view.status).toBe("paid");
		expect(await usage(kaveri)).toEqual({ day_count: 1, day_amount: 10_000 });
		await settleAttempt(jobs(), next, attemptState("succeeded", { psp_payment_id: "pay_second" }));
		expect(await rows("select kind, psp_payment_id from refunds where attempt_id = $1", [next])).toEqual([
			{ kind: "duplicate_payment", psp_payment_id: "pay_second" },
		]);
		expect(
			await rows("select 1 from wallet_entries where transaction_id = $1 and type = 'COMMISSION'", [
				payment.transaction_id,
			]),
		).toHaveLength(1);
	});

	test("an order that was closed and no gateway left to go on leads nowhere any more", async () => {
		const kaveri = await merchant();
		const payment = await startPayment(database, kaveri);
		await order(payment.attempt_id);
		await requestAnotherGateway(checkout(), payment.transaction_id);
		await rows("update payment_gateways set is_active = false where client_id = $1", [kaveri.id]);
		expect(await movePayment(jobs(), payment.attempt_id, { is_closed: true })).toEqual({ next_attempt_id: null });
		expect(await page(payment)).toMatchObject({ presentation: null, can_move: false, view: { status: "failed" } });
	});

	test("an attempt that may have taken money is not left", async () => {
		const payment = await declined(await merchant());
		await requestAnotherGateway(checkout(), payment.transaction_id);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("authorized"));
		expect(await movePayment(jobs(), payment.attempt_id, { is_closed: false })).toEqual({ next_attempt_id: null });
		expect(await page(payment)).toMatchObject({
			attempt_is_moving: false,
			attempt_status: "authorized",
			can_move: false,
		});
	});

	test("whatever the order of words, the merchant's caps are given back once", async () => {
		const kaveri = await merchant();
		const payment = await declined(kaveri);
		const next = await moved(payment);
		await order(next);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("authorized", { psp_payment_id: "pay_held" }));
		await settleAttempt(jobs(), next, attemptState("failed"));
		await settleAttempt(jobs(), payment.attempt_id, attemptState("failed", { psp_payment_id: "pay_held" }));
		expect(await usage(kaveri)).toEqual({ day_count: 0, day_amount: 0 });
		await settleAttempt(jobs(), next, attemptState("succeeded"));
		expect(await usage(kaveri)).toEqual({ day_count: 1, day_amount: 10_000 });
	});

	test("a payment is not told failed while the bank holds its money", async () => {
		const payment = await startPayment(database, await merchant());
		await order(payment.attempt_id);
		const next = await moved(payment);
		await settleAttempt(jobs(), payment.attempt_id, attemptState("authorized"));
		await beginPspOrder(jobs(), next);
		await recordPspOrderFailure(jobs(), {
			attempt_id: next,
			error: { code: "invalid_request", message: "400" },
			latency_ms: 1,
		});
		expect((await page(payment)).view.status).toBe("pending");
	});

	test("a move that is given up leaves the payer where they were", async () => {
		const payment = await declined(await merchant());
		await requestAnotherGateway(checkout(), payment.transaction_id);
		await abandonMove(jobs(), payment.attempt_id);
		expect(await page(payment)).toMatchObject({ attempt_is_moving: false, can_move: true });
	});

	test.each([
		["the merchant has no other gateway", [{}]],
		["the other is switched off", [{ priority: 1 }, { is_active: false }]],
		["the other does not take the amount", [{ priority: 1 }, { max_amount: 100 }]],
	])("is not offered when %s", async (_, gateways) => {
		const payment = await declined(await merchant(gateways));
		expect((await page(payment)).can_move).toBe(false);
		expect(await requestAnotherGateway(checkout(), payment.transaction_id)).toBe(false);
	});

	test("is not offered when the time is over, or the payment is paid", async () => {
		const late = await declined(await merchant());
		await rows("update transactions set expires_at = now() where id = $1", [late.transaction_id]);
		expect(await requestAnotherGateway(checkout(), late.transaction_id)).toBe(false);
		const paid = await declined(await merchant());
		await settleAttempt(jobs(), paid.attempt_id, attemptState("succeeded"));
		expect(await requestAnotherGateway(checkout(), paid.transaction_id)).toBe(false);
	});

	test("that the second gateway refuses goes on to a third; with none left the payment stays failed", async () => {
		const kaveri = await merchant([{ priority: 3 }, { priority: 2 }, { priority: 1 }]);
		const payment = await declined(kaveri);
		const second = await moved(payment);
		await beginPspOrder(jobs(), second);
		const refuse = (attempt_id: string) =>
			recordPspOrderFailure(jobs(), { attempt_id, error: { code: "psp_unavailable", message: "503" }, latency_ms: 1 });
		const { next_attempt_id } = await refuse(second);
		expect(next_attempt_id).not.toBeNull();
		expect(await beginPspOrder(jobs(), next_attempt_id as string)).not.toBeNull();
		expect(await refuse(next_attempt_id as string)).toEqual({ next_attempt_id: null });
		expect((await page(payment)).view.status).toBe("failed");
		expect(await usage(kaveri)).toEqual({ day_count: 0, day_amount: 0 });
	});

	test("that nobody finishes ends with the payment's time", async () => {
		const kaveri = await merchant();
		const payment = await declined(kaveri);
		const next = await moved(payment);
		await order(next);
		await rows("update transactions set expires_at = now() where id = $1", [payment.transaction_id]);
		await expireTransactions(jobs());
		expect(await rows("select status from payment_attempts where id = $1", [next])).toEqual([{ status: "expired" }]);
		expect((await readTransaction(checkout(), payment.transaction_id))?.view.status).toBe("failed");
		expect(await usage(kaveri)).toEqual({ day_count: 0, day_amount: 0 });
		expect((await volumes(kaveri)).every(({ volume }) => volume === 0)).toBe(true);
	});

	test("a payer who comes back has every open attempt asked about", async () => {
		const payment = await declined(await merchant());
		const next = await moved(payment);
		await order(next);
		await rows("delete from graphile_worker._private_jobs");
		await requestConfirmation(checkout(), next);
		expect((await rows<{ key: string }>("select key from graphile_worker.jobs")).map(({ key }) => key).sort()).toEqual(
			[`confirm_attempt:${payment.attempt_id}`, `confirm_attempt:${next}`].sort(),
		);
	});
});
