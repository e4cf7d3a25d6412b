/** PayU writes money as decimal rupees in text, and now and then as a JSON number: "10", "10.0", "10.00", "239.6000", 2.00. */

/** The one way we write it. Paise are integers. */
export function rupeesOf(paise: number): string {
	return `${Math.floor(paise / 100)}.${String(paise % 100).padStart(2, "0")}`;
}

/** Exactly what is written; null for what is no amount, or has a fraction of a paisa. */
export function paiseOf(rupees: unknown): number | null {
	const units = tenThousandthsOf(rupees);
	return units === null || units % 100 !== 0 ? null : units / 100;
}

/** For fees and taxes, which PayU states to a hundredth of a paisa: the sum, rounded once. */
export function roundedPaiseOf(...rupees: unknown[]): number | null {
	const units = rupees.map(tenThousandthsOf);
	return units.some((part) => part === null)
		? null
		: Math.round(units.reduce<number>((sum, part) => sum + part!, 0) / 100);
}

/** By the digits, not by arithmetic on a fraction, which would lose a paisa here and there. */
function tenThousandthsOf(rupees: unknown): number | null {
	const text = typeof rupees === "number" ? String(rupees) : typeof rupees === "string" ? rupees.trim() : "";
	const match = /^(-?)(\d{1,11})(?:\.(\d{1,4})0*)?$/.exec(text);
	if (match === null) return null;
	const [, sign, whole, fraction = ""] = match;
	const units = Number(whole) * 10_000 + Number(fraction.padEnd(4, "0"));
	return sign === "-" && units !== 0 ? -units : units;
}
