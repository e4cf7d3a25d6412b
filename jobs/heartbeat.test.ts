import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";

const log = pino({ level: "silent" });
const BEAT_SECONDS = 5;
let database: TestDatabase;
const hearts: Heartbeat[] = [];

beforeAll(async () => {
	database = await createTestDatabase();
});
// A heart's time goes on when a test says so; the database's goes on as ever.
beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(async () => {
	vi.useRealTimers();
	for (const heart of hearts.splice(0)) await heart.stop();
	await rows("delete from worker_heartbeats");
	await rows("delete from graphile_worker._private_jobs");
});
afterAll(() => database.drop());

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

async function start(
	worker_id: string,
	onLost: (error: Error) => void = (error) => expect.fail(error.message),
	onPeers?: (lane: string, count: number) => void,
	held: readonly string[] = [],
) {
	const heart = await startHeartbeat({
		database: database.pool("jobs"),
		workers: [{ worker_id, name: "deliveries", holds: (job_id) => held.includes(job_id) }],
		beat_seconds: BEAT_SECONDS,
		log,
		...(onPeers && { onPeers }),
		onLost,
	});
	hearts.push(heart);
}

async function holdJob(worker_id: string): Promise<void> {
	await rows("select graphile_worker.add_job('send_alert', '{}')");
	await rows(
		"update graphile_worker._private_jobs set locked_by = $1, locked_at = now(), attempts = 1 where locked_by is null",
		[worker_id],
	);
}

const holders = async () =>
	(await rows<{ locked_by: string | null }>("select locked_by from graphile_worker.jobs order by id")).map(
		({ locked_by }) => locked_by,
	);

it("has beaten when it is started", async () => {
	await start("pool-a");
	expect(await rows("select worker_id from worker_heartbeats")).toEqual([{ worker_id: "pool-a" }]);
});

it("knows with each beat how many work beside it, and no longer counts one that was killed", async () => {
	await rows("insert into worker_heartbeats (worker_id, lane, beat_at) values ('pool-notices', 'notices', now())");
	let known = 0;
	await start("pool-a", undefined, (_, count) => {
		known = count;
	});
	expect(known).toBe(1);
	await start("pool-b");
	vi.advanceTimersByTime(BEAT_SECONDS * 1000);
	await expect.poll(() => known).toBe(2);
	await hearts.pop()!.stop();
	await rows("update worker_heartbeats set beat_at = now() - interval '41 seconds' where worker_id = 'pool-b'");
	vi.advanceTimersByTime(BEAT_SECONDS * 1000);
	await expect.poll(() => known).toBe(1);
});

/** Starts a heart and answers how to let it beat until it has so often. */
async function beating(worker_id: string, held: readonly string[] = []): Promise<(until: number) => Promise<void>> {
	const pool = database.pool("jobs");
	let beats = 0;
	await start(worker_id, undefined, () => beats++, held);
	return async (until) => {
		while (beats < until) {
			const before = beats;
			vi.advanceTimersByTime(BEAT_SECONDS * 1000);
			await expect.poll(() => beats, { interval: 5 }).toBe(before + 1);
			// The next one would be left out while this one is still being noted.
			await expect.poll(() => pool.waitingCount + pool.totalCount - pool.idleCount, { interval: 5 }).toBe(0);
		}
	};
}

it("goes on beating while a look at the jobs' locks hangs", async () => {
	const pool = database.pool("jobs");
	let beats = 0;
	await start("pool-a", undefined, () => beats++);
	const holder = await database.pool("admin").connect();
	try {
		await holder.query("begin; lock table graphile_worker._private_jobs");
		const held = () => pool.waitingCount + pool.totalCount - pool.idleCount;
		// The fourth looks; its fence would fall after six more.
		for (let tick = 1; tick <= 12; tick++) {
			vi.advanceTimersByTime(BEAT_SECONDS * 1000);
			await expect.poll(() => beats, { interval: 5 }).toBe(1 + tick);
			await expect.poll(held, { interval: 5 }).toBeLessThanOrEqual(1);
		}
		expect(held()).toBe(1);
	} finally {
		await holder.query("rollback");
		holder.release();
	}
});

it("gives back what is locked under a living worker that is not at work on it, once it was seen twice", async () => {
	for (let job = 0; job < 3; job++) await holdJob("pool-a");
	const [{ id: begun }, { id: forgotten }, { id: fresh }] = (await rows<{ id: string }>(
		"select id::text from graphile_worker.jobs order by id",
	)) as [{ id: string }, { id: string }, { id: string }];
	await rows("update graphile_worker._private_jobs set locked_at = now() - interval '1 minute' where id <> $1", [
		fresh,
	]);
	const beatOn = await beating("pool-a", [begun]);
	await beatOn(5);
	expect(await holders()).toEqual(["pool-a", "pool-a", "pool-a"]);
	await beatOn(8);
	await expect.poll(holders).toEqual(["pool-a", null, "pool-a"]);
	expect(await rows("select attempts from graphile_worker.jobs where id = $1", [forgotten])).toEqual([{ attempts: 0 }]);
});

it("gives back what a worker took that had been given up and beats no more", async () => {
	await holdJob("pool-given-up");
	await rows("update graphile_worker._private_jobs set locked_at = now() - interval '41 seconds'");
	await holdJob("pool-that-starts");
	const beatOn = await beating("pool-a");
	expect(await holders()).toEqual(["pool-given-up", "pool-that-starts"]);
	await beatOn(4);
	await expect.poll(holders).toEqual([null, "pool-that-starts"]);
});

it("gives the jobs of a silent worker back, and leaves those of a living one", async () => {
	await rows("insert into worker_heartbeats (worker_id, beat_at) values ('pool-dead', now())");
	await holdJob("pool-dead");
	await start("pool-a");
	await holdJob("pool-a");
	expect(await holders()).toEqual(["pool-dead", "pool-a"]);
	await rows("update worker_heartbeats set beat_at = now() - interval '41 seconds' where worker_id = 'pool-dead'");
	vi.advanceTimersByTime(BEAT_SECONDS * 1000);
	await expect.poll(holders).toEqual([null, "pool-a"]);
});

it("lets a job whose worker died during its last try fail for good, and says so", async () => {
	await rows("insert into worker_heartbeats (worker_id, beat_at) values ('pool-dead', now() - interval '1 minute')");
	await holdJob("pool-dead");
	await holdJob("pool-dead");
	await rows(
		`update graphile_worker._private_jobs set attempts = max_attempts, last_error = 'of the try before'
			where id = (select max(id) from graphile_worker.jobs)`,
	);
	await start("pool-a");
	const jobs = await rows(
		"select attempts, max_attempts, locked_by, last_error from graphile_worker._private_jobs where payload::text = '{}' order by id",
	);
	expect(jobs).toEqual([
		{ attempts: 1, max_attempts: 25, locked_by: null, last_error: null },
		{ attempts: 25, max_attempts: 25, locked_by: null, last_error: "The worker died during the last try." },
	]);
	expect(await rows("select kind, message from alerts")).toEqual([
		{ kind: "job_failed", message: "A job of the task send_alert failed: The worker died during the last try." },
	]);
});

it("says that the worker must end when it could not beat, before others take its jobs", async () => {
	const onLost = vi.fn<(error: Error) => void>();
	await start("pool-a", onLost);
	await rows("revoke execute on function public.beat_worker from jobs");
	try {
		// Others would take over after forty seconds.
		for (let silent_seconds = BEAT_SECONDS; silent_seconds < 40; silent_seconds += BEAT_SECONDS) {
			expect(onLost).not.toHaveBeenCalled();
			vi.advanceTimersByTime(BEAT_SECONDS * 1000);
		}
		expect(onLost).toHaveBeenCalledExactlyOnceWith(new Error("No heartbeat reached the database for 35 s."));
	} finally {
		await rows("grant execute on function public.beat_worker to jobs");
	}
});
