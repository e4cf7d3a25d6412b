import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { requestAnotherGateway, settleAttempt } from "../../db/client/attempts.ts";
import type { PspAdapter } from "../../psp/adapter.ts";
import { createPspAdapters, type Provider } from "../../psp/providers.ts";
import { attemptState } from "../../test/payments.ts";
import { createCheckoutUrls } from "../checkout-urls.ts";
import { createDeliveryGate, gateWidths } from "../delivery-gate.ts";
import { createJobsMetrics } from "../metrics.ts";
import { createOutbound } from "../outbound.ts";
import { createSharedCalls } from "../shared-calls.ts";
import { createStudioClient } from "../studio.ts";
import { type TaskContext, TryAgain } from "../task.ts";
import confirmAttempt from "../tasks/confirm_attempt.ts";
import createPspOrder from "../tasks/create_psp_order.ts";
import movePayment from "../tasks/move_payment.ts";
import { type Attempt, keys, type SceneMerchant, usePaymentScene } from "./payment-scene.ts";

const scene = usePaymentScene();
const { work, start, merchantWith, merchantOf, rows, attemptsOf, statusOf, reaches } = scene;

const CLOSING = Object.values(createPspAdapters())
	.filter(({ closeOrder }) => closeOrder !== undefined)
	.map(({ provider }) => provider as Provider);

/** A payment whose payer is at the first gateway. */
async function begin(merchant: SceneMerchant): Promise<{ transaction_id: string; attempt: Attempt }> {
	const transaction_id = await scene.initiate(merchant);
	await reaches(transaction_id, "pending");
	const [attempt] = await attemptsOf(transaction_id);
	await scene.arrive(attempt!);
	return { transaction_id, attempt: attempt! };
}

const wantAnother = (transaction_id: string) => requestAnotherGateway(scene.database.pool("checkout"), transaction_id);

const isMoving = async ({ id }: Attempt) =>
	(
		await rows<{ is_moving: boolean }>(
			"select move_requested_at is not null as is_moving from payment_attempts where id = $1",
			[id],
		)
	)[0]!.is_moving;

const moved = (transaction_id: string) =>
	expect.poll(async () => (await attemptsOf(transaction_id))[1]?.status).toBe("pending");

const stayed = (attempt: Attempt) => expect.poll(() => isMoving(attempt)).toBe(false);

describe("a payer who wants another try", () => {
	it("goes to another gateway after a decline", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await work();
		const { transaction_id, attempt } = await begin(merchant);
		await scene.sandbox.pay(attempt.psp_order_id!, "failure", { skip: true });
		expect(await wantAnother(transaction_id)).toBe(true);
		await moved(transaction_id);
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ gateway_id: merchant.gateways[0]!.id, status: "failed" },
			{ gateway_id: merchant.gateways[1]!.id, status: "pending", psp_order_id: expect.any(String) },
		]);
		const [, second] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(second!.psp_order_id!, "success", { skip: true });
		await rows("select request_confirmation($1)", [second!.id]);
		await reaches(transaction_id, "paid");
	});

	it("goes to another gateway from an order that nobody has tried to pay", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await work();
		const { transaction_id } = await begin(merchant);
		expect(await wantAnother(transaction_id)).toBe(true);
		await moved(transaction_id);
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ status: "failed", error_code: "cancelled_by_payer" },
			{ status: "pending" },
		]);
	});

	it.each(CLOSING)("leaves an order at %s that cannot be paid any more", async (provider) => {
		const merchant = await merchantOf(provider, "razorpay");
		await work();
		const { transaction_id, attempt } = await begin(merchant);
		expect(await wantAnother(transaction_id)).toBe(true);
		await moved(transaction_id);
		expect(
			await rows("select closed_at is not null as is_closed from payment_attempts where id = $1", [attempt.id]),
		).toEqual([{ is_closed: true }]);
		await expect(scene.sandbox.pay(attempt.psp_order_id!, "success", { skip: true }, provider)).rejects.toThrow("404");
	});

	it("stays when the first order turns out paid", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await work();
		const { transaction_id, attempt } = await begin(merchant);
		await scene.sandbox.pay(attempt.psp_order_id!, "success", { skip: true });
		expect(await wantAnother(transaction_id)).toBe(true);
		await stayed(attempt);
		expect(await attemptsOf(transaction_id)).toMatchObject([{ status: "succeeded" }]);
		expect(await statusOf(transaction_id)).toBe("paid");
	});

	it("waits while a payment is under way, and stays when it succeeds", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		const worker = await work();
		const { transaction_id, attempt } = await begin(merchant);
		await scene.sandbox.pay(attempt.psp_order_id!, "pending", { skip: true });
		expect(await wantAnother(transaction_id)).toBe(true);
		await worker.line((line) => line.msg === "job waits for another try" && line.task === "move_payment");
		expect(await isMoving(attempt)).toBe(true);
		await scene.sandbox.pay(attempt.psp_order_id!, "success", { skip: true });
		await stayed(attempt);
		expect(await attemptsOf(transaction_id)).toMatchObject([{ status: "succeeded" }]);
	});

	it("stays when the PSP does not answer for as long as a payer may wait", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		const worker = await start();
		const { transaction_id, attempt } = await begin(merchant);
		worker.kill("SIGKILL");
		await worker.exited;
		expect(await wantAnother(transaction_id)).toBe(true);
		await scene.sandbox.addFault({ service: "razorpay", method: "GET", kind: "drop_before", times: 10 });
		await expect(run(attempt, false)).rejects.toThrow();
		expect(await isMoving(attempt)).toBe(true);
		await run(attempt, true);
		expect(await isMoving(attempt)).toBe(false);
		expect(await attemptsOf(transaction_id)).toMatchObject([{ status: "pending" }]);
	});

	it("is not left waiting by a fault of ours", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		const worker = await start();
		const { transaction_id, attempt } = await begin(merchant);
		worker.kill("SIGKILL");
		await worker.exited;
		expect(await wantAnother(transaction_id)).toBe(true);
		await rows("update payment_gateways set api_secret = 'v1.lost.aaaa.bbbb' where id = $1", [attempt.gateway_id]);
		await expect(run(attempt, true)).rejects.toThrow("lost");
		expect(await isMoving(attempt)).toBe(false);
	});
});

describe("an order whose time is over", () => {
	/** A payment whose payer is at the PSP, with no worker about. */
	async function expired(provider: Provider, before?: "pending" | "failure" | "success") {
		const transaction_id = await scene.initiate(await merchantOf(provider));
		const [{ id: attempt_id }] = (await attemptsOf(transaction_id)) as [Attempt];
		await createPspOrder({ attempt_id }, contextOf(false));
		const [{ psp_order_id }] = (await attemptsOf(transaction_id)) as [Attempt];
		const pay = (outcome: string) => scene.sandbox.pay(psp_order_id!, outcome, { skip: true }, provider);
		if (before !== undefined) await pay(before);
		await rows("update transactions set expires_at = now() - interval '1 second' where id = $1", [transaction_id]);
		await rows("select expire_transactions()");
		return {
			transaction_id,
			attempt_id,
			pay,
			confirm: (is_last_attempt = false) => confirmAttempt({ attempt_id }, contextOf(is_last_attempt)),
			isClosed: async () =>
				(
					await rows<{ is_closed: boolean }>(
						"select closed_at is not null and next_lookup_at is null as is_closed from payment_attempts where id = $1",
						[attempt_id],
					)
				)[0]!.is_closed,
		};
	}

	it.each(CLOSING)("is closed at %s, once; a success told after all is still booked", async (provider) => {
		const payment = await expired(provider);
		await payment.confirm();
		expect(await payment.isClosed()).toBe(true);
		await expect(payment.pay("success")).rejects.toThrow("404");
		await payment.confirm();
		expect(await statusOf(payment.transaction_id)).toBe("expired");
		const told = attemptState("succeeded", { amount: 49_900 });
		await settleAttempt(scene.database.pool("jobs"), payment.attempt_id, told);
		expect(await statusOf(payment.transaction_id)).toBe("paid");
	});

	it.each(CLOSING)(
		"stays open at %s while a payment is under way, and is closed once that failed",
		async (provider) => {
			const payment = await expired(provider, "pending");
			await expect(payment.confirm()).rejects.toThrow(TryAgain);
			expect(await payment.isClosed()).toBe(false);
			await payment.pay("failure");
			await payment.confirm();
			expect(await payment.isClosed()).toBe(true);
			await expect(payment.pay("success")).rejects.toThrow("404");
		},
	);

	it("is paid late when the payer was faster than its closing", async () => {
		const payment = await expired("cashfree");
		const adapters = createPspAdapters({ sandbox_url: scene.sandbox.url });
		const closeOrder: PspAdapter["closeOrder"] = async (account, order) => {
			await payment.pay("success");
			return adapters.cashfree.closeOrder!(account, order);
		};
		const raced = { ...adapters, cashfree: { ...adapters.cashfree, closeOrder } };
		const { attempt_id } = payment;
		await expect(confirmAttempt({ attempt_id }, { ...contextOf(false), adapters: raced })).rejects.toThrow(TryAgain);
		expect(await payment.isClosed()).toBe(false);
		await payment.confirm();
		expect(await statusOf(payment.transaction_id)).toBe("paid");
	});

	it("is left to the next look-up when the PSP does not answer", async () => {
		const payment = await expired("cashfree");
		await scene.sandbox.addFault({ service: "cashfree", method: "PATCH", kind: "drop_before" });
		await payment.confirm();
		expect(await payment.isClosed()).toBe(false);
		await payment.confirm();
		expect(await payment.isClosed()).toBe(true);
	});
});

/** A run of the task in this process. */
const run = ({ id }: Attempt, is_last_attempt: boolean) => movePayment({ attempt_id: id }, contextOf(is_last_attempt));

function contextOf(is_last_attempt: boolean): TaskContext {
	return {
		database: scene.database.pool("jobs"),
		shared: createSharedCalls(scene.database.pool("jobs"), pino({ enabled: false })),
		keys,
		payout_adapters: new Map(),
		adapters: createPspAdapters({ sandbox_url: scene.sandbox.url, timeout_ms: 60_000 }),
		urls: createCheckoutUrls({ checkout_url: "http://127.0.0.1:3000", status_token_key: Buffer.alloc(32, 9) }),
		outbound: createOutbound({ allowed_hosts: new Set() }),
		gate: createDeliveryGate(gateWidths(50)),
		studio: createStudioClient(null, keys),
		clock: { offer: async () => 0 },
		metrics: createJobsMetrics(),
		tracing: null,
		alert_channels: [],
		whatsapp: null,
		log: pino({ level: "silent" }),
		job: { id: "1", attempt: 1, is_last_attempt, is_urgent: true },
	};
}
