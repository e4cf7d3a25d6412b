import { DomainError } from "./errors.ts";

export interface BatcherOptions<Request, Result> {
	/** Answers in the order of the requests; an error in the place of an answer is that request's alone. */
	run: (requests: Request[]) => Promise<(Result | Error)[]>;
	batches_at_once: number;
	/** So many must wait before a call starts beside one that runs: fewer, larger calls cost less. Default: one. */
	least_beside?: number;
	/**
	 * A call starts so long after the one before, unless a handful waits. A request that comes after such a pause still goes at
	 * once; of those that trickle in, more share a call. Default: 0.
	 */
	apart_ms?: number;
	/** How many there are that may ask, each for one thing at a time: when all have, nobody is waited for. Default: no end of them. */
	callers?: () => number;
	most_in_batch: number;
	/** Requests that may wait for a free call; the next one is refused at once. */
	most_waiting: number;
	/** A request that would wait longer than this for its call, as calls take now, is refused at once. Default: none is. */
	longest_wait_ms?: number;
	/** From a request's arrival to its answer. */
	timeout_ms: number;
	onBatch?: (size: number, seconds: number) => void;
	onShed?: (reason: "full" | "timed_out") => void;
}

/** With so many a call has little to gain from a few more. */
const HANDFUL = 16;

interface Waiter<Request, Result> {
	request: Request;
	resolve: (result: Result) => void;
	reject: (error: unknown) => void;
	gives_up_at: number;
	answered: boolean;
}

/**
 * Has requests that arrive together share one call. What one turn of the event loop read from its sockets goes together;
 * a lone request goes at once; when all calls are taken the rest gathers, so calls grow with the load by themselves.
 */
export class Batcher<Request, Result> {
	readonly #options: BatcherOptions<Request, Result>;
	/** Oldest first. */
	#waiting: Waiter<Request, Result>[] = [];
	/** With their start; oldest first. */
	readonly #running = new Map<Waiter<Request, Result>[], number>();
	/** What calls took of late. */
	#call_ms = 0;
	#planned = false;
	/** When the newest call started. */
	#started_at = Number.NEGATIVE_INFINITY;
	/** Until the next may start. */
	#pause: NodeJS.Timeout | undefined;
	#timer: NodeJS.Timeout | undefined;

	constructor(options: BatcherOptions<Request, Result>) {
		this.#options = options;
	}

	get waiting(): number {
		return this.#waiting.length;
	}

	submit(request: Request): Promise<Result> {
		const { most_waiting, longest_wait_ms = Number.POSITIVE_INFINITY } = this.#options;
		if (this.#waiting.length >= most_waiting || this.#expectedWait() > longest_wait_ms) {
			this.#options.onShed?.("full");
			return Promise.reject(busy());
		}
		return new Promise((resolve, reject) => {
			const gives_up_at = performance.now() + this.#options.timeout_ms;
			this.#waiting.push({ request, resolve, reject, gives_up_at, answered: false });
			this.#timer ??= setTimeout(() => this.#giveUp(), this.#options.timeout_ms);
			if (this.#planned) return;
			this.#planned = true;
			setImmediate(() => {
				this.#planned = false;
				this.#send();
			});
		});
	}

	/** Milliseconds until the call of a request that comes now; under load, when it matters, calls are full. */
	#expectedWait(): number {
		const { most_in_batch, batches_at_once } = this.#options;
		if (this.#running.size < batches_at_once) return 0;
		const [oldest] = this.#running.values();
		const call_ms = Math.max(this.#call_ms, performance.now() - oldest!);
		return ((Math.floor(this.#waiting.length / most_in_batch) + 1) * call_ms) / batches_at_once;
	}

	#send(): void {
		const { batches_at_once, least_beside = 1 } = this.#options;
		while (
			this.#waiting.length >= (this.#running.size === 0 ? 1 : least_beside) &&
			this.#running.size < batches_at_once
		) {
			const pause_ms = this.#pauseBefore();
			if (pause_ms > 0) {
				this.#pause ??= setTimeout(() => {
					this.#pause = undefined;
					this.#send();
				}, pause_ms);
				return;
			}
			void this.#run(this.#waiting.splice(0, this.#options.most_in_batch));
		}
	}

	/** Milliseconds that those who wait shall wait for more. */
	#pauseBefore(): number {
		const { apart_ms = 0, callers, most_in_batch } = this.#options;
		if (this.#waiting.length >= Math.min(HANDFUL, most_in_batch)) return 0;
		const pause_ms = this.#started_at + apart_ms - performance.now();
		if (pause_ms <= 0 || callers === undefined) return pause_ms;
		const asked = [...this.#running.keys()].reduce((sum, batch) => sum + batch.length, this.#waiting.length);
		return asked < callers() ? pause_ms : 0;
	}

	async #run(batch: Waiter<Request, Result>[]): Promise<void> {
		const started = performance.now();
		this.#started_at = started;
		this.#running.set(batch, started);
		let results: (Result | Error)[];
		try {
			results = await this.#options.run(batch.map(({ request }) => request));
		} catch (cause) {
			const error = cause instanceof Error ? cause : new Error(String(cause));
			results = batch.map(() => error);
		}
		this.#running.delete(batch);
		const took = performance.now() - started;
		this.#call_ms = this.#call_ms === 0 ? took : this.#call_ms * 0.8 + took * 0.2;
		this.#options.onBatch?.(batch.length, took / 1000);
		// Before the answers are given: the database works on the next call while this process writes them.
		this.#send();
		batch.forEach((waiter, i) => {
			const result = results[i]!;
			waiter.answered = true;
			if (result instanceof Error) waiter.reject(result);
			else waiter.resolve(result);
		});
	}

	/** One timer for all: set for the oldest, and set again for whoever is the oldest by then. */
	#giveUp(): void {
		const now = performance.now();
		const late = (waiter: Waiter<Request, Result>) => !waiter.answered && waiter.gives_up_at <= now;
		const running = [...this.#running.keys()].flat();
		for (const waiter of [...running, ...this.#waiting].filter(late)) {
			waiter.answered = true;
			this.#options.onShed?.("timed_out");
			// A call that is under way may still do what was asked; whoever asks again finds it done.
			waiter.reject(busy());
		}
		this.#waiting = this.#waiting.filter((waiter) => !waiter.answered);
		const next = [...running, ...this.#waiting].filter((waiter) => !waiter.answered).map((each) => each.gives_up_at);
		this.#timer =
			next.length === 0 ? undefined : setTimeout(() => this.#giveUp(), Math.max(1, Math.min(...next) - now));
	}
}

/**
 * Runs all in one call; where that fails, each in a call of its own, so that one which the database cannot take spoils no
 * other. What a call did before it failed must be undone, as a statement's is. A DomainError says what is wrong with all of them, such
 * as a database that cannot be reached: it is thrown.
 */
export async function togetherOrAlone<Request, Result>(
	requests: Request[],
	run: (requests: Request[]) => Promise<Result[]>,
	onFailure: (error: unknown) => void,
): Promise<(Result | Error)[]> {
	try {
		return await run(requests);
	} catch (error) {
		if (error instanceof DomainError || requests.length === 1) throw error;
		onFailure(error);
	}
	const results: (Result | Error)[] = [];
	for (const request of requests) {
		try {
			results.push((await run([request]))[0]!);
		} catch (error) {
			results.push(error instanceof Error ? error : new Error(String(error)));
		}
	}
	return results;
}

function busy(): DomainError {
	return new DomainError("service_unavailable", {
		message: "The service is busy. Try again as Retry-After says.",
		retry_after_seconds: 1,
	});
}
