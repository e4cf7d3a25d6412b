import { z } from "zod";
import { type AttemptWork, abandonMove, movePayment, readAttempt, settleAttempt } from "../../db/client/attempts.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { PspAccount, PspAdapter } from "../../psp/adapter.ts";
import { about } from "../job-scope.ts";
import { adapterOf } from "../psp-adapter.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ attempt_id: z.uuid() });

/** The payer may pay elsewhere; stay with the order; or it cannot be said yet. */
type Verdict = { may: "move"; is_closed: boolean } | { may: "stay" } | { may: "wait"; reason: string };

interface Order {
	adapter: PspAdapter;
	account: PspAccount;
	name: { psp_order_id: string; reference: string };
}

/**
 * Takes a payer who asked for another try to another gateway, once it is known that the first one took no money and its
 * order is closed, where the PSP can close it. While that cannot be said the job tries again for as long as somebody may
 * wait for it; then the payment stays where it is.
 */
export default async function moveToAnotherGateway(
	{ attempt_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const work = await readAttempt(context.database, attempt_id);
	if (work === null) return;
	const log = about(context.log, { attempt_id, transaction_id: work.transaction.id });
	const verdict = await judge(work, context).catch(async (error: unknown) => {
		// The payer must not be left waiting for it.
		if (context.job.is_last_attempt) await abandonMove(context.database, attempt_id);
		throw error;
	});
	if (verdict.may === "wait" && !context.job.is_last_attempt) throw new TryAgain(verdict.reason);
	if (verdict.may !== "move") {
		await abandonMove(context.database, attempt_id);
		log.info(verdict, "the payment stays with its gateway");
		return;
	}
	const { next_attempt_id } = await movePayment(context.database, attempt_id, { is_closed: verdict.is_closed });
	log.info({ next_attempt_id, is_closed: verdict.is_closed }, "the payment moves to another gateway");
}

async function judge(work: AttemptWork, context: TaskContext): Promise<Verdict> {
	const { attempt_id, attempt_status, psp_order_id, gateway } = work;
	if (psp_order_id === null) {
		// What failed without an order never had one. Else create_psp_order is finding out, and moves the payment on by itself.
		return attempt_status === "failed" ? { may: "move", is_closed: true } : { may: "stay" };
	}
	const adapter = adapterOf(context.adapters, gateway.provider);
	const account = openGatewaySecrets(context.keys, gateway);
	const order: Order = { adapter, account, name: { psp_order_id, reference: attempt_id } };
	const before = await lookUp(order, context);
	if (before.may !== "move" || adapter.closeOrder === undefined) return before;
	const closing = await adapter.closeOrder(account, order.name);
	if (closing.outcome === "succeeded") return { may: "move", is_closed: true };
	const { code, message } = closing.error;
	if (closing.outcome === "unknown" || code !== "order_already_paid") return { may: "wait", reason: message };
	const after = await lookUp(order, context);
	// Paid, says the PSP; its look-up will say so too.
	return after.may === "move" ? { may: "wait", reason: message } : after;
}

/** What the PSP says is recorded, whatever becomes of the move. */
async function lookUp({ adapter, account, name }: Order, { database }: TaskContext): Promise<Verdict> {
	const state = await adapter.fetchStatus(account, name);
	await settleAttempt(database, name.reference, state);
	switch (state.outcome) {
		case "succeeded":
		case "authorized":
			return { may: "stay" };
		case "failed":
			return { may: "move", is_closed: false };
		case "pending":
			if (state.psp_payment_id === null) return { may: "move", is_closed: false };
			return { may: "wait", reason: "A payment is under way." };
		case "unknown":
			return { may: "wait", reason: state.error?.message ?? "The PSP gave no answer." };
	}
}
