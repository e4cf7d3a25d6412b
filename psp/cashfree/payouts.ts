/**
 * Cashfree Payouts v2 (2024-01-01): transfers out of a merchant's own fund source. Shapes: Cashfree's OpenAPI description of
 * payouts, docs api-reference/payouts/v2 (transfers-v2, webhooks-v2, response-codes). Rupees as decimal numbers on the wire.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { PspEndpoint, PspError, WebhookRequest } from "../adapter.ts";
import { callOverHttp, type Exchange, parseJson } from "../exchange.ts";
import { fail } from "../failure.ts";
import {
	cleanPayout,
	noPayout,
	type PayoutAccount,
	type PayoutAdapter,
	type PayoutMode,
	type PayoutState,
	type PayoutWebhook,
} from "../payout-adapter.ts";
import { codeByDescription } from "./error-map.ts";
import { paiseOf, rupeesOf } from "./money.ts";
import { isSignedBy } from "./signature.ts";
import { failureOf, lookupFailureOf } from "./transform.ts";

const API_VERSION = "2024-01-01";

const text = z.string().nullish();

const transferSchema = z.object({
	transfer_id: z.string(),
	// A number in some answers.
	cf_transfer_id: z.union([z.string(), z.number()]).nullish(),
	status: z.string(),
	status_code: text,
	status_description: text,
	transfer_amount: z.unknown(),
	transfer_utr: text,
});
type CashfreeTransfer = z.infer<typeof transferSchema>;

const webhookSchema = z.object({
	type: z.string().min(1).max(100),
	data: z.object({ transfer_id: text }),
});

const errorSchema = z.object({ code: text, message: text });

const API_HOSTS = { test: "https://sandbox.cashfree.com", live: "https://api.cashfree.com" };

export function createCashfreePayouts({ api_url, timeout_ms }: PspEndpoint = {}): PayoutAdapter {
	function call(account: PayoutAccount, path: string, init: RequestInit = {}): Promise<Exchange> {
		const host = api_url ?? API_HOSTS[isTestKey(account) ? "test" : "live"];
		const headers = {
			"x-api-version": API_VERSION,
			"x-client-id": account.api_key,
			"x-client-secret": account.api_secret,
			accept: "application/json",
			...init.headers,
		};
		return callOverHttp(`${host}/payout/transfers${path}`, { ...init, headers }, timeout_ms);
	}

	return {
		provider: "cashfree",

		async createPayout(account, { reference, amount, destination, mode }) {
			const transfer_amount = rupeesOf(amount);
			if (transfer_amount === null) {
				return none(fail("failed", "invalid_request", null, "Not an amount that Cashfree can be told", null));
			}
			const exchange = await call(account, "", {
				method: "POST",
				headers: { "content-type": "application/json", "x-request-id": reference },
				body: JSON.stringify({
					transfer_id: transferIdOf(reference),
					transfer_amount,
					transfer_currency: "INR",
					transfer_mode: MODES[mode],
					beneficiary_details: { beneficiary_id: destination },
					transfer_remarks: "Commission",
					...(account.source_account === null ? {} : { fundsource_id: account.source_account }),
				}),
			});
			const transfer = read(exchange);
			if (transfer !== null) return cleanPayout(account, stateOf(transfer));
			const failure = failureOf(exchange);
			if (REFUSED_FOR_BALANCE.test(`${failure.error.psp_code} ${failure.error.message}`)) {
				return cleanPayout(
					account,
					none({ outcome: "failed", error: { ...failure.error, code: "insufficient_funds" } }),
				);
			}
			// The id is taken: by an earlier call of ours, whose answer was lost.
			const is_taken = failure.error.code === "duplicate_request" || /already exist/i.test(failure.error.message);
			return cleanPayout(account, none(is_taken ? { ...failure, outcome: "unknown" } : failure));
		},

		async findPayout(account, { reference }) {
			const exchange = await call(account, `?${new URLSearchParams({ transfer_id: transferIdOf(reference) })}`);
			const transfer = read(exchange);
			if (transfer !== null && transfer.transfer_id === transferIdOf(reference))
				return cleanPayout(account, stateOf(transfer));
			return cleanPayout(account, none(isAbsent(exchange) ? noneThere() : lookupFailureOf(exchange)));
		},

		verifyWebhook({ api_secret, webhook_secret }, { raw_body, headers }: WebhookRequest): PayoutWebhook {
			const timestamp = headers["x-webhook-timestamp"] ?? "";
			const signature = headers["x-webhook-signature"];
			// Signed with the secret of the API, unless another key was made for it.
			if (!isSignedBy(webhook_secret ?? api_secret, timestamp, raw_body, signature)) {
				return { valid: false, reason: "the signature is not right" };
			}
			const parsed = webhookSchema.safeParse(parseJson(raw_body.toString("utf8")));
			if (!parsed.success) return { valid: false, reason: "not an event" };
			return {
				valid: true,
				// Retries are the same bytes; no id comes with them.
				dedupe_key: createHash("sha256").update(raw_body).digest("hex"),
				event_type: parsed.data.type,
				reference: referenceOf(parsed.data.data.transfer_id ?? ""),
			};
		},
	};
}

/** With HTTP 422, which says of other calls that something may have happened. */
const REFUSED_FOR_BALANCE = /insufficient[_ ]balance/i;

const MODES: Readonly<Record<PayoutMode, string>> = { NEFT: "neft", IMPS: "imps", RTGS: "rtgs", UPI: "upi" };

/** Letters, digits and underscores only, 40 at most. */
function transferIdOf(reference: string): string {
	return reference.replaceAll("-", "");
}

function referenceOf(transfer_id: string): string | null {
	if (!/^[0-9a-f]{32}$/.test(transfer_id)) return null;
	return transfer_id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Keys of a test account are known at Cashfree's sandbox alone, and the others only at its real host. */
function isTestKey({ api_key, api_secret }: PayoutAccount): boolean {
	return /^(CF)?TEST/.test(api_key) || api_secret.startsWith("cfsk_ma_test_");
}

function stateOf(transfer: CashfreeTransfer): PayoutState {
	const outcome = outcomeOf(transfer.status);
	const { status_code, status_description } = transfer;
	const words = status_description || status_code || transfer.status;
	const error: PspError | null =
		outcome === "failed" || outcome === "reversed"
			? {
					code: codeByDescription.find(({ pattern }) => pattern.test(`${status_code} ${words}`))?.code ?? "declined",
					psp_code: status_code || transfer.status,
					message: words.slice(0, 500),
					http_status: null,
					retry_after_seconds: null,
				}
			: null;
	return {
		outcome,
		psp_payout_id: transfer.cf_transfer_id == null ? null : String(transfer.cf_transfer_id),
		psp_status: status_code ? `${transfer.status}/${status_code}` : transfer.status,
		amount: paiseOf(transfer.transfer_amount),
		bank_reference: transfer.transfer_utr || null,
		error,
	};
}

/** A word that is not documented is no end. */
function outcomeOf(status: string): PayoutState["outcome"] {
	switch (status) {
		case "SUCCESS":
			return "processed";
		case "REVERSED":
			return "reversed";
		case "FAILED":
		case "REJECTED":
			return "failed";
		default:
			return "processing";
	}
}

const none = (failure: { outcome: "failed" | "unknown"; error: PspError }) => noPayout(failure.outcome, failure.error);

const noneThere = () => fail("failed", "not_found", null, "Cashfree has no transfer with this id", 404);

/** Cashfree itself says that there is no such transfer; a 404 from anything before it says no such thing. */
function isAbsent(exchange: Exchange): boolean {
	if (exchange.kind !== "answered" || exchange.http_status !== 404) return false;
	const { code, message } = errorSchema.safeParse(exchange.body).data ?? {};
	return /transfer.*not_found/.test(code ?? "") || /transfer.*(not found|(does|do) not exist)/i.test(message ?? "");
}

function read(exchange: Exchange): CashfreeTransfer | null {
	if (exchange.kind !== "answered" || exchange.http_status >= 300) return null;
	return transferSchema.safeParse(exchange.body).data ?? null;
}
