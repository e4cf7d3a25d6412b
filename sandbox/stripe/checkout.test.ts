import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../../test/browser.ts";
import { startTestSandbox } from "../test-sandbox.ts";

const test = await startTestSandbox();
const ACCOUNT = { provider: "stripe", api_key: "pk_test_kaveri", api_secret: "sk_test_kaveri_secret" };
const shop = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
	response.setHeader("content-type", "text/html").end(`<title>Shop</title><h1>${request.url}</h1>`);
});
let shopUrl: string;

beforeAll(async () => {
	await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
	shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
	await test.control("PUT", "accounts", ACCOUNT);
});
afterAll(async () => {
	shop.closeAllConnections();
	shop.close();
	await test.close();
});

interface Session {
	id: string;
	url: string;
	status: string;
	payment_status: string;
}

async function call(method: string, path: string, body?: Record<string, string>): Promise<Session> {
	const response = await fetch(`${test.url}/stripe/v1${path}`, {
		method,
		headers: { authorization: `Bearer ${ACCOUNT.api_secret}` },
		...(body !== undefined && { body: new URLSearchParams(body) }),
	});
	return (await response.json()) as Session;
}

function createSession(): Promise<Session> {
	return call("POST", "/checkout/sessions", {
		mode: "payment",
		success_url: `${shopUrl}/return?token=t&session_id={CHECKOUT_SESSION_ID}`,
		cancel_url: `${shopUrl}/cancel?token=t`,
		customer_email: "asha.rao@example.com",
		"line_items[0][price_data][currency]": "inr",
		"line_items[0][price_data][unit_amount]": "49900",
		"line_items[0][price_data][product_data][name]": `"Two" <books> & a pen`,
	});
}

const fetchSession = (id: string) => call("GET", `/checkout/sessions/${id}`);

describe("a session's page", () => {
	it("escapes what the merchant wrote, and allows nothing from elsewhere", async () => {
		const response = await fetch((await createSession()).url);
		const page = await response.text();
		expect(page).toContain("&quot;Two&quot; &lt;books&gt; &amp; a pen");
		expect(page).not.toContain("<books>");
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	it("takes no second payment from a second press of the button", async () => {
		const { id, url } = await createSession();
		const press = () =>
			fetch(`${url}/pay`, { method: "POST", body: new URLSearchParams({ outcome: "success", method: "upi" }) });
		for (let n = 0; n < 3; n++) expect(await (await press()).text()).toContain("Payment successful");
		const decline = new URLSearchParams({ outcome: "failure", method: "upi" });
		expect(await (await fetch(`${url}/pay`, { method: "POST", body: decline })).text()).toContain("Payment successful");
		expect((await fetchSession(id)).payment_status).toBe("paid");
	});

	it("says that a session is over, or none", async () => {
		const { id, url } = await createSession();
		await call("POST", `/checkout/sessions/${id}/expire`);
		expect((await fetch(url)).status).toBe(410);
		const late = new URLSearchParams({ outcome: "success", method: "upi" });
		expect((await fetch(`${url}/pay`, { method: "POST", body: late })).status).toBe(410);
		expect((await fetchSession(id)).payment_status).toBe("unpaid");
		expect((await fetch(`${test.url}/stripe/c/pay/cs_test_none`)).status).toBe(404);
	});

	it("refuses an answer that no bank gives", async () => {
		const { url } = await createSession();
		const body = new URLSearchParams({ outcome: "authorized", method: "cheque" });
		expect((await fetch(`${url}/pay`, { method: "POST", body })).status).toBe(400);
	});
});

describe.skipIf(!hasBrowser())("a session's page in a browser", () => {
	let browser: Browser;
	beforeAll(async () => {
		browser = await launchBrowser();
	});
	afterEach(async () => {
		for (const context of browser.contexts()) await context.close();
	});
	afterAll(() => browser?.close());

	async function openPage(url: string, options: BrowserContextOptions = {}): Promise<Page> {
		const page = await (await openContext(browser, { viewport: { width: 360, height: 740 }, ...options })).newPage();
		await page.goto(url);
		return page;
	}

	it("is paid, and takes the payer back with the session's id by itself", async () => {
		const { id, url } = await createSession();
		const page = await openPage(url);
		await page.locator("input[value=upi]").check();
		await page.locator("button[value=success]").click();
		await page.waitForURL(`${shopUrl}/return?token=t&session_id=${id}`);
		expect(await fetchSession(id)).toMatchObject({ status: "complete", payment_status: "paid" });
	});

	it("without JavaScript is declined, left waiting, paid, and goes back by a button", async () => {
		const { id, url } = await createSession();
		const page = await openPage(url, { javaScriptEnabled: false });
		await page.locator("select[name=reason]").selectOption("insufficient_funds");
		await page.locator("button[value=failure]").click();
		expect(await page.locator("#failure").textContent()).toContain("insufficient funds");
		await page.locator("button[value=pending]").click();
		await page.locator("#waiting").waitFor();
		await page.locator("button[value=success]").click();
		await page.locator("#return").click();
		await page.waitForURL(`${shopUrl}/return?token=t&session_id=${id}`);
	});

	it("is left for the merchant's address for that, and can be come back to", async () => {
		const { id, url } = await createSession();
		const page = await openPage(url);
		await page.locator("#cancel").click();
		await page.waitForURL(`${shopUrl}/cancel?token=t`);
		expect((await fetchSession(id)).status).toBe("open");
	});

	it.each([
		["light", 360],
		["dark", 360],
		["dark", 1280],
	] as const)("fits and is accessible (%s, %i px)", async (colorScheme, width) => {
		const page = await openPage((await createSession()).url, { colorScheme, viewport: { width, height: 740 } });
		const isSound = async () => {
			expect(await accessibilityViolations(page)).toEqual([]);
			expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
		};
		await isSound();
		await page.locator("button[value=failure]").click();
		await isSound();
		await page.locator("button[value=pending]").click();
		await isSound();
		await page.goto(`${test.url}/stripe/c/pay/cs_test_none`);
		await isSound();
	});
});
