/** Messages from the database through the task and the real sandbox to what the provider tells afterwards. */

import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestCheckout, type TestCheckout } from "../../checkout/test-checkout.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createPspAdapters } from "../../psp/providers.ts";
import { startTestSandbox } from "../../sandbox/test-sandbox.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
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
import { createWhatsappAdapter, readWhatsappSettings } from "../whatsapp/settings.ts";
import { TokenKeeper } from "../whatsapp/token-keeper.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const META_TOKEN = "EAAfirstTokenOfTheEnvironment";
const APP_SECRET = "secret of the app at Meta";
const WEBHOOK_KEY = "key in the address of Gupshup";
const ENV = {
	meta: {
		WHATSAPP_PROVIDER: "meta",
		WHATSAPP_META_PHONE_NUMBER_ID: "106540352242922",
		WHATSAPP_META_TOKEN: META_TOKEN,
		WHATSAPP_META_APP_ID: "7012345",
		WHATSAPP_META_APP_SECRET: APP_SECRET,
	},
	gupshup: {
		WHATSAPP_PROVIDER: "gupshup",
		WHATSAPP_GUPSHUP_APP_NAME: "LightSpeedPay",
		WHATSAPP_GUPSHUP_SOURCE: "918040001234",
		WHATSAPP_GUPSHUP_PARTNER_EMAIL: "partner@example.com",
		WHATSAPP_GUPSHUP_PARTNER_SECRET: "secret of the partner",
		WHATSAPP_GUPSHUP_APP_ID: "b7a4f2c0-app",
	},
};

let database: TestDatabase;
let sandbox: Awaited<ReturnType<typeof startTestSandbox>>;
let checkout: TestCheckout;
let merchant: TestMerchant;
let lane: StartedLane | null = null;
let logged = "";

beforeAll(async () => {
	database = await createTestDatabase();
	sandbox = await startTestSandbox();
	checkout = await startTestCheckout(database, {
		WHATSAPP_META_APP_SECRET: APP_SECRET,
		WHATSAPP_META_VERIFY_TOKEN: "a token that was agreed on",
		WHATSAPP_GUPSHUP_WEBHOOK_KEY: WEBHOOK_KEY,
	});
	merchant = await createMerchant(database.pool("admin"), keys, { company_name: "Kaveri Books", phone: "98450 12345" });
	await rows("update whatsapp_templates set gupshup_id = 'tpl-' || name || '-' || language");
});
beforeEach(async () => {
	const templates = await rows<{ name: string; language: string; body: string; parameters: number; id: string }>(
		"select meta_name as name, language, body, jsonb_array_length(variables) as parameters, gupshup_id as id from whatsapp_templates",
	);
	await sandbox.control("PUT", "whatsapp/accounts", {
		provider: "meta",
		phone_number_id: ENV.meta.WHATSAPP_META_PHONE_NUMBER_ID,
		token: META_TOKEN,
		app_id: ENV.meta.WHATSAPP_META_APP_ID,
		app_secret: APP_SECRET,
		verify_token: "a token that was agreed on",
		webhook_url: `${checkout.url}/whatsapp/meta`,
		templates: templates.map(({ id: _, ...template }) => template),
	});
	await sandbox.control("PUT", "whatsapp/accounts", {
		provider: "gupshup",
		app_name: "LightSpeedPay",
		app_id: ENV.gupshup.WHATSAPP_GUPSHUP_APP_ID,
		source: ENV.gupshup.WHATSAPP_GUPSHUP_SOURCE,
		partner: { email: "partner@example.com", secret: "secret of the partner" },
		webhook_url: `${checkout.url}/whatsapp/gupshup?key=${encodeURIComponent(WEBHOOK_KEY)}`,
		templates: templates.map(({ id, body, parameters }) => ({ id, body, parameters })),
	});
});
afterEach(async () => {
	await lane?.stop(5000);
	lane = null;
	await sandbox.control("DELETE", "whatsapp/messages");
	await sandbox.control("DELETE", "faults");
	await sandbox.control("DELETE", "log");
	await rows("update whatsapp_providers set failures = 0, open_until = null, probing_until = null");
});
afterAll(async () => {
	await checkout.stop();
	await sandbox.close();
	await database.drop();
});

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

/** Workers as the environment makes them, in this process. */
async function work(provider: keyof typeof ENV | null): Promise<void> {
	const pool = database.pool("jobs");
	const settings = provider === null ? null : readWhatsappSettings(ENV[provider]);
	const adapter = settings && createWhatsappAdapter(settings, sandbox.url);
	const services: Services = {
		database: pool,
		shared: createSharedCalls(pool, pino({ enabled: false })),
		keys,
		payout_adapters: new Map(),
		adapters: createPspAdapters({ sandbox_url: sandbox.url }),
		urls: createCheckoutUrls({ checkout_url: checkout.url, status_token_key: Buffer.alloc(32, 9) }),
		outbound: createOutbound({ allowed_hosts: new Set() }),
		gate: createDeliveryGate(gateWidths(50)),
		studio: createStudioClient(null, keys),
		clock: { offer: async () => 0 },
		metrics: createJobsMetrics(),
		tracing: null,
		alert_channels: [],
		whatsapp: adapter && { adapter, tokens: new TokenKeeper(pool, keys, adapter) },
		log: pino(
			{ level: "debug" },
			{
				write(line: string) {
					logged += line;
				},
			},
		),
	};
	lane = await startLane(
		lanesFor(new Set(["default"])).find(({ name }) => name === "notices")!,
		services,
		desk,
		new WakeUpCall(services.database),
	);
}

/** Nothing is paused, and nobody counts. */
const desk: QueueDesk = { isPaused: () => false, onChange: () => {}, count: () => {}, stop: async () => {} };

let notices = 0;
async function send(): Promise<string> {
	const [row] = await rows<{ id: string }>("select public.send_whatsapp($1, 'account_notice', $2, 'test') as id", [
		merchant.id,
		JSON.stringify({ company: "Kaveri Books", text: `Notice ${++notices}.` }),
	]);
	return row!.id;
}

interface Message {
	status: string;
	attempts: number;
	error_code: string | null;
	provider_message_id: string | null;
	next_attempt_at: Date | null;
}

/** The message once it fits. */
async function messageThat(id: string, fits: (message: Message) => boolean): Promise<Message> {
	const read = async () => (await rows<Message>("select * from whatsapp_notifications where id = $1", [id]))[0]!;
	await expect.poll(read, { interval: 20 }).toSatisfy(fits);
	return read();
}

const withStatus = (id: string, status: string) => messageThat(id, (message) => message.status === status);

const received = async () =>
	(await sandbox.control("GET", "whatsapp/messages")).body as {
		id: string;
		text: string;
		reference: string | null;
		provider: string;
	}[];

const calls = async (service: string, path: string) =>
	((await sandbox.control("GET", `log?service=${service}`)).body as { path: string; status: number | null }[]).filter(
		(entry) => entry.path.includes(path),
	);

const keptToken = async (provider: string) =>
	(
		await rows<{ token: string; generation: number }>(
			"select token, generation from whatsapp_provider_tokens where provider = $1",
			[provider],
		)
	)[0];

describe.each(["meta", "gupshup"] as const)("by %s, a message", (provider) => {
	it("arrives, and what its reader does comes back", async () => {
		await work(provider);
		const id = await send();
		const { provider_message_id } = await withStatus(id, "delivered");
		const [message] = await received();
		expect(message).toMatchObject({ id: provider_message_id, provider });
		expect(message!.text).toBe(
			`A notice for Kaveri Books: Notice ${notices}. Your operator at LightSpeedPay can tell you more.`,
		);
		await sandbox.control("POST", "whatsapp/status", { message: message!.id, status: "read", duplicate: 3 });
		await withStatus(id, "read");
	});

	it("that the token was refused for is sent with another one, which is kept encrypted and renewed once for all", async () => {
		await work(provider);
		await withStatus(await send(), "delivered");
		const before = await keptToken(provider);
		await sandbox.control("POST", "whatsapp/expire-tokens", { provider });
		const ids = await Promise.all(Array.from({ length: 6 }, send));
		for (const id of ids) expect(await withStatus(id, "delivered")).toMatchObject({ attempts: 1 });
		expect(await received()).toHaveLength(7);
		const after = await keptToken(provider);
		expect(after!.generation).toBe(before!.generation + 1);
		expect(after!.token).toMatch(/^v1\.test\./);
		const renewals = await calls(provider, provider === "meta" ? "/oauth/access_token" : "/account/login");
		expect(renewals.filter(({ status }) => status === 200)).toHaveLength(1);
	});

	it("whose answer is lost is never sent twice", async () => {
		await work(provider);
		await sandbox.control("POST", "faults", {
			service: provider,
			path: provider === "meta" ? "/v23.0/106540352242922" : "/partner/app/b7a4f2c0-app/template",
			kind: "drop_after_success",
		});
		const id = await send();
		// The provider's webhook says what the answer would have.
		await withStatus(id, "delivered");
		expect(await received()).toHaveLength(1);
		expect(await rows("select outcome from whatsapp_attempts where notification_id = $1", [id])).toEqual([
			{ outcome: "unknown" },
		]);
	});

	it("that a proxy answers for is not known to be sent", async () => {
		await work(provider);
		await sandbox.control("POST", "faults", {
			service: provider,
			method: "POST",
			kind: "status",
			status: 502,
			html: true,
		});
		expect(await withStatus(await send(), "unknown")).toMatchObject({ attempts: 1, error_code: "unreadable_answer" });
		expect(await received()).toEqual([]);
	});

	it("waits when the provider is busy, and so do the others", async () => {
		await work(provider);
		const busy = { kind: "status", status: 429, retry_after: 120 };
		await sandbox.control("POST", "faults", { service: provider, method: "POST", ...busy });
		const first = await send();
		await messageThat(first, ({ error_code }) => error_code !== null);
		const [wait] = await rows<{ until: Date }>(
			"select open_until as until from whatsapp_providers where provider = $1",
			[provider],
		);
		const second = await send();
		await messageThat(second, ({ next_attempt_at }) => next_attempt_at !== null && next_attempt_at >= wait!.until);
		expect(
			await rows(
				"select status, attempts, next_attempt_at >= updated_at + interval '120 seconds' as as_asked from whatsapp_notifications where id = any($1) order by id",
				[[first, second]],
			),
		).toEqual([
			{ status: "queued", attempts: 1, as_asked: true },
			{ status: "queued", attempts: 0, as_asked: false },
		]);
		expect(await received()).toEqual([]);
	});

	it("that fails afterwards says why", async () => {
		await work(provider);
		const code = provider === "meta" ? 131026 : 1002;
		await sandbox.control("POST", "whatsapp/outcomes", { provider, code, at: "webhook", message: "Not on WhatsApp" });
		const id = await send();
		expect(await withStatus(id, "failed")).toMatchObject({
			error_code: String(code),
			error_message: "Not on WhatsApp",
		});
	});
});

describe("by Meta, a message", () => {
	it.each([
		[131026, 400, "failed", 1],
		[132001, 404, "failed", 1],
		[131056, 400, "queued", 1],
		[131000, 500, "queued", 1],
	])("refused with %i is handled as that code asks", async (code, http_status, status, attempts) => {
		await work("meta");
		await sandbox.control("POST", "whatsapp/outcomes", { provider: "meta", code, http_status });
		const id = await send();
		expect(await messageThat(id, (message) => message.error_code !== null)).toMatchObject({
			status,
			attempts,
			error_code: String(code),
		});
	});

	it("is answered with STOP, and no other one is sent", async () => {
		await work("meta");
		const id = await send();
		await withStatus(id, "delivered");
		const [message] = await received();
		await sandbox.control("POST", "whatsapp/answer", { message: message!.id, text: " Stop. " });
		await expect
			.poll(() => rows("select client_id from whatsapp_preferences where opted_out_at is not null"))
			.toEqual([{ client_id: merchant.id }]);
		await expect(send()).rejects.toMatchObject({ code: "LS173" });
		await sandbox.control("POST", "whatsapp/answer", { message: message!.id, text: "शुरू" });
		await expect
			.poll(() => rows("select client_id from whatsapp_preferences where opted_out_at is not null"))
			.toEqual([]);
	});

	it("is not moved by a webhook that somebody else signed", async () => {
		await work("meta");
		const id = await send();
		await withStatus(id, "delivered");
		const [message] = await received();
		await sandbox.control("POST", "whatsapp/status", { message: message!.id, status: "read", forge: true });
		const sent = (await sandbox.control("GET", "webhooks")).body as { event_type: string; last_status: number }[];
		expect(sent.at(-1)).toMatchObject({ event_type: "read", last_status: 401 });
		expect((await withStatus(id, "delivered")).status).toBe("delivered");
	});

	it("can have its webhooks where Meta's handshake succeeds", async () => {
		expect((await sandbox.control("POST", "whatsapp/verify-address", { challenge: "42" })).body).toEqual({
			verified: true,
		});
	});
});

describe("secrets", () => {
	it("stand in no log and no job", async () => {
		const [{ jobs }] = (await rows<{ jobs: string }>(
			"select coalesce(string_agg(payload::text, ' '), '') as jobs from graphile_worker._private_jobs",
		)) as [{ jobs: string }];
		for (const secret of [META_TOKEN, APP_SECRET, ENV.gupshup.WHATSAPP_GUPSHUP_PARTNER_SECRET, "919845012345"]) {
			expect(logged + jobs, secret).not.toContain(secret);
		}
		expect(logged).toContain("message sent");
	});
});

describe("without configuration", () => {
	it("nothing is sent, and the message says so", async () => {
		await work(null);
		expect(await withStatus(await send(), "skipped")).toMatchObject({ error_code: "not_configured", attempts: 0 });
	});
});
