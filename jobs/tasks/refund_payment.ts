import { z } from "zod";
import { raiseAlert } from "../../db/client/operations.ts";
import { beginRefund, type RefundWork, settleRefund } from "../../db/client/refunds.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { PspErrorCode, RefundState } from "../../psp/adapter.ts";
import { adapterOf } from "../psp-adapter.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ refund_id: z.uuid() });

/**
 * Asks the PSP for a refund, or what became of one, and records the answer.
 *
 * Whether it is asked for again makes no difference: the refund's id is the idempotency key, and once the PSP's id of it is
 * known it is only looked up. What is pending or unknown after this run is left to the rhythm of look-ups (poll_pending);
 * so is a run that fails, as beginRefund has set the time of the next one.
 */
export default async function refundPayment(
	{ refund_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const work = await beginRefund(context.database, refund_id);
	if (work === null) return;
	const log = context.log.child({ refund_id, gateway_id: work.gateway.id });
	const state = await askPsp(work, context);
	const refusal = refusalOf(state);
	if (refusal?.code === "authentication_failed") await alertOperators(work, refusal.message, context);
	const { status, changed } = await settleRefund(
		context.database,
		refund_id,
		refusal === null ? state : { ...state, outcome: "unknown" },
	);
	if (state.error !== null) log.warn({ error: state.error, status }, "the PSP has not made the refund");
	else if (changed) log.info({ status, psp_refund_id: state.psp_refund_id }, "refund settled");
}

function askPsp(work: RefundWork, { adapters, keys }: TaskContext): Promise<RefundState> {
	const adapter = adapterOf(adapters, work.gateway.provider);
	const account = openGatewaySecrets(keys, work.gateway);
	const { psp_refund_id, reference, amount, currency, reason, payment } = work;
	return psp_refund_id === null
		? adapter.refund(account, { ...payment, reference, amount, currency, reason })
		: adapter.fetchRefund(account, { ...payment, reference, psp_refund_id });
}

/** These say nothing about the refund, only that the PSP would not be asked now: the merchant's refund waits for it. */
const REFUSED_TO_BE_ASKED: ReadonlySet<PspErrorCode> = new Set([
	"rate_limited",
	"psp_unavailable",
	"authentication_failed",
	"duplicate_request",
]);

function refusalOf({ outcome, error }: RefundState): RefundState["error"] {
	return outcome === "failed" && error !== null && REFUSED_TO_BE_ASKED.has(error.code) ? error : null;
}

function alertOperators({ gateway, client }: RefundWork, reason: string, { database }: TaskContext): Promise<void> {
	return raiseAlert(database, {
		kind: "refund_refused",
		severity: "critical",
		message: `A PSP refuses a gateway's credentials, so its refunds wait: ${reason}`,
		details: { gateway_id: gateway.id },
		dedupe_key: `refund_refused:${gateway.id}`,
		client_id: client.id,
	});
}
