/** The payee's bank account as a statement, in the form in which each bank lets its customers download one. */

import { indianDate, type Transfer } from "./store.ts";

export const BANKS = ["hdfc", "icici", "sbi", "axis", "kotak", "plain"] as const;
export type Bank = (typeof BANKS)[number];

const OPENING_BALANCE = 10_000_00;
/** Every account has a debit too: whoever reads a statement must tell the two apart. */
const CHARGES = { amount: 17_70, words: "SMS CHARGES" };

interface Booking {
	/** YYYY-MM-DD. */
	date: string;
	transfer: Transfer | null;
	/** Paise. */
	debit: number;
	credit: number;
	balance: number;
}

interface Layout {
	separator: string;
	letterhead: string[][];
	columns: string[];
	row(booking: Booking, index: number): string[];
	closing: string[][];
}

export function statementOf(vpa: string, bank: Bank, credits: Transfer[]): string {
	const bookings = bookingsOf(credits);
	const { separator, letterhead, columns, row, closing } = layouts[bank](vpa, bookings);
	const lines = [...letterhead, columns, ...bookings.map(row), ...closing];
	return `${lines.map((cells) => cells.map((cell) => quoted(cell, separator)).join(separator)).join("\r\n")}\r\n`;
}

function bookingsOf(credits: Transfer[]): Booking[] {
	const first_day = indianDate(credits[0]?.credited_at ?? Date.now());
	let balance = OPENING_BALANCE - CHARGES.amount;
	const charges = { date: first_day, transfer: null, debit: CHARGES.amount, credit: 0, balance };
	const booked = credits.map((transfer) => {
		balance += transfer.amount;
		return { date: indianDate(transfer.credited_at!), transfer, debit: 0, credit: transfer.amount, balance };
	});
	return [charges, ...booked];
}

const layouts: Record<Bank, (vpa: string, bookings: Booking[]) => Layout> = {
	hdfc: (vpa, bookings) => ({
		separator: ",",
		letterhead: [["HDFC BANK Ltd."], [`Account of : ${vpa}`], []],
		columns: ["Date", "Narration", "Value Dat", "Debit Amount", "Credit Amount", "Chq/Ref Number", "Closing Balance"],
		row: ({ date, transfer, debit, credit, balance }) => [
			slashed(date, 2),
			narration(
				transfer,
				({ payer, utr }, note) => `UPI-${payer.name.toUpperCase()}-${payer.vpa}-${payer.ifsc}-${utr}-${note(30)}`,
			),
			slashed(date, 2),
			rupees(debit),
			rupees(credit),
			(transfer?.utr ?? "").padStart(16, "0"),
			rupees(balance),
		],
		closing: [
			[],
			["STATEMENT SUMMARY :-"],
			["Opening Balance", "Dr Count", "Cr Count", "Debits", "Credits", "Closing Bal"],
			[
				rupees(OPENING_BALANCE),
				"1",
				String(bookings.length - 1),
				rupees(sum(bookings, "debit")),
				rupees(sum(bookings, "credit")),
				rupees(bookings.at(-1)!.balance),
			],
		],
	}),
	icici: (vpa) => ({
		separator: ",",
		letterhead: [["DETAILED STATEMENT"], [], [`Transactions List - ${vpa} (INR)`]],
		columns: [
			"S No.",
			"Value Date",
			"Transaction Date",
			"Cheque Number",
			"Transaction Remarks",
			"Withdrawal Amount (INR )",
			"Deposit Amount (INR )",
			"Balance (INR )",
		],
		row: ({ date, transfer, debit, credit, balance }, index) => [
			String(index + 1),
			slashed(date, 4),
			slashed(date, 4),
			"-",
			narration(
				transfer,
				({ id, payer, utr }, note) =>
					`UPI/${payer.name}/${payer.vpa}/${note(30)}/${payer.bank}/${utr}/ICI${id.slice(0, 10)}/`,
			),
			grouped(debit),
			grouped(credit),
			grouped(balance),
		],
		closing: [
			[],
			["Legends Used in Account Statement"],
			["1. UPI - Unified Payments Interface, a payment from an app"],
		],
	}),
	sbi: (vpa) => ({
		separator: "\t",
		letterhead: [["Account Name", ":", vpa], ["Currency", ":", "INR"], []],
		columns: ["Txn Date", "Value Date", "Description", "Ref No./Cheque No.", "        Debit", "Credit", "Balance", ""],
		row: ({ date, transfer, debit, credit, balance }) => [
			spoken(date),
			spoken(date),
			`   ${narration(transfer, ({ payer, utr }, note) => `BY TRANSFER-UPI/CR/${utr}/${payer.name.toUpperCase()}/${payer.bank_code}/${payer.vpa}/${note(20)}`)}--`,
			transfer === null ? "" : "TRANSFER FROM 4897695162093",
			debit === 0 ? " " : grouped(debit),
			credit === 0 ? " " : grouped(credit),
			grouped(balance),
			"",
		],
		closing: [["**This is a computer generated statement and does not require a signature"]],
	}),
	axis: (vpa, bookings) => ({
		separator: ",",
		letterhead: [[`Name :- ${vpa}`], ["Statement of Account"], []],
		columns: ["Tran Date", "CHQNO", "PARTICULARS", "DR", "CR", "BAL", "SOL"],
		row: ({ date, transfer, debit, credit, balance }) => [
			dashed(date),
			"-",
			narration(
				transfer,
				({ payer, utr }, note) => `UPI/P2A/${utr}/${payer.name.toUpperCase()}/${payer.bank}/${note(25)}`,
			),
			debit === 0 ? " " : rupees(debit),
			credit === 0 ? " " : rupees(credit),
			rupees(balance),
			"123",
		],
		closing: [
			["TRANSACTION TOTAL", "", "", rupees(sum(bookings, "debit")), rupees(sum(bookings, "credit")), "", ""],
			[],
			["Unless the constituent notifies the bank immediately, it will be taken as correct, by him."],
		],
	}),
	kotak: (vpa, bookings) => ({
		separator: ",",
		letterhead: [[vpa], []],
		columns: ["Sl. No.", "Date", "Description", "Chq / Ref number", "Amount", "Dr / Cr", "Balance", "Dr / Cr"],
		row: ({ date, transfer, debit, credit, balance }, index) => [
			String(index + 1),
			slashed(date, 4),
			narration(transfer, ({ payer, utr }, note) => `UPI/${payer.name.toUpperCase()}/${utr}/${note(25)}`),
			transfer === null ? "" : `UPI-${transfer.utr}`,
			grouped(debit || credit),
			debit > 0 ? "DR" : "CR",
			grouped(balance),
			"CR",
		],
		closing: [[], ["Closing balance", `INR ${grouped(bookings.at(-1)!.balance)}`]],
	}),
	plain: () => ({
		separator: ",",
		letterhead: [],
		columns: ["date", "description", "utr", "debit", "credit"],
		row: ({ date, transfer, debit, credit }) => [
			date,
			narration(transfer, ({ payer }, note) => `UPI from ${payer.vpa} ${note(50)}`),
			transfer?.utr ?? "",
			debit === 0 ? "" : rupees(debit),
			credit === 0 ? "" : rupees(credit),
		],
		closing: [],
	}),
};

/** Banks cut the payer's note, and put spaces where it has their separators. */
function narration(
	transfer: Transfer | null,
	words: (transfer: Transfer, note: (length: number) => string) => string,
): string {
	if (transfer === null) return CHARGES.words;
	const note = (transfer.link.note || "UPI").replace(/[^\p{L}\p{M}\p{N}]+/gu, " ").trim();
	return words(transfer, (length) => note.slice(0, length).trim()).trim();
}

function sum(bookings: Booking[], column: "debit" | "credit"): number {
	return bookings.reduce((total, booking) => total + booking[column], 0);
}

function rupees(paise: number): string {
	return (paise / 100).toFixed(2);
}

/** 1,23,456.00 */
function grouped(paise: number): string {
	return new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2 }).format(paise / 100);
}

function slashed(date: string, year_digits: 2 | 4): string {
	const [year, month, day] = date.split("-") as [string, string, string];
	return `${day}/${month}/${year.slice(-year_digits)}`;
}

function dashed(date: string): string {
	return date.split("-").reverse().join("-");
}

/** 1 Nov 2026 */
function spoken(date: string): string {
	const time = new Date(`${date}T00:00:00Z`);
	const month = new Intl.DateTimeFormat("en-US", { month: "short", timeZone: "UTC" }).format(time);
	return `${time.getUTCDate()} ${month} ${time.getUTCFullYear()}`;
}

function quoted(cell: string, separator: string): string {
	return cell.includes(separator) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
