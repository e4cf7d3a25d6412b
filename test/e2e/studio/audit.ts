/// <reference lib="dom" />
/** The audit log: who did what, found, read and taken along. */
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { StudioStage } from "./stage.ts";

export function describeAudit(stage: StudioStage): void {
	describe("Audit", () => {
		const row = (page: Page, text: string | RegExp) => page.locator("tbody tr", { hasText: text });
		const count = (page: Page) => page.locator("tbody tr").count();

		beforeAll(async () => {
			const operator = await stage.studio.person("operator");
			for (const change of [{ suspend_threshold: 2_500_000 }, { status: "suspended" }, { status: "active" }]) {
				const answer = await operator.request("PATCH", `/items/clients/${stage.merchant.id}`, change);
				expect(answer.status, answer.text).toBe(200);
			}
			await stage.query(
				`insert into audit_log (id, actor, database_role, address, action, table_name, row_id, before, after, created_at)
					select uuidv7(at - clock_timestamp()), '=meera', 'studio', '10.0.0.7', 'update', 'wallets', 'w', '{"warn_threshold": 1}',
							jsonb_build_object('warn_threshold', n), at
						from generate_series(1, 120) n, lateral (select timestamptz '2026-03-02 09:00+05:30' + n * interval '1 minute' as at) t order by n`,
			);
		});

		it("shows an auditor who changed what, before and after", async () => {
			const page = await stage.open({ role: "auditor" }, `/audit?table=clients&row=${stage.merchant.id}`);
			await row(page, "suspended → active").first().waitFor();
			const threshold = row(page, "₹25,000.00");
			await threshold.getByText("Operator", { exact: true }).waitFor();
			await threshold.getByText("127.0.0.1").waitFor();
			await stage.picture(page, "audit-light");
			await stage.expectAccessible(page, ".module-page");
			await threshold.getByRole("link").click();
			await page.getByRole("table", { name: "Before and after" }).waitFor();
			await page.getByText("₹25,000.00").waitFor();
			await page.locator(`a[href$="/content/clients/${stage.merchant.id}"]`).waitFor();
			await stage.picture(page, "audit-entry");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("link", { name: "All that this person did" }).click();
			await row(page, "suspended → active").first().waitFor();
			// Names come after the entries.
			await expect
				.poll(() => page.getByLabel("Who", { exact: true }).locator("option:checked").allTextContents())
				.toEqual(["Operator"]);
		});

		it("is filtered by person, action, subject and time, and paged", async () => {
			const page = await stage.open({ role: "auditor", colorScheme: "dark" }, "/audit");
			await page.getByLabel("Who", { exact: true }).selectOption({ label: "=meera" });
			await expect.poll(() => count(page)).toBe(50);
			for (const rows of [100, 120]) {
				await page.getByRole("button", { name: "Older entries" }).click();
				await expect.poll(() => count(page)).toBe(rows);
			}
			expect(await page.getByRole("button", { name: "Older entries" }).count()).toBe(0);
			await page.getByLabel("From").fill("2026-03-03");
			await page.getByText("No entry fits these filters").waitFor();
			await page.getByLabel("From").fill("2026-03-02");
			await page.getByLabel("To", { exact: true }).fill("2026-03-02");
			await page.getByLabel("Action").selectOption({ label: "Changed" });
			await expect.poll(() => count(page)).toBe(50);
			await stage.picture(page, "audit-dark");
			await stage.expectAccessible(page, ".module-page");

			const [download] = await Promise.all([
				page.waitForEvent("download"),
				page.getByRole("button", { name: "Export CSV" }).click(),
			]);
			expect(download.suggestedFilename()).toMatch(/^audit-.*\.csv$/);
			const lines = (await readFile(await download.path(), "utf8")).split("\r\n");
			// The last one ends too.
			expect(lines).toHaveLength(122);
			expect(lines[0]).toBe("\uFEFFtime,who,who_id,action,table,row,address,database_role,before,after");
			// Newest first; a name that a spreadsheet would run is a text.
			expect(lines[1]).toBe(
				`2026-03-02T05:30:00.000Z,'=meera,'=meera,update,wallets,w,10.0.0.7,studio,"{""warn_threshold"":1}","{""warn_threshold"":120}"`,
			);
			await page.getByText("Exported 120 entries.").waitFor();
			expect(
				await stage.query(
					"select after ->> 'actor' as actor, (after ->> 'entries')::integer as entries from audit_log where action = 'export_audit'",
				),
			).toEqual([{ actor: "=meera", entries: 120 }]);
		});

		it("reads on a phone, and in Hindi", async () => {
			await stage.speakHindi("auditor");
			const page = await stage.open({ role: "auditor", width: 360 }, "/audit?table=clients");
			await row(page, "बदला").first().waitFor();
			await stage.picture(page, "audit-hindi-phone");
			await stage.expectAccessible(page, ".module-page");
			await page.locator("tbody a").first().click();
			await page.getByText("पहले और बाद").first().waitFor();
			await stage.picture(page, "audit-entry-hindi-phone");
			await stage.expectAccessible(page, ".module-page");
		});

		it("is for auditors", async () => {
			const operator = await stage.studio.person("operator");
			expect((await operator.request("GET", "/lightspeedpay/audit")).status).toBe(403);
			expect((await operator.request("POST", "/lightspeedpay/audit/export", {})).status).toBe(403);
		});
	});
}
