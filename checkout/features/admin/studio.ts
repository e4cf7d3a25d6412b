/**
 * The studio as one person sees it. Each request carries its own token to Directus, which decides; the token is kept for the
 * length of the request and nowhere else.
 */
import {
	createDirectus,
	customEndpoint,
	type HttpMethod,
	isDirectusError,
	type RestCommand,
	rest,
	staticToken,
} from "@directus/sdk";
import { DomainError, type ErrorCode } from "../../../db/client/errors.ts";

const PATIENCE_MS = 10_000;

/** Rows as Directus answers them: a bigint is a text. */
export type Row = Record<string, unknown>;

export interface ItemsQuery {
	filter: Record<string, unknown>[];
	sort: string;
	limit: number;
	page: number;
}

export interface StudioAsPerson {
	list(collection: string, query: ItemsQuery): Promise<{ data: Row[]; has_more: boolean }>;
	read(collection: string, id: string): Promise<Row>;
	create(collection: string, item: Row): Promise<Row>;
	update(collection: string, id: string, changes: Row): Promise<Row>;
	/** One of our own endpoints in the studio. */
	call<Answer>(method: HttpMethod, path: string, content?: object): Promise<Answer>;
}

export function openStudio(studio_url: string | undefined, token: string): StudioAsPerson {
	if (studio_url === undefined) {
		throw new DomainError("studio_unavailable", { message: "This deployment has no studio: STUDIO_URL is not set." });
	}
	const client = createDirectus(studio_url)
		.with(staticToken(token))
		.with(
			rest({
				onRequest: (options) => ({ ...options, redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) }),
			}),
		);
	const ask = async <Answer>(command: RestCommand<Answer, never>): Promise<Answer> => {
		try {
			return await client.request(command as RestCommand<Answer, object>);
		} catch (error) {
			throw toDomainError(error);
		}
	};
	const call = <Answer>(method: HttpMethod, path: string, content?: object, params: Record<string, unknown> = {}) =>
		ask<Answer>(
			customEndpoint<Answer>({ method, path, params, ...(content && { body: JSON.stringify(content) }) }) as never,
		);
	return {
		async list(collection, { filter, sort, limit, page }) {
			const rows = await call<Row[]>("GET", `/items/${collection}`, undefined, {
				// What the person may see of it.
				fields: "*",
				filter: { _and: filter },
				sort,
				limit: limit + 1,
				offset: (page - 1) * limit,
			});
			return { data: rows.slice(0, limit), has_more: rows.length > limit };
		},
		read: (collection, id) => call("GET", `/items/${collection}/${id}`, undefined, { fields: "*" }),
		create: (collection, item) => call("POST", `/items/${collection}`, item, { fields: "*" }),
		update: (collection, id, changes) => call("PATCH", `/items/${collection}/${id}`, changes, { fields: "*" }),
		call: (method, path, content) => call(method, path, content),
	};
}

/** What the caller can put right, by Directus' own codes; everything else is the studio's fault. */
const REFUSALS: Record<string, ErrorCode> = {
	INVALID_CREDENTIALS: "invalid_credentials",
	INVALID_TOKEN: "invalid_credentials",
	TOKEN_EXPIRED: "invalid_credentials",
	USER_SUSPENDED: "invalid_credentials",
	FORBIDDEN: "forbidden",
	INVALID_IP: "forbidden",
	INVALID_PAYLOAD: "invalid_request",
	INVALID_QUERY: "invalid_request",
	FAILED_VALIDATION: "invalid_request",
	INVALID_FOREIGN_KEY: "invalid_request",
	NOT_NULL_VIOLATION: "invalid_request",
	RECORD_NOT_UNIQUE: "invalid_request",
	VALUE_OUT_OF_RANGE: "invalid_request",
	VALUE_TOO_LONG: "invalid_request",
	CONTENT_TOO_LARGE: "payload_too_large",
	REQUESTS_EXCEEDED: "rate_limited",
};

const BY_STATUS: Record<number, ErrorCode> = {
	400: "invalid_request",
	401: "invalid_credentials",
	403: "forbidden",
	// A refusal of our own functions in the database.
	409: "studio_refused",
	429: "rate_limited",
};

const WORDS: Partial<Record<ErrorCode, string>> = {
	invalid_credentials: "The token is not valid, or no longer.",
	forbidden: "There is no such thing, or this token may not do that.",
};

function toDomainError(thrown: unknown): DomainError {
	if (isDirectusError(thrown)) {
		const first = thrown.errors[0];
		const theirs = String(first?.extensions?.code ?? "");
		const code = REFUSALS[theirs] ?? BY_STATUS[thrown.response?.status ?? 0];
		if (code !== undefined) {
			const field = first?.extensions?.field;
			return new DomainError(code, {
				// Directus' words for a refused right name tables; theirs of a second factor or an address say what to do.
				message:
					theirs === "FORBIDDEN" || code === "invalid_credentials"
						? WORDS[code]!
						: (first?.message ?? WORDS[code] ?? ""),
				...(typeof field === "string" && { param: field }),
				...(code === "studio_refused" && { param: theirs.toLowerCase() }),
			});
		}
	}
	return new DomainError("studio_unavailable", { cause: thrown });
}
