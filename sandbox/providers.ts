import { createCashfree } from "./cashfree/provider.ts";
import { createPayu } from "./payu/provider.ts";
import { createPhonePe } from "./phonepe/provider.ts";
import type { SandboxProvider } from "./provider.ts";
import { createRazorpay } from "./razorpay/provider.ts";
import type { Registry } from "./registry.ts";
import { createStripe } from "./stripe/provider.ts";
import { createUpi } from "./upi/provider.ts";
import type { WebhookSender } from "./webhook-sender.ts";

export interface ProviderDependencies {
	registry: Registry;
	sender: WebhookSender;
	/** How many orders a provider keeps. */
	capacity: number;
}

/** Every provider that the sandbox stands in for. */
export function createProviders(dependencies: ProviderDependencies): SandboxProvider[] {
	return [
		createRazorpay(dependencies),
		createCashfree(dependencies),
		createPayu(dependencies),
		createPhonePe(dependencies),
		createStripe(dependencies),
		createUpi(dependencies),
	];
}
