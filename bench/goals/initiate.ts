import type { Goal } from "../goal.ts";
import {
	batchesAlone,
	callsAlone,
	oneCallEach,
	oneMerchant,
	ourCheckout,
	statementByStatement,
} from "../initiations.ts";

export const goal: Goal = {
	number: 1,
	title: "POST /payment/initiate, signed and durable",
	shapes: [ourCheckout, oneMerchant, oneCallEach, statementByStatement, batchesAlone, callsAlone],
	targets: [
		{
			what: "payments a second, 64 connections",
			unit: "/s",
			at_least: 4_000,
			value: (of) => of(ourCheckout).per_second,
		},
		{ what: "its p99", unit: "ms", at_most: 40, value: (of) => of(ourCheckout).p99 },
		{ what: "refused", unit: "", at_most: 0, value: (of) => of(ourCheckout).refused },
	],
};
