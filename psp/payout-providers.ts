/** The one list of PSPs that pay out of a merchant's account. */
import { createCashfreePayouts } from "./cashfree/payouts.ts";
import type { PayoutAdapter, PayoutAdapterFactory } from "./payout-adapter.ts";
import { createRazorpayPayouts } from "./razorpay/payouts.ts";

export const payout_providers = {
	razorpay: createRazorpayPayouts,
	cashfree: createCashfreePayouts,
} satisfies Record<string, PayoutAdapterFactory>;

export type PayoutProvider = keyof typeof payout_providers;

export type PayoutAdapters = ReadonlyMap<string, PayoutAdapter>;

/** With `sandbox_url` every adapter talks to `${sandbox_url}/<provider>` instead of the PSP. */
export function createPayoutAdapters(options: { sandbox_url?: string; timeout_ms?: number } = {}): PayoutAdapters {
	return new Map(
		Object.entries(payout_providers).map(([provider, createAdapter]) => [
			provider,
			createAdapter({
				...(options.sandbox_url === undefined ? {} : { api_url: `${options.sandbox_url}/${provider}` }),
				...(options.timeout_ms === undefined ? {} : { timeout_ms: options.timeout_ms }),
			}),
		]),
	);
}
