/**
 * The money path needs no row of another merchant, which is what a database divided by merchant asks for: on a database where row
 * policies hide every other merchant, also from the functions' owner, a payment goes its whole way.
 */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { acceptGatewayEvent, attemptState, initiateRequest, queryAs, startPayment } from "../../test/payments.ts";
import { beginPspOrder, recordPspOrder, settleGatewayEvents } from "../client/attempts.ts";
import { beginDelivery, recordDelivery } from "../client/deliveries.ts";
import { initiatePayments, readPayPage, readTransaction } from "../client/payments.ts";
import { createPool } from "../client/pool.ts";
import { beginRefund, createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const WEBHOOK_URL = "https://kaveri.example/hook";
let database: TestDatabase;
let merchant: TestMerchant;
let other: TestMerchant;
/** To their sessions there is `merchant` and nobody else. */
let narrow: { checkout: pg.Pool; jobs: pg.Pool };

const rows = queryAs(() => database.pool("admin"));

beforeAll(async () => {
	database = await createTestDatabase();
	[merchant, other] = (await Promise.all(
		[0, 1].map(() => createMerchant(database.pool("admin"), keys, { webhook_url: WEBHOOK_URL })),
	)) as [TestMerchant, TestMerchant];
	await startPayment(database, other);
	await rows(`do $$
		declare
			t record;
		begin
			for t in select c.oid::regclass as name, a.attname as key
				from pg_class c join pg_attribute a on a.attrelid = c.oid
					and a.attname = case when c.relname = 'clients' then 'id' else 'client_id' end and a.atttypid = 'uuid'::regtype
				where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
			loop
				execute format('alter table %s enable row level security', t.name);
				execute format('alter table %s force row level security', t.name);
				execute format('create policy one_merchant on %s using (%I = current_setting(''test.merchant'')::uuid)', t.name, t.key);
			end loop;
		end $$`);
	const session = (role: "checkout" | "jobs") =>
		createPool({
			connectionString: database.url(role),
			application_name: "test-single-merchant",
			max: 1,
			options: `-c test.merchant=${merchant.id}`,
		});
	narrow = { checkout: session("checkout"), jobs: session("jobs") };
});
afterAll(async () => {
	await Promise.all([narrow?.checkout.end(), narrow?.jobs.end()]);
	await database?.drop();
});

test("a payment goes from initiation to its delivered event, and is refunded, where nobody else's rows are to be had", async () => {
	const { checkout, jobs } = narrow;
	const [started] = await initiatePayments(checkout, [initiateRequest(merchant)]);
	if (!started?.ok) throw started?.error;
	const { transaction_id } = started;
	const [attempt] = await rows<{ id: string; gateway_id: string }>(
		"select id, gateway_id from payment_attempts where transaction_id = $1",
		[transaction_id],
	);
	const { id: attempt_id, gateway_id } = attempt!;
	const psp_order_id = `order_${attempt_id}`;
	expect(await beginPspOrder(jobs, attempt_id)).toMatchObject({ attempt_id });
	const presentation = { kind: "redirect", url: "https://psp.test/pay" };
	await recordPspOrder(jobs, { attempt_id, psp_order_id, presentation, latency_ms: 5 });
	expect(await readPayPage(checkout, transaction_id)).toMatchObject({ attempt_id });

	const { event_id } = await acceptGatewayEvent(checkout, {
		gateway_id,
		dedupe_key: randomUUID(),
		event_type: "payment.captured",
		headers: {},
		raw_body: Buffer.from("{}"),
		body_proven: true,
	});
	const state = { ...attemptState("succeeded", { psp_payment_id: "pay_own" }), psp_order_id, reference: null };
	expect(await settleGatewayEvents(jobs, [{ event_id, gateway_id, state }])).toMatchObject([
		{ attempt_id, transaction_status: "paid", changed: true },
	]);
	expect(await readTransaction(checkout, transaction_id)).toMatchObject({ view: { status: "paid" } });

	const [event] = await rows<{ id: string }>("select id from webhook_events where transaction_id = $1", [
		transaction_id,
	]);
	expect(await beginDelivery(jobs, event!.id)).toMatchObject({ url: WEBHOOK_URL });
	const delivered = await recordDelivery(jobs, {
		event_id: event!.id,
		url: WEBHOOK_URL,
		status_code: 200,
		error: null,
		duration_ms: 5,
		response_bytes: 2,
		retry_after_seconds: null,
	});
	expect(delivered).toBe("delivered");

	const { refund } = await createRefund(checkout, {
		client_id: merchant.id,
		transaction_id,
		amount: null,
		reason: null,
		idempotency_key: null,
	});
	expect(await beginRefund(jobs, refund.refund_id)).toMatchObject({ transaction_id });
	const settled = await settleRefund(jobs, refund.refund_id, {
		outcome: "succeeded",
		psp_refund_id: "rfnd_1",
		amount: null,
		bank_reference: null,
		error: null,
		raw: {},
	});
	expect(settled).toMatchObject({ changed: true });
	expect(await readTransaction(checkout, transaction_id)).toMatchObject({ view: { status: "refunded" } });
});

test("what is another merchant's is not there: the clock's sweep leaves it alone", async () => {
	await rows("update transactions set expires_at = now() - interval '1 minute'");
	await narrow.jobs.query("select public.expire_transactions()");
	expect(await rows("select status from transactions where client_id = $1", [other.id])).toEqual([
		{ status: "created" },
	]);
});
