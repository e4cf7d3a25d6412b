import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Queryable } from "../db/client/call.ts";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { ClientDirectory, isSaltOf, type KnownClient, redirectTarget } from "./client-directory.ts";
import { DatabaseListener } from "./database-listener.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let listener: DatabaseListener;
let directory: ClientDirectory;
let merchant: TestMerchant;
/** What one authentication cost. */
let reads = 0;
let proofs = 0;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys);
	listener = new DatabaseListener(database.url("checkout"), pino({ level: "silent" }));
	const pool = database.pool("checkout");
	const counting = {
		query(config: { text: string }) {
			reads++;
			return pool.query(config);
		},
	};
	directory = new ClientDirectory(counting as unknown as Queryable, keys, listener);
	await listener.start();
	await authenticate(merchant.client_key, merchant.client_salt);
});
afterAll(async () => {
	await listener?.stop();
	await database?.drop();
});
beforeEach(() => {
	reads = 0;
	proofs = 0;
});

function authenticate(client_key: string, salt: string): Promise<KnownClient | null> {
	return directory.authenticate(client_key, (client) => {
		proofs++;
		return isSaltOf(client, salt);
	});
}

describe("ClientDirectory", () => {
	it("does not ask the database about a merchant that it knows", async () => {
		expect((await authenticate(merchant.client_key, merchant.client_salt))?.id).toBe(merchant.id);
		expect({ reads, proofs }).toEqual({ reads: 0, proofs: 1 });
	});

	it("does the same work to refuse an unknown key as to refuse a bad proof of a known one", async () => {
		expect(await authenticate(merchant.client_key, "wrong")).toBeNull();
		const bad_proof = { reads, proofs };
		reads = 0;
		proofs = 0;
		expect(await authenticate("lsp_nobody_here", "wrong")).toBeNull();
		expect({ reads, proofs }).toEqual(bad_proof);
	});

	it("knows a pair that was replaced until its overlap is over, without being told then", async () => {
		const old = await createMerchant(database.pool("admin"), keys);
		await database.pool("admin").query(
			`update public.clients set client_key = client_key || '_new', previous_client_key = client_key,
					previous_client_salt = client_salt, previous_credentials_until = now() + interval '1 second' where id = $1`,
			[old.id],
		);
		await expect.poll(() => authenticate(old.client_key, old.client_salt)).toMatchObject({ id: old.id });
		await expect.poll(() => authenticate(old.client_key, old.client_salt)).toBeNull();
		expect(await authenticate(`${old.client_key}_new`, old.client_salt)).toMatchObject({ id: old.id });
	});

	it("asks each time while it cannot hear the database", async () => {
		const deaf = new DatabaseListener(database.url("checkout"), pino({ level: "silent" }));
		let asked = 0;
		const pool = database.pool("checkout");
		const counting = { query: (config: { text: string }) => pool.query(config).finally(() => asked++) };
		const unheard = new ClientDirectory(counting as unknown as Queryable, keys, deaf);
		for (let i = 0; i < 3; i++) {
			await unheard.authenticate(merchant.client_key, (client) => isSaltOf(client, merchant.client_salt));
		}
		expect(asked).toBe(3);
	});
});

describe("redirectTarget", () => {
	it.each([
		["https://shop.test/thanks?a=1#x", "https://shop.test/thanks"],
		["https://SHOP.test:443/a/../thanks", "https://shop.test/thanks"],
		["http://127.0.0.1:4000/merchant/return", "http://127.0.0.1:4000/merchant/return"],
		["https://shop.test@evil.test/thanks", null],
		["https:\\\\evil.test\\thanks", "https://evil.test/thanks"],
		["javascript:alert(1)", null],
		["//shop.test/thanks", null],
		["", null],
	])("of %s is %s", (url, target) => {
		expect(redirectTarget(url)).toBe(target);
	});
});
