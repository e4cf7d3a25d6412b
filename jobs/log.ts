import { type Logger, pino } from "pino";
import { LOG_REDACTION } from "../db/client/log-redaction.ts";
import { type ErrorReports, reportingHooks } from "../telemetry/error-reports.ts";

/** Written at once, line by line: what a worker says as it dies is what somebody will look for. */
export function createLogger(level: string, reports: ErrorReports | null): Logger {
	return pino({ level, base: { part: "jobs", pid: process.pid }, ...LOG_REDACTION, ...reportingHooks(reports) });
}
