import { callRows, callValue, type Queryable } from "./call.ts";

export interface BackupOutcome {
	bytes?: number;
	wal_from?: string;
	wal_to?: string;
	details?: Record<string, unknown>;
}

/** Returns the run's id. Runs of the kind that never ended are closed as failed. */
export function beginBackup(database: Queryable, kind: "base" | "restore_test", label: string): Promise<string> {
	return callValue(database, "begin_backup", "select public.begin_backup($1, $2) as value", [kind, label]);
}

/** Without an error it succeeded, and was verified. */
export async function finishBackup(
	database: Queryable,
	id: string,
	error: string | null,
	outcome: BackupOutcome,
): Promise<void> {
	await callRows(database, "finish_backup", "select public.finish_backup($1, $2, $3)", [
		id,
		error,
		JSON.stringify(outcome),
	]);
}
