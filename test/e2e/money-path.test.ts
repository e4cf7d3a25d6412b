/** The promises about money, on the whole system: real processes, real HTTP, the PSP as unreliable as PSPs are. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { decryptSecret, type EncryptionKeys, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { roleUrl } from "../../db/prepare.ts";
import { createMerchant, type TestGateway, type TestMerchant } from "../merchants.ts";
import { type Demo, type Login, type Stack, startStack } from "../stack.ts";

const ROOT = join(import.meta.dirname, "../..");
const AMOUNT = 49_900;
/** For what a worker does meanwhile; a job whose call was lost waits some seconds before it runs again. */
const SOON = { interval: 50 };

let stack: Stack;
let demo: Demo;
let database: pg.Pool;
let secrets: {
	encryption_keys: string;
	status_token_key: string;
	database_passwords: { checkout: string; jobs: string };
};
let keys: EncryptionKeys;
/** Everything that must not be found in a log or a table. */
const canaries = new Map<string, string>();

beforeAll(async () => {
	stack = await startStack();
	demo = stack.demo;
	database = new pg.Pool({ connectionString: demo.database_url, max: 4 });
	// The server ends while the last test still holds idle connections.
	database.on("error", () => {});
	secrets = JSON.parse(readFileSync(join(stack.dataDirectory, "secrets.json"), "utf8"));
	keys = parseEncryptionKeys(secrets.encryption_keys);
});

afterEach(async () => {
	if (stack?.process.exitCode === null) expect(await query("select * from public.check_invariants()")).toEqual([]);
});

afterAll(async () => {
	await database?.end();
	await stack?.stop();
});

async function query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.query<Row>(sql, values)).rows;
}

async function queryOne<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row> {
	const [row] = await query<Row>(sql, values);
	if (row === undefined) throw new Error(`No row: ${sql}`);
	return row;
}

interface Answer {
	status: number;
	headers: Headers;
	// biome-ignore lint/suspicious/noExplicitAny: answers as tests look into them
	body: any;
}

async function call(
	url: string,
	method: string,
	body?: unknown,
	headers: Record<string, string> = {},
): Promise<Answer> {
	const response = await fetch(url, {
		method,
		headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
		...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, headers: response.headers, body: text === "" ? null : JSON.parse(text) };
}

interface Credentials {
	client_key: string;
	client_salt: string;
}

/** A signed request to the merchant API. */
function merchantCall(
	{ client_key, client_salt }: Credentials,
	method: "GET" | "POST",
	path: string,
	content?: object,
	checkout_url = demo.checkout_url,
): Promise<Answer> {
	const body = content === undefined ? "" : JSON.stringify(content);
	const timestamp = Math.floor(Date.now() / 1000);
	const signature = createHmac("sha256", client_salt).update(`${timestamp}.${method}.${path}.${body}`).digest("hex");
	return call(checkout_url + path, method, content === undefined ? undefined : body, {
		"x-client-key": client_key,
		"x-timestamp": String(timestamp),
		"x-signature": signature,
	});
}

function initiate(merchant: Credentials, order: object = {}, checkout_url?: string): Promise<Answer> {
	const payment = { order_id: `KB-${randomUUID()}`, amount: AMOUNT, ...order };
	return merchantCall(merchant, "POST", "/payment/initiate", payment, checkout_url);
}

async function control(method: string, path: string, body?: unknown) {
	const answer = await call(`${demo.sandbox_url}/_control/${path}`, method, body);
	expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
	return answer.body;
}

interface Shop extends TestMerchant {
	gateway: TestGateway;
}

/** A merchant of its own for a test, known to the sandbox, with one Razorpay account. */
async function openShop(columns: Record<string, unknown> = {}): Promise<Shop> {
	const name = `shop-${randomBytes(4).toString("hex")}`;
	const webhook_url = `${demo.sandbox_url}/merchant/webhook/${name}`;
	const merchant = await createMerchant(database, keys, { company_name: name, webhook_url, ...columns });
	const gateway = merchant.gateways[0]!;
	await control("PUT", "merchants", { name, client_id: merchant.id, webhook_secret: merchant.webhook_secret });
	await control("PUT", "accounts", {
		provider: "razorpay",
		api_key: gateway.api_key,
		api_secret: gateway.api_secret,
		webhook_secret: gateway.webhook_secret,
		webhook_url: `${demo.checkout_url}/webhook/${merchant.client_key}/${gateway.id}`,
	});
	canaries.set(`${name}'s salt`, merchant.client_salt);
	canaries.set(`${name}'s webhook secret`, merchant.webhook_secret);
	canaries.set(`${name}'s API secret`, gateway.api_secret);
	canaries.set(`${name}'s gateway's webhook secret`, gateway.webhook_secret);
	return { ...merchant, gateway };
}

interface Payment {
	id: string;
	token: string;
	attempt_id: string;
	psp_order_id: string;
}

/** A payment whose order a worker has made at the PSP. */
async function startPayment(shop: Shop): Promise<Payment> {
	const { status, body } = await initiate(shop);
	expect(status, JSON.stringify(body)).toBe(200);
	const find = () =>
		queryOne<{ id: string; psp_order_id: string | null }>(
			"select id, psp_order_id from public.payment_attempts where transaction_id = $1",
			[body.transaction_id],
		);
	await expect.poll(async () => (await find()).psp_order_id, SOON).not.toBeNull();
	const { id, psp_order_id } = await find();
	return { id: body.transaction_id, token: body.status_token, attempt_id: id, psp_order_id: psp_order_id! };
}

/** What the payer, and then the PSP, does. */
function payAtPsp({ psp_order_id }: Payment, outcome: "success" | "failure", more: object = {}) {
	return control("POST", "pay", { provider: "razorpay", order: psp_order_id, outcome, ...more });
}

async function statusOf({ id, token }: Payment): Promise<string> {
	return (await call(`${demo.checkout_url}/transaction/${id}?token=${token}`, "GET")).body.status;
}

/** What the merchant's endpoint has received about a payment, and whether the signature verified there. */
async function receivedBy(payment: Payment): Promise<{ type: string; verified: boolean }[]> {
	const events: { type: string; verified: boolean; body: { data: { transaction_id: string } } }[] = await control(
		"GET",
		"merchant/events",
	);
	return events
		.filter(({ body }) => body.data.transaction_id === payment.id)
		.map(({ type, verified }) => ({ type, verified }));
}

function entriesOf({ id }: Payment) {
	return query("select type, amount::int from public.wallet_entries where transaction_id = $1 order by entry_no", [id]);
}

/** Nothing is left to do for the merchant: what has not happened by now does not happen. */
async function untilJobsAreDone(client_id: string): Promise<void> {
	const waiting = () =>
		query(
			`select j.payload, j.last_error from graphile_worker._private_jobs j
			where coalesce(j.payload ->> 'attempt_id', j.payload ->> 'event_id', j.payload ->> 'alert_id')::uuid in (
				select id from public.payment_attempts where client_id = $1
				union all select id from public.gateway_events where client_id = $1
				union all select id from public.webhook_events where client_id = $1
				union all select id from public.alerts where client_id = $1)`,
			[client_id],
		);
	await expect.poll(waiting, SOON).toEqual([]);
}

/** Everything that a webhook could have changed. */
async function stateOf(shop: Shop): Promise<unknown> {
	return queryOne(
		`select (select jsonb_agg(t order by t.id) from public.transactions t where t.client_id = c.id) as transactions,
			(select jsonb_agg(a order by a.id) from public.payment_attempts a where a.client_id = c.id) as attempts,
			(select count(*)::int from public.gateway_events e where e.client_id = c.id) as gateway_events,
			(select count(*)::int from public.webhook_events e where e.client_id = c.id) as webhook_events,
			(select count(*)::int from public.wallet_entries e where e.client_id = c.id) as entries
		from public.clients c where c.id = $1`,
		[shop.id],
	);
}

async function studioToken(login: Login): Promise<string> {
	const { status, body } = await call(`${demo.studio_url}/auth/login`, "POST", login);
	expect(status).toBe(200);
	return body.data.access_token;
}

function merchantNamed(name: string): Demo["merchants"][number] {
	return demo.merchants.find((merchant) => merchant.name === name)!;
}

/** The commission and the GST on it, to the paisa: 3.5 % of Rs 499.00 is Rs 17.465, 18 % of Rs 17.47 is Rs 3.1446. */
const ENTRIES = [
	{ type: "COMMISSION", amount: 1_747 },
	{ type: "COMMISSION_GST", amount: 314 },
];

describe("readiness", () => {
	it("is told part by part", async () => {
		const { status, body } = await call(`${demo.checkout_url}/readyz`, "GET");
		expect(status).toBe(200);
		expect(body).toMatchObject({
			status: "ok",
			parts: { database: { status: "ok" }, listener: { status: "ok" }, jobs: { status: "ok" } },
		});
		expect(body.parts.jobs.worker_seen_seconds_ago).toBeLessThan(30);
	});
});

describe("routing", () => {
	it("gives fifty payments to fifty gateways of one payment a minute, and refuses the 51st until one is free", async () => {
		const lamps = merchantNamed("Fifty Lamps");
		const answers = await Promise.all(Array.from({ length: 50 }, () => initiate(lamps)));
		expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
		const used = () =>
			queryOne<{ payments: number; gateways: number }>(
				`select count(*)::int as payments, count(distinct gateway_id)::int as gateways
				from public.transactions where client_id = $1`,
				[lamps.client_id],
			);
		expect(await used()).toEqual({ payments: 50, gateways: 50 });

		const refused = await initiate(lamps);
		expect(refused.status).toBe(503);
		expect(refused.body.error.code).toBe("service_unavailable");
		expect(Number(refused.headers.get("retry-after"))).toSatisfy((seconds) => seconds >= 1 && seconds <= 60);
		expect(await used()).toEqual({ payments: 50, gateways: 50 });
		const alerts = () =>
			query(
				"select kind, severity, status, notified_at is not null as notified from public.alerts where client_id = $1",
				[lamps.client_id],
			);
		await expect
			.poll(alerts, SOON)
			.toEqual([{ kind: "no_gateway", severity: "critical", status: "open", notified: true }]);

		// The minute of one gateway is over.
		const { gateway_id } = await queryOne<{ gateway_id: string }>(
			`update public.gateway_states set window_started_at = window_started_at - interval '1 minute'
			where gateway_id = (select gateway_id from public.transactions where client_id = $1 limit 1) returning gateway_id`,
			[lamps.client_id],
		);
		const free = await initiate(lamps);
		expect([free.status, await gatewayOf(free)]).toEqual([200, gateway_id]);
		expect((await initiate(lamps)).status).toBe(503);
		await untilJobsAreDone(lamps.client_id);
	});

	it("leaves a gateway out from the very request after it was switched off in the studio, and takes it back", async () => {
		const books = merchantNamed("Kaveri Books");
		const authorization = `Bearer ${await studioToken(demo.operator)}`;
		const turn = async (id: string, is_active: boolean) => {
			const url = `${demo.studio_url}/items/payment_gateways/${id}`;
			expect((await call(url, "PATCH", { is_active }, { authorization })).status).toBe(200);
		};
		const gateways = await query<{ id: string }>("select id from public.payment_gateways where client_id = $1", [
			books.client_id,
		]);
		expect((await initiate(books)).status).toBe(200);

		const on = new Set(gateways.map(({ id }) => id));
		for (const { id } of gateways) {
			await turn(id, false);
			on.delete(id);
			const answer = await initiate(books);
			if (on.size > 0) expect(on).toContain(await gatewayOf(answer));
			else expect([answer.status, answer.body.error?.code]).toEqual([503, "service_unavailable"]);
		}
		for (const { id } of gateways) {
			await turn(id, true);
			const answer = await initiate(books);
			expect(answer.status).toBe(200);
			if (id === gateways[0]!.id) expect(await gatewayOf(answer)).toBe(id);
		}
		const changes = await query(
			`select u.email, (a.after ->> 'is_active')::boolean as is_active
			from public.audit_log a left join directus.directus_users u on u.id::text = a.actor
			where a.table_name = 'payment_gateways' and a.row_id = $1 and a.action = 'update' order by a.id`,
			[gateways[0]!.id],
		);
		const { email } = demo.operator;
		expect(changes).toEqual([
			{ email, is_active: false },
			{ email, is_active: true },
		]);
		await untilJobsAreDone(books.client_id);
	});

	async function gatewayOf({ body }: Answer): Promise<string> {
		const sql = "select gateway_id from public.transactions where id = $1";
		return (await queryOne<{ gateway_id: string }>(sql, [body.transaction_id])).gateway_id;
	}
});

describe("webhooks of the PSP", () => {
	it("count once though a hundred copies come at once to both addresses", async () => {
		const shop = await openShop();
		const payment = await startPayment(shop);
		const { payment: entity } = await payAtPsp(payment, "success", { webhook: { skip: true } });
		const body = JSON.stringify({
			entity: "event",
			account_id: "acc_1",
			event: "payment.captured",
			contains: ["payment"],
			payload: { payment: { entity } },
			created_at: entity.created_at,
		});
		const headers = {
			"x-razorpay-event-id": randomBytes(7).toString("hex"),
			"x-razorpay-signature": createHmac("sha256", shop.gateway.webhook_secret).update(body).digest("hex"),
		};
		const urls = [
			`${demo.checkout_url}/webhook/${shop.client_key}`,
			`${demo.checkout_url}/webhook/${shop.client_key}/${shop.gateway.id}`,
		];
		const answers = await Promise.all(
			Array.from({ length: 100 }, (_, index) => call(urls[index % 2]!, "POST", body, headers)),
		);
		expect(answers.map((answer) => [answer.status, answer.body])).toEqual(Array(100).fill([200, { received: true }]));

		await expect.poll(() => receivedBy(payment), SOON).not.toEqual([]);
		await untilJobsAreDone(shop.id);
		expect(await statusOf(payment)).toBe("paid");
		expect(
			await query("select event_type, verified, error from public.gateway_events where client_id = $1", [shop.id]),
		).toEqual([{ event_type: "payment.captured", verified: true, error: null }]);
		expect(await entriesOf(payment)).toEqual(ENTRIES);
		expect(await receivedBy(payment)).toEqual([{ type: "payment.paid", verified: true }]);
	});

	it("are refused with 401 and change nothing when they are forged", async () => {
		const shop = await openShop();
		const other = await openShop();
		const payment = await startPayment(shop);
		await untilJobsAreDone(shop.id);
		const before = await stateOf(shop);

		const { payment: entity } = await payAtPsp(payment, "success", { webhook: { forge: true } });
		const sent = async () =>
			((await control("GET", "webhooks")) as { url: string; last_status: number | null }[])
				.filter(({ url }) => url.includes(shop.client_key))
				.map(({ last_status }) => last_status);
		await expect.poll(sent, SOON).toEqual([401, 401, 401]);

		const body = JSON.stringify({ entity: "event", event: "payment.captured", payload: { payment: { entity } } });
		const sign = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");
		const own = shop.gateway.webhook_secret;
		const forgeries: Record<string, string>[] = [
			{},
			{ "x-razorpay-signature": "" },
			{ "x-razorpay-signature": sign(other.gateway.webhook_secret, body) },
			{ "x-razorpay-signature": sign(shop.gateway.api_secret, body) },
			{ "x-razorpay-signature": sign(own, body.replace(String(AMOUNT), "1")) },
		];
		for (const headers of forgeries) {
			for (const path of [shop.client_key, `${shop.client_key}/${shop.gateway.id}`]) {
				const answer = await call(`${demo.checkout_url}/webhook/${path}`, "POST", body, headers);
				expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_credentials"]);
			}
		}
		// Rightly signed, but by an account of another merchant: it says nothing about this payment.
		const foreign = { "x-razorpay-signature": sign(other.gateway.webhook_secret, body) };
		const crossed = `${demo.checkout_url}/webhook/${other.client_key}/${shop.gateway.id}`;
		expect((await call(crossed, "POST", body, foreign)).status).toBe(404);
		const claimed = await call(`${demo.checkout_url}/webhook/${other.client_key}`, "POST", body, foreign);
		expect(claimed.status).toBe(200);
		await expect
			.poll(() => query("select error from public.gateway_events where client_id = $1", [other.id]), SOON)
			.toEqual([{ error: expect.stringContaining("No payment here") }]);
		expect(await stateOf(shop)).toEqual(before);
		expect(await statusOf(payment)).toBe("pending");
	});
});

describe("a payment", () => {
	it("that was declined is paid by the next try, and the merchant is told of both", async () => {
		const payment = await startPayment(await openShop());
		await payAtPsp(payment, "failure");
		await expect.poll(() => receivedBy(payment), SOON).toEqual([{ type: "payment.failed", verified: true }]);
		expect(await statusOf(payment)).toBe("failed");
		expect(await entriesOf(payment)).toEqual([]);

		await payAtPsp(payment, "success");
		await expect
			.poll(() => receivedBy(payment), SOON)
			.toEqual([
				{ type: "payment.failed", verified: true },
				{ type: "payment.paid", verified: true },
			]);
		expect(await statusOf(payment)).toBe("paid");
		expect(await entriesOf(payment)).toEqual(ENTRIES);
	});

	it.each([
		["less than was ordered", { amount: AMOUNT - 1 }],
		["more than was ordered", { amount: AMOUNT + 1 }],
		["another currency than was ordered", { currency: "USD" }],
	])("of %s is never paid, and operators are told", async (_, paid) => {
		const shop = await openShop();
		const payment = await startPayment(shop);
		await payAtPsp(payment, "success", paid);
		const processed = () =>
			query(
				"select event_type from public.gateway_events where client_id = $1 and processed_at is not null order by event_type",
				[shop.id],
			);
		await expect
			.poll(processed, SOON)
			.toEqual([
				{ event_type: "order.paid" },
				{ event_type: "payment.authorized" },
				{ event_type: "payment.captured" },
			]);
		await comeBack(payment);
		await untilJobsAreDone(shop.id);
		expect(await statusOf(payment)).toBe("pending");
		expect(await entriesOf(payment)).toEqual([]);
		expect(await receivedBy(payment)).toEqual([]);
		expect(await query("select kind, severity, status from public.alerts where client_id = $1", [shop.id])).toEqual([
			{ kind: "amount_mismatch", severity: "critical", status: "open" },
		]);
	});

	it("whose webhook never comes is paid when the payer comes back, whatever the browser brings", async () => {
		const shop = await openShop();
		for (const carried of ["signed", "forged", "nothing"]) {
			const payment = await startPayment(shop);
			const { payment: entity } = await payAtPsp(payment, "success", { webhook: { skip: true } });
			const secret = carried === "signed" ? shop.gateway.api_secret : "a guess";
			const fields = {
				razorpay_payment_id: entity.id,
				razorpay_order_id: payment.psp_order_id,
				razorpay_signature: createHmac("sha256", secret).update(`${payment.psp_order_id}|${entity.id}`).digest("hex"),
			};
			await comeBack(payment, carried === "nothing" ? {} : fields);
			await expect.poll(() => statusOf(payment), { ...SOON, message: carried }).toBe("paid");
			expect(await entriesOf(payment)).toEqual(ENTRIES);
		}
	});

	it("is not paid by a return that claims it, when the PSP knows of no payment", async () => {
		const shop = await openShop();
		const payment = await startPayment(shop);
		await comeBack(payment, {
			razorpay_payment_id: "pay_29QQoUBi66xm2f",
			razorpay_order_id: payment.psp_order_id,
			razorpay_signature: createHmac("sha256", "a guess").update(payment.psp_order_id).digest("hex"),
		});
		await untilJobsAreDone(shop.id);
		expect(await statusOf(payment)).toBe("pending");
		expect(await entriesOf(payment)).toEqual([]);
	});

	it("whose webhook never comes and whose payer is gone is paid when it is looked up", async () => {
		const payment = await startPayment(await openShop());
		await payAtPsp(payment, "success", { webhook: { skip: true } });
		// The schedule's time has come.
		await query("update public.payment_attempts set next_lookup_at = now() where id = $1", [payment.attempt_id]);
		await query("select public.enqueue_pending_lookups()");
		await expect.poll(() => receivedBy(payment), SOON).toEqual([{ type: "payment.paid", verified: true }]);
		expect(await statusOf(payment)).toBe("paid");
		expect(await entriesOf(payment)).toEqual(ENTRIES);
	});

	it("has one order at the PSP though the reply to it was lost, and goes on", async () => {
		const shop = await openShop();
		const fault = { service: "razorpay", path: "/v1/orders", method: "POST", kind: "drop_after_success" };
		await control("POST", "faults", fault);
		const payment = await startPayment(shop);
		expect(await control("GET", "faults")).toEqual([]);

		const { api_key, api_secret } = shop.gateway;
		const { body } = await call(`${demo.sandbox_url}/razorpay/v1/orders?count=100`, "GET", undefined, {
			authorization: `Basic ${Buffer.from(`${api_key}:${api_secret}`).toString("base64")}`,
		});
		expect(body).toMatchObject({
			count: 1,
			items: [{ id: payment.psp_order_id, amount: AMOUNT, notes: { reference: payment.attempt_id } }],
		});
		const log: { fault: string | null; body: { notes?: { reference?: string } } }[] = await control(
			"GET",
			"log?service=razorpay&path=/v1/orders&method=POST",
		);
		expect(
			log.filter((entry) => entry.body.notes?.reference === payment.attempt_id).map((entry) => entry.fault),
		).toEqual(["drop_after_success"]);

		await payAtPsp(payment, "success");
		await expect.poll(() => receivedBy(payment), SOON).toEqual([{ type: "payment.paid", verified: true }]);
		expect(await entriesOf(payment)).toEqual(ENTRIES);
	});

	/** The payer's browser returns from the PSP with this form. */
	async function comeBack({ id, token }: Payment, form: Record<string, string> = {}): Promise<void> {
		const response = await fetch(`${demo.checkout_url}/pay/${id}/return?token=${token}`, {
			method: "POST",
			body: new URLSearchParams(form),
			redirect: "manual",
		});
		expect(response.status).toBe(303);
		expect(response.headers.get("location")).toContain(`/pay/${id}?`);
	}
});

describe("two checkouts and two workers behind one database", () => {
	let second: { url: string; process: ChildProcess };
	const started: ChildProcess[] = [];

	beforeAll(async () => {
		second = await startBeside("checkout");
	});
	afterAll(async () => {
		for (const child of started) {
			if (child.exitCode !== null || child.signalCode !== null) continue;
			child.kill("SIGTERM");
			await once(child, "exit");
		}
	});

	const either = (index: number) => (index % 2 === 0 ? demo.checkout_url : second.url);

	it("hold a merchant's rate limit exactly, over all kinds of requests", async () => {
		const limit = 40;
		const shop = await openShop();
		await query("update public.clients set rate_limit_per_minute = $2 where id = $1", [shop.id, limit]);
		const answers = await Promise.all(
			Array.from({ length: 120 }, (_, index) =>
				index % 3 === 0
					? merchantCall(shop, "GET", `/transactions?limit=${(index % 100) + 1}`, undefined, either(index))
					: initiate(shop, {}, either(index)),
			),
		);
		const admitted = answers.filter(({ status }) => status === 200);
		expect(admitted).toHaveLength(limit);
		for (const refused of answers.filter((answer) => !admitted.includes(answer))) {
			expect([refused.status, refused.body.error.code]).toEqual([429, "rate_limited"]);
			expect(Number(refused.headers.get("retry-after"))).toSatisfy((seconds) => seconds >= 1 && seconds <= 60);
		}
		const initiated = admitted.filter(({ body }) => body.transaction_id !== undefined);
		expect(
			await queryOne("select count(*)::int as payments from public.transactions where client_id = $1", [shop.id]),
		).toEqual({ payments: initiated.length });
	});

	it("make one payment of one order, and no more payments than a day's cap allows", async () => {
		const shop = await openShop();
		const order_id = `KB-${randomUUID()}`;
		const same = await Promise.all(
			Array.from({ length: 40 }, (_, index) => initiate(shop, { order_id }, either(index))),
		);
		expect(new Set(same.map(({ status, body }) => `${status} ${body.transaction_id}`)).size).toBe(1);

		await query("update public.clients set daily_count_cap = 8 where id = $1", [shop.id]);
		const more = await Promise.all(Array.from({ length: 40 }, (_, index) => initiate(shop, {}, either(index))));
		expect(more.filter(({ status }) => status === 200)).toHaveLength(7);
		expect(
			await queryOne("select count(*)::int as payments from public.transactions where client_id = $1", [shop.id]),
		).toEqual({ payments: 8 });
	});

	it("both hear at once of a merchant that is suspended and released", async () => {
		const shop = await openShop();
		const statuses = async () =>
			(await Promise.all([0, 1].map((index) => initiate(shop, {}, either(index))))).map(({ status }) => status);
		expect(await statuses()).toEqual([200, 200]);
		for (const [suspend, expected] of [
			[true, 403],
			[false, 200],
		] as const) {
			await query("select public.set_client_suspension($1, $2, 'because', 'test')", [shop.id, suspend]);
			expect(await statuses()).toEqual([expected, expected]);
		}
	});

	it("tell the stream at one of what the PSP has told the other", async () => {
		const shop = await openShop();
		const payment = await startPayment(shop);
		const abort = new AbortController();
		const response = await fetch(`${second.url}/status/${payment.id}/stream?token=${payment.token}`, {
			signal: abort.signal,
		});
		let text = "";
		const read = (async () => {
			for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
				text += Buffer.from(chunk).toString();
		})();
		await expect.poll(() => text, SOON).toContain('"status":"pending"');
		await payAtPsp(payment, "success");
		await read;
		expect(text).toContain('"status":"paid"');
	});

	it("do each job once in effect, though one worker is killed while both drain", async () => {
		const workers = () => query<{ worker_id: string }>("select worker_id from public.worker_heartbeats");
		const others = (await workers()).map(({ worker_id }) => worker_id);
		const worker = await startBeside("jobs");
		const shop = await openShop({ rate_limit_per_minute: 1_000 });
		await query("update public.clients set max_rpm_per_gateway = null where id = $1", [shop.id]);
		const payments = await Promise.all(
			Array.from({ length: 24 }, async (_, index) => {
				const { status, body } = await initiate(shop, {}, either(index));
				expect(status, JSON.stringify(body)).toBe(200);
				return { id: body.transaction_id as string, token: body.status_token as string };
			}),
		);
		const ordered = () =>
			query<{ transaction_id: string; id: string; psp_order_id: string }>(
				"select transaction_id, id, psp_order_id from public.payment_attempts where client_id = $1 and psp_order_id is not null",
				[shop.id],
			);
		// Some orders are made and some are not.
		await expect.poll(async () => (await ordered()).length, { ...SOON, interval: 5 }).toBeGreaterThan(3);
		worker.process.kill("SIGKILL");
		await once(worker.process, "exit");
		// What would else be noticed after forty seconds.
		await query(
			"update public.worker_heartbeats set beat_at = beat_at - interval '1 hour' where worker_id <> all ($1)",
			[others],
		);
		await expect.poll(async () => (await ordered()).length, SOON).toBe(payments.length);

		const attempts = await ordered();
		await Promise.all(
			attempts.map(({ psp_order_id }) =>
				control("POST", "pay", { provider: "razorpay", order: psp_order_id, outcome: "success" }),
			),
		);
		await expect
			.poll(
				() =>
					queryOne("select count(*)::int as n from public.transactions where client_id = $1 and status = 'paid'", [
						shop.id,
					]),
				SOON,
			)
			.toEqual({ n: payments.length });
		await untilJobsAreDone(shop.id);
		expect(
			await queryOne(
				`select count(*)::int as entries, count(distinct (transaction_id, type))::int as kinds
				from public.wallet_entries where client_id = $1`,
				[shop.id],
			),
		).toEqual({ entries: 2 * payments.length, kinds: 2 * payments.length });
		const { api_key, api_secret } = shop.gateway;
		const { body } = await call(`${demo.sandbox_url}/razorpay/v1/orders?count=100`, "GET", undefined, {
			authorization: `Basic ${Buffer.from(`${api_key}:${api_secret}`).toString("base64")}`,
		});
		const references = body.items.map(({ notes }: { notes: { reference: string } }) => notes.reference);
		expect(references.toSorted()).toEqual(attempts.map(({ id }) => id).toSorted());
		// What waits for others at its endpoint has no job meanwhile.
		await expect
			.poll(() => query("select status from public.webhook_events where client_id = $1", [shop.id]), SOON)
			.toEqual(Array(payments.length).fill({ status: "delivered" }));
	});

	async function startBeside(part: "checkout" | "jobs"): Promise<{ url: string; process: ChildProcess }> {
		const admin = new URL(demo.database_url);
		const name = decodeURIComponent(admin.pathname.slice(1));
		const script = part === "checkout" ? "checkout/server.ts" : "jobs/worker.ts";
		const child = spawn(process.execPath, [join(ROOT, script)], {
			env: {
				PATH: process.env.PATH,
				NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
				DATABASE_URL: roleUrl(demo.database_url, name, part, secrets.database_passwords[part]),
				ENCRYPTION_KEYS: secrets.encryption_keys,
				STATUS_TOKEN_KEY: secrets.status_token_key,
				PUBLIC_CHECKOUT_URL: demo.checkout_url,
				SANDBOX_URL: demo.sandbox_url,
				OUTBOUND_ALLOWED_HOSTS: new URL(demo.sandbox_url).host,
				...(part === "checkout" ? { PORT: "0" } : {}),
			},
			stdio: ["ignore", "ignore", "inherit", "ipc"],
		});
		started.push(child);
		const ended = once(child, "exit").then(([code]) => {
			throw new Error(`${part} ended with ${code}`);
		});
		ended.catch(() => {});
		const [message] = (await Promise.race([once(child, "message"), ended])) as [{ port?: number }];
		return { url: `http://127.0.0.1:${message.port}`, process: child };
	}
});

describe("secrets", () => {
	it("are in no log and in no table, whatever was done with them", async () => {
		const books = merchantNamed("Kaveri Books");
		await sendSecretsWrongly(books);
		const typed = {
			new_api_secret: randomBytes(12).toString("hex"),
			new_webhook_secret: randomBytes(12).toString("hex"),
		};
		await typeIntoStudio(books, typed);
		for (const { name, client_salt, webhook_secret } of demo.merchants) {
			canaries.set(`${name}'s salt`, client_salt);
			canaries.set(`${name}'s webhook secret`, webhook_secret);
		}
		for (const [name, value] of Object.entries(typed)) canaries.set(`the ${name} typed into the studio`, value);
		const gateways = await query<{ id: string; name: string; api_secret: string; webhook_secret: string }>(
			`select g.id, g.name, g.api_secret, g.webhook_secret from public.payment_gateways g
			where g.client_id = any ($1) and g.webhook_secret is not null`,
			[demo.merchants.map(({ client_id }) => client_id)],
		);
		expect(gateways.length).toBeGreaterThan(50);
		for (const gateway of gateways) {
			for (const column of ["api_secret", "webhook_secret"] as const) {
				const place = { table: "payment_gateways", column, row: gateway.id };
				canaries.set(`${gateway.name}'s ${column}`, decryptSecret(keys, gateway[column], place));
			}
		}

		const waiting = await keepJobsWaiting();

		const places = await dumpTables();
		expect([...places.keys()]).toEqual(
			expect.arrayContaining([
				"public.audit_log",
				"public.gateway_events",
				"directus.directus_activity",
				"directus.directus_revisions",
				"graphile_worker._private_jobs",
			]),
		);
		// What the parts still hold back is written when they stop.
		expect(await stack.stop({ keep: true })).toBe(0);
		const logs = join(stack.dataDirectory, "logs");
		for (const file of readdirSync(logs)) places.set(file, readFileSync(join(logs, file), "utf8"));
		expect([...places.keys()]).toEqual(
			expect.arrayContaining(["checkout.log", "jobs.log", "studio.log", "sandbox.log", "postgres.log"]),
		);

		// What may be seen is found there, so what is not found is not there.
		expect(places.get("public.clients")).toContain(books.client_key);
		expect(places.get("checkout.log")).toContain(books.client_id);
		for (const id of waiting) expect(places.get("graphile_worker._private_jobs")).toContain(id);
		const found: string[] = [];
		for (const [name, secret] of canaries) {
			const bytes = Buffer.from(secret);
			// Key material of a Standard Webhooks secret is what follows its prefix.
			const forms = [secret.replace(/^whsec_/, ""), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("hex")];
			for (const [place, text] of places) {
				if (forms.some((form) => text.includes(form))) found.push(`${name} is in ${place}`);
			}
		}
		expect(found).toEqual([]);
	});

	/** Requests that carry the salt openly and are refused, each at another stage. */
	async function sendSecretsWrongly({ client_key, client_salt }: Credentials): Promise<void> {
		const url = `${demo.checkout_url}/payment/initiate`;
		const headers = { "x-client-key": client_key, "x-client-salt": client_salt };
		const order = { order_id: `KB-${randomUUID()}`, amount: AMOUNT };
		const statuses = [
			await call(url, "POST", order, headers),
			await call(url, "POST", { ...order, client_key, client_salt }),
			await call(url, "POST", { ...order, amount: -1, client_key, client_salt }),
			await call(url, "POST", { ...order, amount: AMOUNT + 1, client_key, client_salt }),
			await call(url, "POST", { ...order, unknown: client_salt }, headers),
			await call(url, "POST", `{"client_salt":"${client_salt}",`, headers),
			await call(url, "POST", order, { ...headers, "content-type": `text/${client_salt}` }),
			await call(url, "POST", order, { ...headers, "x-client-key": "lsp_unknown_key" }),
		].map(({ status }) => status);
		expect(statuses).toEqual([200, 200, 400, 409, 400, 400, 415, 401]);
	}

	/** A call that could not reach the PSP and a job that could not reach the merchant; answers what that job is about. */
	async function keepJobsWaiting(): Promise<string[]> {
		const shop = await openShop();
		const payment = await startPayment(shop);
		const always = { kind: "status", status: 500, times: 1_000 };
		await control("POST", "faults", { service: "merchant", ...always });
		await payAtPsp(payment, "success");
		const failed = () =>
			query<{ id: string }>(
				`select e.id from public.webhook_events e join public.webhook_deliveries d on d.event_id = e.id
				where e.client_id = $1 and d.status_code = 500`,
				[shop.id],
			);
		await expect.poll(failed, SOON).toHaveLength(1);

		await control("POST", "faults", { service: "razorpay", kind: "drop_before", times: 1_000 });
		const { body } = await initiate(shop);
		const lost = () =>
			query<{ id: string }>("select id from public.payment_attempts where transaction_id = $1 and status = 'unknown'", [
				body.transaction_id,
			]);
		await expect.poll(lost, SOON).toHaveLength(1);
		return (await failed()).map(({ id }) => id);
	}

	/** Taken, refused by the database, refused by the role. */
	async function typeIntoStudio({ client_id }: { client_id: string }, typed: object): Promise<void> {
		const authorization = `Bearer ${await studioToken(demo.operator)}`;
		const { id } = await queryOne<{ id: string }>("select id from public.payment_gateways where client_id = $1", [
			client_id,
		]);
		const url = `${demo.studio_url}/items/payment_gateways/${id}`;
		expect((await call(url, "PATCH", typed, { authorization })).status).toBe(200);
		expect((await call(url, "PATCH", { ...typed, weight: -1 }, { authorization })).status).toBeGreaterThanOrEqual(400);
		expect((await call(url, "PATCH", { ...typed, provider: "stripe" }, { authorization })).status).toBe(403);
	}

	/** Each row of each table as PostgreSQL writes it; bytes are hexadecimal there. */
	async function dumpTables(): Promise<Map<string, string>> {
		const tables = await query<{ name: string; sql: string }>(
			`select format('%s.%s', n.nspname, c.relname) as name,
				format('select coalesce(string_agg(t::text, E''\\n''), '''') as text from %I.%I t', n.nspname, c.relname) as sql
			from pg_class c join pg_namespace n on n.oid = c.relnamespace
			where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`,
		);
		const dump = new Map<string, string>();
		for (const { name, sql } of tables) dump.set(name, (await queryOne<{ text: string }>(sql)).text);
		return dump;
	}
});
