/** A merchant's commission account, as the endpoint answers it. Paise. */
export interface CommissionAccount {
	client_id: string;
	company_name: string;
	gstin: string | null;
	status: "active" | "suspended" | "disabled";
	fee_percent: number;
	balance_due: number;
	entry_count: number;
	suspend_threshold: number | null;
	warn_threshold: number | null;
	is_refused: boolean;
	/** The newest payout or settlement by hand. */
	last_settlement: { amount: number; at: string } | null;
	/** Credit notes too. */
	invoices: { issued: number; drawn: number };
	adjustment_limit: number;
	adjustments: CommissionAdjustment[];
	suspension: { at: string; by: string; reason: string } | null;
	/** Names of the people in it, by their id. */
	people: Record<string, string>;
}

export interface CommissionAdjustment {
	id: string;
	amount: number;
	reason: string;
	status: "proposed" | "approved" | "rejected" | "withdrawn";
	proposed_by: string;
	created_at: string;
}
