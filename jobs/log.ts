import { type Logger, pino } from "pino";
import { LOG_REDACTION } from "../db/client/log-redaction.ts";

/** Written at once, line by line: what a worker says as it dies is what somebody will look for. */
export function createLogger(level: string): Logger {
	return pino({ level, base: { part: "jobs", pid: process.pid }, ...LOG_REDACTION });
}
