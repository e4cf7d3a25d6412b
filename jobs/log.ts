import { type Level, type LogFn, type Logger, pino } from "pino";
import { LOG_REDACTION } from "../db/client/log-redaction.ts";
import { type ErrorReports, reportingHooks } from "../telemetry/error-reports.ts";

/** Written at once, line by line: what a worker says as it dies is what somebody will look for. */
export function createLogger(level: string, reports: ErrorReports | null): Logger {
	return pino({ level, base: { part: "jobs", pid: process.pid }, ...LOG_REDACTION, ...reportingHooks(reports) });
}

/** What a job writes its lines with. */
export interface JobLog extends Pick<Logger, "debug" | "info" | "warn" | "error"> {
	child(ids: Record<string, unknown>): JobLog;
}

/** A child of a log, whose lines name these ids. It is made by the first line that is written: most jobs write none. */
export class NamedLog implements JobLog {
	readonly #root: Logger;
	readonly #ids: Record<string, unknown>;
	#made: Logger | undefined;

	constructor(root: Logger, ids: Record<string, unknown>) {
		this.#root = root;
		this.#ids = ids;
	}

	get debug(): LogFn {
		return this.#at("debug");
	}

	get info(): LogFn {
		return this.#at("info");
	}

	get warn(): LogFn {
		return this.#at("warn");
	}

	get error(): LogFn {
		return this.#at("error");
	}

	child(ids: Record<string, unknown>): JobLog {
		return new NamedLog(this.#root, { ...this.#ids, ...ids });
	}

	#at(level: Level): LogFn {
		if (!this.#root.isLevelEnabled(level)) return writeNothing;
		this.#made ??= this.#root.child(this.#ids);
		return this.#made[level].bind(this.#made);
	}
}

function writeNothing(): void {}
