import type { Goal } from "../goal.ts";
import {
	batchesAlone,
	bullmqAsWritten,
	bullmqTuned,
	bullmqTunedDraining,
	bullmqTunedOneMerchant,
	bullmqWithRules,
	callsAlone,
	oneCallEach,
	oneMerchant,
	ourCheckout,
	statementByStatement,
} from "../initiations.ts";

export const goal: Goal = {
	number: 1,
	title: "POST /payment/initiate, signed and durable",
	shapes: [
		ourCheckout,
		oneMerchant,
		bullmqAsWritten,
		bullmqTuned,
		bullmqTunedOneMerchant,
		bullmqWithRules,
		bullmqTunedDraining,
		oneCallEach,
		statementByStatement,
		batchesAlone,
		callsAlone,
	],
	targets: [
		{
			what: "payments a second, 64 connections",
			unit: "/s",
			at_least: 4_000,
			value: (of) => of(ourCheckout).per_second,
		},
		{ what: "its p99", unit: "ms", at_most: 40, value: (of) => of(ourCheckout).p99 },
		{
			what: "ours beside BullMQ as people write it",
			unit: "×",
			at_least: 4,
			value: (of) => of(ourCheckout).per_second / of(bullmqAsWritten).per_second,
		},
		{
			what: "ours beside BullMQ tuned",
			unit: "×",
			at_least: 3,
			value: (of) => of(ourCheckout).per_second / of(bullmqTuned).per_second,
		},
		{
			what: "ours beside BullMQ tuned that also keeps a rate limit, a cap and attempts",
			unit: "×",
			value: (of) => of(ourCheckout).per_second / of(bullmqWithRules).per_second,
		},
		{
			what: "ours beside BullMQ tuned, all payments of one merchant",
			unit: "×",
			value: (of) => of(oneMerchant).per_second / of(bullmqTunedOneMerchant).per_second,
		},
		{ what: "refused", unit: "", at_most: 0, value: (of) => of(ourCheckout).refused },
	],
};
