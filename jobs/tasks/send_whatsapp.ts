import { z } from "zod";
import {
	beginWhatsapp,
	recordWhatsappAttempt,
	type WhatsappResult,
	type WhatsappWork,
} from "../../db/client/whatsapp.ts";
import type { TaskContext, WhatsappChannel } from "../task.ts";
import type { SendAnswer } from "../whatsapp/adapter.ts";
import type { Token } from "../whatsapp/token-keeper.ts";

export const payload = z.strictObject({ notification_id: z.uuid() });

/**
 * Makes one try to send a message and records it. The record decides about the next try (a job of its own), so whatever the
 * provider did, this job is done. A message whose answer was lost is not sent again: it may have arrived.
 */
export default async function sendWhatsapp(
	{ notification_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const { database, whatsapp } = context;
	// Before the attempt is noted: what fails here has sent nothing.
	const token = whatsapp === null ? null : await whatsapp.tokens.current();
	const work = await beginWhatsapp(database, notification_id, whatsapp?.adapter.provider ?? null);
	if (work === null || whatsapp === null) return;
	const started_at = performance.now();
	const { is_token_refused: _, ...answer } = await send(whatsapp, token, work);
	const result: WhatsappResult = { ...answer, latency_ms: Math.round(performance.now() - started_at) };
	const status = await recordWhatsappAttempt(database, notification_id, result);
	const { provider } = whatsapp.adapter;
	if (result.outcome === "accepted") context.metrics.wa_sent.inc({ provider, template: work.template });
	else context.metrics.wa_failed.inc({ provider, reason: result.outcome });
	const line = { notification_id, status, try: work.attempt, code: result.code, latency_ms: result.latency_ms };
	if (result.outcome === "accepted") context.log.debug(line, "message sent");
	else context.log.warn(line, "message not sent, or not known to be");
}

const NO_TOKEN: SendAnswer = {
	outcome: "refused",
	action: "delay",
	fault_of: "configuration",
	delay_seconds: 300,
	pause_seconds: 60,
	code: "no_token",
	message: "The provider gave no token.",
};

async function send(
	{ adapter, tokens }: WhatsappChannel,
	token: Token | null,
	work: WhatsappWork,
): Promise<SendAnswer> {
	if (token === null) return NO_TOKEN;
	const answer = await adapter.send(token.value, work);
	if (answer.outcome !== "refused" || !answer.is_token_refused) return answer;
	// Refused is not sent, so it may be sent with another token; once.
	const newer = await tokens.replace(token);
	return newer === null ? answer : adapter.send(newer.value, work);
}
