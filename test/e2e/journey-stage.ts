/** What a journey needs: merchants of any provider, and the payer, the merchant's server and an operator as they act over HTTP. */
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect } from "vitest";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import type { Presentation, PspAccount } from "../../psp/adapter.ts";
import type { ConformanceKit } from "../../psp/conformance.ts";
import type { Provider } from "../../psp/providers.ts";
import { createMerchant } from "../merchants.ts";
import type { Stack } from "../stack.ts";

export const AMOUNT = 49_900;
/** To the paisa: 3.5 % of Rs 499.00 is Rs 17.465, and 18 % of Rs 17.47 is Rs 3.1446. */
export const COMMISSION = [
	{ type: "COMMISSION", amount: 1_747 },
	{ type: "COMMISSION_GST", amount: 314 },
];
/** For what the whole system does meanwhile. Tries that a worker puts off wait 2.7 s, then 7.4 s. */
const PATIENCE_MS = 60_000;
const EVERY_MS = 100;

export interface Gateway {
	id: string;
	provider: Provider;
	account: PspAccount;
	kit: ConformanceKit;
}

export interface Shop {
	id: string;
	client_key: string;
	client_salt: string;
	/** In the order in which payments are offered to them. */
	gateways: [Gateway, ...Gateway[]];
}

export interface Payment {
	shop: Shop;
	id: string;
	token: string;
}

export interface Attempt {
	id: string;
	gateway_id: string;
	status: string;
	error_code: string | null;
	psp_order_id: string | null;
	psp_payment_id: string | null;
	presentation: Presentation | null;
}

export interface PaymentNow {
	status: string;
	is_late: boolean;
	amount_refunded: number;
	attempts: Attempt[];
	/** Of the ledger, in its order. */
	entries: { type: string; amount: number }[];
	refunds: { id: string; kind: string; status: string; amount: number; psp_refund_id: string | null }[];
	events: { id: string; type: string }[];
	/** Open ones of the merchant. */
	alerts: string[];
}

export interface PayManner {
	amount?: number;
	currency?: string;
	webhook?: { duplicate?: number; skip?: boolean; forge?: boolean; reorder?: boolean };
}

// biome-ignore lint/suspicious/noExplicitAny: answers as tests look into them
type Answer = { status: number; headers: Headers; body: any };

/** Reads until it fits, and says what it was last when it never does. */
export async function until<Value>(
	what: string,
	read: () => Promise<Value>,
	fits: (value: Value) => boolean,
): Promise<Value> {
	const deadline = Date.now() + PATIENCE_MS;
	for (;;) {
		const value = await read();
		if (fits(value)) return value;
		if (Date.now() > deadline) throw new Error(`${what}: did not come about. Last: ${JSON.stringify(value, null, 1)}`);
		await sleep(EVERY_MS);
	}
}

export type Stage = Awaited<ReturnType<typeof openStage>>;

export async function openStage({ demo, dataDirectory }: Pick<Stack, "demo" | "dataDirectory">) {
	const database = new pg.Pool({ connectionString: demo.database_url, max: 8 });
	// The server ends while idle connections are held.
	database.on("error", () => {});
	const secrets = JSON.parse(readFileSync(join(dataDirectory, "secrets.json"), "utf8")) as { encryption_keys: string };
	const keys = parseEncryptionKeys(secrets.encryption_keys);
	const turns = new Map<Provider, Promise<unknown>>();
	let operator: Promise<string> | null = null;

	async function query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
		return (await database.query<Row>(sql, values)).rows;
	}

	async function call(url: string, init: RequestInit = {}): Promise<Answer> {
		const response = await fetch(url, { ...init, redirect: "manual" });
		const text = await response.text();
		const is_json = response.headers.get("content-type")?.includes("json") ?? false;
		return {
			status: response.status,
			headers: response.headers,
			body: is_json && text !== "" ? JSON.parse(text) : text,
		};
	}

	function callSandbox(method: string, path: string, body?: unknown): Promise<Answer> {
		return call(`${demo.sandbox_url}/_control/${path}`, {
			method,
			...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
		});
	}

	async function control(method: string, path: string, body?: unknown) {
		const answer = await callSandbox(method, path, body);
		expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
		return answer.body;
	}

	/** As the merchant's server does, signed. */
	function merchantCall(shop: Shop, method: "GET" | "POST", path: string, content?: object): Promise<Answer> {
		const body = content === undefined ? "" : JSON.stringify(content);
		const timestamp = Math.floor(Date.now() / 1000);
		return call(demo.checkout_url + path, {
			method,
			headers: {
				...(content !== undefined && { "content-type": "application/json" }),
				"x-client-key": shop.client_key,
				"x-timestamp": String(timestamp),
				"x-signature": createHmac("sha256", shop.client_salt)
					.update(`${timestamp}.${method}.${path}.${body}`)
					.digest("hex"),
			},
			...(content !== undefined && { body }),
		});
	}

	/**
	 * One at a time for each provider: a fault of the sandbox upsets whichever call comes next to its path, so nobody else may
	 * make an order meanwhile.
	 */
	function inTurn<Value>(provider: Provider, work: () => Promise<Value>): Promise<Value> {
		const turn = (turns.get(provider) ?? Promise.resolve()).then(work);
		turns.set(
			provider,
			turn.catch(() => undefined),
		);
		return turn;
	}

	/** A merchant with an account at each of these providers, known to the sandbox. */
	async function openShop(providers: [Provider, ...Provider[]], settings: Record<string, unknown> = {}): Promise<Shop> {
		const name = `shop-${randomBytes(5).toString("hex")}`;
		const merchant = await createMerchant(
			database,
			keys,
			{ company_name: name, webhook_url: `${demo.sandbox_url}/merchant/webhook/${name}` },
			providers.map((_, index) => ({ priority: 90 - index })),
		);
		await control("PUT", "merchants", { name, client_id: merchant.id, webhook_secret: merchant.webhook_secret });
		const gateways: Gateway[] = [];
		for (const [index, provider] of providers.entries()) {
			const { id } = merchant.gateways[index]!;
			const { conformanceKit: kit } = (await import(`../../psp/${provider}/conformance.ts`)) as {
				conformanceKit: ConformanceKit;
			};
			const made = kit.createAccount(randomBytes(5).toString("hex"));
			const account = { ...made, settings: { ...made.settings, ...settings } };
			const seal = (column: string, secret: string | null) =>
				secret === null ? null : encryptSecret(keys, secret, { table: "payment_gateways", column, row: id });
			await query(
				`update public.payment_gateways set provider = $2, api_key = $3, api_secret = $4, webhook_secret = $5, settings = $6
					where id = $1`,
				[
					id,
					provider,
					account.api_key,
					seal("api_secret", account.api_secret),
					seal("webhook_secret", account.webhook_secret),
					JSON.stringify(account.settings),
				],
			);
			const gateway = { id, provider, account, kit };
			gateways.push(gateway);
			await registerAccount({ ...merchant, gateways: [gateway] }, gateway);
		}
		return { ...merchant, gateways: gateways as [Gateway, ...Gateway[]] };
	}

	/** "later": from now on refunds stay pending until the sandbox is told what becomes of them. */
	async function registerAccount(
		shop: Shop,
		gateway: Gateway,
		refunds: "at_once" | "later" = "at_once",
	): Promise<void> {
		const { provider, account } = gateway;
		await control("PUT", "accounts", { provider, ...account, webhook_url: webhookUrl(shop, gateway), refunds });
	}

	function webhookUrl(shop: Shop, gateway: Gateway): string {
		return `${demo.checkout_url}/webhook/${shop.client_key}/${gateway.id}`;
	}

	/** The merchant asks for a payment; nothing is awaited. */
	async function initiate(shop: Shop): Promise<Payment> {
		const { status, body } = await merchantCall(shop, "POST", "/payment/initiate", {
			order_id: `KB-${randomUUID()}`,
			amount: AMOUNT,
			customer: { name: "Asha Rao", email: "asha@example.com", phone: "+919876543210" },
		});
		expect(status, JSON.stringify(body)).toBe(200);
		return { shop, id: body.transaction_id, token: body.status_token };
	}

	/** A payment whose payer has come to the provider's page. */
	function startPayment(shop: Shop): Promise<Payment> {
		return inTurn(shop.gateways[0].provider, async () => {
			const payment = await initiate(shop);
			await arrive(payment, 1);
			return payment;
		});
	}

	/** Waits for the order of the attempt of that number, and opens the way to it. */
	async function arrive(payment: Payment, attempt_no: number): Promise<Attempt> {
		const { attempts } = await becomes(payment, "an order at the provider", (now) => {
			const attempt = now.attempts[attempt_no - 1];
			return attempt !== undefined && attempt.psp_order_id !== null && attempt.presentation !== null;
		});
		const attempt = attempts[attempt_no - 1]!;
		const page = await call(`${demo.checkout_url}/pay/${payment.id}?token=${payment.token}`);
		expect(page.status).toBe(200);
		const { presentation } = attempt;
		if (presentation?.kind === "form") {
			// The provider knows of the order no sooner than a browser posts this.
			const { status } = await call(presentation.url, {
				method: "POST",
				body: new URLSearchParams(presentation.fields),
			});
			expect(status).toBeLessThan(400);
		}
		return attempt;
	}

	async function read({ id, shop }: Payment): Promise<PaymentNow> {
		const [now] = await query<PaymentNow>(
			`select t.status, coalesce(t.is_late, false) as is_late, t.amount_refunded::int,
				(select jsonb_agg(jsonb_build_object('id', a.id, 'gateway_id', a.gateway_id, 'status', a.status,
						'error_code', a.error_code, 'psp_order_id', a.psp_order_id, 'psp_payment_id', a.psp_payment_id,
						'presentation', a.presentation) order by a.attempt_no)
					from public.payment_attempts a where a.transaction_id = t.id) as attempts,
				(select coalesce(jsonb_agg(jsonb_build_object('type', e.type, 'amount', e.amount) order by e.entry_no), '[]')
					from public.wallet_entries e where e.transaction_id = t.id) as entries,
				(select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'kind', r.kind, 'status', r.status, 'amount', r.amount,
						'psp_refund_id', r.psp_refund_id) order by r.id), '[]')
					from public.refunds r where r.transaction_id = t.id) as refunds,
				(select coalesce(jsonb_agg(jsonb_build_object('id', e.id, 'type', e.type) order by e.id), '[]')
					from public.webhook_events e where e.transaction_id = t.id) as events,
				(select coalesce(jsonb_agg(a.kind order by a.kind), '[]')
					from public.alerts a where a.client_id = $2 and a.status = 'open') as alerts
			from public.transactions t where t.id = $1`,
			[id, shop.id],
		);
		return now!;
	}

	function becomes(payment: Payment, what: string, fits: (now: PaymentNow) => boolean): Promise<PaymentNow> {
		return until(what, () => read(payment), fits);
	}

	function reaches(payment: Payment, status: string): Promise<PaymentNow> {
		return becomes(payment, status, (now) => now.status === status);
	}

	function gatewayOf({ shop }: Payment, attempt: Attempt): Gateway {
		return shop.gateways.find(({ id }) => id === attempt.gateway_id)!;
	}

	/** What the payer does at the provider with the order of that attempt; answers what the provider knows the payment by. */
	async function pay(
		payment: Payment,
		outcome: "success" | "failure" | "pending",
		manner: PayManner & { attempt_no?: number } = {},
	): Promise<Record<string, unknown>> {
		const { attempt_no = 1, ...rest } = manner;
		const { attempts } = await read(payment);
		const attempt = attempts[attempt_no - 1]!;
		const { provider } = gatewayOf(payment, attempt);
		const order = attempt.presentation?.kind === "upi" ? attempt.presentation.uri : attempt.psp_order_id;
		const body = await control("POST", "pay", { provider, order, outcome, ...rest });
		return body.payment;
	}

	/** As the provider's page sends the browser back after a success: posted where it posts, signed where it signs. */
	async function comeBack(payment: Payment, psp_payment: Record<string, unknown>): Promise<void> {
		const { attempts } = await read(payment);
		const attempt = attempts.at(-1)!;
		const { kit, account } = gatewayOf(payment, attempt);
		const { id, mihpayid, transactionId, cf_payment_id } = psp_payment;
		const psp_payment_id = String(id ?? mihpayid ?? transactionId ?? cf_payment_id);
		const { query, form } = kit.signReturn(account, attempt.psp_order_id!, psp_payment_id);
		const is_posted = Object.keys(form).length > 0;
		await open(payment, "/return", is_posted ? { method: "POST", body: new URLSearchParams(form) } : {}, query);
	}

	/** One of the payer's addresses that lead back to the page. */
	async function open(
		{ id, token }: Payment,
		path: "/return" | "/retry" | "/utr",
		init: RequestInit = {},
		query: Record<string, string> = {},
	): Promise<void> {
		const url = `${demo.checkout_url}/pay/${id}${path}?${new URLSearchParams({ ...query, token })}`;
		const { status, headers } = await call(url, init);
		expect([status, headers.get("location")]).toEqual([303, expect.stringContaining(`/pay/${id}?`)]);
	}

	function nameUtr(payment: Payment, utr: unknown): Promise<void> {
		return open(payment, "/utr", { method: "POST", body: new URLSearchParams({ utr: String(utr) }) });
	}

	/** From now on nobody asks the provider about it by the clock. */
	async function stopLookups({ id }: Payment): Promise<void> {
		await query("update public.payment_attempts set next_lookup_at = null where transaction_id = $1", [id]);
		await query("update public.refunds set next_lookup_at = null where transaction_id = $1", [id]);
	}

	/** The clock's next look-up of what is not known about it, now. */
	async function lookUp({ id }: Payment): Promise<void> {
		await query(
			"update public.payment_attempts set next_lookup_at = now() where transaction_id = $1 and status <> 'succeeded'",
			[id],
		);
		await query(
			"update public.refunds set next_lookup_at = now() where transaction_id = $1 and status not in ('succeeded', 'failed')",
			[id],
		);
		await query("select public.enqueue_pending_lookups()");
	}

	/** The payment's time, over at once. */
	async function expire(payment: Payment): Promise<void> {
		await query("update public.transactions set expires_at = now() - interval '1 second' where id = $1", [payment.id]);
		await query("select public.expire_transactions()");
		await reaches(payment, "expired");
	}

	/** Nothing is under way for the merchant: what has not happened by now does not happen. */
	async function settleDown(shop: Shop): Promise<void> {
		await until(
			"webhooks of the provider sent",
			async () => (await webhooksTo(shop)).filter(({ status }) => status === "waiting"),
			(waiting) => waiting.length === 0,
		);
		await until(
			"jobs done",
			() =>
				query(
					`select j.payload, j.last_error from graphile_worker._private_jobs j
					where coalesce(j.payload ->> 'attempt_id', j.payload ->> 'event_id', j.payload ->> 'refund_id',
							j.payload ->> 'alert_id')::uuid in (
						select id from public.payment_attempts where client_id = $1
						union all select id from public.gateway_events where client_id = $1
						union all select id from public.webhook_events where client_id = $1
						union all select id from public.refunds where client_id = $1
						union all select id from public.alerts where client_id = $1)`,
					[shop.id],
				),
			(jobs) => jobs.length === 0,
		);
	}

	/** What providers have sent to the merchant's gateways, and what it was answered. */
	async function webhooksTo(
		shop: Shop,
	): Promise<{ url: string; status: string; event_id: string; last_status: number | null }[]> {
		const sent: Awaited<ReturnType<typeof webhooksTo>> = await control("GET", "webhooks");
		return sent.filter(({ url }) => url.includes(`/${shop.client_key}/`));
	}

	/** What has arrived at the merchant's endpoint about the payment, each time it did; marked where it did not verify. */
	async function toldOf(payment: Payment): Promise<string[]> {
		const { events } = await read(payment);
		const told: string[] = [];
		for (const { id } of events) {
			const received: { type: string; verified: boolean }[] = await control("GET", `merchant/events?id=${id}`);
			told.push(...received.map(({ type, verified }) => (verified ? type : `${type}, not verified`)));
		}
		return told;
	}

	/** Paid, with one commission; the merchant was told that once, after what is said here. */
	async function isPaidOnce(
		payment: Payment,
		{ told_before = [], is_late = false }: { told_before?: string[]; is_late?: boolean } = {},
	): Promise<PaymentNow> {
		await reaches(payment, "paid");
		await settleDown(payment.shop);
		const now = await read(payment);
		expect(now).toMatchObject({ status: "paid", is_late, amount_refunded: 0, entries: COMMISSION, refunds: [] });
		expect(now.attempts.filter(({ status }) => status === "succeeded")).toHaveLength(1);
		expect(await toldOf(payment)).toEqual([...told_before, "payment.paid"]);
		return now;
	}

	/** Whatever was claimed: as before, with nothing booked. */
	async function isNotPaid(payment: Payment, status = "pending"): Promise<PaymentNow> {
		await settleDown(payment.shop);
		const now = await read(payment);
		expect(now).toMatchObject({ status, entries: [], events: [] });
		return now;
	}

	/** In the studio, where one may. */
	async function callStudio(method: string, path: string, body: BodyInit, content_type: string) {
		operator ??= call(`${demo.studio_url}/auth/login`, {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify(demo.operator),
		}).then((answer) => answer.body.data.access_token as string);
		const answer = await call(`${demo.studio_url}/lightspeedpay/${path}`, {
			method,
			headers: { authorization: `Bearer ${await operator}`, "content-type": content_type },
			body,
		});
		expect(answer.status, JSON.stringify(answer.body)).toBe(200);
		return answer.body;
	}

	/** An operator imports the statement that the bank has of the merchant's account by now. */
	async function importStatement({
		gateways: [gateway],
	}: Shop): Promise<{ matched: number; exceptions: number; repeated: number }> {
		const statement = await fetch(`${demo.sandbox_url}/upi${gateway.kit.statement!.path(gateway.account)}`);
		const path = `gateways/${gateway.id}/statements?file_name=statement.csv`;
		const content = new Uint8Array(await statement.arrayBuffer());
		return (await callStudio("POST", path, content, "application/octet-stream")).data;
	}

	/** An operator has seen the credit in the bank's app. */
	async function approveUtr({ id }: Payment): Promise<void> {
		const [claim] = await query<{ id: string }>("select id from public.utr_claims where transaction_id = $1", [id]);
		await callStudio("POST", `utr-claims/${claim!.id}/decide`, JSON.stringify({ approve: true }), "application/json");
	}

	return {
		query,
		call,
		callSandbox,
		control,
		merchantCall,
		inTurn,
		openShop,
		registerAccount,
		webhookUrl,
		initiate,
		startPayment,
		arrive,
		read,
		becomes,
		reaches,
		pay,
		comeBack,
		open,
		nameUtr,
		stopLookups,
		lookUp,
		expire,
		settleDown,
		webhooksTo,
		toldOf,
		isPaidOnce,
		isNotPaid,
		importStatement,
		approveUtr,
		close: () => database.end(),
	};
}
