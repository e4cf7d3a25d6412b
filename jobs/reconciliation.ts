/** Settlement reports and what differs in them, as the clock wants it. */
import type { Pool } from "pg";
import type { Logger } from "pino";
import {
	beginReconciliation,
	enqueueSettlementPulls,
	finishReconciliation,
	reconcileGateways,
	rejudgeExceptions,
} from "../db/client/settlements.ts";
import { PULLED_PROVIDERS } from "../psp/settlement-sources.ts";

const PULL_BATCH = 5000;

/** Jobs for all gateways that are due, then open differences are looked at anew: what was paid meanwhile explains itself. */
export async function settle(database: Pool): Promise<Record<string, number>> {
	let pulls = 0;
	for (;;) {
		const added = await enqueueSettlementPulls(database, PULLED_PROVIDERS, pulls);
		pulls += added;
		if (added < PULL_BATCH) break;
	}
	await rejudgeAll(database, false);
	return { pulls };
}

/** The comparison of a night, once; a night that was missed is done by the next run. */
export async function reconcile(database: Pool, log: Logger): Promise<Record<string, number>> {
	const night = await beginReconciliation(database);
	if (night === null) return { done_before: 1 };
	const total = { gateways: 0, judged: 0, opened: 0 };
	for (let after: string | null = null, is_done = false; !is_done; ) {
		const step = await reconcileGateways(database, after);
		total.gateways += step.gateways;
		total.judged += step.judged;
		total.opened += step.opened;
		is_done = step.next === null && !step.again;
		after = step.next;
	}
	await rejudgeAll(database, true);
	const waiting = await finishReconciliation(database, night, total);
	log.info({ night, ...total, waiting }, "settlement reports compared");
	return { ...total, waiting };
}

async function rejudgeAll(database: Pool, asks: boolean): Promise<void> {
	let after: string | null = null;
	do {
		after = await rejudgeExceptions(database, after, asks);
	} while (after !== null);
}
