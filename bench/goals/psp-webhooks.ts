import type { Goal } from "../goal.ts";
import { pspWebhooks } from "../pipeline.ts";

export const goal: Goal = {
	number: 4,
	title: "A PSP's webhook, verified and durable",
	shapes: [pspWebhooks],
	targets: [
		{ what: "accepted a second", unit: "/s", at_least: 3_500, value: (of) => of(pspWebhooks).per_second },
		{ what: "refused", unit: "", at_most: 0, value: (of) => of(pspWebhooks).refused },
	],
};
