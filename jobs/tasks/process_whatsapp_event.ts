import { z } from "zod";
import {
	answerWhatsappStop,
	closeWhatsappEvent,
	readWhatsappEvent,
	recordWhatsappStatus,
} from "../../db/client/whatsapp.ts";
import { type TaskContext, TryAgain } from "../task.ts";
import { readWish } from "../whatsapp/adapter.ts";

export const payload = z.strictObject({ event_id: z.uuid() });

/** Reads a stored webhook of the WhatsApp provider: what became of messages, and who wants no more of them. */
export default async function processWhatsappEvent(
	{ event_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const { database, whatsapp, job } = context;
	const event = await readWhatsappEvent(database, event_id);
	if (event === null) return;
	if (whatsapp?.adapter.provider !== event.provider) {
		await closeWhatsappEvent(database, event_id, "The workers are not configured for this provider.");
		return;
	}
	const { reports, answers, unreadable } = whatsapp.adapter.readWebhook(event.raw_body);
	let is_early = false;
	for (const report of reports) {
		const result = await recordWhatsappStatus(database, event.provider, report);
		if (result === "too_early") is_early = true;
	}
	for (const { from, text } of answers) {
		const wish = readWish(text);
		if (wish === null) continue;
		const merchants = await answerWhatsappStop(database, from, wish === "stop");
		context.log.info({ event_id, wish, merchants }, "somebody answered a message");
	}
	// What was applied is applied again without effect.
	if (is_early && !job.is_last_attempt) throw new TryAgain("the call that this status is about has not come back yet");
	await closeWhatsappEvent(database, event_id, unreadable > 0 ? `${unreadable} entries were not understood.` : null);
	if (unreadable > 0) context.log.warn({ event_id, unreadable }, "a WhatsApp webhook was not understood in full");
}
