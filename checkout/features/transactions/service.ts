import type { Queryable } from "../../../db/client/call.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { readTransaction, type TransactionRecord } from "../../../db/client/payments.ts";
import { isStatusToken } from "../../../db/client/status-token.ts";
import { TransactionId } from "./schema.ts";

/** Needs no database: whoever holds no token costs it nothing. */
export function requireStatusToken(key: Buffer, transaction_id: string, token: string | undefined): void {
	if (isStatusToken(key, transaction_id, token ?? "")) return;
	throw new DomainError("invalid_credentials", { message: "The status token is not valid.", param: "token" });
}

export async function readExistingTransaction(database: Queryable, transaction_id: string): Promise<TransactionRecord> {
	const is_id = TransactionId.safeParse(transaction_id).success;
	const record = is_id ? await readTransaction(database, transaction_id) : null;
	if (record === null) throw new DomainError("not_found");
	return record;
}
