import { expect, test } from "vitest";
import { rupeesCell, toCsv } from "./csv.ts";

test("separates, quotes, and keeps a spreadsheet from taking a text for a formula", () => {
	expect(
		toCsv(
			["name", "amount"],
			[
				['Kaveri, "Books"', rupeesCell(-123_456)],
				['=HYPERLINK("x")', rupeesCell(5)],
				["-1+2", null],
				["कावेरी\nबुक्स", 0],
			],
		),
	).toBe(
		'\uFEFFname,amount\r\n"Kaveri, ""Books""",-1234.56\r\n"\'=HYPERLINK(""x"")",0.05\r\n\'-1+2,\r\n"कावेरी\nबुक्स",0\r\n',
	);
});
