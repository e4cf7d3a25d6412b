/** What the sandbox really took and gave back, out of the files it leaves when it is stopped: no word of ours in it. */
import { existsSync, readFileSync } from "node:fs";
import { deserialize } from "node:v8";
import type { StoredOrder as CashfreeOrder } from "../../sandbox/cashfree/store.ts";
import type { StoredOrder as PayuOrder } from "../../sandbox/payu/store.ts";
import type { Order as PhonePeOrder } from "../../sandbox/phonepe/store.ts";
import type { StoredOrder as RazorpayOrder } from "../../sandbox/razorpay/store.ts";
import type { StoredOrder as StripeOrder } from "../../sandbox/stripe/store.ts";
import type { Transfer } from "../../sandbox/upi/store.ts";

/** Money that a provider, or a bank, took for a merchant. */
export interface Taken {
	provider: string;
	api_key: string;
	psp_order_id: string;
	psp_payment_id: string;
	amount: number;
	currency: string;
}

/** Money that a provider has given back. */
export interface GivenBack {
	provider: string;
	api_key: string;
	psp_payment_id: string;
	psp_refund_id: string;
	amount: number;
	/** Of the provider's own accord. */
	is_automatic: boolean;
}

export interface Truth {
	taken: Taken[];
	given_back: GivenBack[];
	/** How many orders of each provider the files hold. */
	orders: Record<string, number>;
}

/** As many as the sandbox writes of one provider; more would leave out the oldest. */
const MOST_ORDERS = 5_000;

export function readTruth(state_file: string): Truth {
	const truth: Truth = { taken: [], given_back: [], orders: {} };
	const read = <Saved>(provider: string, parse: (content: Buffer) => Saved): Saved | null => {
		const file = `${state_file}.${provider}`;
		return existsSync(file) ? parse(readFileSync(file)) : null;
	};
	const count = (provider: string, orders: readonly unknown[]) => {
		truth.orders[provider] = orders.length;
		if (orders.length >= MOST_ORDERS) throw new Error(`The sandbox may have left out orders of ${provider}.`);
	};

	const razorpay = read("razorpay", (content) => (deserialize(content) as { orders: RazorpayOrder[] }).orders) ?? [];
	count("razorpay", razorpay);
	for (const { api_key, order, payments, refunds } of razorpay) {
		const of = { provider: "razorpay", api_key };
		for (const { id, captured, amount, currency } of payments) {
			if (captured) truth.taken.push({ ...of, psp_order_id: order.id, psp_payment_id: id, amount, currency });
		}
		for (const { id, payment_id, amount, status } of refunds) {
			if (status !== "processed") continue;
			truth.given_back.push({ ...of, psp_payment_id: payment_id, psp_refund_id: id, amount, is_automatic: false });
		}
	}

	const cashfree = read("cashfree", (content) => (deserialize(content) as { orders: CashfreeOrder[] }).orders) ?? [];
	count("cashfree", cashfree);
	for (const { api_key, order, payments, refunds } of cashfree) {
		const of = { provider: "cashfree", api_key };
		for (const { cf_payment_id, status, is_captured, amount, currency } of payments) {
			if (status !== "SUCCESS" || !is_captured) continue;
			truth.taken.push({ ...of, psp_order_id: order.order_id, psp_payment_id: cf_payment_id, amount, currency });
		}
		for (const { cf_refund_id, cf_payment_id, amount, status, type } of refunds) {
			if (status !== "SUCCESS") continue;
			const is_automatic = type === "PAYMENT_AUTO_REFUND";
			truth.given_back.push({
				...of,
				psp_payment_id: cf_payment_id,
				psp_refund_id: cf_refund_id,
				amount,
				is_automatic,
			});
		}
	}

	const payu = read("payu", (content) => (deserialize(content) as { orders: PayuOrder[] }).orders) ?? [];
	count("payu", payu);
	for (const { api_key, form, payments, refunds } of payu) {
		const of = { provider: "payu", api_key };
		const success = payments.find(
			({ status, unmappedstatus }) => status === "success" && unmappedstatus === "captured",
		);
		if (success === undefined) continue;
		const { mihpayid, amount } = success;
		truth.taken.push({ ...of, psp_order_id: form.txnid!, psp_payment_id: mihpayid, amount, currency: "INR" });
		for (const { request_id, amount: refunded, status } of refunds) {
			if (status !== "success") continue;
			truth.given_back.push({
				...of,
				psp_payment_id: mihpayid,
				psp_refund_id: request_id,
				amount: refunded,
				is_automatic: false,
			});
		}
	}

	const phonepe = read("phonepe", (content) => deserialize(content) as PhonePeOrder[]) ?? [];
	count("phonepe", phonepe);
	for (const { api_key, orderId, payments, refunds } of phonepe) {
		const of = { provider: "phonepe", api_key };
		const success = payments.find(({ state }) => state === "COMPLETED");
		if (success === undefined) continue;
		const { transactionId, amount } = success;
		truth.taken.push({ ...of, psp_order_id: orderId, psp_payment_id: transactionId, amount, currency: "INR" });
		for (const { refundId, amount: refunded, state } of refunds) {
			if (state !== "COMPLETED") continue;
			truth.given_back.push({
				...of,
				psp_payment_id: transactionId,
				psp_refund_id: refundId,
				amount: refunded,
				is_automatic: false,
			});
		}
	}

	const stripe = read("stripe", (content) => (deserialize(content) as { orders: StripeOrder[] }).orders) ?? [];
	count("stripe", stripe);
	for (const { api_key, session, intent, refunds } of stripe) {
		if (intent?.status !== "succeeded") continue;
		const of = { provider: "stripe", api_key };
		const currency = intent.currency.toUpperCase();
		const amount = intent.amount_received;
		truth.taken.push({ ...of, psp_order_id: session.id, psp_payment_id: intent.id, amount, currency });
		for (const { id, amount: refunded, status } of refunds) {
			if (status !== "succeeded") continue;
			truth.given_back.push({
				...of,
				psp_payment_id: intent.id,
				psp_refund_id: id,
				amount: refunded,
				is_automatic: false,
			});
		}
	}

	const upi = read(
		"upi",
		(content) => (JSON.parse(content.toString("utf8")) as { transfers: [string, Transfer][] }).transfers,
	);
	for (const [, { utr, status, amount, link }] of upi ?? []) {
		if (status !== "success") continue;
		truth.taken.push({
			provider: "upi",
			api_key: link.vpa,
			psp_order_id: link.reference ?? link.uri,
			psp_payment_id: utr,
			amount,
			currency: "INR",
		});
	}
	return truth;
}
