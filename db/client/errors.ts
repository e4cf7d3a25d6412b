import type { Rate } from "./rates.ts";

/** Every code the merchant API answers with; checkout/middleware maps each to its HTTP status, in one table. */
export const ERROR_CODES = [
	"invalid_request",
	"invalid_credentials",
	"timestamp_out_of_range",
	"dues_outstanding",
	"client_suspended",
	"forbidden",
	"not_found",
	"order_id_conflict",
	"idempotency_key_conflict",
	"not_refundable",
	"refund_exceeds_amount",
	"utr_already_used",
	"studio_refused",
	"link_closed",
	"payload_too_large",
	"unsupported_media_type",
	"cap_exceeded",
	"rate_limited",
	"service_unavailable",
	"studio_unavailable",
	"internal_error",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface DomainErrorOptions {
	message?: string;
	/** The request's field (or the cap) that is at fault. */
	param?: string;
	retry_after_seconds?: number;
	/** What is left of the merchant's limits. */
	rate?: Rate | null;
	cause?: unknown;
}

/** Something that was refused for a reason the caller can understand; everything else is a fault of ours. */
export class DomainError extends Error {
	override readonly name = "DomainError";
	readonly code: ErrorCode;
	readonly param: string | undefined;
	readonly retry_after_seconds: number | undefined;
	readonly rate: Rate | null;

	constructor(code: ErrorCode, options: DomainErrorOptions = {}) {
		super(options.message ?? DEFAULT_MESSAGES[code], { cause: options.cause });
		this.code = code;
		this.param = options.param;
		this.retry_after_seconds = options.retry_after_seconds;
		this.rate = options.rate ?? null;
	}
}

const DEFAULT_MESSAGES: Record<ErrorCode, string> = {
	invalid_request: "The request is not valid.",
	invalid_credentials: "The client key or signature is not valid.",
	timestamp_out_of_range: "X-Timestamp is more than 300 seconds away from the server's time.",
	dues_outstanding: "Commission due has reached this merchant's limit. Settle it to go on taking payments.",
	client_suspended: "This merchant is suspended. Contact your operator.",
	forbidden: "This token may not do that.",
	not_found: "There is no such object.",
	order_id_conflict: "This order_id was used before with another amount or currency.",
	idempotency_key_conflict: "This idempotency key or reference was used before for something else.",
	not_refundable: "This payment cannot be refunded: it is not paid.",
	refund_exceeds_amount: "The refund is more than what is left of the payment.",
	utr_already_used: "This UTR belongs to another payment.",
	studio_refused: "The studio refused this.",
	link_closed: "This payment link is closed.",
	payload_too_large: "The body is larger than 1 MiB.",
	unsupported_media_type: "Send the body as application/json.",
	cap_exceeded: "This payment would exceed a cap that is set for this merchant.",
	rate_limited: "Too many requests. Wait as long as Retry-After says.",
	service_unavailable: "No payment gateway can take this payment now. Try again as Retry-After says.",
	studio_unavailable: "The studio cannot answer now. Try again as Retry-After says.",
	internal_error: "Something went wrong on our side.",
};

/**
 * What the database functions raise (class LS). A code of the merchant API where a merchant can cause it; null where only a
 * fault of ours or an operator's action in the studio can. docs/error-codes.md explains each.
 */
export const DATABASE_ERRORS: Record<string, { name: string; code: ErrorCode | null; param?: string }> = {
	LS001: { name: "invalid_credentials", code: "invalid_credentials" },
	LS002: { name: "client_suspended", code: "client_suspended" },
	LS003: { name: "rate_limited", code: "rate_limited" },
	LS010: { name: "append_only", code: null },
	LS011: { name: "key_was_used_before", code: null },
	LS012: { name: "too_many_gateways", code: null },
	LS013: { name: "gateway_owner_is_fixed", code: null },
	LS014: { name: "not_a_network", code: null },
	LS020: { name: "no_such_attempt", code: null },
	LS021: { name: "not_an_outcome", code: null },
	LS022: { name: "no_such_client", code: null },
	LS023: { name: "no_such_transaction", code: "not_found" },
	LS024: { name: "no_such_refund", code: null },
	LS025: { name: "no_upi_attempt", code: "not_found" },
	LS026: { name: "no_such_claim", code: null },
	LS027: { name: "no_such_upi_gateway", code: null },
	LS028: { name: "no_such_statement_line", code: null },
	LS029: { name: "no_such_link", code: "not_found" },
	LS030: { name: "not_refundable", code: "not_refundable" },
	LS031: { name: "refund_exceeds_amount", code: "refund_exceeds_amount", param: "amount" },
	LS032: { name: "idempotency_key_conflict", code: "idempotency_key_conflict" },
	LS033: { name: "invalid_refund_amount", code: "invalid_request", param: "amount" },
	LS034: { name: "link_closed", code: "link_closed" },
	LS035: { name: "redirect_url_not_registered", code: null },
	LS040: { name: "invalid_utr", code: "invalid_request", param: "utr" },
	LS041: { name: "utr_already_used", code: "utr_already_used", param: "utr" },
	LS042: { name: "too_many_claims", code: "rate_limited" },
	LS043: { name: "already_decided", code: null },
	LS044: { name: "reason_needed", code: null },
	LS045: { name: "unreadable_statement", code: null },
	LS046: { name: "line_does_not_fit", code: null },
	LS320: { name: "no_such_block", code: null },
	LS321: { name: "not_blocked", code: null },
	LS322: { name: "invalid_rate_plan", code: null },
	LS323: { name: "invalid_address_policy", code: null },
	LS324: { name: "no_such_rate_plan", code: null },
	LS325: { name: "rate_plan_in_use", code: null },
	LS050: { name: "no_such_gateway", code: null },
	LS170: { name: "no_such_template", code: null },
	LS171: { name: "variables_do_not_fit", code: null },
	LS172: { name: "no_whatsapp_number", code: null },
	LS173: { name: "whatsapp_opted_out", code: null },
	LS174: { name: "no_such_notification", code: null },
	LS175: { name: "invalid_preferences", code: null },
	LS080: { name: "invalid_gstin", code: null },
	LS081: { name: "state_differs_from_gstin", code: null },
	LS082: { name: "reference_conflict", code: null },
	LS083: { name: "second_person_needed", code: null },
	LS084: { name: "no_such_adjustment", code: null },
	LS085: { name: "client_status_differs", code: null },
	LS086: { name: "profile_incomplete", code: null },
	LS087: { name: "document_differs", code: null },
	LS088: { name: "no_such_invoice", code: null },
	LS089: { name: "invalid_ledger_amount", code: null },
	LS090: { name: "invalid_settlement", code: null },
	LS091: { name: "invalid_company_profile", code: null },
	LS150: { name: "no_such_queue", code: null },
	LS151: { name: "queue_must_run", code: null },
	LS152: { name: "already_paused", code: null },
	LS153: { name: "not_paused", code: null },
	LS154: { name: "no_such_job", code: null },
	LS155: { name: "not_drainable", code: null },
	LS140: { name: "invalid_overlap", code: null },
	LS141: { name: "no_webhook_endpoint", code: null },
	LS142: { name: "no_such_event", code: null },
	LS143: { name: "too_many_tests", code: null },
	LS144: { name: "replay_under_way", code: null },
	LS145: { name: "too_many_events", code: null },
	LS146: { name: "nothing_to_replay", code: null },
	LS147: { name: "no_such_replay", code: null },
	LS148: { name: "no_such_endpoint", code: null },
	LS149: { name: "invalid_endpoint", code: null },
	LS156: { name: "too_many_endpoints", code: null },
	LS180: { name: "no_such_alert", code: null },
	LS181: { name: "alert_is_resolved", code: null },
	LS182: { name: "invalid_duration", code: null },
	LS184: { name: "invalid_alert", code: null },
	LS185: { name: "test_alert_too_soon", code: null },
	LS270: { name: "no_collection_account", code: null },
	LS271: { name: "payout_under_way", code: null },
	LS272: { name: "nothing_to_collect", code: null },
	LS273: { name: "no_such_payout", code: null },
	LS275: { name: "payout_not_stuck", code: null },
	LS276: { name: "invalid_payout_amount", code: null },
	LS274: { name: "invalid_collection_account", code: null },
	LS250: { name: "no_such_exception", code: null },
	LS251: { name: "exception_is_resolved", code: null },
	LS252: { name: "unreadable_settlement_line", code: null },
	LS253: { name: "invalid_fee_terms", code: null },
};

/** A database error as a DomainError where it stands for one; else the error itself. */
export function toDomainError(error: unknown): unknown {
	if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
	const known = DATABASE_ERRORS[error.code];
	if (!known?.code) return error;
	const detail = "detail" in error && typeof error.detail === "string" ? Number(error.detail) : Number.NaN;
	return new DomainError(known.code, {
		cause: error,
		...(known.param !== undefined && { param: known.param }),
		...(known.code === "rate_limited" && Number.isFinite(detail) && { retry_after_seconds: detail }),
	});
}
