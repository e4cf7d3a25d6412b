/** Comma-separated values as spreadsheets read them (RFC 4180), with a byte order mark so that they read Hindi too. */
export function toCsv(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
	return `\uFEFF${[header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** A text that a spreadsheet would take for a formula is made a text; numbers stay what they are. */
function cell(value: unknown): string {
	const text = String(value ?? "");
	const plain = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
	return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Paise to rupees for a spreadsheet: -123456 is "-1234.56". */
export function rupeesCell(paise: unknown): string {
	const digits = String(Math.abs(Number(paise))).padStart(3, "0");
	return `${Number(paise) < 0 ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
