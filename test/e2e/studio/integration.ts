/// <reference lib="dom" />
/** The integration centre: what operators and support do for a merchant's developers. */

import { Logger, type Runner, run } from "graphile-worker";
import { pino } from "pino";
import type { Page } from "playwright-core";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeliveryGate, gateWidths } from "../../../jobs/delivery-gate.ts";
import { createJobsMetrics } from "../../../jobs/metrics.ts";
import { createOutbound, type Outbound } from "../../../jobs/outbound.ts";
import { createSharedCalls } from "../../../jobs/shared-calls.ts";
import type { TaskContext } from "../../../jobs/task.ts";
import * as deliverWebhook from "../../../jobs/tasks/deliver_webhook.ts";
import * as replayWebhooks from "../../../jobs/tasks/replay_webhooks.ts";
import { type Endpoint, startEndpoint } from "../../../jobs/tests/worker-process.ts";
import { createMerchant, type TestMerchant } from "../../merchants.ts";
import { payPayment, startPayment } from "../../payments.ts";
import type { StudioStage } from "./stage.ts";

export function describeIntegration(stage: StudioStage): void {
	describe("Integration", () => {
		let endpoint: Endpoint;
		let outbound: Outbound;
		let worker: Runner;
		let merchant: TestMerchant;

		beforeAll(async () => {
			endpoint = await startEndpoint();
			merchant = await createMerchant(stage.database.pool("admin"), stage.keys, {
				company_name: "Nilgiri Tea House",
				webhook_url: endpoint.url,
			});
			// An endpoint here answers when the test has looked at the page.
			outbound = createOutbound({ allowed_hosts: new Set([endpoint.host]), timeout_ms: 600_000 });
			// The two tasks that a merchant's endpoint sees, and none of those that other areas count.
			const services = {
				database: stage.database.pool("jobs"),
				keys: stage.keys,
				outbound,
				gate: createDeliveryGate(gateWidths(50)),
				metrics: createJobsMetrics(),
				shared: createSharedCalls(stage.database.pool("jobs"), pino({ level: "silent" })),
				log: pino({ level: "silent" }),
			} as unknown as TaskContext;
			// What an endpoint refused falls due again while a slow test still looks at it; nothing here waits for that.
			await stage.query(`
				create function public.put_off() returns trigger language plpgsql as $$
				begin
					new.run_at := new.run_at + interval '1 day';
					return new;
				end
				$$;
				create trigger put_off before insert or update of run_at on graphile_worker._private_jobs
					for each row when (new.key like 'deliver_webhook:%' and new.run_at > now() + interval '2 seconds')
					execute function public.put_off()`);
			worker = await run({
				pgPool: services.database,
				// An event goes to two endpoints at the same time; one by one, the second waits for the first.
				concurrency: 5,
				pollInterval: 200,
				noHandleSignals: true,
				logger: new Logger(() => () => {}),
				taskList: {
					deliver_webhook: (raw) => deliverWebhook.default(deliverWebhook.payload.parse(raw), services),
					replay_webhooks: (raw) => replayWebhooks.default(replayWebhooks.payload.parse(raw), services),
				},
			});
		});
		afterAll(async () => {
			await worker?.stop();
			await outbound?.close();
			await endpoint?.close();
		});

		const path = () => `/integration/${merchant.id}`;
		const clientOf = async () =>
			(
				await stage.query<Record<string, string>>("select client_key, previous_client_key from clients where id = $1", [
					merchant.id,
				])
			)[0]!;
		const auditOf = (action: string) =>
			stage.query<{ reason: string }>(
				"select after ->> 'reason' as reason from audit_log where action = $1 order by id desc limit 1",
				[action],
			);
		/** A paid order whose event the endpoint answers with `status`. */
		async function tell(status: number): Promise<string> {
			const { transaction_id } = await payPayment(stage.database, merchant);
			const request = await endpoint.next();
			request.response.writeHead(status).end();
			const [row] = await stage.query<{ order_id: string }>("select order_id from transactions where id = $1", [
				transaction_id,
			]);
			return row!.order_id;
		}
		const rowOf = (page: Page, order_id: string) => page.getByRole("row", { name: new RegExp(order_id) });
		const answerReason = async (page: Page, reason: string, action: string) => {
			await page.getByLabel("Reason").fill(reason);
			await page.locator(".v-card").getByRole("button", { name: action, exact: true }).click();
			await page.locator(".v-card").waitFor({ state: "detached" });
		};

		it("finds a merchant, reveals and copies its salt, and gives code with its own key", async () => {
			const page = await stage.open({ role: "operator" }, "/integration");
			await page.getByLabel("Search a merchant").fill("nilgiri");
			await page.getByRole("link", { name: "Nilgiri Tea House" }).click();
			await stage.expectVisible(page, merchant.client_key);
			const commands = page.locator(".snippets pre").first();
			expect(await commands.innerText()).toContain(`CLIENT_KEY='${merchant.client_key}'`);
			expect(await page.content()).not.toContain(merchant.client_salt);
			await stage.picture(page, "integration-light");

			await page.getByRole("button", { name: "Reveal secrets" }).click();
			await stage.expectVisible(page, merchant.client_salt);
			await page.getByRole("button", { name: "Copy salt" }).click();
			await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(merchant.client_salt);
			expect(await auditOf("reveal_secrets")).toHaveLength(1);
			await page.getByRole("button", { name: "Python" }).click();
			expect(await commands.innerText()).toContain(`CLIENT_SALT='${merchant.client_salt}'`);
			await page.getByRole("button", { name: "Receive events" }).click();
			expect(await commands.innerText()).toContain(`WEBHOOK_SECRET='${merchant.webhook_secret}'`);
			expect(await page.locator(".snippets pre").last().innerText()).toContain('os.environ["WEBHOOK_SECRET"]');
			await page.getByRole("button", { name: "Hide secrets" }).click();
			expect(await page.content()).not.toContain(merchant.client_salt);
		});

		it("regenerates with an overlap, in which both keys are valid, and ends it early", async () => {
			const page = await stage.open({ role: "operator" }, path());
			await page.locator(".actions").getByRole("button", { name: "Regenerate" }).click();
			await page.getByLabel("for another 24 hours").check();
			await stage.picture(page, "integration-regenerate");
			await stage.expectAccessible(page, ".v-card");
			await page.getByLabel("Reason").fill("yearly change");
			await page.locator(".v-card").getByRole("button", { name: "Regenerate" }).click();
			await stage.expectVisible(page, "New key and salt");
			const client = await clientOf();
			expect(client.previous_client_key).toBe(merchant.client_key);
			await page.getByRole("button", { name: "Done" }).click();
			await stage.expectVisible(page, `The key before, ${merchant.client_key}`);
			await stage.picture(page, "integration-overlap");
			for (const client_key of [merchant.client_key, client.client_key!]) {
				await startPayment(stage.database, { ...merchant, client_key });
			}
			expect(await auditOf("regenerate_credentials")).toEqual([{ reason: "yearly change" }]);

			await page.getByRole("button", { name: "End it now" }).click();
			await answerReason(page, "changed over", "End it");
			await expect(startPayment(stage.database, merchant)).rejects.toMatchObject({ code: "invalid_credentials" });
			await page.locator(".overlap").waitFor({ state: "detached" });
			merchant.client_key = client.client_key!;
		});

		it("sends a signed test event and shows what the endpoint answered, as text", async () => {
			const page = await stage.open({ role: "operator" }, path());
			await page.getByRole("button", { name: "Send a test event" }).click();
			const request = await endpoint.next();
			expect(
				new Webhook(merchant.webhook_secret).verify(request.body, request.headers as Record<string, string>),
			).toMatchObject({ type: "webhook.test" });
			await stage.expectVisible(page, "A worker is sending it.");
			request.response.writeHead(500, { "content-type": "text/html" }).end("<h1>out of order</h1>");
			await stage.expectVisible(page, "HTTP 500");
			await stage.expectVisible(page, "<h1>out of order</h1>");
			await stage.picture(page, "integration-test-refused");
			await page.getByRole("button", { name: "Send a test event" }).click();
			(await endpoint.next()).response.writeHead(204).end();
			await page.locator(".tester").getByText("HTTP 204").waitFor();
			await stage.expectAccessible(page, ".tester");
		});

		it("replays one event, and then all that failed, and shows it live", async () => {
			const taken = await tell(200);
			const failed = [await tell(500), await tell(500)];
			await expect
				.poll(() =>
					stage.query("select 1 from webhook_events where status = 'pending' and attempts > 0 and client_id = $1", [
						merchant.id,
					]),
				)
				.toHaveLength(failed.length);
			await stage.query("update webhook_events set status = 'dead' where status = 'pending' and client_id = $1", [
				merchant.id,
			]);
			const page = await stage.open({ role: "operator" }, path());
			await rowOf(page, taken).getByText("delivered").waitFor();
			await rowOf(page, failed[0]!).getByText("given up").waitFor();
			await page.locator(".log").scrollIntoViewIfNeeded();
			await stage.picture(page, "integration-log");

			await rowOf(page, taken).getByRole("button", { name: "Replay" }).click();
			await answerReason(page, "their database was restored", "Replay");
			const again = await endpoint.next();
			expect(JSON.parse(again.body)).toMatchObject({ type: "payment.paid", data: { order_id: taken } });
			again.response.writeHead(200).end();
			await rowOf(page, taken).getByRole("cell", { name: "2", exact: true }).waitFor();
			expect(await auditOf("replay_webhook")).toEqual([{ reason: "their database was restored" }]);
			await rowOf(page, taken).getByRole("button", { name: "Tries" }).click();
			await page.locator(".tries").getByRole("row").nth(2).waitFor();
			await stage.picture(page, "integration-tries");
			await page.locator(".tries").getByRole("button", { name: "Close" }).click();

			await page.getByRole("button", { name: "Replay many" }).click();
			await stage.expectVisible(page, "2 events are sent again.");
			await stage.picture(page, "integration-replay-many");
			await stage.expectAccessible(page, ".v-card");
			await answerReason(page, "outage of the morning", "Replay");
			for (const _ of failed) (await endpoint.next()).response.writeHead(200).end();
			await stage.expectVisible(page, "2 of 2 sent, 2 accepted");
			for (const order_id of failed) await rowOf(page, order_id).getByText("delivered").waitFor();
			expect(await auditOf("start_webhook_replay")).toEqual([{ reason: "outage of the morning" }]);
			await stage.expectAccessible(page, ".module-page");
		});

		it("adds an endpoint with a filter and its own secret, disables it, and enables it with what was kept", async () => {
			const page = await stage.open({ role: "operator" }, path());
			const ledger = `${endpoint.url.replace("/hook", "")}/merchant/webhook/ledger`;
			await page.getByRole("button", { name: "Add an endpoint" }).click();
			await page.getByLabel("Address", { exact: true }).fill(ledger);
			await page.getByLabel("What it is for").fill("The books");
			await page.getByLabel("all, also kinds that come later").uncheck();
			await page.getByLabel("payment.*").check();
			await stage.picture(page, "integration-endpoint-add");
			await stage.expectAccessible(page, ".v-card");
			await page.locator(".v-card").getByRole("button", { name: "Add", exact: true }).click();
			const secret = await page.locator(".secret code").last().innerText();
			expect(secret).toMatch(/^whsec_/);
			await page.getByRole("button", { name: "Done" }).click();
			const row = page.locator(".endpoints").getByRole("row", { name: /ledger/ });
			await row.getByText("active").waitFor();

			await payPayment(stage.database, merchant);
			const requests = [await endpoint.next(), await endpoint.next()];
			for (const { response } of requests) response.writeHead(204).end();
			const own = requests.find(({ body, headers }) => {
				try {
					return new Webhook(secret).verify(body, headers as Record<string, string>);
				} catch {
					return false;
				}
			});
			expect(own).toBeDefined();
			expect(new Set(requests.map(({ headers }) => headers["webhook-id"])).size).toBe(1);

			await row.getByRole("button", { name: "Disable" }).click();
			await answerReason(page, "they move their books", "Disable");
			await row.getByText("disabled").waitFor();
			await payPayment(stage.database, merchant);
			// The first endpoint is told of both: that the other is disabled, and of the payment.
			for (const _ of [1, 2]) (await endpoint.next()).response.writeHead(204).end();
			await row.getByText("1 kept").waitFor();
			await stage.picture(page, "integration-endpoint-disabled");
			await stage.expectAccessible(page, ".endpoints");
			await row.getByRole("button", { name: "Enable" }).click();
			await answerReason(page, "the books have moved", "Enable");
			const kept = await endpoint.next();
			expect(new Webhook(secret).verify(kept.body, kept.headers as Record<string, string>)).toMatchObject({
				type: "payment.paid",
			});
			kept.response.writeHead(204).end();
			await row.getByText("active").waitFor();

			await row.getByRole("button", { name: "Disable" }).click();
			await answerReason(page, "they move again", "Disable");
			await row.getByText("disabled").waitFor();
			await payPayment(stage.database, merchant);
			for (const _ of [1, 2]) (await endpoint.next()).response.writeHead(204).end();
			await row.getByText("1 kept").waitFor();
			await row.getByRole("button", { name: "Change" }).click();
			const address = page.locator(".v-card").getByLabel("Address", { exact: true });
			await address.fill(`${await address.inputValue()}/moved`);
			await page.getByLabel("also what was kept meanwhile (1)", { exact: false }).waitFor();
			await answerReason(page, "their new machine", "Save");
			const moved = await endpoint.next();
			expect(new Webhook(secret).verify(moved.body, moved.headers as Record<string, string>)).toMatchObject({
				type: "payment.paid",
			});
			moved.response.writeHead(204).end();
			await row.getByText("active").waitFor();
			await row.getByRole("button", { name: "Remove" }).click();
			await answerReason(page, "only a trial", "Remove");
			await row.waitFor({ state: "detached" });
			expect(await auditOf("remove_webhook_endpoint")).toEqual([{ reason: "only a trial" }]);
		});

		it("shows support the log and lets it replay one event, and nothing more", async () => {
			const [row] = await stage.query<{ order_id: string }>(
				"select t.order_id from webhook_events e join transactions t on t.id = e.transaction_id where e.client_id = $1 order by e.id limit 1",
				[merchant.id],
			);
			const page = await stage.open({ role: "support" }, path());
			await stage.expectVisible(page, merchant.client_key);
			for (const name of ["Reveal secrets", "Regenerate", "Send a test event", "Replay many"]) {
				expect(await page.getByRole("button", { name }).count(), name).toBe(0);
			}
			await rowOf(page, row!.order_id).getByRole("button", { name: "Replay" }).click();
			await answerReason(page, "ticket of the merchant", "Replay");
			(await endpoint.next()).response.writeHead(200).end();
			expect(await auditOf("replay_webhook")).toEqual([{ reason: "ticket of the merchant" }]);
			await stage.picture(page, "integration-support");
		});

		it.each([
			["dark", 1280, "en-IN", "Delivery log"],
			["light", 360, "hi-IN", "वितरण लॉग"],
		] as const)("can be used in %s on %i pixels in %s", async (colorScheme, width, language, heading) => {
			if (language === "hi-IN") await stage.speakHindi("operator");
			const page = await stage.open({ role: "operator", colorScheme, width }, path());
			await stage.expectVisible(page, merchant.client_key);
			await page.getByRole("heading", { name: heading }).waitFor();
			await page.locator(".log .data-table").getByText("payment.paid").first().waitFor();
			await stage.expectAccessible(page, ".module-page");
			await stage.picture(page, `integration-${colorScheme}-${width}`);
			await page.locator(".log").scrollIntoViewIfNeeded();
			await stage.picture(page, `integration-log-${colorScheme}-${width}`);
		});
	});
}
