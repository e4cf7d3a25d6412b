import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { initiate as initiateAt, startTestCheckout } from "../../checkout/test-checkout.ts";
import { initiatePayments, requestConfirmation } from "../../db/client/payments.ts";
import { type Provider, providers } from "../../psp/providers.ts";
import { acceptGatewayEvent } from "../../test/payments.ts";
import { usePaymentScene } from "./payment-scene.ts";
import { QUICK_HEART } from "./worker-process.ts";

const scene = usePaymentScene();
/** Nobody tells of money that is paid straight to a bank account. */
const WITH_WEBHOOKS = Object.keys(providers).filter((provider) => provider !== "upi") as Provider[];
const {
	work,
	start,
	merchantWith,
	merchantOf,
	rows,
	initiate,
	attemptsOf,
	statusOf,
	reaches,
	nextWebhook,
	accept,
	heardBy,
} = scene;

const ordersMade = async (attempt_id: string) =>
	(await scene.sandbox.requests("POST", "/v1/orders")).filter(({ body }) => JSON.stringify(body).includes(attempt_id))
		.length;

/** Takes traces as a collector does, and keeps their spans. */
async function startCollector() {
	const spans: { name: string; traceId: string; spanId: string; parentSpanId?: string }[] = [];
	const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const sent = (await json(request)) as { resourceSpans: { scopeSpans: { spans: typeof spans }[] }[] };
		for (const { scopeSpans } of sent.resourceSpans) spans.push(...scopeSpans.flatMap((scope) => scope.spans));
		response.writeHead(200, { "content-type": "application/json" }).end("{}");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return { url, spans, close: () => server.close() };
}

describe("a payment", () => {
	it("is one trace: initiate, order, call to the PSP, the PSP's webhook, delivery", async () => {
		const collector = await startCollector();
		const OTEL_EXPORTER_OTLP_ENDPOINT = collector.url;
		const checkout = await startTestCheckout(scene.database, { OTEL_EXPORTER_OTLP_ENDPOINT });
		try {
			const merchant = await merchantWith();
			const worker = await start({ OTEL_EXPORTER_OTLP_ENDPOINT });
			const { body } = await initiateAt(checkout, merchant, { amount: 49_900, order_id: randomUUID() });
			const transaction_id: string = body.transaction_id;
			await reaches(transaction_id, "pending");
			const [attempt] = await attemptsOf(transaction_id);
			await scene.arrive(attempt!);
			await scene.sandbox.pay(attempt!.psp_order_id!, "success", { skip: false }, "razorpay");
			await accept(merchant, await nextWebhook("payment.captured", attempt!.psp_order_id!));
			await reaches(transaction_id, "paid");
			await worker.line(({ msg, transaction_id: id }) => msg === "webhook sent" && id === transaction_id);

			const traceId = transaction_id.replaceAll("-", "");
			const ofPayment = () => collector.spans.filter((span) => span.traceId === traceId);
			await expect
				.poll(() => ofPayment().map(({ name }) => name))
				.toEqual(
					expect.arrayContaining([
						"POST /payment/initiate",
						"create_psp_order",
						"razorpay createOrder",
						"process_gateway_event",
						"deliver_webhook",
					]),
				);
			const parentOf = (name: string) => {
				const span = ofPayment().find((each) => each.name === name)!;
				return ofPayment().find(({ spanId }) => spanId === span.parentSpanId)?.name;
			};
			expect(parentOf("POST /payment/initiate")).toBeUndefined();
			expect(parentOf("create_psp_order")).toBe("POST /payment/initiate");
			expect(parentOf("razorpay createOrder")).toBe("create_psp_order");
			expect(parentOf("deliver_webhook")).toBe("POST /payment/initiate");
		} finally {
			await checkout.stop();
			collector.close();
		}
	});

	it("gets its order at the PSP, and an address for the payer to come back to", async () => {
		const merchant = await merchantWith();
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		expect(attempt).toMatchObject({ status: "pending", psp_order_id: expect.stringMatching(/^order_/) });
		expect(attempt!.presentation).toMatchObject({
			fields: {
				callback_url: expect.stringMatching(
					new RegExp(`^http://127.0.0.1:3000/pay/${transaction_id}/return\\?token=[\\w-]{43}$`),
				),
			},
		});
		expect(await ordersMade(attempt!.id)).toBe(1);
	});

	it("whose order's reply was lost is found again, without a second order", async () => {
		const merchant = await merchantWith();
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/orders",
			method: "POST",
			kind: "drop_after_success",
		});
		const letLookUp = await scene.holdLookUps();
		const worker = await work();
		const transaction_id = await initiate(merchant);
		await worker.line(({ msg }) => msg === "the PSP may or may not have the order");
		expect(await attemptsOf(transaction_id)).toMatchObject([{ status: "unknown", psp_order_id: null }]);
		await letLookUp();
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		expect(attempt!.psp_order_id).toMatch(/^order_/);
		expect(await ordersMade(attempt!.id)).toBe(1);
	});

	it("moves to the merchant's next gateway when one certainly refuses", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/orders",
			method: "POST",
			kind: "status",
			status: 429,
		});
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ gateway_id: merchant.gateways[0]!.id, status: "failed", error_code: "rate_limited", psp_order_id: null },
			{ gateway_id: merchant.gateways[1]!.id, status: "pending", psp_order_id: expect.any(String) },
		]);
	});

	it("moves on as well when a gateway's secret does not open", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		const [broken, sound] = merchant.gateways;
		await rows(
			"update payment_gateways set api_secret = (select api_secret from payment_gateways where id = $2) where id = $1",
			[broken!.id, sound!.id],
		);
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ gateway_id: broken!.id, status: "failed", error_code: "authentication_failed" },
			{ gateway_id: sound!.id, status: "pending" },
		]);
	});

	it("is made once more through a gateway whose call was lost and left no order", async () => {
		const merchant = await merchantWith();
		await scene.sandbox.addFault({ service: "razorpay", path: "/v1/orders", method: "POST", kind: "drop_before" });
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ gateway_id: merchant.gateways[0]!.id, status: "pending", psp_order_id: expect.any(String) },
		]);
	});

	it("moves on after calls through one gateway were lost twice and left no order", async () => {
		const merchant = await merchantWith([{ priority: 10 }, { priority: 5 }]);
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/orders",
			method: "POST",
			kind: "drop_before",
			times: 2,
		});
		const worker = await work();
		const transaction_id = await initiate(merchant);
		await worker.line(({ msg }) => msg === "the PSP may or may not have the order");
		// The second and the third look-up of its rhythm, without the wait.
		for (const lookups of [1, 2]) {
			await expect
				.poll(
					async () => {
						await rows(
							"update payment_attempts set next_lookup_at = now() where transaction_id = $1 and lookups < $2",
							[transaction_id, lookups],
						);
						return rows("select lookups from payment_attempts where transaction_id = $1 and attempt_no = 1", [
							transaction_id,
						]);
					},
					{ interval: 500 },
				)
				.toSatisfy(([attempt]: { lookups: number }[]) => attempt!.lookups >= lookups);
		}
		await reaches(transaction_id, "pending");
		expect(await attemptsOf(transaction_id)).toMatchObject([
			{ gateway_id: merchant.gateways[0]!.id, status: "failed", error_code: "timed_out" },
			{ gateway_id: merchant.gateways[1]!.id, status: "pending" },
		]);
	});

	it("is paid by the PSP's webhook, and the merchant hears of it in a way that verifies", async () => {
		const merchant = await merchantWith();
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "success");
		const event_id = await accept(merchant, await nextWebhook("payment.captured", attempt!.psp_order_id!));
		await reaches(transaction_id, "paid");
		await expect
			.poll(() => rows("select error, processed_at is not null as done from gateway_events where id = $1", [event_id]))
			.toEqual([{ error: null, done: true }]);
		expect(
			await rows("select type, amount::int from wallet_entries where transaction_id = $1 order by entry_no", [
				transaction_id,
			]),
		).toEqual([
			{ type: "COMMISSION", amount: 1747 },
			{ type: "COMMISSION_GST", amount: 314 },
		]);
		await expect.poll(() => heardBy(transaction_id)).toMatchObject([{ type: "payment.paid", verified: true }]);
	});

	it.each(WITH_WEBHOOKS)("is paid by %s's webhook alone", async (provider) => {
		const merchant = await merchantOf(provider);
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await rows("update payment_attempts set next_lookup_at = null where id = $1", [attempt!.id]);
		await scene.arrive(attempt!);
		const names = [attempt!.id, attempt!.psp_order_id];
		await scene.sandbox.pay(attempt!.psp_order_id!, "success", {}, provider);
		await scene.acceptWebhook(
			merchant,
			(event) =>
				event.kind === "payment" &&
				event.payment.outcome === "succeeded" &&
				[event.payment.psp_order_id, event.payment.reference].some((name) => name !== null && names.includes(name)),
		);
		await reaches(transaction_id, "paid");
	});

	it("is paid although no webhook came, once somebody asks to have it confirmed", async () => {
		const merchant = await merchantWith();
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "success", { skip: true });
		await requestConfirmation(scene.database.pool("checkout"), attempt!.id);
		await reaches(transaction_id, "paid");
	});

	it("stays open while the bank has not said, and is asked about again", async () => {
		const merchant = await merchantWith();
		const worker = await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "pending", { skip: true });
		await requestConfirmation(scene.database.pool("checkout"), attempt!.id);
		await worker.line((line) => line.msg === "job waits for another try" && line.task === "confirm_attempt");
		expect(await statusOf(transaction_id)).toBe("pending");
		await scene.sandbox.pay(attempt!.psp_order_id!, "success", { skip: true });
		await reaches(transaction_id, "paid");
	});

	it("is asked about again after a look-up that got no answer", async () => {
		const merchant = await merchantWith();
		const worker = await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "success", { skip: true });
		await scene.sandbox.addFault({ service: "razorpay", path: "/v1/orders/", method: "GET", kind: "drop_before" });
		const lookUpNow = async () => {
			await rows("update payment_attempts set next_lookup_at = now() where id = $1", [attempt!.id]);
			await rows("select enqueue_pending_lookups()");
		};
		await lookUpNow();
		await expect
			.poll(async () => (await scene.sandbox.requests("GET", `/v1/orders/${attempt!.psp_order_id}/payments`)).length)
			.toBe(1);
		await expect
			.poll(() => rows("select next_lookup_at > now() as is_set from payment_attempts where id = $1", [attempt!.id]))
			.toEqual([{ is_set: true }]);
		expect(await statusOf(transaction_id)).toBe("pending");
		// No more than one try a look-up: the rhythm is the PSP's protection.
		expect(worker.lines.filter(({ msg }) => msg === "job waits for another try")).toEqual([]);
		await lookUpNow();
		await reaches(transaction_id, "paid");
	});

	it("that the bank takes after it expired is paid late, and the merchant hears both", async () => {
		const merchant = await merchantWith();
		await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await rows("update transactions set expires_at = now() - interval '1 second' where id = $1", [transaction_id]);
		await rows("select expire_transactions()");
		expect(await statusOf(transaction_id)).toBe("expired");
		await scene.sandbox.pay(attempt!.psp_order_id!, "success");
		await accept(merchant, await nextWebhook("payment.captured", attempt!.psp_order_id!));
		await reaches(transaction_id, "paid");
		await expect
			.poll(async () =>
				(await heardBy(transaction_id))
					.map(({ type, body }) => [type, JSON.stringify(body).includes('"late":true')])
					// Each event goes out by itself: which one comes first is not promised.
					.sort(),
			)
			.toEqual([
				["payment.expired", false],
				["payment.paid", true],
			]);
	});

	it("gets its order at once while a PSP hangs at every look-up", async () => {
		const merchant = await merchantWith();
		await start();
		const results = await initiatePayments(
			scene.database.pool("checkout"),
			Array.from({ length: 60 }, () => ({
				client_id: merchant.id,
				client_key: merchant.client_key,
				order_id: randomUUID(),
				amount: 49_900,
				currency: "INR",
			})),
		);
		for (const result of results) {
			if (!result.ok) throw result.error;
			await reaches(result.transaction_id, "pending");
		}
		const hang = { kind: "timeout", delay_ms: 30_000, times: 1000 };
		await scene.sandbox.addFault({ service: "razorpay", path: "/v1/orders/", method: "GET", ...hang });
		await rows("update payment_attempts set next_lookup_at = now() where client_id = $1", [merchant.id]);
		await rows("select enqueue_pending_lookups()");
		const asked = () =>
			rows<{ running: number }>(
				`select count(locked_at)::int as running from graphile_worker.jobs where task_identifier = 'confirm_attempt'`,
			);
		await expect.poll(async () => (await asked())[0]!.running).toBeGreaterThanOrEqual(10);
		await reaches(await initiate(merchant), "pending");
	});

	it("is not touched by a webhook about somebody else's order, which is kept, tried again and then told of", async () => {
		const merchant = await merchantWith();
		const stranger = await merchantWith();
		const worker = await work();
		const transaction_id = await initiate(stranger);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "success");
		const request = await nextWebhook("payment.captured", attempt!.psp_order_id!);
		const event_id = (
			await acceptGatewayEvent(scene.database.pool("checkout"), {
				gateway_id: merchant.gateways[0]!.id,
				dedupe_key: randomUUID(),
				event_type: "payment.captured",
				headers: {},
				raw_body: Buffer.from(request.body),
				body_proven: true,
			})
		).event_id;
		await worker.line((line) => line.msg === "job waits for another try" && line.task === "process_gateway_event");
		expect(await statusOf(transaction_id)).toBe("pending");
		expect(await rows("select error, processed_at from gateway_events where id = $1", [event_id])).toEqual([
			{ error: `No payment here belongs to the order ${attempt!.psp_order_id}.`, processed_at: null },
		]);

		// Its last try, now; once the worker has written down that this one failed, and when the next is.
		const lastTry = () =>
			expect
				.poll(() =>
					rows(
						`update graphile_worker._private_jobs set attempts = max_attempts - 1, run_at = now()
							where payload ->> 'event_id' = $1 and locked_at is null returning attempts`,
						[event_id],
					),
				)
				.toHaveLength(1);
		// What cannot be told is not closed either: a dead job is left, which can be run again.
		await rows("revoke execute on function public.raise_alert from jobs");
		try {
			await lastTry();
			await worker.line((line) => line.msg === "job failed for good" && line.task === "process_gateway_event");
			expect(await rows("select processed_at from gateway_events where id = $1", [event_id])).toEqual([
				{ processed_at: null },
			]);
		} finally {
			await rows("grant execute on function public.raise_alert to jobs");
		}
		await lastTry();
		await worker.line((line) => line.msg === "webhook of an order that is not ours");
		expect(
			await rows("select error, processed_at is not null as done from gateway_events where id = $1", [event_id]),
		).toEqual([{ error: `No payment here belongs to the order ${attempt!.psp_order_id}.`, done: true }]);
		await expect
			.poll(() =>
				rows("select severity, details from alerts where dedupe_key = $1", [
					`webhook_unmatched:${merchant.gateways[0]!.id}`,
				]),
			)
			.toMatchObject([
				{ severity: "info", details: { gateway_event_id: event_id, psp_order_id: attempt!.psp_order_id } },
			]);
		expect(await statusOf(transaction_id)).toBe("pending");
	});

	it("is looked up at the PSP when the proof of a webhook does not cover its body", async () => {
		const merchant = await merchantWith();
		const worker = await work();
		const transaction_id = await initiate(merchant);
		await reaches(transaction_id, "pending");
		const [attempt] = await attemptsOf(transaction_id);
		await scene.sandbox.pay(attempt!.psp_order_id!, "failure");
		const request = await nextWebhook("payment.failed", attempt!.psp_order_id!);
		const claim = request.body.replaceAll('"failed"', '"captured"').replaceAll("payment.failed", "payment.captured");
		await acceptGatewayEvent(scene.database.pool("checkout"), {
			gateway_id: merchant.gateways[0]!.id,
			dedupe_key: randomUUID(),
			event_type: "payment.captured",
			headers: {},
			raw_body: Buffer.from(claim),
			body_proven: false,
		});
		await worker.line(({ msg }) => msg === "payment settled");
		expect(await statusOf(transaction_id)).toBe("failed");
	});

	it("survives a worker killed while it calls the PSP: another finds the order, and there is only one", async () => {
		const merchant = await merchantWith();
		await scene.sandbox.addFault({
			service: "razorpay",
			path: "/v1/orders",
			method: "POST",
			kind: "drop_after_success",
			delay_ms: 60_000,
		});
		const killed = await start(QUICK_HEART);
		const transaction_id = await initiate(merchant);
		const [attempt] = await attemptsOf(transaction_id);
		await expect.poll(() => ordersMade(attempt!.id), { interval: 20 }).toBe(1);
		killed.kill("SIGKILL");
		await killed.exited;
		expect(await statusOf(transaction_id)).toBe("created");
		await start(QUICK_HEART);
		await reaches(transaction_id, "pending");
		expect(await ordersMade(attempt!.id)).toBe(1);
		expect(await scene.sandbox.requests("GET", "/v1/orders")).not.toEqual([]);
	});

	it("survives a worker killed before it calls the PSP: another makes the order", async () => {
		const merchant = await merchantWith();
		const transaction_id = await initiate(merchant);
		const [attempt] = await attemptsOf(transaction_id);
		// What a worker leaves behind that was killed between its mark and its call.
		await rows("select begin_psp_orders(array[$1::uuid], true)", [attempt!.id]);
		await rows("update graphile_worker._private_jobs set locked_by = 'pool-dead', locked_at = now(), attempts = 1");
		await rows("insert into worker_heartbeats (worker_id, beat_at) values ('pool-dead', now() - interval '1 minute')");
		await start(QUICK_HEART);
		await reaches(transaction_id, "pending");
		expect(await ordersMade(attempt!.id)).toBe(1);
	});
});
