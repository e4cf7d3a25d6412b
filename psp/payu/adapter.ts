/** PayU India: no call before the payer goes there, by a form with a hash; signed returns, and one URL for all of its API. */

import { z } from "zod";
import type {
	BrowserReturn,
	CreateOrderInput,
	CreateOrderResult,
	PaymentState,
	PspAccount,
	PspAdapterFactory,
	PspFailure,
	RefundedPayment,
	RefundInput,
	RefundState,
	ReturnResult,
	SettlementLine,
	TransferInput,
	TransferState,
} from "../adapter.ts";
import { entryOf } from "../entry.ts";
import type { Exchange } from "../exchange.ts";
import { fail } from "../failure.ts";
import { nothingKnown } from "../nothing-known.ts";
import { redact } from "../redact.ts";
import { rupeesOf } from "./amount.ts";
import { createPayuClient } from "./client.ts";
import { refundAnswers } from "./error-map.ts";
import { isSaidByPayu } from "./hash.ts";
import { tokenOf, txnidOf } from "./ids.ts";
import {
	actionState,
	actionsIn,
	answerOf,
	failureOf,
	lookupFailureOf,
	MIN_AMOUNT,
	type PayuAnswer,
	paymentFields,
	paymentIdSchema,
	requestIdSchema,
	settledLines,
	splitFault,
	splitIdOf,
	splitOf,
	splitsIn,
	verifiedState,
	wordsOf,
} from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

/** What PayU gives when it is not told how many lines a page of the settlement report shall have. */
const REPORT_PAGE = 2000;
/** Two million lines; only a server that never ends its report gets here. */
const MAX_REPORT_PAGES = 1000;

/** `status` of a refusal to refund a payment that was split: "Refund Split Info must be of JSON format". */
const SPLIT_PARTS_MISSING = 236;

const txnidSchema = z.string().regex(/^[A-Za-z0-9_-]{1,50}$/);
const daySchema = z.iso.date();

export const createPayuAdapter: PspAdapterFactory = (endpoint = {}) => {
	const client = createPayuClient(endpoint);
	const page_size = endpoint.page_size ?? REPORT_PAGE;

	/** Nothing is sent: PayU learns of the order from the payer's browser. Asked twice, the same form comes out. */
	async function createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const txnid = txnidOf(input.reference);
		const fault =
			txnid === null
				? "The reference must be a uuid"
				: input.currency !== "INR"
					? "PayU India takes rupees only"
					: !Number.isSafeInteger(input.amount) || input.amount < MIN_AMOUNT
						? "PayU takes one rupee at least"
						: account.api_key === "" || account.api_secret === ""
							? "A merchant key and its salt are needed"
							: splitFault(input.splits, input.amount);
		if (txnid === null || fault !== null) return fail("failed", "invalid_request", null, fault ?? "", null);
		const fields = paymentFields(account, input, txnid);
		return {
			outcome: "succeeded",
			psp_order_id: txnid,
			presentation: { kind: "form", url: client.paymentUrl(account), fields },
			raw: { txnid, amount: fields.amount },
		};
	}

	async function fetchStatus(account: PspAccount, { psp_order_id }: { psp_order_id: string }): Promise<PaymentState> {
		const nothing = nothingKnown(psp_order_id);
		// "|" would ask for several payments at once.
		if (!txnidSchema.safeParse(psp_order_id).success) {
			return { ...nothing, ...fail("unknown", "invalid_request", null, "Not a txnid of PayU", null) };
		}
		const exchange = await client.call(account, "verify_payment", [psp_order_id]);
		const answer = answerOf(exchange);
		const state = answer === null ? null : verifiedState(answer, psp_order_id);
		return redact(state ?? { ...nothing, ...lookupFailureOf(exchange) }, account);
	}

	/**
	 * PayU answers a token that it knows with a refusal in place of the refund, and a refund of what is already refunded
	 * with another; so after any refusal it is asked whether it has a refund with our token, and that is the answer.
	 */
	async function refund(account: PspAccount, input: RefundInput): Promise<RefundState> {
		const asked = { reference: input.reference, psp_payment_id: input.psp_payment_id };
		const token = tokenOf(input.reference);
		if (token === null || !paymentIdSchema.safeParse(input.psp_payment_id).success || input.currency !== "INR") {
			return noRefund(asked, fail("failed", "invalid_request", null, "Not a payment in rupees of PayU's", null));
		}
		const vars = [input.psp_payment_id, token, rupeesOf(input.amount)];
		const exchange = await client.call(account, "cancel_refund_transaction", vars);
		const answer = answerOf(exchange);
		const accepted = answer === null ? null : acceptedAs(answer);
		if (answer !== null && accepted !== null) {
			const { outcome, psp_refund_id } = accepted;
			const { amount } = input;
			const raw = { status: answer.status, msg: answer.msg, error_code: answer.error_code, request_id: psp_refund_id };
			return redact({ ...asked, outcome, psp_refund_id, amount, bank_reference: null, error: null, raw }, account);
		}
		const refusal = answer === null ? failureOf(exchange) : refusalOf(answer, exchange);
		const is_decided = refusal.outcome === "failed" && refusal.error.http_status !== null;
		if (answer === null || !is_decided || isUnheard(refusal)) return redact(noRefund(asked, refusal), account);
		return redact(await refundByToken(account, input, token, refusal), account);
	}

	/** The refund that PayU has under our token; `refusal` when it says that there is none. */
	async function refundByToken(
		account: PspAccount,
		input: RefundInput,
		token: string,
		refusal: PspFailure,
	): Promise<RefundState> {
		const asked = { reference: input.reference, psp_payment_id: input.psp_payment_id };
		const exchange = await client.call(account, "check_action_status", [input.psp_payment_id, "payuid"]);
		const answer = answerOf(exchange);
		const actions = answer === null ? null : actionsIn(answer);
		if (actions === null) return noRefund(asked, lookupFailureOf(exchange));
		const ours = actions.find((action) => action.token === token);
		if (ours === undefined) {
			// PayU knows the token, perhaps at another payment or not listed yet: it has not said that nothing is refunded.
			return refusal.error.code === "duplicate_request"
				? noRefund(asked, { ...refusal, outcome: "unknown" })
				: noRefund(asked, refusal);
		}
		const state = { ...actionState(ours), ...asked };
		if (state.amount === input.amount) return state;
		if (state.amount === null) return noRefund(asked, { ...lookupFailureOf(exchange), raw: ours });
		const words = `The key was used for a refund of ${ours.amt} rupees`;
		return noRefund(asked, fail("failed", "duplicate_request", refusal.error.psp_code, words, null, null, ours));
	}

	async function fetchRefund(
		account: PspAccount,
		wanted: RefundedPayment & { reference: string; psp_refund_id: string },
	): Promise<RefundState> {
		const asked = { reference: wanted.reference, psp_payment_id: wanted.psp_payment_id };
		if (!requestIdSchema.safeParse(wanted.psp_refund_id).success) {
			return noRefund(asked, fail("unknown", "invalid_request", null, "Not a request id of PayU", null));
		}
		const exchange = await client.call(account, "check_action_status", [wanted.psp_refund_id]);
		const answer = answerOf(exchange);
		const found = (answer === null ? null : actionsIn(answer))?.find(
			(action) => action.request_id === wanted.psp_refund_id && action.token === tokenOf(wanted.reference),
		);
		if (found === undefined) return redact(noRefund(asked, lookupFailureOf(exchange)), account);
		return redact({ ...actionState(found), ...asked }, account);
	}

	/**
	 * PayU splits a payment once and as a whole, so this can be asked for one account; the rest stays with the merchant as its
	 * own charge. Our id of the transfer is found again in the split, which makes it safe to repeat.
	 */
	async function transfer(account: PspAccount, input: TransferInput): Promise<TransferState> {
		const psp_transfer_id = splitIdOf(input.reference, 0);
		const none = (failure: PspFailure): TransferState =>
			redact({ psp_transfer_id: null, amount: null, ...failure }, account);
		const payment = await fetchStatus(account, input);
		if (payment.outcome !== "succeeded" || payment.amount === null) {
			const words = "Only a payment that PayU says was taken can be split";
			return none(fail(payment.outcome === "failed" ? "failed" : "unknown", "invalid_request", null, words, null));
		}
		const parts = [{ account: input.account, amount: input.amount }];
		const fault =
			tokenOf(input.reference) === null ? "The reference must be a uuid" : splitFault(parts, payment.amount);
		if (fault !== null) return none(fail("failed", "invalid_request", null, fault, null));
		const split = { ...splitOf(parts, payment.amount, input.reference), payuId: input.psp_payment_id };
		const exchange = await client.call(account, "payment_split", [JSON.stringify(split)]);
		const answer = answerOf(exchange);
		const raw = answer === null ? null : { status: answer.status, message: answer.message };
		const { amount } = input;
		if (answer?.status === 1) return { outcome: "succeeded", psp_transfer_id, amount, error: null, raw };
		if (answer?.status === 2) return { outcome: "pending", psp_transfer_id, amount, error: null, raw };
		const failure = failureOf(exchange);
		if (failure.error.code !== "duplicate_request") return none(failure);
		const lookup = await client.call(account, "get_split_info", [input.psp_payment_id]);
		const known = answerOf(lookup);
		const splits = known === null ? null : splitsIn(known);
		if (splits === null) return none(lookupFailureOf(lookup));
		const ours = splits.find((part) => part.aggregatorSubTxnId === psp_transfer_id);
		return ours?.merchantKey === input.account && ours.amount === amount
			? { outcome: "succeeded", psp_transfer_id, amount, error: null, raw: ours }
			: none(failure);
	}

	async function fetchSettlement(
		account: PspAccount,
		day: string,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure> {
		if (!daySchema.safeParse(day).success) {
			return fail("failed", "invalid_request", null, "The day must be written YYYY-MM-DD", null);
		}
		const lines = new Map<string, SettlementLine>();
		let announced = 0;
		for (let page = 1; page <= MAX_REPORT_PAGES; page++) {
			const vars = [day, String(page), String(page_size)];
			const exchange = await client.call(account, "get_settlement_details", vars);
			const answer = answerOf(exchange);
			const found = answer?.status === 1 ? settledLines(answer, day) : null;
			if (answer === null || found === null) return redact(failureOf(exchange), account);
			announced = Math.max(announced, Number(/^\d+/.exec(answer.msg ?? "")?.[0] ?? 0));
			const fresh = found.filter(({ key }) => !lines.has(key));
			// A server that does not know this page gives the one before once more.
			if (fresh.length === 0) {
				return lines.size >= announced
					? { outcome: "succeeded", lines: [...lines.values()] }
					: unreadableReport(`PayU announced ${announced} lines and gave ${lines.size}`);
			}
			if (fresh.length < found.length || new Set(fresh.map(({ key }) => key)).size < fresh.length) {
				return unreadableReport("PayU's report repeats some of its lines");
			}
			for (const { key, line } of fresh) lines.set(key, line);
		}
		return unreadableReport("PayU's report does not end");
	}

	return {
		provider: "payu",
		methods: ["upi", "card", "netbanking", "wallet", "emi", "paylater"],
		browser_origins: client.page_origins,
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],
		createOrder,
		// The form that was made is the form that would be made: nothing can be lost on the way.
		findOrder: createOrder,
		fetchStatus,
		verifyReturn,
		verifyWebhook,
		parseWebhook,
		refund,
		fetchRefund,
		transfer,
		fetchSettlement,
	};
};

interface AskedRefund {
	reference: string;
	psp_payment_id: string;
}

function noRefund(asked: AskedRefund, failure: PspFailure): RefundState {
	return { ...asked, psp_refund_id: null, amount: null, bank_reference: null, ...failure };
}

/** Queued, as a rule: the bank decides later. Null when PayU did not take the refund on. */
function acceptedAs(answer: PayuAnswer): { outcome: "succeeded" | "pending"; psp_refund_id: string } | null {
	const psp_refund_id = answer.request_id ?? answer.txn_update_id;
	if (psp_refund_id === null || !requestIdSchema.safeParse(psp_refund_id).success) return null;
	const meaning = entryOf(refundAnswers, answer.error_code);
	if (meaning === "succeeded" || meaning === "pending") return { outcome: meaning, psp_refund_id };
	return answer.status === 1 && meaning === undefined ? { outcome: "pending", psp_refund_id } : null;
}

function refusalOf(answer: PayuAnswer, exchange: Exchange): PspFailure {
	const failure = failureOf(exchange);
	if (answer.status === SPLIT_PARTS_MISSING) {
		// How the parts and the merchant's own charge add up to the refund is not documented well enough to move money by.
		const words =
			"PayU refunds a payment that was split only when told each account's part, which this adapter does not do";
		return fail(
			"failed",
			"invalid_request",
			String(answer.status),
			words,
			failure.error.http_status,
			null,
			failure.raw,
		);
	}
	const meaning = entryOf(refundAnswers, answer.error_code);
	if (meaning === undefined || typeof meaning === "string") return failure;
	const { code, temporary = false, retry_after_seconds = null } = meaning;
	const outcome = temporary ? "unknown" : "failed";
	return fail(
		outcome,
		code,
		answer.error_code,
		wordsOf(answer),
		failure.error.http_status,
		retry_after_seconds,
		failure.raw,
	);
}

/** Refused before PayU looked at what was asked; it would refuse the lookup as well. */
function isUnheard({ error }: PspFailure): boolean {
	return error.code === "authentication_failed" || (error.code === "rate_limited" && error.psp_code !== "214");
}

function unreadableReport(message: string): PspFailure {
	return fail("unknown", "unreadable_answer", null, message, null);
}

/** Success and failure come with a hash. Without a good one only a failure is worth showing; a success is not. */
function verifyReturn(account: PspAccount, { form, psp_order_id }: BrowserReturn): ReturnResult {
	const status = form.status?.toLowerCase();
	if (form.txnid === psp_order_id && isSaidByPayu(account, form)) {
		const psp_payment_id = paymentIdSchema.safeParse(form.mihpayid).data ?? null;
		if (status === "success") return { verified: true, psp_payment_id, claims: "succeeded" };
		if (status === "failure" || status === "failed") return { verified: true, psp_payment_id, claims: "failed" };
	}
	if (status !== "failure" && status !== "failed") return { verified: false, claims: "unknown" };
	return { verified: false, claims: form.unmappedstatus?.toLowerCase() === "usercancelled" ? "cancelled" : "failed" };
}
