/** Money and time as a payer in India reads them. */
import { type Language, LOCALES } from "./languages.ts";

const TIME_ZONE = "Asia/Kolkata";

/** `amount` is in the currency's smallest unit: 12345600 INR is ₹1,23,456.00. */
export function formatAmount(amount: number, currency: string, language: Language): string {
	const format = new Intl.NumberFormat(LOCALES[language], {
		style: "currency",
		currency,
		currencyDisplay: "narrowSymbol",
		numberingSystem: "latn",
	});
	const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
	const digits = String(amount).padStart(decimals + 1, "0");
	// A decimal string instead of a division, which would round large amounts.
	const decimal = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
	return format.format(decimal as Intl.StringNumericLiteral);
}

/** 4:35 pm IST, with the day in front when that is not the day of `now`. */
export function formatMoment(moment: Date, now: Date, language: Language): string {
	const time = new Intl.DateTimeFormat(LOCALES[language], {
		timeZone: TIME_ZONE,
		numberingSystem: "latn",
		hour: "numeric",
		minute: "2-digit",
		hour12: true,
	}).format(moment);
	const day = new Intl.DateTimeFormat(LOCALES[language], {
		timeZone: TIME_ZONE,
		numberingSystem: "latn",
		day: "numeric",
		month: "short",
		year: "numeric",
	});
	const clock = `${time} IST`;
	return day.format(moment) === day.format(now) ? clock : `${day.format(moment)}, ${clock}`;
}

/** 14:05, or 1:02:09 from an hour on. */
export function formatDuration(milliseconds: number): string {
	const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
	const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
	const pad = (value: number) => String(value).padStart(2, "0");
	return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}
