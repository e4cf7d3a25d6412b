import { z } from "zod";

const url = z.url({ protocol: /^https?$/ }).nullish();
const template = { body: z.string().min(1).max(1_024), parameters: z.int().min(0).max(20) };

const metaSchema = z.strictObject({
	provider: z.literal("meta"),
	phone_number_id: z.string().min(1),
	token: z.string().min(1),
	app_id: z.string().min(1),
	/** Signs webhooks, and exchanges tokens. */
	app_secret: z.string().min(1),
	verify_token: z.string().min(1).nullish(),
	webhook_url: url,
	templates: z.array(z.strictObject({ name: z.string().min(1), language: z.string().min(2), ...template })),
	/** manual: nothing happens to a message until somebody says so. */
	statuses: z.enum(["automatic", "manual"]).default("automatic"),
});

const gupshupSchema = z.strictObject({
	provider: z.literal("gupshup"),
	app_name: z.string().min(1),
	app_id: z.string().min(1),
	source: z.string().min(1),
	api_key: z.string().min(1).nullish(),
	partner: z.strictObject({ email: z.string().min(1), secret: z.string().min(1) }).nullish(),
	webhook_url: url,
	templates: z.array(z.strictObject({ id: z.string().min(1), ...template })),
	statuses: z.enum(["automatic", "manual"]).default("automatic"),
});

export const whatsappAccountSchema = z.discriminatedUnion("provider", [metaSchema, gupshupSchema]);

export type MetaAccount = z.output<typeof metaSchema>;
export type GupshupAccount = z.output<typeof gupshupSchema>;
export type WhatsappAccount = z.output<typeof whatsappAccountSchema>;
export type WhatsappService = WhatsappAccount["provider"];
