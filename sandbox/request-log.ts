import type { NextFunction, Request, Response } from "express";
import { Ring } from "./ring.ts";

const MAX_LOGGED_BODY_BYTES = 4096;

const LOGGED_HEADERS = [
	"content-type",
	"user-agent",
	"x-request-id",
	"idempotency-key",
	"x-idempotency-key",
	"x-refund-idempotency",
	"x-razorpay-account",
	"webhook-id",
	"webhook-timestamp",
	"webhook-signature",
] as const;

export interface LogEntry {
	id: number;
	received_at: string;
	service: string;
	method: string;
	path: string;
	/** null: the caller got no answer (dropped, timed out or gone). */
	status: number | null;
	latency_ms: number | null;
	/** The kind of the fault that was injected, if one was. */
	fault: string | null;
	authorization: string | null;
	headers: Record<string, string>;
	body: unknown;
}

interface StoredEntry extends Omit<LogEntry, "body"> {
	raw: Buffer | null;
}

/** The service is the first part of the path: /razorpay/v1/orders belongs to razorpay. */
export function serviceOf(path: string): string {
	const end = path.indexOf("/", 1);
	return end === -1 ? path.slice(1) : path.slice(1, end);
}

/** Keeps who called, never what they proved it with. */
function redactAuthorization(header: string | undefined): string | null {
	if (header === undefined) return null;
	const [scheme = "", credentials = ""] = header.split(" ", 2);
	if (scheme.toLowerCase() !== "basic") return `${scheme} [redacted]`;
	const user = Buffer.from(credentials, "base64").toString("utf8").split(":", 1)[0];
	return `Basic ${user}:[redacted]`;
}

/** Meta's exchange of tokens has its secrets in the address. */
function withoutSecrets(url: string): string {
	return url.replaceAll(/([?&](?:client_secret|fb_exchange_token)=)[^&]*/g, "$1[redacted]");
}

function readableBody(raw: Buffer | null, contentType: string | undefined): unknown {
	if (raw === null || raw.length === 0) return null;
	const text = raw.toString("utf8");
	if (contentType?.includes("json")) {
		try {
			return JSON.parse(text);
		} catch {
			return text;
		}
	}
	if (contentType?.includes("x-www-form-urlencoded")) {
		const form = Object.fromEntries(new URLSearchParams(text));
		for (const name of ["client_secret", "password"]) if (form[name] !== undefined) form[name] = "[redacted]";
		return form;
	}
	return text;
}

export class RequestLog {
	readonly #entries: Ring<StoredEntry>;
	#sequence = 0;

	constructor(capacity: number) {
		this.#entries = new Ring(capacity);
	}

	/** Express middleware; expects the raw body to have been read. */
	record = (req: Request, res: Response, next: NextFunction) => {
		const started = performance.now();
		const headers: Record<string, string> = {};
		for (const name of LOGGED_HEADERS) {
			const value = req.headers[name];
			if (typeof value === "string") headers[name] = value;
		}
		const body = Buffer.isBuffer(req.body) ? req.body : null;
		this.#sequence += 1;
		const entry: StoredEntry = {
			id: this.#sequence,
			received_at: new Date().toISOString(),
			service: serviceOf(req.path),
			method: req.method,
			path: withoutSecrets(req.originalUrl),
			status: null,
			latency_ms: null,
			fault: null,
			authorization: redactAuthorization(req.headers.authorization),
			headers,
			raw: body && body.length > MAX_LOGGED_BODY_BYTES ? Buffer.from(body.subarray(0, MAX_LOGGED_BODY_BYTES)) : body,
		};
		this.#entries.push(entry);
		res.on("close", () => {
			entry.latency_ms = Math.round((performance.now() - started) * 10) / 10;
			entry.status = res.writableFinished ? res.statusCode : null;
			entry.fault = (res.locals.fault as string | undefined) ?? null;
		});
		next();
	};

	get total(): number {
		return this.#entries.total;
	}

	/** Oldest first, the newest `limit` of those that match. */
	list(filter: { service?: string; path?: string; method?: string; limit: number }): LogEntry[] {
		const { service, path, method } = filter;
		return this.#entries
			.list()
			.filter(
				(entry) =>
					(service === undefined || entry.service === service) &&
					(method === undefined || entry.method === method) &&
					(path === undefined || entry.path.startsWith(path) || entry.path.startsWith(`/${entry.service}${path}`)),
			)
			.slice(-filter.limit)
			.map(({ raw, ...entry }) => ({ ...entry, body: readableBody(raw, entry.headers["content-type"]) }));
	}

	clear(): void {
		this.#entries.clear();
	}
}
