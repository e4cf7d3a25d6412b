/** A time as a PSP writes it, in seconds since 1970 or as text with its zone, as ISO 8601; null for what is none. */
export function isoTime(value: number | string | null | undefined): string | null {
	if (value === null || value === undefined || value === "") return null;
	const time = new Date(typeof value === "number" ? value * 1000 : value);
	return Number.isNaN(time.getTime()) ? null : time.toISOString();
}
