import { describe, expect, it } from "vitest";
import { formatRupees, parseRupees } from "./rupees.ts";

describe("rupees", () => {
	it.each([
		[0, "₹0.00"],
		[5, "₹0.05"],
		["123456", "₹1,234.56"],
		[12345678900, "₹12,34,56,789.00"],
		[-4321, "−₹43.21"],
		[null, null],
		["9007199254740993", "9007199254740993"],
	])("shows %s paise as %s", (paise, text) => {
		expect(formatRupees(paise)).toBe(text);
	});

	it.each([
		["1234.56", 123456],
		["₹ 1,23,456.7", 12345670],
		["12.", 1200],
		["0.29", 29],
		["", null],
		["1.234", undefined],
		["-5", undefined],
		["twelve", undefined],
	])("reads %j as %s paise", (text, paise) => {
		expect(parseRupees(text)).toBe(paise);
	});

	it("reads back what it shows, to the paisa", () => {
		for (let paise = 0; paise < 100_000; paise += 7) expect(parseRupees(formatRupees(paise)!)).toBe(paise);
	});
});
