import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

let folder: string;

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "import-arrows-"));
	cpSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What the linter says of one import in a file of that path. */
function lint(file: string, specifier: string): string {
	mkdirSync(join(folder, dirname(file)), { recursive: true });
	writeFileSync(join(folder, file), `import { anything } from "${specifier}";\nanything();\n`);
	const { stdout, stderr } = spawnSync(
		join(ROOT, "node_modules/.bin/biome"),
		["lint", "--only=style/noRestrictedImports", "--vcs-enabled=false", file],
		{ cwd: folder, encoding: "utf8" },
	);
	expect(stdout).toContain("Checked 1 file");
	return stdout + stderr;
}

describe("the linter", () => {
	test.each([
		["db/client/payments.ts", "../../psp/adapter.ts"],
		["db/prepare.ts", "../checkout/env.ts"],
		["psp/razorpay/adapter.ts", "../../db/client/pool.ts"],
		["psp/razorpay/adapter.ts", "pg"],
		["checkout/app.ts", "../jobs/env.ts"],
		["checkout/features/pay/routes.ts", "../../../sandbox/app.ts"],
		["checkout/app.ts", "../db/prepare.ts"],
		["jobs/tasks/deliver_webhook.ts", "../../checkout/env.ts"],
		["sandbox/app.ts", "../psp/adapter.ts"],
	])("refuses that %s imports %s", (file, specifier) => {
		expect(lint(file, specifier)).toContain("lint/style/noRestrictedImports");
	});

	test.each([
		["checkout/app.ts", "../db/client/pool.ts"],
		["checkout/app.ts", "../psp/providers.ts"],
		["jobs/worker.ts", "../db/client/pool.ts"],
		["psp/razorpay/adapter.ts", "../adapter.ts"],
		["db/listing.test.ts", "../test/database.ts"],
	])("lets %s import %s", (file, specifier) => {
		expect(lint(file, specifier)).not.toContain("noRestrictedImports");
	});
});
