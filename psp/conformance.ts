/**
 * What every adapter must do, run against the sandbox over real HTTP. A provider brings its factory and a small kit
 * (psp/<provider>/conformance.ts); the scenarios are the same for all, and so are the names in the report.
 */

import { randomBytes, randomUUID } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type {
	BrowserReturn,
	CreateOrderInput,
	CreateOrderResult,
	DisputeState,
	PaymentState,
	PspAccount,
	PspAdapter,
	PspAdapterFactory,
	RefundInput,
	TransferReport,
	WebhookRequest,
} from "./adapter.ts";
import { bentCopies, withBendingProxy } from "./bent-answers.ts";
import {
	closeScenarios,
	disputeScenarios,
	notApplicable,
	SESSION_SCENARIO,
	splitScenarios,
	statementScenarios,
	TRANSFER_SCENARIO,
} from "./not-applicable.ts";
import type { PayManner, SandboxDriver } from "./sandbox-driver.ts";

/** What the suite cannot know of a PSP. */
export interface ConformanceKit {
	/** An account with credentials of the PSP's form; `suffix` makes it one that nobody else uses. */
	createAccount(suffix: string): PspAccount;
	/** Paths below the provider's API whose calls are upset or counted; `token` where calls carry one that was asked for. */
	paths: { create_order: string; refund: string; token?: string };
	/**
	 * Set where only the call that makes an order tells how the payer gets to it, so that a lookup repeats that call; the
	 * PSP makes no second order for the same reference.
	 */
	lookup_repeats_create?: true;
	/** The scenarios that the PSP has no counterpart for on the wire, by name; the reason is printed in the report. */
	not_applicable: Readonly<Record<string, string>>;
	/** Why the adapter reads no disputes; absent where it does. */
	no_disputes?: string;
	/** Set where no PSP, but only the bank's statement tells of payments: where it is below the provider's address, and its reader. */
	statement?: { path(account: PspAccount): string; read(content: Uint8Array): readonly StatementCredit[] };
	/** Another account at the PSP that parts of a payment can go to; absent where the PSP offers no split. */
	split_account?: string;
	/** Why no webhook of the PSP tells what became of such a part; absent where one does. */
	no_split_events?: string;
	/** A method whose payments the PSP gives the bank's reference of, where UPI's are none. */
	traced_method?: "card";
	/** Set where a payment that was taken can be divided a single time, so that a second transfer is refused. */
	divides_once?: true;
	/** The browser's return after a success, as the PSP would sign it. */
	signReturn(account: PspAccount, psp_order_id: string, psp_payment_id: string): BrowserReturn;
	/** The browser's return after a decline. */
	failedReturn(psp_order_id: string): BrowserReturn;
}

interface StatementCredit {
	amount: number;
	utr: string | null;
	narration: string;
}

export interface ConformanceTarget {
	provider: string;
	createAdapter: PspAdapterFactory;
	kit: ConformanceKit;
	/** Asked for once the sandbox listens; the suite closes it. */
	connect(): Promise<SandboxDriver>;
}

const TIMEOUT_MS = 1_000;
/** For webhooks to come in. */
const PATIENCE_MS = 10_000;

export function describeConformance({ provider, createAdapter, kit, connect }: ConformanceTarget): void {
	describe(provider, () => {
		let sandbox: SandboxDriver;
		let account: PspAccount;
		/** Patient, for everything that is to go well. */
		let adapter: PspAdapter;
		/** Gives up early, for everything that is not. */
		let hasty: PspAdapter;

		beforeAll(async () => {
			sandbox = await connect();
			account = kit.createAccount(randomBytes(5).toString("hex"));
			adapter = createAdapter({ api_url: sandbox.api_url });
			hasty = createAdapter({ api_url: sandbox.api_url, timeout_ms: TIMEOUT_MS });
			await sandbox.registerAccount(account);
		});
		afterEach(() => sandbox.clearFaults());
		afterAll(() => sandbox?.close());

		const create_path = kit.paths.create_order;
		const not_applicable = notApplicable(createAdapter(), kit);

		const names = new Set<string>();
		function scenario(name: string, run: () => unknown): void {
			names.add(name);
			if (not_applicable[name] === undefined) test(name, async () => void (await run()));
			else test.skip(name);
		}

		function orderInput(amount = 49900): CreateOrderInput {
			return {
				reference: randomUUID(),
				amount,
				currency: "INR",
				order_id: `KB-${randomBytes(4).toString("hex")}`,
				merchant_name: "Kaveri Books & Söhne",
				description: null,
				customer: { name: "Asha Rao", email: "asha.rao@example.com", phone: "+919000012345" },
				method: null,
				return_url: "http://127.0.0.1:9/pay/1/return?token=t",
				cancel_url: "http://127.0.0.1:9/pay/1/cancel?token=t",
				webhook_url: "http://127.0.0.1:9/webhook/lsp_key/1",
				splits: [],
				expires_at: new Date(Date.now() + 15 * 60_000),
			};
		}

		async function createOrder(input = orderInput()) {
			const result = succeeded(await adapter.createOrder(account, input));
			await arrive(result);
			return { psp_order_id: result.psp_order_id, reference: input.reference, result, input };
		}

		/** Where the way there is a form or a UPI link, nobody may know of the order sooner than a browser or an app opens it. */
		async function arrive(result: ReturnType<typeof succeeded>) {
			const { kind } = result.presentation;
			if (kind === "form" || kind === "upi") await openPresentation(result, sandbox.api_url);
		}

		/** An order that a payer has paid. */
		async function paidOrder(amount?: number, manner: PayManner = {}) {
			const order = await createOrder(orderInput(amount));
			await sandbox.pay(order.psp_order_id, "success", manner);
			const state = await adapter.fetchStatus(account, order);
			expect(state.outcome).toBe("succeeded");
			return { ...order, state, psp_payment_id: state.psp_payment_id as string };
		}

		type PaidOrder = Awaited<ReturnType<typeof paidOrder>>;

		function paymentOf({ psp_payment_id, psp_order_id, reference }: PaidOrder) {
			return { psp_payment_id, psp_order_id, order_reference: reference };
		}

		function refundInput(order: PaidOrder, amount: number): RefundInput {
			return { reference: randomUUID(), ...paymentOf(order), amount, currency: "INR", reason: "Out of stock" };
		}

		/** The webhooks that name the order, by the PSP's id of it or ours. */
		function webhooksOf({ psp_order_id, reference }: { psp_order_id: string; reference: string }, count: number) {
			return sandbox.webhooksAbout([psp_order_id, reference], count);
		}

		function verifiedWebhook(request: WebhookRequest) {
			const verified = adapter.verifyWebhook(account, request);
			if (!verified.valid) throw new Error(verified.reason);
			return verified;
		}

		function paymentsIn(requests: WebhookRequest[]): PaymentState[] {
			return requests.flatMap((request) => {
				const event = adapter.parseWebhook(request);
				return event.kind === "payment" ? [event.payment] : [];
			});
		}

		/** The success that the webhooks about the order tell of, once one has come. */
		async function successOf(order: { psp_order_id: string; reference: string }): Promise<PaymentState> {
			let success: PaymentState | undefined;
			await expect
				.poll(
					async () => {
						success = paymentsIn(await webhooksOf(order, 1)).find(({ outcome }) => outcome === "succeeded");
						return success !== undefined && isOf(order, success);
					},
					{ timeout: PATIENCE_MS },
				)
				.toBe(true);
			return success as PaymentState;
		}

		/**
		 * Repeats a call whose answers come with one value replaced, each value in turn, and says where what came of it was
		 * not as it ought to be.
		 */
		async function expectOfBentAnswers<Result>(
			call: (bent: PspAdapter) => Promise<Result>,
			is_right: (result: Result) => boolean,
		): Promise<void> {
			await withBendingProxy(sandbox.api_url, async (proxy) => {
				const bent = createAdapter({ api_url: proxy.api_url });
				const answers: unknown[] = [];
				proxy.bend = (answer) => void answers.push(answer);
				expect(is_right(await call(bent))).toBe(true);
				expect(answers.length).toBeGreaterThan(0);
				const wrong: string[] = [];
				for (const [index, answer] of answers.entries()) {
					for (const { where, body } of bentCopies(answer)) {
						let answered = 0;
						proxy.bend = () => (answered++ === index ? body : undefined);
						const result = await call(bent);
						if (!is_right(result)) wrong.push(`answer ${index}, ${where}: ${JSON.stringify(result)}`);
					}
				}
				expect(wrong).toEqual([]);
			});
		}

		scenario("create: an order for the amount asked, and a way there for the payer's browser", async () => {
			const { result } = await createOrder();
			expect(result.psp_order_id).not.toBe("");
			const page = await openPresentation(result, sandbox.api_url);
			expect(page.status).toBeLessThan(400);
			expect(new URL(page.url).origin).toBe(new URL(sandbox.api_url).origin);
		});

		scenario("create: two hundred orders at once keep to themselves", async () => {
			const inputs = Array.from({ length: 200 }, (_, n) => orderInput(10_000 + n));
			const results = await Promise.all(inputs.map((input) => adapter.createOrder(account, input)));
			expect(new Set(results.map((result) => succeeded(result).psp_order_id)).size).toBe(200);
			const found = await Promise.all(inputs.slice(0, 20).map((input) => adapter.findOrder(account, input)));
			expect(found.map((result) => succeeded(result).psp_order_id)).toEqual(
				results.slice(0, 20).map((result) => succeeded(result).psp_order_id),
			);
		});

		scenario("create: refused for an amount that the PSP does not take", async () => {
			const result = await adapter.createOrder(account, orderInput(1));
			expect(result).toMatchObject({ outcome: "failed", error: { code: "invalid_request" } });
		});

		scenario("create: refused with a wrong secret", async () => {
			const result = await adapter.createOrder({ ...account, api_secret: "not-the-secret" }, orderInput());
			expect(result).toMatchObject({ outcome: "failed", error: { code: "authentication_failed" } });
		});

		scenario("create: a lost reply is unknown, and the order is found and not made twice", async () => {
			await sandbox.fault({ path: create_path, kind: "drop_after_success", times: 1 });
			const input = orderInput();
			const before = await sandbox.countRequests("POST", create_path);
			expect((await adapter.createOrder(account, input)).outcome).toBe("unknown");
			const found = succeeded(await adapter.findOrder(account, input));
			expect(succeeded(await adapter.findOrder(account, input)).psp_order_id).toBe(found.psp_order_id);
			if (!kit.lookup_repeats_create) {
				expect(await sandbox.countRequests("POST", create_path)).toBe(before + 1);
			}
			await sandbox.pay(found.psp_order_id, "success");
			expect(await adapter.fetchStatus(account, { ...input, psp_order_id: found.psp_order_id })).toMatchObject({
				outcome: "succeeded",
				amount: input.amount,
			});
		});

		scenario("create: 429 is a refusal by rate", async () => {
			await sandbox.fault({ path: create_path, kind: "status", status: 429, retry_after: 17, times: 1 });
			const result = await adapter.createOrder(account, orderInput());
			expect(result).toMatchObject({
				outcome: "failed",
				error: { code: "rate_limited", http_status: 429, retry_after_seconds: 17 },
			});
		});

		for (const status of [500, 502, 503])
			scenario(`create: ${status} is unknown, since the order may exist`, async () => {
				await sandbox.fault({ path: create_path, kind: "status", status, times: 1 });
				const result = await adapter.createOrder(account, orderInput());
				expect(result).toMatchObject({ outcome: "unknown", error: { code: "psp_unavailable", http_status: status } });
			});

		for (const status of [502, 200])
			scenario(`create: an HTML page with status ${status} is unknown`, async () => {
				await sandbox.fault({ path: create_path, kind: "status", status, html: true, times: 1 });
				expect((await adapter.createOrder(account, orderInput())).outcome).toBe("unknown");
			});

		scenario("create: no answer in time is unknown, and no order is found when none was made", async () => {
			await sandbox.fault({ path: create_path, kind: "timeout", times: 1 });
			const input = orderInput();
			expect(await hasty.createOrder(account, input)).toMatchObject({
				outcome: "unknown",
				error: { code: "timed_out" },
			});
			await sandbox.clearFaults();
			expect(await adapter.findOrder(account, input)).toMatchObject({
				outcome: "failed",
				error: { code: "not_found" },
			});
		});

		scenario("create: an answer that comes too late is unknown, and the order is found", async () => {
			await sandbox.fault({
				path: create_path,
				kind: "drop_after_success",
				delay_ms: TIMEOUT_MS * 2,
				times: 1,
			});
			const input = orderInput();
			expect(await hasty.createOrder(account, input)).toMatchObject({
				outcome: "unknown",
				error: { code: "timed_out" },
			});
			expect((await adapter.findOrder(account, input)).outcome).toBe("succeeded");
		});

		scenario("create: an answer that is slow but in time is taken", async () => {
			await sandbox.fault({ path: create_path, kind: "slow", delay_ms: 200, times: 1 });
			expect((await adapter.createOrder(account, orderInput())).outcome).toBe("succeeded");
		});

		scenario("create: a refused connection was never sent", async () => {
			const api_url = await withServer(
				() => undefined,
				async (url) => url,
			);
			const result = await createAdapter({ api_url }).createOrder(account, orderInput());
			expect(result).toMatchObject({ outcome: "failed", error: { code: "psp_unavailable", http_status: null } });
		});

		scenario("create: parts for another account are taken up or refused, never passed over", async () => {
			const part = { account: kit.split_account ?? "account-of-another", amount: 10_000 };
			const result = await adapter.createOrder(account, { ...orderInput(40_000), splits: [part] });
			if (kit.split_account !== undefined) succeeded(result);
			else expect(result).toMatchObject({ outcome: "failed", error: { code: "invalid_request" } });
		});

		scenario("create: an answer bent anywhere is unknown, unless it shows another amount", async () => {
			const input = orderInput();
			await expectOfBentAnswers(
				(bent) => bent.createOrder(account, input),
				(result) => result.outcome !== "failed" || result.error.code === "amount_mismatch",
			);
		});

		scenario("find: none was ever made", async () => {
			const result = await adapter.findOrder(account, orderInput());
			expect(result).toMatchObject({ outcome: "failed", error: { code: "not_found" } });
		});

		for (const status of [429, 500])
			scenario(`find: a lookup answered with ${status} says nothing`, async () => {
				await sandbox.fault({ kind: "status", status, times: 1 });
				expect((await adapter.findOrder(account, orderInput())).outcome).toBe("unknown");
			});

		scenario("status: nobody has paid yet", async () => {
			const state = await adapter.fetchStatus(account, await createOrder());
			expect(state).toMatchObject({ outcome: "pending", psp_payment_id: null, error: null });
		});

		scenario("status: paid, with amount, currency, method and the bank's reference as the PSP says", async () => {
			const { state, psp_order_id } = await paidOrder(123_45, { method: kit.traced_method });
			expect(state).toMatchObject({ psp_order_id, amount: 123_45, currency: "INR", error: null });
			expect(state.method).toEqual(expect.any(String));
			expect(state.bank_reference).toEqual(expect.any(String));
		});

		scenario("status: declined, with a reason", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "failure");
			const state = await adapter.fetchStatus(account, order);
			expect(state).toMatchObject({ outcome: "failed", amount: order.input.amount });
			expect(state.error?.code).toEqual(expect.any(String));
		});

		scenario("status: declined and then paid is paid", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "failure");
			await sandbox.pay(order.psp_order_id, "success");
			const state = await adapter.fetchStatus(account, order);
			expect(state).toMatchObject({ outcome: "succeeded", error: null });
		});

		scenario("status: begun and not finished is pending", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "pending");
			expect(await adapter.fetchStatus(account, order)).toMatchObject({ outcome: "pending", error: null });
		});

		scenario("status: money held and not taken is authorized", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "authorized");
			const state = await adapter.fetchStatus(account, order);
			expect(state).toMatchObject({ outcome: "authorized", amount: order.input.amount, error: null });
		});

		scenario("status: another amount than asked for is told as the PSP says", async () => {
			const order = await createOrder(orderInput(49_900));
			await sandbox.pay(order.psp_order_id, "success", { amount: 100 });
			expect(await adapter.fetchStatus(account, order)).toMatchObject({ amount: 100, currency: "INR" });
		});

		scenario("status: another currency than asked for is told as the PSP says", async () => {
			const order = await createOrder(orderInput(49_900));
			await sandbox.pay(order.psp_order_id, "success", { currency: "USD" });
			expect(await adapter.fetchStatus(account, order)).toMatchObject({ amount: 49_900, currency: "USD" });
		});

		scenario("status: told to the account that was paid and to no other", async () => {
			const order = await paidOrder();
			const other = kit.createAccount(randomBytes(5).toString("hex"));
			await sandbox.registerAccount(other);
			const [foreign, own] = await Promise.all([
				adapter.fetchStatus(other, order),
				adapter.fetchStatus(account, order),
			]);
			expect(own.outcome).toBe("succeeded");
			expect(["unknown", "pending"]).toContain(foreign.outcome);
		});

		for (const status of [429, 500])
			scenario(`status: a lookup answered with ${status} is unknown`, async () => {
				const order = await paidOrder();
				await sandbox.fault({ kind: "status", status, times: 1 });
				expect((await adapter.fetchStatus(account, order)).outcome).toBe("unknown");
			});

		scenario("status: an answer bent anywhere never turns a payment into a failed one", async () => {
			const order = await paidOrder();
			await expectOfBentAnswers(
				(bent) => bent.fetchStatus(account, order),
				({ outcome, amount }) => outcome !== "failed" && (amount === null || Number.isSafeInteger(amount)),
			);
		});

		scenario("return: signed by the PSP for this order", async () => {
			const { psp_order_id, psp_payment_id } = await paidOrder();
			const result = adapter.verifyReturn(account, kit.signReturn(account, psp_order_id, psp_payment_id));
			expect(result).toEqual({ verified: true, psp_payment_id, claims: "succeeded" });
		});

		scenario("return: forged, or of another order, proves nothing", async () => {
			const { psp_order_id, psp_payment_id } = await paidOrder();
			const stranger = { ...account, api_secret: "not-the-secret" };
			const forged = kit.signReturn(stranger, psp_order_id, psp_payment_id);
			expect(adapter.verifyReturn(account, forged).verified).toBe(false);
			const other = kit.signReturn(account, `${psp_order_id}X`, psp_payment_id);
			expect(adapter.verifyReturn(account, { ...other, psp_order_id }).verified).toBe(false);
		});

		scenario("return: a failure is shown, never proven", async () => {
			const { psp_order_id } = await createOrder();
			const result = adapter.verifyReturn(account, kit.failedReturn(psp_order_id));
			expect(result).toEqual({ verified: false, claims: "failed" });
		});

		scenario("return: without a webhook, the payment is known by asking", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "success", { webhook: { skip: true } });
			const state = await adapter.fetchStatus(account, order);
			expect(state).toMatchObject({ outcome: "succeeded", amount: order.input.amount });
			const returned = kit.signReturn(account, order.psp_order_id, state.psp_payment_id as string);
			expect(adapter.verifyReturn(account, returned).claims).not.toBe("failed");
		});

		scenario("webhook: a payment, with amount and currency as the PSP says", async () => {
			const order = await paidOrder(55_500);
			expect(await successOf(order)).toMatchObject({ amount: 55_500, currency: "INR" });
			for (const request of await webhooksOf(order, 1)) verifiedWebhook(request);
		});

		scenario("webhook: another amount than asked for is told as the PSP says", async () => {
			const order = await createOrder(orderInput(49_900));
			await sandbox.pay(order.psp_order_id, "success", { amount: 100 });
			expect(await successOf(order)).toMatchObject({ amount: 100 });
		});

		scenario("webhook: one that overtakes the reply to the create call names our reference", async () => {
			await sandbox.fault({ path: create_path, kind: "drop_after_success", times: 1 });
			const input = orderInput();
			expect((await adapter.createOrder(account, input)).outcome).toBe("unknown");
			await sandbox.pay(input.reference, "success");
			const { psp_order_id } = succeeded(await adapter.findOrder(account, input));
			await expect
				.poll(
					async () => {
						const payments = paymentsIn(await webhooksOf({ ...input, psp_order_id }, 1));
						return payments.map((payment) => withoutHyphens(payment.reference));
					},
					{ timeout: PATIENCE_MS },
				)
				.toContain(withoutHyphens(input.reference));
		});

		scenario("webhook: one that comes late is proven all the same", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "success", { webhook: { delay_ms: 400 } });
			expect((await adapter.fetchStatus(account, order)).outcome).toBe("succeeded");
			expect(await successOf(order)).toMatchObject({ amount: order.input.amount });
			for (const request of await webhooksOf(order, 1)) verifiedWebhook(request);
		});

		scenario("webhook: last to first, they come to the same", async () => {
			const order = await createOrder(orderInput(61_000));
			await sandbox.pay(order.psp_order_id, "success", { webhook: { reorder: true } });
			expect(await successOf(order)).toMatchObject({ amount: 61_000 });
			for (const request of await webhooksOf(order, 1)) verifiedWebhook(request);
			for (const payment of paymentsIn(await webhooksOf(order, 1))) {
				expect(["succeeded", "authorized", "pending"]).toContain(payment.outcome);
			}
		});

		scenario("webhook: a decline that comes after the success it came before undoes nothing", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "failure", { webhook: { delay_ms: 600 } });
			await sandbox.pay(order.psp_order_id, "success");
			await successOf(order);
			const outcomes = async () => paymentsIn(await webhooksOf(order, 1)).map(({ outcome }) => outcome);
			await expect.poll(outcomes, { timeout: PATIENCE_MS }).toContain("failed");
			expect((await adapter.fetchStatus(account, order)).outcome).toBe("succeeded");
		});

		scenario("webhook: a decline", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "failure");
			const [payment] = paymentsIn(await webhooksOf(order, 1));
			expect(payment?.outcome).toBe("failed");
			expect(isOf(order, payment as PaymentState)).toBe(true);
			expect(payment?.error?.code).toEqual(expect.any(String));
		});

		scenario("webhook: a refund, by our reference", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 11_000);
			const { psp_refund_id } = await adapter.refund(account, input);
			const ids = [order.psp_order_id, order.reference, order.psp_payment_id, input.reference];
			await expect
				.poll(
					async () => {
						const requests = await sandbox.webhooksAbout(ids, 1);
						return requests.map((request) => adapter.parseWebhook(request)).filter(({ kind }) => kind === "refund");
					},
					{ timeout: PATIENCE_MS },
				)
				.toContainEqual(
					expect.objectContaining({
						refund: expect.objectContaining({ reference: input.reference, psp_refund_id, amount: 11_000 }),
					}),
				);
		});

		/** An order of 40,000 of which 10,000 are another account's. */
		async function splitOrder(): Promise<{ psp_order_id: string; reference: string }> {
			const input = { ...orderInput(40_000), splits: [{ account: kit.split_account!, amount: 10_000 }] };
			const { psp_order_id } = succeeded(await adapter.createOrder(account, input));
			return { psp_order_id, reference: input.reference };
		}

		/** What webhooks say of its part, once `count` of them came, in their order. */
		async function transfersOf(order: { psp_order_id: string; reference: string }, count: number) {
			const told = async () =>
				(await sandbox.webhooksAbout([order.psp_order_id, order.reference], 1)).flatMap((request) => {
					const event = adapter.parseWebhook(request);
					return event.kind === "transfer" ? [{ request, transfer: event.transfer }] : [];
				});
			await expect.poll(async () => (await told()).length, { timeout: PATIENCE_MS }).toBe(count);
			return told();
		}
		const part = (outcome: TransferReport["outcome"], { reference }: { reference: string }) => ({
			outcome,
			psp_transfer_id: expect.any(String),
			reference,
			account: kit.split_account,
			amount: 10_000,
			amount_reversed: 0,
			currency: "INR",
			occurred_at: expect.any(String),
			error: outcome === "succeeded" ? null : expect.objectContaining({ message: expect.any(String) }),
		});

		scenario(splitScenarios.moved, async () => {
			const order = await splitOrder();
			await sandbox.pay(order.psp_order_id, "success");
			const [told] = await transfersOf(order, 1);
			expect(told!.transfer).toMatchObject(part("succeeded", order));
			verifiedWebhook(told!.request);
		});

		scenario(splitScenarios.failed, async () => {
			const order = await splitOrder();
			await sandbox.decideTransfer(order.psp_order_id, "failure");
			await sandbox.pay(order.psp_order_id, "success");
			await sandbox.decideTransfer(order.psp_order_id, "failure", { webhook: { duplicate: true } });
			await transfersOf(order, 3);
			await sandbox.decideTransfer(order.psp_order_id, "success");
			const told = await transfersOf(order, 4);
			const failed = part("failed", order);
			expect(told.map(({ transfer }) => transfer)).toMatchObject([failed, failed, failed, part("succeeded", order)]);
			expect(new Set(told.map(({ transfer }) => transfer.psp_transfer_id)).size).toBe(1);
			const keys = told.map(({ request }) => verifiedWebhook(request).dedupe_key);
			expect(new Set(keys).size).toBe(3);
		});

		scenario(splitScenarios.forged, async () => {
			const order = await splitOrder();
			await sandbox.decideTransfer(order.psp_order_id, "failure");
			await sandbox.pay(order.psp_order_id, "success", { webhook: { forge: true } });
			const [told] = await transfersOf(order, 1);
			expect(adapter.verifyWebhook(account, told!.request).valid).toBe(false);
		});

		/** What the webhooks of a paid order say of its dispute, once `count` of them came; newest last, as they tell it. */
		async function disputesOf(order: PaidOrder, count: number): Promise<DisputeState[]> {
			const ids = [order.psp_order_id, order.reference, order.psp_payment_id];
			const told = async () =>
				(await sandbox.webhooksAbout(ids, 1)).flatMap((request) => {
					const event = adapter.parseWebhook(request);
					if (event.kind !== "dispute") return [];
					verifiedWebhook(request);
					return [event.dispute];
				});
			await expect.poll(async () => (await told()).length, { timeout: PATIENCE_MS }).toBeGreaterThanOrEqual(count);
			return (await told()).sort((one, other) => (one.occurred_at! < other.occurred_at! ? -1 : 1));
		}

		scenario(disputeScenarios.opened, async () => {
			const order = await paidOrder(45_000);
			await sandbox.dispute(order.psp_order_id, "opened", { amount: 12_345 });
			const [dispute] = await disputesOf(order, 1);
			expect(dispute).toMatchObject({ status: "opened", amount: 12_345, currency: "INR", phase: "chargeback" });
			const named = [dispute!.psp_payment_id, dispute!.psp_order_id, dispute!.reference];
			expect(named.some((name) => name === order.psp_payment_id || name === order.psp_order_id)).toBe(true);
			expect(Date.parse(dispute!.respond_by!)).toBeGreaterThan(Date.now());
			expect(Date.parse(dispute!.opened_at!)).toBeLessThanOrEqual(Date.parse(dispute!.occurred_at!));
		});

		scenario(disputeScenarios.decided, async () => {
			for (const ending of ["won", "lost", "closed"] as const) {
				const order = await paidOrder(30_000);
				await sandbox.dispute(order.psp_order_id, "opened", { webhook: { duplicate: true } });
				await sandbox.dispute(order.psp_order_id, ending);
				const disputes = await disputesOf(order, 3);
				expect(disputes.map(({ status }) => status)).toEqual(["opened", "opened", ending]);
				expect(new Set(disputes.map(({ psp_dispute_id }) => psp_dispute_id)).size).toBe(1);
			}
		});

		scenario(disputeScenarios.newer, async () => {
			const order = await paidOrder(30_000);
			await sandbox.dispute(order.psp_order_id, "opened", { webhook: { delay_ms: 400 } });
			await sandbox.dispute(order.psp_order_id, "under_review", { webhook: { delay_ms: 200 } });
			await sandbox.dispute(order.psp_order_id, "lost");
			const times = (await disputesOf(order, 3)).map(({ status, occurred_at }) => [status, occurred_at]);
			expect(times.map(([status]) => status)).toEqual(["opened", "opened", "lost"]);
			expect(new Set(times.map(([, time]) => time)).size).toBe(3);
		});

		scenario(disputeScenarios.forged, async () => {
			const order = await paidOrder(30_000);
			await sandbox.dispute(order.psp_order_id, "opened", { webhook: { forge: true } });
			const ids = [order.psp_order_id, order.reference, order.psp_payment_id];
			const forged = async () =>
				(await sandbox.webhooksAbout(ids, 1)).filter((request) => adapter.parseWebhook(request).kind === "dispute");
			await expect.poll(async () => (await forged()).length, { timeout: PATIENCE_MS }).toBe(1);
			for (const request of await forged()) expect(adapter.verifyWebhook(account, request).valid).toBe(false);
		});

		scenario("webhook: forged is refused", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "success", { webhook: { forge: true } });
			const [request] = await webhooksOf(order, 1);
			expect(adapter.verifyWebhook(account, request as WebhookRequest).valid).toBe(false);
		});

		scenario("webhook: signed for one account is refused by another", async () => {
			const [request] = await webhooksOf(await paidOrder(), 1);
			const other = { ...account, api_secret: "the-key-of-another", webhook_secret: "the-secret-of-another" };
			expect(adapter.verifyWebhook(other, request as WebhookRequest).valid).toBe(false);
		});

		scenario("webhook: a body that was trimmed or changed is refused", async () => {
			const [request] = (await webhooksOf(await paidOrder(), 1)) as [WebhookRequest];
			const { raw_body, headers } = request;
			expect(verifiedWebhook(request).body_proven).toBe(true);
			const changed = Buffer.from(raw_body);
			changed[raw_body.length - 2] = (changed[raw_body.length - 2] ?? 0) ^ 1;
			for (const body of [raw_body.subarray(0, -1), changed, Buffer.concat([raw_body, Buffer.from("\n")])]) {
				expect(adapter.verifyWebhook(account, { raw_body: body, headers }).valid).toBe(false);
			}
		});

		scenario("webhook: a repeated one has the same dedupe key, another event another", async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "success", { webhook: { duplicate: true } });
			const requests = await webhooksOf(order, 2);
			const [unlike] = (await webhooksOf(await paidOrder(), 1)) as [WebhookRequest];
			const keysByBody = new Map<string, Set<string>>();
			for (const request of requests) {
				const keys = keysByBody.get(request.raw_body.toString("base64")) ?? new Set();
				keysByBody.set(request.raw_body.toString("base64"), keys.add(verifiedWebhook(request).dedupe_key));
			}
			expect(keysByBody.size).toBeLessThan(requests.length);
			const keys = [...keysByBody.values()].flatMap((each) => [...each]);
			expect(keys).toHaveLength(keysByBody.size);
			expect(keys).not.toContain(verifiedWebhook(unlike).dedupe_key);
		});

		scenario("webhook: nothing is accepted without a secret", async () => {
			const [request] = (await webhooksOf(await paidOrder(), 1)) as [WebhookRequest];
			expect(adapter.verifyWebhook({ ...account, api_secret: "", webhook_secret: null }, request).valid).toBe(false);
		});

		scenario("webhook: what cannot be read throws nothing", () => {
			for (const body of ["", "null", "[1]", "{", "a=1&b=2", '{"event":7}']) {
				expect(adapter.parseWebhook({ raw_body: Buffer.from(body), headers: {} }).kind).toBe("ignored");
			}
		});

		scenario("webhook: one bent anywhere throws nothing, and states no amount that is none", async () => {
			const [{ raw_body, headers }] = (await webhooksOf(await paidOrder(), 1)) as [WebhookRequest];
			const text = raw_body.toString("utf8");
			const is_json = text.startsWith("{");
			const bodies = [...bentCopies(is_json ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text)))].map(
				({ body }) => (is_json ? JSON.stringify(body) : new URLSearchParams({ ...(body as object) }).toString()),
			);
			expect(bodies.length).toBeGreaterThan(10);
			for (const payment of paymentsIn(bodies.map((body) => ({ raw_body: Buffer.from(body), headers })))) {
				expect(payment.amount === null || Number.isSafeInteger(payment.amount)).toBe(true);
			}
		});

		scenario("refund: in full", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 30_000);
			const refund = await adapter.refund(account, input);
			expect(["succeeded", "pending"]).toContain(refund.outcome);
			expect(refund).toMatchObject({
				amount: 30_000,
				psp_payment_id: order.psp_payment_id,
				reference: input.reference,
				error: null,
			});
		});

		scenario("refund: in parts, and never beyond the amount", async () => {
			const order = await paidOrder(30_000);
			const part = (amount: number) => adapter.refund(account, refundInput(order, amount));
			expect(["succeeded", "pending"]).toContain((await part(10_000)).outcome);
			expect(["succeeded", "pending"]).toContain((await part(15_000)).outcome);
			const beyond = await part(10_000);
			expect(beyond).toMatchObject({ outcome: "failed", error: { code: "refund_exceeds_amount" } });
			expect((await adapter.fetchStatus(account, order)).outcome).toBe("succeeded");
		});

		scenario("refund: more than was paid is refused, and what was paid is not", async () => {
			const order = await paidOrder(30_000);
			const beyond = await adapter.refund(account, refundInput(order, 30_001));
			expect(beyond).toMatchObject({ outcome: "failed", error: { code: "refund_exceeds_amount" } });
			expect(["succeeded", "pending"]).toContain((await adapter.refund(account, refundInput(order, 30_000))).outcome);
		});

		scenario("refund: repeated with the same key is one refund", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 20_000);
			const first = await adapter.refund(account, input);
			const again = await adapter.refund(account, input);
			expect(again).toMatchObject({ psp_refund_id: first.psp_refund_id, amount: 20_000 });
			const rest = await adapter.refund(account, refundInput(order, 10_000));
			expect(["succeeded", "pending"]).toContain(rest.outcome);
		});

		scenario("refund: a key used for another amount is refused", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 20_000);
			await adapter.refund(account, input);
			const other = await adapter.refund(account, { ...input, amount: 5000 });
			expect(other).toMatchObject({ outcome: "failed", error: { code: "duplicate_request" } });
		});

		scenario("refund: a lost reply is unknown, and asking again with the key gives the one refund", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 30_000);
			await sandbox.fault({ path: kit.paths.refund, kind: "drop_after_success", times: 1 });
			expect((await adapter.refund(account, input)).outcome).toBe("unknown");
			await sandbox.clearFaults();
			const again = await adapter.refund(account, input);
			expect(["succeeded", "pending"]).toContain(again.outcome);
			expect(again.amount).toBe(30_000);
		});

		scenario("refund: no answer in time is unknown, and asking again with the key makes the one refund", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 30_000);
			await sandbox.fault({ path: kit.paths.refund, kind: "timeout", times: 1 });
			expect(await hasty.refund(account, input)).toMatchObject({ outcome: "unknown", error: { code: "timed_out" } });
			await sandbox.clearFaults();
			const again = await adapter.refund(account, input);
			expect(["succeeded", "pending"]).toContain(again.outcome);
			const beyond = await adapter.refund(account, refundInput(order, 1_000));
			expect(beyond).toMatchObject({ outcome: "failed", error: { code: "refund_exceeds_amount" } });
		});

		scenario("refund: 429 names the rate, 500 is unknown, and asking again makes the refund", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 30_000);
			await sandbox.fault({ path: kit.paths.refund, kind: "status", status: 429, retry_after: 17, times: 1 });
			const hurried = await adapter.refund(account, input);
			// An adapter that first looks for an earlier refund does not know whether there is one.
			expect(["failed", "unknown"]).toContain(hurried.outcome);
			expect(hurried.error).toMatchObject({ code: "rate_limited", http_status: 429, retry_after_seconds: 17 });
			await sandbox.fault({ path: kit.paths.refund, kind: "status", status: 500, times: 1 });
			expect(await adapter.refund(account, input)).toMatchObject({
				outcome: "unknown",
				error: { code: "psp_unavailable", http_status: 500 },
			});
			expect(["succeeded", "pending"]).toContain((await adapter.refund(account, input)).outcome);
		});

		scenario("refund: an answer bent anywhere never turns a refund that was made into a failed one", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 30_000);
			await adapter.refund(account, input);
			await expectOfBentAnswers(
				(bent) => bent.refund(account, input),
				// An earlier refund of another amount or order under this key is not the one asked for.
				({ outcome, error }) => outcome !== "failed" || error?.code === "duplicate_request",
			);
		});

		scenario("refund: its status can be asked for", async () => {
			const order = await paidOrder(30_000);
			const input = refundInput(order, 12_000);
			const { psp_refund_id } = await adapter.refund(account, input);
			const { reference } = input;
			const wanted = { ...paymentOf(order), reference, psp_refund_id: psp_refund_id as string };
			const state = await adapter.fetchRefund(account, wanted);
			expect(["succeeded", "pending"]).toContain(state.outcome);
			expect(state).toMatchObject({
				psp_refund_id,
				reference,
				psp_payment_id: order.psp_payment_id,
				amount: 12_000,
			});
			await sandbox.fault({ kind: "status", status: 500, times: 1 });
			expect((await adapter.fetchRefund(account, wanted)).outcome).toBe("unknown");
		});

		scenario(TRANSFER_SCENARIO, async () => {
			if (adapter.transfer === undefined) throw new Error("This adapter transfers nothing.");
			const order = await paidOrder(30_000);
			const input = {
				...paymentOf(order),
				reference: randomUUID(),
				account: kit.split_account ?? "",
				amount: 12_000,
				currency: "INR",
			};
			const transfer = await adapter.transfer(account, input);
			expect(["succeeded", "pending"]).toContain(transfer.outcome);
			// Some PSPs neither name the transfer nor repeat the amount.
			expect([null, 12_000]).toContain(transfer.amount);
			expect(transfer.error).toBeNull();
			const again = await adapter.transfer(account, input);
			expect(again.psp_transfer_id).toBe(transfer.psp_transfer_id);
			const rest = await adapter.transfer(account, { ...input, reference: randomUUID(), amount: 18_000 });
			if (kit.divides_once) expect(rest).toMatchObject({ outcome: "failed", error: { code: "duplicate_request" } });
			else expect(["succeeded", "pending"]).toContain(rest.outcome);
		});

		scenario("settlement: every line of the day, following the pages", async () => {
			const merchant = kit.createAccount(randomBytes(5).toString("hex"));
			await sandbox.registerAccount(merchant);
			const paged = createAdapter({ api_url: sandbox.api_url, page_size: 2 });
			const amounts = [10_000, 20_000, 30_000, 40_000, 50_000];
			const orders = await Promise.all(
				amounts.map(async (amount) => succeeded(await paged.createOrder(merchant, orderInput(amount)))),
			);
			await Promise.all(orders.map(arrive));
			for (const { psp_order_id } of orders) await sandbox.pay(psp_order_id, "success", { webhook: { skip: true } });
			const report = await paged.fetchSettlement(merchant, dayInIndia(new Date()));
			if (report.outcome !== "succeeded") throw new Error(report.error.message);
			const payments = report.lines.filter((line) => line.kind === "payment");
			expect(payments.map((line) => line.amount).sort((a, b) => a - b)).toEqual(amounts);
			const settled = new Set(payments.map((line) => line.psp_order_id ?? line.psp_payment_id));
			const paid = await Promise.all(
				orders.map(({ psp_order_id }) => paged.fetchStatus(merchant, { psp_order_id, reference: "" })),
			);
			for (const { psp_order_id, psp_payment_id } of paid) {
				expect(settled.has(psp_order_id) || settled.has(psp_payment_id)).toBe(true);
			}
			expect(settled.size).toBe(orders.length);
			for (const line of payments) {
				expect(line.credit).toBe(line.amount - line.fee);
				expect(line.debit).toBe(0);
				expect(line.settled_at).toBeInstanceOf(Date);
			}
			const empty = await paged.fetchSettlement(merchant, "2020-01-01");
			expect(empty).toMatchObject({ outcome: "succeeded", lines: [] });
		});

		scenario("settlement: a report that breaks off is not given in part", async () => {
			await paidOrder();
			await sandbox.fault({ kind: "status", status: 500, times: 1 });
			expect((await adapter.fetchSettlement(account, dayInIndia(new Date()))).outcome).toBe("unknown");
		});

		scenario(closeScenarios.unpaid, async () => {
			const order = await createOrder();
			expect((await closing(adapter)(account, order)).outcome).toBe("succeeded");
			await expect(sandbox.pay(order.psp_order_id, "success")).rejects.toThrow();
			expect((await adapter.fetchStatus(account, order)).psp_payment_id).toBeNull();
			expect((await closing(adapter)(account, order)).outcome).toBe("succeeded");
		});

		scenario(closeScenarios.paid, async () => {
			const order = await paidOrder();
			const result = await closing(adapter)(account, order);
			expect(result).toMatchObject({ outcome: "failed", error: { code: "order_already_paid" } });
			expect((await adapter.fetchStatus(account, order)).outcome).toBe("succeeded");
		});

		scenario(closeScenarios.lost, async () => {
			const order = await createOrder();
			await sandbox.fault({ kind: "drop_after_success", times: 1 });
			expect((await closing(adapter)(account, order)).outcome).toBe("unknown");
		});

		/** What the statement has of a UPI link. */
		async function creditsOf(order: Awaited<ReturnType<typeof createOrder>>): Promise<StatementCredit[]> {
			const { presentation } = order.result;
			if (kit.statement === undefined || presentation.kind !== "upi") throw new Error("No bank statement tells of it.");
			const response = await fetch(`${sandbox.api_url}${kit.statement.path(account)}`);
			const credits = kit.statement.read(new Uint8Array(await response.arrayBuffer()));
			return credits.filter(({ narration }) => narration.includes(presentation.reference));
		}

		scenario(statementScenarios.paid, async () => {
			const order = await createOrder(orderInput(123_45));
			await sandbox.pay(order.psp_order_id, "success");
			expect(await creditsOf(order)).toMatchObject([{ amount: 123_45, utr: expect.stringMatching(/^\d{12}$/) }]);
		});

		scenario(statementScenarios.other_amount, async () => {
			const order = await createOrder(orderInput(49_900));
			await sandbox.pay(order.psp_order_id, "success", { amount: 100 });
			expect(await creditsOf(order)).toMatchObject([{ amount: 100 }]);
		});

		scenario(statementScenarios.twice, async () => {
			const order = await createOrder();
			for (let times = 0; times < 2; times++) await sandbox.pay(order.psp_order_id, "success");
			const credits = await creditsOf(order);
			expect(credits).toHaveLength(2);
			expect(new Set(credits.map(({ utr }) => utr)).size).toBe(2);
		});

		scenario(statementScenarios.declined, async () => {
			const order = await createOrder();
			await sandbox.pay(order.psp_order_id, "failure");
			await sandbox.pay(order.psp_order_id, "pending");
			expect(await creditsOf(order)).toEqual([]);
			await sandbox.pay(order.psp_order_id, "success");
			expect(await creditsOf(order)).toHaveLength(1);
		});

		scenario(SESSION_SCENARIO, async () => {
			await createOrder();
			const countCalls = async () => [
				await sandbox.countRequests("POST", create_path),
				await sandbox.countRequests("POST", kit.paths.token as string),
			];
			const [calls, tokens] = (await countCalls()) as [number, number];
			await sandbox.fault({ path: create_path, kind: "status", status: 401, times: 1 });
			await createOrder();
			expect(await countCalls()).toEqual([calls + 2, tokens + 1]);
			await sandbox.fault({ path: create_path, kind: "status", status: 401, times: 5 });
			const refused = await adapter.createOrder(account, orderInput());
			expect(refused).toMatchObject({ outcome: "failed", error: { code: "authentication_failed" } });
			expect(await countCalls()).toEqual([calls + 4, tokens + 2]);
		});

		scenario("secrets: never in what is kept", async () => {
			const order = await paidOrder();
			const kept: unknown[] = [
				order.result,
				order.state,
				await adapter.findOrder(account, order.input),
				await adapter.refund(account, refundInput(order, 1000)),
				...paymentsIn(await webhooksOf(order, 1)),
			];
			const echo: http.RequestListener = async (request, response) => {
				let body = "";
				for await (const chunk of request) body += chunk;
				response.writeHead(400, { "content-type": "application/json" });
				const seen = `${request.url} ${JSON.stringify(request.headers)} ${body} ${account.api_secret}`;
				response.end(JSON.stringify({ error: { code: "BAD_REQUEST_ERROR", description: seen }, message: seen }));
			};
			await withServer(echo, async (api_url) => {
				const echoed = createAdapter({ api_url });
				kept.push(await echoed.createOrder(account, order.input), await echoed.fetchStatus(account, order));
			});
			const text = JSON.stringify(kept);
			const basic = Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64");
			for (const secret of [account.api_secret, account.webhook_secret ?? account.api_secret, basic]) {
				expect(text).not.toContain(secret);
			}
		});

		test("every scenario that does not apply is one of the suite's", () => {
			expect(Object.keys(not_applicable).filter((name) => !names.has(name))).toEqual([]);
		});
	});
}

function closing(adapter: PspAdapter) {
	if (adapter.closeOrder === undefined) throw new Error("This adapter closes no orders.");
	return adapter.closeOrder;
}

function succeeded(result: CreateOrderResult) {
	if (result.outcome !== "succeeded") throw new Error(`${result.outcome}: ${JSON.stringify(result.error)}`);
	return result;
}

async function openPresentation({ presentation }: ReturnType<typeof succeeded>, api_url: string): Promise<Response> {
	switch (presentation.kind) {
		case "redirect":
			return fetch(presentation.url, { redirect: "manual" });
		case "form":
			return fetch(presentation.url, {
				method: "POST",
				body: new URLSearchParams(presentation.fields),
				redirect: "manual",
			});
		case "script":
			return fetch(presentation.script_url);
		case "upi":
			// No browser opens it: the sandbox's UPI app does.
			return fetch(`${api_url}/app?uri=${encodeURIComponent(presentation.uri)}`);
	}
}

/** Runs `use` with the address of a server that is gone afterwards. */
async function withServer<T>(listener: http.RequestListener, use: (api_url: string) => Promise<T>): Promise<T> {
	const server = http.createServer({ keepAliveTimeout: 600_000 }, listener);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	try {
		return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
	} finally {
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	}
}

/** A payment names its order by the PSP's id of it, or by ours where the PSP's messages about payments leave that out. */
function isOf(order: { psp_order_id: string; reference: string }, payment: PaymentState): boolean {
	if (payment.psp_order_id !== null) return payment.psp_order_id === order.psp_order_id;
	return withoutHyphens(payment.reference) === withoutHyphens(order.reference);
}

/** Some PSPs take no hyphens in what they keep for us. */
function withoutHyphens(reference: string | null): string {
	return (reference ?? "").replaceAll("-", "");
}

function dayInIndia(time: Date): string {
	return new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(time);
}
