import type { Request } from "express";
import type { z } from "zod";
import type { Queryable } from "../../../db/client/call.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { createRefund, type RefundView, readRefund } from "../../../db/client/refunds.ts";
import { parseWith } from "../../middleware/validation.ts";
import { type CreatedRefund, type CreateRefund, RefundHeaders, RefundId } from "./schema.ts";

/**
 * The key that makes a repetition one refund: the body's or the header's. Without either, the request's own signature, which
 * fits this body at this second only: whoever sends the very same bytes again moves no money.
 */
export function idempotencyKeyOf(req: Request, in_body: string | undefined): string | null {
	const { "Idempotency-Key": in_header } = parseWith(RefundHeaders, { "Idempotency-Key": req.get("Idempotency-Key") });
	if (in_body !== undefined && in_header !== undefined && in_body !== in_header) {
		throw new DomainError("invalid_request", {
			message: "idempotency_key and the header Idempotency-Key must be the same where both are given.",
			param: "idempotency_key",
		});
	}
	const signature = req.headers["x-signature"];
	return in_body ?? in_header ?? (typeof signature === "string" ? `signature:${signature}` : null);
}

export async function refundPayment(
	database: Queryable,
	client_id: string,
	{ transaction_id, amount, reason }: z.output<typeof CreateRefund>,
	idempotency_key: string | null,
): Promise<z.output<typeof CreatedRefund>> {
	const { refund, replayed } = await createRefund(database, {
		client_id,
		transaction_id,
		amount: amount ?? null,
		reason: reason ?? null,
		idempotency_key,
	});
	return { ...refund, ...(replayed && { replayed: true as const }) };
}

export async function readExistingRefund(database: Queryable, client_id: string, id: string): Promise<RefundView> {
	const refund = RefundId.safeParse(id).success ? await readRefund(database, client_id, id) : null;
	if (refund === null) throw new DomainError("not_found");
	return refund;
}
