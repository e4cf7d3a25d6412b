import { z } from "zod";
import { SettlementDifferences } from "./settlement-differences.ts";
import { readable, readStateFile, writeStateFile } from "./state-file.ts";

export const accountSchema = z.strictObject({
	provider: z.string().min(1).max(40),
	api_key: z.string().min(1).max(200),
	api_secret: z.string().min(1).max(500),
	webhook_secret: z.string().min(1).max(500).nullish(),
	webhook_url: z.url({ protocol: /^https?$/ }).nullish(),
	/** later: a refund stays pending until the control says what becomes of it. */
	refunds: z.enum(["at_once", "later"]).default("at_once"),
	/** Somebody pays each order so long after it was made (Razorpay); else only when the control says so. */
	pays_after_ms: z.int().min(0).max(600_000).nullish(),
	/** What a provider lets a merchant choose on its dashboard, by that provider's names. */
	settings: z.record(z.string(), z.unknown()).default({}),
});

export const merchantSchema = z.strictObject({
	client_id: z.string().min(1).max(100).optional(),
	name: z.string().min(1).max(200),
	webhook_secret: z.string().min(1).max(500),
	/** Lets /merchant/return check the signature of the result the payer's browser brings. */
	client_salt: z.string().min(1).max(500).optional(),
});

/** A merchant's account at an outside system; `provider` is the folder that answers for it. */
export type Account = z.infer<typeof accountSchema>;
export type Merchant = z.infer<typeof merchantSchema>;

const stateSchema = z.object({ accounts: z.array(accountSchema), merchants: z.array(merchantSchema) });

export function slugOf(name: string): string {
	return name
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");
}

/** Who is known to the outside world. Kept in memory and, when a state file is given, there too. */
export class Registry {
	/** What providers' settlement reports shall say wrongly. */
	readonly settlement_differences = new SettlementDifferences();
	readonly #accounts = new Map<string, Account>();
	readonly #merchants = new Map<string, Merchant>();
	readonly #stateFile: string | null;

	constructor(stateFile: string | null) {
		this.#stateFile = stateFile;
		if (stateFile === null) return;
		const state = readable(stateFile, () => {
			const content = readStateFile(stateFile);
			return content === null
				? { accounts: [], merchants: [] }
				: stateSchema.parse(JSON.parse(content.toString("utf8")));
		});
		for (const account of state.accounts) this.#accounts.set(`${account.provider}:${account.api_key}`, account);
		for (const merchant of state.merchants) this.#merchants.set(slugOf(merchant.name), merchant);
	}

	putAccount(account: Account): void {
		this.#accounts.set(`${account.provider}:${account.api_key}`, account);
		this.#save();
	}

	findAccount(provider: string, apiKey: string): Account | undefined {
		return this.#accounts.get(`${provider}:${apiKey}`);
	}

	accounts(): Account[] {
		return [...this.#accounts.values()];
	}

	putMerchant(merchant: Merchant): string {
		const slug = slugOf(merchant.name);
		this.#merchants.set(slug, merchant);
		this.#save();
		return slug;
	}

	findMerchant(slug: string): Merchant | undefined {
		return this.#merchants.get(slug);
	}

	merchants(): Merchant[] {
		return [...this.#merchants.values()];
	}

	#save(): void {
		if (this.#stateFile === null) return;
		const state = { accounts: this.accounts(), merchants: this.merchants() };
		writeStateFile(this.#stateFile, JSON.stringify(state, null, "\t"));
	}
}
