import { randomBytes } from "node:crypto";
import type { Response } from "express";

/**
 * Sets the headers of a payer's page; returns the nonce for its own style and script. `provider_script`: the one origin whose
 * script this page runs besides. Such a script builds its form without Trusted Types, and may load its own parts.
 */
export function setPageHeaders(response: Response, form_action: string, provider_script?: string): string {
	const nonce = randomBytes(18).toString("base64url");
	setHeaders(response, nonce, { form_action, provider_script, more: ["frame-ancestors 'none'"] });
	response.set("X-Frame-Options", "DENY");
	return nonce;
}

/** Of a page that only the studio may frame, and in which nothing runs, opens or is sent. Returns the nonce for its style. */
export function setPreviewHeaders(response: Response, studio_origin: string): string {
	const nonce = randomBytes(18).toString("base64url");
	const more = [`frame-ancestors ${studio_origin}`, "sandbox allow-same-origin"];
	setHeaders(response, nonce, { form_action: "'none'", more });
	// It knows no single origin; frame-ancestors takes its place.
	response.removeHeader("X-Frame-Options");
	return nonce;
}

function setHeaders(
	response: Response,
	nonce: string,
	{ form_action, provider_script, more }: { form_action: string; provider_script?: string | undefined; more: string[] },
): void {
	const provider = provider_script === undefined ? "" : ` ${provider_script}`;
	response.set({
		"Content-Security-Policy": [
			"default-src 'none'",
			`script-src 'nonce-${nonce}'${provider}`,
			`style-src 'nonce-${nonce}'`,
			"img-src 'self'",
			`connect-src 'self'${provider}`,
			`form-action ${form_action}`,
			"base-uri 'none'",
			...more,
			...(provider === "" ? ["require-trusted-types-for 'script'", "trusted-types 'none'"] : []),
		].join("; "),
		// The address holds the payment's token; a PSP needs only the origin, which some compare with the registered site.
		"Referrer-Policy": "strict-origin",
		"X-Content-Type-Options": "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
		"X-Robots-Tag": "noindex, nofollow",
		"Cache-Control": "no-store",
		Vary: "Accept-Language, Cookie, User-Agent",
	});
}

/**
 * Where forms of the page may be sent. Browsers hold the redirects that follow a form to this list too, so an adapter
 * names every origin that its first page passes through.
 */
export function formActionSources(browser_origins: readonly string[], sandbox_url: string | undefined): string {
	const sandbox = sandbox_url === undefined ? [] : [new URL(sandbox_url).origin];
	return [...new Set(["'self'", ...browser_origins, ...sandbox])].join(" ");
}
