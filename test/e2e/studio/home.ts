/// <reference lib="dom" />
/** Home and the Insights dashboards: what people see first, that it stays new by itself, and who sees which of it. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { raiseAlert } from "../../../db/client/operations.ts";
import { dashboards } from "../../../directus/config/dashboards.ts";
import type { StudioStage } from "./stage.ts";

export function describeHome(stage: StudioStage): void {
	const areasOf = async (page: Page) =>
		(await page.locator("#navigation .v-list-item, nav .v-list-item").allInnerTexts()).map((text) => text.trim());

	describe("Home", () => {
		it("shows a payment as its row comes, without being reloaded", async () => {
			await stage.pay("HOME-1", 123_456);
			const page = await stage.open({ role: "operator" }, "/home");
			const tile = page.locator(".stat-tile", { hasText: "Payments today" });
			await tile.getByText("1", { exact: true }).waitFor();
			const seen = await stage.watch(page.locator(".stat-tile .value").first());
			await stage.pay("HOME-2", 50_000);
			const committed = Date.now();
			console.log(`From a row's change to the pixel: ${(await seen()) - committed} ms.`);
			await tile.getByText("2", { exact: true }).waitFor();
			await page.getByText("₹1,734.56").waitFor();
			// 3.5 %
			await page.locator(".stat-tile", { hasText: "Commission today" }).getByText("₹60.71").waitFor();
			await page.getByText("No open alert").waitFor();

			const { gateways } = stage.merchant;
			await stage.query(
				"update public.gateway_states set cooldown_until = now() + interval '4 minutes', success_rate = 41 where gateway_id = $1",
				[gateways[0]!.id],
			);
			await raiseAlert(stage.database.pool("jobs"), {
				kind: "test",
				severity: "critical",
				message: "The invariant of the test is violated.",
				details: {},
				dedupe_key: "home",
			});
			await page.getByText("The invariant of the test is violated.").waitFor();
			await page.getByText(/Cooling down [1-3]:/).waitFor();
			await stage.query("update public.alerts set last_at = '2026-01-05T09:30:00Z' where dedupe_key = 'home'");
			await page.getByText("5 Jan, 15:00", { exact: true }).waitFor();
			await stage.picture(page, "home-light");
			await stage.expectAccessible(page, ".module-page");
		});

		it("keeps commission from support, and fits a phone in the dark", async () => {
			const page = await stage.open({ role: "support", width: 360, colorScheme: "dark" }, "/home");
			await page.getByText("Payments today").waitFor();
			await page.getByText("Live", { exact: true }).waitFor();
			expect(await page.getByText("Commission").count()).toBe(0);
			await stage.picture(page, "home-dark-360");
			await page.getByText("Gateways in trouble").last().scrollIntoViewIfNeeded();
			await stage.picture(page, "home-dark-360-lists");
			await stage.expectAccessible(page, ".module-page");
		});

		it("shows finance the money and no gateway by name, in Hindi", async () => {
			await stage.speakHindi("finance");
			const page = await stage.open({ role: "finance" }, "/home");
			await page.getByText("आज का कमीशन").waitFor();
			expect(await areasOf(page)).not.toContain("गेटवे");
			expect(await page.getByText("Razorpay primary").count()).toBe(0);
			await stage.picture(page, "home-hindi");
		});
	});

	describe("Insights", () => {
		it("draws every dashboard for an operator", async () => {
			await stage.query("select public.refresh_payment_figures(1440, '-2 minutes')");
			const page = await stage.open({ role: "operator" }, "/insights");
			for (const [name, dashboard] of Object.entries(dashboards)) {
				await stage.visit(page, `/insights/${dashboard.id}`);
				await page.getByRole("heading", { name: dashboard.name }).waitFor();
				await expect.poll(() => page.locator(".v-workspace-tile").count()).toBe(dashboard.panels.length);
				await expect.poll(() => page.locator(".v-workspace-tile .v-progress-circular").count()).toBe(0);
				expect(await page.locator(".v-workspace-tile .v-error, .v-workspace-tile [data-icon=warning]").count()).toBe(0);
				await stage.picture(page, `dashboard-${name}`);
			}
		});

		it("shows finance only the dashboards that it may read", async () => {
			const { id } = dashboards.money;
			const page = await stage.open({ role: "finance", colorScheme: "dark" }, `/insights/${id}`);
			await page.getByText("₹ 61").first().waitFor();
			expect(await page.getByText(dashboards.gateways.name).count()).toBe(0);
			await stage.picture(page, "dashboard-money-dark");
		});
	});
}
