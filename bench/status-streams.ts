/** Payers who watch their payments: ten thousand open status streams, changes told to them, and a process that is replaced under them. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { beginPspOrder, recordPspOrder, settleAttempt } from "../db/client/attempts.ts";
import { createConnection } from "../db/client/connection.ts";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";
import { createStatusToken } from "../db/client/status-token.ts";
import { type Figures, NotHere, type Shape } from "./goal.ts";
import { checkout } from "./parts.ts";
import type { Scene } from "./scene.ts";
import type { ReaderAnswer, ReaderOrder, StreamToFollow } from "./stream-readers.ts";

const STREAMS = 10_000;
/** Declines: a stream stays open after one. */
const CHANGES = 3_000;
const CHANGES_PER_SECOND = 200;
const SETTLERS = 4;
/** For what follows an opening: most of all the memory that it is done with. */
const REST_MS = 10_000;
const FILES_PER_PROCESS = STREAMS + 500;

export interface StreamFigures extends Figures {
	open: number;
	/** Until all were open, each sent after the one before was answered, 200 at a time. */
	opening_ms: number;
	/** Of the checkout process: without a stream, with all, and at most. */
	memory_before: number;
	memory_open: number;
	memory_peak: number;
	/** From the answer to the commit that made the change until its reader had it. */
	p50: number;
	p99: number;
	/** The same from before the commit was sent: its flush included. */
	p99_with_commit: number;
	unheard: number;
	/** From the ready new process until every reader was back; they wait 2 to 5 seconds, as they were told. */
	back_ms: number;
	refused: number;
}

export const statusStreams: Shape<StreamFigures> = {
	name: `checkout, ${STREAMS} status streams, ${CHANGES_PER_SECOND} changes a second`,
	needs: [checkout],
	when: "once",
	takes_seconds: 80,
	async measure(scene) {
		await requireFiles();
		const jobs = createPool({ connectionString: scene.url("jobs"), application_name: "bench", max: SETTLERS });
		const readers = new Readers();
		let successor: Awaited<ReturnType<typeof checkout.start>> | null = null;
		try {
			const attempts = await seedPayments(scene, jobs);
			const key = Buffer.from(scene.status_token_key, "base64");
			const streams = [...attempts.keys()].map((transaction_id) => ({
				transaction_id,
				status_token: createStatusToken(key, transaction_id),
			}));
			const { pid } = scene.of(checkout);
			const memory_before = await memoryOf(pid, "VmRSS");
			const began = now();
			const opened = await readers.open(scene.checkout_port, streams);
			await sleep(REST_MS);
			const memory_open = await memoryOf(pid, "VmRSS");
			const told = await change(jobs, readers, [...attempts].slice(0, CHANGES));
			const memory_peak = await memoryOf(pid, "VmHWM");
			await scene.of(checkout).stop();
			successor = await checkout.start(scene, () => undefined);
			const ready = now();
			const back = await readers.awaitAll();
			return {
				open: opened.open,
				opening_ms: opened.last_opened_at - began,
				memory_before,
				memory_open,
				memory_peak,
				...told,
				back_ms: back.last_opened_at - ready,
				refused: opened.refused + back.refused,
			};
		} finally {
			readers.stop();
			await jobs.end();
			await successor?.stop();
		}
	},
};

/** The process that plays the payers. */
class Readers {
	readonly #child = fork(join(import.meta.dirname, "stream-readers.ts"), {
		stdio: ["ignore", "inherit", "inherit", "ipc"],
	});

	open(port: number, streams: StreamToFollow[]): Promise<ReaderAnswer> {
		return this.#order({ open: { port, streams } });
	}

	awaitAll(): Promise<ReaderAnswer> {
		return this.#order({ await_all: true });
	}

	takeArrivals(): Promise<ReaderAnswer> {
		return this.#order({ take_arrivals: true });
	}

	stop(): void {
		this.#child.kill();
	}

	async #order(order: ReaderOrder): Promise<ReaderAnswer> {
		const answer = once(this.#child, "message");
		this.#child.send(order);
		return (await answer)[0] as ReaderAnswer;
	}
}

/** Payments by their attempts; those that are to change have an order at the PSP. */
async function seedPayments(scene: Scene, jobs: pg.Pool): Promise<Map<string, string>> {
	const pool = createPool({ connectionString: scene.url("checkout"), application_name: "bench", max: 1 });
	let made = 0;
	while (made < STREAMS) {
		const results = await initiatePayments(
			pool,
			Array.from({ length: Math.min(50, STREAMS - made) }, (_, i) => {
				const { id, client_key } = scene.merchants[(made + i) % scene.merchants.length]!;
				return { client_id: id, client_key, order_id: `stream-${made + i}`, amount: 10_000, currency: "INR" };
			}),
		);
		for (const result of results) if (!result.ok) throw result.error;
		made += results.length;
	}
	await pool.end();
	const admin = createConnection({ connectionString: scene.admin_url });
	await admin.connect();
	const { rows } = await admin.query<{ transaction_id: string; id: string }>(
		"select transaction_id, id from public.payment_attempts order by id",
	);
	await admin.end();
	const attempts = rows.slice(0, CHANGES);
	await Promise.all(
		Array.from({ length: SETTLERS }, async () => {
			for (let attempt = attempts.pop(); attempt !== undefined; attempt = attempts.pop()) {
				await beginPspOrder(jobs, attempt.id);
				await recordPspOrder(jobs, {
					attempt_id: attempt.id,
					psp_order_id: `order_${attempt.id}`,
					presentation: { kind: "redirect", url: "https://psp.test/pay" },
					latency_ms: 5,
				});
			}
		}),
	);
	return new Map(rows.map(({ transaction_id, id }) => [transaction_id, id]));
}

/** Declines the attempts at an even pace, and compares when each was committed with when its reader had it. */
async function change(jobs: pg.Pool, readers: Readers, attempts: [string, string][]) {
	const commits = new Map<string, { sent: number; answered: number }>();
	await readers.takeArrivals();
	const began = performance.now();
	let next = 0;
	await Promise.all(
		Array.from({ length: SETTLERS }, async () => {
			const client = await jobs.connect();
			for (let i = next++; i < attempts.length; i = next++) {
				const wait = began + (i * 1_000) / CHANGES_PER_SECOND - performance.now();
				if (wait > 0) await sleep(wait);
				const [transaction_id, attempt_id] = attempts[i]!;
				await client.query("begin");
				await settleAttempt(client, attempt_id, DECLINED);
				const sent = now();
				await client.query("commit");
				commits.set(transaction_id, { sent, answered: now() });
			}
			client.release();
		}),
	);
	await sleep(1_000);
	const { arrivals } = await readers.takeArrivals();
	const heard = new Map(arrivals.map(({ transaction_id, at }) => [transaction_id, at]));
	const delays = (from: "sent" | "answered") =>
		[...commits]
			.filter(([id]) => heard.has(id))
			.map(([id, commit]) => Math.max(0, heard.get(id)! - commit[from]))
			.sort((a, b) => a - b);
	const at = (sorted: number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
	return {
		p50: at(delays("answered"), 0.5),
		p99: at(delays("answered"), 0.99),
		p99_with_commit: at(delays("sent"), 0.99),
		unheard: commits.size - delays("sent").length,
	};
}

const DECLINED = {
	outcome: "failed" as const,
	psp_payment_id: null,
	amount: null,
	currency: null,
	method: "upi",
	bank_reference: null,
	fee: null,
	error: { code: "declined", message: "The bank declined." },
	raw: {},
};

/** Of the clock that the readers' process has too. */
function now(): number {
	return performance.timeOrigin + performance.now();
}

/** Megabytes that are really in memory, as Linux counts them. */
async function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => {
		throw new NotHere("memory is read from /proc, which only Linux has");
	});
	return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)![1]) / 1024;
}

async function requireFiles(): Promise<void> {
	const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
	const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? [];
	if (hard !== undefined && Number(hard) < FILES_PER_PROCESS) {
		throw new NotHere(`a process may open ${hard} files here: ulimit -Hn ${FILES_PER_PROCESS} is needed`);
	}
}
