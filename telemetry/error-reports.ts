/**
 * Faults to a server that speaks the Sentry protocol (Sentry, GlitchTip, Bugsink), where SENTRY_DSN says. What is reported
 * is what the log says at level error with an `err`: one place for all processes, and no other way for data to get there.
 * Sent: the error's type, message and stack, and the ids that the log line has. Never: payloads, bodies, headers, people.
 */
import type { LoggerOptions } from "pino";

export interface ErrorReports {
	report(error: Error, message: string, fields: Record<string, unknown>): void;
	/** Sends what is left, for at most so long. */
	close(timeout_ms: number): Promise<void>;
}

export interface ErrorReportOptions {
	/** Null: off. */
	dsn: string | null;
	/** Of the process: checkout or jobs. */
	part: string;
	environment: string;
}

/** Null when it is off; then nothing is loaded. */
export async function startErrorReports(options: ErrorReportOptions): Promise<ErrorReports | null> {
	if (options.dsn === null) return null;
	const { openErrorReports } = await import("./open-error-reports.ts");
	return openErrorReports(options.dsn, options);
}

const ERROR_LEVEL = 50;

/** Options of a pino logger that reports what it logs. */
export function reportingHooks(reports: ErrorReports | null): Pick<LoggerOptions, "hooks"> {
	if (reports === null) return {};
	return {
		hooks: {
			logMethod(args, method, level) {
				const [first, message] = args as unknown[];
				if (level >= ERROR_LEVEL && hasError(first)) {
					reports.report(first.err, typeof message === "string" ? message : "", { ...this.bindings(), ...first });
				}
				method.apply(this, args);
			},
		},
	};
}

function hasError(value: unknown): value is Record<string, unknown> & { err: Error } {
	return typeof value === "object" && value !== null && "err" in value && value.err instanceof Error;
}

/** What may stand beside an error: which part, task or route, and the ids that lead to the rows. */
const TAGS =
	/^(part|task|lane|schedule|method|route|of|request_id|transaction_id|attempt_id|refund_id|event_id|gateway_id|client_id|job_id|alert_id|provider)$/;

export function tagsOf(fields: Record<string, unknown>): Record<string, string> {
	return Object.fromEntries(
		Object.entries(fields).flatMap(([name, value]) =>
			TAGS.test(name) && (typeof value === "string" || typeof value === "number") ? [[name, String(value)]] : [],
		),
	);
}

/** Messages of libraries repeat what they were given: addresses of people, numbers of phones and cards, keys, log-ins in URLs. */
export function withoutSecrets(text: string): string {
	return text
		.replaceAll(/\b[\w.+-]+@[\w-]+(\.[\w-]+)+\b/g, "[e-mail]")
		.replaceAll(/:\/\/[^\s/@]+@/g, "://[login]@")
		.replaceAll(/\b(bearer|basic)\s+\S+/gi, "$1 [redacted]")
		.replaceAll(
			/\b(\w*(?:secret|salt|token|password|signature|api_?key)\w*)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
			"$1$2[redacted]",
		)
		.replaceAll(/\b(?:sk|rk|rzp|whsec|cfsk)_[A-Za-z0-9_]{6,}/g, "[key]")
		.replaceAll(/(?<![\w-])\+?\d(?:[ -]?\d){9,18}(?![\w-])/g, "[number]");
}
