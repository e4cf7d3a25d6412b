import type { ServerResponse } from "node:http";
import type { TransactionRecord } from "../../../db/client/payments.ts";
import type { DatabaseClock } from "../../database-clock.ts";

const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;
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
export class StatusStream {
	readonly #res: ServerResponse;
	readonly #clock: DatabaseClock;
	#seen_version: number;
	#is_open = false;
	#is_ended = false;
	/** Came before the stream was opened. */
	#early: TransactionRecord | null = null;
	#closing: NodeJS.Timeout | undefined;

	/** `last_event_id`: the version that the browser has seen; 0 or not a number when none. */
	constructor(res: ServerResponse, clock: DatabaseClock, last_event_id: number) {
		this.#res = res;
		this.#clock = clock;
		this.#seen_version = Number.isSafeInteger(last_event_id) && last_event_id > 0 ? last_event_id : 0;
	}

	hasSeen(record: TransactionRecord): boolean {
		return this.#seen_version === record.version;
	}

	open(record: TransactionRecord): void {
		// The browser went away, or the process is stopping, while the record was being read.
		if (this.#is_ended) {
			this.#res.destroy();
			return;
		}
		// A version from the future is not of this database (it was restored, or the id is made up).
		if (this.#seen_version > record.version) this.#seen_version = 0;
		this.#is_open = true;
		this.#res.writeHead(200, {
			"Content-Type": "text/event-stream; charset=utf-8",
			"Cache-Control": "no-store, no-transform",
			// Proxies such as nginx would hold events back.
			"X-Accel-Buffering": "no",
		});
		this.#res.write(`retry: ${RECONNECT_MS}\n\n`);
		const newest = this.#early !== null && this.#early.version > record.version ? this.#early : record;
		this.show(newest);
	}

	show(record: TransactionRecord): void {
		if (!this.#is_open) {
			this.#early = record;
			return;
		}
		if (record.version < this.#seen_version || this.#is_ended) return;
		if (record.version > this.#seen_version) {
			this.#seen_version = record.version;
			this.#res.write(`event: status\nid: ${record.version}\ndata: ${JSON.stringify(record.view)}\n\n`);
		}
		clearTimeout(this.#closing);
		const now = this.#clock.now();
		if (isFinal(record, now)) this.end();
		else if (record.view.status === "failed" || record.view.status === "expired") {
			this.#closing = setTimeout(() => this.end(), Date.parse(record.retry_until) - now);
		}
	}

	beat(): void {
		if (!this.#is_open) return;
		if (this.#res.writableLength > MOST_UNREAD_BYTES) this.#res.destroy();
		else if (!this.#res.writableEnded) this.#res.write(": heartbeat\n\n");
	}

	end(): void {
		this.#is_ended = true;
		clearTimeout(this.#closing);
		if (this.#is_open) this.#res.end();
	}
}

/** A set whose streams all beat together. */
export function beatStreams(): Set<StatusStream> {
	const streams = new Set<StatusStream>();
	setInterval(() => {
		for (const stream of streams) stream.beat();
	}, HEARTBEAT_MS).unref();
	return streams;
}
