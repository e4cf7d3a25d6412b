import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { initiateRequest, payPayment, queryAs } from "../../test/payments.ts";
import { admitRequest, findClientByKey } from "../client/clients.ts";
import {
	beginDelivery,
	continueWebhookReplay,
	type DeliveryResult,
	recordDelivery,
	recordWebhookTestAnswer,
} from "../client/deliveries.ts";
import { initiatePayments } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const checkout = () => database.pool("checkout");
const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));

const ENDPOINT = "https://kaveri.example/hook";
const kaveri = (columns: Record<string, unknown> = {}) =>
	createMerchant(database.pool("admin"), keys, { webhook_url: ENDPOINT, ...columns });

async function paidEvent(merchant: TestMerchant): Promise<string> {
	const { transaction_id } = await payPayment(database, merchant);
	return (await rows<{ id: string }>("select id from webhook_events where transaction_id = $1", [transaction_id]))[0]!
		.id;
}

const paidEvents = async (merchant: TestMerchant, count: number) => {
	const ids: string[] = [];
	for (let i = 0; i < count; i++) ids.push(await paidEvent(merchant));
	return ids;
};

const answered = (event_id: string, status_code: number, more: Partial<DeliveryResult> = {}) =>
	recordDelivery(jobs(), {
		event_id,
		url: ENDPOINT,
		status_code,
		error: null,
		duration_ms: 12,
		response_bytes: 2,
		retry_after_seconds: null,
		...more,
	});

const eventsOf = (merchant: TestMerchant) =>
	rows<{ id: string; status: string; attempts: number }>(
		"select id, status, attempts from webhook_events where client_id = $1 order by id",
		[merchant.id],
	);

const dueJobs = (event_id: string) =>
	rows<{ is_due: boolean; priority: number }>(
		"select run_at <= now() as is_due, priority from graphile_worker.jobs where key = $1",
		[`deliver_webhook:${event_id}`],
	);

/** What a lane of workers is told to look for, while something is done. */
async function lanesToldWhile(act: () => Promise<unknown>): Promise<(string | undefined)[]> {
	const listener = await database.connection("jobs");
	const told: (string | undefined)[] = [];
	listener.on("notification", ({ payload }) => told.push(payload));
	await listener.query("listen job_lane");
	await act();
	// The answer comes behind what was announced before it.
	await listener.query("select");
	return told;
}

const auditOf = (row_id: string, action: string) =>
	rows<{ actor: string; after: Record<string, unknown> }>(
		"select actor, after from audit_log where row_id = $1 and action = $2",
		[row_id, action],
	);

const replayOne = (event_id: string, reason: string | null = "the shop lost it") =>
	asStudio("select public.replay_webhook_event($1, $2, 'operator-1')", [event_id, reason]);

async function startReplay(
	merchant: TestMerchant,
	which: "all" | "failed",
	from: Date | null = null,
	to: Date | null = null,
): Promise<string> {
	const [row] = await asStudio<{ id: string }>(
		"select public.start_webhook_replay($1, $2, $3, $4, 'outage', 'operator-1') as id",
		[merchant.id, which, from, to],
	);
	return row!.id;
}

const replayOf = async (id: string) =>
	(
		await rows<Record<string, unknown>>(
			"select status, matched, replayed, delivered, note from webhook_replays where id = $1",
			[id],
		)
	)[0];

const switchOff = (merchant: TestMerchant) =>
	asStudio("select public.disable_webhook_endpoint($1, 'asked for', 'operator-1')", [merchant.id]);

async function giveUp(merchant: TestMerchant): Promise<void> {
	await rows("update webhook_events set status = 'dead', attempts = 10, next_retry_at = null where client_id = $1", [
		merchant.id,
	]);
}

describe("an overlap of credentials", () => {
	const regenerate = async (merchant: TestMerchant, hours: number | null, reason: string | null = "routine") => {
		const client_key = `lsp_${randomUUID().replaceAll("-", "")}`;
		const [row] = await asStudio<{ until: Date | null }>(
			"select public.regenerate_client_credentials($1, $2, $3, null, $4, $5, 'operator-1') as until",
			[merchant.id, client_key, `v1.${client_key}`, hours, reason],
		);
		return { ...merchant, client_key, until: row!.until };
	};
	const codeOf = async (merchant: TestMerchant) => {
		const [result] = await initiatePayments(checkout(), [initiateRequest(merchant)]);
		const read = await admitRequest(checkout(), merchant.id, merchant.client_key).then(
			() => "ok",
			(error) => error.code,
		);
		return [result!.ok ? "ok" : result!.error.code, read];
	};
	const VALID = ["ok", "ok"];
	const DEAD = ["invalid_credentials", "invalid_credentials"];

	test("of no hours ends the old pair at once", async () => {
		const old = await kaveri();
		const fresh = await regenerate(old, 0);
		expect(fresh.until).toBeNull();
		expect([await codeOf(old), await codeOf(fresh)]).toEqual([DEAD, VALID]);
		expect(await findClientByKey(checkout(), old.client_key)).toBeNull();
	});

	test("keeps both pairs valid, each with its own salt, and then the new one only", async () => {
		const old = await kaveri();
		const [{ client_salt }] = (await rows<{ client_salt: string }>("select client_salt from clients where id = $1", [
			old.id,
		])) as [{ client_salt: string }];
		const fresh = await regenerate(old, 24);
		expect([await codeOf(old), await codeOf(fresh)]).toEqual([VALID, VALID]);
		const before = (await findClientByKey(checkout(), old.client_key))!;
		expect(before).toMatchObject({ id: old.id, client_key: old.client_key, client_salt });
		expect(before.valid_seconds).toBeGreaterThan(24 * 3600 - 60);
		expect(await findClientByKey(checkout(), fresh.client_key)).toMatchObject({
			client_salt: `v1.${fresh.client_key}`,
			valid_seconds: null,
		});
		await rows("update clients set previous_credentials_until = clock_timestamp() where id = $1", [old.id]);
		expect([await codeOf(old), await codeOf(fresh)]).toEqual([DEAD, VALID]);
		expect(await findClientByKey(checkout(), old.client_key)).toBeNull();
	});

	test("has room for one old pair: another regeneration ends the one before", async () => {
		const first = await kaveri();
		const second = await regenerate(first, 24);
		const third = await regenerate(second, 24);
		expect([await codeOf(first), await codeOf(second), await codeOf(third)]).toEqual([DEAD, VALID, VALID]);
		const fourth = await regenerate(third, 0);
		expect([await codeOf(second), await codeOf(third), await codeOf(fourth)]).toEqual([DEAD, DEAD, VALID]);
	});

	test("can be ended before its time, and says so in the audit log without a secret", async () => {
		const old = await kaveri();
		const fresh = await regenerate(old, 168);
		await asStudio("select public.end_credential_overlap($1, 'changed over', 'operator-1')", [old.id]);
		expect([await codeOf(old), await codeOf(fresh)]).toEqual([DEAD, VALID]);
		expect(await auditOf(old.id, "end_credential_overlap")).toEqual([
			{ actor: "operator-1", after: { client_key: old.client_key, reason: "changed over" } },
		]);
		expect(await auditOf(old.id, "regenerate_credentials")).toMatchObject([
			{ actor: "operator-1", after: { overlap_hours: 168, reason: "routine", webhook_secret: "kept" } },
		]);
		const log = await rows<{ text: string }>(
			"select coalesce(before::text, '') || coalesce(after::text, '') as text from audit_log where row_id = $1",
			[old.id],
		);
		expect(log.map(({ text }) => text).join()).not.toMatch(/v1\./);
	});

	test.each([
		[-1, "routine", "LS140"],
		[169, "routine", "LS140"],
		[null, "routine", "LS140"],
		[24, "", "LS044"],
		[24, null, "LS044"],
	])("of %s hours because of %j is refused with %s", async (hours, reason, code) => {
		const merchant = await kaveri();
		await expect(regenerate(merchant, hours, reason)).rejects.toMatchObject({ code });
		expect(await codeOf(merchant)).toEqual(VALID);
	});

	test("lets a replaced webhook secret sign as long as the old pair is valid, and at least for a day", async () => {
		const merchant = await kaveri();
		const hours = async (overlap: number) => {
			await asStudio(
				"select public.regenerate_client_credentials($1, $2, 'v1.s', 'v1.w', $3, 'routine', 'operator-1')",
				[merchant.id, `lsp_${randomUUID().replaceAll("-", "")}`, overlap],
			);
			const [row] = await rows<{ hours: number }>(
				"select round(extract(epoch from previous_webhook_secret_until - now()) / 3600)::int as hours from clients where id = $1",
				[merchant.id],
			);
			return row!.hours;
		};
		expect([await hours(0), await hours(72)]).toEqual([24, 72]);
	});
});

test("deliveries that an operator waits for are begun at once", async () => {
	const merchant = await kaveri();
	const event_id = await paidEvent(merchant);
	await answered(event_id, 204);
	expect(await lanesToldWhile(() => replayOne(event_id))).toEqual(["deliveries"]);
	const requestTest = () => asStudio("select public.request_webhook_test($1, 'operator-1')", [merchant.id]);
	expect(await lanesToldWhile(requestTest)).toEqual(["deliveries"]);
});

describe("the replay of one event", () => {
	test("delivers it again under its id, with its bytes, and keeps the tries made", async () => {
		const event_id = await paidEvent(await kaveri());
		const first = await beginDelivery(jobs(), event_id);
		await answered(event_id, 200);
		await replayOne(event_id);
		expect(await dueJobs(event_id)).toEqual([{ is_due: true, priority: 0 }]);
		expect(await beginDelivery(jobs(), event_id)).toEqual({ ...first, attempt: 2 });
		expect(await answered(event_id, 204)).toBe("delivered");
		expect(
			await rows("select attempt_no, status_code from webhook_deliveries where event_id = $1 order by 1", [event_id]),
		).toEqual([
			{ attempt_no: 1, status_code: 200 },
			{ attempt_no: 2, status_code: 204 },
		]);
		expect(await auditOf(event_id, "replay_webhook")).toEqual([
			{
				actor: "operator-1",
				after: { type: "payment.paid", status_before: "delivered", tries_before: 1, reason: "the shop lost it" },
			},
		]);
	});

	test("of one that was given up starts the schedule of tries anew", async () => {
		const event_id = await paidEvent(await kaveri());
		for (let i = 0; i < 10; i++) await answered(event_id, 503);
		expect(await rows("select status, is_failed from webhook_events where id = $1", [event_id])).toEqual([
			{ status: "dead", is_failed: true },
		]);
		await replayOne(event_id);
		expect(await answered(event_id, 503)).toBe("pending");
		const [next] = await rows<{ seconds: number }>(
			"select extract(epoch from next_retry_at - now())::float as seconds from webhook_events where id = $1",
			[event_id],
		);
		expect(next!.seconds).toBeLessThan(7);
		for (let i = 0; i < 8; i++) expect(await answered(event_id, 503)).toBe("pending");
		expect(await answered(event_id, 503)).toBe("dead");
		expect(await rows("select count(*)::int from webhook_deliveries where event_id = $1", [event_id])).toEqual([
			{ count: 20 },
		]);
	});

	test("of one that waits for its next try makes that try now", async () => {
		const event_id = await paidEvent(await kaveri());
		await answered(event_id, 500, { retry_after_seconds: 3600 });
		expect(await dueJobs(event_id)).toMatchObject([{ is_due: false }]);
		await replayOne(event_id);
		expect(await dueJobs(event_id)).toMatchObject([{ is_due: true }]);
	});

	test("is refused without a reason, for an unknown event and while the endpoint is off", async () => {
		const merchant = await kaveri();
		const event_id = await paidEvent(merchant);
		await answered(event_id, 200);
		await expect(replayOne(event_id, "")).rejects.toMatchObject({ code: "LS044" });
		await expect(replayOne(randomUUID())).rejects.toMatchObject({ code: "LS142" });
		await switchOff(merchant);
		await expect(replayOne(event_id)).rejects.toMatchObject({ code: "LS141" });
		await asStudio("select public.enable_webhook_endpoint($1, false, 'repaired', 'operator-1')", [merchant.id]);
		expect(await auditOf(merchant.id, "enable_webhook_endpoint")).toHaveLength(1);
		await replayOne(event_id);
		await rows("update clients set webhook_url = null where id = $1", [merchant.id]);
		await expect(replayOne(event_id)).rejects.toMatchObject({ code: "LS141" });
	});
});

describe("the replay of many events", () => {
	/** Answers whatever is due as the endpoint would; the ids of what was sent. */
	async function answerAll(merchant: TestMerchant, status_code: number): Promise<string[]> {
		const due = (await eventsOf(merchant)).filter(({ status }) => status === "pending");
		for (const { id } of due) await answered(id, status_code);
		return due.map(({ id }) => id);
	}

	test("takes the failed ones in batches of 50, the next when the one before was tried", async () => {
		const merchant = await kaveri();
		const [template] = await paidEvents(merchant, 1);
		await answered(template!, 200);
		await rows(
			`insert into webhook_events (client_id, transaction_id, type, payload, status, attempts)
				select client_id, transaction_id, type, payload, 'dead', 10 from webhook_events, generate_series(1, 60) where id = $1`,
			[template],
		);
		const id = await startReplay(merchant, "failed");
		await expect(startReplay(merchant, "failed")).rejects.toMatchObject({ code: "LS144" });
		expect(await continueWebhookReplay(jobs(), id)).toBe("running");
		expect(await continueWebhookReplay(jobs(), id)).toBe("running");
		expect(await replayOf(id)).toMatchObject({ matched: 60, replayed: 50, delivered: 0 });
		const first = await answerAll(merchant, 200);
		expect(first).toHaveLength(50);
		expect((await dueJobs(first[0]!))[0]!.priority).toBeGreaterThan(0);
		expect(await continueWebhookReplay(jobs(), id)).toBe("running");
		expect(await answerAll(merchant, 200)).toHaveLength(10);
		expect(await continueWebhookReplay(jobs(), id)).toBe("done");
		expect(await replayOf(id)).toEqual({ status: "done", matched: 60, replayed: 60, delivered: 60, note: null });
		expect(
			await rows("select key from graphile_worker.jobs where key = $1 and run_at < 'infinity'", [
				`replay_webhooks:${id}`,
			]),
		).toHaveLength(1);
		expect(await auditOf(id, "start_webhook_replay")).toMatchObject([
			{ actor: "operator-1", after: { which: "failed", events: 60, reason: "outage" } },
		]);
		expect(await auditOf(template!, "replay_webhook")).toEqual([]);
	});

	test("of a range takes what came up in it, whatever became of it, but not what is on its first way", async () => {
		const merchant = await kaveri();
		const [early, delivered, dead, fresh, late] = await paidEvents(merchant, 5);
		for (const id of [early, delivered, late]) await answered(id!, 200);
		await rows("update webhook_events set status = 'dead', attempts = 10 where id = $1", [dead]);
		const [{ at }] = (await rows<{ at: Date[] }>(
			"select array_agg(uuid_extract_timestamp(id) order by id) as at from webhook_events where client_id = $1",
			[merchant.id],
		)) as [{ at: Date[] }];
		const [count] = await asStudio<{ count: number }>(
			"select public.count_webhook_replay($1, 'all', $2, $3) as count",
			[merchant.id, at[1], at[4]],
		);
		expect(count).toEqual({ count: 2 });
		const id = await startReplay(merchant, "all", at[1], at[4]);
		await continueWebhookReplay(jobs(), id);
		expect(
			await rows("select id from webhook_events where client_id = $1 and attempts_before > 0 order by id", [
				merchant.id,
			]),
		).toEqual([{ id: delivered }, { id: dead }]);
		expect((await eventsOf(merchant)).find((event) => event.id === fresh)).toMatchObject({ attempts: 0 });
	});

	test("stops when the endpoint takes none of a batch, and leaves those to their own schedule", async () => {
		const merchant = await kaveri();
		await paidEvents(merchant, 2);
		await giveUp(merchant);
		const id = await startReplay(merchant, "failed");
		await continueWebhookReplay(jobs(), id);
		await answerAll(merchant, 503);
		expect(await continueWebhookReplay(jobs(), id)).toBe("stopped");
		expect(await replayOf(id)).toMatchObject({
			status: "stopped",
			note: expect.stringContaining("took none of the last 2"),
		});
		expect((await eventsOf(merchant)).map(({ status }) => status)).toEqual(["pending", "pending"]);
	});

	test("stops when the endpoint was disabled meanwhile", async () => {
		const merchant = await kaveri();
		await paidEvents(merchant, 1);
		await giveUp(merchant);
		const id = await startReplay(merchant, "failed");
		await switchOff(merchant);
		expect(await continueWebhookReplay(jobs(), id)).toBe("stopped");
		expect(await replayOf(id)).toMatchObject({ note: "The endpoint was disabled.", replayed: 0 });
		await expect(startReplay(merchant, "failed")).rejects.toMatchObject({ code: "LS141" });
	});

	test("can be stopped by a person, who is written down", async () => {
		const merchant = await kaveri();
		await paidEvents(merchant, 1);
		await giveUp(merchant);
		const id = await startReplay(merchant, "failed");
		await asStudio("select public.stop_webhook_replay($1, 'wrong merchant', 'operator-2')", [id]);
		expect(await continueWebhookReplay(jobs(), id)).toBe("stopped");
		expect((await eventsOf(merchant)).map(({ status }) => status)).toEqual(["dead"]);
		expect(await auditOf(id, "stop_webhook_replay")).toEqual([
			{ actor: "operator-2", after: { reason: "wrong merchant" } },
		]);
	});

	test("of nothing, and of more than 50,000 events, is refused", async () => {
		const merchant = await kaveri();
		await expect(startReplay(merchant, "failed")).rejects.toMatchObject({ code: "LS146" });
		const [template] = await paidEvents(merchant, 1);
		await rows(
			`insert into webhook_events (client_id, transaction_id, type, payload, status)
				select client_id, transaction_id, type, '{}', 'dead' from webhook_events, generate_series(1, 50001) where id = $1`,
			[template],
		);
		await expect(startReplay(merchant, "failed")).rejects.toMatchObject({ code: "LS145" });
	});
});

describe("a test event", () => {
	const requestTest = async (merchant: TestMerchant) =>
		(await asStudio<{ id: string }>("select public.request_webhook_test($1, 'operator-1') as id", [merchant.id]))[0]!
			.id;
	const readTest = async (merchant: TestMerchant) =>
		(
			await asStudio<{ test: Record<string, unknown> }>("select public.read_webhook_test($1) as test", [merchant.id])
		)[0]!.test;

	test("is sent once, before others, and its answer is kept until the next test", async () => {
		const merchant = await kaveri();
		const event_id = await requestTest(merchant);
		expect(await dueJobs(event_id)).toEqual([{ is_due: true, priority: -10 }]);
		const sent = (await beginDelivery(jobs(), event_id))!;
		expect(JSON.parse(sent.body)).toMatchObject({ id: event_id, type: "webhook.test" });
		await recordWebhookTestAnswer(jobs(), event_id, "text/plain", "out of order");
		expect(await answered(event_id, 500)).toBe("dead");
		expect(await beginDelivery(jobs(), event_id)).toBeNull();
		expect(await readTest(merchant)).toMatchObject({
			event_id,
			status: "dead",
			status_code: 500,
			duration_ms: 12,
			response_bytes: 2,
			content_type: "text/plain",
			answer: "out of order",
		});
		expect(await rows("select from alerts where client_id = $1", [merchant.id])).toEqual([]);
		expect(await auditOf(merchant.id, "test_webhook")).toMatchObject([
			{ actor: "operator-1", after: { event_id, url: ENDPOINT } },
		]);
		await requestTest(merchant);
		expect(await rows("select answer from webhook_tests where event_id = $1", [event_id])).toEqual([{ answer: null }]);
		expect(await readTest(merchant)).toMatchObject({ status: "pending", status_code: null, answer: null });
	});

	test("neither disables an endpoint that answers 410 nor minds one that is disabled", async () => {
		const merchant = await kaveri();
		await answered(await requestTest(merchant), 410);
		const disabled = () =>
			rows("select disabled_at is not null as is_off from webhook_endpoints where id = $1", [merchant.id]);
		expect(await disabled()).toEqual([{ is_off: false }]);
		await switchOff(merchant);
		expect(await beginDelivery(jobs(), await requestTest(merchant))).toMatchObject({ type: "webhook.test" });
	});

	test("is no failed event and is never replayed", async () => {
		const merchant = await kaveri();
		const event_id = await requestTest(merchant);
		await answered(event_id, 500);
		expect(await rows("select is_failed from webhook_events where id = $1", [event_id])).toEqual([
			{ is_failed: false },
		]);
		await expect(replayOne(event_id)).rejects.toMatchObject({ code: "LS142" });
		await expect(startReplay(merchant, "all")).rejects.toMatchObject({ code: "LS146" });
	});

	test("is refused without an address and after ten in a minute", async () => {
		await expect(requestTest(await kaveri({ webhook_url: null }))).rejects.toMatchObject({ code: "LS141" });
		const merchant = await kaveri();
		for (let i = 0; i < 10; i++) await requestTest(merchant);
		await expect(requestTest(merchant)).rejects.toMatchObject({ code: "LS143" });
	});
});

describe("the delivery log", () => {
	const log = async (
		merchant: TestMerchant,
		which = "all",
		order_id: string | null = null,
		before: string | null = null,
		limit = 2,
	) =>
		(
			await asStudio<{ log: Record<string, unknown>[] }>(
				"select public.read_webhook_log($1, null, $2, $3, $4, $5) as log",
				[merchant.id, which, order_id, before, limit],
			)
		)[0]!.log;

	test("shows events newest first with their newest try, page by page, all, the failed ones, or an order's", async () => {
		const merchant = await kaveri();
		const [first, second, third] = (await paidEvents(merchant, 3)) as [string, string, string];
		await paidEvent(await kaveri());
		await answered(first, 500);
		await answered(first, 200, { response_bytes: 17 });
		await rows("update webhook_events set status = 'dead' where id = $1", [second]);
		const page = await log(merchant);
		expect(page.map(({ id }) => id)).toEqual([third, second]);
		const [oldest] = await log(merchant, "all", null, second);
		expect(oldest).toMatchObject({ id: first, tries: 2, status: "delivered", status_code: 200, response_bytes: 17 });
		expect((await log(merchant, "failed")).map(({ id }) => id)).toEqual([second]);
		expect((await log(merchant, "all", oldest!.order_id as string)).map(({ id }) => id)).toEqual([first]);
		const [event] = await asStudio<{ event: Record<string, unknown> }>(
			"select public.read_webhook_event($1) as event",
			[first],
		);
		expect(event!.event).toMatchObject({
			client_id: merchant.id,
			tries: [
				{ attempt_no: 1, status_code: 500 },
				{ attempt_no: 2, status_code: 200 },
			],
		});
	});
});
