/** Cashfree's objects and what they mean in ours. Pure. Docs: cashfree.com/docs api-reference/payments/latest. */

import { createHash } from "node:crypto";
import { z } from "zod";
import type {
	CreateOrderInput,
	PaymentState,
	PspError,
	PspErrorCode,
	PspFailure,
	RefundState,
	SettlementLine,
} from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { type Exchange, readRetryAfter } from "../exchange.ts";
import { excerptOf, fail } from "../failure.ts";
import {
	codeByDescription,
	codeByErrorCode,
	codeByHttpStatus,
	codeByMessage,
	codeByPaymentStatus,
	codeByReason,
	methodByGroup,
	paymentMethodsOf,
	uncertainErrorTypes,
	uncertainHttpStatuses,
} from "./error-map.ts";
import { nearestPaiseOf, paiseOf, rupeesOf } from "./money.ts";

const text = z.string().nullish();
const flag = z.boolean().nullish();
/** Rupees as Cashfree wrote them, known to be whole paise. */
const amount = z.union([z.number(), z.string()]).refine((rupees) => (paiseOf(rupees) ?? -1) >= 0);
/** In reports, where a debit may have a sign. */
const signedAmount = z.union([z.number(), z.string()]).refine((rupees) => paiseOf(rupees) !== null);
/** Rupees that are rounded when read: a charge of 1.755 must not make a whole report unreadable. */
const charge = z.union([z.number(), z.string()]).refine((rupees) => nearestPaiseOf(rupees) !== null);

/** Cashfree's own ids are numbers in older messages and strings in newer ones. */
export const cashfreeId = z.union([z.string().min(1), z.int().nonnegative().transform(String)]);

/** Optional parts of which a strange one is as good as none. */
const lenient = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(null);

export const orderSchema = z.object({
	cf_order_id: cashfreeId.nullish(),
	order_id: z.string().min(1),
	order_amount: amount,
	order_currency: z.string(),
	order_status: z.string(),
	order_expiry_time: text,
	created_at: text,
	payment_session_id: text,
});
export type CashfreeOrder = z.infer<typeof orderSchema>;

const errorDetailsSchema = z.object({
	error_code: text,
	error_description: text,
	error_reason: text,
	error_source: text,
	error_code_raw: text,
});

export const paymentSchema = z.object({
	cf_payment_id: cashfreeId,
	/** Beside the order of a webhook it is missing. */
	order_id: text,
	payment_status: z.string(),
	payment_amount: amount,
	payment_currency: z.string(),
	payment_surcharge: lenient(
		z.object({
			payment_surcharge_service_charge: charge.nullish(),
			payment_surcharge_service_tax: charge.nullish(),
		}),
	),
	payment_group: text,
	payment_message: text,
	payment_time: text,
	payment_completion_time: text,
	bank_reference: text,
	is_captured: flag,
	authorization: lenient(z.object({ action: text, status: text })),
	error_details: lenient(errorDetailsSchema),
});
export type CashfreePayment = z.infer<typeof paymentSchema>;

export const refundSchema = z.object({
	cf_refund_id: cashfreeId,
	cf_payment_id: cashfreeId.nullish(),
	/** Missing where Cashfree has refunded of its own accord. */
	refund_id: text,
	order_id: text,
	refund_amount: amount,
	refund_currency: text,
	refund_status: z.string(),
	refund_type: text,
	refund_reason: text,
	refund_arn: text,
	status_description: text,
	created_at: text,
	processed_at: text,
});
export type CashfreeRefund = z.infer<typeof refundSchema>;

export const chargesSchema = z.object({ service_charge: charge, service_tax: charge });

export const webhookPaymentSchema = z.object({
	order: z.object({ order_id: z.string().min(1) }),
	payment: paymentSchema,
	error_details: lenient(errorDetailsSchema),
	charges_details: lenient(chargesSchema),
});

export const splitSchema = z.object({ status: z.literal("OK"), message: text });

const settlementLineSchema = z.object({
	event_details: z.object({
		event_id: cashfreeId,
		event_type: z.string(),
		event_amount: signedAmount,
		event_settlement_amount: charge,
		event_service_charge: charge.nullish(),
		event_service_tax: charge.nullish(),
		event_currency: text,
		sale_type: z.string(),
	}),
	order_details: z.object({ order_id: text }).nullish(),
	payment_details: z.object({ cf_payment_id: cashfreeId.nullish() }).nullish(),
	settlement_details: z
		.object({
			cf_settlement_id: cashfreeId.nullish(),
			settlement_utr: cashfreeId.nullish(),
			utr: cashfreeId.nullish(),
			settlement_date: text,
		})
		.nullish(),
});

export const settlementPageSchema = z.object({
	cursor: text,
	data: z.array(settlementLineSchema),
});

const errorBodySchema = z.object({ message: z.string(), code: text, type: text });

export type CashfreeOrderRequest = ReturnType<typeof orderRequest>;

/** Cashfree takes no order that would expire sooner; a payment after ours has is a late one, and dealt with as such. */
const LEAST_LIFE_MS = 16 * 60_000;
/** Nor one that would expire later than in 30 days. */
const MOST_LIFE_MS = 29 * 24 * 60 * 60_000;
/** Cashfree asks for a phone number and says that a made-up one will do where the merchant has none. */
const NO_PHONE = "9999999999";
const MAX_URL = 250;

/** `order_amount` is null where JSON cannot hold the amount exactly: the caller must not send that. */
export function orderRequest(input: CreateOrderInput, now = Date.now()) {
	const { customer, method } = input;
	const payment_methods = entryOf(paymentMethodsOf, method);
	const expires_at = Math.min(Math.max(input.expires_at.getTime(), now + LEAST_LIFE_MS), now + MOST_LIFE_MS);
	return {
		order_id: input.reference,
		order_amount: rupeesOf(input.amount),
		order_currency: input.currency,
		customer_details: {
			customer_id: customerIdOf(input),
			customer_phone: phoneOf(customer.phone),
			...(customer.email && customer.email.length <= 100 ? { customer_email: customer.email } : {}),
			...(customer.name && customer.name.length >= 3 ? { customer_name: customer.name.slice(0, 100) } : {}),
		},
		order_meta: {
			return_url: input.return_url,
			// Only https is taken; without it webhooks go where the merchant's dashboard says.
			...(input.webhook_url.startsWith("https://") && input.webhook_url.length <= MAX_URL
				? { notify_url: input.webhook_url }
				: {}),
			...(payment_methods === undefined ? {} : { payment_methods }),
		},
		order_expiry_time: new Date(expires_at).toISOString(),
		order_note: (input.description ?? `Order ${input.order_id}`).slice(0, 200).padEnd(3, "."),
		order_tags: { order_id: input.order_id.slice(0, 255) },
		...(input.splits.length === 0
			? {}
			: { order_splits: input.splits.map((part) => ({ vendor_id: part.account, amount: rupeesOf(part.amount) })) }),
	};
}

/**
 * Letters and digits only. Saved cards hang on it, so two customers must never share one: an id of another form is
 * hashed, not shortened, and a payer without id gets one of the attempt's own.
 */
function customerIdOf({ customer, reference }: CreateOrderInput): string {
	if (!customer.id) return reference.replaceAll("-", "");
	if (/^[A-Za-z0-9]{3,50}$/.test(customer.id)) return customer.id;
	return createHash("sha256").update(customer.id).digest("hex").slice(0, 40);
}

/** Ten digits for an Indian number, "+" and the country's code for any other. */
function phoneOf(phone: string | undefined): string {
	const digits = (phone ?? "").replace(/\D/g, "");
	if (/^(91|0)?\d{10}$/.test(digits)) return digits.slice(-10);
	return digits.length > 6 && phone?.trim().startsWith("+") ? `+${digits}` : NO_PHONE;
}

function readPaymentOutcome(payment: CashfreePayment): PaymentState["outcome"] {
	switch (payment.payment_status) {
		case "SUCCESS":
			return isHeld(payment) ? "authorized" : "succeeded";
		case "PENDING":
		case "NOT_ATTEMPTED":
			return "pending";
		case "FAILED":
		case "USER_DROPPED":
		case "CANCELLED":
		case "VOID":
			return "failed";
		default:
			return "unknown";
	}
}

/**
 * Blocked on the payer's card or account for a capture to come. (Looked at for a success alone: Cashfree's own sample of
 * a failed payment says that it is captured.)
 */
function isHeld({ is_captured, authorization }: CashfreePayment): boolean {
	if (typeof is_captured === "boolean") return !is_captured;
	return !!authorization?.action && !(authorization.action === "CAPTURE" && authorization.status === "SUCCESS");
}

/** Where the payer bears the fee, it comes on top of the order's amount, and is not what was asked for. */
function amountOf({ payment_amount, payment_surcharge }: CashfreePayment): number | null {
	const paid = paiseOf(payment_amount);
	if (paid === null) return null;
	const { payment_surcharge_service_charge: fee, payment_surcharge_service_tax: tax } = payment_surcharge ?? {};
	return paid - (nearestPaiseOf(fee ?? 0) ?? 0) - (nearestPaiseOf(tax ?? 0) ?? 0);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Cashfree's order id is the one we gave, our reference. Merchants have orders from elsewhere under the same account. */
export function referenceOf(order_id: string | null | undefined): string | null {
	return order_id && UUID.test(order_id) ? order_id : null;
}

/** Banks that have none leave words in its place. */
function bankReferenceOf(value: string | null | undefined): string | null {
	return value && !/^(na|n\/a|null|none|0+)$/i.test(value) ? value : null;
}

export function paymentState(
	payment: CashfreePayment,
	order_id: string,
	charges: z.infer<typeof chargesSchema> | null = null,
): PaymentState {
	const outcome = readPaymentOutcome(payment);
	return {
		outcome,
		psp_order_id: order_id,
		reference: referenceOf(order_id),
		psp_payment_id: payment.cf_payment_id,
		amount: amountOf(payment),
		currency: payment.payment_currency,
		method: entryOf(methodByGroup, payment.payment_group) ?? (payment.payment_group || null),
		bank_reference: bankReferenceOf(payment.bank_reference),
		fee:
			charges === null
				? null
				: (nearestPaiseOf(charges.service_charge) as number) + (nearestPaiseOf(charges.service_tax) as number),
		error: outcome === "failed" ? paymentError(payment) : null,
		raw: { ...payment, order_id, ...(charges === null ? {} : { charges_details: charges }) },
	};
}

function paymentError({ payment_status, payment_message, error_details }: CashfreePayment): PspError {
	const reason = error_details?.error_reason || null;
	const description = error_details?.error_description || payment_message || null;
	const dropped = payment_status === "USER_DROPPED" || payment_status === "CANCELLED";
	const by_reason = entryOf(codeByReason, reason);
	const by_description = dropped
		? undefined
		: codeByDescription.find(({ pattern }) => pattern.test(`${reason} ${description} ${payment_message}`))?.code;
	const code =
		by_reason !== undefined && by_reason !== "declined"
			? by_reason
			: (by_description ?? entryOf(codeByPaymentStatus, payment_status) ?? "declined");
	return {
		code,
		psp_code: reason || error_details?.error_code || payment_status,
		message: (description || `The payment ended as ${payment_status}`).slice(0, 500),
		http_status: null,
		retry_after_seconds: null,
	};
}

/** What an order with these payments has come to; null where there is none. */
export function orderState(payments: readonly CashfreePayment[], psp_order_id: string): PaymentState | null {
	const best = bestPayment(payments);
	if (best === null) return null;
	const further = payments.filter((payment) => payment !== best && isSuccess(payment));
	return {
		...paymentState(best, psp_order_id),
		...(further.length > 0 && { further: further.map((each) => paymentState(each, psp_order_id)) }),
	};
}

/** Money taken, else money held, else the newest try. */
function bestPayment(payments: readonly CashfreePayment[]): CashfreePayment | null {
	const rank = (payment: CashfreePayment) => {
		const outcome = readPaymentOutcome(payment);
		// Nobody has begun to pay where Cashfree only made the entry; a real try says more.
		if (payment.payment_status === "NOT_ATTEMPTED") return -1;
		return outcome === "succeeded" ? 2 : outcome === "authorized" ? 1 : 0;
	};
	return payments.reduce<CashfreePayment | null>((best, payment) => {
		if (best === null || rank(payment) > rank(best)) return payment;
		if (rank(payment) < rank(best)) return best;
		// Of several successes the first counts: Cashfree gives the others back.
		const is_better = isSuccess(payment) ? wasTakenFirst(payment, best) : isNewer(payment, best);
		return is_better ? payment : best;
	}, null);
}

export function isSuccess(payment: CashfreePayment): boolean {
	return readPaymentOutcome(payment) === "succeeded";
}

function isNewer(payment: CashfreePayment, other: CashfreePayment): boolean {
	const [time, other_time] = [timeOf(payment.payment_time), timeOf(other.payment_time)];
	if (time !== null && other_time !== null && time.getTime() !== other_time.getTime()) return time > other_time;
	// Within one second: Cashfree's ids grow.
	const [id, other_id] = [payment.cf_payment_id, other.cf_payment_id];
	return id.length === other_id.length ? id > other_id : id.length > other_id.length;
}

/** One that was begun earlier may have been done later. */
function wasTakenFirst(payment: CashfreePayment, other: CashfreePayment): boolean {
	const [time, other_time] = [payment, other].map((one) => timeOf(one.payment_completion_time || one.payment_time));
	if (!time || !other_time || time.getTime() === other_time.getTime()) return isNewer(other, payment);
	return time < other_time;
}

/** Made by Cashfree of its own accord; in the list of an order's refunds or in a webhook. */
export function isAutomatic({ refund_type, refund_id }: CashfreeRefund): boolean {
	return !refund_id || refund_type === "PAYMENT_AUTO_REFUND" || refund_type === "UNRECONCILED_AUTO_REFUND";
}

/** ISO 8601; without a zone, as reports have it, the time is India's. */
export function timeOf(value: string | null | undefined): Date | null {
	if (!value) return null;
	const iso = value.trim().replace(" ", "T");
	const time = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}${iso.includes("T") ? "" : "T00:00:00"}+05:30`);
	return Number.isNaN(time.getTime()) ? null : time;
}

const refundOutcomes: Readonly<Record<string, RefundState["outcome"]>> = {
	SUCCESS: "succeeded",
	PENDING: "pending",
	PENDING_APPROVAL: "pending",
	ONHOLD: "pending",
	CANCELLED: "failed",
	FAILED: "failed",
};

export function refundState(refund: CashfreeRefund): RefundState {
	const outcome = entryOf(refundOutcomes, refund.refund_status) ?? "unknown";
	return {
		outcome,
		reference: referenceOf(refund.refund_id),
		psp_refund_id: refund.cf_refund_id,
		psp_payment_id: refund.cf_payment_id ?? null,
		amount: paiseOf(refund.refund_amount),
		bank_reference: bankReferenceOf(refund.refund_arn),
		error:
			outcome === "failed"
				? {
						code: "declined",
						psp_code: refund.refund_status,
						message: (refund.status_description || "Cashfree could not process the refund").slice(0, 500),
						http_status: null,
						retry_after_seconds: null,
					}
				: null,
		raw: refund,
	};
}

export function settlementLine(line: z.infer<typeof settlementLineSchema>): SettlementLine {
	const { event_details: event, settlement_details: settlement } = line;
	const kind = event.event_type === "PAYMENT" ? "payment" : event.event_type === "REFUND" ? "refund" : "adjustment";
	const settled = Math.abs(nearestPaiseOf(event.event_settlement_amount) ?? 0);
	const tax = nearestPaiseOf(event.event_service_tax ?? 0) ?? 0;
	const psp_payment_id = line.payment_details?.cf_payment_id ?? null;
	return {
		kind,
		psp_kind: event.event_type,
		psp_id: kind === "payment" ? (psp_payment_id ?? event.event_id) : event.event_id,
		psp_payment_id,
		psp_order_id: line.order_details?.order_id || null,
		psp_settlement_id: settlement?.cf_settlement_id ?? null,
		amount: Math.abs(paiseOf(event.event_amount) ?? 0),
		credit: event.sale_type === "CREDIT" ? settled : 0,
		debit: event.sale_type === "DEBIT" ? settled : 0,
		fee: (nearestPaiseOf(event.event_service_charge ?? 0) ?? 0) + tax,
		tax,
		currency: event.event_currency || "INR",
		utr: bankReferenceOf(settlement?.settlement_utr ?? settlement?.utr),
		settled_at: timeOf(settlement?.settlement_date),
	};
}

/** What of an order is kept: nothing of the payer, and not the session that opens the payment page. */
export function orderForRecord(order: CashfreeOrder) {
	const { payment_session_id: _, ...kept } = order;
	return kept;
}

/** Cashfree itself says that what was asked for does not exist; a 404 from anything before it says no such thing. */
export function isNotFound(exchange: Exchange): boolean {
	if (exchange.kind !== "answered" || exchange.http_status !== 404) return false;
	const parsed = errorBodySchema.safeParse(exchange.body);
	return parsed.success && /_not_found,?$/.test(parsed.data.code ?? "");
}

/**
 * An exchange that did not end in a readable success. `failed` only where Cashfree certainly did not act: the request
 * never left, or the API itself refused it. A 5xx may come after the work was done.
 */
export function failureOf(exchange: Exchange): PspFailure {
	if (exchange.kind === "never_sent") {
		return fail("failed", "psp_unavailable", exchange.reason, "Cashfree could not be reached", null);
	}
	if (exchange.kind === "lost") {
		return exchange.timed_out
			? fail("unknown", "timed_out", null, "Cashfree did not answer in time", null)
			: fail("unknown", "psp_unavailable", exchange.reason, "The connection broke before an answer came", null);
	}
	const { http_status, body } = exchange;
	const parsed = errorBodySchema.safeParse(body);
	const error = parsed.success ? parsed.data : null;
	const raw = error === null ? { http_status, body: excerptOf(body) } : { http_status, error };
	const described = codeByMessage.find(({ pattern }) => pattern.test(error?.message ?? ""));
	const as = (outcome: "failed" | "unknown", code: PspErrorCode) =>
		fail(
			outcome,
			code,
			error?.code || error?.type || null,
			error?.message || `Cashfree answered HTTP ${http_status} without an error it documents`,
			http_status,
			retryAfterOf(exchange.headers) ?? described?.retry_after_seconds ?? null,
			raw,
		);

	if (http_status < 400) return as("unknown", "unreadable_answer");
	const by_status = codeByHttpStatus[http_status];
	if (http_status >= 500) return as("unknown", by_status ?? "psp_unavailable");
	if (error?.type && uncertainErrorTypes.has(error.type)) return as("unknown", by_status ?? "psp_unavailable");
	return as(
		uncertainHttpStatuses.has(http_status) ? "unknown" : "failed",
		entryOf(codeByErrorCode, error?.code) ?? described?.code ?? by_status ?? "invalid_request",
	);
}

/** Cashfree's own header counts the seconds until the limit lets calls through again. */
function retryAfterOf(headers: Record<string, string>): number | null {
	const standard = readRetryAfter(headers);
	if (standard !== null) return standard;
	const own = headers["x-ratelimit-retry"];
	return own !== undefined && /^[1-9]\d{0,8}$/.test(own) ? Number(own) : null;
}

/** For a lookup: that it went wrong says nothing about what was looked up. */
export function lookupFailureOf(exchange: Exchange): PspFailure {
	return { ...failureOf(exchange), outcome: "unknown" };
}
