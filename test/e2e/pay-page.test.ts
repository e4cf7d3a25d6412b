/** The payment page in a real browser: what it does by itself, without a script, and for everybody. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { AxeBuilder } from "@axe-core/playwright";
import pg from "pg";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildApp } from "../../checkout/app.ts";
import { createDependencies, type Dependencies } from "../../checkout/dependencies.ts";
import { readEnv } from "../../checkout/env.ts";
import { TEXTS } from "../../checkout/features/pay/languages.ts";
import { beginPspOrder, recordPspOrder, recordPspOrderFailure, settleAttempt } from "../../db/client/attempts.ts";
import { initiatePayments, readPayPage } from "../../db/client/payments.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createStatusToken } from "../../db/client/status-token.ts";
import { hasBrowser, launchBrowser } from "../browser.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../merchants.ts";
import { type Stack, startStack } from "../stack.ts";

const inBrowser = hasBrowser();
const states = TEXTS.en.states;

const STATUS_TOKEN_KEY = Buffer.alloc(32, 5).toString("base64");

let browser: Browser;
const servers: Server[] = [];
const complaints: string[] = [];

beforeAll(async () => {
	if (!inBrowser) return;
	browser = await launchBrowser();
});
afterAll(async () => {
	await browser?.close();
	for (const server of servers) {
		server.closeAllConnections();
		server.close();
	}
});
afterEach(async () => {
	for (const context of browser?.contexts() ?? []) await context.close();
	// A refused script, style, form or connection would be among these.
	expect(complaints.splice(0)).toEqual([]);
});

async function listen(server: Server): Promise<string> {
	servers.push(server);
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Checkout {
	url: string;
	database: TestDatabase;
	merchant: TestMerchant;
	dependencies: Dependencies;
	close(): Promise<void>;
}

/** A checkout process on a database of its own, with the merchant Kaveri Books. */
async function startCheckout(outside: string, client: Record<string, unknown>): Promise<Checkout> {
	const database = await createTestDatabase();
	const merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {
		company_name: "Kaveri Books",
		...client,
	});
	const dependencies = await createDependencies(
		readEnv({
			DATABASE_URL: database.url("checkout"),
			ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
			STATUS_TOKEN_KEY,
			PUBLIC_CHECKOUT_URL: "http://127.0.0.1",
			SANDBOX_URL: outside,
			LOG_LEVEL: "silent",
		}),
	);
	return {
		url: await listen(createServer(buildApp(dependencies))),
		database,
		merchant,
		dependencies,
		async close() {
			await dependencies.close();
			await database.drop();
		},
	};
}

interface Payment {
	id: string;
	order_id: string;
	attempt_id: string;
	url: string;
}

let orders = 0;

async function initiate({ url, database, merchant, dependencies }: Checkout): Promise<Payment> {
	const pool = database.pool("checkout");
	const order_id = `KB-${++orders}`;
	const [result] = await initiatePayments(pool, [
		{ client_id: merchant.id, client_key: merchant.client_key, order_id, amount: 12_345_600, currency: "INR" },
	]);
	if (!result?.ok) throw result?.error ?? new Error("no result");
	const id = result.transaction_id;
	const token = createStatusToken(dependencies.env.STATUS_TOKEN_KEY, id);
	return {
		id,
		order_id,
		attempt_id: (await readPayPage(pool, id))!.attempt_id,
		url: `${url}/pay/${id}?${new URLSearchParams({ token })}`,
	};
}

/** Stands for the PSP's page and for the merchant's, where the tests play the worker. */
const showOutside: Parameters<typeof createServer>[1] = (request, response) => {
	response.setHeader("Content-Type", "text/html");
	if (request.url?.startsWith("/merchant")) {
		response.end("<title>Kaveri Books</title>");
		return;
	}
	let body = "";
	request.on("data", (chunk) => {
		body += chunk;
	});
	request.on("end", () => {
		const callback = new URLSearchParams(body).get("callback_url") ?? "";
		response.end(`<title>PSP</title><form method="post" action="${callback}"><button>Pay</button></form>`);
	});
};

let outside: string;
let checkout: Checkout;

/** What the worker does when the PSP has made the order. */
async function order({ attempt_id, url }: Payment): Promise<void> {
	await beginPspOrder(checkout.database.pool("jobs"), attempt_id);
	await recordPspOrder(checkout.database.pool("jobs"), {
		attempt_id,
		psp_order_id: `order_${attempt_id}`,
		presentation: {
			kind: "form",
			url: `${outside}/psp`,
			fields: { callback_url: url.replace("?", "/return?") },
		},
		latency_ms: 5,
	});
}

async function settle({ attempt_id }: Payment, outcome: "succeeded" | "failed"): Promise<void> {
	await settleAttempt(checkout.database.pool("jobs"), attempt_id, {
		outcome,
		psp_payment_id: "pay_1",
		amount: 12_345_600,
		currency: "INR",
		method: "upi",
		bank_reference: null,
		fee: null,
		error: outcome === "failed" ? { code: "declined", message: "declined" } : null,
		raw: {},
	});
}

async function expireIn({ id }: Payment, seconds: number): Promise<void> {
	await checkout.database
		.pool("admin")
		.query("update transactions set expires_at = clock_timestamp() + make_interval(secs => $2) where id = $1", [
			id,
			seconds,
		]);
}

async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
	const context = await browser.newContext({ viewport: { width: 360, height: 740 }, locale: "en-IN", ...options });
	const page = await context.newPage();
	page.on("pageerror", (error) => complaints.push(error.message));
	page.on("console", (message) => {
		if (/content security policy|trusted/i.test(message.text())) complaints.push(message.text());
	});
	await page.goto(url);
	return page;
}

async function showsState(page: Page, state: keyof typeof states): Promise<void> {
	await page.getByRole("heading", { level: 1, name: states[state].heading }).waitFor();
}

async function pspPage(page: Page): Promise<void> {
	await page.waitForURL(`${outside}/psp`);
}

describe.skipIf(!inBrowser)("the payment page", () => {
	beforeAll(async () => {
		outside = await listen(createServer(showOutside));
		checkout = await startCheckout(outside, { redirect_urls: [`${outside}/merchant`] });
	});
	afterAll(() => checkout?.close());

	it("takes the payer to the PSP, waits for the outcome and goes back to the merchant, all by itself", async () => {
		const payment = await initiate(checkout);
		const page = await open(payment.url);
		await showsState(page, "preparing");
		await order(payment);
		await pspPage(page);
		await page.getByRole("button", { name: "Pay" }).click();
		await showsState(page, "confirming");
		await page.evaluate("window.stayed = true");
		await settle(payment, "succeeded");
		await showsState(page, "paid");
		expect(await page.evaluate("window.stayed")).toBe(true);
		expect(await page.title()).toContain(states.paid.heading);
		await page.getByRole("status").getByText("Taking you back to Kaveri Books").waitFor();
		await page.waitForURL(`${outside}/merchant?*status=paid*signature=*`);
	});

	it("does not take back who wants to stay, nor who only looks", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		const page = await open(`${payment.url}&returned=unknown`);
		await settle(payment, "succeeded");
		await page.getByRole("button", { name: TEXTS.en.stay }).click();
		await page.getByText("Taking you back").first().waitFor({ state: "hidden" });
		expect(await page.evaluate("document.activeElement.id")).toBe("heading");
		const other = await open(payment.url);
		await showsState(other, "paid");
		expect(await other.getByText("Taking you back").isVisible()).toBe(false);
	});

	it("opens the PSP by itself once in a tab; then the payer decides", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		const page = await open(payment.url);
		await pspPage(page);
		await page.goto(payment.url);
		await showsState(page, "ready");
		await page.getByRole("button", { name: "Continue to pay ₹1,23,456.00" }).click();
		await pspPage(page);
	});

	it("offers another try after a decline, and is paid by it", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		const page = await open(`${payment.url}&returned=failed`);
		await showsState(page, "confirming");
		await settle(payment, "failed");
		await showsState(page, "declined");
		await page.getByText(TEXTS.en.reasons.declined, { exact: true }).waitFor();
		await page.getByRole("button", { name: "Try again" }).click();
		await pspPage(page);
		await page.getByRole("button", { name: "Pay" }).click();
		await showsState(page, "confirming");
		await settle(payment, "succeeded");
		await showsState(page, "paid");
	});

	it("works without JavaScript", async () => {
		const payment = await initiate(checkout);
		const page = await open(payment.url, { javaScriptEnabled: false });
		await showsState(page, "preparing");
		await order(payment);
		await page.getByRole("button", { name: "Continue to pay" }).click();
		await pspPage(page);
		await page.getByRole("button", { name: "Pay" }).click();
		await showsState(page, "confirming");
		await settle(payment, "succeeded");
		await showsState(page, "paid");
		expect(await page.getByRole("button", { name: TEXTS.en.copy_order }).isVisible()).toBe(false);
		await page.getByRole("link", { name: "Back to Kaveri Books" }).click();
		await page.waitForURL(`${outside}/merchant?*status=paid*`);
	});

	it("moves on when the stream is blocked", async () => {
		const payment = await initiate(checkout);
		const context = await browser.newContext();
		await context.route("**/status/**", (route) => route.fulfill({ status: 403 }));
		const page = await context.newPage();
		await page.goto(`${payment.url}&returned=unknown`);
		await showsState(page, "confirming");
		await order(payment);
		await settle(payment, "succeeded");
		await showsState(page, "paid");
	});

	it("ends by itself when the time is over", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		await expireIn(payment, 3);
		const page = await open(`${payment.url}&left=1`);
		await showsState(page, "left");
		await page.getByRole("timer").getByText("0:01").waitFor();
		await showsState(page, "expired");
		expect(await page.getByRole("button", { name: "Continue to pay" }).count()).toBe(0);
	});

	it("speaks Hindi to a Hindi browser and English to who chooses it", async () => {
		const payment = await initiate(checkout);
		const page = await open(payment.url, { locale: "hi-IN" });
		await page.getByRole("heading", { level: 1, name: TEXTS.hi.states.preparing.heading }).waitFor();
		expect(await page.getAttribute("html", "lang")).toBe("hi");
		await page.getByRole("link", { name: "English" }).click();
		await showsState(page, "preparing");
		await page.goto(payment.url);
		await showsState(page, "preparing");
		await page.getByRole("link", { name: "हिन्दी" }).click();
		await page.getByRole("heading", { level: 1, name: TEXTS.hi.states.preparing.heading }).waitFor();
	});

	it("announces changes and keeps the keyboard where it was", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		const page = await open(`${payment.url}&left=1`);
		const copy = page.getByRole("button", { name: TEXTS.en.copy_order });
		await copy.focus();
		await settle(payment, "failed");
		await page.getByRole("status").getByText(states.declined.heading).waitFor();
		expect(await page.evaluate("document.activeElement.id")).toBe("copy");
		await page.getByRole("button", { name: "Try again" }).focus();
		await settle(payment, "succeeded");
		await page.getByRole("status").getByText(states.paid.heading).waitFor();
		expect(await page.evaluate("document.activeElement.id")).toBe("heading");
	});

	it("copies the order number", async () => {
		const payment = await initiate(checkout);
		const page = await open(payment.url, { permissions: ["clipboard-read", "clipboard-write"] });
		await page.getByRole("button", { name: TEXTS.en.copy_order }).click();
		await page.getByText(TEXTS.en.copied, { exact: true }).first().waitFor();
		expect(await page.evaluate("navigator.clipboard.readText()")).toBe(payment.order_id);
	});

	it("loads some 15 KB in all, 4 KB of it script, nothing from elsewhere, and does not jump", async () => {
		const payment = await initiate(checkout);
		const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
		const page = await context.newPage();
		const network = await context.newCDPSession(page);
		await network.send("Network.enable");
		const kinds = new Map<string, string>();
		const bytes: Record<string, number> = {};
		const urls: string[] = [];
		network.on("Network.responseReceived", ({ requestId, type, response }) => {
			kinds.set(requestId, type);
			urls.push(response.url);
		});
		network.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
			const kind = kinds.get(requestId) ?? "unknown";
			bytes[kind] = (bytes[kind] ?? 0) + encodedDataLength;
		});
		await page.goto(payment.url, { waitUntil: "load" });
		await page.evaluate(`
			window.jumps = 0;
			new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.jumps += entry.value; })
				.observe({ type: "layout-shift", buffered: true });
		`);
		await recordPspOrderFailure(checkout.database.pool("jobs"), {
			attempt_id: await begun(payment),
			error: { code: "invalid_request", message: "no" },
			latency_ms: 5,
		});
		await showsState(page, "unavailable");
		expect(urls.every((url) => url.startsWith(checkout.url))).toBe(true);
		expect(bytes.Script).toBeLessThan(4_000);
		expect(bytes.Stylesheet).toBeGreaterThan(0);
		expect(Object.values(bytes).reduce((sum, size) => sum + size)).toBeLessThan(20_000);
		expect(await page.evaluate("window.jumps")).toBeLessThan(0.05);
	});

	it("passes the accessibility rules in every state, on a phone in daylight and on a wide dark screen in Hindi", async () => {
		const urls = await everyState();
		const looks: BrowserContextOptions[] = [
			{ viewport: { width: 360, height: 740 }, colorScheme: "light", locale: "en-IN" },
			{ viewport: { width: 1280, height: 800 }, colorScheme: "dark", locale: "hi-IN" },
		];
		for (const look of looks) {
			const page = await open("about:blank", look);
			for (const [state, url] of urls) {
				await page.goto(url);
				const { violations } = await new AxeBuilder({ page })
					.withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
					.analyze();
				expect(violations.map(({ id, nodes }) => [state, id, nodes.map(({ html }) => html)])).toEqual([]);
				expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
			}
			await page.context().close();
		}
	});
});

async function begun({ attempt_id }: Payment): Promise<string> {
	await beginPspOrder(checkout.database.pool("jobs"), attempt_id);
	return attempt_id;
}

async function everyState(): Promise<Map<string, string>> {
	const urls = new Map<string, string>();
	urls.set("preparing", (await initiate(checkout)).url);
	const ready = await initiate(checkout);
	await order(ready);
	urls.set("left", `${ready.url}&left=1`);
	urls.set("confirming", `${ready.url}&returned=unknown`);
	const declined = await initiate(checkout);
	await order(declined);
	await settle(declined, "failed");
	urls.set("declined", declined.url);
	const paid = await initiate(checkout);
	await order(paid);
	await settle(paid, "succeeded");
	urls.set("paid", paid.url);
	const expired = await initiate(checkout);
	await expireIn(expired, -1);
	urls.set("expired", expired.url);
	const unavailable = await initiate(checkout);
	await recordPspOrderFailure(checkout.database.pool("jobs"), {
		attempt_id: await begun(unavailable),
		error: { code: "invalid_request", message: "no" },
		latency_ms: 5,
	});
	urls.set("unavailable", unavailable.url);
	urls.set("bad link", `${paid.url}x`);
	return urls;
}

describe.skipIf(!inBrowser)("a payment through the whole system", () => {
	let stack: Stack;
	let finance: pg.Client;

	beforeAll(async () => {
		stack = await startStack();
		finance = new pg.Client({ connectionString: stack.demo.database_url });
		await finance.connect();
	});
	afterAll(async () => {
		await finance?.end();
		await stack?.stop();
	});

	async function initiateAsMerchant(): Promise<{ id: string; url: string }> {
		const { checkout_url, merchants } = stack.demo;
		const { client_key, client_salt } = merchants.find(({ name }) => name === "Kaveri Books")!;
		const response = await fetch(`${checkout_url}/payment/initiate`, {
			method: "POST",
			headers: { "Content-Type": "application/json", "X-Client-Key": client_key, "X-Client-Salt": client_salt },
			body: JSON.stringify({ amount: 12_345_600, order_id: `KB-${++orders}` }),
		});
		expect(response.status).toBe(200);
		const answer = (await response.json()) as { transaction_id: string; checkout_url: string };
		return { id: answer.transaction_id, url: answer.checkout_url };
	}

	async function pay(page: Page, answer: "Approve" | "Decline"): Promise<void> {
		await page.waitForURL(`${stack.demo.sandbox_url}/razorpay/**`);
		const upi = page.locator("details[data-method=upi]");
		if ((await upi.getAttribute("open")) === null) await upi.locator("summary").click();
		await upi.getByRole("button", { name: answer }).click();
	}

	async function expectPaid({ id }: { id: string }): Promise<void> {
		const { rows } = await finance.query(
			"select type, amount::int from public.wallet_entries where transaction_id = $1 order by type",
			[id],
		);
		expect(rows).toEqual([
			{ type: "COMMISSION", amount: 432_096 },
			{ type: "COMMISSION_GST", amount: 77_777 },
		]);
		await expect
			.poll(async () => {
				const response = await fetch(`${stack.demo.sandbox_url}/_control/merchant/events?type=payment.paid`);
				const events = (await response.json()) as { verified: boolean; body: { data: { transaction_id: string } } }[];
				return events.filter(({ body }) => body.data.transaction_id === id).map(({ verified }) => verified);
			})
			.toEqual([true]);
	}

	it("is paid with nothing pressed but the bank's button", async () => {
		const payment = await initiateAsMerchant();
		const page = await open(payment.url);
		await pay(page, "Approve");
		await page.waitForURL(`${stack.demo.checkout_url}/pay/**`);
		await showsState(page, "paid");
		await page.waitForURL(`${stack.demo.sandbox_url}/merchant/return?**`);
		expect(await page.locator("#verdict").getAttribute("data-verified")).toBe("true");
		await expectPaid(payment);
	});

	it("is paid by a second try after the bank declined the first", async () => {
		const payment = await initiateAsMerchant();
		const page = await open(payment.url);
		await pay(page, "Decline");
		await page.locator("#return-failure button").click();
		await showsState(page, "declined");
		await page.getByRole("button", { name: "Try again" }).click();
		await pay(page, "Approve");
		await showsState(page, "paid");
		await expectPaid(payment);
	});

	it("is paid without JavaScript, in Hindi", async () => {
		const payment = await initiateAsMerchant();
		const { states, continue_to_pay, back_to_merchant } = TEXTS.hi;
		const page = await open(payment.url, { javaScriptEnabled: false, locale: "hi-IN" });
		await page.getByRole("button", { name: continue_to_pay.replace("{amount}", "₹1,23,456.00") }).click();
		await pay(page, "Approve");
		await page.locator("#return button").click();
		await page.getByRole("heading", { level: 1, name: states.paid.heading }).waitFor();
		await page.getByRole("link", { name: back_to_merchant.replace("{merchant}", "Kaveri Books") }).click();
		expect(await page.locator("#verdict").getAttribute("data-verified")).toBe("true");
		await expectPaid(payment);
	});
});
