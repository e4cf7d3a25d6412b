import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { beginPspOrder, recordPspOrder, settleAttempt } from "../../db/client/attempts.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createPspAdapters } from "../../psp/providers.ts";
import { createSandbox } from "../../sandbox/app.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { startPayment } from "../../test/payments.ts";
import { reconcile, settle } from "../reconciliation.ts";
import type { TaskContext } from "../task.ts";
import pullSettlement from "../tasks/pull_settlement.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const sandbox = createSandbox();
let database: TestDatabase;
beforeAll(async () => {
	[database] = await Promise.all([createTestDatabase(), sandbox.listen(0)]);
});
afterAll(async () => {
	await sandbox.close();
	await database.drop();
});

it("pulls a PSP's report, finds what was planted in it, and compares a night once", async () => {
	const jobs = database.pool("jobs");
	const admin = database.pool("admin");
	const merchant = await createMerchant(admin, keys);
	const { id: gateway_id, api_key, api_secret, webhook_secret } = merchant.gateways[0]!;
	const adapters = createPspAdapters({ sandbox_url: sandbox.url });
	const account = { api_key, api_secret, webhook_secret, settings: {} };
	const control = async (path: string, method: string, body: unknown) => {
		const headers = { "content-type": "application/json" };
		const response = await fetch(`${sandbox.url}/_control/${path}`, { method, headers, body: JSON.stringify(body) });
		if (!response.ok) throw new Error(await response.text());
	};
	await control("accounts", "PUT", { provider: "razorpay", api_key, api_secret, webhook_secret });

	const pay = async () => {
		const { attempt_id } = await startPayment(database, merchant);
		const work = await beginPspOrder(jobs, attempt_id);
		const order = await adapters.razorpay.createOrder(account, {
			reference: attempt_id,
			amount: work!.transaction.amount,
			currency: "INR",
			order_id: work!.transaction.order_id,
			merchant_name: "Kaveri Books",
			description: null,
			customer: {},
			method: null,
			return_url: "https://pay.example.com/return",
			cancel_url: "https://pay.example.com/cancel",
			webhook_url: "https://pay.example.com/webhook",
			expires_at: new Date(Date.now() + 9 * 60_000),
			splits: [],
		});
		if (order.outcome !== "succeeded") throw new Error(order.error.message);
		const { psp_order_id, presentation } = order;
		await recordPspOrder(jobs, { attempt_id, psp_order_id, presentation, latency_ms: 1 });
		await control("pay", "POST", {
			provider: "razorpay",
			order: psp_order_id,
			outcome: "success",
			webhook: { skip: true },
		});
		const state = await adapters.razorpay.fetchStatus(account, { psp_order_id, reference: attempt_id });
		return { attempt_id, psp_order_id, confirm: () => settleAttempt(jobs, attempt_id, state) };
	};
	const [plain, amount, fee, unheard] = [await pay(), await pay(), await pay(), await pay()];
	for (const { confirm } of [plain, amount, fee]) await confirm();
	await control("settlement-differences", "POST", {
		provider: "razorpay",
		order: amount.psp_order_id,
		difference: "amount",
	});
	await control("settlement-differences", "POST", { provider: "razorpay", order: fee.psp_order_id, difference: "fee" });

	const log = pino({ level: "silent" });
	const context = { database: jobs, keys, adapters, log } as unknown as TaskContext;
	expect(await settle(jobs)).toEqual({ pulls: 1 });
	await pullSettlement({ gateway_id }, context);
	await pullSettlement({ gateway_id }, context);
	const exceptions = async () =>
		(await admin.query("select kind, attempt_id, status from reconciliation_exceptions order by kind, attempt_id"))
			.rows;
	expect(await exceptions()).toEqual([
		{ kind: "amount", attempt_id: amount.attempt_id, status: "open" },
		{ kind: "fee", attempt_id: fee.attempt_id, status: "open" },
		{ kind: "state", attempt_id: unheard.attempt_id, status: "open" },
	]);

	// The PSP corrects itself, and the payment that nobody had told us of is heard of.
	await control("settlement-differences", "DELETE", {});
	await unheard.confirm();
	await pullSettlement({ gateway_id }, context);
	expect(await reconcile(jobs, log)).toMatchObject({ gateways: 1, opened: 0, waiting: 0 });
	expect(await reconcile(jobs, log)).toEqual({ done_before: 1 });
	expect((await exceptions()).map(({ status }) => status)).toEqual(["resolved", "resolved", "resolved"]);

	await control("faults", "POST", { service: "razorpay", kind: "status", status: 500 });
	await pullSettlement({ gateway_id }, context);
	const { rows } = await admin.query("select failing_since is not null as fails from settlement_accounts");
	expect(rows).toEqual([{ fails: true }]);
});
