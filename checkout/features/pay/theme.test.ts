import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { contrast, LEAST_CONTRAST, shadesOf, themeOf } from "./theme.ts";

const LEVELS = ["00", "33", "66", "80", "99", "cc", "ff"];
const COLORS = LEVELS.flatMap((red) => LEVELS.flatMap((green) => LEVELS.map((blue) => `#${red}${green}${blue}`)));

describe("a merchant's colour", () => {
	it("leaves all text readable, whatever it is, in light and dark", () => {
		for (const color of COLORS) {
			const { brand, light, dark } = shadesOf(color);
			const pairs = [
				[brand.brand, brand["brand-ink"]],
				[light.accent, light["accent-ink"]],
				[light.accent, "#ffffff"],
				[dark.accent, dark["accent-ink"]],
				[dark.accent, "#171a23"],
				// The page's ink on a notice.
				["#161a26", light.tint],
				["#eceef4", dark.tint],
			] as const;
			for (const [first, second] of pairs) {
				expect(contrast(first, second), `${color}: ${first} on ${second}`).toBeGreaterThanOrEqual(LEAST_CONTRAST);
			}
			// Icons on their disc are no text.
			expect(contrast(light.accent, light.tint), color).toBeGreaterThanOrEqual(3);
			expect(contrast(dark.accent, dark.tint), color).toBeGreaterThanOrEqual(3);
		}
	});

	it("is taken as it is where it reads well", () => {
		expect(shadesOf("#1f2b60")).toMatchObject({ brand: { "brand-ink": "#ffffff" }, light: { accent: "#1f2b60" } });
		expect(shadesOf("#ffe14d").brand["brand-ink"]).toBe("#000000");
	});

	it("is measured against the page's own papers and inks", () => {
		const css = readFileSync(new URL("../../assets/pay.css", import.meta.url), "utf8");
		for (const value of ["--paper: #fff;", "--paper: #171a23;", "--accent-ink: #10131c;", "--ink: #161a26;"]) {
			expect(css).toContain(value);
		}
	});

	it("follows the payer's device, unless the scheme is fixed", () => {
		expect(themeOf("#aa3300")!.css).toMatch(
			/^:root\{--brand:#aa3300;.+\}@media \(prefers-color-scheme:dark\)\{:root\{.+\}\}$/,
		);
		expect(themeOf("#aa3300", "dark")!.css).toMatch(/^:root\{[^@]+--accent-ink:#10131c[^@]+\}$/);
		expect(themeOf(null)).toBeNull();
	});
});
