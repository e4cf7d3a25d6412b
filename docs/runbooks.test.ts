import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

function find(files: string, pattern: RegExp): string[] {
	return globSync(files, { cwd: ROOT })
		.filter((file) => !/\.test\.ts$|\/tests\//.test(file))
		.flatMap((file) => [...read(file).matchAll(pattern)].map(([, kind]) => kind!));
}

/** What the database and the processes raise, and what the rules of Prometheus lead to. */
const raised = new Set([
	...find("db/functions/*.sql", /raise_alert\(\s*'([a-z_]+)'/g),
	...find("{jobs,checkout}/**/*.ts", /kind: "([a-z_]+)",\s*severity:/g),
	...find("ops/prometheus/*.yml", /runbook: docs\/runbooks\/([a-z_]+)\.md/g),
]);
const pages = globSync("docs/runbooks/*.md", { cwd: ROOT })
	.map((path) => basename(path, ".md"))
	.filter((name) => name !== "README");

it("there is a runbook for every alert that is raised, and for no other", () => {
	expect(pages.sort()).toEqual([...raised].sort());
});

it.each(pages)("%s says what it means, how to look, what to do, and when it is over", (page) => {
	const text = read(`docs/runbooks/${page}.md`);
	expect(text.match(/^## .*$/gm)).toEqual(["## What it means", "## Look", "## Do", "## Over when"]);
	expect(text).toContain(`\`${page}\``);
	expect(read("docs/runbooks/README.md")).toContain(`[\`${page}\`](${page}.md)`);
});
