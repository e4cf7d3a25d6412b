import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";

export interface WorkerProcess {
	child: ChildProcess;
	/** Every line of its log so far. */
	lines: Record<string, unknown>[];
	/** Resolves with the first line that fits, also one that came before. */
	line(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
	kill(signal: NodeJS.Signals): void;
	exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
	stderr(): string;
}

/**
 * For tests in which a worker is lost: it is given up after eight seconds instead of forty. Others keep the usual heart, as
 * one this quick ends its worker where a busy machine stands still for six.
 */
export const QUICK_HEART = { WORKER_BEAT_SECONDS: "1" };

/** The jobs process as it runs in production. Resolves when it says ready. */
export async function startWorker(env: Record<string, string>): Promise<WorkerProcess> {
	const worker = spawnWorker(env);
	const ready = once(worker.child, "message");
	const outcome = await Promise.race([ready, worker.exited]);
	if (!Array.isArray(outcome)) throw new Error(`The worker ended: ${JSON.stringify(outcome)} ${worker.stderr()}`);
	return worker;
}

export function spawnWorker(env: Record<string, string>): WorkerProcess {
	const child = spawn(process.execPath, [join(import.meta.dirname, "../worker.ts")], {
		env: {
			PATH: process.env.PATH,
			NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
			ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
			STATUS_TOKEN_KEY: Buffer.alloc(32, 9).toString("base64"),
			PUBLIC_CHECKOUT_URL: "http://127.0.0.1:3000",
			LOG_LEVEL: "debug",
			...env,
		},
		stdio: ["ignore", "pipe", "pipe", "ipc"],
	});
	const lines: Record<string, unknown>[] = [];
	const waiting = new Set<() => void>();
	let rest = "";
	child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
		const parts = (rest + chunk).split("\n");
		rest = parts.pop()!;
		for (const part of parts) lines.push(JSON.parse(part));
		for (const wake of waiting) wake();
	});
	let stderr = "";
	child.stderr!.setEncoding("utf8").on("data", (chunk: string) => {
		stderr += chunk;
	});
	// All that it wrote has been read by then; the child's own "close" does not come when the IPC channel was closed from this side.
	const ended = [once(child, "exit"), once(child.stdout!, "close"), once(child.stderr!, "close")] as const;
	const exited = Promise.all(ended).then(([[code, signal]]) => ({
		code,
		signal,
	}));
	return {
		child,
		lines,
		async line(fits) {
			for (;;) {
				const found = lines.find(fits);
				if (found !== undefined) return found;
				await new Promise<void>((resolve) => {
					const wake = () => {
						waiting.delete(wake);
						resolve();
					};
					waiting.add(wake);
				});
			}
		},
		kill: (signal) => child.kill(signal),
		exited,
		stderr: () => stderr,
	};
}

export interface ReceivedRequest {
	headers: IncomingMessage["headers"];
	body: string;
	response: ServerResponse;
}

export interface Endpoint {
	/** host:port */
	host: string;
	url: string;
	/** The next request that arrives, or arrived and was not taken yet; whoever takes it answers it. */
	next(): Promise<ReceivedRequest>;
	close(): Promise<void>;
}

/** A merchant's webhook endpoint of which the test decides when and what it answers. */
export async function startEndpoint(): Promise<Endpoint> {
	const arrived: ReceivedRequest[] = [];
	const takers: ((request: ReceivedRequest) => void)[] = [];
	const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
		let body = "";
		request.setEncoding("utf8").on("data", (chunk: string) => {
			body += chunk;
		});
		request.on("end", () => {
			const received = { headers: request.headers, body, response };
			const taker = takers.shift();
			if (taker === undefined) arrived.push(received);
			else taker(received);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		host,
		url: `http://${host}/hook`,
		next: () => {
			const waiting = arrived.shift();
			if (waiting !== undefined) return Promise.resolve(waiting);
			return new Promise((resolve) => takers.push(resolve));
		},
		async close() {
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
}
