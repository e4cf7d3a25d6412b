import { Router } from "express";
import { DisputeBook } from "../disputes.ts";
import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { createApi } from "./api.ts";
import { createCheckout } from "./checkout.ts";
import { errorBodyFor } from "./errors.ts";
import {
	decideRefund,
	decideTransfer,
	disputable,
	disputePayment,
	payOrder,
	type RazorpayContext,
} from "./payments.ts";
import { createPayouts } from "./payouts.ts";
import { RazorpayStore } from "./store.ts";

export function createRazorpay({ registry, sender, capacity }: ProviderDependencies): SandboxProvider {
	const context: RazorpayContext = {
		store: new RazorpayStore(capacity),
		disputes: new DisputeBook(),
		registry,
		sender,
	};
	const router = Router();
	router.use("/v1/checkout", createCheckout(context));
	const payouts = createPayouts(registry, sender, capacity);
	router.use("/v1/payouts", payouts.router);
	router.use("/v1", createApi(context));
	return {
		name: "razorpay",
		title: "Razorpay",
		router,
		pay({ order, ...instruction }) {
			const stored = context.store.searchOrder(order);
			return stored ? payOrder(context, stored, instruction) : null;
		},
		decidePayout: payouts.decide,
		decideRefund: (instruction) => decideRefund(context, instruction),
		decideTransfer: (instruction) => decideTransfer(context, instruction),
		dispute: (instruction) => disputePayment(context, instruction),
		recentOrders(limit) {
			return context.store.recentOrders(limit).map((stored) => {
				const { api_key, order } = stored;
				return {
					id: order.id,
					reference: order.receipt,
					amount: order.amount,
					currency: order.currency,
					status: order.status,
					pay_path: `/razorpay/v1/checkout/embedded?${new URLSearchParams({ key_id: api_key, order_id: order.id })}`,
					created_at: new Date(order.created_at * 1000),
					dispute: context.disputes.find(disputable(stored)?.id),
				};
			});
		},
		books: { disputes: context.disputes, payouts: payouts.store },
		save: () => context.store.save(),
		restore: (saved) => context.store.restore(saved),
		errorBody: errorBodyFor,
	};
}
