import { z } from "zod";
import { beginAlertMessage, recordAlertMessage } from "../../db/client/operations.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ message_id: z.uuid() });

/**
 * Says one thing in one channel. A channel that fails is tried again for about half an hour; then it is an alert of its
 * own, which the other channels tell, and no job is left over: what was not said stands in the studio.
 */
export default async function sendAlertMessage(
	{ message_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const { database, alert_channels, log, job } = context;
	const message = await beginAlertMessage(database, message_id);
	if (message === null) return;
	if (message === "early") {
		if (job.is_last_attempt) return;
		throw new TryAgain("What this notice follows on is still being sent.");
	}
	const channel = alert_channels.find(({ name }) => name === message.channel);
	const error =
		channel === undefined ? "The channel is no longer configured." : await failureOf(channel.tell(message, message_id));
	await recordAlertMessage(database, message_id, error, error !== null && job.is_last_attempt);
	const about = { alert_id: message.alert.id, channel: message.channel, occasion: message.occasion };
	if (error === null) {
		log.info(about, "alert told");
		return;
	}
	log.warn({ ...about, error }, "alert could not be told");
	if (!job.is_last_attempt) throw new TryAgain(error);
}

function failureOf(sending: Promise<void>): Promise<string | null> {
	return sending.then(
		() => null,
		(error: unknown) => (error instanceof Error ? error.message : String(error)),
	);
}
