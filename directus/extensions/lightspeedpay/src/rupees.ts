const FORMAT = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Paise, as a number or as the text Directus makes of a bigint, to "₹1,23,456.78". */
export function formatRupees(paise: unknown): string | null {
	if (paise === null || paise === undefined || paise === "") return null;
	const value = Number(paise);
	if (!Number.isSafeInteger(value)) return String(paise);
	return `${value < 0 ? "−" : ""}₹${FORMAT.format(Math.abs(value) / 100)}`;
}

/** "1,23,456.7" to 12345670; null for nothing, undefined for what is no amount. */
export function parseRupees(text: string): number | null | undefined {
	const plain = text.replaceAll(/[₹,\s]/g, "");
	if (plain === "") return null;
	const match = /^(\d{1,13})(?:\.(\d{0,2}))?$/.exec(plain);
	if (match === null) return undefined;
	return Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
}
