/** Holds the code to the arrows of ARCHITECTURE.md, and the documents to the names that the code has. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");

/** What the files of a folder may import besides the folder itself. */
const ALLOWED: Record<string, string[]> = {
	db: [],
	psp: [],
	telemetry: [],
	checkout: ["db/client", "psp", "telemetry"],
	jobs: ["db/client", "psp", "telemetry"],
	directus: [
		"db/client/connection.ts",
		"db/client/secrets.ts",
		"db/client/errors.ts",
		"psp/providers.ts",
		"psp/upi/statement.ts",
		"psp/settlement-file.ts",
		"psp/settlement-sources.ts",
	],
	sandbox: [],
};

const code = new Map(
	globSync("{bench,checkout,db,directus,jobs,psp,sandbox,scripts,telemetry,test}/**/*.{ts,vue,sql,txt,mjs}", {
		cwd: ROOT,
		exclude: ["**/node_modules", "**/dist"],
	}).map((path) => [path, readFileSync(join(ROOT, path), "utf8")]),
);

describe.each(Object.entries(ALLOWED))("%s/", (folder, allowed) => {
	it(`imports ${allowed.join(" and ") || "nothing of the repository"}`, () => {
		const foreign: string[] = [];
		for (const [path, text] of code) {
			if (!path.startsWith(`${folder}/`) || isTest(path)) continue;
			for (const [, specifier] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
				const target = relative(ROOT, resolve(ROOT, dirname(path), specifier!));
				const may = [folder, ...allowed].some((each) => target === each || target.startsWith(`${each}/`));
				if (!may) foreign.push(`${path} imports ${target}`);
			}
		}
		expect(foreign).toEqual([]);
	});
});

describe("connections to the database", () => {
	it("are made where somebody hears of their end: unheard, it ends the process", () => {
		const makers = (what: RegExp) => [...code].filter(([, text]) => what.test(text)).map(([path]) => path);
		expect(makers(/new pg\.Client\(/)).toEqual(["db/client/connection.ts"]);
		const deaf = makers(/new pg\.Pool\(/).filter((path) => !/\.on\("error"/.test(code.get(path)!));
		expect(deaf).toEqual([]);
	});
});

function isTest(path: string): boolean {
	return /\.test\.ts$|\/tests\/|\/test-[a-z-]+\.ts$/.test(path);
}

const words = new Set([...code.values()].flatMap((text) => text.match(/\w+/g) ?? []));
const files = new Set([...code.keys()].map((path) => basename(path)));

describe.each([
	"README.md",
	"ARCHITECTURE.md",
	"SECURITY.md",
	"docs/state-machines.md",
	"docs/deploy.md",
	"docs/error-codes.md",
])("%s names only", (page) => {
	const text = readFileSync(join(ROOT, page), "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
	const spans = [...text.matchAll(/`([^`]+)`/g)].map(([, span]) => span!);

	it("files that exist", () => {
		// .data/ is made by the first start.
		const paths = spans.filter((span) => /^[\w./-]+(\/|\.(ts|sql|md|mjs|txt))$/.test(span) && span !== ".data/");
		const missing = paths.filter((path) =>
			path.includes("/") ? !existsSync(join(ROOT, path)) : !files.has(path) && !existsSync(join(ROOT, path)),
		);
		expect(missing).toEqual([]);
	});

	it("variables that exist", () => {
		const names = spans.filter((span) => /^[A-Z]+(_[A-Z]+)+$/.test(span));
		expect(names.filter((name) => !words.has(name))).toEqual([]);
	});

	it("functions, tables, columns and constraints that exist", () => {
		const names = spans.filter((span) => /^[a-z]+(_[a-z]+)+(\(\))?$/.test(span));
		expect(names.filter((name) => !words.has(name.replace("()", "")))).toEqual([]);
	});
});
