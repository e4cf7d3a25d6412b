import type { TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseClock } from "../../database-clock.ts";
import type { EventConnection } from "./event-connection.ts";
import type { StatusSubscriber } from "./hub.ts";

const HEARTBEAT_MS = 15_000;
/** Streams beat one after the other, some in each tick: all at once would hold everything else up. */
const TICK_MS = 50;
/** Browsers of a process that stopped come back within this time, and not all at once. */
const RECONNECT_MS = { from: 2_000, to: 5_000 };
/** A reader that takes nothing for long is dropped; it reconnects and resumes. */
const MOST_UNREAD_BYTES = 64 * 1024;

/** A failed or expired payment can still be paid by another try until retry_until. */
export function isFinal({ view, retry_until }: TransactionRecord, now: number): boolean {
	switch (view.status) {
		case "created":
		case "pending":
			return false;
		case "failed":
		case "expired":
			return now >= Date.parse(retry_until);
		default:
			return true;
	}
}

/** One browser following one transaction by server-sent events; an event's id is the transaction's version. */
export class StatusStream implements StatusSubscriber {
	readonly #clock: DatabaseClock;
	#connection: EventConnection | null = null;
	#seen_version: number;
	#is_ended = false;
	/** Came before the stream was opened. */
	#early: TransactionRecord | null = null;
	#closing: NodeJS.Timeout | undefined;

	/** `last_event_id`: the version that the browser has seen; 0 or not a number when none. */
	constructor(clock: DatabaseClock, last_event_id: number) {
		this.#clock = clock;
		this.#seen_version = Number.isSafeInteger(last_event_id) && last_event_id > 0 ? last_event_id : 0;
	}

	/** The process is stopping: it is not to be opened any more. */
	get is_ended(): boolean {
		return this.#is_ended;
	}

	hasSeen(record: TransactionRecord): boolean {
		return this.#seen_version === record.version;
	}

	open(connection: EventConnection, record: TransactionRecord): void {
		// A version from the future is not of this database (it was restored, or the id is made up).
		if (this.#seen_version > record.version) this.#seen_version = 0;
		this.#connection = connection;
		const { from, to } = RECONNECT_MS;
		connection.write(`retry: ${Math.round(from + Math.random() * (to - from))}\n\n`);
		const newest = this.#early !== null && this.#early.version > record.version ? this.#early : record;
		this.#early = null;
		this.changed(newest);
	}

	changed(record: TransactionRecord): void {
		if (this.#connection === null) {
			this.#early = record;
			return;
		}
		if (record.version < this.#seen_version || this.#is_ended) return;
		if (record.version > this.#seen_version) {
			this.#seen_version = record.version;
			this.#write(`event: status\nid: ${record.version}\ndata: ${JSON.stringify(record.view)}\n\n`);
		}
		clearTimeout(this.#closing);
		const now = this.#clock.now();
		if (isFinal(record, now)) this.ending();
		else if (record.view.status === "failed" || record.view.status === "expired") {
			this.#closing = setTimeout(() => this.ending(), Date.parse(record.retry_until) - now);
		}
	}

	beat(): void {
		this.#write(": heartbeat\n\n");
	}

	#write(text: string): void {
		if (this.#connection === null) return;
		if (this.#connection.unread > MOST_UNREAD_BYTES) this.#connection.destroy();
		else this.#connection.write(text);
	}

	ending(): void {
		this.#is_ended = true;
		clearTimeout(this.#closing);
		this.#connection?.end();
	}
}

/** A set whose streams each beat every HEARTBEAT_MS, in turn. */
export function beatStreams(): Set<StatusStream> {
	const streams = new Set<StatusStream>();
	let turn = streams.values();
	let due = 0;
	setInterval(() => {
		due += streams.size * TICK_MS;
		for (; due >= HEARTBEAT_MS; due -= HEARTBEAT_MS) {
			let next = turn.next();
			if (next.done) {
				turn = streams.values();
				next = turn.next();
			}
			next.value?.beat();
		}
	}, TICK_MS).unref();
	return streams;
}
