import type { Goal, Shape } from "../goal.ts";
import { compareGrown, type GrowthFigures } from "../growth.ts";

const TRANSACTIONS = 20_000_000;

const grown: Shape<GrowthFigures> = {
	name: "checkout, 20 million transactions beside none",
	needs: [],
	when: "once",
	takes_seconds: 1_500,
	measure: (_, options) => compareGrown(TRANSACTIONS, options),
};

export const goal: Goal = {
	number: 7,
	title: "Twenty million transactions later",
	shapes: [grown],
	targets: [
		{
			what: "payments a second, beside an empty database",
			unit: "%",
			at_least: 90,
			value: (of) => (of(grown).per_second / of(grown).per_second_empty) * 100,
		},
		{ what: "p99 beside it", unit: "×", at_most: 1.5, value: (of) => of(grown).p99 / of(grown).p99_empty },
		{ what: "refused", unit: "", at_most: 0, value: (of) => of(grown).refused },
	],
};
