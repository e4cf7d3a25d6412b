import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { registerQueues } from "../db/client/operations.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../test/merchants.ts";
import { openQueueDesk, type QueueDesk } from "./queue-desk.ts";
import { type Clock, DEAD_LETTERS, describeSchedules, SCHEDULES, type Schedule, startClock } from "./schedules.ts";
import { lanesFor } from "./task-list.ts";

const log = pino({ level: "silent" });
let database: TestDatabase;
let desk: QueueDesk;
const clocks: Clock[] = [];
beforeAll(async () => {
	database = await createTestDatabase();
	desk = await openQueueDesk({ database: database.pool("jobs"), log });
});
afterEach(async () => {
	await Promise.all(clocks.splice(0).map((clock) => clock.stop(2000)));
});
afterAll(async () => {
	await desk.stop();
	await database.drop();
});

async function start(schedules?: readonly Schedule[]): Promise<Clock> {
	const clock = await startClock({
		connection_string: database.url("jobs"),
		database: database.pool("jobs"),
		desk,
		log,
		onLost: (error) => {
			throw error;
		},
		...(schedules && { schedules }),
	});
	clocks.push(clock);
	return clock;
}

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

function everySecond(name: string, run: Schedule["run"]): Schedule {
	return { name, when: { every_seconds: 1 }, expire_seconds: 10, retries: 0, keep_days: 1, run };
}

const named = (name: string) => SCHEDULES.find((schedule) => schedule.name === name)!;

describe("the clock", () => {
	it("has every schedule of the table, in India's time, and forgets the ones taken out of it", async () => {
		await start();
		const crons = () => rows("select name, cron, timezone from pgboss.schedule order by name");
		const table = SCHEDULES.flatMap(({ name, when }) =>
			"cron" in when ? { name, cron: when.cron, timezone: "Asia/Kolkata" } : [],
		).sort((one, other) => (one.name < other.name ? -1 : 1));
		expect(table).toContainEqual({ name: "check_invariants", cron: "0 * * * *", timezone: "Asia/Kolkata" });
		expect(await crons()).toEqual(table);
		await start(SCHEDULES.filter(({ name }) => name !== "expire_transactions"));
		expect(await crons()).toEqual(table.filter(({ name }) => name !== "expire_transactions"));
	});

	it("runs a schedule of seconds once a period, however many processes offer it, and keeps what it returned", async () => {
		let runs = 0;
		const fourth = Promise.withResolvers<void>();
		const counted = everySecond("count_runs", async () => {
			runs += 1;
			if (runs === 4) fourth.resolve();
			return { run: runs };
		});
		await Promise.all([start([counted]), start([counted]), start([counted])]);
		await fourth.promise;
		// Long enough for the last run to be written down, which is counted here too.
		await Promise.all(clocks.splice(0).map((clock) => clock.stop(60_000)));
		const jobs = await rows<{ slot: string; output: { run: number }; state: string }>(
			"select singleton_on::text as slot, output, state from pgboss.job where name = 'count_runs' order by started_on",
		);
		const done = jobs.filter(({ state }) => state === "completed");
		expect(done.map(({ output }) => output.run)).toEqual(Array.from({ length: runs }, (_, index) => index + 1));
		expect(new Set(jobs.map(({ slot }) => slot)).size).toBe(jobs.length);
	});

	it("does not start a run beside one that is still going on", async () => {
		let at_once = 0;
		let most = 0;
		let runs = 0;
		const second = Promise.withResolvers<void>();
		const slow = everySecond("run_slowly", async () => {
			at_once += 1;
			most = Math.max(most, at_once);
			await new Promise((resolve) => setTimeout(resolve, 1500));
			at_once -= 1;
			runs += 1;
			if (runs === 2) second.resolve();
			return {};
		});
		await Promise.all([start([slow]), start([slow])]);
		await second.promise;
		expect(most).toBe(1);
	});

	it("does nothing in a run of a schedule that is paused, which its record says", async () => {
		let runs = 0;
		await registerQueues(database.pool("jobs"), describeSchedules([everySecond("is_paused", async () => ({}))]));
		await database.pool("studio").query("select public.pause_queue('is_paused', 'not now', 'somebody')");
		await expect.poll(() => desk.isPaused("is_paused")).toBe(true);
		await start([
			everySecond("is_paused", async () => {
				runs += 1;
				return {};
			}),
		]);
		const records = () =>
			rows("select distinct output from pgboss.job where name = 'is_paused' and state = 'completed'");
		await expect.poll(records).toEqual([{ output: { paused: 1 } }]);
		await database.pool("studio").query("select public.resume_queue('is_paused', 'now', 'somebody')");
		await expect.poll(() => runs).toBeGreaterThan(0);
	});

	it("has no schedule with a task's name: a queue is known by it", () => {
		const tasks = lanesFor(new Set(["default"])).flatMap((lane) => Object.keys(lane.tasks));
		expect(SCHEDULES.filter(({ name }) => tasks.includes(name))).toEqual([]);
	});

	it("raises an alert for a run that fails, and keeps it among the dead letters", async () => {
		await start([
			everySecond("always_fails", async () => {
				throw new Error("out of luck");
			}),
		]);
		await expect
			.poll(() => rows("select source_name from pgboss.job where name = $1", [DEAD_LETTERS]))
			.toContainEqual({ source_name: "always_fails" });
		expect(
			await rows("select kind, severity, message from alerts where dedupe_key = 'schedule_failed:always_fails'"),
		).toEqual([
			{ kind: "schedule_failed", severity: "warning", message: "The schedule always_fails failed: out of luck" },
		]);
	});

	it("raises one alert for each invariant that is violated", async () => {
		const context = { database: database.pool("jobs"), log };
		expect(await named("check_invariants").run(context)).toMatchObject({ violations: 0 });
		const { id } = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
		await rows("update wallets set balance_due = 100 where client_id = $1", [id]);
		expect(await named("check_invariants").run(context)).toMatchObject({ violations: 1, wallets: 1 });
		expect(await named("check_all_invariants").run(context)).toMatchObject({ violations: 1 });
		expect(await rows("select severity, count, message from alerts where kind = 'invariant_violated'")).toEqual([
			{
				severity: "critical",
				count: 1,
				message: expect.stringContaining(`client ${id}: balance 100, entries 0`),
			},
		]);
		await rows("update wallets set balance_due = 0 where client_id = $1", [id]);
	});

	it("finds what is violated again when it could not be told", async () => {
		const context = { database: database.pool("jobs"), log };
		await named("check_invariants").run(context);
		const { id } = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
		await rows("update wallets set balance_due = 100 where client_id = $1", [id]);
		const window = () => rows("select checked_until from check_windows");
		const before = await window();
		await rows("revoke execute on function public.raise_alert from jobs");
		try {
			await expect(named("check_invariants").run(context)).rejects.toThrow("raise_alert");
			expect(await window()).toEqual(before);
		} finally {
			await rows("grant execute on function public.raise_alert to jobs");
		}
		await named("check_invariants").run(context);
		expect(await window()).not.toEqual(before);
		await rows("update wallets set balance_due = 0 where client_id = $1", [id]);
	});

	it("tells of jobs that failed for good when their alert could not be written, once for each task", async () => {
		const context = { database: database.pool("jobs"), log };
		await rows("delete from alerts");
		await rows(
			`select graphile_worker.add_job(task, '{}', max_attempts => 3)
				from unnest(array['create_psp_order:pune', 'create_psp_order:pune', 'refund_payment', 'send_alert']) task`,
		);
		await rows(
			`update graphile_worker._private_jobs set attempts = 3, last_error = 'no answer, job ' || id, updated_at = now() - interval '1 hour'
				where task_id <> (select id from graphile_worker._private_tasks where identifier = 'send_alert')`,
		);
		await rows(
			`update graphile_worker._private_jobs set updated_at = now()
				where id = (select max(id) from graphile_worker.jobs where task_identifier = 'create_psp_order:pune')`,
		);
		const jobs = await rows<{ id: string; task: string }>(
			"select id::text, task_identifier as task from graphile_worker.jobs where attempts = 3 order by id",
		);
		const [, newest, refund] = jobs;
		// The last one failed an hour ago, when somebody was told and put it right; and more can be told of one that fails next.
		await rows(
			`insert into alerts (kind, severity, message, dedupe_key, status, first_at, last_at)
				values ('job_failed', 'critical', 'as it was', 'job_failed:refund_payment', 'resolved', now() - interval '2 hours', now() - interval '1 hour 5 seconds')`,
		);
		const alerts = () =>
			rows("select message, details, count from alerts where kind = 'job_failed' and status = 'open' order by message");
		const orders = {
			message: `A job of the task create_psp_order:pune failed: no answer, job ${newest!.id}`,
			details: { task: "create_psp_order:pune", job_id: newest!.id },
			count: 1,
		};
		expect(await named("watch_queues").run(context)).toEqual({ queues: 0, untold: 1 });
		expect(await alerts()).toEqual([orders]);
		expect(await named("watch_queues").run(context)).toEqual({ queues: 0, untold: 0 });
		await rows("update alerts set status = 'resolved' where message = $1", [orders.message]);
		await rows("update graphile_worker._private_jobs set updated_at = now() where id = $1", [refund!.id]);
		expect(await named("watch_queues").run(context)).toEqual({ queues: 0, untold: 1 });
		expect(await alerts()).toEqual([
			{
				message: `A job of the task refund_payment failed: no answer, job ${refund!.id}`,
				details: { task: "refund_payment", job_id: refund!.id },
				count: 1,
			},
		]);
		await rows("delete from graphile_worker._private_jobs");
	});

	it("tells of a schedule that failed in all its tries when no run could say so, and not of one that comes again at once", async () => {
		const context = { database: database.pool("jobs"), log };
		await rows("delete from alerts");
		await rows("select pgboss.create_queue($1, $2::jsonb)", [DEAD_LETTERS, { policy: "standard" }]).catch(() => {});
		await rows(
			`insert into pgboss.job (name, source_name, source_output, source_created_on, source_retry_count) values
				($1, 'back_up', '{"message": "no connection"}', now(), 2), ($1, 'poll_pending', '{"message": "no connection"}', now(), 0)`,
			[DEAD_LETTERS],
		);
		expect(await named("watch_queues").run(context)).toEqual({ queues: 0, untold: 1 });
		expect(await named("watch_queues").run(context)).toEqual({ queues: 0, untold: 0 });
		expect(await rows("select kind, severity, message, dedupe_key from alerts")).toEqual([
			{
				kind: "schedule_failed",
				severity: "warning",
				message: "The schedule back_up failed: no connection",
				dedupe_key: "schedule_failed:back_up",
			},
		]);
		await rows("delete from pgboss.job where name = $1", [DEAD_LETTERS]);
	});

	it("tells operators of an egress group whose jobs nobody takes", async () => {
		const context = { database: database.pool("jobs"), log };
		await rows(
			`select graphile_worker.add_job(task, '{}', run_at => now() - make_interval(secs => age)) from (values
				('create_psp_order:pune', 61), ('refund_payment:pune', 90), ('create_psp_order:mumbai', 5), ('create_psp_order', 90)
			) job (task, age)`,
		);
		expect(await named("watch_egress_groups").run(context)).toEqual({ groups: 1, regrouped: 0 });
		expect(await rows("select severity, details from alerts where kind = 'egress_group_waits'")).toEqual([
			{ severity: "critical", details: { egress_group: "pune", jobs: 2 } },
		]);
		await rows("delete from graphile_worker._private_jobs");
	});

	it("gives jobs that wait in an egress group to the one that their gateway names by now", async () => {
		const context = { database: database.pool("jobs"), log };
		const { id, gateways } = await createMerchant(
			database.pool("admin"),
			parseEncryptionKeys(TEST_ENCRYPTION_KEYS),
			{},
			[{ egress_group: "pune" }],
		);
		const gateway_id = gateways[0]!.id;
		const [attempt] = await rows<{ id: string }>(
			`with payment as (
				insert into transactions (order_id, client_id, gateway_id, amount, currency, fee_percent, expires_at)
				values ('regrouped', $1, $2, 100, 'INR', 3.5, now() + interval '1 hour') returning id, client_id, gateway_id
			), attempt as (
				insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, routing)
					select id, client_id, gateway_id, 1, 100, '{}' from payment returning id, transaction_id, client_id, gateway_id
			), refund as (
				insert into refunds (client_id, transaction_id, attempt_id, gateway_id, kind, amount, currency, requested_by, psp_payment_id)
					select client_id, transaction_id, id, gateway_id, 'requested', 100, 'INR', 'api', 'pay_regrouped' from attempt returning id
			), event as (
				insert into gateway_events (client_id, gateway_id, provider, dedupe_key, event_type, headers, raw_body, verified, processed_at)
					select client_id, gateway_id, 'razorpay', 'regrouped', 'payment.captured', '{}', '', true, now() from attempt returning id
			)
			select graphile_worker.add_job(task || ':pune', payload, run_at => now() - age) from attempt, refund, event,
				lateral (values ('create_psp_order', json_build_object('attempt_id', attempt.id), interval '2 minutes'),
					('confirm_attempt', json_build_object('attempt_id', attempt.id), interval '30 seconds'),
					('refund_payment', json_build_object('refund_id', refund.id), interval '2 minutes'),
					('process_gateway_event', json_build_object('event_id', event.id), interval '2 minutes'),
					('pull_settlement', json_build_object('gateway_id', attempt.gateway_id), interval '2 minutes'),
					('refund_payment', json_build_object('refund_id', gen_random_uuid()), interval '2 minutes'),
					('refund_payment', json_build_object('refund_id', 'nothing of ours'), interval '2 minutes')) job (task, payload, age)`,
			[id, gateway_id],
		);
		expect(attempt).toBeDefined();
		const tasks = async () =>
			(await rows<{ task: string }>("select task_identifier as task from graphile_worker.jobs order by id")).map(
				({ task }) => task,
			);
		const before = await tasks();
		expect(await named("watch_egress_groups").run(context)).toEqual({ groups: 1, regrouped: 0 });
		expect(await tasks()).toEqual(before);
		// As what is added while the gateway is being changed, which its own change does not see.
		await rows("alter table payment_gateways disable trigger payment_gateways_complete");
		await rows("update payment_gateways set egress_group = null where id = $1", [gateway_id]);
		expect(await named("watch_egress_groups").run(context)).toEqual({ groups: 1, regrouped: 4 });
		expect(await tasks()).toEqual([
			"create_psp_order",
			"confirm_attempt:pune",
			"refund_payment",
			"process_gateway_event",
			"pull_settlement",
			"refund_payment:pune",
			"refund_payment:pune",
		]);
		await rows("update payment_gateways set egress_group = 'goa' where id = $1", [gateway_id]);
		await rows("update graphile_worker._private_jobs set run_at = now() - interval '2 minutes'");
		expect(await named("watch_egress_groups").run(context)).toMatchObject({ regrouped: 5 });
		expect((await tasks()).slice(0, 7)).toEqual([
			"create_psp_order:goa",
			"confirm_attempt:goa",
			"refund_payment:goa",
			"process_gateway_event:goa",
			"pull_settlement:goa",
			"refund_payment:pune",
			"refund_payment:pune",
		]);
		await rows("alter table payment_gateways enable trigger payment_gateways_complete");
		await rows("delete from graphile_worker._private_jobs");
		// Nobody is to look it up.
		await rows("update payment_attempts set next_lookup_at = null where gateway_id = $1", [gateway_id]);
	});

	it("has every payment looked up that is due, however many wait", async () => {
		const { id, gateways } = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
		await rows(
			`with payment as (
				insert into transactions (order_id, client_id, gateway_id, amount, currency, status, fee_percent, expires_at)
				values ('backlog', $1, $2, 100, 'INR', 'pending', 3.5, now() + interval '1 hour') returning id, client_id, gateway_id
			)
			insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, routing,
				psp_order_id, next_lookup_at)
			select payment.id, client_id, gateway_id, n, 100, 'pending', '{}', 'order_' || n, now()
				from payment, generate_series(1, 2100) n`,
			[id, gateways[0]!.id],
		);
		expect(await named("poll_pending").run({ database: database.pool("jobs"), log })).toEqual({ enqueued: 2100 });
		expect(
			await rows("select count(*)::int from graphile_worker.jobs where task_identifier = 'confirm_attempt'"),
		).toEqual([{ count: 2100 }]);
		expect(await named("poll_pending").run({ database: database.pool("jobs"), log })).toEqual({ enqueued: 0 });
	});

	it("measures the gateways of all merchants that settled something, a few merchants at a time", async () => {
		const pool = database.pool("jobs");
		let gateways_each = 0;
		for (let merchant = 0; merchant < 5; merchant++) {
			const { id, gateways } = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
			gateways_each = gateways.length;
			await rows(
				`with payment as (
					insert into transactions (order_id, client_id, gateway_id, amount, currency, status, fee_percent, expires_at)
					values ('declined', $1, $2, 100, 'INR', 'failed', 3.5, now() + interval '1 hour') returning id, client_id, gateway_id
				)
				insert into payment_attempts (transaction_id, client_id, gateway_id, attempt_no, amount, status, routing, settled_at)
					select id, client_id, gateway_id, 1, 100, 'failed', '{}', now() from payment`,
				[id, gateways[0]!.id],
			);
		}
		expect(
			await rows(
				"select cardinality(clients) as merchants from list_settling_clients(p_gateways => $1) clients order by 1",
				[4 * gateways_each],
			),
		).toEqual([{ merchants: 1 }, { merchants: 4 }]);
		expect(await named("refresh_success_rates").run({ database: pool, log })).toEqual({ changed: 5 });
		expect(await named("refresh_success_rates").run({ database: pool, log })).toEqual({ changed: 0 });
	});

	it.each(SCHEDULES.map(({ name }) => name))("%s runs with the rights of the role jobs", async (name) => {
		await expect(named(name).run({ database: database.pool("jobs"), log })).resolves.toBeTypeOf("object");
	});
});
