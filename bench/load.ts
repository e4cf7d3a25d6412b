/**
 * Puts load on a server with as little work as can be: requests are made and signed before the clock runs, and go over plain
 * sockets that are kept alive. Whatever this process costs is taken from what is measured, as both share the machine.
 */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import type { Throughput } from "./goal.ts";
import type { BenchMerchant } from "./merchants.ts";

export interface LoadOptions {
	/** Each waits for its answer before its next request. */
	connections: number;
	seconds: number;
	/** Requests a second from all connections together, each counted from when it was due; without it, as many as are answered. */
	rate?: number;
	/** Awaited before each request. */
	turn?: () => Promise<void>;
}

/** More than any shape answers; what goes beyond is made while the clock runs. */
const PREPARED_PER_SECOND = 7_000;
/** A request without an answer for so long is given up. */
const PATIENCE_MS = 10_000;

let sequence = 0;
const run = Date.now().toString(36);

/** Signed POST /payment/initiate, merchants in turn. */
export function loadInitiate(
	url: string | string[],
	merchants: BenchMerchant[],
	{
		with_ids = false,
		orderId = (_, number) => `${run}-${number}`,
		...options
	}: LoadOptions & {
		with_ids?: boolean;
		/** What the merchant at this place of the list calls its order. */
		orderId?: (place: number, number: number) => string;
	},
): Promise<Throughput> {
	return load(url, options, () => {
		const number = sequence++;
		const place = number % merchants.length;
		const merchant = merchants[place]!;
		const order = { order_id: orderId(place, number), amount: 10_000 + (number % 1_000), currency: "INR" };
		const body = JSON.stringify(
			with_ids ? { ...order, client_id: merchant.id, client_key: merchant.client_key } : order,
		);
		const timestamp = Math.floor(Date.now() / 1_000);
		const signature = createHmac("sha256", merchant.client_salt)
			.update(`${timestamp}.POST./payment/initiate.${body}`)
			.digest("hex");
		return post(
			"/payment/initiate",
			{
				"content-type": "application/json",
				"x-client-key": merchant.client_key,
				"x-timestamp": String(timestamp),
				"x-signature": signature,
			},
			body,
		);
	});
}

/** A request as it goes over the wire. */
export function post(path: string, headers: Record<string, string>, body: string | Buffer): Buffer {
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
	return Buffer.concat([Buffer.from(head, "latin1"), typeof body === "string" ? Buffer.from(body) : body]);
}

/**
 * Sends what `make` makes from all connections at once, which take the addresses in turn when there are several; rejects when
 * not a single answer came.
 */
export async function load(url: string | string[], options: LoadOptions, make: () => Buffer): Promise<Throughput> {
	const urls = [url].flat();
	// Those of a rate are made one by one: their time of day must not be minutes old.
	const per_second = options.rate === undefined ? Math.min(PREPARED_PER_SECOND, options.connections * 1_000) : 0;
	const prepared = Array.from({ length: Math.ceil(options.seconds * per_second) }, make).reverse();
	const latencies: number[] = [];
	let refused = 0;
	const start = performance.now();
	const end = start + options.seconds * 1_000;
	const { rate } = options;
	let asked = 0;
	const due = () => (rate === undefined ? performance.now() : start + (asked++ * 1_000) / rate);
	await Promise.all(
		Array.from({ length: options.connections }, (_, place) =>
			converse(
				urls[place % urls.length]!,
				end,
				due,
				options.turn ?? (() => Promise.resolve()),
				() => prepared.pop() ?? make(),
				(status, sent) => {
					const now = performance.now();
					if (status !== 200) refused++;
					else if (now <= end) latencies.push(now - sent);
				},
			),
		),
	);
	if (latencies.length === 0) {
		throw new Error(`Nothing was answered with 200 in ${options.seconds} s; ${refused} refused.`);
	}
	return { per_second: latencies.length / options.seconds, ...quantiles(latencies), refused };
}

/**
 * One request after the other on one connection until `end`, none before it is due, and the last answer; a connection that broke is
 * made anew.
 * `heard` is given null for a request without an answer.
 */
async function converse(
	url: string,
	end: number,
	due: () => number,
	turn: () => Promise<void>,
	next: () => Buffer,
	heard: (status: number | null, sent: number) => void,
): Promise<void> {
	const { hostname, port } = new URL(url);
	while (performance.now() < end) {
		const socket = connect({ host: hostname, port: Number(port), noDelay: true });
		await once(socket, "connect");
		let sent = 0;
		let waits = false;
		let received: Buffer | null = null;
		const ask = async () => {
			await turn();
			sent = due();
			waits = sent < end;
			const left = sent - performance.now();
			if (!waits) socket.destroy();
			else if (left > 0) setTimeout(() => socket.write(next()), left);
			else socket.write(next());
		};
		socket.on("data", (chunk) => {
			received = received === null ? chunk : Buffer.concat([received, chunk]);
			const status = statusOf(received);
			if (status === null) return;
			received = null;
			heard(status, sent);
			ask();
		});
		socket.setTimeout(PATIENCE_MS, () => socket.destroy());
		// What went wrong also closes it, and that is what counts.
		socket.on("error", () => {});
		const closed = new Promise((resolve) => socket.once("close", resolve));
		ask();
		await closed;
		if (waits) heard(null, sent);
	}
}

/** Null while the answer is not complete. */
function statusOf(answer: Buffer): number | null {
	const head = answer.indexOf("\r\n\r\n");
	if (head < 0) return null;
	const text = answer.toString("latin1", 0, head);
	const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
	const complete =
		length === undefined
			? answer.toString("latin1", answer.length - 5) === "0\r\n\r\n"
			: answer.length >= head + 4 + Number(length);
	return complete ? Number(text.slice(9, 12)) : null;
}

/** Calls `work` from `connections` loops for so many seconds; `work` says how many payments a call took. */
export async function loadCalls(options: LoadOptions, work: () => Promise<number>): Promise<Throughput> {
	const latencies: number[] = [];
	let taken = 0;
	const start = performance.now();
	const end = start + options.seconds * 1_000;
	await Promise.all(
		Array.from({ length: options.connections }, async () => {
			for (let before = performance.now(); before < end; before = performance.now()) {
				const took = await work();
				taken += took;
				latencies.push(performance.now() - before);
			}
		}),
	);
	const seconds = (performance.now() - start) / 1_000;
	return { per_second: taken / seconds, ...quantiles(latencies), refused: 0 };
}

export function quantiles(latencies: number[]): { p50: number; p99: number } {
	latencies.sort((a, b) => a - b);
	const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
	return { p50: at(0.5), p99: at(0.99) };
}
