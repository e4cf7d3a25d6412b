/** An error as Razorpay words it. */
export class RazorpayError extends Error {
	readonly status: number;
	readonly body: { error: Record<string, unknown> };

	constructor(
		status: number,
		description: string,
		details: { code?: string; field?: string; reason?: string; step?: string; source?: string } = {},
	) {
		super(description);
		this.status = status;
		const {
			code = "BAD_REQUEST_ERROR",
			field,
			reason = "input_validation_failed",
			step,
			source = "business",
		} = details;
		this.body = {
			error: {
				code,
				description,
				source,
				step: step ?? "payment_initiation",
				reason,
				metadata: {},
				...(field === undefined ? {} : { field }),
			},
		};
	}
}

const NOT_APPLICABLE = { source: "NA", step: "NA", reason: "NA" };

export const authenticationFailed = () => new RazorpayError(401, "Authentication failed", NOT_APPLICABLE);
export const urlNotFound = () =>
	new RazorpayError(404, "The requested URL was not found on the server.", NOT_APPLICABLE);
export const idNotFound = () => new RazorpayError(400, "The id provided does not exist");

/** What the service says of a fault inside itself, or of too many requests. */
export function errorBodyFor(status: number): unknown {
	if (status === 401) return authenticationFailed().body;
	if (status === 404) return urlNotFound().body;
	if (status === 429) return new RazorpayError(status, "Too many requests", NOT_APPLICABLE).body;
	if (status === 502 || status === 504)
		return new RazorpayError(status, "The gateway request timed out", { ...NOT_APPLICABLE, code: "GATEWAY_ERROR" })
			.body;
	if (status >= 500)
		return new RazorpayError(status, "We are facing some trouble completing your request at the moment.", {
			...NOT_APPLICABLE,
			code: "SERVER_ERROR",
		}).body;
	return new RazorpayError(status, "The request could not be processed").body;
}

/** Why a payer's bank says no: Razorpay's reasons, with the words and the step that go with them. */
export const DECLINES: Record<string, { description: string; source: string; step: string; label: string }> = {
	payment_failed: {
		label: "Bank says no",
		description: "Payment failed",
		source: "issuer",
		step: "payment_authorization",
	},
	payment_declined: {
		label: "Declined by the bank",
		description: "Your payment was declined by the bank. Try another payment method or account.",
		source: "issuer",
		step: "payment_authorization",
	},
	insufficient_funds: {
		label: "Not enough money in the account",
		description:
			"Your payment could not be completed due to insufficient account balance. Try again with another account.",
		source: "customer",
		step: "payment_authorization",
	},
	payment_cancelled: {
		label: "Cancelled in the app",
		description: "Payment was unsuccessful as you cancelled it. Try again.",
		source: "customer",
		step: "payment_authentication",
	},
	payment_timed_out: {
		label: "Not approved in time",
		description: "Payment was unsuccessful as you could not pay within the time limit. Try again.",
		source: "customer",
		step: "payment_authentication",
	},
	bank_technical_error: {
		label: "Technical fault at the bank",
		description: "Payment was unsuccessful due to a technical fault at your bank. Try again after some time.",
		source: "bank",
		step: "payment_authorization",
	},
	gateway_technical_error: {
		label: "Technical fault at the gateway",
		description: "Payment was unsuccessful due to a temporary fault. Any amount deducted is refunded within 5-7 days.",
		source: "gateway",
		step: "payment_authorization",
	},
	invalid_vpa: {
		label: "UPI id does not exist",
		description: "You have entered an incorrect UPI id. Check it and try again.",
		source: "customer",
		step: "payment_initiation",
	},
	credit_failed: {
		label: "The beneficiary's bank did not take it",
		description: "Payment failed at the receiving bank. Any amount deducted is refunded within 5-7 days.",
		source: "beneficiary_bank",
		step: "payment_credit",
	},
};

export const DEFAULT_DECLINE = "payment_failed";
