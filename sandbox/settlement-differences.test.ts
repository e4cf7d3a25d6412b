import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPspAdapters } from "../psp/providers.ts";
import { createSandbox } from "./app.ts";

const sandbox = createSandbox();
beforeAll(() => sandbox.listen(0));
afterAll(() => sandbox.close());

async function control(path: string, method: string, body: unknown): Promise<void> {
	const response = await fetch(`${sandbox.url}/_control/${path}`, {
		method,
		headers: { "content-type": "application/json" },
		body: JSON.stringify(body),
	});
	if (!response.ok) throw new Error(await response.text());
}

describe("a settlement report", () => {
	it.each(["razorpay", "cashfree", "payu", "stripe"] as const)("of %s says what it is told to", async (provider) => {
		const adapter = createPspAdapters({ sandbox_url: sandbox.url })[provider];
		const account = {
			api_key: `key_${randomUUID().slice(0, 8)}`,
			api_secret: "secret-of-the-merchant",
			webhook_secret: "whsec_of_the_merchant",
			settings: {},
		};
		await control("accounts", "PUT", { provider, ...account, settings: undefined });
		const pay = async () => {
			const made = await adapter.createOrder(account, {
				reference: randomUUID(),
				amount: 50_000,
				currency: "INR",
				order_id: "KB-1",
				merchant_name: "Kaveri Books",
				description: null,
				customer: { id: "asha", name: "Asha", email: "asha@example.com", phone: "+919812345678" },
				method: null,
				return_url: "https://pay.example.com/return",
				cancel_url: "https://pay.example.com/cancel",
				webhook_url: "https://pay.example.com/webhook",
				expires_at: new Date(Date.now() + 40 * 60_000),
				splits: [],
			});
			if (made.outcome !== "succeeded") throw new Error(made.error.message);
			// PayU knows an order from the moment its form comes.
			if (made.presentation.kind === "form") {
				const { url, fields } = made.presentation;
				await fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
			}
			await control("pay", "POST", { provider, order: made.psp_order_id, outcome: "success", webhook: { skip: true } });
			return made.psp_order_id;
		};
		const [plain, amount, fee, omitted] = [await pay(), await pay(), await pay(), await pay()];
		for (const [order, difference] of Object.entries({ [amount]: "amount", [fee]: "fee", [omitted]: "omitted" })) {
			await control("settlement-differences", "POST", { provider, order, difference });
		}
		expect(plain).not.toBe(omitted);
		const day = new Date(Date.now() + 330 * 60_000).toISOString().slice(0, 10);
		const report = await adapter.fetchSettlement(account, day);
		if (report.outcome !== "succeeded") throw new Error(report.error.message);
		const lines = report.lines.filter(({ kind }) => kind === "payment");
		const usual = Math.min(...lines.map((line) => line.fee));
		expect(lines.map((line) => [line.amount, line.fee - usual]).sort()).toEqual([
			[49_900, 0],
			[50_000, 0],
			[50_000, 100],
		]);
		for (const line of lines) expect(line.credit).toBe(line.amount - line.fee);
	});
});
