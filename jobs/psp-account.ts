import type { AttemptWork } from "../db/client/attempts.ts";
import { decryptSecret, type EncryptionKeys } from "../db/client/secrets.ts";
import type { PspAccount, PspAdapter } from "../psp/adapter.ts";
import { isProvider, type PspAdapters } from "../psp/providers.ts";

/** Opened for one job and dropped with it: secrets are not kept in memory longer than a call needs them. */
export function openPspAccount(keys: EncryptionKeys, gateway: AttemptWork["gateway"]): PspAccount {
	const open = (column: string, stored: string) =>
		decryptSecret(keys, stored, { table: "payment_gateways", column, row: gateway.id });
	return {
		api_key: gateway.api_key,
		api_secret: open("api_secret", gateway.api_secret),
		webhook_secret: gateway.webhook_secret === null ? null : open("webhook_secret", gateway.webhook_secret),
		settings: gateway.settings,
	};
}

export function adapterOf(adapters: PspAdapters, provider: string): PspAdapter {
	if (!isProvider(provider)) throw new Error(`There is no adapter for the provider "${provider}" in psp/providers.ts.`);
	return adapters[provider];
}
