import { z } from "zod";
import { continueWebhookReplay } from "../../db/client/deliveries.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ replay_id: z.uuid() });

/** One step of delivering a merchant's events anew; the database adds the job of the next one. */
export default async function replayWebhooks(
	{ replay_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const status = await continueWebhookReplay(context.database, replay_id);
	context.log.debug({ replay_id, status }, "webhook replay went on");
}
