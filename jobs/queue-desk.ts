/**
 * What this process and the operators tell each other about queues, in one call a few times a second: how many jobs were
 * finished here, and which queues are paused. Nothing is written while a job runs, and nothing at all when none was.
 *
 * The counts of a process that is killed between two calls are lost; they are figures, not money.
 */
import type { Pool } from "pg";
import type { Logger } from "pino";
import { type FinishedJobs, reportFinishedJobs } from "../db/client/operations.ts";

/** A pause is honoured within a second, of which this is the wait. */
const PERIOD_MS = 400;

export interface QueueDesk {
	isPaused(queue: string): boolean;
	/** Called after each change of what is paused. */
	onChange(listener: () => void): void;
	count(queue: string, outcome: "completed" | "failed"): void;
	/** Reports what is left. */
	stop(): Promise<void>;
}

export interface QueueDeskOptions {
	database: Pool;
	log: Logger;
}

/** Returns when it is known what is paused, so that no paused job is begun by a process that has just started. */
export async function openQueueDesk({ database, log }: QueueDeskOptions): Promise<QueueDesk> {
	const listeners: (() => void)[] = [];
	let paused: ReadonlySet<string> = new Set();
	let counts = new Map<string, FinishedJobs>();
	let running: Promise<void> | null = null;

	const count = (queue: string, completed: number, failed: number) => {
		const sofar = counts.get(queue) ?? { queue, completed: 0, failed: 0 };
		counts.set(queue, { queue, completed: sofar.completed + completed, failed: sofar.failed + failed });
	};
	const report = async () => {
		const finished = [...counts.values()];
		counts = new Map();
		try {
			learn(await reportFinishedJobs(database, finished));
		} catch (error) {
			for (const { queue, completed, failed } of finished) count(queue, completed, failed);
			throw error;
		}
	};
	const learn = (queues: readonly string[]) => {
		if (queues.length === paused.size && queues.every((queue) => paused.has(queue))) return;
		log.info({ paused: queues }, "other queues are paused than before");
		paused = new Set(queues);
		for (const listener of listeners) listener();
	};
	await report();

	const timer = setInterval(() => {
		// What was paused stays so while the database does not answer; neither does it give jobs.
		running ??= report()
			.catch((error: unknown) => log.warn({ err: error }, "finished jobs could not be reported"))
			.finally(() => {
				running = null;
			});
	}, PERIOD_MS);

	return {
		isPaused: (queue) => paused.has(queue),
		onChange: (listener) => listeners.push(listener),
		count: (queue, outcome) => (outcome === "completed" ? count(queue, 1, 0) : count(queue, 0, 1)),
		async stop() {
			clearInterval(timer);
			await running;
			await report();
		},
	};
}
