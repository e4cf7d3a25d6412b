/** The payment page in a real browser: what it does by itself, without a script, and for everybody. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type pg from "pg";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildApp } from "../../checkout/app.ts";
import { createDependencies, type Dependencies } from "../../checkout/dependencies.ts";
import { readEnv } from "../../checkout/env.ts";
import { TEXTS } from "../../checkout/features/pay/languages.ts";
import {
	beginPspOrder,
	movePayment,
	recordPspOrder,
	recordPspOrderFailure,
	settleAttempt,
} from "../../db/client/attempts.ts";
import { createConnection } from "../../db/client/connection.ts";
import { createPaymentLink } from "../../db/client/links.ts";
import { initiatePayments, readPayPage } from "../../db/client/payments.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createStatusToken } from "../../db/client/status-token.ts";
import { submitUtr } from "../../db/client/upi.ts";
import type { Presentation } from "../../psp/adapter.ts";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../browser.ts";
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
		url: await listen(createServer({ keepAliveTimeout: 600_000 }, buildApp(dependencies))),
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

async function initiate({ url, database, merchant, dependencies }: Checkout, by = merchant): Promise<Payment> {
	const pool = database.pool("checkout");
	const order_id = `KB-${++orders}`;
	const [result] = await initiatePayments(pool, [
		{ client_id: by.id, client_key: by.client_key, order_id, amount: 12_345_600, currency: "INR" },
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

/** What Cashfree's script does of which the page takes notice: a form, made and sent. */
const CASHFREE_SCRIPT = `globalThis.Cashfree = ({ mode }) => ({
	async checkout({ paymentSessionId, redirectTarget }) {
		// Later than the page: so that the way back leads over it.
		await new Promise((resolve) => addEventListener("load", () => setTimeout(resolve)));
		document.body.insertAdjacentHTML("beforeend", '<form method="post" action="/psp"><input name="callback_url"></form>');
		const form = document.body.lastElementChild;
		form.action = new URL("/psp", document.querySelector("#provider-script").src);
		form.firstElementChild.value = mode + redirectTarget + paymentSessionId;
		form.submit();
	},
});`;

/** Stands for the PSP's page and for the merchant's, where the tests play the worker. */
const showOutside: Parameters<typeof createServer>[1] = (request, response) => {
	if (request.url === "/cashfree.js") {
		response.setHeader("Content-Type", "text/javascript");
		response.end(CASHFREE_SCRIPT);
		return;
	}
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
/** Merchants with only direct UPI, with only a provider that is opened by a script, and with two providers. */
let direct: TestMerchant;
let scripted: TestMerchant;
let twofold: TestMerchant;

/** What the worker does when the PSP has made the order. */
async function order({ attempt_id, url }: Payment, way?: Presentation): Promise<void> {
	const presentation = way ?? {
		kind: "form",
		url: `${outside}/psp`,
		fields: { callback_url: url.replace("?", "/return?") },
	};
	const psp_order_id = `order_${attempt_id}`;
	await beginPspOrder(checkout.database.pool("jobs"), attempt_id);
	await recordPspOrder(checkout.database.pool("jobs"), { attempt_id, psp_order_id, presentation, latency_ms: 5 });
}

function upiCode(seconds = 540): Presentation {
	return {
		kind: "upi",
		uri: "upi://pay?pa=kaveri@okbank&pn=Kaveri%20Books&tr=LSP1&am=123455.93&cu=INR",
		payee_vpa: "kaveri@okbank",
		payee_name: "Kaveri Books",
		amount: 12_345_593,
		reference: "LSP1",
		expires_at: new Date(Date.now() + seconds * 1000).toISOString(),
	};
}

const byScript = (): Presentation => ({
	kind: "script",
	script_url: `${outside}/cashfree.js`,
	session: { mode: "sandbox", payment_session_id: "session_1" },
});

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

/** Lets a page go on to the merchant. */
const departures = new WeakMap<Page, () => void>();
const letGo = (page: Page) => departures.get(page)!();

/** A page that stays with us, however long a test looks, until it is let go: after some seconds it leaves by itself. */
async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
	const context = await openContext(browser, { viewport: { width: 360, height: 740 }, locale: "en-IN", ...options });
	const page = await context.newPage();
	const departure = Promise.withResolvers<void>();
	departures.set(page, departure.resolve);
	await page.route(/\/merchant(\/return)?\?/, async (route) => {
		await departure.promise;
		await route.continue();
	});
	page.on("pageerror", (error) => complaints.push(error.message));
	page.on("console", (message) => {
		if (/content security policy|trusted/i.test(message.text())) complaints.push(message.text());
	});
	await page.goto(url);
	return page;
}

/** As after the connection was lost. What the page's clock says is then of the new answer. */
async function readAgain(page: Page): Promise<void> {
	await page.evaluate('dispatchEvent(new Event("online"))');
}

async function showsState(page: Page, state: keyof typeof states): Promise<void> {
	await page.getByRole("heading", { level: 1, name: states[state].heading }).waitFor();
}

async function pspPage(page: Page): Promise<void> {
	await page.waitForURL(`${outside}/psp`);
}

describe.skipIf(!inBrowser)("the payment page", () => {
	beforeAll(async () => {
		outside = await listen(createServer({ keepAliveTimeout: 600_000 }, showOutside));
		checkout = await startCheckout(outside, { redirect_urls: [`${outside}/merchant`] });
		const merchant = (gateways: Record<string, unknown>[]) =>
			createMerchant(checkout.database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {}, gateways);
		const upi = { provider: "upi", api_key: "kaveri@okbank", api_secret: null };
		[direct, scripted, twofold] = await Promise.all([
			merchant([upi]),
			merchant([{ provider: "cashfree" }]),
			merchant([{}, { provider: "cashfree" }]),
		]);
	});
	afterAll(() => checkout?.close());

	it("takes the payer to the PSP, waits for the outcome and is about to go back, all by itself", async () => {
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

	it("takes the payer to another gateway after a decline", async () => {
		const payment = await initiate(checkout, twofold);
		await order(payment);
		await settle(payment, "failed");
		const page = await open(payment.url);
		await page.getByRole("button", { name: "Try again" }).click();
		await showsState(page, "preparing");
		const jobs = checkout.database.pool("jobs");
		const { next_attempt_id } = await movePayment(jobs, payment.attempt_id, { is_closed: true });
		await order({ ...payment, attempt_id: next_attempt_id! });
		await pspPage(page);
	});

	it("opens a provider's page by the provider's script, and lets the payer come back", async () => {
		const payment = await initiate(checkout, scripted);
		await order(payment, byScript());
		const page = await open(payment.url);
		await pspPage(page);
		await page.goBack();
		await page.getByRole("heading", { level: 1, name: states.left.heading }).waitFor();
		await page.getByRole("link", { name: "Continue to pay" }).click();
		await pspPage(page);
	});

	it("says when a provider's script does not load, or cannot run, and offers to try again", async () => {
		const payment = await initiate(checkout, scripted);
		await order(payment, byScript());
		const url = payment.url.replace("?", "/open?");
		const context = await openContext(browser);
		await context.route("**/cashfree.js", (route) => route.abort(), { times: 1 });
		const page = await context.newPage();
		await page.goto(url);
		await page.getByRole("heading", { level: 1, name: TEXTS.en.open.failed_heading }).waitFor();
		await page.getByRole("link", { name: TEXTS.en.open.retry }).click();
		await pspPage(page);
		const bare = await open(url, { javaScriptEnabled: false });
		await bare.getByRole("heading", { level: 1, name: TEXTS.en.open.no_script_heading }).waitFor();
		expect(await bare.getByRole("heading", { level: 1 }).count()).toBe(1);
		await bare.getByRole("link", { name: TEXTS.en.back_to_payment }).press("Enter");
		await showsState(bare, "left");
	});

	it("shows a UPI code until its time is over, keeps what the payer types, and waits for the bank", async () => {
		const payment = await initiate(checkout, direct);
		await order(payment, upiCode());
		const page = await open(payment.url, { permissions: ["clipboard-read", "clipboard-write"] });
		await showsState(page, "scan");
		await page.getByText("Pay exactly ₹1,23,455.93, not ₹1,23,456.00.").waitFor();
		expect(await page.getByRole("link", { name: TEXTS.en.upi.open_app }).isVisible()).toBe(false);
		await page.getByRole("button", { name: TEXTS.en.copy_amount }).click();
		await expect.poll(() => page.evaluate("navigator.clipboard.readText()")).toBe("123455.93");
		const utr = page.getByLabel(TEXTS.en.utr.label);
		await utr.fill("4123 4567");
		await checkout.database
			.pool("admin")
			.query(
				"update payment_attempts set presentation = jsonb_set(presentation, '{expires_at}', to_jsonb(clock_timestamp() + interval '2 seconds')) where id = $1",
				[payment.attempt_id],
			);
		await readAgain(page);
		await showsState(page, "code_over");
		expect(await page.getByRole("img", { name: TEXTS.en.upi.qr }).count()).toBe(0);
		expect(await utr.inputValue()).toBe("4123 4567");
		await page.getByRole("button", { name: TEXTS.en.utr.send }).click();
		await page.getByText(TEXTS.en.utr.refusals.invalid).waitFor();
		expect(await page.evaluate("document.activeElement.id")).toBe("utr-number");
		await utr.fill("4123 4567 8901");
		await page.getByRole("button", { name: TEXTS.en.utr.send }).click();
		await showsState(page, "checking");
		await settle(payment, "succeeded");
		await showsState(page, "paid");
	});

	it("leads phones to their UPI apps, and takes the UTR without JavaScript", async () => {
		const payment = await initiate(checkout, direct);
		await order(payment, upiCode());
		const page = await open(payment.url, {
			javaScriptEnabled: false,
			hasTouch: true,
			userAgent: "Mozilla/5.0 (Linux; Android 14; SM-A146B) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36",
		});
		expect(await page.getByRole("link", { name: TEXTS.en.upi.open_app }).getAttribute("href")).toMatch(
			/^upi:\/\/pay\?/,
		);
		expect(await page.getByRole("link", { name: "PhonePe" }).getAttribute("href")).toMatch(
			/^intent:.*com\.phonepe\.app/,
		);
		await page.getByLabel(TEXTS.en.utr.label).fill("512345678901");
		await page.getByRole("button", { name: TEXTS.en.utr.send }).click();
		await showsState(page, "checking");
	});

	it("leads from a payment link to the payment, without JavaScript", async () => {
		const page = await open(`${checkout.url}/l/${await link()}`, { javaScriptEnabled: false });
		await page.getByRole("button", { name: "Pay ₹2,500.00" }).click();
		await page.waitForURL(`${checkout.url}/pay/*?token=*`);
		await showsState(page, "preparing");
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
		letGo(page);
		await page.getByRole("link", { name: "Back to Kaveri Books" }).click();
		await page.waitForURL(`${outside}/merchant?*status=paid*`);
	});

	it("moves on when the stream is blocked", async () => {
		const payment = await initiate(checkout);
		const page = await open("about:blank");
		await page.route("**/status/**", (route) => route.fulfill({ status: 403 }));
		await page.goto(`${payment.url}&returned=unknown`);
		await showsState(page, "confirming");
		await order(payment);
		await settle(payment, "succeeded");
		await showsState(page, "paid");
	});

	it("ends by itself when the time is over", async () => {
		const payment = await initiate(checkout);
		await order(payment);
		await expireIn(payment, 600);
		const page = await open(`${payment.url}&left=1`);
		await showsState(page, "left");
		await page
			.getByRole("timer")
			.getByText(/^\d+:\d\d$/)
			.waitFor();
		await expireIn(payment, 2);
		await readAgain(page);
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

	it("loads some 20 KB in all, 4 KB of it script, nothing from elsewhere, and does not jump", async () => {
		const payment = await initiate(checkout);
		const context = await openContext(browser, { viewport: { width: 360, height: 740 } });
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
		expect(Object.values(bytes).reduce((sum, size) => sum + size)).toBeLessThan(25_000);
		expect(await page.evaluate("window.jumps")).toBeLessThan(0.05);
	});

	it("passes the accessibility rules in every state, on a phone in daylight and on a wide dark screen in Hindi", async () => {
		const urls = await everyState();
		const looks: BrowserContextOptions[] = [
			{ viewport: { width: 360, height: 740 }, colorScheme: "light", locale: "en-IN" },
			{ viewport: { width: 1280, height: 800 }, colorScheme: "dark", locale: "hi-IN" },
		];
		const check = async (look: BrowserContextOptions) => {
			const page = await open("about:blank", look);
			for (const [state, url] of urls) {
				await page.goto(url);
				expect([state, await accessibilityViolations(page)]).toEqual([state, []]);
				expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
			}
		};
		await Promise.all(looks.map(check));
	});
});

async function begun({ attempt_id }: Payment): Promise<string> {
	await beginPspOrder(checkout.database.pool("jobs"), attempt_id);
	return attempt_id;
}

async function link(): Promise<string> {
	const { code } = await createPaymentLink(checkout.database.pool("checkout"), {
		client_id: checkout.merchant.id,
		amount: 250_000,
		currency: "INR",
		description: "School fees",
		reference: null,
		usage: "single",
		expires_at: null,
		redirect_url: null,
	});
	return code;
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
	const upi = await initiate(checkout, direct);
	await order(upi, upiCode());
	urls.set("scan, UTR refused", `${upi.url}&utr=invalid&entered=1`);
	const over = await initiate(checkout, direct);
	await order(over, upiCode(-1));
	urls.set("code over", over.url);
	const claimed = await initiate(checkout, direct);
	await order(claimed, upiCode());
	await submitUtr(checkout.database.pool("checkout"), claimed.id, "612345678901");
	urls.set("checking", claimed.url);
	urls.set("link", `${checkout.url}/l/${await link()}`);
	return urls;
}

describe.skipIf(!inBrowser)("a payment through the whole system", () => {
	let stack: Stack;
	let finance: pg.Client;

	beforeAll(async () => {
		stack = await startStack();
		finance = createConnection({ connectionString: stack.demo.database_url });
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
		letGo(page);
		await page.waitForURL(`${stack.demo.sandbox_url}/merchant/return?**`);
		expect(await page.locator("#verdict").getAttribute("data-verified")).toBe("true");
		await expectPaid(payment);
	});

	it("is paid at another provider after the bank declined at the first", async () => {
		const payment = await initiateAsMerchant();
		const page = await open(payment.url);
		await pay(page, "Decline");
		await page.locator("#return-failure button").click();
		await showsState(page, "declined");
		await page.getByRole("button", { name: "Try again" }).click();
		await page.waitForURL(`${stack.demo.sandbox_url}/cashfree/**`);
		await page.getByRole("button", { name: "Approve" }).click();
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
		letGo(page);
		await page.getByRole("link", { name: back_to_merchant.replace("{merchant}", "Kaveri Books") }).click();
		expect(await page.locator("#verdict").getAttribute("data-verified")).toBe("true");
		await expectPaid(payment);
	});
});
