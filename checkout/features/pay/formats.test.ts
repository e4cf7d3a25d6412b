import { describe, expect, it } from "vitest";
import { formatAmount, formatDuration, formatMoment } from "./formats.ts";

describe("formatAmount", () => {
	it.each([
		[1, "INR", "₹0.01"],
		[100, "INR", "₹1.00"],
		[99_999, "INR", "₹999.99"],
		[12_345_600, "INR", "₹1,23,456.00"],
		[Number.MAX_SAFE_INTEGER, "INR", "₹9,00,71,99,25,47,409.91"],
		[1050, "USD", "$10.50"],
		[500, "JPY", "¥500"],
	])("%d of %s is %s in both languages", (amount, currency, text) => {
		expect(formatAmount(amount, currency, "en")).toBe(text);
		expect(formatAmount(amount, currency, "hi")).toBe(text);
	});
});

describe("formatMoment", () => {
	const now = new Date("2026-11-21T06:20:00Z");

	it("is India's clock", () => {
		expect(formatMoment(new Date("2026-11-21T06:34:32Z"), now, "en")).toBe("12:04 pm IST");
		expect(formatMoment(new Date("2026-11-21T06:34:32Z"), now, "hi")).toBe("12:04 pm IST");
	});

	it("names the day when it is another one in India, also where UTC's is the same", () => {
		expect(formatMoment(new Date("2026-11-21T18:45:00Z"), now, "en")).toBe("22 Nov 2026, 12:15 am IST");
		expect(formatMoment(new Date("2026-11-21T18:45:00Z"), now, "hi")).toBe("22 नव॰ 2026, 12:15 am IST");
	});
});

it.each([
	[-5, "0:00"],
	[1, "0:01"],
	[60_000, "1:00"],
	[872_000, "14:32"],
	[3_729_000, "1:02:09"],
])("formatDuration(%d) is %s", (milliseconds, text) => {
	expect(formatDuration(milliseconds)).toBe(text);
});
