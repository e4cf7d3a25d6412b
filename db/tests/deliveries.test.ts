import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { payPayment, queryAs } from "../../test/payments.ts";
import { beginDelivery, type DeliveryResult, recordDelivery } from "../client/deliveries.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const jobs = () => database.pool("jobs");
const URL_OF_MERCHANT = "https://kaveri.example/hook";

const rows = queryAs(() => database.pool("admin"));

async function eventOf(merchant: TestMerchant): Promise<string> {
	const { transaction_id } = await payPayment(database, merchant);
	const [event] = await rows<{ id: string }>("select id from webhook_events where transaction_id = $1", [
		transaction_id,
	]);
	return event!.id;
}

const kaveri = () => createMerchant(database.pool("admin"), keys, { webhook_url: URL_OF_MERCHANT });

const answered = (event_id: string, status_code: number | null, more: Partial<DeliveryResult> = {}) =>
	recordDelivery(jobs(), {
		event_id,
		url: URL_OF_MERCHANT,
		status_code,
		error: status_code === null ? "connection refused" : null,
		duration_ms: 12.4,
		response_bytes: 2,
		retry_after_seconds: null,
		...more,
	});

const secondsToNextTry = async (event_id: string) =>
	(
		await rows<{ seconds: number }>(
			"select extract(epoch from run_at - now())::float as seconds from graphile_worker.jobs where key = $1",
			[`deliver_webhook:${event_id}`],
		)
	)[0]?.seconds;

test("every try of an event sends the same bytes", async () => {
	const event_id = await eventOf(await kaveri());
	const first = await beginDelivery(jobs(), event_id);
	await answered(event_id, 500);
	const second = await beginDelivery(jobs(), event_id);
	expect(second).toEqual({ ...first, attempt: 2, is_troubled: true });
	expect(JSON.parse(first!.body)).toMatchObject({ id: event_id, type: "payment.paid", data: { status: "paid" } });
});

test("2xx delivers; nothing is sent afterwards", async () => {
	const event_id = await eventOf(await kaveri());
	expect(await answered(event_id, 204)).toBe("delivered");
	expect(await beginDelivery(jobs(), event_id)).toBeNull();
	expect(
		await rows(
			"select status, attempts, delivered_at is not null as timed, last_error from webhook_events where id = $1",
			[event_id],
		),
	).toEqual([{ status: "delivered", attempts: 1, timed: true, last_error: null }]);
	expect(
		await rows(
			"select attempt_no, status_code, duration_ms, response_bytes from webhook_deliveries where event_id = $1",
			[event_id],
		),
	).toEqual([{ attempt_no: 1, status_code: 204, duration_ms: 12, response_bytes: 2 }]);
});

test("anything else is tried again over about 75 hours with jitter, then the event is dead and alerts", async () => {
	const merchant = await kaveri();
	const event_id = await eventOf(merchant);
	const schedule = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
	let total = 0;
	for (const [index, delay] of schedule.entries()) {
		expect(await answered(event_id, index % 2 === 0 ? 503 : null)).toBe("pending");
		const wait = (await secondsToNextTry(event_id))!;
		expect(wait).toBeGreaterThan(delay - 2);
		expect(wait).toBeLessThan(delay * 1.1 + 1);
		total += delay;
	}
	expect(total / 3600).toBeCloseTo(75.6, 1);
	expect(await answered(event_id, 302)).toBe("dead");
	expect(
		await rows("select status, attempts, last_error, next_retry_at from webhook_events where id = $1", [event_id]),
	).toEqual([{ status: "dead", attempts: 10, last_error: "HTTP 302", next_retry_at: null }]);
	expect(await rows("select kind from alerts where client_id = $1", [merchant.id])).toEqual([{ kind: "webhook_dead" }]);
});

test("Retry-After postpones the next try, by a day at most, and never brings it nearer", async () => {
	const merchant = await kaveri();
	const [patient, endless, hasty] = [await eventOf(merchant), await eventOf(merchant), await eventOf(merchant)];
	await answered(patient, 429, { retry_after_seconds: 3_600 });
	expect(await secondsToNextTry(patient)).toBeGreaterThan(3_590);
	await answered(endless, 503, { retry_after_seconds: 1_000_000 });
	expect(await secondsToNextTry(endless)).toBeLessThanOrEqual(86_400);
	await answered(hasty, 503, { retry_after_seconds: 0 });
	expect(await secondsToNextTry(hasty)).toBeGreaterThan(3);
});

test("410 disables the endpoint until its address is changed", async () => {
	const merchant = await kaveri();
	const [gone, waiting] = [await eventOf(merchant), await eventOf(merchant)];
	expect(await answered(gone, 410)).toBe("disabled");
	expect(await beginDelivery(jobs(), waiting)).toBeNull();
	const later = await eventOf(merchant);
	expect(await rows("select distinct status from webhook_events where id = any($1)", [[gone, waiting, later]])).toEqual(
		[{ status: "disabled" }],
	);
	await rows("update clients set webhook_url = 'https://kaveri.example/new' where id = $1", [merchant.id]);
	const revived = await eventOf(merchant);
	expect(await beginDelivery(jobs(), revived)).toMatchObject({ url: "https://kaveri.example/new" });
});

test("a replaced webhook secret goes on signing for 24 hours", async () => {
	const merchant = await kaveri();
	const event_id = await eventOf(merchant);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({ previous_secret: null });
	const [before] = await rows<{ webhook_secret: string }>("select webhook_secret from clients where id = $1", [
		merchant.id,
	]);
	await database
		.pool("studio")
		.query(
			"select public.regenerate_client_credentials($1, $2, 'v1.new_salt', 'v1.new_secret', 0, 'leaked', 'operator-1')",
			[merchant.id, `lsp_${randomUUID().replaceAll("-", "")}`],
		);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({
		secret: "v1.new_secret",
		previous_secret: before!.webhook_secret,
	});
	await rows("update clients set previous_webhook_secret_until = now() where id = $1", [merchant.id]);
	expect(await beginDelivery(jobs(), event_id)).toMatchObject({ previous_secret: null });
});
