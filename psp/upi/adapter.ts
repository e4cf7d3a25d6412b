/**
 * Direct UPI: the payer pays from any UPI app into the merchant's own VPA. There is no PSP in between, so there is nobody to
 * call, to ask or to be told by. An order is a link that is made up here from what we know; that it was paid is known from
 * the merchant's bank statement (statement.ts) or from an operator who has seen it.
 *
 * The account: `api_key` is the merchant's VPA; there are no secrets.
 */

import { z } from "zod";
import type { CreateOrderInput, CreateOrderResult, PspAccount, PspAdapterFactory, PspFailure } from "../adapter.ts";
import { nothingKnown } from "../nothing-known.ts";
import { isVpa, linkName, linkNote, linkReference, upiUri } from "./link.ts";

const settingsSchema = z.object({
	/** As the bank knows the account's holder; apps show it before the payer approves. */
	payee_name: z.string().trim().min(1).nullish(),
	/** Four digits, given by the merchant's bank. */
	mcc: z
		.string()
		.regex(/^\d{4}$/)
		.nullish(),
});

export const createUpiAdapter: PspAdapterFactory = () => ({
	provider: "upi",
	methods: ["upi"],
	// The link leaves the browser for an app: no form is sent and no page of anybody else's is opened.
	browser_origins: [],
	webhook_networks: [],

	async createOrder(account, input) {
		return linkOrder(account, input);
	},
	// Nothing was made anywhere that could be looked for: the same input is the same link.
	async findOrder(account, input) {
		return linkOrder(account, input);
	},
	// Nobody can be asked. "pending" without a payment is all that is known for as long as the order is open; "failed" would
	// claim that no money moved, which only a bank statement could show.
	async fetchStatus(_account, { psp_order_id }) {
		return { ...nothingKnown(psp_order_id), outcome: "pending", error: null, raw: null };
	},
	// Nobody sends the payer back to us. What an app on Android hands to the page that opened it is unsigned, and passed
	// through the payer's own device.
	verifyReturn: () => ({ verified: false, claims: "unknown" }),
	verifyWebhook: () => ({ valid: false, reason: "direct UPI has no webhooks: no PSP stands behind this gateway" }),
	parseWebhook: () => ({ kind: "ignored", event_type: "none" }),
	// "failed" is certain: nothing was sent to anybody. A VPA takes money and gives none back.
	async refund(_account, { reference, psp_payment_id }) {
		return {
			reference,
			psp_refund_id: null,
			psp_payment_id,
			amount: null,
			bank_reference: null,
			...refused(
				"Direct UPI cannot send money back. Pay the payer from the merchant's bank account, by bank transfer or from a UPI app.",
			),
		};
	},
	// Certain as well, for the same reason. What an operator paid back by hand is not this adapter's to know.
	async fetchRefund(_account, { reference, psp_refund_id, psp_payment_id }) {
		return {
			reference,
			psp_refund_id,
			psp_payment_id,
			amount: null,
			bank_reference: null,
			...refused("Direct UPI makes no refunds", "not_found"),
		};
	},
	// Each payment is in the merchant's account at once and by itself. An empty report would say that no money came.
	async fetchSettlement() {
		return refused("Direct UPI has no settlement report: import the bank statement of the merchant's account");
	},
});

function linkOrder(account: PspAccount, input: CreateOrderInput): CreateOrderResult {
	const { amount, currency, reference, splits } = input;
	const settings = settingsSchema.safeParse(account.settings);
	if (!isVpa(account.api_key)) return refused("The gateway's key is not a VPA such as shop@bank");
	if (!settings.success)
		return refused(`The gateway's setting ${settings.error.issues[0]?.path.join(".")} is not valid`);
	if (currency !== "INR") return refused(`UPI pays in INR only, not in ${currency}`);
	if (!Number.isSafeInteger(amount) || amount < 1)
		return refused("The amount must be a whole number of paise above zero");
	if (splits.length > 0) return refused("A UPI payment goes to one VPA as a whole");

	const payee_name = linkName(settings.data.payee_name ?? input.merchant_name);
	if (payee_name === "") return refused("The payee has no name");
	const link_reference = linkReference(reference);
	const uri = upiUri({
		vpa: account.api_key,
		payee_name,
		reference: link_reference,
		note: linkNote(link_reference, input.order_id),
		amount,
		merchant_category: settings.data.mcc ?? null,
	});
	return {
		outcome: "succeeded",
		psp_order_id: link_reference,
		presentation: {
			kind: "upi",
			uri,
			payee_vpa: account.api_key,
			payee_name,
			amount,
			reference: link_reference,
			expires_at: input.expires_at.toISOString(),
		},
		raw: { uri },
	};
}

function refused(
	message: string,
	code: "invalid_request" | "not_found" = "invalid_request",
): PspFailure & { outcome: "failed" } {
	return {
		outcome: "failed",
		error: { code, psp_code: null, message, http_status: null, retry_after_seconds: null },
		raw: null,
	};
}
