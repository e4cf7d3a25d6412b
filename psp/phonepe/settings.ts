import { z } from "zod";
import type { PspAccount } from "../adapter.ts";

/** What an account at PhonePe has besides its secrets. An operator types these, so absent and empty mean the same. */
const settingsSchema = z.object({
	/** Comes with the client id and secret; 1 in PhonePe's sandbox. */
	client_version: z.preprocess(absentWhenEmpty, z.coerce.number().int().min(1).max(1_000_000).default(1)),
	/** PhonePe's own sandbox lives on another host with paths of its own. */
	environment: z.preprocess(absentWhenEmpty, z.enum(["production", "sandbox"]).default("production")),
	/** Only for credentials of a partner, which speak for many merchants. */
	merchant_id: z.preprocess(
		absentWhenEmpty,
		z
			.string()
			.regex(/^[\w.-]{1,64}$/)
			.optional(),
	),
	/** Chosen where the webhook is made on PhonePe's dashboard. */
	webhook_mode: z.preprocess(absentWhenEmpty, z.enum(["basic", "hmac"]).default("hmac")),
	webhook_username: z.preprocess(absentWhenEmpty, z.string().max(100).optional()),
});

export type PhonePeSettings = z.infer<typeof settingsSchema>;

export function readSettings(
	account: PspAccount,
): { usable: true; settings: PhonePeSettings } | { usable: false; reason: string } {
	const parsed = settingsSchema.safeParse(account.settings);
	if (parsed.success) return { usable: true, settings: parsed.data };
	const issue = parsed.error.issues[0];
	return { usable: false, reason: `settings.${issue?.path.join(".")}: ${issue?.message}` };
}

function absentWhenEmpty(value: unknown): unknown {
	return value === "" || value === null ? undefined : value;
}
