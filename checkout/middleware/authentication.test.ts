import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import {
	type Answer,
	ask,
	get,
	initiate,
	signedHeaders,
	startTestCheckout,
	type TestCheckout,
} from "../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let signing: TestMerchant;
let plain: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	signing = await createMerchant(database.pool("admin"), keys);
	plain = await createMerchant(database.pool("admin"), keys, { allow_plain_salt: true });
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

const PATH = "/payment/initiate";
let orders = 0;
const newBody = () => JSON.stringify({ amount: 10_000, order_id: `auth-${++orders}` });

function post(body: string, headers: Record<string, string>): Promise<Answer> {
	return ask(checkout.url + PATH, {
		method: "POST",
		headers: { "content-type": "application/json", ...headers },
		body,
	});
}

async function expectRefusal(answer: Answer, code: string, param?: string): Promise<void> {
	expect([answer.status, answer.body.error.code, answer.body.error.param]).toEqual([401, code, param]);
	const { rows } = await database
		.pool("admin")
		.query("select 1 from public.transactions where order_id = $1", [`auth-${orders}`]);
	expect(rows).toEqual([]);
}

/** Holds the time that the process takes for the database's, for the rest of a test; returns it in seconds. */
function stopClock(): number {
	const { clock } = checkout.dependencies;
	const at = Math.floor(clock.now() / 1000);
	vi.spyOn(clock, "now").mockReturnValue(at * 1000);
	return at;
}
afterEach(() => vi.restoreAllMocks());

describe("a signed request", () => {
	it("is accepted at both edges of the time window", async () => {
		const at = stopClock();
		for (const offset of [-300, 300]) {
			const body = newBody();
			const answer = await post(body, signedHeaders(signing, "POST", PATH, body, at + offset));
			expect(answer.status).toBe(200);
		}
	});

	it.each([-301, 301])("is refused %d seconds away from the database's time", async (offset) => {
		const at = stopClock();
		const body = newBody();
		const headers = signedHeaders(signing, "POST", PATH, body, at + offset);
		await expectRefusal(await post(body, headers), "timestamp_out_of_range", "X-Timestamp");
	});

	it.each([
		["another salt", () => ({ ...signing, client_salt: "not-the-salt" }), PATH, "POST", ""],
		["another path", () => signing, "/payment/refund", "POST", ""],
		["another query", () => signing, `${PATH}?x=1`, "POST", ""],
		["another method", () => signing, PATH, "PUT", ""],
		["another body", () => signing, PATH, "POST", " "],
	])("is refused when it was signed with %s", async (_name, merchant, path, method, suffix) => {
		const body = newBody();
		await expectRefusal(
			await post(body, signedHeaders(merchant(), method, path, body + suffix)),
			"invalid_credentials",
		);
	});

	it("is refused when one byte of the body was changed on the way", async () => {
		const body = newBody();
		const headers = signedHeaders(signing, "POST", PATH, body);
		await expectRefusal(await post(body.replace("10000", "10001"), headers), "invalid_credentials");
	});

	it("is refused for an unknown key with the very answer of a bad signature", async () => {
		const body = newBody();
		const unknown = await post(body, signedHeaders({ ...signing, client_key: "lsp_nobody_here" }, "POST", PATH, body));
		const forged = await post(body, signedHeaders({ ...signing, client_salt: "wrong" }, "POST", PATH, body));
		await expectRefusal(unknown, "invalid_credentials");
		expect({ ...unknown.body.error, request_id: "" }).toEqual({ ...forged.body.error, request_id: "" });
	});

	it.each(["x-client-key", "x-timestamp", "x-signature"])("is refused without %s, which is named", async (name) => {
		const body = newBody();
		const { [name]: _, ...headers } = signedHeaders(signing, "POST", PATH, body);
		const param = { "x-client-key": "X-Client-Key", "x-timestamp": "X-Timestamp", "x-signature": "X-Signature" }[name];
		await expectRefusal(await post(body, headers), "invalid_credentials", param);
	});

	it.each([
		["x-timestamp", "yesterday", "X-Timestamp"],
		["x-timestamp", "1.7e9", "X-Timestamp"],
		["x-signature", "abc", "X-Signature"],
		["x-signature", "Z".repeat(64), "X-Signature"],
		["x-signature", "A".repeat(64), "X-Signature"],
	])("is refused with %s: %s", async (name, value, param) => {
		const body = newBody();
		const headers = { ...signedHeaders(signing, "POST", PATH, body), [name]: value };
		await expectRefusal(await post(body, headers), "invalid_credentials", param);
	});

	it("that is sent again is answered with what it did the first time", async () => {
		const body = newBody();
		const headers = signedHeaders(signing, "POST", PATH, body);
		const first = await post(body, headers);
		const second = await post(body, headers);
		expect(first.body).not.toHaveProperty("replayed");
		expect(second.body).toEqual({ ...first.body, replayed: true });
	});

	it("may be a GET with a query, signed over an empty body", async () => {
		const answer = await get(checkout, signing, "/transactions?limit=1&status=created");
		expect([answer.status, answer.body.data.length]).toEqual([200, 1]);
	});
});

describe("a request with the salt itself", () => {
	const inHeaders = ({ client_key, client_salt }: TestMerchant) => ({
		"x-client-key": client_key,
		"x-client-salt": client_salt,
	});
	const inBody = ({ client_key, client_salt }: TestMerchant) =>
		JSON.stringify({ ...JSON.parse(newBody()), client_key, client_salt });

	it("is accepted in headers and in the body where the merchant may", async () => {
		expect((await post(newBody(), inHeaders(plain))).status).toBe(200);
		expect((await post(inBody(plain), {})).status).toBe(200);
		expect((await ask(`${checkout.url}/transactions`, { headers: inHeaders(plain) })).status).toBe(200);
	});

	it("is refused where the merchant may not, even with the right salt", async () => {
		await expectRefusal(await post(newBody(), inHeaders(signing)), "invalid_credentials");
		await expectRefusal(await post(inBody(signing), {}), "invalid_credentials");
	});

	it("is refused with a wrong salt, an empty one, or an unknown key", async () => {
		await expectRefusal(await post(newBody(), inHeaders({ ...plain, client_salt: "wrong" })), "invalid_credentials");
		await expectRefusal(await post(newBody(), inHeaders({ ...plain, client_salt: "" })), "invalid_credentials");
		await expectRefusal(await post(inBody({ ...plain, client_salt: "wrong" }), {}), "invalid_credentials");
		await expectRefusal(await post(inBody({ ...plain, client_key: "lsp_nobody" }), {}), "invalid_credentials");
	});

	it("does not come to rest in the transaction", async () => {
		await post(inBody(plain), {});
		const { rows } = await database
			.pool("admin")
			.query("select 1 from public.transactions t where to_jsonb(t)::text like '%' || $1 || '%'", [plain.client_salt]);
		expect(rows).toEqual([]);
	});

	it("is refused as soon as the switch is turned off", async () => {
		const merchant = await createMerchant(database.pool("admin"), keys, { allow_plain_salt: true });
		expect((await post(newBody(), inHeaders(merchant))).status).toBe(200);
		await afterChange(() =>
			database.pool("admin").query("update public.clients set allow_plain_salt = false where id = $1", [merchant.id]),
		);
		await expectRefusal(await post(newBody(), inHeaders(merchant)), "invalid_credentials");
	});
});

/** Resolves when this process heard of a client's change. */
async function afterChange(change: () => Promise<unknown>): Promise<void> {
	const { listener } = checkout.dependencies;
	const marker = randomUUID();
	const heard = new Promise<void>((resolve) => {
		const hear = (client_id: string) => {
			if (client_id !== marker) return;
			listener.off("client_changed", hear);
			resolve();
		};
		listener.on("client_changed", hear);
	});
	await change();
	// Changes are told of in the order of their commits, so this comes after all that were made so far.
	await database.pool("admin").query("select pg_notify('client_changed', $1)", [marker]);
	await heard;
}

describe("a merchant's key and salt", () => {
	const seal = (salt: string, id: string) =>
		encryptSecret(keys, salt, { table: "clients", column: "client_salt", row: id });

	it("die when they are regenerated, and the new pair works at once", async () => {
		const old = await createMerchant(database.pool("admin"), keys);
		expect((await initiate(checkout, old, JSON.parse(newBody()))).status).toBe(200);
		const fresh = { client_key: `${old.client_key}_new`, client_salt: "fresh-salt-of-the-merchant" };
		await afterChange(() =>
			database
				.pool("admin")
				.query("select public.regenerate_client_credentials($1, $2, $3, null, 0, 'leaked', 'test')", [
					old.id,
					fresh.client_key,
					seal(fresh.client_salt, old.id),
				]),
		);
		expect((await initiate(checkout, old, JSON.parse(newBody()))).body.error.code).toBe("invalid_credentials");
		expect((await initiate(checkout, fresh, JSON.parse(newBody()))).status).toBe(200);
	});

	it("live on beside the new pair for as long as was chosen, signed or plain, each key with its own salt only", async () => {
		const old = await createMerchant(database.pool("admin"), keys, { allow_plain_salt: true });
		const fresh = { client_key: `${old.client_key}_new`, client_salt: "fresh-salt-of-the-merchant" };
		const change = (statement: string, values: unknown[]) =>
			afterChange(() => database.pool("admin").query(statement, values));
		const statusOf = async (client_key: string, client_salt: string) => {
			const signed = await initiate(checkout, { client_key, client_salt }, JSON.parse(newBody()));
			const plain = await post(newBody(), { "x-client-key": client_key, "x-client-salt": client_salt });
			const read = await get(checkout, { client_key, client_salt }, "/transactions");
			return [signed.status, plain.status, read.status];
		};
		await change("select public.regenerate_client_credentials($1, $2, $3, null, 1, 'routine', 'test')", [
			old.id,
			fresh.client_key,
			seal(fresh.client_salt, old.id),
		]);
		expect(await statusOf(old.client_key, old.client_salt)).toEqual([200, 200, 200]);
		expect(await statusOf(fresh.client_key, fresh.client_salt)).toEqual([200, 200, 200]);
		expect(await statusOf(old.client_key, fresh.client_salt)).toEqual([401, 401, 401]);
		expect(await statusOf(fresh.client_key, old.client_salt)).toEqual([401, 401, 401]);
		await change("select public.end_credential_overlap($1, 'changed over', 'test')", [old.id]);
		expect(await statusOf(old.client_key, old.client_salt)).toEqual([401, 401, 401]);
		expect(await statusOf(fresh.client_key, fresh.client_salt)).toEqual([200, 200, 200]);
	});

	it("die even while the process has not heard of the change, and a new salt is accepted", async () => {
		const merchant = await createMerchant(database.pool("admin"), keys);
		expect((await initiate(checkout, merchant, JSON.parse(newBody()))).status).toBe(200);
		// Without the trigger no process is told, as when the connection that listens has just been lost.
		const admin = await database.connection("admin");
		await admin.query("set session_replication_role = replica");
		await admin.query("update public.clients set client_key = client_key || '_new', client_salt = $2 where id = $1", [
			merchant.id,
			seal("another-salt", merchant.id),
		]);
		expect((await initiate(checkout, merchant, JSON.parse(newBody()))).body.error.code).toBe("invalid_credentials");
		const fresh = { client_key: `${merchant.client_key}_new`, client_salt: "another-salt" };
		expect((await initiate(checkout, fresh, JSON.parse(newBody()))).status).toBe(200);
	});

	it("are forgotten when the connection that listens is lost, and work again after", async () => {
		const { listener } = checkout.dependencies;
		const back = once(listener, "connected");
		await database
			.pool("admin")
			.query(
				"select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'checkout-listener' and datname = current_database()",
			);
		await back;
		expect((await initiate(checkout, signing, JSON.parse(newBody()))).status).toBe(200);
	});
});

describe("a merchant that is not active", () => {
	it.each(["suspended", "disabled"])("gets client_suspended when %s, for payments and reads", async (status) => {
		const merchant = await createMerchant(database.pool("admin"), keys, { status });
		for (const answer of [
			await initiate(checkout, merchant, JSON.parse(newBody())),
			await get(checkout, merchant, "/transactions"),
		]) {
			expect([answer.status, answer.body.error.code]).toEqual([403, "client_suspended"]);
		}
	});
});
