import { z } from "zod";
import { LANGUAGES } from "./languages.ts";

export const payParams = z.object({ id: z.uuid() });

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
	])
	.nullable();
