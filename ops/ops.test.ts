/** The rules and dashboards name what the processes show, and the rules say what they should. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
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

	const promtool = spawnSync("promtool", ["--version"]).error === undefined;
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
		},
	);
});
