import { z } from "zod";
import { closeAttempt, readAttempt, settleAttempt } from "../../db/client/attempts.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import { about } from "../job-scope.ts";
import { adapterOf } from "../psp-adapter.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ attempt_id: z.uuid() });

/**
 * Asks the PSP what became of an attempt and records it. Asked for when the payer comes back, when a payment expires, and
 * by poll_pending.
 *
 * An order that is over is closed once nobody has paid it or is about to, where the PSP can, so that its page takes no money
 * any more. What the PSP does not close, as a payment came before, is looked up further.
 *
 * Whatever the PSP says is recorded, an unknown too, so that the rhythm of look-ups goes on. Only while somebody may be
 * watching the page, and a payment is under way or the PSP gives no answer, the job itself asks again within seconds.
 */
export default async function confirmAttempt(
	{ attempt_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const work = await readAttempt(context.database, attempt_id);
	// Without an order there is nothing to ask about: create_psp_order looks it up by reference.
	if (work === null || work.psp_order_id === null || work.attempt_status === "succeeded") return;
	const log = about(context.log, { attempt_id, transaction_id: work.transaction.id, gateway_id: work.gateway.id });
	const adapter = adapterOf(context.adapters, work.gateway.provider);
	const account = openGatewaySecrets(context.keys, work.gateway);
	const order = { psp_order_id: work.psp_order_id, reference: attempt_id };
	const state = await adapter.fetchStatus(account, order);

	const { transaction_status, changed } = await settleAttempt(context.database, attempt_id, state);
	if (changed) log.info({ transaction_status }, "payment settled");
	const is_under_way = state.outcome === "unknown" || (state.outcome === "pending" && state.psp_payment_id !== null);
	if (is_under_way && context.job.is_urgent && !context.job.is_last_attempt) {
		throw new TryAgain(state.error === null ? `The payment is ${state.outcome}.` : state.error.message);
	}

	const is_unpaid = state.outcome === "failed" || (state.outcome === "pending" && state.psp_payment_id === null);
	if (!work.is_over || !is_unpaid || adapter.closeOrder === undefined) return;
	const closing = await adapter.closeOrder(account, order);
	if (closing.outcome === "succeeded") {
		await closeAttempt(context.database, attempt_id);
		log.info("order closed at the PSP");
	} else if (closing.error.code === "order_already_paid" && !context.job.is_last_attempt) {
		throw new TryAgain("The PSP says that the order was paid meanwhile.");
	}
}
