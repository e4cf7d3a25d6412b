/**
 * RazorpayX payouts, which the official SDK does not have. Shapes: razorpay docs api/x/payouts (create, fetch-all,
 * fetch-with-id), errors/x/payout-status-details, webhooks/payouts. Paise on both sides.
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
	type PayoutState,
	type PayoutWebhook,
} from "../payout-adapter.ts";
import { RAZORPAY_API_URL } from "./client.ts";
import { codeByPayoutReason } from "./error-map.ts";
import { isSignedBy } from "./signature.ts";
import { collectionOf, failureOf, lookupFailureOf } from "./transform.ts";

const text = z.string().nullish();

const payoutSchema = z.object({
	id: z.string().regex(/^pout_[A-Za-z0-9]{14}$/),
	entity: z.literal("payout"),
	amount: z.int().nonnegative(),
	currency: z.string(),
	status: z.string(),
	utr: text,
	reference_id: text,
	failure_reason: text,
	status_details: z.object({ description: text, reason: text, source: text }).nullish(),
});
type RazorpayPayout = z.infer<typeof payoutSchema>;

const webhookSchema = z.object({
	event: z.string().min(1).max(100),
	payload: z.object({ payout: z.object({ entity: z.object({ reference_id: text }) }).optional() }),
});

const NARRATION = "Commission";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function createRazorpayPayouts({ api_url = RAZORPAY_API_URL, timeout_ms }: PspEndpoint = {}): PayoutAdapter {
	function call(account: PayoutAccount, path: string, init: RequestInit = {}): Promise<Exchange> {
		const credentials = Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64");
		const headers = { authorization: `Basic ${credentials}`, accept: "application/json", ...init.headers };
		return callOverHttp(`${api_url}/v1/payouts${path}`, { ...init, headers }, timeout_ms);
	}

	return {
		provider: "razorpay",

		async createPayout(account, { reference, amount, destination, mode }) {
			const exchange = await call(account, "", {
				method: "POST",
				headers: { "content-type": "application/json", "x-payout-idempotency": reference },
				body: JSON.stringify({
					account_number: account.source_account,
					fund_account_id: destination,
					amount,
					currency: "INR",
					mode,
					purpose: "vendor bill",
					// Tomorrow's sweep asks for tomorrow's balance instead.
					queue_if_low_balance: false,
					reference_id: reference,
					narration: NARRATION,
				}),
			});
			const payout = read(exchange, payoutSchema);
			if (payout !== null) return cleanPayout(account, stateOf(payout));
			const failure = failureOf(exchange);
			// The key is taken: by an earlier call of ours, whose answer was lost.
			const is_taken = failure.error.code === "duplicate_request";
			return cleanPayout(account, none(is_taken ? { ...failure, outcome: "unknown" } : failure));
		},

		async findPayout(account, { reference, psp_payout_id }) {
			if (psp_payout_id !== null) {
				const exchange = await call(account, `/${encodeURIComponent(psp_payout_id)}`);
				const payout = read(exchange, payoutSchema);
				return cleanPayout(account, payout === null ? none(lookupFailureOf(exchange), psp_payout_id) : stateOf(payout));
			}
			const query = new URLSearchParams({ account_number: account.source_account ?? "", reference_id: reference });
			const exchange = await call(account, `?${query}`);
			const found = read(exchange, collectionOf(payoutSchema));
			if (found === null) return cleanPayout(account, none(lookupFailureOf(exchange)));
			// A server that does not know the filter lists everything.
			const ours = found.items.filter(({ reference_id }) => reference_id === reference).map(stateOf);
			const best = ours.find(({ outcome }) => outcome === "processed") ?? ours.find(isOpen) ?? ours[0];
			return best === undefined ? noneThere() : cleanPayout(account, best);
		},

		verifyWebhook({ webhook_secret }, { raw_body, headers }: WebhookRequest): PayoutWebhook {
			if (webhook_secret === null) return { valid: false, reason: "no webhook secret is set" };
			if (!isSignedBy(webhook_secret, raw_body, headers["x-razorpay-signature"])) {
				return { valid: false, reason: "the signature is not right" };
			}
			const parsed = webhookSchema.safeParse(parseJson(raw_body.toString("utf8")));
			if (!parsed.success) return { valid: false, reason: "not an event" };
			const { event, payload } = parsed.data;
			const reference = payload.payout?.entity.reference_id ?? "";
			return {
				valid: true,
				dedupe_key: headers["x-razorpay-event-id"] ?? createHash("sha256").update(raw_body).digest("hex"),
				event_type: event,
				reference: UUID.test(reference) ? reference : null,
			};
		},
	};
}

function isOpen({ outcome }: PayoutState): boolean {
	return outcome === "processing" || outcome === "unknown";
}

function stateOf(payout: RazorpayPayout): PayoutState {
	const outcome = outcomeOf(payout.status);
	const { description, reason } = payout.status_details ?? {};
	const error: PspError | null =
		outcome === "failed" || outcome === "reversed"
			? {
					code: codeByPayoutReason[reason ?? ""] ?? "declined",
					psp_code: reason || payout.status,
					message: (description || payout.failure_reason || `RazorpayX says: ${payout.status}`).slice(0, 500),
					http_status: null,
					retry_after_seconds: null,
				}
			: null;
	return {
		outcome,
		psp_payout_id: payout.id,
		psp_status: payout.status,
		amount: payout.amount,
		bank_reference: payout.utr || null,
		error,
	};
}

/** A word that is not documented is no end. */
function outcomeOf(status: string): PayoutState["outcome"] {
	switch (status) {
		case "processed":
			return "processed";
		case "reversed":
			return "reversed";
		case "failed":
		case "rejected":
		case "cancelled":
			return "failed";
		default:
			return "processing";
	}
}

const none = (failure: { outcome: "failed" | "unknown"; error: PspError }, id: string | null = null) =>
	noPayout(failure.outcome, failure.error, id);

const noneThere = () => none(fail("failed", "not_found", null, "RazorpayX has no payout with this reference", 200));

function read<Schema extends z.ZodType>(exchange: Exchange, schema: Schema): z.output<Schema> | null {
	if (exchange.kind !== "answered" || exchange.http_status >= 300) return null;
	return schema.safeParse(exchange.body).data ?? null;
}
