/**
 * PhonePe's objects read into ours. Shapes: developer.phonepe.com standard-checkout api-reference {create-payment,
 * order-status, refund, webhook}. Amounts are paise on both sides, and rupees are the only currency.
 */

import { z } from "zod";
import type { CreateOrderInput, PaymentState, PspError, PspErrorCode, PspFailure, RefundState } from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { readRetryAfter } from "../exchange.ts";
import { excerptOf, fail } from "../failure.ts";
import type { PhonePeExchange } from "./client.ts";
import {
	codeByDetail,
	codeByHttpStatus,
	codeByMessage,
	codeByReason,
	codeByRefusal,
	faultCodes,
	uncertainHttpStatuses,
} from "./error-map.ts";

export const CURRENCY = "INR";

const text = z.string().nullish();
const paise = z.int().nonnegative();
const unixMs = z.number().nonnegative().nullish().catch(null);
const id = z.string().regex(/^[\w-]{1,100}$/);

/** Of both, nothing that says who the payer is. */
const rail = z.object({ type: text, utr: text }).nullish().catch(null);
const instrument = z
	.object({ type: text, bankId: text, brn: text, arn: text, bankTransactionId: text, cardNetwork: text })
	.nullish()
	.catch(null);

const splitInstruments = z
	.array(z.object({ amount: paise.nullish().catch(null), rail, instrument }))
	.nullish()
	.catch(null);

const paymentSchema = z.object({
	transactionId: id,
	paymentMode: text,
	timestamp: unixMs,
	amount: paise,
	state: z.string(),
	errorCode: text,
	detailedErrorCode: text,
	rail,
	instrument,
	splitInstruments,
});
type PhonePePayment = z.infer<typeof paymentSchema>;

export const orderSchema = z.object({
	orderId: id,
	merchantOrderId: text,
	state: z.string(),
	amount: paise,
	expireAt: unixMs,
	errorCode: text,
	detailedErrorCode: text,
	errorContext: z.object({ source: text, stage: text, description: text }).nullish().catch(null),
	paymentDetails: z
		.array(paymentSchema)
		.nullish()
		.transform((list) => list ?? []),
});
export type PhonePeOrder = z.infer<typeof orderSchema>;

export const payAnswerSchema = z.object({
	orderId: id,
	state: z.string(),
	expireAt: unixMs,
	redirectUrl: z.url({ protocol: /^https?$/ }).max(8_000),
});

/** In answers and in webhooks, which do not all carry the same fields. */
export const refundSchema = z.object({
	refundId: id.nullish(),
	merchantRefundId: text,
	originalMerchantOrderId: text,
	amount: paise,
	state: z.string(),
	timestamp: unixMs,
	errorCode: text,
	detailedErrorCode: text,
	paymentDetails: z
		.array(z.object({ transactionId: text, paymentMode: text, state: text, rail, instrument, splitInstruments }))
		.nullish()
		.catch(null),
	splitInstruments,
});
export type PhonePeRefund = z.infer<typeof refundSchema>;

const errorBodySchema = z.object({ code: text, errorCode: text, message: text });

const MIN_LIFE_S = 300;
const MAX_LIFE_S = 3_600;

/** Most of what PhonePe's page offers is named by several modes. */
const modesByMethod: Readonly<Record<string, readonly { type: string }[]>> = {
	upi: [{ type: "UPI_INTENT" }, { type: "UPI_QR" }, { type: "UPI_COLLECT" }],
	card: [{ type: "CARD" }],
	netbanking: [{ type: "NET_BANKING" }],
};

const methodByMode: Readonly<Record<string, string>> = {
	UPI_INTENT: "upi",
	UPI_COLLECT: "upi",
	UPI_QR: "upi",
	PPE_INTENT: "wallet",
	CARD: "card",
	TOKEN: "card",
	NET_BANKING: "netbanking",
};

export function payRequest(input: CreateOrderInput, now: number) {
	const modes = entryOf(modesByMethod, input.method);
	const life_s = Math.floor((input.expires_at.getTime() - now) / 1000);
	return {
		merchantOrderId: input.reference,
		amount: input.amount,
		// An order may so outlive our payment by some minutes; a success that late is known how to deal with.
		expireAfter: Math.min(Math.max(life_s, MIN_LIFE_S), MAX_LIFE_S),
		metaInfo: { udf1: input.order_id.slice(0, 256) },
		paymentFlow: {
			type: "PG_CHECKOUT",
			message: (input.description ?? `Order ${input.order_id}`).slice(0, 100),
			merchantUrls: { redirectUrl: input.return_url },
			...(modes === undefined ? {} : { paymentModeConfig: { enabledPaymentModes: modes } }),
		},
	};
}

/** What an order has come to. The order's own state decides; its payments only say by which of them. */
export function orderState(order: PhonePeOrder, reference: string | null): PaymentState {
	const payments = [...order.paymentDetails].sort((a, b) => (a.timestamp ?? 0) - (b.timestamp ?? 0));
	const latest = payments.at(-1) ?? null;
	const state = (outcome: PaymentState["outcome"], payment: PhonePePayment | null): PaymentState => ({
		outcome,
		psp_order_id: order.orderId,
		reference,
		psp_payment_id: payment?.transactionId ?? null,
		amount: payment?.amount ?? order.amount,
		currency: CURRENCY,
		method: payment === null ? null : methodOf(payment),
		bank_reference: payment === null ? null : bankReference(payment),
		// feeAmount is what the payer pays on top, not what PhonePe keeps.
		fee: null,
		error: outcome === "failed" ? paymentError(order, payment) : null,
		raw: order,
	});
	const unreadable = (message: string): PaymentState => ({
		...state("unknown", latest),
		...fail("unknown", "unreadable_answer", order.state, message, null, null, order),
	});

	switch (order.state) {
		case "COMPLETED": {
			const paid = payments.find((payment) => payment.state === "COMPLETED");
			// Its refunds and a second success go by the payment's name; an answer that has it will come.
			return paid === undefined ? unreadable("PhonePe named no payment") : state("succeeded", paid);
		}
		case "FAILED":
			return payments.some((payment) => payment.state === "COMPLETED")
				? unreadable("PhonePe says that the order failed and that a payment of it was completed")
				: state("failed", latest);
		case "PENDING": {
			const open = payments.findLast((payment) => payment.state !== "FAILED");
			if (open !== undefined) return state("pending", open);
			return latest === null ? { ...state("pending", null), amount: null, currency: null } : state("failed", latest);
		}
		default:
			return unreadable(`PhonePe's order has the state ${order.state.slice(0, 40)}, which it does not document`);
	}
}

function methodOf({ paymentMode, instrument }: PhonePePayment): string | null {
	if (instrument?.type === "WALLET") return "wallet";
	return entryOf(methodByMode, paymentMode) ?? null;
}

interface Traced {
	rail?: z.infer<typeof rail>;
	instrument?: z.infer<typeof instrument>;
}

/** The UTR of a UPI payment, or what the bank calls a card's or a netbanking payment. */
function traceOf({ rail, instrument }: Traced): string | null {
	return rail?.utr || instrument?.brn || instrument?.arn || instrument?.bankTransactionId || null;
}

function bankReference(payment: Traced & { splitInstruments?: readonly Traced[] | null | undefined }): string | null {
	return [payment, ...(payment.splitInstruments ?? [])].map(traceOf).find((trace) => trace !== null) ?? null;
}

function paymentError(order: PhonePeOrder, payment: PhonePePayment | null): PspError {
	const detail = payment?.detailedErrorCode || order.detailedErrorCode;
	const reason = payment?.errorCode || order.errorCode;
	return {
		// An order that failed without a payment was left to run out.
		code: reasonOf(reason, detail) ?? (payment === null ? "payer_timed_out" : "declined"),
		psp_code: detail || reason || null,
		message: (order.errorContext?.description || (payment === null ? "Nobody paid the order" : "Payment failed")).slice(
			0,
			500,
		),
		http_status: null,
		retry_after_seconds: null,
	};
}

function reasonOf(reason: string | null | undefined, detail: string | null | undefined): PspErrorCode | undefined {
	return entryOf(codeByDetail, detail) ?? entryOf(codeByReason, reason);
}

/** What the answer does not say, `asked` does. */
export function refundState(
	refund: PhonePeRefund,
	asked: Pick<RefundState, "reference" | "psp_refund_id" | "psp_payment_id">,
): RefundState {
	const outcome = refundOutcome(refund.state);
	const traces = [...(refund.paymentDetails ?? []), ...(refund.splitInstruments ?? [])].map(bankReference);
	return {
		outcome,
		reference: refund.merchantRefundId || asked.reference,
		psp_refund_id: refund.refundId || asked.psp_refund_id,
		psp_payment_id: asked.psp_payment_id,
		amount: refund.amount,
		bank_reference: traces.find((trace) => trace !== null) ?? null,
		error:
			outcome === "failed"
				? {
						code: reasonOf(refund.errorCode, refund.detailedErrorCode) ?? "declined",
						psp_code: refund.detailedErrorCode || refund.errorCode || null,
						message: "PhonePe could not process the refund",
						http_status: null,
						retry_after_seconds: null,
					}
				: null,
		raw: refund,
	};
}

function refundOutcome(state: string): RefundState["outcome"] {
	switch (state) {
		case "COMPLETED":
			return "succeeded";
		// CONFIRMED: PhonePe has accepted it and the bank has not answered.
		case "PENDING":
		case "CONFIRMED":
			return "pending";
		case "FAILED":
			return "failed";
		default:
			return "unknown";
	}
}

/**
 * An exchange that did not end in a readable success. `failed` only where PhonePe certainly did not act: the request never
 * left, or the API itself refused it. A 5xx may come after the work was done.
 */
export function failureOf(exchange: PhonePeExchange): PspFailure {
	switch (exchange.kind) {
		case "not_called":
			return fail("failed", "authentication_failed", null, `The gateway cannot be used: ${exchange.reason}`, null);
		case "no_token": {
			const { error, raw } = failureOf(exchange.exchange);
			// Whatever became of the request for a token, the call that needed one was not made.
			const message = `PhonePe gave no access token: ${error.message}`;
			return { outcome: "failed", error: { ...error, code: codeWithoutToken(error), message }, raw };
		}
		case "never_sent":
			return fail("failed", "psp_unavailable", exchange.reason, "PhonePe could not be reached", null);
		case "lost":
			return exchange.timed_out
				? fail("unknown", "timed_out", null, "PhonePe did not answer in time", null)
				: fail("unknown", "psp_unavailable", exchange.reason, "The connection broke before an answer came", null);
		case "answered":
			return refusalOf(exchange);
	}
}

function codeWithoutToken({ code, http_status }: PspError): PspErrorCode {
	if (code === "rate_limited") return code;
	return http_status !== null && http_status >= 400 && http_status < 500 ? "authentication_failed" : "psp_unavailable";
}

function refusalOf({ http_status, headers, body }: Extract<PhonePeExchange, { kind: "answered" }>): PspFailure {
	const parsed = errorBodySchema.safeParse(body);
	const error = parsed.success ? parsed.data : null;
	const psp_code = error?.errorCode || error?.code || null;
	const message = error?.message || `PhonePe answered HTTP ${http_status} without an error it documents`;
	const raw = error === null ? { http_status, body: excerptOf(body) } : { http_status, error };
	const as = (outcome: "failed" | "unknown", code: PspErrorCode) =>
		fail(outcome, code, psp_code, message, http_status, readRetryAfter(headers), raw);

	if (http_status < 400) return as("unknown", "unreadable_answer");
	if (http_status >= 500) return as("unknown", codeByHttpStatus[http_status] ?? "psp_unavailable");
	if (psp_code !== null && faultCodes.has(psp_code)) return as("unknown", "psp_unavailable");
	const code =
		codeByMessage.find(({ pattern }) => pattern.test(message))?.code ??
		codeByHttpStatus[http_status] ??
		entryOf(codeByRefusal, psp_code) ??
		"invalid_request";
	return as(uncertainHttpStatuses.has(http_status) ? "unknown" : "failed", code);
}

/** For a lookup: that it went wrong says nothing about what was looked up. */
export function lookupFailureOf(exchange: PhonePeExchange): PspFailure {
	return { ...failureOf(exchange), outcome: "unknown" };
}

/** PhonePe itself says that it has no such thing; a page that a proxy answers with 404 does not. */
export function saysNotFound(exchange: PhonePeExchange): boolean {
	if (exchange.kind !== "answered" || exchange.http_status < 400 || exchange.http_status > 499) return false;
	const parsed = errorBodySchema.safeParse(exchange.body);
	const code = parsed.success ? parsed.data.errorCode || parsed.data.code : null;
	return entryOf(codeByRefusal, code) === "not_found";
}
