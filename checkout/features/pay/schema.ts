import { z } from "zod";
import { LANGUAGES } from "./languages.ts";
import { UTR_REFUSALS } from "./page-state.ts";

export const payParams = z.object({ id: z.uuid() });

/** Of a number that is to have twelve digits: enough to see what was entered. */
const MOST_ENTERED = 40;

/** What is not understood is left out: an address that somebody shortened or lengthened still shows the payment. */
export const payQuery = z.object({
	token: z.string().catch(""),
	lang: z.enum(LANGUAGES).optional().catch(undefined),
	returned: z.enum(["succeeded", "failed", "unknown"]).nullable().catch(null),
	left: z
		.literal("1")
		.optional()
		.catch(undefined)
		.transform((value) => value !== undefined),
	utr: z.enum(UTR_REFUSALS).nullable().catch(null),
	entered: z.string().max(MOST_ENTERED).catch(""),
});

/** Spaces and hyphens are how apps and people group the digits; whether the number is one is for the database to say. */
export const utrForm = z.object({
	utr: z
		.string()
		.catch("")
		.transform((entered) => entered.trim().slice(0, MOST_ENTERED)),
});

/** A query or form of a PSP's return: what comes more than once, or nested, is not part of any PSP's format. */
export const returnFields = z
	.record(z.string(), z.unknown())
	.catch({})
	.transform((fields) =>
		Object.fromEntries(
			Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
		),
	);

const browserUrl = z.url({ protocol: /^https?$/ });

/** Stored with the attempt by a worker; checked again because it becomes a link and a form on our page. */
export const storedPresentation = z
	.discriminatedUnion("kind", [
		z.object({ kind: z.literal("redirect"), url: browserUrl }),
		z.object({ kind: z.literal("form"), url: browserUrl, fields: z.record(z.string(), z.string()) }),
		z.object({ kind: z.literal("script"), script_url: browserUrl, session: z.record(z.string(), z.string()) }),
		z.object({
			kind: z.literal("upi"),
			uri: z.string().regex(/^upi:\/\/pay\?[^\s#]+$/),
			payee_vpa: z.string(),
			payee_name: z.string(),
			amount: z.number().int().positive(),
			reference: z.string(),
			expires_at: z.string(),
		}),
	])
	.nullable();
