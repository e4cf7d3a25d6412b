/** Plays one payment: the merchant's server, the payer's browser, and what the payer does at the provider. */
import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, persistently } from "./persistence.ts";
import type { Plan } from "./plan.ts";
import type { AttemptNow, PaymentNow, Watcher } from "./watcher.ts";
import type { StormGateway, StormMerchant, World } from "./world.ts";

export interface Played {
	plan: Plan;
	/** Null: the merchant API took no payment. */
	transaction_id: string | null;
	/** What was really played, as a plan may meet a gateway it does not fit. */
	behaviour: string;
	/** What went otherwise than planned, and is no fault. */
	notes: string[];
	/** What must not have happened. */
	faults: string[];
	/** How long the payer waited for a provider; null where none came. */
	ready_seconds: number | null;
	/** The refund was not asked for yet, as the payment was not known to be paid in time. */
	refund_waits: boolean;
}

export interface Patience {
	order_ms: number;
	paid_ms: number;
	move_ms: number;
}

export interface Stage {
	world: World;
	watcher: Watcher;
	seed: number;
	patience: Patience;
}

interface Page {
	id: string;
	token: string;
}

interface PayManner {
	amount?: number;
	currency?: string;
	webhook?: Record<string, unknown>;
}

const TRIES_OF_A_BROWSER = 6;

export async function playPayment(stage: Stage, plan: Plan): Promise<Played> {
	const played: Played = {
		plan,
		transaction_id: null,
		behaviour: plan.behaviour,
		notes: [],
		faults: [],
		ready_seconds: null,
		refund_waits: false,
	};
	try {
		await play(stage, plan, played);
	} catch (error) {
		played.faults.push(`the play broke off: ${(error as Error).stack}`);
	}
	return played;
}

async function play(stage: Stage, plan: Plan, played: Played): Promise<void> {
	const { world, watcher, patience } = stage;
	const merchant = world.merchants[plan.merchant]!;
	if (plan.fault !== null) await world.control("POST", "faults", plan.fault);
	const page = await initiate(stage, merchant, plan, played);
	if (page === null) return;
	played.transaction_id = page.id;
	const initiated_at = performance.now();
	const opened = await watcher.until(page.id, patience.order_ms, isPayable);
	const attempt = opened?.attempts.at(-1);
	if (opened === null || attempt === undefined || !isPayable(opened)) {
		played.behaviour = "sees no provider";
		played.notes.push(`no provider was ready: ${opened?.status}, ${attempt?.status}`);
		return;
	}
	played.ready_seconds = (performance.now() - initiated_at) / 1000;
	await sleep(plan.think_ms);
	const payer = new Payer(stage, plan, played, page);
	await payer.meet(attempt);
	if (plan.refund !== "none") await payer.askForRefund();
}

function isPayable({ status, attempts }: PaymentNow): boolean {
	const newest = attempts.at(-1)!;
	return status === "failed" || (newest.psp_order_id !== null && newest.presentation !== null);
}

/** By the merchant's server, which signs each try anew. */
export async function merchantCall(
	{ checkout_url }: World,
	{ client_key, client_salt }: StormMerchant,
	method: "GET" | "POST",
	path: string,
	content?: object,
	patience_ms?: number,
): Promise<{ status: number; headers: Headers; body: Record<string, unknown> & { error?: { code: string } } }> {
	const body = content === undefined ? "" : JSON.stringify(content);
	const send = () => {
		const timestamp = Math.floor(Date.now() / 1000);
		const signature = createHmac("sha256", client_salt).update(`${timestamp}.${method}.${path}.${body}`).digest("hex");
		return ask(checkout_url + path, {
			method,
			headers: {
				...(content !== undefined && { "content-type": "application/json" }),
				"x-client-key": client_key,
				"x-timestamp": String(timestamp),
				"x-signature": signature,
			},
			...(content !== undefined && { body }),
		});
	};
	const { status, headers, text } = await persistently(send, patience_ms);
	return { status, headers, body: text === "" ? {} : JSON.parse(text) };
}

/** Whom no gateway can take by then may be told so for good. */
export const ORDER_PATIENCE_MS = 40_000;

export const orderIdOf = (seed: number, number: number) => `S${seed}-${number}`;

async function initiate(
	{ world, seed }: Stage,
	merchant: StormMerchant,
	plan: Plan,
	played: Played,
): Promise<Page | null> {
	const order = {
		order_id: orderIdOf(seed, plan.number),
		amount: plan.amount,
		customer: { name: "Asha Rao", email: "asha@example.com", phone: "+919876543210" },
	};
	const send = () => merchantCall(world, merchant, "POST", "/payment/initiate", order, ORDER_PATIENCE_MS);
	const answers = await Promise.all(plan.is_sent_twice ? [send(), send()] : [send()]);
	const taken = answers.filter(({ status }) => status === 200).map(({ body }) => body);
	const ids = new Set(taken.map(({ transaction_id }) => transaction_id));
	if (ids.size > 1) played.faults.push(`one order became ${ids.size} payments`);
	if (taken[0] !== undefined) return { id: String(taken[0].transaction_id), token: String(taken[0].status_token) };
	const { status, body } = answers[0]!;
	if (status === 503) played.behaviour = "refused: no gateway";
	else played.faults.push(`initiate was answered ${status} ${JSON.stringify(body)}`);
	return null;
}

class Payer {
	readonly #stage: Stage;
	readonly #plan: Plan;
	readonly #played: Played;
	readonly #page: Page;

	constructor(stage: Stage, plan: Plan, played: Played, page: Page) {
		this.#stage = stage;
		this.#plan = plan;
		this.#played = played;
		this.#page = page;
	}

	async meet(attempt: AttemptNow): Promise<void> {
		const { behaviour } = this.#plan;
		if (behaviour === "never opens the page") return;
		await this.#open("");
		// A payer whose payment failed for want of a provider may ask for another; so it is with those that move.
		if (attempt.psp_order_id === null) {
			this.#played.behaviour = "sees a failed payment";
			const next = await this.#moveOn(attempt);
			if (next !== null) await this.#payAt(next);
			return;
		}
		await (this.#gateway(attempt).provider === "upi" ? this.#meetUpi(attempt) : this.#meetProvider(attempt));
	}

	async #meetProvider(attempt: AttemptNow): Promise<void> {
		const { behaviour, amount, webhook_delay_ms, copies, part } = this.#plan;
		const quiet = { webhook: { skip: true } };
		await this.#arrive(attempt);
		switch (behaviour) {
			case "never opens the page":
			case "leaves":
				if (part < 0.5) await this.#open("/cancel");
				return;
			case "pays":
				await this.#pay(attempt);
				return;
			case "pays and returns":
				await this.#comeBack(attempt, await this.#pay(attempt));
				return;
			case "returns without a webhook":
				await this.#comeBack(attempt, await this.#pay(attempt, quiet));
				return;
			case "pays and nobody tells":
				await this.#pay(attempt, quiet);
				return;
			case "webhook delayed":
				await this.#pay(attempt, { webhook: { delay_ms: webhook_delay_ms } });
				return;
			case "webhook duplicated":
				await this.#pay(attempt, { webhook: { duplicate: copies } });
				return;
			case "webhooks reordered":
				await this.#pay(attempt, { webhook: { reorder: true, duplicate: 1 } });
				return;
			case "webhook forged":
				await this.#pay(attempt, { webhook: { forge: true } });
				return;
			case "bank decides later":
				await this.#act(attempt, "pending", quiet);
				await this.#comeBack(attempt, null);
				await sleep(webhook_delay_ms / 3);
				await this.#pay(attempt);
				return;
			case "declined, then pays":
				await this.#act(attempt, "failure");
				await this.#comeBack(attempt, null);
				await this.#pay(attempt);
				return;
			case "declined for good":
				await this.#act(attempt, "failure");
				return;
			case "declined, then elsewhere":
				await this.#act(attempt, "failure");
				await this.#payElsewhere(attempt);
				return;
			case "leaves, then elsewhere":
				await this.#payElsewhere(attempt);
				return;
			case "pays here and elsewhere":
				await this.#payElsewhere(attempt);
				await this.#pay(attempt);
				return;
			case "pays twice":
				await this.#pay(attempt);
				await this.#pay(attempt);
				return;
			case "pays late":
			case "pays late, nobody tells":
				await this.#runOut();
				await this.#pay(attempt, behaviour === "pays late" ? {} : quiet);
				return;
			case "pays another amount":
				await this.#pay(attempt, { amount: part < 0.5 ? amount - 1 : amount + 100 });
				return;
			case "pays another currency":
				await this.#pay(attempt, { currency: "USD" });
		}
	}

	async #meetUpi(attempt: AttemptNow): Promise<void> {
		const { upi, amount, wrong_utr } = this.#plan;
		this.#played.behaviour = upi;
		switch (upi) {
			case "UPI: leaves":
				return;
			case "UPI: names the UTR":
				await this.#nameUtr(await this.#pay(attempt));
				return;
			case "UPI: names nothing":
				await this.#pay(attempt);
				return;
			case "UPI: names a wrong UTR":
				await this.#nameUtr({ utr: wrong_utr });
				await this.#pay(attempt);
				return;
			case "UPI: pays late":
				await this.#runOut();
				await this.#nameUtr(await this.#pay(attempt));
				return;
			case "UPI: pays twice":
				await this.#nameUtr(await this.#pay(attempt));
				await this.#pay(attempt);
				return;
			case "UPI: pays another amount":
				await this.#nameUtr(await this.#pay(attempt, { amount: amount + 100 }));
				return;
			case "UPI: pays elsewhere":
				await this.#payElsewhere(attempt);
		}
	}

	/** Asks for another gateway and pays there; at the first one when there is no other. */
	async #payElsewhere(attempt: AttemptNow): Promise<void> {
		const next = await this.#moveOn(attempt);
		if (next === null) this.#played.notes.push("stays with the gateway");
		await this.#payAt(next ?? attempt);
	}

	async #payAt(attempt: AttemptNow): Promise<void> {
		await this.#arrive(attempt);
		const payment = await this.#pay(attempt);
		if (this.#gateway(attempt).provider === "upi") await this.#nameUtr(payment);
		else await this.#comeBack(attempt, payment);
	}

	async #moveOn(attempt: AttemptNow): Promise<AttemptNow | null> {
		await this.#open("/retry", { method: "POST" });
		const { watcher, patience } = this.#stage;
		const now = await watcher.until(
			this.#page.id,
			patience.move_ms,
			(payment) => payment.attempts.at(-1)!.attempt_no > attempt.attempt_no && isPayable(payment),
		);
		const newest = now?.attempts.at(-1);
		return newest === undefined || newest.id === attempt.id || newest.psp_order_id === null ? null : newest;
	}

	/** What a success is answered with; null where the order takes no payment (any more). */
	async #pay(attempt: AttemptNow, manner: PayManner = {}): Promise<Record<string, unknown> | null> {
		return this.#act(attempt, "success", manner);
	}

	async #act(
		attempt: AttemptNow,
		outcome: "success" | "failure" | "pending",
		manner: PayManner = {},
	): Promise<Record<string, unknown> | null> {
		const { provider } = this.#gateway(attempt);
		const order = attempt.presentation?.kind === "upi" ? attempt.presentation.uri : attempt.psp_order_id;
		const { status, body } = await this.#stage.world.control<{ payment?: Record<string, unknown>; error?: unknown }>(
			"POST",
			"pay",
			{ provider, order, outcome, method: this.#plan.method, ...manner },
		);
		if (status === 200) return body.payment ?? {};
		if (status !== 404) this.#played.faults.push(`the sandbox answered ${status} ${JSON.stringify(body)}`);
		this.#played.notes.push(`${provider} takes no ${outcome}`);
		return null;
	}

	/** Where the way to the provider is a form, the provider knows of the order no sooner than a browser posts it. */
	async #arrive({ presentation }: AttemptNow): Promise<void> {
		if (presentation?.kind !== "form") return;
		await this.#browse(presentation.url, { method: "POST", body: new URLSearchParams(presentation.fields) });
	}

	/** As the provider would send the browser, signed where it signs. */
	async #comeBack(attempt: AttemptNow, payment: Record<string, unknown> | null): Promise<void> {
		const { kit, account } = this.#gateway(attempt);
		const id = payment?.id ?? payment?.mihpayid ?? payment?.transactionId ?? payment?.cf_payment_id;
		const { query, form } =
			id === undefined
				? kit.failedReturn(attempt.psp_order_id!)
				: kit.signReturn(account, attempt.psp_order_id!, String(id));
		const { token: _, ...more } = query;
		const has_form = Object.keys(form).length > 0;
		const init: RequestInit = has_form ? { method: "POST", body: new URLSearchParams(form) } : {};
		await this.#open("/return", init, more);
	}

	async #nameUtr(payment: { utr?: unknown } | null): Promise<void> {
		if (payment === null) return;
		await this.#open("/utr", { method: "POST", body: new URLSearchParams({ utr: String(payment.utr) }) });
	}

	/** The payment's time, over at once. */
	async #runOut(): Promise<void> {
		const { admin } = this.#stage.world;
		await admin.query("update public.transactions set expires_at = now() - interval '1 second' where id = $1", [
			this.#page.id,
		]);
		await admin.query("select public.expire_transactions()");
	}

	async #open(path: string, init: RequestInit = {}, query: Record<string, string> = {}): Promise<void> {
		const { id, token } = this.#page;
		const url = `${this.#stage.world.checkout_url}/pay/${id}${path}?${new URLSearchParams({ token, ...query })}`;
		const { status } = await persistently(() => ask(url, { ...init, redirect: "manual" }));
		const expected = path === "" ? 200 : 303;
		if (status !== expected) this.#played.faults.push(`/pay${path} was answered ${status}`);
	}

	/** Loads again what does not load. */
	async #browse(url: string, init: RequestInit): Promise<void> {
		for (let tries = 1; tries <= TRIES_OF_A_BROWSER; tries++) {
			try {
				const { status } = await ask(url, { ...init, redirect: "manual" });
				if (status < 400) return;
			} catch {
				// The provider hung up.
			}
			await sleep(200);
		}
		this.#played.notes.push("the provider's page did not load");
	}

	#gateway({ gateway_id }: AttemptNow): StormGateway {
		return this.#stage.world.gateways.get(gateway_id)!;
	}

	async askForRefund(): Promise<void> {
		const { watcher, patience } = this.#stage;
		const now = await watcher.until(this.#page.id, patience.paid_ms, ({ is_paid }) => is_paid);
		if (now?.is_paid) await refundPayment(this.#stage, this.#played);
		else this.#played.refund_waits = true;
	}
}

/** As the merchant's server asks for it, which the plan says. Does nothing for what is not paid, but to see it refused. */
export async function refundPayment({ world, seed }: Stage, played: Played): Promise<void> {
	const { plan, transaction_id } = played;
	const merchant = world.merchants[plan.merchant]!;
	const request = (name: string, content: object) =>
		merchantCall(world, merchant, "POST", "/refund", {
			transaction_id,
			// What is asked for again must be known again.
			idempotency_key: `${orderIdOf(seed, plan.number)}-${name}`,
			...content,
		});
	const { rows } = await world.admin.query<{ captured: number; is_paid: boolean }>(
		`select coalesce(max(a.payable_amount), t.amount)::int as captured, t.paid_at is not null as is_paid
			from public.transactions t left join public.payment_attempts a on a.transaction_id = t.id and a.status = 'succeeded'
				and a.gateway_id = t.gateway_id
			where t.id = $1 group by t.id`,
		[transaction_id],
	);
	const { captured, is_paid } = rows[0]!;
	const part = Math.max(1, Math.round(captured * plan.part));
	const expectOf = (what: string, answers: { status: number; body: object }[], ...expected: number[]) => {
		const got = answers.map(({ status }) => status).sort();
		if (got.join() === expected.join()) return;
		played.faults.push(`${what} were answered ${got} ${JSON.stringify(answers.map(({ body }) => body))}`);
	};
	if (!is_paid) {
		const answer = await request("unpaid", {});
		expectOf("a refund of what is not paid", [answer], 409);
		return;
	}
	switch (plan.refund) {
		case "none":
			return;
		case "whole":
			expectOf("the refund", [await request("whole", { reason: "Returned" })], 200);
			return;
		case "part":
			expectOf("the refund", [await request("part", { amount: part })], 200);
			return;
		case "two racing": {
			const amount = Math.floor(captured / 2) + 1;
			const answers = await Promise.all([request("left", { amount }), request("right", { amount })]);
			// The provider may have refused the first before the second was asked for.
			const { rowCount } = await world.admin.query(
				"select from public.refunds where transaction_id = $1 and status = 'failed'",
				[transaction_id],
			);
			if (rowCount === 0) expectOf("refunds that together exceed the payment", answers, 200, 409);
			return;
		}
		case "one key, three times": {
			const send = (amount: number) => request("thrice", { amount });
			const answers = await Promise.all([send(part), send(part), send(part)]);
			const ids = new Set(answers.map(({ body }) => body.refund_id));
			if (ids.size !== 1) played.faults.push(`one key became ${ids.size} refunds`);
			expectOf("another refund under the same key", [await send(part + 1)], 409);
			return;
		}
		case "more than was paid":
			expectOf("a refund of more than was paid", [await request("more", { amount: captured + 1 })], 409);
			return;
		case "in three parts": {
			const third = Math.floor(captured / 3);
			for (const [index, content] of [{ amount: third }, { amount: third }, {}].entries()) {
				const answer = await request(`part-${index + 1}`, { ...content, reason: `Part ${index + 1}` });
				// What failed at the PSP meanwhile is left over for the last.
				if (third > 0) expectOf("a part", [answer], 200);
			}
		}
	}
}
