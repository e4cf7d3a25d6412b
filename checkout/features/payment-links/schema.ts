import { z } from "zod";
import { expects, plainText } from "../../middleware/validation.ts";
import { amount, currency, redirectUrl } from "../payments/schema.ts";

export const LinkId = z.uuid("must be a payment link's id");

const YEAR_SECONDS = 366 * 86_400;

const expiresIn = `must be a whole number of seconds from 60 to ${YEAR_SECONDS}`;

export const CreatePaymentLink = z
	.strictObject({
		amount,
		currency,
		description: plainText(250).optional().meta({ description: "Shown to the payer.", example: "Yoga class, May" }),
		reference: plainText(100).optional().meta({
			description: "Yours, and the key of idempotency: the same reference again is the same link.",
			example: "INV-2041",
		}),
		usage: z
			.enum(["single", "multiple"], "must be single or multiple")
			.default("single")
			.meta({ description: "Paid once, or by as many payers as have it." }),
		expires_at: z.iso
			.datetime({ offset: true, error: "must be a time like 2026-01-31T12:00:00Z" })
			.optional()
			.meta({ description: "No payment is begun from then on; without it the link stays until it is disabled." }),
		expires_in: z
			.number(expects("a whole number of seconds"))
			.int(expiresIn)
			.min(60, expiresIn)
			.max(YEAR_SECONDS, expiresIn)
			.optional()
			.meta({ description: "Seconds from now, in place of `expires_at`.", example: 86_400 }),
		redirect_url: redirectUrl.optional(),
	})
	.refine(({ expires_at, expires_in }) => expires_at === undefined || expires_in === undefined, {
		path: ["expires_in"],
		message: "must not be given beside expires_at",
	})
	.meta({ id: "CreatePaymentLink" });

const time = () => z.iso.datetime({ offset: true });

export const PaymentLink = z
	.object({
		link_id: LinkId,
		url: z.url().meta({ description: "What you share: it opens the payment page." }),
		amount: z.int().meta({ description: "Paise." }),
		currency: z.string(),
		description: z.string().nullable(),
		reference: z.string().nullable(),
		usage: z.enum(["single", "multiple"]),
		status: z
			.enum(["active", "completed", "expired", "disabled"])
			.meta({ description: "completed: a link for one payment has been paid." }),
		paid_count: z.int().meta({ description: "How many payments made through it were paid." }),
		expires_at: time().nullable(),
		redirect_url: z.string().nullable(),
		created_at: time(),
	})
	.meta({ id: "PaymentLink" });
