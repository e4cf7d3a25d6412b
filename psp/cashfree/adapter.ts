/** Cashfree: an order made by the server, its page opened by Cashfree's script, unsigned returns and signed webhooks. */

import { z } from "zod";
import type {
	CreateOrderInput,
	CreateOrderResult,
	PaymentState,
	PspAccount,
	PspAdapter,
	PspAdapterFactory,
	PspFailure,
	RefundInput,
	RefundState,
	SettlementLine,
	TransferInput,
	TransferState,
} from "../adapter.ts";
import type { Exchange } from "../exchange.ts";
import { fail } from "../failure.ts";
import { nothingKnown } from "../nothing-known.ts";
import { redact } from "../redact.ts";
import { createCashfreeClient, modeOf } from "./client.ts";
import { paiseOf, rupeesOf } from "./money.ts";
import {
	type CashfreeOrder,
	type CashfreeRefund,
	failureOf,
	isAutomatic,
	isNotFound,
	isSuccess,
	lookupFailureOf,
	orderForRecord,
	orderRequest,
	orderSchema,
	orderState,
	paymentSchema,
	refundSchema,
	refundState,
	settlementLine,
	settlementPageSchema,
	splitSchema,
} from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

const SCRIPT_URL = "https://sdk.cashfree.com/js/v3/cashfree.js";
/** Where the script comes from, where the form goes that it posts, and where that leads on to. */
const BROWSER_ORIGINS = [
	"https://sdk.cashfree.com",
	"https://api.cashfree.com",
	"https://payments.cashfree.com",
	"https://sandbox.cashfree.com",
	"https://payments-test.cashfree.com",
];

/** Cashfree's most for one page of the settlement report. */
const MAX_REPORT_PAGE = 1000;
/** Ten million lines; only a server that never ends its report gets here. */
const MAX_REPORT_PAGES = 10_000;

/** What Cashfree takes as the id of an order or a refund. */
const idSchema = z.string().regex(/^[A-Za-z0-9_-]{3,45}$/);
const daySchema = z.iso.date();

interface OrderNames {
	psp_order_id: string;
	reference: string;
}

type RefundNames = Pick<RefundInput, "reference" | "psp_order_id">;

export const createCashfreeAdapter: PspAdapterFactory = (endpoint = {}) => {
	const client = createCashfreeClient(endpoint);
	const page_size = Math.min(endpoint.page_size ?? MAX_REPORT_PAGE, MAX_REPORT_PAGE);

	async function createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const { order_amount, order_splits, ...request } = orderRequest(input);
		if (order_amount === null || !hasHundredths(input.currency)) {
			return fail("failed", "invalid_request", null, `Not an amount for Cashfree: ${input.amount}`, null);
		}
		const splits = order_splits?.flatMap(({ vendor_id, amount }) => (amount === null ? [] : [{ vendor_id, amount }]));
		if (splits?.length !== order_splits?.length) {
			return fail("failed", "invalid_request", null, "Not an amount for Cashfree in one of the parts", null);
		}
		// No idempotency key: Cashfree would repeat its first answer, a 500 too, and the order's id is unique anyway.
		const exchange = await client.call(account, (sdk) =>
			sdk.PGCreateOrder({ ...request, order_amount, ...(splits ? { order_splits: splits } : {}) }, input.reference),
		);
		const order = read(exchange, orderSchema);
		if (order !== null) return redact(acceptOrder(account, order, input), account);
		const failure = failureOf(exchange);
		// Made by an earlier call, whose reply was lost.
		return failure.error.http_status === 409 ? findOrder(account, input) : redact(failure, account);
	}

	/**
	 * The order is ours only if it asks for what we asked for. One that does not is never shown to a payer, so nobody
	 * can pay it.
	 */
	function acceptOrder(account: PspAccount, order: CashfreeOrder, input: CreateOrderInput): CreateOrderResult {
		const raw = orderForRecord(order);
		if (order.order_id !== input.reference || !order.payment_session_id) {
			return fail("unknown", "unreadable_answer", null, "Cashfree answered with no order to open", null, null, raw);
		}
		if (paiseOf(order.order_amount) !== input.amount || order.order_currency !== input.currency) {
			const asked = `${rupeesOf(input.amount)} ${input.currency}`;
			const message = `Asked for ${asked}, Cashfree's order is for ${order.order_amount} ${order.order_currency}`;
			return fail("failed", "amount_mismatch", null, message, null, null, raw);
		}
		const { api_url } = endpoint;
		return {
			outcome: "succeeded",
			psp_order_id: order.order_id,
			presentation: {
				kind: "script",
				script_url: api_url === undefined ? SCRIPT_URL : `${api_url}/js/v3/cashfree.js`,
				session: {
					payment_session_id: order.payment_session_id,
					mode: api_url === undefined ? modeOf(account) : "sandbox",
				},
			},
			raw,
		};
	}

	async function findOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const exchange = await client.call(account, (sdk) => sdk.PGFetchOrder(input.reference));
		const order = read(exchange, orderSchema);
		if (order !== null) return redact(acceptOrder(account, order, input), account);
		const failure = lookupFailureOf(exchange);
		return redact(isNotFound(exchange) ? { ...failure, outcome: "failed" } : failure, account);
	}

	async function fetchStatus(account: PspAccount, { psp_order_id }: OrderNames): Promise<PaymentState> {
		const nothing = nothingKnown(psp_order_id);
		if (!idSchema.safeParse(psp_order_id).success) {
			return { ...nothing, ...fail("unknown", "invalid_request", null, "Not an order id of Cashfree", null) };
		}
		const exchange = await client.call(account, (sdk) => sdk.PGOrderFetchPayments(psp_order_id));
		const payments = read(exchange, z.array(paymentSchema));
		if (payments === null) return redact({ ...nothing, ...lookupFailureOf(exchange) }, account);
		const state = orderState(
			payments.filter((payment) => payment.order_id === psp_order_id),
			psp_order_id,
		);
		if (state !== null) return redact(state, account);
		return payments.length === 0
			? { ...nothing, outcome: "pending", error: null, raw: [] }
			: {
					...nothing,
					...fail("unknown", "unreadable_answer", null, "Cashfree listed payments of another order", null),
				};
	}

	async function closeOrder(account: PspAccount, names: OrderNames) {
		const { psp_order_id } = names;
		if (!idSchema.safeParse(psp_order_id).success) {
			return fail("failed", "invalid_request", null, "Not an order id of Cashfree", null);
		}
		const exchange = await client.call(account, (sdk) =>
			sdk.PGTerminateOrder(psp_order_id, { order_status: "TERMINATED" }),
		);
		const order = read(exchange, orderSchema);
		if (order !== null) return redact(closingOf(order), account);
		const failure = failureOf(exchange);
		// Refused: for an order that was paid, and for one that is closed or has expired.
		if (failure.outcome !== "failed" || exchange.kind !== "answered" || wasRefusedAtTheDoor(failure)) {
			return redact(failure, account);
		}
		const lookup = await client.call(account, (sdk) => sdk.PGFetchOrder(psp_order_id));
		const found = read(lookup, orderSchema);
		if (found === null) return redact(isNotFound(lookup) ? failure : lookupFailureOf(lookup), account);
		if (found.order_status !== "EXPIRED") {
			return redact(found.order_status === "ACTIVE" ? failure : closingOf(found), account);
		}
		// Nobody can begin to pay any more, but one who had begun may still come to an end.
		const { outcome, psp_payment_id } = await fetchStatus(account, names);
		if (outcome === "succeeded") return redact(closingOf({ ...found, order_status: "PAID" }), account);
		const is_over = outcome === "failed" || (outcome === "pending" && psp_payment_id === null);
		return redact(closingOf({ ...found, order_status: is_over ? "EXPIRED" : "TERMINATION_REQUESTED" }), account);
	}

	/**
	 * Cashfree creates no second refund under one id, but refuses the repeated call, and not always for that reason: a
	 * first refund in full leaves nothing for the second. So a refusal stands only when there is no refund by that id.
	 */
	async function refund(account: PspAccount, input: RefundInput): Promise<RefundState> {
		const { reference, psp_order_id, psp_payment_id } = input;
		const asked = { reference, psp_payment_id };
		const refund_amount = rupeesOf(input.amount);
		if (!idSchema.safeParse(psp_order_id).success || !idSchema.safeParse(reference).success || refund_amount === null) {
			return noRefund(asked, fail("failed", "invalid_request", null, "Not an order id or amount of Cashfree", null));
		}
		if (input.is_further_payment) {
			const automatic = await automaticRefund(account, input);
			if (automatic !== null) return redact(automatic, account);
		}
		const exchange = await client.call(account, (sdk) =>
			sdk.PGOrderCreateRefund(
				psp_order_id,
				{
					refund_id: reference,
					refund_amount,
					refund_note: (input.reason ?? "Refund").slice(0, 100).padEnd(3, "."),
					refund_speed: "STANDARD",
				},
				reference,
			),
		);
		const created = read(exchange, refundSchema);
		if (created !== null) return redact(checkedRefund(created, input, false), account);
		const failure = failureOf(exchange);
		if (failure.outcome !== "failed" || exchange.kind !== "answered" || wasRefusedAtTheDoor(failure)) {
			return redact(noRefund(asked, failure), account);
		}
		const lookup = await client.call(account, (sdk) => sdk.PGOrderFetchRefund(psp_order_id, reference));
		const found = read(lookup, refundSchema);
		if (found !== null) return redact(checkedRefund(found, input, true), account);
		return redact(noRefund(asked, isNotFound(lookup) ? failure : lookupFailureOf(lookup)), account);
	}

	/**
	 * Cashfree refunds an order and not a payment, and gives further payments of one order back by itself: whoever asked for
	 * that, too, would give back the one payment that counts. Null where this payment alone was taken, beside another order.
	 */
	async function automaticRefund(account: PspAccount, input: RefundInput): Promise<RefundState | null> {
		const { reference, psp_order_id, psp_payment_id } = input;
		const asked = { reference, psp_payment_id };
		const paying = await client.call(account, (sdk) => sdk.PGOrderFetchPayments(psp_order_id));
		const payments = read(paying, z.array(paymentSchema));
		if (payments === null) return noRefund(asked, unlessRefusedAtTheDoor(paying));
		const successes = payments.filter((payment) => payment.order_id === psp_order_id && isSuccess(payment));
		// Cashfree may not list yet what its webhook has told of: then the one that it lists is another.
		if (successes.length === 1 && successes[0]?.cf_payment_id === psp_payment_id) return null;
		const listing = await client.call(account, (sdk) => sdk.PGOrderFetchRefunds(psp_order_id));
		const refunds = read(listing, z.array(refundSchema));
		if (refunds === null) return noRefund(asked, unlessRefusedAtTheDoor(listing));
		const automatic = refunds.filter((refund) => refund.order_id === psp_order_id && isAutomatic(refund));
		// Which of the payments counts is for Cashfree to say; once all but one are on their way back, this one is, in effect.
		const found =
			automatic.find(({ cf_payment_id }) => cf_payment_id === psp_payment_id) ??
			(automatic.length === successes.length - 1 ? automatic[0] : undefined);
		if (found !== undefined) return { ...refundState(found), ...asked };
		const message = "Cashfree gives back by itself what is paid again for one order, and has not done so yet";
		return noRefund(asked, fail("unknown", "not_found", null, message, null, null, refunds));
	}

	async function fetchRefund(
		account: PspAccount,
		wanted: Parameters<PspAdapter["fetchRefund"]>[1],
	): Promise<RefundState> {
		const { reference, psp_order_id, psp_payment_id } = wanted;
		const asked = { reference, psp_payment_id };
		if (!idSchema.safeParse(psp_order_id).success || !idSchema.safeParse(reference).success) {
			return noRefund(asked, fail("unknown", "invalid_request", null, "Not an id of Cashfree", null));
		}
		const exchange = await client.call(account, (sdk) => sdk.PGOrderFetchRefund(psp_order_id, reference));
		const found = read(exchange, refundSchema);
		if (found === null) {
			const failure = noRefund(asked, lookupFailureOf(exchange));
			return redact(isNotFound(exchange) ? await fetchAutomaticRefund(account, wanted, failure) : failure, account);
		}
		return redact(isOf(wanted, found) ? refundState(found) : noRefund(asked, anotherRefund(found)), account);
	}

	/** One that Cashfree made of its own accord has no id of ours, and is found in the list alone. */
	async function fetchAutomaticRefund(
		account: PspAccount,
		{ reference, psp_order_id, psp_payment_id, psp_refund_id }: Parameters<PspAdapter["fetchRefund"]>[1],
		otherwise: RefundState,
	): Promise<RefundState> {
		const exchange = await client.call(account, (sdk) => sdk.PGOrderFetchRefunds(psp_order_id));
		const refunds = read(exchange, z.array(refundSchema));
		if (refunds === null) return { ...otherwise, ...lookupFailureOf(exchange) };
		const found = refunds.find(
			(refund) => refund.cf_refund_id === psp_refund_id && refund.order_id === psp_order_id && isAutomatic(refund),
		);
		return found === undefined ? otherwise : { ...refundState(found), reference, psp_payment_id };
	}

	/** Parts have no id at Cashfree: only the idempotency key keeps a repeated call from giving the part away twice. */
	async function transfer(account: PspAccount, input: TransferInput): Promise<TransferState> {
		const nothing = { psp_transfer_id: null, amount: null };
		const amount = rupeesOf(input.amount);
		if (!idSchema.safeParse(input.psp_order_id).success || amount === null) {
			return {
				...nothing,
				...fail("failed", "invalid_request", null, "Not an order id or amount of Cashfree", null),
			};
		}
		const exchange = await client.call(account, (sdk) =>
			sdk.PGOrderSplitAfterPayment(input.psp_order_id, input.reference, input.reference, {
				split: [{ vendor_id: input.account, amount, tags: { transfer: input.reference } }],
				disable_split: false,
			}),
		);
		const split = read(exchange, splitSchema);
		const result = split === null ? failureOf(exchange) : { outcome: "succeeded" as const, error: null, raw: split };
		return redact({ ...nothing, ...result }, account);
	}

	async function fetchSettlement(
		account: PspAccount,
		day: string,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure> {
		if (!daySchema.safeParse(day).success) {
			return fail("failed", "invalid_request", null, "The day must be written YYYY-MM-DD", null);
		}
		const filters = {
			start_date_processed_on: `${day}T00:00:00+05:30`,
			end_date_processed_on: `${day}T23:59:59+05:30`,
		};
		const lines: SettlementLine[] = [];
		const cursors = new Set<string>();
		for (let page = 0, cursor: string | null = null; page < MAX_REPORT_PAGES; page++) {
			// The SDK's type has no null, with which Cashfree says the report is to begin.
			const pagination = { limit: page_size, cursor: cursor as string };
			const exchange = await client.call(account, (sdk) => sdk.PGSettlementFetchRecon({ pagination, filters }));
			const report = read(exchange, settlementPageSchema);
			if (report === null) return redact(failureOf(exchange), account);
			lines.push(...report.data.map(settlementLine));
			if (!report.cursor || report.data.length === 0) return { outcome: "succeeded", lines };
			if (cursors.has(report.cursor)) {
				return fail("unknown", "unreadable_answer", null, "Cashfree's report begins anew", null);
			}
			cursor = report.cursor;
			cursors.add(cursor);
		}
		return fail("unknown", "unreadable_answer", null, "Cashfree's report does not end", null);
	}

	return {
		provider: "cashfree",
		methods: ["upi", "card", "netbanking", "wallet", "emi", "paylater"],
		browser_origins: endpoint.api_url === undefined ? BROWSER_ORIGINS : [new URL(endpoint.api_url).origin],
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],
		createOrder,
		findOrder,
		fetchStatus,
		// The payer comes back by a plain GET that carries nothing but what we put into the address ourselves.
		verifyReturn: () => ({ verified: false, claims: "unknown" }),
		verifyWebhook: (account, request) => verifyWebhook(account, request),
		parseWebhook,
		closeOrder,
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

/** Not a word about the thing itself: the caller may not ask, or not now. */
function wasRefusedAtTheDoor({ error }: PspFailure): boolean {
	return error.code === "authentication_failed" || error.code === "rate_limited";
}

/** A lookup that went wrong says nothing; but that the credentials are refused is told as it is of the call that it is for. */
function unlessRefusedAtTheDoor(lookup: Exchange): PspFailure {
	const failure = failureOf(lookup);
	return wasRefusedAtTheDoor(failure) ? failure : lookupFailureOf(lookup);
}

/** Amounts go to Cashfree as decimals with two places, which not every currency has. */
function hasHundredths(currency: string): boolean {
	try {
		return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits === 2;
	} catch {
		return false;
	}
}

function closingOf(order: CashfreeOrder): { outcome: "succeeded"; raw: unknown } | PspFailure {
	const raw = orderForRecord(order);
	switch (order.order_status) {
		case "TERMINATED":
		case "EXPIRED":
			return { outcome: "succeeded", raw };
		case "PAID":
			return fail("failed", "order_already_paid", "PAID", "The order was paid", null, null, raw);
		default: {
			const message = `Cashfree has the order as ${order.order_status}: it may still be paid`;
			return fail("unknown", "psp_unavailable", order.order_status, message, null, null, raw);
		}
	}
}

function isOf({ reference, psp_order_id }: RefundNames, refund: CashfreeRefund): boolean {
	return refund.refund_id === reference && refund.order_id === psp_order_id;
}

function anotherRefund(refund: CashfreeRefund): PspFailure {
	const message = "Cashfree answered with another refund than was asked for";
	return fail("unknown", "unreadable_answer", null, message, null, null, refund);
}

/** `was_refused`: Cashfree made none when asked now, so what it has under the id is all there is. */
function checkedRefund(refund: CashfreeRefund, input: RefundInput, was_refused: boolean): RefundState {
	const state = refundState(refund);
	const asked = { reference: input.reference, psp_payment_id: input.psp_payment_id };
	if (!isOf(input, refund)) return noRefund(asked, anotherRefund(refund));
	if (state.amount === input.amount) return state;
	const message = `Under this id Cashfree has a refund of ${refund.refund_amount}, not of ${rupeesOf(input.amount)}`;
	return noRefund(
		asked,
		was_refused
			? fail("failed", "duplicate_request", null, message, null, null, refund)
			: fail("unknown", "amount_mismatch", null, message, null, null, refund),
	);
}

function noRefund(asked: Pick<RefundState, "reference" | "psp_payment_id">, failure: PspFailure): RefundState {
	return { ...asked, psp_refund_id: null, amount: null, bank_reference: null, ...failure };
}
