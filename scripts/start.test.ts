import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

let clone: string;

beforeEach(() => {
	clone = mkdtempSync(join(tmpdir(), "start-test-"));
	mkdirSync(join(clone, "scripts"));
	cpSync(join(import.meta.dirname, "start.mjs"), join(clone, "scripts/start.mjs"));
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

/** Runs start.mjs of the clone in a Node that says it is of this version. */
function start(version: string) {
	const pretend = `data:text/javascript,Object.defineProperty(process,"version",{value:"${version}"})`;
	return spawnSync(process.execPath, ["--import", pretend, join(clone, "scripts/start.mjs")], { encoding: "utf8" });
}

describe("start.mjs", () => {
	test("asks for npm ci in a clone without packages", () => {
		const { status, stderr } = start("v24.1.0");
		expect(stderr).toBe("The packages are not installed: run `npm ci` first.\n");
		expect(status).toBe(1);
	});

	test("says what to do on a Node that is too old when Node 24 was not installed", () => {
		mkdirSync(join(clone, "node_modules/pg"), { recursive: true });
		const { status, stderr } = start("v20.20.2");
		expect(stderr).toMatch(/^This is Node v20\.20\.2 and LightSpeedPay needs 24: run `npm ci`, .*\.\n$/);
		expect(status).toBe(1);
	});

	test("starts with the Node 24 that npm installed when run by an older one, and passes its exit code on", () => {
		mkdirSync(join(clone, "node_modules/pg"), { recursive: true });
		mkdirSync(join(clone, "node_modules/node/bin"), { recursive: true });
		cpSync(process.execPath, join(clone, "node_modules/node/bin/node"));
		writeFileSync(join(clone, "scripts/start.ts"), 'console.log("started by", process.execPath); process.exit(3);');
		const { status, stdout } = start("v20.20.2");
		expect(stdout).toBe(`started by ${join(clone, "node_modules/node/bin/node")}\n`);
		expect(status).toBe(3);
	});
});
