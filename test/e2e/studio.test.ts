/** An operator at work in the studio, in a real browser. SCREENSHOTS=<directory> keeps pictures of every step. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { beginPspOrder, recordPspOrder } from "../../db/client/attempts.ts";
import { recordDispute } from "../../db/client/disputes.ts";
import { settleRefund } from "../../db/client/refunds.ts";
import { decryptSecret } from "../../db/client/secrets.ts";
import { submitUtr } from "../../db/client/upi.ts";
import type { Studio } from "../../directus/tests/studio-process.ts";
import { hasBrowser, openContext } from "../browser.ts";
import type { TestDatabase } from "../database.ts";
import { createMerchant, type TestMerchant } from "../merchants.ts";
import { disputeReport, startPayment } from "../payments.ts";
import { StudioStage } from "./studio/stage.ts";

const stage = new StudioStage();

describe.skipIf(!hasBrowser())("the studio in a browser", () => {
	let database: TestDatabase;
	let studio: Studio;
	let merchant: TestMerchant;
	/** Takes direct UPI only. */
	let lampShop: TestMerchant;
	const { keys } = stage;
	const pay: typeof stage.pay = (order_id, amount) => stage.pay(order_id, amount);
	const open: typeof stage.open = (view, path) => stage.open(view, path);
	const picture: typeof stage.picture = (page, name) => stage.picture(page, name);
	const expectVisible: typeof stage.expectVisible = (page, text) => stage.expectVisible(page, text);
	const expectAccessible: typeof stage.expectAccessible = (page, selector) => stage.expectAccessible(page, selector);

	beforeAll(async () => {
		await stage.start();
		({ database, studio, merchant } = stage);
		await pay("ORDER-PAID-1", 123_456);
		lampShop = await createMerchant(database.pool("admin"), keys, { company_name: "Lamp Shop" }, [
			{
				name: "Lamp Shop UPI",
				provider: "upi",
				api_key: "lampshop@okbank",
				api_secret: null,
				webhook_secret: null,
				settings: { payee_name: "Lamp Shop", match_by: "reference" },
			},
		]);
	});

	afterAll(() => stage.stop());

	/** A payment that waits for a transfer with this reference. */
	async function waitForTransfer(order_id: string, reference: string): Promise<string> {
		const started = await startPayment(database, lampShop, { order_id, amount: 75_000 });
		const jobs = database.pool("jobs");
		await beginPspOrder(jobs, started.attempt_id);
		await recordPspOrder(jobs, {
			attempt_id: started.attempt_id,
			psp_order_id: reference,
			presentation: { kind: "upi", reference },
			latency_ms: 3,
		});
		return started.transaction_id;
	}

	async function idOf(statement: string, value: string): Promise<string> {
		const { rows } = await database.pool("admin").query<{ id: string }>(statement, [value]);
		return rows[0]!.id;
	}

	const transactionOf = (order_id: string) => idOf("select id from public.transactions where order_id = $1", order_id);

	async function statusOf(order_id: string): Promise<string> {
		const { rows } = await database
			.pool("admin")
			.query<{ status: string }>("select status from public.transactions where order_id = $1", [order_id]);
		return rows[0]!.status;
	}

	async function readClient(): Promise<{ client_key: string; client_salt: string }> {
		const { rows } = await database
			.pool("admin")
			.query("select client_key, client_salt from public.clients where id = $1", [merchant.id]);
		return rows[0];
	}

	it("lets an operator in by e-mail and password and shows the paid transaction in rupees", async () => {
		const person = await studio.person("operator");
		const context = await openContext(stage.browser, { viewport: { width: 1280, height: 900 }, colorScheme: "light" });
		onTestFinished(() => context.close());
		const page = await context.newPage();
		await page.goto(`${studio.url}/admin/login`);
		await page.getByPlaceholder("Email").fill(person.email);
		await page.getByPlaceholder("Password").fill(person.password);
		await picture(page, "login");
		await page.getByRole("button", { name: "Sign In" }).click();
		await page.waitForURL(/\/admin\/home/);
		await stage.visit(page, "/content/transactions");
		const row = page.getByRole("row", { name: /ORDER-PAID-1/ });
		await row.waitFor();
		// Names are looked up when the rows are there.
		for (const text of ["₹1,234.56", "Paid", "Kaveri Books", /Razorpay (primary|reserve)/])
			await row.getByText(text).first().waitFor();
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
		const { rows } = await admin.query("select name from public.payment_gateways where is_active and client_id = $1", [
			merchant.id,
		]);
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
		await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(merchant.client_salt);
		await picture(page, "client-revealed");
		await page.getByRole("button", { name: "Hide secrets" }).click();
		expect(await page.content()).not.toContain(merchant.client_salt);

		await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
		await expectVisible(page, "Regenerate key and salt?");
		await picture(page, "regenerate-asks");
		await page.getByRole("button", { name: "Cancel" }).click();
		expect((await readClient()).client_key).toBe(merchant.client_key);

		await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
		await page.getByLabel("Reason").fill("The salt was sent by e-mail.");
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
		// The dialog fades.
		await expect.poll(async () => (await page.content()).includes(salt)).toBe(false);
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
		await stage.visit(page, "/content/transactions");
		await page.getByRole("row", { name: /ORDER-PAID-1/ }).click();
		await expectVisible(page, "Events to the merchant");
		expect(await page.getByText("Fee (percent)").count()).toBe(0);
		expect(await page.getByText("Commission booked").count()).toBe(0);
		await picture(page, "support-transaction");
	});

	it("refunds part of a payment after asking, and shows what becomes of it without being reloaded by hand", async () => {
		const page = await open({ role: "finance" }, `/content/transactions/${await transactionOf("ORDER-PAID-1")}`);
		const panel = page.locator(".refund");
		await panel.getByLabel("Amount in rupees").fill("5000");
		await panel.getByText("At most ₹1,234.56 is left.").waitFor();
		expect(await panel.getByRole("button", { name: "Refund" }).isDisabled()).toBe(true);
		await panel.getByLabel("Amount in rupees").fill("200.50");
		await panel.getByLabel("Reason").fill("One book was out of stock");
		await panel.getByRole("button", { name: "Refund" }).click();
		await expectVisible(page, "Refund ₹200.50 of ORDER-PAID-1?");
		await picture(page, "refund-asks");
		await page.locator(".v-card").getByRole("button", { name: "Refund ₹200.50" }).click();
		await panel.locator(".list").getByText("To be sent").waitFor();
		await picture(page, "refund-begun");
		await panel.getByLabel("Reason").fill("Another book");

		const refund = await idOf("select id from public.refunds where reason = $1", "One book was out of stock");
		await settleRefund(database.pool("jobs"), refund, {
			outcome: "succeeded",
			psp_refund_id: "rfnd_1",
			amount: 20_050,
			bank_reference: "512345678901",
			error: null,
			raw: {},
		});
		await panel.locator(".list").getByText("Refunded", { exact: true }).waitFor();
		await panel.getByText("512345678901").waitFor();
		await panel.getByText("₹1,034.06").waitFor();
		// The page reads the payment again by itself, but not while somebody writes.
		await panel.getByText("follows when you are done here").waitFor();
		expect(await panel.getByLabel("Reason").inputValue()).toBe("Another book");
		await panel.getByLabel("Reason").fill("");
		await expect.poll(() => page.locator('[data-field="status"] input').inputValue()).toBe("Partly refunded");
		await picture(page, "refund-done");
	});

	it("offers support no refund", async () => {
		const page = await open({ role: "support" }, `/content/transactions/${await transactionOf("ORDER-PAID-1")}`);
		await page.locator(".refund").getByText("₹1,034.06").waitFor();
		expect(await page.locator(".refund").getByRole("button").count()).toBe(0);
	});

	it("shows support a dispute and the day to answer by, on a phone in the dark too, and what became of it", async () => {
		const payment = await pay("ORDER-DISPUTED", 80_000);
		const tell = async (status: "opened" | "lost", day: number) =>
			recordDispute(
				database.pool("jobs"),
				await idOf("select id from public.payment_attempts where transaction_id = $1", payment),
				disputeReport(status, day, {
					psp_dispute_id: "disp_studio",
					psp_payment_id: "pay_ORDER-DISPUTED",
					amount: 65_000,
				}),
			);
		await tell("opened", 1);
		const page = await open({ role: "support" }, "/content/disputes");
		const row = page.getByRole("row", { name: /ORDER-DISPUTED/ });
		await row.waitFor();
		for (const word of ["₹650.00", "To be answered", "Chargeback", "Kaveri Books", "10.4"])
			await row.getByText(word).first().waitFor();
		await picture(page, "disputes-light");
		await row.click();
		const shownIn = (field: string) => page.locator(`[data-field="${field}"] input`).first().inputValue();
		await expect.poll(() => shownIn("reason")).toBe("Fraud, card absent");
		expect(await page.getByRole("button", { name: /delete/i }).isDisabled()).toBe(true);
		await picture(page, "dispute-light");

		await tell("lost", 5);
		const phone = await open({ role: "support", width: 360, colorScheme: "dark" }, "/content/disputes");
		await phone
			.getByRole("row", { name: /ORDER-DISPUTED/ })
			.getByText("Lost", { exact: true })
			.waitFor();
		await picture(phone, "disputes-dark-360");
		await phone.getByRole("row", { name: /ORDER-DISPUTED/ }).click();
		await phone.locator('[data-field="reason"]').waitFor();
		await picture(phone, "dispute-dark-360");
		expect(await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
	});

	it("makes a payment link, shows it with a QR code, copies it, and disables it", async () => {
		const page = await open({ role: "operator" }, "/content/payment_links/+");
		await expectVisible(page, "made when this is saved");
		await page.locator('[data-field="client_id"]').getByText("Select an item").click();
		await page.getByRole("row", { name: /Kaveri Books/ }).click();
		await page.locator('#dialog-outlet button:has([data-icon="check"])').click();
		await page.locator('[data-field="amount"] input').fill("1,499.50");
		await page.locator('[data-field="description"] input').fill("Three cook books");
		const saved = page.waitForResponse(
			(response) => response.request().method() === "POST" && response.url().includes("/items/payment_links"),
		);
		await page.keyboard.press("Control+s");
		expect((await saved).status()).toBe(200);
		const { rows } = await database
			.pool("admin")
			.query("select id, code, amount::int, usage from public.payment_links where description = 'Three cook books'");
		expect(rows[0]).toMatchObject({ amount: 149_950, usage: "single" });
		await stage.visit(page, `/content/payment_links/${rows[0].id}`);
		const address = `https://pay.example.com/l/${rows[0].code}`;
		await expectVisible(page, address);
		await page.getByRole("img", { name: "QR code of the link" }).waitFor();
		await page.getByRole("button", { name: "Copy link" }).click();
		await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(address);
		await picture(page, "link");
		await page.locator('[data-field="is_disabled"]').getByRole("checkbox").click();
		await page.keyboard.press("Control+s");
		await page.locator(".payment-link").getByText("Disabled: it takes no new payment.").waitFor();
	});

	it("approves a payer's UTR after asking, which pays the payment", async () => {
		const transaction = await waitForTransfer("LAMP-1", "LS00000000000000A1");
		await submitUtr(database.pool("checkout"), transaction, "532500000001");
		const page = await open({ role: "operator" }, "/content/utr_claims");
		await page.getByRole("row", { name: /532500000001/ }).click();
		await page.locator(".decision").getByRole("button", { name: "Approve" }).click();
		await expectVisible(page, "Approve UTR 532500000001?");
		await picture(page, "claim-asks");
		await page.locator(".v-card").getByRole("button", { name: "Approve" }).click();
		await expectVisible(page, "Approved: the payment is paid.");
		expect(await statusOf("LAMP-1")).toBe("paid");
		await stage.visit(page, `/content/transactions/${transaction}`);

		// Direct UPI gives nothing back by itself: an operator does, and says so.
		const panel = page.locator(".refund");
		await expectVisible(page, "Direct UPI cannot send money back");
		await panel.getByRole("button", { name: "Refund" }).click();
		await page.locator(".v-card").getByRole("button", { name: "Refund ₹750.00" }).click();
		await panel.locator(".list").getByText("To be sent").waitFor();
		const refund = await idOf("select id from public.refunds where transaction_id = $1", transaction);
		await settleRefund(database.pool("jobs"), refund, {
			outcome: "failed",
			psp_refund_id: null,
			amount: null,
			bank_reference: null,
			error: { code: "invalid_request", message: "Direct UPI cannot send money back." },
			raw: null,
		});
		await panel.getByRole("button", { name: "It was given back…" }).click();
		await page.getByLabel("Bank reference (UTR)").fill("532599999999");
		await page.getByLabel("How you know").fill("Paid by bank transfer");
		await picture(page, "refund-recorded");
		await page.locator(".v-card").getByRole("button", { name: "Record" }).click();
		await panel.getByText("532599999999").waitFor();
		await expect.poll(() => statusOf("LAMP-1")).toBe("refunded");
	});

	it("imports a bank statement, says what matched, and resolves an exception", async () => {
		await waitForTransfer("LAMP-2", "LS00000000000000A2");
		await waitForTransfer("LAMP-3", "LS00000000000000A3");
		const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" }).format(new Date());
		const csv = [
			"Date,Narration,Ref No,Debit,Credit",
			`${today},UPI/CR/532500000002/LS00000000000000A2,532500000002,,750.00`,
			`${today},UPI/CR/532500000003/A FRIEND,532500000003,,750.00`,
			`${today},SMS CHARGES,,17.70,`,
		].join("\n");
		const page = await open({ role: "operator" }, `/content/payment_gateways/${lampShop.gateways[0]!.id}`);
		await page
			.locator(".import input[type=file]")
			.setInputFiles({ name: "november.csv", mimeType: "text/csv", buffer: Buffer.from(csv) });
		const result = page.locator(".import .result");
		await result.waitFor();
		expect((await result.locator("dl").innerText()).replaceAll(/\s+/g, " ")).toBe(
			"Credits 2 Matched 1 Exceptions 1 Known from before 0",
		);
		expect(await statusOf("LAMP-2")).toBe("paid");
		await result.scrollIntoViewIfNeeded();
		await picture(page, "statement-imported");

		await result.getByRole("link", { name: /₹750.00/ }).click();
		await page.getByRole("radio", { name: /LAMP-3/ }).check();
		await page.locator(".line").getByLabel("Reason").fill("The payer's friend paid");
		await picture(page, "statement-line");
		await page.locator(".line").getByRole("button", { name: "Resolve" }).click();
		await expectVisible(page, "This credit paid the attempt below.");
		expect(await statusOf("LAMP-3")).toBe("paid");
	});

	it("shows which credentials and settings a provider needs as soon as it is chosen", async () => {
		const page = await open({ role: "operator" }, "/content/payment_gateways/+");
		await expectVisible(page, "Choose a provider to see what goes where.");
		const choose = async (provider: string) => {
			await page.locator('[data-field="provider"] .v-select').click();
			await page.locator("#menu-outlet").getByText(provider, { exact: true }).click();
			await expectVisible(page, `${provider}: what goes where`);
		};
		await choose("PhonePe");
		await expectVisible(page, "Client version");
		await page.getByPlaceholder("Client secret").waitFor();
		await picture(page, "gateway-phonepe");
		await choose("Direct UPI");
		await expectVisible(page, "Payee name");
		await page.locator('[data-field="new_api_secret"]').waitFor({ state: "detached" });
		await picture(page, "gateway-upi");
	});

	it("says why a gateway was chosen, and which would be next", async () => {
		const attempt = await idOf(
			"select a.id from public.payment_attempts a join public.transactions t on t.id = a.transaction_id where t.order_id = $1",
			"ORDER-2",
		);
		const page = await open({ role: "operator" }, `/content/payment_attempts/${attempt}`);
		await expectVisible(page, "Of those that qualified");
		await page.locator(".routing li").getByText("switched off").waitFor();
		// Names are looked up when the decision is there.
		await page.locator(".routing li").getByText("Razorpay primary").waitFor();
		await picture(page, "routing");
		await stage.visit(page, `/content/clients/${merchant.id}`);
		await page.locator("[data-field=gateways]").getByText("% successful").first().waitFor();
		await page.locator(".what-if").getByRole("button", { name: "Ask" }).click();
		const answer = page.locator(".what-if .answer");
		await answer.getByText("switched off").waitFor();
		expect(await answer.locator("li").first().innerText()).toContain("Razorpay reserve");
		await picture(page, "what-if");
	});

	it("shows the auditor who did what, by name, in the dark", async () => {
		const page = await open({ role: "auditor", colorScheme: "dark" }, "/content/audit_log");
		await expectVisible(page, "operator@example.com");
		await expectVisible(page, "Regenerate Credentials");
		await picture(page, "audit-dark");
	});

	it("speaks Hindi to who prefers it", async () => {
		await stage.speakHindi("finance");
		const page = await open({ role: "finance" }, "/content/wallets");
		await expectVisible(page, "बकाया");
		await expectVisible(page, "Kaveri Books");
		await picture(page, "wallets-hindi");
	});

	it.each([360, 1280])("fits %i pixels, light and dark, without sideways scrolling of the form", async (width) => {
		const page = await open({ role: "operator", width }, "/content/clients");
		for (const colorScheme of ["light", "dark"] as const) {
			await page.emulateMedia({ colorScheme });
			await stage.visit(page, `/content/clients/${merchant.id}`);
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
			await stage.visit(page, "/content/payment_gateways");
			await expectVisible(page, "Razorpay reserve");
			await picture(page, `gateways-${colorScheme}-${width}`);
		}
	});

	it.each([
		[360, "dark"],
		[1280, "light"],
	] as const)(
		"keeps its own parts within %i pixels and readable to all, %s",
		async (width, colorScheme) => {
			const transaction = await waitForTransfer(`LAMP-${width}`, `LS000000000000${width}`);
			const utr = `5325000${String(width).padStart(5, "0")}`;
			await submitUtr(database.pool("checkout"), transaction, utr);
			const first = (statement: string) => idOf(statement, "-");
			const parts: [path: string, selector: string][] = [
				[`transactions/${await transactionOf("ORDER-PAID-1")}`, ".refund"],
				[
					`payment_links/${await first("select id from public.payment_links where code <> $1 limit 1")}`,
					".payment-link",
				],
				[`utr_claims/${await idOf("select id from public.utr_claims where utr = $1", utr)}`, ".decision"],
				[`payment_gateways/${lampShop.gateways[0]!.id}`, ".import"],
				[
					`payment_attempts/${await first("select id from public.payment_attempts where status::text <> $1 limit 1")}`,
					".routing",
				],
			];
			const page = await open({ role: "operator", colorScheme, width }, "/content/clients");
			for (const [path, selector] of parts) {
				await stage.visit(page, `/content/${path}`);
				await page.locator(selector).waitFor();
				await page.locator(selector).scrollIntoViewIfNeeded();
				const box = await page.locator(selector).boundingBox();
				expect(box!.x + box!.width, path).toBeLessThanOrEqual(width);
				expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
					0,
				);
				await expectAccessible(page, selector);
				await picture(page, `${selector.slice(1)}-${colorScheme}-${width}`);
			}
		},
		240_000,
	);
});
