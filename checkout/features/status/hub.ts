import type { Queryable } from "../../../db/client/call.ts";
import { readTransaction, type TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseListener } from "../../database-listener.ts";

export interface StatusSubscriber {
	changed(record: TransactionRecord): void;
	/** The process is about to stop. */
	ending(): void;
}

const READS_AT_ONCE = 4;
/** After a read that failed. */
const READ_AGAIN_MS = 1_000;

/**
 * Tells subscribers of a transaction each new state of it. One read serves all subscribers of a transaction, and
 * announcements that come while it is being read make one more read, not one each.
 */
export class StatusHub {
	readonly #database: Queryable;
	readonly #onError: (error: unknown) => void;
	readonly #subscribers = new Map<string, Set<StatusSubscriber>>();
	/** Waiting to be read. */
	readonly #due = new Set<string>();
	/** Could not be read; due again when the timer of the first of them ends. */
	readonly #failed = new Set<string>();
	#reading = 0;
	#size = 0;

	constructor(database: Queryable, listener: DatabaseListener, onError: (error: unknown) => void) {
		this.#database = database;
		this.#onError = onError;
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
		return this.#subscribers.get(transaction_id)?.size ?? 0;
	}

	/** Returns what ends the subscription. Subscribe first and read the present state after, or a change is missed. */
	subscribe(transaction_id: string, subscriber: StatusSubscriber): () => void {
		let subscribers = this.#subscribers.get(transaction_id);
		if (subscribers === undefined) {
			subscribers = new Set();
			this.#subscribers.set(transaction_id, subscribers);
		}
		subscribers.add(subscriber);
		this.#size++;
		return () => {
			if (!subscribers.delete(subscriber)) return;
			this.#size--;
			if (subscribers.size === 0 && this.#subscribers.get(transaction_id) === subscribers) {
				this.#subscribers.delete(transaction_id);
			}
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
		this.#due.add(transaction_id);
		this.#readNext();
	}

	#readNext(): void {
		while (this.#reading < READS_AT_ONCE) {
			const [transaction_id] = this.#due;
			if (transaction_id === undefined) return;
			this.#due.delete(transaction_id);
			this.#reading++;
			this.#tell(transaction_id)
				.catch((error) => {
					this.#onError(error);
					this.#readLater(transaction_id);
				})
				.finally(() => {
					this.#reading--;
					this.#readNext();
				});
		}
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

	async #tell(transaction_id: string): Promise<void> {
		if (!this.#subscribers.has(transaction_id)) return;
		const record = await readTransaction(this.#database, transaction_id);
		if (record === null) return;
		for (const subscriber of [...(this.#subscribers.get(transaction_id) ?? [])]) subscriber.changed(record);
	}
}
