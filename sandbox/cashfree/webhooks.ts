import { createHmac, randomBytes } from "node:crypto";
import type { Dispute } from "../disputes.ts";
import { randomAlphanumeric } from "../ids.ts";
import type { PayInstruction } from "../provider.ts";
import type { Account } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { istTime, type Order, type Payment, type Refund, type SettlementLine } from "./store.ts";
import { errorDetails, gatewayDetails, methodEntity, paymentEntity, refundEntity } from "./wire.ts";

export interface CashfreeEvent {
	type: string;
	data: unknown;
}

type Manner = PayInstruction["webhook"];

const PLAIN_MANNER: Manner = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };
const VERSION = "2025-01-01";

/** 170.00, not 170: Cashfree writes two decimals in webhooks, and signs them so. */
function decimals(paise: number): unknown {
	// Not yet in TypeScript's library.
	const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
	return rawJSON(
		`${paise < 0 ? "-" : ""}${Math.trunc(Math.abs(paise) / 100)}.${String(Math.abs(paise) % 100).padStart(2, "0")}`,
	);
}

function paymentData(order: Order, payment: Payment) {
	const { payment_status, payment_message, payment_time, bank_reference, auth_id, payment_group } = paymentEntity(
		order,
		payment,
	);
	const { customer_name = null, customer_id = null, customer_email = null, customer_phone = null } = order.customer;
	return {
		order: {
			order_id: order.order_id,
			order_amount: decimals(order.amount),
			order_currency: order.currency,
			order_tags: order.tags,
		},
		payment: {
			cf_payment_id: payment.cf_payment_id,
			payment_status,
			payment_amount: decimals(payment.amount),
			payment_currency: payment.currency,
			payment_message,
			payment_time,
			bank_reference,
			auth_id,
			payment_method: methodEntity(payment),
			payment_group,
			international_payment: { international: false },
			payment_surcharge: null,
			...(payment.status === "SUCCESS" && !payment.is_captured
				? { authorization: { action: "CAPTURE", status: "PENDING", captured_amount: 0 } }
				: {}),
		},
		customer_details: { customer_name, customer_id, customer_email, customer_phone },
		...(payment.error === null ? {} : { error_details: errorDetails(payment) }),
		payment_gateway_details: gatewayDetails(payment),
		payment_offers: null,
	};
}

export function paymentEvent(order: Order, payment: Payment): CashfreeEvent {
	const outcome =
		payment.status === "USER_DROPPED" ? "USER_DROPPED" : payment.status === "FAILED" ? "FAILED" : "SUCCESS";
	return { type: `PAYMENT_${outcome}_WEBHOOK`, data: paymentData(order, payment) };
}

const DISPUTE_STATE = {
	opened: "CREATED",
	under_review: "UNDER_REVIEW",
	won: "MERCHANT_WON",
	lost: "MERCHANT_LOST",
	closed: "DOCS_RECEIVED",
};

export function disputeEvent(order: Order, payment: Payment, dispute: Dispute): CashfreeEvent {
	const stage = dispute.phase.toUpperCase();
	const is_over = ["won", "lost", "closed"].includes(dispute.state);
	const is_new = dispute.updated_at.getTime() === dispute.opened_at.getTime();
	return {
		type: is_over ? "DISPUTE_CLOSED" : is_new ? "DISPUTE_CREATED" : "DISPUTE_UPDATED",
		data: {
			dispute: {
				dispute_id: disputeId(dispute),
				dispute_type: stage,
				reason_code: "1402",
				reason_description: "Duplicate Processing",
				dispute_amount: decimals(dispute.amount),
				created_at: istTime(dispute.opened_at.getTime()),
				updated_at: istTime(dispute.updated_at.getTime()),
				respond_by: istTime(dispute.respond_by.getTime()),
				...(is_over ? { resolved_at: istTime(dispute.updated_at.getTime()) } : {}),
				dispute_status: `${stage}_${DISPUTE_STATE[dispute.state]}`,
				cf_dispute_remarks: is_over ? "Dispute is closed" : "Dispute is created, please take action",
				dispute_action_on: is_over ? "NONE" : "MERCHANT",
				dispute_amount_currency: dispute.currency,
			},
			order_details: {
				order_id: order.order_id,
				order_amount: decimals(order.amount),
				order_currency: order.currency,
				cf_payment_id: payment.cf_payment_id,
				payment_amount: decimals(payment.amount),
				payment_currency: payment.currency,
			},
			customer_details: {
				customer_name: order.customer.customer_name ?? null,
				customer_phone: order.customer.customer_phone,
				customer_email: order.customer.customer_email ?? null,
			},
		},
	};
}

/** Digits, as Cashfree's are. */
function disputeId({ number }: Dispute): string {
	return [...number].map((letter) => letter.charCodeAt(0) % 10).join("");
}

/** Says what Cashfree keeps, once the success has been told. */
export function chargesEvent(order: Order, payment: Payment): CashfreeEvent {
	const { service_charge, service_tax, amount } = payment;
	return {
		type: "PAYMENT_CHARGES_WEBHOOK",
		data: {
			...paymentData(order, payment),
			charges_details: {
				service_charge: decimals(service_charge),
				service_tax: decimals(service_tax),
				settlement_amount: decimals(amount - service_charge - service_tax),
				settlement_currency: payment.currency,
				service_charge_discount: null,
			},
		},
	};
}

/** The ids are numbers here, and strings everywhere else. */
export function refundEvent(order: Order, refund: Refund): CashfreeEvent {
	const entity = {
		...refundEntity(order, refund),
		cf_refund_id: Number(refund.cf_refund_id),
		cf_payment_id: Number(refund.cf_payment_id),
		refund_amount: decimals(refund.amount),
		entity: "Refund",
	};
	if (refund.type === "MERCHANT_INITIATED") return { type: "REFUND_STATUS_WEBHOOK", data: { refund: entity } };
	const { refund_id: _, ...auto_refund } = entity;
	const refund_reason = "Multiple payments were performed against same order.";
	return {
		type: "AUTO_REFUND_STATUS_WEBHOOK",
		data: { auto_refund: { event: "AUTO-REFUND", ...auto_refund, refund_reason } },
	};
}

export function settlementEvent(
	type: "SETTLEMENT_INITIATED" | "SETTLEMENT_SUCCESS" | "SETTLEMENT_FAILED" | "SETTLEMENT_REVERSED",
	lines: SettlementLine[],
	reason: string | null,
): CashfreeEvent {
	const sum = (of: (line: SettlementLine) => number) => lines.reduce((total, line) => total + of(line), 0);
	const paid = sum(({ payment, refund }) => (refund === null ? payment.amount : -refund.amount));
	const charge = sum(({ payment, refund }) => (refund === null ? payment.service_charge : 0));
	const tax = sum(({ payment, refund }) => (refund === null ? payment.service_tax : 0));
	const { settlement } = lines[0]!;
	return {
		type,
		data: {
			settlement: {
				adjustment: decimals(0),
				amount_settled: decimals(paid - charge - tax),
				payment_amount: decimals(paid),
				payment_from: istTime(Math.min(...lines.map(({ payment }) => payment.created_at))),
				payment_till: istTime(Math.max(...lines.map(({ payment }) => payment.created_at))),
				reason,
				remarks: null,
				service_charge: decimals(charge),
				service_tax: decimals(tax),
				settled_on: istTime(settlement.settled_at),
				settlement_amount: decimals(paid - charge - tax),
				settlement_charge: decimals(0),
				settlement_id: Number(settlement.cf_settlement_id),
				settlement_initiated_on: istTime(settlement.settled_at),
				settlement_tax: decimals(0),
				settlement_type: "NORMAL_SETTLEMENT",
				status: type.replace("SETTLEMENT_", ""),
				utr: settlement.utr,
			},
		},
	};
}

/** Events are rendered at once, so that a later change of the payment does not alter what is still to be sent. */
function render({ type, data }: CashfreeEvent, secret: string): { headers: Record<string, string>; body: string } {
	const now = Date.now();
	const timestamp = String(now);
	const body = JSON.stringify({ data, event_time: istTime(now), type });
	return {
		headers: {
			"content-type": "application/json",
			"user-agent": "Cashfree-Webhook",
			"x-webhook-signature": createHmac("sha256", secret).update(`${timestamp}${body}`).digest("base64"),
			"x-webhook-timestamp": timestamp,
			"x-webhook-version": VERSION,
		},
		body,
	};
}

/** A retry counts up and is otherwise the first try's bytes: whether Cashfree signs it anew it does not say. */
function countTries(headers: Record<string, string>): () => Record<string, string> {
	let tries = 0;
	return () => {
		tries += 1;
		return { ...headers, "x-webhook-attempt": String(tries) };
	};
}

/**
 * Answers what will be sent: to the address in the merchant's dashboard and to the order's own, with the same key. A
 * webhook is signed with the client secret, unless the account has one of its own for webhooks, as after a change of keys.
 */
export function sendEvents(
	sender: WebhookSender,
	account: Account,
	notifyUrl: string | null,
	events: CashfreeEvent[],
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	const urls = new Set([account.webhook_url, notifyUrl].filter((url) => typeof url === "string"));
	if (manner.skip || urls.size === 0) return [];
	const secret = manner.forge ? randomAlphanumeric(20) : (account.webhook_secret ?? account.api_secret);
	const keyed = events.map((event) => ({
		...render(event, secret),
		event_id: randomBytes(32).toString("base64"),
		event_type: event.type,
	}));
	for (const url of urls) {
		const webhooks = keyed.flatMap(({ headers, event_id, ...webhook }) =>
			Array.from({ length: 1 + manner.duplicate }, () => ({
				...webhook,
				service: "cashfree",
				event_id,
				url,
				headers: countTries({ ...headers, "x-idempotency-key": event_id }),
			})),
		);
		void sender.sendInOrder(manner.reorder ? webhooks.reverse() : webhooks, manner.delay_ms);
	}
	return keyed.map(({ event_type, event_id }) => ({ event: event_type, event_id }));
}
