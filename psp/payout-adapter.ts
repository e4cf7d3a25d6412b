/**
 * Paying out of a merchant's own account at a PSP: how what it owes is collected. The same rules as in adapter.ts hold:
 * stateless, no database, nothing thrown for what a PSP did, and "unknown" is never "failed".
 */
import type { PspEndpoint, PspError, WebhookRequest } from "./adapter.ts";
import { redact } from "./redact.ts";

export interface PayoutAccount {
	api_key: string;
	/** Decrypted; must never be logged, stored or returned. */
	api_secret: string;
	/** Decrypted; null when none is set. */
	webhook_secret: string | null;
	/** What is debited, as the PSP names it. */
	source_account: string | null;
}

export type PayoutMode = "NEFT" | "IMPS" | "RTGS" | "UPI";

export interface PayoutInput {
	/** Our id of the payout (a uuid); also the idempotency key at the PSP. */
	reference: string;
	/** Integer paise; INR. */
	amount: number;
	/** What is credited, as the PSP names it. */
	destination: string;
	mode: PayoutMode;
}

/**
 * processed: the money has arrived. reversed: it was sent and came back. failed: certainly no money moves. processing: the
 * PSP has it. unknown: it may have it; look it up by reference before doing anything else.
 */
export interface PayoutState {
	outcome: "processed" | "reversed" | "failed" | "processing" | "unknown";
	psp_payout_id: string | null;
	/** The PSP's own word for the state. */
	psp_status: string | null;
	/** Integer paise as the PSP states them; null when it did not say. */
	amount: number | null;
	/** UTR. */
	bank_reference: string | null;
	error: PspError | null;
}

export type PayoutWebhook =
	| {
			valid: true;
			/** The same on every retry of one event. */
			dedupe_key: string;
			event_type: string;
			/** Our reference; null when the event is about no payout of ours. */
			reference: string | null;
	  }
	| { valid: false; reason: string };

export interface PayoutAdapter {
	readonly provider: string;
	/** Safe to repeat with the same reference and the same input: answers with the one payout, or refuses. */
	createPayout(account: PayoutAccount, input: PayoutInput): Promise<PayoutState>;
	/**
	 * By the PSP's id where it is known, else by our reference. "failed" with not_found says only: there certainly is none. A
	 * lookup that itself went wrong is "unknown".
	 */
	findPayout(account: PayoutAccount, payout: { reference: string; psp_payout_id: string | null }): Promise<PayoutState>;
	/** Pure, constant-time on the signature, on the raw bytes. What is told is confirmed by findPayout before it is believed. */
	verifyWebhook(account: PayoutAccount, request: WebhookRequest): PayoutWebhook;
}

export type PayoutAdapterFactory = (endpoint?: PspEndpoint) => PayoutAdapter;

export const noPayout = (
	outcome: "failed" | "unknown",
	error: PspError,
	psp_payout_id: string | null = null,
): PayoutState => ({ outcome, psp_payout_id, psp_status: null, amount: null, bank_reference: null, error });

/** Without the account's secrets, should the PSP have repeated one. */
export function cleanPayout(account: PayoutAccount, state: PayoutState): PayoutState {
	return redact(state, { ...account, settings: {} });
}
