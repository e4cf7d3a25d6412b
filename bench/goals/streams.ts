import type { Goal } from "../goal.ts";
import { statusStreams } from "../status-streams.ts";

export const goal: Goal = {
	number: 6,
	title: "Status streams",
	shapes: [statusStreams],
	targets: [
		{ what: "status streams open", unit: "", at_least: 10_000, value: (of) => of(statusStreams).open },
		{
			what: "memory of the checkout process with them, at most",
			unit: "MB",
			at_most: 300,
			value: (of) => of(statusStreams).memory_peak,
		},
		{ what: "p99 from a change to its stream", unit: "ms", at_most: 10, value: (of) => of(statusStreams).p99 },
		{ what: "changes that no stream told", unit: "", at_most: 0, value: (of) => of(statusStreams).unheard },
		{
			what: "all back after a restart",
			unit: "s",
			value: (of) => of(statusStreams).back_ms / 1_000,
		},
	],
};
