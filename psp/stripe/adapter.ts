/** Stripe: a Checkout session made by the server, its hosted page by redirect, unsigned returns, signed webhooks. */

import type Stripe from "stripe";
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
import type { Exchange } from "../exchange.ts";
import { fail } from "../failure.ts";
import { nothingKnown } from "../nothing-known.ts";
import { redact } from "../redact.ts";
import { createStripeClient } from "./client.ts";
import {
	balanceTransactionSchema,
	failureOf,
	idSchema,
	listOf,
	lookupFailureOf,
	paymentIntentSchema,
	payoutSchema,
	refundSchema,
	refundState,
	type StripePayout,
	type StripeSession,
	sessionSchema,
	sessionState,
	settlementLine,
	strangeSessionSchema,
	transferSchema,
	transferState,
	unitemisedLine,
} from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

/** Stripe's most for one page of any list. */
const MAX_PAGE = 100;
/** A million objects; only a server that never ends its list gets here. */
const MAX_PAGES = 10_000;
/** Ten thousand sessions of one merchant between the start of a payment and its end; beyond, a lookup says "unknown". */
const MAX_LOOKUP_PAGES = 100;

/** Stripe refuses a session that ends earlier; two minutes more for the way there and for clocks that differ. */
const SHORTEST_SESSION_SECONDS = 32 * 60;
/** A day, less the same. */
const LONGEST_SESSION_SECONDS = 24 * 60 * 60 - 120;
/** How far Stripe's clock and ours may be apart when a session is looked for by its time. */
const CLOCK_DOUBT_SECONDS = 10 * 60;

/** The methods that a session can be narrowed to; with any other wish the payer sees all that the merchant has at Stripe. */
const methodTypes: ReadonlySet<string> = new Set(["card", "upi"]);

const daySchema = z.iso.date();
const emailSchema = z.email().max(512);

export const createStripeAdapter: PspAdapterFactory = (endpoint = {}) => {
	const client = createStripeClient(endpoint);
	const page_size = Math.min(endpoint.page_size ?? MAX_PAGE, MAX_PAGE);

	async function createOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const [split, ...others] = input.splits;
		if (others.length > 0) {
			const message = "Stripe sends at most one part of a payment to another account; use transfers for more";
			return fail("failed", "invalid_request", null, message, null);
		}
		const exchange = await client.call(
			account,
			(sdk, options) => sdk.checkout.sessions.create(sessionParams(input, split), options),
			input.reference,
		);
		const session = read(exchange, sessionSchema);
		if (session !== null) return redact(acceptSession(session, input), account);
		const failure = failureOf(exchange);
		// The key was used before: an earlier call with other words (the session's end moves with the clock) may have made
		// the order.
		const is_repeated = failure.error.code === "duplicate_request";
		return redact(is_repeated ? { ...failure, outcome: "unknown" } : failure, account);
	}

	/**
	 * By listing the sessions of the time in which the order can have been made. A repeated create with the same key would
	 * make the order if there is none; Stripe's search does not exist for accounts in India, and lags by minutes elsewhere.
	 */
	async function findOrder(account: PspAccount, input: CreateOrderInput): Promise<CreateOrderResult> {
		const started_at = timeOfUuid(input.reference);
		const created = {
			...(started_at === null ? {} : { gte: started_at - CLOCK_DOUBT_SECONDS }),
			lte: seconds(input.expires_at) + CLOCK_DOUBT_SECONDS,
		};
		let starting_after: string | undefined;
		for (let page = 0; page < MAX_LOOKUP_PAGES; page++) {
			const exchange = await client.call(account, (sdk, options) =>
				sdk.checkout.sessions.list({ created, limit: MAX_PAGE, starting_after }, options),
			);
			const sessions = read(exchange, listOf(strangeSessionSchema));
			if (sessions === null) return redact(lookupFailureOf(exchange), account);
			const found = sessions.data.find((candidate) => candidate.client_reference_id === input.reference);
			if (found !== undefined) {
				const session = sessionSchema.safeParse(found);
				return session.success
					? redact(acceptSession(session.data, input), account)
					: fail("unknown", "unreadable_answer", null, "Stripe's session cannot be read", null);
			}
			if (!sessions.has_more) {
				return fail("failed", "not_found", null, "Stripe has no session with this reference", null);
			}
			starting_after = sessions.data.at(-1)?.id;
			if (starting_after === undefined) break;
		}
		return fail("unknown", "unreadable_answer", null, "Stripe's list of sessions does not end", null);
	}

	async function fetchStatus(
		account: PspAccount,
		order: { psp_order_id: string; reference: string },
	): Promise<PaymentState> {
		const nothing = nothingKnown(order.psp_order_id);
		if (!idSchema.safeParse(order.psp_order_id).success) {
			return { ...nothing, ...fail("unknown", "invalid_request", null, "Not a session id of Stripe", null) };
		}
		const exchange = await fetchSession(account, order.psp_order_id);
		const session = read(exchange, sessionSchema);
		if (session === null) return redact({ ...nothing, ...lookupFailureOf(exchange) }, account);
		if (session.id !== order.psp_order_id) {
			return {
				...nothing,
				...fail("unknown", "unreadable_answer", null, "Stripe answered with another session", null),
			};
		}
		return redact(sessionState(session), account);
	}

	function fetchSession(account: PspAccount, session_id: string): Promise<Exchange> {
		return client.call(account, (sdk, options) =>
			sdk.checkout.sessions.retrieve(
				session_id,
				{ expand: ["payment_intent.latest_charge.balance_transaction"] },
				options,
			),
		);
	}

	async function closeOrder(
		account: PspAccount,
		order: { psp_order_id: string; reference: string },
	): Promise<{ outcome: "succeeded"; raw: unknown } | PspFailure> {
		if (!idSchema.safeParse(order.psp_order_id).success) {
			return fail("failed", "invalid_request", null, "Not a session id of Stripe", null);
		}
		const exchange = await client.call(account, (sdk, options) =>
			sdk.checkout.sessions.expire(order.psp_order_id, {}, options),
		);
		const closed = read(exchange, sessionSchema);
		if (closed !== null) {
			return closed.status === "expired"
				? { outcome: "succeeded", raw: redact(closed, account) }
				: fail("unknown", "unreadable_answer", null, "Stripe took the call and did not close the session", null);
		}
		const failure = failureOf(exchange);
		if (failure.error.http_status !== 400) return redact(failure, account);
		// Refused because it is open no more: its state says whether somebody paid or it had ended by itself.
		const lookup = await fetchSession(account, order.psp_order_id);
		const session = read(lookup, sessionSchema);
		if (session === null) return redact(lookupFailureOf(lookup), account);
		if (session.status === "expired") return { outcome: "succeeded", raw: redact(session, account) };
		if (session.status !== "complete") return redact(failure, account);
		const words = session.payment_status === "paid" ? "The session was paid" : "The payer is through; the bank decides";
		return fail("failed", "order_already_paid", session.payment_status, words, 400);
	}

	/**
	 * Stripe forgets an idempotency key after a day, and a refund whose reply was lost is asked for again for longer than
	 * that: the refunds that there are come first.
	 */
	async function refund(account: PspAccount, input: RefundInput): Promise<RefundState> {
		const asked = { reference: input.reference, psp_payment_id: input.psp_payment_id };
		if (!idSchema.safeParse(input.psp_payment_id).success) {
			return noRefund(asked, fail("failed", "invalid_request", null, "Not a payment intent id of Stripe", null));
		}
		const made = await listAll(refundSchema, (page) =>
			client.call(account, (sdk, options) =>
				sdk.refunds.list({ payment_intent: input.psp_payment_id, ...page }, options),
			),
		);
		if (made.outcome !== "succeeded") {
			const outcome = made.error.code === "not_found" ? "failed" : "unknown";
			return redact(noRefund(asked, { ...made, outcome }), account);
		}
		const earlier = made.items.find((candidate) => candidate.metadata?.reference === input.reference);
		if (earlier !== undefined) {
			return earlier.amount === input.amount
				? redact(refundState(earlier), account)
				: noRefund(asked, repeatedWithOtherWords("refund"));
		}
		const exchange = await client.call(
			account,
			(sdk, options) =>
				sdk.refunds.create(
					{
						payment_intent: input.psp_payment_id,
						amount: input.amount,
						metadata: {
							reference: input.reference,
							...(input.reason === null ? {} : { reason: metadataValue(input.reason) }),
						},
					},
					options,
				),
			input.reference,
		);
		return redact(readRefund(exchange, asked, failureOf), account);
	}

	async function fetchRefund(
		account: PspAccount,
		wanted: { psp_refund_id: string; psp_payment_id: string },
	): Promise<RefundState> {
		const asked = { reference: null, psp_payment_id: wanted.psp_payment_id };
		if (!idSchema.safeParse(wanted.psp_refund_id).success) {
			return noRefund(asked, fail("unknown", "invalid_request", null, "Not a refund id of Stripe", null));
		}
		const exchange = await client.call(account, (sdk, options) =>
			sdk.refunds.retrieve(wanted.psp_refund_id, {}, options),
		);
		return redact(readRefund(exchange, asked, lookupFailureOf), account);
	}

	/** As with refunds, the transfers that there are come first. All from one payment share a group. */
	async function transfer(account: PspAccount, input: TransferInput): Promise<TransferState> {
		if (!idSchema.safeParse(input.psp_payment_id).success || !idSchema.safeParse(input.account).success) {
			return noTransfer(fail("failed", "invalid_request", null, "Not an id of Stripe", null));
		}
		const lookup = await client.call(account, (sdk, options) =>
			sdk.paymentIntents.retrieve(input.psp_payment_id, { expand: ["latest_charge"] }, options),
		);
		const intent = read(lookup, paymentIntentSchema);
		if (intent === null) return redact(noTransfer(lookupFailureOf(lookup)), account);
		const charge = typeof intent.latest_charge === "object" ? intent.latest_charge : null;
		if (intent.status !== "succeeded" || charge === null) {
			return noTransfer(fail("failed", "invalid_request", intent.status, "Stripe has not taken this payment", null));
		}
		const { transfer_group } = charge;
		if (transfer_group) {
			const made = await listAll(transferSchema, (page) =>
				client.call(account, (sdk, options) => sdk.transfers.list({ transfer_group, ...page }, options)),
			);
			if (made.outcome !== "succeeded") return redact(noTransfer({ ...made, outcome: "unknown" }), account);
			const earlier = made.items.find((candidate) => candidate.metadata?.reference === input.reference);
			if (earlier !== undefined) {
				return earlier.amount === input.amount && earlier.destination === input.account
					? redact(transferState(earlier), account)
					: noTransfer(repeatedWithOtherWords("transfer"));
			}
		}
		const exchange = await client.call(
			account,
			(sdk, options) =>
				sdk.transfers.create(
					{
						amount: input.amount,
						currency: input.currency.toLowerCase(),
						destination: input.account,
						source_transaction: charge.id,
						metadata: { reference: input.reference },
					},
					options,
				),
			input.reference,
		);
		const made = read(exchange, transferSchema);
		return redact(made === null ? noTransfer(failureOf(exchange)) : transferState(made), account);
	}

	async function fetchSettlement(
		account: PspAccount,
		day: string,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure> {
		if (!daySchema.safeParse(day).success) {
			return fail("failed", "invalid_request", null, "The day must be written YYYY-MM-DD", null);
		}
		const midnight = Date.parse(`${day}T00:00:00+05:30`) / 1000;
		const arrival_date = { gte: midnight, lt: midnight + 24 * 60 * 60 };
		const payouts = await listAll(payoutSchema, (page) =>
			client.call(account, (sdk, options) => sdk.payouts.list({ arrival_date, status: "paid", ...page }, options)),
		);
		if (payouts.outcome !== "succeeded") return redact(payouts, account);
		const lines: SettlementLine[] = [];
		for (const payout of payouts.items) {
			const paid = await linesOf(account, payout);
			if (paid.outcome !== "succeeded") return redact(paid, account);
			lines.push(...paid.lines);
		}
		return { outcome: "succeeded", lines };
	}

	async function linesOf(
		account: PspAccount,
		payout: StripePayout,
	): Promise<{ outcome: "succeeded"; lines: SettlementLine[] } | PspFailure> {
		if (!payout.automatic) return { outcome: "succeeded", lines: [unitemisedLine(payout)] };
		if (payout.reconciliation_status === "in_progress") {
			const message = `Stripe still writes the report of payout ${payout.id}`;
			return fail("unknown", "unreadable_answer", "in_progress", message, null);
		}
		const report = await listAll(balanceTransactionSchema, (page) =>
			client.call(account, (sdk, options) =>
				sdk.balanceTransactions.list({ payout: payout.id, expand: ["data.source"], ...page }, options),
			),
		);
		if (report.outcome !== "succeeded") return report;
		// The payout itself is a movement of the balance, too.
		const moved = report.items.filter(({ type }) => type !== "payout");
		return { outcome: "succeeded", lines: moved.map((line) => settlementLine(line, payout)) };
	}

	/** Follows a list of Stripe's to its end; a list that breaks off is not given in part. */
	async function listAll<Item extends { id: string }>(
		schema: z.ZodType<Item>,
		fetchPage: (page: { limit: number; starting_after?: string }) => Promise<Exchange>,
	): Promise<{ outcome: "succeeded"; items: Item[] } | PspFailure> {
		const items = new Map<string, Item>();
		let starting_after: string | undefined;
		for (let page = 0; page < MAX_PAGES; page++) {
			const exchange = await fetchPage({
				limit: page_size,
				...(starting_after === undefined ? {} : { starting_after }),
			});
			const list = read(exchange, listOf(schema));
			if (list === null) return failureOf(exchange);
			for (const item of list.data) {
				if (items.has(item.id)) {
					return fail("unknown", "unreadable_answer", null, `Stripe's list repeats ${item.id}`, null);
				}
				items.set(item.id, item);
			}
			if (!list.has_more) return { outcome: "succeeded", items: [...items.values()] };
			starting_after = list.data.at(-1)?.id;
			if (starting_after === undefined) break;
		}
		return fail("unknown", "unreadable_answer", null, "Stripe's list does not end", null);
	}

	return {
		provider: "stripe",
		methods: ["card", "upi", "netbanking"],
		browser_origins: [
			endpoint.api_url === undefined ? "https://checkout.stripe.com" : new URL(endpoint.api_url).origin,
		],
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],
		createOrder,
		findOrder,
		fetchStatus,
		verifyReturn,
		verifyWebhook,
		parseWebhook,
		closeOrder,
		refund,
		fetchRefund,
		transfer,
		fetchSettlement,
	};
};

function sessionParams(
	input: CreateOrderInput,
	split: CreateOrderInput["splits"][number] | undefined,
): Stripe.Checkout.SessionCreateParams {
	const metadata = { reference: input.reference, order_id: metadataValue(input.order_id) };
	const description = (input.description || `Order ${input.order_id}`).slice(0, 250);
	const email = emailSchema.safeParse(input.customer.email);
	return {
		mode: "payment",
		client_reference_id: input.reference,
		line_items: [
			{
				quantity: 1,
				price_data: {
					currency: input.currency.toLowerCase(),
					unit_amount: input.amount,
					product_data: { name: description },
				},
			},
		],
		metadata,
		payment_intent_data: {
			// Taken while the payer waits, so that "succeeded" is the bank's last word and comes with Stripe's fee.
			capture_method: "automatic",
			description,
			metadata,
			...(split === undefined ? {} : { transfer_data: { destination: split.account, amount: split.amount } }),
		},
		// Else a payer abroad could pay in another currency than was asked for.
		adaptive_pricing: { enabled: false },
		success_url: withSessionId(input.return_url),
		cancel_url: input.cancel_url,
		expires_at: sessionEnd(input.expires_at),
		...(email.success ? { customer_email: email.data } : {}),
		...(input.method !== null && methodTypes.has(input.method) ? { allowed_payment_method_types: [input.method] } : {}),
	};
}

/** Stripe writes the session's id over the words in braces, which must reach it as they are. */
function withSessionId(return_url: string): string {
	return `${return_url}${return_url.includes("?") ? "&" : "?"}session_id={CHECKOUT_SESSION_ID}`;
}

/**
 * A session lives for half an hour at least, longer than most payments of ours: it can be paid after the payment's end,
 * and such a payment is accepted as a late one.
 */
function sessionEnd(expires_at: Date): number {
	const now = Math.floor(Date.now() / 1000);
	return Math.min(Math.max(seconds(expires_at), now + SHORTEST_SESSION_SECONDS), now + LONGEST_SESSION_SECONDS);
}

function seconds(time: Date): number {
	return Math.ceil(time.getTime() / 1000);
}

/** When a uuid of version 7 was made, in unix seconds. */
function timeOfUuid(uuid: string): number | null {
	const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/.exec(uuid) ?? [];
	return high === undefined || low === undefined ? null : Math.floor(Number.parseInt(high + low, 16) / 1000);
}

/** A value holds 500 characters at most. */
function metadataValue(value: string): string {
	return value.slice(0, 500);
}

/** The order is ours only if it asks for what we asked for. One that does not is never shown to a payer. */
function acceptSession(session: StripeSession, input: CreateOrderInput): CreateOrderResult {
	const currency = session.currency?.toUpperCase();
	if (session.amount_total !== input.amount || currency !== input.currency) {
		const asked = `${input.amount} ${input.currency}`;
		const message = `Asked for ${asked}, Stripe's session is for ${session.amount_total} ${currency}`;
		return fail("failed", "amount_mismatch", null, message, null, null, session);
	}
	if (session.status === "expired") {
		return fail("failed", "not_found", "expired", "The session with this reference has ended", null, null, session);
	}
	// Stripe shows no page of a session that the payer is through with: our own says how it ended.
	const url = session.status === "complete" ? input.return_url : session.url;
	if (!url) return fail("unknown", "unreadable_answer", null, "Stripe's session has no page", null, null, session);
	return {
		outcome: "succeeded",
		psp_order_id: session.id,
		presentation: { kind: "redirect", url },
		raw: { ...session, url: null },
	};
}

/** A 2xx whose body is what the docs say it is; anything else is null, and the caller tells the failure apart. */
function read<Schema extends z.ZodType>(exchange: Exchange, schema: Schema): z.infer<Schema> | null {
	if (exchange.kind !== "answered" || exchange.http_status < 200 || exchange.http_status > 299) return null;
	const parsed = schema.safeParse(exchange.body);
	return parsed.success ? parsed.data : null;
}

interface AskedRefund {
	reference: string | null;
	psp_payment_id: string;
}

function readRefund(exchange: Exchange, asked: AskedRefund, failure: (exchange: Exchange) => PspFailure): RefundState {
	const refund = read(exchange, refundSchema);
	return refund === null ? noRefund(asked, failure(exchange)) : refundState(refund);
}

function noRefund(asked: AskedRefund, failure: PspFailure): RefundState {
	return { ...asked, psp_refund_id: null, amount: null, bank_reference: null, ...failure };
}

function noTransfer(failure: PspFailure): TransferState {
	return { psp_transfer_id: null, amount: null, ...failure };
}

function repeatedWithOtherWords(thing: "refund" | "transfer"): PspFailure {
	const message = `There is a ${thing} with this reference that is not the one asked for`;
	return fail("failed", "duplicate_request", null, message, null);
}

/**
 * Unsigned. Stripe sends payers to this address only when they are through with the page, and others to cancel_url, but
 * anybody can open it.
 */
function verifyReturn(_account: PspAccount, { query, psp_order_id }: BrowserReturn): ReturnResult {
	return { verified: false, claims: query.session_id === psp_order_id ? "succeeded" : "unknown" };
}
