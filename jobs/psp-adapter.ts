import type { PspAdapter } from "../psp/adapter.ts";
import { isProvider, type PspAdapters } from "../psp/providers.ts";

export function adapterOf(adapters: PspAdapters, provider: string): PspAdapter {
	if (!isProvider(provider)) throw new Error(`There is no adapter for the provider "${provider}" in psp/providers.ts.`);
	return adapters[provider];
}
