/** A report's answer for people (rupees), for spreadsheets and for programs (paise, as the columns' names say). */
import { formatPaise } from "../jobs/invoices/rupees.ts";
import type { ReportAnswer } from "./reports.ts";

export const REPORT_FORMATS = ["table", "csv", "json"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

type Value = string | number | null;

export function formatReport(answer: ReportAnswer, format: ReportFormat): string {
	if (format === "json") return `${JSON.stringify(answer.rows, null, 2)}\n`;
	return format === "csv" ? formatCsv(answer) : formatTable(answer);
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it. */
function formatCsv({ columns, rows }: ReportAnswer): string {
	const cell = (value: Value) => {
		if (value === null) return "";
		if (typeof value === "number") return String(value);
		const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
		return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
	};
	return [columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))]
		.map((line) => `${line.map(cell).join(",")}\r\n`)
		.join("");
}

function formatTable({ columns, rows }: ReportAnswer): string {
	const title = (column: string) =>
		column
			.replace(/_paise$/, " ₹")
			.replace(/_percent$/, " %")
			.replaceAll("_", " ");
	const show = (column: string, value: Value) => {
		if (value === null) return "";
		return column.endsWith("_paise") && typeof value === "number" ? formatPaise(value) : String(value);
	};
	const lines = rows.map((row) => columns.map((column) => show(column, row[column] ?? null)));
	const widths = columns.map((column, at) => Math.max(title(column).length, ...lines.map((line) => line[at]!.length)));
	const isNumber = columns.map((column) => rows.some((row) => typeof row[column] === "number"));
	const put = (line: string[]) =>
		line
			.map((text, at) => (isNumber[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
			.join("  ")
			.trimEnd();
	return `${[put(columns.map(title)), put(widths.map((width) => "─".repeat(width))), ...lines.map(put)].join("\n")}\n${
		rows.length === 0 ? "Nothing in this period.\n" : ""
	}`;
}
