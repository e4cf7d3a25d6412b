import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { paiseOf, roundedPaiseOf, rupeesOf } from "./amount.ts";

describe("rupees as PayU writes them", () => {
	test("paise survive the way there and back", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 1_000_000_000_000 }), (paise) => {
				expect(rupeesOf(paise)).toMatch(/^\d+\.\d{2}$/);
				expect(paiseOf(rupeesOf(paise))).toBe(paise);
			}),
		);
	});

	test.each([
		["10", 1_000],
		["10.0", 1_000],
		["10.00", 1_000],
		[" 10.00 ", 1_000],
		["1234.10", 123_410],
		["4.7200", 472],
		["43.13000", 4_313],
		["-2445.0000", -244_500],
		[2.0, 200],
		[19.99, 1_999],
		["0.00", 0],
	])("%j is %i paise", (rupees, paise) => expect(paiseOf(rupees)).toBe(paise));

	test.each([
		"",
		"ten",
		"10,000.00",
		"1e3",
		"10.",
		".5",
		"0x10",
		"₹10",
		"0.2360",
		"99999999999999",
		null,
		undefined,
		{},
		Number.NaN,
	])("%j is no amount of paise", (rupees) => expect(paiseOf(rupees)).toBeNull());

	test("fee and tax are added up before they are rounded", () => {
		expect(roundedPaiseOf("0.2360", "0.0425")).toBe(28);
		expect(roundedPaiseOf("239.6000", "43.1300")).toBe(28_273);
		expect(roundedPaiseOf("8.0000", "what")).toBeNull();
	});
});
