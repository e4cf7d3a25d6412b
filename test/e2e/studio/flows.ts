/// <reference lib="dom" />
/** Flows: an automation built by mouse, started by what happens in the database. */
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { createStudioClient } from "../../../jobs/studio.ts";
import type { TaskContext } from "../../../jobs/task.ts";
import emitStudioEvent from "../../../jobs/tasks/emit_studio_event.ts";
import type { StudioStage } from "./stage.ts";

const OPERATIONS = [
	"Only these events",
	"Send a WhatsApp message",
	"Send a merchant's webhook again",
	"Pause a gateway",
	"Raise an alert",
];

export function describeFlows(stage: StudioStage): void {
	describe("Flows", () => {
		it("lets an administrator choose our events and operations by mouse, and runs what they built", async () => {
			onTestFinished(async () => {
				await stage.query("delete from directus.directus_flows where name = 'Tell of suspensions'");
				await stage.query("update clients set status = 'active' where id = $1", [stage.merchant.id]);
			});
			const page = await stage.open({ role: "administrator" }, "/settings/flows");
			const iconButton = (icon: string) => page.locator(`button:has([data-icon="${icon}"])`);
			const drawer = page.locator(".v-drawer");
			const field = (name: string) => drawer.locator(".field").filter({ hasText: new RegExp(`^\\s*${name}`) });

			const checkbox = (label: string) =>
				drawer.locator(".v-checkbox").filter({ has: page.getByText(label, { exact: true }) });

			await page.getByText("Large refund: raise an alert").waitFor();
			await page.locator("header").locator(iconButton("add")).first().click();
			await drawer.getByPlaceholder("Name", { exact: true }).fill("Tell of suspensions");
			await drawer.locator(iconButton("arrow_forward")).click();
			await drawer.getByText("Event Hook", { exact: true }).click();
			await drawer.getByText(/^Action/).click();
			await field("Scope").locator('[data-icon="expand_more"]').click();
			await page.locator("#menu-outlet").getByText("items.create", { exact: true }).click();
			await drawer.getByText("Creating New Flow").click();
			const more = drawer.getByText(/^Show .* more/i);
			await checkbox("Events").or(more).first().waitFor();
			if (await more.isVisible()) await more.click();
			await checkbox("Events").click();
			await stage.picture(page, "flows-trigger");
			await drawer.locator(iconButton("check")).click();

			await page.locator(".block-container.trigger .add-resolve").click();
			for (const operation of OPERATIONS) await drawer.getByText(operation, { exact: true }).waitFor();
			await stage.picture(page, "flows-operations");
			await drawer.getByText("Only these events", { exact: true }).click();
			await checkbox("A client is suspended or disabled").click();
			await stage.picture(page, "flows-events");
			await drawer.locator(iconButton("check")).click();

			await page.locator(".block-container.operation .add-resolve").click();
			await drawer.getByText("Raise an alert", { exact: true }).click();
			await field("Message").locator("input").fill("{{$trigger.payload.data.company_name}} takes no payments");
			await field("Client's id").locator("input").fill("{{$trigger.payload.client_id}}");
			await drawer.locator(iconButton("check")).click();
			await page.getByText("Tell of suspensions").first().waitFor();
			await stage.picture(page, "flows-built");
			// Not the drawer's, which may still be fading.
			await page.locator("#main-content header").locator(iconButton("check")).click();
			await page.locator("#main-content header").locator(iconButton("edit")).waitFor();

			await stage.query("update clients set status = 'suspended' where id = $1", [stage.merchant.id]);
			const events = await stage.query<{ id: string }>("select id from studio_events where type = 'client.suspended'");
			expect(events).toHaveLength(1);
			const context = {
				database: stage.database.pool("jobs"),
				studio: createStudioClient(stage.studio.url, stage.keys),
				log: pino({ level: "silent" }),
			} as unknown as TaskContext;
			// However often it is brought.
			for (let time = 0; time < 2; time++) await emitStudioEvent({ event_id: events[0]!.id }, context);
			await expect
				.poll(() =>
					stage.query("select message, count from alerts where kind = 'raised_by_flow' and client_id = $1", [
						stage.merchant.id,
					]),
				)
				.toEqual([{ message: "Kaveri Books takes no payments", count: 1 }]);
		});
	});
}
