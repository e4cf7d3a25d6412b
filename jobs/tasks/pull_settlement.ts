import { z } from "zod";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import {
	beginSettlementPull,
	recordSettlementPullFailure,
	recordSettlementReport,
} from "../../db/client/settlements.ts";
import { adapterOf } from "../psp-adapter.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ gateway_id: z.uuid() });

/**
 * Pulls a gateway's settlement report, day by day from where the last pull left off. A day is taken whole or not at all, and
 * what was there before changes nothing, so a pull may be repeated at any time. One that the PSP refuses or leaves
 * unanswered is noted and ends this run: the next hour begins with that day.
 */
export default async function pullSettlement(
	{ gateway_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const pull = await beginSettlementPull(context.database, gateway_id);
	if (pull === null) return;
	const adapter = adapterOf(context.adapters, pull.gateway.provider);
	const account = openGatewaySecrets(context.keys, pull.gateway);
	for (const { day, is_final } of pull.days) {
		const log = context.log.child({ gateway_id, day });
		const report = await adapter.fetchSettlement(account, day);
		if (report.outcome !== "succeeded") {
			log.warn({ error: report.error }, "the settlement report was not given");
			await recordSettlementPullFailure(context.database, gateway_id, day, report.error);
			return;
		}
		const result = await recordSettlementReport(
			context.database,
			{ gateway_id, source: "pull", day, is_final },
			report.lines,
		);
		if (result.report_id !== null) log.info(result, "settlement report taken");
	}
}
