import { callValue, type Queryable } from "./call.ts";

/**
 * The payer of a direct UPI payment names the UTR of the transfer; "paid" when that settles it at once. Throws
 * invalid_request (utr), utr_already_used, rate_limited (five were named already) or not_found.
 */
export function submitUtr(database: Queryable, transaction_id: string, utr: string): Promise<"submitted" | "paid"> {
	return callValue(database, "submit_utr", "select public.submit_utr($1, $2) as value", [transaction_id, utr]);
}
