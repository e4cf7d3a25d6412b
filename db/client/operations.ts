import { callRows, callValue, type Queryable } from "./call.ts";

const call = (name: string) => (database: Queryable) =>
	callValue<number>(database, name, `select public.${name}() as value`, []);

/** Each returns how many rows it touched. */
export const expireTransactions = call("expire_transactions");
export const enqueuePendingLookups = call("enqueue_pending_lookups");
export const clearCooldowns = call("clear_cooldowns");
export const forgetStudioEvents = call("forget_studio_events");
export const recordQueueMetrics = call("record_queue_metrics");
/** Days. */
export const closeReportDays = call("close_report_days");
/** Hours. */
export const closeGatewayHours = call("close_gateway_hours");
/** Raises the alerts; returns how many gateways do worse than a week ago. */
export const watchSuccessRates = call("watch_success_rates");
/** Minutes. */
export const refreshPaymentFigures = call("refresh_payment_figures");
/** Jobs of gateways whose egress group was changed while they waited. */
export const regroupJobs = call("regroup_jobs");
/** Raises the alerts; returns how many queues need a person. */
export const watchQueues = call("watch_queues");

/** A task's or a schedule's newest job that failed for good, of which no alert speaks. */
export interface UntoldFailure {
	kind: "task" | "schedule";
	name: string;
	job_id: string;
	reason: string;
}

export function listUntoldFailures(database: Queryable): Promise<UntoldFailure[]> {
	return callRows(
		database,
		"list_untold_failures",
		"select kind, name, job_id, reason from public.list_untold_failures()",
		[],
	);
}

/** Merchants of which a payment settled lately, in groups that are measured in one go. */
export async function listSettlingClients(database: Queryable): Promise<string[][]> {
	const groups = "select client_ids from public.list_settling_clients() client_ids";
	const rows = await callRows<{ client_ids: string[] }>(database, "list_settling_clients", groups, []);
	return rows.map(({ client_ids }) => client_ids);
}

/** Returns how many gateways' measures changed; of all merchants where none are named. */
export function refreshSuccessRates(database: Queryable, client_ids: readonly string[] | null = null): Promise<number> {
	const call = "select public.refresh_success_rates(p_client_ids => $1) as value";
	return callValue(database, "refresh_success_rates", call, [client_ids]);
}

export interface Queue {
	/** A task's identifier or a schedule's name. */
	queue: string;
	kind: "task" | "schedule";
	/** When a schedule runs, for people. */
	period: string | null;
	/** Whether its jobs may be thrown away. */
	is_discardable: boolean;
	is_pausable: boolean;
}

/** Says which queues this process serves. */
export async function registerQueues(database: Queryable, queues: readonly Queue[]): Promise<void> {
	await callRows(database, "register_queues", "select public.register_queues($1)", [JSON.stringify(queues)]);
}

export interface FinishedJobs {
	queue: string;
	completed: number;
	failed: number;
}

/** Adds what was finished to the totals; returns the queues that are paused. */
export function reportFinishedJobs(database: Queryable, counts: readonly FinishedJobs[]): Promise<string[]> {
	return callValue(database, "report_finished_jobs", "select public.report_finished_jobs($1) as value", [
		JSON.stringify(counts),
	]);
}

/** Gives a job that was taken and not begun back, the try uncounted. */
export async function returnJob(database: Queryable, job_id: string, worker_id: string): Promise<void> {
	await callRows(database, "return_job", "select public.return_job($1, $2)", [job_id, worker_id]);
}

export { checkInvariants } from "./invariants.ts";

/**
 * Returns for each how many workers of its lane are alive, itself included. One call for all of a process: a slow machine has
 * time for one where it has none for a dozen.
 */
export async function beatWorkers(
	database: Queryable,
	workers: readonly { worker_id: string; name: string }[],
): Promise<number[]> {
	const rows = await callRows<{ count: number }>(
		database,
		"beat_workers",
		`select public.beat_worker(worker_id, lane) as count
			from unnest($1::text[], $2::text[]) with ordinality as worker (worker_id, lane, place) order by place`,
		[workers.map(({ worker_id }) => worker_id), workers.map(({ name }) => name)],
	);
	return rows.map(({ count }) => count);
}

/** Forgets workers that stopped beating, and returns their ids; their jobs are still locked. */
export async function listDeadWorkers(database: Queryable, after_seconds: number): Promise<string[]> {
	const rows = await callRows<{ worker_id: string }>(
		database,
		"list_dead_workers",
		"select worker_id from public.list_dead_workers($1 * interval '1 second') worker_id",
		[after_seconds],
	);
	return rows.map(({ worker_id }) => worker_id);
}

export interface StaleLock {
	job_id: string;
	worker_id: string;
	/** Names the lock: a job that is taken again has another. */
	locking: string;
	/** Of a worker that was asked about; else of one that does not beat. */
	is_own: boolean;
}

/** Reads all jobs. */
export function listStaleLocks(
	database: Queryable,
	worker_ids: readonly string[],
	own_after_seconds: number,
	lost_after_seconds: number,
): Promise<StaleLock[]> {
	return callRows(
		database,
		"list_stale_locks",
		`select job_id, worker_id, locking, is_own
			from public.list_stale_locks($1, $2 * interval '1 second', $3 * interval '1 second')`,
		[worker_ids, own_after_seconds, lost_after_seconds],
	);
}

export interface AlertInput {
	kind: string;
	severity: "info" | "warning" | "critical";
	message: string;
	details: Record<string, unknown>;
	/** One open alert a key. */
	dedupe_key: string;
	client_id?: string;
}

export async function raiseAlert(database: Queryable, alert: AlertInput): Promise<void> {
	await callRows(database, "raise_alert", "select public.raise_alert($1, $2, $3, $4, $5, $6)", [
		alert.kind,
		alert.severity,
		alert.message,
		JSON.stringify(alert.details),
		alert.dedupe_key,
		alert.client_id ?? null,
	]);
}

/** Seconds until the next try; null when it was given up or there is nothing left to do. */
export function postponeStudioEvent(database: Queryable, event_id: string, reason: string): Promise<number | null> {
	return callValue(database, "postpone_studio_event", "select public.postpone_studio_event($1, $2) as value", [
		event_id,
		reason,
	]);
}

export interface Alert {
	id: string;
	kind: string;
	severity: "info" | "warning" | "critical";
	message: string;
	details: Record<string, unknown>;
	client_id: string | null;
	first_at: string;
}

/** Null when it was sent or resolved meanwhile. */
export function readAlert(database: Queryable, alert_id: string): Promise<Alert | null> {
	return callValue(database, "read_alert", "select public.read_alert($1) as value", [alert_id]);
}

/** Adds a message, with a job of its own, for each channel. */
export async function markAlertNotified(
	database: Queryable,
	alert_id: string,
	channels: readonly AlertChannelName[] = [],
): Promise<void> {
	await callRows(database, "mark_alert_notified", "select public.mark_alert_notified($1, $2)", [alert_id, channels]);
}

export type AlertChannelName = "slack" | "email";

export interface AlertMessage {
	channel: AlertChannelName;
	occasion: "raised" | "resolved";
	alert: Alert & {
		/** The merchant's name. */
		client: string | null;
		count: number;
		resolved_at: string | null;
		note: string | null;
	};
}

/** Null: there is nothing (left) to say; "early": what it follows on is still being said. */
export async function beginAlertMessage(
	database: Queryable,
	message_id: string,
): Promise<AlertMessage | "early" | null> {
	const message = await callValue<(AlertMessage & { is_early: boolean }) | null>(
		database,
		"begin_alert_message",
		"select public.begin_alert_message($1) as value",
		[message_id],
	);
	return message?.is_early ? "early" : message;
}

/** error null: it was said. */
export async function recordAlertMessage(
	database: Queryable,
	message_id: string,
	error: string | null,
	is_given_up: boolean,
): Promise<void> {
	await callRows(database, "record_alert_message", "select public.record_alert_message($1, $2, $3)", [
		message_id,
		error,
		is_given_up,
	]);
}

/** What a channel was spared while there was too much to say. */
export interface AlertSummary {
	message_ids: string[];
	held: number;
	/** Of them, over by now. */
	resolved: number;
	critical: number;
	warning: number;
	info: number;
	/** How many of each kind. */
	kinds: Record<string, number>;
	/** The messages of the first few. */
	first: string[];
}

export function beginAlertSummary(database: Queryable, channel: AlertChannelName): Promise<AlertSummary | null> {
	return callValue(database, "begin_alert_summary", "select public.begin_alert_summary($1) as value", [channel]);
}

export async function recordAlertSummary(database: Queryable, message_ids: readonly string[]): Promise<void> {
	await callRows(database, "record_alert_summary", "select public.record_alert_summary($1)", [message_ids]);
}
