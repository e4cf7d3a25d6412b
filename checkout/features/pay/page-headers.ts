import { randomBytes } from "node:crypto";
import type { Response } from "express";

/**
 * Sets the headers of a payer's page; returns the nonce for its own style and script. `provider_script`: the one origin whose
 * script this page runs besides. Such a script builds its form without Trusted Types, and may load its own parts.
 */
export function setPageHeaders(response: Response, form_action: string, provider_script?: string): string {
	const nonce = randomBytes(18).toString("base64url");
	const provider = provider_script === undefined ? "" : ` ${provider_script}`;
	response.set({
		"Content-Security-Policy": [
			"default-src 'none'",
			`script-src 'nonce-${nonce}'${provider}`,
			`style-src 'nonce-${nonce}'`,
			"img-src 'self'",
			`connect-src 'self'${provider}`,
			`form-action ${form_action}`,
			"frame-ancestors 'none'",
			"base-uri 'none'",
			...(provider === "" ? ["require-trusted-types-for 'script'", "trusted-types 'none'"] : []),
		].join("; "),
		// The address holds the payment's token; a PSP needs only the origin, which some compare with the registered site.
		"Referrer-Policy": "strict-origin",
		"X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"X-Robots-Tag": "noindex, nofollow",
		"Cache-Control": "no-store",
		Vary: "Accept-Language, Cookie, User-Agent",
	});
	return nonce;
}

/**
 * Where forms of the page may be sent. Browsers hold the redirects that follow a form to this list too, so an adapter
 * names every origin that its first page passes through.
 */
export function formActionSources(browser_origins: readonly string[], sandbox_url: string | undefined): string {
	const sandbox = sandbox_url === undefined ? [] : [new URL(sandbox_url).origin];
	return [...new Set(["'self'", ...browser_origins, ...sandbox])].join(" ");
}
