/**
 * The whole system as `npm start` runs it, on free ports and in a directory of its own, for end-to-end tests.
 *
 *   const stack = await startStack();
 *   await fetch(`${stack.demo.checkout_url}/readyz`);
 *   afterAll(() => stack.stop());
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

export interface Login {
	email: string;
	password: string;
}

/** The content of DATA_DIR/demo.json. */
export interface Demo {
	checkout_url: string;
	studio_url: string;
	sandbox_url: string;
	database_url: string;
	reports_database_url: string;
	admin: Login;
	operator: Login;
	finance: Login;
	merchants: { name: string; client_id: string; client_key: string; client_salt: string; webhook_secret: string }[];
}

export interface Stack {
	demo: Demo;
	dataDirectory: string;
	/** Everything the supervisor has printed so far. */
	output(): string;
	process: ChildProcess;
	/** Stops it as Ctrl-C would and answers the exit code; removes the directory unless told to keep it. */
	stop(options?: { keep?: boolean }): Promise<number | null>;
}

export interface Supervisor {
	process: ChildProcess;
	output(): string;
	exited: Promise<number | null>;
}

const SUPERVISOR = [process.execPath, join(ROOT, "scripts/start.mjs")];

/** Free ports unless `env` says otherwise. */
export function spawnSupervisor(
	dataDirectory: string,
	env: Record<string, string> = {},
	[program, ...args]: string[] = SUPERVISOR,
): Supervisor {
	const child = spawn(program!, args, {
		cwd: ROOT,
		env: {
			PATH: process.env.PATH,
			NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
			HOME: process.env.HOME,
			DATA_DIR: dataDirectory,
			CHECKOUT_PORT: "0",
			STUDIO_PORT: "0",
			SANDBOX_PORT: "0",
			PG_PORT: "0",
			...env,
		},
		stdio: ["ignore", "pipe", "pipe"],
	});
	let output = "";
	const collect = (chunk: Buffer) => {
		output += chunk;
	};
	child.stdout.on("data", collect);
	child.stderr.on("data", collect);
	return {
		process: child,
		output: () => output,
		exited: once(child, "close").then(([code]) => code as number | null),
	};
}

/** Resolves when the supervisor has said that all is ready; rejects with what it printed when it ended before. */
export async function untilReady(supervisor: Supervisor): Promise<void> {
	const ready = new Promise<void>((resolve) => {
		const look = () => {
			if (/LightSpeedPay is ready after/.test(supervisor.output())) resolve();
		};
		supervisor.process.stdout?.on("data", look);
		look();
	});
	const ended = supervisor.exited.then((code) => {
		throw new Error(`npm start ended with ${code} before it was ready:\n${supervisor.output()}`);
	});
	ended.catch(() => {});
	await Promise.race([ready, ended]);
}

export function makeDataDirectory(): string {
	const directory = mkdtempSync(join(tmpdir(), "lightspeedpay-stack-"));
	// Under root the database server runs as another user and must get through.
	chmodSync(directory, 0o711);
	return directory;
}

export async function startStack(
	options: { dataDirectory?: string; env?: Record<string, string> } = {},
): Promise<Stack> {
	const dataDirectory = options.dataDirectory ?? makeDataDirectory();
	const supervisor = spawnSupervisor(dataDirectory, options.env);
	try {
		await untilReady(supervisor);
	} catch (error) {
		supervisor.process.kill("SIGTERM");
		await supervisor.exited;
		throw error;
	}
	return {
		demo: JSON.parse(readFileSync(join(dataDirectory, "demo.json"), "utf8")),
		dataDirectory,
		output: supervisor.output,
		process: supervisor.process,
		async stop({ keep = false } = {}) {
			supervisor.process.kill("SIGINT");
			const code = await supervisor.exited;
			if (!keep) rmSync(dataDirectory, { recursive: true, force: true });
			return code;
		},
	};
}
