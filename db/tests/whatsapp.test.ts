import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { payPayment, queryAs } from "../../test/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";
import {
	answerWhatsappStop,
	beginWhatsapp,
	claimWhatsappRenewal,
	readWhatsappToken,
	recordWhatsappAttempt,
	recordWhatsappStatus,
	saveWhatsappToken,
	type WhatsappResult,
	type WhatsappStatusReport,
	watchBalances,
} from "../client/whatsapp.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let merchant: TestMerchant;
/** Of the merchant; another one for each test. */
let number: string;
let numbers = 0;

beforeAll(async () => {
	database = await createTestDatabase();
});
beforeEach(async () => {
	number = `9198450${String(++numbers).padStart(5, "0")}`;
	merchant = await createMerchant(database.pool("admin"), keys, { company_name: "Kaveri Books", phone: `+${number}` });
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const rows = queryAs(() => database.pool("admin"));

const NOTICE = { company: "Kaveri Books", text: "Your KYC papers are due on 30 November." };

async function send(variables: object = NOTICE, template = "account_notice", client_id = merchant.id): Promise<string> {
	const { rows: sent } = await database
		.pool("studio")
		.query<{ id: string }>("select public.send_whatsapp($1, $2, $3, $4) as id", [
			client_id,
			template,
			JSON.stringify(variables),
			"flow:1",
		]);
	return sent[0]!.id;
}

const messageOf = async (id: string) =>
	(await rows<Record<string, unknown>>("select * from whatsapp_notifications where id = $1", [id]))[0]!;

const statusOf = async (id: string) => (await messageOf(id)).status;

const accepted: WhatsappResult = { outcome: "accepted", provider_message_id: null, latency_ms: 40, http_status: 200 };
const busy: WhatsappResult = {
	outcome: "refused",
	action: "retry",
	fault_of: "provider",
	code: "131000",
	message: "Something went wrong",
	latency_ms: 30,
	http_status: 500,
};

async function sent(provider_message_id = `wamid.${randomUUID()}`): Promise<{ id: string; message_id: string }> {
	const id = await send({ ...NOTICE, text: randomUUID() });
	await beginWhatsapp(jobs(), id, "meta");
	await recordWhatsappAttempt(jobs(), id, { ...accepted, provider_message_id });
	return { id, message_id: provider_message_id };
}

const report = (message_id: string, status: WhatsappStatusReport["status"], more: Partial<WhatsappStatusReport> = {}) =>
	recordWhatsappStatus(jobs(), "meta", { message_id, status, reference: null, at: null, recipient: number, ...more });

const secondsToNextTry = async (id: string) =>
	(
		await rows<{ seconds: number }>(
			// From the try before, if there was one: how long ago that was is nobody's business.
			`select extract(epoch from run_at - coalesce((select max(ended_at) from whatsapp_attempts where notification_id = $1), now()))::float
				as seconds from graphile_worker.jobs where key = 'send_whatsapp:' || $1 and locked_at is null`,
			[id],
		)
	)[0]?.seconds;

const closeCircuit = () => rows("update whatsapp_providers set failures = 0, open_until = null, probing_until = null");

describe("asking for a message", () => {
	test("writes it with its job, at the merchant's number, and who asked in the audit log", async () => {
		const id = await send();
		expect(await messageOf(id)).toMatchObject({
			status: "queued",
			recipient: number,
			template: "account_notice",
			language: "en",
			variables: NOTICE,
			cause: "request",
			requested_by: "flow:1",
		});
		expect(
			await rows(
				"select payload from graphile_worker.jobs j join graphile_worker._private_jobs p using (id) where j.key = $1",
				[`send_whatsapp:${id}`],
			),
		).toEqual([{ payload: { notification_id: id } }]);
		expect(await rows("select actor, action from audit_log where row_id = $1", [id])).toEqual([
			{ actor: "flow:1", action: "send_whatsapp" },
		]);
	});

	test("for the same twice, even at once, is one message", async () => {
		const ids = await Promise.all(Array.from({ length: 8 }, () => send()));
		expect(new Set(ids).size).toBe(1);
		expect(await send({ ...NOTICE, text: "Something else." })).not.toBe(ids[0]);
	});

	test.each([
		["a variable is missing", { company: "Kaveri Books" }, "LS171"],
		["there is one too many", { ...NOTICE, more: "x" }, "LS171"],
		["one is empty", { ...NOTICE, text: "  " }, "LS171"],
		["one has a line break", { ...NOTICE, text: "a\nb" }, "LS171"],
		["one is too long", { ...NOTICE, text: "x".repeat(601) }, "LS171"],
		["one is not a text", { ...NOTICE, text: { a: 1 } }, "LS171"],
	])("is refused when %s", async (_why, variables, code) => {
		await expect(send(variables)).rejects.toMatchObject({ code });
	});

	test("is refused for a template, a merchant or a number that does not exist, and after an opt-out", async () => {
		await expect(send(NOTICE, "no_such")).rejects.toMatchObject({ code: "LS170" });
		await expect(send(NOTICE, "account_notice", randomUUID())).rejects.toMatchObject({ code: "LS022" });
		const silent = await createMerchant(database.pool("admin"), keys, { phone: "ask the office" });
		await expect(send(NOTICE, "account_notice", silent.id)).rejects.toMatchObject({ code: "LS172" });
		await sent();
		expect(await answerWhatsappStop(jobs(), number, true)).toBe(1);
		expect(await answerWhatsappStop(jobs(), number, true)).toBe(0);
		await expect(send()).rejects.toMatchObject({ code: "LS173" });
		expect(await answerWhatsappStop(jobs(), number, false)).toBe(1);
		await send();
	});

	test.each([
		["98450 12345", "919845012345"],
		["098450-12345", "919845012345"],
		["+91 98450 12345", "919845012345"],
		["0091 98450 12345", "919845012345"],
		["+65 6123 4567", "6561234567"],
		["12", null],
		["ext. 5", null],
		[null, null],
	])("reads the phone number %j as %j", async (phone, recipient) => {
		expect(await rows("select public.whatsapp_recipient($1) as recipient", [phone])).toEqual([{ recipient }]);
	});

	test("fills amounts in as rupees", async () => {
		expect(
			await rows(
				`select public.whatsapp_text(t, '{"company": "Kaveri Books", "balance_due": 123456789, "threshold": "50000"}') as text
				from whatsapp_templates t where name = 'low_balance' and language = 'en'`,
			),
		).toEqual([
			{
				text: "Commission due of Kaveri Books is now ₹12,34,567.89; you asked to be told at ₹500.00. Settle it in time, so that payments go on.",
			},
		]);
	});
});

describe("sending", () => {
	test("gives the parameters in their order, and notes the attempt before the call", async () => {
		const id = await send();
		expect(await beginWhatsapp(jobs(), id, "meta")).toEqual({
			id,
			attempt: 1,
			recipient: number,
			template: "account_notice",
			language: "en",
			parameters: [NOTICE.company, NOTICE.text],
		});
		expect(await rows("select attempt_no, outcome from whatsapp_attempts where notification_id = $1", [id])).toEqual([
			{ attempt_no: 1, outcome: null },
		]);
		expect(await recordWhatsappAttempt(jobs(), id, { ...accepted, provider_message_id: "wamid.a" })).toBe("accepted");
		expect(await beginWhatsapp(jobs(), id, "meta")).toBeNull();
	});

	test("tries what was certainly not sent four times, after 5, 20 and 80 seconds", async () => {
		const id = await send();
		for (const delay of [5, 20, 80]) {
			expect(await beginWhatsapp(jobs(), id, "meta")).not.toBeNull();
			expect(await recordWhatsappAttempt(jobs(), id, busy)).toBe("queued");
			const wait = (await secondsToNextTry(id))!;
			expect(wait).toBeGreaterThan(delay - 1.5);
			expect(wait).toBeLessThan(delay * 1.2 + 0.5);
		}
		await beginWhatsapp(jobs(), id, "meta");
		expect(await recordWhatsappAttempt(jobs(), id, busy)).toBe("failed");
		expect(await messageOf(id)).toMatchObject({ attempts: 4, error_code: "131000", next_attempt_at: null });
		await closeCircuit();
	});

	test("waits as long as the provider asks, and stops where it says so", async () => {
		const [slow, gone] = [await send(), await send({ ...NOTICE, text: "Another one." })];
		await beginWhatsapp(jobs(), slow, "meta");
		await recordWhatsappAttempt(jobs(), slow, { ...busy, action: "delay", fault_of: "recipient", delay_seconds: 600 });
		expect(await secondsToNextTry(slow)).toBeGreaterThan(595);
		await beginWhatsapp(jobs(), gone, "meta");
		const undeliverable: WhatsappResult = { ...busy, action: "stop", fault_of: "recipient", code: "131026" };
		expect(await recordWhatsappAttempt(jobs(), gone, undeliverable)).toBe("failed");
		expect((await messageOf(gone)).attempts).toBe(1);
	});

	test("never sends again by itself what may have been sent", async () => {
		const [lost, killed] = [await send(), await send({ ...NOTICE, text: "Another one." })];
		await beginWhatsapp(jobs(), lost, "meta");
		const unknown: WhatsappResult = { outcome: "unknown", fault_of: "provider", code: "no_answer", latency_ms: 10_000 };
		expect(await recordWhatsappAttempt(jobs(), lost, unknown)).toBe("unknown");
		// Its worker was killed between the call and the record, and another one took the job over.
		await beginWhatsapp(jobs(), killed, "meta");
		expect(await beginWhatsapp(jobs(), killed, "meta")).toBeNull();
		for (const id of [lost, killed]) {
			expect(await statusOf(id)).toBe("unknown");
			expect(await beginWhatsapp(jobs(), id, "meta")).toBeNull();
		}
		// An answer that comes after all changes nothing that was decided.
		expect(await recordWhatsappAttempt(jobs(), killed, accepted)).toBe("unknown");
		await closeCircuit();
	});

	test.each([
		["no provider is configured", null, "not_configured", ""],
		["the provider does not know the template", "gupshup", "template_not_approved", ""],
		[
			"it is a day old",
			"meta",
			"too_old",
			"update whatsapp_notifications set created_at = now() - interval '25 hours' where id = $1",
		],
		[
			"the merchant opted out meanwhile",
			"meta",
			"opted_out",
			"insert into whatsapp_preferences (client_id, opted_out_at) select client_id, now() from whatsapp_notifications where id = $1",
		],
	] as const)("sends nothing when %s", async (_why, provider, error_code, change) => {
		const id = await send();
		if (change !== "") await rows(change, [id]);
		expect(await beginWhatsapp(jobs(), id, provider)).toBeNull();
		expect(await messageOf(id)).toMatchObject({ status: "skipped", error_code, attempts: 0 });
	});

	test("stops for everybody after five failures of the provider, lets one message try, and goes on", async () => {
		for (let failure = 1; failure <= 5; failure++) {
			const id = await send({ ...NOTICE, text: `Notice ${failure}.` });
			await beginWhatsapp(jobs(), id, "meta");
			await recordWhatsappAttempt(jobs(), id, busy);
		}
		const [first, second] = [await send(), await send({ ...NOTICE, text: "The next." })];
		expect(await beginWhatsapp(jobs(), first, "meta")).toBeNull();
		expect(await messageOf(first)).toMatchObject({ status: "queued", attempts: 0 });
		expect(await secondsToNextTry(first)).toBeGreaterThan(20);
		expect(await rows("select status, severity from alerts where dedupe_key = 'whatsapp_unavailable:meta'")).toEqual([
			{ status: "open", severity: "critical" },
		]);

		await rows("update whatsapp_providers set open_until = now() - interval '1 second'");
		expect(await beginWhatsapp(jobs(), first, "meta")).not.toBeNull();
		expect(await beginWhatsapp(jobs(), second, "meta")).toBeNull();
		await recordWhatsappAttempt(jobs(), first, accepted);
		expect(await beginWhatsapp(jobs(), second, "meta")).not.toBeNull();
		expect(await rows("select status from alerts where dedupe_key = 'whatsapp_unavailable:meta'")).toEqual([
			{ status: "resolved" },
		]);
	});
});

describe("what the provider tells afterwards", () => {
	test("moves a message forward only, in whatever order it comes", async () => {
		const { id, message_id } = await sent();
		expect(await report(message_id, "delivered", { at: 1_700_000_000 })).toBe("applied");
		expect(await report(message_id, "sent")).toBe("unchanged");
		expect(await report(message_id, "failed", { code: "131026" })).toBe("unchanged");
		expect(await report(message_id, "read")).toBe("applied");
		expect(await report(message_id, "read")).toBe("unchanged");
		expect(await messageOf(id)).toMatchObject({ status: "read", error_code: null });
	});

	test("fails a message, and a delivery after that is believed", async () => {
		const { id, message_id } = await sent();
		expect(await report(message_id, "failed", { code: "131049", message: "Not now", action: "stop" })).toBe("applied");
		expect(await messageOf(id)).toMatchObject({ status: "failed", error_code: "131049", error_message: "Not now" });
		expect(await report(message_id, "sent")).toBe("unchanged");
		expect(await report(message_id, "delivered")).toBe("applied");
	});

	test("has a message tried again that the provider says it did not send, once a failure", async () => {
		const { id, message_id } = await sent();
		const failed = { reference: id, code: "131000", action: "retry" } as const;
		expect(await report(message_id, "failed", failed)).toBe("applied");
		expect(await messageOf(id)).toMatchObject({ status: "queued", attempts: 1, provider_message_id: null });
		expect(await report(message_id, "failed", failed)).toBe("unchanged");
		await beginWhatsapp(jobs(), id, "meta");
		expect(await report(message_id, "failed", failed)).toBe("too_early");
		await recordWhatsappAttempt(jobs(), id, { ...accepted, provider_message_id: `wamid.${id}.2` });
		expect(await report(message_id, "failed", failed)).toBe("unchanged");
		expect(await statusOf(id)).toBe("accepted");
	});

	test("finds a message whose answer was lost by our reference, or by the only recipient it can be", async () => {
		const [named, counted] = [await send(), await send({ ...NOTICE, text: "Another one." })];
		for (const id of [named, counted]) {
			await beginWhatsapp(jobs(), id, "meta");
			await recordWhatsappAttempt(jobs(), id, { outcome: "unknown", code: "no_answer", latency_ms: 9 });
		}
		expect(await report("wamid.x1", "sent")).toBe("no_message");
		expect(await report("wamid.x1", "sent", { reference: named })).toBe("applied");
		expect(await report("wamid.x2", "delivered")).toBe("applied");
		expect([await statusOf(named), await statusOf(counted)]).toEqual(["sent", "delivered"]);
		expect(await report("wamid.x3", "delivered")).toBe("no_message");
	});

	test("may overtake the answer of the call", async () => {
		const id = await send();
		await beginWhatsapp(jobs(), id, "meta");
		expect(await report("wamid.fast", "sent")).toBe("too_early");
		expect(await report("wamid.fast", "sent", { reference: id })).toBe("applied");
		expect(await recordWhatsappAttempt(jobs(), id, { ...accepted, provider_message_id: "wamid.fast" })).toBe("sent");
	});
});

describe("the low-balance watcher", () => {
	const owe = (amount: number, warn_threshold: number | null = 50_000) =>
		rows("update wallets set warn_threshold = $2, balance_due = $3 where client_id = $1", [
			merchant.id,
			warn_threshold,
			amount,
		]);
	const warnings = () =>
		rows<{ variables: object; language: string }>(
			"select variables, language from whatsapp_notifications where client_id = $1 and cause = 'low_balance'",
			[merchant.id],
		);

	test("warns once in six hours, however often and by however many workers it runs", async () => {
		await owe(51_000);
		await Promise.all(Array.from({ length: 6 }, () => watchBalances(jobs())));
		expect(await warnings()).toEqual([
			{ variables: { company: "Kaveri Books", balance_due: 51_000, threshold: 50_000 }, language: "en" },
		]);
		await rows("update wallets set wa_last_sent = now() - interval '5 hours 59 minutes' where client_id = $1", [
			merchant.id,
		]);
		await watchBalances(jobs());
		expect(await warnings()).toHaveLength(1);
		await rows("update wallets set wa_last_sent = now() - interval '6 hours' where client_id = $1", [merchant.id]);
		await watchBalances(jobs());
		expect(await warnings()).toHaveLength(2);
	});

	test("leaves those in peace who owe less, set no threshold, have no number or want no warning", async () => {
		await owe(49_999);
		await watchBalances(jobs());
		await owe(51_000, null);
		await watchBalances(jobs());
		await owe(51_000);
		await rows("insert into whatsapp_preferences (client_id, low_balance) values ($1, false)", [merchant.id]);
		await watchBalances(jobs());
		await rows("update whatsapp_preferences set low_balance = true, opted_out_at = now() where client_id = $1", [
			merchant.id,
		]);
		await watchBalances(jobs());
		await rows("update whatsapp_preferences set opted_out_at = null where client_id = $1", [merchant.id]);
		await rows("update clients set phone = null where id = $1", [merchant.id]);
		await watchBalances(jobs());
		expect(await warnings()).toEqual([]);
		await rows("update whatsapp_preferences set recipient = '6561234567', language = 'hi' where client_id = $1", [
			merchant.id,
		]);
		await watchBalances(jobs());
		expect(await warnings()).toMatchObject([{ language: "hi" }]);
	});
});

describe("updates about payments", () => {
	const updates = () =>
		rows<{ template: string; variables: object; dedupe_key: string }>(
			"select template, variables, dedupe_key from whatsapp_notifications where client_id = $1 and cause = 'transaction'",
			[merchant.id],
		);

	test("are sent to who asked for them, in the transaction of the event, and to nobody else", async () => {
		await payPayment(database, merchant);
		expect(await updates()).toEqual([]);
		await rows(`insert into whatsapp_preferences (client_id, updates) values ($1, '["payment.paid"]')`, [merchant.id]);
		const { transaction_id } = await payPayment(database, merchant);
		expect(await updates()).toMatchObject([
			{
				template: "payment_paid",
				variables: { amount: 10_000, company: "Kaveri Books" },
				dedupe_key: `payment.paid:${transaction_id}`,
			},
		]);
		await rows("update whatsapp_preferences set opted_out_at = now() where client_id = $1", [merchant.id]);
		await payPayment(database, merchant);
		expect(await updates()).toHaveLength(1);
	});

	test("are no more than sixty an hour, and no payment fails for one that cannot be made", async () => {
		await rows(`insert into whatsapp_preferences (client_id, updates) values ($1, '["payment.paid"]')`, [merchant.id]);
		await rows(
			`insert into whatsapp_notifications (client_id, template, language, variables, recipient, cause, requested_by)
			select $1, 'payment_paid', 'en', '{}', $2, 'transaction', 'payment.paid' from generate_series(1, 60)`,
			[merchant.id, number],
		);
		await payPayment(database, merchant);
		expect(await updates()).toHaveLength(60);
		await rows("delete from whatsapp_notifications where client_id = $1", [merchant.id]);
		await rows("update whatsapp_templates set is_active = false where name = 'payment_paid'");
		const { transaction_id } = await payPayment(database, merchant);
		await rows("update whatsapp_templates set is_active = true");
		expect(await updates()).toEqual([]);
		expect(await rows("select status from transactions where id = $1", [transaction_id])).toEqual([{ status: "paid" }]);
	});
});

describe("an operator", () => {
	const studio = <Row>(text: string, values: unknown[]) =>
		database
			.pool("studio")
			.query(text, values)
			.then((result) => result.rows as Row[]);
	const resend = async (id: string, reason: string | null) =>
		(await studio<{ id: string }>("select public.resend_whatsapp($1, $2, 'anita') as id", [id, reason]))[0]!.id;

	test("sends a failed message again, once for two clicks, and one that may have arrived for a reason only", async () => {
		const failed = await send();
		await expect(resend(failed, "no wait")).rejects.toMatchObject({ code: "LS043" });
		await beginWhatsapp(jobs(), failed, "meta");
		await recordWhatsappAttempt(jobs(), failed, { ...busy, action: "stop", fault_of: "recipient" });
		const again = await resend(failed, null);
		expect(await resend(failed, null)).toBe(again);
		expect(await messageOf(again)).toMatchObject({ cause: "resend", resend_of: failed, variables: NOTICE });
		const { id } = await sent();
		await expect(resend(id, " ")).rejects.toMatchObject({ code: "LS044" });
		await resend(id, "They say nothing came.");
		expect(
			await rows(
				"select actor, after ->> 'reason' as reason from audit_log where action = 'resend_whatsapp' and row_id = $1",
				[id],
			),
		).toEqual([{ actor: "anita", reason: "They say nothing came." }]);
	});

	test("sets what a merchant wants, with before and after in the audit log", async () => {
		const set = (preferences: object, reason: string | null = null) =>
			studio<{ value: object }>("select public.set_whatsapp_preferences($1, $2, $3, 'anita') as value", [
				merchant.id,
				JSON.stringify(preferences),
				reason,
			]).then(([row]) => row!.value);
		expect(
			await set({ recipient: "+65 6123 4567", language: "hi", updates: ["refund.failed", "payment.paid"] }),
		).toMatchObject({
			recipient: "6561234567",
			profile_recipient: number,
			language: "hi",
			updates: ["payment.paid", "refund.failed"],
			low_balance: true,
			opted_out_at: null,
		});
		expect(await set({ recipient: null, updates: [], opted_out: true })).toMatchObject({
			recipient: null,
			updates: [],
		});
		await expect(set({ opted_out: false })).rejects.toMatchObject({ code: "LS044" });
		expect(await set({ opted_out: false }, "Asked for by e-mail")).toMatchObject({
			opted_out_at: null,
			language: "hi",
		});
		await expect(set({ recipient: "none" })).rejects.toMatchObject({ code: "LS172" });
		await expect(set({ language: "fr" })).rejects.toMatchObject({ code: "LS175" });
		await expect(set({ updates: ["payment.lost"] })).rejects.toMatchObject({ code: "LS175" });
		const audited = await rows<{ after: { reason: string | null } }>(
			"select after from audit_log where action = 'set_whatsapp_preferences' and row_id = $1 order by id",
			[merchant.id],
		);
		expect(audited).toHaveLength(3);
		expect(audited[2]!.after).toMatchObject({ reason: "Asked for by e-mail", after: { opted_out_at: null } });
	});

	test("reads the log page by page, by every filter, and the usage of a month", async () => {
		const made = [await send(), await send({ ...NOTICE, text: "Two." }), await send({ ...NOTICE, text: "Three." })];
		const list = (filter: object, limit = 50, before: string | null = null) =>
			studio<{ id: string }>("select id from public.list_whatsapp($1, $2, $3)", [
				JSON.stringify(filter),
				limit,
				before,
			]).then((found) => found.map(({ id }) => id));
		const newest = made.toReversed();
		const of = { client_id: merchant.id };
		expect(await list(of)).toEqual(newest);
		const [first] = await list(of, 1);
		expect(await list(of, 2, first)).toEqual(newest.slice(1));
		expect(
			await list({ recipient: `+${number}`, status: "queued", template: "account_notice", cause: "request" }),
		).toEqual(newest);
		expect(await list({ recipient: "nobody" })).toEqual([]);
		const [{ now }] = (await rows<{ now: Date }>("select clock_timestamp() as now")) as [{ now: Date }];
		expect(await list({ ...of, from: now.toISOString() })).toEqual([]);
		expect(
			await list({ ...of, from: new Date(now.getTime() - 60_000).toISOString(), until: now.toISOString() }),
		).toEqual(newest);

		const [usage] = await studio<{
			value: { days: string[]; templates: { template: string; messages: number; by_day: number[] }[] };
		}>("select public.whatsapp_usage(30) as value", []);
		expect(usage!.value.days).toHaveLength(30);
		const notice = usage!.value.templates.find(({ template }) => template === "account_notice")!;
		const [{ count }] = (await rows<{ count: string }>(
			"select count(*) from whatsapp_notifications where template = 'account_notice' and created_at > now() - interval '20 days'",
		)) as [{ count: string }];
		expect(notice.messages).toBe(Number(count));
		expect(notice.by_day.reduce((total, each) => total + each, 0)).toBe(notice.messages);
	});

	test("counts a message on its day in India, and none from before the first", async () => {
		const { id } = await createMerchant(database.pool("admin"), keys);
		// The last moment of a day, the first of the next; of the 30 days the first moment, and one before.
		await rows(
			`insert into whatsapp_notifications (client_id, template, language, variables, recipient, cause, requested_by, status, created_at)
				select $1, 'border', 'en', '{}', '919876543210', 'request', 'test', 'delivered', midnight + at::interval
				from (select (now() at time zone 'Asia/Kolkata')::date::timestamp at time zone 'Asia/Kolkata' as midnight) today,
					unnest(array['-1 day -1 microsecond', '-1 day', '-29 days', '-29 days -1 microsecond']) at`,
			[id],
		);
		const [usage] = await rows<{ value: { templates: { template: string; delivered: number; by_day: number[] }[] } }>(
			"select public.whatsapp_usage(30) as value",
		);
		const border = usage!.value.templates.find(({ template }) => template === "border")!;
		expect(border.delivered).toBe(3);
		expect(border.by_day).toEqual([1, ...Array(26).fill(0), 1, 1, 0]);
	});
});

describe("the provider's token", () => {
	test("is renewed by one worker at a time, and replaced only by who knows the one before", async () => {
		const id = randomUUID();
		const first = { id, token: "v1.one", origin: "a", generation: 0, expires_in_seconds: 60 };
		const made = await Promise.all(
			[first, { ...first, id: randomUUID() }].map((token) => saveWhatsappToken(jobs(), "gupshup", token)),
		);
		expect(made.filter(Boolean)).toHaveLength(1);
		const kept = (await readWhatsappToken(jobs(), "gupshup"))!;
		const claims = await Promise.all(Array.from({ length: 5 }, () => claimWhatsappRenewal(jobs(), "gupshup", 1)));
		expect(claims.filter(Boolean)).toHaveLength(1);
		expect(await saveWhatsappToken(jobs(), "gupshup", { ...kept, token: "v1.two", expires_in_seconds: null })).toBe(
			true,
		);
		expect(await saveWhatsappToken(jobs(), "gupshup", { ...kept, token: "v1.three" })).toBe(false);
		expect(await claimWhatsappRenewal(jobs(), "gupshup", 1)).toBe(false);
		expect(await readWhatsappToken(jobs(), "gupshup")).toMatchObject({
			token: "v1.two",
			generation: 2,
			expires_in_seconds: null,
		});
		await expect(rows("update whatsapp_provider_tokens set token = 'plain'")).rejects.toMatchObject({ code: "23514" });
	});
});
