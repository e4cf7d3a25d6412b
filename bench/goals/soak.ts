import type { Goal, Shape, Target } from "../goal.ts";
import { checkout, jobs, sandbox } from "../parts.ts";
import { type SoakFigures, soak } from "../soak.ts";

const PER_SECOND = 2_000;
/** What a worker makes orders for at the sandbox while everything shares two cores. */
const WITH_ORDERS_PER_SECOND = 400;

const taken: Shape<SoakFigures> = {
	name: `minutes of ${PER_SECOND} payments a second, finance reading in the second half`,
	needs: [checkout],
	when: "once",
	takes_seconds: 630,
	measure: (scene, options) => soak(scene, [checkout], PER_SECOND, options.soak_seconds, options),
};

const worked: Shape<SoakFigures> = {
	name: `minutes of ${WITH_ORDERS_PER_SECOND} payments a second with their orders, finance reading in the second half`,
	needs: [sandbox, checkout, jobs],
	when: "once",
	takes_seconds: 330,
	measure: (scene, options) => soak(scene, [checkout, jobs], WITH_ORDERS_PER_SECOND, options.soak_seconds / 2, options),
};

export const goal: Goal = {
	number: 8,
	title: "Ten minutes of it",
	shapes: [taken, worked],
	targets: [
		...targets("taken", taken, PER_SECOND),
		...targets("with orders", worked, WITH_ORDERS_PER_SECOND),
		{
			what: "with orders: jobs due at the end, a second's worth",
			unit: "",
			at_most: WITH_ORDERS_PER_SECOND,
			value: (of) => of(worked).due_jobs,
		},
	],
};

function targets(words: string, shape: Shape<SoakFigures>, rate: number): Target[] {
	return [
		{ what: `${words}: payments a second`, unit: "/s", at_least: rate * 0.99, value: (of) => of(shape).per_second },
		{ what: `${words}: errors`, unit: "", at_most: 0, value: (of) => of(shape).errors },
		{
			what: `${words}: memory of the processes, last quarter beside the second`,
			unit: "×",
			at_most: 1.1,
			value: (of) => of(shape).memory_growth,
		},
		{
			what: `${words}: dead rows of the hot tables, last quarter beside the third`,
			unit: "×",
			at_most: 1.25,
			value: (of) => of(shape).dead_row_growth,
		},
		{ what: `${words}: p99 of the worst minute`, unit: "ms", value: (of) => of(shape).worst_p99 },
	];
}
