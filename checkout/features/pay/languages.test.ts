import { describe, expect, it } from "vitest";
import { chooseLanguage, fillText, TEXTS } from "./languages.ts";

describe("chooseLanguage", () => {
	it.each([
		[undefined, undefined, "en"],
		[undefined, "hi", "hi"],
		[undefined, "hi-IN,hi;q=0.9,en;q=0.8", "hi"],
		[undefined, "en-IN,en;q=0.9,hi;q=0.8", "en"],
		[undefined, "en;q=0.5, HI-in;q=0.8", "hi"],
		[undefined, "ta-IN,ta;q=0.9", "en"],
		[undefined, "hi;q=0, en", "en"],
		[undefined, "ta, hi;q=0.3", "hi"],
		["hi", "en", "hi"],
		["en", "hi", "en"],
		["fr", "hi", "hi"],
	])("chosen %s, browser %s: %s", (chosen, accept_language, language) => {
		expect(chooseLanguage(chosen, accept_language)).toBe(language);
	});
});

describe("texts", () => {
	it("have the same placeholders in every language", () => {
		expect(placeholders(TEXTS.hi)).toEqual(placeholders(TEXTS.en));
	});

	it("are filled by name, leaving what is unknown to be seen", () => {
		expect(fillText("{amount} to {merchant}, {who}", { amount: "₹1.00", merchant: "$& {amount}" })).toBe(
			"₹1.00 to $& {amount}, {who}",
		);
	});
});

function placeholders(texts: object): object {
	return Object.fromEntries(
		Object.entries(texts).map(([key, value]) => [
			key,
			typeof value === "string" ? [...value.matchAll(/\{\w+\}/g)].map(String).sort() : placeholders(value),
		]),
	);
}
