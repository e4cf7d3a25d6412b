import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const pages = globSync("**/*.md", { cwd: ROOT, exclude: ["**/node_modules", "**/dist", ".data", ".git"] }).sort();

describe("every link leads somewhere", () => {
	it.each(pages)("in %s", (page) => {
		// Code is no prose: what looks like a link there is none.
		const text = read(page).replaceAll(/^```[\s\S]*?^```/gm, "");
		const targets = [...text.matchAll(/\]\(([^)\s]+)\)|href="([^"]+)"/g)].map(([, link, href]) => (link ?? href)!);
		const dead = targets.filter((target) => !/^https?:/.test(target) && !leadsSomewhere(page, target));
		expect(dead).toEqual([]);
	});
});

function leadsSomewhere(page: string, target: string): boolean {
	const [path = "", anchor] = target.split("#");
	const file = path === "" ? page : relative(ROOT, resolve(ROOT, dirname(page), path));
	if (statSync(join(ROOT, file), { throwIfNoEntry: false }) === undefined) return false;
	return anchor === undefined || headings(file).includes(anchor);
}

/** As the hosts of repositories name them. */
function headings(page: string): string[] {
	return [...read(page).matchAll(/^#{1,6} (.*)$/gm)].map(([, heading]) =>
		heading!
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
			.replaceAll(" ", "-"),
	);
}

function read(page: string): string {
	return readFileSync(join(ROOT, page), "utf8");
}
