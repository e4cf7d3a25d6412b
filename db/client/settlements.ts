import type pg from "pg";
import { callRows, callValue, type Queryable } from "./call.ts";
import type { Gateway } from "./clients.ts";
import { toDomainError } from "./errors.ts";

/** A line of a PSP's settlement report, as the adapters give it or a file has it. Money in paise. */
export interface ReportedLine {
	kind: "payment" | "refund" | "transfer" | "adjustment" | "other";
	/** The PSP's own word. */
	psp_kind: string | null;
	psp_id: string;
	/** The how many-th line of its settlement about the same thing. */
	occurrence?: number;
	psp_payment_id: string | null;
	psp_order_id: string | null;
	/** Our own id of the attempt or refund, where the PSP states it. */
	reference?: string | null;
	psp_settlement_id: string | null;
	amount: number;
	credit: number;
	debit: number;
	/** GST included. */
	fee: number;
	tax: number;
	currency: string;
	method?: string | null;
	utr: string | null;
	settled_at: Date | null;
	details?: Record<string, unknown>;
}

export interface SettlementPull {
	gateway: Gateway;
	/** Oldest first; a day that is not final is pulled again. */
	days: { day: string; is_final: boolean }[];
}

/** Null: there is no such gateway. */
export function beginSettlementPull(database: Queryable, gateway_id: string): Promise<SettlementPull | null> {
	return callValue(database, "begin_settlement_pull", "select public.begin_settlement_pull($1) as value", [gateway_id]);
}

export async function recordSettlementPullFailure(
	database: Queryable,
	gateway_id: string,
	day: string,
	error: unknown,
): Promise<void> {
	await callRows(
		database,
		"record_settlement_pull_failure",
		"select public.record_settlement_pull_failure($1, $2, $3)",
		[gateway_id, day, JSON.stringify(error)],
	);
}

/** Hourly: adds the jobs that pull; returns how many. `ahead` were added just before. */
export function enqueueSettlementPulls(
	database: Queryable,
	providers: readonly string[],
	ahead: number,
): Promise<number> {
	return callValue(database, "enqueue_settlement_pulls", "select public.enqueue_settlement_pulls($1, $2) as value", [
		providers,
		ahead,
	]);
}

export interface ReportResult {
	/** Null: the report brought nothing that was not known. */
	report_id: string | null;
	lines: number;
	new: number;
	changed: number;
	repeated: number;
	unreadable: number;
	/** Differences that are open because of it. */
	opened: number;
}

export interface SettlementReport {
	gateway_id: string;
	source: "pull" | "file";
	/** Of a pull. */
	day?: string;
	file_name?: string;
	sha256?: string;
	/** Nothing can be added to that day any more. */
	is_final: boolean;
}

const LINES_A_CALL = 1000;

/** Takes a whole report or nothing of it; what an earlier one has brought changes nothing. */
export async function recordSettlementReport(
	pool: pg.Pool,
	report: SettlementReport,
	lines: readonly ReportedLine[],
): Promise<ReportResult> {
	const { gateway_id, source, day, file_name, sha256, is_final } = report;
	const connection = await pool.connect();
	try {
		await connection.query("begin");
		const report_id = await callValue<string>(
			connection,
			"begin_settlement_report",
			"select public.begin_settlement_report($1, $2, null) as value",
			[gateway_id, JSON.stringify({ source, day, file_name, sha256 })],
		);
		for (let start = 0; start < lines.length; start += LINES_A_CALL) {
			await callRows(connection, "record_settlement_lines", "select public.record_settlement_lines($1, $2)", [
				report_id,
				JSON.stringify(lines.slice(start, start + LINES_A_CALL)),
			]);
		}
		const result = await callValue<ReportResult>(
			connection,
			"finish_settlement_report",
			"select public.finish_settlement_report($1, $2, 0, null, null) as value",
			[report_id, is_final],
		);
		await connection.query("commit");
		return result;
	} catch (error) {
		await connection.query("rollback").catch(() => undefined);
		throw toDomainError(error);
	} finally {
		connection.release();
	}
}

export interface ReconciliationStep {
	/** The last gateway that is done; null when all are. */
	next: string | null;
	/** A gateway has more to compare than one step takes. */
	again: boolean;
	gateways: number;
	judged: number;
	opened: number;
}

/** The night (YYYY-MM-DD) to compare; null when it was done. */
export function beginReconciliation(database: Queryable): Promise<string | null> {
	return callValue(
		database,
		"begin_reconciliation",
		"select to_char(public.begin_reconciliation(), 'YYYY-MM-DD') as value",
		[],
	);
}

export function reconcileGateways(database: Queryable, after: string | null): Promise<ReconciliationStep> {
	return callValue(database, "reconcile_gateways", "select public.reconcile_gateways($1) as value", [after]);
}

/** Returns where to go on; null at the end. `asks`: the PSPs are asked about what they have settled and we have not. */
export function rejudgeExceptions(database: Queryable, after: string | null, asks: boolean): Promise<string | null> {
	return callValue(database, "rejudge_exceptions", "select public.rejudge_exceptions($1, $2) as value", [after, asks]);
}

/** Returns how many exceptions have been open for too long. */
export function finishReconciliation(
	database: Queryable,
	night: string,
	result: Record<string, number>,
): Promise<number> {
	return callValue(database, "finish_reconciliation", "select public.finish_reconciliation($1, $2) as value", [
		night,
		JSON.stringify(result),
	]);
}
