/** An error as PhonePe words it. */
export class PhonePeError extends Error {
	readonly status: number;
	readonly body: Record<string, unknown>;

	constructor(status: number, code: string, message: string, data?: Record<string, unknown>) {
		super(message);
		this.status = status;
		this.body = { success: false, code, message, ...(data !== undefined && { data }) };
	}
}

export const badRequest = (data?: Record<string, unknown>) =>
	new PhonePeError(400, "BAD_REQUEST", "Please check the inputs you have provided.", data);
export const unauthorized = () => new PhonePeError(401, "UNAUTHORIZED", "Unauthorized");
export const orderNotFound = () =>
	new PhonePeError(400, "INVALID_MERCHANT_ORDER_ID", "No entry found for given merchant order id");
export const refundNotFound = () =>
	new PhonePeError(400, "INVALID_MERCHANT_REFUND_ID", "No entry found for given merchant refund id");
export const excessRefund = () =>
	new PhonePeError(400, "EXCESS_REFUND_AMOUNT", "The refund amount exceeds what is left of the order");
export const urlNotFound = () => new PhonePeError(404, "NOT_FOUND", "Api Mapping Not Found");

/** What the service says of a fault inside itself, or of too many requests. */
export function errorBodyFor(status: number): unknown {
	if (status === 401) return unauthorized().body;
	if (status === 404) return urlNotFound().body;
	if (status === 429) return new PhonePeError(status, "TOO_MANY_REQUESTS", "Too many requests").body;
	if (status >= 500)
		return new PhonePeError(
			status,
			"INTERNAL_SERVER_ERROR",
			"There is an error trying to process your transaction at the moment. Please try again in a while.",
		).body;
	return badRequest().body;
}

export interface Decline {
	errorCode: string;
	source: string;
	stage: string;
	description: string;
	label: string;
}

/** Why a payment fails, by PhonePe's detailed error codes. */
export const DECLINES: Record<string, Decline> = {
	ZM: {
		label: "Wrong UPI PIN",
		errorCode: "INVALID_MPIN",
		source: "CUSTOMER",
		stage: "AUTHENTICATION",
		description: "Customer entered the wrong UPI PIN.",
	},
	Z9: {
		label: "Not enough money in the account",
		errorCode: "INSUFFICIENT_BALANCE",
		source: "CUSTOMER",
		stage: "AUTHORIZATION",
		description: "Payment failed due to insufficient balance in customer's account.",
	},
	ZA: {
		label: "Refused in the app",
		errorCode: "TRANSACTION_DECLINED",
		source: "CUSTOMER",
		stage: "AUTHENTICATION",
		description: "Customer declined the payment request.",
	},
	TXN_AUTO_FAILED: {
		label: "Not approved in time",
		errorCode: "TXN_NOT_COMPLETED",
		source: "CUSTOMER",
		stage: "PRE_AUTHENTICATION",
		description: "Payment couldn't be completed due to issues related to customer or their bank.",
	},
	U90: {
		label: "Bank takes too long",
		errorCode: "BANK_TECHNICAL_ISSUE",
		source: "ISSUING_BANK",
		stage: "AUTHORIZATION",
		description: "Bank is taking longer than usual to process this payment.",
	},
	UT: {
		label: "Technical fault at the bank",
		errorCode: "BANK_TECHNICAL_ISSUE",
		source: "ISSUING_BANK",
		stage: "AUTHORIZATION",
		description: "Technical issue at the customer's bank.",
	},
};

/** Reasons that callers of the control give for all providers alike. */
const ALIASES: Record<string, string> = {
	insufficient_funds: "Z9",
	payment_cancelled: "ZA",
	payment_timed_out: "TXN_AUTO_FAILED",
	bank_technical_error: "UT",
};

const DEFAULT_DECLINE = "ZM";

export function declineOf(reason: string | undefined): Decline & { detailedErrorCode: string } {
	const asked = reason === undefined ? DEFAULT_DECLINE : (ALIASES[reason] ?? reason);
	const detailedErrorCode = Object.hasOwn(DECLINES, asked) ? asked : DEFAULT_DECLINE;
	return { detailedErrorCode, ...DECLINES[detailedErrorCode]! };
}
