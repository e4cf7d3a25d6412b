import type { Goal, Shape, Target } from "../goal.ts";
import { checkout, jobs, sandboxWithPayers } from "../parts.ts";
import { type SoakFigures, soak } from "../soak.ts";

const PER_SECOND = 2_000;
/** Ordered, paid, booked and delivered, with the sandbox and the load on the same two cores: half of what these can. */
const PAID_PER_SECOND = 150;

const taken: Shape<SoakFigures> = {
	name: `minutes of ${PER_SECOND} payments a second, finance reading from the second third on`,
	needs: [checkout],
	when: "once",
	takes_seconds: 630,
	measure: (scene, options) => soak(scene, [checkout], PER_SECOND, options.soak_seconds, options),
};

const worked: Shape<SoakFigures> = {
	name: `minutes of ${PAID_PER_SECOND} paid payments a second, finance reading from the second third on`,
	needs: [sandboxWithPayers, checkout, jobs],
	when: "once",
	takes_seconds: 330,
	measure: (scene, options) => soak(scene, [checkout, jobs], PAID_PER_SECOND, options.soak_seconds / 2, options),
};

export const goal: Goal = {
	number: 8,
	title: "Ten minutes of it",
	shapes: [taken, worked],
	targets: [
		...targets("taken", taken, PER_SECOND),
		...targets("paid", worked, PAID_PER_SECOND),
		{
			what: "paid: time that the jobs due in the last quarter are for",
			unit: "s",
			at_most: 1,
			value: (of) => of(worked).due_jobs / of(worked).jobs_per_second,
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
			what: `${words}: most dead rows of the hot tables while finance reads, later beside earlier`,
			unit: "×",
			// Without an end of their growth it would be two; a clean-up comes up to some ten seconds sooner or later than another.
			at_most: 1.5,
			value: (of) => of(shape).dead_row_growth,
		},
		{ what: `${words}: p99 of the worst minute`, unit: "ms", value: (of) => of(shape).worst_p99 },
	];
}
