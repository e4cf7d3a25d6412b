import { type DisputeBook, type DisputeInstruction, type DisputeReport, unixSeconds } from "../disputes.ts";
import type {
	PayInstruction,
	PayReport,
	RefundInstruction,
	RefundReport,
	TransferInstruction,
	TransferReport,
} from "../provider.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import type { Payment, PaymentDetails, RazorpayStore, StoredOrder, Transfer } from "./store.ts";
import { disputeEntity, PLAIN_MANNER, type RazorpayEvent, sendEvents } from "./webhooks.ts";

export interface RazorpayContext {
	store: RazorpayStore;
	disputes: DisputeBook;
	registry: Registry;
	sender: WebhookSender;
}

export function accountOf({ registry }: RazorpayContext, stored: StoredOrder): Account {
	return registry.findAccount("razorpay", stored.api_key)!;
}

function moveTo(
	store: RazorpayStore,
	stored: StoredOrder,
	payment: Payment,
	{ outcome, reason }: Pick<PayInstruction, "outcome" | "reason">,
): RazorpayEvent[] {
	// Snapshots: the entity of an event shows the state that the event is about.
	switch (outcome) {
		case "pending":
			return [];
		case "failure":
			store.fail(payment, reason);
			return [{ event: "payment.failed", payment: { ...payment } }];
		case "authorized":
			store.authorize(payment);
			return [{ event: "payment.authorized", payment: { ...payment } }];
		case "success": {
			store.authorize(payment);
			const authorized = { ...payment };
			return [{ event: "payment.authorized", payment: authorized }, ...capture(store, stored, payment)];
		}
	}
}

function capture(store: RazorpayStore, stored: StoredOrder, payment: Payment): RazorpayEvent[] {
	store.capture(stored, payment);
	return [
		{ event: "payment.captured", payment: { ...payment } },
		{ event: "order.paid", payment: { ...payment }, order: { ...stored.order } },
		...stored.transfers.map(transferEvent),
	];
}

export function transferEvent(transfer: Transfer): RazorpayEvent {
	return { event: `transfer.${transfer.status}`, transfer: { ...transfer } };
}

/** A payment that the bank has not decided is decided; otherwise the payer tries anew. */
export function payOrder(
	context: RazorpayContext,
	stored: StoredOrder,
	instruction: Omit<PayInstruction, "order">,
	details: Omit<PaymentDetails, "method" | "amount" | "currency"> = {},
): PayReport & { payment: Payment } {
	const { store, sender } = context;
	const { method, amount, currency } = instruction;
	const payment =
		stored.payments.find((candidate) => candidate.status === "created") ??
		store.startPayment(stored, { ...details, method, amount, currency });
	const events = moveTo(store, stored, payment, instruction);
	const webhooks = sendEvents(sender, accountOf(context, stored), events, instruction.webhook);
	return { order: stored.order, payment, webhooks };
}

/** Where the account has payers who need no telling. */
export function payByThemselves(context: RazorpayContext, stored: StoredOrder): void {
	const { pays_after_ms } = accountOf(context, stored);
	if (pays_after_ms === null || pays_after_ms === undefined) return;
	setTimeout(() => {
		if (stored.order.status !== "paid")
			payOrder(context, stored, { outcome: "success", method: "upi", webhook: PLAIN_MANNER });
	}, pays_after_ms).unref();
}

/** What the bank says of a refund after all; a processed one can still be sent back. */
export function decideRefund(
	context: RazorpayContext,
	{ refund: id, outcome, webhook }: RefundInstruction,
): RefundReport {
	const { store, sender } = context;
	const found = store.searchRefund(id);
	if (found === undefined) return { outcome: "not_found" };
	const { stored, payment, refund } = found;
	const isDecided = refund.status === "failed" || (refund.status === "processed" && outcome === "success");
	if (isDecided) return { outcome: "already_decided" };
	if (outcome === "success") store.processRefund(stored, payment, refund);
	else store.failRefund(stored, payment, refund);
	const event = { event: `refund.${refund.status}`, refund: { ...refund }, payment: { ...payment } };
	return { outcome: "decided", refund, webhooks: sendEvents(sender, accountOf(context, stored), [event], webhook) };
}

/** Of an order that nobody has paid it is kept; what was processed stays. */
export function decideTransfer(
	context: RazorpayContext,
	{ order, outcome, webhook }: TransferInstruction,
): TransferReport {
	const { store, sender } = context;
	const stored = store.searchOrder(order);
	if (stored === undefined || stored.transfers.length === 0) return { outcome: "not_found" };
	stored.transfers_fail = outcome === "failure";
	const payment = stored.payments.find(({ captured }) => captured);
	if (payment === undefined) return { outcome: "decided", transfers: stored.transfers, webhooks: [] };
	const moved = store.moveTransfers(stored, payment);
	if (moved.length === 0) return { outcome: "already_decided" };
	const webhooks = sendEvents(sender, accountOf(context, stored), moved.map(transferEvent), webhook);
	return { outcome: "decided", transfers: stored.transfers, webhooks };
}

export function capturePayment(context: RazorpayContext, stored: StoredOrder, payment: Payment): void {
	sendEvents(context.sender, accountOf(context, stored), capture(context.store, stored, payment));
}

const DISPUTE_EVENT = { opened: "created", under_review: "under_review", won: "won", lost: "lost", closed: "closed" };

/** What a bank can dispute of an order. */
export const disputable = ({ payments }: StoredOrder) =>
	payments.find(({ status }) => status === "captured" || status === "refunded");

export function disputePayment(
	context: RazorpayContext,
	{ order, webhook, ...said }: DisputeInstruction,
): DisputeReport {
	const stored = context.store.searchOrder(order);
	const payment = stored && disputable(stored);
	if (stored === undefined || payment === undefined) return { outcome: "not_found" };
	const recorded = context.disputes.record(payment, said);
	if (recorded === null) return { outcome: "not_open" };
	const dispute = disputeEntity(recorded);
	const event = {
		event: `payment.dispute.${DISPUTE_EVENT[said.outcome]}`,
		payment: { ...payment },
		dispute,
		created_at: unixSeconds(recorded.updated_at),
	};
	return {
		outcome: "recorded",
		dispute,
		webhooks: sendEvents(context.sender, accountOf(context, stored), [event], webhook),
	};
}
