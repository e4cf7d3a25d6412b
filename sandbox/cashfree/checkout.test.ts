import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../../test/browser.ts";
import { startTestSandbox } from "../test-sandbox.ts";

const ACCOUNT = { provider: "cashfree", api_key: "TEST4303", api_secret: "client secret" };

const test = await startTestSandbox();
const visits: string[] = [];
/** A shop: its page runs the script as a merchant's does, under a policy that lets a form go to the sandbox alone. */
const shop = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
	const { pathname, searchParams } = new URL(request.url ?? "/", "http://shop");
	visits.push(request.url ?? "");
	response.setHeader("content-type", "text/html");
	if (pathname !== "/buy") return response.end(`<title>Shop</title><h1>${pathname}</h1>`);
	const nonce = randomUUID();
	response.setHeader(
		"content-security-policy",
		`default-src 'none'; script-src 'nonce-${nonce}' ${test.url}; form-action ${test.url}`,
	);
	const session = JSON.stringify(searchParams.get("session"));
	const mode = JSON.stringify(searchParams.get("mode") ?? "sandbox");
	response.end(`<!doctype html><title>Shop</title><body><p id="said"></p>
<script src="${test.url}/cashfree/js/v3/cashfree.js"></script>
<script nonce="${nonce}">Cashfree({ mode: ${mode} }).checkout({ paymentSessionId: ${session}, redirectTarget: "_self" })
	.then((result) => { if (result.error) document.getElementById("said").textContent = result.error.code; });</script>`);
});
let shopUrl: string;

beforeAll(async () => {
	await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
	shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
	await test.control("PUT", "accounts", ACCOUNT);
});
afterEach(() => {
	visits.length = 0;
});
afterAll(async () => {
	shop.closeAllConnections();
	shop.close();
	await test.close();
});

function api(method: string, path: string, body?: object) {
	return fetch(`${test.url}/cashfree/pg${path}`, {
		method,
		headers: {
			"x-client-id": ACCOUNT.api_key,
			"x-client-secret": ACCOUNT.api_secret,
			"x-api-version": "2025-01-01",
		},
		...(body && { body: JSON.stringify(body) }),
	});
}

async function createOrder(changes: object = {}): Promise<{ order_id: string; payment_session_id: string }> {
	const response = await api("POST", "/orders", {
		order_amount: 499,
		order_note: `Kaveri <Books> & "Söhne"`,
		order_meta: { return_url: `${shopUrl}/return?order={order_id}` },
		customer_details: { customer_id: "cust4711", customer_phone: "9000012345" },
		...changes,
	});
	return (await response.json()) as { order_id: string; payment_session_id: string };
}

const statusesOf = async (order_id: string) =>
	((await (await api("GET", `/orders/${order_id}/payments`)).json()) as { payment_status: string }[]).map(
		({ payment_status }) => payment_status,
	);

function open(payment_session_id: string) {
	const body = new URLSearchParams({ payment_session_id });
	return fetch(`${test.url}/cashfree/pg/view/sessions/checkout`, { method: "POST", body });
}

describe("the hosted page", () => {
	it("escapes what the order says, and allows nothing from elsewhere", async () => {
		const response = await open((await createOrder()).payment_session_id);
		const page = await response.text();
		expect(page).toContain("Kaveri &lt;Books&gt; &amp; &quot;Söhne&quot;");
		expect(page).not.toContain("<Books>");
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	it.each(["", "session_unknown"])("is not opened for the session %j", async (session) => {
		const response = await open(session);
		expect(response.status).toBe(400);
		expect(await response.text()).toContain("This payment cannot be opened");
	});

	it("is over for an order that was closed", async () => {
		const { order_id, payment_session_id } = await createOrder();
		await api("PATCH", `/orders/${order_id}`, { order_status: "TERMINATED" });
		expect((await open(payment_session_id)).status).toBe(410);
	});

	it("takes no second payment from a second press of the button", async () => {
		const { order_id, payment_session_id } = await createOrder();
		const page = await open(payment_session_id);
		const press = () =>
			fetch(`${page.url}/pay`, { method: "POST", body: new URLSearchParams({ outcome: "success", method: "upi" }) });
		for (let n = 0; n < 3; n++) expect(await (await press()).text()).toContain("Payment successful");
		expect(await statusesOf(order_id)).toEqual(["SUCCESS"]);
	});

	it("takes no choice that it did not offer", async () => {
		const { order_id, payment_session_id } = await createOrder();
		const page = await open(payment_session_id);
		const body = new URLSearchParams({ outcome: "authorized", method: "upi" });
		expect((await fetch(`${page.url}/pay`, { method: "POST", body })).status).toBe(400);
		expect(await statusesOf(order_id)).toEqual([]);
	});

	it("counts giving up after a decline as no try of its own", async () => {
		const { order_id, payment_session_id } = await createOrder({ order_meta: {} });
		const page = await open(payment_session_id);
		for (const outcome of ["failure", "dropped"]) {
			const body = new URLSearchParams({ outcome, method: "upi" });
			expect((await fetch(`${page.url}/pay`, { method: "POST", body })).status).toBe(200);
		}
		expect(await statusesOf(order_id)).toEqual(["FAILED"]);
	});

	it("offers the methods that the merchant allows", async () => {
		const { payment_session_id } = await createOrder({ order_meta: { payment_methods: "nb" } });
		const page = await (await open(payment_session_id)).text();
		expect(page).toContain('value="netbanking"');
		expect(page).not.toContain('value="upi"');
	});
});

describe.skipIf(!hasBrowser())("Cashfree's script and page in a browser", () => {
	let browser: Browser;
	beforeAll(async () => {
		browser = await launchBrowser();
	});
	afterEach(async () => {
		for (const context of browser.contexts()) await context.close();
	});
	afterAll(() => browser?.close());

	async function openShop(session: string, options: BrowserContextOptions = {}, mode = "sandbox"): Promise<Page> {
		const page = await (await openContext(browser, { viewport: { width: 360, height: 740 }, ...options })).newPage();
		await page.goto(`${shopUrl}/buy?${new URLSearchParams({ session, mode })}`);
		return page;
	}

	async function openPage(session: string, options: BrowserContextOptions = {}): Promise<Page> {
		const page = await (await openContext(browser, { viewport: { width: 360, height: 740 }, ...options })).newPage();
		await page.goto(`${test.url}/cashfree/pg/view/sessions/checkout/web/${session}`);
		return page;
	}

	it("lead from the shop to the page and, paid, by a plain GET back to the shop", async () => {
		const { order_id, payment_session_id } = await createOrder();
		const page = await openShop(payment_session_id);
		await page.waitForURL(`${test.url}/cashfree/pg/view/sessions/checkout/web/${payment_session_id}`);
		await page.locator("input[value=card]").check();
		await page.locator("button[value=success]").click();
		await page.waitForURL(`${shopUrl}/return?order=${order_id}`);
		expect(visits).toContain(`/return?order=${order_id}`);
		expect(await statusesOf(order_id)).toEqual(["SUCCESS"]);
	});

	it.each([
		["a session that is none", "hello", "payment_session_id_invalid"],
		["no session", "", "payment_session_id_invalid"],
	])("say what is wrong with %s", async (_case, session, code) => {
		const page = await openShop(session);
		await expect.poll(() => page.locator("#said").textContent()).toBe(code);
	});

	it("open nothing in a mode that is none", async () => {
		const errors: string[] = [];
		const context = await openContext(browser);
		const page = await context.newPage();
		page.on("pageerror", ({ message }) => errors.push(message));
		await page.goto(`${shopUrl}/buy?session=session_x&mode=test`);
		expect(errors).toEqual(["mode should be sandbox or production"]);
	});

	it("without JavaScript is declined, left waiting, paid, and goes back by a link", async () => {
		const { order_id, payment_session_id } = await createOrder();
		const page = await openPage(payment_session_id, { javaScriptEnabled: false });
		await page.locator("select[name=reason]").selectOption("insufficient_funds");
		await page.locator("button[value=failure]").click();
		expect(await page.locator("#failure").textContent()).toContain("insufficient funds");
		await page.locator("button[value=pending]").click();
		await page.locator("#waiting").waitFor();
		await page.locator("button[value=success]").click();
		await page.locator("#return").click();
		await page.waitForURL(`${shopUrl}/return?order=${order_id}`);
		expect(await statusesOf(order_id)).toEqual(["SUCCESS", "FAILED"]);
	});

	it("is left without paying, which brings the payer back all the same", async () => {
		const { order_id, payment_session_id } = await createOrder();
		const page = await openPage(payment_session_id);
		await page.locator("button[value=dropped]").click();
		await page.waitForURL(`${shopUrl}/return?order=${order_id}`);
		expect(await statusesOf(order_id)).toEqual(["USER_DROPPED"]);
	});

	it.each([
		["light", 360],
		["dark", 360],
		["light", 1280],
		["dark", 1280],
	] as const)("fits and is accessible (%s, %i px)", async (colorScheme, width) => {
		const { payment_session_id } = await createOrder({ order_meta: {} });
		const page = await openPage(payment_session_id, { colorScheme, viewport: { width, height: 740 } });
		const isSound = async () => {
			expect(await accessibilityViolations(page)).toEqual([]);
			expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
		};
		await isSound();
		await page.locator("button[value=failure]").click();
		await isSound();
		await page.locator("button[value=pending]").click();
		await isSound();
		await page.locator("button[value=success]").click();
		await page.locator("#paid").waitFor();
		await isSound();
	});
});
