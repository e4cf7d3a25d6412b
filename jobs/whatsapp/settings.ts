/** WhatsApp in the environment of the jobs process. Without WHATSAPP_PROVIDER nothing is sent. */
import { z } from "zod";
import type { WhatsappAdapter } from "./adapter.ts";
import { createGupshup, type GupshupSettings } from "./gupshup.ts";
import { createMeta, type MetaSettings } from "./meta.ts";

export type WhatsappSettings = MetaSettings | GupshupSettings;

const needed = (name: string, what: string) => z.string(`${name} is not set: give it ${what}.`);

const metaSchema = z
	.object({
		WHATSAPP_META_PHONE_NUMBER_ID: needed("WHATSAPP_META_PHONE_NUMBER_ID", "the id of the phone number at Meta").regex(
			/^\d{5,30}$/,
			"WHATSAPP_META_PHONE_NUMBER_ID must be the number's id at Meta, digits only; it is not the phone number.",
		),
		WHATSAPP_META_TOKEN: needed("WHATSAPP_META_TOKEN", "an access token of a system user"),
		WHATSAPP_META_APP_ID: z.string().optional(),
		WHATSAPP_META_APP_SECRET: z.string().optional(),
		WHATSAPP_META_API_VERSION: z
			.string()
			.regex(/^v\d{1,3}\.\d{1,2}$/, "WHATSAPP_META_API_VERSION must be a version of the Graph API, e.g. v23.0.")
			.default("v23.0"),
	})
	.transform(
		(env): MetaSettings => ({
			provider: "meta",
			phone_number_id: env.WHATSAPP_META_PHONE_NUMBER_ID,
			token: env.WHATSAPP_META_TOKEN,
			app_id: env.WHATSAPP_META_APP_ID ?? null,
			app_secret: env.WHATSAPP_META_APP_SECRET ?? null,
			api_version: env.WHATSAPP_META_API_VERSION,
		}),
	);

const gupshupSchema = z
	.object({
		WHATSAPP_GUPSHUP_APP_NAME: needed("WHATSAPP_GUPSHUP_APP_NAME", "the app's name at Gupshup"),
		WHATSAPP_GUPSHUP_SOURCE: needed("WHATSAPP_GUPSHUP_SOURCE", "the number that messages come from").regex(
			/^[1-9]\d{7,14}$/,
			"WHATSAPP_GUPSHUP_SOURCE must be a number with its country code, digits only, e.g. 919845012345.",
		),
		WHATSAPP_GUPSHUP_API_KEY: z.string().optional(),
		WHATSAPP_GUPSHUP_PARTNER_EMAIL: z.string().optional(),
		WHATSAPP_GUPSHUP_PARTNER_SECRET: z.string().optional(),
		WHATSAPP_GUPSHUP_APP_ID: z.string().optional(),
	})
	.transform((env, context): GupshupSettings => {
		const {
			WHATSAPP_GUPSHUP_API_KEY: api_key,
			WHATSAPP_GUPSHUP_PARTNER_EMAIL: email,
			WHATSAPP_GUPSHUP_PARTNER_SECRET: secret,
			WHATSAPP_GUPSHUP_APP_ID: app_id,
		} = env;
		const common = {
			provider: "gupshup",
			app_name: env.WHATSAPP_GUPSHUP_APP_NAME,
			source: env.WHATSAPP_GUPSHUP_SOURCE,
		} as const;
		if (api_key !== undefined) return { ...common, access: { kind: "api_key", api_key } };
		if (email !== undefined && secret !== undefined && app_id !== undefined) {
			return { ...common, access: { kind: "partner", email, secret, app_id } };
		}
		context.addIssue({
			code: "custom",
			message:
				"WHATSAPP_GUPSHUP_API_KEY is not set: give it the app's key, or set WHATSAPP_GUPSHUP_PARTNER_EMAIL, WHATSAPP_GUPSHUP_PARTNER_SECRET and WHATSAPP_GUPSHUP_APP_ID.",
		});
		return z.NEVER;
	});

const providerSchema = z
	.enum(["meta", "gupshup"], "WHATSAPP_PROVIDER must be meta or gupshup; without it nothing is sent.")
	.optional();

/** Null: not configured. Throws a ZodError whose first message is for whoever starts the process. */
export function readWhatsappSettings(env: Record<string, string | undefined>): WhatsappSettings | null {
	const provider = providerSchema.parse(env.WHATSAPP_PROVIDER);
	if (provider === undefined) return null;
	return provider === "meta" ? metaSchema.parse(env) : gupshupSchema.parse(env);
}

export function createWhatsappAdapter(settings: WhatsappSettings, sandbox_url: string | null): WhatsappAdapter {
	return settings.provider === "meta" ? createMeta(settings, sandbox_url) : createGupshup(settings, sandbox_url);
}
