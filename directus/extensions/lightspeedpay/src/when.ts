/** Times as people here read them: on India's clock, wherever the browser is. */
const INDIA = "Asia/Kolkata";

export function formatWhen(time: string | null | undefined, language: string): string {
	if (!time) return "–";
	const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", timeZone: INDIA });
	return format.format(new Date(time));
}

/** What a field for date and time holds ("2026-11-21T14:30"), as a moment; null when it is empty. */
export function fromIndianClock(entered: string): string | null {
	return entered === "" ? null : new Date(`${entered}+05:30`).toISOString();
}
