import { z } from "zod";

/** What the settlement report shall say about a payment, other than what happened. */
export const differenceSchema = z.strictObject({
	provider: z.enum(["razorpay", "cashfree", "payu", "stripe"]),
	/** The provider's order id, or the reference that came with the order. */
	order: z.string().min(1).max(200),
	/** omitted: no line. amount: one rupee less was paid. fee: one rupee more was kept. */
	difference: z.enum(["omitted", "amount", "fee"]),
});

export type Difference = z.infer<typeof differenceSchema>;

const RUPEE = 100;

/** Differences to order in settlement reports, for trying what finds them. */
export class SettlementDifferences {
	#planted: Difference[] = [];

	plant(difference: Difference): void {
		this.#planted.push(difference);
	}

	list(): Difference[] {
		return this.#planted;
	}

	clear(): void {
		this.#planted = [];
	}

	/**
	 * The lines as the report shall have them. `isOf`: whether a line is of the payment of that order; `change`: the line with
	 * another amount and fee, in paise.
	 */
	apply<Line>(
		provider: Difference["provider"],
		lines: Line[],
		isOf: (line: Line, order: string) => boolean,
		change: (line: Line, by: { amount: number; fee: number }) => Line,
	): Line[] {
		const planted = this.#planted.filter((each) => each.provider === provider);
		if (planted.length === 0) return lines;
		return lines.flatMap((line) => {
			const found = planted.find(({ order }) => isOf(line, order));
			if (found === undefined) return [line];
			if (found.difference === "omitted") return [];
			return [change(line, found.difference === "amount" ? { amount: -RUPEE, fee: 0 } : { amount: 0, fee: RUPEE })];
		});
	}
}
