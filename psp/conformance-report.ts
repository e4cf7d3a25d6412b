/** `npm run conformance`: runs the suite and prints which adapter passes which scenario. Exits non-zero when one fails. */

import type { TestModule } from "vitest/node";
import { startVitest } from "vitest/node";
import type { ConformanceKit } from "./conformance.ts";
import { notApplicable } from "./not-applicable.ts";

/** n/a: the PSP has no counterpart of the scenario; why stands in the adapter's kit and is printed below the table. */
type Mark = "pass" | "FAIL" | "n/a";

const table = new Map<string, Map<string, Mark>>();
const adapters = new Set<string>();
const complaints: string[] = [];

function record(modules: readonly TestModule[]): void {
	for (const module of modules) {
		for (const error of module.errors()) complaints.push(`${module.relativeModuleId}: ${error.message}`);
		for (const test of module.children.allTests()) {
			const adapter = test.parent.type === "suite" ? test.parent.name : module.relativeModuleId;
			const { state, errors } = test.result();
			adapters.add(adapter);
			const row = table.get(test.name) ?? new Map<string, Mark>();
			table.set(test.name, row.set(adapter, state === "passed" ? "pass" : state === "failed" ? "FAIL" : "n/a"));
			for (const error of errors ?? []) complaints.push(`${adapter}: ${test.name}\n    ${error.message}`);
		}
	}
}

const vitest = await startVitest("test", [], {
	// The project's own configuration starts a database, which no adapter needs.
	config: false,
	root: `${import.meta.dirname}/..`,
	include: ["psp/conformance.test.ts"],
	watch: false,
	testTimeout: 15_000,
	reporters: [{ onTestRunEnd: record }],
});
await vitest.close();

const columns = [...adapters].sort();
const width = Math.max(0, ...[...table.keys()].map((name) => name.length));
console.log(["scenario".padEnd(width), ...columns].join("  "));
for (const [scenario, row] of table) {
	const cells = columns.map((adapter) => (row.get(adapter) ?? "-").padEnd(adapter.length));
	console.log([scenario.padEnd(width), ...cells].join("  "));
}
const marks = [...table.values()].flatMap((row) => [...row.values()]);
const passed = marks.filter((mark) => mark === "pass").length;
const applicable = marks.filter((mark) => mark !== "n/a").length;
console.log(
	`\n${passed} of ${applicable} passed, ${columns.length} adapters, ${marks.length - applicable} not applicable:`,
);
for (const adapter of columns) {
	const { conformanceKit } = (await import(`./${adapter}/conformance.ts`)) as { conformanceKit: ConformanceKit };
	const scenarios_by_reason = Map.groupBy(Object.entries(notApplicable(conformanceKit)), ([, reason]) => reason);
	for (const [reason, entries] of scenarios_by_reason) {
		console.log(`  ${adapter}: ${reason} (${entries.map(([scenario]) => scenario).join("; ")})`);
	}
}
for (const complaint of complaints) console.error(`\n${complaint}`);
process.exitCode = passed === applicable && passed > 0 && complaints.length === 0 ? 0 : 1;
