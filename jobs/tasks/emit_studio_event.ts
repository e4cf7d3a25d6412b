import { z } from "zod";
import { postponeStudioEvent } from "../../db/client/operations.ts";
import { StudioUnreachable } from "../studio.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ event_id: z.uuid() });

/**
 * Brings an event to the studio's flows. Waiting for the studio is no fault: the job ends well and leaves another behind,
 * so that an event is there within a minute of the studio's return, however long it was away.
 */
export default async function emitStudioEvent(
	{ event_id }: z.infer<typeof payload>,
	{ studio, database, log }: TaskContext,
): Promise<void> {
	let reason = "flows are still running";
	try {
		if ((await studio.emitEvent(event_id)) === "over") return;
	} catch (error) {
		if (!(error instanceof StudioUnreachable)) throw error;
		reason = error.message;
	}
	const seconds = await postponeStudioEvent(database, event_id, reason);
	if (seconds === null) log.error({ event_id, reason }, "an event is given up: no flow has seen it");
	else log.info({ event_id, reason, seconds }, "an event waits for the studio");
}
