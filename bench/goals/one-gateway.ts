import type { Goal } from "../goal.ts";
import { oneGateway } from "../initiations.ts";

export const goal: Goal = {
	number: 5,
	title: "One merchant, one gateway, 200 at once",
	shapes: [oneGateway],
	targets: [
		{
			what: "payments a second through one gateway",
			unit: "/s",
			at_least: 2_000,
			value: (of) => of(oneGateway).per_second,
		},
		{ what: "refused although it was free", unit: "", at_most: 0, value: (of) => of(oneGateway).refused },
	],
};
