/** As the endpoint answers. */
export interface Queue {
	queue: string;
	kind: "task" | "schedule";
	period: string | null;
	is_discardable: boolean;
	is_pausable: boolean;
	waiting: number;
	scheduled: number;
	active: number;
	failed: number;
	dead: number;
	oldest_waiting_seconds: number;
	completed: number;
	completed_last_hour: number;
	failed_tries_last_hour: number;
	completed_at: string | null;
	paused: { reason: string; by: string; at: string } | null;
}

export interface Monitor {
	worker_pools: number;
	is_capped: boolean;
	may_act: boolean;
	queues: Queue[];
}

export interface History {
	at: number[];
	waiting: number[];
	active: number[];
	failed: number[];
	dead: number[];
	completed_a_minute: (number | null)[];
}

export interface Job {
	id: string;
	/** What it is about. */
	ids: Record<string, string>;
	attempts: number;
	max_attempts: number;
	last_error: string | null;
	created_at: string;
	failed_at: string;
	next_try_at: string | null;
}

export const addUp = (
	queues: readonly Queue[],
	state: "waiting" | "active" | "failed" | "dead" | "completed_last_hour",
) => queues.reduce((sum, queue) => sum + queue[state], 0);
