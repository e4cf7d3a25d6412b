/** Razorpay: an order made by the server, its hosted page by form POST, signed returns and webhooks. */

import { z } from "zod";
import type {
	BrowserReturn,
	CreateOrderInput,
	CreateOrderResult,
	PaymentState,
	PspAccount,
	PspAdapterFactory,
	PspFailure,
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
import { createRazorpayClient } from "./client.ts";
import { codeByReason } from "./error-map.ts";
import { isSignedBy } from "./signature.ts";
import {
	collectionOf,
	failureOf,
	lookupFailureOf,
	noteOf,
	orderForRecord,
	orderSchema,
	orderState,
	paymentSchema,
	presentOrder,
	type RazorpayOrder,
	receiptOf,
	referenceOf,
	refundSchema,
	refundState,
	settlementLine,
	settlementLineSchema,
	transferParams,
	transferSchema,
	transferState,
} from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

/** Razorpay's most for one page of the settlement report. */
const MAX_REPORT_PAGE = 1000;
/** Ten million lines; only a server that never ends its report gets here. */
const MAX_REPORT_PAGES = 10_000;
/** Razorpay's most for one page of any other list. */
const MAX_PAGE = 100;
/** Ten thousand refunds of one payment. */
const MAX_REFUND_PAGES = 100;

const idSchema = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);
const daySchema = z.iso.date();

export const createRazorpayAdapter: PspAdapterFactory = (endpoint = {}) => {
	const client = createRazorpayClient(endpoint);
	const page_size = Math.min(endpoint.page_size ?? MAX_REPORT_PAGE, MAX_REPORT_PAGE);

	async function createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const exchange = await client.call(account, (sdk) =>
			sdk.orders.create({
				amount: input.amount,
				currency: input.currency,
				receipt: receiptOf(input.reference),
				// Without it an account set to manual capture would hold the money and let it go days later.
				payment_capture: true,
				notes: { reference: input.reference, order_id: noteOf(input.order_id) },
				...(input.splits.length === 0
					? {}
					: { transfers: input.splits.map((part) => transferParams(part, input.currency, input.reference)) }),
			}),
		);
		const order = read(exchange, orderSchema);
		return redact(order === null ? failureOf(exchange) : acceptOrder(account, order, input), account);
	}

	/**
	 * The order is ours only if it asks for what we asked for. One that does not is never shown to a payer, so nobody
	 * can pay it.
	 */
	function acceptOrder(account: PspAccount, order: RazorpayOrder, input: CreateOrderInput): CreateOrderResult {
		if (order.amount !== input.amount || order.currency !== input.currency) {
			const asked = `${input.amount} ${input.currency}`;
			const message = `Asked for ${asked}, Razorpay's order is for ${order.amount} ${order.currency}`;
			return fail("failed", "amount_mismatch", null, message, null, null, orderForRecord(order));
		}
		return {
			outcome: "succeeded",
			psp_order_id: order.id,
			presentation: presentOrder(client.api_url, account.api_key, order, input),
			raw: orderForRecord(order),
		};
	}

	async function findOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const receipt = receiptOf(input.reference);
		const exchange = await client.call(account, (sdk) => sdk.orders.all({ receipt, count: 100 }));
		const found = read(exchange, collectionOf(orderSchema));
		if (found === null) return redact(lookupFailureOf(exchange), account);
		const ours = found.items.filter((order) => order.receipt === receipt);
		const [order] = ours.sort((a, b) => progressOf(b) - progressOf(a) || (a.created_at ?? 0) - (b.created_at ?? 0));
		if (order !== undefined) return redact(acceptOrder(account, order, input), account);
		return found.items.length === 0
			? fail("failed", "not_found", null, "Razorpay has no order with this receipt", null)
			: fail("unknown", "unreadable_answer", null, "Razorpay listed orders, none with the receipt asked for", null);
	}

	async function fetchStatus(
		account: PspAccount,
		order: { psp_order_id: string; reference: string },
	): Promise<PaymentState> {
		const nothing = nothingKnown(order.psp_order_id);
		if (!idSchema.safeParse(order.psp_order_id).success) {
			return { ...nothing, ...fail("unknown", "invalid_request", null, "Not an order id of Razorpay", null) };
		}
		const exchange = await client.call(account, (sdk) => sdk.orders.fetchPayments(order.psp_order_id));
		const payments = read(exchange, collectionOf(paymentSchema));
		if (payments === null) return redact({ ...nothing, ...lookupFailureOf(exchange) }, account);
		const state = orderState(payments.items.filter((payment) => payment.order_id === order.psp_order_id));
		if (state !== null) return redact(state, account);
		return payments.items.length === 0
			? { ...nothing, outcome: "pending", error: null, raw: { items: [] } }
			: {
					...nothing,
					...fail("unknown", "unreadable_answer", null, "Razorpay listed payments of another order", null),
				};
	}

	async function refund(account: PspAccount, input: RefundInput): Promise<RefundState> {
		const asked = { reference: input.reference, psp_payment_id: input.psp_payment_id };
		if (!idSchema.safeParse(input.psp_payment_id).success) {
			return noRefund(asked, fail("failed", "invalid_request", null, "Not a payment id of Razorpay", null));
		}
		const earlier = await findRefund(account, input);
		if (earlier !== null) return redact(earlier, account);
		const exchange = await client.call(
			account,
			(sdk) =>
				sdk.payments.refund(input.psp_payment_id, {
					amount: input.amount,
					speed: "normal",
					receipt: receiptOf(input.reference),
					notes: {
						reference: input.reference,
						...(input.reason === null ? {} : { reason: noteOf(input.reason) }),
					},
				}),
			{ "X-Refund-Idempotency": input.reference },
		);
		return redact(readRefund(exchange, asked, failureOf), account);
	}

	/**
	 * A refund is asked for again for days, and how long Razorpay knows its idempotency key it does not say: so the payment's
	 * refunds are looked through for ours first. Null where there is none.
	 */
	async function findRefund(account: PspAccount, input: RefundInput): Promise<RefundState | null> {
		const { reference, psp_payment_id, amount } = input;
		const asked = { reference, psp_payment_id };
		const seen = new Set<string>();
		for (let page = 0, skip = 0; page < MAX_REFUND_PAGES; page++) {
			const exchange = await client.call(account, (sdk) =>
				sdk.payments.fetchMultipleRefund(psp_payment_id, { count: MAX_PAGE, skip }),
			);
			const refunds = read(exchange, collectionOf(refundSchema));
			if (refunds === null) {
				const failure = failureOf(exchange);
				// Told as it is of the refund itself: it waits for credentials that are taken.
				const stands = failure.error.code === "authentication_failed";
				return noRefund(asked, stands ? failure : lookupFailureOf(exchange));
			}
			// Only an empty page is the end: a server may cap a page below what was asked for.
			if (refunds.items.length === 0) return null;
			const earlier = refunds.items.find(({ notes, receipt }) => referenceOf(notes, receipt) === reference);
			const is_foreign = refunds.items.some(({ payment_id }) => payment_id && payment_id !== psp_payment_id);
			if (is_foreign || refunds.items.every(({ id }) => seen.has(id))) break;
			if (earlier !== undefined) {
				if (earlier.amount === amount) return { ...refundState(earlier), ...asked };
				const message = `Razorpay has a refund with this reference, of ${earlier.amount} and not of ${amount}`;
				return noRefund(asked, fail("failed", "duplicate_request", null, message, null));
			}
			for (const { id } of refunds.items) seen.add(id);
			skip += refunds.items.length;
		}
		return noRefund(asked, fail("unknown", "unreadable_answer", null, "Razorpay's list of refunds is not one", null));
	}

	async function fetchRefund(
		account: PspAccount,
		wanted: { psp_refund_id: string; psp_payment_id: string },
	): Promise<RefundState> {
		const asked = { reference: null, psp_payment_id: wanted.psp_payment_id };
		if (!idSchema.safeParse(wanted.psp_payment_id).success || !idSchema.safeParse(wanted.psp_refund_id).success) {
			return noRefund(asked, fail("unknown", "invalid_request", null, "Not an id of Razorpay", null));
		}
		const exchange = await client.call(account, (sdk) =>
			sdk.payments.fetchRefund(wanted.psp_payment_id, wanted.psp_refund_id),
		);
		return redact(readRefund(exchange, asked, lookupFailureOf), account);
	}

	/** These calls take no idempotency key: the payment's transfers are looked through for ours first. */
	async function transfer(account: PspAccount, input: TransferInput): Promise<TransferState> {
		if (!idSchema.safeParse(input.psp_payment_id).success) {
			return noTransfer(fail("failed", "invalid_request", null, "Not a payment id of Razorpay", null));
		}
		const lookup = await client.call(account, (sdk) => sdk.payments.fetchTransfer(input.psp_payment_id));
		const made = read(lookup, collectionOf(transferSchema));
		if (made === null) return redact(noTransfer(lookupFailureOf(lookup)), account);
		const earlier = made.items.find((candidate) => referenceOf(candidate.notes, null) === input.reference);
		if (earlier !== undefined) {
			if (earlier.amount === input.amount && earlier.recipient === input.account) {
				return redact(transferState(earlier), account);
			}
			const message = "There is a transfer with this reference that is not the one asked for";
			return noTransfer(fail("failed", "duplicate_request", null, message, null));
		}
		const exchange = await client.call(account, (sdk) =>
			sdk.payments.transfer(input.psp_payment_id, {
				transfers: [transferParams(input, input.currency, input.reference)],
			}),
		);
		const answer = read(exchange, collectionOf(transferSchema));
		if (answer === null) return redact(noTransfer(failureOf(exchange)), account);
		const [transferred] = answer.items;
		return transferred === undefined
			? noTransfer(fail("unknown", "unreadable_answer", null, "Razorpay answered without the transfer", null))
			: redact(transferState(transferred), account);
	}

	async function fetchSettlement(
		account: PspAccount,
		day: string,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure> {
		if (!daySchema.safeParse(day).success) {
			return fail("failed", "invalid_request", null, "The day must be written YYYY-MM-DD", null);
		}
		const [year, month, date] = day.split("-").map(Number) as [number, number, number];
		const lines: SettlementLine[] = [];
		const seen = new Set<string>();
		for (let page = 0, skip = 0; page < MAX_REPORT_PAGES; page++) {
			const exchange = await client.call(account, (sdk) =>
				sdk.settlements.reports({ year, month, day: date, count: page_size, skip }),
			);
			const report = read(exchange, collectionOf(settlementLineSchema));
			if (report === null) return redact(failureOf(exchange), account);
			// Only an empty page is the end: a server may cap a page below what was asked for.
			if (report.items.length === 0) return { outcome: "succeeded", lines };
			skip += report.items.length;
			for (const item of report.items) {
				const key = `${item.type}:${item.entity_id}:${item.settlement_id ?? ""}`;
				if (seen.has(key)) {
					return fail("unknown", "unreadable_answer", null, `Razorpay's report repeats ${item.entity_id}`, null);
				}
				seen.add(key);
				if (item.settled !== false) lines.push(settlementLine(item));
			}
		}
		return fail("unknown", "unreadable_answer", null, "Razorpay's report does not end", null);
	}

	return {
		provider: "razorpay",
		methods: ["upi", "card", "netbanking", "wallet", "emi", "paylater"],
		browser_origins: [new URL(client.api_url).origin],
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],
		createOrder,
		findOrder,
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

/** A 2xx whose body is what the docs say it is; anything else is null, and the caller tells the failure apart. */
function read<Schema extends z.ZodType>(exchange: Exchange, schema: Schema): z.infer<Schema> | null {
	if (exchange.kind !== "answered" || exchange.http_status < 200 || exchange.http_status > 299) return null;
	const parsed = schema.safeParse(exchange.body);
	return parsed.success ? parsed.data : null;
}

/** Were a create ever repeated, the order that somebody has begun to pay is the one to go on with. */
function progressOf(order: RazorpayOrder): number {
	return ["created", "attempted", "paid"].indexOf(order.status);
}

interface AskedRefund {
	reference: string | null;
	psp_payment_id: string;
}

function readRefund(exchange: Exchange, asked: AskedRefund, failure: (exchange: Exchange) => PspFailure): RefundState {
	const refund = read(exchange, refundSchema);
	return refund === null ? noRefund(asked, failure(exchange)) : refundState(refund);
}

function noTransfer(failure: PspFailure): TransferState {
	return { psp_transfer_id: null, amount: null, ...failure };
}

function noRefund(asked: AskedRefund, failure: PspFailure): RefundState {
	return { ...asked, psp_refund_id: null, amount: null, bank_reference: null, ...failure };
}

/**
 * A success comes signed with the key secret over the order id that we stored. A failure comes unsigned: anyone can
 * post it, so it is only a hint for the page.
 */
function verifyReturn(account: PspAccount, browser_return: BrowserReturn): ReturnResult {
	const fields: Record<string, unknown> = { ...browser_return.query, ...browser_return.form };
	const payment_id = idSchema.safeParse(fields.razorpay_payment_id);
	if (payment_id.success) {
		const message = `${browser_return.psp_order_id}|${payment_id.data}`;
		return isSignedBy(account.api_secret, message, fields.razorpay_signature)
			? { verified: true, psp_payment_id: payment_id.data, claims: "succeeded" }
			: { verified: false, claims: "unknown" };
	}
	const reason = fields["error[reason]"];
	if (typeof reason === "string" && entryOf(codeByReason, reason) === "cancelled_by_payer") {
		return { verified: false, claims: "cancelled" };
	}
	const failed = Object.keys(fields).some((name) => name.startsWith("error["));
	return { verified: false, claims: failed ? "failed" : "unknown" };
}
