/**
 * Reads the CSV files that Indian banks let their customers download, and finds the credits in them. Pure: bytes in, lines
 * out. HDFC, ICICI, SBI, Axis and Kotak were looked at; other banks' files are read as far as their columns have the usual
 * names. What is not certain is not guessed: a line that cannot be read is an error with its number, and a credit in
 * which two numbers could be the UTR has none.
 */

import { type Info, parse } from "csv-parse/sync";
import { payerIn, utrIn } from "./narration.ts";
import { amountColumns, findHeader, type Header, type HeaderSearch, MAX_LETTERHEAD_LINES } from "./statement-header.ts";

export interface StatementCredit {
	/** Of the file, beginning with 1. */
	line_no: number;
	/** YYYY-MM-DD, as the bank booked it. */
	credited_on: string;
	/** Integer paise. */
	amount: number;
	/** The twelve digits by which NPCI and both banks know a UPI or IMPS payment; also called RRN. */
	utr: string | null;
	/** The payer's VPA. */
	payer: string | null;
	narration: string;
}

export type StatementLineProblem =
	/** More cells than columns, as from an amount with commas that was not quoted, or too few to have amounts. */
	| "columns_differ"
	| "date_unreadable"
	| "amount_unreadable"
	/** The line has a debit and a credit. */
	| "two_amounts"
	/** There is one column of amounts, and the line does not say which way its amount went. */
	| "direction_unknown";

export interface StatementLineError {
	line_no: number;
	code: StatementLineProblem;
	message: string;
}

export type StatementRefusal =
	| "empty"
	| "too_large"
	| "too_many_lines"
	| "not_text"
	| "not_csv"
	| "no_header"
	| "no_credit_column";

export type StatementResult =
	| {
			outcome: "read";
			credits: StatementCredit[];
			errors: StatementLineError[];
			/** Lines with money that went out. */
			debit_count: number;
	  }
	| { outcome: "refused"; code: StatementRefusal; message: string };

export const MAX_STATEMENT_BYTES = 5 * 1024 * 1024;
export const MAX_STATEMENT_LINES = 50_000;
const MAX_NARRATION = 500;

interface Line {
	line_no: number;
	cells: string[];
}

export function parseBankStatement(content: Uint8Array): StatementResult {
	if (content.byteLength > MAX_STATEMENT_BYTES) {
		return refuse("too_large", `The file is larger than ${MAX_STATEMENT_BYTES / 1024 / 1024} MB: split it by days`);
	}
	const text = decode(content);
	if (text === null) {
		return refuse("not_text", "This is no text file. In Excel, choose “Save as” and “CSV UTF-8”");
	}
	if (text.trim() === "") return refuse("empty", "The file is empty");

	const table = findTable(text);
	if ("outcome" in table) return table;
	const { header, lines } = table;
	const credits: StatementCredit[] = [];
	const errors: StatementLineError[] = [];
	let debit_count = 0;
	for (const line of lines) {
		if (END.test(firstWords(line))) break;
		const reading = readLine(line, header);
		if (reading.kind === "credit") credits.push(reading.credit);
		else if (reading.kind === "problem") errors.push({ line_no: line.line_no, ...reading.problem });
		else if (reading.kind === "debit") debit_count += 1;
	}
	return { outcome: "read", credits, errors, debit_count };
}

/** The separator is the one by which a line of column names comes out; SBI's ".xls" files are text with tabs. */
function findTable(text: string): { header: Header; lines: Line[] } | (StatementResult & { outcome: "refused" }) {
	let nearest: HeaderSearch = { outcome: "not_found" };
	let is_csv = false;
	for (const delimiter of [",", "\t", ";", "|"]) {
		const head = split(text, delimiter, MAX_LETTERHEAD_LINES);
		if (head === null) continue;
		const search = findHeader(head.map(({ cells }) => cells));
		if (search.outcome === "found") {
			const lines = split(text, delimiter, MAX_STATEMENT_LINES + 1);
			if (lines === null) break;
			if (lines.length > MAX_STATEMENT_LINES) {
				return refuse("too_many_lines", `The file has more than ${MAX_STATEMENT_LINES} lines: split it by days`);
			}
			return { header: search.header, lines: lines.slice(search.index + 1) };
		}
		is_csv = true;
		if (search.outcome === "no_credit_column") nearest = search;
	}
	if (!is_csv) return refuse("not_csv", "The file breaks off inside a quotation: download it again");
	if (nearest.outcome === "no_credit_column") {
		return refuse(
			"no_credit_column",
			`The columns (${nearest.columns.join(", ")}) hold no credits. One must be called Credit, Deposit or Amount`,
		);
	}
	return refuse(
		"no_header",
		"No line names the columns. One of the first lines must name a date, a narration (or description, remarks) and a credit",
	);
}

function split(text: string, delimiter: string, max_lines: number): Line[] | null {
	try {
		const records = parse(text, {
			delimiter,
			info: true,
			to: max_lines,
			trim: true,
			relax_column_count: true,
			relax_quotes: true,
			skip_empty_lines: false,
		}) as unknown as { record: string[]; info: Info }[];
		let previous = 0;
		return records.map(({ record, info }) => {
			// A quoted cell may go over several lines; the first is where a person would look.
			const line_no = previous + 1;
			previous = info.lines;
			return { line_no, cells: record.map(cleanCell) };
		});
	} catch {
		return null;
	}
}

/** Excel exports guard long numbers with ="…" or a leading apostrophe. */
function cleanCell(cell: string): string {
	return cell
		.trim()
		.replace(/^="(.*)"$/s, "$1")
		.replace(/^'/, "")
		.replace(/[\p{Cc}\s]+/gu, " ")
		.trim();
}

function decode(content: Uint8Array): string | null {
	const [first, second] = content;
	const utf16 = first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : null;
	const text = utf16 === null ? decodeBytes(content) : new TextDecoder(utf16).decode(content);
	// Excel's own formats are full of these, and no text has them.
	return text.includes("\0") ? null : text;
}

function decodeBytes(content: Uint8Array): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(content);
	} catch {
		return new TextDecoder("windows-1252").decode(content);
	}
}

/** Lines of totals have amounts in the same columns, and are no bookings. */
const TOTAL = /^\W*(\w+ )?total\b|^\W*(opening|closing) balance\b/i;
/** What follows the bookings has columns of its own. */
const END = /^\W*(statement|transaction) summary\b|^\W*end of (the )?statement\b/i;

/** In the first cell that has something: a date or a running number in bookings, so nothing a payer could write. */
function firstWords({ cells }: Line): string {
	return cells.find((cell) => cell !== "") ?? "";
}

type Reading =
	| { kind: "credit"; credit: StatementCredit }
	| { kind: "debit" }
	| { kind: "problem"; problem: Omit<StatementLineError, "line_no"> }
	/** No booking: a total, a legend, asterisks. */
	| { kind: "none" };

function readLine(line: Line, header: Header): Reading {
	const { line_no, cells } = line;
	const cell = (column: number | null) => (column === null ? "" : (cells[column] ?? ""));
	if (TOTAL.test(firstWords(line))) return { kind: "none" };

	const booking = readAmounts(cells, header);
	const date_cell = cell(header.date) || cell(header.value_date);
	const credited_on = readDate(date_cell);
	if (credited_on !== null && !fits(cells, header)) {
		return problem("columns_differ", "The line has more cells or fewer than there are columns");
	}
	if (booking === "nothing") return { kind: "none" };
	// Below the bookings come legends and addresses, with words wherever the commas in them lead.
	if (booking === "unreadable" && credited_on === null && !looksLikeDate(date_cell)) return { kind: "none" };
	if (booking === "unreadable") {
		const words = amountColumns(header).map(cell).filter(Boolean).join(" | ");
		return problem("amount_unreadable", `“${shown(words)}” is no amount`);
	}
	if (booking === "both") return problem("two_amounts", "The line has a debit and a credit");
	if (booking === "direction_unknown") {
		return problem("direction_unknown", "The line does not say whether its amount is a credit or a debit");
	}
	if (booking.direction === "debit") return { kind: "debit" };
	if (credited_on === null) return problem("date_unreadable", `“${shown(date_cell)}” is no date`);
	const narration = cell(header.narration);
	return {
		kind: "credit",
		credit: {
			line_no,
			credited_on,
			amount: booking.amount,
			utr: utrIn(narration, header.references.map(cell)),
			payer: payerIn(narration),
			narration: narration.slice(0, MAX_NARRATION),
		},
	};
}

function fits(cells: string[], header: Header): boolean {
	return cells.length > Math.max(...amountColumns(header)) && cells.slice(header.width).every((cell) => cell === "");
}

function problem(code: StatementLineProblem, message: string): Reading {
	return { kind: "problem", problem: { code, message } };
}

type Booking =
	| { direction: "credit" | "debit"; amount: number }
	| "nothing"
	| "unreadable"
	| "both"
	| "direction_unknown";

function readAmounts(cells: string[], header: Header): Booking {
	const { amounts } = header;
	const at = (column: number | null) => readAmount(column === null ? "" : (cells[column] ?? ""));
	if (amounts.kind === "columns") {
		const credit = at(amounts.credit);
		const debit = at(amounts.debit);
		if (credit === null || debit === null) return "unreadable";
		// A booking taken back stands in its own column with a minus; nobody but a person can say what it means.
		if (credit.paise < 0 || debit.paise < 0) return "unreadable";
		if (credit.mark === "debit" || debit.mark === "credit") return "unreadable";
		if (credit.paise > 0 && debit.paise > 0) return "both";
		if (credit.paise > 0) return { direction: "credit", amount: credit.paise };
		return debit.paise > 0 ? { direction: "debit", amount: debit.paise } : "nothing";
	}
	const amount = at(amounts.amount);
	if (amount === null) return "unreadable";
	if (amount.paise === 0) return "nothing";
	const words = amounts.direction === null ? "" : (cells[amounts.direction] ?? "");
	const direction = amount.mark ?? directionOf(words);
	if (direction === null) return "direction_unknown";
	if (amount.paise < 0 && direction === "credit") return "unreadable";
	return { direction, amount: Math.abs(amount.paise) };
}

function directionOf(words: string): "credit" | "debit" | null {
	const letters = words.toLowerCase().replace(/[^a-z+-]/g, "");
	if (/^(c|cr|credit|deposit|\+)$/.test(letters)) return "credit";
	if (/^(d|dr|debit|withdrawal|-)$/.test(letters)) return "debit";
	return null;
}

/**
 * Rupees to paise on the digits, since 1234.10 × 100 is not 123410 in floating point. Empty cells and dashes are zero; null is
 * something that is no amount. Groups must be Indian or western and end in three digits: "1,23" could be a decimal comma.
 */
export function readAmount(cell: string): { paise: number; mark: "credit" | "debit" | null } | null {
	const match = /^(?:₹|rs\.?|inr)?\s*([+-]?)\s*(?:₹|rs\.?|inr)?\s*(.*?)\s*\(?(cr|dr)?\.?\)?$/i.exec(cell.trim());
	const [, sign = "", digits = "", mark] = match ?? [];
	const direction = mark === undefined ? null : mark.toLowerCase() === "cr" ? "credit" : "debit";
	if (/^(-*|na|n\/a|nil)$/i.test(digits)) return sign === "+" || direction !== null ? null : { paise: 0, mark: null };
	const number = /^(\d+|\d{1,3}(?:,\d{2,3})*,\d{3})(?:\.(\d{0,2})0*)?$/.exec(digits);
	if (number === null) return null;
	const paise = Number(number[1]!.replaceAll(",", "") + (number[2] ?? "").padEnd(2, "0"));
	if (!Number.isSafeInteger(paise)) return null;
	return { paise: sign === "-" ? -paise : paise, mark: direction };
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Day before month, as all Indian banks write; a time of day may follow. */
export function readDate(cell: string): string | null {
	const [, iso_year, iso_month, iso_day] = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)/.exec(cell) ?? [];
	if (iso_year !== undefined) return calendarDate(iso_year, Number(iso_month), iso_day!);
	const match = /^(\d{1,2})[-/. ]+(\d{1,2}|[a-z]{3,9})[-/., ]+(\d{4}|\d{2})(?!\d)/i.exec(cell);
	if (match === null) return null;
	const [, day, month, year] = match as unknown as [string, string, string, string];
	const number = /^\d/.test(month) ? Number(month) : MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1;
	return calendarDate(year.length === 2 ? `20${year}` : year, number, day);
}

function calendarDate(year: string, month: number, day: string): string | null {
	const iso = `${year}-${String(month).padStart(2, "0")}-${day.padStart(2, "0")}`;
	const time = Date.parse(`${iso}T00:00:00Z`);
	// 31 February is no day, whatever the parser makes of it.
	return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== iso ? null : iso;
}

function looksLikeDate(cell: string): boolean {
	return /^\d{1,4}[-/. ](\d{1,2}|[a-z]{3,9})[-/. ]\d{1,4}/i.test(cell);
}

function shown(cell: string): string {
	return cell.slice(0, 60);
}

function refuse(code: StatementRefusal, message: string): StatementResult & { outcome: "refused" } {
	return { outcome: "refused", code, message };
}
