/** How a merchant is collected from, as the endpoint answers it. Paise. */
export interface Collection {
	account: CollectionSettings | null;
	webhook_url: string;
	last_night: { night: string; swept_at: string; payouts: number; amount: number } | null;
	payouts: Payout[];
	has_more: boolean;
}

export interface CollectionSettings {
	provider: "razorpay" | "cashfree";
	api_key: string;
	source_account: string | null;
	destination: string;
	mode: string;
	threshold: number;
	is_enabled: boolean;
	egress_group: string | null;
	has_webhook_secret: boolean;
	updated_at: string;
}

export interface Payout {
	id: string;
	collected_for: string;
	kind: "nightly" | "asked";
	amount: number;
	provider: "razorpay" | "cashfree";
	status: "queued" | "processing" | "processed" | "reversed" | "failed";
	/** Nothing ends it by itself: somebody says what came. */
	is_held_up: boolean;
	psp_status: string | null;
	psp_payout_id: string | null;
	bank_reference: string | null;
	error_code: string | null;
	error_message: string | null;
	asked_by: string | null;
	reason: string | null;
	created_at: string;
}

export const PROVIDER_NAMES = { razorpay: "RazorpayX", cashfree: "Cashfree Payouts" } as const;
