import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { payerIn, utrIn } from "./narration.ts";
import { MAX_STATEMENT_BYTES, MAX_STATEMENT_LINES, parseBankStatement, readAmount, readDate } from "./statement.ts";

function read(content: string | Uint8Array) {
	const result = parseBankStatement(typeof content === "string" ? Buffer.from(content) : content);
	if (result.outcome !== "read") throw new Error(`${result.code}: ${result.message}`);
	return result;
}

function refusal(content: string | Uint8Array) {
	const result = parseBankStatement(typeof content === "string" ? Buffer.from(content) : content);
	if (result.outcome !== "refused") throw new Error("the statement was read");
	return result;
}

const PLAIN = "Date,Narration,UTR,Debit,Credit";

describe("the files of the banks", () => {
	test.each(["hdfc", "icici", "sbi", "axis", "kotak", "plain"])("%s: two UPI credits, a debit, and no more", (bank) => {
		const { credits, errors, debit_count } = read(readFileSync(`${import.meta.dirname}/fixtures/${bank}.csv`));
		expect(errors).toEqual([]);
		expect(debit_count).toBe(1);
		expect(credits).toEqual([
			expect.objectContaining({
				credited_on: "2026-11-20",
				amount: 1_23_456_00,
				utr: "632412345678",
				narration: expect.stringContaining("LS9F3A0C41D2B77E10"),
			}),
			expect.objectContaining({ credited_on: "2026-11-21", amount: 499_07, utr: "632511112222" }),
		]);
		// Axis and Kotak print names in place of VPAs.
		const has_vpa = bank !== "axis" && bank !== "kotak";
		expect(credits.map(({ payer }) => payer)).toEqual(
			has_vpa ? ["asha.rao@okhdfcbank", "9000012345@ybl"] : [null, null],
		);
	});

	test("lines are numbered as an editor shows them, cells over several lines and blank lines included", () => {
		const { credits } = read(`Kaveri Books\n\n${PLAIN}\n\n21/11/2026,"UPI\nfrom Asha",,,5.00\n21/11/2026,UPI,,,6.00\n`);
		expect(credits.map(({ line_no, narration }) => [line_no, narration])).toEqual([
			[5, "UPI from Asha"],
			[7, "UPI"],
		]);
	});

	test("is read from UTF-8 with a byte order mark, UTF-16 and Windows' own letters alike", () => {
		const text = `${PLAIN}\r\n21-Nov-2026,Söhne,,,"₹1,00,000.50"\r\n`;
		const expected = [expect.objectContaining({ narration: "Söhne", amount: 1_00_000_50, credited_on: "2026-11-21" })];
		expect(read(`\ufeff${text}`).credits).toEqual(expected);
		expect(read(Buffer.from(`\ufeff${text}`, "utf16le")).credits).toEqual(expected);
		expect(read(Buffer.from(text.replace("₹", ""), "latin1")).credits).toEqual(expected);
	});

	test.each([";", "\t", "|"])("may be separated by %j", (separator) => {
		const file = [PLAIN, "21/11/26,UPI,632412345678,,1,000.00"].join("\n");
		const cells = file.replace("1,000.00", "1000.00").replaceAll(",", separator);
		expect(read(cells).credits).toMatchObject([{ amount: 100_000, utr: "632412345678" }]);
	});

	test("amounts in one column are told apart by the Dr / Cr nearest to it, or by themselves", () => {
		const kotak =
			"Date,Description,Amount,Dr / Cr,Balance,Dr / Cr\n21/11/2026,UPI,10.00,CR,5.00,DR\n21/11/2026,UPI,9.00,DR,5.00,CR";
		expect(read(kotak)).toMatchObject({ credits: [{ amount: 1000 }], debit_count: 1 });
		const marked =
			"Date,Description,Amount (INR)\n21/11/2026,UPI,10.00 Cr\n21/11/2026,UPI,9.00(Dr)\n21/11/2026,UPI,8.00";
		expect(read(marked)).toMatchObject({
			credits: [{ amount: 1000 }],
			debit_count: 1,
			errors: [{ line_no: 4, code: "direction_unknown" }],
		});
	});

	test.each([
		[
			"PNB",
			"Date,Instrument ID,Amount(INR),Type,Balance,Remarks",
			'20/11/2026,,"1,234.5",CR,9.0,UPI/CR/632412345678/ASHA',
		],
		[
			"HDFC's other",
			"Date,Narration,Chq./Ref.No.,Value Dt,Withdrawal Amt.,Deposit Amt.,Closing Balance",
			"20/11/26,UPI-ASHA,632412345678,20/11/26,,1234.50,9",
		],
		[
			"Axis' other",
			"Tran Date,Chq No,Particulars,Debit,Credit,Balance,Init. Br",
			"20-11-2026,,UPI/P2A/632412345678/ASHA,,1234.50,9,1",
		],
		[
			"IDFC",
			"Transaction Date,Value Date,Particulars,Cheque No.,Debit,Credit,Balance",
			"20-Nov-2026,20-Nov-2026,UPI/MOB/632412345678/x,,,1234.50,9",
		],
		[
			"ICICI's corporate",
			"No.,Transaction ID,Value Date,Txn Posted Date,ChequeNo.,Description,Cr/Dr,Transaction Amount(INR),Available Balance(INR)",
			'1,S1,20/11/2026,20/11/2026 10:11:12 AM,-,UPI/632412345678/x,CR,"1,234.50",9',
		],
	])("%s columns are known", (_bank, header, line) => {
		expect(read(`${header}\n${line}`)).toMatchObject({
			credits: [{ credited_on: "2026-11-20", amount: 123_450, utr: "632412345678" }],
			errors: [],
		});
	});

	test("the day of booking comes before the value date, which does where it is alone", () => {
		const both = "Value Date,Transaction Date,Remarks,Credit\n01/11/2026,02/11/2026,UPI,5";
		expect(read(both).credits[0]?.credited_on).toBe("2026-11-02");
		expect(read("Value Date,Remarks,Credit\n01/11/2026,UPI,5").credits[0]?.credited_on).toBe("2026-11-01");
	});
});

describe("a line that cannot be read", () => {
	test.each([
		["31/02/2026,UPI,,,5.00", "date_unreadable"],
		["2026-13-01,UPI,,,5.00", "date_unreadable"],
		[",UPI,,,5.00", "date_unreadable"],
		["21/11/2026,UPI,,,five", "amount_unreadable"],
		["21/11/2026,UPI,,,-5.00", "amount_unreadable"],
		['21/11/2026,UPI,,,"1,23"', "amount_unreadable"],
		["21/11/2026,UPI,,,1.005", "amount_unreadable"],
		["21/11/2026,UPI,,,99999999999999999", "amount_unreadable"],
		["21/11/2026,UPI,,5.00,5.00", "two_amounts"],
		["21/11/2026,UPI,,,1,23,456.00", "columns_differ"],
		["21/11/2026,UPI", "columns_differ"],
	])("%s is %s, and does not spoil the others", (line, code) => {
		const result = read(`${PLAIN}\n${line}\n21/11/2026,UPI,,,7.00`);
		expect(result.errors).toEqual([{ line_no: 2, code, message: expect.any(String) }]);
		expect(result.credits).toMatchObject([{ line_no: 3, amount: 700 }]);
	});

	test.each([
		"Opening Balance,,,,500.00",
		"Page Total,,,10.00,20.00",
		"**********",
		"01/11/2026,B/F,,,",
		"This is a computer generated statement, and needs no signature, they say, at all",
	])("%s is none, and no error", (line) => {
		expect(read(`${PLAIN}\n${line}\n`)).toMatchObject({ credits: [], errors: [], debit_count: 0 });
	});

	test("what stands below the bookings is not read as bookings", () => {
		const summary = "STATEMENT SUMMARY :-\nOpening Balance,Dr Count,Cr Count,Debits,Credits\n21/11/2026,1,1,5.00,7.00";
		expect(read(`${PLAIN}\n21/11/2026,UPI,,,7.00\n${summary}`)).toMatchObject({
			credits: [{ amount: 700 }],
			errors: [],
		});
	});
});

describe("a file that is not read at all", () => {
	test.each([
		["", "empty"],
		[" \r\n\ufeff", "empty"],
		["PK\u0003\u0004\0\0", "not_text"],
		["Dear customer,\nplease find attached", "no_header"],
		["Date,Narration,Balance\n21/11/2026,UPI,5.00", "no_credit_column"],
		[`${PLAIN}\n"21/11/2026,UPI`, "not_csv"],
		[`${"x,\n".repeat(61)}${PLAIN}\n21/11/2026,UPI,,,5.00`, "no_header"],
		[`${PLAIN}\n`.padEnd(MAX_STATEMENT_BYTES + 1, "x"), "too_large"],
		[`${PLAIN}\n${"\n".repeat(MAX_STATEMENT_LINES)}`, "too_many_lines"],
	])("case %#", (content, code) => {
		const { code: actual, message } = refusal(content);
		expect(actual).toBe(code);
		expect(message).toMatch(/^[A-Z].{10,}/);
	});

	test("names the columns it found when none of them holds credits", () => {
		expect(refusal("Txn Date,Details,Closing Bal\n21/11/2026,UPI,5.00").message).toContain(
			"Txn Date, Details, Closing Bal",
		);
	});
});

describe("the UTR", () => {
	const utr = "632412345678";
	test.each([
		[`UPI/CR/${utr}/ASHA RAO/HDFC/asha@okhdfcbank/LS12`, []],
		[`BY TRANSFER-UPI/CR/${utr}/ASHA/HDFC/asha@ok/LS12--`, ["TRANSFER FROM 4897695162093"]],
		[`UPI-ASHA RAO-ASHA@OKHDFCBANK-HDFC0000001-${utr}-LS12`, []],
		[`UPI/P2A/${utr}/ASHA RAO/HDFC BANK/LS12`, [""]],
		[`UPI/ASHA RAO/asha@ybl/LS12/HDFC BANK/${utr}/ICI0a1b2c`, []],
		[`MMT/IMPS/${utr}/LS12/ASHA RAO/HDFC0000001`, []],
		[`DEP TFR   UPI/CR/${utr}/ASHA RAO/SBIN/asha456@/UPI 999999999999`, []],
		[`UPIAR/${utr}/CR/ASHA/HDFC/asha@ok/999999999999`, []],
		[`UPI IN/${utr}/asha@ok/999999999999/0000`, []],
		[`UPI/CR/C${utr}/ASHA RAO/u`, []],
		[`UPI/${utr}/From:asha@ok/To:kaveri@ybl/999999999999`, []],
		[`UPI/MOB/${utr}/999999999999`, []],
		["UPI/ASHA RAO/LS12", [`UPI-${utr}`]],
		["UPI-ASHA RAO", [`0000${utr}`]],
		["UPI-ASHA RAO", ["", utr]],
	])("is found in %s %j", (narration, references) => {
		expect(utrIn(narration, references)).toBe(utr);
	});

	test.each([
		["NEFT CR-HDFC0000001-ASHA RAO-N324261234567890", []],
		["CHQ DEP 123456", ["0000000000123456"]],
		["UPI/919000012345@ybl/LS12", []],
		["UPI/ASHA/LS9F3A041523987612", []],
		["UPI/6324123456789/ASHA", ["6.32412E+11"]],
		["", []],
	])("is not made up from %s %j", (narration, references) => {
		expect(utrIn(narration, references)).toBeNull();
	});

	test("a number in the payer's note is not taken for it where the bank's own place is known", () => {
		expect(utrIn(`UPI/CR/${utr}/ASHA/HDFC/asha@ok/999999999999`, [])).toBe(utr);
		expect(utrIn(`UPI-ASHA-asha@ok-HDFC0000001-${utr}-UPI/CR/999999999999`, [])).toBe(utr);
		expect(utrIn("UPI/ASHA/asha@ybl/UPI 999999999999/SBI/x", ["632412345678"])).toBe(utr);
	});

	test("and is left open where either of two numbers could be it", () => {
		expect(utrIn(`UPI/ASHA/asha@ybl/999999999999/HDFC BANK/${utr}/ICI0a`, [])).toBeNull();
		expect(utrIn(`UPI/ASHA/asha@ybl/UPI 999999999999/HDFC BANK/${utr}/ICI0a`, [])).toBeNull();
	});
});

describe("the payer's VPA", () => {
	test.each([
		["UPI-ASHA RAO-asha-rao@okaxis-UTIB0000001-632412345678-x", "asha-rao@okaxis"],
		["UPI/CR/632412345678/ASHA/HDFC/asha.rao@okhdfc/me@mail.example", "asha.rao@okhdfc"],
		["UPI/632412345678/From:asha@ok/To:kaveri@ybl/Payment", "asha@ok"],
		["DEP TFR UPI/CR/632412345678/ASHA RAO/SBIN/asha456@/UPI", null],
		["UPI/P2A/632412345678/ASHA RAO/HDFC BANK", null],
	])("in %s is %s", (narration, vpa) => expect(payerIn(narration)).toBe(vpa));
});

describe("dates", () => {
	test.each([
		["21/11/26", "2026-11-21"],
		["21/11/2026", "2026-11-21"],
		["1/2/2026", "2026-02-01"],
		["21-11-2026", "2026-11-21"],
		["21.11.2026", "2026-11-21"],
		["21-Nov-2026", "2026-11-21"],
		["21 Nov 2026", "2026-11-21"],
		["1 September 26", "2026-09-01"],
		["2026-11-21", "2026-11-21"],
		["21/11/2026 09:15:01 PM", "2026-11-21"],
		["2026-11-21T21:15:01+05:30", "2026-11-21"],
		["29/02/2028", "2028-02-29"],
		["29/02/2026", null],
		["11/21/2026", null],
		["21/Foo/2026", null],
		["21/11/126", null],
		["20261121", null],
		["", null],
	])("%j is %s", (cell, date) => expect(readDate(cell)).toBe(date));

	test("of any day, in any of the banks' ways of writing, are the day", () => {
		const days = fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true });
		fc.assert(
			fc.property(days, (date) => {
				const iso = date.toISOString().slice(0, 10);
				const [year, month, day] = iso.split("-") as [string, string, string];
				const name = date.toLocaleString("en-GB", { month: "short", timeZone: "UTC" });
				const written = [iso, `${day}/${month}/${year}`, `${day}/${month}/${year.slice(2)}`, `${day}-${month}-${year}`];
				written.push(`${day}-${name}-${year}`, `${Number(day)} ${name} ${year}`);
				for (const cell of written) expect(readDate(cell)).toBe(iso);
			}),
		);
	});
});

const amounts = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const indian = new Intl.NumberFormat("en-IN", { minimumFractionDigits: 2 });

function rupees(paise: number): string {
	const digits = String(paise).padStart(3, "0");
	return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

function withCommas(paise: number): string {
	const [whole, fraction] = rupees(paise).split(".") as [string, string];
	return `${indian.format(BigInt(whole)).replace(/\..*$/, "")}.${fraction}`;
}

describe("amounts", () => {
	test.each([
		["1,23,456.00", 1_23_456_00],
		["123,456.00", 1_23_456_00],
		["₹ 1,23,456", 1_23_456_00],
		["INR 100.5", 100_50],
		["Rs. 7", 7_00],
		["0.00", 0],
		["-", 0],
		["", 0],
		["100.0000", 100_00],
		["1234.10", 1234_10],
		["-5.00", -5_00],
	])("%j is %i paise", (cell, paise) => expect(readAmount(cell)).toEqual({ paise, mark: null }));

	test.each(["five", "1,23", "1,2,3", "1.005", "1.2.3", "12e3", "0x10", "Cr", "1,,234", "٣"])("%j is none", (cell) => {
		expect(readAmount(cell)).toBeNull();
	});

	test("of any size come out to the paisa, however they are grouped and marked", () => {
		fc.assert(
			fc.property(amounts, (paise) => {
				for (const cell of [rupees(paise), withCommas(paise), `₹${withCommas(paise)}`, ` ${rupees(paise)} `]) {
					expect(readAmount(cell)).toEqual({ paise, mark: null });
				}
				expect(readAmount(`${withCommas(paise)} Cr`)).toEqual({ paise, mark: "credit" });
				expect(readAmount(`-${rupees(paise)}`)?.paise).toBe(-paise);
			}),
		);
	});
});

describe("whatever is in it", () => {
	test("a statement of any credits is read to exactly these", () => {
		const digits = fc.stringMatching(/^[1-9]\d{11}$/);
		const names = fc.stringMatching(/^[A-Z][A-Z "&,.]{0,20}$/);
		const bookings = fc.array(fc.record({ amount: amounts, utr: digits, name: names, is_debit: fc.boolean() }), {
			maxLength: 30,
		});
		const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`;
		fc.assert(
			fc.property(
				bookings,
				fc.constantFrom(",", "\t", ";"),
				fc.constantFrom("\n", "\r\n"),
				(lines, separator, newline) => {
					const rows = lines.map(({ amount, utr, name, is_debit }) => {
						const narration = `UPI/${is_debit ? "DR" : "CR"}/${utr}/${name}/SBIN/p@upi/LS`;
						const cell = withCommas(amount);
						return ["21/11/26", narration, is_debit ? cell : "", is_debit ? "" : cell].map(quoted).join(separator);
					});
					const header = ["Txn Date", "Description", "Debit", "Credit"].join(separator);
					const { credits, errors, debit_count } = read(["Account: 1", header, ...rows].join(newline));
					expect(errors).toEqual([]);
					const expected = lines.filter(({ is_debit }) => !is_debit);
					expect(credits.map(({ amount, utr }) => ({ amount, utr }))).toEqual(
						expected.map(({ amount, utr }) => ({ amount, utr })),
					);
					expect(debit_count).toBe(lines.length - expected.length);
				},
			),
		);
	});

	test("nothing is thrown, and every credit is of a line of the file and above zero", () => {
		const words = fc.constantFrom(
			PLAIN,
			"21/11/2026",
			"UPI",
			",",
			'"',
			"\n",
			"1,000.00",
			"5",
			"\0",
			";",
			"\t",
			"Total",
			"-1",
			"é",
		);
		const files = fc.oneof(
			fc.uint8Array({ maxLength: 300 }),
			fc.array(words, { maxLength: 60 }).map((parts) => Buffer.from(`${PLAIN}\n${parts.join("")}`)),
		);
		fc.assert(
			fc.property(files, (content) => {
				const result = parseBankStatement(content);
				if (result.outcome === "refused") return;
				const line_count = Buffer.from(content)
					.toString()
					.split(/\r\n|\r|\n/).length;
				for (const credit of result.credits) {
					expect(Number.isSafeInteger(credit.amount) && credit.amount > 0).toBe(true);
					expect(credit.line_no).toBeLessThanOrEqual(line_count);
					expect(credit.credited_on).toMatch(/^\d{4}-\d\d-\d\d$/);
				}
			}),
			{ numRuns: 500 },
		);
	});
});
