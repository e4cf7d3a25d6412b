/**
 * Reads the settlement reports that PSPs let merchants download as CSV, line by line as the file comes in. Pure: bytes in, lines
 * out, in the shape of the adapters' SettlementLine with what else a file states. Columns are known by their names, wherever they
 * stand; what is above the line of names (a letterhead, Cashfree's summary of settlements) is passed over. What a line is about
 * that we do not know is kept as "other"; columns that we do not use are kept as they are, but for those about the payer.
 */

import { type Info, parse } from "csv-parse";
import type { SettlementLine } from "./adapter.ts";
import { readDate } from "./upi/statement.ts";

export interface FileLine extends Omit<SettlementLine, "kind"> {
	kind: SettlementLine["kind"] | "other";
	/** Counts lines of one settlement about the same thing. */
	occurrence: number;
	reference: string | null;
	method: string | null;
	details: Record<string, string>;
}

export type FileRow = { line_no: number; line: FileLine } | { line_no: number; problem: string };

/** The file is no settlement report of this PSP. */
export class SettlementFileError extends Error {
	override readonly name = "SettlementFileError";
}

export const MAX_SETTLEMENT_FILE_BYTES = 50 * 1024 * 1024;
export const MAX_SETTLEMENT_FILE_LINES = 300_000;
const MAX_LINES_ABOVE = 500;
const MAX_DETAIL = 200;

type Column =
	| "kind"
	| "direction"
	| "id"
	| "request_id"
	| "payment_id"
	| "order_id"
	| "reference"
	| "settlement_id"
	| "utr"
	| "amount"
	| "credit"
	| "debit"
	| "net"
	/** Without GST, or with it where the format says so. */
	| "fee"
	| "tax"
	| "cgst"
	| "sgst"
	| "igst"
	| "currency"
	| "method"
	| "settled_at";

interface Format {
	columns: Partial<Record<Column, readonly string[]>>;
	/** Without these a line of names is none. */
	needed: readonly Column[];
	fee_includes_tax: boolean;
	/** Times without a zone. */
	zone: "+05:30" | "Z";
}

/** Names in lower case with nothing but letters and digits. */
const FORMATS: Readonly<Record<string, Format>> = {
	razorpay: {
		columns: {
			kind: ["transactionentity", "type"],
			id: ["entityid"],
			payment_id: ["paymentid"],
			order_id: ["orderid"],
			settlement_id: ["settlementid"],
			utr: ["settlementutr"],
			amount: ["amount"],
			credit: ["credit"],
			debit: ["debit"],
			fee: ["feeexclusivetax"],
			tax: ["tax"],
			currency: ["currency"],
			method: ["paymentmethod", "method"],
			settled_at: ["settledat"],
		},
		needed: ["kind", "id", "amount", "credit", "debit", "fee", "tax"],
		fee_includes_tax: false,
		zone: "+05:30",
	},
	cashfree: {
		columns: {
			kind: ["eventtype"],
			direction: ["saletype"],
			id: ["eventid"],
			payment_id: ["cashfreereferenceid"],
			order_id: ["merchantreferenceid"],
			utr: ["utr", "utrno"],
			amount: ["eventamount"],
			net: ["eventsettlementamount"],
			fee: ["transactionservicecharge"],
			tax: ["txnstgst"],
			currency: ["eventcurrency", "currency"],
			method: ["paymentmode"],
			settled_at: ["settlementdate"],
		},
		needed: ["kind", "direction", "id", "amount", "net"],
		fee_includes_tax: false,
		zone: "+05:30",
	},
	payu: {
		columns: {
			kind: ["requestedaction", "requestaction", "action"],
			id: ["payuid"],
			request_id: ["requestid"],
			order_id: ["merchanttxnid", "merchanttransactionid", "txnid"],
			utr: ["merchantutr", "merutr", "utr"],
			amount: ["requestamount", "amount"],
			net: ["amountnet", "netamount", "mernetamount", "merchantnetamount"],
			fee: ["totalprocessingfees", "merservicefee", "merchantservicefee", "servicefee"],
			tax: ["totalservicetax", "merservicetax", "merchantservicetax", "servicetax"],
			method: ["mode", "paymentmode"],
			settled_at: ["settlementdate", "settlementcompleteddate"],
		},
		needed: ["kind", "id", "amount", "net"],
		fee_includes_tax: false,
		zone: "+05:30",
	},
	phonepe: {
		columns: {
			kind: ["paymenttype"],
			id: ["phonepereferenceid"],
			reference: ["merchantreferenceid"],
			utr: ["bankreferenceno"],
			amount: ["amount"],
			fee: ["fee"],
			cgst: ["cgst"],
			sgst: ["sgst"],
			igst: ["igst"],
			method: ["instrument"],
			settled_at: ["settlementdate"],
		},
		needed: ["kind", "id", "reference", "amount", "fee"],
		fee_includes_tax: false,
		zone: "+05:30",
	},
	stripe: {
		columns: {
			kind: ["reportingcategory"],
			id: ["sourceid", "balancetransactionid"],
			payment_id: ["paymentintentid"],
			settlement_id: ["automaticpayoutid"],
			amount: ["gross"],
			net: ["net"],
			fee: ["fee"],
			currency: ["currency"],
			settled_at: ["automaticpayouteffectiveatutc", "automaticpayouteffectiveat", "availableonutc", "availableon"],
		},
		needed: ["kind", "id", "amount", "net", "fee"],
		fee_includes_tax: true,
		zone: "Z",
	},
};

export const importsFiles = (provider: string): boolean => Object.hasOwn(FORMATS, provider);

const KINDS: Readonly<Record<string, FileLine["kind"]>> = {
	payment: "payment",
	charge: "payment",
	capture: "payment",
	sale: "payment",
	refund: "refund",
	paymentrefund: "refund",
	transfer: "transfer",
	adjustment: "adjustment",
	dispute: "adjustment",
	chargeback: "adjustment",
	chargebackreversal: "adjustment",
	disputereversal: "adjustment",
	refundreversal: "adjustment",
	settlement: "adjustment",
};

/** What says who paid is none of ours to keep. */
const ABOUT_THE_PAYER = /name|phone|mobile|email|contact|address|customer|vpa|card|notes|^from$/;

export async function* readSettlementFile(
	provider: string,
	content: AsyncIterable<Uint8Array>,
): AsyncGenerator<FileRow> {
	const format = FORMATS[provider];
	if (format === undefined) throw new SettlementFileError("There is no settlement file of this provider");
	const parser = parse({
		bom: true,
		info: true,
		trim: true,
		relax_column_count: true,
		relax_quotes: true,
		max_record_size: 100_000,
	});
	const feeding = (async () => {
		try {
			for await (const chunk of content) {
				if (!parser.write(chunk)) await new Promise((resolve) => parser.once("drain", resolve));
			}
			parser.end();
		} catch (error) {
			parser.destroy(error as Error);
		}
	})();
	let header: Header | null = null;
	let count = 0;
	const seen = new Map<string, number>();
	try {
		for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
			count += 1;
			if (count > MAX_SETTLEMENT_FILE_LINES) {
				throw new SettlementFileError(`The file has more than ${MAX_SETTLEMENT_FILE_LINES} lines: split it by days`);
			}
			if (header === null) {
				header = readHeader(record, format);
				if (header === null && count >= MAX_LINES_ABOVE) break;
				continue;
			}
			if (record.every((cell) => cell === "")) continue;
			const row = readRow(record, header, format, provider);
			if (row === null) continue;
			if ("line" in row) {
				const { psp_settlement_id, utr, kind, psp_id, settled_at } = row.line;
				const key = `${psp_settlement_id ?? utr ?? settled_at?.toISOString()}|${kind}|${psp_id}`;
				row.line.occurrence = (seen.get(key) ?? 0) + 1;
				seen.set(key, row.line.occurrence);
			}
			yield { line_no: info.lines, ...row };
		}
	} catch (error) {
		if (error instanceof Error && "code" in error && String(error.code).startsWith("CSV_")) {
			throw new SettlementFileError("The file is no CSV. In Excel, choose “Save as” and “CSV UTF-8”");
		}
		throw error;
	} finally {
		parser.destroy();
	}
	await feeding;
	if (header === null) {
		throw new SettlementFileError(
			"No line names the columns of this provider's settlement report. Download the report with its lines, as CSV, and do not change its columns",
		);
	}
}

interface Header {
	at: Partial<Record<Column, number>>;
	names: string[];
	used: ReadonlySet<number>;
}

function readHeader(record: string[], { columns, needed }: Format): Header | null {
	const plain = record.map((cell) => cell.toLowerCase().replaceAll(/[^a-z0-9]/g, ""));
	const at: Partial<Record<Column, number>> = {};
	for (const [column, names] of Object.entries(columns) as [Column, readonly string[]][]) {
		const place = names.map((name) => plain.indexOf(name)).find((index) => index >= 0);
		if (place !== undefined) at[column] = place;
	}
	if (needed.some((column) => at[column] === undefined)) return null;
	return { at, names: record, used: new Set(Object.values(at)) };
}

function readRow(
	record: string[],
	{ at, names, used }: Header,
	format: Format,
	provider: string,
): { line: FileLine } | { problem: string } | null {
	const cell = (column: Column): string => {
		const place = at[column];
		// Excel exports guard long numbers with a leading apostrophe or ="…".
		return place === undefined ? "" : (record[place] ?? "").replace(/^="(.*)"$/, "$1").replace(/^'/, "");
	};
	const text = (column: Column) => (/^(-|na|n\/a|null|nil)?$/i.test(cell(column)) ? null : cell(column));
	const psp_kind = text("kind");
	// A total, or the end of the file.
	if (psp_kind === null && text("id") === null) return null;
	if (psp_kind === null || text("id") === null) return { problem: "The line does not say what it is about" };

	const money: Partial<Record<Column, number>> = {};
	for (const column of ["amount", "credit", "debit", "net", "fee", "tax", "cgst", "sgst", "igst"] as const) {
		const value = paiseOf(cell(column));
		if (value === null) return { problem: `“${cell(column).slice(0, 60)}” is no amount` };
		money[column] = value;
	}
	const sum = (column: Column) => money[column] ?? 0;
	const plain_kind = psp_kind.toLowerCase().replaceAll(/[^a-z]/g, "");
	const kind = Object.hasOwn(KINDS, plain_kind) ? KINDS[plain_kind]! : "other";
	const tax = Math.abs(sum("tax")) + Math.abs(sum("cgst")) + Math.abs(sum("sgst")) + Math.abs(sum("igst"));
	// Of a refund some files repeat what its payment had cost.
	const has_fee = kind === "payment" || provider === "stripe" || provider === "razorpay";
	const fee = has_fee ? Math.abs(sum("fee")) + (format.fee_includes_tax ? 0 : tax) : 0;
	const moved = movement(cell("direction"));
	const settled_on = settledAt(cell("settled_at"), format.zone);
	if (settled_on === undefined) return { problem: `“${cell("settled_at").slice(0, 60)}” is no date` };
	const currency = (text("currency") ?? "INR").toUpperCase();
	if (!/^[A-Z]{3}$/.test(currency)) return { problem: `“${currency.slice(0, 20)}” is no currency` };

	const id = text("id")!;
	const payment_id =
		text("payment_id") ?? (provider === "payu" || (provider !== "cashfree" && kind === "payment") ? id : null);
	return {
		line: {
			kind,
			psp_kind,
			psp_id:
				provider === "cashfree" && kind === "payment"
					? (payment_id ?? id)
					: kind === "payment"
						? id
						: (text("request_id") ?? id),
			occurrence: 1,
			psp_payment_id: payment_id,
			psp_order_id: text("order_id"),
			reference: text("reference") ?? text("order_id"),
			psp_settlement_id: text("settlement_id"),
			amount: Math.abs(sum("amount")),
			...movedMoney(),
			fee,
			tax: has_fee ? tax : 0,
			currency,
			method: text("method"),
			utr: text("utr"),
			settled_at: settled_on,
			details: Object.fromEntries(
				names.flatMap((name, place) => {
					const value = record[place] ?? "";
					const is_kept = !used.has(place) && value !== "" && name !== "" && !ABOUT_THE_PAYER.test(name.toLowerCase());
					return is_kept ? [[name.slice(0, 60), value.slice(0, MAX_DETAIL)]] : [];
				}),
			),
		},
	};

	function movedMoney(): { credit: number; debit: number } {
		if (at.credit !== undefined) return { credit: Math.max(0, sum("credit")), debit: Math.max(0, sum("debit")) };
		// PhonePe states what adds up to it: amount, and fee and taxes below zero.
		const net = at.net === undefined ? Math.sign(sum("amount")) * (Math.abs(sum("amount")) - fee) : sum("net");
		const is_debit = moved === null ? net < 0 || kind === "refund" : moved === "debit";
		return is_debit ? { credit: 0, debit: Math.abs(net) } : { credit: Math.abs(net), debit: 0 };
	}
}

function movement(words: string): "credit" | "debit" | null {
	if (/^cr/i.test(words)) return "credit";
	return /^(dr|debit)/i.test(words) ? "debit" : null;
}

/** Rupees to paise on the digits, the half paisa up; empty is zero, and null is no amount. */
export function paiseOf(cell: string): number | null {
	const match = /^(?:₹|rs\.?|inr)?\s*(-|\+|\()?\s*(?:₹|rs\.?|inr)?\s*([\d,]*)(?:\.(\d*))?\)?$/i.exec(cell.trim());
	if (match === null) return /^(na|n\/a|nil|null)$/i.test(cell.trim()) ? 0 : null;
	const [, sign, whole = "", fraction = ""] = match;
	if (/,$|^,/.test(whole)) return null;
	const digits = `${whole.replaceAll(",", "") || "0"}${fraction.padEnd(2, "0").slice(0, 2)}`;
	const paise = Number(digits) + (Number(fraction[2] ?? 0) >= 5 ? 1 : 0);
	if (!Number.isSafeInteger(paise)) return null;
	return sign === "-" || sign === "(" ? -paise : paise;
}

/** Undefined: it is no date. */
function settledAt(cell: string, zone: Format["zone"]): Date | null | undefined {
	if (/^(-|na|n\/a|null)?$/i.test(cell)) return null;
	const day = readDate(cell);
	if (day === null) return undefined;
	const [, hours = "00", minutes = "00", seconds = "00"] = /(\d{2}):(\d{2})(?::(\d{2}))?/.exec(cell) ?? [];
	const time = new Date(`${day}T${hours}:${minutes}:${seconds}${zone}`);
	return Number.isNaN(time.getTime()) ? undefined : time;
}
