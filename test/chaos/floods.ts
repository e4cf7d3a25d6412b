/** The same thing many times at one moment: a merchant's server, a provider and an impatient clerk that all press twice. */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Blow, Disaster } from "./disasters.ts";
import { merchantCall, ORDER_PATIENCE_MS, type Stage } from "./payer.ts";
import { ask, type Answer as HttpAnswer } from "./persistence.ts";
import type { StormMerchant } from "./world.ts";

const AMOUNT = 49_900;
const CAPTURED = readFileSync(
	new URL("../../psp/razorpay/fixtures/payment.captured.upi.json", import.meta.url),
	"utf8",
);

interface Answer {
	status: number;
	body: Record<string, unknown>;
}

/** Sends an order, again as long as nobody can take it just now. */
export async function sendOrder(
	{ world }: Stage,
	merchant: StormMerchant,
	order: { order_id: string; amount: number } & Record<string, unknown>,
): Promise<Answer> {
	const { status, body } = await merchantCall(world, merchant, "POST", "/payment/initiate", order, ORDER_PATIENCE_MS);
	if (status === 200 && !world.others.some(({ id }) => id === body.transaction_id)) {
		const { order_id, amount } = order;
		world.others.push({ id: String(body.transaction_id), order_id, amount, client_id: merchant.id });
	}
	return { status, body };
}

export const fiftyOrders = (at: number): Disaster => ({
	name: "one order_id, fifty times at once",
	at,
	async strike(stage) {
		const merchant = stage.world.merchants[0]!;
		const order = { order_id: `F${stage.seed}-fifty`, amount: AMOUNT };
		const answers = await Promise.all(Array.from({ length: 50 }, () => sendOrder(stage, merchant, order)));
		return sameAnswers(answers, "transaction_id");
	},
	isOver: async () => true,
});

export const hundredWebhooks = (at: number): Disaster => ({
	name: "100 copies of a webhook at once",
	at,
	async strike(stage) {
		const paid = await payQuietly(stage, "webhooks");
		const { world } = stage;
		const gateway = world.gateways.get(paid.gateway_id)!;
		const event = JSON.parse(CAPTURED);
		const { psp_order_id: order_id, psp_payment_id: id } = paid;
		Object.assign(event.payload.payment.entity, { id, order_id, amount: AMOUNT });
		const send = () =>
			postRazorpayWebhook(`${world.checkout_url}/webhook/${paid.merchant.client_key}/${paid.gateway_id}`, {
				body: JSON.stringify(event),
				secret: gateway.account.webhook_secret!,
				event_id: `evt_${id}`,
			});
		const statuses = await Promise.all(
			Array.from({ length: 100 }, () =>
				send().then(
					({ status }) => status,
					() => null,
				),
			),
		);
		const { rows } = await world.admin.query<{ count: number }>(
			"select count(*)::int as count from public.gateway_events where gateway_id = $1 and dedupe_key = $2",
			[paid.gateway_id, `evt_${id}`],
		);
		const now = await stage.watcher.until(paid.id, 30_000, ({ is_paid }) => is_paid);
		return {
			injected: statuses.length,
			survived: statuses.filter((status) => status === 200).length,
			faults: [
				...(rows[0]!.count === 1 ? [] : [`100 copies of a webhook were kept ${rows[0]!.count} times`]),
				...(now?.is_paid ? [] : [`the payment that 100 webhooks speak of is ${now?.status}`]),
			],
		};
	},
	isOver: async () => true,
});

export const fiftyRefunds = (at: number): Disaster => ({
	name: "one refund's key, fifty times at once",
	at,
	async strike(stage) {
		const paid = await payQuietly(stage, "refunds");
		await stage.world.admin.query("select public.request_confirmation($1)", [paid.attempt_id]);
		const now = await stage.watcher.until(paid.id, 40_000, ({ is_paid }) => is_paid);
		if (!now?.is_paid) return { injected: 50, survived: 0, faults: [`the payment to refund is ${now?.status}`] };
		const refund = { transaction_id: paid.id, amount: 1_000, idempotency_key: `F${stage.seed}` };
		const answers = await Promise.all(
			Array.from({ length: 50 }, () => merchantCall(stage.world, paid.merchant, "POST", "/refund", refund)),
		);
		return sameAnswers(answers, "refund_id");
	},
	isOver: async () => true,
});

function sameAnswers(answers: readonly Answer[], name: string): Blow {
	const taken = answers.filter(({ status }) => status === 200);
	const ids = new Set(taken.map(({ body }) => body[name]));
	const others = answers.filter(({ status }) => status !== 200).map(({ status }) => status);
	return {
		injected: answers.length,
		survived: ids.size === 1 ? taken.length : 0,
		faults: [
			...(ids.size === 1 ? [] : [`one ${name} was wanted, ${ids.size} were made`]),
			...(others.length === 0 ? [] : [`some were answered ${others}`]),
		],
	};
}

interface QuietPayment {
	id: string;
	attempt_id: string;
	merchant: StormMerchant;
	gateway_id: string;
	psp_order_id: string;
	psp_payment_id: string;
}

/** A payment through Razorpay that is taken there, and of which nobody tells. */
async function payQuietly(stage: Stage, tag: string): Promise<QuietPayment> {
	const { world, watcher, seed } = stage;
	const merchant = world.merchants.find(({ name }) => name === "single")!;
	let last = "";
	for (let tries = 1; tries <= 5; tries++) {
		const { status, body } = await sendOrder(stage, merchant, {
			order_id: `F${seed}-${tag}-${tries}`,
			amount: AMOUNT,
		});
		last = `${status} ${JSON.stringify(body)}`;
		if (status !== 200) continue;
		const id = String(body.transaction_id);
		const now = await watcher.until(id, 20_000, ({ attempts }) => attempts.at(-1)!.psp_order_id !== null);
		const attempt = now?.attempts.at(-1);
		if (attempt === undefined || attempt.psp_order_id === null) continue;
		const answer = await world.control<{ payment?: { id: string } }>("POST", "pay", {
			provider: "razorpay",
			order: attempt.psp_order_id,
			outcome: "success",
			method: "upi",
			webhook: { skip: true },
		});
		last = `the sandbox answered ${answer.status}`;
		if (answer.status !== 200) continue;
		const { id: attempt_id, gateway_id, psp_order_id } = attempt;
		return { id, attempt_id, merchant, gateway_id, psp_order_id, psp_payment_id: answer.body.payment!.id };
	}
	throw new Error(`No payment could be made: ${last}`);
}

/** As Razorpay sends it. */
export function postRazorpayWebhook(
	url: string,
	{ body, secret, event_id }: { body: string; secret: string; event_id?: string },
): Promise<HttpAnswer> {
	return ask(url, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			"x-razorpay-signature": createHmac("sha256", secret).update(body).digest("hex"),
			...(event_id !== undefined && { "x-razorpay-event-id": event_id }),
		},
		body,
	});
}
