import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../../../test/merchants.ts";
import { ask, initiate, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

let database: TestDatabase;
let open: TestCheckout;
let guarded: TestCheckout;

beforeAll(async () => {
	database = await createTestDatabase();
	open = await startTestCheckout(database);
	guarded = await startTestCheckout(database, { METRICS_TOKEN: "a-token-for-prometheus" });
});
afterAll(async () => {
	await open?.stop();
	await guarded?.stop();
	await database?.drop();
});

describe("GET /metrics", () => {
	it("counts requests by route and status, without ids or tokens", async () => {
		const merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
		const { body: payment } = await initiate(open, merchant, { amount: 100, order_id: "A" });
		await ask(`${open.url}/transaction/${payment.transaction_id}?token=wrong`);
		await ask(`${open.url}/no/such/path`);
		const { status, headers, body } = await ask(`${open.url}/metrics`);
		expect([status, headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"]);
		const counted = (method: string, route: string, code: number) =>
			`lightspeedpay_http_request_duration_seconds_count{method="${method}",route="${route}",status="${code}"} 1`;
		expect(body).toContain(counted("POST", "/payment/initiate", 200));
		expect(body).toContain(counted("GET", "/transaction/:id", 401));
		expect(body).toContain(counted("GET", "none", 404));
		expect(body).toContain("lightspeedpay_initiation_batch_payments_count 1");
		expect(body).toContain("lightspeedpay_listener_connected 1");
		expect(body).not.toContain(payment.transaction_id);
		expect(body).toContain("lightspeedpay_database_up 1");
		expect(body).toContain("lightspeedpay_payment_overdue_seconds 0");
		expect(body).toMatch(/lightspeedpay_queue_jobs\{queue="create_psp_order",state="waiting"\} 1/);
		expect(body).toMatch(/lightspeedpay_cache_requests_total\{cache="clients",result="miss"\} 1/);
	});

	it("answers this machine only, not what a proxy on it forwards, when there is no token", async () => {
		const forwarded = await ask(`${open.url}/metrics`, { headers: { "x-forwarded-for": "127.0.0.1" } });
		expect([forwarded.status, forwarded.body.error.code]).toEqual([404, "not_found"]);
	});

	it("answers only the token when there is one", async () => {
		const withToken = (authorization: string) => ask(`${guarded.url}/metrics`, { headers: { authorization } });
		expect((await withToken("Bearer a-token-for-prometheus")).status).toBe(200);
		expect((await withToken("Bearer another")).status).toBe(404);
		expect((await ask(`${guarded.url}/metrics`)).status).toBe(404);
	});
});
