/// <reference lib="dom" />
/** Commission: finance settles, adjusts and downloads; operators suspend; auditors look. */
import { readFile } from "node:fs/promises";
import { pino } from "pino";
import { beforeAll, describe, expect, it } from "vitest";
import { settleAttempt } from "../../../db/client/attempts.ts";
import { checkInvariants } from "../../../db/client/invariants.ts";
import { createRefund, settleRefund } from "../../../db/client/refunds.ts";
import { issueInvoices } from "../../../jobs/invoices/issue.ts";
import drawAndStore from "../../../jobs/tasks/draw_invoice.ts";
import { createMerchant, type TestMerchant } from "../../merchants.ts";
import { backdateEntries } from "../../months.ts";
import { attemptState, startPayment } from "../../payments.ts";
import type { StudioStage } from "./stage.ts";

const log = pino({ level: "silent" });

export function describeCommission(stage: StudioStage): void {
	describe("Commission", () => {
		let lamps: TestMerchant;
		const area = ".module-page";

		async function pay(amount: number): Promise<string> {
			const { transaction_id, attempt_id } = await startPayment(stage.database, lamps, { amount });
			await settleAttempt(
				stage.database.pool("jobs"),
				attempt_id,
				attemptState("succeeded", { psp_payment_id: `pay_${attempt_id}`, amount }),
			);
			return transaction_id;
		}

		/** A month with payments, and one with a refund of them; both closed, their documents drawn. */
		beforeAll(async () => {
			const admin = stage.database.pool("admin");
			const jobs = stage.database.pool("jobs");
			lamps = await createMerchant(admin, stage.keys, {
				company_name: "पचास दीये Fifty Lamps",
				legal_name: "पचास दीये हस्तशिल्प एलएलपी",
				state_code: "33",
				suspend_threshold: 50_000,
			});
			const refundable = await pay(500_000);
			await pay(124_900);
			await backdateEntries(stage.database, lamps.id, 2);
			const { refund } = await createRefund(stage.database.pool("checkout"), {
				client_id: lamps.id,
				transaction_id: refundable,
				amount: 100_000,
				reason: null,
				idempotency_key: null,
			});
			await settleRefund(jobs, refund.refund_id, {
				outcome: "succeeded",
				psp_refund_id: "rfnd_1",
				amount: 100_000,
				bank_reference: null,
				error: null,
				raw: null,
			});
			await pay(333_300);
			await backdateEntries(stage.database, lamps.id, 1, 5);
			await pay(1_000_000);
			await admin.query(
				"update company_profile set legal_name = 'LightSpeed Payments', address = 'Bengaluru', gstin = '29AAGCB7383J1Z4', upi_vpa = 'dues@bank'",
			);
			await issueInvoices(jobs, log);
			const { rows } = await admin.query<{ id: string }>("select id from invoices where client_id = $1", [lamps.id]);
			await Promise.all(rows.map(({ id }) => drawAndStore({ invoice_id: id }, { database: jobs, log })));
		});

		const path = () => `/commission/${lamps.id}`;
		it("shows finance who owes most, and takes a settlement that lets payments through again", async () => {
			const page = await stage.open({ role: "finance" }, "/commission");
			await page.getByRole("link", { name: "पचास दीये Fifty Lamps" }).waitFor();
			await stage.picture(page, "commission-list-light");
			await stage.expectAccessible(page, area);
			// Who looks at a merchant by keyboard keeps it while it moves up the list.
			const weaver = await createMerchant(stage.database.pool("admin"), stage.keys, { company_name: "Ghat Weavers" });
			const link = page.getByRole("link", { name: "Ghat Weavers" });
			await link.focus();
			const dear = await startPayment(stage.database, weaver, { amount: 50_000_000 });
			await settleAttempt(
				stage.database.pool("jobs"),
				dear.attempt_id,
				attemptState("succeeded", { psp_payment_id: "pay_ghat", amount: 50_000_000 }),
			);
			await page.locator("tbody tr").first().getByText("Ghat Weavers").waitFor();
			expect(await link.evaluate((shown) => shown === document.activeElement)).toBe(true);
			const tiles = await page.locator("section.tiles").elementHandle();
			await page.getByPlaceholder("Search by name").fill("fifty");
			await expect.poll(() => page.locator(".data-table tbody tr").count()).toBe(1);
			// Nothing jumped while the answer was on its way.
			expect(await tiles!.evaluate((shown) => shown.isConnected)).toBe(true);
			await page.getByRole("link", { name: "पचास दीये Fifty Lamps" }).click();

			await page.getByText("Payments are refused: what is due has reached the threshold.").waitFor();
			await page.getByText("entries", { exact: false }).first().waitFor();
			await stage.picture(page, "commission-account-light");
			await stage.expectAccessible(page, area);
			await expect(startPayment(stage.database, lamps)).rejects.toMatchObject({ code: "dues_outstanding" });

			await page.getByRole("button", { name: "Record settlement" }).click();
			await page.getByLabel("Amount in rupees").fill("700");
			await page.getByLabel("Reference (UTR, cheque number)").fill("utr 412345678901");
			await page.getByText("Payments are taken again with it.").waitFor();
			await stage.picture(page, "commission-settle-light");
			await stage.expectAccessible(page, ".ask-dialog");
			await page.getByRole("button", { name: "Record ₹700.00" }).click();
			await page.getByText("Payments are refused", { exact: false }).waitFor({ state: "detached" });
			await page.getByText("bank transfer UTR 412345678901").waitFor();
			await startPayment(stage.database, lamps);
		});

		it("lets finance say where a merchant is collected from, and collect now", async () => {
			const page = await stage.open({ role: "finance" }, path());
			await page.getByText("no account for payouts is entered", { exact: false }).waitFor();
			await page.getByRole("button", { name: "Collection settings" }).click();
			await page.getByLabel("Key id").fill("rzp_test_collect");
			await page.getByLabel("Key secret").fill("a secret of theirs");
			await page.getByLabel("Account number to debit").fill("7878780080316316");
			await page.getByLabel("Our fund account").fill("fa_00000000000001");
			await page.getByLabel("Reason").fill("they asked for it");
			await stage.picture(page, "collection-settings-light");
			await stage.expectAccessible(page, ".ask-dialog");
			await page.getByRole("button", { name: "Save", exact: true }).click();
			await page.getByText("from the merchant's account at RazorpayX by NEFT", { exact: false }).waitFor();
			const [stored] = await stage.query<{ api_secret: string }>(
				"select api_secret from collection_accounts where client_id = $1",
				[lamps.id],
			);
			expect(stored!.api_secret).toMatch(/^v1\./);
			expect(await page.content()).not.toContain("a secret of theirs");

			await page.getByRole("button", { name: "Collect now…" }).click();
			await page.getByLabel("Reason").fill("before their holiday");
			await page.getByRole("button", { name: "Collect", exact: true }).click();
			await page.getByText("Waiting", { exact: true }).waitFor();
			await page.getByText("before their holiday", { exact: false }).waitFor();
			await stage.picture(page, "collection-light");
			await stage.expectAccessible(page, area);
			await stage.query(
				"update payouts set status = 'failed', error_message = 'The account is empty' where client_id = $1",
				[lamps.id],
			);
			await page.getByText("The account is empty").waitFor();
			await page.setViewportSize({ width: 360, height: 800 });
			await page.getByRole("heading", { name: "Collection" }).scrollIntoViewIfNeeded();
			await stage.picture(page, "collection-360");
		});

		it("offers an invoice's PDF as soon as it is drawn", async () => {
			const kites = await createMerchant(stage.database.pool("admin"), stage.keys, { company_name: "Makar Kites" });
			const database = stage.database.pool("jobs");
			const { attempt_id } = await startPayment(stage.database, kites);
			const paid = attemptState("succeeded", { psp_payment_id: "pay_kites", amount: 10_000 });
			await settleAttempt(database, attempt_id, paid);
			await backdateEntries(stage.database, kites.id, 1);
			await issueInvoices(database, log);
			const page = await stage.open({ role: "auditor" }, `/commission/${kites.id}`);
			await page.getByText("being drawn").waitFor();
			const [invoice] = await stage.query<{ id: string }>("select id from invoices where client_id = $1", [kites.id]);
			await drawAndStore({ invoice_id: invoice!.id }, { database, log });
			await page.locator(area).getByRole("button", { name: "PDF" }).waitFor();
		});

		it("gives the PDF that is kept, the lines and the entries", async () => {
			const page = await stage.open({ role: "auditor" }, path());
			const save = async (button: string, part = area) => {
				const [download] = await Promise.all([
					page.waitForEvent("download"),
					page.locator(part).getByRole("button", { name: button }).click(),
				]);
				return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
			};
			const [invoice] = await stage.query<{ pdf: Buffer; document_no: string }>(
				`select d.pdf, i.document_no from invoices i join invoice_documents d on d.invoice_id = i.id
					where i.client_id = $1 and i.kind = 'credit_note'`,
				[lamps.id],
			);
			const pdf = await save(`${invoice!.document_no} PDF`);
			expect(pdf.name).toBe(`${invoice!.document_no.replaceAll("/", "-")}.pdf`);
			expect(pdf.bytes.equals(invoice!.pdf)).toBe(true);
			const lines = (await save("Lines as CSV")).bytes.toString();
			expect(lines.split("\r\n")[0]).toContain("document_no,kind,issued_on");
			expect(lines.match(/,commission,3.5,18,/g)).toHaveLength(2);
			expect(lines).toMatch(/,reversal,3.5,18,1,1000.00,35.00,0.00,0.00,6.30/);
			const [{ count }] = (await stage.query<{ count: number }>(
				"select count(*)::integer as count from wallet_entries where client_id = $1",
				[lamps.id],
			)) as [{ count: number }];
			const entries = (await save("CSV", "section[aria-label=Entries]")).bytes.toString().trim().split("\r\n");
			expect(entries[0]).toContain("entry_no,created_at,type,amount_inr,balance_after_inr");
			expect(entries).toHaveLength(1 + count);
			await page.getByLabel("Which entries").selectOption("by_hand");
			await expect.poll(() => page.locator("section[aria-label=Entries] tbody tr").count()).toBeLessThan(count);
			// an auditor changes nothing
			for (const name of ["Record settlement", "Adjust", "Suspend…"]) {
				expect(await page.getByRole("button", { name }).count()).toBe(0);
			}
		});

		it("puts what is booked on top of the entries that were read", async () => {
			const page = await stage.open({ role: "auditor" }, path());
			const entries = page.locator("section[aria-label=Entries]");
			// As if a page were three entries long.
			await page.route(/\/entries\?/, async (route) => {
				const response = await route.fetch();
				const { data } = await response.json();
				const is_first = !route.request().url().includes("before=");
				await route.fulfill({
					response,
					json: { data: is_first ? { entries: data.entries.slice(0, 3), has_more: true } : data },
				});
			});
			await page.getByLabel("Which entries").selectOption("by_hand");
			await entries.getByText("bank transfer UTR 412345678901").waitFor();
			await page.getByLabel("Which entries").selectOption("");
			await expect.poll(() => entries.locator("tbody tr").count()).toBe(3);
			await entries.getByRole("button", { name: "Show more" }).click();
			const [{ count }] = (await stage.query<{ count: number }>(
				"select count(*)::integer as count from wallet_entries where client_id = $1",
				[lamps.id],
			)) as [{ count: number }];
			await expect.poll(() => entries.locator("tbody tr").count()).toBe(count);
			await pay(100_000);
			await expect.poll(() => entries.locator("tbody tr").count()).toBe(count + 2);
			await page.unroute(/\/entries\?/);
		});

		it("books a large adjustment only when a second person approves it", async () => {
			const page = await stage.open({ role: "finance" }, path());
			await page.getByRole("button", { name: "Adjust" }).click();
			await page.getByLabel("By, in rupees").fill("2000");
			await page.getByLabel("Reason", { exact: true }).fill("Fee agreed for Diwali");
			await stage.expectAccessible(page, ".ask-dialog");
			await page.getByRole("button", { name: "Lower by ₹2,000.00" }).click();
			await page.getByLabel("Adjustments to approve").getByText("Another person has to approve it.").waitFor();
			expect(await page.getByRole("button", { name: "Approve…" }).count()).toBe(0);
			await stage.picture(page, "commission-proposal-light");

			const other = await stage.open({ role: "administrator", colorScheme: "dark" }, path());
			await other.getByRole("button", { name: "Approve…" }).click();
			await stage.picture(other, "commission-approve-dark");
			await other.getByRole("button", { name: "Approve and book" }).click();
			// both see it without a reload
			for (const each of [other, page]) {
				await each.getByText("Adjustments to approve").waitFor({ state: "detached" });
				await each.getByRole("cell", { name: "Fee agreed for Diwali" }).waitFor();
			}
			await stage.expectAccessible(other, area);
			await stage.picture(other, "commission-account-dark");
			expect(
				await stage.query("select proposed_by, decided_by from adjustments where client_id = $1", [lamps.id]),
			).toEqual([
				{
					proposed_by: (await stage.studio.person("finance")).id,
					decided_by: (await stage.studio.person("administrator")).id,
				},
			]);
			expect(await checkInvariants(stage.database.pool("jobs"))).toEqual([]);
		});

		it("lets an operator suspend and release with a reason, on a phone", async () => {
			const page = await stage.open({ role: "operator", width: 360 }, path());
			await page.getByRole("button", { name: "Suspend…" }).click();
			await page.getByLabel("Reason", { exact: true }).fill("Chargebacks from one card");
			await page.getByRole("button", { name: "Suspend", exact: true }).click();
			await page.getByText("Chargebacks from one card").waitFor();
			await stage.expectAccessible(page, area);
			await stage.picture(page, "commission-suspended-360");
			await expect(startPayment(stage.database, lamps)).rejects.toMatchObject({ code: "client_suspended" });
			expect(await page.getByRole("button", { name: "Record settlement" }).count()).toBe(0);
			await page.getByRole("button", { name: "Release…" }).click();
			await page.getByLabel("Reason", { exact: true }).fill("Bank has explained");
			await page.getByRole("button", { name: "Release", exact: true }).click();
			await page.getByText("Suspended: payments are refused.").waitFor({ state: "detached" });
			await startPayment(stage.database, lamps);
			const entries = page.locator("section[aria-label=Entries]");
			await entries.scrollIntoViewIfNeeded();
			await stage.picture(page, "commission-entries-360");
		});

		it("keeps an administrator from a wrong GSTIN in our own details", async () => {
			const page = await stage.open({ role: "administrator" }, "/commission/company");
			await page.getByLabel("GSTIN").fill("29AAGCB7383J1Z5");
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("this is no valid GSTIN", { exact: false }).waitFor();
			await page.getByLabel("GSTIN").fill("29AAGCB7383J1Z4");
			await page.getByLabel("Bank account, as printed").fill("State Bank of India");
			const whileSaving = await stage.holdBack(page, "PATCH", /\/company-profile/);
			await page.getByRole("button", { name: "Save" }).click();
			await whileSaving(async () => {
				await page.getByLabel("Bank account, as printed").fill("State Bank of India\nIFSC SBIN0000813");
			});
			await expect.poll(() => page.getByRole("button", { name: "Save" }).isDisabled()).toBe(false);
			await page.getByRole("button", { name: "Save" }).click();
			await page.getByText("Saved.").waitFor();
			await stage.expectAccessible(page, area);
			await stage.picture(page, "commission-company-light");
			expect(await stage.query("select bank_account from company_profile")).toEqual([
				{ bank_account: "State Bank of India\nIFSC SBIN0000813" },
			]);
		});

		it("speaks Hindi, and is dark where the person's device is", async () => {
			await stage.speakHindi("finance");
			const page = await stage.open({ role: "finance", colorScheme: "dark" }, "/commission");
			await page.getByText("कुल बकाया").waitFor();
			await stage.picture(page, "commission-list-hindi-dark");
			await stage.visit(page, path());
			await page.getByText("बीजक और जमा-पत्र").first().waitFor();
			await page.getByText("समायोजन", { exact: true }).first().waitFor();
			await stage.picture(page, "commission-account-hindi-dark");
			await stage.expectAccessible(page, area);
			// the same on a phone
			await page.setViewportSize({ width: 360, height: 800 });
			await stage.picture(page, "commission-account-hindi-360");
			await page.getByRole("button", { name: "निपटान दर्ज करें" }).click();
			await page.getByLabel("राशि (रुपये)").fill("12,34.567");
			await page.getByText("राशि रुपये में लिखें", { exact: false }).waitFor();
			await stage.expectAccessible(page, ".ask-dialog");
			await stage.picture(page, "commission-settle-hindi-360");
			await page.getByRole("button", { name: "रहने दें" }).click();
			await stage.visit(page, "/commission");
			await page.getByRole("link", { name: "पचास दीये Fifty Lamps" }).waitFor();
			await stage.expectAccessible(page, area);
			await stage.picture(page, "commission-list-hindi-360");
		});

		it("refuses each person what is not theirs, whatever a page offers", async () => {
			const ask = async (
				role: "operator" | "finance" | "support" | "auditor",
				method: string,
				at: string,
				body?: object,
			) => (await (await stage.studio.person(role)).request(method, `/lightspeedpay${at}`, body)).status;
			const settlement = { amount: 100, reference: "REFUSED 1", method: "upi", received_on: "2026-01-01" };
			expect(await ask("support", "GET", "/commission")).toBe(403);
			expect(await ask("support", "GET", path())).toBe(403);
			for (const role of ["operator", "auditor", "support"] as const) {
				expect(await ask(role, "POST", `${path()}/settlements`, settlement), role).toBe(403);
				expect(await ask(role, "POST", `${path()}/adjustments`, {}), role).toBe(403);
			}
			expect(await ask("auditor", "POST", `${path()}/suspension`, { suspend: true, reason: "x" })).toBe(403);
			expect(await ask("finance", "PATCH", "/company-profile", {})).toBe(403);
			expect(await ask("finance", "POST", `${path()}/suspension`, { suspend: true })).toBe(409);
		});
	});
}
