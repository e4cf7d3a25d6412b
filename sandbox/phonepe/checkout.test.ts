import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../../test/browser.ts";
import { startTestSandbox } from "../test-sandbox.ts";
import { createTestClient, PHONEPE_ACCOUNT } from "./test-client.ts";

const test = await startTestSandbox();
const client = createTestClient(test.url);
const shop = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
	response.setHeader("content-type", "text/html").end(`<title>Shop</title><h1>${request.url}</h1>`);
});
let shopUrl: string;

beforeAll(async () => {
	await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
	shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
	await test.control("PUT", "accounts", PHONEPE_ACCOUNT);
	await client.logIn();
});
afterAll(async () => {
	shop.closeAllConnections();
	shop.close();
	await test.close();
});

const createOrder = (flow: Record<string, unknown> = {}) =>
	client.createOrder({
		paymentFlow: {
			type: "PG_CHECKOUT",
			message: `Kaveri <Books> & "Söhne"`,
			merchantUrls: { redirectUrl: `${shopUrl}/return?token=t` },
			...flow,
		},
	});

async function stateOf(merchantOrderId: string): Promise<{ state: string; paymentDetails: { state: string }[] }> {
	const { body } = await client.call("GET", `/checkout/v2/order/${merchantOrderId}/status?details=true`);
	return body;
}

function press(redirectUrl: string, step: "pay" | "cancel", fields: Record<string, string> = {}) {
	const url = redirectUrl.replace("/v2?", `/v2/${step}?`);
	return fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
}

describe("PhonePe's page", () => {
	it("escapes what the merchant sent, and allows nothing from elsewhere", async () => {
		const response = await fetch((await createOrder()).redirectUrl);
		const page = await response.text();
		expect(page).toContain("Kaveri &lt;Books&gt; &amp; &quot;Söhne&quot;");
		expect(page).not.toContain("<Books>");
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	it("offers only the ways to pay that the merchant left", async () => {
		const only = (config: unknown) => createOrder({ paymentModeConfig: config });
		const methodsOn = async ({ redirectUrl }: { redirectUrl: string }) =>
			[...(await (await fetch(redirectUrl)).text()).matchAll(/name="method" value="(\w+)"/g)].map(([, name]) => name);
		expect(await methodsOn(await createOrder())).toEqual(["upi", "card", "netbanking"]);
		expect(await methodsOn(await only({ enabledPaymentModes: [{ type: "CARD" }] }))).toEqual(["card"]);
		expect(await methodsOn(await only({ disabledPaymentModes: [{ type: "UPI_QR" }] }))).toEqual(["card", "netbanking"]);
	});

	it("takes no second payment from a second press of the button", async () => {
		const { redirectUrl, merchantOrderId } = await createOrder();
		for (let n = 0; n < 3; n++) await press(redirectUrl, "pay", { outcome: "success", method: "upi" });
		expect((await stateOf(merchantOrderId)).paymentDetails).toHaveLength(1);
	});

	it("is over for an address that it does not know, and refuses what it cannot read", async () => {
		const { redirectUrl } = await createOrder();
		expect((await fetch(`${redirectUrl}x`)).status).toBe(410);
		expect((await press(`${redirectUrl}x`, "pay", { outcome: "success", method: "upi" })).status).toBe(410);
		expect((await press(redirectUrl, "pay", { outcome: "maybe", method: "upi" })).status).toBe(400);
	});

	it("cancelled, closes the order and tells the merchant; not while a payment is undecided", async () => {
		const { redirectUrl, merchantOrderId } = await createOrder();
		await press(redirectUrl, "pay", { outcome: "pending", method: "upi" });
		await press(redirectUrl, "cancel");
		expect((await stateOf(merchantOrderId)).state).toBe("PENDING");
		await press(redirectUrl, "pay", { outcome: "failure", method: "upi" });
		const response = await press(redirectUrl, "cancel");
		expect(response.headers.get("location")).toBe(`${shopUrl}/return?token=t`);
		expect(await stateOf(merchantOrderId)).toMatchObject({ state: "FAILED", errorCode: "TXN_CANCELLED" });
		await press(redirectUrl, "pay", { outcome: "success", method: "upi" });
		expect((await stateOf(merchantOrderId)).state).toBe("FAILED");
	});

	it("is linked from the sandbox's list of orders", async () => {
		const { orderId } = await createOrder();
		const page = await (await fetch(test.url)).text();
		expect(page).toContain(orderId);
		expect(page).toContain("/phonepe/transact/v2?token=");
	});
});

describe.skipIf(!hasBrowser())("PhonePe's page in a browser", () => {
	let browser: Browser;
	beforeAll(async () => {
		browser = await launchBrowser();
	});
	afterEach(async () => {
		for (const context of browser.contexts()) await context.close();
	});
	afterAll(() => browser?.close());

	async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
		const { redirectUrl } = await createOrder();
		const page = await (await openContext(browser, { viewport: { width: 360, height: 740 }, ...options })).newPage();
		await page.goto(redirectUrl);
		return page;
	}

	it("is paid by card, and goes back to the merchant by itself, with nothing added", async () => {
		const page = await openPage();
		await page.locator("input[value=card]").check();
		await page.locator("button[value=success]").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
	});

	it("without JavaScript is declined, left waiting, paid, and goes back by a link", async () => {
		const page = await openPage({ javaScriptEnabled: false });
		await page.locator("select[name=reason]").selectOption("Z9");
		await page.locator("button[value=failure]").click();
		expect(await page.locator("#failure").textContent()).toContain("insufficient balance");
		await page.locator("button[value=pending]").click();
		await page.locator("#waiting").waitFor();
		await page.locator("button[value=success]").click();
		await page.locator("#return").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
	});

	it("is left for the merchant's page", async () => {
		const page = await openPage();
		await page.locator("#cancel").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
	});

	it.each([
		["light", 360],
		["dark", 1280],
	] as const)("fits and is accessible (%s, %i px)", async (colorScheme, width) => {
		const page = await openPage({ colorScheme, viewport: { width, height: 740 } });
		const isSound = async () => {
			expect(await accessibilityViolations(page)).toEqual([]);
			expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
		};
		await isSound();
		await page.locator("button[value=failure]").click();
		await isSound();
		await page.locator("button[value=pending]").click();
		await isSound();
	});
});
