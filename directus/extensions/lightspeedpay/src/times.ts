/** Times and days as people here read them: on India's clock, wherever the browser is. */

export const INDIA = "Asia/Kolkata";
const OFFSET = "+05:30";
const DAY_MS = 86_400_000;

/** Ways to write a moment in a language; what is not there is a dash. */
export function timesIn(language: string) {
	const as = (options: Intl.DateTimeFormatOptions) => (moment: string | Date | null | undefined) =>
		moment ? new Intl.DateTimeFormat(language, { ...options, timeZone: INDIA }).format(new Date(moment)) : "–";
	const minuteOfDay = as({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
	const minuteOfAnotherDay = as({
		day: "numeric",
		month: "short",
		hour: "2-digit",
		minute: "2-digit",
		hourCycle: "h23",
	});
	return {
		month: as({ month: "long", year: "numeric" }),
		day: as({ dateStyle: "medium" }),
		minute: as({ dateStyle: "medium", timeStyle: "short" }),
		second: as({ dateStyle: "medium", timeStyle: "medium" }),
		/** Of the months around today, where there is little room. */
		dayOfYear: as({ day: "numeric", month: "short" }),
		minuteOfYear: as({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
		minuteOfDay,
		/** The day too, where it is not today. */
		minuteOfRecent: (moment: string, now = Date.now()) =>
			(today(Date.parse(moment)) === today(now) ? minuteOfDay : minuteOfAnotherDay)(moment),
		secondOfDay: as({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }),
	};
}

/** Today in India, as a field for a date takes it. */
export const today = (now = Date.now()): string => new Intl.DateTimeFormat("en-CA", { timeZone: INDIA }).format(now);

/** When a day ("2026-11-21") begins in India, or one that much later. */
export const startOfDay = (day: string, later = 0): string =>
	new Date(Date.parse(`${day}T00:00:00${OFFSET}`) + later * DAY_MS).toISOString();

/** What a field for date and time holds ("2026-11-21T14:30"), as a moment; null when it is empty. */
export const fromIndianClock = (entered: string): string | null =>
	entered === "" ? null : new Date(`${entered}${OFFSET}`).toISOString();

/** What is left of a time, e.g. "4:05" or "1:04:05". */
export function formatLeft(seconds: number): string {
	const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
	const pad = (value: number) => String(value).padStart(2, "0");
	return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
