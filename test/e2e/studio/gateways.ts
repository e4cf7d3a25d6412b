/// <reference lib="dom" />
/** The desk from which operators watch and steer the gateways of all merchants. */
import type { Locator, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createMerchant, type TestMerchant } from "../../merchants.ts";
import { startPayment } from "../../payments.ts";
import type { StudioStage } from "./stage.ts";

export function describeGateways(stage: StudioStage): void {
	describe("Gateways", () => {
		let merchant: TestMerchant;
		beforeAll(async () => {
			merchant = await createMerchant(
				stage.database.pool("admin"),
				stage.keys,
				{ company_name: "Anand Sweets", max_rpm_per_gateway: 20 },
				[
					{ name: "Anand main", priority: 9, monthly_limit: 1_000_000 },
					{ name: "Anand reserve", provider: "cashfree" },
				],
			);
			await stage.query(
				"update gateway_states set success_rate = 92.4, outcomes = 40, volume = 930000, volume_month = public.month_in_india(now()), last_used_at = now() where gateway_id = $1",
				[merchant.gateways[0]!.id],
			);
			// Twelve successes, then a decline among three more.
			for (let n = 0; n < 16; n++) {
				await stage.query(
					`with t as (insert into transactions (order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at, status)
						values ($3, $1, $2, 100, 'INR', 2, now(), 'failed') returning id)
					insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, error_code, routing, settled_at)
						select id, $1, $2, 1, 100, $4, $5, '{}', now() - $6 * interval '1 second' from t`,
					[
						merchant.id,
						merchant.gateways[0]!.id,
						`SPARK-${n}`,
						n === 2 ? "failed" : "succeeded",
						n === 2 ? "declined" : null,
						n,
					],
				);
			}
		});

		const rowOf = (page: Page, name: string): Locator => page.locator("tbody tr", { hasText: name });
		const gatewayOf = async (order_id: string): Promise<string> => {
			const { transaction_id } = await startPayment(stage.database, merchant, { order_id });
			const [row] = await stage.query<{ name: string }>(
				"select g.name from transactions t join payment_gateways g on g.id = t.gateway_id where t.id = $1",
				[transaction_id],
			);
			return row!.name;
		};
		const cool = (index: number, reason = "timed_out", code = 504) =>
			stage.query("select public.cool_gateway($1, $2, $3, null)", [merchant.gateways[index]!.id, reason, code]);
		const find = async (page: Page, text: string) => {
			await page.getByPlaceholder("Search merchants and gateways").fill(text);
			await expect.poll(() => page.locator("tbody tr").count()).toBe(2);
		};

		it("shows an operator every merchant's gateways, finds one, and switches it off for the very next payment", async () => {
			const page = await stage.open({ role: "operator" }, "/gateways");
			await rowOf(page, "Kaveri Books").first().waitFor();
			await find(page, "anand");
			const row = rowOf(page, "Anand main");
			for (const text of ["Razorpay", "Anand Sweets", "92.4 % successful", "₹9,300.00", "of ₹10,000.00", "0 / 20"]) {
				await row.getByText(text).first().waitFor();
			}
			expect(await row.getByRole("img").getAttribute("aria-label")).toContain("of the newest five 80 %");
			await stage.picture(page, "gateways-light");
			await stage.expectAccessible(page, ".module-page");

			expect(await gatewayOf("DESK-1")).toBe("Anand main");
			const toggle = row.getByRole("switch");
			expect(await toggle.getAttribute("aria-checked")).toBe("true");
			await toggle.focus();
			await page.keyboard.press("Space");
			await row.getByText("Switched off").waitFor();
			expect(await gatewayOf("DESK-2")).toBe("Anand reserve");
			await toggle.click();
			await expect.poll(() => toggle.getAttribute("aria-checked")).toBe("true");
			expect(await gatewayOf("DESK-3")).toBe("Anand main");
			const [audited] = await stage.query<{ actor: string; after: object }>(
				"select actor, after from audit_log where table_name = 'payment_gateways' and row_id = $1 order by id desc limit 1",
				[merchant.gateways[0]!.id],
			);
			expect(audited).toEqual({ actor: (await stage.studio.person("operator")).id, after: { is_active: true } });
		});

		it("asks before the last gateway of a merchant is switched off", async () => {
			await stage.query("update payment_gateways set is_active = false where id = $1", [merchant.gateways[1]!.id]);
			const page = await stage.open({ role: "operator" }, `/gateways/${merchant.id}`);
			await rowOf(page, "Anand main").getByRole("switch").click();
			await stage.expectVisible(page, "It is the last gateway of Anand Sweets that is switched on");
			await stage.picture(page, "gateways-last");
			await page.getByRole("button", { name: "Cancel" }).click();
			expect(await rowOf(page, "Anand main").getByRole("switch").getAttribute("aria-checked")).toBe("true");
			await stage.query("update payment_gateways set is_active = true where id = $1", [merchant.gateways[1]!.id]);
		});

		it("changes a priority in the table, which the next payment follows", async () => {
			const page = await stage.open({ role: "operator" }, `/gateways/${merchant.id}`);
			const priority = page.getByLabel("Priority of Anand reserve");
			await priority.fill("12");
			// A figure of the same row changes under the operator's hands.
			await stage.query(
				"update gateway_states set volume = 4217, volume_month = public.month_in_india(now()) where gateway_id = $1",
				[merchant.gateways[1]!.id],
			);
			await rowOf(page, "Anand reserve").getByText("₹42.17").waitFor();
			expect(await priority.inputValue()).toBe("12");
			await priority.press("Enter");
			await expect
				.poll(
					async () =>
						(await stage.query("select priority from payment_gateways where id = $1", [merchant.gateways[1]!.id]))[0],
				)
				.toEqual({ priority: 12 });
			expect(await priority.evaluate((input) => input === document.activeElement)).toBe(true);
			expect(await gatewayOf("DESK-4")).toBe("Anand reserve");
			await stage.query("update payment_gateways set priority = 0 where id = $1", [merchant.gateways[1]!.id]);
			await expect.poll(() => priority.inputValue()).toBe("0");
		});

		it("shows a cool-down and what it skips as it happens, and ends it with a reason that is kept", async () => {
			const page = await stage.open({ role: "operator" }, `/gateways/${merchant.id}`);
			const row = rowOf(page, "Anand main");
			const log = page.locator(".gateway-log");
			await log.getByText("Live").waitFor();
			await cool(0);
			await row.getByText("Cooling down").waitFor();
			await row.getByText(/^[1-5]:\d\d$/).waitFor();
			await log.getByText("the provider did not answer in time (HTTP 504)").waitFor();
			expect(await gatewayOf("DESK-5")).toBe("Anand reserve");
			await log.getByText("DESK-5").waitFor();
			expect(await log.getByRole("listitem").first().innerText()).toMatch(/Anand main \(cooling down after failures\)/);
			await stage.picture(page, "gateways-cooling");
			const show = (name: string) =>
				page.getByRole("group", { name: "Show" }).first().getByRole("button", { name }).click();
			await show("Cooling down");
			await rowOf(page, "Anand reserve").waitFor({ state: "detached" });
			await row.waitFor();
			await show("All");
			await rowOf(page, "Anand reserve").waitFor();

			await row.getByRole("button", { name: "Clear" }).click();
			const dialog = page.locator(".ask-dialog");
			await expect.poll(() => dialog.getByRole("button", { name: "End cool-down" }).isDisabled()).toBe(true);
			await dialog.getByLabel("Reason").fill("The provider says it is over");
			await stage.picture(page, "gateways-clear");
			await stage.expectAccessible(page, ".ask-dialog");
			await dialog.getByRole("button", { name: "End cool-down" }).click();
			await row.getByText("On trial, one at a time").waitFor();
			await log.getByText("The provider says it is over").waitFor();
			expect(await gatewayOf("DESK-6")).toBe("Anand main");
			await row.getByRole("button", { name: "Full share" }).click();
			await dialog.getByLabel("Reason").fill("Tried by hand");
			await dialog.getByRole("button", { name: "Give full share" }).click();
			await row.getByText("92.4 % successful").waitFor();
			expect(
				await stage.query(
					"select action, after ->> 'reason' as reason, actor from audit_log where action = 'clear_cooldown' order by id",
				),
			).toEqual(
				["The provider says it is over", "Tried by hand"].map((reason) => ({
					action: "clear_cooldown",
					reason,
					actor: expect.stringMatching(/^[0-9a-f-]{36}$/),
				})),
			);
			await page.getByRole("button", { name: "Passed over" }).click();
			expect(await log.getByText("by hand").count()).toBe(0);
			await log.getByText("DESK-5").waitFor();
		});

		it("answers what routing would do now with an amount and a method", async () => {
			const page = await stage.open({ role: "auditor", colorScheme: "dark" }, `/gateways/${merchant.id}`);
			const panel = page.locator(".what-if");
			await panel.getByLabel("Amount in rupees").fill("800.00");
			await panel.getByRole("button", { name: "Ask" }).click();
			// ₹9,300 and what this file has paid are taken of ₹10,000.
			await panel.getByText("its limit for the month is reached").waitFor();
			expect(await panel.locator("li").first().innerText()).toContain("Anand reserve");
			await expect.poll(() => page.getByRole("switch").first().isDisabled()).toBe(true);
			expect(await page.getByRole("spinbutton").count()).toBe(0);
			await panel.scrollIntoViewIfNeeded();
			await stage.picture(page, "gateways-dark");
			await stage.expectAccessible(page, ".module-page");
		});

		it("shows support health and no volumes, on a phone, in Hindi too", async () => {
			const page = await stage.open({ role: "support", width: 360 }, "/gateways");
			await rowOf(page, "Anand main").waitFor();
			expect(await page.locator("tbody").innerText()).not.toContain("₹");
			expect(await page.getByText("What would routing do now?").count()).toBe(0);
			await stage.picture(page, "gateways-phone");
			await stage.expectAccessible(page, ".module-page");
			const support = await stage.studio.person("support");
			await stage.speakHindi("support");
			const inHindi = await stage.open({ role: "support", width: 360 }, `/gateways/${merchant.id}`);
			await stage.expectVisible(inHindi, "92.4 % सफल");
			await inHindi.locator(".gateway-log").getByText("विराम हाथ से समाप्त किया गया").waitFor();
			await inHindi.locator(".gateway-log").scrollIntoViewIfNeeded();
			await stage.picture(inHindi, "gateways-phone-hindi");
			for (const path of ["", `/figures?ids=${merchant.gateways[0]!.id}`]) {
				const { status, text } = await support.request("GET", `/lightspeedpay/gateway-desk${path}`);
				expect(status).toBe(200);
				expect(text).not.toMatch(/volume|monthly_limit/);
			}
			expect(
				(
					await support.request("POST", `/lightspeedpay/gateways/${merchant.gateways[0]!.id}/clear-cooldown`, {
						reason: "x",
					})
				).status,
			).toBe(403);
			expect((await (await stage.studio.person("finance")).request("GET", "/lightspeedpay/gateway-desk")).status).toBe(
				403,
			);
		});
	});
}
