/// <reference lib="dom" />
/** Checkout settings: how a merchant's payments rotate, what they are capped at, and how its page looks. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestCheckout, type TestCheckout } from "../../../checkout/test-checkout.ts";
import { createMerchant, type TestMerchant } from "../../merchants.ts";
import { startPayment } from "../../payments.ts";
import type { StudioStage } from "./stage.ts";

/** What the studio of the stage takes for checkout's address. */
const CHECKOUT_URL = "https://pay.example.com";
const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><rect width="300" height="100" rx="20" fill="#b91c1c"/><circle cx="50" cy="50" r="30" fill="#fde68a"/></svg>`;

export function describeCheckoutSettings(stage: StudioStage): void {
	describe("Checkout settings", () => {
		let checkout: TestCheckout;
		let merchant: TestMerchant;
		beforeAll(async () => {
			merchant = await createMerchant(
				stage.database.pool("admin"),
				stage.keys,
				{ company_name: "Chandni Fabrics", max_transaction_amount: 5_000_000 },
				[{ name: "Chandni main" }],
			);
			checkout = await startTestCheckout(stage.database, { PUBLIC_STUDIO_URL: stage.studio.url });
		});
		afterAll(() => checkout?.stop());

		/** With the real checkout behind the address that the studio knows. */
		async function open(view: Parameters<StudioStage["open"]>[0], path: string): Promise<Page> {
			const page = await stage.open(view, "/checkout");
			await page.context().route(`${CHECKOUT_URL}/**`, async (route) => {
				const { pathname, search } = new URL(route.request().url());
				await route.fulfill({ response: await route.fetch({ url: `${checkout.url}${pathname}${search}` }) });
			});
			await stage.visit(page, path);
			return page;
		}
		const preview = (page: Page) => page.frameLocator("iframe");
		const saved = async () =>
			(
				await stage.query<Record<string, unknown>>(
					"select rotation_mode, max_rpm_per_gateway, cooldown_seconds, max_transaction_amount::int, daily_amount_cap::int, theme_color, logo_sha256 from clients where id = $1",
					[merchant.id],
				)
			)[0]!;

		it("lets an operator choose rotation, limits, colour and logo, and shows the real page with them before they count", async () => {
			const page = await open({ role: "operator" }, "/checkout");
			await page.getByPlaceholder("Search merchants").fill("chandni");
			const link = page.getByRole("link", { name: "Chandni Fabrics" });
			await expect.poll(() => page.locator("tbody tr").count()).toBe(1);
			await stage.picture(page, "checkout-merchants");
			await link.click();
			await preview(page).getByText("nothing can be paid here").waitFor();
			await preview(page).getByText("Chandni Fabrics").first().waitFor();

			await page.getByText("By lot, in proportion to weight").click();
			await page.getByLabel("Payments a minute and gateway").fill("3");
			await page.getByLabel("Cool-down (seconds)").fill("0");
			await page.getByText("A whole number from 1 to 86400").waitFor();
			await expect.poll(() => page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
			await page.getByLabel("Cool-down (seconds)").fill("120");
			await page.getByLabel("Largest payment").fill("1,500.50");
			await page.getByLabel("Amount a day").fill("2,00,000");
			await page.getByLabel("Colour as #rrggbb").fill("#FFC");
			await page.getByLabel("Colour as #rrggbb").press("Enter");
			await page.getByText("Six hexadecimal digits").waitFor();
			expect(await page.getByLabel("Colour as #rrggbb").inputValue()).toBe("#FFC");
			await page.getByLabel("Colour as #rrggbb").fill("#FFC400");
			await page.getByLabel("Colour as #rrggbb").press("Enter");
			await page
				.locator('input[type="file"]')
				.setInputFiles({ name: "logo.svg", mimeType: "image/svg+xml", buffer: Buffer.from(LOGO) });
			const logo = preview(page).locator("img.logo");
			await logo.waitFor();
			await expect.poll(() => logo.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(100);
			await expect
				.poll(() =>
					preview(page)
						.locator(".summary")
						.evaluate((part) => getComputedStyle(part).backgroundColor),
				)
				.toBe("rgb(255, 196, 0)");
			// White would not be readable on it.
			expect(
				await preview(page)
					.locator(".summary")
					.evaluate((part) => getComputedStyle(part).color),
			).toBe("rgb(0, 0, 0)");
			await stage.picture(page, "checkout-settings-light");
			await stage.expectAccessible(page, ".module-page");

			expect(await saved()).toMatchObject({ rotation_mode: "smart", theme_color: null, logo_sha256: null });
			const whileSaving = await stage.holdBack(page, "PATCH", /\/items\/clients\//);
			await page.getByRole("button", { name: "Save" }).click();
			await whileSaving(async () => {
				await page.getByLabel("Payments a day").fill("70");
			});
			await stage.expectVisible(page, "Saved. It counts from the next payment on.");
			expect(await page.getByLabel("Payments a day").inputValue()).toBe("70");
			await page.getByRole("button", { name: "Discard" }).click();
			expect(await saved()).toEqual({
				rotation_mode: "weighted",
				max_rpm_per_gateway: 3,
				cooldown_seconds: 120,
				max_transaction_amount: 150_050,
				daily_amount_cap: 20_000_000,
				theme_color: "#ffc400",
				logo_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
			});
			await expect(startPayment(stage.database, merchant, { amount: 150_051 })).rejects.toMatchObject({
				code: "cap_exceeded",
			});
			const [audited] = await stage.query<{ actor: string; after: Record<string, unknown> }>(
				"select actor, after from audit_log where table_name = 'clients' and row_id = $1 and action = 'update' order by id desc limit 1",
				[merchant.id],
			);
			expect(audited).toMatchObject({
				actor: (await stage.studio.person("operator")).id,
				after: { rotation_mode: "weighted" },
			});
		});

		it("previews dark, desktop, Hindi and paid, in dark too, and asks before changes are lost", async () => {
			const page = await open({ role: "operator", colorScheme: "dark" }, `/checkout/${merchant.id}`);
			await preview(page).getByText("Ready to pay").waitFor();
			for (const name of ["Dark", "Desktop", "हिन्दी", "Paid"])
				await page.getByRole("button", { name, exact: true }).click();
			await preview(page).getByText("भुगतान सफल").first().waitFor();
			expect(
				await preview(page)
					.locator("main")
					.evaluate((part) => getComputedStyle(part).backgroundColor),
			).toBe("rgb(23, 26, 35)");
			await stage.picture(page, "checkout-settings-dark");
			await stage.expectAccessible(page, ".module-page");
			await page.getByLabel("Payments a day").fill("40");
			await page.setViewportSize({ width: 360, height: 800 });
			await stage.picture(page, "checkout-settings-phone-changed");
			await page.setViewportSize({ width: 1280, height: 900 });
			await page.getByRole("link", { name: "Gateways" }).click();
			await stage.expectVisible(page, "Leave without saving?");
			await page.getByRole("button", { name: "Cancel" }).click();
			expect(await page.getByLabel("Payments a day").inputValue()).toBe("40");
			await page.getByRole("button", { name: "Discard" }).click();
			expect(await page.getByLabel("Payments a day").inputValue()).toBe("");
		});

		it("shows an auditor everything and changes nothing, on a phone, in Hindi", async () => {
			await stage.speakHindi("auditor");
			const page = await open({ role: "auditor", width: 360 }, `/checkout/${merchant.id}`);
			await stage.expectVisible(page, "भुगतान पृष्ठ");
			expect(await page.getByRole("button", { name: "सहेजें" }).count()).toBe(0);
			await expect.poll(() => page.getByRole("radio").first().isDisabled()).toBe(true);
			await preview(page).locator("main").waitFor();
			await stage.picture(page, "checkout-settings-phone");
			await page.locator("iframe").scrollIntoViewIfNeeded();
			await stage.expectAccessible(page, ".module-page");
			await stage.picture(page, "checkout-settings-phone-preview");
			const auditor = await stage.studio.person("auditor");
			const logos = `/lightspeedpay/clients/${merchant.id}/logos`;
			expect((await auditor.request("POST", logos, { content: "AAAA" })).status).toBe(403);
			expect((await auditor.request("PATCH", `/items/clients/${merchant.id}`, { theme_color: "#000000" })).status).toBe(
				403,
			);
			const operator = await stage.studio.person("operator");
			expect((await operator.request("POST", logos, { content: Buffer.from(LOGO).toString("base64") })).status).toBe(
				400,
			);
			expect((await operator.request("PATCH", `/items/clients/${merchant.id}`, { theme_color: "red" })).status).toBe(
				400,
			);
		});
	});
}
