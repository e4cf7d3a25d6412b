import type { PayInstruction, PayReport, RefundInstruction, RefundReport } from "../provider.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import { orderView } from "./api-views.ts";
import type { Order, Payment, PhonePeStore, Refund } from "./store.ts";
import { type PhonePeEvent, sendEvents } from "./webhooks.ts";

export interface PhonePeContext {
	store: PhonePeStore;
	registry: Registry;
	sender: WebhookSender;
}

export function accountOf({ registry }: PhonePeContext, { api_key }: Order): Account {
	return registry.findAccount("phonepe", api_key)!;
}

/** PhonePe takes money at once or not at all, so that what other providers only authorize stays undecided here. */
function decide(
	store: PhonePeStore,
	order: Order,
	payment: Payment,
	{ outcome, reason }: Pick<PayInstruction, "outcome" | "reason">,
): PhonePeEvent[] {
	switch (outcome) {
		case "pending":
		case "authorized":
			return [];
		case "failure":
			store.fail(order, payment, reason);
			return order.allowsRetry
				? [{ event: "checkout.transaction.attempt.failed", order, payment }]
				: [{ event: "checkout.order.failed", order, payment }];
		case "success":
			store.complete(order, payment);
			return [{ event: "checkout.order.completed", order, payment }];
	}
}

/** A payment that the bank has not decided is decided; otherwise the payer tries anew. null: the order takes none any more. */
export function payOrder(
	context: PhonePeContext,
	order: Order,
	{ webhook, ...instruction }: Omit<PayInstruction, "order">,
): (PayReport & { payment: Payment }) | null {
	if (order.state !== "PENDING") return null;
	const { store, sender } = context;
	const payment =
		order.payments.find(({ state }) => state === "PENDING") ??
		store.startPayment(order, instruction.method, instruction.amount);
	const events = decide(store, order, payment, instruction);
	const webhooks = sendEvents(sender, accountOf(context, order), events, webhook);
	return { order: orderView(order, order.payments), payment, webhooks };
}

/** The payer gives up for good. */
export function cancelOrder(context: PhonePeContext, order: Order): void {
	if (order.state !== "PENDING" || order.payments.some(({ state }) => state === "PENDING")) return;
	context.store.cancel(order);
	const event: PhonePeEvent = { event: "checkout.order.failed", order, payment: order.payments.at(-1) ?? null };
	sendEvents(context.sender, accountOf(context, order), [event]);
}

export function makeRefund(context: PhonePeContext, order: Order, merchantRefundId: string, amount: number): Refund {
	const { store, sender } = context;
	const account = accountOf(context, order);
	const refund = store.refund(order, merchantRefundId, amount);
	const answer = { ...refund };
	refund.state = "CONFIRMED";
	const events: PhonePeEvent[] = [{ event: "pg.refund.accepted", refund: { ...refund } }];
	if (account.refunds === "at_once") {
		store.decideRefund(refund, "success");
		events.push({ event: "pg.refund.completed", refund: { ...refund } });
	}
	sendEvents(sender, account, events);
	return answer;
}

/** What the bank says of a refund after all. */
export function decideRefund(
	context: PhonePeContext,
	{ refund: id, outcome, webhook }: RefundInstruction,
): RefundReport {
	const { store, sender } = context;
	const found = store.searchRefund(id);
	if (found === undefined) return { outcome: "not_found" };
	const { order, refund } = found;
	if (refund.state === "COMPLETED" || refund.state === "FAILED") return { outcome: "already_decided" };
	store.decideRefund(refund, outcome);
	const event = outcome === "success" ? "pg.refund.completed" : "pg.refund.failed";
	const webhooks = sendEvents(sender, accountOf(context, order), [{ event, refund: { ...refund } }], webhook);
	return { outcome: "decided", refund, webhooks };
}
