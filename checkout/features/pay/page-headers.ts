import { randomBytes } from "node:crypto";
import type { Response } from "express";

/** Sets the headers of a payer's page; returns the nonce for its own style and script. */
export function setPageHeaders(response: Response, form_action: string): string {
	const nonce = randomBytes(18).toString("base64url");
	response.set({
		"Content-Security-Policy": [
			"default-src 'none'",
			`script-src 'nonce-${nonce}'`,
			`style-src 'nonce-${nonce}'`,
			"img-src 'self'",
			"connect-src 'self'",
			`form-action ${form_action}`,
			"frame-ancestors 'none'",
			"base-uri 'none'",
			"require-trusted-types-for 'script'",
			"trusted-types 'none'",
		].join("; "),
		// The address holds the payment's token; a PSP needs only the origin, which some compare with the registered site.
		"Referrer-Policy": "strict-origin",
		"X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"X-Robots-Tag": "noindex, nofollow",
		"Cache-Control": "no-store",
		Vary: "Accept-Language, Cookie",
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
