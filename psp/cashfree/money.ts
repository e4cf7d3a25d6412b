/**
 * Cashfree counts in rupees, written as a decimal number; we count in paise. Both ways go over the digits: a product of
 * floating numbers (1.15 * 100 is 114.99999999999999) would be off.
 */

const DECIMAL = /^(-?)(\d{1,14})(?:\.(\d+))?$/;

/** Null when it is no number of rupees and whole paise. */
export function paiseOf(rupees: unknown): number | null {
	const digits = digitsOf(rupees);
	return digits === null || /[1-9]/.test(digits.beyond) ? null : paiseFrom(digits, 0);
}

/** To the nearest paisa: charges and the tax on them are stated with more digits now and then. */
export function nearestPaiseOf(rupees: unknown): number | null {
	const digits = digitsOf(rupees);
	return digits === null ? null : paiseFrom(digits, digits.beyond >= "5" ? 1 : 0);
}

/** The number whose JSON is exactly these paise in rupees; null when a JSON number cannot hold them. */
export function rupeesOf(paise: number): number | null {
	if (!Number.isSafeInteger(paise) || paise < 0) return null;
	const rupees = Number(`${Math.trunc(paise / 100)}.${String(paise % 100).padStart(2, "0")}`);
	return paiseOf(rupees) === paise ? rupees : null;
}

interface Digits {
	sign: 1 | -1;
	whole: string;
	hundredths: string;
	/** What follows the second decimal. */
	beyond: string;
}

function digitsOf(rupees: unknown): Digits | null {
	if (typeof rupees !== "number" && typeof rupees !== "string") return null;
	const match = DECIMAL.exec(String(rupees));
	if (match === null) return null;
	const [, minus, whole, fraction = ""] = match as unknown as [string, string, string, string | undefined];
	return {
		sign: minus === "" ? 1 : -1,
		whole,
		hundredths: fraction.slice(0, 2).padEnd(2, "0"),
		beyond: fraction.slice(2),
	};
}

function paiseFrom({ sign, whole, hundredths }: Digits, carry: 0 | 1): number | null {
	const paise = Number(`${whole}${hundredths}`) + carry;
	if (!Number.isSafeInteger(paise)) return null;
	return paise === 0 ? 0 : sign * paise;
}
