/** Disputes as payers' banks raise them: the part that is the same at every provider. */

import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { randomAlphanumeric } from "./ids.ts";
import type { PayReport } from "./provider.ts";
import { MAX_SAVED, type Persistent } from "./state-file.ts";
import { webhookMannerSchema } from "./webhook-manner.ts";

export const disputeInstructionSchema = z.strictObject({
	/** As in a payment's instruction; the payment of it that went through is disputed. */
	order: z.string().min(1).max(2_000),
	/** opened: a new one, or the last one anew in another phase. The others are of the last one that was opened. */
	outcome: z.enum(["opened", "under_review", "won", "lost", "closed"]),
	phase: z.enum(["chargeback", "pre_arbitration", "arbitration"]).optional(),
	/** The whole payment unless said. */
	amount: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
	webhook: webhookMannerSchema,
});

export type DisputeInstruction = z.infer<typeof disputeInstructionSchema>;
export type DisputePhase = NonNullable<DisputeInstruction["phase"]>;

export interface Dispute {
	/** The provider's own form of it is made of this. */
	number: string;
	payment_id: string;
	amount: number;
	currency: string;
	phase: DisputePhase;
	state: DisputeInstruction["outcome"];
	opened_at: Date;
	/** Never the same twice for one dispute. */
	updated_at: Date;
	respond_by: Date;
}

export type DisputeReport =
	| { outcome: "recorded"; dispute: unknown; webhooks: PayReport["webhooks"] }
	/** No such order, or none of it that was paid. */
	| { outcome: "not_found" }
	/** None was opened, or the last one is decided. */
	| { outcome: "not_open" };

const TIME_TO_RESPOND_MS = 7 * 24 * 60 * 60_000;

export const isOpen = ({ state }: Dispute) => state === "opened" || state === "under_review";

export class DisputeBook implements Persistent {
	/** The last one of each payment. */
	readonly #disputes = new Map<string, Dispute>();

	/** The last one of a payment. */
	find(payment_id: string | undefined): Dispute | undefined {
		return payment_id === undefined ? undefined : this.#disputes.get(payment_id);
	}

	save(): Buffer {
		return serialize([...this.#disputes.values()].slice(-MAX_SAVED));
	}

	restore(saved: Buffer): void {
		for (const dispute of deserialize(saved) as Dispute[]) this.#disputes.set(dispute.payment_id, dispute);
	}

	/** The dispute after what the bank says; null when there is none to say it of. */
	record(
		payment: { id: string; amount: number; currency: string },
		{ outcome, phase, amount }: Pick<DisputeInstruction, "outcome" | "phase" | "amount">,
	): Dispute | null {
		const last = this.#disputes.get(payment.id);
		const now = new Date(Math.max(Date.now(), last === undefined ? 0 : last.updated_at.getTime() + 1_000));
		const is_anew = last !== undefined && phase !== undefined && phase !== last.phase;
		if (outcome === "opened" && !is_anew) {
			const dispute: Dispute = {
				number: randomAlphanumeric(14),
				payment_id: payment.id,
				amount: amount ?? payment.amount,
				currency: payment.currency,
				phase: phase ?? "chargeback",
				state: "opened",
				opened_at: now,
				updated_at: now,
				respond_by: new Date(now.getTime() + TIME_TO_RESPOND_MS),
			};
			this.#disputes.set(payment.id, dispute);
			return dispute;
		}
		if (last === undefined || (outcome !== "opened" && !isOpen(last))) return null;
		const dispute: Dispute = { ...last, state: outcome, phase: phase ?? last.phase, updated_at: now };
		if (is_anew) dispute.respond_by = new Date(now.getTime() + TIME_TO_RESPOND_MS);
		this.#disputes.set(payment.id, dispute);
		return dispute;
	}
}

export const unixSeconds = (time: Date) => Math.floor(time.getTime() / 1000);
