import { z } from "zod";
import {
	findAttemptForEvent,
	type GatewayEvent,
	markGatewayEvent,
	readAttempt,
	readGatewayEvent,
	settleAttempt,
} from "../../db/client/attempts.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { PaymentState } from "../../psp/adapter.ts";
import { adapterOf } from "../psp-adapter.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ event_id: z.uuid() });

/** Acts on a PSP's webhook that checkout has verified and stored. */
export default async function processGatewayEvent(
	{ event_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const event = await readGatewayEvent(context.database, event_id);
	if (event === null || event.processed_at !== null) return;
	const log = context.log.child({ event_id, gateway_id: event.gateway_id });
	const adapter = adapterOf(context.adapters, event.provider);
	const parsed = adapter.parseWebhook({ raw_body: event.raw_body, headers: event.headers });
	if (parsed.kind !== "payment") {
		await markGatewayEvent(context.database, event_id, null);
		return;
	}

	const { psp_order_id, reference } = parsed.payment;
	const attempt_id = await findAttemptForEvent(context.database, {
		gateway_id: event.gateway_id,
		psp_order_id,
		reference,
	});
	if (attempt_id === null) {
		// A webhook may overtake the reply that tells us the order's id. One that stays unknown is no fault either: a merchant's
		// account takes payments that are none of ours.
		const words = `No payment here belongs to the order ${psp_order_id ?? "(none)"}.`;
		await markGatewayEvent(context.database, event_id, words);
		if (!context.job.is_last_attempt) throw new TryAgain(words);
		log.info({ psp_order_id }, "webhook of a payment that is not ours");
		return;
	}

	const state = event.body_proven ? parsed.payment : await fetchState(event, attempt_id, parsed.payment, context);
	const { transaction_status, changed } = await settleAttempt(context.database, attempt_id, state);
	await markGatewayEvent(context.database, event_id, null);
	if (changed) log.info({ attempt_id, transaction_status }, "payment settled");
}

/** Where the proof covers the sender but not the content, the content only says which order to ask about. */
async function fetchState(
	event: GatewayEvent,
	attempt_id: string,
	claimed: PaymentState,
	context: TaskContext,
): Promise<PaymentState> {
	const work = await readAttempt(context.database, attempt_id);
	const psp_order_id = work?.psp_order_id ?? claimed.psp_order_id;
	if (work === null || psp_order_id === null) throw new TryAgain("The order is not recorded yet.");
	const account = openGatewaySecrets(context.keys, work.gateway);
	const state = await adapterOf(context.adapters, event.provider).fetchStatus(account, {
		psp_order_id,
		reference: attempt_id,
	});
	if (state.outcome === "unknown" && !context.job.is_last_attempt) {
		throw new TryAgain(state.error?.message ?? "The PSP gave no answer.");
	}
	return state;
}
