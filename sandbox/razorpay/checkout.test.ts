import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../../test/browser.ts";
import { startTestSandbox, TEST_ACCOUNT } from "../test-sandbox.ts";

const test = await startTestSandbox();
const returned: Record<string, string>[] = [];
const shop = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	if (request.method === "POST")
		returned.push(Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString())));
	response.setHeader("content-type", "text/html").end(`<title>Shop</title><h1>${request.url}</h1>`);
});
let shopUrl: string;

beforeAll(async () => {
	await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
	shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
	await test.control("PUT", "accounts", TEST_ACCOUNT);
});
afterEach(() => {
	returned.length = 0;
});
afterAll(async () => {
	shop.closeAllConnections();
	shop.close();
	await test.close();
});

async function createOrder(amount = 49_900): Promise<string> {
	const response = await fetch(`${test.url}/razorpay/v1/orders`, {
		method: "POST",
		headers: {
			authorization: `Basic ${Buffer.from(`${TEST_ACCOUNT.api_key}:${TEST_ACCOUNT.api_secret}`).toString("base64")}`,
			"content-type": "application/json",
		},
		body: JSON.stringify({ amount, currency: "INR" }),
	});
	return ((await response.json()) as { id: string }).id;
}

const fieldsFor = (order_id: string) => ({
	key_id: TEST_ACCOUNT.api_key,
	order_id,
	name: `Kaveri <Books> & "Söhne"`,
	callback_url: `${shopUrl}/return?token=t`,
	cancel_url: `${shopUrl}/cancel?token=t`,
	"prefill[email]": "asha.rao@example.com",
});

function open(fields: Record<string, string>) {
	return fetch(`${test.url}/razorpay/v1/checkout/embedded`, { method: "POST", body: new URLSearchParams(fields) });
}

const paymentsOf = async (order: string) => {
	const instruction = { provider: "razorpay", order, outcome: "pending" };
	return (await test.control("POST", "pay", instruction)).body.order.attempts as number;
};

describe("the checkout", () => {
	it("escapes what the merchant's page posted, and allows nothing from elsewhere", async () => {
		const response = await open(fieldsFor(await createOrder()));
		const page = await response.text();
		expect(page).toContain("Kaveri &lt;Books&gt; &amp; &quot;Söhne&quot;");
		expect(page).not.toContain("<Books>");
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	it.each([
		["another account's key", { key_id: "rzp_test_nobody" }],
		["an unknown order", { order_id: "order_00000000000000" }],
		["a way back that is no web address", { callback_url: "javascript:alert(1)" }],
	])("refuses %s", async (_case, wrong) => {
		const response = await open({ ...fieldsFor(await createOrder()), ...wrong });
		expect(response.status).toBe(400);
		expect(await response.text()).toContain("This payment cannot be opened");
	});

	it("takes no second payment from a second press of the button", async () => {
		const order = await createOrder();
		const page = await open(fieldsFor(order));
		const press = () =>
			fetch(`${page.url}/pay`, { method: "POST", body: new URLSearchParams({ outcome: "success", method: "upi" }) });
		for (let n = 0; n < 3; n++) expect(await (await press()).text()).toContain("Payment successful");
		expect(await paymentsOf(order)).toBe(2);
	});

	it("says that a checkout it does not know is over", async () => {
		expect((await fetch(`${test.url}/razorpay/v1/checkout/embedded/unknown`)).status).toBe(410);
	});
});

describe.skipIf(!hasBrowser())("the checkout in a browser", () => {
	let browser: Browser;
	beforeAll(async () => {
		browser = await launchBrowser();
	});
	afterEach(async () => {
		for (const context of browser.contexts()) await context.close();
	});
	afterAll(() => browser?.close());

	async function openPage(order: string, options: BrowserContextOptions = {}): Promise<Page> {
		const page = await (await openContext(browser, { viewport: { width: 360, height: 740 }, ...options })).newPage();
		await page.goto(`${test.url}/razorpay/v1/checkout/embedded?${new URLSearchParams(fieldsFor(order))}`);
		return page;
	}

	it("is paid by card, and posts the signed success to the merchant by itself", async () => {
		const order = await createOrder();
		const page = await openPage(order);
		await page.locator("details[data-method=card] summary").click();
		await page.locator("details[data-method=card] button[value=success]").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
		const [form] = returned;
		expect(form).toEqual({
			razorpay_payment_id: expect.stringMatching(/^pay_\w{14}$/),
			razorpay_order_id: order,
			razorpay_signature: createHmac("sha256", TEST_ACCOUNT.api_secret)
				.update(`${order}|${form!.razorpay_payment_id}`)
				.digest("hex"),
		});
	});

	it("without JavaScript is declined, left waiting, paid, and goes back by a button", async () => {
		const page = await openPage(await createOrder(), { javaScriptEnabled: false });
		await page.locator("select[name=reason]:visible").selectOption("insufficient_funds");
		await page.locator("button[value=failure]:visible").click();
		expect(await page.locator("#failure").textContent()).toContain("insufficient account balance");
		await page.locator("button[value=pending]:visible").click();
		await page.locator("#waiting").waitFor();
		await page.locator("button[value=success]").click();
		await page.locator("#return button").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
		expect(Object.keys(returned[0]!)).toContain("razorpay_signature");
	});

	it("brings a failure back to the merchant, unsigned", async () => {
		const order = await createOrder();
		const page = await openPage(order);
		await page.locator("details[data-method=netbanking] summary").click();
		await page.locator("details[data-method=netbanking] button[value=failure]").click();
		await page.locator("#return-failure button").click();
		await page.waitForURL(`${shopUrl}/return?token=t`);
		expect(returned[0]).toMatchObject({
			"error[code]": "BAD_REQUEST_ERROR",
			"error[description]": "Payment failed",
			"error[reason]": "payment_failed",
		});
		expect(JSON.parse(returned[0]!["error[metadata]"]!)).toMatchObject({ order_id: order });
	});

	it("is cancelled to the merchant's address for that", async () => {
		const page = await openPage(await createOrder());
		await page.locator("#cancel").click();
		await page.waitForURL(`${shopUrl}/cancel?token=t`);
	});

	it.each([
		["light", 360],
		["dark", 1280],
	] as const)("fits and is accessible (%s, %i px)", async (colorScheme, width) => {
		const page = await openPage(await createOrder(), { colorScheme, viewport: { width, height: 740 } });
		const isSound = async () => {
			expect(await accessibilityViolations(page)).toEqual([]);
			expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
		};
		await isSound();
		await page.locator("button[value=failure]:visible").click();
		await isSound();
		await page.locator("button[value=pending]:visible").click();
		await isSound();
		await page.goto(test.url);
		await isSound();
		await page.goto(`${test.url}/merchant/return?order_id=KB-1&status=paid&amount=49900`);
		await isSound();
	});
});
