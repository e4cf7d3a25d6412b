import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestPaiseOf, paiseOf, rupeesOf } from "./money.ts";

test("every number of paise comes back from rupees as it went, through JSON too", () => {
	fc.assert(
		fc.property(fc.integer({ min: 0, max: 100_000_000_000_000 }), (paise) => {
			const rupees = rupeesOf(paise);
			expect(paiseOf(rupees)).toBe(paise);
			expect(paiseOf(JSON.parse(JSON.stringify(rupees)))).toBe(paise);
		}),
	);
});

test("rupees are written with as many digits as they need", () => {
	expect([0, 1, 10, 100, 115, 12345, 123410].map(rupeesOf)).toEqual([0, 0.01, 0.1, 1, 1.15, 123.45, 1234.1]);
});

test.each([
	// 1.15 * 100 is 114.99999999999999, 4.35 * 100 is 434.99999999999994.
	[1.15, 115],
	[4.35, 435],
	[1234.1, 123410],
	["170.00", 17000],
	["170.0", 17000],
	[170, 17000],
	["0.07", 7],
	["1.500", 150],
	[-50.5, -5050],
	["-0.00", 0],
])("%s rupees are %i paise", (rupees, paise) => {
	expect(paiseOf(rupees)).toBe(paise);
});

test.each([
	["a part of a paisa", 10.005],
	["more than can be counted", 1e21],
	["next to nothing", 1e-7],
	["a number that is none", Number.NaN],
	["too many digits", "123456789012345.00"],
	["words", "ten"],
	["a thousands separator", "1,000.00"],
	["a space", " 10"],
	["a plus", "+10"],
	["another notation", "0x10"],
	["nothing", ""],
	["null", null],
	["an object", {}],
])("%s is no amount", (_, rupees) => {
	expect(paiseOf(rupees)).toBeNull();
});

test("paise that JSON cannot hold in rupees are not sent", () => {
	for (const paise of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER]) expect(rupeesOf(paise)).toBeNull();
});

test("charges are rounded to the nearest paisa, half a one up", () => {
	expect([1.755, 1.7549, 0.3159, 97.9191, "0.995", -1.755, 3].map(nearestPaiseOf)).toEqual([
		176, 175, 32, 9792, 100, -176, 300,
	]);
	expect(nearestPaiseOf("x")).toBeNull();
});
