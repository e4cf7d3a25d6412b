/** The providers whose page is opened by a script of theirs. That script runs on /pay/:id/open and nowhere else. */

interface ProviderScript {
	/** Where the provider serves it from. */
	origin: string;
	/** The file of checkout/assets that hands it the session. */
	glue: string;
}

export const PROVIDER_SCRIPTS: Partial<Record<string, ProviderScript>> = {
	cashfree: { origin: "https://sdk.cashfree.com", glue: "open-cashfree.js" },
};

/**
 * The asset for a script that a worker stored with an attempt. Refused where the script is not of the provider (or of the
 * sandbox that stands for it): it would run with the payer's token in reach.
 */
export function glueFor(provider: string, script_url: string, sandbox_url: string | undefined): string {
	const known = PROVIDER_SCRIPTS[provider];
	const sandbox = sandbox_url === undefined ? undefined : new URL(sandbox_url).origin;
	const { origin } = new URL(script_url);
	if (known === undefined || (origin !== known.origin && origin !== sandbox)) {
		throw new Error(`No script from ${origin} may open a page of the provider "${provider}".`);
	}
	return known.glue;
}
