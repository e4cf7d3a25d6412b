/** The rules and dashboards name what the processes show, and the rules say what they should. */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetricType } from "prom-client";
import { describe, expect, it } from "vitest";
import { addDatabaseMetrics } from "../checkout/features/metrics/database-metrics.ts";
import { createMetrics } from "../checkout/metrics.ts";
import type { Queryable } from "../db/client/call.ts";
import { createJobsMetrics } from "../jobs/metrics.ts";
import { watchPools } from "../telemetry/metrics.ts";

const read = (path: string) => readFileSync(join(import.meta.dirname, path), "utf8");

const registries = [createMetrics().registry, createJobsMetrics().registry];
watchPools(registries[0]!, {});
addDatabaseMetrics(registries[0]!, {} as Queryable);
const metrics = registries.flatMap((registry) => registry.getMetricsAsArray());
const own = metrics as unknown as { name: string; type: MetricType; labelNames?: string[] }[];

/** What may be asked of Prometheus: metrics with what histograms add, and what the rules record. */
const known = new Set([
	...own.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]),
	...[...read("prometheus/rules.yml").matchAll(/- record: (\S+)/g)].map(([, name]) => name!),
]);
const unknownIn = (text: string) =>
	[...new Set(text.match(/\blightspeedpay[_:][a-z0-9_:]+/g))].filter((name) => !known.has(name));

const promtool = spawnSync("promtool", ["--version"]).error === undefined;

/** What promtool says against the expressions; empty when it reads them all. */
function refusalsOf(expressions: string[]): string {
	const directory = mkdtempSync(join(tmpdir(), "promql-"));
	try {
		const file = join(directory, "expressions.yml");
		const rules = expressions.map((expr, place) => ({ record: `expression_${place}`, expr }));
		// JSON is YAML
		writeFileSync(file, JSON.stringify({ groups: [{ name: "expressions", rules }] }));
		const { status, stderr } = spawnSync("promtool", ["check", "rules", file], { encoding: "utf8" });
		return status === 0 ? "" : stderr;
	} finally {
		rmSync(directory, { recursive: true });
	}
}

/** As Grafana fills them in. */
const filledIn = (expr: string) => expr.replaceAll(/\$__(rate_)?interval|\$__range/g, "5m");

describe("a metric", () => {
	it.each([...new Set(own.map(({ name }) => name))])("(%s) has our prefix, a base unit and no ids", (name) => {
		const { type, labelNames = [] } = own.find((metric) => metric.name === name)!;
		expect(name).toMatch(/^lightspeedpay_[a-z0-9_]+$/);
		expect(name).not.toMatch(/_(ms|milliseconds|minutes|hours|kb|mb|percent|paise)(_|$)/);
		const kind = type as unknown as string;
		if (kind === "counter") expect(name).toMatch(/_total$/);
		if (kind === "histogram") expect(name).toMatch(/_(seconds|payments|bytes)$/);
		expect(labelNames.filter((label) => /(^|_)(id|key|email|phone|path|url)$/.test(label))).toEqual([]);
	});
});

describe("rules of Prometheus", () => {
	it("ask for metrics that exist", () => {
		expect(unknownIn(read("prometheus/rules.yml").replaceAll(/^groups:[\s\S]*?- name: .*$/gm, ""))).toEqual([]);
	});

	it.skipIf(!promtool)(
		"warn when they should and only then (skipped without promtool, of Debian's prometheus)",
		() => {
			const { status, stdout, stderr } = spawnSync(
				"promtool",
				["test", "rules", "rules_test.yml", "success_rate_test.yml"],
				{
					cwd: join(import.meta.dirname, "prometheus"),
					encoding: "utf8",
				},
			);
			expect(status, stdout + stderr).toBe(0);
		},
		60_000,
	);
});

describe.each(globSync("grafana/*.json", { cwd: import.meta.dirname }))("the dashboard %s", (file) => {
	const dashboard = JSON.parse(read(file));

	it("can be imported: its own uid, a data source to choose, panels that do not overlap", () => {
		expect(dashboard).toMatchObject({
			uid: expect.stringMatching(/^[a-z-]{1,40}$/),
			schemaVersion: expect.any(Number),
		});
		expect(dashboard.templating.list[0]).toMatchObject({ name: "datasource", type: "datasource", query: "prometheus" });
		const taken = new Set<string>();
		const ids = new Set<number>();
		for (const { id, type, title, gridPos, targets, datasource } of dashboard.panels) {
			expect(["timeseries", "stat"]).toContain(type);
			expect(title).not.toBe("");
			expect(datasource).toEqual({ type: "prometheus", uid: "$" + "{datasource}" });
			expect(targets.length).toBeGreaterThan(0);
			expect(ids.has(id)).toBe(false);
			ids.add(id);
			for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
				for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
					expect(x).toBeLessThan(24);
					expect(taken.has(`${x},${y}`), title).toBe(false);
					taken.add(`${x},${y}`);
				}
			}
		}
	});

	it.skipIf(!promtool)("asks in a language that Prometheus reads, for each series with a name of its own", () => {
		const targets = dashboard.panels.flatMap((panel: { targets: { expr: string; refId: string }[] }) => panel.targets);
		expect(refusalsOf(targets.map(({ expr }: { expr: string }) => filledIn(expr)))).toBe("");
		expect(refusalsOf(["sum by (x"])).toContain("could not parse expression");
		for (const { targets } of dashboard.panels) {
			const ids = targets.map(({ refId }: { refId: string }) => refId);
			expect(ids).toEqual([...new Set(ids)]);
		}
	});

	it("has an id and a version that an import takes", () => {
		// What Grafana 10 to 12 migrate by themselves; an id of another Grafana's database is refused.
		expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
		expect(dashboard.id ?? null).toBeNull();
		const files = globSync("grafana/*.json", { cwd: import.meta.dirname });
		expect(new Set(files.map((each) => JSON.parse(read(each)).uid)).size).toBe(files.length);
	});

	it("shows metrics that exist", () => {
		expect(
			unknownIn(
				dashboard.panels
					.flatMap((panel: { targets: { expr: string }[] }) => panel.targets.map(({ expr }) => expr))
					.join("\n"),
			),
		).toEqual([]);
	});
});

describe("a runbook", () => {
	it.each(globSync("../docs/runbooks/*.md", { cwd: import.meta.dirname }))(
		"(%s) asks Prometheus for metrics that exist",
		(page) => {
			const blocks = [...read(page).matchAll(/^```promql\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
			expect(unknownIn(blocks.join("\n"))).toEqual([]);
			const lines = blocks.flatMap((block) => block.split("\n").filter((line) => line !== ""));
			if (promtool && lines.length > 0) expect(refusalsOf(lines)).toBe("");
		},
	);
});
