import { type Logger, pino } from "pino";

const SECRETS = ["client_salt", "api_secret", "webhook_secret", "token", "authorization", "signature"];

/** Written at once, line by line: what a worker says as it dies is what somebody will look for. */
export function createLogger(level: string): Logger {
	return pino({
		level,
		base: { part: "jobs", pid: process.pid },
		redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
		serializers: { err: describeError },
	});
}

/** Without what libraries hang on their errors: `detail` and `where` of a database error repeat values of rows. */
function describeError(error: unknown): object {
	if (!(error instanceof Error)) return { message: String(error) };
	const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
	const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
	return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}
