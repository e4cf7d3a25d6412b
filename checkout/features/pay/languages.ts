import { en, type Texts } from "./texts/en.ts";
import { hi } from "./texts/hi.ts";

/** The first is what everybody gets who asked for none of them. */
export const LANGUAGES = ["en", "hi"] as const;
export type Language = (typeof LANGUAGES)[number];

export const TEXTS: Record<Language, Texts> = { en, hi };

/** BCP 47 tags whose number and date formats are used: Indian grouping, twelve-hour clock. */
export const LOCALES: Record<Language, string> = { en: "en-IN", hi: "hi-IN" };

export function isLanguage(value: unknown): value is Language {
	return LANGUAGES.some((language) => language === value);
}

/** What the payer chose on the page, else what the browser asks for (RFC 9110, with weights), else English. */
export function chooseLanguage(chosen: unknown, accept_language: string | undefined): Language {
	if (isLanguage(chosen)) return chosen;
	const ranges = (accept_language ?? "")
		.split(",")
		.map((range) => {
			const [tag = "", ...parameters] = range
				.trim()
				.toLowerCase()
				.split(/\s*;\s*/);
			const weight = parameters.find((parameter) => parameter.startsWith("q="));
			return { language: tag.split("-")[0], weight: weight === undefined ? 1 : Number(weight.slice(2)) };
		})
		.filter(({ weight }) => weight > 0)
		.sort((a, b) => b.weight - a.weight);
	return ranges.map(({ language }) => language).find(isLanguage) ?? LANGUAGES[0];
}

/** Puts values where {name} stands. An unknown name stays visible, so that a test finds it. */
export function fillText(text: string, values: Record<string, string>): string {
	return text.replaceAll(/\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}
