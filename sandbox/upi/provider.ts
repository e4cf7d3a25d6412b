import type { SandboxProvider } from "../provider.ts";
import type { ProviderDependencies } from "../providers.ts";
import { createUpiApp } from "./app.ts";
import { appPath } from "./app-page.ts";
import { PAYERS, UpiStore } from "./store.ts";

/** No provider at all: the payer's UPI app and the merchant's bank, which tell nobody anything. */
export function createUpi({ capacity }: ProviderDependencies): SandboxProvider {
	const store = new UpiStore(capacity);
	return {
		name: "upi",
		title: "UPI app and bank",
		router: createUpiApp(store),
		links: [{ label: "Open the app and the bank's statements", path: "/upi" }],
		pay({ order, outcome, amount, currency = "INR" }) {
			const link = store.search(order);
			const paise = amount ?? link?.amount ?? null;
			// UPI has no other currency, and a link without an amount is paid by nobody who does not name one.
			if (link === undefined || paise === null || currency !== "INR") return null;
			// No bank holds money for a payee who has yet to take it; "authorized" is on its way at most.
			const status = outcome === "authorized" ? "pending" : outcome;
			const transfer = store.pay(link, status, { amount: paise, payer: PAYERS[0] });
			return { order: link, payment: transfer, webhooks: [] };
		},
		decideRefund: () => ({ outcome: "not_found" }),
		recentOrders(limit) {
			return store.recentLinks(limit).flatMap(({ link, opened_at }) => {
				const { reference, amount } = link;
				if (reference === null || amount === null) return [];
				const is_paid = store.transfersOf(link).some(({ status }) => status === "success");
				return {
					id: reference,
					reference,
					amount,
					currency: "INR",
					status: is_paid ? "paid" : "created",
					pay_path: appPath(link.uri),
					created_at: new Date(opened_at),
				};
			});
		},
		save: () => store.save(),
		restore: (saved) => store.restore(saved),
		errorBody: (status) => ({ error: { code: "unavailable", message: `The bank answered ${status}` } }),
	};
}
