import type { Response } from "express";
import type { Rate } from "../../db/client/rates.ts";

/**
 * What is left of a merchant's limits (draft-ietf-httpapi-ratelimit-headers): "minute" is a window that begins with its first
 * request, "burst" any second.
 */
export function showRate(res: Response, { per_minute, left, reset_seconds, per_second, left_now }: Rate): void {
	const policy = [`"minute";q=${per_minute};w=60`];
	const state = [`"minute";r=${left};t=${reset_seconds}`];
	if (per_second !== null) {
		policy.push(`"burst";q=${per_second};w=1`);
		state.push(`"burst";r=${left_now};t=1`);
	}
	res.setHeader("RateLimit-Policy", policy.join(", "));
	res.setHeader("RateLimit", state.join(", "));
}
