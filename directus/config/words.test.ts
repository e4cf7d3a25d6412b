/** Everything that the studio shows is said in English and in Hindi. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, describe as suite } from "vitest";
import { DATABASE_ERRORS } from "../../db/client/errors.ts";
import { AREAS } from "../extensions/lightspeedpay/src/areas.ts";
import { REFUSALS_IN_HINDI } from "../extensions/lightspeedpay/src/refusals-in-hindi.ts";
import { describe } from "./apply.ts";
import { HINDI, UNTRANSLATED } from "./hindi.ts";

type Row = Record<string, unknown>;

const SOURCES = join(import.meta.dirname, "..", "extensions", "lightspeedpay", "src");
/** Units, kinds of files, and a language's own name for itself. */
const SAME_IN_BOTH = /^(?:PDF|CSV|HTTP|English|(?:ms|B|·|\s)+)$/;
const DEVANAGARI = /\p{Script=Devanagari}/u;
const rowsOf = (table: string): Row[] => describe({}).find(({ name }) => name === table)!.rows;

/** What options show a person: of choices, of switches, and in an empty field. */
function shownBy(options: unknown): string[] {
	if (options === null || typeof options !== "object") return [];
	return Object.entries(options).flatMap(([key, value]) =>
		typeof value === "string" ? (["text", "placeholder", "label"].includes(key) ? [value] : []) : shownBy(value),
	);
}

const isWords = (text: unknown): text is string => typeof text === "string" && /\p{Letter}/u.test(text);

suite("in Hindi too", () => {
	const shown = [
		...rowsOf("directus_fields").flatMap(({ note, validation_message, options, display_options }) => [
			note,
			validation_message,
			...shownBy(options),
			...shownBy(display_options),
		]),
		...rowsOf("directus_presets").map(({ bookmark }) => bookmark),
	].filter(isWords);

	it("are notes, choices, placeholders, checks and bookmarks", () => {
		const missing = shown.filter((text) => !text.startsWith("$t:") && !UNTRANSLATED.includes(text));
		expect([...new Set(missing)]).toEqual([]);
		for (const [english, hindi] of Object.entries(HINDI)) expect(hindi, english).toMatch(DEVANAGARI);
	});

	it("nothing is translated that is shown nowhere", () => {
		const used = new Set(shown);
		expect(Object.keys(HINDI).filter((text) => !used.has(`$t:${text}`))).toEqual([]);
		expect(UNTRANSLATED.filter((text) => !used.has(text))).toEqual([]);
	});

	it("are collections, fields, dashboards, panels and flows by name", () => {
		for (const { collection, field, translations, hidden } of [
			...rowsOf("directus_collections"),
			...rowsOf("directus_fields"),
		]) {
			if (hidden || translations === null) continue;
			const languages = (translations as { language: string }[]).map(({ language }) => language);
			expect([collection, field, languages]).toEqual([collection, field, ["en-US", "hi-IN"]]);
		}
		const named = ["directus_dashboards", "directus_panels", "directus_flows"].flatMap(rowsOf);
		for (const { name, note, description } of named) {
			for (const text of [name, note, description].filter(isWords)) expect(text).toMatch(DEVANAGARI);
		}
		// What a row of a list is called there is data; what a panel says of itself is not.
		expect(named.length).toBeGreaterThan(20);
	});

	it("are the areas", () => {
		for (const { label } of AREAS) expect(label.hi).toMatch(DEVANAGARI);
	});

	it("are refusals: every code of the database's functions, and the studio's own", () => {
		const own = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
			.filter((name) => name.endsWith(".ts"))
			.flatMap((name) => [...readFileSync(join(SOURCES, name), "utf8").matchAll(/createError\(\s*"([A-Z_]+)"/g)])
			.map(([, code]) => code!);
		expect(own.length).toBeGreaterThan(1);
		const codes = [...Object.values(DATABASE_ERRORS).map(({ name }) => name.toUpperCase()), ...own];
		expect(codes.filter((code) => !DEVANAGARI.test(REFUSALS_IN_HINDI[code] ?? ""))).toEqual([]);
	});

	it("are pages and panels: no words of a template stand outside say()", () => {
		const pages = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".vue"));
		expect(pages.length).toBeGreaterThan(20);
		const found = pages.flatMap((page) =>
			wordsOutside(readFileSync(join(SOURCES, page), "utf8")).map((text) => `${page}: ${text}`),
		);
		expect(found).toEqual([]);
	});

	it("are the operations of flows: each of their names, notes and choices is said in both", () => {
		const folder = join(SOURCES, "operations");
		const operations = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
			name.endsWith("app.ts"),
		);
		expect(operations.length).toBeGreaterThan(3);
		for (const operation of operations) {
			const source = readFileSync(join(folder, operation), "utf8");
			for (const property of ["name", "description"]) {
				expect(source, `${operation}: ${property}`).toMatch(new RegExp(`get ${property}\\(\\) {\\s+return speak\\(`));
			}
			for (const [, , hindi] of source.matchAll(/words\(\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"/g)) {
				expect(hindi).toMatch(DEVANAGARI);
			}
		}
	});
});

/** Text and attributes for people in a page's template that are not expressions. */
function wordsOutside(source: string): string[] {
	const template = /<template>([\s\S]*)<\/template>/.exec(source)?.[1] ?? "";
	const texts = template
		.replaceAll(/<!--[\s\S]*?-->/g, "")
		.replaceAll(/{{[\s\S]*?}}/g, "")
		// Attributes may hold ">" in their quotes.
		.replaceAll(/<(?:"[^"]*"|'[^']*'|[^>"'])*>/g, "\n")
		.split("\n")
		.map((text) => text.trim())
		.filter((text) => /[A-Za-z]{2}/.test(text) && !SAME_IN_BOTH.test(text));
	const attributes = [
		...template.matchAll(/\s(title|label|placeholder|caption|text|aria-label|alt|hint|action)="([^"]*)"/g),
	]
		.map(([, , value]) => value!)
		.filter((value) => /[A-Za-z]{2}/.test(value));
	return [...texts, ...attributes];
}
