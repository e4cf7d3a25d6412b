/** Where a PSP's settlement report comes from. */
import type { Provider } from "./providers.ts";

/**
 * api: fetchSettlement gives it. file: a person downloads it from the PSP's dashboard. statement: there is none, and the bank
 * statement of the merchant's account takes its place.
 */
export type SettlementSource = "api" | "file" | "statement";

export const SETTLEMENT_SOURCES: Readonly<Record<Provider, SettlementSource>> = {
	razorpay: "api",
	cashfree: "api",
	payu: "api",
	phonepe: "file",
	stripe: "api",
	upi: "statement",
};

export const PULLED_PROVIDERS: readonly Provider[] = (Object.keys(SETTLEMENT_SOURCES) as Provider[]).filter(
	(provider) => SETTLEMENT_SOURCES[provider] === "api",
);
