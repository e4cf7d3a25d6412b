import type { DisputeBook, DisputeInstruction, DisputeReport } from "../disputes.ts";
import type { PayInstruction, PayReport, RefundInstruction, RefundReport } from "../provider.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import type { CashfreeStore, Payment, PaymentDetails, StoredOrder } from "./store.ts";
import { statusOf } from "./store.ts";
import { type CashfreeEvent, chargesEvent, disputeEvent, paymentEvent, refundEvent, sendEvents } from "./webhooks.ts";
import { orderEntity, paymentEntity, refundEntity } from "./wire.ts";

export interface CashfreeContext {
	store: CashfreeStore;
	disputes: DisputeBook;
	registry: Registry;
	sender: WebhookSender;
}

/** dropped: the payer has left the page. */
export type PayChoice = Omit<PayInstruction, "order" | "outcome"> & { outcome: PayInstruction["outcome"] | "dropped" };

export function accountOf({ registry }: CashfreeContext, stored: StoredOrder): Account {
	return registry.findAccount("cashfree", stored.api_key)!;
}

function decide(
	{ store }: CashfreeContext,
	stored: StoredOrder,
	payment: Payment,
	{ outcome, reason }: Pick<PayChoice, "outcome" | "reason">,
): CashfreeEvent[] {
	const { order } = stored;
	switch (outcome) {
		case "pending":
			return [];
		case "failure":
			store.fail(stored, payment, reason);
			return [paymentEvent(order, payment)];
		case "dropped":
			store.drop(stored, payment);
			return [paymentEvent(order, payment)];
		case "authorized":
			store.succeed(stored, payment, false);
			return [paymentEvent(order, payment)];
		case "success": {
			const wasPaid = order.status === "PAID";
			store.succeed(stored, payment, true);
			const events = [paymentEvent(order, payment), chargesEvent(order, payment)];
			return wasPaid ? [...events, refundEvent(order, store.autoRefund(stored, payment))] : events;
		}
	}
}

/**
 * A payment that the bank has not decided is decided, even when the order has expired since; otherwise the payer tries
 * anew, which only an order that is open, or was paid (from another tab), lets them.
 */
export function payOrder(
	context: CashfreeContext,
	stored: StoredOrder,
	choice: PayChoice,
	details: Omit<PaymentDetails, "method" | "amount" | "currency"> = {},
): (PayReport & { payment: unknown }) | null {
	const { method, amount, currency } = choice;
	const status = statusOf(stored.order);
	const pending = stored.payments.find((payment) => payment.status === "PENDING");
	if (pending === undefined && status !== "ACTIVE" && status !== "PAID") return null;
	const payment = pending ?? context.store.startPayment(stored, { ...details, method, amount, currency });
	const events = decide(context, stored, payment, choice);
	const { order } = stored;
	return {
		order: orderEntity(order),
		payment: paymentEntity(order, payment),
		webhooks: sendEvents(context.sender, accountOf(context, stored), order.notify_url, events, choice.webhook),
	};
}

/** What the bank says of a refund after all; a processed one can still be sent back. */
export function decideRefund(
	context: CashfreeContext,
	{ refund: id, outcome, webhook }: RefundInstruction,
): RefundReport {
	const { store, sender } = context;
	const found = store.searchRefund(id);
	if (found === undefined) return { outcome: "not_found" };
	const { stored, refund } = found;
	if (refund.status === "CANCELLED" || (refund.status === "SUCCESS" && outcome === "success")) {
		return { outcome: "already_decided" };
	}
	if (outcome === "success") store.processRefund(stored, refund);
	else store.cancelRefund(stored, refund);
	const { order } = stored;
	const events = [refundEvent(order, refund)];
	return {
		outcome: "decided",
		refund: refundEntity(order, refund),
		webhooks: sendEvents(sender, accountOf(context, stored), order.notify_url, events, webhook),
	};
}

/** What a bank can dispute of an order. */
export const disputable = ({ payments }: StoredOrder) => payments.find(({ status }) => status === "SUCCESS");

export function disputePayment(
	context: CashfreeContext,
	{ order: name, webhook, ...said }: DisputeInstruction,
): DisputeReport {
	const stored = context.store.searchOrder(name);
	const payment = stored && disputable(stored);
	if (stored === undefined || payment === undefined) return { outcome: "not_found" };
	const { order } = stored;
	const { cf_payment_id: id, amount, currency } = payment;
	const recorded = context.disputes.record({ id, amount, currency }, said);
	if (recorded === null) return { outcome: "not_open" };
	const event = disputeEvent(order, payment, recorded);
	return {
		outcome: "recorded",
		dispute: event.data,
		webhooks: sendEvents(context.sender, accountOf(context, stored), order.notify_url, [event], webhook),
	};
}
