/** PhonePe PG v2, standard checkout: an order made by the server, PhonePe's page by redirect, unsigned returns. */

import { z } from "zod";
import type {
	CreateOrderInput,
	CreateOrderResult,
	PaymentState,
	PspAccount,
	PspAdapter,
	PspAdapterFactory,
	PspFailure,
	RefundState,
} from "../adapter.ts";
import { fail } from "../failure.ts";
import { nothingKnown } from "../nothing-known.ts";
import { redact } from "../redact.ts";
import { createPhonePeClient, type PhonePeExchange } from "./client.ts";
import {
	CURRENCY,
	failureOf,
	lookupFailureOf,
	orderSchema,
	orderState,
	type PhonePeOrder,
	payAnswerSchema,
	payRequest,
	refundSchema,
	refundState,
	saysNotFound,
} from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

/** What PhonePe takes as merchantOrderId and merchantRefundId. */
const referenceSchema = z.string().regex(/^[A-Za-z0-9_-]{1,63}$/);

export const createPhonePeAdapter: PspAdapterFactory = (endpoint = {}) => {
	const client = createPhonePeClient(endpoint);

	async function createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const refusal = refusalOf(input);
		if (refusal !== null) return refusal;
		const exchange = await client.call(account, {
			method: "POST",
			path: "/checkout/v2/pay",
			body: payRequest(input, Date.now()),
		});
		const answer = read(exchange, payAnswerSchema);
		if (answer === null) return redact(failureOf(exchange), account);
		const { redirectUrl, ...raw } = answer;
		return {
			outcome: "succeeded",
			psp_order_id: answer.orderId,
			presentation: { kind: "redirect", url: redirectUrl },
			raw,
		};
	}

	/**
	 * The status of an order does not tell the address of its page; only the call that makes the order does. PhonePe takes
	 * that call again for an order that nobody has opened, and refuses it later, so that it never makes a second one.
	 */
	async function findOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const refusal = refusalOf(input);
		if (refusal !== null) return refusal;
		const exchange = await fetchOrder(account, input.reference);
		const order = read(exchange, orderSchema);
		if (order === null) {
			if (!saysNotFound(exchange)) return redact(lookupFailureOf(exchange), account);
			return redact({ ...failureOf(exchange), outcome: "failed" }, account);
		}
		if (order.amount !== input.amount) {
			const message = `Asked for ${input.amount} paise, PhonePe's order is for ${order.amount}`;
			return fail("failed", "amount_mismatch", null, message, null, null, order);
		}
		const { outcome, error } = orderState(order, input.reference);
		if (outcome === "failed" && order.state === "FAILED" && error !== null) return { outcome, error, raw: order };
		if (order.state === "PENDING" && order.paymentDetails.length === 0) return reopenOrder(account, input, order);
		return {
			outcome: "succeeded",
			psp_order_id: order.orderId,
			// Somebody has found the way to PhonePe's page already; the page after it looks the order up.
			presentation: { kind: "redirect", url: input.return_url },
			raw: order,
		};
	}

	async function reopenOrder(
		account: PspAccount,
		input: CreateOrderInput,
		order: PhonePeOrder,
	): Promise<CreateOrderResult> {
		const again = await createOrder(account, input);
		if (again.outcome === "succeeded") return again;
		const { outcome, error } = again;
		const is_refused = outcome === "failed" && error.http_status === 400 && error.code !== "authentication_failed";
		if (!is_refused) return { ...again, outcome: "unknown" };
		const message = `PhonePe has the order ${order.orderId}, but the address of its page was lost: nobody can pay it`;
		return fail("failed", "duplicate_request", error.psp_code, message, 400, null, order);
	}

	async function fetchStatus(
		account: PspAccount,
		{ psp_order_id, reference }: { psp_order_id: string; reference: string },
	): Promise<PaymentState> {
		const nothing = nothingKnown(psp_order_id);
		if (!referenceSchema.safeParse(reference).success) {
			return { ...nothing, ...fail("unknown", "invalid_request", null, "Not an order id that PhonePe takes", null) };
		}
		const exchange = await fetchOrder(account, reference);
		const order = read(exchange, orderSchema);
		if (order === null) return redact({ ...nothing, ...lookupFailureOf(exchange) }, account);
		if (order.orderId !== psp_order_id) {
			const message = `PhonePe answered with the order ${order.orderId}`;
			return { ...nothing, ...fail("unknown", "unreadable_answer", null, message, null) };
		}
		return redact(orderState(order, reference), account);
	}

	function fetchOrder(account: PspAccount, reference: string): Promise<PhonePeExchange> {
		const query = "details=true&errorContext=true";
		return client.call(account, { method: "GET", path: `/checkout/v2/order/${reference}/status?${query}` });
	}

	async function refund(account: PspAccount, input: Parameters<PspAdapter["refund"]>[1]): Promise<RefundState> {
		const asked = { reference: input.reference, psp_refund_id: null, psp_payment_id: input.psp_payment_id };
		if (
			!referenceSchema.safeParse(input.reference).success ||
			!referenceSchema.safeParse(input.order_reference).success
		) {
			return noRefund(asked, fail("failed", "invalid_request", null, "Not an id that PhonePe takes", null));
		}
		const exchange = await client.call(account, {
			method: "POST",
			path: "/payments/v2/refund",
			body: {
				merchantRefundId: input.reference,
				originalMerchantOrderId: input.order_reference,
				amount: input.amount,
			},
		});
		const answer = read(exchange, refundSchema);
		if (answer !== null) return redact(refundState(answer, asked), account);
		const failure = failureOf(exchange);
		const may_be_repeat = exchange.kind === "answered" && failure.outcome === "failed" && isBadRequest(failure);
		return redact(may_be_repeat ? await earlierRefund(account, input, failure) : noRefund(asked, failure), account);
	}

	/** PhonePe refuses a merchantRefundId that it has seen like any other bad request; so that is looked for first. */
	async function earlierRefund(
		account: PspAccount,
		input: Parameters<PspAdapter["refund"]>[1],
		refusal: PspFailure,
	): Promise<RefundState> {
		const asked = { reference: input.reference, psp_refund_id: null, psp_payment_id: input.psp_payment_id };
		const exchange = await fetchRefundAnswer(account, input.reference);
		const earlier = read(exchange, refundSchema);
		if (earlier === null) return noRefund(asked, saysNotFound(exchange) ? refusal : lookupFailureOf(exchange));
		const is_the_same =
			earlier.amount === input.amount &&
			(earlier.originalMerchantOrderId || input.order_reference) === input.order_reference;
		if (is_the_same) return refundState(earlier, asked);
		const message = `PhonePe has a refund ${input.reference} of ${earlier.amount} paise, not of ${input.amount}`;
		return noRefund(asked, fail("failed", "duplicate_request", refusal.error.psp_code, message, 400, null, earlier));
	}

	async function fetchRefund(
		account: PspAccount,
		wanted: Parameters<PspAdapter["fetchRefund"]>[1],
	): Promise<RefundState> {
		const { reference, psp_refund_id, psp_payment_id } = wanted;
		const asked = { reference, psp_refund_id, psp_payment_id };
		if (!referenceSchema.safeParse(reference).success) {
			return noRefund(asked, fail("unknown", "invalid_request", null, "Not a refund id that PhonePe takes", null));
		}
		const exchange = await fetchRefundAnswer(account, reference);
		const answer = read(exchange, refundSchema);
		if (answer === null) return redact(noRefund(asked, lookupFailureOf(exchange)), account);
		const is_another =
			(answer.refundId || psp_refund_id) !== psp_refund_id ||
			(answer.originalMerchantOrderId || wanted.order_reference) !== wanted.order_reference;
		return redact(
			is_another
				? noRefund(asked, fail("unknown", "unreadable_answer", null, "PhonePe answered with another refund", null))
				: refundState(answer, asked),
			account,
		);
	}

	function fetchRefundAnswer(account: PspAccount, reference: string): Promise<PhonePeExchange> {
		return client.call(account, { method: "GET", path: `/payments/v2/refund/${reference}/status` });
	}

	return {
		provider: "phonepe",
		methods: ["upi", "card", "netbanking", "wallet"],
		browser_origins: endpoint.api_url === undefined ? ["https://*.phonepe.com"] : [new URL(endpoint.api_url).origin],
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],
		createOrder,
		findOrder,
		fetchStatus,
		// The browser comes back to the address it was given, after a success, a failure and a change of mind alike.
		verifyReturn: () => ({ verified: false, claims: "unknown" }),
		verifyWebhook,
		parseWebhook,
		refund,
		fetchRefund,
		fetchSettlement: async () =>
			fail(
				"failed",
				"invalid_request",
				null,
				"PhonePe offers no settlement report to programs; its dashboard does",
				null,
			),
	};
};

/** What PhonePe's page cannot do is not asked of it. */
function refusalOf(input: CreateOrderInput): PspFailure | null {
	if (input.currency !== CURRENCY)
		return fail("failed", "invalid_request", null, "PhonePe takes Indian rupees only", null);
	if (input.splits.length > 0) return fail("failed", "invalid_request", null, "PhonePe splits no payments", null);
	if (referenceSchema.safeParse(input.reference).success) return null;
	return fail("failed", "invalid_request", null, "Not an order id that PhonePe takes", null);
}

function isBadRequest({ error }: PspFailure): boolean {
	return error.code !== "authentication_failed" && error.code !== "rate_limited";
}

/** A 2xx whose body is what the docs say it is; anything else is null, and the caller tells the failure apart. */
function read<Schema extends z.ZodType>(exchange: PhonePeExchange, schema: Schema): z.infer<Schema> | null {
	if (exchange.kind !== "answered" || exchange.http_status < 200 || exchange.http_status > 299) return null;
	const parsed = schema.safeParse(exchange.body);
	return parsed.success ? parsed.data : null;
}

function noRefund(
	asked: Pick<RefundState, "reference" | "psp_refund_id" | "psp_payment_id">,
	failure: PspFailure,
): RefundState {
	return { ...asked, amount: null, bank_reference: null, ...failure };
}
