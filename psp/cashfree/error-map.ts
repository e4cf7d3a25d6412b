/**
 * Cashfree's words for what went wrong, reduced to ours. Data only. Sources: cashfree.com/docs api-reference/payments/errors
 * and the examples of its OpenAPI description (2025-01-01).
 */

import type { PspErrorCode } from "../adapter.ts";

/** `error_details.error_reason` of a failed payment. */
export const codeByReason: Readonly<Record<string, PspErrorCode>> = {
	auth_declined: "declined",
	bank_rejected: "declined",
	invalid_amount: "declined",
	insufficient_funds: "insufficient_funds",
	insufficient_balance: "insufficient_funds",
	user_dropped: "cancelled_by_payer",
	user_cancelled: "cancelled_by_payer",
	transaction_timeout: "payer_timed_out",
	collect_expired: "payer_timed_out",
	technical_decline: "bank_unavailable",
	bank_unavailable: "bank_unavailable",
};

/**
 * What banks write into `error_description` and `payment_message`; for reasons that are not in the list above or say no
 * more than "declined".
 */
export const codeByDescription: readonly { pattern: RegExp; code: PspErrorCode }[] = [
	{ pattern: /insufficient|low balance/i, code: "insufficient_funds" },
	{ pattern: /cancell?ed|dropped/i, code: "cancelled_by_payer" },
	{ pattern: /timed? ?out|expired|not approved in time/i, code: "payer_timed_out" },
	{ pattern: /technical|unavailable|not available|switch|temporar/i, code: "bank_unavailable" },
];

/** `payment_status` of a payment that came to nothing, when the bank gave no reason. */
export const codeByPaymentStatus: Readonly<Record<string, PspErrorCode>> = {
	USER_DROPPED: "cancelled_by_payer",
	CANCELLED: "cancelled_by_payer",
	VOID: "declined",
	FAILED: "declined",
};

/** `code` of a refused call. */
export const codeByErrorCode: Readonly<Record<string, PspErrorCode>> = {
	order_already_exists: "duplicate_request",
	order_already_paid: "order_already_paid",
	refund_already_exists: "duplicate_request",
	refund_amount_invalid: "refund_exceeds_amount",
};

/** Refusals that Cashfree tells apart by their words alone: their code is request_failed or api_request_failed. */
export const codeByMessage: readonly { pattern: RegExp; code: PspErrorCode; retry_after_seconds?: number }[] = [
	{ pattern: /refund.*(greater|more|exceed)/i, code: "refund_exceeds_amount" },
	{ pattern: /already (been )?(fully )?refunded/i, code: "refund_exceeds_amount" },
	{ pattern: /order.*already.*paid/i, code: "order_already_paid" },
	{ pattern: /not eligible for split/i, code: "invalid_request" },
	// Parts can be given away only once the payment has reached Cashfree's ledger.
	{ pattern: /not synced, please retry after 2 min/i, code: "psp_unavailable", retry_after_seconds: 120 },
];

export const codeByHttpStatus: Readonly<Record<number, PspErrorCode>> = {
	401: "authentication_failed",
	403: "authentication_failed",
	404: "not_found",
	408: "timed_out",
	409: "duplicate_request",
	422: "duplicate_request",
	429: "rate_limited",
	504: "timed_out",
};

/** `type` values after which the thing asked for may have happened, whatever the HTTP status beside them is. */
export const uncertainErrorTypes: ReadonlySet<string> = new Set([
	"api_error",
	"api_connection_error",
	"bad_gateway_error",
	"idempotency_error",
]);

/** A 4xx says that the call was refused, but for this: the first half of the connection gave up. */
export const uncertainHttpStatuses: ReadonlySet<number> = new Set([408]);

/** `payment_group` of a payment. */
export const methodByGroup: Readonly<Record<string, string>> = {
	upi: "upi",
	upi_ppi: "upi",
	upi_ppi_offline: "upi",
	upi_credit_card: "upi",
	credit_card: "card",
	debit_card: "card",
	prepaid_card: "card",
	net_banking: "netbanking",
	wallet: "wallet",
	pay_later: "paylater",
	cardless_emi: "emi",
	credit_card_emi: "emi",
	debit_card_emi: "emi",
};

/** What `order_meta.payment_methods` takes for a method; the payer is offered everything otherwise. */
export const paymentMethodsOf: Readonly<Record<string, string>> = {
	upi: "upi",
	card: "cc,dc,ccc,ppc",
	netbanking: "nb",
	wallet: "app",
	paylater: "paylater",
	emi: "cardlessemi,ccemi,dcemi",
};
