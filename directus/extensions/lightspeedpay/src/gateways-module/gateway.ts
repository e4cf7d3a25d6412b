/** A gateway as the desk shows it. Amounts in paise; without volume and limit for who may not see them. */
export interface Figures {
	is_active: boolean;
	priority: number;
	weight: number;
	monthly_limit?: number | null;
	volume?: number;
	success_rate: number;
	outcomes: number;
	/** In the last closed hour, where that is worth an alert. */
	points_under_last_week: number | null;
	circuit: "closed" | "open" | "half_open";
	probe_share: number | null;
	cooldowns_in_row: number;
	cooldown_until: string | null;
	used_this_minute: number;
	max_rpm: number | null;
	last_used_at: string | null;
	last_response_code: number | null;
}

export interface Gateway {
	gateway_id: string;
	name: string;
	provider: string;
	client_id: string;
	company_name: string;
	rotation_mode: string;
	cooldown_seconds: number;
	active_gateways: number;
	figures: Figures;
	sparkline: number[];
	/** What the PSP has kept in 30 days, paise; null: no report is known, or it is not for this person. */
	fees?: { fee: number; tax: number; effective_percent: number | null } | null;
	read_at: string;
}

export interface Desk {
	gateways: Gateway[];
	next: string | null;
	may_edit: boolean;
	may_plan: boolean;
}

export interface LogEntry {
	id: string;
	at: string;
	kind: "skipped" | "cooled_down" | "returned" | "recovered" | "cleared" | "activated" | "deactivated";
	client_id: string;
	company_name: string;
	gateway_id: string;
	gateway: string;
	details?: { reason?: string; response_code?: number | null; until?: string; full?: boolean };
	transaction_id?: string;
	order_id?: string;
	skipped?: { gateway_id: string; gateway: string; reason: string }[];
	skipped_count?: number;
}

export type Tone = "good" | "busy" | "warning" | "bad" | "idle";
type Say = (english: string, hindi: string) => string;

export function healthOf(say: Say, figures: Figures): { tone: Tone; text: string } {
	if (!figures.is_active) return { tone: "idle", text: say("Switched off", "बंद") };
	if (figures.circuit === "open") return { tone: "warning", text: say("Cooling down", "विराम में") };
	if (figures.circuit === "half_open") {
		return figures.probe_share === null
			? { tone: "busy", text: say("On trial, one at a time", "परख में, एक-एक करके") }
			: {
					tone: "busy",
					text: say(`On trial, ${figures.probe_share * 100} % share`, `परख में, ${figures.probe_share * 100} % हिस्सा`),
				};
	}
	if (figures.last_used_at === null) return { tone: "idle", text: say("Not used yet", "अभी उपयोग नहीं") };
	const rate = figures.success_rate.toLocaleString("en-IN", { maximumFractionDigits: 1 });
	const points = figures.points_under_last_week;
	if (points !== null) {
		const text = say(`${rate} %, ${points} under last week`, `${rate} %, पिछले सप्ताह से ${points} कम`);
		return { tone: "warning", text };
	}
	return { tone: rateTone(figures.success_rate), text: say(`${rate} % successful`, `${rate} % सफल`) };
}

export const rateTone = (rate: number): "good" | "warning" | "bad" =>
	rate >= 80 ? "good" : rate >= 50 ? "warning" : "bad";

/** Why a gateway cools down: what the adapters call it. */
export function failureReason(say: Say, reason: string): string {
	const words: Record<string, string> = {
		rate_limited: say("the provider wants fewer requests", "प्रदाता कम अनुरोध चाहता है"),
		psp_unavailable: say("the provider is not available", "प्रदाता उपलब्ध नहीं"),
		timed_out: say("the provider did not answer in time", "प्रदाता ने समय पर उत्तर नहीं दिया"),
		unreadable_answer: say("the provider's answer could not be read", "प्रदाता का उत्तर पढ़ा नहीं गया"),
		authentication_failed: say("the provider refused the credentials", "प्रदाता ने पहचान अस्वीकार की"),
	};
	return words[reason] ?? reason.replaceAll("_", " ");
}
