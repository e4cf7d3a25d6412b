import type { ConformanceKit } from "./conformance.ts";

export const SESSION_SCENARIO = "session: an expired token is renewed and the call made once more";

/** The conformance scenarios that a PSP has no counterpart for, and why. */
export function notApplicable(kit: ConformanceKit): Readonly<Record<string, string>> {
	if (kit.paths.token !== undefined) return kit.not_applicable;
	return { ...kit.not_applicable, [SESSION_SCENARIO]: "calls carry the credentials themselves" };
}
