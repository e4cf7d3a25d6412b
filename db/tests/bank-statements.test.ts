import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createUpiAdapter } from "../../psp/upi/adapter.ts";
import { parseBankStatement } from "../../psp/upi/statement.ts";
import { createSandbox } from "../../sandbox/app.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { queryAs, startPayment } from "../../test/payments.ts";
import { beginPspOrder, recordPspOrder } from "../client/attempts.ts";
import { checkInvariants } from "../client/invariants.ts";
import { readTransaction } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const sandbox = createSandbox();
const adapter = createUpiAdapter();
let database: TestDatabase;
beforeAll(async () => {
	[database] = await Promise.all([createTestDatabase(), sandbox.listen(0)]);
});
afterAll(async () => {
	await sandbox.close();
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
	await database.drop();
});

const asStudio = queryAs(() => database.pool("studio"));

function createUpiMerchant(vpa: string, settings: Record<string, unknown> = {}) {
	return createMerchant(database.pool("admin"), keys, {}, [
		{ provider: "upi", api_key: vpa, api_secret: null, settings },
	]);
}

/** A payment whose link a payer can open. */
async function createLink(merchant: TestMerchant, vpa: string, amount: number) {
	const payment = await startPayment(database, merchant, { amount });
	const work = await beginPspOrder(database.pool("jobs"), payment.attempt_id);
	if (work === null) throw new Error("there is nothing to order");
	const account = { api_key: vpa, api_secret: "", webhook_secret: null, settings: { payee_name: "Kaveri Books" } };
	const order = await adapter.createOrder(account, {
		reference: payment.attempt_id,
		amount: work.transaction.amount,
		currency: "INR",
		order_id: "KB-1042",
		merchant_name: "Kaveri Books",
		description: null,
		customer: {},
		method: null,
		return_url: "http://127.0.0.1:9/return",
		cancel_url: "http://127.0.0.1:9/cancel",
		webhook_url: "http://127.0.0.1:9/webhook",
		expires_at: new Date(Date.now() + 9 * 60_000),
		splits: [],
	});
	if (order.outcome !== "succeeded" || order.presentation.kind !== "upi") throw new Error("no link was made");
	const { psp_order_id, presentation } = order;
	await recordPspOrder(database.pool("jobs"), {
		attempt_id: payment.attempt_id,
		psp_order_id,
		presentation,
		latency_ms: 0,
	});
	return { ...payment, uri: presentation.uri };
}

async function pay(order: string, amount?: number): Promise<void> {
	const response = await fetch(`${sandbox.url}/_control/pay`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ provider: "upi", order, outcome: "success", ...(amount !== undefined && { amount }) }),
	});
	if (!response.ok) throw new Error(await response.text());
}

async function importStatement(merchant: TestMerchant, vpa: string, bank: string) {
	const response = await fetch(`${sandbox.url}/upi/statement.csv?${new URLSearchParams({ vpa, bank })}`);
	const content = new Uint8Array(await response.arrayBuffer());
	const statement = parseBankStatement(content);
	if (statement.outcome !== "read") throw new Error(statement.message);
	const [row] = await asStudio<{ result: Record<string, unknown> }>(
		"select public.import_bank_statement($1, $2, $3, $4, 'operator-1') as result",
		[
			merchant.gateways[0]!.id,
			`${bank}.csv`,
			createHash("sha256").update(content).digest("hex"),
			JSON.stringify(statement.credits),
		],
	);
	return row!.result;
}

async function statusOf({ transaction_id }: { transaction_id: string }) {
	return (await readTransaction(database.pool("checkout"), transaction_id))?.view.status;
}

describe.each(["hdfc", "icici", "sbi", "axis", "kotak", "plain"])("a statement of %s", (bank) => {
	test("pays the payments whose links were paid, once, and leaves the others open", async () => {
		const vpa = `kaveri.${bank}@sandboxbank`;
		const merchant = await createUpiMerchant(vpa);
		const [paid, short, open] = [
			await createLink(merchant, vpa, 50_000),
			await createLink(merchant, vpa, 1_23_456_00),
			await createLink(merchant, vpa, 50_000),
		];
		await pay(paid.uri);
		await pay(short.uri, 100);
		expect(await importStatement(merchant, vpa, bank)).toMatchObject({
			lines: 2,
			matched: 1,
			exceptions: 1,
			repeated: 0,
		});
		expect(await statusOf(paid)).toBe("paid");
		expect(await statusOf(short)).not.toBe("paid");
		expect(await statusOf(open)).not.toBe("paid");
		expect(await importStatement(merchant, vpa, bank)).toMatchObject({ matched: 0, exceptions: 0, repeated: 2 });
	});
});

test("links of one price are told apart by their paise where the gateway matches by amount", async () => {
	const vpa = "kaveri.amount@sandboxbank";
	const merchant = await createUpiMerchant(vpa, { match_by: "amount" });
	const links = [await createLink(merchant, vpa, 50_000), await createLink(merchant, vpa, 50_000)];
	// A payer who leaves the reference out, as by typing VPA and amount.
	const amount = /&am=([^&]+)/.exec(links[1]!.uri)?.[1];
	await pay(`upi://pay?pa=${vpa}&pn=Kaveri&am=${amount}&cu=INR`);
	expect(await importStatement(merchant, vpa, "hdfc")).toMatchObject({ matched: 1, exceptions: 0 });
	expect(await Promise.all(links.map(statusOf))).toEqual([expect.not.stringMatching("paid"), "paid"]);
});
