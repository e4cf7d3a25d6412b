/** From the figures of the rounds to the lines of the final tables. */
import { type Figures, type Goal, type Measured, NotHere, type Shape, type Target } from "./goal.ts";

/** What became of a shape: its figures by round, one for a shape measured once; null where something went wrong. */
export interface Outcome {
	figures: (Figures | null)[];
	/** What went wrong last; null while nothing did. */
	failure: Error | null;
}

export interface Verdict {
	goal: number;
	title: string;
	what: string;
	unit: Target["unit"];
	at_least: number | null;
	at_most: number | null;
	/** Null when it was not measured. */
	figure: { median: number; lowest: number; highest: number } | null;
	/** How far the target was reached: at least 1 when it was. Null for figures that are only told. */
	ratio: number | null;
	met: boolean | null;
	/** Why there is no figure. */
	reason: string | null;
}

export function median(numbers: number[]): number {
	const sorted = numbers.toSorted((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function judge(goal: Goal, outcomes: ReadonlyMap<string, Outcome>): Verdict[] {
	return goal.targets.map((target) => {
		const about = {
			goal: goal.number,
			title: goal.title,
			what: target.what,
			unit: target.unit,
			at_least: target.at_least ?? null,
			at_most: target.at_most ?? null,
		};
		try {
			const values = valuesOf(target, outcomes);
			const figure = { median: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
			const ratio = ratioOf(target, figure.median);
			return { ...about, figure, ratio, met: ratio === null ? null : ratio >= 1, reason: null };
		} catch (error) {
			return { ...about, figure: null, ratio: null, met: null, reason: (error as Error).message };
		}
	});
}

/** One value for each round that all of the target's shapes were measured in; throws when there was none. */
function valuesOf(target: Target, outcomes: ReadonlyMap<string, Outcome>): number[] {
	const values: number[] = [];
	let reason: unknown = null;
	for (let round = 0, rounds = 1; round < rounds; round++) {
		const of: Measured = <F extends Figures>(shape: Shape<F>): F => {
			const { figures, failure } = outcomes.get(shape.name) ?? { figures: [], failure: null };
			if (shape.when === "each round") rounds = Math.max(rounds, figures.length);
			const those = figures[shape.when === "once" ? 0 : round];
			if (!those) throw failure ?? new NotHere("not measured");
			return those as F;
		};
		try {
			values.push(target.value(of));
		} catch (error) {
			reason = error;
		}
	}
	if (values.length === 0) throw reason;
	return values;
}

function ratioOf({ at_least, at_most }: Target, value: number): number | null {
	if (at_least !== undefined) return value / at_least;
	if (at_most === undefined) return null;
	return value === 0 ? Number.POSITIVE_INFINITY : at_most === 0 ? 0 : at_most / value;
}

export function table(heads: string[], rows: string[][]): string {
	return [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function verdictTable(verdicts: Verdict[]): string {
	return table(
		["goal", "", "target", "median (lowest–highest)", "of the target", "met"],
		verdicts.map(({ goal, what, unit, at_least, at_most, figure, ratio, met, reason }) => [
			String(goal),
			what,
			at_least !== null ? `≥ ${withUnit(at_least, unit)}` : at_most !== null ? `≤ ${withUnit(at_most, unit)}` : "",
			figure === null ? reason! : withSpread(figure, unit),
			ratio === null ? "" : Number.isFinite(ratio) ? `${ratio.toFixed(2)} ×` : "",
			met === null ? "" : met ? "yes" : "**no**",
		]),
	);
}

function withSpread({ median, lowest, highest }: NonNullable<Verdict["figure"]>, unit: Target["unit"]): string {
	const spread = lowest === highest ? "" : ` (${shown(lowest)}–${shown(highest)})`;
	return `${withUnit(median, unit)}${spread}`;
}

function withUnit(value: number, unit: Target["unit"]): string {
	const gap = unit === "" || unit === "/s" || unit === "%" ? "" : " ";
	return `${shown(value)}${gap}${unit}`;
}

/** Three digits that count, and thousands apart. */
export function shown(value: number): string {
	const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** All figures of all shapes, medians over the rounds; rates beside that of the first shape. */
export function shapeTable(shapes: Shape[], outcomes: ReadonlyMap<string, Outcome>): string {
	let base: number | null = null;
	const rows = shapes.map(({ name }) => {
		const { figures: all, failure } = outcomes.get(name) ?? { figures: [], failure: null };
		const figures = all.filter((each) => each !== null);
		if (figures.length === 0) return [name, "", "", failure?.message ?? "not measured"];
		const medians = Object.fromEntries(
			Object.keys(figures[0]!).map((key) => [key, median(figures.map((round) => round[key]!))]),
		);
		const { per_second, ...others } = medians;
		if (per_second !== undefined) base ??= per_second;
		return [
			name,
			per_second === undefined ? "" : shown(per_second),
			per_second === undefined || base === null ? "" : `${(per_second / base).toFixed(2)} ×`,
			Object.entries(others)
				.map(([key, value]) => `${key.replaceAll("_", " ")} ${shown(value)}`)
				.join(", "),
		];
	});
	return table(["shape", "a second", "ratio", "other figures"], rows);
}
