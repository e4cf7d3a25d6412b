import { describe, expect, it } from "vitest";
import { type Goal, NotHere, type Shape, type Target } from "./goal.ts";
import { judge, median, type Outcome, shapeTable, shown, verdictTable } from "./verdict.ts";

type Rate = { per_second: number; p99: number };

const shape = (name: string, when: Shape["when"] = "each round") =>
	({ name, needs: [], when, measure: () => Promise.reject(new Error("not called")) }) as Shape<Rate>;
const ours = shape("ours");
const peer = shape("peer");
const soak = shape("soak", "once");

const rates = (...all: number[]): Outcome => ({
	figures: all.map((per_second) => ({ per_second, p99: 100_000 / per_second })),
	failure: null,
});

function judgeOne(target: Partial<Target> & Pick<Target, "value">, outcomes: Record<string, Outcome>) {
	const goal: Goal = { number: 1, title: "", shapes: [], targets: [{ what: "a figure", unit: "/s", ...target }] };
	return judge(goal, new Map(Object.entries(outcomes)))[0]!;
}

describe("median", () => {
	it.each([
		[[7], 7],
		[[9, 1, 5], 5],
		[[4, 1, 3, 2], 2.5],
	])("of %j is %d", (numbers, expected) => expect(median(numbers)).toBe(expected));
});

describe("a target", () => {
	const rate = (of: Parameters<Target["value"]>[0]) => of(ours).per_second;

	it("is met by the median of the rounds, which is shown with its spread", () => {
		expect(judgeOne({ at_least: 4_000, value: rate }, { ours: rates(3_000, 5_000, 4_100) })).toMatchObject({
			figure: { median: 4_100, lowest: 3_000, highest: 5_000 },
			ratio: 1.025,
			met: true,
		});
	});

	it("is missed below what it must reach, and above what it may be", () => {
		expect(judgeOne({ at_least: 4_000, value: rate }, { ours: rates(2_000) })).toMatchObject({
			ratio: 0.5,
			met: false,
		});
		const p99 = judgeOne({ at_most: 40, value: (of) => of(ours).p99 }, { ours: rates(1_250) });
		expect(p99).toMatchObject({ figure: { median: 80 }, ratio: 0.5, met: false });
	});

	it("of none at all is met by none only", () => {
		expect(judgeOne({ at_most: 0, value: () => 0 }, {}).met).toBe(true);
		expect(judgeOne({ at_most: 0, value: () => 1 }, {}).met).toBe(false);
	});

	it("divides shapes of the same round", () => {
		const value: Target["value"] = (of) => of(ours).per_second / of(peer).per_second;
		const outcomes = { ours: rates(4_000, 1_000, 6_000), peer: rates(1_000, 250, 2_000) };
		expect(judgeOne({ at_least: 4, value }, outcomes)).toMatchObject({
			figure: { median: 4, lowest: 3, highest: 4 },
			met: true,
		});
	});

	it("takes a shape that was measured once beside each round of another", () => {
		const value: Target["value"] = (of) => of(soak).per_second / of(ours).per_second;
		const { figure } = judgeOne({ value }, { ours: rates(1_000, 2_000), soak: rates(2_000) });
		expect(figure).toEqual({ median: 1.5, lowest: 1, highest: 2 });
	});

	it("without a figure says why, and is neither met nor missed", () => {
		const failure = new NotHere("redis-server is missing");
		const verdict = judgeOne({ at_least: 4, value: rate }, { ours: { figures: [], failure } });
		expect(verdict).toMatchObject({ figure: null, met: null, reason: "redis-server is missing" });
		expect(verdictTable([verdict])).toContain("| redis-server is missing |");
	});

	it("is judged by the rounds that were measured when one went wrong", () => {
		const broken: Outcome = { figures: [null, ...rates(1_000, 3_000).figures], failure: new Error("lost") };
		const value: Target["value"] = (of) => of(ours).per_second / of(peer).per_second;
		const { figure } = judgeOne({ value }, { ours: rates(4_000, 4_000, 6_000), peer: broken });
		expect(figure).toEqual({ median: 3, lowest: 2, highest: 4 });
	});

	it("that is only told has no verdict", () => {
		expect(judgeOne({ value: rate }, { ours: rates(1) })).toMatchObject({ ratio: null, met: null });
	});
});

describe("the tables", () => {
	it("mark what was missed", () => {
		const missed = judgeOne({ at_least: 4_000, value: (of) => of(ours).per_second }, { ours: rates(3_000, 3_500) });
		expect(verdictTable([missed]).split("\n")[2]).toBe(
			"| 1 | a figure | ≥ 4,000/s | 3,250/s (3,000–3,500) | 0.81 × | **no** |",
		);
	});

	it("put rates beside that of the first shape", () => {
		const rows = shapeTable([ours, peer], new Map(Object.entries({ ours: rates(2_000), peer: rates(500) }))).split(
			"\n",
		);
		expect(rows.slice(2)).toEqual(["| ours | 2,000 | 1.00 × | p99 50 |", "| peer | 500 | 0.25 × | p99 200 |"]);
	});

	it.each([
		[12_345.6, "12,346"],
		[45.678, "45.7"],
		[1.234, "1.23"],
		[3, "3"],
	])("show %d as %s", (value, expected) => expect(shown(value)).toBe(expected));
});
