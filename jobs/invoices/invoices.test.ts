import { createHash } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkInvariants } from "../../db/client/invariants.ts";
import type { Invoice } from "../../db/client/invoices.ts";
import { readInvoice } from "../../db/client/invoices.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { backdateEntries } from "../../test/months.ts";
import { payPayment, queryAs } from "../../test/payments.ts";
import drawAndStore from "../tasks/draw_invoice.ts";
import { addressLines, drawInvoice } from "./draw.ts";
import { issueInvoices } from "./issue.ts";
import { runsOf, Typesetter } from "./typesetter.ts";

const log = pino({ level: "silent" });

const INVOICE: Invoice = {
	id: "019a0000-0000-7000-8000-000000000001",
	kind: "invoice",
	client_id: "019a0000-0000-7000-8000-000000000002",
	document_no: "LSP/26-27/000042",
	issued_on: "2026-11-01",
	month: "2026-10-01",
	supplier: {
		name: "LightSpeed Payments Private Limited",
		address: "4th Floor, 17 Residency Road\nBengaluru 560025",
		gstin: "29AAGCB7383J1Z4",
		email: "accounts@example.com",
		phone: "+91 80 4000 4000",
		upi_vpa: "lightspeed@sandboxbank",
		bank_account: "State Bank of India, account 1234567890\nIFSC SBIN0000813",
	},
	recipient: {
		name: "श्री कृष्ण ज्योतिर्विद्या पुस्तकालय एवं क्षत्रिय विक्रेता प्राइवेट लिमिटेड",
		trade_name: "Kaveri Books · कावेरी बुक्स",
		address: { line1: "२१, गांधी मार्ग", city: "मैसूरु", pincode: "570001" },
		gstin: "29AAPFU0939F1ZR",
		email: null,
		phone: null,
	},
	sac: "997158",
	place_of_supply: "29",
	is_interstate: false,
	taxable_amount: 1_234_567,
	cgst: 111_111,
	sgst: 111_111,
	igst: 0,
	total: 1_456_789,
	credits: null,
	lines: [
		{
			line_no: 1,
			kind: "commission",
			fee_percent: 3.5,
			gst_percent: 18,
			quantity: 4123,
			volume: 40_012_345,
			taxable_amount: 1_400_432,
			cgst: 126_039,
			sgst: 126_039,
			igst: 0,
		},
		{
			line_no: 2,
			kind: "reversal",
			fee_percent: 3.5,
			gst_percent: 18,
			quantity: 12,
			volume: -4_739_000,
			taxable_amount: -165_865,
			cgst: -14_928,
			sgst: -14_928,
			igst: 0,
		},
	],
	account: {
		opening_balance: 50_000,
		charged: 1_652_510,
		reversed: -195_721,
		settled: -900_000,
		adjusted: -5_000,
		closing_balance: 601_789,
	},
};

/** An object that only Typesetter.widthOf needs, and that is no page of anything. */
async function typesetter(): Promise<Typesetter> {
	const { default: PDFDocument } = await import("pdfkit");
	return new Typesetter(new PDFDocument({ autoFirstPage: true }));
}

describe("the page of an invoice", () => {
	test("is the same bytes for the same data, today and on any machine", async () => {
		const pdf = await drawInvoice(INVOICE);
		expect((await drawInvoice(structuredClone(INVOICE))).equals(pdf)).toBe(true);
		expect(pdf.toString("latin1", 0, 8)).toBe("%PDF-1.3");
		// When this changes because the page, PDFKit or a font did, raise LAYOUT: what was drawn before is not drawn again.
		expect(createHash("sha256").update(pdf).digest("hex")).toBe(
			"0a62652d2ea529bcd72670bdaf2686f4b79824a9099dd4cdac7c1bfc2ee8819c",
		);
	});

	test("is another for other data", async () => {
		const pdf = await drawInvoice(INVOICE);
		expect((await drawInvoice({ ...INVOICE, total: INVOICE.total + 1 })).equals(pdf)).toBe(false);
	});

	test("goes on overleaf when there are many lines", async () => {
		const lines = Array.from({ length: 40 }, (_, index) => ({ ...INVOICE.lines[0]!, line_no: index + 1 }));
		const pdf = (await drawInvoice({ ...INVOICE, lines })).toString("latin1");
		expect(pdf.match(/\/Type \/Page\b/g)!.length).toBeGreaterThanOrEqual(2);
	});

	test.each([
		["nothing is due", { account: { ...INVOICE.account, closing_balance: -5 } }],
		["more is due than UPI takes", { account: { ...INVOICE.account, closing_balance: 1_00_000_01 } }],
		["there is no address", { recipient: { ...INVOICE.recipient, address: null, gstin: null } }],
		["a name is one long word", { recipient: { ...INVOICE.recipient, name: "क्षत्रिय".repeat(60).slice(0, 200) } }],
	])("is drawn when %s", async (_, more) => {
		expect((await drawInvoice({ ...INVOICE, ...more })).length).toBeGreaterThan(10_000);
	});

	test("takes an address in whatever shape it was given", () => {
		expect(addressLines("12 MG Road\nPune")).toEqual(["12 MG Road", "Pune"]);
		expect(addressLines({ line1: "12 MG Road", line2: "", city: "Pune", pincode: 411001, geo: [1, 2] })).toEqual([
			"12 MG Road",
			"Pune",
			"411001",
		]);
		expect(addressLines(null)).toEqual([]);
	});
});

describe("Devanagari", () => {
	test("is set in its own font, blanks and joiners with the word they stand in", () => {
		expect(runsOf("Kaveri कावेरी बुक्स ₹ LLP")).toEqual([
			{ script: "latin", text: "Kaveri " },
			{ script: "devanagari", text: "कावेरी बुक्स " },
			{ script: "latin-ext", text: "₹ " },
			{ script: "latin", text: "LLP" },
		]);
	});

	test.each([
		["क्ष", "a conjunct is narrower than its letters"],
		["ज्ञ", "a conjunct is narrower than its letters"],
		["श्री", "a conjunct is narrower than its letters"],
	])("%s: %s", async (conjunct) => {
		const set = await typesetter();
		const letters = [...conjunct.replace("्", "")].reduce((sum, letter) => sum + set.widthOf(letter, { size: 10 }), 0);
		expect(set.widthOf(conjunct, { size: 10 })).toBeLessThan(letters);
	});
});

describe("at the end of a month", () => {
	let database: TestDatabase;
	const rows = queryAs(() => database.pool("admin"));
	const merchants: string[] = [];
	beforeAll(async () => {
		database = await createTestDatabase();
		for (const name of ["Kaveri Books", "पचास दीये"]) {
			const merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {
				company_name: name,
			});
			merchants.push(merchant.id);
			await payPayment(database, merchant);
			await backdateEntries(database, merchant.id, 2);
			await payPayment(database, merchant);
			await backdateEntries(database, merchant.id, 1, 3);
		}
	});
	afterAll(async () => {
		expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
		await database.drop();
	});

	test("invoices wait for the company's details, and operators are told", async () => {
		expect(await issueInvoices(database.pool("jobs"), log)).toEqual({ months: 0, documents: 0 });
		expect(await rows("select kind, severity from alerts")).toEqual([{ kind: "invoices_wait", severity: "warning" }]);
		await rows(
			"update company_profile set legal_name = 'LightSpeed', address = 'Bengaluru', gstin = '29AAGCB7383J1Z4'",
		);
	});

	test("months that were missed are invoiced once, however many processes do it", async () => {
		const runs = await Promise.all(Array.from({ length: 3 }, () => issueInvoices(database.pool("jobs"), log)));
		expect(runs.reduce((sum, { months }) => sum + months, 0)).toBe(4);
		expect(await issueInvoices(database.pool("jobs"), log)).toEqual({ months: 0, documents: 0 });
		expect(await rows("select number from invoices order by number")).toEqual(
			[1, 2, 3, 4].map((number) => ({ number })),
		);
	});

	test("each has its PDF kept once, which its data draws again", async () => {
		const jobs = database.pool("jobs");
		const waiting = await rows<{ invoice_id: string }>(
			"select payload ->> 'invoice_id' as invoice_id from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = 'draw_invoice'",
		);
		expect(waiting).toHaveLength(4);
		for (const { invoice_id } of waiting) {
			await drawAndStore({ invoice_id }, { database: jobs, log });
			const kept = await rows<{ pdf: Buffer; sha256: string }>(
				"select pdf, sha256 from invoice_documents where invoice_id = $1",
				[invoice_id],
			);
			const again = await drawInvoice((await readInvoice(jobs, invoice_id))!);
			expect(kept[0]!.pdf.equals(again)).toBe(true);
			expect(kept[0]!.sha256).toBe(createHash("sha256").update(again).digest("hex"));
			// as after a worker that was killed
			await drawAndStore({ invoice_id }, { database: jobs, log });
		}
		expect(await rows("select from invoice_documents")).toHaveLength(4);
		await expect(
			jobs.query("select store_invoice_document($1, 1, '%PDF-other')", [waiting[0]!.invoice_id]),
		).rejects.toMatchObject({ code: "LS087" });
	});
});
