import { z } from "zod";
import { beginAlertSummary, recordAlertSummary } from "../../db/client/operations.ts";
import { type TaskContext, TryAgain } from "../task.ts";

export const payload = z.strictObject({ channel: z.enum(["slack", "email"]) });

/** Says at once what a channel was spared while there was too much to say. What is held while it fails is in the next one. */
export default async function sendAlertSummary(
	{ channel: name }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const { database, alert_channels, log, job } = context;
	const summary = await beginAlertSummary(database, name);
	const channel = alert_channels.find((each) => each.name === name);
	if (summary === null || channel === undefined) return;
	try {
		await channel.summarise(summary);
	} catch (error) {
		log.warn({ channel: name, held: summary.held, err: error }, "summary of alerts could not be told");
		if (job.is_last_attempt) return;
		throw new TryAgain((error as Error).message);
	}
	await recordAlertSummary(database, summary.message_ids);
	log.info({ channel: name, held: summary.held }, "summary of alerts told");
}
