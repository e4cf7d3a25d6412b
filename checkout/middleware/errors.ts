import type { ErrorRequestHandler, RequestHandler } from "express";
import type { Logger } from "pino";
import { z } from "zod";
import { DomainError, type ErrorCode } from "../../db/client/errors.ts";
import { showRate } from "./rate-headers.ts";
import { sendJson } from "./send-json.ts";

/** The one place where a code becomes an HTTP status. */
export const HTTP_STATUS: Record<ErrorCode, number> = {
	invalid_request: 400,
	invalid_credentials: 401,
	timestamp_out_of_range: 401,
	dues_outstanding: 402,
	client_suspended: 403,
	forbidden: 403,
	not_found: 404,
	order_id_conflict: 409,
	not_refundable: 409,
	refund_exceeds_amount: 409,
	idempotency_key_conflict: 409,
	utr_already_used: 409,
	studio_refused: 409,
	link_closed: 410,
	payload_too_large: 413,
	unsupported_media_type: 415,
	cap_exceeded: 422,
	rate_limited: 429,
	internal_error: 500,
	service_unavailable: 503,
	studio_unavailable: 503,
};

/** Codes that tell the caller to come back always say when. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
	rate_limited: 60,
	service_unavailable: 2,
	studio_unavailable: 5,
};

export const ErrorBody = z
	.object({
		error: z.object({
			code: z.enum(Object.keys(HTTP_STATUS) as [ErrorCode, ...ErrorCode[]]),
			message: z.string().meta({ description: "For a developer to read; may change." }),
			param: z.string().optional().meta({ description: "The field, header or cap that is at fault." }),
			request_id: z.string().meta({ description: "The same as the header X-Request-Id." }),
		}),
	})
	.meta({ id: "Error" });

export const refuseUnknownPath: RequestHandler = () => {
	throw new DomainError("not_found", { message: "There is nothing at this path." });
};

export function answerErrors(logger: Logger): ErrorRequestHandler {
	return (thrown, req, res, _next) => {
		const error = toDomainError(thrown);
		if (error.code === "internal_error")
			logger.error({ err: thrown, request_id: req.id, transaction_id: req.transaction_id }, "a request failed");
		else if (HTTP_STATUS[error.code] === 503 && error.cause !== undefined) {
			logger.warn({ err: error.cause, request_id: req.id }, "a request could not be answered now");
		}
		if (res.headersSent) {
			res.destroy();
			return;
		}
		const retry_after = error.retry_after_seconds ?? RETRY_AFTER_SECONDS[error.code];
		if (retry_after !== undefined) res.setHeader("Retry-After", Math.max(1, Math.ceil(retry_after)));
		if (error.rate !== null) showRate(res, error.rate);
		sendJson(res, HTTP_STATUS[error.code], {
			error: { code: error.code, message: error.message, param: error.param, request_id: req.id },
		});
	};
}

function toDomainError(thrown: unknown): DomainError {
	if (thrown instanceof DomainError) return thrown;
	// Express's own refusals (a path that does not decode) carry the status they mean.
	if (thrown instanceof Error && "status" in thrown && thrown.status === 400) {
		return new DomainError("invalid_request", { message: "The address is not valid.", cause: thrown });
	}
	return new DomainError("internal_error", { cause: thrown });
}
