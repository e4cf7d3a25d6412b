import { callRows, callValue, type Queryable } from "./call.ts";

/** Paise, everywhere below. */
export interface InvoiceLine {
	line_no: number;
	kind: "commission" | "reversal";
	fee_percent: number;
	gst_percent: number;
	/** Payments, or refunds. */
	quantity: number;
	volume: number;
	taxable_amount: number;
	cgst: number;
	sgst: number;
	igst: number;
}

/** An invoice or credit note as it is printed: all of it frozen when it was issued. */
export interface Invoice {
	id: string;
	kind: "invoice" | "credit_note";
	client_id: string;
	document_no: string;
	/** Dates are YYYY-MM-DD, Asia/Kolkata. */
	issued_on: string;
	month: string;
	supplier: {
		name: string;
		address: string;
		gstin: string;
		email: string | null;
		phone: string | null;
		upi_vpa: string | null;
		bank_account: string | null;
	};
	recipient: {
		name: string;
		trade_name: string;
		address: unknown;
		gstin: string | null;
		email: string | null;
		phone: string | null;
	};
	sac: string;
	/** GST state code. */
	place_of_supply: string;
	is_interstate: boolean;
	taxable_amount: number;
	cgst: number;
	sgst: number;
	igst: number;
	total: number;
	/** The invoice that a credit note belongs to. */
	credits: { document_no: string; issued_on: string; month: string } | null;
	lines: InvoiceLine[];
	/** The month's account, settlements included. */
	account: {
		opening_balance: number;
		charged: number;
		reversed: number;
		settled: number;
		adjusted: number;
		closing_balance: number;
	};
}

export interface ClosedMonth {
	client_id: string;
	/** First day. */
	month: string;
	/** Numbers of what was issued. */
	documents: string[];
}

export async function listBillingDue(database: Queryable): Promise<string[]> {
	const rows = await callRows<{ client_id: string }>(
		database,
		"list_billing_due",
		"select client_id from public.list_billing_due() client_id",
		[],
	);
	return rows.map(({ client_id }) => client_id);
}

/** The merchant's oldest open month; null when none is over. */
export function closeBillingMonth(database: Queryable, client_id: string): Promise<ClosedMonth | null> {
	return callValue(database, "close_billing_month", "select public.close_billing_month($1) as value", [client_id]);
}

export function readInvoice(database: Queryable, invoice_id: string): Promise<Invoice | null> {
	return callValue(database, "invoice_view", "select public.invoice_view($1) as value", [invoice_id]);
}

/** Returns the hash of what is kept. */
export function storeInvoiceDocument(
	database: Queryable,
	invoice_id: string,
	layout: number,
	pdf: Buffer,
): Promise<string> {
	return callValue(database, "store_invoice_document", "select public.store_invoice_document($1, $2, $3) as value", [
		invoice_id,
		layout,
		pdf,
	]);
}
