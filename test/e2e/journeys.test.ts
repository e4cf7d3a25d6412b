/**
 * The second half of the conformance table: whole payments through the running system, the same journeys at every provider.
 * For direct UPI, where no provider stands between, the bank's statement and the payer's UTR tell what webhooks tell elsewhere.
 */
import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { reverseHash } from "../../psp/payu/hash.ts";
import { type Provider, providers } from "../../psp/providers.ts";
import { type Stack, startStack } from "../stack.ts";
import { AMOUNT, COMMISSION, openStage, type Payment, type PaymentNow, type Stage, until } from "./journey-stage.ts";

// They wait far more than they work.
vi.setConfig({ maxConcurrency: 30 });

let stack: Stack;
let stage: Stage;

beforeAll(async () => {
	stack = await startStack();
	stage = await openStage(stack);
});

afterAll(async () => {
	const violations = (await stage?.query("select * from public.check_invariants()")) ?? [];
	await stage?.close();
	await stack?.stop();
	expect(violations).toEqual([]);
});

interface Journey {
	name: string;
	/** Providers that have no counterpart of it on the wire, and why; printed in the report. */
	not_applicable: Partial<Record<Provider, string>>;
	run(provider: Provider): Promise<void>;
}

const journeys: Journey[] = [];

function journey(
	name: string,
	run: (provider: Provider) => Promise<void>,
	{
		upi = run,
		...not_applicable
	}: Partial<Record<Exclude<Provider, "upi">, string>> & { upi?: string | typeof run } = {},
): void {
	journeys.push({
		name: `journey: ${name}`,
		not_applicable: { ...not_applicable, ...(typeof upi === "string" && { upi }) },
		run: (provider) => (provider === "upi" && typeof upi === "function" ? upi(provider) : run(provider)),
	});
}

const NO_CALL = "the payer's browser brings the order to PayU; nothing is called before";
const NOTHING_IS_SENT = "nothing is sent to anybody: an order is a link made up here";
const NO_REFUNDS = "money goes back by bank transfer, from the merchant's own account";
const RUPEES_ONLY = "rupees only, and no currency on the wire";
const NO_TOKEN = "calls carry the credentials themselves";
const CLOSED_BY_THEN = "an order that nobody is paying is closed when its time is over";
const BODY_IS_PROVEN = "a webhook's signature covers its body";

journey(
	"paid by webhook alone (UPI: the bank's statement), though the payer never comes back",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.stopLookups(payment);
		await stage.pay(payment, "success");
		await stage.isPaidOnce(payment);
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			await stage.pay(payment, "success");
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, exceptions: 0 });
			await stage.isPaidOnce(payment);
		},
	},
);

journey(
	"paid by the payer's return alone (UPI: the UTR, approved), though no webhook comes",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.stopLookups(payment);
		const psp_payment = await stage.pay(payment, "success", { webhook: { skip: true } });
		await stage.comeBack(payment, psp_payment);
		await stage.isPaidOnce(payment);
		expect(await stage.webhooksTo(payment.shop)).toEqual([]);
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			const { utr } = await stage.pay(payment, "success");
			await stage.nameUtr(payment, utr);
			await stage.isNotPaid(payment);
			await stage.approveUtr(payment);
			await stage.isPaidOnce(payment);
		},
	},
);

journey(
	"declined, then paid on the same order",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.pay(payment, "failure");
		const declined = await stage.reaches(payment, "failed");
		expect(declined).toMatchObject({ attempts: [{ status: "failed" }], entries: [] });
		await stage.settleDown(payment.shop);
		await stage.pay(payment, "success");
		const paid = await stage.isPaidOnce(payment, { told_before: ["payment.failed"] });
		expect(paid.attempts.map(({ psp_order_id }) => psp_order_id)).toEqual([declined.attempts[0]!.psp_order_id]);
	},
	{
		// The payer's app tells the payer of a decline, and nobody else.
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			await stage.pay(payment, "failure");
			await stage.pay(payment, "success");
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, exceptions: 0 });
			await stage.isPaidOnce(payment);
		},
	},
);

journey(
	"429 at create cools the gateway down, and the payment goes on at the merchant's next one",
	async (provider) => {
		const shop = await stage.openShop([provider, provider]);
		const [first, second] = shop.gateways;
		const payment = await stage.inTurn(provider, async () => {
			const path = first.kit.paths.create_order;
			await stage.control("POST", "faults", { service: provider, path, method: "POST", kind: "status", status: 429 });
			const started = await stage.initiate(shop);
			await stage.arrive(started, 2);
			return started;
		});
		const { attempts } = await stage.read(payment);
		expect(attempts).toMatchObject([
			{ gateway_id: first.id, status: "failed", error_code: "rate_limited", psp_order_id: null },
			{ gateway_id: second!.id, status: "pending" },
		]);
		const states = await stage.query(
			"select gateway_id, coalesce(cooldown_until > now(), false) as cools from public.gateway_states where gateway_id = any ($1)",
			[[first.id, second!.id]],
		);
		expect(states).toHaveLength(2);
		expect(states).toEqual(
			expect.arrayContaining([
				{ gateway_id: first.id, cools: true },
				{ gateway_id: second!.id, cools: false },
			]),
		);
		await stage.pay(payment, "success", { attempt_no: 2 });
		expect((await stage.isPaidOnce(payment)).alerts).toEqual(["gateway_cooled_down"]);
	},
	{ payu: NO_CALL, upi: NOTHING_IS_SENT },
);

journey(
	"no answer in time although the order was made: unknown, looked up, and no second order",
	async (provider) => {
		const shop = await stage.openShop([provider, provider]);
		const [{ kit }] = shop.gateways;
		const path = kit.paths.create_order;
		const payment = await stage.inTurn(provider, async () => {
			await stage.control("POST", "faults", {
				service: provider,
				path,
				method: "POST",
				kind: "drop_after_success",
				// Longer than a worker waits.
				delay_ms: 12_000,
			});
			const started = await stage.initiate(shop);
			const { attempts } = await stage.becomes(started, "no clear answer", ({ attempts: [attempt] }) => {
				return attempt!.status === "unknown";
			});
			expect(attempts).toMatchObject([{ error_code: "timed_out", psp_order_id: null }]);
			await stage.lookUp(started);
			await stage.arrive(started, 1);
			return started;
		});
		await stage.pay(payment, "success");
		const { attempts } = await stage.isPaidOnce(payment);
		expect(attempts).toHaveLength(1);
		expect(await ordersAskedFor(provider, path, attempts[0]!.id)).toBe(kit.lookup_repeats_create ? 2 : 1);
	},
	{ payu: NO_CALL, upi: NOTHING_IS_SENT },
);

journey(
	"a webhook that overtakes the reply to the create call pays once, and the payment can be refunded",
	async (provider) => {
		const shop = await stage.openShop([provider]);
		const path = shop.gateways[0].kit.paths.create_order;
		const payment = await stage.inTurn(provider, async () => {
			await stage.control("POST", "faults", {
				service: provider,
				path,
				method: "POST",
				kind: "drop_after_success",
				delay_ms: 3_000,
			});
			const started = await stage.initiate(shop);
			const [attempt] = (await stage.read(started)).attempts;
			const order = { provider, order: attempt!.id, outcome: "success" };
			await until(
				"an order at the provider that we have heard nothing of",
				() => stage.callSandbox("POST", "pay", order),
				({ status }) => status === 200,
			);
			expect((await stage.read(started)).attempts).toMatchObject([{ presentation: null }]);
			await until(
				"a webhook that came first",
				() => stage.webhooksTo(shop),
				(sent) => sent.some(({ last_status }) => last_status === 200),
			);
			expect((await stage.read(started)).attempts).toMatchObject([{ presentation: null }]);
			await stage.reaches(started, "paid");
			return started;
		});
		expect((await stage.isPaidOnce(payment)).attempts).toHaveLength(1);
		await refund(payment, {}, AMOUNT);
	},
	{ payu: NO_CALL, upi: NOTHING_IS_SENT },
);

journey(
	"webhooks doubled and last to first (UPI: the statement twice) are one commission and one event",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.pay(payment, "success", { webhook: { duplicate: 3, reorder: true } });
		await stage.isPaidOnce(payment);
		const sent = await stage.webhooksTo(payment.shop);
		expect(sent.length).toBeGreaterThanOrEqual(4);
		expect(sent.map(({ last_status }) => last_status)).toEqual(sent.map(() => 200));
		const kept = await stage.query("select error from public.gateway_events where client_id = $1", [payment.shop.id]);
		expect(kept).toEqual(sent.slice(0, sent.length / 4).map(() => ({ error: null })));
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			const { utr } = await stage.pay(payment, "success");
			await stage.nameUtr(payment, utr);
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, repeated: 0 });
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 0, repeated: 1, exceptions: 0 });
			await stage.nameUtr(payment, utr);
			await stage.isPaidOnce(payment);
		},
	},
);

journey(
	"a forged webhook (UPI: a made-up UTR) is refused, and nothing is paid",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.stopLookups(payment);
		await stage.pay(payment, "success", { webhook: { forge: true } });
		const refused = await until(
			"forged webhooks answered",
			() => stage.webhooksTo(payment.shop),
			(sent) => sent.length > 0 && sent.every(({ last_status }) => last_status !== null),
		);
		expect(refused.map(({ last_status }) => last_status)).toEqual(refused.map(() => 401));
		const { attempts, events, entries, status } = await stage.read(payment);
		expect({ attempts, events, entries, status }).toMatchObject({
			attempts: [{ status: "pending", psp_payment_id: null }],
			events: [],
			entries: [],
			status: "pending",
		});
		expect(await stage.query("select from public.gateway_events where client_id = $1", [payment.shop.id])).toEqual([]);
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			await stage.nameUtr(payment, "532512345678");
			const other = await stage.startPayment(payment.shop);
			await stage.pay(other, "success");
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, exceptions: 0 });
			await stage.isPaidOnce(other);
			await stage.isNotPaid(payment);
		},
	},
);

journey(
	"what a webhook says without proof of it is believed only after the provider was asked",
	async (provider) => {
		const forge = provider === "payu" ? claimOfPayu : claimOfPhonePe;
		const settings = provider === "phonepe" ? { webhook_mode: "basic", webhook_username: "kaveri" } : {};
		const payment = await stage.startPayment(await stage.openShop([provider], settings));
		await stage.stopLookups(payment);
		const { body, headers } = await forge(payment);
		const url = stage.webhookUrl(payment.shop, payment.shop.gateways[0]);
		expect(await stage.call(url, { method: "POST", headers, body })).toMatchObject({ status: 200 });
		await stage.settleDown(payment.shop);
		expect(
			await stage.query(
				"select verified, processed_at is not null as is_processed from public.gateway_events where client_id = $1",
				[payment.shop.id],
			),
		).toEqual([{ verified: false, is_processed: true }]);
		await stage.isNotPaid(payment);
		await stage.pay(payment, "success");
		await stage.isPaidOnce(payment);
	},
	{
		razorpay: BODY_IS_PROVEN,
		cashfree: BODY_IS_PROVEN,
		stripe: BODY_IS_PROVEN,
		upi: "there is nobody who would send webhooks",
	},
);

journey(
	"a webhook (UPI: a statement) that comes after the payment expired pays it, marked late",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.expire(payment);
		await stage.settleDown(payment.shop);
		await stage.stopLookups(payment);
		await stage.pay(payment, "success");
		await stage.isPaidOnce(payment, { told_before: ["payment.expired"], is_late: true });
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			await stage.expire(payment);
			const { utr } = await stage.pay(payment, "success");
			await stage.nameUtr(payment, utr);
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, exceptions: 0 });
			await stage.isPaidOnce(payment, { told_before: ["payment.expired"], is_late: true });
		},
		cashfree: CLOSED_BY_THEN,
		stripe: CLOSED_BY_THEN,
	},
);

journey(
	"under way when its time is over, it is paid once it succeeds, marked late",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.pay(payment, "pending");
		await stage.expire(payment);
		await stage.pay(payment, "success");
		await stage.isPaidOnce(payment, { told_before: ["payment.expired"], is_late: true });
	},
	{ upi: "a payer's app tells nobody of a payment under way" },
);

journey(
	"another amount than was ordered is never paid, and operators are told",
	(provider) => isNeverPaid(provider, { amount: AMOUNT - 1 }),
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			const { utr } = await stage.pay(payment, "success", { amount: AMOUNT - 100 });
			await stage.nameUtr(payment, utr);
			expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 0, exceptions: 1 });
			expect(
				await stage.query("select exception from public.bank_statement_lines where client_id = $1", [payment.shop.id]),
			).toEqual([{ exception: "amount_differs" }]);
			expect((await stage.isNotPaid(payment)).alerts).toEqual(["utr_submitted"]);
		},
	},
);

journey(
	"another currency than was ordered is never paid, and operators are told",
	(provider) => isNeverPaid(provider, { currency: "USD" }),
	{ payu: "PayU India takes rupees and states no currency", phonepe: RUPEES_ONLY, upi: RUPEES_ONLY },
);

journey(
	"a token that ends in the middle of a payment is renewed, and the payment goes on",
	async (provider) => {
		const payment = await stage.startPayment(await stage.openShop([provider]));
		await stage.stopLookups(payment);
		const { kit, account } = payment.shop.gateways[0];
		const tokens = async () => {
			const path = `log?service=${provider}&path=${kit.paths.token}`;
			const asked: { body: { client_id?: string } }[] = await stage.control("GET", path);
			return asked.filter(({ body }) => body.client_id === account.api_key).length;
		};
		expect(await tokens()).toBe(1);
		const [attempt] = (await stage.read(payment)).attempts;
		await stage.control("POST", "faults", {
			service: provider,
			path: `/apis/pg/checkout/v2/order/${attempt!.id}/status`,
			kind: "status",
			status: 401,
		});
		await stage.comeBack(payment, await stage.pay(payment, "success", { webhook: { skip: true } }));
		await stage.isPaidOnce(payment);
		expect(await tokens()).toBe(2);
	},
	{ razorpay: NO_TOKEN, cashfree: NO_TOKEN, payu: NO_TOKEN, stripe: NO_TOKEN, upi: NOTHING_IS_SENT },
);

journey(
	"refunded in full, and the commission is taken back",
	async (provider) => {
		const payment = await paidPayment(provider);
		await refund(payment, { reason: "Out of stock" }, AMOUNT);
		const now = await stage.read(payment);
		expect(now).toMatchObject({ status: "refunded", amount_refunded: AMOUNT, alerts: [] });
		expect(now.entries).toEqual([
			...COMMISSION,
			{ type: "COMMISSION_REVERSAL", amount: -1_747 },
			{ type: "COMMISSION_GST_REVERSAL", amount: -314 },
		]);
		expect(await stage.toldOf(payment)).toEqual(["payment.paid", "refund.succeeded"]);
	},
	{ upi: NO_REFUNDS },
);

journey(
	"refunded in parts, and the commission is taken back part by part, to the paisa",
	async (provider) => {
		const payment = await paidPayment(provider);
		await refund(payment, { amount: 10_000 }, 10_000);
		expect(await stage.read(payment)).toMatchObject({ status: "partially_refunded", amount_refunded: 10_000 });
		await refund(payment, {}, AMOUNT - 10_000);
		const now = await stage.read(payment);
		expect(now).toMatchObject({ status: "refunded", amount_refunded: AMOUNT, alerts: [] });
		expect(now.entries).toEqual([
			...COMMISSION,
			{ type: "COMMISSION_REVERSAL", amount: -350 },
			{ type: "COMMISSION_GST_REVERSAL", amount: -63 },
			{ type: "COMMISSION_REVERSAL", amount: -1_397 },
			{ type: "COMMISSION_GST_REVERSAL", amount: -251 },
		]);
		expect(await stage.toldOf(payment)).toEqual(["payment.paid", "refund.succeeded", "refund.succeeded"]);
	},
	{ upi: NO_REFUNDS },
);

journey(
	"a refund under way is done once the provider says so, and not when somebody else does",
	async (provider) => {
		const payment = await paidPayment(provider);
		const { shop } = payment;
		const [gateway] = shop.gateways;
		await stage.registerAccount(shop, gateway, "later");

		const first = await refundUnderWay(payment, { amount: 10_000 });
		if (provider === "payu") {
			const { body, headers } = await refundClaimOfPayu(payment, first);
			const url = stage.webhookUrl(shop, gateway);
			expect(await stage.call(url, { method: "POST", headers, body })).toMatchObject({ status: 200 });
			await stage.settleDown(shop);
			expect(await stage.read(payment)).toMatchObject({ status: "paid", refunds: [{ status: "pending" }] });
		}
		await stage.control("POST", "refund", { provider, refund: first.psp_refund_id, outcome: "success" });
		await stage.reaches(payment, "partially_refunded");

		const second = await refundUnderWay(payment, {});
		const webhook = { forge: true };
		await stage.control("POST", "refund", { provider, refund: second.psp_refund_id, outcome: "success", webhook });
		await until(
			"the forged webhook answered",
			() => stage.webhooksTo(shop),
			(sent) => sent.some(({ last_status }) => last_status === 401),
		);
		expect(await stage.read(payment)).toMatchObject({ status: "partially_refunded", amount_refunded: 10_000 });
		await stage.lookUp(payment);
		await stage.reaches(payment, "refunded");
		await until(
			"the merchant told",
			() => stage.toldOf(payment),
			(told) => told.join() === "payment.paid,refund.succeeded,refund.succeeded",
		);
	},
	{ upi: NO_REFUNDS },
);

journey(
	"paid twice: the second payment goes back by itself (UPI: operators are told to give it back)",
	async (provider) => {
		const { payment, attempt_no } = await payOneOfTwo(provider);
		const { refunds, entries, amount_refunded } = await stage.inTurn(provider, async () => {
			await stage.pay(payment, "success", { attempt_no });
			return stage.becomes(payment, "the second payment given back", (now) => now.refunds.some(isDecided));
		});
		expect(refunds).toMatchObject([{ kind: "duplicate_payment", status: "succeeded", amount: AMOUNT }]);
		expect({ entries, amount_refunded }).toEqual({ entries: COMMISSION, amount_refunded: 0 });
		const { alerts } = await stage.becomes(
			payment,
			"an alert that closes",
			(now) => !now.alerts.includes("second_success"),
		);
		expect(alerts).toEqual([]);
		await until(
			"the merchant told",
			() => stage.toldOf(payment),
			(told) => told.filter((type) => type === "refund.succeeded").length === 1,
		);
		expect((await stage.toldOf(payment)).filter((type) => type === "payment.paid")).toEqual(["payment.paid"]);
	},
	{
		async upi() {
			const payment = await stage.startPayment(await stage.openShop(["upi"]));
			for (const _ of [1, 2]) {
				await stage.pay(payment, "success");
				expect(await stage.importStatement(payment.shop)).toMatchObject({ matched: 1, exceptions: 0 });
			}
			const { status, entries, alerts } = await stage.becomes(payment, "the second payment noticed", ({ refunds }) =>
				refunds.some(({ kind, status }) => kind === "duplicate_payment" && status === "failed"),
			);
			expect({ status, entries }).toEqual({ status: "paid", entries: COMMISSION });
			expect(alerts).toContain("second_success");
		},
	},
);

/** How often an order was asked for at the provider that names this attempt. */
async function ordersAskedFor(provider: Provider, path: string, attempt_id: string): Promise<number> {
	const calls: { body: unknown }[] = await stage.control("GET", `log?service=${provider}&path=${path}&method=POST`);
	return calls.filter(({ body }) => JSON.stringify(body)?.includes(attempt_id)).length;
}

async function isNeverPaid(provider: Provider, paid: { amount?: number; currency?: string }): Promise<void> {
	const payment = await stage.startPayment(await stage.openShop([provider]));
	const psp_payment = await stage.pay(payment, "success", paid);
	await stage.becomes(payment, "an alert", ({ alerts }) => alerts.length > 0);
	await stage.comeBack(payment, psp_payment);
	const { alerts, attempts } = await stage.isNotPaid(payment);
	expect(alerts).toEqual(["amount_mismatch"]);
	expect(attempts).toMatchObject([{ error_code: "amount_mismatch" }]);
}

async function paidPayment(provider: Provider): Promise<Payment> {
	const payment = await stage.startPayment(await stage.openShop([provider]));
	await stage.pay(payment, "success");
	await stage.isPaidOnce(payment);
	return payment;
}

/** As the merchant's server asks for it; answers its id. */
async function askForRefund({ shop, id }: Payment, content: object): Promise<{ refund_id: string; amount: number }> {
	const asked = { transaction_id: id, idempotency_key: randomUUID(), ...content };
	const { status, body } = await stage.merchantCall(shop, "POST", "/refund", asked);
	expect([status, body.status], JSON.stringify(body)).toEqual([200, "pending"]);
	return body;
}

/** One that the provider has taken note of, and nothing but its word is to move. */
async function refundUnderWay(payment: Payment, content: object): Promise<PaymentNow["refunds"][number]> {
	return stage.inTurn(payment.shop.gateways[0].provider, async () => {
		const { refund_id } = await askForRefund(payment, content);
		const find = ({ refunds }: PaymentNow) => refunds.find(({ id }) => id === refund_id)!;
		const now = await stage.becomes(payment, "a refund at the provider", (now) => find(now).psp_refund_id !== null);
		await stage.settleDown(payment.shop);
		await stage.stopLookups(payment);
		expect(find(now)).toMatchObject({ status: "pending" });
		return find(now);
	});
}

/** As the merchant's server asks for it, and is told of it. */
async function refund(payment: Payment, content: object, amount: number): Promise<void> {
	const { shop } = payment;
	// At some providers refunds are posted below the path where orders are made.
	await stage.inTurn(shop.gateways[0].provider, async () => {
		const body = await askForRefund(payment, content);
		await stage.becomes(payment, "refunded", ({ refunds }) =>
			refunds.some((made) => made.id === body.refund_id && isDecided(made)),
		);
		await stage.settleDown(shop);
		const { body: view } = await stage.merchantCall(shop, "GET", `/refund/${body.refund_id}`);
		expect(view).toMatchObject({ status: "succeeded", amount, kind: "requested" });
	});
}

/**
 * A payment that was paid, and the attempt with which it can be paid once more: where the provider takes a second payment for
 * one order, the same. Else the payer was declined, went on to another gateway, and pays in both windows. The orders of a
 * provider that closes those which are left cannot be the first of two, so theirs is the second.
 */
async function payOneOfTwo(provider: Provider): Promise<{ payment: Payment; attempt_no: number }> {
	if (provider === "razorpay" || provider === "cashfree")
		return { payment: await paidPayment(provider), attempt_no: 1 };
	const first = provider === "stripe" ? "razorpay" : provider;
	const payment = await stage.startPayment(await stage.openShop([first, provider]));
	await stage.pay(payment, "failure");
	await stage.reaches(payment, "failed");
	await stage.inTurn(provider, async () => {
		await stage.open(payment, "/retry", { method: "POST" });
		await stage.arrive(payment, 2);
	});
	await stage.pay(payment, "success", { attempt_no: 1 });
	await stage.isPaidOnce(payment, { told_before: ["payment.failed"] });
	return { payment, attempt_no: 2 };
}

function isDecided({ status }: PaymentNow["refunds"][number]): boolean {
	return status === "succeeded" || status === "failed";
}

interface Claim {
	body: BodyInit;
	headers: Record<string, string>;
}

/** What somebody sends who has the password of PhonePe's basic webhooks, of an order that nobody has paid. */
async function claimOfPhonePe(payment: Payment): Promise<Claim> {
	const [attempt] = (await stage.read(payment)).attempts;
	const { account } = payment.shop.gateways[0];
	const now = Date.now();
	const body = JSON.stringify({
		event: "checkout.order.completed",
		type: "CHECKOUT_ORDER_COMPLETED",
		payload: {
			merchantId: "KAVERI",
			merchantOrderId: attempt!.id,
			orderId: attempt!.psp_order_id,
			state: "COMPLETED",
			amount: AMOUNT,
			expireAt: now + 900_000,
			paymentDetails: [
				{ transactionId: "OM2511210915301", paymentMode: "UPI_QR", timestamp: now, amount: AMOUNT, state: "COMPLETED" },
			],
		},
	});
	const authorization = createHash("sha256").update(`kaveri:${account.webhook_secret}`).digest("hex");
	return { body, headers: { "content-type": "application/json", authorization } };
}

/** What any payer has in hand after a payment that PayU only holds: the hash does not cover what makes it one that was taken. */
async function claimOfPayu(payment: Payment): Promise<Claim> {
	const [attempt] = (await stage.read(payment)).attempts;
	if (attempt?.presentation?.kind !== "form") throw new Error("PayU's page is opened by a form.");
	const { hash: _, ...form } = attempt.presentation.fields;
	const fields = {
		...form,
		mihpayid: "403993715531077182",
		mode: "UPI",
		status: "success",
		unmappedstatus: "captured",
		bank_ref_num: "532511223344",
	};
	const body = new URLSearchParams({ ...fields, hash: reverseHash(payment.shop.gateways[0].account, fields) });
	return { body: body.toString(), headers: { "content-type": "application/x-www-form-urlencoded" } };
}

/** PayU's webhooks about refunds carry no proof at all. */
async function refundClaimOfPayu(payment: Payment, { psp_refund_id }: PaymentNow["refunds"][number]): Promise<Claim> {
	const [attempt] = (await stage.read(payment)).attempts;
	const body = JSON.stringify({
		action: "refund",
		key: payment.shop.gateways[0].account.api_key,
		mihpayid: attempt!.psp_payment_id,
		merchantTxnId: attempt!.psp_order_id,
		request_id: psp_refund_id,
		amt: "100.00",
		status: "success",
		bank_arn: "74332745123456789012345",
		bank_ref_num: "532511223345",
		refund_mode: "Back to Source",
		token: null,
		remark: null,
	});
	return { body, headers: { "content-type": "application/json" } };
}

describe.concurrent.each(Object.keys(providers) as Provider[])("%s", (provider) => {
	for (const { name, not_applicable, run } of journeys) {
		it(name, async ({ skip }) => {
			const reason = not_applicable[provider];
			if (reason !== undefined) skip(reason);
			await run(provider);
		});
	}
});
