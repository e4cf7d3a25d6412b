/** Say here in one line how this PSP is paid through: what the server calls, where the browser goes, what is signed. */

import type { CreateOrderResult, PaymentState, PspAdapterFactory, PspError, RefundState } from "../adapter.ts";
import { callOverHttp } from "../exchange.ts";
import { nothingKnown } from "../nothing-known.ts";
import { redact } from "../redact.ts";
import { failureOf, orderResult, orderSchema } from "./transform.ts";
import { parseWebhook, verifyWebhook, webhookNetworks } from "./webhook.ts";

const API_URL = "https://api.psp.example";

const notOffered: PspError = {
	code: "invalid_request",
	psp_code: null,
	message: "The adapter does not do this yet",
	http_status: null,
	retry_after_seconds: null,
};

const notDone = { error: notOffered, raw: null };
const noRefund = { amount: null, bank_reference: null, ...notDone };

export const createTemplateAdapter: PspAdapterFactory = (endpoint = {}) => {
	const api_url = endpoint.api_url ?? API_URL;
	return {
		provider: "template",
		methods: ["upi"],
		browser_origins: [new URL(api_url).origin],
		webhook_networks: endpoint.api_url === undefined ? webhookNetworks : [],

		async createOrder(account, input): Promise<CreateOrderResult> {
			// Parts for other accounts must never be passed over in silence.
			if (input.splits.length > 0) return { outcome: "failed", ...notDone };
			const exchange = await callOverHttp(
				`${api_url}/orders`,
				{
					method: "POST",
					headers: {
						"content-type": "application/json",
						authorization: `Basic ${Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64")}`,
						"idempotency-key": input.reference,
					},
					body: JSON.stringify({ amount: input.amount, currency: input.currency, reference: input.reference }),
				},
				endpoint.timeout_ms,
			);
			const answered = exchange.kind === "answered" && exchange.http_status < 300;
			const order = orderSchema.safeParse(answered ? exchange.body : null);
			return redact(order.success ? orderResult(order.data, input) : failureOf(exchange), account);
		},
		async findOrder() {
			return { outcome: "unknown", ...notDone };
		},
		async fetchStatus(_account, order): Promise<PaymentState> {
			return { ...nothingKnown(order.psp_order_id), outcome: "unknown", ...notDone };
		},
		verifyReturn: () => ({ verified: false, claims: "unknown" }),
		verifyWebhook,
		parseWebhook,
		async refund(_account, { reference, psp_payment_id }): Promise<RefundState> {
			return { ...noRefund, outcome: "failed", reference, psp_payment_id, psp_refund_id: null };
		},
		async fetchRefund(_account, { psp_refund_id, psp_payment_id }): Promise<RefundState> {
			return { ...noRefund, outcome: "unknown", reference: null, psp_refund_id, psp_payment_id };
		},
		async fetchSettlement() {
			return { outcome: "failed", ...notDone };
		},
	};
};
