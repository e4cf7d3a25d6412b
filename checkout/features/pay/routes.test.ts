import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginPspOrder, movePayment, recordPspOrder, settleAttempt } from "../../../db/client/attempts.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { initiatePayments, readPayPage } from "../../../db/client/payments.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import type { Presentation } from "../../../psp/adapter.ts";
import { createRazorpayAdapter } from "../../../psp/razorpay/adapter.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { TEXTS } from "./languages.ts";
import { payRoutes } from "./routes.ts";
import type { PayDependencies } from "./service.ts";

const PSP = "http://127.0.0.1:4999";
const STATUS_TOKEN_KEY = Buffer.alloc(32, 3);
const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);

let database: TestDatabase;
let merchant: TestMerchant;
let app: string;
const servers: Server[] = [];

/** Serves the routes; returns the origin. */
async function serve(
	pool: PayDependencies["pool"],
	adapters: PayDependencies["adapters"] = new Map([
		["razorpay", createRazorpayAdapter({ api_url: `${PSP}/razorpay` })],
	]),
): Promise<string> {
	const dependencies = {
		env: { STATUS_TOKEN_KEY, SANDBOX_URL: PSP },
		logger: pino({ level: "silent" }),
		pool,
		keys,
		adapters,
	} as unknown as PayDependencies;
	const server = createServer({ keepAliveTimeout: 600_000 }, express().use(payRoutes(dependencies)));
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const get = (path: string, headers: Record<string, string> = {}) =>
	fetch(app + path, { headers: { "Accept-Language": "en", ...headers }, redirect: "manual" });
const post = (path: string, form: Record<string, string>) =>
	fetch(app + path, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys, {
		company_name: "Kaveri Books",
		redirect_urls: ["https://books.example/return"],
	});
	app = await serve(database.pool("checkout"));
});
afterAll(async () => {
	for (const server of servers) server.close();
	await database.drop();
});

let orders = 0;

async function initiate({ id: client_id, client_key } = merchant): Promise<{
	id: string;
	path: string;
	attempt_id: string;
	order_id: string;
}> {
	const order_id = `KB-${++orders}`;
	const [result] = await initiatePayments(database.pool("checkout"), [
		{ client_id, client_key, order_id, amount: 49_900, currency: "INR" },
	]);
	if (!result?.ok) throw result?.error ?? new Error("no result");
	const id = result.transaction_id;
	const page = await readPayPage(database.pool("checkout"), id);
	const token = createStatusToken(STATUS_TOKEN_KEY, id);
	return { id, order_id, attempt_id: page!.attempt_id, path: `/pay/${id}?token=${token}` };
}

const FORM: Presentation = {
	kind: "form",
	url: `${PSP}/razorpay/v1/checkout/embedded`,
	fields: { key_id: "rzp_test" },
};

async function initiateWithPspOrder(presentation = FORM, by = merchant) {
	const payment = await initiate(by);
	const psp_order_id = await order(payment.attempt_id, presentation);
	return { ...payment, psp_order_id };
}

async function order(attempt_id: string, presentation: Presentation): Promise<string> {
	const jobs = database.pool("jobs");
	const psp_order_id = `order_${attempt_id}`;
	await beginPspOrder(jobs, attempt_id);
	await recordPspOrder(jobs, { attempt_id, psp_order_id, presentation, latency_ms: 5 });
	return psp_order_id;
}

function settle(attempt_id: string, outcome: "succeeded" | "failed" | "authorized") {
	return settleAttempt(database.pool("jobs"), attempt_id, {
		outcome,
		psp_payment_id: "pay_1",
		amount: 49_900,
		currency: "INR",
		method: "upi",
		bank_reference: null,
		fee: null,
		error: outcome === "failed" ? { code: "insufficient_funds", message: "no funds" } : null,
		raw: {},
	});
}

async function confirmationsOf(attempt_id: string): Promise<number> {
	const { rows } = await database
		.pool("admin")
		.query<{ count: number }>("select count(*) as count from graphile_worker.jobs where key = $1", [
			`confirm_attempt:${attempt_id}`,
		]);
	return rows[0]!.count;
}

function at(path: string, suffix: string): string {
	return path.replace("?", `${suffix}?`);
}

async function textOf(path: string, headers: Record<string, string> = {}): Promise<string> {
	return (await get(path, headers)).text();
}

async function statusOf(id: string): Promise<string | undefined> {
	return (await readPayPage(database.pool("checkout"), id))?.view.status;
}

describe("GET /pay/:id", () => {
	it("waits, then leads to the PSP, then shows the outcome", async () => {
		const waiting = await get((await initiate()).path);
		expect(waiting.status).toBe(200);
		expect(waiting.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
		const preparing = await waiting.text();
		expect(preparing).toContain(TEXTS.en.states.preparing.heading);
		expect(preparing).toContain("Kaveri Books");
		expect(preparing).toContain("₹499.00");

		const payment = await initiateWithPspOrder();
		const ready = await textOf(payment.path);
		expect(ready).toContain(`action="${PSP}/razorpay/v1/checkout/embedded"`);
		expect(ready).toContain("Continue to pay ₹499.00");

		await settle(payment.attempt_id, "failed");
		const declined = await textOf(payment.path);
		expect(declined).toContain(TEXTS.en.states.declined.heading);
		expect(declined).toContain(TEXTS.en.reasons.insufficient_funds);
		expect(declined).toContain("Try again");

		await settle(payment.attempt_id, "succeeded");
		expect(await textOf(payment.path)).toContain(TEXTS.en.states.paid.heading);
	});

	it("shows no decline, and no form to pay once more, while the bank holds the money of a later try", async () => {
		const payment = await initiateWithPspOrder();
		await settle(payment.attempt_id, "failed");
		await settle(payment.attempt_id, "authorized");
		expect(await statusOf(payment.id)).toBe("failed");
		const html = await textOf(payment.path);
		expect(html).toContain(TEXTS.en.states.confirming.heading);
		expect(html).not.toContain(TEXTS.en.states.declined.heading);
		expect(html).not.toContain("<form");
	});

	it("is shown, and receives the payer back, though no adapter knows the gateway's provider", async () => {
		const bare = await serve(database.pool("checkout"), new Map());
		const payment = await initiateWithPspOrder();
		const page = await fetch(bare + payment.path);
		expect(page.status).toBe(200);
		expect(await page.text()).toContain("Kaveri Books");
		expect(page.headers.get("Content-Security-Policy")).toContain(`form-action 'self' ${PSP};`);
		const back = await fetch(bare + at(payment.path, "/return"), { method: "POST", redirect: "manual" });
		expect([back.status, back.headers.get("Location")]).toEqual([303, `${payment.path}&returned=unknown`]);
		expect(await confirmationsOf(payment.attempt_id)).toBe(1);
	});

	it("gives the merchant a result that its salt proves", async () => {
		const payment = await initiateWithPspOrder();
		await settle(payment.attempt_id, "succeeded");
		const [, printed = ""] = /id="back" href="([^"]+)"/.exec(await textOf(payment.path)) ?? [];
		const url = new URL(printed.replaceAll("&amp;", "&").replaceAll("&#x3D;", "="));
		expect(url.origin + url.pathname).toBe("https://books.example/return");
		const { timestamp, signature, ...result } = Object.fromEntries(url.searchParams);
		expect(result).toEqual({
			transaction_id: payment.id,
			order_id: payment.order_id,
			status: "paid",
			amount: "49900",
		});
		expect(signature).toBe(
			createHmac("sha256", merchant.client_salt)
				.update(`${timestamp}.${payment.id}.${payment.order_id}.paid.49900`)
				.digest("hex"),
		);
	});

	it("is in Hindi for a browser that wants it, and in what was chosen afterwards", async () => {
		const { path } = await initiate();
		const wants_hindi = { "Accept-Language": "hi-IN,hi;q=0.9" };
		expect(await textOf(path, wants_hindi)).toContain(TEXTS.hi.states.preparing.heading);
		const chosen = await get(`${path}&lang=en`, wants_hindi);
		expect(await chosen.text()).toContain(TEXTS.en.states.preparing.heading);
		const [cookie = ""] = chosen.headers.getSetCookie();
		expect(cookie).toMatch(/^lang=en;.*Path=\/pay;.*HttpOnly; SameSite=Lax/);
		const later = await textOf(path, { ...wants_hindi, Cookie: `a=b; ${cookie.split(";")[0]}` });
		expect(later).toContain(TEXTS.en.states.preparing.heading);
	});

	it("allows its own script and style by nonce, forms to the PSP, and nothing else", async () => {
		const { path } = await initiateWithPspOrder();
		const { headers, ...page } = await get(path).then(async (response) => ({
			headers: response.headers,
			html: await response.text(),
		}));
		const policy = headers.get("Content-Security-Policy")!;
		const nonce = /script-src 'nonce-([\w-]{24})'/.exec(policy)![1]!;
		expect(page.html).toMatch(new RegExp(`<script src="/assets/[^"]+" nonce="${nonce}" defer>`));
		expect(policy.split("; ")).toEqual(
			expect.arrayContaining([
				"default-src 'none'",
				`style-src 'nonce-${nonce}'`,
				`form-action 'self' ${PSP}`,
				"frame-ancestors 'none'",
				"base-uri 'none'",
			]),
		);
		expect(policy).not.toMatch(/unsafe|\*/);
		expect(headers.get("Referrer-Policy")).toBe("strict-origin");
		expect(headers.get("Cache-Control")).toBe("no-store");
		expect(page.html).not.toMatch(/ on\w+=| style=|<style|javascript:/);
		expect((await get(path)).headers.get("Content-Security-Policy")).not.toBe(policy);
	});

	it.each([
		["another payment's token", async () => (await initiate()).path.replace(/token=.*/, "token=x"), 401],
		["no token", async () => (await initiate()).path.replace(/\?.*/, ""), 401],
		["a token twice", async () => `${(await initiate()).path}&token=y`, 401],
		["no uuid", async () => "/pay/1?token=x", 404],
		[
			"a good token of nothing",
			async () => {
				const id = "01900000-0000-7000-8000-000000000000";
				return `/pay/${id}?token=${createStatusToken(STATUS_TOKEN_KEY, id)}`;
			},
			404,
		],
	])("refuses %s with a page", async (_, path, status) => {
		const response = await get(await path(), { "Accept-Language": "hi" });
		expect(response.status).toBe(status);
		expect(await response.text()).toContain(TEXTS.hi.problems[status === 401 ? "bad_link" : "not_found"].heading);
		expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
	});

	it.each([
		[500, new Error("gone")],
		[503, new DomainError("service_unavailable", { message: "gone", retry_after_seconds: 2 })],
	])("answers %d with a page when the database does not answer", async (status, error) => {
		const { path } = await initiate();
		const broken = await serve({ query: () => Promise.reject(error) } as never);
		const response = await fetch(broken + path);
		expect(response.status).toBe(status);
		expect(response.headers.get("Retry-After")).toBe(status === 503 ? "2" : null);
		const html = await response.text();
		expect(html).toContain(TEXTS.en.problems.broken.heading);
		expect(html).not.toContain("gone");
	});
});

describe("/pay/:id/return", () => {
	it("asks for confirmation and shows a neutral page for a signed success", async () => {
		const payment = await initiateWithPspOrder();
		const razorpay_payment_id = "pay_ABCDEFGHIJKLMN";
		const response = await post(at(payment.path, "/return"), {
			razorpay_payment_id,
			razorpay_order_id: payment.psp_order_id,
			razorpay_signature: createHmac("sha256", merchant.gateways[0]!.api_secret)
				.update(`${payment.psp_order_id}|${razorpay_payment_id}`)
				.digest("hex"),
		});
		expect(response.status).toBe(303);
		expect(response.headers.get("Location")).toBe(`${payment.path}&returned=succeeded`);
		expect(await confirmationsOf(payment.attempt_id)).toBe(1);
		expect(await textOf(response.headers.get("Location")!)).toContain(TEXTS.en.states.confirming.heading);
		expect(await statusOf(payment.id)).toBe("pending");
	});

	it.each<[string, Record<string, string> | null, string]>([
		["a forged success", { razorpay_payment_id: "pay_ABCDEFGHIJKLMN", razorpay_signature: "00" }, "returned=unknown"],
		["an unsigned failure", { "error[code]": "BAD_REQUEST_ERROR" }, "returned=failed"],
		["nothing at all", null, "returned=unknown"],
		["a cancellation", { "error[code]": "X", "error[reason]": "payment_cancelled" }, "left=1"],
	])("asks for confirmation and believes nothing of %s", async (_, form, visit) => {
		const payment = await initiateWithPspOrder();
		const path = at(payment.path, "/return");
		const response = await (form === null ? get(path) : post(path, form));
		expect(response.status).toBe(303);
		expect(response.headers.get("Location")).toBe(`${payment.path}&${visit}`);
		expect(await confirmationsOf(payment.attempt_id)).toBe(1);
		expect(await statusOf(payment.id)).toBe("pending");
	});

	it("asks once however often the payer comes back", async () => {
		const payment = await initiateWithPspOrder();
		await Promise.all(Array.from({ length: 5 }, () => get(at(payment.path, "/return"))));
		expect(await confirmationsOf(payment.attempt_id)).toBe(1);
	});

	it("does nothing without the token", async () => {
		const payment = await initiateWithPspOrder();
		expect((await post(`/pay/${payment.id}/return?token=x`, {})).status).toBe(401);
		expect((await get(`/pay/${payment.id}/cancel?token=x`)).status).toBe(401);
		expect(await confirmationsOf(payment.attempt_id)).toBe(0);
	});

	it("refuses a form too large with a page", async () => {
		const payment = await initiateWithPspOrder();
		const response = await post(at(payment.path, "/return"), { a: "x".repeat(40_000) });
		expect(response.status).toBe(413);
		expect(response.headers.get("Content-Type")).toContain("text/html");
	});
});

describe("POST /pay/:id/retry", () => {
	let two: TestMerchant;

	beforeAll(async () => {
		two = await createMerchant(database.pool("admin"), keys, {}, [{}, {}]);
	});

	const jobsOf = async (attempt_id: string) => {
		const { rows } = await database
			.pool("admin")
			.query("select from graphile_worker.jobs where key = $1", [`move_payment:${attempt_id}`]);
		return rows.length;
	};

	it("has the payment moved, waits for the other gateway and leads there", async () => {
		const payment = await initiateWithPspOrder(FORM, two);
		await settle(payment.attempt_id, "failed");
		const declined = await textOf(payment.path);
		expect(declined).toContain(TEXTS.en.states.declined.heading);
		expect(declined).toContain(`action="/pay/${payment.id}/retry?token&#x3D;`);
		expect(declined).not.toContain(`${PSP}/razorpay`);

		const response = await post(at(payment.path, "/retry"), {});
		expect([response.status, response.headers.get("Location")]).toEqual([303, payment.path]);
		await post(at(payment.path, "/retry"), {});
		expect(await jobsOf(payment.attempt_id)).toBe(1);
		expect(await textOf(payment.path)).toContain(TEXTS.en.states.preparing.heading);

		const { next_attempt_id } = await movePayment(database.pool("jobs"), payment.attempt_id, { is_closed: true });
		expect(await statusOf(payment.id)).toBe("failed");
		expect(await textOf(payment.path)).toContain(TEXTS.en.states.preparing.heading);
		await order(next_attempt_id!, { kind: "redirect", url: "https://other.example/pay" });
		const ready = await textOf(payment.path);
		expect(ready).toContain(TEXTS.en.states.ready.heading);
		expect(ready).toContain('href="https://other.example/pay"');
		expect(ready).toContain(`data-open="${next_attempt_id}"`);
	});

	it("leaves a payment as it is that no other gateway can take", async () => {
		const payment = await initiateWithPspOrder();
		await settle(payment.attempt_id, "failed");
		expect((await post(at(payment.path, "/retry"), {})).status).toBe(303);
		expect(await jobsOf(payment.attempt_id)).toBe(0);
		expect(await textOf(payment.path)).toContain(`action="${PSP}/razorpay/v1/checkout/embedded"`);
	});

	it("moves nothing without the token, nor by a link", async () => {
		const payment = await initiateWithPspOrder(FORM, two);
		expect((await post(`/pay/${payment.id}/retry?token=x`, {})).status).toBe(401);
		const looked = await get(at(payment.path, "/retry"));
		expect([looked.status, looked.headers.get("Location")]).toEqual([303, payment.path]);
		expect(await jobsOf(payment.attempt_id)).toBe(0);
	});
});

describe("direct UPI", () => {
	let direct: TestMerchant;
	const code = (): Presentation => ({
		kind: "upi",
		uri: "upi://pay?pa=kaveri@okbank&pn=Kaveri%20Books&tr=LSP1&am=499.00&cu=INR",
		payee_vpa: "kaveri@okbank",
		payee_name: "Kaveri Books",
		amount: 49_900,
		reference: "LSP1",
		expires_at: new Date(Date.now() + 9 * 60_000).toISOString(),
	});

	beforeAll(async () => {
		direct = await createMerchant(database.pool("admin"), keys, {}, [
			{ provider: "upi", api_key: "kaveri@okbank", api_secret: null },
		]);
	});

	it("shows the code, and the links that the phone at hand understands", async () => {
		const { path } = await initiateWithPspOrder(code(), direct);
		const html = await textOf(path);
		expect(html).toContain(TEXTS.en.states.scan.heading);
		expect(html).not.toContain("intent:");
		expect(await textOf(path, { "User-Agent": "Mozilla/5.0 (Linux; Android 14) Mobile" })).toContain("intent://pay?pa");
	});

	it("takes a UTR as people write it, and waits for the bank", async () => {
		const payment = await initiateWithPspOrder(code(), direct);
		const response = await post(at(payment.path, "/utr"), { utr: " 4123 4567-8901 " });
		expect([response.status, response.headers.get("Location")]).toEqual([303, payment.path]);
		const html = await textOf(payment.path);
		expect(html).toContain(TEXTS.en.states.checking.heading);
		expect(html).toContain("412345678901");
		expect(await statusOf(payment.id)).toBe("pending");
	});

	it.each([
		["nothing", ""],
		["eleven digits", "41234567890"],
		["a letter", "41234567890x"],
		["far too much", "x".repeat(30_000)],
	])("refuses %s, and shows it again with the reason", async (_, utr) => {
		const payment = await initiateWithPspOrder(code(), direct);
		const response = await post(at(payment.path, "/utr"), { utr });
		expect(response.status).toBe(303);
		const html = await textOf(response.headers.get("Location")!);
		expect(html).toContain(TEXTS.en.utr.refusals.invalid);
		expect(html).toContain(`value="${utr.slice(0, 40)}" aria-invalid="true"`);
	});

	it("takes no more than five numbers", async () => {
		const payment = await initiateWithPspOrder(code(), direct);
		for (const last of [1, 2, 3, 4, 5]) await post(at(payment.path, "/utr"), { utr: `51234567890${last}` });
		const response = await post(at(payment.path, "/utr"), { utr: "512345678906" });
		const html = await textOf(response.headers.get("Location")!);
		expect(html).toContain(TEXTS.en.utr.refusals.too_many);
		expect(html).toContain('<details class="utr" id="utr" open>');
	});

	it("takes no number for a payment by another way", async () => {
		const payment = await initiateWithPspOrder();
		const response = await post(at(payment.path, "/utr"), { utr: "412345678901" });
		expect([response.status, response.headers.get("Location")]).toEqual([303, payment.path]);
	});
});

describe("GET /pay/:id/open", () => {
	let scripted: TestMerchant;
	const session = { mode: "sandbox", payment_session_id: "session_1" };
	const script = (script_url = "https://sdk.cashfree.com/js/v3/cashfree.js"): Presentation => ({
		kind: "script",
		script_url,
		session,
	});

	beforeAll(async () => {
		scripted = await createMerchant(database.pool("admin"), keys, {}, [{ provider: "cashfree" }]);
	});

	it("runs the provider's script under a policy that allows nobody else's", async () => {
		const payment = await initiateWithPspOrder(script(), scripted);
		const main = await get(payment.path);
		expect(await main.text()).toContain(`href="/pay/${payment.id}/open?token&#x3D;`);
		expect(main.headers.get("Content-Security-Policy")).not.toContain("sdk.cashfree.com");

		const response = await get(at(payment.path, "/open"));
		expect(response.status).toBe(200);
		expect(response.headers.get("Cache-Control")).toBe("no-store");
		const policy = response.headers.get("Content-Security-Policy")!;
		expect(policy).toMatch(/script-src 'nonce-[\w-]{24}' https:\/\/sdk\.cashfree\.com;/);
		expect(policy).toContain("default-src 'none'");
		expect(policy).not.toMatch(/unsafe|\*|trusted-types/);
		const html = await response.text();
		expect(html).toContain('src="https://sdk.cashfree.com/js/v3/cashfree.js"');
		expect(html).toContain(JSON.stringify(session).replaceAll('"', "&quot;"));
		expect(html).toContain("<noscript>");
	});

	it("refuses a script from elsewhere, and without the token", async () => {
		const stranger = await initiateWithPspOrder(script("https://evil.example/cashfree.js"), scripted);
		const response = await get(at(stranger.path, "/open"));
		expect(response.status).toBe(500);
		expect(await response.text()).not.toContain("evil.example");
		expect((await get(`/pay/${stranger.id}/open?token=x`)).status).toBe(401);
	});

	it("leads back where there is nothing to open", async () => {
		const payment = await initiateWithPspOrder(script(), scripted);
		await settle(payment.attempt_id, "succeeded");
		for (const { path } of [payment, await initiateWithPspOrder()]) {
			const response = await get(at(path, "/open"));
			expect([response.status, response.headers.get("Location")]).toEqual([303, path]);
		}
	});
});

describe("GET /pay/:id/cancel", () => {
	it("offers to go on, and has the PSP asked all the same", async () => {
		const payment = await initiateWithPspOrder();
		const response = await get(at(payment.path, "/cancel"));
		expect(response.status).toBe(303);
		expect(await confirmationsOf(payment.attempt_id)).toBe(1);
		const html = await textOf(response.headers.get("Location")!);
		expect(html).toContain(TEXTS.en.states.left.heading);
		expect(html).toContain("Continue to pay");
		expect(html).toContain("Back to Kaveri Books");
	});
});

describe("/assets/", () => {
	it("are kept for ever by their hash, compressed, and survive a release", async () => {
		const html = await textOf((await initiate()).path);
		const [, style] = /href="(\/assets\/pay\.[^"]+\.css)"/.exec(html)!;
		const current = await get(style!, { "Accept-Encoding": "gzip" });
		expect(current.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
		expect(current.headers.get("Content-Encoding")).toBe("gzip");
		expect(current.headers.get("Content-Type")).toBe("text/css; charset=utf-8");
		const earlier = await get("/assets/pay.AAAAAAAAAAAA.css");
		expect(earlier.headers.get("Cache-Control")).toBe("public, max-age=60");
		expect(await earlier.text()).toBe(await current.text());
		for (const path of ["/assets/nothing.AAAAAAAAAAAA.css", "/assets/..%2fenv.ts", "/assets/pay.css"]) {
			expect((await get(path)).status).toBe(404);
		}
	});
});
