import type { AlertInput } from "../db/client/operations.ts";

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
