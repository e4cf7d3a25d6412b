import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, payPayment, queryAs, startPayment } from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import {
	beginDeliveries,
	beginDelivery,
	continueWebhookReplay,
	type DeliveryResult,
	recordDeliveries,
	recordDelivery,
} from "../client/deliveries.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const URL_OF_MERCHANT = "https://kaveri.example/hook";

const rows = queryAs(() => database.pool("admin"));

async function eventOf(merchant: TestMerchant): Promise<string> {
	const { transaction_id } = await payPayment(database, merchant);
	const [event] = await rows<{ id: string }>("select id from webhook_events where transaction_id = $1", [
		transaction_id,
	]);
	return event!.id;
}

const kaveri = () => createMerchant(database.pool("admin"), keys, { webhook_url: URL_OF_MERCHANT });

const tried = (event_id: string, status_code: number | null, more: Partial<DeliveryResult> = {}): DeliveryResult => ({
	event_id,
	url: URL_OF_MERCHANT,
	status_code,
	error: status_code === null ? "connection refused" : null,
	duration_ms: 12.4,
	response_bytes: 2,
	retry_after_seconds: null,
	...more,
});

const answered = (...of: Parameters<typeof tried>) => recordDelivery(jobs(), tried(...of));

const secondsToNextTry = async (event_id: string) =>
	(
		await rows<{ seconds: number }>(
			// From the try before, if there was one: how long ago that was is nobody's business.
			`select extract(epoch from run_at - coalesce((select max(created_at) from webhook_deliveries where event_id = $1), now()))::float
				as seconds from graphile_worker.jobs where key = 'deliver_webhook:' || $1`,
			[event_id],
		)
	)[0]?.seconds;

test("every try of an event sends the same bytes", async () => {
	const event_id = await eventOf(await kaveri());
	const first = await beginDelivery(jobs(), event_id);
	await answered(event_id, 500);
	const second = await beginDelivery(jobs(), event_id);
	expect(second).toEqual({ ...first, attempt: 2, is_troubled: true });
	expect(JSON.parse(first!.body)).toMatchObject({ id: event_id, type: "payment.paid", data: { status: "paid" } });
});

test("2xx delivers; nothing is sent afterwards", async () => {
	const event_id = await eventOf(await kaveri());
	expect(await answered(event_id, 204)).toBe("delivered");
	expect(await beginDelivery(jobs(), event_id)).toBeNull();
	expect(
		await rows(
			"select status, attempts, delivered_at is not null as timed, last_error from webhook_events where id = $1",
			[event_id],
		),
	).toEqual([{ status: "delivered", attempts: 1, timed: true, last_error: null }]);
	expect(
		await rows(
			"select attempt_no, status_code, duration_ms, response_bytes from webhook_deliveries where event_id = $1",
			[event_id],
		),
	).toEqual([{ attempt_no: 1, status_code: 204, duration_ms: 12, response_bytes: 2 }]);
});

test("anything else is tried again over about 75 hours with jitter, then the event is dead and alerts", async () => {
	const merchant = await kaveri();
	const event_id = await eventOf(merchant);
	const schedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
	let total = 0;
	for (const [index, delay] of schedule.entries()) {
		expect(await answered(event_id, index % 2 === 0 ? 503 : null)).toBe("pending");
		const wait = (await secondsToNextTry(event_id))!;
		expect(wait).toBeGreaterThan(delay - 2);
		expect(wait).toBeLessThan(delay * 1.1 + 1);
		total += delay;
	}
	expect(total / 3600).toBeCloseTo(75.6, 1);
	expect(await answered(event_id, 302)).toBe("dead");
	expect(
		await rows("select status, attempts, last_error, next_retry_at from webhook_events where id = $1", [event_id]),
	).toEqual([{ status: "dead", attempts: 10, last_error: "HTTP 302", next_retry_at: null }]);
	expect(await rows("select kind from alerts where client_id = $1", [merchant.id])).toEqual([{ kind: "webhook_dead" }]);
});

test("Retry-After postpones the next try, by a day at most, and never brings it nearer", async () => {
	const merchant = await kaveri();
	const [patient, endless, hasty] = [await eventOf(merchant), await eventOf(merchant), await eventOf(merchant)];
	await answered(patient, 429, { retry_after_seconds: 3_600 });
	expect(await secondsToNextTry(patient)).toBeGreaterThan(3_590);
	await answered(endless, 503, { retry_after_seconds: 1_000_000 });
	expect(await secondsToNextTry(endless)).toBeLessThanOrEqual(86_401);
	await answered(hasty, 503, { retry_after_seconds: 0 });
	expect(await secondsToNextTry(hasty)).toBeGreaterThan(3);
});

test("410 disables the endpoint until its address is changed", async () => {
	const merchant = await kaveri();
	const [gone, waiting] = [await eventOf(merchant), await eventOf(merchant)];
	expect(await answered(gone, 410)).toBe("disabled");
	expect(await beginDelivery(jobs(), waiting)).toBeNull();
	const later = await eventOf(merchant);
	expect(await rows("select distinct status from webhook_events where id = any($1)", [[gone, waiting, later]])).toEqual(
		[{ status: "disabled" }],
	);
	await rows("update clients set webhook_url = 'https://kaveri.example/new' where id = $1", [merchant.id]);
	const revived = await eventOf(merchant);
	expect(await beginDelivery(jobs(), revived)).toMatchObject({ url: "https://kaveri.example/new" });
});

test("410 to a try of before says nothing of an endpoint that was enabled, or given another address, meanwhile", async () => {
	const merchant = await kaveri();
	const [first, second, third] = [await eventOf(merchant), await eventOf(merchant), await eventOf(merchant)];
	await answered(first, 410);
	await database
		.pool("studio")
		.query("select public.enable_webhook_endpoint($1, false, 'repaired', 'operator-1')", [merchant.id]);
	const isDisabled = async () =>
		(
			await rows<{ is_disabled: boolean }>(
				"select disabled_at is not null as is_disabled from webhook_endpoints where id = $1",
				[merchant.id],
			)
		)[0]!.is_disabled;
	await rows("update webhook_events set status = 'pending' where id = any ($1)", [[second, third]]);
	expect(await answered(second, 410)).toBe("pending");
	expect(await secondsToNextTry(second)).toBeGreaterThan(4);
	expect(await isDisabled()).toBe(false);
	await database
		.pool("studio")
		.query("select public.change_webhook_endpoint($1, $2, '[\"*\"]', null, 'moved', 'operator-1')", [
			merchant.id,
			"https://kaveri.example/moved",
		]);
	expect(await answered(third, 410)).toBe("pending");
	expect(await isDisabled()).toBe(false);
	// The next try is made after it.
	await rows("update webhook_endpoints set enabled_at = now() - interval '6 seconds' where id = $1", [merchant.id]);
	expect(await answered(third, 410)).toBe("disabled");
	expect(await isDisabled()).toBe(true);
});

test("a replaced webhook secret goes on signing for 24 hours", async () => {
	const merchant = await kaveri();
	const event_id = await eventOf(merchant);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({ previous_secret: null });
	const [before] = await rows<{ webhook_secret: string }>("select webhook_secret from clients where id = $1", [
		merchant.id,
	]);
	await database
		.pool("studio")
		.query(
			"select public.regenerate_client_credentials($1, $2, 'v1.new_salt', 'v1.new_secret', 0, 'leaked', 'operator-1')",
			[merchant.id, `lsp_${randomUUID().replaceAll("-", "")}`],
		);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({
		secret: "v1.new_secret",
		previous_secret: before!.webhook_secret,
	});
	await rows("update clients set previous_webhook_secret_until = now() where id = $1", [merchant.id]);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({ previous_secret: null });
});

describe("several endpoints", () => {
	const asStudio = queryAs(() => database.pool("studio"));
	const OTHER = "https://ledger.example/hook";

	/** The id of the endpoint. */
	async function add(merchant: TestMerchant, event_types: string[], url = OTHER): Promise<string> {
		const id = randomUUID();
		await asStudio("select public.add_webhook_endpoint($1, $2, $3, $4, 'ledger', 'v1.other', 'operator-1')", [
			merchant.id,
			id,
			url,
			JSON.stringify(event_types),
		]);
		return id;
	}

	const eventsOf = (merchant: TestMerchant) =>
		rows<{ id: string; endpoint_id: string | null; message_id: string | null; type: string; status: string }>(
			"select id, endpoint_id, message_id, type, status from webhook_events where client_id = $1 order by id",
			[merchant.id],
		);

	const endpointOf = async (id: string) =>
		(
			await rows<{ failures: number; is_resting: boolean; rest: number; disabled_because: string | null }>(
				`select failures, resting_until is not null as is_resting, disabled_because,
					coalesce(extract(epoch from resting_until - now()), 0)::float as rest
				from webhook_endpoints where id = $1`,
				[id],
			)
		)[0]!;

	const release = async () =>
		(await jobs().query<{ released: number }>("select public.release_webhooks() as released")).rows[0]!.released;

	const restIsOver = (id: string) =>
		rows("update webhook_endpoints set resting_until = now() - interval '1 second' where id = $1", [id]);

	test("get an event each where they want it, under one id and with their own secrets", async () => {
		const merchant = await kaveri();
		const [all, family, refunds] = [
			await add(merchant, ["*"]),
			await add(merchant, ["payment.*", "dispute.opened"], "https://family.example/hook"),
			await add(merchant, ["refund.succeeded"], "https://refunds.example/hook"),
		];
		await eventOf(merchant);
		const events = await eventsOf(merchant);
		expect(events.map(({ endpoint_id }) => endpoint_id).sort()).toEqual([all, family, null].sort());
		const sent = await Promise.all(events.map(({ id }) => beginDelivery(jobs(), id)));
		expect(new Set(sent.map((each) => each!.message_id))).toEqual(
			new Set([events.find(({ endpoint_id }) => endpoint_id === null)!.id]),
		);
		for (const each of sent) expect(JSON.parse(each!.body).id).toBe(each!.message_id);
		expect(sent.find((each) => each!.endpoint_id === all)).toMatchObject({ url: OTHER, secret: "v1.other" });
		expect(await rows("select from webhook_events where endpoint_id = $1", [refunds])).toEqual([]);
	});

	test("that want none of a kind leave it kept, not failed, and one that is not delivered does not hold up another", async () => {
		const merchant = await kaveri();
		await asStudio(
			"select public.change_webhook_endpoint($1, $2, '[\"refund.*\"]', null, 'refunds only', 'operator-1')",
			[merchant.id, URL_OF_MERCHANT],
		);
		const event_id = await eventOf(merchant);
		expect(await rows("select status, is_failed from webhook_events where id = $1", [event_id])).toEqual([
			{ status: "unwanted", is_failed: false },
		]);
		expect(await secondsToNextTry(event_id)).toBeUndefined();
	});

	test("are disabled one by one, and the others are told", async () => {
		const merchant = await kaveri();
		const other = await add(merchant, ["*"]);
		await eventOf(merchant);
		const [first, second] = await eventsOf(merchant);
		const gone = first!.endpoint_id === other ? first! : second!;
		expect(await answered(gone.id, 410)).toBe("disabled");
		expect(await endpointOf(other)).toMatchObject({ disabled_because: "gone" });
		expect((await eventsOf(merchant)).at(-1)).toMatchObject({
			endpoint_id: null,
			type: "endpoint.disabled",
			status: "pending",
		});
		expect(await rows("select kind, dedupe_key from alerts where client_id = $1", [merchant.id])).toEqual([
			{ kind: "webhook_endpoint_disabled", dedupe_key: `webhook_endpoint_disabled:${other}` },
		]);
		await eventOf(merchant);
		const latest = (await eventsOf(merchant)).slice(-2);
		expect(latest.map(({ endpoint_id, status }) => [endpoint_id === other, status]).sort()).toEqual([
			[false, "pending"],
			[true, "disabled"],
		]);

		const [enabled] = await asStudio<{ replay_id: string }>(
			"select public.enable_webhook_endpoint($1, true, 'repaired', 'operator-1') as replay_id",
			[other],
		);
		await continueWebhookReplay(jobs(), enabled!.replay_id);
		expect(
			await rows("select distinct status from webhook_events where endpoint_id = $1 and type = 'payment.paid'", [
				other,
			]),
		).toEqual([{ status: "pending" }]);
		expect(await rows("select status from alerts where client_id = $1", [merchant.id])).toEqual([
			{ status: "resolved" },
		]);
	});

	test("disabled and enabled again before a replay has gone on get what was kept meanwhile, too", async () => {
		const merchant = await kaveri();
		const replays: (string | null)[] = [];
		for (let disabled = 0; disabled < 2; disabled++) {
			await asStudio("select public.disable_webhook_endpoint($1, 'under repair', 'operator-1')", [merchant.id]);
			await eventOf(merchant);
			const [enabled] = await asStudio<{ replay_id: string | null }>(
				"select public.enable_webhook_endpoint($1, true, 'repaired', 'operator-1') as replay_id",
				[merchant.id],
			);
			replays.push(enabled!.replay_id);
		}
		expect(await continueWebhookReplay(jobs(), replays[0]!)).toBe("stopped");
		await continueWebhookReplay(jobs(), replays[1]!);
		expect(await eventsOf(merchant)).toMatchObject([{ status: "pending" }, { status: "pending" }]);
	});

	describe("enabled at the moment when an event is kept for them", () => {
		const DISABLE = "select public.disable_webhook_endpoint($1, 'under repair', 'operator-1')";
		const ENABLE = "select public.enable_webhook_endpoint($1, true, 'repaired', 'operator-1') as replay_id";
		const waiting = () =>
			rows("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
		const statusesOf = (ids: string[]) => rows("select distinct status from webhook_events where id = any ($1)", [ids]);

		test("get it: whoever keeps it waits, and sees that it is to be sent", async () => {
			const merchant = await kaveri();
			const [due, parked] = [await eventOf(merchant), await eventOf(merchant)];
			await rows("select public.park_delivery($1)", [parked]);
			const unpaid = await startPayment(database, merchant);
			await asStudio(DISABLE, [merchant.id]);

			const operator = await database.connection("studio");
			await operator.query("begin");
			await operator.query(ENABLE, [merchant.id]);
			const keeping = Promise.all([
				beginDelivery(jobs(), due),
				release(),
				settleAttempt(jobs(), unpaid.attempt_id, attemptState("succeeded")),
			]);
			await expect.poll(waiting).toHaveLength(3);
			await operator.query("commit");
			await keeping;
			const ids = (await eventsOf(merchant)).map(({ id }) => id);
			expect(ids).toHaveLength(3);
			expect(await statusesOf(ids)).toEqual([{ status: "pending" }]);
			expect(await Promise.all(ids.map(secondsToNextTry))).not.toContain(undefined);
		});

		test("get it: the answer 410 to a try of before waits, and the event is tried again", async () => {
			const merchant = await kaveri();
			const sent = await eventOf(merchant);
			await asStudio(DISABLE, [merchant.id]);

			const operator = await database.connection("studio");
			await operator.query("begin");
			await operator.query(ENABLE, [merchant.id]);
			const recording = answered(sent, 410);
			await expect.poll(waiting).toHaveLength(1);
			await operator.query("commit");
			expect(await recording).toBe("pending");
			expect(await secondsToNextTry(sent)).toBeGreaterThan(4);
		});

		test("get it: they are enabled when it is kept, and it is replayed", async () => {
			const merchant = await kaveri();
			const unpaid = await startPayment(database, merchant);
			await asStudio(DISABLE, [merchant.id]);

			const worker = await database.connection("jobs");
			await worker.query("begin");
			await settleAttempt(worker, unpaid.attempt_id, attemptState("succeeded"));
			const enabling = asStudio<{ replay_id: string | null }>(ENABLE, [merchant.id]);
			await expect.poll(waiting).toHaveLength(1);
			await worker.query("commit");
			const [{ replay_id } = { replay_id: null }] = await enabling;
			await continueWebhookReplay(jobs(), replay_id!);
			expect(await eventsOf(merchant)).toMatchObject([{ status: "pending" }]);
		});
	});

	test("are ten at most, at https addresses, and want what can be", async () => {
		const merchant = await kaveri();
		await expect(add(merchant, ["*"], "http://ledger.example/hook")).rejects.toMatchObject({
			code: "LS149",
			detail: "url",
		});
		for (const filter of [[], ["payment"], ["*.paid"], ["payment.paid; drop"]]) {
			await expect(add(merchant, filter)).rejects.toMatchObject({ code: "LS149", detail: "event_types" });
		}
		for (let i = 0; i < 9; i++) await add(merchant, ["*"]);
		await expect(add(merchant, ["*"])).rejects.toMatchObject({ code: "LS156" });
	});

	test("have secrets that are replaced one by one, the one before signing as long as was chosen", async () => {
		const merchant = await kaveri();
		const other = await add(merchant, ["*"]);
		await eventOf(merchant);
		const { id } = (await eventsOf(merchant)).find(({ endpoint_id }) => endpoint_id === other)!;
		const rotate = (hours: number, secret: string) =>
			asStudio("select public.rotate_webhook_secret($1, $2, $3, 'leaked', 'operator-1')", [other, secret, hours]);
		await rotate(72, "v1.third");
		expect(await beginDelivery(jobs(), id)).toMatchObject({ secret: "v1.third", previous_secret: "v1.other" });
		await rotate(0, "v1.fourth");
		expect(await beginDelivery(jobs(), id)).toMatchObject({ secret: "v1.fourth", previous_secret: null });
		await expect(rotate(169, "v1.fifth")).rejects.toMatchObject({ code: "LS140" });
		expect(
			await rows(
				"select from audit_log where action = 'rotate_webhook_secret' and row_id = $1 and after::text !~ 'v1'",
				[merchant.id],
			),
		).toHaveLength(2);
	});

	test("rest after five failures: what is due waits uncounted, one goes ahead, and a success lets the others go", async () => {
		const merchant = await kaveri();
		const ids: string[] = [];
		for (let i = 0; i < 9; i++) ids.push(await eventOf(merchant));
		for (const id of ids.slice(0, 5)) await answered(id, 500);
		expect(await endpointOf(merchant.id)).toMatchObject({ failures: 5, is_resting: true });
		for (const id of ids.slice(5)) expect(await beginDelivery(jobs(), id)).toBeNull();
		expect(
			await rows("select distinct status, attempts from webhook_events where id = any ($1)", [ids.slice(5)]),
		).toEqual([{ status: "waiting", attempts: 0 }]);
		expect(await release()).toBe(0);

		await restIsOver(merchant.id);
		expect(await release()).toBe(1);
		expect(await beginDelivery(jobs(), ids[5]!)).toMatchObject({ is_probe: true });
		expect(await release()).toBe(0);
		await answered(ids[5]!, 500);
		expect((await endpointOf(merchant.id)).rest).toBeGreaterThan(20);

		await restIsOver(merchant.id);
		expect(await release()).toBe(1);
		expect(await beginDelivery(jobs(), ids[6]!)).toMatchObject({ is_probe: true });
		await answered(ids[6]!, 204);
		expect(await endpointOf(merchant.id)).toMatchObject({ failures: 0, is_resting: false });
		// Its success has brought the next one, and each that ends brings another.
		expect(await rows("select status from webhook_events where id = any ($1) order by id", [ids.slice(7)])).toEqual([
			{ status: "pending" },
			{ status: "waiting" },
		]);
		await answered(ids[7]!, 204);
		expect(await secondsToNextTry(ids[8]!)).toBeLessThan(1);
	});

	test("are served many at once: who is well is sent its event, who is off or rests is not, and one goes ahead", async () => {
		const [well, off, resting, rested] = [await kaveri(), await kaveri(), await kaveri(), await kaveri()];
		const own = await eventOf(well);
		const kept = await eventOf(off);
		const waits = await eventOf(resting);
		const ahead = [await eventOf(rested), await eventOf(rested)];
		const done = await eventOf(well);
		await answered(done, 204);
		await rows("update webhook_endpoints set disabled_at = now(), disabled_because = 'operator' where id = $1", [
			off.id,
		]);
		await rows(
			"update webhook_endpoints set failures = 5, failing_since = now(), resting_until = now() + interval '1 minute' where id = $1",
			[resting.id],
		);
		await rows(
			"update webhook_endpoints set failures = 5, failing_since = now(), resting_until = now() where id = $1",
			[rested.id],
		);
		const all = [ahead[1]!, done, kept, own, randomUUID(), waits, ahead[0]!];
		expect(await beginDeliveries(jobs(), all)).toMatchObject([
			null,
			null,
			null,
			{ event_id: own, endpoint_id: well.id, attempt: 1, is_probe: false, is_troubled: false },
			null,
			null,
			{ event_id: ahead[0], endpoint_id: rested.id, is_probe: true, is_troubled: true },
		]);
		expect(await rows("select id, status from webhook_events where id = any ($1) order by id", [all])).toEqual(
			[
				{ id: own, status: "pending" },
				{ id: kept, status: "disabled" },
				{ id: waits, status: "waiting" },
				{ id: ahead[0], status: "pending" },
				{ id: ahead[1], status: "waiting" },
				{ id: done, status: "delivered" },
			].sort((a, b) => (a.id! < b.id! ? -1 : 1)),
		);
	});

	test("have their tries recorded many at once, each as it would be by itself", async () => {
		const [well, failing, gone, recovering] = [await kaveri(), await kaveri(), await kaveri(), await kaveri()];
		const taken = await eventOf(well);
		const refused = await eventOf(failing);
		const lost = await eventOf(gone);
		const done = await eventOf(well);
		await answered(done, 204);
		// fails, and then takes one, in the same call
		const turn = [await eventOf(recovering), await eventOf(recovering), await eventOf(recovering)];
		await rows("select public.park_delivery($1)", [turn[2]]);
		const tries = [
			tried(turn[1]!, 200),
			tried(refused, 503),
			tried(taken, 204),
			tried(done, 500),
			tried(lost, 410),
			tried(turn[0]!, null),
		];
		expect(await recordDeliveries(jobs(), tries)).toEqual([
			"delivered",
			"pending",
			"delivered",
			"delivered",
			"disabled",
			"pending",
		]);
		expect(
			await rows(
				`select e.id, e.status, e.attempts, e.last_error, e.delivered_at is not null as timed, count(d.*)::int as tries
					from webhook_events e left join webhook_deliveries d on d.event_id = e.id
					where e.id = any ($1) group by e.id order by e.id`,
				[[taken, refused, lost, done, ...turn]],
			),
		).toEqual(
			[
				{ id: taken, status: "delivered", attempts: 1, last_error: null, timed: true, tries: 1 },
				{ id: refused, status: "pending", attempts: 1, last_error: "HTTP 503", timed: false, tries: 1 },
				{ id: lost, status: "disabled", attempts: 1, last_error: "HTTP 410", timed: false, tries: 1 },
				{ id: done, status: "delivered", attempts: 1, last_error: null, timed: true, tries: 1 },
				{ id: turn[0]!, status: "pending", attempts: 1, last_error: "connection refused", timed: false, tries: 1 },
				{ id: turn[1]!, status: "delivered", attempts: 1, last_error: null, timed: true, tries: 1 },
				{ id: turn[2]!, status: "pending", attempts: 0, last_error: null, timed: false, tries: 0 },
			].sort((a, b) => (a.id < b.id ? -1 : 1)),
		);
		expect(await secondsToNextTry(refused)).toBeGreaterThan(4);
		expect(await endpointOf(failing.id)).toMatchObject({ failures: 1 });
		expect(await endpointOf(gone.id)).toMatchObject({ disabled_because: "gone" });
		expect(await endpointOf(recovering.id)).toMatchObject({ failures: 0, is_resting: false });
	});

	test("have two tries of one event recorded by themselves only, as a second one follows from the first", async () => {
		const event_id = await eventOf(await kaveri());
		await expect(recordDeliveries(jobs(), [tried(event_id, 500), tried(event_id, 204)])).rejects.toMatchObject({
			constraint: "webhook_deliveries_event_id_attempt_no_key",
		});
	});

	test("rest for as long as Retry-After says, five minutes at most", async () => {
		const merchant = await kaveri();
		await answered(await eventOf(merchant), 429, { retry_after_seconds: 100 });
		expect((await endpointOf(merchant.id)).rest).toBeGreaterThan(95);
		const other = await kaveri();
		await answered(await eventOf(other), 503, { retry_after_seconds: 100_000 });
		expect((await endpointOf(other.id)).rest).toBeLessThanOrEqual(300);
	});

	test("that have failed for five days are disabled with an alert, and what waits for them is kept", async () => {
		const merchant = await kaveri();
		const [last, waiting] = [await eventOf(merchant), await eventOf(merchant)];
		await answered(last, 500);
		const age = (since: string, latest: string) =>
			rows(
				`update webhook_endpoints set failing_since = now() - $2::interval, last_failure_at = now() - $3::interval,
					resting_until = null where id = $1`,
				[merchant.id, since, latest],
			);
		await age("30 days", "3 days");
		expect(await answered(last, 500)).toBe("pending");
		await age("5 days", "1 day");
		await rows("select public.park_delivery($1)", [waiting]);
		expect(await answered(last, 500)).toBe("disabled");
		expect(await endpointOf(merchant.id)).toMatchObject({ disabled_because: "failing" });
		expect(await rows("select kind from alerts where client_id = $1", [merchant.id])).toEqual([
			{ kind: "webhook_endpoint_disabled" },
		]);
		await release();
		expect(await rows("select status from webhook_events where id = $1", [waiting])).toEqual([{ status: "disabled" }]);
	});

	test("are replayed to apart from each other", async () => {
		const merchant = await kaveri();
		const other = await add(merchant, ["*"]);
		await eventOf(merchant);
		for (const { id } of await eventsOf(merchant)) await answered(id, 200);
		const [replay] = await asStudio<{ id: string }>(
			"select public.start_webhook_replay($1, 'all', null, null, 'their import failed', 'operator-1') as id",
			[other],
		);
		await continueWebhookReplay(jobs(), replay!.id);
		expect((await eventsOf(merchant)).filter(({ status }) => status === "pending")).toMatchObject([
			{ endpoint_id: other },
		]);
		const [log] = await asStudio<{ log: unknown[] }>(
			"select public.read_webhook_log($1, $2, 'all', null, null, 10) as log",
			[merchant.id, other],
		);
		expect(log!.log).toHaveLength(1);
	});
});
