/**
 * PhonePe's words for what went wrong, reduced to ours. Data only. Sources: developer.phonepe.com payment-gateway/error-codes
 * and the API reference of standard checkout; UPI response codes: NPCI.
 */

import type { PspErrorCode } from "../adapter.ts";

/** `detailedErrorCode` of a failed payment: for UPI the response code of the rail. */
export const codeByDetail: Readonly<Record<string, PspErrorCode>> = {
	Z9: "insufficient_funds",
	// The payer refused the request in the app.
	ZA: "cancelled_by_payer",
	U69: "payer_timed_out",
	TXN_AUTO_FAILED: "payer_timed_out",
	REQUEST_EXPIRED: "payer_timed_out",
	TXN_CANCELLED: "cancelled_by_payer",
	USER_CANCELLED: "cancelled_by_payer",
	// Wrong PIN, limits, blocked accounts, risk.
	ZM: "declined",
	Z6: "declined",
	Z7: "declined",
	Z8: "declined",
	ZU: "declined",
	YE: "declined",
	XC: "declined",
	// The rail or a bank on it was out of order.
	U28: "bank_unavailable",
	U30: "bank_unavailable",
	U90: "bank_unavailable",
	UT: "bank_unavailable",
	BT: "bank_unavailable",
};

/** `errorCode` of a failed payment or order whose detail is not in the list above. */
export const codeByReason: Readonly<Record<string, PspErrorCode>> = {
	INSUFFICIENT_BALANCE: "insufficient_funds",
	INVALID_MPIN: "declined",
	AUTHORIZATION_ERROR: "declined",
	PAYMENT_ERROR: "declined",
	TRANSACTION_DECLINED: "declined",
	TXN_CANCELLED: "cancelled_by_payer",
	USER_CANCELLED: "cancelled_by_payer",
	TXN_NOT_COMPLETED: "payer_timed_out",
	ORDER_EXPIRED: "payer_timed_out",
	TIMED_OUT: "payer_timed_out",
	BANK_TECHNICAL_ISSUE: "bank_unavailable",
	BANK_ERROR: "bank_unavailable",
	INTERNAL_SERVER_ERROR: "bank_unavailable",
};

/** `code` of a refused call. The documents and the SDK's tests name the missing order differently. */
export const codeByRefusal: Readonly<Record<string, PspErrorCode>> = {
	INVALID_MERCHANT_ORDER_ID: "not_found",
	MERCHANT_ORDER_MAPPING_NOT_FOUND: "not_found",
	INVALID_MERCHANT_REFUND_ID: "not_found",
	MERCHANT_REFUND_MAPPING_NOT_FOUND: "not_found",
	REFUND_NOT_FOUND: "not_found",
	EXCESS_REFUND_AMOUNT: "refund_exceeds_amount",
	REFUND_AMOUNT_EXCEEDED: "refund_exceeds_amount",
	DUPLICATE_TXN_REQUEST: "duplicate_request",
	AUTHORIZATION_FAILED: "authentication_failed",
	UNAUTHORIZED: "authentication_failed",
	TOO_MANY_REQUESTS: "rate_limited",
	BAD_REQUEST: "invalid_request",
};

/** BAD_REQUEST is the code of most refusals; these are told apart by their words. */
export const codeByMessage: readonly { pattern: RegExp; code: PspErrorCode }[] = [
	{ pattern: /refund.*(exceed|greater than|more than)|excess refund/i, code: "refund_exceeds_amount" },
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

/** `code` values that speak of a fault behind the API, whatever the HTTP status beside them is. */
export const faultCodes: ReadonlySet<string> = new Set(["INTERNAL_SERVER_ERROR", "TIMED_OUT"]);
