import { z } from "zod";
import { raiseAlert } from "../../db/client/operations.ts";
import { beginRefund, type RefundWork, settleRefund } from "../../db/client/refunds.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { PspErrorCode, RefundState } from "../../psp/adapter.ts";
import { about } from "../job-scope.ts";
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
	const log = about(context.log, { refund_id, transaction_id: work.transaction_id, gateway_id: work.gateway.id });
	const state = await askPsp(work, context);
	const is_undecided = leavesOpen(work, state);
	if (is_undecided) await alertOperators(work, state, context);
	const { status, changed } = await settleRefund(
		context.database,
		refund_id,
		is_undecided ? { ...state, outcome: "unknown" } : state,
	);
	if (state.error !== null) log.warn({ error: state.error, status }, "the PSP has not made the refund");
	else if (changed) log.info({ status, psp_refund_id: state.psp_refund_id }, "refund settled");
}

function askPsp(work: RefundWork, { adapters, keys }: TaskContext): Promise<RefundState> {
	const adapter = adapterOf(adapters, work.gateway.provider);
	const account = openGatewaySecrets(keys, work.gateway);
	const { psp_refund_id, reference, kind, amount, currency, reason, payment } = work;
	const is_further_payment = kind === "duplicate_payment";
	return psp_refund_id === null
		? adapter.refund(account, { ...payment, reference, amount, currency, reason, is_further_payment })
		: adapter.fetchRefund(account, { ...payment, reference, psp_refund_id });
}

/** These say nothing about the refund, only that the PSP would not be asked now: the merchant's refund waits for it. */
const REFUSED_TO_BE_ASKED: ReadonlySet<PspErrorCode> = new Set([
	"rate_limited",
	"psp_unavailable",
	"authentication_failed",
	"duplicate_request",
]);

/** A refusal after which the refund may still be made, or has been. */
function leavesOpen({ started_before }: RefundWork, { outcome, error }: RefundState): boolean {
	if (outcome !== "failed" || error === null) return false;
	// Nothing is left to give back, perhaps because the call whose answer was lost has done it.
	if (started_before && error.code === "refund_exceeds_amount") return true;
	return REFUSED_TO_BE_ASKED.has(error.code);
}

/** About what does not pass by itself. */
const ALERTS: Partial<Record<PspErrorCode, string>> = {
	authentication_failed: "A PSP refuses a gateway's credentials, so its refunds wait.",
	refund_exceeds_amount:
		"A refund whose first answer was lost is refused as more than is left: it may have been made. Look it up in the PSP's dashboard.",
};

async function alertOperators(work: RefundWork, { error }: RefundState, { database }: TaskContext): Promise<void> {
	const message = error === null ? undefined : ALERTS[error.code];
	if (message === undefined) return;
	const { refund_id, gateway, client } = work;
	await raiseAlert(database, {
		kind: "refund_waits",
		severity: "critical",
		message,
		details: { refund_id, gateway_id: gateway.id, error },
		dedupe_key: `refund_waits:${error?.code === "authentication_failed" ? gateway.id : refund_id}`,
		client_id: client.id,
	});
}
