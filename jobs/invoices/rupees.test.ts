import fc from "fast-check";
import { expect, test } from "vitest";
import { formatPaise, rupeesInWords } from "./rupees.ts";

test.each([
	[0, "0.00"],
	[7, "0.07"],
	[-50, "−0.50"],
	[99_999, "999.99"],
	[100_000, "1,000.00"],
	[12_345_678, "1,23,456.78"],
	[-123_456_789_012, "−1,23,45,67,890.12"],
])("%i paise are printed as %s", (paise, text) => {
	expect(formatPaise(paise)).toBe(text);
});

test.each([
	[0, "Rupees Zero Only"],
	[1, "Rupees Zero and One Paise Only"],
	[1_00, "Rupees One Only"],
	[21_00, "Rupees Twenty-One Only"],
	[413_00, "Rupees Four Hundred Thirteen Only"],
	[1_000_00, "Rupees One Thousand Only"],
	[1_00_000_00, "Rupees One Lakh Only"],
	[1_23_456_78, "Rupees One Lakh Twenty-Three Thousand Four Hundred Fifty-Six and Seventy-Eight Paise Only"],
	[10_00_00_000_05, "Rupees Ten Crore and Five Paise Only"],
	[
		12_34_56_78_901_10,
		"Rupees One Thousand Two Hundred Thirty-Four Crore Fifty-Six Lakh Seventy-Eight Thousand Nine Hundred One and Ten Paise Only",
	],
])("%i paise in words are %j", (paise, words) => {
	expect(rupeesInWords(paise)).toBe(words);
});

test("words say the number they were made of", () => {
	const values: Record<string, number> = { Hundred: 100, Thousand: 1000, Lakh: 100_000, Crore: 10_000_000 };
	const names =
		"Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen Eighteen Nineteen".split(
			" ",
		);
	const tens = "Twenty Thirty Forty Fifty Sixty Seventy Eighty Ninety".split(" ");
	const read = (text: string): number => {
		let total = 0;
		let open = 0;
		for (const word of text.split(/[ -]/)) {
			if (word in values) {
				const unit = values[word]!;
				// everything said so far counts crores
				if (unit === 10_000_000) {
					total = (total + open) * unit;
				} else if (unit === 100) {
					open *= unit;
				} else {
					total += open * unit;
				}
				if (unit !== 100) open = 0;
			} else open += names.includes(word) ? names.indexOf(word) : 20 + 10 * tens.indexOf(word);
		}
		return total + open;
	};
	fc.assert(
		fc.property(fc.integer({ min: 0, max: 99_999_999_999_999 }), (paise) => {
			const [, rupees, rest] = /^Rupees (.+?)(?: and (.+) Paise)? Only$/.exec(rupeesInWords(paise))!;
			expect(read(rupees!) * 100 + (rest === undefined ? 0 : read(rest))).toBe(paise);
		}),
	);
});
