/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** An operator at work in the studio, in a real browser. SCREENSHOTS=<directory> keeps pictures of every step. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginPspOrder, recordPspOrder, settleAttempt } from "../../db/client/attempts.ts";
import { initiatePayments } from "../../db/client/payments.ts";
import { decryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import type { RoleName } from "../../directus/config/roles.ts";
import { type Studio, startStudio } from "../../directus/tests/studio-process.ts";
import { hasBrowser, launchBrowser } from "../browser.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../merchants.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);

interface View {
	role: RoleName;
	colorScheme?: "light" | "dark";
	width?: number;
	locale?: string;
}

describe.skipIf(!hasBrowser())("the studio in a browser", () => {
	let database: TestDatabase;
	let studio: Studio;
	let browser: Browser;
	let merchant: TestMerchant;
	const contexts: BrowserContext[] = [];

	beforeAll(async () => {
		database = await createTestDatabase();
		merchant = await createMerchant(
			database.pool("admin"),
			keys,
			{
				company_name: "Kaveri Books",
				gstin: "27AAPFU0939F1ZV",
			},
			[{ name: "Razorpay primary" }, { name: "Razorpay reserve" }],
		);
		await pay("ORDER-PAID-1", 123_456);
		studio = await startStudio(database.url("studio"));
		browser = await launchBrowser();
	}, 180_000);

	afterAll(async () => {
		await browser?.close();
		await studio?.stop();
		await database?.drop();
	}, 60_000);

	async function pay(order_id: string, amount: number): Promise<void> {
		const [started] = await initiatePayments(database.pool("checkout"), [
			{ client_id: merchant.id, client_key: merchant.client_key, order_id, amount, currency: "INR" },
		]);
		if (!started?.ok) throw new Error("The payment was refused.");
		const { rows } = await database
			.pool("admin")
			.query<{ id: string }>("select id from public.payment_attempts where transaction_id = $1", [
				started.transaction_id,
			]);
		const attempt = rows[0]!.id;
		const jobs = database.pool("jobs");
		await beginPspOrder(jobs, attempt);
		await recordPspOrder(jobs, {
			attempt_id: attempt,
			psp_order_id: `order_${order_id}`,
			presentation: { kind: "redirect", url: "https://psp.example.com", method: "GET", fields: {} },
			latency_ms: 84,
		} as Parameters<typeof recordPspOrder>[1]);
		await settleAttempt(jobs, attempt, {
			outcome: "succeeded",
			psp_payment_id: `pay_${order_id}`,
			amount,
			currency: "INR",
			method: "upi",
			bank_reference: "412345678901",
			fee: 2_916,
			error: null,
			raw: {},
		});
	}

	async function open(view: View, path: string): Promise<Page> {
		const person = await studio.person(view.role);
		const context = await browser.newContext({
			viewport: { width: view.width ?? 1280, height: 900 },
			colorScheme: view.colorScheme ?? "light",
			locale: view.locale ?? "en-IN",
			timezoneId: "Asia/Kolkata",
			permissions: ["clipboard-read", "clipboard-write"],
		});
		contexts.push(context);
		// Directus opens both side bars on a first visit; on a phone they would lie over the page.
		await context.addInitScript(() => {
			localStorage.setItem("sidebar-collapsed", "true");
			if (window.innerWidth < 960) localStorage.setItem("nav-bar-collapsed", "true");
		});
		const login = await context.request.post(`${studio.url}/auth/login`, {
			data: { email: person.email, password: person.password, mode: "session" },
		});
		expect(login.ok()).toBe(true);
		const page = await context.newPage();
		await page.goto(`${studio.url}/admin${path}`);
		return page;
	}

	async function picture(page: Page, name: string): Promise<void> {
		const directory = process.env.SCREENSHOTS;
		if (!directory) return;
		mkdirSync(directory, { recursive: true });
		await page.waitForLoadState("networkidle");
		await page.screenshot({ path: join(directory, `${name}.png`), animations: "disabled" });
	}

	const expectVisible = (page: Page, text: string | RegExp) =>
		page.getByText(text).first().waitFor({ state: "visible", timeout: 20_000 });

	async function expectAccessible(page: Page, selector: string): Promise<void> {
		const { violations } = await new AxeBuilder({ page }).include(selector).analyze();
		const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(", ")}`);
		expect(found).toEqual([]);
	}

	async function readClient(): Promise<{ client_key: string; client_salt: string }> {
		const { rows } = await database
			.pool("admin")
			.query("select client_key, client_salt from public.clients where id = $1", [merchant.id]);
		return rows[0];
	}

	it("lets an operator in by e-mail and password and shows the paid transaction in rupees", async () => {
		const person = await studio.person("operator");
		const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
		contexts.push(context);
		const page = await context.newPage();
		await page.goto(`${studio.url}/admin/login`);
		await page.getByPlaceholder("Email").fill(person.email);
		await page.getByPlaceholder("Password").fill(person.password);
		await picture(page, "login");
		await page.getByRole("button", { name: "Sign In" }).click();
		await page.waitForURL(/\/admin\/content/);
		await page.goto(`${studio.url}/admin/content/transactions`);
		const row = page.getByRole("row", { name: /ORDER-PAID-1/ });
		await row.waitFor();
		const shown = await row.innerText();
		expect(shown).toContain("₹1,234.56");
		expect(shown).toContain("Paid");
		expect(shown).toContain("Kaveri Books");
		expect(shown).toMatch(/Razorpay (primary|reserve)/);
		await picture(page, "transactions-light");

		await row.click();
		await expectVisible(page, "Commission booked");
		// 3.5 % of ₹1,234.56, and GST of 18 % on it.
		await expectVisible(page, "₹43.21");
		await expectVisible(page, "₹7.78");
		await picture(page, "transaction");
		expect(await page.getByRole("button", { name: /delete/i }).isDisabled()).toBe(true);
	});

	it("lets an operator switch a gateway off, which counts on the next payment", async () => {
		const page = await open({ role: "operator" }, "/content/payment_gateways");
		await expectVisible(page, "% successful");
		await picture(page, "gateways-light");
		await page.getByText("Razorpay primary").click();
		const active = page.locator('[data-field="is_active"]').getByRole("checkbox");
		await active.waitFor();
		expect(await active.getAttribute("aria-pressed")).toBe("true");
		await picture(page, "gateway-form");
		await active.click();
		const saved = page.waitForResponse(
			(response) => response.request().method() === "PATCH" && response.url().includes("/items/payment_gateways/"),
		);
		await page.keyboard.press("Control+s");
		expect((await saved).status()).toBe(200);

		const admin = database.pool("admin");
		const { rows } = await admin.query("select name from public.payment_gateways where is_active");
		expect(rows).toEqual([{ name: "Razorpay reserve" }]);
		for (const order of ["ORDER-2", "ORDER-3"]) await pay(order, 50_000);
		const { rows: used } = await admin.query(
			`select distinct g.name from public.transactions t join public.payment_gateways g on g.id = t.gateway_id
			where t.order_id in ('ORDER-2', 'ORDER-3')`,
		);
		expect(used).toEqual([{ name: "Razorpay reserve" }]);
	});

	it("reveals secrets on request, and regenerates them after asking, showing the new pair once", async () => {
		const page = await open({ role: "operator" }, `/content/clients/${merchant.id}`);
		await expectVisible(page, "Provider webhook URL");
		await expectVisible(page, `https://pay.example.com/webhook/${merchant.client_key}`);
		expect(await page.content()).not.toContain(merchant.client_salt);
		await picture(page, "client-light");

		await page.getByRole("button", { name: "Reveal secrets" }).click();
		await expectVisible(page, merchant.client_salt);
		await page.getByRole("button", { name: "Copy salt" }).click();
		expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(merchant.client_salt);
		await picture(page, "client-revealed");
		await page.getByRole("button", { name: "Hide secrets" }).click();
		expect(await page.content()).not.toContain(merchant.client_salt);

		await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
		await expectVisible(page, "Regenerate key and salt?");
		await picture(page, "regenerate-asks");
		await page.getByRole("button", { name: "Cancel" }).click();
		expect((await readClient()).client_key).toBe(merchant.client_key);

		await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
		await page.locator(".v-card").getByRole("button", { name: "Regenerate" }).click();
		await expectVisible(page, "New key and salt");
		await picture(page, "regenerated");
		const client = await readClient();
		expect(client.client_key).not.toBe(merchant.client_key);
		await expectVisible(page, client.client_key);
		const salt = decryptSecret(keys, client.client_salt, { table: "clients", column: "client_salt", row: merchant.id });
		await expectVisible(page, salt);
		await page.getByRole("button", { name: "Done" }).click();
		await expectVisible(page, `https://pay.example.com/webhook/${client.client_key}`);
		expect(await page.content()).not.toContain(salt);
		merchant.client_key = client.client_key;
	});

	it("makes a client from a name alone and shows its integration at once", async () => {
		const page = await open({ role: "operator" }, "/content/clients/+");
		await expectVisible(page, "made when the client is saved");
		await page.locator('[data-field="company_name"] input').fill("Fifty Lamps");
		await picture(page, "client-new");
		const saved = page.waitForResponse(
			(response) => response.request().method() === "POST" && response.url().includes("/items/clients"),
		);
		await page.keyboard.press("Control+s");
		expect((await saved).status()).toBe(200);
		await expectVisible(page, "Provider webhook URL");
		const { rows } = await database
			.pool("admin")
			.query("select client_key from public.clients where company_name = 'Fifty Lamps'");
		await expectVisible(page, rows[0].client_key);
	});

	it("shows support neither fees nor buttons for secrets", async () => {
		const page = await open({ role: "support" }, `/content/clients/${merchant.id}`);
		await expectVisible(page, "Provider webhook URL");
		expect(await page.getByRole("button", { name: "Reveal secrets" }).count()).toBe(0);
		expect(await page.getByRole("button", { name: "Regenerate" }).count()).toBe(0);
		await page.goto(`${studio.url}/admin/content/transactions`);
		await page.getByRole("row", { name: /ORDER-PAID-1/ }).click();
		await expectVisible(page, "Events to the merchant");
		expect(await page.getByText("Fee (percent)").count()).toBe(0);
		expect(await page.getByText("Commission booked").count()).toBe(0);
		await picture(page, "support-transaction");
	});

	it("shows the auditor who did what, by name, in the dark", async () => {
		const page = await open({ role: "auditor", colorScheme: "dark" }, "/content/audit_log");
		await expectVisible(page, "operator@example.com");
		await expectVisible(page, "Regenerate Credentials");
		await picture(page, "audit-dark");
	});

	it("speaks Hindi to who prefers it", async () => {
		const { id } = await studio.person("finance");
		await database.pool("studio").query("update directus_users set language = 'hi-IN' where id = $1", [id]);
		const page = await open({ role: "finance" }, "/content/wallets");
		await expectVisible(page, "बकाया");
		await expectVisible(page, "Kaveri Books");
		await picture(page, "wallets-hindi");
	});

	it.each([360, 1280])("fits %i pixels, light and dark, without sideways scrolling of the form", async (width) => {
		for (const colorScheme of ["light", "dark"] as const) {
			const page = await open({ role: "operator", colorScheme, width }, `/content/clients/${merchant.id}`);
			await expectVisible(page, "Provider webhook URL");
			const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
			expect(overflow).toBeLessThanOrEqual(0);
			const box = await page.locator(".integration").boundingBox();
			expect(box!.x + box!.width).toBeLessThanOrEqual(width);
			await expectAccessible(page, ".integration");
			await picture(page, `client-${colorScheme}-${width}`);
			await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
			await expectVisible(page, "Regenerate key and salt?");
			await expectAccessible(page, ".v-card");
			await picture(page, `regenerate-${colorScheme}-${width}`);
			await page.goto(`${studio.url}/admin/content/payment_gateways`);
			await expectVisible(page, "Razorpay reserve");
			await picture(page, `gateways-${colorScheme}-${width}`);
			await page.context().close();
		}
	});
});
