import type { Goal } from "../goal.ts";
import { initiationsWhileDraining, paidPayments } from "../pipeline.ts";

export const goal: Goal = {
	number: 2,
	title: "Paid payments end to end, sandbox included",
	shapes: [paidPayments, initiationsWhileDraining],
	targets: [
		{
			what: "initiated, ordered, paid, booked and delivered a second",
			unit: "/s",
			at_least: 600,
			value: (of) => of(paidPayments).per_second,
		},
		{ what: "without a delivered event", unit: "", at_most: 0, value: (of) => of(paidPayments).missing },
		{
			what: "initiations a second while the worker drains",
			unit: "/s",
			at_least: 3_300,
			value: (of) => of(initiationsWhileDraining).per_second,
		},
		{
			what: "orders made beside them",
			unit: "/s",
			value: (of) => of(initiationsWhileDraining).orders_per_second,
		},
	],
};
