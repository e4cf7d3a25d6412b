import { createHash, timingSafeEqual } from "node:crypto";
import { type Request, Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import type { Dependencies } from "../../dependencies.ts";

const LOOPBACK = /^(::1|(::ffff:)?127\.\d+\.\d+\.\d+)$/;

export function metricsRoutes({ env, metrics, refreshMetrics }: Dependencies): Router {
	const router = Router();
	router.get("/metrics", async (req, res) => {
		if (!mayRead(req, env.METRICS_TOKEN)) throw new DomainError("not_found");
		await refreshMetrics();
		res.setHeader("Content-Type", metrics.registry.contentType);
		res.end(await metrics.registry.metrics());
	});
	return router;
}

/** Without a token only this machine may read; what a proxy on it forwards comes from elsewhere. */
function mayRead({ headers, socket }: Request, token: string | undefined): boolean {
	if (token !== undefined) return isEqual(headers.authorization ?? "", `Bearer ${token}`);
	return LOOPBACK.test(socket.remoteAddress ?? "") && !headers["x-forwarded-for"] && !headers.forwarded;
}

function isEqual(given: string, expected: string): boolean {
	const digest = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(digest(given), digest(expected));
}
