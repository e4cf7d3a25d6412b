/**
 * Text on a PDF page in Latin and Devanagari, mixed as company names are. A web font comes as one file a script, so a text is
 * cut into runs, each set in the file that has its characters; the shaping (conjuncts, matras that move) is PDFKit's.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import type PDFDocument from "pdfkit";

type Document = InstanceType<typeof PDFDocument>;
type Weight = 400 | 700;
type Script = "latin" | "latin-ext" | "devanagari";

const { resolve } = createRequire(import.meta.url);

function load(script: Script, weight: Weight): Buffer {
	const family = script === "devanagari" ? "noto-sans-devanagari" : "noto-sans";
	const folder = join(resolve(`@fontsource/${family}/package.json`), "..", "files");
	return unpackWoff(readFileSync(join(folder, `${family}-${script}-${weight}-normal.woff`)));
}

/** A WOFF 1 file as the TrueType file in it: read packed, each glyph would unpack its table again, which takes seconds a page. */
export function unpackWoff(woff: Buffer): Buffer {
	if (woff.toString("latin1", 0, 4) !== "wOFF") throw new Error("This is no WOFF file.");
	const count = woff.readUInt16BE(12);
	const tables = Array.from({ length: count }, (_, index) => {
		const entry = 44 + index * 20;
		const offset = woff.readUInt32BE(entry + 4);
		const packed = woff.subarray(offset, offset + woff.readUInt32BE(entry + 8));
		const length = woff.readUInt32BE(entry + 12);
		return {
			tag: woff.subarray(entry, entry + 4),
			checksum: woff.readUInt32BE(entry + 16),
			data: packed.length < length ? inflateSync(packed) : packed,
		};
	});
	const header = Buffer.alloc(12 + count * 16);
	woff.copy(header, 0, 4, 8);
	header.writeUInt16BE(count, 4);
	const power = Math.floor(Math.log2(count));
	header.writeUInt16BE(16 * 2 ** power, 6);
	header.writeUInt16BE(power, 8);
	header.writeUInt16BE(16 * (count - 2 ** power), 10);
	const parts = [header];
	let offset = header.length;
	for (const [index, { tag, checksum, data }] of tables.entries()) {
		const entry = 12 + index * 16;
		tag.copy(header, entry);
		header.writeUInt32BE(checksum, entry + 4);
		header.writeUInt32BE(offset, entry + 8);
		header.writeUInt32BE(data.length, entry + 12);
		const padded = Buffer.alloc(Math.ceil(data.length / 4) * 4);
		data.copy(padded);
		parts.push(padded);
		offset += padded.length;
	}
	return Buffer.concat(parts);
}

const fonts = new Map<string, Buffer>();

const DEVANAGARI = /[\u0900-\u097F\u1CD0-\u1CF9\u25CC\uA830-\uA839\uA8E0-\uA8FF]/;
const LATIN_EXTENDED = /[\u0100-\u0130\u0132-\u0151\u0154-\u02BA\u1E00-\u1EFF\u20A0-\u20C0\u2C60-\u2C7F\uA720-\uA7FF]/;
/** Belongs to whatever it stands in: blanks, joiners, and signs put on the letter before. */
const NEUTRAL = /[\s\u200C\u200D]/;

export interface Style {
	size: number;
	bold?: boolean;
	color?: string;
}

interface Run {
	script: Script;
	text: string;
}

export class Typesetter {
	readonly document: Document;

	constructor(document: Document) {
		this.document = document;
	}

	/** Writes one line; x is its left edge, or its right one. */
	line(text: string, x: number, baseline: number, style: Style, align: "left" | "right" | "center" = "left"): void {
		let at = x;
		if (align !== "left") at -= this.widthOf(text, style) / (align === "right" ? 1 : 2);
		this.document.fillColor(style.color ?? "black");
		for (const run of runsOf(text)) {
			this.use(run.script, style);
			this.document.text(run.text, at, baseline, { lineBreak: false, baseline: "alphabetic" });
			at += this.document.widthOfString(run.text);
		}
	}

	/** Writes lines of at most `width`, at `leading` times the size; returns the baseline that comes next. */
	paragraph(text: string, x: number, baseline: number, width: number, style: Style, leading = 1.4): number {
		let y = baseline;
		for (const line of this.wrap(text, width, style)) {
			this.line(line, x, y, style);
			y += style.size * leading;
		}
		return y;
	}

	widthOf(text: string, style: Style): number {
		return runsOf(text).reduce((sum, run) => {
			this.use(run.script, style);
			return sum + this.document.widthOfString(run.text);
		}, 0);
	}

	wrap(text: string, width: number, style: Style): string[] {
		return text.split("\n").flatMap((given) => {
			const lines: string[] = [];
			let line = "";
			for (const word of given.split(/\s+/).filter(Boolean)) {
				const longer = line === "" ? word : `${line} ${word}`;
				if (line !== "" && this.widthOf(longer, style) > width) {
					lines.push(line);
					line = word;
				} else line = longer;
				// a word that is wider than the column is cut, between what a reader takes for letters
				while (this.widthOf(line, style) > width) {
					const letters = [...new Intl.Segmenter("hi", { granularity: "grapheme" }).segment(line)].map(
						({ segment }) => segment,
					);
					let fits = letters.length - 1;
					while (fits > 1 && this.widthOf(letters.slice(0, fits).join(""), style) > width) fits -= 1;
					if (fits < 1) break;
					lines.push(letters.slice(0, fits).join(""));
					line = letters.slice(fits).join("");
				}
			}
			if (line !== "") lines.push(line);
			return lines;
		});
	}

	private use(script: Script, { size, bold = false }: Style): void {
		const weight = bold ? 700 : 400;
		const name = `${script} ${weight}`;
		let font = fonts.get(name);
		if (font === undefined) {
			font = load(script, weight);
			fonts.set(name, font);
		}
		// PDFKit keeps one font of a document a name.
		this.document.registerFont(name, font);
		this.document.font(name).fontSize(size);
	}
}

export function runsOf(text: string): Run[] {
	const runs: Run[] = [];
	for (const character of text.normalize("NFC")) {
		const last = runs.at(-1);
		const script = DEVANAGARI.test(character) ? "devanagari" : LATIN_EXTENDED.test(character) ? "latin-ext" : "latin";
		if (last && (last.script === script || NEUTRAL.test(character))) last.text += character;
		else runs.push({ script, text: character });
	}
	return runs;
}
