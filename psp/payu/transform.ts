/** PayU's messages read into ours. Shapes: docs.payu.in verify_payment, cancel_refund_transaction, check_action_status, get_settlement_details, payment_split. */

import { z } from "zod";
import type {
	CreateOrderInput,
	PaymentState,
	PspAccount,
	PspError,
	PspErrorCode,
	PspFailure,
	RefundState,
	SettlementLine,
	SplitPart,
} from "../adapter.ts";
import { entryOf } from "../entry.ts";
import { type Exchange, readRetryAfter } from "../exchange.ts";
import { excerptOf, fail } from "../failure.ts";
import { nothingKnown } from "../nothing-known.ts";
import { paiseOf, roundedPaiseOf, rupeesOf } from "./amount.ts";
import {
	codeByHttpStatus,
	codeByMessage,
	codeByPaymentError,
	codeBySplitError,
	codeByUnmappedStatus,
	methodByMode,
	payMethodByMethod,
	uncertainHttpStatuses,
} from "./error-map.ts";
import { forwardHash } from "./hash.ts";
import { referenceOfToken, referenceOfTxnid, tokenOf } from "./ids.ts";

/** Text in one message of PayU's is a number in the next. */
const text = z
	.union([z.string(), z.number().transform(String)])
	.nullish()
	.catch(null)
	.transform((value) => value?.trim() || null);
const money = z.unknown().optional();
const record = z.record(z.string(), z.unknown());

/** PayU's payment ids, which are longer than a JSON number can hold. */
export const paymentIdSchema = z.string().regex(/^\d{1,30}$/);
export const requestIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/** What verify_payment says of one txnid. */
const verifiedPaymentSchema = z.object({
	mihpayid: text,
	txnid: text,
	request_id: text,
	bank_ref_num: text,
	amt: money,
	transaction_amount: money,
	additional_charges: text,
	net_amount_debit: text,
	disc: text,
	mode: text,
	PG_TYPE: text,
	bankcode: text,
	status: text,
	unmappedstatus: text,
	error_code: text,
	error_Message: text,
	field9: text,
	addedon: text,
	Merchant_UTR: text,
	Settled_At: text,
});
type VerifiedPayment = z.infer<typeof verifiedPaymentSchema>;

/** What a webhook or a browser's return says of a payment. */
const postedPaymentSchema = z.object({
	mihpayid: text,
	txnid: z.string().min(1),
	amount: money,
	mode: text,
	status: z.string().min(1),
	unmappedstatus: text,
	error: text,
	error_Message: text,
	field9: text,
	bank_ref_num: text,
	bank_ref_no: text,
	bankcode: text,
	PG_TYPE: text,
	additionalCharges: text,
	discount: text,
	net_amount_debit: text,
	addedon: text,
});

export const postedRefundSchema = z.object({
	action: z.literal("refund"),
	key: z.string().min(1),
	mihpayid: text,
	merchantTxnId: text,
	token: text,
	request_id: text,
	amt: money,
	status: z.string().min(1),
	bank_arn: text,
	bank_ref_num: text,
	refund_mode: text,
	remark: text,
});

/** Something done to a payment, from check_action_status. */
const actionSchema = z.object({
	action: z.string(),
	request_id: text,
	mihpayid: text,
	token: text,
	amt: money,
	status: text,
	bank_ref_num: text,
	bank_arn: text,
	refund_mode: text,
	settlement_id: text,
	UTR_no: text,
	value_date: text,
});
export type PayuAction = z.infer<typeof actionSchema>;

const settledSchema = z.object({
	payuid: z.union([z.string().min(1), z.number().transform(String)]),
	txnid: text,
	txn_id: text,
	requestid: text,
	request_id: text,
	requestdate: text,
	requestaction: z.string(),
	requestamount: money,
	amount: money,
	mer_utr: text,
	mer_UTR: text,
	mer_service_fee: money,
	mer_service_tax: money,
	mer_net_amount: money,
});

/** Every answer of the API, whatever else is in it. */
const answerSchema = z.looseObject({
	status: z.union([z.number(), z.string()]).transform(Number),
	msg: text,
	message: text,
	error_code: text,
	error_desc: text,
	request_id: text,
	txn_update_id: text,
	transaction_details: z.unknown().optional(),
	Txn_details: z.unknown().optional(),
	splits: z.unknown().optional(),
});
export type PayuAnswer = z.infer<typeof answerSchema>;

/** Null when what came is no answer of the API: nothing came, a page, another HTTP status than 2xx. */
export function answerOf(exchange: Exchange): PayuAnswer | null {
	if (exchange.kind !== "answered" || exchange.http_status < 200 || exchange.http_status > 299) return null;
	const parsed = answerSchema.safeParse(exchange.body);
	return parsed.success ? parsed.data : null;
}

export function wordsOf(answer: PayuAnswer): string {
	return answer.msg ?? answer.message ?? answer.error_desc ?? "PayU gave no reason";
}

/** PayU's least for cards and UPI. */
export const MIN_AMOUNT = 100;

/** The fields of the form that takes a payer to PayU, the same whenever they are asked for. */
export function paymentFields(account: PspAccount, input: CreateOrderInput, txnid: string): Record<string, string> {
	const { customer, method, splits } = input;
	const fields: Record<string, string> = {
		key: account.api_key,
		txnid,
		amount: rupeesOf(input.amount),
		productinfo: textField(input.description ?? `Order ${input.order_id}`, 100) || "Order",
		// All three are mandatory. What the payer did not give: example.com is reserved, and nines are the usual filler for a number.
		firstname: textField(customer.name ?? "", 60) || "Customer",
		email: emailOf(customer.email) ?? "not.given@example.com",
		phone: phoneOf(customer.phone) ?? "9999999999",
		// A payer who cancels comes back by furl, too: PayU's field for another address (curl) takes 50 characters.
		surl: input.return_url,
		furl: input.return_url,
		udf1: input.reference,
	};
	const pay_method = entryOf(payMethodByMethod, method);
	if (pay_method !== undefined) fields.enforce_paymethod = pay_method;
	if (splits.length > 0) fields.splitRequest = JSON.stringify(splitOf(splits, input.amount, input.reference));
	return { ...fields, hash: forwardHash(account, fields) };
}

/** "|" divides the fields of the hash, and control characters do not survive a form. */
function textField(value: string, max_length: number): string {
	const characters = [
		...value
			.toWellFormed()
			.replace(/[|\p{Cc}\s]+/gu, " ")
			.trim(),
	];
	return characters.slice(0, max_length).join("").trim();
}

function emailOf(email: string | undefined): string | null {
	return email !== undefined && email.length <= 50 && /^[^\s|@]+@[^\s|@]+\.[^\s|@]+$/.test(email) ? email : null;
}

/** Ten digits without the country's code. */
function phoneOf(phone: string | undefined): string | null {
	const digits = (phone ?? "").replace(/\D/g, "");
	return digits.length >= 10 ? digits.slice(-10) : null;
}

/**
 * The parts must add up to the payment. What is left for the merchant itself goes with the first part as
 * `aggregatorCharges`, PayU's only place for the parent's own share.
 */
export function splitOf(splits: readonly SplitPart[], amount: number, reference: string) {
	const rest = amount - splits.reduce((sum, part) => sum + part.amount, 0);
	const parts = splits.map((part, index) => [
		part.account,
		{
			aggregatorSubTxnId: splitIdOf(reference, index),
			aggregatorSubAmt: rupeesOf(part.amount),
			...(index === 0 && rest > 0 ? { aggregatorCharges: rupeesOf(rest) } : {}),
		},
	]);
	return { type: "absolute", splitInfo: Object.fromEntries(parts) };
}

/** Ours for the payment to one account, 25 characters at most. */
export function splitIdOf(reference: string, index: number): string {
	return `${tokenOf(reference)}s${index}`;
}

/** Why these splits cannot be asked for; null when they can. */
export function splitFault(splits: readonly SplitPart[], amount: number): string | null {
	if (splits.length === 0) return null;
	if (splits.length > 99) return "PayU splits a payment into 99 parts at most";
	if (splits.some((part) => !/^[A-Za-z0-9]{1,40}$/.test(part.account))) {
		return "A part's account must be a PayU merchant key";
	}
	if (new Set(splits.map((part) => part.account)).size < splits.length) return "An account may have one part only";
	if (splits.some((part) => !Number.isSafeInteger(part.amount) || part.amount < 1))
		return "Every part must have an amount";
	return splits.reduce((sum, part) => sum + part.amount, 0) > amount ? "The parts are more than the payment" : null;
}

interface Stated {
	status: string | null;
	unmappedstatus: string | null;
	mihpayid: string | null;
}

function paymentIdOf({ mihpayid }: Stated): string | null {
	return paymentIdSchema.safeParse(mihpayid).data ?? null;
}

function outcomeOf(payment: Stated): PaymentState["outcome"] {
	const detail = payment.unmappedstatus?.toLowerCase() ?? "";
	switch (payment.status?.toLowerCase()) {
		case "success":
			// Its refunds and a second success go by the payment's id; an answer that has it will come.
			if (paymentIdOf(payment) === null) return "unknown";
			// "auth" is money held at the bank that PayU has not taken.
			return detail === "auth" ? "authorized" : detail === "captured" || detail === "" ? "succeeded" : "unknown";
		case "failure":
		case "failed":
			return "failed";
		case "pending":
			return "pending";
		default:
			return "unknown";
	}
}

function paymentError(code: string | null, unmapped: string | null, words: string | null): PspError {
	const psp_code = code === null || code === "E000" ? unmapped : code;
	const known = entryOf(codeByPaymentError, code);
	const by_status = entryOf(codeByUnmappedStatus, unmapped?.toLowerCase());
	// That the payer cancelled is said by the status alone: the code beside it is of whatever was under way.
	const is_cancelled = unmapped?.toLowerCase() === "usercancelled";
	return {
		code: (is_cancelled ? by_status : (known ?? by_status)) ?? "declined",
		psp_code,
		message: words ?? "Payment failed",
		http_status: null,
		retry_after_seconds: null,
	};
}

function methodOf(mode: string | null): string | null {
	return entryOf(methodByMode, mode?.toUpperCase()) ?? null;
}

/** PayU India takes rupees and says no currency. */
const CURRENCY = "INR";

/** A page that was opened and where nobody has pressed a button yet. */
const untried: ReadonlySet<string> = new Set(["not found", "initiated", "not initiated", "not started"]);

/** verify_payment's answer about one txnid; null when it cannot be read. */
export function verifiedState(answer: PayuAnswer, txnid: string): PaymentState | null {
	const details = record.safeParse(answer.transaction_details);
	const payment = verifiedPaymentSchema.safeParse(details.success ? details.data[txnid] : null);
	if (!payment.success) return null;
	const found = payment.data;
	if (found.txnid !== null && found.txnid !== txnid) return null;
	const is_untried = [found.status, found.unmappedstatus].some((status) => untried.has(status?.toLowerCase() ?? ""));
	if (is_untried) {
		const { status, unmappedstatus } = found;
		return { ...nothingKnown(txnid), outcome: "pending", error: null, raw: { txnid, status, unmappedstatus } };
	}
	return knownState(found, txnid);
}

function knownState(payment: VerifiedPayment, txnid: string): PaymentState {
	const outcome = outcomeOf(payment);
	const words = payment.error_Message ?? payment.field9;
	// With an offer of the merchant's `amt` is what was debited; `transaction_amount` is what was asked for.
	const amount = paiseOf(payment.transaction_amount) ?? paiseOf(payment.amt);
	return {
		outcome,
		psp_order_id: txnid,
		reference: referenceOfTxnid(txnid),
		psp_payment_id: paymentIdOf(payment),
		amount,
		currency: CURRENCY,
		method: methodOf(payment.mode),
		bank_reference: payment.bank_ref_num,
		fee: null,
		error:
			outcome === "failed"
				? paymentError(payment.error_code, payment.unmappedstatus, words)
				: unreadable(outcome, payment),
		raw: payment,
	};
}

/** Fields of a webhook's body; null when they are about no payment. */
export function postedState(fields: Record<string, unknown>): PaymentState | null {
	const parsed = postedPaymentSchema.safeParse(fields);
	if (!parsed.success) return null;
	const payment = parsed.data;
	const outcome = outcomeOf(payment);
	const words = payment.error_Message ?? payment.field9;
	return {
		outcome,
		psp_order_id: payment.txnid,
		reference: referenceOfTxnid(payment.txnid),
		psp_payment_id: paymentIdOf(payment),
		amount: paiseOf(payment.amount),
		currency: CURRENCY,
		method: methodOf(payment.mode),
		bank_reference: payment.bank_ref_num ?? payment.bank_ref_no,
		fee: null,
		error:
			outcome === "failed" ? paymentError(payment.error, payment.unmappedstatus, words) : unreadable(outcome, payment),
		raw: payment,
	};
}

function unreadable(outcome: PaymentState["outcome"], payment: Stated): PspError | null {
	if (outcome !== "unknown") return null;
	const is_nameless = paymentIdOf(payment) === null;
	const words = is_nameless ? "PayU named no payment" : "PayU gave a status that it does not document";
	return errorOf("unreadable_answer", null, words);
}

function refundOutcomeOf(status: string | null): RefundState["outcome"] {
	switch (status?.toLowerCase().replace(/[\s_]/g, "")) {
		case "success":
			return "succeeded";
		case "failure":
		case "failed":
			return "failed";
		case "queued":
		case "inprogress":
		case "requested":
		case "pending":
		case "odhit":
		case "riskqueued":
		case "approvalpending":
			return "pending";
		default:
			return "unknown";
	}
}

function refundError(outcome: RefundState["outcome"], status: string | null, words: string | null): PspError | null {
	if (outcome === "failed") return errorOf("declined", status, words ?? "PayU could not process the refund");
	return outcome === "unknown"
		? errorOf("unreadable_answer", status, "PayU gave a status that it does not document")
		: null;
}

export function actionState(action: PayuAction): RefundState {
	const outcome = refundOutcomeOf(action.status);
	return {
		outcome,
		reference: action.token === null ? null : referenceOfToken(action.token),
		psp_refund_id: action.request_id,
		psp_payment_id: action.mihpayid,
		amount: paiseOf(action.amt),
		bank_reference: action.bank_arn ?? action.bank_ref_num,
		error: refundError(outcome, action.status, null),
		raw: action,
	};
}

export function postedRefundState(refund: z.infer<typeof postedRefundSchema>): RefundState {
	const outcome = refundOutcomeOf(refund.status);
	const { key: _, ...raw } = refund;
	return {
		outcome,
		reference: refund.token === null ? null : referenceOfToken(refund.token),
		psp_refund_id: refund.request_id,
		psp_payment_id: refund.mihpayid,
		amount: paiseOf(refund.amt),
		bank_reference: refund.bank_arn ?? refund.bank_ref_num,
		error: refundError(outcome, refund.status, refund.remark),
		raw,
	};
}

/**
 * All that check_action_status tells, however deep it lies: by request id it is {id: {id: action}}, by payment id
 * {payment: {id: action, …}}, and in some answers {payment: {refund: {token: action, …}}}. Null when it is no such answer.
 */
export function actionsIn(answer: PayuAnswer): PayuAction[] | null {
	const details = record.safeParse(answer.transaction_details);
	if (!details.success) return null;
	const actions: PayuAction[] = [];
	const collect = (value: unknown, depth: number): void => {
		const part = record.safeParse(value);
		if (!part.success) return;
		const action = actionSchema.safeParse(part.data);
		if (action.success) actions.push(action.data);
		else if (depth < 3) for (const inner of Object.values(part.data)) collect(inner, depth + 1);
	};
	collect(details.data, 0);
	const says_none = Object.values(details.data).every(
		(value) => typeof value === "string" && /no action status/i.test(value),
	);
	return actions.length > 0 || says_none ? actions : null;
}

/** The lines of one page; null when one of them cannot be read. PHP writes an empty list for an empty object. */
export function settledLines(answer: PayuAnswer, day: string): { key: string; line: SettlementLine }[] | null {
	const details = answer.Txn_details;
	if (typeof details !== "object" || details === null) return null;
	const lines: { key: string; line: SettlementLine }[] = [];
	for (const value of Object.values(details)) {
		const parsed = settledSchema.safeParse(value);
		const line = parsed.success ? settledLine(parsed.data, day) : null;
		if (!parsed.success || line === null) return null;
		lines.push({ key: `${parsed.data.requestaction}:${line.psp_id}:${line.utr}`, line });
	}
	return lines;
}

const kindByAction: Readonly<Record<string, SettlementLine["kind"]>> = { capture: "payment", refund: "refund" };
/** A payment taken, and what was taken from the merchant before and is given back. */
const credited: ReadonlySet<string> = new Set(["capture", "chargebackreversal", "refundreversal"]);

function settledLine(settled: z.infer<typeof settledSchema>, day: string): SettlementLine | null {
	const action = settled.requestaction.toLowerCase().replace(/[\s_]/g, "");
	const amount = roundedPaiseOf(settled.requestamount ?? settled.amount);
	const fee = roundedPaiseOf(settled.mer_service_fee ?? 0, settled.mer_service_tax ?? 0);
	const tax = roundedPaiseOf(settled.mer_service_tax ?? 0);
	const net = roundedPaiseOf(settled.mer_net_amount);
	if (amount === null || fee === null || tax === null || net === null) return null;
	const kind = entryOf(kindByAction, action) ?? "adjustment";
	const utr = settled.mer_utr ?? settled.mer_UTR;
	return {
		kind,
		psp_kind: settled.requestaction,
		psp_id: kind === "payment" ? settled.payuid : (settled.requestid ?? settled.request_id ?? settled.payuid),
		psp_payment_id: settled.payuid,
		psp_order_id: settled.txnid ?? settled.txn_id,
		psp_settlement_id: utr,
		amount,
		credit: credited.has(action) ? Math.abs(net) : 0,
		debit: credited.has(action) ? 0 : Math.abs(net),
		fee,
		tax,
		currency: CURRENCY,
		utr,
		settled_at: new Date(`${day}T00:00:00+05:30`),
	};
}

const splitSchema = z.object({ merchantKey: text, aggregatorSubTxnId: text, amount: money });

/** The parts that get_split_info knows of a payment. */
export function splitsIn(answer: PayuAnswer) {
	const parsed = z.array(splitSchema).safeParse(answer.splits);
	return parsed.success ? parsed.data.map((split) => ({ ...split, amount: paiseOf(split.amount) })) : null;
}

/**
 * An exchange that did not end in a readable success. `failed` only where PayU certainly did not act: the request never
 * left, or it was refused. PayU refuses with HTTP 200 and words in the body; a 5xx may come after the work was done.
 */
export function failureOf(exchange: Exchange): PspFailure {
	if (exchange.kind === "never_sent") {
		return fail("failed", "psp_unavailable", exchange.reason, "PayU could not be reached", null);
	}
	if (exchange.kind === "lost") {
		return exchange.timed_out
			? fail("unknown", "timed_out", null, "PayU did not answer in time", null)
			: fail("unknown", "psp_unavailable", exchange.reason, "The connection broke before an answer came", null);
	}
	const { http_status, body, headers } = exchange;
	const answer = answerSchema.safeParse(body);
	const words = answer.success ? wordsOf(answer.data) : typeof body === "string" ? body : null;
	const psp_code = answer.success ? answer.data.error_code : null;
	const raw = { http_status, body: excerptOf(body) };
	const as = (outcome: "failed" | "unknown", code: PspErrorCode) =>
		fail(
			outcome,
			code,
			psp_code,
			answer.success ? wordsOf(answer.data) : `PayU answered HTTP ${http_status} with what is no answer of its API`,
			http_status,
			readRetryAfter(headers) ?? (code === "rate_limited" ? waitIn(words) : null),
			raw,
		);

	if (http_status >= 500) return as("unknown", codeByHttpStatus[http_status] ?? "psp_unavailable");
	if (words !== null && /too many requests/i.test(words)) return as("failed", "rate_limited");
	if (http_status >= 400) {
		return as(
			uncertainHttpStatuses.has(http_status) ? "unknown" : "failed",
			codeByHttpStatus[http_status] ?? "invalid_request",
		);
	}
	if (!answer.success || !isRefusal(answer.data)) return as("unknown", "unreadable_answer");
	const split_code = entryOf(codeBySplitError, psp_code);
	if (split_code !== undefined) return as(split_code === "psp_unavailable" ? "unknown" : "failed", split_code);
	const known = codeByMessage.find(({ pattern }) => pattern.test(words ?? ""));
	return known === undefined ? as("failed", "invalid_request") : as(known.certain ? "failed" : "unknown", known.code);
}

/** 1 is done and 2 is saved to be done; 0, and codes like 236, say no. */
function isRefusal({ status }: PayuAnswer): boolean {
	return Number.isInteger(status) && status !== 1 && status !== 2;
}

/** For a lookup: that it went wrong says nothing about what was looked up. */
export function lookupFailureOf(exchange: Exchange): PspFailure {
	return { ...failureOf(exchange), outcome: "unknown" };
}

/** "Please try after 60 seconds" */
function waitIn(words: string | null): number | null {
	const match = /(\d{1,5})\s*(second|minute)/i.exec(words ?? "");
	return match === null ? null : Number(match[1]) * (/minute/i.test(match[2] ?? "") ? 60 : 1);
}

function errorOf(code: PspErrorCode, psp_code: string | null, message: string): PspError {
	return { code, psp_code, message: message.slice(0, 500), http_status: null, retry_after_seconds: null };
}
