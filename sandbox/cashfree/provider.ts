import { Router } from "express";
import { DisputeBook } from "../disputes.ts";
import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { createApi } from "./api.ts";
import { BROWSER_SCRIPT } from "./browser-script.ts";
import { createCheckout } from "./checkout.ts";
import { errorBodyFor } from "./errors.ts";
import { type CashfreeContext, decideRefund, disputable, disputePayment, payOrder } from "./payments.ts";
import { createPayouts } from "./payouts.ts";
import { CashfreeStore, statusOf } from "./store.ts";

const STATUS_WORDS: Record<string, string> = { ACTIVE: "created", PAID: "paid" };

export function createCashfree({ registry, sender, capacity }: ProviderDependencies): SandboxProvider {
	const context: CashfreeContext = {
		store: new CashfreeStore(capacity),
		disputes: new DisputeBook(),
		registry,
		sender,
	};
	const router = Router();
	router.get("/js/v3/cashfree.js", (_req, res) => {
		// Pages of another origin run it.
		res.set({ "Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff" });
		res.type("text/javascript").send(BROWSER_SCRIPT);
	});
	router.use("/pg/view/sessions/checkout", createCheckout(context));
	router.use("/pg", createApi(context));
	const payouts = createPayouts(registry, sender, capacity);
	router.use("/payout", payouts.router);
	return {
		name: "cashfree",
		title: "Cashfree",
		router,
		pay({ order, ...instruction }) {
			const stored = context.store.searchOrder(order);
			return stored ? payOrder(context, stored, instruction) : null;
		},
		decidePayout: payouts.decide,
		decideRefund: (instruction) => decideRefund(context, instruction),
		dispute: (instruction) => disputePayment(context, instruction),
		recentOrders(limit) {
			return context.store.recentOrders(limit).map((stored) => {
				const { order, payments } = stored;
				const status = statusOf(order);
				return {
					id: order.order_id,
					reference: order.tags?.order_id ?? null,
					amount: order.amount,
					currency: order.currency,
					status:
						status === "ACTIVE" && payments.length > 0 ? "attempted" : (STATUS_WORDS[status] ?? status.toLowerCase()),
					pay_path: `/cashfree/pg/view/sessions/checkout/web/${order.payment_session_id}`,
					created_at: new Date(order.created_at),
					dispute: context.disputes.find(disputable(stored)?.cf_payment_id),
				};
			});
		},
		books: { disputes: context.disputes, payouts: payouts.store },
		save: () => context.store.save(),
		restore: (saved) => context.store.restore(saved),
		errorBody: errorBodyFor,
	};
}
