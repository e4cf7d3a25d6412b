import { EventEmitter } from "node:events";
import { Logger as GraphileLogger, run, type WorkerEvents } from "graphile-worker";
import type { Pool } from "pg";
import type { Logger } from "pino";
import { beatWorkers } from "../db/client/operations.ts";
import type { BeatingWorker } from "./heartbeat.ts";
import type { QueueDesk } from "./queue-desk.ts";
import type { Services } from "./task.ts";
import { type Lane, toTaskList } from "./task-list.ts";
import { inTransaction } from "./transaction.ts";
import type { WakeUpCall } from "./wake-up-call.ts";

export interface StartedLane extends BeatingWorker {
	/** Settles when the lane no longer works, for whatever reason. */
	ended: Promise<void>;
	/** Takes no more jobs, finishes what runs within the time and hands back what does not; then the process must end. */
	stop(timeout_ms: number): Promise<void>;
}

/** A call that is cut off may still arrive at the PSP; by then it must be there to be found. */
const HAND_BACK_DELAY_SECONDS = 10;

/**
 * Starts one lane.
 *
 * Jobs are fetched in batches into Graphile Worker's local queue, and completions are written in batches: one query for
 * fifty jobs instead of a hundred, which leaves the database to the payments (no-op jobs: 20,000/s instead of 2,000/s).
 * Its price is bounded on purpose: the local queue is no longer than the lane is wide, so a job waits for at most one
 * other; after five seconds unstarted jobs go back for other workers; and as they are locked under the pool's id like
 * running ones, the heartbeat frees them in the same time when the process is killed. A completion not yet written is a
 * job that runs twice, which every task bears anyway.
 *
 * `onBeating` is told of the lane as soon as it has beaten for the first time, when it may hold jobs already.
 */
export async function startLane(
	lane: Lane,
	services: Services,
	desk: QueueDesk,
	wake_up: WakeUpCall,
	onBeating: (worker: BeatingWorker) => void = () => {},
): Promise<StartedLane> {
	const { database } = services;
	const pool = wake_up.poolFor(lane);
	const log = services.log.child({ lane: lane.name });
	const running = new Map<string, number>();
	const holds = (job_id: string) => running.has(job_id);
	const created = Promise.withResolvers<BeatingWorker>();
	const events: WorkerEvents = new EventEmitter();
	// The first fetch is behind this beat in the pool's queue and in the log: no job is ever held by one that nobody watches.
	events.once("pool:create", ({ workerPool }) => {
		const worker = { worker_id: workerPool.id, name: lane.name, holds };
		created.resolve(
			beatWorkers(pool, [worker]).then(() => {
				onBeating(worker);
				return worker;
			}),
		);
	});
	events.on("job:start", ({ job }) => running.set(String(job.id), job.attempts));
	events.on("job:complete", ({ job }) => running.delete(String(job.id)));
	const tasks = toTaskList(lane, services, desk);
	const runner = await run({
		pgPool: pool,
		schema: "graphile_worker",
		taskList: tasks.list,
		parsedCronItems: [],
		events,
		noHandleSignals: true,
		logger: toGraphileLogger(log, tasks.lookUpAgain),
		preset: {
			worker: {
				concurrentJobs: lane.concurrency,
				pollInterval: 2000,
				localQueue: { size: lane.concurrency, ttl: 5000 },
				// Nobody waits for a job to be written down as done; the next is taken meanwhile.
				completeJobBatchDelay: 20,
				failJobBatchDelay: 2,
			},
		},
	});
	const worker = await created.promise;

	return {
		...worker,
		ended: runner.promise,
		async stop(timeout_ms) {
			if (await endsWithin(timeout_ms, runner.stop())) return;
			log.warn({ job_ids: [...running.keys()] }, "jobs that did not finish in time are handed back");
			await handBack(database, worker.worker_id, running);
		},
	};
}

/** Graphile Worker's own way would count the try and, were it the last, bury the job. */
async function handBack(database: Pool, worker_id: string, jobs: ReadonlyMap<string, number>): Promise<void> {
	await inTransaction(database, async (client) => {
		await client.query("select graphile_worker.force_unlock_workers(array[$1::text])", [worker_id]);
		await client.query(
			`select graphile_worker.reschedule_jobs(array[id], run_at => now() + $3 * interval '1 second', attempts => attempts - 1)
				from unnest($1::bigint[], $2::integer[]) as job (id, attempts)`,
			[[...jobs.keys()], [...jobs.values()], HAND_BACK_DELAY_SECONDS],
		);
	});
}

async function endsWithin(timeout_ms: number, work: Promise<unknown>): Promise<boolean> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<false>((resolve) => {
		timer = setTimeout(resolve, timeout_ms, false);
	});
	try {
		return await Promise.race([work.then(() => true), timeout]);
	} finally {
		clearTimeout(timer);
	}
}

/** What a job did is logged by task-list.ts; the library's lines about it would repeat it, payload included. */
function toGraphileLogger(log: Logger, onError: () => void): GraphileLogger {
	return new GraphileLogger(() => (level, message, meta) => {
		if (meta.job !== undefined || meta.failure === true) return;
		// Fewer connections than jobs at a time is as meant: a job holds one only while a statement runs.
		if (meta.max !== undefined && meta.concurrency !== undefined) return;
		if (level === "error") {
			log.error({ err: meta.error }, message);
			// A fetch that failed is told of in no other way.
			onError();
		} else if (level === "warning") log.warn(message);
		else log.debug(message);
	});
}
