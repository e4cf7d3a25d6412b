/** What became of one call to a PSP, before anyone reads a meaning into it. */
export type Exchange =
	| {
			kind: "answered";
			http_status: number;
			/** Lower-cased names. */
			headers: Record<string, string>;
			/** Parsed when it was JSON, else the text. */
			body: unknown;
	  }
	/** The connection was never made: the PSP cannot have acted. */
	| { kind: "never_sent"; reason: string }
	/** The request may have arrived; no whole answer came back. */
	| { kind: "lost"; reason: string; timed_out: boolean };

export const DEFAULT_TIMEOUT_MS = 10_000;

/** Node's names for a connection that never came to be, so that not a byte of the request was sent. */
const neverSentCodes: ReadonlySet<string> = new Set([
	"ECONNREFUSED",
	"ENOTFOUND",
	"EAI_AGAIN",
	"EHOSTUNREACH",
	"ENETUNREACH",
	"EHOSTDOWN",
	"CERT_HAS_EXPIRED",
	"CERT_NOT_YET_VALID",
	"DEPTH_ZERO_SELF_SIGNED_CERT",
	"SELF_SIGNED_CERT_IN_CHAIN",
	"UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	"UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	"ERR_TLS_CERT_ALTNAME_INVALID",
	"UND_ERR_CONNECT_TIMEOUT",
]);

/** Reads what Node (or fetch, or axios, which wrap it) says of a call without an answer. */
export function exchangeWithoutAnswer(error: unknown, timed_out: boolean): Exchange {
	if (timed_out) return { kind: "lost", reason: "no answer in time", timed_out: true };
	const { code, syscall, cause } = (error ?? {}) as {
		code?: string;
		syscall?: string;
		cause?: { code?: string; syscall?: string };
	};
	const reason = cause?.code ?? code ?? "unknown network error";
	if (neverSentCodes.has(reason) || (cause?.syscall ?? syscall) === "connect") return { kind: "never_sent", reason };
	return { kind: "lost", reason, timed_out: false };
}

/** One call over plain HTTP, for PSPs without an SDK worth its traps. Never rejects; follows no redirect. */
export async function callOverHttp(url: string, init: RequestInit, timeout_ms = DEFAULT_TIMEOUT_MS): Promise<Exchange> {
	const deadline = AbortSignal.timeout(timeout_ms);
	try {
		const response = await fetch(url, { ...init, redirect: "manual", signal: deadline });
		const text = await response.text();
		return {
			kind: "answered",
			http_status: response.status,
			headers: Object.fromEntries(response.headers),
			body: parseJson(text),
		};
	} catch (error) {
		return exchangeWithoutAnswer(error, deadline.aborted);
	}
}

export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/** Retry-After in seconds or as an HTTP date, the two forms of RFC 9110. */
export function readRetryAfter(headers: Record<string, string>): number | null {
	const value = headers["retry-after"];
	if (value === undefined) return null;
	if (/^\d{1,9}$/.test(value)) return Number(value);
	const until = Date.parse(value);
	const now = Date.parse(headers.date ?? "");
	if (Number.isNaN(until)) return null;
	return Math.max(0, Math.ceil((until - (Number.isNaN(now) ? Date.now() : now)) / 1000));
}
