/** What the page of checkout settings changes of a client. Amounts in paise; null is "no limit". */
export interface Settings {
	rotation_mode: string;
	max_rpm_per_gateway: number | null;
	cooldown_seconds: number | null;
	payment_expiry_seconds: number | null;
	max_transaction_amount: number | null;
	daily_count_cap: number | null;
	daily_amount_cap: number | null;
	monthly_amount_cap: number | null;
	theme_color: string | null;
	logo_sha256: string | null;
}

export const FIELDS = [
	"rotation_mode",
	"max_rpm_per_gateway",
	"cooldown_seconds",
	"payment_expiry_seconds",
	"max_transaction_amount",
	"daily_count_cap",
	"daily_amount_cap",
	"monthly_amount_cap",
	"theme_color",
	"logo_sha256",
] as const satisfies (keyof Settings)[];

export const AMOUNTS = ["max_transaction_amount", "daily_amount_cap", "monthly_amount_cap"] as const;

/** The page's own, where a merchant has none. */
export const OWN_COLOR = "#1f2b60";

/** Directus writes a bigint as text. */
export function readSettings(row: Record<string, unknown>): Settings {
	const settings = Object.fromEntries(FIELDS.map((field) => [field, row[field] ?? null])) as unknown as Settings;
	for (const field of AMOUNTS) {
		if (settings[field] !== null) settings[field] = Number(settings[field]);
	}
	return settings;
}

/** What differs from what is saved. */
export function changesOf(saved: Settings, now: Settings): Partial<Settings> {
	return Object.fromEntries(FIELDS.filter((field) => saved[field] !== now[field]).map((field) => [field, now[field]]));
}
