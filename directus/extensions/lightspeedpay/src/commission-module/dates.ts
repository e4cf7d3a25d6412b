import { useLanguage } from "../language.ts";

/** Days and months in the person's language, in India's time. */
export function useDates() {
	const { say } = useLanguage();
	const written = (value: string, options: Intl.DateTimeFormatOptions) =>
		new Date(value).toLocaleString(say("en-IN", "hi-IN"), { timeZone: "Asia/Kolkata", ...options });
	return {
		day: (iso: string) => written(iso, { dateStyle: "medium" }),
		moment: (iso: string) => written(iso, { dateStyle: "medium", timeStyle: "short" }),
		month: (iso: string) => written(iso, { month: "long", year: "numeric" }),
		/** Today in India, as a date field takes it. */
		today: () => new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" }).format(new Date()),
	};
}
