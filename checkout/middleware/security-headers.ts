import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import helmet from "helmet";

const setHeaders = helmet({
	contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
	// Addresses hold status tokens.
	referrerPolicy: { policy: "no-referrer" },
	xFrameOptions: { action: "deny" },
});

/** They are the same for each answer, so helmet is asked once: each request would go through its dozen steps. */
const headers: [name: string, value: string][] = [];
const listener = { setHeader: (name: string, value: string) => headers.push([name, value]), removeHeader() {} };
setHeaders({} as IncomingMessage, listener as unknown as ServerResponse, () => {});

/**
 * For JSON and streams, which no browser should render, frame or run anything from. Pages send a Content-Security-Policy
 * of their own in place of this one.
 */
export const securityHeaders: RequestHandler = (_req, res, next) => {
	for (const [name, value] of headers) res.setHeader(name, value);
	next();
};

/** For what a status token in the address opens: no cookie is involved, and merchants' own pages may show it. */
export function allowAnyOrigin(res: ServerResponse): void {
	res.setHeader("Access-Control-Allow-Origin", "*");
}
