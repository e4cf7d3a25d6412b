import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startTestSandbox, TEST_ACCOUNT } from "./test-sandbox.ts";

const test = await startTestSandbox();
const credentials = Buffer.from(`${TEST_ACCOUNT.api_key}:${TEST_ACCOUNT.api_secret}`).toString("base64");

function createOrder(receipt: string, signal?: AbortSignal) {
	return fetch(`${test.url}/razorpay/v1/orders`, {
		method: "POST",
		headers: { authorization: `Basic ${credentials}`, "content-type": "application/json" },
		body: JSON.stringify({ amount: 100, currency: "INR", receipt }),
		...(signal && { signal }),
	});
}

async function countOrders(receipt: string): Promise<number> {
	const response = await fetch(`${test.url}/razorpay/v1/orders?receipt=${receipt}`, {
		headers: { authorization: `Basic ${credentials}` },
	});
	return ((await response.json()) as { count: number }).count;
}

async function addFault(fault: Record<string, unknown>): Promise<void> {
	expect((await test.control("POST", "faults", { service: "razorpay", ...fault })).status).toBe(201);
}

beforeAll(() => test.control("PUT", "accounts", TEST_ACCOUNT));
afterEach(() => test.control("DELETE", "faults"));
afterAll(() => test.close());

describe("faults", () => {
	it("status answers in the provider's words and does nothing, so many times", async () => {
		await addFault({ kind: "status", status: 429, retry_after: 7, times: 2, method: "POST" });
		for (let n = 0; n < 2; n++) {
			const response = await createOrder("limited");
			expect(response.status).toBe(429);
			expect(response.headers.get("retry-after")).toBe("7");
			expect(await response.json()).toMatchObject({ error: { code: "BAD_REQUEST_ERROR" } });
		}
		expect(await countOrders("limited")).toBe(0);
		expect((await createOrder("limited")).status).toBe(200);
		expect((await test.control("GET", "faults")).body).toEqual([]);
	});

	it("status can answer a page, as a broken gateway does", async () => {
		await addFault({ kind: "status", status: 502, html: true });
		const response = await createOrder("html");
		expect(response.status).toBe(502);
		expect(response.headers.get("content-type")).toContain("text/html");
	});

	it("status says SERVER_ERROR for a fault inside the provider", async () => {
		await addFault({ kind: "status" });
		const response = await createOrder("broken");
		expect(response.status).toBe(500);
		expect(await response.json()).toMatchObject({ error: { code: "SERVER_ERROR" } });
	});

	it("slow does it late", async () => {
		await addFault({ kind: "slow", delay_ms: 120 });
		const started = performance.now();
		expect((await createOrder("slow")).status).toBe(200);
		expect(performance.now() - started).toBeGreaterThan(110);
	});

	it("drop_after_success does it and loses the answer", async () => {
		await addFault({ kind: "drop_after_success" });
		await expect(createOrder("lost")).rejects.toThrow();
		expect(await countOrders("lost")).toBe(1);
	});

	it("drop_after_success can keep the caller waiting first", async () => {
		await addFault({ kind: "drop_after_success", delay_ms: 60_000 });
		await expect(createOrder("late", AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
		expect(await countOrders("late")).toBe(1);
	});

	it("drop_before hangs up and does nothing", async () => {
		await addFault({ kind: "drop_before" });
		await expect(createOrder("dropped")).rejects.toThrow();
		expect(await countOrders("dropped")).toBe(0);
	});

	it("timeout says nothing, does nothing, and hangs up in the end", async () => {
		await addFault({ kind: "timeout", times: 2 });
		await expect(createOrder("silent", AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
		await test.control("DELETE", "faults");
		await addFault({ kind: "timeout", delay_ms: 30 });
		await expect(createOrder("silent")).rejects.toThrow();
		expect(await countOrders("silent")).toBe(0);
	});

	it("meet only the service, method and path they name", async () => {
		await addFault({ kind: "status", path: "/v1/payments", times: 9 });
		await addFault({ kind: "status", path: "/razorpay/v1/orders/", times: 9 });
		await addFault({ kind: "status", method: "GET", times: 9 });
		await addFault({ service: "merchant", kind: "status", status: 410 });
		expect((await createOrder("spared")).status).toBe(200);
		expect((await fetch(`${test.url}/merchant/webhook`, { method: "POST", body: "{}" })).status).toBe(410);
		expect((await fetch(`${test.url}/merchant/webhook`, { method: "POST", body: "{}" })).status).toBe(200);
		expect((await fetch(`${test.url}/razorpay/v1/payments/pay_1`)).status).toBe(500);
	});

	it("show in the log what the caller got", async () => {
		await test.control("DELETE", "log");
		await addFault({ kind: "drop_after_success" });
		await expect(createOrder("logged")).rejects.toThrow();
		await createOrder("logged again");
		const log = (await test.control("GET", "log?service=razorpay&method=post&path=/v1/orders")).body;
		expect(log).toMatchObject([
			{ status: null, fault: "drop_after_success", body: { receipt: "logged" } },
			{ status: 200, fault: null },
		]);
	});

	it.each([
		["an unknown kind", { service: "razorpay", kind: "explode" }, "kind"],
		["an unknown service", { service: "nowhere", kind: "slow" }, "service"],
		["an unknown field", { service: "razorpay", kind: "slow", dealy_ms: 1 }, "dealy_ms"],
		["no times", { service: "razorpay", kind: "slow", times: 0 }, "times"],
	])("refuse %s by name", async (_case, fault, param) => {
		const { status, body } = await test.control("POST", "faults", fault);
		expect(status).toBe(400);
		expect(body.error).toMatchObject({ code: "invalid_request", param });
	});
});
