import { Counter, Gauge, type Registry } from "prom-client";
import type { Queryable } from "../../../db/client/call.ts";
import { type DatabaseFigures, readMetrics } from "../../../db/client/metrics.ts";

/** Scrapes within this time share one look. */
const FRESH_MS = 5_000;
const PATIENCE_MS = 3_000;

const QUEUE_STATES = ["waiting", "scheduled", "active", "failed", "dead"] as const;

/**
 * Adds what the database knows of the whole system; every checkout process shows the same, so rules take the maximum. A
 * database that does not answer shows as database_up 0 and no figures, never as old ones.
 */
export function addDatabaseMetrics(registry: Registry, pool: Queryable): () => Promise<void> {
	const registers = [registry];
	const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
		new Gauge({ name: `lightspeedpay_${name}`, help, labelNames, registers });
	const up = gauge("database_up", "1 when the database answered this scrape");
	const jobs = gauge("queue_jobs", "Jobs of a queue, by state", ["queue", "state"]);
	const waiting = gauge("queue_oldest_waiting_seconds", "Age of a queue's oldest job that a worker could take", [
		"queue",
	]);
	const silence = gauge("worker_silence_seconds", "Since any worker last said that it is alive");
	const overdue = gauge("payment_overdue_seconds", "How long the oldest undecided payment is past its time");
	const untried = gauge("webhook_oldest_untried_seconds", "Age of the oldest event that no try was made to deliver");
	const violations = gauge("ledger_violations", "What check_invariants() found in its last run");
	const backup = gauge("backup_age_seconds", "Since the last base backup that succeeded ended");
	const restore = gauge("restore_test_age_seconds", "Since a backup was last restored and checked");
	const alerts = gauge("alerts_open", "Alerts that are not resolved", ["severity"]);
	const under = gauge("gateways_under_last_week", "Gateways whose payments succeed less often than a week ago");
	const attempts = gauge("gateway_attempts", "Attempts decided in the last hour, by what became of them", [
		"provider",
		"outcome",
	]);
	const buffers = new Counter({
		name: "lightspeedpay_database_buffer_blocks_total",
		help: "Blocks that the database needed, by whether it had them in its memory",
		labelNames: ["result"],
		registers,
	});

	const set = (each: Gauge, value: number | null) => {
		if (value === null) each.reset();
		else each.set(value);
	};
	const show = (figures: DatabaseFigures | null) => {
		up.set(figures === null ? 0 : 1);
		for (const each of [jobs, waiting, alerts, attempts, buffers]) each.reset();
		for (const queue of figures?.queues ?? []) {
			for (const state of QUEUE_STATES) jobs.set({ queue: queue.queue, state }, queue[state]);
			waiting.set({ queue: queue.queue }, queue.oldest_waiting_seconds);
		}
		for (const { provider, succeeded, failed } of figures?.gateways ?? []) {
			attempts.set({ provider, outcome: "succeeded" }, succeeded);
			attempts.set({ provider, outcome: "failed" }, failed);
		}
		if (figures !== null) {
			for (const severity of ["critical", "warning", "info"]) alerts.set({ severity }, figures.alerts[severity] ?? 0);
			buffers.inc({ result: "hit" }, figures.buffer_hits);
			buffers.inc({ result: "read" }, figures.buffer_reads);
		}
		set(silence, figures?.worker_silence_seconds ?? null);
		// None is overdue, none waits: nought, so that a rule's graph has no gaps.
		set(overdue, figures === null ? null : (figures.payment_overdue_seconds ?? 0));
		set(untried, figures === null ? null : (figures.webhook_oldest_untried_seconds ?? 0));
		set(violations, figures?.ledger_violations ?? null);
		set(under, figures?.gateways_under_last_week ?? null);
		set(backup, figures?.backup_age_seconds ?? null);
		set(restore, figures?.restore_test_age_seconds ?? null);
	};

	let last: { at: number; done: Promise<void> } | undefined;
	const refresh = async () => {
		let timer: NodeJS.Timeout | undefined;
		const late = new Promise<null>((resolve) => {
			timer = setTimeout(resolve, PATIENCE_MS, null);
		});
		show(await Promise.race([readMetrics(pool).catch(() => null), late]));
		clearTimeout(timer);
	};
	return () => {
		if (last === undefined || performance.now() - last.at > FRESH_MS) {
			last = { at: performance.now(), done: refresh() };
		}
		return last.done;
	};
}
