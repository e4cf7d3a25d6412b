import { Router } from "express";
import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { answerErrors, createApi, createIdentityApi } from "./api.ts";
import { createCheckout } from "./checkout.ts";
import { errorBodyFor } from "./errors.ts";
import { decideRefund, type PhonePeContext, payOrder } from "./payments.ts";
import { AccessTokens } from "./sessions.ts";
import { PhonePeStore } from "./store.ts";

const STATUS_WORDS = { PENDING: "created", COMPLETED: "paid", FAILED: "failed" } as const;

export function createPhonePe({ registry, sender, capacity }: ProviderDependencies): SandboxProvider {
	const context: PhonePeContext = { store: new PhonePeStore(capacity), registry, sender };
	const tokens = new AccessTokens(registry);
	const router = Router();
	router.use("/transact/v2", createCheckout(context));
	// PhonePe's production has a host path for each, its own sandbox one for both.
	router.use("/apis/identity-manager", createIdentityApi(tokens));
	router.use("/apis/pg", createApi(context, tokens));
	router.use("/apis/pg-sandbox", createIdentityApi(tokens), createApi(context, tokens));
	answerErrors(router);
	return {
		name: "phonepe",
		title: "PhonePe",
		router,
		pay({ order: name, ...instruction }) {
			const order = context.store.searchOrder(name);
			return order ? payOrder(context, order, instruction) : null;
		},
		decideRefund: (instruction) => decideRefund(context, instruction),
		recentOrders(limit) {
			return context.store.recentOrders(limit).map((order) => ({
				id: order.orderId,
				reference: order.merchantOrderId,
				amount: order.amount,
				currency: "INR",
				status: order.state === "PENDING" && order.payments.length > 0 ? "attempted" : STATUS_WORDS[order.state],
				pay_path: `/phonepe/transact/v2?token=${order.pageToken}`,
				created_at: new Date(order.createdAt),
			}));
		},
		save: () => context.store.save(),
		restore: (saved) => context.store.restore(saved),
		errorBody: errorBodyFor,
	};
}
