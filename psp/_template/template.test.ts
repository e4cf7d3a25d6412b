import { describe, expect, test } from "vitest";
import { createTemplateAdapter } from "./adapter.ts";
import { conformanceKit } from "./conformance.ts";

describe("the untouched template", () => {
	const adapter = createTemplateAdapter({ api_url: "http://127.0.0.1:9" });
	const account = conformanceKit.createAccount("unit");

	test("proves no return and no webhook", () => {
		const returned = conformanceKit.signReturn(account, "order", "payment");
		expect(adapter.verifyReturn(account, returned).verified).toBe(false);
		const request = { raw_body: Buffer.from("{}"), headers: {} };
		expect(adapter.verifyWebhook(account, request).valid).toBe(false);
		expect(adapter.parseWebhook(request).kind).toBe("ignored");
	});

	test("passes no split over in silence", async () => {
		const result = await adapter.createOrder(account, {
			reference: "reference",
			amount: 49900,
			currency: "INR",
			order_id: "KB-1042",
			merchant_name: "Kaveri Books",
			description: null,
			customer: {},
			method: null,
			return_url: "http://127.0.0.1:9/return",
			cancel_url: "http://127.0.0.1:9/cancel",
			webhook_url: "http://127.0.0.1:9/webhook",
			expires_at: new Date(),
			splits: [{ account: "another", amount: 100 }],
		});
		expect(result).toMatchObject({ outcome: "failed", error: { code: "invalid_request" } });
	});

	test("offers nothing that it does not do", () => {
		expect(adapter.closeOrder).toBeUndefined();
		expect(adapter.transfer).toBeUndefined();
		expect(conformanceKit.not_applicable).toEqual({});
	});

	test("knows nothing of orders and refunds", async () => {
		const order = { psp_order_id: "order", reference: "reference" };
		expect((await adapter.fetchStatus(account, order)).outcome).toBe("unknown");
		const payment = { psp_payment_id: "payment", psp_order_id: "order", order_reference: "reference" };
		expect(
			(await adapter.fetchRefund(account, { ...payment, reference: "ours", psp_refund_id: "refund" })).outcome,
		).toBe("unknown");
	});
});
