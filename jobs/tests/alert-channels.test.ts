/** Alerts from the database through the tasks to what Slack and a mail server receive. */

import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { raiseAlert } from "../../db/client/operations.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createPspAdapters } from "../../psp/providers.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { createAlertChannels } from "../alerts/channel.ts";
import { readAlertSettings } from "../alerts/settings.ts";
import { createCheckoutUrls } from "../checkout-urls.ts";
import { createDeliveryGate, gateWidths } from "../delivery-gate.ts";
import { createJobsMetrics } from "../metrics.ts";
import { createOutbound } from "../outbound.ts";
import type { QueueDesk } from "../queue-desk.ts";
import { type StartedLane, startLane } from "../runner.ts";
import { createSharedCalls } from "../shared-calls.ts";
import { createStudioClient } from "../studio.ts";
import type { Services } from "../task.ts";
import { lanesFor } from "../task-list.ts";
import { WakeUpCall } from "../wake-up-call.ts";
import { type SmtpReceiver, startSmtpReceiver } from "./smtp-receiver.ts";
import { type Endpoint, startEndpoint } from "./worker-process.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const desk: QueueDesk = { isPaused: () => false, onChange: () => {}, count: () => {}, stop: async () => {} };
let database: TestDatabase;
let slack: Endpoint;
let mail: SmtpReceiver;
let lanes: StartedLane[] = [];

beforeAll(async () => {
	database = await createTestDatabase();
	slack = await startEndpoint();
	mail = await startSmtpReceiver();
});
beforeEach(async () => {
	const outbound = createOutbound({ allowed_hosts: new Set([slack.host]) });
	const services: Services = {
		database: database.pool("jobs"),
		shared: createSharedCalls(database.pool("jobs"), pino({ enabled: false })),
		keys,
		adapters: createPspAdapters({ sandbox_url: "http://127.0.0.1:9" }),
		payout_adapters: new Map(),
		urls: createCheckoutUrls({ checkout_url: "http://127.0.0.1:3000", status_token_key: Buffer.alloc(32, 9) }),
		outbound,
		gate: createDeliveryGate(gateWidths(4)),
		alert_channels: createAlertChannels(
			readAlertSettings({
				ALERT_SLACK_WEBHOOK_URL: `http://${slack.host}/services/T0/B0/secret`,
				ALERT_EMAIL_TO: "ops@example.com, duty@example.com",
				PUBLIC_STUDIO_URL: "https://studio.example.com/",
				EMAIL_FROM: "LightSpeedPay <alerts@pay.example.com>",
				EMAIL_TRANSPORT: "smtp",
				EMAIL_SMTP_HOST: "127.0.0.1",
				EMAIL_SMTP_PORT: String(mail.port),
			}),
			outbound,
		),
		studio: createStudioClient(null, keys),
		clock: { offer: async () => 0 },
		metrics: createJobsMetrics(),
		tracing: null,
		whatsapp: null,
		log: pino({ level: "silent" }),
	};
	const wanted = lanesFor(new Set(["default"])).filter(({ name }) => ["deliveries", "alerts"].includes(name));
	lanes = await Promise.all(wanted.map((lane) => startLane(lane, services, desk, new WakeUpCall(services.database))));
});
afterEach(async () => {
	await Promise.all(lanes.map((lane) => lane.stop(5000)));
	await rows("delete from graphile_worker._private_jobs");
	await rows("delete from alert_messages");
	await rows("delete from alerts");
	mail.refusal = null;
	mail.mails.length = 0;
});
afterAll(async () => {
	await slack.close();
	await mail.close();
	await database.drop();
});

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

const raise = (dedupe_key: string, severity: "info" | "warning" | "critical" = "critical") =>
	raiseAlert(database.pool("jobs"), {
		kind: "dead_jobs",
		severity,
		message: "12 jobs of the queue <refund> & co have failed for good.",
		details: { queue: "refund_payment", customer_email: "payer@example.com" },
		dedupe_key,
	});
const resolve = (dedupe_key: string) =>
	rows("select resolve_alert(id, 'Redriven', 'ops') from alerts where dedupe_key = $1 and status <> 'resolved'", [
		dedupe_key,
	]);

/** What Slack is sent next; answered with `status`. */
async function heard(status = 200) {
	const request = await slack.next();
	request.response.writeHead(status).end(status === 200 ? "ok" : "no_service");
	return JSON.parse(request.body) as { text: string; blocks: unknown[] };
}

const messages = () =>
	rows<{ channel: string; occasion: string; status: string }>(
		"select channel, occasion, status from alert_messages order by channel desc, id",
	);

describe("an alert", () => {
	it("is told in every channel of its severity, with a runbook, and again when it is over", async () => {
		await raise("both");
		const told = await heard();
		expect(told.text).toBe("Dead jobs (critical): 12 jobs of the queue &lt;refund&gt; &amp; co have failed for good.");
		const blocks = JSON.stringify(told.blocks);
		expect(blocks).toContain("<https://studio.example.com/admin/alerts/runbooks/dead_jobs|Runbook>");
		expect(blocks).toContain("|Open in the studio>");
		expect(blocks).not.toContain("payer@example.com");
		await expect.poll(() => mail.mails.length).toBe(1);
		expect(mail.mails[0]).toMatchObject({
			from: "alerts@pay.example.com",
			to: ["ops@example.com", "duty@example.com"],
		});
		expect(mail.mails[0]!.source).toMatch(/^Subject: \[LightSpeedPay\] critical: Dead jobs: 12 jobs of the queue/m);
		// Long lines are folded (quoted-printable).
		expect(mail.mails[0]!.source.replaceAll("=\n", "")).toContain(
			"https://studio.example.com/admin/alerts/runbooks/dead_jobs",
		);
		expect(mail.mails[0]!.source).toMatch(/^Auto-Submitted: auto-generated$/m);
		await expect.poll(messages).toEqual([
			{ channel: "slack", occasion: "raised", status: "sent" },
			{ channel: "email", occasion: "raised", status: "sent" },
		]);

		await resolve("both");
		expect((await heard()).text).toMatch(/^Resolved: Dead jobs/);
		await expect.poll(() => mail.mails.length).toBe(2);
		const references = mail.mails.map(({ source }) => /^References: (.*)$/m.exec(source)?.[1]);
		expect(references[1]).toBe(references[0]);
	});

	it("of less severity is told where that is wanted, and once while it lasts", async () => {
		await raise("low", "warning");
		await raise("low", "warning");
		await heard();
		await expect.poll(messages).toEqual([{ channel: "slack", occasion: "raised", status: "sent" }]);
		expect(mail.mails).toEqual([]);
		await raise("none", "info");
		await expect
			.poll(() => rows("select notified_at is not null as told from alerts where severity = 'info'"))
			.toEqual([{ told: true }]);
		expect(await messages()).toHaveLength(1);
	});

	it("that comes again soon after it was resolved waits until its half hour is over", async () => {
		await raise("flaps", "warning");
		await heard();
		await expect.poll(messages).toHaveLength(1);
		await expect.poll(messages).toEqual([{ channel: "slack", occasion: "raised", status: "sent" }]);
		await resolve("flaps");
		await heard();
		await raise("flaps", "warning");
		await expect
			.poll(() =>
				rows(
					`select round(extract(epoch from j.run_at - now()) / 600)::integer * 10 as minutes
						from alert_messages m join graphile_worker._private_jobs j on j.payload ->> 'message_id' = m.id::text
						where m.status = 'waiting'`,
				),
			)
			.toEqual([{ minutes: 30 }]);
	});
});

describe("a channel that fails", () => {
	it("is tried again and holds up no other", async () => {
		mail.refusal = "451 try later";
		await raise("mail is down");
		await heard();
		await expect
			.poll(() => rows("select error from alert_messages where channel = 'email' and status = 'waiting'"))
			.toEqual([{ error: expect.stringContaining("451") }]);
		mail.refusal = null;
		await expect.poll(() => mail.mails.length).toBe(1);
		await expect.poll(messages).toEqual([
			{ channel: "slack", occasion: "raised", status: "sent" },
			{ channel: "email", occasion: "raised", status: "sent" },
		]);
	});

	it("for good is an alert of its own, which the others tell", async () => {
		mail.refusal = "550 unknown sender";
		await raise("mail is gone");
		await heard();
		await expect
			.poll(() =>
				rows(
					`update graphile_worker._private_jobs set attempts = max_attempts - 1, run_at = now()
						where locked_at is null and attempts between 1 and max_attempts - 2 returning 1 as moved`,
				),
			)
			.toEqual([{ moved: 1 }]);
		expect((await heard()).text).toMatch(/Alert channel failed \(critical\): Alerts do not reach the channel email: /);
		expect(await messages()).toContainEqual({ channel: "email", occasion: "raised", status: "failed" });
		await expect.poll(() => rows("select 1 from graphile_worker.jobs where attempts >= max_attempts")).toEqual([]);
	});
});

it("a storm is told in ten messages and a summary", async () => {
	for (let n = 0; n < 25; n++) await raise(`storm ${n}`, "warning");
	const held = () =>
		rows<{ held: number }>("select count(*)::integer as held from alert_messages where status = 'held'");
	const answered: string[] = [];
	const answering = (async () => {
		for (;;) answered.push((await heard()).text);
	})();
	answering.catch(() => {});
	await expect.poll(async () => (await rows("select 1 from alert_messages where status <> 'waiting'")).length).toBe(25);
	const [{ held: spared }] = (await held()) as [{ held: number }];
	// Four are sent at a time, so three may pass beyond the ten.
	expect(25 - spared).toBeGreaterThanOrEqual(10);
	expect(25 - spared).toBeLessThanOrEqual(13);
	await rows(
		`select graphile_worker.add_job('send_alert_summary', '{"channel": "slack"}', job_key => 'send_alert_summary:slack')`,
	);
	await expect.poll(() => answered.at(-1)).toBe(`${spared} more alerts: 0 critical, ${spared} warning, 0 info`);
	await expect.poll(held).toEqual([{ held: 0 }]);
});
