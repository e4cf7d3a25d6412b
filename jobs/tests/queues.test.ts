import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { payPayment } from "../../test/payments.ts";
import { type Endpoint, startEndpoint, startWorker, type WorkerProcess } from "./worker-process.ts";

const OPERATOR = randomUUID();
let database: TestDatabase;
let endpoint: Endpoint;
let event_id: string;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
	database = await createTestDatabase();
	endpoint = await startEndpoint();
	await payPayment(database, await shop());
	[{ event_id }] = (await rows<{ event_id: string }>("select id as event_id from webhook_events")) as [
		{ event_id: string },
	];
	await rows("delete from graphile_worker._private_jobs");
});
afterEach(async () => {
	for (const worker of workers.splice(0)) {
		worker.kill("SIGKILL");
		await worker.exited;
	}
	await rows("delete from graphile_worker._private_jobs");
	await rows("delete from paused_queues");
});
afterAll(async () => {
	await endpoint.close();
	await database.drop();
});

const shop = () =>
	createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), { webhook_url: endpoint.url });

async function start(env: Record<string, string> = {}): Promise<WorkerProcess> {
	const worker = await startWorker({
		DATABASE_URL: database.url("jobs"),
		// Nobody is there.
		SANDBOX_URL: "http://127.0.0.1:9",
		OUTBOUND_ALLOWED_HOSTS: endpoint.host,
		...env,
	});
	workers.push(worker);
	return worker;
}

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

const studio = (expression: string, values: unknown[]) =>
	database.pool("studio").query(`select public.${expression}`, values);

/** Jobs that have nothing to do: their alerts are not there. */
const addNotices = (count: number) =>
	rows(
		`select graphile_worker.add_job('send_alert', json_build_object('alert_id', gen_random_uuid())) from generate_series(1, $1)`,
		[count],
	);

const openJobs = () =>
	rows<{ task: string; attempts: number; is_taken: boolean }>(
		`select task_identifier as task, attempts, locked_at is not null as is_taken from graphile_worker.jobs order by id`,
	);

const completedOf = async (queue: string) =>
	Number((await rows<{ completed: string }>("select completed from queues where queue = $1", [queue]))[0]?.completed);

/** Events for the merchant, each with its job; copies of one that a payment made. */
const tellMerchant = (times: number) =>
	rows(
		`with events as (
			insert into webhook_events (client_id, transaction_id, type, payload)
				select client_id, transaction_id, type, payload from webhook_events, generate_series(1, $2) where id = $1
			returning id
		)
		select graphile_worker.add_job('deliver_webhook', json_build_object('event_id', id), max_attempts => 3) from events`,
		[event_id, times],
	);

describe("a paused queue", () => {
	it("is left alone by all processes as soon as they hear of it, and its jobs at work are finished", async () => {
		const both = await Promise.all([start(), start()]);
		await tellMerchant(1);
		const at_work = await endpoint.next();
		await studio("pause_queue('deliver_webhook', 'the merchant asked', $1)", [OPERATOR]);
		await Promise.all(
			both.map((worker) =>
				worker.line(({ msg, paused }) => Array.isArray(paused) && msg === "other queues are paused than before"),
			),
		);
		await tellMerchant(1);
		await addNotices(3);
		// The other queue of the lane goes on.
		await expect.poll(() => completedOf("send_alert")).toBe(3);
		at_work.response.writeHead(204).end();
		await expect.poll(openJobs).toEqual([{ task: "deliver_webhook", attempts: 0, is_taken: false }]);

		await studio("resume_queue('deliver_webhook', 'the merchant is ready', $1)", [OPERATOR]);
		(await endpoint.next()).response.writeHead(204).end();
		await expect.poll(() => completedOf("deliver_webhook")).toBe(2);
		await expect.poll(openJobs).toEqual([]);
	});

	it("gives back what was taken and not begun, the try uncounted, and stays paused in a process that starts later", async () => {
		// Four at a time, and one of each merchant; three more wait in the process.
		for (let i = 0; i < 7; i++) await payPayment(database, await shop());
		await rows("delete from graphile_worker._private_jobs where payload ->> 'event_id' is null");
		const worker = await start({ DELIVERIES_AT_ONCE: "4" });
		const first = await Promise.all(Array.from({ length: 4 }, () => endpoint.next()));
		await studio("pause_queue('deliver_webhook', 'a storm', $1)", [OPERATOR]);
		await worker.line(({ msg }) => msg === "other queues are paused than before");
		for (const { response } of first) response.writeHead(204).end();
		const rest = Array.from({ length: 3 }, () => ({ task: "deliver_webhook", attempts: 0, is_taken: false }));
		await expect.poll(openJobs).toEqual(rest);
		await start();
		await addNotices(1);
		await expect.poll(async () => (await openJobs()).length).toBe(3);
		expect(await openJobs()).toEqual(rest);
		expect(await rows("select from webhook_events where last_error is not null")).toEqual([]);
	});

	it("of a lane with one task stands still, and goes on", async () => {
		const worker = await start();
		const addEvent = () =>
			rows("select graphile_worker.add_job('process_gateway_event', json_build_object('event_id', gen_random_uuid()))");
		await studio("pause_queue('process_gateway_event', 'a look at an event first', $1)", [OPERATOR]);
		await worker.line(({ paused }) => Array.isArray(paused) && paused.includes("process_gateway_event"));
		await addEvent();
		await addNotices(1);
		await expect.poll(openJobs).toHaveLength(1);
		await studio("resume_queue('process_gateway_event', 'seen', $1)", [OPERATOR]);
		await expect.poll(openJobs).toEqual([]);
		await addEvent();
		await expect.poll(openJobs).toEqual([]);
	});
});

describe("the jobs process", () => {
	it("registers its tasks and schedules, and counts what it finished to the last job when it is stopped", async () => {
		const worker = await start();
		const before = await completedOf("send_alert");
		await addNotices(40);
		await expect.poll(openJobs).toEqual([]);
		worker.kill("SIGTERM");
		await worker.exited;
		expect(await completedOf("send_alert")).toBe(before + 40);
		const known = await rows<{ queue: string; kind: string }>("select queue, kind from queues");
		expect(known).toContainEqual({ queue: "refund_payment", kind: "task" });
		expect(known).toContainEqual({ queue: "check_invariants", kind: "schedule" });
		expect(await rows("select queue from queues where is_discardable and queue like '%payment%'")).toEqual([]);
	});

	it("goes past jobs that can never succeed, more of them than it does at a time, and keeps each with its reason", async () => {
		await start();
		await rows(
			`select graphile_worker.add_job('send_alert', '{"alert_id": "rubbish"}', max_attempts => 1) from generate_series(1, 60)`,
		);
		await addNotices(5);
		const left = () =>
			rows<{ is_dead: boolean; says_why: boolean; jobs: number }>(
				`select attempts >= max_attempts as is_dead, last_error like '%alert_id%' as says_why, count(*)::int as jobs
					from graphile_worker.jobs group by 1, 2`,
			);
		await expect.poll(left).toEqual([{ is_dead: true, says_why: true, jobs: 60 }]);
	});

	it("runs a schedule when an operator asks for it after it failed", async () => {
		await start();
		await rows(
			`insert into pgboss.job (name, source_name, source_output, source_created_on, source_retry_count)
				values ('failed_schedules', 'check_invariants', '{"message": "timed out"}', now(), 2)`,
		);
		const before = await completedOf("check_invariants");
		await studio("rerun_jobs('check_invariants', 'dead', null, 'the disk is free again', $1)", [OPERATOR]);
		await expect.poll(() => completedOf("check_invariants")).toBeGreaterThan(before);
		expect(await rows("select from pgboss.job where name = 'failed_schedules'")).toEqual([]);
	});
});
