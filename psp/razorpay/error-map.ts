/** Razorpay's words for what went wrong, reduced to ours. Data only. Sources: razorpay docs errors/common, errors/payments/{upi,cards}. */

import type { PspErrorCode } from "../adapter.ts";

/** `error_reason` of a failed payment, and `error.reason` of a refused call. */
export const codeByReason: Readonly<Record<string, PspErrorCode>> = {
	payment_failed: "declined",
	payment_declined: "declined",
	card_declined: "declined",
	card_not_enrolled: "declined",
	card_disabled_for_online_payments: "declined",
	card_expired: "declined",
	debit_instrument_inactive: "declined",
	debit_instrument_blocked: "declined",
	incorrect_cvv: "declined",
	// The payer's own authentication (OTP, PIN) failed; not our key.
	authentication_failed: "declined",
	payment_risk_check_failed: "declined",
	transaction_limit_exceeded: "declined",
	invalid_vpa: "declined",
	vpa_resolution_failed: "declined",
	insufficient_funds: "insufficient_funds",
	payment_cancelled: "cancelled_by_payer",
	payment_timed_out: "payer_timed_out",
	payment_collect_request_expired: "payer_timed_out",
	bank_technical_error: "bank_unavailable",
	gateway_technical_error: "bank_unavailable",
	credit_failed: "bank_unavailable",
	input_validation_failed: "invalid_request",
};

/** `error_code` of a failed payment whose reason is not in the list above. */
export const codeByPaymentErrorCode: Readonly<Record<string, PspErrorCode>> = {
	BAD_REQUEST_ERROR: "declined",
	GATEWAY_ERROR: "bank_unavailable",
	SERVER_ERROR: "psp_unavailable",
};

/**
 * Refusals that Razorpay tells apart by their words alone: the code is BAD_REQUEST_ERROR for all of them.
 * `certain: false` marks an answer after which the thing asked for may still happen, or has happened already.
 */
export const codeByDescription: readonly { pattern: RegExp; code: PspErrorCode; certain: boolean }[] = [
	{ pattern: /greater than (the )?amount captured/i, code: "refund_exceeds_amount", certain: true },
	{ pattern: /fully refunded already/i, code: "refund_exceeds_amount", certain: true },
	{ pattern: /another request .*in progress/i, code: "duplicate_request", certain: false },
	{ pattern: /different request with the same idempotency key/i, code: "duplicate_request", certain: true },
	{ pattern: /not have enough balance/i, code: "insufficient_funds", certain: true },
	{ pattern: /transfer cannot be made due to insufficient balance/i, code: "insufficient_funds", certain: true },
	{ pattern: /id provided does not exist|is not a valid id/i, code: "not_found", certain: true },
];

export const codeByHttpStatus: Readonly<Record<number, PspErrorCode>> = {
	401: "authentication_failed",
	403: "authentication_failed",
	404: "not_found",
	408: "timed_out",
	409: "duplicate_request",
	429: "rate_limited",
	504: "timed_out",
};

/** A 4xx says that the call was refused, but for these: the first half of the connection gave up, or a twin is running. */
export const uncertainHttpStatuses: ReadonlySet<number> = new Set([408, 409]);

/** `error.code` values that speak of a fault behind the API, whatever the HTTP status beside them is. */
export const faultErrorCodes: ReadonlySet<string> = new Set(["SERVER_ERROR", "GATEWAY_ERROR"]);

/** `status_details.reason` of a payout that failed or came back. Source: errors/x/payout-status-details. */
export const codeByPayoutReason: Readonly<Record<string, PspErrorCode>> = {
	low_balance: "insufficient_funds",
	insufficient_funds: "insufficient_funds",
	amount_limit_exhausted: "declined",
	imps_not_allowed: "declined",
	beneficiary_bank_rejected: "declined",
	beneficiary_account_invalid: "invalid_request",
	bank_account_closed: "invalid_request",
	bank_account_frozen: "declined",
	bank_account_dormant: "declined",
	invalid_ifsc_code: "invalid_request",
	beneficiary_bank_offline: "bank_unavailable",
	beneficiary_bank_failure: "bank_unavailable",
	gateway_technical_error: "bank_unavailable",
	gateway_down: "bank_unavailable",
	gateway_timeout: "bank_unavailable",
	beneficiary_psp_offline: "bank_unavailable",
	server_error: "psp_unavailable",
};
