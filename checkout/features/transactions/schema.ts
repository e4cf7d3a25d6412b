import { z } from "zod";
import type { TransactionView } from "../../../db/client/payments.ts";
import { expects, plainText } from "../../middleware/validation.ts";

const STATUSES = ["created", "pending", "paid", "partially_refunded", "refunded", "failed", "expired"] as const;

export const TransactionId = z.uuid("must be a transaction id");

const time = () => z.iso.datetime({ offset: true, error: "must be a time like 2026-01-31T12:00:00Z" });

export const Transaction = z
	.object({
		transaction_id: TransactionId,
		order_id: z.string(),
		status: z.enum(STATUSES),
		amount: z.int().meta({ description: "Paise." }),
		amount_refunded: z.int().meta({ description: "Paise." }),
		currency: z.string(),
		provider: z.string().meta({ description: "The payment service provider that has the payment." }),
		method: z.string().nullable().meta({ description: "upi, card, netbanking …, once known." }),
		error: z
			.object({ code: z.string(), message: z.string().nullable() })
			.optional()
			.meta({ description: "Why the last try failed." }),
		disputes: z
			.array(
				z.object({
					dispute_id: z.uuid(),
					transaction_id: TransactionId,
					order_id: z.string(),
					status: z.enum(["opened", "won", "lost", "closed"]).meta({ description: "closed: ended without money." }),
					phase: z.string().nullable().meta({ description: "chargeback, pre_arbitration …, where the provider says." }),
					amount: z.int().meta({ description: "Paise; may be less than the payment." }),
					currency: z.string(),
					reason_code: z.string().nullable(),
					reason: z.string().nullable(),
					provider_dispute_id: z.string(),
					respond_by: time().nullable().meta({ description: "Evidence must be with the provider by then." }),
					opened_at: time(),
					closed_at: time().nullable(),
				}),
			)
			.optional()
			.meta({ description: "Present when a payer's bank has wanted the payment back." }),
		late: z.literal(true).optional().meta({ description: "Present when it was paid after expires_at." }),
		created_at: time(),
		paid_at: time().nullable(),
		expires_at: time(),
	})
	.meta({
		id: "Transaction",
		description:
			"A payment. failed and expired are not the end before expires_at: the payer may try again, and a late success makes it paid.",
	});
// The database makes this object; the compiler checks that the documentation says the same.
Transaction satisfies z.ZodType<TransactionView>;

export const TransactionQuery = z.strictObject({
	token: z
		.string(expects("given once"))
		.optional()
		.meta({ description: "The status token from initiation, in place of a signature." }),
});

const day = () => time().transform((text) => new Date(text));

export const TransactionsQuery = z.strictObject({
	limit: z
		.string(expects("given once"))
		.regex(/^\d{1,4}$/, "must be a number from 1 to 100")
		.transform(Number)
		.pipe(z.int().min(1, "must be a number from 1 to 100").max(100, "must be a number from 1 to 100"))
		.default(20)
		.meta({ description: "At most 100; 20 if left out." }),
	starting_after: TransactionId.optional().meta({
		description: "The transaction_id of the last one on the page before.",
	}),
	order_id: plainText(100).optional(),
	status: z.enum(STATUSES, `must be one of ${STATUSES.join(", ")}`).optional(),
	created_gte: day().optional().meta({ description: "Created at that time or later." }),
	created_lt: day().optional().meta({ description: "Created before that time." }),
});

export const TransactionsPage = z
	.object({ data: z.array(Transaction).meta({ description: "Newest first." }), has_more: z.boolean() })
	.meta({ id: "TransactionsPage" });
