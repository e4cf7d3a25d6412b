import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { accessibilityViolations, hasBrowser, launchBrowser, openContext } from "../../test/browser.ts";
import { startTestSandbox } from "../test-sandbox.ts";
import { PAYU_ACCOUNT, payuMerchant } from "./test-client.ts";

const test = await startTestSandbox();
const merchant = payuMerchant(() => test);
const returned: { address: string; form: Record<string, string> }[] = [];
const shop = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
	if (request.method === "POST") returned.push({ address: request.url ?? "", form });
	response.setHeader("content-type", "text/html").end(`<title>Shop</title><h1>${request.url}</h1>`);
});
let shopUrl: string;

beforeAll(async () => {
	await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
	shopUrl = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
	await test.control("PUT", "accounts", PAYU_ACCOUNT);
});
afterEach(() => {
	returned.length = 0;
});
afterAll(async () => {
	shop.closeAllConnections();
	shop.close();
	await test.close();
});

/** On a slow machine the page would be left while it is still being looked at. */
const STAY = `const wait = setTimeout;
window.setTimeout = (run, ms, ...rest) => ms >= 1000 ? 0 : wait(run, ms, ...rest);
window.setInterval = () => 0;`;

const form = (change: Record<string, string> = {}) =>
	merchant.form({ surl: `${shopUrl}/paid?token=t`, furl: `${shopUrl}/failed?token=t`, ...change });
const pagePath = ({ key = "", txnid = "" }: Record<string, string>) =>
	`${test.url}/payu/_payment_options?${new URLSearchParams({ key, txnid })}`;

describe("the payment page", () => {
	it("escapes what the merchant's page posted, and allows nothing from elsewhere", async () => {
		const fields = form({ productinfo: `<b>Books</b> & "Söhne"` });
		expect((await merchant.post(fields)).headers.get("location")).toContain(fields.txnid);
		const response = await fetch(pagePath(fields));
		const page = await response.text();
		expect(page).toContain("&lt;b&gt;Books&lt;/b&gt; &amp; &quot;Söhne&quot;");
		expect(page).not.toContain("<b>Books");
		expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
	});

	it.each([
		["an amount changed on the way", () => ({ ...form(), amount: "1.00" })],
		["the amount written otherwise", () => ({ ...form(), amount: "499" })],
		["another hash", () => ({ ...form(), hash: "0".repeat(128) })],
		["a key that nobody has", () => ({ ...form(), key: "nobody" })],
		["less than a rupee", () => form({ amount: "0.99" })],
		["a txnid of more than 25 characters", () => form({ txnid: "t".repeat(26) })],
		["no phone", () => form({ phone: "" })],
		["a way back that is no web address", () => form({ surl: "javascript:alert(1)" })],
		["a split that does not add up", () => form({ splitRequest: splitOf("100.00") })],
		["a split that is none", () => form({ splitRequest: "{}" })],
		[
			"a split changed on the way",
			() => ({ ...form({ splitRequest: splitOf("499.00") }), splitRequest: splitOf("1.00") }),
		],
	])("refuses %s", async (_case, fields) => {
		const response = await merchant.post(fields());
		expect(response.status).toBe(400);
		expect(await response.text()).toContain("This payment cannot be opened");
	});

	it("takes the same form again, and another under its txnid not", async () => {
		const fields = form();
		expect((await merchant.post(fields)).status).toBe(303);
		expect((await merchant.post(fields)).status).toBe(303);
		expect((await merchant.post(form({ txnid: fields.txnid as string, amount: "1.00" }))).status).toBe(400);
	});

	it("takes no second payment from a second press of the button", async () => {
		const fields = form();
		await merchant.post(fields);
		const ids = { key: fields.key as string, txnid: fields.txnid as string };
		const body = new URLSearchParams({ ...ids, outcome: "success", method: "upi" });
		const press = async () => (await fetch(`${test.url}/payu/_payment_options`, { method: "POST", body })).text();
		const pages = [await press(), await press()];
		const payments = pages.map((page) => /name="mihpayid" value="(\d+)"/.exec(page)?.[1]);
		expect(payments[0]).toMatch(/^\d{18}$/);
		expect(payments[1]).toBe(payments[0]);
	});

	it("says that a payment it does not know is over", async () => {
		expect((await fetch(pagePath({ key: "payukey", txnid: "unknown" }))).status).toBe(410);
	});
});

describe.skipIf(!hasBrowser())("the payment page in a browser", () => {
	let browser: Browser;
	beforeAll(async () => {
		browser = await launchBrowser();
	});
	afterEach(async () => {
		for (const context of browser.contexts()) await context.close();
	});
	afterAll(() => browser?.close());

	/** `still` keeps the page from going anywhere by itself. */
	async function openPage(fields = form(), options: BrowserContextOptions = {}, still = false): Promise<Page> {
		await merchant.post(fields);
		const context = await openContext(browser, { viewport: { width: 360, height: 740 }, ...options });
		if (still) await context.addInitScript(STAY);
		const page = await context.newPage();
		await page.goto(pagePath(fields));
		return page;
	}

	it("is paid by card, and posts the signed success to surl by itself", async () => {
		const fields = form();
		const page = await openPage(fields);
		await page.locator("input[value=card]").check();
		await page.locator("button[value=success]").click();
		await page.waitForURL(`${shopUrl}/paid?token=t`);
		expect(returned).toEqual([
			{
				address: "/paid?token=t",
				form: expect.objectContaining({
					txnid: fields.txnid,
					mode: "CC",
					status: "success",
					unmappedstatus: "captured",
					amount: "499.00",
					productinfo: "A book & a pen",
					udf1: fields.udf1,
					hash: expect.stringMatching(/^[0-9a-f]{128}$/),
				}),
			},
		]);
	});

	it("without JavaScript is declined, left waiting, paid, and goes back by a button", async () => {
		const page = await openPage(form(), { javaScriptEnabled: false });
		await page.locator("select[name=reason]").selectOption("insufficient_funds");
		await page.locator("button[value=failure]:not(#leave)").click();
		expect(await page.locator("#failed").textContent()).toContain("Insufficient Funds");
		await page.getByText("Pay in another way").click();
		await page.locator("button[value=pending]").click();
		await page.locator("#waiting").waitFor();
		await page.locator("button[value=success]").click();
		await page.locator("#return button").click();
		await page.waitForURL(`${shopUrl}/paid?token=t`);
		expect(returned[0]?.form).toMatchObject({ status: "success" });
	});

	it("is cancelled to furl, signed like any failure", async () => {
		const page = await openPage();
		await page.locator("#leave").click();
		await page.locator("#return button").click();
		await page.waitForURL(`${shopUrl}/failed?token=t`);
		expect(returned[0]?.form).toMatchObject({ status: "failure", unmappedstatus: "userCancelled", error: "E1605" });
	});

	it("is left while the bank has not said, to furl", async () => {
		const page = await openPage();
		await page.locator("button[value=pending]").click();
		await page.locator("#return button").click();
		await page.waitForURL(`${shopUrl}/failed?token=t`);
		expect(returned[0]?.form).toMatchObject({ status: "pending", unmappedstatus: "in progress" });
	});

	it("opens with the method that the merchant enforces", async () => {
		const page = await openPage(form({ enforce_paymethod: "netbanking" }));
		expect(await page.locator("input[name=method]:checked").inputValue()).toBe("netbanking");
	});

	it.each([
		["light", 360],
		["dark", 1280],
	] as const)("fits and is accessible (%s, %i px)", async (colorScheme, width) => {
		const page = await openPage(form(), { colorScheme, viewport: { width, height: 740 } }, true);
		const isSound = async () => {
			expect(await accessibilityViolations(page)).toEqual([]);
			expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
		};
		await isSound();
		await page.locator("button[value=pending]").click();
		await isSound();
		await page.locator("button[value=failure]").click();
		await page.locator("#failed").waitFor();
		await isSound();
	});
});

function splitOf(amount: string): string {
	const part = { aggregatorSubTxnId: "child-1", aggregatorSubAmt: amount };
	return JSON.stringify({ type: "absolute", splitInfo: { P41sCY: part } });
}
