import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

interface LockedPackage {
	version?: string;
	resolved?: string;
	optionalDependencies?: Record<string, string>;
}

const text = readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8");
const packages: Record<string, LockedPackage> = JSON.parse(text).packages;

/** As Node resolves it: beside the package that asks, then further up. */
function isLocked(from: string, name: string): boolean {
	for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
		if (packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`] !== undefined) return true;
		if (folder === "") return false;
	}
}

describe("package-lock.json", () => {
	test("names no registry, so that any can serve it", () => {
		expect(Object.keys(packages).filter((path) => packages[path]!.resolved !== undefined)).toEqual([]);
		expect(text).not.toMatch(/https?:\/\/[^"]*\.tgz/);
	});

	// npm drops what the registry at hand lacks, and `npm ci` then refuses the file everywhere.
	test("holds every platform's optional package", () => {
		const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
			Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
		);
		expect(missing).toEqual([]);
	});
});
