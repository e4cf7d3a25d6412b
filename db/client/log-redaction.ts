const SECRETS = ["client_salt", "api_secret", "webhook_secret", "token", "authorization", "signature"];

/** Options of every process's pino logger: what must never be written to a log. */
export const LOG_REDACTION = {
	redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
	serializers: { err: describeError },
};

/** Without what libraries hang on their errors: `detail` and `where` of a database error repeat values of rows. */
export function describeError(error: unknown): object {
	if (!(error instanceof Error)) return { message: String(error) };
	const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
	const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
	return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}
