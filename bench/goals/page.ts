import type { Goal } from "../goal.ts";
import { payerPage } from "../payer-page.ts";

export const goal: Goal = {
	number: 9,
	title: "The payer's page",
	shapes: [payerPage],
	targets: [
		{
			what: "payer's page with all it loads, with the largest logo",
			unit: "KB",
			at_most: 100,
			value: (of) => of(payerPage).kilobytes,
		},
		{ what: "and without a logo", unit: "KB", value: (of) => of(payerPage).kilobytes_plain },
		{
			what: "its largest contentful paint",
			unit: "s",
			at_most: 1.5,
			value: (of) => of(payerPage).lcp_ms / 1_000,
		},
	],
};
