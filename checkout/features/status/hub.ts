import { Batcher } from "../../../db/client/batcher.ts";
import type { Queryable } from "../../../db/client/call.ts";
import { readTransactions, type TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseListener } from "../../database-listener.ts";

export interface StatusSubscriber {
	changed(record: TransactionRecord): void;
	/** The process is about to stop. */
	ending(): void;
}

const READS_AT_ONCE = 2;
const MOST_IN_READ = 100;
/** More than streams that are opened or told at once. */
const MOST_WAITING = 30_000;
const READ_TIMEOUT_MS = 5_000;
/** After a read that failed. */
const READ_AGAIN_MS = 1_000;

/**
 * Tells subscribers of a transaction each new state of it. Transactions that are to be read at the same moment share a round
 * trip, one read serves all subscribers of a transaction, and announcements that come while it is being read make one more
 * read, not one each.
 */
export class StatusHub {
	readonly #reads: Batcher<string, TransactionRecord | null>;
	readonly #onError: (error: unknown) => void;
	/** Nearly always one subscriber for a transaction. */
	readonly #subscribers = new Map<string, StatusSubscriber[]>();
	readonly #reading = new Set<string>();
	/** Announced again while being read. */
	readonly #due = new Set<string>();
	/** Could not be read; due again when the timer of the first of them ends. */
	readonly #failed = new Set<string>();
	#size = 0;

	constructor(database: Queryable, listener: DatabaseListener, onError: (error: unknown) => void) {
		this.#onError = onError;
		this.#reads = new Batcher({
			run: (transaction_ids) => readTransactions(database, transaction_ids),
			batches_at_once: READS_AT_ONCE,
			most_in_batch: MOST_IN_READ,
			most_waiting: MOST_WAITING,
			timeout_ms: READ_TIMEOUT_MS,
		});
		listener.on("transaction_status", (transaction_id) => this.#changed(transaction_id));
		// Announcements made while nobody listened are lost: look at everything that somebody waits for.
		listener.on("connected", () => {
			for (const transaction_id of this.#subscribers.keys()) this.#changed(transaction_id);
		});
	}

	/** Subscriptions now open. */
	get size(): number {
		return this.#size;
	}

	countOf(transaction_id: string): number {
		return this.#subscribers.get(transaction_id)?.length ?? 0;
	}

	/** The present state, by an id that is a uuid; null when there is no such transaction. */
	read(transaction_id: string): Promise<TransactionRecord | null> {
		return this.#reads.submit(transaction_id);
	}

	/** Returns what ends the subscription. Subscribe first and read the present state after, or a change is missed. */
	subscribe(transaction_id: string, subscriber: StatusSubscriber): () => void {
		const others = this.#subscribers.get(transaction_id);
		if (others === undefined) this.#subscribers.set(transaction_id, [subscriber]);
		else others.push(subscriber);
		this.#size++;
		return () => {
			const subscribers = this.#subscribers.get(transaction_id);
			const place = subscribers?.indexOf(subscriber) ?? -1;
			if (subscribers === undefined || place < 0) return;
			subscribers.splice(place, 1);
			this.#size--;
			if (subscribers.length === 0) this.#subscribers.delete(transaction_id);
		};
	}

	/** Before the server stops: streams never end by themselves in time. */
	endAll(): void {
		for (const subscribers of [...this.#subscribers.values()]) {
			for (const subscriber of [...subscribers]) subscriber.ending();
		}
	}

	#changed(transaction_id: string): void {
		if (!this.#subscribers.has(transaction_id)) return;
		if (this.#reading.has(transaction_id)) {
			this.#due.add(transaction_id);
			return;
		}
		this.#reading.add(transaction_id);
		this.read(transaction_id)
			.then((record) => {
				if (record === null) return;
				for (const subscriber of [...(this.#subscribers.get(transaction_id) ?? [])]) subscriber.changed(record);
			})
			.catch((error) => {
				this.#onError(error);
				this.#readLater(transaction_id);
			})
			.finally(() => {
				this.#reading.delete(transaction_id);
				if (this.#due.delete(transaction_id)) this.#changed(transaction_id);
			});
	}

	/** The announcement does not come again. */
	#readLater(transaction_id: string): void {
		if (this.#failed.size === 0) {
			setTimeout(() => {
				const failed = [...this.#failed];
				this.#failed.clear();
				for (const each of failed) this.#changed(each);
			}, READ_AGAIN_MS).unref();
		}
		this.#failed.add(transaction_id);
	}
}
