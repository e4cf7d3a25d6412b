/** What a run of a job learns while it runs: which payment it is about, and which calls it made. */
import { AsyncLocalStorage } from "node:async_hooks";
import type { FinishedSpan } from "../telemetry/tracing.ts";
import type { JobLog } from "./log.ts";

export interface JobScope {
	log: JobLog;
	/** Null while it is not known. */
	transaction_id: string | null;
	calls: FinishedSpan[];
}

const scopes = new AsyncLocalStorage<JobScope>();

export function runInScope<Result>(scope: JobScope, run: () => Result): Result {
	return scopes.run(scope, run);
}

export const currentScope = (): JobScope | undefined => scopes.getStore();

/** A log whose every line names these rows. From here on the job's trace and what others say of it name them as well. */
export function about(log: JobLog, ids: { transaction_id?: string | null; [id: string]: unknown }): JobLog {
	const named = log.child(ids);
	const scope = currentScope();
	if (scope !== undefined) {
		scope.log = named;
		scope.transaction_id = ids.transaction_id ?? scope.transaction_id;
	}
	return named;
}
