import type { Goal } from "../goal.ts";
import { ourCheckout, twoCheckouts } from "../initiations.ts";
import {
	initiationsByTwoWhileDraining,
	initiationsWhileDraining,
	paidPayments,
	paidPaymentsByTwo,
} from "../pipeline.ts";

/** Told, not aimed at: on a machine whose cores one of each fills already, two can only show that they cost nothing. */
export const goal: Goal = {
	number: 12,
	title: "Two checkouts and two workers",
	shapes: [
		ourCheckout,
		twoCheckouts,
		initiationsWhileDraining,
		initiationsByTwoWhileDraining,
		paidPayments,
		paidPaymentsByTwo,
	],
	targets: [
		{
			what: "payments a second of two checkouts, beside one",
			unit: "×",
			value: (of) => of(twoCheckouts).per_second / of(ourCheckout).per_second,
		},
		{ what: "refused by two checkouts", unit: "", at_most: 0, value: (of) => of(twoCheckouts).refused },
		{
			what: "two of each while the workers drain: initiations and orders a second, beside one of each",
			unit: "×",
			value: (of) => steps(of(initiationsByTwoWhileDraining)) / steps(of(initiationsWhileDraining)),
		},
		{
			what: "paid payments of two of each, beside one of each",
			unit: "×",
			value: (of) => of(paidPaymentsByTwo).per_second / of(paidPayments).per_second,
		},
		{
			what: "paid by two of each, without a delivered event",
			unit: "",
			at_most: 0,
			value: (of) => of(paidPaymentsByTwo).missing,
		},
	],
};

/** More workers take processor time from checkouts: what counts is both. */
function steps({ per_second, orders_per_second }: { per_second: number; orders_per_second: number }): number {
	return per_second + orders_per_second;
}
