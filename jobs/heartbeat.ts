/**
 * Who is alive, and who takes over.
 *
 * Graphile Worker locks a job under its pool's id and, when the process is killed, leaves it locked for four hours. So each
 * pool beats in the database, and every process gives the jobs of pools that have gone silent back to the queue:
 *
 *   beat      every 5 s
 *   fence     a process that could not beat for 30 s ends itself: by then it cannot tell whether its jobs are still its own
 *   take-over of pools silent for 40 s, looked for every 5 s: at most 45 s after a kill, and never while the owner,
 *             which the fence has ended 10 s before, may still be working
 *   return    of jobs locked under a pool that knows nothing of them: the answer to its asking for jobs was lost, or the database
 *             went down with a completion that was not flushed. Looked for every 20 s; seen twice, they go back.
 *             So does what a process took that had been given up and went on for a moment, and beats no more.
 */
import type { Pool, PoolClient } from "pg";
import type { Logger } from "pino";
import {
	beatWorkers,
	listDeadWorkers,
	listStaleLocks,
	raiseAlert,
	returnJob,
	type StaleLock,
} from "../db/client/operations.ts";
import { failedJobAlert } from "./failure-alerts.ts";
import { inTransaction } from "./transaction.ts";

const FENCE_BEATS = 6;
const DEAD_BEATS = 8;
const LOOK_BEATS = 4;

export interface BeatingWorker {
	/** Under which its jobs are locked, and which therefore beats. */
	worker_id: string;
	/** Its lane's. */
	name: string;
	/** Whether it is at work on that job. */
	holds(job_id: string): boolean;
}

export interface HeartbeatOptions {
	database: Pool;
	/** Read at each beat: one that starts later is added to it. */
	workers: readonly BeatingWorker[];
	beat_seconds: number;
	log: Logger;
	/** Called with each beat: how many workers of the lane are alive, this process's included. */
	onPeers?(lane: string, count: number): void;
	/** Called once, when this process must no longer work. */
	onLost(error: Error): void;
}

export interface Heartbeat {
	stop(): Promise<void>;
}

/** Returns after the first beat. It must go on before the first lane works: starting all of them may take long. */
export async function startHeartbeat(options: HeartbeatOptions): Promise<Heartbeat> {
	const { database, workers, beat_seconds, log, onPeers, onLost } = options;
	// A beat counts from when it was sent: the database may have noted it no later than that.
	let last_beat = performance.now();
	let is_stopped = false;
	let looks = 0;
	let forgotten: ReadonlySet<string> = new Set();

	const beat = async () => {
		const sent_at = performance.now();
		const beating = [...workers];
		const counts = await beatWorkers(database, beating);
		for (const [i, { name }] of beating.entries()) onPeers?.(name, counts[i]!);
		last_beat = sent_at;
	};
	const lookAfterOthers = async () => {
		const is_look = ++looks % LOOK_BEATS === 0;
		const stale = is_look
			? await listStaleLocks(
					database,
					workers.map(({ worker_id }) => worker_id),
					beat_seconds * LOOK_BEATS,
					beat_seconds * DEAD_BEATS,
				)
			: [];
		const lost = stale.filter(({ is_own }) => !is_own).map(({ worker_id }) => worker_id);
		await releaseDead(database, beat_seconds * DEAD_BEATS, lost, log);
		if (is_look) {
			const own = stale.filter(({ is_own }) => is_own);
			forgotten = await returnForgotten(database, workers, own, forgotten, log);
		}
	};
	await beat();
	await lookAfterOthers();

	const underWay = new Map<() => Promise<void>, Promise<void>>();
	const runUnlessUnderWay = (work: () => Promise<void>, failed: string) => {
		if (underWay.has(work)) return;
		const run = work()
			.catch((error: unknown) => {
				if (!is_stopped) log.warn({ err: error }, failed);
			})
			.finally(() => underWay.delete(work));
		underWay.set(work, run);
	};
	const timer = setInterval(() => {
		const silent_seconds = (performance.now() - last_beat) / 1000;
		if (silent_seconds > beat_seconds * FENCE_BEATS) {
			clearInterval(timer);
			onLost(new Error(`No heartbeat reached the database for ${Math.round(silent_seconds)} s.`));
			return;
		}
		// A query that hangs must not hide the silence: the next tick checks it again. Nor must one about others' jobs make it.
		runUnlessUnderWay(beat, "heartbeat failed");
		runUnlessUnderWay(lookAfterOthers, "looking after other workers' jobs failed");
	}, beat_seconds * 1000);

	return {
		async stop() {
			is_stopped = true;
			clearInterval(timer);
			await Promise.all(underWay.values());
		},
	};
}

/**
 * Gives back what was seen forgotten at the last look too: what a worker has taken and not begun goes back by itself meanwhile, and
 * what it has just finished is written down. Answers what this look has seen.
 */
async function returnForgotten(
	database: Pool,
	workers: readonly BeatingWorker[],
	locks: readonly StaleLock[],
	before: ReadonlySet<string>,
	log: Logger,
): Promise<ReadonlySet<string>> {
	const forgotten = locks.filter(
		({ job_id, worker_id }) => !workers.some((worker) => worker.worker_id === worker_id && worker.holds(job_id)),
	);
	const returned = forgotten.filter(({ locking }) => before.has(locking));
	for (const { job_id, worker_id } of returned) await returnJob(database, job_id, worker_id);
	if (returned.length > 0) {
		const job_ids = returned.map(({ job_id }) => job_id);
		log.warn({ job_ids }, "jobs that nobody was at work on are back in the queue");
	}
	return new Set(forgotten.map(({ locking }) => locking));
}

interface LastTry {
	id: string;
	task_identifier: string;
}

/** In one transaction: a process killed between forgetting a dead worker and unlocking its jobs would lose them. */
async function releaseDead(database: Pool, after_seconds: number, lost: readonly string[], log: Logger): Promise<void> {
	const worker_ids = await inTransaction(database, async (client) => {
		const dead = [...new Set([...(await listDeadWorkers(client, after_seconds)), ...lost])];
		if (dead.length === 0) return dead;
		// Once unlocked they look like jobs that failed in the ordinary way, whose last error may be of an earlier try.
		const { rows: last_tries } = await client.query<LastTry>(
			`select id::text, task_identifier from graphile_worker.jobs
				where locked_by = any ($1) and attempts >= max_attempts`,
			[dead],
		);
		await client.query("select graphile_worker.force_unlock_workers($1)", [dead]);
		if (last_tries.length > 0) await bury(client, last_tries);
		return dead;
	});
	if (worker_ids.length > 0) log.warn({ worker_ids }, "workers went silent: their jobs are back in the queue");
}

/**
 * A job whose worker died during its last try is unlocked and yet never run again, and nobody has said so: no error, no
 * alert. It becomes a job that has failed for good, like any other. (Not given another try: it may be what kills workers.)
 */
async function bury(client: PoolClient, last_tries: readonly LastTry[]): Promise<void> {
	await client.query("select graphile_worker.permanently_fail_jobs($1::bigint[], $2)", [
		last_tries.map(({ id }) => id),
		"The worker died during the last try.",
	]);
	for (const { id, task_identifier } of last_tries) {
		await raiseAlert(client, failedJobAlert(task_identifier, id, "The worker died during the last try."));
	}
}
