/// <reference lib="dom" />
/** Reconciliation: finance works off differences and imports reports; operators and auditors look. */
import { beforeAll, describe, expect, it } from "vitest";
import { type ReportedLine, recordSettlementReport } from "../../../db/client/settlements.ts";
import type { StudioStage } from "./stage.ts";

export function describeReconciliation(stage: StudioStage): void {
	describe("Reconciliation", () => {
		const area = ".module-page";
		let gateway: string;

		const line = (order: string, more: Partial<ReportedLine> = {}): ReportedLine => ({
			kind: "payment",
			psp_kind: "payment",
			psp_id: `pay_${order}`,
			psp_payment_id: `pay_${order}`,
			psp_order_id: `order_${order}`,
			psp_settlement_id: "setl_QhT4mXk2Lr8WvB",
			amount: 123_500,
			credit: 120_584,
			debit: 0,
			fee: 2_916,
			tax: 445,
			currency: "INR",
			utr: "KKBKH26325891582",
			settled_at: new Date(),
			...more,
		});

		beforeAll(async () => {
			for (const order of ["RC-1", "RC-2", "RC-3"]) await stage.pay(order, 123_500);
			const rows = await stage.query<{ order_id: string; gateway_id: string }>(
				"select order_id, gateway_id from transactions where order_id like 'RC-%'",
			);
			gateway = rows.find(({ order_id }) => order_id === "RC-1")!.gateway_id;
			await stage.query(
				"update payment_attempts a set gateway_id = $1 from transactions t where t.id = a.transaction_id and t.order_id like 'RC-%'",
				[gateway],
			);
			await recordSettlementReport(
				stage.database.pool("jobs"),
				{ gateway_id: gateway, source: "pull", day: new Date().toISOString().slice(0, 10), is_final: false },
				[
					line("RC-1"),
					line("RC-2", { fee: 3_500, credit: 120_000 }),
					line("RC-9"),
					line("", {
						kind: "adjustment",
						psp_kind: "reserve_hold",
						psp_id: "rh_1",
						psp_payment_id: null,
						psp_order_id: null,
						amount: 500,
						credit: 0,
						debit: 500,
						fee: 0,
						tax: 0,
					}),
				],
			);
		});

		it("lets finance take a difference and resolve it with a reason, and says so at once", async () => {
			const page = await stage.open({ role: "finance" }, "/reconciliation");
			await page.getByRole("link", { name: "Fee differs" }).waitFor();
			await page.getByRole("link", { name: "Missing with us" }).waitFor();
			await stage.picture(page, "reconciliation-light");
			await stage.expectAccessible(page, area);
			await page.getByRole("link", { name: "Fee differs" }).click();
			await page.getByRole("button", { name: "Take it" }).click();
			await page.getByRole("button", { name: "Give it back" }).waitFor();
			await page.getByRole("button", { name: "Resolve" }).click();
			await page.getByLabel("Reason").fill("the PSP's ticket 4711");
			await stage.picture(page, "reconciliation-resolve-light");
			await stage.expectAccessible(page, ".ask-dialog");
			await page.locator(".ask-dialog").getByRole("button", { name: "Resolve" }).click();
			await page.getByText("the PSP's ticket 4711", { exact: false }).waitFor();
			await stage.picture(page, "reconciliation-exception-light");
			await stage.expectAccessible(page, area);
			expect(
				await stage.query(
					"select resolution, resolution_reason, owner = resolved_by as own from reconciliation_exceptions where kind = 'fee'",
				),
			).toEqual([{ resolution: "psp_corrects", resolution_reason: "the PSP's ticket 4711", own: true }]);
			expect(
				await stage.query("select action from audit_log where table_name = 'reconciliation_exceptions' order by id"),
			).toEqual([{ action: "change_exception" }, { action: "resolve_exception" }]);
		});

		it("shows what importing a file will do before it does it, and nothing new the second time", async () => {
			const page = await stage.open({ role: "finance", colorScheme: "dark" }, `/reconciliation/gateways/${gateway}`);
			const file = {
				name: "settlement.csv",
				mimeType: "text/csv",
				buffer: Buffer.from(
					`transaction_entity,entity_id,amount,currency,fee (exclusive tax),tax,debit,credit,order_id,settlement_id,settled_at,settlement_utr
payment,pay_RC-1,1235.00,INR,24.71,4.45,0,1205.84,order_RC-1,setl_QhT4mXk2Lr8WvB,${new Date().toISOString()},KKBKH26325891582
payment,pay_RC-3,1235.00,INR,24.71,4.45,0,1205.84,order_RC-3,setl_other,${new Date().toISOString()},KKBKH26325891583
`,
				),
			};
			const input = page.getByLabel("File of the PSP's dashboard", { exact: false });
			await input.setInputFiles(file);
			await page.getByText("What importing settlement.csv will do").waitFor();
			const known = await stage.query("select count(*)::integer from settlement_lines where psp_id = 'pay_RC-3'");
			expect(known).toEqual([{ count: 0 }]);
			await stage.picture(page, "reconciliation-import-dark");
			await stage.expectAccessible(page, area);
			await page.getByRole("button", { name: "Import", exact: true }).click();
			await page.getByText("settlement.csv is imported").waitFor();
			expect(
				await stage.query(
					"select l.status, r.file_name from settlement_lines l join settlement_reports r on r.id = l.report_id where psp_id = 'pay_RC-3'",
				),
			).toEqual([{ status: "matched", file_name: "settlement.csv" }]);
			await input.setInputFiles([]);
			await input.setInputFiles(file);
			await page.getByText("It brings nothing that is not known.").waitFor();
			await page.getByText("settlement.csv").nth(1).waitFor();
			// 29.16, 35.00, 29.16 and 29.16 of four times 1,235
			await page.getByText("2.479 %").waitFor();
		});

		it("is read only for an operator, on a phone and in Hindi", async () => {
			await stage.speakHindi("operator");
			const page = await stage.open({ role: "operator", width: 360 }, "/reconciliation");
			await page.getByRole("link", { name: "हमारे यहाँ नहीं" }).waitFor();
			await stage.picture(page, "reconciliation-phone-hindi");
			await stage.expectAccessible(page, area);
			await page.getByRole("link", { name: "निपटान", exact: true }).click();
			await page.getByRole("link", { name: "setl_QhT4mXk2Lr8WvB" }).click();
			await page.getByText("reserve_hold").waitFor();
			await stage.picture(page, "settlement-phone-hindi");
			await stage.expectAccessible(page, area);
			await page.getByRole("link", { name: "हमारे यहाँ नहीं" }).click();
			await page
				.getByText("जैसा", { exact: false })
				.or(page.getByText("हमारा", { exact: true }))
				.first()
				.waitFor();
			expect(await page.getByRole("button", { name: "सुलझाएँ" }).count()).toBe(0);
		});
	});
}
