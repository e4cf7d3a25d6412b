/**
 * PayU's words for what went wrong, reduced to ours. Data only. Sources: docs.payu.in reference/error-codes,
 * error-codes-for-refund-initiation, payment-state-explanations, payment_split_api.
 */

import type { PspErrorCode } from "../adapter.ts";

/** `error` (webhook, return) or `error_code` (verify_payment) of a payment that failed. */
export const codeByPaymentError: Readonly<Record<string, PspErrorCode>> = {
	E302: "cancelled_by_payer", // SECURE_3D_CANCELLED
	E502: "cancelled_by_payer", // TRANSACTION_ABORTED
	E503: "cancelled_by_payer", // TRANSACTION_CANCELLED
	E905: "cancelled_by_payer", // USER_DECLINED
	E1206: "cancelled_by_payer", // REDIRECTED_BY_BACK_BUTTON
	E1605: "cancelled_by_payer", // Cancelled by user

	E408: "payer_timed_out", // Marked bounced as transaction has timed out
	E507: "payer_timed_out", // Collect expired
	E906: "payer_timed_out", // TIMER_EXPIRED
	E4103: "payer_timed_out", // Payment validity expired

	E706: "insufficient_funds", // INSUFFICIENT_FUNDS
	E713: "insufficient_funds", // INSUFFICIENT_FUNDS_EXPIRY_INVALID
	E718: "insufficient_funds", // INSUFFICIENT_FUNDS_INVALID_CVV
	E719: "insufficient_funds", // INSUFFICIENT_FUNDS_AUTHENTICATION_FAILURE
	E1208: "insufficient_funds", // INSUFFICIENT_FUNDS_INCORRECT_EXPIRY

	E204: "bank_unavailable", // CURL_ERROR_NOT_ENROLLED
	E205: "bank_unavailable", // CURL_ERROR_ENROLLED
	E206: "bank_unavailable", // CUTOFF_ERROR
	E208: "bank_unavailable", // BANK_SERVER_ERROR
	E209: "bank_unavailable", // NO_BANK_RESPONSE
	E210: "bank_unavailable", // COMMUNICATION_ERROR
	E211: "bank_unavailable", // NETWORK_ERROR
	E212: "bank_unavailable", // SERVER_COMMUNICATION_ERROR
	E214: "bank_unavailable", // CURL_CALL_FAILURE, "The Bank servers are unreachable over the network"
	E216: "bank_unavailable", // BATCH_ERROR
	E218: "bank_unavailable", // CARD_ISSUER_TIMED_OUT
	E219: "bank_unavailable", // INCOMPLETE_BANK_RESPONSE
	E309: "bank_unavailable", // SYSTEM_ERROR_PG
	E321: "bank_unavailable", // SECURE_3D_SERVER_ERROR
	E334: "bank_unavailable", // AUTHENTICATION_SERVICE_UNAVAILABLE
	E801: "bank_unavailable", // NETBANKING_GATEWAY_DOWN
	E802: "bank_unavailable", // CC_DC_ISSUING_BANK_DOWN
	E1001: "bank_unavailable", // AUTHENTICATION_SERVICE_UNAVAILABLE_ASU
	E1202: "bank_unavailable", // FACILITY_UNAVAILABLE
	E4041: "bank_unavailable", // INTERNAL EXCEPTION AT SERVER/CBS/ETC ON REMITTER SIDE
	E4044: "bank_unavailable", // UNABLE TO PROCESS CREDIT FROM BANK'S POOL/BGL ACCOUNT
	E4045: "bank_unavailable", // UNABLE TO PROCESS DEBIT IN BANK'S POOL/BGL ACCOUNT
	E4259: "bank_unavailable", // INTERNAL EXCEPTION AT SERVER/CBS/ETC ON BENEFICIARY SIDE

	E600: "psp_unavailable", // PAYU_API_ERROR
	E803: "psp_unavailable", // NO_ELIGIBLE_PG
	E804: "psp_unavailable", // DISABLE_PG_NOT_AVAILABLE_HANDLING

	E504: "duplicate_request", // DUPLICATE_TRANSACTION
	E700: "authentication_failed", // SECURE_HASH_FAILURE
	E702: "amount_mismatch", // AMOUNT_DIFFERENCE
	E715: "invalid_request", // INVALID_AMOUNT
};

/** `unmappedstatus` of a payment whose error is not in the list above. */
export const codeByUnmappedStatus: Readonly<Record<string, PspErrorCode>> = {
	usercancelled: "cancelled_by_payer",
	// The payer never pressed the button on PayU's page.
	bounced: "cancelled_by_payer",
	// The payer went on to the bank, and nobody came back from there.
	dropped: "cancelled_by_payer",
	expired: "payer_timed_out",
};

/** `mode` of a payment. */
export const methodByMode: Readonly<Record<string, string>> = {
	CC: "card",
	DC: "card",
	NB: "netbanking",
	UPI: "upi",
	QR: "upi",
	SBQR: "upi",
	CASH: "wallet",
	EMI: "emi",
	BNPL: "paylater",
	PAYLATER: "paylater",
};

/** What `enforce_paymethod` calls a method of ours; the payer is offered everything otherwise. */
export const payMethodByMethod: Readonly<Record<string, string>> = {
	upi: "upi",
	card: "creditcard|debitcard",
	netbanking: "netbanking",
	wallet: "cashcard",
	emi: "emi",
};

/**
 * `error_code` of an answer to a refund. What is pending was accepted. After one that is `temporary` nothing was done, and
 * the same may be asked again.
 */
export const refundAnswers: Readonly<
	Record<string, "succeeded" | "pending" | { code: PspErrorCode; temporary?: true; retry_after_seconds?: number }>
> = {
	"100": "succeeded",
	"101": "pending", // PENDING
	"102": "pending", // QUEUED
	"112": "pending", // RISK_QUEUED
	"122": "pending", // APPROVAL PENDING
	"123": "pending", // Request set as pending - requires manual follow-up
	"126": "pending", // IN_PROGRESS
	"127": "pending", // REQUESTED
	"225": "pending", // Overdraft has occurred. Kindly recheck the status tomorrow
	"226": "pending", // Capture has been initiated today. Check for refund status tomorrow
	// "Invalid amount": ours is always well formed and above zero, so it is more than what is left.
	"105": { code: "refund_exceeds_amount" },
	"106": { code: "duplicate_request" }, // Token already exists
	"109": { code: "duplicate_request" }, // Request is already logged
	"113": { code: "refund_exceeds_amount" }, // Invalid amount - chargeback of amount present
	"116": { code: "not_found" }, // Transaction not found
	"117": { code: "refund_exceeds_amount" }, // Amount does not match
	"119": { code: "not_found" }, // No such request found
	"120": { code: "psp_unavailable", temporary: true }, // Transaction lock could not be obtained
	// Another refund of the same amount within five minutes.
	"214": { code: "rate_limited", retry_after_seconds: 300 },
	"227": { code: "duplicate_request" }, // Same amount and same token
	"302": { code: "psp_unavailable", temporary: true }, // Please try after some time
	"500": { code: "psp_unavailable", temporary: true }, // Some exception occurred
};

/** `error_code` of an answer about splits. */
export const codeBySplitError: Readonly<Record<string, PspErrorCode>> = {
	"AGG-103": "not_found",
	"AGG-104": "duplicate_request",
	"AGG-108": "amount_mismatch",
	"AGG-110": "psp_unavailable",
	"AGG-300": "authentication_failed",
	"AGG-301": "not_found",
	"AGG-302": "not_found",
};

/**
 * Refusals that PayU tells apart by their words alone, with HTTP status 200 for all of them.
 * `certain: false` marks an answer after which the thing asked for may still have been done.
 */
export const codeByMessage: readonly { pattern: RegExp; code: PspErrorCode; certain: boolean }[] = [
	{ pattern: /too many requests/i, code: "rate_limited", certain: true },
	{
		pattern: /invalid hash|hash (validation failed|mismatch)|secure hash/i,
		code: "authentication_failed",
		certain: true,
	},
	{
		pattern: /merchant.{0,5}key|merchant is not active|not authori[sz]ed|access denied/i,
		code: "authentication_failed",
		certain: true,
	},
	{ pattern: /token already used|same token/i, code: "duplicate_request", certain: true },
	{ pattern: /amount.*(greater|exceed|more than)|invalid amount/i, code: "refund_exceeds_amount", certain: true },
	{ pattern: /not exists?\b|not found/i, code: "not_found", certain: true },
	{ pattern: /is empty|parameter missing|invalid/i, code: "invalid_request", certain: true },
	{ pattern: /exception|try after|try again|time-?out|unable to/i, code: "psp_unavailable", certain: false },
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
