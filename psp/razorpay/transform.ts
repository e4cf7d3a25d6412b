/** Razorpay's objects read into ours. Shapes: razorpay docs api/{orders,payments,refunds,settlements}. Amounts are paise on both sides. */

import { z } from "zod";
import type {
	CreateOrderInput,
	PaymentState,
	Presentation,
	PspError,
	PspErrorCode,
	PspFailure,
	RefundState,
	SettlementLine,
	SplitPart,
	TransferReport,
	TransferState,
} from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { type Exchange, readRetryAfter } from "../exchange.ts";
import { excerptOf, fail } from "../failure.ts";
import { isoTime } from "../iso-time.ts";
import {
	codeByDescription,
	codeByHttpStatus,
	codeByPaymentErrorCode,
	codeByReason,
	faultErrorCodes,
	uncertainHttpStatuses,
} from "./error-map.ts";

const text = z.string().nullish();
const flag = z.boolean().nullish();
const paise = z.int();
const unixSeconds = z.int().nonnegative();

/** Empty notes come as `[]`, and a settlement line's as a plain string. */
const notes = z.unknown().transform((value): Record<string, unknown> => {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
});

/** Ids are put into paths by the SDK as they are. */
const id = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);

export const orderSchema = z.object({
	id,
	amount: paise,
	amount_paid: paise.nullish(),
	amount_due: paise.nullish(),
	attempts: z.int().nullish(),
	currency: z.string(),
	receipt: text,
	status: z.string(),
	notes,
	created_at: unixSeconds.nullish(),
});
export type RazorpayOrder = z.infer<typeof orderSchema>;

export const paymentSchema = z.object({
	id,
	amount: paise,
	currency: z.string(),
	base_amount: paise.nullish(),
	status: z.string(),
	order_id: text,
	international: flag,
	method: text,
	amount_refunded: paise.nullish(),
	refund_status: text,
	captured: flag,
	bank: text,
	wallet: text,
	card: z
		.object({ network: text, type: text, issuer: text, international: flag, emi: flag, sub_type: text })
		.nullish()
		.catch(null),
	upi: z.object({ payer_account_type: text, flow: text }).nullish().catch(null),
	fee: paise.nullish(),
	tax: paise.nullish(),
	error_code: text,
	error_description: text,
	error_source: text,
	error_step: text,
	error_reason: text,
	acquirer_data: z
		.object({ rrn: text, utr: text, bank_transaction_id: text, transaction_id: text, auth_code: text })
		.nullish()
		.catch(null),
	created_at: unixSeconds.nullish(),
});
export type RazorpayPayment = z.infer<typeof paymentSchema>;

export const refundSchema = z.object({
	id,
	amount: paise,
	currency: z.string(),
	payment_id: text,
	receipt: text,
	notes,
	status: z.string(),
	speed_processed: text,
	speed_requested: text,
	acquirer_data: z.object({ arn: text, rrn: text, utr: text }).nullish().catch(null),
	created_at: unixSeconds.nullish(),
});
export type RazorpayRefund = z.infer<typeof refundSchema>;

export const transferSchema = z.object({
	id,
	amount: paise,
	currency: z.string(),
	recipient: z.string(),
	source: text,
	notes,
	status: z.string(),
	created_at: unixSeconds.nullish(),
	processed_at: unixSeconds.nullish(),
	error: z.object({ code: text, description: text, reason: text }).nullish().catch(null),
});
export type RazorpayTransfer = z.infer<typeof transferSchema>;

/** Without its status: Razorpay's own sample of a transfer that failed says "processed", and other samples call the field otherwise. */
export const toldTransferSchema = transferSchema
	.omit({ status: true })
	.extend({ amount_reversed: paise.nonnegative().nullish() });

export const settlementLineSchema = z.object({
	entity_id: z.string().min(1),
	type: z.string(),
	debit: paise.nullish(),
	credit: paise.nullish(),
	amount: paise,
	currency: z.string(),
	fee: paise.nullish(),
	tax: paise.nullish(),
	settled: flag,
	settled_at: unixSeconds.nullish(),
	settlement_id: text,
	settlement_utr: text,
	payment_id: text,
	order_id: text,
});

export function collectionOf<Item extends z.ZodType>(item: Item) {
	return z.object({ items: z.array(item) });
}

const errorBodySchema = z.object({
	error: z.object({ code: text, description: text, reason: text, field: text.catch(null) }),
});

/** Razorpay says 40 characters at most; a uuid has 36. */
export function receiptOf(reference: string): string {
	return reference.slice(0, 40);
}

/** What the hosted page takes as `method`; the payer is offered everything otherwise. */
const checkoutMethods: ReadonlySet<string> = new Set(["upi", "card", "netbanking", "wallet", "paylater"]);

export function presentOrder(
	api_url: string,
	api_key: string,
	order: RazorpayOrder,
	input: CreateOrderInput,
): Presentation {
	const fields: Record<string, string> = {
		key_id: api_key,
		order_id: order.id,
		amount: String(order.amount),
		currency: order.currency,
		name: input.merchant_name,
		description: input.description ?? `Order ${input.order_id}`,
		callback_url: input.return_url,
		cancel_url: input.cancel_url,
		"notes[reference]": input.reference,
		"notes[order_id]": noteOf(input.order_id),
	};
	if (input.customer.name) fields["prefill[name]"] = input.customer.name;
	if (input.customer.email) fields["prefill[email]"] = input.customer.email;
	if (input.customer.phone) fields["prefill[contact]"] = input.customer.phone;
	if (input.method !== null && checkoutMethods.has(input.method)) fields.method = input.method;
	return { kind: "form", url: `${api_url}/v1/checkout/embedded`, fields };
}

/** A note holds 256 characters at most. */
export function noteOf(value: string): string {
	return value.slice(0, 256);
}

function readPaymentOutcome(payment: RazorpayPayment): PaymentState["outcome"] {
	switch (payment.status) {
		case "captured":
			return "succeeded";
		case "refunded":
			// Money that was only held and then let go by Razorpay is "refunded" too, and was never the merchant's.
			// (`captured` is looked at here alone: Razorpay's own samples show it true beside status "failed".)
			return payment.captured === true ? "succeeded" : "failed";
		case "authorized":
			return "authorized";
		case "created":
			return "pending";
		case "failed":
			return "failed";
		default:
			return "unknown";
	}
}

/**
 * `order` is the order entity where the message has one. Only there is our reference worth something: the notes of a
 * payment come from a form that passed through the payer's browser.
 */
export function paymentState(payment: RazorpayPayment, order: RazorpayOrder | null = null): PaymentState {
	const outcome = readPaymentOutcome(payment);
	return {
		outcome,
		psp_order_id: payment.order_id || order?.id || null,
		reference: order === null ? null : referenceOf(order.notes, order.receipt),
		psp_payment_id: payment.id,
		amount: payment.amount,
		currency: payment.currency,
		method: payment.method || null,
		bank_reference:
			payment.acquirer_data?.rrn || payment.acquirer_data?.utr || payment.acquirer_data?.bank_transaction_id || null,
		fee: payment.fee ?? null,
		error: outcome === "failed" ? paymentError(payment) : null,
		raw: payment,
	};
}

export function referenceOf(notes: Record<string, unknown>, receipt: string | null | undefined): string | null {
	return typeof notes.reference === "string" ? notes.reference : receipt || null;
}

function paymentError(payment: RazorpayPayment): PspError {
	const { error_reason: reason, error_code: code } = payment;
	const released = payment.status === "refunded";
	return {
		code: entryOf(codeByReason, reason) ?? entryOf(codeByPaymentErrorCode, code) ?? "declined",
		psp_code: reason || code || (released ? "refunded_without_capture" : null),
		message:
			payment.error_description || (released ? "The money was held and let go without a capture" : "Payment failed"),
		http_status: null,
		retry_after_seconds: null,
	};
}

/** What an order with these payments has come to; null where there is none. */
export function orderState(payments: readonly RazorpayPayment[]): PaymentState | null {
	const best = bestPayment(payments);
	if (best === null) return null;
	const further = payments.filter((payment) => payment !== best && payment.status === "captured");
	return { ...paymentState(best), ...(further.length > 0 && { further: further.map((each) => paymentState(each)) }) };
}

/** Money taken, before that which was given back, else money held, else the newest try. */
function bestPayment(payments: readonly RazorpayPayment[]): RazorpayPayment | null {
	const rank = (payment: RazorpayPayment) => {
		const outcome = readPaymentOutcome(payment);
		if (outcome === "succeeded") return payment.status === "captured" ? 3 : 2;
		return outcome === "authorized" ? 1 : 0;
	};
	return payments.reduce<RazorpayPayment | null>((best, payment) => {
		if (best === null || rank(payment) > rank(best)) return payment;
		return rank(payment) === rank(best) && (payment.created_at ?? 0) > (best.created_at ?? 0) ? payment : best;
	}, null);
}

export function refundState(refund: RazorpayRefund): RefundState {
	const outcome =
		refund.status === "processed"
			? "succeeded"
			: refund.status === "pending" || refund.status === "created"
				? "pending"
				: refund.status === "failed"
					? "failed"
					: "unknown";
	return {
		outcome,
		reference: referenceOf(refund.notes, refund.receipt),
		psp_refund_id: refund.id,
		psp_payment_id: refund.payment_id || null,
		amount: refund.amount,
		bank_reference: refund.acquirer_data?.arn || refund.acquirer_data?.rrn || refund.acquirer_data?.utr || null,
		error:
			outcome === "failed"
				? {
						code: "declined",
						psp_code: "failed",
						message: "Razorpay could not process the refund",
						http_status: null,
						retry_after_seconds: null,
					}
				: null,
		raw: { ...refund, notes: referenceNote(refund) },
	};
}

function referenceNote({ notes }: { notes: Record<string, unknown> }) {
	return typeof notes.reference === "string" ? { reference: notes.reference } : {};
}

export function transferParams({ account, amount }: SplitPart, currency: string, reference: string) {
	return { account, amount, currency, notes: { reference } };
}

export function transferState(transfer: RazorpayTransfer): TransferState {
	const outcome = readTransferOutcome(transfer.status);
	return {
		outcome,
		psp_transfer_id: transfer.id,
		amount: transfer.amount,
		error: outcome === "failed" ? transferError(transfer, transfer.status) : null,
		raw: { ...transfer, notes: referenceNote(transfer) },
	};
}

function transferError({ error }: Pick<RazorpayTransfer, "error">, status: string): PspError {
	return {
		code: "declined",
		psp_code: error?.reason || status,
		message: error?.description || `Razorpay says of the transfer: ${status}`,
		http_status: null,
		retry_after_seconds: null,
	};
}

/** By the event; `occurred_at` is the event's, in seconds. */
export function transferReport(
	outcome: TransferReport["outcome"],
	transfer: z.infer<typeof toldTransferSchema>,
	occurred_at: number | null,
): TransferReport {
	return {
		outcome,
		psp_transfer_id: transfer.id,
		psp_order_id: transfer.source?.startsWith("order_") ? transfer.source : null,
		reference: referenceOf(transfer.notes, null),
		account: transfer.recipient,
		amount: transfer.amount,
		amount_reversed: transfer.amount_reversed ?? 0,
		currency: transfer.currency,
		occurred_at: isoTime(occurred_at),
		error: outcome === "failed" ? transferError(transfer, "failed") : null,
		raw: { ...transfer, notes: referenceNote(transfer) },
	};
}

function readTransferOutcome(status: string): TransferState["outcome"] {
	switch (status) {
		case "processed":
		case "partially_reversed":
			return "succeeded";
		case "created":
		case "pending":
			return "pending";
		case "failed":
		case "reversed":
			return "failed";
		default:
			return "unknown";
	}
}

export function settlementLine(line: z.infer<typeof settlementLineSchema>): SettlementLine {
	const kind = line.type === "payment" || line.type === "refund" || line.type === "transfer" ? line.type : "adjustment";
	return {
		kind,
		psp_kind: line.type,
		psp_id: line.entity_id,
		psp_payment_id: line.payment_id || (kind === "payment" ? line.entity_id : null),
		psp_order_id: line.order_id || null,
		psp_settlement_id: line.settlement_id || null,
		amount: line.amount,
		credit: line.credit ?? 0,
		debit: line.debit ?? 0,
		fee: line.fee ?? 0,
		tax: line.tax ?? 0,
		currency: line.currency,
		utr: line.settlement_utr || null,
		settled_at: line.settled_at ? new Date(line.settled_at * 1000) : null,
	};
}

/** What of an order is kept: nothing that the payer or the merchant wrote into it. */
export function orderForRecord(order: RazorpayOrder) {
	const { notes: _, ...kept } = order;
	return kept;
}

/**
 * An exchange that did not end in a readable success. `failed` only where Razorpay certainly did not act: the request
 * never left, or the API itself refused it. A 5xx may come after the work was done.
 */
export function failureOf(exchange: Exchange): PspFailure {
	if (exchange.kind === "never_sent") {
		return fail("failed", "psp_unavailable", exchange.reason, "Razorpay could not be reached", null);
	}
	if (exchange.kind === "lost") {
		return exchange.timed_out
			? fail("unknown", "timed_out", null, "Razorpay did not answer in time", null)
			: fail("unknown", "psp_unavailable", exchange.reason, "The connection broke before an answer came", null);
	}
	const { http_status, body } = exchange;
	const parsed = errorBodySchema.safeParse(body);
	const error = parsed.success ? parsed.data.error : null;
	const raw = error === null ? { http_status, body: excerptOf(body) } : { http_status, error };
	const retry_after_seconds = readRetryAfter(exchange.headers);
	const psp_code = error?.reason && error.reason !== "NA" ? error.reason : error?.code || null;
	const message = error?.description || `Razorpay answered HTTP ${http_status} without an error it documents`;
	const as = (outcome: "failed" | "unknown", code: PspErrorCode) =>
		fail(outcome, code, psp_code, message, http_status, retry_after_seconds, raw);

	if (http_status < 400) return as("unknown", "unreadable_answer");
	if (http_status >= 500) return as("unknown", codeByHttpStatus[http_status] ?? "psp_unavailable");
	if (error?.code && faultErrorCodes.has(error.code)) return as("unknown", "psp_unavailable");
	const described = codeByDescription.find(({ pattern }) => pattern.test(error?.description ?? ""));
	if (described !== undefined) return as(described.certain ? "failed" : "unknown", described.code);
	return as(
		uncertainHttpStatuses.has(http_status) ? "unknown" : "failed",
		codeByHttpStatus[http_status] ?? "invalid_request",
	);
}

/** For a lookup: that it went wrong says nothing about what was looked up. */
export function lookupFailureOf(exchange: Exchange): PspFailure {
	return { ...failureOf(exchange), outcome: "unknown" };
}
