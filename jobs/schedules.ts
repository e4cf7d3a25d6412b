/**
 * What the clock makes necessary: one table, run by pg-boss in Asia/Kolkata.
 *
 * pg-boss cron knows minutes. A period of seconds is offered instead by every worker process at each beat of the period,
 * as a job with a slot of that length; pg-boss's unique index over (queue, slot) lets one of them through. So either way
 * there is one job a period, however many processes run, it is kept as the record of what ran with what it returned, and a
 * run that takes longer than its period is not joined by a second one (queue policy "exclusive").
 */
import type { Pool } from "pg";
import { PgBoss } from "pg-boss";
import type { Logger } from "pino";
import { releaseWebhooks } from "../db/client/deliveries.ts";
import { type Checked, checkAllInvariants, checkRecentInvariants, closeCheckWindow } from "../db/client/invariants.ts";
import {
	clearCooldowns,
	closeGatewayHours,
	closeReportDays,
	enqueuePendingLookups,
	expireTransactions,
	forgetStudioEvents,
	listSettlingClients,
	listUntoldFailures,
	type Queue,
	raiseAlert,
	recordQueueMetrics,
	refreshPaymentFigures,
	refreshSuccessRates,
	regroupJobs,
	watchQueues,
	watchSuccessRates,
} from "../db/client/operations.ts";
import { collectCommissions } from "../db/client/payouts.ts";
import { watchBalances } from "../db/client/whatsapp.ts";
import { type BackupSettings, runBackup } from "./backups.ts";
import { diskFullAlert, failedJobAlert, failedScheduleAlert } from "./failure-alerts.ts";
import { issueInvoices } from "./invoices/issue.ts";
import type { JobsMetrics } from "./metrics.ts";
import type { QueueDesk } from "./queue-desk.ts";
import { reconcile, settle } from "./reconciliation.ts";

export const TIME_ZONE = "Asia/Kolkata";

/** Runs that failed for good end here and stay for a fortnight. */
export const DEAD_LETTERS = "failed_schedules";

export interface ScheduleContext {
	database: Pool;
	log: Logger;
	/** Null or none: the database is backed up by others. */
	backups?: BackupSettings | null;
}

export interface Schedule {
	name: string;
	when: { cron: string } | { every_seconds: number };
	/** A run that takes longer counts as failed and may be run again; also what a killed worker's run waits for. */
	expire_seconds: number;
	/** How often a failed run is tried again before the next period. */
	retries: number;
	/** How long the record of a run is kept. */
	keep_days: number;
	/** What it returns is kept with the run. */
	run(context: ScheduleContext): Promise<Record<string, number>>;
}

/** Tells of queues that stand still, so it is never paused itself. */
const WATCH_QUEUES = "watch_queues";

/** How many rows the functions take at a time, by default. */
const EXPIRE_BATCH = 500;
const LOOKUP_BATCH = 1000;
const WARNING_BATCH = 500;
const EVENT_BATCH = 5000;
const FIGURES_BATCH = 1440;
const REPORT_DAYS_BATCH = 3;
const HOURS_BATCH = 24;
/** So that a run ends in its time; the next one goes on. */
const BATCHES_A_RUN = 40;

export const SCHEDULES: readonly Schedule[] = [
	{
		name: "expire_transactions",
		when: { cron: "* * * * *" },
		expire_seconds: 30,
		retries: 0,
		keep_days: 2,
		run: async ({ database }) => ({ expired: await inBatches(EXPIRE_BATCH, () => expireTransactions(database)) }),
	},
	{
		name: "poll_pending",
		when: { every_seconds: 5 },
		expire_seconds: 30,
		retries: 0,
		keep_days: 0.1,
		run: async ({ database }) => ({ enqueued: await inBatches(LOOKUP_BATCH, () => enqueuePendingLookups(database)) }),
	},
	{
		name: "refresh_success_rates",
		when: { every_seconds: 15 },
		expire_seconds: 30,
		retries: 0,
		keep_days: 0.1,
		async run({ database }) {
			let changed = 0;
			for (const clients of await listSettlingClients(database))
				changed += await refreshSuccessRates(database, clients);
			return { changed };
		},
	},
	{
		name: "refresh_payment_figures",
		when: { every_seconds: 15 },
		// the first time it goes through all there is
		expire_seconds: 300,
		retries: 0,
		keep_days: 0.1,
		run: async ({ database }) => ({ minutes: await inBatches(FIGURES_BATCH, () => refreshPaymentFigures(database)) }),
	},
	{
		name: "clear_cooldowns",
		when: { every_seconds: 30 },
		expire_seconds: 30,
		retries: 0,
		keep_days: 0.1,
		run: async ({ database }) => ({ cleared: await clearCooldowns(database) }),
	},
	{
		name: "release_webhooks",
		when: { every_seconds: 5 },
		expire_seconds: 30,
		retries: 0,
		keep_days: 0.1,
		run: async ({ database }) => ({ released: await releaseWebhooks(database) }),
	},
	{
		name: "record_queue_metrics",
		when: { every_seconds: 5 },
		expire_seconds: 30,
		retries: 0,
		keep_days: 0.1,
		run: async ({ database }) => ({ queues: await recordQueueMetrics(database) }),
	},
	{
		name: WATCH_QUEUES,
		when: { cron: "* * * * *" },
		expire_seconds: 30,
		retries: 0,
		keep_days: 2,
		async run({ database }) {
			const untold = await listUntoldFailures(database);
			for (const { kind, name, job_id, reason } of untold) {
				await raiseAlert(
					database,
					kind === "task" ? failedJobAlert(name, job_id, reason) : failedScheduleAlert(name, reason),
				);
			}
			return { queues: await watchQueues(database), untold: untold.length };
		},
	},
	{
		name: "watch_egress_groups",
		when: { cron: "* * * * *" },
		expire_seconds: 30,
		retries: 0,
		keep_days: 2,
		async run({ database }) {
			const regrouped = await regroupJobs(database);
			const groups = await listForsakenGroups(database);
			for (const { egress_group, jobs } of groups) {
				await raiseAlert(database, {
					kind: "egress_group_waits",
					severity: "critical",
					message: `${jobs} job(s) of the egress group ${egress_group} wait for more than a minute. Start a worker with EGRESS_GROUPS=${egress_group}, or take the gateways out of the group.`,
					details: { egress_group, jobs },
					dedupe_key: `egress_group_waits:${egress_group}`,
				});
			}
			return { groups: groups.length, regrouped };
		},
	},
	{
		// The month that ended at midnight is closed at half past; every other run finds what an earlier one has missed, if any.
		name: "issue_invoices",
		when: { cron: "30 * * * *" },
		expire_seconds: 1800,
		retries: 2,
		keep_days: 400,
		run: ({ database, log }) => issueInvoices(database, log),
	},
	{
		// Yesterday is closed soon after midnight; every other run finds what an earlier one has missed, if any.
		name: "close_report_days",
		when: { cron: "20 * * * *" },
		// the first time it goes through all there is
		expire_seconds: 1800,
		retries: 2,
		keep_days: 400,
		run: async ({ database }) => ({ days: await inBatches(REPORT_DAYS_BATCH, () => closeReportDays(database)) }),
	},
	{
		name: "watch_success_rates",
		when: { cron: "5 * * * *" },
		// the first time it goes through nine days
		expire_seconds: 600,
		retries: 2,
		keep_days: 30,
		async run({ database }) {
			const hours = await inBatches(HOURS_BATCH, () => closeGatewayHours(database));
			return { hours, dropped: await watchSuccessRates(database) };
		},
	},
	{
		// At 02:00 the night is swept, once; every other run finds a night that nobody was there for, if any.
		name: "collect_commissions",
		when: { cron: "0 * * * *" },
		expire_seconds: 300,
		retries: 2,
		keep_days: 400,
		async run({ database, log }): Promise<Record<string, number>> {
			const { night, payouts, amount = 0 } = await collectCommissions(database);
			if (payouts === null) return { nights: 0 };
			log.info({ night, payouts, amount }, "dues are being collected");
			return { nights: 1, payouts, amount };
		},
	},
	{
		name: "settle",
		when: { cron: "10 * * * *" },
		expire_seconds: 600,
		retries: 2,
		keep_days: 30,
		run: ({ database }) => settle(database),
	},
	{
		// The night is compared at three; every other run finds that it was, or does what no process was up for.
		name: "reconcile",
		when: { cron: "0 * * * *" },
		expire_seconds: 3600,
		retries: 2,
		keep_days: 400,
		run: ({ database, log }) => reconcile(database, log),
	},
	{
		name: "watch_balances",
		when: { cron: "*/10 * * * *" },
		expire_seconds: 60,
		retries: 1,
		keep_days: 14,
		run: async ({ database }) => ({ warned: await inBatches(WARNING_BATCH, () => watchBalances(database)) }),
	},
	{
		name: "forget_studio_events",
		when: { cron: "30 4 * * *" },
		expire_seconds: 60,
		retries: 2,
		keep_days: 30,
		run: async ({ database }) => ({ forgotten: await inBatches(EVENT_BATCH, () => forgetStudioEvents(database)) }),
	},
	{
		name: "back_up",
		when: { cron: "30 2 * * *" },
		expire_seconds: 4 * 3600,
		retries: 2,
		keep_days: 90,
		run: ({ backups, log }) => runBackup("base", backups ?? null, log),
	},
	{
		name: "test_restore",
		when: { cron: "30 4 * * *" },
		expire_seconds: 4 * 3600,
		retries: 1,
		keep_days: 90,
		run: ({ backups, log }) => runBackup("restore_test", backups ?? null, log),
	},
	{
		// What has changed since the last run; what was changed by stealth, and all the rest, is found by the one below.
		name: "check_invariants",
		when: { cron: "0 * * * *" },
		// after a standstill it has more than an hour to look at
		expire_seconds: 600,
		retries: 2,
		keep_days: 90,
		async run(context) {
			const { until, ...checked } = await checkRecentInvariants(context.database);
			const result = await reportChecked(context, checked);
			// What could not be told is found again.
			await closeCheckWindow(context.database, until);
			return result;
		},
	},
	{
		name: "check_all_invariants",
		when: { cron: "0 5 * * *" },
		expire_seconds: 7200,
		retries: 1,
		keep_days: 400,
		run: async (context) => reportChecked(context, await checkAllInvariants(context.database)),
	},
];

/** As the queue monitor shows them. The record of what ran is never thrown away. */
export function describeSchedules(schedules: readonly Schedule[] = SCHEDULES): Queue[] {
	return schedules.map(({ name, when }) => ({
		queue: name,
		kind: "schedule",
		period: "cron" in when ? when.cron : `${when.every_seconds} s`,
		is_discardable: false,
		is_pausable: name !== WATCH_QUEUES,
	}));
}

/** Groups whose jobs nobody takes: a gateway was given one that no worker serves, or its workers are gone. */
async function listForsakenGroups(database: Pool): Promise<{ egress_group: string; jobs: number }[]> {
	const { rows } = await database.query<{ egress_group: string; jobs: number }>(
		`select split_part(task_identifier, ':', 2) as egress_group, count(*)::integer as jobs
			from graphile_worker.jobs
			where task_identifier like '%:%' and locked_at is null and attempts < max_attempts
				and run_at < now() - interval '1 minute'
			group by 1 order by 1`,
	);
	return rows;
}

/** Goes on while batches come back full: a backlog is worked off in one run. */
async function inBatches(size: number, work: () => Promise<number>): Promise<number> {
	let total = 0;
	for (let batch = 0; batch < BATCHES_A_RUN; batch++) {
		const count = await work();
		total += count;
		if (count < size) break;
	}
	return total;
}

async function reportChecked(
	{ database, log }: ScheduleContext,
	{ violations, payments, wallets, since }: Checked,
): Promise<Record<string, number>> {
	for (const [invariant, details] of groupByInvariant(violations)) {
		log.error({ invariant, violations: details.length, first: details[0] }, "an invariant is violated");
		await raiseAlert(database, {
			kind: "invariant_violated",
			severity: "critical",
			message: `The invariant ${invariant} is violated in ${details.length} place(s). First: ${details[0]}`,
			details: { invariant, violations: details.slice(0, 100) },
			dedupe_key: `invariant_violated:${invariant}`,
		});
	}
	return {
		violations: violations.length,
		payments,
		wallets,
		...(since === null ? {} : { since: Math.floor(since.getTime() / 1000) }),
	};
}

function groupByInvariant(violations: { invariant: string; detail: string }[]): Map<string, string[]> {
	const groups = new Map<string, string[]>();
	for (const { invariant, detail } of violations) {
		groups.set(invariant, [...(groups.get(invariant) ?? []), detail]);
	}
	return groups;
}

export interface ClockOptions extends ScheduleContext {
	connection_string: string;
	schedules?: readonly Schedule[];
	desk: QueueDesk;
	metrics?: Pick<JobsMetrics, "schedules">;
	/** Called once, when pg-boss stopped without having been asked. */
	onLost(error: Error): void;
}

export interface Clock {
	/** Has a schedule run as soon as it can, and closes its runs that failed for good. Returns how many. */
	offer(schedule: string): Promise<number>;
	stop(timeout_ms: number): Promise<void>;
}

const DAY_SECONDS = 86_400;

export async function startClock(options: ClockOptions): Promise<Clock> {
	const { database, log, backups = null, desk, schedules = SCHEDULES, onLost } = options;
	let is_stopping = false;
	const boss = new PgBoss({
		connectionString: options.connection_string,
		application_name: "lightspeedpay-clock",
		schema: "pgboss",
		// The schema is db/prepare.ts's.
		createSchema: false,
		migrate: false,
		max: 4,
		// A queue's workers are woken by NOTIFY instead of asking every two seconds, each.
		useListenNotify: true,
		cronMonitorIntervalSeconds: 10,
		// How soon a killed worker's run is given up.
		superviseIntervalSeconds: 15,
		monitorIntervalSeconds: 15,
		maintenanceIntervalSeconds: 3600,
	});
	boss.on("error", (error) => {
		if (!is_stopping) log.warn({ err: error }, "pg-boss reports an error");
	});
	boss.on("warning", ({ message, data }) => log.warn({ data }, `pg-boss: ${message}`));
	boss.on("stopped", () => {
		if (!is_stopping) onLost(new Error("pg-boss stopped without having been asked."));
	});
	await boss.start();
	await ensureQueue(boss, DEAD_LETTERS, { policy: "standard", deleteAfterSeconds: 14 * DAY_SECONDS });

	const stop_ticking: (() => void)[] = [];
	for (const schedule of schedules) {
		await ensureQueue(boss, schedule.name, {
			policy: "exclusive",
			notify: true,
			expireInSeconds: schedule.expire_seconds,
			retryLimit: schedule.retries,
			retryDelay: 5,
			retryBackoff: schedule.retries > 0,
			deleteAfterSeconds: Math.round(schedule.keep_days * DAY_SECONDS),
			// A run that nobody started is worthless once its successor is due.
			retentionSeconds: 3600,
			deadLetter: DEAD_LETTERS,
		});
		await boss.work(schedule.name, { pollingIntervalSeconds: 2, notifyPollingIntervalSeconds: 30 }, () =>
			runSchedule(schedule, { database, log, backups }, desk, options.metrics),
		);
		if ("cron" in schedule.when) {
			await boss.schedule(schedule.name, schedule.when.cron, null, { tz: TIME_ZONE });
		} else {
			stop_ticking.push(tick(boss, schedule.name, schedule.when.every_seconds, log));
		}
	}
	await forgetOthers(boss, schedules);

	return {
		async offer(name) {
			// Null when a run waits or is at work already, which does as well.
			await boss.send(name, null);
			const { rowCount } = await database.query(
				"delete from pgboss.job where name = $1 and source_name = $2 and state < 'active'",
				[DEAD_LETTERS, name],
			);
			return rowCount ?? 0;
		},
		async stop(timeout_ms) {
			is_stopping = true;
			for (const stop of stop_ticking) stop();
			await boss.stop({ graceful: true, timeout: timeout_ms });
		},
	};
}

async function runSchedule(
	schedule: Schedule,
	context: ScheduleContext,
	desk: QueueDesk,
	metrics: ClockOptions["metrics"],
): Promise<Record<string, number>> {
	const log = context.log.child({ schedule: schedule.name });
	// The record says that it did nothing.
	if (desk.isPaused(schedule.name)) return { paused: 1 };
	const started_at = performance.now();
	const observe = (outcome: string) =>
		metrics?.schedules.observe({ schedule: schedule.name, outcome }, (performance.now() - started_at) / 1000);
	try {
		const result = await schedule.run({ ...context, log });
		log.debug({ ...result, duration_ms: Math.round(performance.now() - started_at) }, "schedule ran");
		desk.count(schedule.name, "completed");
		observe("completed");
		return result;
	} catch (error) {
		desk.count(schedule.name, "failed");
		observe("failed");
		log.error({ err: error }, "schedule failed");
		const disk_full = diskFullAlert(error);
		if (disk_full !== null) await raiseAlert(context.database, disk_full).catch(() => {});
		await raiseAlert(context.database, failedScheduleAlert(schedule.name, (error as Error).message)).catch(
			(cause: unknown) => log.error({ err: cause }, "the alert of a failed schedule could not be raised"),
		);
		throw error;
	}
}

/** Offers a job at every beat of the period (by this process's clock); the slot is the database's. */
function tick(boss: PgBoss, name: string, every_seconds: number, log: Logger): () => void {
	const period_ms = every_seconds * 1000;
	let timer: NodeJS.Timeout;
	const arm = () => {
		timer = setTimeout(offer, period_ms - (Date.now() % period_ms));
	};
	const offer = () => {
		boss
			.send(name, null, { singletonSeconds: every_seconds })
			.catch((error: unknown) => log.warn({ err: error, schedule: name }, "a run could not be offered"));
		arm();
	};
	arm();
	return () => clearTimeout(timer);
}

async function ensureQueue(
	boss: PgBoss,
	name: string,
	options: Parameters<PgBoss["createQueue"]>[1] & { policy: string },
): Promise<void> {
	await boss.createQueue(name, options);
	// An existing queue keeps its old options; its policy cannot be changed.
	const { policy: _, ...changeable } = options;
	await boss.updateQueue(name, changeable);
}

/** A schedule taken out of the table must not go on sending jobs that nobody works off. */
async function forgetOthers(boss: PgBoss, schedules: readonly Schedule[]): Promise<void> {
	const known = new Set(schedules.filter(({ when }) => "cron" in when).map(({ name }) => name));
	for (const { name, key } of await boss.getSchedules()) {
		if (!known.has(name)) await boss.unschedule(name, key);
	}
}
