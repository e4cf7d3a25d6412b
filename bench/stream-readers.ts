/**
 * Payers' browsers that follow their payments, thousands in one process: plain sockets that ask as Chromium does, reconnect when
 * they are told to, and note when each state arrived. Forked by status-streams.ts, which orders by messages.
 */
import { connect } from "node:net";

export interface StreamToFollow {
	transaction_id: string;
	status_token: string;
}

/** What can be ordered. */
export type ReaderOrder =
	| { open: { port: number; streams: StreamToFollow[] } }
	/** Wait until all streams are open that were; answers when. */
	| { await_all: true }
	| { take_arrivals: true };

/** What is answered. Times are of the machine's monotonic clock, in milliseconds. */
export interface ReaderAnswer {
	open: number;
	refused: number;
	last_opened_at: number;
	arrivals: { transaction_id: string; version: number; at: number }[];
}

/** As many addresses of loopback; each has its own ports. */
const SOURCES = 20;
const CONNECTING_AT_ONCE = 200;

class Reader {
	readonly #stream: StreamToFollow;
	readonly #source: string;
	#version = 0;
	#retry_ms = 3_000;
	is_open = false;

	constructor(stream: StreamToFollow, source: string) {
		this.#stream = stream;
		this.#source = source;
	}

	/** Resolves when the first bytes are there, or it failed. */
	open(port: number): Promise<void> {
		const { transaction_id, status_token } = this.#stream;
		return new Promise((resolve) => {
			const socket = connect({ port, host: "127.0.0.1", localAddress: this.#source });
			socket.on("connect", () => {
				socket.write(
					`GET /status/${transaction_id}/stream?token=${status_token} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: keep-alive\r\n` +
						`sec-ch-ua-platform: "Android"\r\nCache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36\r\n` +
						`Accept: text/event-stream\r\nsec-ch-ua: "Chromium";v="142", "Not_A Brand";v="99"\r\nsec-ch-ua-mobile: ?1\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n` +
						`Referer: http://127.0.0.1:${port}/\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-IN,en;q=0.9,hi;q=0.8\r\n` +
						`${this.#version > 0 ? `Last-Event-ID: ${this.#version}\r\n` : ""}\r\n`,
				);
			});
			socket.setEncoding("latin1");
			socket.on("data", (text: string) => {
				const at = performance.timeOrigin + performance.now();
				if (!this.is_open && text.startsWith("HTTP/1.1 ")) {
					if (text.startsWith("HTTP/1.1 200")) {
						this.is_open = true;
						last_opened_at = at;
					} else refused++;
					resolve();
				}
				const retry = /^retry: (\d+)$/m.exec(text);
				if (retry !== null) this.#retry_ms = Number(retry[1]);
				for (const [, id] of text.matchAll(/^id: (\d+)$/gm)) {
					this.#version = Number(id);
					arrivals.push({ transaction_id, version: this.#version, at });
				}
			});
			socket.on("error", () => {});
			socket.on("close", () => {
				this.is_open = false;
				resolve();
				if (!stopped) setTimeout(() => this.open(port), this.#retry_ms);
			});
		});
	}
}

let stopped = false;
let refused = 0;
let last_opened_at = 0;
let arrivals: ReaderAnswer["arrivals"] = [];
const readers: Reader[] = [];

const answer = () => {
	const open = readers.filter((reader) => reader.is_open).length;
	process.send!({ open, refused, last_opened_at, arrivals } satisfies ReaderAnswer);
	arrivals = [];
};

process.on("message", async (order: ReaderOrder) => {
	if ("open" in order) {
		const { port, streams } = order.open;
		const waiting = streams.map((stream, i) => new Reader(stream, `127.0.1.${1 + (i % SOURCES)}`));
		readers.push(...waiting);
		await Promise.all(
			Array.from({ length: CONNECTING_AT_ONCE }, async () => {
				for (let reader = waiting.pop(); reader !== undefined; reader = waiting.pop()) await reader.open(port);
			}),
		);
		answer();
	} else if ("await_all" in order) {
		const timer = setInterval(() => {
			if (readers.some((reader) => !reader.is_open)) return;
			clearInterval(timer);
			answer();
		}, 20);
	} else answer();
});
process.on("disconnect", () => {
	stopped = true;
	process.exit();
});
