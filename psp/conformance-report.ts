/**
 * `npm run conformance`: prints which adapter passes which scenario. Exits non-zero when one fails.
 *
 * The first half runs the adapters against the sandbox (conformance.test.ts), the second whole payments through the running
 * system (test/e2e/journeys.test.ts). With --adapters-only the first alone, which takes seconds.
 */
import type { CliOptions, TestModule } from "vitest/node";
import { startVitest } from "vitest/node";
import type { ConformanceKit } from "./conformance.ts";
import { type Mark, renderReasons, renderTable } from "./conformance-table.ts";
import { notApplicable } from "./not-applicable.ts";
import { providers } from "./providers.ts";

const root = `${import.meta.dirname}/..`;
const adapters = Object.keys(providers).sort();
const table = new Map<string, Map<string, Mark>>();
const complaints: string[] = [];

/** By adapter: the scenarios it has no counterpart for, and why. */
const not_applicable = new Map<string, Record<string, string>>();
for (const [provider, createAdapter] of Object.entries(providers)) {
	const { conformanceKit } = (await import(`./${provider}/conformance.ts`)) as { conformanceKit: ConformanceKit };
	not_applicable.set(provider, { ...notApplicable(createAdapter(), conformanceKit) });
}

function record(modules: readonly TestModule[]): void {
	for (const module of modules) {
		for (const error of module.errors()) complaints.push(`${module.relativeModuleId}: ${error.message}`);
		for (const suite of module.children.allSuites()) {
			for (const error of suite.errors()) complaints.push(`${suite.fullName}: ${error.message}`);
		}
		for (const test of module.children.allTests()) {
			const adapter = test.parent.type === "suite" ? test.parent.name : module.relativeModuleId;
			const result = test.result();
			const row = table.get(test.name) ?? new Map<string, Mark>();
			if (result.state === "skipped") {
				// A journey says itself why it does not apply.
				const reasons = not_applicable.get(adapter);
				if (result.note !== undefined && reasons !== undefined) reasons[test.name] = result.note;
				table.set(test.name, row.set(adapter, skipped(adapter, test.name)));
			} else {
				table.set(test.name, row.set(adapter, ran(result.state)));
			}
			for (const error of result.errors ?? []) complaints.push(`${adapter}: ${test.name}\n    ${error.message}`);
		}
	}
}

function ran(state: "passed" | "failed" | "pending"): Mark {
	return state === "passed" ? "pass" : state === "failed" ? "FAIL" : "none";
}

/** A test is skipped too when its suite did not start: only what an adapter has declared does not apply. */
function skipped(adapter: string, scenario: string): Mark {
	return not_applicable.get(adapter)?.[scenario] === undefined ? "none" : "n/a";
}

async function runTests(filters: string[], options: CliOptions): Promise<void> {
	const vitest = await startVitest("test", filters, {
		root,
		watch: false,
		reporters: [{ onTestRunEnd: record }],
		...options,
	});
	await vitest.close();
}

const started = performance.now();
await runTests([], {
	// The project's own configuration starts a database, which no adapter needs.
	config: false,
	include: ["psp/conformance.test.ts"],
	testTimeout: 15_000,
});
if (!process.argv.includes("--adapters-only")) await runTests(["test/e2e/journeys.test.ts"], { project: ["e2e"] });

const marks = [...table.values()].flatMap((row) => adapters.map((adapter) => row.get(adapter) ?? "none"));
const count = (wanted: Mark) => marks.filter((mark) => mark === wanted).length;
const applicable = marks.length - count("n/a");
const seconds = ((performance.now() - started) / 1000).toFixed(0);

console.log(renderTable(table, adapters).join("\n"));
console.log(
	`\n${count("pass")} of ${applicable} passed: ${table.size} scenarios, ${adapters.length} adapters, ${seconds} s. ${count("n/a")} not applicable:`,
);
for (const adapter of adapters) {
	for (const line of renderReasons(adapter, not_applicable.get(adapter) ?? {}, table.keys())) console.log(line);
}
for (const complaint of complaints) console.error(`\n${complaint}`);
process.exitCode = count("pass") === applicable && applicable > 0 && complaints.length === 0 ? 0 : 1;
