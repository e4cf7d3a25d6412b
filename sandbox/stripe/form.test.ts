import { describe, expect, it } from "vitest";
import { paramName, parseForm } from "./form.ts";

describe("a form in Stripe's manner", () => {
	it("nests by brackets, and what is numbered from 0 is a list", () => {
		const text =
			"line_items[0][price_data][currency]=inr&line_items[0][quantity]=2&line_items[1][quantity]=1&metadata[a%20b]=c%26d";
		expect(parseForm(text)).toEqual({
			line_items: [{ price_data: { currency: "inr" }, quantity: "2" }, { quantity: "1" }],
			metadata: { "a b": "c&d" },
		});
	});

	it("takes empty brackets for the next item", () => {
		expect(parseForm("expand[]=a&expand[]=b")).toEqual({ expand: ["a", "b"] });
	});

	it("keeps numbers with gaps as names", () => {
		expect(parseForm("x[0]=a&x[2]=b")).toEqual({ x: { 0: "a", 2: "b" } });
	});

	it("leaves every object's prototype alone", () => {
		const form = parseForm("__proto__[polluted]=1&a[__proto__][polluted]=1&a[constructor][prototype][polluted]=1");
		expect(({} as Record<string, unknown>).polluted).toBeUndefined();
		expect(Object.getPrototypeOf(form)).toBe(Object.prototype);
	});

	it("names a place as Stripe's errors do", () => {
		expect(paramName(["line_items", 0, "price_data"])).toBe("line_items[0][price_data]");
	});
});
