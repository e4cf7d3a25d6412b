/** Stripe's words for what went wrong, reduced to ours. Data only. Sources: docs.stripe.com error-codes, declines/codes, api/errors. */

import type { PspErrorCode } from "../adapter.ts";

/** `decline_code` of a payment that failed: what the payer's bank said. Every other one is a decline. */
export const codeByDeclineCode: Readonly<Record<string, PspErrorCode>> = {
	insufficient_funds: "insufficient_funds",
	withdrawal_count_limit_exceeded: "insufficient_funds",
	issuer_not_available: "bank_unavailable",
	processing_error: "bank_unavailable",
	reenter_transaction: "bank_unavailable",
	try_again_later: "bank_unavailable",
};

/** `code` of a payment that failed, where no decline code says more. */
export const codeByPaymentErrorCode: Readonly<Record<string, PspErrorCode>> = {
	insufficient_funds: "insufficient_funds",
	payment_intent_payment_attempt_expired: "payer_timed_out",
	payment_method_customer_decline: "cancelled_by_payer",
	payment_method_provider_timeout: "bank_unavailable",
	processing_error: "bank_unavailable",
	three_d_secure_authentication_upstream_error: "bank_unavailable",
};

/** Why Stripe, the merchant or time itself ended a payment that nobody had finished. */
export const codeByCancellationReason: Readonly<Record<string, PspErrorCode>> = {
	abandoned: "payer_timed_out",
	automatic: "payer_timed_out",
	expired: "payer_timed_out",
	requested_by_customer: "cancelled_by_payer",
};

/** `error.code` of a refused call. */
export const codeByErrorCode: Readonly<Record<string, PspErrorCode>> = {
	balance_insufficient: "insufficient_funds",
	charge_already_refunded: "refund_exceeds_amount",
	idempotency_key_in_use: "duplicate_request",
	insufficient_funds: "insufficient_funds",
	lock_timeout: "rate_limited",
	rate_limit: "rate_limited",
	resource_missing: "not_found",
};

/** Refusals that Stripe does not always give a code for. */
export const codeByMessage: readonly { pattern: RegExp; code: PspErrorCode }[] = [
	{ pattern: /greater than (the )?(unrefunded|charge) amount/i, code: "refund_exceeds_amount" },
	{ pattern: /has already been refunded/i, code: "refund_exceeds_amount" },
];

/** `error.type`, whatever the status beside it is. */
export const codeByErrorType: Readonly<Record<string, PspErrorCode>> = {
	idempotency_error: "duplicate_request",
};

export const codeByHttpStatus: Readonly<Record<number, PspErrorCode>> = {
	401: "authentication_failed",
	402: "declined",
	403: "authentication_failed",
	404: "not_found",
	408: "timed_out",
	409: "duplicate_request",
	424: "bank_unavailable",
	429: "rate_limited",
	504: "timed_out",
};

/** A 4xx says that nothing was done, but for these: a twin of the call is running, or a system behind Stripe broke off. */
export const uncertainHttpStatuses: ReadonlySet<number> = new Set([408, 409, 424]);
