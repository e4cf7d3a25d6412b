import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
// Either program knows the format; where neither is, there is nobody to ask.
const compose = [["docker", "compose"], ["docker-compose"]].find(
	([program, ...args]) => spawnSync(program!, [...args, "version"]).status === 0,
);
if (compose === undefined && process.env.CI === "true") {
	throw new Error("docker-compose.yml cannot be checked: install docker-compose.");
}

let folder: string;

beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "compose-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function config(envText: string, ...args: string[]) {
	const file = join(folder, "env");
	writeFileSync(file, envText);
	const [program, ...rest] = compose as string[];
	return spawnSync(program!, [...rest, "--env-file", file, "-f", join(ROOT, "docker-compose.yml"), ...args], {
		encoding: "utf8",
		env: { PATH: process.env.PATH, HOME: process.env.HOME },
	});
}

const example = readFileSync(join(ROOT, ".env.example"), "utf8");
const filled = example.replaceAll(/^([A-Z_]+)=$/gm, "$1=value");

describe.skipIf(compose === undefined)("docker-compose.yml", () => {
	test("is valid and runs every part on PostgreSQL 18 once .env.example is filled in", () => {
		const { status, stdout, stderr } = config(filled, "config");
		expect(stderr).not.toMatch(/variable is not set/);
		expect(status, stderr).toBe(0);
		expect(stdout).toContain("image: postgres:18");
		for (const entry of ["scripts/prepare.ts", "checkout/server.ts", "jobs/worker.ts", "directus/server.ts"]) {
			expect(stdout).toContain(entry);
		}
	});

	test("refuses to start with a password or key left out", () => {
		for (const name of ["POSTGRES_PASSWORD", "CHECKOUT_PASSWORD", "ENCRYPTION_KEYS", "STUDIO_SECRET"]) {
			const { status, stderr } = config(filled.replace(`${name}=value`, `${name}=`), "config");
			expect(status).not.toBe(0);
			expect(stderr).toContain("fill in .env");
		}
	});
});

test("the image holds every entry point that docker-compose.yml names, and no secrets", () => {
	const ignored = readFileSync(join(ROOT, ".dockerignore"), "utf8").split("\n");
	expect(ignored).toEqual(expect.arrayContaining([".env", ".data", ".git", "node_modules"]));
	const text = readFileSync(join(ROOT, "docker-compose.yml"), "utf8");
	const entries = [...text.matchAll(/command: \[node, ([^\]]+)\]/g)].map(([, entry]) => entry!);
	expect(entries).toHaveLength(4);
	for (const entry of entries) expect(() => readFileSync(join(ROOT, entry))).not.toThrow();
});
