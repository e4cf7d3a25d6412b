// `npm test`: everything that must hold, in the order of how quickly it tells. The last line counts all of it.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const binaries = join(root, "node_modules", ".bin");
// npm does this for its own scripts; so that `node scripts/test.mjs` runs the same Node 24.
const env = { ...process.env, PATH: `${binaries}${delimiter}${process.env.PATH}` };

const totals = { passed: 0, failed: 0, skipped: 0 };

function run(command, args) {
	return new Promise((resolve) => {
		const child = spawn(join(binaries, command), args, { cwd: root, env, stdio: ["ignore", "inherit", "inherit"] });
		child.once("error", (error) => {
			console.error(error.message);
			resolve(1);
		});
		child.once("exit", (code) => resolve(code ?? 1));
	});
}

async function step(title, command, args) {
	console.log(`\n── ${title}`);
	const code = await run(command, args);
	if (code === 0) totals.passed++;
	else totals.failed++;
	console.log(code === 0 ? "passed" : "failed");
}

async function runVitest(filters) {
	console.log("\n── tests");
	const folder = mkdtempSync(join(tmpdir(), "lightspeedpay-report-"));
	const file = join(folder, "report.json");
	const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...filters];
	const code = await run("vitest", args);
	let report = null;
	try {
		report = JSON.parse(readFileSync(file, "utf8"));
	} catch {
		// It ended before it could report: counted below.
	}
	rmSync(folder, { recursive: true, force: true });
	const before = totals.failed;
	for (const testFile of report?.testResults ?? []) {
		const failed = testFile.assertionResults.filter(({ status }) => status === "failed").length;
		totals.failed += failed;
		totals.passed += testFile.assertionResults.filter(({ status }) => status === "passed").length;
		totals.skipped += testFile.assertionResults.filter(({ status }) => !["passed", "failed"].includes(status)).length;
		// A file that could not be loaded or set up has no failed test of its own.
		if (testFile.status === "failed" && failed === 0) totals.failed++;
	}
	// An error outside every test, a crash of the runner.
	if (code !== 0 && totals.failed === before) totals.failed++;
}

const version = spawnSync("node", ["--version"], { env, encoding: "utf8" }).stdout ?? "";
if (!existsSync(join(binaries, "vitest")) || !(Number(/^v(\d+)/.exec(version)?.[1]) >= 24)) {
	console.error("The packages are not installed, or not with Node 24 among them: run `npm ci` first.");
	totals.failed++;
} else {
	await step("lint (biome check)", "biome", ["check"]);
	await step("types (tsc)", "tsc", ["--noEmit"]);
	await step("types of the payer's page (tsc)", "tsc", ["-p", "checkout/assets"]);
	await runVitest(process.argv.slice(2));
}

// Most are scenarios of the conformance suite that a provider has no counterpart for.
if (totals.skipped > 0) console.log(`\n${totals.skipped} not applicable or skipped`);
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 ? 0 : 1;
