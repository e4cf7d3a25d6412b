import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { Ring } from "./ring.ts";
import { MAX_SAVED, type Persistent } from "./state-file.ts";
import { webhookMannerSchema } from "./webhook-manner.ts";

/** What becomes of a payout, in a bank's place. */
export const payoutInstructionSchema = z.strictObject({
	/** The provider's id, or our reference. */
	payout: z.string().min(1).max(100),
	outcome: z.enum(["processed", "reversed", "failed", "processing"]),
	/** Why it failed or came back, in the provider's words. */
	reason: z.string().min(1).max(60).optional(),
	webhook: webhookMannerSchema,
});

export type PayoutInstruction = z.infer<typeof payoutInstructionSchema>;

export interface PayoutReport {
	payout: unknown;
	webhooks: { event: string; event_id: string }[];
}

export interface StoredPayout {
	api_key: string;
	/** The provider's. */
	id: string;
	reference: string;
	source_account: string;
	destination: string;
	/** Paise. */
	amount: number;
	mode: string;
	remarks: string;
	status: PayoutInstruction["outcome"];
	reason: string | null;
	utr: string | null;
	created_at: Date;
	updated_at: Date;
	/** The request that made it, with which a repetition is compared. */
	request: string;
	/** What a repetition is known by, where the provider takes one. */
	idempotency_key?: string;
}

/** Payouts of one provider, newest kept. */
export class PayoutStore implements Persistent {
	readonly #payouts: Ring<StoredPayout>;

	constructor(capacity: number) {
		this.#payouts = new Ring(capacity);
	}

	add(payout: StoredPayout): void {
		this.#payouts.push(payout);
	}

	list(api_key: string): StoredPayout[] {
		return this.#payouts
			.list()
			.filter((payout) => payout.api_key === api_key)
			.reverse();
	}

	/** Paise that an account has paid out, whatever became of them. */
	spent(api_key: string): number {
		return this.list(api_key).reduce((sum, { amount }) => sum + amount, 0);
	}

	save(): Buffer {
		return serialize(this.#payouts.list().slice(-MAX_SAVED));
	}

	restore(saved: Buffer): void {
		for (const payout of deserialize(saved) as StoredPayout[]) this.#payouts.push(payout);
	}

	/** Whoever's it is. */
	search(name: string): StoredPayout | undefined {
		return this.#payouts.list().find(({ id, reference }) => id === name || reference === name);
	}

	decide(payout: StoredPayout, { outcome, reason }: PayoutInstruction): void {
		payout.status = outcome;
		payout.reason = reason ?? null;
		payout.updated_at = new Date();
		if (outcome === "processed") payout.utr ??= `UTR${String(Date.now()).slice(-9)}${payout.id.slice(-3)}`;
	}
}

/** The settings of an account for payouts, as a provider's dashboard has them. */
export const payoutSettingsSchema = z.object({
	/** later: a payout stays in processing until the control says what becomes of it. */
	payouts: z.enum(["at_once", "later"]).default("at_once"),
	/** Paise in the account; each payout takes its part. Unlimited when absent. */
	payout_balance: z.int().nonnegative().optional(),
});
