import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { recordQueueMetrics, registerQueues, reportFinishedJobs, watchQueues } from "../../db/client/operations.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";

const OPERATOR = randomUUID();
let database: TestDatabase;

beforeAll(async () => {
	database = await createTestDatabase();
	const queue = (name: string, is_discardable = false) => ({
		queue: name,
		kind: "task" as const,
		period: null,
		is_discardable,
		is_pausable: true,
	});
	await registerQueues(database.pool("jobs"), [
		queue("refund_payment"),
		queue("send_alert", true),
		{ queue: "reconcile", kind: "schedule", period: "0 3 * * *", is_discardable: false, is_pausable: true },
		{ queue: "watch_queues", kind: "schedule", period: "* * * * *", is_discardable: false, is_pausable: false },
	]);
});
afterEach(async () => {
	await rows("delete from graphile_worker._private_jobs");
	await rows("delete from pgboss.job");
	await rows("delete from paused_queues");
	await rows("delete from alerts");
});
afterAll(() => database.drop());

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

/** As the studio's endpoint calls it. */
async function studio<Value>(expression: string, values: unknown[]): Promise<Value> {
	const { rows: answers } = await database.pool("studio").query(`select public.${expression} as value`, values);
	return answers[0].value as Value;
}

interface Figures {
	queue: string;
	paused: { reason: string; by: string } | null;
	[state: string]: unknown;
}
async function figuresOf(queue: string): Promise<Figures> {
	const { queues } = await studio<{ queues: Figures[] }>("read_queues()", []);
	return queues.find((figures) => figures.queue === queue)!;
}

/** Jobs in the states that a queue can hold: one waiting, two for later, one at work, one failed, and so many dead. */
async function fill(queue: string, dead: number): Promise<void> {
	const add = (count: number, settings: string) =>
		rows(
			`with added as (select graphile_worker.add_job($1, json_build_object('refund_id', gen_random_uuid(), 'secret', 'hidden')) as job
				from generate_series(1, $2::integer))
			select count(*) from added`,
			[queue, count],
		).then(() =>
			rows(
				`update graphile_worker._private_jobs set ${settings}, payload = payload
					where last_error is null and locked_at is null and run_at <= now() and not coalesce(flags ? 'set', false)`,
			),
		);
	await add(2, "run_at = now() + interval '1 hour'");
	await add(1, "locked_at = now(), locked_by = 'worker', attempts = 1");
	await add(1, "attempts = 2, max_attempts = 25, last_error = 'no answer', run_at = now() + interval '10 minutes'");
	if (dead > 0) await add(dead, "attempts = 3, max_attempts = 3, last_error = 'refused'");
	await add(1, "run_at = now() - interval '30 seconds'");
}

async function failedRun(schedule: string): Promise<void> {
	await rows("select pgboss.create_queue($1, $2::jsonb)", ["failed_schedules", { policy: "standard" }]).catch(() => {});
	await rows(
		`insert into pgboss.job (name, source_name, source_output, source_created_on, source_retry_count)
			values ('failed_schedules', $1, '{"message": "no file"}', now(), 0)`,
		[schedule],
	);
}

describe("the queue monitor", () => {
	it("tells the states of a queue's jobs apart, and lists queues that hold none", async () => {
		await fill("refund_payment", 4);
		expect(await figuresOf("refund_payment")).toMatchObject({
			kind: "task",
			waiting: 1,
			scheduled: 2,
			active: 1,
			failed: 1,
			dead: 4,
			oldest_waiting_seconds: 30,
			is_discardable: false,
			paused: null,
		});
		expect(await figuresOf("reconcile")).toMatchObject({ kind: "schedule", waiting: 0, dead: 0, period: "0 3 * * *" });
	});

	it("lists a queue that no worker serves, as jobs wait in it", async () => {
		await rows("select graphile_worker.add_job('create_psp_order:pune', '{}')");
		expect(await figuresOf("create_psp_order:pune")).toMatchObject({ waiting: 1, is_discardable: false });
	});

	it("keeps count of what was finished, although done jobs are deleted", async () => {
		await recordQueueMetrics(database.pool("jobs"));
		const before = await figuresOf("refund_payment");
		const counts = [
			{ queue: "refund_payment", completed: 3, failed: 1 },
			{ queue: "send_alert", completed: 1, failed: 0 },
		];
		await Promise.all([
			reportFinishedJobs(database.pool("jobs"), counts),
			reportFinishedJobs(database.pool("jobs"), counts.toReversed()),
		]);
		expect(await figuresOf("refund_payment")).toMatchObject({
			completed: Number(before.completed) + 6,
			completed_last_hour: 6,
			failed_tries_last_hour: 2,
		});
	});

	it("draws what came through a minute, and one point for all queues at a time", async () => {
		await rows("delete from queue_metrics");
		await rows(
			`insert into queue_metrics (recorded_at, queue, waiting, active, failed, dead, oldest_waiting_seconds, completed)
				select date_bin('5 seconds', now(), '2000-01-01') - n * interval '30 seconds', queue, n, 0, 0, 1, 0, 1000 - 50 * n
					from generate_series(0, 3) n, unnest(array['refund_payment', 'send_alert']) queue`,
		);
		expect(await studio("read_queue_history($1, 15)", ["refund_payment"])).toEqual({
			at: [expect.any(Number), expect.any(Number), expect.any(Number), expect.any(Number)],
			waiting: [3, 2, 1, 0],
			active: [0, 0, 0, 0],
			failed: [0, 0, 0, 0],
			dead: [1, 1, 1, 1],
			completed_a_minute: [null, 100, 100, 100],
		});
		expect(await studio("read_queue_history(null, 15)", [])).toMatchObject({ waiting: [6, 4, 2, 0] });
	});

	it("shows ids and the last error of dead jobs, and nothing else of their payload", async () => {
		await fill("refund_payment", 3);
		const dead = await studio<Record<string, unknown>[]>("list_queue_jobs($1, 'dead', null, 2)", ["refund_payment"]);
		expect(dead).toHaveLength(2);
		expect(dead[0]).toMatchObject({ ids: { refund_id: expect.any(String) }, last_error: "refused", attempts: 3 });
		expect(JSON.stringify(dead)).not.toContain("hidden");
		const rest = await studio<unknown[]>("list_queue_jobs($1, 'dead', $2::bigint, 2)", ["refund_payment", dead[1]!.id]);
		expect(rest).toHaveLength(1);
		const failed = await studio("list_queue_jobs($1, 'failed')", ["refund_payment"]);
		expect(failed).toMatchObject([{ last_error: "no answer", next_try_at: expect.any(String) }]);
		await failedRun("reconcile");
		expect(await studio("list_queue_jobs($1, 'dead')", ["reconcile"])).toMatchObject([
			{ last_error: "no file", ids: {} },
		]);
		expect(await figuresOf("reconcile")).toMatchObject({ dead: 1 });
	});

	it("counts no more than 50,000 jobs of a backlog, and says that it saw only some", async () => {
		await rows(
			`insert into graphile_worker._private_jobs (task_id, payload)
				select id, '{}' from graphile_worker._private_tasks, generate_series(1, 50001) where identifier = 'refund_payment'`,
		);
		await rows("analyze graphile_worker._private_jobs");
		const { is_capped, queues } = await studio<{ is_capped: boolean; queues: Figures[] }>("read_queues()", []);
		expect(is_capped).toBe(true);
		expect(queues.find(({ queue }) => queue === "refund_payment")!.waiting).toBe(50_000);
	});
});

describe("what operators do to a queue", () => {
	it("pauses it once, says why and by whom, and resumes it", async () => {
		await studio("pause_queue($1, $2, $3)", ["refund_payment", " The bank asked ", OPERATOR]);
		expect(await reportFinishedJobs(database.pool("jobs"), [])).toEqual(["refund_payment"]);
		expect((await figuresOf("refund_payment")).paused).toMatchObject({ reason: "The bank asked", by: OPERATOR });
		await expect(studio("pause_queue($1, 'again', $2)", ["refund_payment", OPERATOR])).rejects.toMatchObject({
			code: "LS152",
		});
		await studio("resume_queue($1, 'the bank is done', $2)", ["refund_payment", OPERATOR]);
		expect(await reportFinishedJobs(database.pool("jobs"), [])).toEqual([]);
		await expect(studio("resume_queue($1, 'again', $2)", ["refund_payment", OPERATOR])).rejects.toMatchObject({
			code: "LS153",
		});
		expect(await rows("select action, row_id, actor, after ->> 'reason' as reason from audit_log order by id")).toEqual(
			[
				{ action: "pause_queue", row_id: "refund_payment", actor: OPERATOR, reason: "The bank asked" },
				{ action: "resume_queue", row_id: "refund_payment", actor: OPERATOR, reason: "the bank is done" },
			],
		);
	});

	it("runs failed jobs now, their tries counted on, and dead ones with all their tries anew", async () => {
		await fill("refund_payment", 3);
		expect(await studio("rerun_jobs($1, 'failed', null, 'PSP is back', $2)", ["refund_payment", OPERATOR])).toEqual({
			jobs: 1,
			more: false,
		});
		expect(
			await rows(
				"select attempts from graphile_worker.jobs where last_error = 'no answer' and run_at <= clock_timestamp()",
			),
		).toEqual([{ attempts: 2 }]);
		const [{ id }] = (await studio<[{ id: string }]>("list_queue_jobs($1, 'dead')", ["refund_payment"]))!;
		expect(await studio("rerun_jobs($1, 'dead', $2, 'one first', $3)", ["refund_payment", id, OPERATOR])).toEqual({
			jobs: 1,
			more: false,
		});
		expect(await rows("select attempts from graphile_worker.jobs where id = $1", [id])).toEqual([{ attempts: 0 }]);
		await expect(
			studio("rerun_jobs($1, 'dead', $2, 'one first', $3)", ["refund_payment", id, OPERATOR]),
		).rejects.toMatchObject({ code: "LS154" });
		expect(await studio("rerun_jobs($1, 'dead', null, 'all of them', $2, 1)", ["refund_payment", OPERATOR])).toEqual({
			jobs: 1,
			more: true,
		});
		expect(await figuresOf("refund_payment")).toMatchObject({ dead: 1, active: 1 });
		expect(await rows("select count(*)::integer from audit_log where action = 'redrive_jobs'")).toEqual([{ count: 2 }]);
	});

	it("has a schedule run once for all its runs that failed for good", async () => {
		await failedRun("reconcile");
		await failedRun("reconcile");
		expect(await studio("rerun_jobs($1, 'dead', null, 'the file is there now', $2)", ["reconcile", OPERATOR])).toEqual({
			jobs: 2,
			more: false,
		});
		expect(await rows("select payload from graphile_worker._private_jobs")).toEqual([
			{ payload: { schedule: "reconcile" } },
		]);
	});

	it("throws away notices, and never what moves money or records what ran", async () => {
		await fill("send_alert", 2);
		expect(await studio("drain_queue($1, 'a storm', $2)", ["send_alert", OPERATOR])).toEqual({ jobs: 6, more: false });
		expect(await figuresOf("send_alert")).toMatchObject({ waiting: 0, scheduled: 0, active: 1, failed: 0, dead: 0 });
		await fill("refund_payment", 2);
		for (const queue of ["refund_payment", "reconcile", "create_psp_order:pune"]) {
			await expect(studio("drain_queue($1, 'a storm', $2)", [queue, OPERATOR])).rejects.toMatchObject({
				code: "LS155",
			});
		}
		expect(await figuresOf("refund_payment")).toMatchObject({ waiting: 1, dead: 2 });
	});

	it.each([
		["pause_queue($1, $2, $3)"],
		["resume_queue($1, $2, $3)"],
		["drain_queue($1, $2, $3)"],
		["rerun_jobs($1, 'dead', null, $2, $3)"],
	])("refuses %s without a reason, or for a queue that is not there", async (call) => {
		await expect(studio(call, ["send_alert", "  ", OPERATOR])).rejects.toMatchObject({ code: "LS044" });
		await expect(studio(call, ["no_such_task", "why", OPERATOR])).rejects.toMatchObject({ code: "LS150" });
	});

	it("never pauses the queue that watches the others", async () => {
		await expect(studio("pause_queue('watch_queues', 'why', $1)", [OPERATOR])).rejects.toMatchObject({ code: "LS151" });
	});
});

describe("the watch over queues", () => {
	it("tells of more than ten dead jobs, with what to do, and not of ten", async () => {
		await fill("refund_payment", 11);
		await fill("send_alert", 10);
		expect(await watchQueues(database.pool("jobs"))).toBe(1);
		expect(await rows("select severity, message, dedupe_key from alerts")).toEqual([
			{
				severity: "critical",
				message:
					"11 jobs of the queue refund_payment have failed for good. Open Queues, look at their last error, put its cause right, and redrive them.",
				dedupe_key: "dead_jobs:refund_payment",
			},
		]);
	});

	it("tells of a queue that has been paused for a quarter of an hour", async () => {
		await studio("pause_queue('refund_payment', 'The bank asked', $1)", [OPERATOR]);
		expect(await watchQueues(database.pool("jobs"))).toBe(0);
		await rows("update paused_queues set paused_at = now() - interval '16 minutes'");
		expect(await watchQueues(database.pool("jobs"))).toBe(1);
		expect(await rows("select kind, severity from alerts")).toEqual([{ kind: "queue_paused", severity: "warning" }]);
	});
});
