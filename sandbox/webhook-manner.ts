import { z } from "zod";

/** How webhooks are sent. */
export const webhookMannerSchema = z
	.strictObject({
		/** How many more copies of each event, with the same event id. */
		duplicate: z.union([z.boolean().transform(Number), z.int().min(0).max(1_000)]).default(0),
		delay_ms: z.int().min(0).max(600_000).default(0),
		skip: z.boolean().default(false),
		/** Signs with a secret that is not the account's. */
		forge: z.boolean().default(false),
		/** Sends the events last to first. */
		reorder: z.boolean().default(false),
	})
	.prefault({});
