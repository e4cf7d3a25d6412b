import { callValue, type Queryable } from "./call.ts";

/** What the database knows of the whole system; null: nothing yet. */
export interface DatabaseFigures {
	queues: {
		queue: string;
		waiting: number;
		scheduled: number;
		active: number;
		failed: number;
		dead: number;
		oldest_waiting_seconds: number;
	}[];
	worker_silence_seconds: number | null;
	payment_overdue_seconds: number | null;
	webhook_oldest_untried_seconds: number | null;
	ledger_violations: number | null;
	backup_age_seconds: number | null;
	restore_test_age_seconds: number | null;
	/** Not resolved, by severity. */
	alerts: Record<string, number>;
	/** How many have an open alert that their payments succeed less often than a week ago. */
	gateways_under_last_week: number;
	/** Of the last hour, by provider. */
	gateways: { provider: string; succeeded: number; failed: number }[];
	buffer_hits: number;
	buffer_reads: number;
}

export function readMetrics(database: Queryable): Promise<DatabaseFigures> {
	return callValue(database, "read_metrics", "select public.read_metrics() as value", []);
}
