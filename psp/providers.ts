/** The one list of payment service providers. A new one is a folder made from _template/ and a line here. */

import type { PspAdapter, PspAdapterFactory } from "./adapter.ts";
import { createCashfreeAdapter } from "./cashfree/adapter.ts";
import { createPayuAdapter } from "./payu/adapter.ts";
import { createPhonePeAdapter } from "./phonepe/adapter.ts";
import { createRazorpayAdapter } from "./razorpay/adapter.ts";
import { createStripeAdapter } from "./stripe/adapter.ts";
import { createUpiAdapter } from "./upi/adapter.ts";

export const providers = {
	razorpay: createRazorpayAdapter,
	cashfree: createCashfreeAdapter,
	payu: createPayuAdapter,
	phonepe: createPhonePeAdapter,
	stripe: createStripeAdapter,
	upi: createUpiAdapter,
} satisfies Record<string, PspAdapterFactory>;

export type Provider = keyof typeof providers;

export type PspAdapters = Readonly<Record<Provider, PspAdapter>>;

export function isProvider(name: string): name is Provider {
	return Object.hasOwn(providers, name);
}

/**
 * One adapter a provider, to be made once when a process starts and shared by everything in it.
 * With `sandbox_url` every adapter talks to `${sandbox_url}/<provider>` instead of the PSP.
 */
export function createPspAdapters(options: { sandbox_url?: string; timeout_ms?: number } = {}): PspAdapters {
	const entries = Object.entries(providers).map(([provider, createAdapter]) => [
		provider,
		createAdapter({
			...(options.sandbox_url === undefined ? {} : { api_url: `${options.sandbox_url}/${provider}` }),
			...(options.timeout_ms === undefined ? {} : { timeout_ms: options.timeout_ms }),
		}),
	]);
	return Object.fromEntries(entries) as PspAdapters;
}
