/// <reference lib="dom" />
/** Alerts: what needs a person, and what they do about it. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { type AlertInput, raiseAlert } from "../../../db/client/operations.ts";
import type { StudioStage } from "./stage.ts";

export function describeAlerts(stage: StudioStage): void {
	describe("Alerts", () => {
		const raise = (alert: Partial<AlertInput> & { message: string }) =>
			raiseAlert(stage.database.pool("jobs"), {
				kind: "gateway_cooled_down",
				severity: "warning",
				details: {},
				dedupe_key: alert.message,
				...alert,
			});
		const row = (page: Page, message: string) => page.locator("tbody tr", { hasText: message });
		const tile = (page: Page, label: string) =>
			page.locator(".stat-tile").filter({ has: page.getByText(label, { exact: true }) });
		const audited = (action: string) =>
			stage.query<{ reason: string; address: string }>(
				"select coalesce(after ->> 'reason', after ->> 'note') as reason, address from audit_log where action = $1 order by id desc limit 1",
				[action],
			);

		beforeAll(async () => {
			await stage.query("update alerts set status = 'resolved' where status <> 'resolved'");
			const [gateway] = stage.merchant.gateways;
			await raise({
				message: 'Gateway "Razorpay primary" (razorpay) is cooling down: timed_out.',
				details: { gateway_id: gateway!.id, reason: "timed_out", response_code: 504 },
				client_id: stage.merchant.id,
			});
			await raise({
				kind: "dead_jobs",
				severity: "critical",
				message: "12 jobs of the queue refund_payment have failed for good.",
				details: { queue: "refund_payment", dead: 12 },
			});
			await raise({
				kind: "utr_submitted",
				severity: "info",
				message: "Payers named UTRs that no bank statement has brought yet.",
				details: { utr: "412345678901" },
			});
			await stage.query(
				`insert into alerts (kind, severity, message, dedupe_key, status, first_at, last_at)
					select 'gateway_cooled_down', 'warning', 'Old trouble ' || n, 'old ' || n, 'resolved', now() - n * interval '1 hour', now() - n * interval '1 hour'
						from generate_series(1, 60) n`,
			);
		});

		it("shows an operator what waits, as it comes, and lets them take it on, silence and resolve it", async () => {
			const page = await stage.open({ role: "operator" }, "/alerts");
			await row(page, "Razorpay primary").waitFor();
			await tile(page, "Critical").getByText("1", { exact: true }).waitFor();
			await page.getByText("Live", { exact: true }).waitFor();
			await raise({ kind: "no_gateway", severity: "critical", message: "A payment was refused just now." });
			await row(page, "refused just now").waitFor();
			await tile(page, "Critical").getByText("2", { exact: true }).waitFor();
			await stage.picture(page, "alerts-light");
			await stage.expectAccessible(page, ".module-page");

			const dialog = page.locator(".ask-dialog");
			const act = async (message: string, action: string, reason: string | null) => {
				await row(page, message).getByRole("button", { name: action, exact: true }).click();
				if (reason !== null) await dialog.getByRole("textbox").fill(reason);
				await dialog.getByRole("button", { name: action, exact: true }).click();
				await dialog.waitFor({ state: "detached" });
			};
			await act("refused just now", "Acknowledge", "Calling the merchant.");
			await row(page, "refused just now").getByText("Acknowledged", { exact: true }).waitFor();
			expect(await audited("acknowledge_alert")).toEqual([
				{ reason: "Calling the merchant.", address: expect.stringMatching(/127\.0\.0\.1/) },
			]);

			await row(page, "Razorpay primary").getByRole("button", { name: "Silence", exact: true }).click();
			const silence = dialog.getByRole("button", { name: "Silence", exact: true });
			await expect.poll(() => silence.isDisabled()).toBe(true);
			await dialog.getByLabel("For").selectOption({ label: "4 hours" });
			await dialog.getByRole("textbox").fill("Razorpay's maintenance");
			await stage.picture(page, "alerts-silence");
			await stage.expectAccessible(page, ".ask-dialog");
			await silence.click();
			await row(page, "Razorpay primary").getByText("Silenced until").waitFor();
			await tile(page, "Silenced").getByText("1", { exact: true }).waitFor();
			expect(
				await stage.query(
					"select (extract(epoch from silenced_until - silenced_at) / 60)::integer as minutes, reason from alert_silences",
				),
			).toEqual([{ minutes: 240, reason: "Razorpay's maintenance" }]);

			await act("refused just now", "Resolve", "The reserve gateway was switched on.");
			await row(page, "refused just now").waitFor({ state: "detached" });
			await act("Razorpay primary", "End silence", null);
			await tile(page, "Silenced").getByText("0", { exact: true }).waitFor();

			const isSent = row(page, "This is a test").waitFor();
			await page.getByRole("button", { name: "Send a test alert" }).click();
			await dialog.getByRole("button", { name: "Send", exact: true }).click();
			await isSent;
			// The minute in which no other is sent lasts as long as this takes.
			await stage.query("update alerts set last_at = last_at + interval '1 hour' where kind = 'test_alert'");
			await page.getByRole("button", { name: "Send a test alert" }).click();
			await dialog.getByRole("button", { name: "Send", exact: true }).click();
			await dialog.getByText("less than a minute ago").waitFor();
			await dialog.getByRole("button", { name: "Cancel" }).click();
			await dialog.waitFor({ state: "detached" });
			await act("This is a test", "Resolve", "It arrived.");
		});

		it("shows who was shut out by itself, and lets an operator let them in again, with a reason", async () => {
			await stage.query(
				"insert into address_blocks (address, reason, count, blocked_until) values ('203.0.113.9', 'refused_credentials', 31, now() + interval '10 minutes')",
			);
			const page = await stage.open({ role: "operator" }, "/alerts");
			await row(page, "203.0.113.9").getByText("31 refused credentials within five minutes").waitFor();
			await row(page, "203.0.113.9").getByRole("button", { name: "Lift" }).click();
			const dialog = page.locator(".ask-dialog");
			await dialog.getByRole("textbox").fill("The merchant signs with its new salt.");
			// Older ones are not listed, but who writes about one goes on.
			const age = (by: string) => stage.query("update address_blocks set blocked_at = blocked_at - $1::interval", [by]);
			await age("8 days");
			await row(page, "203.0.113.9").waitFor({ state: "detached" });
			expect(await dialog.getByRole("textbox").inputValue()).toBe("The merchant signs with its new salt.");
			await age("-8 days");
			await stage.picture(page, "alerts-lift-block");
			await dialog.getByRole("button", { name: "Lift the block" }).click();
			await row(page, "203.0.113.9").getByText("The merchant signs with its new salt.").waitFor();
			await stage.picture(page, "alerts-blocked-addresses");
			await stage.expectAccessible(page, ".module-page");
			expect(await audited("lift_address_block")).toMatchObject([{ reason: "The merchant signs with its new salt." }]);
			await stage.query("delete from address_blocks");
		});

		it("keeps what is being written about an alert whose row goes meanwhile", async () => {
			await raise({ kind: "raised_by_flow", message: "Somebody else takes this on." });
			const page = await stage.open({ role: "operator" }, "/alerts");
			await page.getByLabel("State", { exact: true }).selectOption({ label: "Open" });
			const shown = row(page, "Somebody else takes this on.");
			await shown.getByRole("button", { name: "Resolve", exact: true }).click();
			const dialog = page.locator(".ask-dialog");
			await dialog.getByRole("textbox").fill("The flow was wrong.");
			await stage.query(
				"select public.acknowledge_alert(id, null, 'somebody') from alerts where message = 'Somebody else takes this on.'",
			);
			await shown.waitFor({ state: "detached" });
			expect(await dialog.getByRole("textbox").inputValue()).toBe("The flow was wrong.");
			await dialog.getByRole("button", { name: "Resolve", exact: true }).click();
			await dialog.waitFor({ state: "detached" });
			expect(await stage.query("select status from alerts where message = 'Somebody else takes this on.'")).toEqual([
				{ status: "resolved" },
			]);
		});

		it("is filtered, and pages what was resolved", async () => {
			const page = await stage.open({ role: "operator" }, "/alerts");
			await page.getByLabel("Severity", { exact: true }).selectOption({ label: "Info" });
			await row(page, "Razorpay primary").waitFor({ state: "detached" });
			await row(page, "Payers named UTRs").waitFor();
			await page.getByRole("button", { name: "Clear" }).click();
			await page.getByLabel("Merchant", { exact: true }).fill("Kaveri Books");
			await row(page, "Payers named UTRs").waitFor({ state: "detached" });
			await row(page, "Razorpay primary").waitFor();
			await page.getByRole("button", { name: "Clear" }).click();
			await page.getByLabel("State", { exact: true }).selectOption({ label: "Resolved" });
			await page.getByLabel("Text", { exact: true }).fill("old trouble");
			await page.getByLabel("Text", { exact: true }).press("Enter");
			await expect.poll(() => page.locator("tbody tr").count()).toBe(25);
			for (const count of [50, 60]) {
				await page.getByRole("button", { name: "Older alerts" }).click();
				await expect.poll(() => page.locator("tbody tr").count()).toBe(count);
			}
			expect(await page.getByRole("button", { name: "Older alerts" }).count()).toBe(0);
		});

		it("says what an alert is about, what to do next, and leads there", async () => {
			const page = await stage.open({ role: "operator", colorScheme: "dark" }, "/alerts");
			await page.getByRole("link", { name: "12 jobs of the queue" }).click();
			await page.getByText("put its cause right, redrive one job").waitFor();
			await stage.picture(page, "alerts-detail-dark");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("link", { name: "Runbook: step by step" }).click();
			await page.getByRole("heading", { name: "Over when" }).waitFor();
			await page.getByText("from public.queue_figures() where dead > 0").waitFor();
			await stage.picture(page, "alerts-runbook-dark");
			await stage.expectAccessible(page, ".module-page");
			await page.goBack();
			await page.locator(".module-page").getByRole("link", { name: "Queues" }).click();
			await page.waitForURL(/\/admin\/queues\/refund_payment$/);
			await page.goBack();
			await page.goBack();
			const gateway = stage.merchant.gateways[0]!.id;
			await row(page, "Razorpay primary").locator(`a[href$="/content/payment_gateways/${gateway}"]`).waitFor();
			await page.getByRole("link", { name: /Razorpay primary/ }).click();
			await page.getByText("Razorpay's maintenance").first().waitFor();
			await page.getByText("Silence ended").waitFor();
			await stage.picture(page, "alerts-detail-history");
		});

		it("is read by support, who change nothing, on a phone, and kept from finance", async () => {
			const page = await stage.open({ role: "support", width: 360, colorScheme: "dark" }, "/alerts");
			await row(page, "Razorpay primary").waitFor();
			expect(await page.getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
			await stage.picture(page, "alerts-phone-dark");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("link", { name: /Razorpay primary/ }).click();
			await page.getByText("It comes back by itself").waitFor();
			await stage.picture(page, "alerts-detail-phone");
			await stage.expectAccessible(page, ".module-page");
			// A queue is no business of support's.
			await stage.visit(page, "/alerts");
			await row(page, "12 jobs").waitFor();
			expect(await row(page, "12 jobs").getByRole("link", { name: "Queues" }).count()).toBe(0);
			const finance = await stage.studio.person("finance");
			expect((await finance.request("GET", "/lightspeedpay/alerts")).status).toBe(403);
		});

		it("lets operators change the limits of plans and addresses, and others read them", async () => {
			const page = await stage.open({ role: "operator" }, "/alerts/limits");
			await row(page, "growth").getByRole("button", { name: "Change" }).click();
			const dialog = page.locator(".ask-dialog");
			await dialog.getByLabel("At once").fill("601");
			await dialog.getByLabel("Reason").fill("Festival sale");
			await stage.picture(page, "limits-dialog");
			await stage.expectAccessible(page, ".ask-dialog");
			await dialog.getByRole("button", { name: "Save" }).click();
			await dialog.getByText("Enter at most as many at once as a minute allows").waitFor();
			await dialog.getByLabel("At once").fill("90");
			await dialog.getByRole("button", { name: "Save" }).click();
			await dialog.waitFor({ state: "detached" });
			await row(page, "growth").getByText("90", { exact: true }).waitFor();
			expect(await audited("save_rate_plan")).toMatchObject([{ reason: "Festival sale" }]);
			await row(page, "enterprise").getByRole("button", { name: "Remove" }).click();
			await dialog.getByLabel("Reason").fill("Nobody needs it");
			await dialog.getByRole("button", { name: "Remove" }).click();
			await row(page, "enterprise").waitFor({ state: "detached" });
			expect(await audited("remove_rate_plan")).toMatchObject([{ reason: "Nobody needs it" }]);
			await page.getByRole("button", { name: "Change the limits of addresses" }).click();
			await dialog.getByLabel("Refused credentials").fill("50");
			await dialog.getByLabel("Reason").fill("A merchant's servers share one address");
			await dialog.getByRole("button", { name: "Save" }).click();
			await dialog.waitFor({ state: "detached" });
			await row(page, "Refused credentials").getByText("50", { exact: true }).waitFor();
			await stage.picture(page, "limits");
			await stage.expectAccessible(page, ".module-page");

			const phone = await stage.open({ role: "support", width: 360, colorScheme: "dark" }, "/alerts/limits");
			await row(phone, "growth").waitFor();
			expect(await phone.getByRole("button", { name: "Change" }).count()).toBe(0);
			await stage.picture(phone, "limits-phone-dark");
			await stage.expectAccessible(phone, ".module-page");
		});

		it("speaks Hindi", async () => {
			await stage.speakHindi("operator");
			const page = await stage.open({ role: "operator", width: 360 }, "/alerts");
			await page.getByText("गेटवे विराम पर").first().waitFor();
			await page.getByRole("button", { name: "स्वीकारें" }).first().waitFor();
			await stage.picture(page, "alerts-hindi");
			await stage.expectAccessible(page, ".module-page");
		});
	});
}
