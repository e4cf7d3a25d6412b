/// <reference lib="dom" />
/** Notices: what merchants were told by WhatsApp, sending again, and what a merchant wants. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import {
	beginWhatsapp,
	configureWhatsapp,
	recordWhatsappAttempt,
	recordWhatsappStatus,
	type WhatsappResult,
} from "../../../db/client/whatsapp.ts";
import type { StudioStage } from "./stage.ts";

const NUMBER = "919845012345";
const ACCEPTED: WhatsappResult = { outcome: "accepted", http_status: 200, latency_ms: 212 };
const REFUSED: WhatsappResult = {
	outcome: "refused",
	action: "stop",
	fault_of: "recipient",
	http_status: 400,
	code: "131026",
	message: "Message undeliverable",
	latency_ms: 187,
};

export function describeNotices(stage: StudioStage): void {
	describe("Notices", () => {
		const jobs = () => stage.database.pool("jobs");

		/** A message as the workers leave it. */
		async function message(
			text: string,
			result: WhatsappResult | null,
			status?: "delivered" | "read",
		): Promise<string> {
			const [row] = await stage.query<{ id: string }>(
				"select public.send_whatsapp($1, 'account_notice', $2, 'flow') as id",
				[stage.merchant.id, JSON.stringify({ company: "Kaveri Books", text })],
			);
			const { id } = row!;
			if (result === null) return id;
			await beginWhatsapp(jobs(), id, "meta");
			await recordWhatsappAttempt(jobs(), id, { ...result, provider_message_id: `wamid.${id}` });
			if (status !== undefined) {
				const report = { message_id: `wamid.${id}`, reference: id, at: null, recipient: NUMBER };
				await recordWhatsappStatus(jobs(), "meta", { ...report, status });
			}
			return id;
		}

		const ids: Record<string, string> = {};
		beforeAll(async () => {
			await stage.query("update clients set phone = '+91 98450 12345' where id = $1", [stage.merchant.id]);
			await configureWhatsapp(jobs(), "meta", "106540352242922", true);
			// The month behind, for the chart.
			await stage.query(
				`insert into whatsapp_notifications (client_id, template, language, variables, recipient, cause, requested_by, status, created_at)
				select $1, (array['low_balance', 'payment_paid', 'refund_succeeded'])[1 + n % 3], 'en', '{}', $2, 'transaction', 'seed',
						case when n % 9 = 0 then 'failed' else 'delivered' end, now() - (n % 29) * interval '1 day' - interval '5 minutes'
					from generate_series(1, 120) n`,
				[stage.merchant.id, NUMBER],
			);
			ids.read = await message("Your KYC papers are due on 30 November.", ACCEPTED, "read");
			ids.delivered = await message("We are back after the maintenance of Sunday.", ACCEPTED, "delivered");
			ids.failed = await message("Your bank account could not be verified.", REFUSED);
			ids.lost = await message("Your limits were raised.", {
				outcome: "unknown",
				code: "no_answer",
				latency_ms: 10_000,
			});
		});

		const row = (page: Page, id: string) => page.locator(`tr:has(a[href$="/notices/${id}"])`);
		const isShown = (page: Page, id: string, status: string) =>
			row(page, id).getByText(status, { exact: true }).waitFor();

		it("shows an operator what was sent, live, and lets them find and repeat what failed", async () => {
			const page = await stage.open({ role: "operator" }, "/notices");
			await isShown(page, ids.failed!, "Failed");
			await isShown(page, ids.lost!, "Not known");
			await page.getByText("Meta Cloud API").waitFor();
			await page.locator(".line-chart canvas").waitFor();
			const fresh = await message("Settlement of today is on its way.", ACCEPTED);
			await isShown(page, fresh, "Accepted");
			await recordWhatsappStatus(jobs(), "meta", {
				message_id: `wamid.${fresh}`,
				reference: fresh,
				status: "delivered",
				at: null,
				recipient: NUMBER,
			});
			await isShown(page, fresh, "Delivered");
			await stage.picture(page, "notices-light");
			await stage.expectAccessible(page, ".module-page");

			const before = await page.locator(".log tbody tr").count();
			await page.getByRole("button", { name: "Older messages" }).click();
			await expect.poll(() => page.locator(".log tbody tr").count()).toBeGreaterThan(before);

			await page.getByLabel("Status", { exact: true }).selectOption({ label: "Failed" });
			await page.getByLabel("Template", { exact: true }).selectOption({ label: "Account notice" });
			await expect.poll(() => page.locator(".log tbody tr").count()).toBe(1);
			await row(page, ids.failed!).getByRole("link").first().click();
			await page.getByText("A notice for Kaveri Books: Your bank account could not be verified.").waitFor();
			await page.getByText("Refused for good").waitFor();
			await stage.picture(page, "notices-message");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("button", { name: "Send again" }).click();
			await page.locator(".ask-dialog").getByRole("button", { name: "Send again" }).click();
			await page.getByText("the first message").waitFor();
			const [again] = await stage.query<{ id: string }>("select id from whatsapp_notifications where resend_of = $1", [
				ids.failed,
			]);
			expect(page.url()).toContain(again!.id);
			expect(
				await stage.query("select action from audit_log where row_id = $1 and action = 'resend_whatsapp'", [
					ids.failed,
				]),
			).toHaveLength(1);
		});

		it("asks for a reason before a message is repeated that may have arrived", async () => {
			const page = await stage.open({ role: "operator", colorScheme: "dark" }, `/notices/${ids.lost}`);
			await page.getByText("Not known", { exact: true }).waitFor();
			await page.getByRole("button", { name: "Send again" }).click();
			const dialog = page.locator(".ask-dialog");
			const button = dialog.getByRole("button", { name: "Send again" });
			await expect.poll(() => button.isDisabled()).toBe(true);
			await dialog.locator("input").fill("The merchant says on the phone that nothing came.");
			await stage.picture(page, "notices-resend-dark");
			await button.click();
			await page.getByText("the first message").waitFor();
		});

		it("lets an operator set what a merchant wants, and stop everything", async () => {
			const page = await stage.open({ role: "operator" }, "/notices");
			await page.getByLabel("Merchant", { exact: true }).fill("Kaveri Books");
			await page.getByRole("link", { name: "What this merchant wants" }).click();
			await page.getByLabel("A payment was received").check();
			await page.getByLabel("Language").selectOption("hi");
			await page.getByLabel("Number for WhatsApp").fill("98410 54321");
			await page.getByRole("button", { name: "Save" }).click();
			await expect
				.poll(() => stage.query("select recipient, language, updates from whatsapp_preferences"))
				.toEqual([{ recipient: "919841054321", language: "hi", updates: ["payment.paid"] }]);
			await stage.picture(page, "notices-merchant");
			await stage.expectAccessible(page, ".module-page");
			await page.getByLabel("Number for WhatsApp").fill("98410 5");
			await page.getByRole("button", { name: "No messages at all" }).click();
			const dialog = page.locator(".ask-dialog");
			await dialog.locator("input").fill("Asked for it by e-mail.");
			await dialog.getByRole("button", { name: "Stop" }).click();
			await page.getByText("has wanted no messages since").waitFor();
			expect(await page.getByLabel("Number for WhatsApp").inputValue()).toBe("98410 5");
			expect(
				await stage.query(
					"select after ->> 'reason' as reason from audit_log where action = 'set_whatsapp_preferences' order by id desc limit 1",
				),
			).toEqual([{ reason: "Asked for it by e-mail." }]);
			await stage.query("delete from whatsapp_preferences");
		});

		it("is read by support, who send nothing, on a phone and in the dark", async () => {
			const page = await stage.open({ role: "support", width: 360, colorScheme: "dark" }, "/notices");
			await isShown(page, ids.delivered!, "Delivered");
			await stage.picture(page, "notices-phone-dark");
			await stage.expectAccessible(page, ".module-page");
			await stage.visit(page, `/notices/${ids.failed}`);
			await page.getByText("Refused for good").waitFor();
			expect(await page.getByRole("button", { name: "Send again" }).count()).toBe(0);
			await stage.picture(page, "notices-message-phone");
			const support = await stage.studio.person("support");
			const refused = await support.request("POST", `/lightspeedpay/notices/messages/${ids.failed}/resend`, {});
			expect(refused.status).toBe(403);
		});

		it("says in Hindi that nothing is configured", async () => {
			await configureWhatsapp(jobs(), null, null, false);
			await stage.speakHindi("operator");
			const page = await stage.open({ role: "operator" }, "/notices");
			await page.getByRole("heading", { name: "सूचनाएँ" }).first().waitFor();
			await page.getByText("WHATSAPP_PROVIDER").waitFor();
			await stage.picture(page, "notices-hindi");
			await stage.expectAccessible(page, ".module-page");
			await configureWhatsapp(jobs(), "meta", "106540352242922", true);
		});
	});
}
