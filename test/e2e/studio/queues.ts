/// <reference lib="dom" />
/** Queues: what operators see and do while jobs wait and fail. No worker runs here, so that jobs stay as they are put. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import type { StudioStage } from "./stage.ts";

export function describeQueues(stage: StudioStage): void {
	const call = (role: "owner" | "jobs", text: string, values: unknown[] = []) =>
		stage.database.pool(role).query(text, values);

	/** Dead jobs of refunds, each about another one. */
	const addDead = (task: string, count: number) =>
		stage
			.query(
				`select graphile_worker.add_job($1, json_build_object('refund_id', gen_random_uuid()), job_key => 'dead ' || n || ' ' || gen_random_uuid())
					from generate_series(1, $2::integer) n`,
				[task, count],
			)
			.then(() =>
				stage.query(
					`update graphile_worker._private_jobs set attempts = 25, max_attempts = 25, last_error = 'Razorpay refused the key.'
						where key like 'dead %' and last_error is null`,
				),
			);
	const tile = (page: Page, label: string) => page.locator(".stat-tile", { hasText: label }).first().locator(".value");
	const figure = (page: Page, label: string, value: string) =>
		page.locator(".stat-tile", { hasText: label }).first().getByText(value, { exact: true }).waitFor();
	const confirm = async (page: Page, button: string, reason: string) => {
		const dialog = page.locator(".ask-dialog");
		await dialog.getByRole("textbox").fill(reason);
		await dialog.getByRole("button", { name: button }).click();
		await dialog.waitFor({ state: "detached" });
	};
	const lastAudit = async () =>
		(
			await stage.query<{ action: string; row_id: string; reason: string; actor: string }>(
				"select action, row_id, after ->> 'reason' as reason, actor from audit_log where table_name = 'queues' order by id desc limit 1",
			)
		)[0];

	describe("Queues", () => {
		beforeAll(async () => {
			// What other areas left to be done is counted here as well.
			await stage.query("delete from graphile_worker._private_jobs");
			const task = (queue: string, is_discardable = false) => ({
				queue,
				kind: "task",
				period: null,
				is_discardable,
				is_pausable: true,
			});
			const schedule = (queue: string, period: string) => ({ ...task(queue), kind: "schedule", period });
			await call("jobs", "select public.register_queues($1)", [
				JSON.stringify([
					task("create_psp_order"),
					task("deliver_webhook"),
					task("refund_payment"),
					task("refund_payment:mumbai"),
					task("send_alert", true),
					schedule("poll_pending", "5 s"),
					schedule("check_invariants", "0 * * * *"),
				]),
			]);
			await stage.query(
				`insert into queue_metrics (recorded_at, queue, waiting, active, failed, dead, oldest_waiting_seconds, completed)
					select now() - n * interval '20 seconds', queue, (20 + 15 * sin(n / 9.0))::integer, (6 + 3 * cos(n / 7.0))::integer, n % 3, 2,
							0, 90000 - 40 * n - (30 * sin(n / 12.0))::integer
						from generate_series(1, 170) n, unnest(array['create_psp_order', 'deliver_webhook']) queue`,
			);
			await stage.query("select public.beat_worker('worker-1')");
			await call("jobs", "select public.report_finished_jobs($1)", [
				JSON.stringify([
					{ queue: "create_psp_order", completed: 90_500, failed: 4 },
					{ queue: "deliver_webhook", completed: 90_200, failed: 31 },
					{ queue: "poll_pending", completed: 720, failed: 0 },
				]),
			]);
			await stage.query(
				`select graphile_worker.add_job('create_psp_order', json_build_object('attempt_id', gen_random_uuid()), run_at => now() - interval '3 minutes')
					from generate_series(1, 7)`,
			);
		});

		it("shows every queue, and a new job as it comes, without being reloaded", async () => {
			await addDead("refund_payment", 12);
			const page = await stage.open({ role: "operator" }, "/queues");
			await figure(page, "Dead", "12");
			await figure(page, "Waiting", "7");
			await page.getByRole("link", { name: "Refund payers (mumbai)" }).waitFor();
			expect(await page.getByRole("row", { name: /check_invariants/ }).textContent()).toContain("every hour");
			const seen = await stage.watch(tile(page, "Waiting"));
			await stage.query(
				"select graphile_worker.add_job('deliver_webhook', json_build_object('event_id', gen_random_uuid()))",
			);
			const committed = Date.now();
			console.log(`From a job to the pixel: ${(await seen()) - committed} ms.`);
			await page.locator(".plot canvas").first().waitFor();
			await stage.picture(page, "queues-light");
			await stage.expectAccessible(page, ".module-page");
		});

		it("lets an operator pause and resume a queue, saying why", async () => {
			const page = await stage.open({ role: "operator", colorScheme: "dark" }, "/queues");
			await figure(page, "Dead", "12");
			await stage.picture(page, "queues-dark");
			await page.getByRole("link", { name: "Tell merchants by webhook" }).click();
			await page.getByRole("button", { name: "Pause" }).click();
			const pause = page.locator(".ask-dialog").getByRole("button", { name: "Pause" });
			await expect.poll(() => pause.isDisabled()).toBe(true);
			await stage.picture(page, "queue-pause-dark");
			await confirm(page, "Pause", "Kaveri Books asked for a quiet hour");
			await stage.expectVisible(page, /Paused by .+: Kaveri Books asked for a quiet hour/);
			const { rows } = await call("jobs", "select public.report_finished_jobs('[]') as paused");
			expect(rows[0].paused).toEqual(["deliver_webhook"]);
			await stage.picture(page, "queue-paused-dark");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("button", { name: "Resume" }).click();
			await confirm(page, "Resume", "They are ready");
			await page.getByRole("button", { name: "Pause" }).waitFor();
			expect(await lastAudit()).toMatchObject({
				action: "resume_queue",
				row_id: "deliver_webhook",
				reason: "They are ready",
				actor: (await stage.studio.person("operator")).id,
			});
		});

		it("shows dead jobs with their last error, and redrives one, then all", async () => {
			const page = await stage.open({ role: "operator" }, "/queues/refund_payment");
			await figure(page, "Dead", "12");
			const rows = page.getByRole("row", { name: /Razorpay refused the key/ });
			await rows.first().waitFor();
			expect(await rows.count()).toBe(12);
			expect(await rows.first().getByRole("link").getAttribute("href")).toMatch(/\/content\/refunds\/[0-9a-f-]{36}$/);
			await stage.picture(page, "queue-dead-light");
			await stage.expectAccessible(page, ".module-page");
			await rows.first().getByRole("button", { name: "Redrive" }).click();
			await confirm(page, "Run again", "One first, with the new key");
			await figure(page, "Dead", "11");
			await page.getByRole("button", { name: "Redrive all" }).click();
			await confirm(page, "Run again", "The key works");
			await figure(page, "Dead", "0");
			await stage.expectVisible(page, "No dead jobs");
			expect(await lastAudit()).toMatchObject({ action: "redrive_jobs", row_id: "refund_payment" });
			expect(
				await stage.query(
					"select count(*)::integer, max(attempts) as tries from graphile_worker.jobs where task_identifier = 'refund_payment'",
				),
			).toEqual([{ count: 12, tries: 0 }]);
			expect(await page.getByRole("button", { name: "Drain" }).count()).toBe(0);
		});

		it("keeps older jobs in view when another one dies", async () => {
			await addDead("refund_payment:mumbai", 60);
			const page = await stage.open({ role: "operator" }, "/queues/refund_payment%3Amumbai");
			const rows = page.getByRole("row", { name: /Razorpay refused the key/ });
			await expect.poll(() => rows.count()).toBe(50);
			await page.getByRole("button", { name: "Older" }).click();
			await expect.poll(() => rows.count()).toBe(60);
			await addDead("refund_payment:mumbai", 1);
			await figure(page, "Dead", "61");
			await expect.poll(() => rows.count()).toBe(61);
			await stage.query("delete from graphile_worker._private_jobs where key like 'dead %' and last_error is not null");
		});

		it("drains notices only, on a phone and in Hindi too", async () => {
			await addDead("send_alert", 3);
			const { token } = await stage.studio.person("operator");
			await stage.speakHindi("operator");
			const page = await stage.open({ role: "operator", width: 360 }, "/queues/send_alert");
			await figure(page, "मृत", "3");
			await stage.picture(page, "queue-phone-hindi");
			await stage.expectAccessible(page, ".module-page");
			await page.getByRole("button", { name: "खाली करें" }).click();
			await confirm(page, "हटा दें", "पुरानी चेतावनियाँ");
			await figure(page, "मृत", "0");
			expect(await lastAudit()).toMatchObject({ action: "drain_queue", row_id: "send_alert" });
			await stage.visit(page, "/queues");
			await page.getByRole("link", { name: "भुगतानकर्ता को रिफ़ंड", exact: true }).waitFor();
			await stage.picture(page, "queues-phone-hindi");
			await stage.expectAccessible(page, ".module-page");
			const refused = await fetch(`${stage.studio.url}/lightspeedpay/queues/refund_payment/drain`, {
				method: "POST",
				headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
				body: JSON.stringify({ reason: "a storm" }),
			});
			expect([refused.status, await refused.text()]).toEqual([409, expect.stringContaining("NOT_DRAINABLE")]);
		});

		it("shows an auditor everything and lets them change nothing; support sees nothing", async () => {
			const page = await stage.open({ role: "auditor" }, "/queues/create_psp_order");
			await figure(page, "Waiting", "7");
			expect(await page.getByRole("button", { name: /Pause|Redrive|Retry|Drain/ }).count()).toBe(0);
			for (const role of ["auditor", "support", "finance"] as const) {
				const { token } = await stage.studio.person(role);
				const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
				const url = `${stage.studio.url}/lightspeedpay/queues`;
				const act = await fetch(`${url}/create_psp_order/pause`, { method: "POST", headers, body: '{"reason":"x"}' });
				expect([role, act.status]).toEqual([role, 403]);
				expect([role, (await fetch(url, { headers })).status]).toEqual([role, role === "auditor" ? 200 : 403]);
			}
		});
	});
}
