import { Router } from "express";
import { DisputeBook } from "../disputes.ts";
import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { createApi, errorBodyFor } from "./api.ts";
import { createCheckout } from "./checkout.ts";
import { decideRefund, disputePayment, type PayuContext, payOrder } from "./payments.ts";
import { PayuStore, type StoredOrder, succeededPayment } from "./store.ts";

function statusOf(stored: StoredOrder): string {
	if (succeededPayment(stored) !== undefined) return "paid";
	return stored.payments.length > 0 ? "attempted" : "created";
}

export function createPayu({ registry, sender, capacity }: ProviderDependencies): SandboxProvider {
	const context: PayuContext = { store: new PayuStore(capacity), disputes: new DisputeBook(), registry, sender };
	const router = Router();
	router.use(createCheckout(context));
	router.use(createApi(context));
	return {
		name: "payu",
		title: "PayU",
		router,
		pay({ order, ...instruction }) {
			const stored = context.store.searchOrder(order);
			return stored ? payOrder(context, stored, instruction) : null;
		},
		decideRefund: (instruction) => decideRefund(context, instruction),
		dispute: (instruction) => disputePayment(context, instruction),
		recentOrders(limit) {
			return context.store.recentOrders(limit).map((stored) => ({
				id: stored.form.txnid!,
				reference: stored.form.udf1 || null,
				amount: stored.amount,
				currency: "INR",
				status: statusOf(stored),
				pay_path: `/payu/_payment_options?${new URLSearchParams({ key: stored.api_key, txnid: stored.form.txnid! })}`,
				created_at: new Date(stored.created_at),
				dispute: context.disputes.find(succeededPayment(stored)?.mihpayid),
			}));
		},
		books: { disputes: context.disputes },
		save: () => context.store.save(),
		restore: (saved) => context.store.restore(saved),
		errorBody: errorBodyFor,
	};
}
