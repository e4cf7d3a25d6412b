import type { Goal } from "../goal.ts";
import { jobStart } from "../pipeline.ts";

export const goal: Goal = {
	number: 3,
	title: "Commit to job start",
	shapes: [jobStart],
	targets: [{ what: "p99 at 100 payments a second", unit: "ms", at_most: 6, value: (of) => of(jobStart).p99 }],
};
