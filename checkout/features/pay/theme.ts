/** A merchant's colour, and the shades of it that stay readable whatever it is. */

/** WCAG 2.2 AA for text. */
export const LEAST_CONTRAST = 4.5;

/** What checkout/assets/pay.css lays text in a merchant's colour on: its --paper, by scheme. */
const PAPER = { light: "#ffffff", dark: "#171a23" };
/** Text on a button, by scheme: its --accent-ink. */
const ACCENT_INK = { light: "#ffffff", dark: "#10131c" };
const TINT = 0.1;

export type Scheme = "light" | "dark";

export interface Theme {
	brand: string;
	/** A style sheet of custom properties, for the page's own <style>. */
	css: string;
}

/** Null: the page keeps the product's colour. `scheme`: fixed, whatever the payer's device wants. */
export function themeOf(color: string | null, scheme: Scheme | null = null): Theme | null {
	if (color === null) return null;
	const shades = shadesOf(color);
	const root = (properties: Record<string, string>) =>
		`:root{${Object.entries(properties)
			.map(([name, value]) => `--${name}:${value}`)
			.join(";")}}`;
	const light = root({ ...shades.brand, ...shades.light });
	const dark = root({ ...shades.brand, ...shades.dark });
	const css = { light, dark, both: `${light}@media (prefers-color-scheme:dark){${dark}}` }[scheme ?? "both"];
	return { brand: color, css };
}

export function shadesOf(color: string) {
	const of = (scheme: Scheme) => {
		const ink = ACCENT_INK[scheme];
		const accent = shade(color, scheme === "light" ? "#000000" : "#ffffff", (candidate) =>
			Math.min(contrast(candidate, PAPER[scheme]), contrast(candidate, ink)),
		);
		return { accent, "accent-ink": ink, tint: mix(PAPER[scheme], accent, TINT) };
	};
	return {
		// Black or white reaches 4.58 on any colour.
		brand: { brand: color, "brand-ink": contrast(color, "#ffffff") >= LEAST_CONTRAST ? "#ffffff" : "#000000" },
		light: of("light"),
		dark: of("dark"),
	};
}

/** The nearest mixture of `color` with `towards` that reads well. */
function shade(color: string, towards: string, worst: (candidate: string) => number): string {
	for (let step = 0; step <= 50; step++) {
		const candidate = mix(color, towards, step / 50);
		if (worst(candidate) >= LEAST_CONTRAST) return candidate;
	}
	return towards;
}

function mix(first: string, second: string, share: number): string {
	const [a, b] = [channels(first), channels(second)];
	return `#${a.map((value, index) => hex(value + (b[index]! - value) * share)).join("")}`;
}

/** Of two colours, from 1 to 21 (WCAG 2.2). */
export function contrast(first: string, second: string): number {
	const [a, b] = [luminance(first), luminance(second)];
	return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function luminance(color: string): number {
	const [red, green, blue] = channels(color).map((value) => {
		const share = value / 255;
		return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

const channels = (color: string): number[] => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
const hex = (value: number): string => Math.round(value).toString(16).padStart(2, "0");
