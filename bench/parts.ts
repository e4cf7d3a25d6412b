/** Processes that shapes need: each is started on a ground, tells where it listens, and is stopped. */
import { type ChildProcess, fork, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { NODE_OPTIONS } from "../scripts/node-options.ts";
import { sendEventsTo, writeSandboxState } from "./merchants.ts";
import type { Ground } from "./scene.ts";

export interface Running {
	/** http://127.0.0.1:port; empty for a part that does not listen. */
	url: string;
	/** For memory and processor time. */
	pid: number;
	stop(): Promise<void>;
}

export interface Part {
	/** Two parts of one name are the same part. */
	name: string;
	/** `running` finds a part that was started before. */
	start(ground: Ground, running: (other: Part) => Running | undefined): Promise<Running>;
}

const ROOT = join(import.meta.dirname, "..");
const PATIENCE_MS = 15_000;

const children = new Set<ChildProcess>();

/** What is known here does not outlive the bench; settles when the process has ended. */
export function watch(child: ChildProcess): Promise<unknown> {
	children.add(child);
	return once(child, "exit").then(() => children.delete(child));
}

/** Asks a process to end, and makes it when it does not. */
export async function stopProcess(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
	const patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
	child.kill("SIGTERM");
	await ended;
	clearTimeout(patience);
}

/** For whoever cannot wait: what was started and still runs is killed. */
export function killParts(): void {
	for (const child of children) child.kill("SIGKILL");
}

/** Runs a script that tells over IPC that it is ready, and where it listens; its output goes to a file in the ground's home. */
export async function startScript(
	ground: Ground,
	name: string,
	script: string,
	args: string[],
	env: Record<string, string>,
): Promise<Running> {
	const logFile = join(ground.home, `${name.replaceAll(/[^a-z0-9]+/gi, "-")}.log`);
	const log = openSync(logFile, "a");
	// As `npm start` does: what a process compiled, the next of its kind need not.
	const NODE_COMPILE_CACHE = join(ground.home, "compile-cache");
	const stdio: StdioOptions = ["ignore", log, log, "ipc"];
	// Detached: Ctrl-C in a terminal is for the bench alone, which then stops its parts in order.
	const child = fork(join(ROOT, script), args, {
		env: { PATH: process.env.PATH, NODE_COMPILE_CACHE, ...env },
		stdio,
		detached: true,
	});
	closeSync(log);
	const ended = watch(child);
	const message = await Promise.race([
		once(child, "message").then(([first]) => first as { port?: number }),
		ended.then(() => null),
	]);
	if (message === null) {
		const said = (await readFile(logFile, "utf8")).trim().split("\n").slice(-5).join("\n");
		throw new Error(`${name} did not start: ${said}`);
	}
	return {
		url: message.port === undefined ? "" : `http://127.0.0.1:${message.port}`,
		pid: child.pid!,
		stop: () => stopProcess(child, ended),
	};
}

/** PSPs and the merchants' endpoint; it knows the accounts of all merchants, and their events are sent to it. */
export const sandbox = sandboxPart("sandbox");

/** Somebody pays each order, and the PSP tells of it once, as to an account that subscribed to what became of payments. */
export const sandboxWithPayers = sandboxPart("sandbox with payers", {
	pays_after_ms: 200,
	settings: { webhook_events: ["payment.captured", "payment.failed"] },
});

function sandboxPart(name: string, account: Record<string, unknown> = {}): Part {
	return {
		name,
		async start(ground) {
			const state = join(ground.home, "sandbox.json");
			await writeSandboxState(ground, state, account);
			const running = await startScript(ground, name, "sandbox/server.ts", [], {
				PORT: String(ground.sandbox_port),
				SANDBOX_STATE_FILE: state,
				LOG_LEVEL: "warn",
			});
			await sendEventsTo(running.url, ground);
			return running;
		},
	};
}

/** More of them may run beside each other under names of their own. */
export function checkoutPart(name = "checkout", env: Record<string, string> = {}): Part {
	return {
		name,
		start: (ground, running) =>
			startScript(ground, name, "checkout/server.ts", [], {
				...sharedEnvironment(ground, (running(sandbox) ?? running(sandboxWithPayers)) !== undefined),
				DATABASE_URL: ground.url("checkout"),
				PORT: name === "checkout" ? String(ground.checkout_port) : "0",
				NODE_OPTIONS,
				...env,
			}),
	};
}

export function jobsPart(name = "jobs", env: Record<string, string> = {}): Part {
	return {
		name,
		start: (ground, running) =>
			startScript(ground, name, "jobs/worker.ts", [], {
				...sharedEnvironment(ground, (running(sandbox) ?? running(sandboxWithPayers)) !== undefined),
				DATABASE_URL: ground.url("jobs"),
				NODE_OPTIONS,
				OUTBOUND_ALLOWED_HOSTS: `127.0.0.1:${ground.sandbox_port}`,
				...env,
			}),
	};
}

function sharedEnvironment(ground: Ground, with_sandbox: boolean): Record<string, string> {
	return {
		ENCRYPTION_KEYS: ground.encryption_keys,
		STATUS_TOKEN_KEY: ground.status_token_key,
		PUBLIC_CHECKOUT_URL: `http://127.0.0.1:${ground.checkout_port}`,
		LOG_LEVEL: "warn",
		...(with_sandbox ? { SANDBOX_URL: `http://127.0.0.1:${ground.sandbox_port}` } : {}),
	};
}

export const checkout = checkoutPart();
export const jobs = jobsPart();
/** Second ones, behind the same database. */
export const otherCheckout = checkoutPart("other checkout");
export const otherJobs = jobsPart("other jobs");

/** Our function called by plain Express, once a request (peers.ts). */
export const oneCall = peerPart("one-call");
/** The textbook's transaction, one statement after the other (peers.ts). */
export const statements = peerPart("statements");

function peerPart(kind: string): Part {
	return {
		name: `peer ${kind}`,
		start: (ground) =>
			startScript(ground, `peer ${kind}`, "bench/peers.ts", [kind], {
				DATABASE_URL: ground.url(kind === "one-call" ? "checkout" : "owner"),
			}),
	};
}
