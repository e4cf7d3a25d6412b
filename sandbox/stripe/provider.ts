import { Router } from "express";
import { DisputeBook } from "../disputes.ts";
import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { createApi } from "./api.ts";
import { createCheckout } from "./checkout.ts";
import { errorBodyFor } from "./errors.ts";
import { decideRefund, disputePayment, payOrder, type StripeContext } from "./payments.ts";
import { type Session, StripeStore } from "./store.ts";

export function createStripe({ registry, sender, capacity }: ProviderDependencies): SandboxProvider {
	const context: StripeContext = { store: new StripeStore(capacity), disputes: new DisputeBook(), registry, sender };
	const router = Router();
	router.use("/c/pay", createCheckout(context));
	router.use("/v1", createApi(context));
	return {
		name: "stripe",
		title: "Stripe",
		router,
		pay({ order, ...instruction }) {
			const stored = context.store.searchOrder(order);
			return stored ? payOrder(context, stored, instruction) : null;
		},
		decideRefund: (instruction) => decideRefund(context, instruction),
		dispute: (instruction) => disputePayment(context, instruction),
		recentOrders(limit) {
			return context.store.recentOrders(limit).map(({ session, intent }) => ({
				id: session.id,
				reference: session.client_reference_id,
				amount: session.amount_total,
				currency: session.currency.toUpperCase(),
				status: statusOf(session),
				pay_path: `/stripe/c/pay/${session.id}`,
				created_at: new Date(session.created * 1000),
				dispute: context.disputes.find(intent?.id),
			}));
		},
		books: { disputes: context.disputes },
		save: () => context.store.save(),
		restore: (saved) => context.store.restore(saved),
		errorBody: errorBodyFor,
	};
}

function statusOf({ status, payment_status, payment_intent }: Session): string {
	if (payment_status === "paid") return "paid";
	return status === "open" && payment_intent !== null ? "attempted" : status;
}
