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
		await Promise.all(clocks.splice(0).map((clock) => clock.stop(2000)));
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

	it("tells operators of an egress group whose jobs nobody takes", async () => {
		const context = { database: database.pool("jobs"), log };
		await rows(
			`select graphile_worker.add_job(task, '{}', run_at => now() - make_interval(secs => age)) from (values
				('create_psp_order:pune', 61), ('refund_payment:pune', 90), ('create_psp_order:mumbai', 5), ('create_psp_order', 90)
			) job (task, age)`,
		);
		expect(await named("watch_egress_groups").run(context)).toEqual({ groups: 1 });
		expect(await rows("select severity, details from alerts where kind = 'egress_group_waits'")).toEqual([
			{ severity: "critical", details: { egress_group: "pune", jobs: 2 } },
		]);
		await rows("delete from graphile_worker._private_jobs");
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

	it.each(SCHEDULES.map(({ name }) => name))("%s runs with the rights of the role jobs", async (name) => {
		await expect(named(name).run({ database: database.pool("jobs"), log })).resolves.toBeTypeOf("object");
	});
});
