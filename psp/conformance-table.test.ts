import { describe, expect, test } from "vitest";
import { type Mark, REPORT_WIDTH, renderReasons, renderTable } from "./conformance-table.ts";

const adapters = ["cashfree", "payu", "upi"];
const rows = new Map<string, Map<string, Mark>>([
	[
		"create: an order",
		new Map<string, Mark>([
			["cashfree", "pass"],
			["payu", "FAIL"],
			["upi", "n/a"],
		]),
	],
	[`create: ${"long ".repeat(60)}`, new Map<string, Mark>([["cashfree", "pass"]])],
	["every scenario is known", new Map<string, Mark>([["upi", "pass"]])],
]);

describe("the conformance report", () => {
	test("has a line a scenario below its group, and a column an adapter", () => {
		const lines = renderTable(rows, adapters);
		expect(lines[0]?.trim().split(/\s+/)).toEqual(adapters);
		expect(lines[1]).toBe("create");
		expect(lines[2]).toMatch(/^ {2}an order +pass +FAIL +n\/a$/);
		expect(lines.indexOf("suite")).toBe(4);
	});

	test("says where a scenario was neither run nor declared not to apply", () => {
		expect(renderTable(rows, adapters).at(-1)).toMatch(/every scenario is known +none +none +pass$/);
	});

	test("names what does not apply, and only the group where nothing of it does", () => {
		const reason = "there is no such call";
		const declared = { "create: an order": reason, "every scenario is known": reason };
		expect(renderReasons("upi", declared, rows.keys())).toEqual([
			"  upi: there is no such call (create: an order; suite: all)",
		]);
	});

	test("fits the width of a terminal", () => {
		const declared = Object.fromEntries([...rows.keys()].map((name) => [name, "no wire ".repeat(30)]));
		const reasons = renderReasons("upi", declared, rows.keys());
		expect(reasons.length).toBeGreaterThan(1);
		for (const line of [...renderTable(rows, adapters), ...reasons])
			expect(line.length).toBeLessThanOrEqual(REPORT_WIDTH);
	});
});
