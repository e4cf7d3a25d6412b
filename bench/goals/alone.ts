import type { Goal } from "../goal.ts";
import { oneConnection } from "../initiations.ts";

export const goal: Goal = {
	number: 11,
	title: "A lone request",
	shapes: [oneConnection],
	targets: [{ what: "p50 of a lone request", unit: "ms", at_most: 4, value: (of) => of(oneConnection).p50 }],
};
