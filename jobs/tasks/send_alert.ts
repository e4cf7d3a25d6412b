import { z } from "zod";
import { markAlertNotified, readAlert } from "../../db/client/operations.ts";
import { channelsFor } from "../alerts/channel.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ alert_id: z.uuid() });

/** Tells the operators: in the log, which whoever watches it pages on `alert`, and in the channels of its severity. */
export default async function sendAlert({ alert_id }: z.infer<typeof payload>, context: TaskContext): Promise<void> {
	const alert = await readAlert(context.database, alert_id);
	if (alert === null) return;
	context.log.error(
		{
			alert: alert.kind,
			alert_id,
			severity: alert.severity,
			client_id: alert.client_id,
			details: alert.details,
		},
		alert.message,
	);
	await markAlertNotified(context.database, alert_id, channelsFor(context.alert_channels, alert.severity));
}
