import { randomUUID } from "node:crypto";
import type { RequestHandler } from "express";
import type { Logger } from "pino";
import type { KnownClient } from "../client-directory.ts";
import type { Metrics } from "../metrics.ts";

declare global {
	namespace Express {
		interface Request {
			/** In the header X-Request-Id, in every error and in the log. */
			id: string;
			/** The exact bytes received; set by readBody. */
			raw_body: Buffer;
			/** The payment that the request made or is about, where it is known. */
			transaction_id?: string;
			/** Not to be counted of its address: it has shown a token that not every caller can have, and not just before. */
			is_uncounted?: boolean;
			/** Set by authenticate. */
			merchant: KnownClient;
		}
	}
}

const REQUEST_ID = /^[A-Za-z0-9_-]{8,64}$/;

/** Names the request, and writes one line and one measurement when its answer is done. */
export function observeRequests(logger: Logger, metrics: Metrics): RequestHandler {
	return (req, res, next) => {
		const given = req.headers["x-request-id"];
		req.id = typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
		res.setHeader("X-Request-Id", req.id);
		const started = performance.now();
		const method = req.method;
		// Only the path: queries carry status tokens.
		const path = req.path;
		res.once("close", () => {
			const ms = performance.now() - started;
			const route = typeof req.route?.path === "string" ? req.route.path : "none";
			metrics.requests.observe({ method, route, status: res.statusCode }, ms / 1000);
			logger.info({
				request_id: req.id,
				method,
				path,
				status: res.statusCode,
				ms: Math.round(ms * 10) / 10,
				...(req.merchant !== undefined && { client_id: req.merchant.id }),
				...(req.transaction_id !== undefined && { transaction_id: req.transaction_id }),
				...(!res.writableFinished && { aborted: true }),
			});
		});
		next();
	};
}
