/**
 * One connection that hears of new jobs for all lanes.
 *
 * Each commit that adds jobs wakes every connection that listens, and every lane it reaches looks for jobs. With a connection a
 * lane, each of a payment's jobs would wake a dozen of them, nearly all to find nothing. So one connection listens, and a lane
 * that need not be prompt is told of the first job at once and of those that follow only so often (`quiet_ms`).
 */
import { EventEmitter } from "node:events";
import type { Notification, Pool, PoolClient } from "pg";

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
	poolFor(quiet_ms: number): Pool {
		const connect = (callback?: ConnectCallback) => {
			if (callback === undefined) return this.#pool.connect().then(repeatVictims);
			this.#connection ??= this.#listen();
			return this.#connection.then(
				() => {
					const listener = new LaneListener(quiet_ms);
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
			await client.query('listen "jobs:insert"; listen "worker:migrate"');
			return client;
		} catch (error) {
			lose(error as Error);
			throw error;
		}
	}
}

const DEADLOCK_DETECTED = "40P01";
const MOST_TRIES = 5;

/**
 * Jobs are finished many at a time, and whoever adds jobs again under keys that running ones have takes their rows too: the order
 * may differ. A deadlock's victim has done nothing and may repeat it; Graphile Worker does not (its batches say that they retry, and stop at the first error), and would end the lane.
 */
function repeatVictims(client: PoolClient): PoolClient {
	const run = client.query.bind(client) as (...query: unknown[]) => Promise<unknown>;
	const query = async (...asked: unknown[]): Promise<unknown> => {
		for (let tries = 1; ; tries++) {
			try {
				return await run(...asked);
			} catch (error) {
				if ((error as { code?: string }).code !== DEADLOCK_DETECTED || tries === MOST_TRIES) throw error;
			}
		}
	};
	return Object.create(client, { query: { value: query } }) as PoolClient;
}

class LaneListener extends EventEmitter implements Hearer {
	readonly #quiet_ms: number;
	#quiet: NodeJS.Timeout | null = null;
	/** Came while it was quiet. */
	#missed: Notification | null = null;

	constructor(quiet_ms: number) {
		super();
		this.#quiet_ms = quiet_ms;
	}

	/** The connection listens already, and goes on for other lanes when this one does not. */
	query(): Promise<void> {
		return Promise.resolve();
	}

	hear(message: Notification): void {
		if (message.channel !== "jobs:insert" || this.#quiet_ms === 0) {
			this.emit("notification", message);
		} else if (this.#quiet !== null) {
			this.#missed = message;
		} else {
			this.#quiet = setTimeout(() => {
				const missed = this.#missed;
				this.#quiet = null;
				this.#missed = null;
				if (missed !== null) this.hear(missed);
			}, this.#quiet_ms).unref();
			this.emit("notification", message);
		}
	}

	lose(error: Error): void {
		this.emit("error", error);
	}
}
