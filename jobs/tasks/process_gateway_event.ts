import { z } from "zod";
import {
	closeGatewayEvent,
	findAttemptForEvent,
	type GatewayEvent,
	markGatewayEvent,
	readAttempt,
	recordSplitTransfer,
	type SettledEvent,
	settleAttempt,
} from "../../db/client/attempts.ts";
import { findDisputedAttempt, recordDispute } from "../../db/client/disputes.ts";
import { raiseAlert } from "../../db/client/operations.ts";
import { beginRefund, findRefund, settleRefund } from "../../db/client/refunds.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { DisputeState, PaymentState, RefundState, TransferReport } from "../../psp/adapter.ts";
import { about } from "../job-scope.ts";
import { adapterOf } from "../psp-adapter.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ event_id: z.uuid() });

/** Acts on a PSP's webhook that checkout has verified and stored. */
export default async function processGatewayEvent(
	{ event_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const event = await context.shared.readGatewayEvent(event_id);
	if (event === null || event.processed_at !== null) return;
	const log = about(context.log, { event_id, gateway_id: event.gateway_id });
	const adapter = adapterOf(context.adapters, event.provider);
	const parsed = adapter.parseWebhook({ raw_body: event.raw_body, headers: event.headers });
	switch (parsed.kind) {
		case "payment":
			return settlePayment(event, parsed.payment, { ...context, log });
		case "refund":
			return settleRefundOf(event, parsed.refund, { ...context, log });
		case "dispute":
			return recordDisputeOf(event, parsed.dispute, { ...context, log });
		case "transfer":
			return recordTransferOf(event, parsed.transfer, { ...context, log });
		case "ignored":
			return markGatewayEvent(context.database, event_id, null);
	}
}

async function settlePayment(event: GatewayEvent, claimed: PaymentState, context: TaskContext): Promise<void> {
	const { event_id, gateway_id } = event;
	const settled = event.body_proven
		? await context.shared.settleGatewayEvent({ event_id, gateway_id, state: claimed })
		: await settleConfirmed(event, claimed, context);
	if (settled === null) {
		return waitForOrder(event, claimed, context);
	}
	if (settled === "not_recorded") return keepForAnotherTry(event_id, "The order is not recorded yet.", context);
	const { attempt_id, transaction_status, changed } = settled;
	// The trace is worth a read; without one the ids at hand do.
	const transaction_id =
		settled.transaction_id ??
		(context.tracing && (await readAttempt(context.database, attempt_id))?.transaction.id) ??
		undefined;
	const log = about(context.log, { attempt_id, transaction_id });
	if (changed) log.info({ transaction_status }, "payment settled");
}

/** By what the PSP answers, where the proof of its webhook does not cover the body. */
async function settleConfirmed(
	{ event_id, gateway_id }: GatewayEvent,
	claimed: PaymentState,
	context: TaskContext,
): Promise<SettledEvent | "not_recorded" | null> {
	const { database } = context;
	const { psp_order_id, reference } = claimed;
	const attempt_id = await findAttemptForEvent(database, { gateway_id, psp_order_id, reference });
	if (attempt_id === null) return null;
	const state = await fetchState(attempt_id, claimed, context);
	if (state === null) return "not_recorded";
	const settled = await settleAttempt(database, attempt_id, state);
	await markGatewayEvent(database, event_id, null);
	return { attempt_id, transaction_id: null, ...settled };
}

/**
 * A webhook may overtake the reply that tells us the order's id. One that stays unknown is no fault either: a merchant's account
 * takes payments that are none of ours. But an operator should be able to tell the one from the other.
 */
async function waitForOrder(
	{ event_id, gateway_id, provider }: GatewayEvent,
	{ psp_order_id }: PaymentState,
	context: TaskContext,
): Promise<void> {
	const words = `No payment here belongs to the order ${psp_order_id ?? "(none)"}.`;
	if (!context.job.is_last_attempt) return keepForAnotherTry(event_id, words, context);
	const { database, log } = context;
	// Told first: what is closed is not looked at again.
	await raiseAlert(database, {
		kind: "webhook_unmatched",
		severity: "info",
		message: `Webhooks of ${provider} speak of orders that no payment here belongs to: payments that the merchant takes in another way, or ours gone astray.`,
		details: { gateway_id, gateway_event_id: event_id, psp_order_id },
		dedupe_key: `webhook_unmatched:${gateway_id}`,
	});
	await closeGatewayEvent(database, event_id, words);
	log.info({ psp_order_id }, "webhook of an order that is not ours");
}

async function keepForAnotherTry(event_id: string, reason: string, context: TaskContext): Promise<void> {
	await markGatewayEvent(context.database, event_id, reason);
	if (!context.job.is_last_attempt) throw new TryAgain(reason);
	context.log.info({ reason }, "webhook that cannot be acted upon");
}

/** Where the proof covers the sender but not the content, the content only says which order to ask about; null: none yet. */
async function fetchState(
	attempt_id: string,
	claimed: PaymentState,
	context: TaskContext,
): Promise<PaymentState | null> {
	const work = await readAttempt(context.database, attempt_id);
	const psp_order_id = work?.psp_order_id ?? claimed.psp_order_id;
	if (work === null || psp_order_id === null) return null;
	const account = openGatewaySecrets(context.keys, work.gateway);
	const state = await adapterOf(context.adapters, work.gateway.provider).fetchStatus(account, {
		psp_order_id,
		reference: attempt_id,
	});
	if (state.outcome === "unknown" && !context.job.is_last_attempt) {
		throw new TryAgain(state.error?.message ?? "The PSP gave no answer.");
	}
	return state;
}

async function settleRefundOf(event: GatewayEvent, claimed: RefundState, context: TaskContext): Promise<void> {
	const { database, log } = context;
	const { event_id, gateway_id } = event;
	const { psp_refund_id, reference } = claimed;
	const refund_id = await findRefund(database, { gateway_id, psp_refund_id, reference });
	if (refund_id === null) {
		// As with payments, a webhook may come first; and a merchant may give money back in the PSP's own dashboard.
		const words = `No refund here is the provider's refund ${psp_refund_id ?? "(none)"}.`;
		if (!context.job.is_last_attempt) {
			await markGatewayEvent(database, event_id, words);
			throw new TryAgain(words);
		}
		await closeGatewayEvent(database, event_id, `${words} It was made by hand in the provider's dashboard.`);
		log.info({ psp_refund_id }, "webhook of a refund that is not ours");
		return;
	}

	const state = event.body_proven ? claimed : await fetchRefundState(refund_id, context);
	if (state !== null) {
		const { status, changed } = await settleRefund(database, refund_id, state);
		if (changed) log.info({ refund_id, status }, "refund settled");
	}
	await markGatewayEvent(database, event_id, null);
}

/**
 * By the name that the PSP gave us, not the one in the webhook. Null when the refund is settled already, or when
 * refund_payment has still to learn that name.
 */
async function fetchRefundState(
	refund_id: string,
	{ database, adapters, keys }: TaskContext,
): Promise<RefundState | null> {
	const work = await beginRefund(database, refund_id);
	if (work === null || work.psp_refund_id === null) return null;
	const { gateway, payment, reference, psp_refund_id } = work;
	const account = openGatewaySecrets(keys, gateway);
	return adapterOf(adapters, gateway.provider).fetchRefund(account, { ...payment, reference, psp_refund_id });
}

/** Adapters prove the body of what they read as a dispute. */
async function recordDisputeOf(event: GatewayEvent, dispute: DisputeState, context: TaskContext): Promise<void> {
	const { database, log, job } = context;
	const { event_id, gateway_id } = event;
	const { psp_dispute_id, psp_payment_id, psp_order_id, reference } = dispute;
	const attempt_id = await findDisputedAttempt(database, { gateway_id, psp_payment_id, psp_order_id, reference });
	const recorded = attempt_id === null ? null : await recordDispute(database, attempt_id, dispute);
	if (recorded !== null) {
		await markGatewayEvent(database, event_id, null);
		if (recorded.changed) log.info({ ...recorded, attempt_id }, "dispute recorded");
		return;
	}
	// It may have overtaken the news that the payment was made.
	const words = `No paid payment here is the provider's payment ${psp_payment_id ?? "(none)"}, which is disputed.`;
	if (!job.is_last_attempt) {
		await markGatewayEvent(database, event_id, words);
		throw new TryAgain(words);
	}
	if (attempt_id === null) {
		log.info({ psp_dispute_id }, "webhook of a dispute that is not ours");
	} else {
		await raiseAlert(database, {
			kind: "dispute_unmatched",
			severity: "critical",
			message:
				"A PSP reports a dispute about a payment that is not paid here. Compare with its dashboard, and answer it there in time.",
			details: { attempt_id, gateway_id, psp_dispute_id, respond_by: dispute.respond_by },
			dedupe_key: `dispute_unmatched:${gateway_id}:${psp_dispute_id}`,
		});
	}
	await closeGatewayEvent(database, event_id, words);
}

/** Adapters prove the body of what they read as a transfer. */
async function recordTransferOf(event: GatewayEvent, transfer: TransferReport, context: TaskContext): Promise<void> {
	const { database, log, job } = context;
	const { event_id, gateway_id } = event;
	const { psp_transfer_id, psp_order_id, reference } = transfer;
	const attempt_id = await findAttemptForEvent(database, { gateway_id, psp_order_id, reference });
	if (attempt_id === null && !job.is_last_attempt) {
		const words = `No payment here is the one that the transfer ${psp_transfer_id} is a part of.`;
		await markGatewayEvent(database, event_id, words);
		throw new TryAgain(words);
	}
	const changed = attempt_id === null ? null : await recordSplitTransfer(database, attempt_id, transfer);
	if (changed === null) {
		// A merchant may have others to share payments with.
		await closeGatewayEvent(database, event_id, `The transfer ${psp_transfer_id} is no part that was to be ours.`);
		log.info({ attempt_id, psp_transfer_id }, "webhook of a transfer that is not ours");
		return;
	}
	await markGatewayEvent(database, event_id, null);
	if (changed) log.info({ attempt_id, psp_transfer_id, outcome: transfer.outcome }, "transfer of our part recorded");
}
