import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decryptSecret, encryptSecret, parseEncryptionKeys, SECRET_COLUMNS } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, type TestMerchant } from "../test/merchants.ts";

const key = (kid: string) => `${kid}:${randomBytes(32).toString("base64")}`;
const [old_key, new_key] = [key("old_1"), key("new1")];
const old_keys = parseEncryptionKeys(old_key);
const new_keys = parseEncryptionKeys(new_key);

let database: TestDatabase;
let merchants: TestMerchant[];

beforeAll(async () => {
	database = await createTestDatabase();
	const admin = database.pool("admin");
	merchants = await Promise.all(
		Array.from({ length: 3 }, () => createMerchant(admin, old_keys, {}, [{}, { webhook_secret: null }])),
	);
	const { id } = merchants[0]!;
	await admin.query(
		`insert into public.collection_accounts (client_id, provider, api_key, api_secret, destination)
			values ($1, 'cashfree', 'CF1', $2, 'LIGHTSPEEDPAY')`,
		[id, encryptSecret(old_keys, "of a collection", { table: "collection_accounts", column: "api_secret", row: id })],
	);
});
afterAll(() => database.drop());

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

async function rotate(ENCRYPTION_KEYS: string, DATABASE_URL = database.url("owner")) {
	const child = spawn(process.execPath, [join(import.meta.dirname, "rotate-secrets.ts")], {
		env: { PATH: process.env.PATH, ENCRYPTION_KEYS, DATABASE_URL },
		stdio: ["ignore", "pipe", "pipe"],
	});
	const output = { stdout: "", stderr: "" };
	child.stdout.on("data", (chunk) => {
		output.stdout += chunk;
	});
	child.stderr.on("data", (chunk) => {
		output.stderr += chunk;
	});
	const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
	return { code, ...output };
}

const seal = (keys: typeof old_keys, row: string, plaintext: string) =>
	encryptSecret(keys, plaintext, { table: "clients", column: "webhook_secret", row });

/** Every secret there is, opened with the new key alone. */
async function openAll(): Promise<string[]> {
	const clients = await rows<Record<string, string>>(
		"select id, client_salt, previous_client_salt, webhook_secret, previous_webhook_secret from clients order by id",
	);
	const gateways = await rows<Record<string, string>>("select id, api_secret, webhook_secret from payment_gateways");
	const collections = await rows<Record<string, string>>("select client_id, api_secret from collection_accounts");
	const open = (table: string, row: string, column: string, stored: string | null | undefined) =>
		stored ? [decryptSecret(new_keys, stored, { table, column, row })] : [];
	return [
		...clients.flatMap(({ id, client_salt, previous_client_salt, webhook_secret, previous_webhook_secret }) => [
			...open("clients", id!, "client_salt", client_salt),
			...open("clients", id!, "client_salt", previous_client_salt),
			...open("clients", id!, "webhook_secret", webhook_secret),
			...open("clients", id!, "webhook_secret", previous_webhook_secret),
		]),
		...gateways.flatMap(({ id, api_secret, webhook_secret }) => [
			...open("payment_gateways", id!, "api_secret", api_secret),
			...open("payment_gateways", id!, "webhook_secret", webhook_secret),
		]),
		...collections.flatMap(({ client_id, api_secret }) =>
			open("collection_accounts", client_id!, "api_secret", api_secret),
		),
	].sort();
}

/** As the merchants were made: the second gateway of each has no webhook secret. */
const plaintexts = () => [
	"of a collection",
	...merchants.flatMap(({ client_salt, webhook_secret, gateways: [first, second] }) => [
		client_salt,
		webhook_secret,
		first!.api_secret,
		first!.webhook_secret,
		second!.api_secret,
	]),
];

describe("secrets:rotate", () => {
	it("knows every column that holds a secret", async () => {
		const columns = await rows<{ name: string }>(
			`select c.conrelid::regclass || '.' || a.attname as name from pg_constraint c
				join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any (c.conkey)
				where pg_get_constraintdef(c.oid) like '%''v1.\\%''%' order by 1`,
		);
		expect(columns.map(({ name }) => name)).toEqual(
			SECRET_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
		);
	});

	it("says which variable is missing", async () => {
		expect(await rotate("", "")).toMatchObject({ code: 1, stderr: expect.stringMatching(/^DATABASE_URL must be/) });
		expect(await rotate("nonsense")).toMatchObject({ code: 1, stderr: expect.stringMatching(/^ENCRYPTION_KEYS must/) });
	});

	it("leaves a secret that does not open, names it, rotates the others and exits non-zero", async () => {
		const [first, second] = merchants as [TestMerchant, TestMerchant];
		const [kept] = await rows<{ client_salt: string }>("select client_salt from clients where id = $1", [first.id]);
		const salt_of = "(select client_salt from clients where id = $2)";
		await rows(`update clients set client_salt = ${salt_of} where id = $1`, [first.id, second.id]);
		const { code, stdout, stderr } = await rotate(`${new_key},${old_key}`);
		expect({ code, stdout, stderr }).toEqual({
			code: 1,
			stdout: [
				"clients.client_salt: 2 encrypted again",
				"clients.previous_client_salt: 0 encrypted again",
				"clients.webhook_secret: 3 encrypted again",
				"clients.previous_webhook_secret: 0 encrypted again",
				"webhook_endpoints.secret: 0 encrypted again",
				"webhook_endpoints.previous_secret: 0 encrypted again",
				"payment_gateways.api_secret: 6 encrypted again",
				"payment_gateways.webhook_secret: 3 encrypted again",
				"collection_accounts.api_secret: 1 encrypted again",
				"collection_accounts.webhook_secret: 0 encrypted again",
				"whatsapp_provider_tokens.token: 0 encrypted again",
				"",
			].join("\n"),
			stderr: [
				`clients.client_salt of ${first.id} does not open with key "old_1": it was altered or belongs elsewhere.`,
				"1 secret(s) did not open and were left as they are. Keep the older keys.",
				"",
			].join("\n"),
		});
		await rows("update clients set client_salt = $2 where id = $1", [first.id, kept!.client_salt]);
	});

	it("does what is left when it is run again, and after that the old key is not needed", async () => {
		const { code, stdout, stderr } = await rotate(`${new_key},${old_key}`);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		expect(stdout).toContain(
			"clients.client_salt: 1 encrypted again\nclients.previous_client_salt: 0 encrypted again\nclients.webhook_secret: 0 encrypted again\n",
		);
		expect(stdout).toContain('Every secret is encrypted with the key "new1".\n');
		expect(await openAll()).toEqual(plaintexts().sort());
		expect(await rotate(new_key)).toMatchObject({ code: 0 });
	});

	it("rotates the webhook secret that a merchant is leaving, and leaves its day to it", async () => {
		const [{ id, webhook_secret }] = merchants as [TestMerchant];
		const made = `whsec_${randomBytes(32).toString("base64")}`;
		await rows("update clients set webhook_secret = $2 where id = $1", [id, seal(old_keys, id, webhook_secret)]);
		await rows("update clients set new_webhook_secret = $2 where id = $1", [id, seal(old_keys, id, made)]);
		const until = () => rows("select previous_webhook_secret_until as until from clients where id = $1", [id]);
		const before = await until();
		expect(await rotate(`${new_key},${old_key}`)).toMatchObject({
			code: 0,
			stdout: expect.stringContaining(
				"clients.webhook_secret: 1 encrypted again\nclients.previous_webhook_secret: 1 encrypted again\n",
			),
		});
		expect(await openAll()).toEqual([...plaintexts(), made].sort());
		expect(await until()).toEqual(before);
	});

	it("rotates the salt that a merchant is leaving", async () => {
		const [{ id, client_salt }] = merchants as [TestMerchant];
		await rows(
			`update clients set previous_client_key = 'lsp_before', previous_client_salt = client_salt,
				previous_credentials_until = now() + interval '1 hour' where id = $1`,
			[id],
		);
		const [{ stored }] = (await rows<{ stored: string }>("select client_salt as stored from clients where id = $1", [
			id,
		])) as [{ stored: string }];
		await rows("update clients set previous_client_salt = $2 where id = $1", [
			id,
			encryptSecret(old_keys, client_salt, { table: "clients", column: "client_salt", row: id }),
		]);
		expect(await rotate(`${new_key},${old_key}`)).toMatchObject({
			code: 0,
			stdout: expect.stringContaining("clients.previous_client_salt: 1 encrypted again\n"),
		});
		expect(stored).toContain(`.${new_key.split(":")[0]}.`);
		expect(await openAll()).toContain(client_salt);
	});

	it("does not undo a change made while it runs, and rotates that too", async () => {
		const [, { gateways }] = merchants as [TestMerchant, TestMerchant];
		const gateway = gateways[0]!;
		const sealed = (plaintext: string) =>
			encryptSecret(old_keys, plaintext, { table: "payment_gateways", column: "api_secret", row: gateway.id });
		await rows("update payment_gateways set api_secret = $2 where id = $1", [gateway.id, sealed("before")]);
		const operator = await database.pool("admin").connect();
		try {
			await operator.query("begin");
			await operator.query("update payment_gateways set api_secret = $2 where id = $1", [gateway.id, sealed("after")]);
			const rotation = rotate(`${new_key},${old_key}`);
			const waiting = () =>
				rows(
					`select wait_event_type from pg_stat_activity
						where datname = current_database() and usename = 'owner' and wait_event_type = 'Lock'`,
				);
			await expect.poll(waiting).toHaveLength(1);
			await operator.query("commit");
			expect(await rotation).toMatchObject({
				code: 0,
				stdout: expect.stringContaining("payment_gateways.api_secret: 1 encrypted again\n"),
			});
		} finally {
			operator.release();
		}
		const [row] = await rows<{ api_secret: string }>("select api_secret from payment_gateways where id = $1", [
			gateway.id,
		]);
		const place = { table: "payment_gateways", column: "api_secret", row: gateway.id };
		expect(decryptSecret(new_keys, row!.api_secret, place)).toBe("after");
		expect(await rows("select distinct actor, database_role from audit_log where database_role = 'owner'")).toEqual([
			{ actor: "secrets:rotate", database_role: "owner" },
		]);
	});
});
