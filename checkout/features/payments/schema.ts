import { z } from "zod";
import { expects, freeText, plainText } from "../../middleware/validation.ts";
import { TransactionId } from "../transactions/schema.ts";

export const LEAST_AMOUNT = 100;
/** ₹100 crore: far above what any method takes, far below what arithmetic could lose. */
export const MOST_AMOUNT = 100_000_000_000;

export const amount = z
	.number(expects("a whole number of paise"))
	.int("must be a whole number of paise")
	.min(LEAST_AMOUNT, `must be at least ${LEAST_AMOUNT} paise`)
	.max(MOST_AMOUNT, `must be at most ${MOST_AMOUNT} paise`)
	.meta({ description: "Paise: ₹499.00 is 49900.", example: 49900 });

export const currency = z.literal("INR", "must be INR").default("INR");

export const redirectUrl = z
	.url({ protocol: /^https?$/, error: "must be an absolute http(s) URL" })
	.max(2048, "must have at most 2048 characters")
	.meta({
		description: "Where the payer goes afterwards; its origin and path must be registered.",
		example: "https://shop.example/thanks?order=A-1001",
	});

const MOST_METADATA_ENTRIES = 50;
const MOST_METADATA_LENGTH = 8192;

const metadata = z
	.record(
		plainText(40),
		z.union([freeText(500), z.number(), z.boolean(), z.null()], "must be a string, number, boolean or null"),
		expects("an object"),
	)
	.refine(
		(entries) => Object.keys(entries).length <= MOST_METADATA_ENTRIES,
		`must have at most ${MOST_METADATA_ENTRIES} entries`,
	)
	.refine(
		(entries) => JSON.stringify(entries).length <= MOST_METADATA_LENGTH,
		`must have at most ${MOST_METADATA_LENGTH} characters in all`,
	);

const customer = z.strictObject(
	{
		id: plainText(100).optional(),
		name: plainText(200).optional(),
		email: z.email("must be an e-mail address").max(254, "must have at most 254 characters").optional(),
		phone: plainText(20)
			.regex(/^\+?[0-9][0-9 ()-]{4,18}$/, "must be a phone number, e.g. +919876543210")
			.optional(),
	},
	expects("an object"),
);

export const InitiatePayment = z
	.strictObject({
		amount,
		order_id: z
			.string(expects("a string"))
			.regex(/^[A-Za-z0-9._:/#-]{1,100}$/, "must have 1 to 100 letters, digits or . _ : / # -")
			.meta({ description: "Yours, and the key of idempotency.", example: "A-1001" }),
		currency,
		redirect_url: redirectUrl.optional(),
		customer: customer.optional(),
		method: z
			.string(expects("a string"))
			.regex(/^[a-z][a-z_]{1,29}$/, "must be a method's name, e.g. upi, card or netbanking")
			.optional()
			.meta({ description: "Offer the payer only this one.", example: "upi" }),
		metadata: metadata.optional().meta({ description: "Kept with the transaction for you.", example: { cart: 17 } }),
		description: plainText(255).optional().meta({ description: "Shown to the payer.", example: "Two books" }),
	})
	.meta({ id: "InitiatePayment" });

export const InitiatedPayment = z
	.object({
		transaction_id: TransactionId,
		status: z.string(),
		order_id: z.string(),
		amount: z.int(),
		currency: z.string(),
		checkout_url: z.url().meta({ description: "Send the payer's browser there." }),
		status_token: z.string().meta({ description: "Lets a browser follow this one transaction." }),
		expires_at: z.iso.datetime(),
		replayed: z.literal(true).optional().meta({ description: "Present when this order_id was initiated before." }),
	})
	.meta({ id: "InitiatedPayment" });
