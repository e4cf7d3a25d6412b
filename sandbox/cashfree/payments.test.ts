import { describe, expect, it } from "vitest";
import { DisputeBook } from "../disputes.ts";
import { Registry } from "../registry.ts";
import { WebhookSender } from "../webhook-sender.ts";
import { type CashfreeContext, type PayChoice, payOrder } from "./payments.ts";
import { CashfreeStore, statusOf } from "./store.ts";

const CHOICE: PayChoice = {
	outcome: "success",
	method: "upi",
	webhook: { duplicate: 0, delay_ms: 0, skip: true, forge: false, reorder: false },
};

function expiredOrder(begin: boolean) {
	const registry = new Registry(null);
	registry.putAccount({
		provider: "cashfree",
		api_key: "TEST",
		api_secret: "secret",
		refunds: "at_once",
		settings: {},
	});
	const sender = new WebhookSender({ retry_base_ms: 5, max_attempts: 1 });
	const context: CashfreeContext = { store: new CashfreeStore(10), disputes: new DisputeBook(), registry, sender };
	const stored = context.store.createOrder("TEST", {
		order_id: "KB-1042",
		amount: 49_900,
		currency: "INR",
		expires_at: Date.now() + 60_000,
		note: null,
		tags: null,
		return_url: null,
		notify_url: null,
		payment_methods: null,
		customer: {},
		splits: [],
	});
	if (begin) payOrder(context, stored, { ...CHOICE, outcome: "pending" });
	stored.order.expires_at = Date.now() - 1;
	return { context, stored };
}

describe("an order that has expired", () => {
	it("is paid by nobody who had not begun to", () => {
		const { context, stored } = expiredOrder(false);
		expect(statusOf(stored.order)).toBe("EXPIRED");
		expect(payOrder(context, stored, CHOICE)).toBeNull();
		expect(stored.payments).toEqual([]);
	});

	it("is paid, late, by who had", () => {
		const { context, stored } = expiredOrder(true);
		expect(payOrder(context, stored, CHOICE)).not.toBeNull();
		expect(statusOf(stored.order)).toBe("PAID");
		expect(stored.payments).toMatchObject([{ status: "SUCCESS" }]);
	});
});
