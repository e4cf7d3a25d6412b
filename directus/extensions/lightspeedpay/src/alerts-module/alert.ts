/** As the endpoint answers. */
export type Severity = "critical" | "warning" | "info";
export type Status = "open" | "acknowledged" | "resolved";
export type AlertAction = "acknowledge" | "resolve" | "silence" | "end-silence";

export interface Alert {
	id: string;
	kind: string;
	severity: Severity;
	status: Status;
	message: string;
	details: Record<string, unknown>;
	client_id: string | null;
	client: string | null;
	count: number;
	first_at: string;
	last_at: string;
	notified_at: string | null;
	acknowledged_at: string | null;
	acknowledged_by: string | null;
	resolved_at: string | null;
	/** Null: by itself. */
	resolved_by: string | null;
	note: string | null;
	silence: { until: string; by: string; reason: string } | null;
}

export interface AlertPage {
	critical: number;
	warning: number;
	info: number;
	acknowledged: number;
	silenced: number;
	alerts: Alert[];
	next: string | null;
	may_act: boolean;
}

export interface Step {
	at: string;
	by: string;
	action: string;
	reason: string | null;
	until: string | null;
}
