import type { Goal, Shape } from "../goal.ts";
import { checkout, jobs, sandbox } from "../parts.ts";
import { type SoakFigures, soak } from "../soak.ts";

const PER_SECOND = 2_000;

const steady: Shape<SoakFigures> = {
	name: "checkout at 2,000 a second with a worker, finance reading in the second half",
	needs: [sandbox, checkout, jobs],
	when: "once",
	takes_seconds: 660,
	measure: (scene, options) => soak(scene, [checkout, jobs], PER_SECOND, options.soak_seconds, options),
};

export const goal: Goal = {
	number: 8,
	title: "Ten minutes of it",
	shapes: [steady],
	targets: [
		{ what: "payments a second", unit: "/s", at_least: PER_SECOND * 0.99, value: (of) => of(steady).per_second },
		{ what: "errors", unit: "", at_most: 0, value: (of) => of(steady).errors },
		{
			what: "memory of the processes, last quarter beside the second",
			unit: "×",
			at_most: 1.1,
			value: (of) => of(steady).memory_growth,
		},
		{
			what: "dead rows of the hot tables, last quarter beside the third",
			unit: "×",
			at_most: 1.25,
			value: (of) => of(steady).dead_row_growth,
		},
		{ what: "jobs due at the end", unit: "", at_most: PER_SECOND, value: (of) => of(steady).due_jobs },
		{ what: "p99 of the worst minute", unit: "ms", value: (of) => of(steady).worst_p99 },
	],
};
