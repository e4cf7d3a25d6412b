import { callRows, callValue, type Queryable } from "./call.ts";
import { decryptSecret, type EncryptionKeys } from "./secrets.ts";
import { storableText } from "./storable-text.ts";

/** As it is stored: the secrets are ciphertexts. */
export interface SealedCollectionAccount {
	client_id: string;
	provider: string;
	api_key: string;
	api_secret: string;
	webhook_secret: string | null;
	/** What is debited, as the PSP names it. */
	source_account: string | null;
}

/** As the PSP's API is called: the secrets are readable, and must never be logged, stored or returned. */
export interface CollectionAccount {
	api_key: string;
	api_secret: string;
	webhook_secret: string | null;
	source_account: string | null;
}

/** Throws when one of its secrets does not open. */
export function openCollectionSecrets(keys: EncryptionKeys, account: SealedCollectionAccount): CollectionAccount {
	const { client_id, api_key, api_secret, webhook_secret, source_account } = account;
	const open = (column: "api_secret" | "webhook_secret", stored: string) =>
		decryptSecret(keys, stored, { table: "collection_accounts", column, row: client_id });
	return {
		api_key,
		api_secret: open("api_secret", api_secret),
		webhook_secret: webhook_secret === null ? null : open("webhook_secret", webhook_secret),
		source_account,
	};
}

/** The night that last began at 02:00 Asia/Kolkata; payouts is null when it was swept before. Paise. */
export function collectCommissions(
	database: Queryable,
): Promise<{ night: string; payouts: number | null; amount?: number }> {
	return callValue(database, "collect_commissions", "select public.collect_commissions() as value", []);
}

/** What a worker needs for calling the PSP about one payout. Amounts in paise. */
export interface PayoutWork {
	/** Also our reference of it at the PSP, and the idempotency key there. */
	payout_id: string;
	client_id: string;
	status: "queued" | "processing" | "processed" | "reversed" | "failed";
	/** An earlier run may have reached the PSP. */
	started_before: boolean;
	/** Known once the PSP has answered. */
	psp_payout_id: string | null;
	provider: string;
	amount: number;
	/** What the merchant owes now. */
	balance_due: number;
	destination: string;
	mode: "NEFT" | "IMPS" | "RTGS" | "UPI";
	account: SealedCollectionAccount;
}

/** Marks the payout started and returns its work; null when nothing is to be done. */
export function beginPayout(database: Queryable, payout_id: string): Promise<PayoutWork | null> {
	return callValue(database, "begin_payout", "select public.begin_payout($1) as value", [payout_id]);
}

export interface PayoutOutcome {
	outcome: "processing" | "processed" | "failed" | "reversed" | "unknown";
	psp_payout_id: string | null;
	/** The PSP's own word. */
	psp_status: string | null;
	/** As the PSP states it; null when it did not say. */
	amount: number | null;
	bank_reference: string | null;
	error: { code: string; message: string } | null;
}

/** Status, entry and alerts in one commit; safe to repeat. */
export async function settlePayout(
	database: Queryable,
	payout_id: string,
	state: PayoutOutcome,
): Promise<{ status: PayoutWork["status"]; changed: boolean }> {
	const { outcome, psp_payout_id, psp_status, amount, bank_reference, error } = state;
	const rows = await callRows<{ status: "processing"; changed: boolean }>(
		database,
		"settle_payout",
		"select status, changed from public.settle_payout($1, $2)",
		[
			payout_id,
			JSON.stringify({
				outcome,
				psp_payout_id,
				psp_status,
				amount,
				bank_reference,
				error: error && { code: error.code, message: error.message },
			}),
		],
	);
	return rows[0]!;
}

/** By a merchant's key of now or a retired one; null when the merchant has none. */
export function findCollectionAccount(
	database: Queryable,
	client_key: string,
): Promise<SealedCollectionAccount | null> {
	return callValue(database, "find_collection_account", "select public.find_collection_account($1) as value", [
		client_key,
	]);
}

/** Durable, with its job, when it returns. False for a repetition. */
export function acceptPayoutEvent(
	database: Queryable,
	event: {
		client_id: string;
		provider: string;
		dedupe_key: string;
		event_type: string;
		raw_body: Buffer;
		payout_id: string | null;
	},
): Promise<boolean> {
	return callValue(
		database,
		"accept_payout_event",
		"select public.accept_payout_event($1, $2, $3, $4, $5, $6) as value",
		[
			event.client_id,
			event.provider,
			storableText(event.dedupe_key),
			storableText(event.event_type),
			event.raw_body,
			event.payout_id,
		],
	);
}
