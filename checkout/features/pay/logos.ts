/** Merchants' logos, from the database, named by their content so that browsers never ask for them again. */
import { type RequestHandler, Router } from "express";
import { type Logo, readLogo } from "../../../db/client/clients.ts";
import type { Dependencies } from "../../dependencies.ts";

/** Each has at most 32 KB. */
const MOST_KEPT = 200;

/** The address of a logo on checkout; null without one. */
export function logoPath(sha256: string | null): string | null {
	return sha256 === null ? null : `/logos/${sha256}`;
}

export function logoRoutes({ pool }: Pick<Dependencies, "pool">): Router {
	const kept = new Map<string, Logo>();
	const serve: RequestHandler<{ sha256: string }> = async (request, response, next) => {
		const { sha256 } = request.params;
		if (!/^[0-9a-f]{64}$/.test(sha256)) {
			next();
			return;
		}
		const logo = kept.get(sha256) ?? (await readLogo(pool, sha256));
		if (logo === null) {
			next();
			return;
		}
		if (kept.size >= MOST_KEPT) kept.clear();
		kept.set(sha256, logo);
		response.set({
			"Content-Type": logo.media_type,
			"Cache-Control": "public, max-age=31536000, immutable",
			"X-Content-Type-Options": "nosniff",
			// An image that somebody opens by itself stays one.
			"Content-Security-Policy": "default-src 'none'; sandbox",
			"Cross-Origin-Resource-Policy": "same-origin",
		});
		response.end(logo.content);
	};
	return Router().get("/logos/:sha256", serve);
}
