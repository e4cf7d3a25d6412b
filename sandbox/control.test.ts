import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestSandbox, TEST_ACCOUNT } from "./test-sandbox.ts";

const test = await startTestSandbox({ log_capacity: 3 });
const credentials = (secret: string) => Buffer.from(`${TEST_ACCOUNT.api_key}:${secret}`).toString("base64");

function call(
	url: string,
	method: string,
	path: string,
	body?: unknown,
	headers: Record<string, string> = {},
): Promise<Record<string, unknown>> {
	return fetch(`${url}/razorpay/v1${path}`, {
		method,
		headers: {
			authorization: `Basic ${credentials(TEST_ACCOUNT.api_secret)}`,
			"content-type": "application/json",
			...headers,
		},
		...(body !== undefined && { body: JSON.stringify(body) }),
	}).then((response) => response.json() as Promise<Record<string, unknown>>);
}

const createOrder = (url: string, body: unknown) => call(url, "POST", "/orders", body);

beforeAll(() => test.control("PUT", "accounts", TEST_ACCOUNT));
afterAll(() => test.close());

describe("control", () => {
	it.each([
		["POST", "pay", { provider: "razorpay", order: "nothing", outcome: "success" }, 404, "order_not_found"],
		["POST", "pay", { provider: "nobody", order: "x", outcome: "success" }, 404, "unknown_provider"],
		["POST", "pay", { provider: "razorpay", order: "x", outcome: "maybe" }, 400, "invalid_request"],
		["PUT", "accounts", { ...TEST_ACCOUNT, provider: "nobody" }, 404, "unknown_provider"],
		["PUT", "accounts", { ...TEST_ACCOUNT, webhook_url: "ftp://x" }, 400, "invalid_request"],
		["PUT", "merchants", { name: "x" }, 400, "invalid_request"],
		["GET", "log?limit=0", undefined, 400, "invalid_request"],
		["GET", "nothing", undefined, 404, "not_found"],
	])("%s %s with %j is answered %i %s", async (method, path, body, status, code) => {
		const answer = await test.control(method, path, body);
		expect(answer).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
	});

	it("takes JSON only, so that no page in a browser can steer it", async () => {
		const response = await fetch(`${test.url}/_control/faults`, { method: "POST", body: "{}" });
		expect(response.status).toBe(415);
	});

	it("finds an order by its id, its receipt or a note", async () => {
		const { id } = await createOrder(test.url, {
			amount: 100,
			currency: "INR",
			receipt: "attempt-9",
			notes: { order_id: "KB-9" },
		});
		for (const order of [id, "attempt-9", "KB-9"]) {
			const { body } = await test.control("POST", "pay", { provider: "razorpay", order, outcome: "failure" });
			expect(body.order.id).toBe(id);
		}
	});

	it("never shows secrets", async () => {
		await createOrder(test.url, { amount: 100, currency: "INR" });
		const shown = JSON.stringify([await test.control("GET", "accounts"), await test.control("GET", "log")]);
		expect(shown).toContain(`Basic ${TEST_ACCOUNT.api_key}:[redacted]`);
		for (const secret of [TEST_ACCOUNT.api_secret, TEST_ACCOUNT.webhook_secret, credentials(TEST_ACCOUNT.api_secret)]) {
			expect(shown).not.toContain(secret);
		}
	});

	it("keeps the newest requests and counts them all", async () => {
		await test.control("DELETE", "log");
		for (let amount = 101; amount <= 105; amount++) await createOrder(test.url, { amount, currency: "INR" });
		const response = await fetch(`${test.url}/_control/log?service=razorpay`);
		expect(response.headers.get("x-total-count")).toBe("5");
		const log = (await response.json()) as { body: { amount: number } }[];
		expect(log.map(({ body }) => body.amount)).toEqual([103, 104, 105]);
		expect(log[0]).toMatchObject({ method: "POST", path: "/razorpay/v1/orders", status: 200 });
	});
});

it("shows a person the services and the latest orders", async () => {
	const { id } = await createOrder(test.url, { amount: 12_345_600, currency: "INR" });
	const page = await (await fetch(test.url)).text();
	expect(page).toContain(id);
	expect(page).toContain("₹1,23,456.00");
	expect((await fetch(`${test.url}/healthz`)).status).toBe(200);
	expect((await fetch(`${test.url}/nowhere`)).status).toBe(404);
});

it("lets a person raise a dispute of a paid order and decide it", async () => {
	const { id } = await createOrder(test.url, { amount: 25_000, currency: "INR" });
	const page = async () => {
		const text = await (await fetch(`${test.url}/disputes`)).text();
		return text.split("<article").find((card) => card.includes(String(id))) ?? null;
	};
	const post = (fields: Record<string, string>) =>
		fetch(`${test.url}/disputes`, {
			method: "POST",
			body: new URLSearchParams({ provider: "razorpay", order: String(id), ...fields }),
			redirect: "manual",
		});
	expect(await page()).toBeNull();
	await test.control("POST", "pay", { provider: "razorpay", order: id, outcome: "success" });
	expect(await page()).toContain("Raise a dispute");
	expect((await post({ outcome: "lost" })).status).toBe(409);

	expect((await post({ outcome: "opened", phase: "chargeback", amount: "120.50" })).status).toBe(303);
	expect(await page()).toMatch(/Chargeback of ₹120\.50 <span class="pill opened">opened/);
	expect(await page()).not.toContain("Raise a dispute");

	expect((await post({ outcome: "won" })).status).toBe(303);
	expect(await page()).toContain("won by the merchant");
	const refused = await post({ outcome: "opened", phase: "nothing", amount: "1" });
	expect(refused.status).toBe(409);
	expect(await refused.text()).toContain('role="alert"');
});

it("refuses a body that is too large", async () => {
	const response = await fetch(`${test.url}/merchant/webhook`, { method: "POST", body: "x".repeat(2_100_000) });
	expect(response.status).toBe(413);
});

describe("the state file", () => {
	let directory: string;
	let state_file: string;
	beforeEach(async () => {
		directory = await mkdtemp(join(tmpdir(), "sandbox-"));
		state_file = join(directory, "state.json");
	});
	afterEach(() => rm(directory, { recursive: true }));

	it("keeps accounts, merchants, orders and what was paid, for its owner alone", async () => {
		const first = await startTestSandbox({ state_file });
		await first.control("PUT", "accounts", TEST_ACCOUNT);
		await first.control("PUT", "merchants", { name: "Kaveri Books", webhook_secret: "whsec_c2VjcmV0" });
		const order = await createOrder(first.url, { amount: 500, currency: "INR", receipt: "kept" });
		const instruction = { provider: "razorpay", order: "kept", outcome: "authorized" };
		const { payment } = (await first.control("POST", "pay", instruction)).body;
		await first.close();
		for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);

		const second = await startTestSandbox({ state_file });
		expect((await second.control("GET", "merchants")).body).toEqual([{ name: "Kaveri Books", client_id: null }]);
		const captured = await call(second.url, "POST", `/payments/${payment.id}/capture`, {
			amount: 500,
			currency: "INR",
		});
		expect(captured).toMatchObject({ id: payment.id, status: "captured" });
		expect(await call(second.url, "GET", `/orders/${order.id}`)).toMatchObject({ status: "paid", receipt: "kept" });
		await call(second.url, "POST", `/payments/${payment.id}/refund`, { amount: 100 });
		await second.close();

		const third = await startTestSandbox({ state_file });
		expect(await call(third.url, "GET", `/payments/${payment.id}/refunds`)).toMatchObject({ count: 1 });
		expect(await call(third.url, "GET", "/settlements")).toMatchObject({ items: [{ amount: 500 - 12 - 100 }] });
		await third.close();
	});

	it("keeps disputes and payouts, with what was spent and what repeats a request", async () => {
		const account = { ...TEST_ACCOUNT, settings: { payouts: "later", payout_balance: 1_000 } };
		const payout = {
			account_number: "7878780080316316",
			fund_account_id: "fa_00000000000001",
			amount: 700,
			currency: "INR",
			mode: "UPI",
			purpose: "vendor bill",
		};
		const pay = (url: string, key: string) => call(url, "POST", "/payouts", payout, { "x-payout-idempotency": key });
		const first = await startTestSandbox({ state_file });
		await first.control("PUT", "accounts", account);
		await createOrder(first.url, { amount: 500, currency: "INR", receipt: "kept" });
		await first.control("POST", "pay", { provider: "razorpay", order: "kept", outcome: "success" });
		const dispute = { provider: "razorpay", order: "kept" };
		await first.control("POST", "dispute", { ...dispute, outcome: "opened", amount: 200 });
		const paid_out = await pay(first.url, "key-1");
		await first.close();

		const second = await startTestSandbox({ state_file });
		expect((await second.control("POST", "dispute", { ...dispute, outcome: "lost" })).body.dispute).toMatchObject({
			amount: 200,
			status: "lost",
		});
		expect(await pay(second.url, "key-1")).toEqual(paid_out);
		expect(await pay(second.url, "key-2")).toMatchObject({
			error: { description: expect.stringContaining("not have enough balance") },
		});
		const decided = { provider: "razorpay", payout: paid_out.id, outcome: "processed" };
		expect((await second.control("POST", "payout", decided)).body.payout).toMatchObject({ status: "processed" });
		await second.close();
	});

	it.each(["", ".razorpay", ".razorpay.disputes"])("that is damaged is named (state.json%s)", async (suffix) => {
		await writeFile(`${state_file}${suffix}`, "not a state");
		await expect(startTestSandbox({ state_file })).rejects.toThrow(`${state_file}${suffix} cannot be read: delete it`);
	});
});
