import { z } from "zod";
import {
	beginPayout,
	openCollectionSecrets,
	type PayoutOutcome,
	type PayoutWork,
	settlePayout,
} from "../../db/client/payouts.ts";
import type { PspErrorCode } from "../../psp/adapter.ts";
import type { PayoutAdapter } from "../../psp/payout-adapter.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ payout_id: z.uuid() });

/**
 * Asks a PSP to pay what a merchant owes out of the merchant's account, or what became of that, and records the answer.
 *
 * The payout is marked started in a transaction of its own before the PSP is called. A run that finds the mark does not know
 * whether the PSP has it (the worker was killed, the reply was lost), so it looks the payout up by our reference, and asks for
 * it again, with the same idempotency key, only when the PSP says that there is none. What stays open after this run is left
 * to the rhythm of look-ups (poll_pending); so is a run that fails, as beginPayout has set the time of the next one.
 */
export default async function collectPayout(
	{ payout_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const work = await beginPayout(context.database, payout_id);
	if (work === null) return;
	const log = context.log.child({ payout_id, client_id: work.client_id });
	const state = await askPsp(work, context);
	const { status, changed } = await settlePayout(context.database, payout_id, leftOpen(state));
	if (state.error !== null) log.warn({ error: state.error, status }, "the PSP has not paid the collection");
	else if (changed) log.info({ status, psp_payout_id: state.psp_payout_id }, "collection settled");
}

async function askPsp(work: PayoutWork, { payout_adapters, keys }: TaskContext): Promise<PayoutOutcome> {
	const adapter = payout_adapters.get(work.provider);
	if (adapter === undefined) throw new Error(`There is no adapter for payouts at "${work.provider}".`);
	const account = openCollectionSecrets(keys, work.account);
	if (!work.started_before) return create(adapter, work, account);

	const found = await adapter.findPayout(account, { reference: work.payout_id, psp_payout_id: work.psp_payout_id });
	const is_absent = found.outcome === "failed" && found.error?.code === "not_found" && work.psp_payout_id === null;
	if (!is_absent) return found;
	// What failed or came back is over; a later word of it would have been found.
	if (work.status !== "processing") return { ...found, outcome: "unknown" };
	// Settled by hand while nobody knew: asking now would take it twice.
	if (work.balance_due < work.amount) {
		const message = "The PSP never had it, and what was due was settled meanwhile.";
		return { ...found, error: { code: "no_longer_due", message } };
	}
	return create(adapter, work, account);
}

const create = (
	adapter: PayoutAdapter,
	{ payout_id, amount, destination, mode }: PayoutWork,
	account: Parameters<PayoutAdapter["createPayout"]>[0],
): Promise<PayoutOutcome> => adapter.createPayout(account, { reference: payout_id, amount, destination, mode });

/** These say nothing about the payout, only that the PSP would not be asked now: it is asked again in the night that it was due. */
const REFUSED_TO_BE_ASKED: ReadonlySet<string> = new Set<PspErrorCode>(["rate_limited", "psp_unavailable"]);

function leftOpen(state: PayoutOutcome): PayoutOutcome {
	const { outcome, error } = state;
	return outcome === "failed" && error !== null && REFUSED_TO_BE_ASKED.has(error.code)
		? { ...state, outcome: "unknown" }
		: state;
}
