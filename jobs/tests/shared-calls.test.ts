import { randomUUID } from "node:crypto";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { beginPspOrder } from "../../db/client/attempts.ts";
import { parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { acceptGatewayEvent, attemptState, payPayment, queryAs, startPayment } from "../../test/payments.ts";
import { createSharedCalls, type SharedCalls } from "../shared-calls.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let merchant: TestMerchant;
let shared: SharedCalls;
/** How many requests each call had that failed. */
let fallen: number[];

const rows = queryAs(() => database.pool("admin"));

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys, { webhook_url: "https://kaveri.example/hook" });
});
beforeEach(() => {
	fallen = [];
	const lines = new Writable({
		write(line, _, done) {
			fallen.push(JSON.parse(line).jobs);
			done();
		},
	});
	shared = createSharedCalls(database.pool("jobs"), pino(lines));
});
afterAll(() => database.drop());

interface Kind {
	name: string;
	/** The row that somebody else holds. */
	table: string;
	prepare(): Promise<{ id: string; call: () => Promise<unknown> }>;
	isDone: string;
}

const KINDS: Kind[] = [
	{
		name: "orders that are begun",
		table: "payment_attempts",
		async prepare() {
			const { attempt_id } = await startPayment(database, merchant);
			return { id: attempt_id, call: () => shared.beginPspOrder(attempt_id) };
		},
		isDone: "started_at is not null",
	},
	{
		name: "orders that are recorded",
		table: "payment_attempts",
		async prepare() {
			const { attempt_id } = await startPayment(database, merchant);
			await beginPspOrder(database.pool("jobs"), attempt_id);
			const presentation = { kind: "redirect", url: "https://psp.example/" };
			const order = { attempt_id, psp_order_id: `order_${attempt_id}`, presentation, latency_ms: 1 };
			return { id: attempt_id, call: () => shared.recordPspOrder(order) };
		},
		isDone: "psp_order_id is not null",
	},
	{
		name: "webhooks that are settled",
		table: "payment_attempts",
		async prepare() {
			const { attempt_id } = await startPayment(database, merchant);
			const gateway_id = merchant.gateways[0]!.id;
			const { event_id } = await acceptGatewayEvent(database.pool("checkout"), {
				gateway_id,
				dedupe_key: randomUUID(),
				event_type: "payment.captured",
				headers: {},
				raw_body: Buffer.from("{}"),
				body_proven: true,
			});
			const state = {
				...attemptState("succeeded", { psp_payment_id: `pay_${attempt_id}` }),
				psp_order_id: null,
				reference: attempt_id,
			};
			return { id: attempt_id, call: () => shared.settleGatewayEvent({ event_id, gateway_id, state }) };
		},
		isDone: "status = 'succeeded'",
	},
	{
		name: "deliveries that are recorded",
		table: "webhook_events",
		async prepare() {
			const { transaction_id } = await payPayment(database, merchant);
			const [event] = await rows<{ id: string }>("select id from webhook_events where transaction_id = $1", [
				transaction_id,
			]);
			const event_id = event!.id;
			const result = {
				event_id,
				url: "https://kaveri.example/hook",
				status_code: 204,
				error: null,
				duration_ms: 1,
				response_bytes: 0,
				retry_after_seconds: null,
			};
			return { id: event_id, call: () => shared.recordDelivery(result) };
		},
		isDone: "status = 'delivered'",
	},
];

describe("of calls that are shared, one whose row somebody holds keeps no other waiting and is done in the end:", () => {
	test.each(KINDS)("$name", async ({ table, prepare, isDone }) => {
		const [held, ...others] = [await prepare(), await prepare(), await prepare()];
		const done = async () =>
			(
				await rows<{ id: string }>(`select id from ${table} where id = any ($1) and ${isDone} order by id`, [
					[held, ...others].map(({ id }) => id),
				])
			).map(({ id }) => id);
		const holder = await database.pool("admin").connect();
		let answer: Promise<unknown>;
		try {
			await holder.query("begin");
			await holder.query(`select from ${table} where id = $1 for update`, [held.id]);
			answer = held.call();
			await Promise.all(others.map(({ call }) => call()));
			expect(await done()).toEqual(others.map(({ id }) => id).sort());
			// Alone it waits for longer than a call for many does.
			const patient = () =>
				rows(
					`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
						and clock_timestamp() - query_start > interval '300 milliseconds'`,
				);
			await expect.poll(patient, { interval: 25 }).toHaveLength(1);
		} finally {
			await holder.query("rollback");
			holder.release();
		}
		await answer;
		expect(await done()).toEqual([held, ...others].map(({ id }) => id).sort());
		expect(fallen).toEqual([3]);
	});
});
