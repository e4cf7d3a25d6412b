import type { AlertInput } from "../db/client/operations.ts";

/** What PostgreSQL says when a file cannot grow. */
const DISK_FULL = "53100";

/** One open alert for the trouble, beside those of the jobs that it hits; null where the error is another. */
export function diskFullAlert(error: unknown): AlertInput | null {
	if ((error as { code?: unknown } | null)?.code !== DISK_FULL) return null;
	return {
		kind: "disk_full",
		severity: "critical",
		message:
			"The database's disk is full. Payments are refused until there is room; nothing that was accepted is lost.",
		details: { reason: (error as Error).message },
		dedupe_key: "disk_full",
	};
}

/** One open alert a task: its count says how many jobs. */
export function failedJobAlert(task: string, job_id: string, reason: string): AlertInput {
	return {
		kind: "job_failed",
		severity: "critical",
		message: `A job of the task ${task} failed: ${reason}`,
		details: { task, job_id },
		dedupe_key: `job_failed:${task}`,
	};
}

/** One open alert a schedule. */
export function failedScheduleAlert(schedule: string, reason: string): AlertInput {
	return {
		kind: "schedule_failed",
		severity: "warning",
		message: `The schedule ${schedule} failed: ${reason}`,
		details: { schedule },
		dedupe_key: `schedule_failed:${schedule}`,
	};
}
