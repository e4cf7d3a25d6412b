/**
 * One process of the system as the supervisor sees it: started detached (Ctrl-C in a terminal reaches the supervisor alone,
 * which then stops the parts in order), its output in a log file, its readiness told over IPC. The IPC channel is also what
 * ends a part whose supervisor was killed.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const LOG_LIMIT_BYTES = 10 * 2 ** 20;
const LAST_LINES = 15;

export interface PartOptions {
	name: string;
	/** Script run by this very Node. */
	entry: string;
	/** All of the part's environment apart from what every program needs. */
	env: Record<string, string>;
	logFile: string;
}

export interface PartEnd {
	code: number | null;
	signal: NodeJS.Signals | null;
}

/** A part that ended although nobody asked it to. */
export class PartCrash extends Error {
	override name = "PartCrash";
}

export class Part {
	readonly name: string;
	readonly logFile: string;
	/** Settles when the part says it is ready; rejects with a PartCrash when it ends before. */
	readonly ready: Promise<{ port?: number }>;
	/** Settles when the process has ended, for whatever reason. */
	readonly ended: Promise<PartEnd>;
	#child: ChildProcess;
	#logStart: number;
	#stopping = false;

	constructor(options: PartOptions) {
		this.name = options.name;
		this.logFile = options.logFile;
		if (existsSync(this.logFile) && statSync(this.logFile).size > LOG_LIMIT_BYTES) {
			renameSync(this.logFile, `${this.logFile}.1`);
		}
		const log = openSync(this.logFile, "a", 0o600);
		this.#logStart = statSync(this.logFile).size;
		this.#child = spawn(process.execPath, [options.entry], {
			env: { ...inheritedEnvironment(), ...options.env },
			stdio: ["ignore", log, log, "ipc"],
			detached: true,
		});
		closeSync(log);
		const child = this.#child;
		this.ended = new Promise((resolve) => {
			child.once("exit", (code, signal) => resolve({ code, signal }));
			child.once("error", () => resolve({ code: null, signal: null }));
		});
		this.ready = new Promise((resolve, reject) => {
			child.on("message", (message: { ready?: boolean; port?: number }) => {
				if (message?.ready === true) resolve(message);
			});
			this.ended.then((end) => reject(this.crash(end)));
		});
		// Whoever does not wait for readiness hears of the end through `ended`.
		this.ready.catch(() => {});
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	get stopping(): boolean {
		return this.#stopping;
	}

	/** Asks the part to end, and makes it after `patience_ms`. */
	async stop(patience_ms: number): Promise<void> {
		this.#stopping = true;
		const child = this.#child;
		if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
		child.kill("SIGTERM");
		const timer = new AbortController();
		const inTime = await Promise.race([
			this.ended.then(() => true),
			sleep(patience_ms, false, { signal: timer.signal }).catch(() => false),
		]);
		timer.abort();
		if (!inTime) {
			// The whole group, so that nothing the part started outlives it.
			try {
				process.kill(-child.pid, "SIGKILL");
			} catch {
				child.kill("SIGKILL");
			}
			await this.ended;
		}
	}

	crash({ code, signal }: PartEnd): PartCrash {
		const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
		const lines = this.lastLines();
		return new PartCrash(
			`The part "${this.name}" ended ${how}. ${lines.length === 0 ? "It said nothing." : "Its last lines:"}\n${lines
				.map((line) => `    ${line}`)
				.join("\n")}\n  All of them are in ${this.logFile}.`,
		);
	}

	/** What this run of the part wrote last. */
	lastLines(): string[] {
		const text = readFileSync(this.logFile).subarray(this.#logStart).toString("utf8").trimEnd();
		return text === "" ? [] : text.split("\n").slice(-LAST_LINES);
	}
}

/** A variable meant for one part must not reach another by way of the shell, a secret least of all. */
function inheritedEnvironment(): Record<string, string> {
	const names = ["PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot", "LANG", "LOG_LEVEL", "NODE_ENV", "NODE_COMPILE_CACHE"];
	return Object.fromEntries(
		names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
	);
}
