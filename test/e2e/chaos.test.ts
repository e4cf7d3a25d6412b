/** A short storm; `npm run chaos` has the long ones. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeStorm } from "../chaos/report.ts";
import { runStorm } from "../chaos/storm.ts";
import { createTestDatabase, type TestDatabase } from "../database.ts";

const SEED = 20_261_121;
const PAYMENTS = 120;

let database: TestDatabase;
let directory: string;

beforeAll(async () => {
	database = await createTestDatabase();
	directory = mkdtempSync(join(tmpdir(), "lightspeedpay-storm-"));
});
afterAll(async () => {
	await database?.drop();
	rmSync(directory, { recursive: true, force: true });
});

it("loses, makes up and double-counts no money while providers fail and workers are killed", async () => {
	const result = await runStorm(database, { seed: SEED, payments: PAYMENTS, directory });
	expect(result.plays).toHaveLength(PAYMENTS);
	// A storm in which nobody could pay would prove nothing; on a slow machine many a payer is gone before there is a page.
	expect([...result.outcomes.values()].filter(({ status }) => status === "paid").length).toBeGreaterThan(PAYMENTS / 10);
	expect(result.audit.violations, describeStorm(SEED, PAYMENTS, result)).toEqual([]);
}, 1_200_000);
