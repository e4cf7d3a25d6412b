/**
 * Stripe's objects read into ours. Shapes: docs.stripe.com/api (checkout/sessions, payment_intents, charges, refunds,
 * payouts, balance_transactions, transfers). Amounts are in the smallest unit on both sides. What a field refers to is an id,
 * or the object itself where the call asked for that (expand) or a webhook came with it.
 */

import { z } from "zod";
import type {
	PaymentState,
	PspError,
	PspErrorCode,
	PspFailure,
	RefundState,
	SettlementLine,
	TransferState,
} from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { type Exchange, readRetryAfter } from "../exchange.ts";
import { excerptOf, fail } from "../failure.ts";
import {
	codeByCancellationReason,
	codeByDeclineCode,
	codeByErrorCode,
	codeByErrorType,
	codeByHttpStatus,
	codeByMessage,
	codeByPaymentErrorCode,
	uncertainHttpStatuses,
} from "./error-map.ts";

const text = z.string().nullish();
const paise = z.int();
const unixSeconds = z.int().nonnegative();

/** Ids are put into paths by the SDK. */
const id = z.string().regex(/^[A-Za-z0-9_]{1,255}$/);
export const idSchema = id;

/** Of what merchants and others wrote into an object only our reference is kept. */
const metadata = z
	.object({ reference: z.string().max(200).optional().catch(undefined) })
	.nullish()
	.catch(null);

/** Only which one it is. */
const reference = z
	.union([id, z.object({ id }).transform((object) => object.id)])
	.nullish()
	.catch(null);

const chargeSchema = z.object({
	id,
	balance_transaction: z
		.union([id, z.object({ id, currency: z.string(), fee: paise })])
		.nullish()
		.catch(null),
	payment_method_details: z
		.object({
			type: text,
			card: z
				.object({ brand: text, country: text, funding: text, network: text, network_transaction_id: text })
				.nullish()
				.catch(null),
		})
		.nullish()
		.catch(null),
	transfer_group: text,
});

export const paymentIntentSchema = z.object({
	id,
	amount: paise,
	amount_capturable: paise.nullish(),
	amount_received: paise.nullish(),
	cancellation_reason: text,
	currency: z.string(),
	last_payment_error: z.object({ type: text, code: text, decline_code: text, message: text }).nullish().catch(null),
	latest_charge: z.union([id, chargeSchema]).nullish().catch(null),
	metadata,
	status: z.string(),
});
export type StripePaymentIntent = z.infer<typeof paymentIntentSchema>;

export const sessionSchema = z.object({
	id,
	amount_total: paise.nullable(),
	client_reference_id: text,
	created: unixSeconds.nullish(),
	currency: z.string().nullable(),
	expires_at: unixSeconds.nullish(),
	metadata,
	payment_intent: z.union([id, paymentIntentSchema]).nullish().catch(null),
	payment_status: z.string(),
	status: z.string().nullable(),
	url: z.url({ protocol: /^https?$/ }).nullish(),
});
export type StripeSession = z.infer<typeof sessionSchema>;

/** One among a merchant's sessions, of any kind. */
export const strangeSessionSchema = z.looseObject({ id, client_reference_id: text });

export const refundSchema = z.object({
	id,
	amount: paise,
	charge: reference,
	currency: z.string(),
	destination_details: z
		.looseObject({ type: text })
		.nullish()
		.catch(null)
		.transform((details) => arrivalReference(details)),
	failure_reason: text,
	metadata,
	payment_intent: reference,
	pending_reason: text,
	status: text,
});
export type StripeRefund = z.infer<typeof refundSchema>;

export const payoutSchema = z.object({
	id,
	amount: paise,
	arrival_date: unixSeconds,
	automatic: z.boolean(),
	currency: z.string(),
	reconciliation_status: text,
	status: z.string(),
	trace_id: z.object({ value: text }).nullish().catch(null),
});
export type StripePayout = z.infer<typeof payoutSchema>;

export const balanceTransactionSchema = z.object({
	id,
	amount: paise,
	currency: z.string(),
	fee: paise,
	fee_details: z.array(z.object({ amount: paise, type: text })).catch([]),
	net: paise,
	/** The charge, refund, transfer … that moved the money. */
	source: z
		.union([id, z.object({ id, payment_intent: reference, transfer_group: text })])
		.nullish()
		.catch(null),
	type: z.string(),
});

export const transferSchema = z.object({
	id,
	amount: paise,
	currency: z.string(),
	destination: reference,
	metadata,
	reversed: z.boolean().nullish(),
});
export type StripeTransfer = z.infer<typeof transferSchema>;

export function listOf<Item extends z.ZodType>(item: Item) {
	return z.object({ data: z.array(item), has_more: z.boolean() });
}

const errorBodySchema = z.object({
	error: z.object({ type: text, code: text, decline_code: text, message: text, param: text }),
});

/** Where a bank can look for a refund: the acquirer's number for cards, the rail's own for others. */
function arrivalReference(details: Record<string, unknown> | null | undefined) {
	const rail = details?.[String(details.type)];
	const value = (rail as { reference?: unknown } | undefined)?.reference;
	return typeof value === "string" && value !== "" ? { reference: value } : null;
}

function referenceOf(object: { metadata?: { reference?: string } | null; client_reference_id?: string | null }) {
	return object.metadata?.reference || object.client_reference_id || null;
}

function idOf(object: string | { id: string } | null | undefined): string | null {
	return typeof object === "object" && object !== null ? object.id : object || null;
}

function readIntentOutcome(intent: StripePaymentIntent): PaymentState["outcome"] {
	switch (intent.status) {
		case "succeeded":
			return "succeeded";
		case "requires_capture":
			return "authorized";
		case "processing":
		case "requires_action":
		case "requires_confirmation":
			return "pending";
		case "requires_payment_method":
			// After a decline the same intent waits for another try.
			return intent.last_payment_error ? "failed" : "pending";
		case "canceled":
			return "failed";
		default:
			return "unknown";
	}
}

function amountOf(intent: StripePaymentIntent, outcome: PaymentState["outcome"]): number {
	if (outcome === "succeeded") return intent.amount_received ?? intent.amount;
	if (outcome === "authorized") return intent.amount_capturable ?? intent.amount;
	return intent.amount;
}

/** A payment intent names no session: `psp_order_id` is for those who came to it by one. */
export function intentState(intent: StripePaymentIntent, psp_order_id: string | null = null): PaymentState {
	const outcome = readIntentOutcome(intent);
	const charge = typeof intent.latest_charge === "object" ? intent.latest_charge : null;
	const balance = typeof charge?.balance_transaction === "object" ? charge.balance_transaction : null;
	const details = charge?.payment_method_details;
	return {
		outcome,
		psp_order_id,
		reference: referenceOf(intent),
		psp_payment_id: intent.id,
		amount: amountOf(intent, outcome),
		currency: intent.currency.toUpperCase(),
		method: details?.type || null,
		bank_reference: details?.card?.network_transaction_id || null,
		// In the currency of the merchant's balance, which need not be the payment's.
		fee: balance !== null && balance.currency === intent.currency ? balance.fee : null,
		error: outcome === "failed" ? intentError(intent) : null,
		raw: intent,
	};
}

function intentError(intent: StripePaymentIntent): PspError {
	const { last_payment_error: error, cancellation_reason: reason } = intent;
	const code =
		entryOf(codeByDeclineCode, error?.decline_code) ??
		entryOf(codeByPaymentErrorCode, error?.code) ??
		(error ? undefined : entryOf(codeByCancellationReason, reason)) ??
		"declined";
	const psp_code = error?.decline_code || error?.code || reason || null;
	return paymentError(code, psp_code, error?.message || "The payment was not completed");
}

function paymentError(code: PspErrorCode, psp_code: string | null, message: string): PspError {
	return { code, psp_code, message: message.slice(0, 500), http_status: null, retry_after_seconds: null };
}

/**
 * What a session has come to. A session that a call fetched has its payment intent in it, and the intent decides: it knows
 * declines and the fee. In webhooks the session itself is all there is.
 */
export function sessionState(session: StripeSession): PaymentState {
	const intent = typeof session.payment_intent === "object" ? session.payment_intent : null;
	if (intent !== null) {
		const state = { ...intentState(intent, session.id), reference: referenceOf(session) ?? referenceOf(intent) };
		const can_still_pay = session.status !== "expired" || intent.status === "processing";
		return state.outcome === "pending" && !can_still_pay ? { ...state, ...expired() } : state;
	}
	const state = {
		psp_order_id: session.id,
		reference: referenceOf(session),
		psp_payment_id: idOf(session.payment_intent),
		amount: session.amount_total,
		currency: session.currency?.toUpperCase() ?? null,
		method: null,
		bank_reference: null,
		fee: null,
		raw: session,
	};
	if (session.payment_status === "paid") return { ...state, outcome: "succeeded", error: null };
	if (session.status === "expired") return { ...state, ...expired() };
	if (session.payment_status !== "unpaid") return { ...state, outcome: "unknown", error: null };
	return { ...state, outcome: "pending", error: null };
}

function expired(): { outcome: "failed"; error: PspError } {
	return {
		outcome: "failed",
		error: paymentError("payer_timed_out", "expired", "The page was closed at Stripe before anybody paid"),
	};
}

/** A bank has declined after the payer had left the page. */
export function declinedLater(session: StripeSession): PaymentState {
	return {
		...sessionState(session),
		outcome: "failed",
		error: paymentError("declined", "async_payment_failed", "The payer's bank did not pay"),
	};
}

export function refundState(refund: StripeRefund): RefundState {
	const outcome = readRefundOutcome(refund.status);
	return {
		outcome,
		reference: referenceOf(refund),
		psp_refund_id: refund.id,
		psp_payment_id: refund.payment_intent ?? refund.charge ?? null,
		amount: refund.amount,
		bank_reference: refund.destination_details?.reference ?? null,
		error:
			outcome === "failed"
				? paymentError("declined", refund.failure_reason || refund.status || null, "The refund did not reach the payer")
				: null,
		raw: refund,
	};
}

function readRefundOutcome(status: string | null | undefined): RefundState["outcome"] {
	switch (status) {
		case "succeeded":
			return "succeeded";
		case "pending":
		case "requires_action":
			return "pending";
		case "failed":
		case "canceled":
			return "failed";
		default:
			return "unknown";
	}
}

export function transferState(transfer: StripeTransfer): TransferState {
	return {
		outcome: "succeeded",
		psp_transfer_id: transfer.id,
		amount: transfer.amount,
		error: null,
		raw: transfer,
	};
}

const kindByType: Readonly<Record<string, SettlementLine["kind"]>> = {
	charge: "payment",
	payment: "payment",
	refund: "refund",
	payment_refund: "refund",
	transfer: "transfer",
};

export function settlementLine(line: z.infer<typeof balanceTransactionSchema>, payout: StripePayout): SettlementLine {
	const source = typeof line.source === "object" ? line.source : null;
	// A transfer names its charge, not the intent; the group that Stripe puts both in has it.
	const [, group_payment = null] = /^group_(pi_\w+)$/.exec(source?.transfer_group ?? "") ?? [];
	return {
		kind: entryOf(kindByType, line.type) ?? "adjustment",
		psp_kind: line.type,
		psp_id: idOf(line.source) ?? line.id,
		psp_payment_id: source?.payment_intent ?? group_payment,
		// No object on the way from a payout to a payment names the session.
		psp_order_id: null,
		amount: Math.abs(line.amount),
		credit: Math.max(0, line.net),
		debit: Math.max(0, -line.net),
		fee: line.fee,
		tax: line.fee_details.reduce((sum, { type, amount }) => (type === "tax" ? sum + amount : sum), 0),
		currency: line.currency.toUpperCase(),
		...payoutOf(payout),
	};
}

/** Of a payout that the merchant asked for by hand Stripe cannot say what is in it. */
export function unitemisedLine(payout: StripePayout): SettlementLine {
	return {
		kind: "adjustment",
		psp_kind: "payout",
		psp_id: payout.id,
		psp_payment_id: null,
		psp_order_id: null,
		amount: payout.amount,
		credit: payout.amount,
		debit: 0,
		fee: 0,
		tax: 0,
		currency: payout.currency.toUpperCase(),
		...payoutOf(payout),
	};
}

function payoutOf(payout: StripePayout) {
	return {
		psp_settlement_id: payout.id,
		utr: payout.trace_id?.value || null,
		settled_at: new Date(payout.arrival_date * 1000),
	};
}

/**
 * An exchange that did not end in a readable success. `failed` only where Stripe certainly did not act: the request never
 * left, or the API itself refused it. A 5xx may come after the work was done.
 */
export function failureOf(exchange: Exchange): PspFailure {
	if (exchange.kind === "never_sent") {
		return fail("failed", "psp_unavailable", exchange.reason, "Stripe could not be reached", null);
	}
	if (exchange.kind === "lost") {
		return exchange.timed_out
			? fail("unknown", "timed_out", null, "Stripe did not answer in time", null)
			: fail("unknown", "psp_unavailable", exchange.reason, "The connection broke before an answer came", null);
	}
	const { http_status, body } = exchange;
	const parsed = errorBodySchema.safeParse(body);
	const error = parsed.success ? parsed.data.error : null;
	const raw = error === null ? { http_status, body: excerptOf(body) } : { http_status, error };
	const message = error?.message || `Stripe answered HTTP ${http_status} without an error it documents`;
	const psp_code = error?.decline_code || error?.code || error?.type || null;
	const as = (outcome: "failed" | "unknown", code: PspErrorCode) =>
		fail(outcome, code, psp_code, message, http_status, readRetryAfter(exchange.headers), raw);

	if (http_status < 400) return as("unknown", "unreadable_answer");
	if (http_status >= 500) return as("unknown", codeByHttpStatus[http_status] ?? "psp_unavailable");
	const code =
		entryOf(codeByErrorType, error?.type) ??
		entryOf(codeByErrorCode, error?.code) ??
		codeByMessage.find(({ pattern }) => pattern.test(error?.message ?? ""))?.code ??
		codeByHttpStatus[http_status] ??
		"invalid_request";
	return as(uncertainHttpStatuses.has(http_status) ? "unknown" : "failed", code);
}

/** For a lookup: that it went wrong says nothing about what was looked up. */
export function lookupFailureOf(exchange: Exchange): PspFailure {
	return { ...failureOf(exchange), outcome: "unknown" };
}
