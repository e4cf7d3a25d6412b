/**
 * One connection that hears of new jobs for all lanes.
 *
 * Each commit that adds jobs wakes every connection that listens, and every lane it reaches looks for jobs: through those of all
 * lanes, as they are in one table. With a connection a lane, each of a payment's jobs would wake a dozen of them, nearly all to find
 * nothing, and the more there is to do the longer each takes to find that. So one connection listens, and SQL that adds jobs
 * somebody waits for names their lane (channel `job_lane`). That lane is told at once, or so long after it was told last as it
 * may be quiet; of all others' jobs a lane is told once a second.
 */
import { EventEmitter } from "node:events";
import type { Notification, Pool, PoolClient } from "pg";
import { askAgain } from "../db/client/pool.ts";

/** Graphile Worker's, of any job. */
const ANY_JOB = "jobs:insert";
/** Of jobs of one lane, which is the payload. */
const LANE = "job_lane";
/** Between two looks for jobs that nobody waits for. */
const QUIET_MS = 1000;

export interface LaneHearing {
	name: string;
	/** Between two looks for jobs that somebody waits for; of a lane that SQL names. */
	quiet_ms?: number;
}

type ConnectCallback = (error: Error | undefined, client: unknown, release: () => void) => void;

interface Hearer {
	hear(message: Notification): void;
	lose(error: Error): void;
}

export class WakeUpCall {
	readonly #pool: Pool;
	readonly #lanes = new Set<Hearer>();
	#connection: Promise<PoolClient> | null = null;

	constructor(pool: Pool) {
		this.#pool = pool;
	}

	/**
	 * The pool as one lane sees it. Graphile Worker asks with a callback for the connection that it listens on, and with a promise
	 * for those it works on; of the former it uses what LaneListener has.
	 */
	poolFor(lane: LaneHearing): Pool {
		const connect = (callback?: ConnectCallback) => {
			if (callback === undefined) return this.#pool.connect().then(repeatVictims);
			this.#connection ??= this.#listen();
			return this.#connection.then(
				() => {
					const listener = new LaneListener(lane);
					this.#lanes.add(listener);
					callback(undefined, listener, () => this.#leave(listener));
				},
				(error: Error) => callback(error, undefined, () => {}),
			);
		};
		// The pool's own query asks with a callback too.
		const query = this.#pool.query.bind(this.#pool);
		return Object.create(this.#pool, { connect: { value: connect }, query: { value: query } }) as Pool;
	}

	/** The last to go closes the connection. */
	async #leave(listener: LaneListener): Promise<void> {
		if (!this.#lanes.delete(listener) || this.#lanes.size > 0) return;
		const connection = this.#connection;
		this.#connection = null;
		(await connection)?.release(true);
	}

	async #listen(): Promise<PoolClient> {
		let is_lost = false;
		let client: PoolClient | null = null;
		const lose = (error: Error) => {
			if (is_lost) return;
			is_lost = true;
			this.#connection = null;
			client?.release(error);
			// Each lane asks for a connection again; of jobs added meanwhile its poll tells it.
			const lanes = [...this.#lanes];
			this.#lanes.clear();
			for (const lane of lanes) lane.lose(error);
		};
		try {
			client = await this.#pool.connect();
			client.on("error", lose);
			client.on("notification", (message) => {
				for (const lane of this.#lanes) lane.hear(message);
			});
			await client.query(`listen "${ANY_JOB}"; listen "worker:migrate"; listen ${LANE}`);
			return client;
		} catch (error) {
			lose(error as Error);
			throw error;
		}
	}
}

/**
 * Jobs are finished many at a time, and whoever adds jobs again under keys that running ones have takes their rows too: the order
 * may differ. A deadlock's victim has done nothing and may repeat it; Graphile Worker does not (its batches say that they retry,
 * and stop at the first error), and would end the lane.
 */
function repeatVictims(client: PoolClient): PoolClient {
	const run = client.query.bind(client) as (...query: unknown[]) => Promise<unknown>;
	const query = (...asked: unknown[]) => askAgain(() => run(...asked));
	return Object.create(client, { query: { value: query } }) as PoolClient;
}

class LaneListener extends EventEmitter implements Hearer {
	readonly #lane: LaneHearing;
	#told_at = Number.NEGATIVE_INFINITY;
	/** When the lane is told of what came while it was quiet. */
	#due_at = Number.POSITIVE_INFINITY;
	#due: NodeJS.Timeout | undefined;

	constructor(lane: LaneHearing) {
		super();
		this.#lane = lane;
	}

	/** The connection listens already, and goes on for other lanes when this one does not. */
	query(): Promise<void> {
		return Promise.resolve();
	}

	hear(message: Notification): void {
		if (message.channel === LANE) {
			if (message.payload === this.#lane.name) this.#tell(this.#lane.quiet_ms ?? QUIET_MS);
		} else if (message.channel === ANY_JOB) {
			this.#tell(QUIET_MS);
		} else {
			this.emit("notification", message);
		}
	}

	lose(error: Error): void {
		this.emit("error", error);
	}

	#tell(quiet_ms: number): void {
		const now = performance.now();
		const due_at = this.#told_at + quiet_ms;
		if (due_at > now) {
			if (due_at >= this.#due_at) return;
			clearTimeout(this.#due);
			this.#due_at = due_at;
			this.#due = setTimeout(() => this.#tell(0), due_at - now).unref();
			return;
		}
		clearTimeout(this.#due);
		this.#told_at = now;
		this.#due_at = Number.POSITIVE_INFINITY;
		this.emit("notification", { channel: ANY_JOB });
	}
}
