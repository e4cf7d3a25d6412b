import type { ServerResponse } from "node:http";
import helmet from "helmet";

/**
 * For JSON and streams, which no browser should render, frame or run anything from. Pages send a Content-Security-Policy
 * of their own in place of this one.
 */
export const securityHeaders = helmet({
	contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
	// Addresses hold status tokens.
	referrerPolicy: { policy: "no-referrer" },
	xFrameOptions: { action: "deny" },
});

/** For what a status token in the address opens: no cookie is involved, and merchants' own pages may show it. */
export function allowAnyOrigin(res: ServerResponse): void {
	res.setHeader("Access-Control-Allow-Origin", "*");
}
