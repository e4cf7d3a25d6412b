/// <reference lib="dom" />
/** Home: what a person sees first, and that it stays new by itself. */
import { describe, expect, it } from "vitest";
import type { StudioStage } from "./stage.ts";

export function describeHome(stage: StudioStage): void {
	describe("Home", () => {
		it("shows a payment within a second of its row, without being reloaded", async () => {
			await stage.pay("HOME-1", 123_456);
			const page = await stage.open({ role: "operator" }, "/home");
			const tile = page.locator(".stat-tile", { hasText: "Payments today" });
			await tile.getByText("1", { exact: true }).waitFor();
			// The browser tells when the pixel changed, by the clock that this process has too.
			const seen = page.evaluate(
				() =>
					new Promise<number>((resolve) => {
						const value = document.querySelector(".stat-tile .value")!;
						new MutationObserver(() => requestAnimationFrame(() => resolve(Date.now()))).observe(value, {
							characterData: true,
							childList: true,
							subtree: true,
						});
					}),
			);
			await stage.pay("HOME-2", 50_000);
			const committed = Date.now();
			const took = (await seen) - committed;
			console.log(`From a row's change to the pixel: ${took} ms.`);
			expect(took).toBeLessThan(1_000);
			await tile.getByText("2", { exact: true }).waitFor();
			await stage.picture(page, "home-light");
			await stage.expectAccessible(page, ".module-page");
		});
	});
}
