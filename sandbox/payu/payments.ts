import type { DisputeBook, DisputeInstruction, DisputeReport } from "../disputes.ts";
import type { PayInstruction, PayReport, RefundInstruction, RefundReport } from "../provider.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { type Payment, type PayuStore, type StoredOrder, succeededPayment } from "./store.ts";
import { sendDisputeEvent, sendPaymentEvent, sendRefundEvent } from "./webhooks.ts";

export interface PayuContext {
	store: PayuStore;
	disputes: DisputeBook;
	registry: Registry;
	sender: WebhookSender;
}

export function accountOf({ registry }: PayuContext, stored: StoredOrder): Account {
	return registry.findAccount("payu", stored.api_key)!;
}

/**
 * A payment that the bank has not decided, or that it only holds, is decided; otherwise the payer tries anew. Null for
 * what PayU India does not do: a second success under one txnid, and another currency than the rupee.
 */
export function payOrder(
	context: PayuContext,
	stored: StoredOrder,
	{ outcome, method, reason, amount, currency, webhook }: Omit<PayInstruction, "order">,
): (PayReport & { payment: Payment }) | null {
	const { store, sender } = context;
	if (succeededPayment(stored) !== undefined || (currency ?? "INR") !== "INR") return null;
	const payment =
		stored.payments.find((candidate) => candidate.status === "pending" || candidate.unmappedstatus === "auth") ??
		store.startPayment(stored, method, amount ?? stored.amount);
	if (outcome === "success") store.capture(stored, payment);
	else if (outcome === "authorized") store.authorize(payment);
	else if (outcome === "failure") store.fail(payment, reason);
	const webhooks = sendPaymentEvent(sender, accountOf(context, stored), stored, payment, webhook);
	const { form } = stored;
	return { order: { txnid: form.txnid, amount: form.amount, udf1: form.udf1 }, payment, webhooks };
}

/** What the bank says of a refund after all; one that went through can still be sent back. */
export function decideRefund(context: PayuContext, { refund: id, outcome, webhook }: RefundInstruction): RefundReport {
	const { store, sender } = context;
	const found = store.findRefund(id);
	if (found === undefined) return { outcome: "not_found" };
	const { stored, payment, refund } = found;
	if (refund.status === "failure" || (refund.status === "success" && outcome === "success")) {
		return { outcome: "already_decided" };
	}
	if (outcome === "success") store.processRefund(stored, payment, refund);
	else store.failRefund(stored, refund);
	const webhooks = sendRefundEvent(sender, accountOf(context, stored), stored, payment, refund, webhook);
	return { outcome: "decided", refund, webhooks };
}

export function disputePayment(context: PayuContext, { order, webhook, ...said }: DisputeInstruction): DisputeReport {
	const stored = context.store.searchOrder(order);
	const payment = stored && succeededPayment(stored);
	if (stored === undefined || payment === undefined) return { outcome: "not_found" };
	const recorded = context.disputes.record({ id: payment.mihpayid, amount: payment.amount, currency: "INR" }, said);
	if (recorded === null) return { outcome: "not_open" };
	const webhooks = sendDisputeEvent(context.sender, accountOf(context, stored), recorded, webhook);
	return { outcome: "recorded", dispute: recorded, webhooks };
}
