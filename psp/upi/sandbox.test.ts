/** The whole way without a PSP: a link made here, a payer's app that opens it, and the bank's statement read back. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSandbox } from "../../sandbox/app.ts";
import type { CreateOrderInput, PspAccount } from "../adapter.ts";
import { createUpiAdapter } from "./adapter.ts";
import { parseBankStatement } from "./statement.ts";

const sandbox = createSandbox();
const adapter = createUpiAdapter();

beforeAll(async () => void (await sandbox.listen(0)));
afterAll(() => sandbox.close());

function accountOf(vpa: string): PspAccount {
	return {
		api_key: vpa,
		api_secret: "",
		webhook_secret: null,
		settings: { payee_name: "Kaveri Books & Söhne", mcc: "5942" },
	};
}

function orderInput(amount: number): CreateOrderInput {
	return {
		reference: randomUUID(),
		amount,
		currency: "INR",
		order_id: "KB-1042/7",
		merchant_name: "Kaveri Books",
		description: null,
		customer: {},
		method: null,
		return_url: "http://127.0.0.1:9/return",
		cancel_url: "http://127.0.0.1:9/cancel",
		webhook_url: "http://127.0.0.1:9/webhook",
		expires_at: new Date(Date.now() + 9 * 60_000),
		splits: [],
	};
}

async function createLink(account: PspAccount, amount: number) {
	const result = await adapter.createOrder(account, orderInput(amount));
	if (result.outcome !== "succeeded" || result.presentation.kind !== "upi") throw new Error("no link was made");
	return result.presentation;
}

async function pay(order: string, amount?: number): Promise<{ utr: string; payer: { vpa: string } }> {
	const response = await fetch(`${sandbox.url}/_control/pay`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ provider: "upi", order, outcome: "success", ...(amount !== undefined && { amount }) }),
	});
	if (!response.ok) throw new Error(await response.text());
	return ((await response.json()) as { payment: { utr: string; payer: { vpa: string } } }).payment;
}

async function readStatement(vpa: string, bank: string) {
	const response = await fetch(`${sandbox.url}/upi/statement.csv?${new URLSearchParams({ vpa, bank })}`);
	const statement = parseBankStatement(new Uint8Array(await response.arrayBuffer()));
	if (statement.outcome !== "read") throw new Error(`${bank}: ${statement.message}`);
	return statement;
}

describe.each(["hdfc", "icici", "sbi", "axis", "kotak", "plain"])("a statement of %s", (bank) => {
	test("holds the payments of links, each with its UTR and our reference, and nothing else", async () => {
		const account = accountOf(`kaveri.${bank}@sandboxbank`);
		const links = [await createLink(account, 49_907), await createLink(account, 1_23_456_78)];
		const payments: Awaited<ReturnType<typeof pay>>[] = [];
		for (const { uri } of links) payments.push(await pay(uri));
		const { credits, errors, debit_count } = await readStatement(account.api_key, bank);
		expect(errors).toEqual([]);
		expect(debit_count).toBe(1);
		const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata", dateStyle: "short" }).format(new Date());
		expect(credits).toEqual(
			links.map(({ amount, reference }, index) => ({
				line_no: expect.any(Number),
				credited_on: today,
				amount,
				utr: payments[index]?.utr,
				payer: ["axis", "kotak"].includes(bank) ? null : payments[index]?.payer.vpa,
				narration: expect.stringContaining(reference),
			})),
		);
	});
});

test("an amount other than asked for is on the statement as it was paid", async () => {
	const account = accountOf("kaveri.other@sandboxbank");
	const { uri } = await createLink(account, 50_000);
	await pay(uri, 100);
	expect((await readStatement(account.api_key, "hdfc")).credits).toMatchObject([{ amount: 100 }]);
});

test("a link that is paid twice is two credits with two UTRs and one reference", async () => {
	const account = accountOf("kaveri.twice@sandboxbank");
	const { uri, reference } = await createLink(account, 50_000);
	await pay(uri);
	await pay(reference);
	const { credits } = await readStatement(account.api_key, "icici");
	expect(new Set(credits.map(({ utr }) => utr)).size).toBe(2);
	for (const { narration } of credits) expect(narration).toContain(reference);
});
