import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import type { GatewayEventInput } from "../../../db/client/payments.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { createEventAcceptance } from "./acceptance.ts";

let database: TestDatabase;
let merchant: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {}, [{}, {}]);
});
afterAll(() => database?.drop());

const event = (more: Partial<GatewayEventInput> = {}): GatewayEventInput => ({
	gateway_id: merchant.gateways[0]!.id,
	dedupe_key: randomUUID(),
	event_type: "payment.captured",
	headers: { "x-some": 'with "quotes" and \\' },
	raw_body: Buffer.from([0, 255, 34, 92, 10]),
	body_proven: true,
	...more,
});

const stored = async (events: GatewayEventInput[]) =>
	(
		await database.pool("admin").query(
			`select e.dedupe_key, e.gateway_id, e.headers, e.raw_body, e.verified as body_proven, e.event_type,
					count(j.id)::int as jobs
				from gateway_events e left join graphile_worker._private_jobs j on j.payload ->> 'event_id' = e.id::text
				where e.dedupe_key = any ($1) group by e.id order by e.id`,
			[events.map(({ dedupe_key }) => dedupe_key)],
		)
	).rows;

it("stores what arrives together in one commit, byte for byte, each with its job, and the copies among them once", async () => {
	const pool = database.pool("checkout");
	const query = vi.spyOn(pool, "query");
	const accept = createEventAcceptance(pool, pino({ enabled: false }));
	const events = [event(), event({ gateway_id: merchant.gateways[1]!.id, body_proven: false }), event({ headers: {} })];
	const answers = await Promise.all([...events, events[0]!].map(accept));
	expect(query).toHaveBeenCalledTimes(1);
	expect(answers.map(({ duplicate }) => duplicate)).toEqual([false, false, false, true]);
	expect(answers[3]!.event_id).toBe(answers[0]!.event_id);
	expect(await stored(events)).toEqual(events.map((each) => ({ ...each, jobs: 1 })));
});

it("refuses an event that the database cannot take, and no other that came with it", async () => {
	const accept = createEventAcceptance(database.pool("checkout"), pino({ enabled: false }));
	const events = [event(), event({ headers: { "x-bad": "\u0000" } }), event()];
	const answers = await Promise.allSettled(events.map(accept));
	expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
	expect((await stored(events)).map(({ dedupe_key, jobs }) => [dedupe_key, jobs])).toEqual(
		[events[0]!, events[2]!].map(({ dedupe_key }) => [dedupe_key, 1]),
	);
});

it("has stored an event when it says so, also when other calls failed meanwhile", async () => {
	const pool = database.pool("checkout");
	const accept = createEventAcceptance(pool, pino({ enabled: false }));
	const events = Array.from({ length: 40 }, (_, n) => event(n % 7 === 0 ? { headers: { "x-bad": "\u0000" } } : {}));
	const seen = await Promise.all(
		events.map(async (each) => {
			await new Promise((resolve) => setImmediate(resolve));
			const accepted = await accept(each).then(
				() => true,
				() => false,
			);
			return [accepted, (await stored([each])).length === 1];
		}),
	);
	expect(seen).toEqual(events.map((_, n) => (n % 7 === 0 ? [false, false] : [true, true])));
});
