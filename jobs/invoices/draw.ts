/**
 * Draws an invoice or credit note as an A4 page. The same data gives the same bytes: dates and ids come from the data, nothing is
 * compressed (zlib's output differs between its releases), and numbers and months are written without the locale data of the
 * machine. Whatever changes the page raises LAYOUT; what was drawn before stays as it is kept.
 */
import PDFDocument from "pdfkit";
import { create as createQr } from "qrcode";
import type { Invoice } from "../../db/client/invoices.ts";
import { linkName, upiUri } from "../../psp/upi/link.ts";
import { formatPaise, rupeesInWords } from "./rupees.ts";
import { STATES } from "./states.ts";
import { type Style, Typesetter } from "./typesetter.ts";

export const LAYOUT = 2;

/** Points. */
const LEFT = 45;
const RIGHT = 550;
const BOTTOM = 785;
const MIDDLE = 315;

const INK = "#1a1f36";
const SUBDUED = "#5a6072";
const RULE = "#d4d8e2";
const BAND = "#f1f3f8";

const TITLE: Style = { size: 17, bold: true, color: INK };
const NAME: Style = { size: 12.5, bold: true, color: INK };
const BODY: Style = { size: 9, color: INK };
const STRONG: Style = { size: 9, bold: true, color: INK };
const SMALL: Style = { size: 7.8, color: SUBDUED };
const CAPTION: Style = { size: 7.8, bold: true, color: SUBDUED };

/** What a UPI app takes in one payment from a person to a company. */
const UPI_LIMIT = 1_00_000_00;

const MONTHS = "January February March April May June July August September October November December".split(" ");

/** 2026-11-01 to "1 November 2026". */
function longDate(iso: string): string {
	const [year, month, day] = iso.split("-");
	return `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}`;
}

function monthName(iso: string): string {
	const [year, month] = iso.split("-");
	return `${MONTHS[Number(month) - 1]} ${year}`;
}

function placeName(code: string): string {
	return STATES[code] === undefined ? code : `${STATES[code]} (${code})`;
}

const percent = (value: number): string => `${Number(value)} %`;

/** Addresses come as a text or as an object of parts, in any shape that an operator gave them. */
export function addressLines(address: unknown): string[] {
	if (typeof address === "string") return address.split("\n");
	if (typeof address !== "object" || address === null) return [];
	return Object.values(address)
		.filter((part) => typeof part === "string" || typeof part === "number")
		.map(String)
		.filter((part) => part.trim() !== "");
}

export function drawInvoice(invoice: Invoice): Promise<Buffer> {
	const is_credit_note = invoice.kind === "credit_note";
	const title = is_credit_note ? "Credit note" : "Tax invoice";
	const document = new PDFDocument({
		size: "A4",
		margin: 0,
		compress: false,
		lang: "en-IN",
		displayTitle: true,
		info: {
			Title: `${title} ${invoice.document_no}`,
			Author: invoice.supplier.name,
			// Noon in India of the day of issue; also what the file's own id is made of.
			CreationDate: new Date(`${invoice.issued_on}T12:00:00+05:30`),
			Producer: "LightSpeedPay",
			Creator: "LightSpeedPay",
		},
	});
	const chunks: Buffer[] = [];
	document.on("data", (chunk: Buffer) => chunks.push(chunk));
	const done = new Promise<Buffer>((resolve, reject) => {
		document.on("end", () => resolve(Buffer.concat(chunks)));
		document.on("error", reject);
	});
	const page = new InvoicePage(document, invoice);
	page.head(title);
	page.parties();
	page.lines();
	page.totals();
	page.account();
	if (!is_credit_note) page.payment();
	page.foot();
	document.end();
	return done;
}

class InvoicePage {
	private readonly document: InstanceType<typeof PDFDocument>;
	private readonly type: Typesetter;
	private readonly invoice: Invoice;
	private y = 70;

	constructor(document: InstanceType<typeof PDFDocument>, invoice: Invoice) {
		this.document = document;
		this.type = new Typesetter(document);
		this.invoice = invoice;
	}

	head(title: string): void {
		const { supplier, document_no, issued_on, month, credits } = this.invoice;
		let left = this.type.paragraph(supplier.name, LEFT, 62, 290, { ...NAME, size: 14 }, 1.25);
		left = this.type.paragraph(supplier.address, LEFT, left, 270, BODY);
		left = this.type.paragraph(`GSTIN ${supplier.gstin}`, LEFT, left, 270, STRONG);
		const contact = [supplier.email, supplier.phone].filter((each) => each !== null).join("  ·  ");
		if (contact !== "") left = this.type.paragraph(contact, LEFT, left, 290, BODY);

		this.type.line(title, RIGHT, 65, TITLE, "right");
		let right = 86;
		for (const [caption, value] of [
			["Number", document_no],
			["Date", longDate(issued_on)],
			["For", monthName(month)],
			...(credits === null ? [] : [["Credits invoice", `${credits.document_no} of ${longDate(credits.issued_on)}`]]),
		] as [string, string][]) {
			const width = this.type.widthOf(value, STRONG);
			this.type.line(value, RIGHT, right, STRONG, "right");
			this.type.line(caption, RIGHT - width - 8, right, BODY, "right");
			right += 13.5;
		}
		this.y = Math.max(left, right) + 2;
		this.rule();
	}

	parties(): void {
		const { recipient, place_of_supply, sac } = this.invoice;
		const top = this.y + 20;
		this.type.line("Billed to", LEFT, top, CAPTION);
		let left = this.type.paragraph(recipient.name, LEFT, top + 16, 255, NAME, 1.3);
		if (recipient.trade_name !== recipient.name)
			left = this.type.paragraph(recipient.trade_name, LEFT, left, 255, BODY);
		for (const line of addressLines(recipient.address)) left = this.type.paragraph(line, LEFT, left, 255, BODY);
		left = this.type.paragraph(
			recipient.gstin === null ? "No GSTIN given" : `GSTIN ${recipient.gstin}`,
			LEFT,
			left,
			255,
			recipient.gstin === null ? BODY : STRONG,
		);
		let right = top;
		for (const [caption, value] of [
			["Place of supply", placeName(place_of_supply)],
			["Service", `Payment processing, SAC ${sac}`],
			["Reverse charge", "No"],
		] as [string, string][]) {
			this.type.line(caption, MIDDLE, right, CAPTION);
			right = this.type.paragraph(value, MIDDLE, right + 12, RIGHT - MIDDLE, BODY) + 3;
		}
		this.y = Math.max(left, right) + 4;
	}

	lines(): void {
		this.tableHead();
		for (const line of this.invoice.lines) {
			if (this.y > BOTTOM - 40) this.turnPage();
			const words =
				line.kind === "commission"
					? `Commission, ${percent(line.fee_percent)} of payments`
					: `Commission of ${percent(line.fee_percent)} taken back on refunds`;
			const baseline = this.y + 13;
			this.type.line(words, LEFT + 6, baseline, BODY);
			this.type.line(String(line.quantity), COLUMNS.quantity, baseline, BODY, "right");
			this.type.line(formatPaise(line.volume), COLUMNS.volume, baseline, BODY, "right");
			this.type.line(percent(line.gst_percent), COLUMNS.rate, baseline, BODY, "right");
			this.type.line(formatPaise(line.taxable_amount), COLUMNS.taxable, baseline, BODY, "right");
			this.y += 20;
			this.rule();
		}
	}

	private tableHead(): void {
		this.y += 6;
		this.document.rect(LEFT, this.y, RIGHT - LEFT, 20).fill(BAND);
		const baseline = this.y + 13;
		this.type.line("Description", LEFT + 6, baseline, CAPTION);
		this.type.line(
			this.invoice.kind === "invoice" ? "Payments" : "Refunds",
			COLUMNS.quantity,
			baseline,
			CAPTION,
			"right",
		);
		this.type.line("Volume ₹", COLUMNS.volume, baseline, CAPTION, "right");
		this.type.line("GST", COLUMNS.rate, baseline, CAPTION, "right");
		this.type.line("Taxable value ₹", COLUMNS.taxable, baseline, CAPTION, "right");
		this.y += 20;
	}

	totals(): void {
		const { taxable_amount, cgst, sgst, igst, total, is_interstate, lines, kind } = this.invoice;
		if (this.y > BOTTOM - 300) this.turnPage(false);
		const rates = [...new Set(lines.map(({ gst_percent }) => Number(gst_percent)))];
		const rate = (share: number) => (rates.length === 1 ? ` ${percent(rates[0]! * share)}` : "");
		let y = this.y + 15;
		for (const [caption, paise] of [
			["Taxable value", taxable_amount],
			...(is_interstate
				? [[`IGST${rate(1)}`, igst]]
				: [
						[`CGST${rate(0.5)}`, cgst],
						[`SGST${rate(0.5)}`, sgst],
					]),
		] as [string, number][]) {
			this.type.line(caption, COLUMNS.taxable - 110, y, BODY, "right");
			this.type.line(formatPaise(paise), COLUMNS.taxable, y, BODY, "right");
			y += 14;
		}
		this.document.rect(MIDDLE, y - 9, RIGHT - MIDDLE, 22).fill(BAND);
		this.type.line(
			kind === "invoice" ? "Invoice total ₹" : "Credited ₹",
			COLUMNS.taxable - 110,
			y + 5.5,
			STRONG,
			"right",
		);
		this.type.line(formatPaise(total), COLUMNS.taxable, y + 5.5, { ...STRONG, size: 11 }, "right");
		y += 33;
		this.type.line("In words", LEFT, y, CAPTION);
		this.y = this.type.paragraph(rupeesInWords(total), LEFT + 48, y, RIGHT - LEFT - 48, BODY) + 2;
		this.rule();
	}

	account(): void {
		const { account, month } = this.invoice;
		let y = this.y + 18;
		this.type.line(`Your commission account in ${monthName(month)}`, LEFT, y, CAPTION);
		y += 15;
		const rows: [string, number][] = [
			["Balance brought forward", account.opening_balance],
			["Commission and GST", account.charged],
			["Taken back on refunds", account.reversed],
			["Settled", account.settled],
			["Adjusted", account.adjusted],
		];
		for (const [caption, paise] of rows.filter(([, paise], index) => index < 2 || paise !== 0)) {
			this.type.line(caption, LEFT, y, BODY);
			this.type.line(formatPaise(paise), 285, y, BODY, "right");
			y += 13.5;
		}
		const due = account.closing_balance;
		this.document.rect(LEFT - 6, y - 9, 252, 20).fill(BAND);
		this.type.line(
			due < 0 ? "Paid in advance at the end of the month ₹" : "Due at the end of the month ₹",
			LEFT,
			y + 4.5,
			STRONG,
		);
		this.type.line(formatPaise(Math.abs(due)), 285, y + 4.5, STRONG, "right");
		this.accountTop = this.y + 18;
		this.y = y + 20;
	}

	private accountTop = 0;

	/** Beside the account: how to pay what is due. */
	payment(): void {
		const { account, supplier, document_no } = this.invoice;
		const due = account.closing_balance;
		const x = MIDDLE + 10;
		let y = this.accountTop;
		this.type.line("How to pay", x, y, CAPTION);
		y += 15;
		if (due <= 0) {
			y = this.type.paragraph("Nothing is due.", x, y, RIGHT - x, BODY);
			this.y = Math.max(this.y, y);
			return;
		}
		if (supplier.upi_vpa !== null && due <= UPI_LIMIT) {
			this.qr(
				upiUri({
					vpa: supplier.upi_vpa,
					payee_name: linkName(supplier.name),
					reference: document_no.replaceAll("/", ""),
					note: `${document_no.replaceAll("/", "")} commission`,
					amount: due,
					merchant_category: null,
				}),
				x,
				y - 8,
				92,
			);
			const beside = x + 102;
			this.type.paragraph(`Scan with any UPI app to pay ₹${formatPaise(due)} to`, beside, y + 4, RIGHT - beside, BODY);
			this.type.paragraph(supplier.upi_vpa, beside, y + 44, RIGHT - beside, STRONG);
			y += 100;
		}
		if (supplier.bank_account !== null) {
			y = this.type.paragraph(
				`By bank transfer, naming ${document_no}:\n${supplier.bank_account}`,
				x,
				y,
				RIGHT - x,
				BODY,
			);
		}
		this.y = Math.max(this.y, y);
	}

	foot(): void {
		const { is_interstate, kind } = this.invoice;
		const halves =
			kind === "invoice"
				? "CGST and SGST are the two halves of the GST; an odd paisa is in CGST."
				: "CGST and SGST are the two halves of the GST; all credit notes of an invoice together take back of neither more than it charged.";
		const words = [
			"Commission and GST were rounded for each payment to the paisa, half up, when it was booked; this document adds them up and rounds nothing again.",
			...(is_interstate ? [] : [halves]),
			"Settlements and adjustments are no supply and bear no GST here. Amounts in Indian rupees. Issued electronically; no signature is needed.",
		].join(" ");
		this.y += 12;
		this.rule();
		this.type.paragraph(words, LEFT, this.y + 14, RIGHT - LEFT, SMALL);
	}

	private qr(text: string, x: number, y: number, size: number): void {
		const { modules } = createQr(text, { errorCorrectionLevel: "M" });
		const side = size / modules.size;
		for (let row = 0; row < modules.size; row++) {
			for (let column = 0; column < modules.size; column++) {
				if (modules.get(row, column)) this.document.rect(x + column * side, y + row * side, side, side);
			}
		}
		this.document.fill("black");
	}

	private rule(): void {
		this.document.moveTo(LEFT, this.y).lineTo(RIGHT, this.y).lineWidth(0.6).stroke(RULE);
	}

	private turnPage(with_head = true): void {
		this.document.addPage();
		this.type.line(`${this.invoice.document_no}, continued`, RIGHT, 45, SMALL, "right");
		this.y = 50;
		if (with_head) this.tableHead();
	}
}

/** Right edges. */
const COLUMNS = { quantity: 300, volume: 385, rate: 430, taxable: 544 };
