interface ErrorDetails {
	type?: string;
	code?: string;
	decline_code?: string;
	param?: string;
}

/** An error as Stripe words it. */
export class StripeError extends Error {
	readonly status: number;
	readonly body: { error: Record<string, string> };
	/** Whether the call got as far as doing something: only then its answer is kept for its idempotency key. */
	readonly was_executed: boolean;

	constructor(status: number, message: string, details: ErrorDetails = {}, was_executed = false) {
		super(message);
		this.status = status;
		this.was_executed = was_executed;
		const { type = "invalid_request_error", code, ...rest } = details;
		this.body = {
			error: {
				...(code !== undefined && {
					code,
					doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}`,
				}),
				...rest,
				message,
				type,
			},
		};
	}
}

/** Most of a key is starred out, as Stripe does. */
export function invalidKey(key: string): StripeError {
	const shown = key.length > 12 ? `${key.slice(0, 8)}${"*".repeat(key.length - 12)}${key.slice(-4)}` : "*".repeat(8);
	return new StripeError(401, `Invalid API Key provided: ${shown}`);
}

export const noKey = () =>
	new StripeError(
		401,
		"You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
	);

export const noSuch = (thing: string, id: string, param = "id") =>
	new StripeError(404, `No such ${thing}: '${id}'`, { code: "resource_missing", param });

export const unknownUrl = (method: string, path: string) =>
	new StripeError(404, `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs.`);

export const invalid = (message: string, param?: string, code?: string) =>
	new StripeError(400, message, { ...(code !== undefined && { code }), ...(param !== undefined && { param }) });

/** Refused after looking at what there is, so that a repeat with the same key is told the same. */
export const refused = (message: string, details: ErrorDetails = {}) => new StripeError(400, message, details, true);

/** What the service says of a fault inside itself, or of too many requests. */
export function errorBodyFor(status: number): unknown {
	switch (status) {
		case 401:
			return noKey().body;
		case 404:
			return unknownUrl("GET", "/v1/unknown").body;
		case 409:
			return new StripeError(
				409,
				"There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, and the other request is still going through).",
				{ type: "idempotency_error", code: "idempotency_key_in_use" },
			).body;
		case 429:
			return new StripeError(429, "Request rate limit exceeded. Learn more about rate limits here.", {
				code: "rate_limit",
			}).body;
		default:
			return status >= 500
				? new StripeError(status, "An unknown error occurred", { type: "api_error" }).body
				: new StripeError(status, "The request could not be processed").body;
	}
}

/** Why a payer's bank says no: Stripe's decline codes and codes, with the words that go with them. */
export const DECLINES: Record<string, { label: string; code: string; message: string }> = {
	generic_decline: { label: "Bank says no", code: "card_declined", message: "Your card was declined." },
	insufficient_funds: {
		label: "Not enough money in the account",
		code: "card_declined",
		message: "Your card has insufficient funds.",
	},
	do_not_honor: { label: "Bank gives no reason", code: "card_declined", message: "Your card was declined." },
	expired_card: { label: "Card has expired", code: "expired_card", message: "Your card has expired." },
	incorrect_cvc: {
		label: "Wrong security code",
		code: "incorrect_cvc",
		message: "Your card's security code is incorrect.",
	},
	processing_error: {
		label: "Technical fault at the bank",
		code: "processing_error",
		message: "An error occurred while processing your card. Try again in a little bit.",
	},
	payment_intent_authentication_failure: {
		label: "One-time password failed",
		code: "payment_intent_authentication_failure",
		message:
			"We are unable to authenticate your payment method. Please choose a different payment method and try again.",
	},
	payment_method_customer_decline: {
		label: "Cancelled in the app",
		code: "payment_method_customer_decline",
		message: "The customer did not approve the payment. Please provide a new payment method.",
	},
	payment_intent_payment_attempt_expired: {
		label: "Not approved in time",
		code: "payment_intent_payment_attempt_expired",
		message: "The latest attempt to confirm the payment has expired. Please provide a new payment method.",
	},
};

export const DEFAULT_DECLINE = "generic_decline";
