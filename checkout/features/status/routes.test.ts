import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
	beginPspOrder,
	readAttempt,
	recordPspOrder,
	recordPspOrderFailure,
	settleAttempt,
} from "../../../db/client/attempts.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { ask, initiate, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;
let payment: { transaction_id: string; status_token: string; order_id: string };
let attempt_id: string;
let orders = 0;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys);
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});
beforeEach(async () => {
	payment = (await initiate(checkout, merchant, { amount: 49900, order_id: `A-${++orders}` })).body;
	attempt_id = await attemptOf(payment);
});

interface StreamEvent {
	event: string;
	id: number;
	// biome-ignore lint/suspicious/noExplicitAny: the body of a transaction
	data: any;
}

/** One connection to the stream; everything received can be awaited. */
class Reader {
	readonly #response: Response;
	readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
	readonly #abort: AbortController;
	#text = "";
	constructor(response: Response, abort: AbortController) {
		this.#response = response;
		this.#abort = abort;
		this.#reader = response.body!.getReader();
	}
	get headers(): Headers {
		return this.#response.headers;
	}
	/** The next block that `accepts` takes; null when the stream ended. */
	async #block(accepts: (block: string) => boolean): Promise<string | null> {
		for (;;) {
			const end = this.#text.indexOf("\n\n");
			if (end >= 0) {
				const block = this.#text.slice(0, end);
				this.#text = this.#text.slice(end + 2);
				if (accepts(block)) return block;
				continue;
			}
			const { value, done } = await this.#reader.read();
			if (done) return null;
			this.#text += Buffer.from(value).toString();
		}
	}
	block(start: string): Promise<string | null> {
		return this.#block((block) => block.startsWith(start));
	}
	async event(): Promise<StreamEvent | null> {
		const block = await this.block("event:");
		if (block === null) return null;
		const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s).slice(0, 2)));
		return { event: fields.event, id: Number(fields.id), data: JSON.parse(fields.data) };
	}
	close(): void {
		this.#abort.abort();
	}
}

const streamUrl = ({ transaction_id, status_token } = payment) =>
	`${checkout.url}/status/${transaction_id}/stream?token=${status_token}`;

async function open(headers: Record<string, string> = {}): Promise<Reader> {
	const abort = new AbortController();
	const response = await fetch(streamUrl(), { headers, signal: abort.signal });
	expect(response.status).toBe(200);
	return new Reader(response, abort);
}

async function attemptOf({ transaction_id }: typeof payment): Promise<string> {
	const { rows } = await database
		.pool("admin")
		.query("select id from public.payment_attempts where transaction_id = $1", [transaction_id]);
	return rows[0].id;
}

/** The PSP has an order that a payer can try to pay, also once more. */
async function order(): Promise<void> {
	await beginPspOrder(database.pool("jobs"), attempt_id);
	await recordPspOrder(database.pool("jobs"), {
		attempt_id,
		psp_order_id: `order_${orders}`,
		presentation: { kind: "redirect", url: "https://psp.test/pay" },
		latency_ms: 5,
	});
}

async function settle(outcome: "succeeded" | "failed"): Promise<void> {
	const work = await readAttempt(database.pool("jobs"), attempt_id);
	await settleAttempt(database.pool("jobs"), attempt_id, {
		outcome,
		psp_payment_id: `pay_${orders}_${outcome}`,
		amount: work!.transaction.amount,
		currency: "INR",
		method: "upi",
		bank_reference: null,
		fee: null,
		error: outcome === "failed" ? { code: "declined", message: "The bank declined." } : null,
		raw: {},
	});
}

/** A connection on which one writes HTTP by hand. */
async function dial(): Promise<{ socket: Socket; text: () => string }> {
	const socket = connect(Number(new URL(checkout.url).port), "127.0.0.1").setEncoding("latin1");
	let text = "";
	socket.on("data", (chunk: string) => {
		text += chunk;
	});
	socket.on("error", () => {});
	await once(socket, "connect");
	return { socket, text: () => text };
}

const streamPath = () => streamUrl().slice(checkout.url.length);

const closed = (count: number) => expect.poll(() => checkout.dependencies.hub.size).toBe(count);

describe("GET /status/:id/stream", () => {
	it("tells how long to wait before reconnecting, then the present state, then each change, and ends when paid", async () => {
		const stream = await open();
		expect(stream.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
		expect(stream.headers.get("cache-control")).toContain("no-store");
		// A merchant's own page may follow its payer's transaction.
		expect(stream.headers.get("access-control-allow-origin")).toBe("*");
		const [, retry] = /^retry: (\d+)$/.exec((await stream.block("retry:"))!)!;
		expect(Number(retry)).toSatisfy((ms: number) => ms >= 2_000 && ms <= 5_000);
		const first = await stream.event();
		expect(first).toMatchObject({ event: "status", data: { status: "created", order_id: payment.order_id } });
		await settle("succeeded");
		const second = await stream.event();
		expect(second).toMatchObject({ event: "status", data: { status: "paid", method: "upi" } });
		expect(second!.id).toBeGreaterThan(first!.id);
		const { body } = await ask(`${checkout.url}/transaction/${payment.transaction_id}?token=${payment.status_token}`);
		expect(second!.data).toEqual(body);
		expect(await stream.event()).toBeNull();
		await closed(0);
	});

	it("stays open after a decline, since the payer may try again, and then tells the success", async () => {
		await order();
		const stream = await open();
		await stream.event();
		await settle("failed");
		expect(await stream.event()).toMatchObject({ data: { status: "failed", error: { code: "declined" } } });
		await settle("succeeded");
		expect(await stream.event()).toMatchObject({ data: { status: "paid" } });
		expect(await stream.event()).toBeNull();
	});

	it("ends after a decline when the time to try again is over", async () => {
		const short = await createMerchant(database.pool("admin"), keys, { payment_expiry_seconds: 60 });
		payment = (await initiate(checkout, short, { amount: 100, order_id: "short" })).body;
		attempt_id = await attemptOf(payment);
		await order();
		const { rows } = await database
			.pool("admin")
			.query(
				`update public.transactions set status = 'failed', expires_at = now() + interval '500 ms' where id = $1 returning id`,
				[payment.transaction_id],
			);
		expect(rows).toHaveLength(1);
		const stream = await open();
		const event = await stream.event();
		expect(event).toMatchObject({ data: { status: "failed" } });
		expect(await stream.event()).toBeNull();
		const again = await ask(streamUrl(), { headers: { "last-event-id": String(event!.id) } });
		expect(again.status).toBe(204);
	});

	it("ends at once when no gateway could take the payment, since there is nothing to try again", async () => {
		const stream = await open();
		await stream.event();
		await recordPspOrderFailure(database.pool("jobs"), {
			attempt_id,
			error: { code: "invalid_request", message: "The PSP refused the order.", http_status: 400 },
			latency_ms: 5,
		});
		const failed = await stream.event();
		expect(failed).toMatchObject({ data: { status: "failed" } });
		expect(await stream.event()).toBeNull();
		const again = await ask(streamUrl(), { headers: { "last-event-id": String(failed!.id) } });
		expect(again.status).toBe(204);
	});

	it("resumes: nothing for what was seen, then the next change", async () => {
		await order();
		const before = await open();
		const seen = await before.event();
		before.close();
		await settle("failed");
		const resumed = await open({ "last-event-id": String(seen!.id) });
		const missed = await resumed.event();
		expect(missed).toMatchObject({ data: { status: "failed" } });
		resumed.close();
		const current = await open({ "last-event-id": String(missed!.id) });
		const next = current.event();
		await settle("succeeded");
		expect(await next).toMatchObject({ data: { status: "paid" } });
	});

	it("answers 204 to who has seen the final state, so that a browser stops reconnecting", async () => {
		await settle("succeeded");
		const stream = await open();
		const last = await stream.event();
		expect(await stream.event()).toBeNull();
		const again = await ask(streamUrl(), { headers: { "last-event-id": String(last!.id) } });
		expect(again.status).toBe(204);
	});

	it.each(["99999", "-1", "abc", "1e99"])(
		"shows the present state to a Last-Event-ID that cannot be (%s)",
		async (id) => {
			const stream = await open({ "last-event-id": id });
			expect(await stream.event()).toMatchObject({ data: { status: "created" } });
			stream.close();
		},
	);

	it("keeps an idle connection alive with comments", async () => {
		vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
		const other = await startTestCheckout(database);
		try {
			const url = streamUrl().replace(checkout.url, other.url);
			const abort = new AbortController();
			const stream = new Reader(await fetch(url, { signal: abort.signal }), abort);
			await stream.event();
			vi.advanceTimersByTime(15_000);
			expect(await stream.block(":")).toBe(": heartbeat");
			stream.close();
		} finally {
			vi.useRealTimers();
			await other.stop();
		}
	});

	it("tells what changed while the process could not hear the database", async () => {
		const stream = await open();
		await stream.event();
		const { listener } = checkout.dependencies;
		const lost = once(listener, "disconnected");
		// The change commits while no connection listens: both happen in one statement.
		await database.pool("admin").query(
			`with lost as materialized (select pg_terminate_backend(pid) from pg_stat_activity
				where application_name = 'checkout-listener' and datname = current_database())
			update public.transactions set status = 'pending', version = version + 1 where id = $1 and (select count(*) from lost) > 0`,
			[payment.transaction_id],
		);
		await lost;
		expect(await stream.event()).toMatchObject({ data: { status: "pending" } });
		stream.close();
	});

	it("serves many browsers of one transaction, bounded", async () => {
		const streams = await Promise.all(Array.from({ length: 20 }, () => open()));
		await Promise.all(streams.map((stream) => stream.event()));
		const refused = await ask(streamUrl());
		expect([refused.status, refused.body.error.code]).toEqual([429, "rate_limited"]);
		expect(refused.headers.get("retry-after")).toBe("15");
		await settle("succeeded");
		for (const stream of streams) expect(await stream.event()).toMatchObject({ data: { status: "paid" } });
		await closed(0);
	});

	it("gives the connection back when it ends: the next request goes over it", async () => {
		const { socket, text } = await dial();
		socket.write(`GET ${streamPath()} HTTP/1.1\r\nHost: pay.test\r\n\r\n`);
		await expect.poll(text).toContain('"status":"created"');
		expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*transfer-encoding: chunked\r\n/i);
		await settle("succeeded");
		await expect.poll(text).toMatch(/"status":\s?"paid"[\s\S]*\r\n0\r\n\r\n$/);
		socket.write("GET /healthz HTTP/1.1\r\nHost: pay.test\r\n\r\n");
		await expect.poll(text).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
		socket.destroy();
	});

	it("cuts off who sends another request before it has ended, as the answers would mix", async () => {
		const { socket, text } = await dial();
		socket.write(`GET ${streamPath()} HTTP/1.1\r\nHost: pay.test\r\n\r\n`);
		await expect.poll(text).toContain('"status":"created"');
		socket.write("GET /healthz HTTP/1.1\r\nHost: pay.test\r\n\r\n");
		await once(socket, "close");
		expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1);
		await closed(0);
	});

	it.each([
		["HTTP/1.0", "HTTP/1.0\r\n\r\n"],
		["a proxy that keeps no connections", "HTTP/1.1\r\nHost: pay.test\r\nConnection: close\r\n\r\n"],
	])("serves %s until it ends, and then closes", async (_, rest) => {
		const { socket, text } = await dial();
		const end = once(socket, "close");
		socket.write(`GET ${streamPath()} ${rest}`);
		await expect.poll(text).toContain('"status":"created"');
		await settle("succeeded");
		await end;
		expect(text()).toMatch(/"status":\s?"paid"/);
		await closed(0);
	});

	it("is not counted of an address, unless one transaction's is opened again at once", async () => {
		const proxied = await startTestCheckout(database, { TRUSTED_PROXIES: "127.0.0.1" });
		await database.pool("admin").query("update public.address_policy set burst_per_second = 3");
		await proxied.dependencies.addresses.share();
		try {
			const headers = { "x-forwarded-for": "9.9.9.20" };
			const payments = await Promise.all(
				Array.from({ length: 12 }, () => initiate(proxied, merchant, { amount: 100, order_id: `N-${++orders}` })),
			);
			const ask = ({ body }: (typeof payments)[number]) =>
				fetch(streamUrl(body).replace(checkout.url, proxied.url), { headers });
			const statuses: number[] = [];
			for (const each of payments) statuses.push((await ask(each)).status);
			expect(statuses).toEqual(Array(12).fill(200));
			// At once: the limit is one of a second.
			const again = await Promise.all(Array.from({ length: 20 }, () => ask(payments[0]!)));
			expect(again.map(({ status }) => status)).toContain(429);
		} finally {
			await database.pool("admin").query("update public.address_policy set burst_per_second = default");
			await proxied.stop();
		}
	});

	it("lets go of a browser that went away", async () => {
		const stream = await open();
		await stream.event();
		expect(checkout.dependencies.hub.size).toBe(1);
		stream.close();
		await closed(0);
	});

	it("refuses a missing or wrong token, and an id without transaction", async () => {
		const wrong = await ask(streamUrl({ ...payment, status_token: "wrong" }));
		expect([wrong.status, wrong.body.error.code]).toEqual([401, "invalid_credentials"]);
		const missing = await ask(streamUrl().split("?")[0]!);
		expect(missing.status).toBe(401);
		const id = "0198c0de-0000-7000-8000-000000000000";
		const status_token = createStatusToken(checkout.dependencies.env.STATUS_TOKEN_KEY, id);
		const nobody = await ask(streamUrl({ transaction_id: id, status_token, order_id: "" }));
		expect([nobody.status, nobody.body.error.code]).toEqual([404, "not_found"]);
		await closed(0);
	});

	it("answers HEAD without opening a stream", async () => {
		const answer = await ask(streamUrl(), { method: "HEAD" });
		expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
		await closed(0);
	});

	it("ends open streams when the process stops", async () => {
		const other = await startTestCheckout(database);
		const abort = new AbortController();
		const stream = new Reader(
			await fetch(streamUrl().replace(checkout.url, other.url), { signal: abort.signal }),
			abort,
		);
		await stream.event();
		other.dependencies.hub.endAll();
		expect(await stream.event()).toBeNull();
		await other.stop();
	});
});
