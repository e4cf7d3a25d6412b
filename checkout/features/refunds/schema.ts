import { z } from "zod";
import type { RefundView } from "../../../db/client/refunds.ts";
import { expects, plainText } from "../../middleware/validation.ts";
import { MOST_AMOUNT } from "../payments/schema.ts";
import { TransactionId } from "../transactions/schema.ts";

export const RefundId = z.uuid("must be a refund id");

export const CreateRefund = z
	.strictObject({
		transaction_id: z.uuid(expects("a transaction id")),
		amount: z
			.number(expects("a whole number of paise"))
			.int("must be a whole number of paise")
			.min(1, "must be at least 1 paisa")
			.max(MOST_AMOUNT, `must be at most ${MOST_AMOUNT} paise`)
			.optional()
			.meta({ description: "Paise; what is left of the payment if left out.", example: 19900 }),
		reason: plainText(255).optional().meta({ description: "Kept with the refund.", example: "One book returned" }),
		idempotency_key: plainText(100).optional().meta({
			description: "Yours: the same key is refunded once. May be sent as the header `Idempotency-Key` instead.",
			example: "return-77",
		}),
	})
	.meta({ id: "CreateRefund" });

export const RefundHeaders = z.object({
	"Idempotency-Key": plainText(100).optional().meta({ description: "In place of the field `idempotency_key`." }),
});

const time = () => z.iso.datetime({ offset: true });

export const Refund = z
	.object({
		refund_id: RefundId,
		transaction_id: TransactionId,
		order_id: z.string(),
		amount: z.int().meta({ description: "Paise." }),
		currency: z.string(),
		status: z
			.enum(["pending", "succeeded", "failed"])
			.meta({ description: "The provider may take days; failed is final, and the amount can be refunded anew." }),
		kind: z.enum(["requested", "duplicate_payment"]).meta({
			description: "duplicate_payment: an order was paid twice, and the second payment was given back by itself.",
		}),
		reason: z.string().nullable(),
		bank_reference: z
			.string()
			.nullable()
			.meta({ description: "What the payer's bank knows it by (ARN, RRN or UTR), once known." }),
		error: z
			.object({ code: z.string(), message: z.string().nullable() })
			.optional()
			.meta({ description: "Why it failed, or waits." }),
		created_at: time(),
		completed_at: time().nullable(),
	})
	.meta({ id: "Refund" });
// The database makes this object; the compiler checks that the documentation says the same.
Refund satisfies z.ZodType<RefundView>;

export const CreatedRefund = Refund.extend({
	replayed: z.literal(true).optional().meta({ description: "Present when this idempotency key was used before." }),
}).meta({ id: "CreatedRefund" });
