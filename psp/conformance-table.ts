/** How the conformance report is set out on a terminal. */

/**
 * pass, FAIL: the scenario was run. n/a: the PSP has no counterpart of it, and the reason is printed below the table.
 * "none": it neither ran nor was it declared not to apply, e.g. because the adapter's suite did not start.
 */
export type Mark = "pass" | "FAIL" | "n/a" | "none";

export const REPORT_WIDTH = 160;

/** Scenarios are named "group: what happens". Every adapter is a column. */
export function renderTable(
	rows: ReadonlyMap<string, ReadonlyMap<string, Mark>>,
	adapters: readonly string[],
): string[] {
	const columns = adapters.map((adapter) => adapter.padEnd(4));
	const columns_width = columns.reduce((sum, column) => sum + column.length + 2, 0);
	const longest = Math.max(0, ...[...rows.keys()].map((scenario) => partsOf(scenario).name.length + 2));
	const name_width = Math.min(longest, REPORT_WIDTH - columns_width);
	const lines = [["".padEnd(name_width), ...columns].join("  ").trimEnd()];
	let group = "";
	for (const [scenario, marks] of rows) {
		const parts = partsOf(scenario);
		if (parts.group !== group) lines.push(parts.group);
		group = parts.group;
		const name = `  ${parts.name}`;
		const cut = name.length > name_width ? `${name.slice(0, name_width - 1)}…` : name.padEnd(name_width);
		const cells = columns.map((column, index) => (marks.get(adapters[index]!) ?? "none").padEnd(column.length));
		lines.push([cut, ...cells].join("  ").trimEnd());
	}
	return lines;
}

/** The reasons why scenarios do not apply to an adapter; `scenarios` are all there are. */
export function renderReasons(
	adapter: string,
	not_applicable: Readonly<Record<string, string>>,
	scenarios: Iterable<string>,
): string[] {
	const sizes = new Map<string, number>();
	for (const scenario of scenarios) {
		const { group } = partsOf(scenario);
		sizes.set(group, (sizes.get(group) ?? 0) + 1);
	}
	const scenarios_by_reason = Map.groupBy(Object.entries(not_applicable), ([, reason]) => reason);
	return [...scenarios_by_reason].flatMap(([reason, entries]) => {
		const groups = Map.groupBy(entries, ([scenario]) => partsOf(scenario).group);
		const named = [...groups].map(([group, members]) =>
			members.length === sizes.get(group)
				? `${group}: all`
				: `${group}: ${members.map(([scenario]) => partsOf(scenario).name).join(" · ")}`,
		);
		return wrap(`${adapter}: ${reason} (${named.join("; ")})`);
	});
}

function partsOf(scenario: string): { group: string; name: string } {
	const colon = scenario.indexOf(": ");
	return colon === -1
		? { group: "suite", name: scenario }
		: { group: scenario.slice(0, colon), name: scenario.slice(colon + 2) };
}

function wrap(text: string): string[] {
	const lines: string[] = [];
	for (const word of text.split(" ")) {
		const line = lines.at(-1);
		if (line !== undefined && line.length + 1 + word.length <= REPORT_WIDTH)
			lines[lines.length - 1] = `${line} ${word}`;
		else lines.push(lines.length === 0 ? `  ${word}` : `    ${word}`);
	}
	return lines;
}
