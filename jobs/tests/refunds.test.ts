import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { requestAnotherGateway } from "../../db/client/attempts.ts";
import { requestConfirmation } from "../../db/client/payments.ts";
import { createRefund } from "../../db/client/refunds.ts";
import { createPspAdapters, type Provider, providers } from "../../psp/providers.ts";
import { acceptGatewayEvent } from "../../test/payments.ts";
import { createCheckoutUrls } from "../checkout-urls.ts";
import { createDeliveryGate, gateWidths } from "../delivery-gate.ts";
import { createJobsMetrics } from "../metrics.ts";
import { createOutbound } from "../outbound.ts";
import { createSharedCalls } from "../shared-calls.ts";
import { createStudioClient } from "../studio.ts";
import type { TaskContext } from "../task.ts";
import refundPayment from "../tasks/refund_payment.ts";
import { keys, type SceneMerchant, usePaymentScene } from "./payment-scene.ts";
import { QUICK_HEART } from "./worker-process.ts";

const scene = usePaymentScene();
const { work, start, merchantWith, merchantOf, rows, payOnce, attemptsOf, statusOf, reaches, heardBy } = scene;

/** Whose refunds a program can ask for; money paid straight to a bank account goes back by hand. */
const REFUNDING = Object.keys(providers).filter((provider) => provider !== "upi") as Provider[];

async function refund(
	merchant: SceneMerchant,
	transaction_id: string,
	amount: number | null = null,
	idempotency_key = randomUUID(),
): Promise<string> {
	const { refund } = await createRefund(scene.database.pool("checkout"), {
		client_id: merchant.id,
		transaction_id,
		amount,
		reason: null,
		idempotency_key,
	});
	return refund.refund_id;
}

interface StoredRefund {
	status: string;
	kind: string;
	amount: number;
	psp_refund_id: string | null;
	error_code: string | null;
}

async function refundOf(refund_id: string): Promise<StoredRefund> {
	const [row] = await rows<StoredRefund>(
		"select status, kind, amount::int, psp_refund_id, error_code from refunds where id = $1",
		[refund_id],
	);
	return row!;
}

const settles = (refund_id: string, status: string) =>
	expect.poll(async () => (await refundOf(refund_id)).status).toBe(status);

async function paymentOf(transaction_id: string): Promise<{ status: string; amount_refunded: number }> {
	const [row] = await rows<{ status: string; amount_refunded: number }>(
		"select status, amount_refunded::int from transactions where id = $1",
		[transaction_id],
	);
	return row!;
}

/** How many times Razorpay was asked to make the refund. */
async function timesAsked(refund_id: string): Promise<number> {
	const [row] = await rows<{ psp_payment_id: string }>("select psp_payment_id from refunds where id = $1", [refund_id]);
	return (await scene.sandbox.requests("POST", `/v1/payments/${row!.psp_payment_id}/refund`)).length;
}

/** How much of the payment Razorpay says it has given back. */
async function refundedAtRazorpay(merchant: SceneMerchant, refund_id: string): Promise<number> {
	const [row] = await rows<{ psp_payment_id: string }>("select psp_payment_id from refunds where id = $1", [refund_id]);
	const { api_key, api_secret } = merchant.accounts[0]!.account;
	const response = await fetch(`${scene.sandbox.url}/razorpay/v1/payments/${row!.psp_payment_id}`, {
		headers: { authorization: `Basic ${Buffer.from(`${api_key}:${api_secret}`).toString("base64")}` },
	});
	return ((await response.json()) as { amount_refunded: number }).amount_refunded;
}

/** As settles, without the wait for the next look-up: some PSPs are never done at once. */
const settlesWhenAsked = (refund_id: string, status: string) =>
	expect
		.poll(
			async () => {
				await rows("update refunds set next_lookup_at = now() where id = $1 and status = 'pending'", [refund_id]);
				await rows("select enqueue_pending_lookups()");
				return (await refundOf(refund_id)).status;
			},
			{ interval: 500 },
		)
		.toBe(status);

/** A run of the task in this process, with adapters of the test's choice. */
function run(
	refund_id: string,
	adapters = createPspAdapters({ sandbox_url: scene.sandbox.url, timeout_ms: 60_000 }),
): Promise<void> {
	const context: TaskContext = {
		database: scene.database.pool("jobs"),
		shared: createSharedCalls(scene.database.pool("jobs"), pino({ enabled: false })),
		keys,
		payout_adapters: new Map(),
		adapters,
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
		job: { id: "1", attempt: 1, is_last_attempt: true, is_urgent: false },
	};
	return refundPayment({ refund_id }, context);
}

describe("a refund", () => {
	it.each(REFUNDING)(
		"through %s goes back in part and then in full, and the merchant hears of both",
		async (provider) => {
			const merchant = await merchantOf(provider);
			await work();
			const { transaction_id } = await payOnce(merchant, provider);
			const part = await refund(merchant, transaction_id, 19_900);
			await settlesWhenAsked(part, "succeeded");
			expect(await paymentOf(transaction_id)).toEqual({ status: "partially_refunded", amount_refunded: 19_900 });
			const rest = await refund(merchant, transaction_id);
			await settlesWhenAsked(rest, "succeeded");
			expect(await paymentOf(transaction_id)).toEqual({ status: "refunded", amount_refunded: 49_900 });
			await expect
				.poll(async () => (await heardBy(transaction_id)).map(({ type, verified }) => `${type} ${verified}`).sort())
				.toEqual(["payment.paid true", "refund.succeeded true", "refund.succeeded true"]);
			expect(await rows("select invariant, detail from check_invariants()")).toEqual([]);
		},
	);

	it("whose reply was lost is unknown, is found in seconds, and is made once", async () => {
		const merchant = await merchantWith();
		const worker = await work();
		const { transaction_id } = await payOnce(merchant);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/payments",
			method: "POST",
			kind: "drop_after_success",
		});
		const letLookUp = await scene.holdLookUps();
		const refund_id = await refund(merchant, transaction_id);
		await worker.line(({ msg, refund_id: id }) => msg === "the PSP has not made the refund" && id === refund_id);
		expect(await refundOf(refund_id)).toMatchObject({ status: "unknown" });
		await letLookUp();
		await settles(refund_id, "succeeded");
		expect(await timesAsked(refund_id)).toBe(1);
		expect(await refundedAtRazorpay(merchant, refund_id)).toBe(49_900);
		expect(await paymentOf(transaction_id)).toEqual({ status: "refunded", amount_refunded: 49_900 });
	});

	it("that the PSP takes its time for ends by the PSP's webhook", async () => {
		const merchant = await merchantWith();
		await scene.refundsLater(merchant);
		await work();
		const { transaction_id } = await payOnce(merchant);
		const [succeeding, failing] = [
			await refund(merchant, transaction_id, 10_000),
			await refund(merchant, transaction_id, 20_000),
		];
		for (const [refund_id, outcome] of [
			[succeeding, "success"],
			[failing, "failure"],
		] as const) {
			await settles(refund_id, "pending");
			const { psp_refund_id } = await refundOf(refund_id);
			await scene.sandbox.decideRefund(psp_refund_id!, outcome);
			const event = outcome === "success" ? "refund.processed" : "refund.failed";
			await scene.accept(merchant, await scene.nextWebhook(event, psp_refund_id!));
			await settles(refund_id, outcome === "success" ? "succeeded" : "failed");
		}
		expect(await paymentOf(transaction_id)).toEqual({ status: "partially_refunded", amount_refunded: 10_000 });
		await expect
			.poll(async () => (await heardBy(transaction_id)).map(({ type }) => type).sort())
			.toEqual(["payment.paid", "refund.failed", "refund.succeeded"]);
		// What failed may be asked for anew.
		const again = await refund(merchant, transaction_id, 39_900);
		await settles(again, "pending");
	});

	it.each(REFUNDING)("that %s decides later ends by its webhook alone", async (provider) => {
		const merchant = await merchantOf(provider);
		await scene.refundsLater(merchant);
		const worker = await work();
		const { transaction_id } = await payOnce(merchant, provider);
		const refund_id = await refund(merchant, transaction_id, 19_900);
		await settles(refund_id, "pending");
		await rows("update refunds set next_lookup_at = null where id = $1", [refund_id]);
		const { psp_refund_id } = await refundOf(refund_id);
		await scene.sandbox.decideRefund(psp_refund_id!, "success", {}, provider);
		const event_id = await scene.acceptWebhook(
			merchant,
			(event) =>
				event.kind === "refund" && event.refund.psp_refund_id === psp_refund_id && event.refund.outcome !== "pending",
		);
		await worker.line(({ msg, event_id: id }) => msg === "refund settled" && id === event_id);
		expect(await refundOf(refund_id)).toMatchObject({ status: "succeeded" });
		expect(await paymentOf(transaction_id)).toEqual({ status: "partially_refunded", amount_refunded: 19_900 });
	});

	it("is looked up at the PSP when the proof of a webhook does not cover its body", async () => {
		const merchant = await merchantWith();
		const [gateway] = merchant.gateways;
		await scene.refundsLater(merchant);
		await work();
		const { transaction_id } = await payOnce(merchant);
		const refund_id = await refund(merchant, transaction_id);
		await settles(refund_id, "pending");
		const { psp_refund_id } = await refundOf(refund_id);
		await scene.sandbox.decideRefund(psp_refund_id!, "failure");
		const { body } = await scene.nextWebhook("refund.failed", psp_refund_id!);
		await acceptGatewayEvent(scene.database.pool("checkout"), {
			gateway_id: gateway!.id,
			dedupe_key: randomUUID(),
			event_type: "refund.processed",
			headers: {},
			raw_body: Buffer.from(body.replaceAll("refund.failed", "refund.processed").replaceAll('"failed"', '"processed"')),
			body_proven: false,
		});
		await settles(refund_id, "failed");
		expect(await paymentOf(transaction_id)).toEqual({ status: "paid", amount_refunded: 0 });
	});

	it("never makes more of a capture, however many race", async () => {
		const merchant = await merchantWith();
		await work();
		const { transaction_id } = await payOnce(merchant);
		const results = await Promise.allSettled(
			Array.from({ length: 12 }, () => refund(merchant, transaction_id, 10_000)),
		);
		const made = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
		expect(made).toHaveLength(4);
		// One that is left undecided is looked up after five seconds, and again after thirty.
		for (const refund_id of made) await settles(refund_id, "succeeded");
		expect(await paymentOf(transaction_id)).toEqual({ status: "partially_refunded", amount_refunded: 40_000 });
		await settles(await refund(merchant, transaction_id), "succeeded");
		expect(await paymentOf(transaction_id)).toEqual({ status: "refunded", amount_refunded: 49_900 });
	});

	it("waits, and tells operators, while the PSP refuses the credentials", async () => {
		const merchant = await merchantWith();
		const worker = await work();
		const { transaction_id } = await payOnce(merchant);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/payments",
			method: "POST",
			kind: "status",
			status: 401,
		});
		const letLookUp = await scene.holdLookUps();
		const refund_id = await refund(merchant, transaction_id);
		await worker.line(({ msg, refund_id: id }) => msg === "the PSP has not made the refund" && id === refund_id);
		expect(await refundOf(refund_id)).toMatchObject({ status: "unknown", error_code: "authentication_failed" });
		expect(await rows("select severity, count from alerts where kind = 'refund_waits'")).toEqual([
			{ severity: "critical", count: 1 },
		]);
		await letLookUp();
		await settles(refund_id, "succeeded");
	});

	it("that may have been made is not called failed because nothing is left to give back", async () => {
		const merchant = await merchantWith();
		const worker = await start();
		const { transaction_id } = await payOnce(merchant);
		worker.kill("SIGKILL");
		await worker.exited;
		const refund_id = await refund(merchant, transaction_id);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/payments",
			method: "POST",
			kind: "drop_after_success",
		});
		await run(refund_id);
		expect(await refundOf(refund_id)).toMatchObject({ status: "unknown" });
		// A PSP that has forgotten the idempotency key refuses as Razorpay does.
		const sound = createPspAdapters({ sandbox_url: scene.sandbox.url, timeout_ms: 60_000 });
		const refuses: typeof sound.razorpay.refund = (account, input) =>
			sound.razorpay.refund(account, { ...input, reference: randomUUID() });
		await run(refund_id, { ...sound, razorpay: { ...sound.razorpay, refund: refuses } });
		expect(await refundOf(refund_id)).toMatchObject({ status: "unknown", error_code: "refund_exceeds_amount" });
		expect(await rows("select kind from alerts where details ->> 'refund_id' = $1", [refund_id])).toEqual([
			{ kind: "refund_waits" },
		]);
		expect(await refundedAtRazorpay(merchant, refund_id)).toBe(49_900);
	});

	it("survives a worker killed while it calls the PSP: another finds the refund, and there is only one", async () => {
		const merchant = await merchantWith();
		const killed = await start(QUICK_HEART);
		const { transaction_id } = await payOnce(merchant);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/payments",
			method: "POST",
			kind: "drop_after_success",
			delay_ms: 60_000,
		});
		const refund_id = await refund(merchant, transaction_id, 10_000);
		await expect.poll(() => timesAsked(refund_id), { interval: 20 }).toBe(1);
		killed.kill("SIGKILL");
		await killed.exited;
		expect(await refundOf(refund_id)).toMatchObject({ status: "created", psp_refund_id: null });
		await start(QUICK_HEART);
		await settles(refund_id, "succeeded");
		expect(await timesAsked(refund_id)).toBe(1);
		expect(await refundedAtRazorpay(merchant, refund_id)).toBe(10_000);
	});

	it("is not lost to a fault in an adapter", async () => {
		const merchant = await merchantWith();
		const worker = await start();
		const { transaction_id } = await payOnce(merchant);
		worker.kill("SIGKILL");
		await worker.exited;
		const refund_id = await refund(merchant, transaction_id);
		const sound = createPspAdapters({ sandbox_url: scene.sandbox.url, timeout_ms: 60_000 });
		const refundsBadly = () => {
			throw new TypeError("Cannot read properties of undefined");
		};
		const faulty = { ...sound, razorpay: { ...sound.razorpay, refund: refundsBadly } };
		await expect(run(refund_id, faulty)).rejects.toThrow(TypeError);
		expect(await refundOf(refund_id)).toMatchObject({ status: "created", psp_refund_id: null });
		expect(
			await rows("select next_lookup_at < now() + interval '3 minutes' as is_soon from refunds where id = $1", [
				refund_id,
			]),
		).toEqual([{ is_soon: true }]);
		await run(refund_id);
		expect(await refundOf(refund_id)).toMatchObject({ status: "succeeded" });
	});

	it("made by hand in the PSP's dashboard changes nothing here", async () => {
		const merchant = await merchantWith();
		const [gateway] = merchant.gateways;
		await scene.refundsLater(merchant);
		await work();
		const { transaction_id } = await payOnce(merchant);
		const refund_id = await refund(merchant, transaction_id);
		await settles(refund_id, "pending");
		// Else it would be looked up in time, and be done.
		await rows("update refunds set next_lookup_at = null where id = $1", [refund_id]);
		const { psp_refund_id } = await refundOf(refund_id);
		await scene.sandbox.decideRefund(psp_refund_id!, "success");
		const { body } = await scene.nextWebhook("refund.processed", psp_refund_id!);
		const { event_id } = await acceptGatewayEvent(scene.database.pool("checkout"), {
			gateway_id: gateway!.id,
			dedupe_key: randomUUID(),
			event_type: "refund.processed",
			headers: {},
			raw_body: Buffer.from(body.replaceAll(psp_refund_id!, "rfnd_ByHand").replaceAll(refund_id, randomUUID())),
			body_proven: true,
		});
		const event = () =>
			rows("select error, processed_at is not null as is_processed from gateway_events where id = $1", [event_id]);
		const words = "No refund here is the provider's refund rfnd_ByHand.";
		// A webhook may come before the reply with the refund's id, so it is kept for another try first.
		await expect.poll(event).toEqual([{ error: words, is_processed: false }]);
		await rows("update graphile_worker._private_jobs set max_attempts = 2, run_at = now() where attempts = 1");
		await expect
			.poll(event)
			.toEqual([{ error: `${words} It was made by hand in the provider's dashboard.`, is_processed: true }]);
		expect(await refundOf(refund_id)).toMatchObject({ status: "pending" });
		expect(await paymentOf(transaction_id)).toEqual({ status: "paid", amount_refunded: 0 });
	});
});

describe("an order that was paid twice", () => {
	it("keeps the first payment, and the second is given back by itself", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await work();
		const transaction_id = await scene.initiate(merchant);
		await reaches(transaction_id, "pending");
		const [first] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(first!.psp_order_id!, "failure", { skip: true });
		expect(await requestAnotherGateway(scene.database.pool("checkout"), transaction_id)).toBe(true);
		await expect.poll(async () => (await attemptsOf(transaction_id))[1]?.status).toBe("pending");
		const [, second] = await attemptsOf(transaction_id);
		for (const { psp_order_id } of [second!, first!]) {
			await scene.sandbox.pay(psp_order_id!, "success", { skip: true });
		}
		await requestConfirmation(scene.database.pool("checkout"), second!.id);
		await reaches(transaction_id, "paid");
		const duplicates = () =>
			rows<{ id: string; attempt_id: string; status: string }>(
				"select id, attempt_id, status from refunds where transaction_id = $1 and kind = 'duplicate_payment'",
				[transaction_id],
			);
		await expect.poll(async () => (await duplicates()).map(({ status }) => status)).toEqual(["succeeded"]);
		expect(await statusOf(transaction_id)).toBe("paid");
		expect((await paymentOf(transaction_id)).amount_refunded).toBe(0);
		expect(
			await rows("select count(*)::int from wallet_entries where transaction_id = $1 and type = 'COMMISSION'", [
				transaction_id,
			]),
		).toEqual([{ count: 1 }]);
		await expect
			.poll(async () => (await heardBy(transaction_id)).map(({ type }) => type).sort())
			.toEqual(["payment.failed", "payment.paid", "refund.succeeded"]);
		expect(await rows("select status from alerts where kind = 'second_success'")).toEqual([{ status: "resolved" }]);
	});
});

const DISPUTING = ["razorpay", "cashfree", "stripe", "payu"] as const satisfies Provider[];

describe("a dispute", () => {
	it("that is opened and lost is booked and told to the merchant, at every PSP that tells of disputes", async () => {
		await work();
		for (const provider of DISPUTING) {
			const merchant = await merchantOf(provider);
			const { transaction_id, attempt } = await payOnce(merchant, provider);
			for (const outcome of ["opened", "lost"]) {
				const response = await fetch(`${scene.sandbox.url}/_control/dispute`, {
					method: "POST",
					headers: { "content-type": "application/json" },
					body: JSON.stringify({ provider, order: attempt.psp_order_id, outcome, amount: 20_000 }),
				});
				expect(response.status).toBe(200);
				await scene.acceptWebhook(merchant, (event) => event.kind === "dispute" && event.dispute.status === outcome);
			}
			await expect
				.poll(() => rows("select status, amount::int from disputes where transaction_id = $1", [transaction_id]))
				.toEqual([{ status: "lost", amount: 20_000 }]);
			expect(
				await rows(
					"select type, amount::int from wallet_entries where transaction_id = $1 and dispute_id is not null order by entry_no",
					[transaction_id],
				),
			).toEqual([
				{ type: "DISPUTE_OPENED", amount: 0 },
				{ type: "DISPUTE_LOST", amount: -700 },
				{ type: "DISPUTE_LOST_GST", amount: -126 },
			]);
			await expect
				.poll(async () => (await heardBy(transaction_id)).map(({ type, verified }) => `${type} ${verified}`))
				.toContain("dispute.closed true");
		}
		expect(await rows("select invariant, detail from check_invariants()")).toEqual([]);
	});
});
