/** An error as Cashfree words it. */
export class CashfreeError extends Error {
	readonly status: number;
	readonly body: { message: string; help?: string; code: string; type: string };

	constructor(status: number, message: string, code = "request_failed", type = "invalid_request_error") {
		super(message);
		this.status = status;
		this.body = { message, code, type };
	}
}

/** A field that is not as it must be: Cashfree names it in the code, and again in the words. */
export function fieldError(field: string, problem: string, received?: unknown): CashfreeError {
	const kind = received === undefined ? "missing" : "invalid";
	return new CashfreeError(
		400,
		`${field} : ${problem}. Value received: ${received === undefined ? '""' : JSON.stringify(received)}`,
		`${field.split(".").at(-1)}_${kind}`,
	);
}

export const authenticationFailed = () =>
	new CashfreeError(401, "authentication Failed", "request_failed", "authentication_error");
export const badUrl = () => new CashfreeError(404, "bad URL, please check API documentation");
export const orderNotFound = () => new CashfreeError(404, "Order Reference Id does not exist", "order_not_found");
export const paymentNotFound = () => new CashfreeError(404, "payment not found", "payment_not_found");
export const refundNotFound = () => new CashfreeError(404, "refund not found", "refund_not_found");

/** What the service says of a fault inside itself, or of too many requests. */
export function errorBodyFor(status: number): unknown {
	if (status === 401) return authenticationFailed().body;
	if (status === 404) return badUrl().body;
	if (status === 429) {
		return new CashfreeError(status, "Too many requests from IP. Check headers", "request_failed", "rate_limit_error")
			.body;
	}
	if (status === 502) {
		return new CashfreeError(status, "bank is not responding", "bank_processing_failure", "api_error").body;
	}
	if (status >= 500) return new CashfreeError(status, "internal Server Error", "internal_error", "api_error").body;
	return new CashfreeError(status, "bad URL, please check API documentation").body;
}

/** Why a payer's bank says no: Cashfree's reasons, with the words that go with them. */
export const DECLINES: Record<string, { label: string; code: string; description: string; source: string }> = {
	auth_declined: {
		label: "Declined by the bank",
		code: "TRANSACTION_DECLINED",
		description: "issuer bank or payment service provider declined the transaction",
		source: "customer",
	},
	bank_rejected: {
		label: "Rejected at the payer's bank",
		code: "TRANSACTION_DECLINED",
		description: "transaction is rejected at the remitter bank end. Please reach out to issuer bank",
		source: "bank",
	},
	insufficient_funds: {
		label: "Not enough money in the account",
		code: "TRANSACTION_DECLINED",
		description: "insufficient funds in the account",
		source: "customer",
	},
	transaction_timeout: {
		label: "Not approved in time",
		code: "TRANSACTION_EXPIRED",
		description: "the collect request expired before it was approved",
		source: "customer",
	},
	technical_decline: {
		label: "Technical fault at the bank",
		code: "TRANSACTION_DECLINED",
		description: "the remitter bank is temporarily unavailable",
		source: "bank",
	},
};

export const DEFAULT_DECLINE = "auth_declined";
