import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beatWorkers } from "../../../db/client/operations.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { ask, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";
import { Readiness } from "./schema.ts";

let database: TestDatabase;
let checkout: TestCheckout;

beforeAll(async () => {
	database = await createTestDatabase();
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

/**
 * Checks are shared for half a second; the next one is asked for after that. A part that a busy machine keeps from answering in
 * time is unavailable, as it would be for whoever asks, so states that last are awaited.
 */
async function ready() {
	await sleep(550);
	const { status, body } = await ask(`${checkout.url}/readyz`);
	const readiness = Readiness.parse(body);
	const parts = Object.fromEntries(Object.entries(readiness.parts).map(([name, part]) => [name, part.status]));
	return { status, overall: readiness.status, parts, body: readiness };
}

describe("GET /healthz", () => {
	it("says that the process runs", async () => {
		expect(await ask(`${checkout.url}/healthz`)).toMatchObject({ status: 200, body: { status: "ok" } });
	});
});

const beat = () => beatWorkers(database.pool("jobs"), [{ worker_id: "worker-1", name: "orders" }]);

describe("GET /readyz", () => {
	it("is degraded, not down, until a worker is alive, and says the latency of each part", async () => {
		await expect.poll(ready).toMatchObject({
			status: 200,
			overall: "degraded",
			parts: { database: "ok", listener: "ok", jobs: "unavailable" },
		});
		await beat();
		await expect.poll(ready).toMatchObject({ status: 200, overall: "ok" });
		const { body } = await ready();
		for (const part of Object.values(body.parts)) expect(part.latency_ms).toBeGreaterThan(0);
		expect(body.parts.jobs.worker_seen_seconds_ago).toBeGreaterThanOrEqual(0);
	});

	it("is degraded when the last worker has been silent for long", async () => {
		await database.pool("admin").query("update public.worker_heartbeats set beat_at = now() - interval '1 minute'");
		await expect.poll(ready).toMatchObject({
			status: 200,
			overall: "degraded",
			parts: { database: "ok", jobs: "unavailable" },
		});
		await beat();
	});

	it("names the database and the listener when they cannot be reached, and recovers by itself", async () => {
		const { listener } = checkout.dependencies;
		const admin = database.pool("admin");
		const lost = once(listener, "disconnected");
		await admin.query(`alter database ${database.name} connection limit 0`);
		await admin.query(
			"select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'checkout%' and datname = current_database()",
		);
		await lost;
		expect(await ready()).toMatchObject({
			status: 503,
			overall: "unavailable",
			parts: { database: "unavailable", listener: "unavailable", jobs: "unavailable" },
		});
		const back = once(listener, "connected");
		await admin.query(`alter database ${database.name} connection limit -1`);
		await back;
		await beat();
		await expect.poll(ready).toMatchObject({ status: 200, overall: "ok" });
	});
});
