/** The PSP's words for what went wrong, reduced to ours. Data only; name the page of the PSP's documentation here. */

import type { PspErrorCode } from "../adapter.ts";

/** The reason of a declined payment. */
export const codeByReason: Readonly<Record<string, PspErrorCode>> = {};

export const codeByHttpStatus: Readonly<Record<number, PspErrorCode>> = {
	401: "authentication_failed",
	403: "authentication_failed",
	404: "not_found",
	408: "timed_out",
	409: "duplicate_request",
	429: "rate_limited",
	504: "timed_out",
};

/** A 4xx after which the thing asked for may still happen, or has happened already. */
export const uncertainHttpStatuses: ReadonlySet<number> = new Set([408, 409]);
