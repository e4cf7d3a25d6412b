import { z } from "zod";

export const previewParams = z.object({ client_id: z.uuid() });

/** States of the page that a merchant's colours show in. */
export const PREVIEW_STATES = ["ready", "declined", "paid"] as const;

/** What is not saved yet is in the address; what is absent is as saved, and "none" is without. */
export const previewQuery = z.object({
	color: z
		.union([z.literal("none"), z.string().regex(/^#[0-9a-f]{6}$/)])
		.optional()
		.catch(undefined),
	logo: z
		.union([z.literal("none"), z.string().regex(/^[0-9a-f]{64}$/)])
		.optional()
		.catch(undefined),
	scheme: z.enum(["light", "dark"]).nullable().catch(null),
	state: z.enum(PREVIEW_STATES).catch("ready"),
});
