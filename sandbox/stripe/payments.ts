import { type DisputeBook, type DisputeInstruction, type DisputeReport, unixSeconds } from "../disputes.ts";
import type { PayInstruction, PayReport, RefundInstruction, RefundReport } from "../provider.ts";
import type { Account, Registry } from "../registry.ts";
import type { WebhookSender } from "../webhook-sender.ts";
import {
	type Charge,
	type Dispute,
	type Metadata,
	type PaymentIntent,
	type Refund,
	type StoredOrder,
	type StripeObject,
	type StripeStore,
	unixNow,
} from "./store.ts";
import { type StripeEvent, sendEvents } from "./webhooks.ts";

export interface StripeContext {
	store: StripeStore;
	disputes: DisputeBook;
	registry: Registry;
	sender: WebhookSender;
}

export function accountOf({ registry }: StripeContext, stored: StoredOrder): Account {
	return registry.findAccount("stripe", stored.api_key)!;
}

function event(type: string, object: StripeObject): StripeEvent {
	return { type, object: { ...object } };
}

/** A session whose time is over ends the next time that somebody looks at it. */
export function endOverdue(context: StripeContext, stored: StoredOrder): void {
	if (stored.session.status === "open" && stored.session.expires_at <= unixNow()) expireSession(context, stored);
}

export function expireSession(context: StripeContext, stored: StoredOrder): void {
	const { store, sender } = context;
	store.expire(stored);
	const events = [event("checkout.session.expired", stored.session)];
	if (stored.intent !== null) events.unshift(event("payment_intent.canceled", stored.intent));
	sendEvents(sender, accountOf(context, stored), events);
}

/** Whether there is something left to decide: the payer can try, or a bank has not said. */
export function isOpen({ session, intent }: StoredOrder): boolean {
	if (session.status === "open") return true;
	return session.status === "complete" && (intent?.status === "processing" || intent?.status === "requires_capture");
}

function moveTo(
	store: StripeStore,
	stored: StoredOrder,
	intent: PaymentIntent,
	{ outcome, reason }: Pick<PayInstruction, "outcome" | "reason">,
): StripeEvent[] {
	const { session } = stored;
	const was_complete = session.status === "complete";
	const complete = () => {
		session.status = "complete";
		session.url = null;
	};
	switch (outcome) {
		case "failure": {
			store.decline(stored, intent, reason);
			const events = [event("payment_intent.payment_failed", intent)];
			if (was_complete) events.push(event("checkout.session.async_payment_failed", session));
			return events;
		}
		case "pending":
			if (stored.method !== "netbanking") {
				// The payer's app has not said yet; the page stays open.
				intent.status = "requires_action";
				return [event("payment_intent.requires_action", intent)];
			}
			intent.status = "processing";
			complete();
			return [event("payment_intent.processing", intent), event("checkout.session.completed", session)];
		case "authorized":
			store.hold(stored, intent);
			complete();
			return [event("payment_intent.amount_capturable_updated", intent), event("checkout.session.completed", session)];
		case "success": {
			const was_held = intent.status === "requires_capture";
			const charge = store.succeed(stored, intent);
			complete();
			session.payment_status = "paid";
			const paid = [
				event(was_held ? "charge.captured" : "charge.succeeded", charge),
				event("payment_intent.succeeded", intent),
			];
			if (was_held) return paid;
			const name = was_complete ? "async_payment_succeeded" : "completed";
			return [...paid, event(`checkout.session.${name}`, session)];
		}
	}
}

/** A payment that the bank has not decided is decided; otherwise the payer tries anew. null: the session is over. */
export function payOrder(
	context: StripeContext,
	stored: StoredOrder,
	{ amount, currency, webhook, ...instruction }: Omit<PayInstruction, "order">,
): PayReport | null {
	endOverdue(context, stored);
	if (!isOpen(stored)) return null;
	const { store, sender } = context;
	const is_undecided = ["requires_action", "processing", "requires_capture"].includes(stored.intent?.status ?? "");
	if (!is_undecided && stored.session.payment_method_types.includes(instruction.method)) {
		stored.method = instruction.method;
	}
	const intent = store.startIntent(stored, amount, currency);
	const events = moveTo(store, stored, intent, instruction);
	const webhooks = sendEvents(sender, accountOf(context, stored), events, webhook);
	return { order: stored.session, payment: intent, webhooks };
}

export function refundCharge(
	context: StripeContext,
	stored: StoredOrder,
	charge: Charge,
	input: { amount: number | undefined; reason: string | null; metadata: Metadata },
): Refund {
	const { store, sender } = context;
	const account = accountOf(context, stored);
	const refund = store.refund(stored, charge, input);
	if (account.refunds === "at_once") store.processRefund(refund);
	sendEvents(sender, account, [event("refund.created", refund), event("charge.refunded", charge)]);
	return refund;
}

/** What the bank says of a refund after all; a processed one can still be sent back. */
export function decideRefund(
	context: StripeContext,
	{ refund: id, outcome, webhook }: RefundInstruction,
): RefundReport {
	const { store, sender } = context;
	const found = store.searchRefund(id);
	if (found === undefined) return { outcome: "not_found" };
	const { stored, charge, refund } = found;
	const is_decided = refund.status === "failed" || (refund.status === "succeeded" && outcome === "success");
	if (is_decided) return { outcome: "already_decided" };
	if (outcome === "success") store.processRefund(refund);
	else store.failRefund(stored, charge, refund);
	const events = [event("refund.updated", refund)];
	if (outcome === "failure") events.push(event("refund.failed", refund));
	return { outcome: "decided", refund, webhooks: sendEvents(sender, accountOf(context, stored), events, webhook) };
}

const DISPUTE_STATUS = {
	opened: "needs_response",
	under_review: "under_review",
	won: "won",
	lost: "lost",
	closed: "warning_closed",
};

/** Money is withdrawn when a dispute is opened, and reinstated when it is won. */
export function disputePayment(context: StripeContext, { order, webhook, ...said }: DisputeInstruction): DisputeReport {
	const stored = context.store.searchOrder(order);
	const intent = stored?.intent;
	if (stored === undefined || !intent || intent.status !== "succeeded") return { outcome: "not_found" };
	const { id, amount, currency } = intent;
	const recorded = context.disputes.record({ id, amount, currency }, said);
	if (recorded === null) return { outcome: "not_open" };
	const is_over = ["won", "lost", "closed"].includes(recorded.state);
	const withdrawn = { object: "balance_transaction", amount: -recorded.amount, currency, type: "adjustment" };
	const dispute: Dispute = {
		id: `dp_${recorded.number}`,
		object: "dispute",
		amount: recorded.amount,
		balance_transactions:
			recorded.state === "won" ? [withdrawn, { ...withdrawn, amount: recorded.amount }] : [withdrawn],
		charge: intent.latest_charge,
		created: unixSeconds(recorded.opened_at),
		currency,
		evidence: {},
		evidence_details: {
			due_by: is_over ? null : unixSeconds(recorded.respond_by),
			has_evidence: recorded.state === "under_review",
			past_due: false,
			submission_count: 0,
		},
		is_charge_refundable: false,
		livemode: false,
		metadata: {},
		network_reason_code: "10.4",
		payment_intent: id,
		reason: "fraudulent",
		status: DISPUTE_STATUS[recorded.state],
	};
	const suffix = is_over ? "closed" : recorded.state === "opened" ? "created" : "updated";
	const told = { ...event(`charge.dispute.${suffix}`, dispute), created: unixSeconds(recorded.updated_at) };
	return {
		outcome: "recorded",
		dispute,
		webhooks: sendEvents(context.sender, accountOf(context, stored), [told], webhook),
	};
}
