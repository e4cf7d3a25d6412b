/** What the studio lets whom do, over REST and GraphQL, on a real database with its real column grants. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { beginPspOrder, recordPspOrder } from "../../db/client/attempts.ts";
import { decryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { submitUtr } from "../../db/client/upi.ts";
import type { TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { payPayment, startPayment } from "../../test/payments.ts";
import { collections } from "../config/collections.ts";
import { ROLE_NAMES, type RoleName, roles } from "../config/roles.ts";
import { ensureUser } from "../users.ts";
import { CHECKOUT_URL, createStudioDatabase, type Person, type Studio, startStudio } from "./studio-process.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const readers = ["operator", "finance", "support", "auditor"] as const satisfies RoleName[];

let database: TestDatabase;
let studio: Studio;
let merchant: TestMerchant;
let transactionId: string;

const NOWHERE = "01900000-0000-7000-8000-000000000000";
const DESK_ROUTES: ["GET" | "POST", string][] = [
	["POST", "refunds"],
	["POST", `refunds/${NOWHERE}/resolve`],
	["GET", `transactions/${NOWHERE}/refunds`],
	["GET", `payment-links/${NOWHERE}`],
	["GET", `utr-claims/${NOWHERE}`],
	["POST", `utr-claims/${NOWHERE}/decide`],
	["GET", `statement-lines/${NOWHERE}`],
	["POST", `statement-lines/${NOWHERE}/resolve`],
	["POST", `gateways/${NOWHERE}/statements?file_name=a.csv`],
	["GET", `gateways/${NOWHERE}`],
	["GET", `clients/${NOWHERE}/routing?amount=100`],
];

async function queryOne<T>(sql: string, values: unknown[] = []): Promise<T> {
	const { rows } = await database.pool("admin").query(sql, values);
	return rows[0] as T;
}

beforeAll(async () => {
	database = await createStudioDatabase();
	const admin = database.pool("admin");
	merchant = await createMerchant(admin, keys, { company_name: "Kaveri Books", gstin: "27AAPFU0939F1ZV" });
	const gateway = merchant.gateways[0]!;
	const { id } = await queryOne<{ id: string }>(
		`insert into public.transactions (order_id, client_id, gateway_id, amount, currency, status, fee_percent, expires_at, paid_at)
		values ('order-1', $1, $2, 150000, 'INR', 'paid', 3.5, now(), now()) returning id`,
		[merchant.id, gateway.id],
	);
	transactionId = id;
	await admin.query(
		`insert into public.payment_attempts
			(transaction_id, client_id, gateway_id, attempt_no, amount, status, routing, psp_fee, presentation)
		values ($1, $2, $3, 1, 150000, 'succeeded', '{}', 3000, '{"url": "https://pay.example/return?token=CANARY"}')`,
		[id, merchant.id, gateway.id],
	);
	await admin.query(
		`insert into public.gateway_events (client_id, gateway_id, provider, dedupe_key, event_type, headers, raw_body, verified)
		values ($1, $2, 'razorpay', 'event-1', 'payment.captured', '{"authorization": "CANARY-header"}', 'CANARY-body', true)`,
		[merchant.id, gateway.id],
	);
	await admin.query(
		"insert into public.alerts (kind, severity, message, dedupe_key) values ('no_gateway', 'critical', 'No gateway', 'k')",
	);
	studio = await startStudio(database.url("studio"), {
		// Milliseconds; else its health warns of a database that took more than 150, as it may on a busy machine.
		env: {
			DB_HEALTHCHECK_THRESHOLD: "60000",
			RATE_LIMITER_HEALTHCHECK_THRESHOLD: "60000",
			STORAGE_LOCAL_HEALTHCHECK_THRESHOLD: "60000",
		},
	});
});

afterAll(async () => {
	const code = await studio?.stop();
	await database.drop();
	expect(code).toBe(0);
});

describe("the process", () => {
	it("reports health, with parts for an administrator", async () => {
		const open = await studio.nobody.request("GET", "/server/health");
		expect([open.status, open.body]).toEqual([200, { status: "ok" }]);
		const detailed = await (await studio.person("administrator")).request("GET", "/server/health");
		expect(detailed.body).toMatchObject({
			checks: { "pg:responseTime": expect.anything(), "storage:local:responseTime": expect.anything() },
		});
	});

	it("logs only lines of JSON", () => {
		for (const line of studio.output().split("\n").filter(Boolean)) expect(() => JSON.parse(line)).not.toThrow();
	});

	it("serves no assistant interfaces and does not announce itself to other sites", async () => {
		const admin = await studio.person("administrator");
		expect((await admin.request("GET", "/mcp")).status).toBe(404);
		expect((await admin.request("POST", "/ai/chat", {})).status).toBe(404);
		const page = await fetch(`${studio.url}/admin/login`);
		expect(page.headers.get("content-security-policy")).toContain("connect-src 'self'");
		expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
	});
});

describe("people without a login", () => {
	it("can read, create and call nothing", async () => {
		for (const { collection } of collections) {
			expect((await studio.nobody.request("GET", `/items/${collection}`)).status, collection).toBe(403);
			expect((await studio.nobody.request("POST", `/items/${collection}`, {})).status, collection).toBe(403);
		}
		const client = `/lightspeedpay/clients/${merchant.id}`;
		expect((await studio.nobody.request("GET", client)).status).toBe(403);
		expect((await studio.nobody.request("POST", `${client}/reveal`)).status).toBe(403);
		expect((await studio.nobody.request("POST", `${client}/regenerate-key`)).status).toBe(403);
		for (const [method, path] of DESK_ROUTES) {
			const answer = await studio.nobody.request(method, `/lightspeedpay/${path}`, method === "POST" ? {} : undefined);
			expect(answer.status, path).toBe(403);
		}
	});

	it("cannot register themselves", async () => {
		const answer = await studio.nobody.request("POST", "/users/register", {
			email: "x@example.com",
			password: "long enough",
		});
		expect(answer.status).toBe(403);
	});
});

describe("roles", () => {
	it.each(readers)("%s reads exactly what the policy lists", async (role) => {
		const person = await studio.person(role);
		const permissions = roles[role].permissions;
		if (permissions === "all") throw new Error("not a reader");
		for (const { collection, fields = [] } of collections) {
			const allowed = permissions.find((each) => each.collection === collection && each.action === "read");
			const answer = await person.request("GET", `/items/${collection}?limit=1`);
			expect(answer.status, collection).toBe(allowed === undefined ? 403 : 200);
			// Refused before a field is looked at.
			if (allowed === undefined) continue;
			const columns = fields.filter(({ special = [] }) => !special.includes("no-data"));
			const isListed = ({ field }: { field: string }) => allowed.fields.includes(field);
			// One that may not be read has all of them refused.
			const listed = columns.filter(isListed).map(({ field }) => field);
			const together = await person.request("GET", `/items/${collection}?fields=${listed.join(",")}&limit=1`);
			expect(together.status, `${collection}: ${together.text}`).toBe(200);
			await Promise.all(
				columns
					.filter((each) => !isListed(each))
					.map(async ({ field, special = [] }) => {
						const one = await person.request("GET", `/items/${collection}?fields=${field}&limit=1`);
						if (special.includes("o2m") && one.status === 200) {
							// Directus leaves out rows of a collection that may not be read instead of refusing.
							expect(Object.keys(one.body.data[0] ?? {}), `${collection}.${field}`).not.toContain(field);
							return;
						}
						expect(one.status, `${collection}.${field}`).toBe(403);
					}),
			);
		}
	});

	it.each(ROLE_NAMES)("%s cannot create, change or delete payments, entries or the audit log", async (role) => {
		const person = await studio.person(role);
		const rows: [collection: string, id: string, change: object][] = [
			["transactions", transactionId, { status: "failed" }],
			["payment_attempts", transactionId, { status: "failed" }],
			["gateway_events", transactionId, { verified: true }],
			["webhook_events", transactionId, { status: "delivered" }],
			["refunds", transactionId, { status: "succeeded", amount: 1, transaction_id: transactionId }],
			["utr_claims", transactionId, { status: "approved" }],
			["bank_statements", transactionId, { matched_count: 9 }],
			["bank_statement_lines", transactionId, { status: "matched" }],
			["payment_link_payments", transactionId, { payment_link_id: transactionId }],
			["webhook_deliveries", transactionId, { status_code: 200 }],
			["wallet_entries", transactionId, { amount: 1 }],
			["gateway_states", merchant.gateways[0]!.id, { volume: 1 }],
			["audit_log", transactionId, { actor: "somebody else" }],
		];
		for (const [collection, id, change] of rows) {
			const created = await person.request("POST", `/items/${collection}`, { ...change, client_id: merchant.id });
			expect([400, 403], `create ${collection}: ${created.text}`).toContain(created.status);
			const changed = await person.request("PATCH", `/items/${collection}/${id}`, change);
			expect([400, 403], `change ${collection}: ${changed.text}`).toContain(changed.status);
			expect((await person.request("DELETE", `/items/${collection}/${id}`)).status, `delete ${collection}`).toBe(403);
		}
		for (const collection of ["clients", "payment_gateways", "wallets"]) {
			expect((await person.request("DELETE", `/items/${collection}/${merchant.id}`)).status, collection).toBe(403);
		}
		expect(await queryOne("select status, amount from public.transactions where id = $1", [transactionId])).toEqual({
			status: "paid",
			amount: 150000,
		});
	});

	it("only administrators and operators change clients and gateways", async () => {
		const expected = { administrator: 200, operator: 200, finance: 403, support: 403, auditor: 403 };
		for (const role of ROLE_NAMES) {
			const person = await studio.person(role);
			const client = await person.request("PATCH", `/items/clients/${merchant.id}`, { phone: `+91 ${role}` });
			expect(client.status, role).toBe(expected[role]);
			const gateway = await person.request("PATCH", `/items/payment_gateways/${merchant.gateways[0]!.id}`, {
				priority: 3,
			});
			expect(gateway.status, role).toBe(expected[role]);
			const created = await person.request("POST", "/items/clients", { company_name: `By ${role}` });
			expect(created.status, role).toBe(expected[role]);
		}
	});

	it("an operator sets a wallet's warning, but not its balance, and no alert except by what the module Alerts calls", async () => {
		const operator = await studio.person("operator");
		const { id } = await queryOne<{ id: string }>("select id from public.alerts");
		expect((await operator.request("PATCH", `/items/alerts/${id}`, { status: "acknowledged" })).status).toBe(403);
		const wallet = `/items/wallets/${merchant.id}`;
		expect((await operator.request("PATCH", wallet, { warn_threshold: 500000 })).status).toBe(200);
		expect((await operator.request("PATCH", wallet, { balance_due: 0 })).status).toBe(403);
	});

	it("nobody but an administrator sees or makes other people", async () => {
		for (const role of ["operator", "finance", "support"] as const) {
			const person = await studio.person(role);
			const users = await person.request("GET", "/users?fields=id");
			expect(users.body.data.map(({ id }: { id: string }) => id)).toEqual([person.id]);
			expect((await person.request("POST", "/users", { email: "y@example.com" })).status).toBe(403);
			const raised = await person.request("PATCH", "/users/me", { role: roles.administrator.id });
			expect(raised.status).toBe(403);
		}
	});
});

describe("a new client", () => {
	it("gets key, salt, webhook secret and wallet, whatever was sent as key", async () => {
		const operator = await studio.person("operator");
		const answer = await operator.request("POST", "/items/clients", {
			company_name: "Fifty Lamps",
			client_key: "chosen_by_me",
		});
		expect(answer.status, answer.text).toBe(200);
		const row = await queryOne<{
			client_key: string;
			client_salt: string;
			webhook_secret: string;
			balance_due: number;
		}>(
			"select client_key, client_salt, webhook_secret, balance_due from public.clients join public.wallets on client_id = id where id = $1",
			[answer.body.data.id],
		);
		expect(row.client_key).toMatch(/^lsp_[0-9a-f]{24}$/);
		expect(row.balance_due).toBe(0);
		const where = (column: string) => ({ table: "clients", column, row: answer.body.data.id });
		expect(decryptSecret(keys, row.client_salt, where("client_salt"))).toMatch(/^[\w-]{43}$/);
		expect(decryptSecret(keys, row.webhook_secret, where("webhook_secret"))).toMatch(/^whsec_[\w+/]{43}=$/);
	});

	it("is refused with the field's name when a value breaks a rule of the table", async () => {
		const operator = await studio.person("operator");
		const cases: [Record<string, unknown>, string][] = [
			[{ gstin: "not a gstin" }, "gstin"],
			[{ fee_percent: 101 }, "fee_percent"],
			[{ cooldown_seconds: 0 }, "cooldown_seconds"],
			[{ rotation_mode: "random" }, "rotation_mode"],
			[{ suspend_threshold: 0 }, "suspend_threshold"],
			[{ webhook_url: "ftp://example.com" }, "webhook_url"],
			[{ webhook_url: "http://shop.example.com/events" }, "webhook_url"],
			[{ webhook_url: "https://" }, "webhook_url"],
			[{ redirect_urls: { not: "a list" } }, "redirect_urls"],
		];
		for (const [change, field] of cases) {
			const answer = await operator.request("PATCH", `/items/clients/${merchant.id}`, change);
			expect(answer.status, answer.text).toBe(400);
			expect(answer.text).toContain(field);
		}
		for (const webhook_url of [
			"https://shop.example.com/events",
			"http://127.0.0.1:4000/merchant/webhook/kaveri-books",
		]) {
			const taken = await operator.request("PATCH", `/items/clients/${merchant.id}`, { webhook_url });
			expect(taken.status, taken.text).toBe(200);
		}
		const cleared = await operator.request("PATCH", `/items/clients/${merchant.id}`, {
			webhook_url: null,
			gstin: null,
			suspend_threshold: null,
		});
		expect(cleared.status, cleared.text).toBe(200);
	});
});

describe("gateways", () => {
	it("are switched off and on, which the gateway log and the audit log record", async () => {
		const operator = await studio.person("operator");
		const id = merchant.gateways[0]!.id;
		for (const is_active of [false, true]) {
			const answer = await operator.request("PATCH", `/items/payment_gateways/${id}`, { is_active });
			expect(answer.body.data.is_active).toBe(is_active);
		}
		const { kinds } = await queryOne<{ kinds: string[] }>(
			"select array_agg(kind order by id) as kinds from public.gateway_log where gateway_id = $1",
			[id],
		);
		expect(kinds).toEqual(["deactivated", "activated"]);
	});

	it("stay with their client and their provider", async () => {
		const operator = await studio.person("operator");
		const path = `/items/payment_gateways/${merchant.gateways[0]!.id}`;
		expect((await operator.request("PATCH", path, { client_id: merchant.id })).status).toBe(403);
		expect((await operator.request("PATCH", path, { provider: "stripe" })).status).toBe(403);
		const admin = await studio.person("administrator");
		expect((await admin.request("PATCH", path, { provider: "stripe" })).status).toBe(400);
	});

	it("are made only for providers that there is an adapter for", async () => {
		const operator = await studio.person("operator");
		const gateway = { client_id: merchant.id, name: "Elsewhere", api_key: "k", new_api_secret: "s" };
		const answer = await operator.request("POST", "/items/payment_gateways", { ...gateway, provider: "paypal" });
		expect(answer.status).toBe(400);
		expect(answer.text).toContain("provider");
	});

	it("answer with the database's own words when there would be more than fifty active ones", async () => {
		const full = await createMerchant(database.pool("admin"), keys, {}, Array(50).fill({}));
		const operator = await studio.person("operator");
		const gateway = { client_id: full.id, name: "51", provider: "razorpay", api_key: "k", new_api_secret: "s" };
		const answer = await operator.request("POST", "/items/payment_gateways", gateway);
		expect(answer.status).toBe(400);
		expect(answer.text).toContain("at most 50 active gateways");
	});

	it("need an API secret", async () => {
		const operator = await studio.person("operator");
		const gateway = { client_id: merchant.id, name: "Second", provider: "razorpay", api_key: "k" };
		const answer = await operator.request("POST", "/items/payment_gateways", gateway);
		expect(answer.status).toBe(400);
		expect(answer.text).toContain("api_secret");
	});
});

describe("secrets", () => {
	const SECRET_COLUMNS: [string, string][] = [
		["clients", "client_salt"],
		["clients", "webhook_secret"],
		["payment_gateways", "api_secret"],
		["payment_gateways", "webhook_secret"],
		["clients", "previous_webhook_secret"],
		["payment_attempts", "presentation"],
		["gateway_events", "headers"],
		["gateway_events", "raw_body"],
	];

	it.each(ROLE_NAMES)("cannot be read, filtered, sorted or grouped by as %s", async (role) => {
		const person = await studio.person(role);
		for (const [collection, column] of SECRET_COLUMNS) {
			const tries = [
				`fields=${column}`,
				"fields=*",
				"fields=*.*",
				`filter[${column}][_starts_with]=v1`,
				`sort=${column}`,
				`aggregate[max]=${column}`,
				`groupBy[]=${column}&aggregate[count]=*`,
				`alias[x]=${column}&fields=x`,
			];
			for (const query of tries) {
				const answer = await person.request("GET", `/items/${collection}?${query}`);
				expect(answer.text, `${collection}?${query}`).not.toMatch(/v1\.test\.|CANARY/);
			}
			const graph = await person.request("POST", "/graphql", { query: `{ ${collection} { ${column} } }` });
			expect(graph.body.errors, `${collection}.${column}`).toBeDefined();
			expect(graph.text).not.toMatch(/v1\.test\.|CANARY/);
		}
	});

	it("of a gateway are written under either name, one gateway at a time, and never come back", async () => {
		const operator = await studio.person("operator");
		const created = await operator.request("POST", "/items/payment_gateways", {
			client_id: merchant.id,
			name: "Canary",
			provider: "razorpay",
			api_key: "rzp_test_1",
			new_api_secret: "CANARY-api-1",
			new_webhook_secret: "CANARY-hook-1",
		});
		expect(created.status, created.text).toBe(200);
		const id: string = created.body.data.id;
		expect(created.body.data).toMatchObject({
			new_api_secret: null,
			new_webhook_secret: null,
			has_webhook_secret: true,
		});
		await expectSecrets(id, "CANARY-api-1", "CANARY-hook-1");

		const changed = await operator.request("PATCH", `/items/payment_gateways/${id}`, {
			new_api_secret: "CANARY-api-2",
		});
		expect(changed.text).not.toContain("CANARY");
		await expectSecrets(id, "CANARY-api-2", "CANARY-hook-1");
		await (await studio.person("administrator")).request("PATCH", `/items/payment_gateways/${id}`, {
			webhook_secret: "CANARY-hook-2",
		});
		await expectSecrets(id, "CANARY-api-2", "CANARY-hook-2");

		for (const new_api_secret of [null, "", "**********"]) {
			expect((await operator.request("PATCH", `/items/payment_gateways/${id}`, { new_api_secret })).status).toBe(200);
		}
		await expectSecrets(id, "CANARY-api-2", "CANARY-hook-2");

		const many = { keys: [id, merchant.gateways[0]!.id], data: { new_api_secret: "CANARY-api-3" } };
		expect((await operator.request("PATCH", "/items/payment_gateways", many)).status).toBe(400);
		const broken = { new_api_secret: "CANARY-api-4", min_amount: 500, max_amount: 100 };
		expect((await operator.request("PATCH", `/items/payment_gateways/${id}`, broken)).status).toBe(400);
		await expectSecrets(id, "CANARY-api-2", "CANARY-hook-2");
	});

	async function expectSecrets(id: string, api: string, hook: string): Promise<void> {
		const row = await queryOne<{ api_secret: string; webhook_secret: string }>(
			"select api_secret, webhook_secret from public.payment_gateways where id = $1",
			[id],
		);
		const open = (column: "api_secret" | "webhook_secret") =>
			decryptSecret(keys, row[column], { table: "payment_gateways", column, row: id });
		expect([open("api_secret"), open("webhook_secret")]).toEqual([api, hook]);
	}

	it("arrive encrypted by every way in: nested, many at once, GraphQL, import", async () => {
		const admin = await studio.person("administrator");
		const gateway = (name: string) => ({ name, provider: "razorpay", api_key: "k", new_api_secret: `CANARY-${name}` });
		const mine = (name: string) => ({ ...gateway(name), client_id: merchant.id });

		const nested = await admin.request("POST", "/items/clients", {
			company_name: "Nested",
			gateways: [gateway("nested-1")],
		});
		expect(nested.status, nested.text).toBe(200);
		const added = { gateways: { create: [gateway("nested-2")], update: [], delete: [] } };
		expect((await admin.request("PATCH", `/items/clients/${nested.body.data.id}`, added)).status).toBe(200);
		const many = await admin.request("POST", "/items/payment_gateways", [mine("many-1"), mine("many-2")]);
		expect(many.status, many.text).toBe(200);
		const batch = many.body.data.map(({ id }: { id: string }, index: number) => ({
			id,
			api_secret: `CANARY-batch-${index}`,
		}));
		expect((await admin.request("PATCH", "/items/payment_gateways", batch)).status).toBe(200);
		const graph = await admin.request("POST", "/graphql", {
			query: `mutation ($id: ID!, $data: update_payment_gateways_input!) {
				update_payment_gateways_item(id: $id, data: $data) { id }
			}`,
			variables: { id: many.body.data[1].id, data: { new_api_secret: "CANARY-graph" } },
		});
		expect(graph.body.errors, graph.text).toBeUndefined();
		// Directus answers this with what was wrong, and would log it with all that was sent.
		const refused = await admin.request("POST", "/graphql", {
			query: "mutation ($data: create_payment_gateways_input!) { create_payment_gateways_item(data: $data) { id } }",
			variables: { data: gateway("refused") },
		});
		expect(refused.body.errors).toBeDefined();
		const form = new FormData();
		form.append("file", new Blob([JSON.stringify([mine("import")])], { type: "application/json" }), "gateways.json");
		const imported = await fetch(`${studio.url}/utils/import/payment_gateways`, {
			method: "POST",
			headers: { authorization: `Bearer ${admin.token}` },
			body: form,
		});
		expect(imported.status).toBe(200);

		const { rows } = await database
			.pool("admin")
			.query<{ id: string; name: string; api_secret: string }>(
				"select id, name, api_secret from public.payment_gateways where name ~ '^(nested|many|refused|import)' order by name",
			);
		const opened = rows.map(({ id, name, api_secret }) => [
			name,
			decryptSecret(keys, api_secret, { table: "payment_gateways", column: "api_secret", row: id }),
		]);
		expect(opened).toEqual([
			["import", "CANARY-import"],
			["many-1", "CANARY-batch-0"],
			["many-2", "CANARY-graph"],
			["nested-1", "CANARY-nested-1"],
			["nested-2", "CANARY-nested-2"],
		]);
	});

	it("stand in no table as plaintext, revisions included, and in no log", async () => {
		const admin = database.pool("admin");
		const { rows: tables } = await admin.query<{ name: string }>(
			`select format('%I.%I', table_schema, table_name) as name from information_schema.tables
			where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
		);
		expect(tables.map(({ name }) => name)).toEqual(
			expect.arrayContaining([
				"directus.directus_revisions",
				"directus.directus_activity",
				"directus.directus_sessions",
			]),
		);
		// What the studio makes and shows once is as secret as what is typed into it.
		const administrator = await studio.person("administrator");
		const client = await administrator.request("POST", "/items/clients", { company_name: "Shown" });
		const address = `/lightspeedpay/clients/${client.body.data.id}`;
		const made = await administrator.request("POST", `${address}/regenerate-key`, {
			webhook_secret: true,
			reason: "x",
		});
		const revealed = await administrator.request("POST", `${address}/reveal`, {});
		expect([made.status, revealed.status]).toEqual([200, 200]);
		const { client_salt, webhook_secret } = made.body.data;
		expect(revealed.body.data).toMatchObject({ client_salt, webhook_secret });
		for (const { name } of tables) {
			const { rows: shown } = await admin.query(
				`select from ${name} t where strpos(t::text, $1) > 0 or strpos(t::text, $2) > 0`,
				[client_salt, webhook_secret],
			);
			expect(shown, name).toEqual([]);
			// There they belong, out of the studio's reach.
			if (name === "public.gateway_events" || name === "public.payment_attempts") continue;
			const { rows } = await admin.query(`select t::text from ${name} t where t::text like '%CANARY%'`);
			expect(rows, name).toEqual([]);
		}
		const { rows: ciphertext } = await admin.query(
			"select id from directus.directus_revisions where data::text || delta::text ~ 'v1\\.test\\.'",
		);
		expect(ciphertext).toEqual([]);
		expect(studio.output()).not.toContain("CANARY");
		expect(studio.output()).not.toContain(client_salt);
	});

	it("are beyond the studio's database role, whatever Directus is asked", async () => {
		const role = database.pool("studio");
		for (const [table, column] of SECRET_COLUMNS) {
			await expect(role.query(`select ${column} from public.${table}`)).rejects.toMatchObject({ code: "42501" });
		}
		for (const statement of [
			"update public.payment_gateways set api_secret = 'v1.x'",
			"update public.clients set client_salt = 'v1.x'",
			"update public.clients set client_key = 'stolen_key'",
			"update public.transactions set status = 'paid'",
			"delete from public.wallet_entries",
			"insert into public.audit_log (actor, database_role, action, table_name, row_id) values ('a', 'b', 'c', 'd', 'e')",
			"select * from public.client_usage",
			"select public.settle_attempt(null)",
			"create table public.mine ()",
		]) {
			await expect(role.query(statement), statement).rejects.toMatchObject({
				code: expect.stringMatching(/^42(501|883)$/),
			});
		}
	});
});

describe("who did it", () => {
	it("is recorded for updates too, with the address that cannot be chosen", async () => {
		const operator = await studio.person("operator");
		const answer = await operator.request(
			"PATCH",
			`/items/clients/${merchant.id}`,
			{ legal_name: "Kaveri Books Private Limited" },
			{ "x-forwarded-for": "203.0.113.9" },
		);
		expect(answer.status).toBe(200);
		const row = await queryOne(
			"select actor, database_role, address, action, after from public.audit_log where row_id = $1 order by id desc limit 1",
			[merchant.id],
		);
		expect(row).toEqual({
			actor: operator.id,
			database_role: "studio",
			address: "127.0.0.1",
			action: "update",
			after: { legal_name: "Kaveri Books Private Limited" },
		});
	});

	it("is never mixed up between people at work at the same time", async () => {
		const people = [await studio.person("operator"), await studio.person("administrator")];
		const marks = Array.from({ length: 30 }, (_, index) => ({
			by: people[index % 2] as Person,
			name: `Mark ${index}`,
		}));
		const made = await Promise.all(
			marks.map(({ by, name }) => by.request("POST", "/items/clients", { company_name: name })),
		);
		await Promise.all(
			marks.map(({ by, name }, index) =>
				by.request("PATCH", `/items/clients/${made[index]!.body.data.id}`, { legal_name: name }),
			),
		);
		const { rows } = await database
			.pool("admin")
			.query<{ row_id: string; actor: string }>(
				"select row_id, actor from public.audit_log where table_name = 'clients'",
			);
		for (const [index, { by }] of marks.entries()) {
			const actors = rows.filter(({ row_id }) => row_id === made[index]!.body.data.id).map(({ actor }) => actor);
			expect(actors).toEqual([by.id, by.id]);
		}
	});
});

describe("credentials of a client", () => {
	const read = () =>
		queryOne<{ client_key: string; client_salt: string; webhook_secret: string }>(
			"select client_key, client_salt, webhook_secret from public.clients where id = $1",
			[merchant.id],
		);
	const path = () => `/lightspeedpay/clients/${merchant.id}`;

	it("are described without secrets to whoever may read the client", async () => {
		const expected = { administrator: true, operator: true, support: false, auditor: false };
		for (const [role, may_manage] of Object.entries(expected)) {
			const answer = await (await studio.person(role as RoleName)).request("GET", path());
			expect(answer.body.data, role).toMatchObject({
				client_key: merchant.client_key,
				checkout_url: CHECKOUT_URL,
				inbound_webhook_url: `${CHECKOUT_URL}/webhook/${merchant.client_key}`,
				may_manage,
			});
			expect(answer.text).not.toContain("salt");
		}
		// Finance does not read the key at all.
		expect((await (await studio.person("finance")).request("GET", path())).status).toBe(403);
	});

	it("are revealed to operators and administrators only, and each time audited", async () => {
		for (const role of ["finance", "support", "auditor"] as const) {
			expect((await (await studio.person(role)).request("POST", `${path()}/reveal`)).status, role).toBe(403);
		}
		const operator = await studio.person("operator");
		const answer = await operator.request("POST", `${path()}/reveal`);
		expect(answer.body.data).toEqual({
			client_key: merchant.client_key,
			client_salt: merchant.client_salt,
			webhook_secret: merchant.webhook_secret,
		});
		expect(
			await queryOne("select actor, action from public.audit_log where row_id = $1 order by id desc limit 1", [
				merchant.id,
			]),
		).toEqual({ actor: operator.id, action: "reveal_secrets" });
	});

	it("are regenerated by operators and administrators only; the old key is retired and the change audited", async () => {
		for (const role of ["finance", "support", "auditor"] as const) {
			expect((await (await studio.person(role)).request("POST", `${path()}/regenerate-key`)).status, role).toBe(403);
		}
		expect((await read()).client_key).toBe(merchant.client_key);

		const operator = await studio.person("operator");
		const answer = await operator.request("POST", `${path()}/regenerate-key`, { reason: "leaked" });
		expect(answer.status, answer.text).toBe(200);
		const fresh = answer.body.data;
		expect(Object.keys(fresh)).toEqual(["client_key", "client_salt", "previous_valid_until"]);
		const row = await read();
		const where = (column: string) => ({ table: "clients", column, row: merchant.id });
		expect(row.client_key).toBe(fresh.client_key);
		expect(decryptSecret(keys, row.client_salt, where("client_salt"))).toBe(fresh.client_salt);
		expect(decryptSecret(keys, row.webhook_secret, where("webhook_secret"))).toBe(merchant.webhook_secret);
		expect(
			await queryOne("select client_id from public.retired_client_keys where client_key = $1", [merchant.client_key]),
		).toEqual({ client_id: merchant.id });
		const { rows } = await database
			.pool("admin")
			.query("select distinct actor from public.audit_log where row_id = $1 and action = 'regenerate_credentials'", [
				merchant.id,
			]);
		expect(rows).toEqual([{ actor: operator.id }]);

		const again = await operator.request("POST", `${path()}/regenerate-key`, {
			webhook_secret: true,
			reason: "leaked",
		});
		expect(again.body.data.webhook_secret).toMatch(/^whsec_/);
		expect(again.body.data.webhook_secret).not.toBe(merchant.webhook_secret);
		const leaving = await queryOne<{ stored: string; hours: number }>(
			`select previous_webhook_secret as stored,
				extract(epoch from previous_webhook_secret_until - updated_at)::int / 3600 as hours
			from public.clients where id = $1`,
			[merchant.id],
		);
		expect(leaving.hours).toBe(24);
		expect(decryptSecret(keys, leaving.stored, where("webhook_secret"))).toBe(merchant.webhook_secret);
	});

	it("cannot be set by hand", async () => {
		const admin = await studio.person("administrator");
		for (const field of ["client_key", "client_salt", "webhook_secret", "new_client_salt"]) {
			const answer = await admin.request("PATCH", `/items/clients/${merchant.id}`, { [field]: "mine_mine_mine" });
			expect(answer.status, field).toBe(400);
		}
	});

	it("are out of reach at once for an operator who became something else, though the token is good", async () => {
		const demoted = {
			databaseUrl: database.url("studio"),
			email: "demoted@example.com",
			password: "correct horse battery",
		};
		await ensureUser({ ...demoted, role: "operator" });
		const login = await studio.nobody.request("POST", "/auth/login", {
			email: demoted.email,
			password: demoted.password,
		});
		const headers = { authorization: `Bearer ${login.body.data.access_token}` };
		expect((await studio.nobody.request("POST", `${path()}/reveal`, {}, headers)).status).toBe(200);
		await ensureUser({ ...demoted, role: "support" });
		expect((await studio.nobody.request("POST", `${path()}/reveal`, {}, headers)).status).toBe(403);
	});

	it("of a client that does not exist are refused like those that are not allowed", async () => {
		const operator = await studio.person("operator");
		const nowhere = "/lightspeedpay/clients/01900000-0000-7000-8000-000000000000";
		expect((await operator.request("POST", `${nowhere}/reveal`)).status).toBe(403);
		expect((await operator.request("POST", `${nowhere}/regenerate-key`, { reason: "leaked" })).status).toBe(403);
		expect((await operator.request("POST", "/lightspeedpay/clients/1/reveal")).status).toBe(404);
	});
});

describe("settings of a gateway", () => {
	const gateway = (provider: string, settings: unknown, more: object = {}) => ({
		client_id: merchant.id,
		name: `${provider} account`,
		provider,
		api_key: "key_1",
		new_api_secret: "s",
		settings,
		...more,
	});

	it("are filled in, checked by the provider's own rules, and hold no secrets", async () => {
		const operator = await studio.person("operator");
		const make = (body: object) => operator.request("POST", "/items/payment_gateways", body);
		const phonepe = await make(
			gateway("phonepe", { client_version: 3, webhook_mode: "basic", webhook_username: "kaveri" }),
		);
		expect(phonepe.status, phonepe.text).toBe(200);
		expect(phonepe.body.data.settings).toEqual({
			client_version: "3",
			environment: "production",
			webhook_mode: "basic",
			webhook_username: "kaveri",
		});
		for (const [body, named] of [
			[gateway("phonepe", { client_version: "x" }), "client_version"],
			[gateway("upi", { mcc: "bookshop" }, { api_key: "kaveri@okbank" }), "mcc"],
			[gateway("stripe", { secret_key: "sk_live_1" }), "secret_key"],
			[gateway("razorpay", "no object"), "settings"],
		] as const) {
			const refused = await make(body);
			expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(named)]);
		}
		const path = `/items/payment_gateways/${phonepe.body.data.id}`;
		expect((await operator.request("PATCH", path, { settings: { client_secret: "s" } })).status).toBe(400);
		const graph = await operator.request("POST", "/graphql", {
			query: `mutation { update_payment_gateways_item(id: "${phonepe.body.data.id}", data: {settings: {webhook_mode: "none"}}) { id } }`,
		});
		expect(graph.body.errors, graph.text).toBeDefined();
	});

	it("of direct UPI come with a VPA and without a secret", async () => {
		const operator = await studio.person("operator");
		const { new_api_secret: _, ...body } = gateway("upi", {}, { api_key: "kaveri@okbank" });
		const made = await operator.request("POST", "/items/payment_gateways", body);
		expect(made.status, made.text).toBe(200);
		expect(made.body.data.settings).toEqual({ match_by: "reference" });
		const refused = await operator.request("POST", "/items/payment_gateways", { ...body, api_key: "not a vpa" });
		expect([refused.status, refused.text]).toEqual([400, expect.stringContaining("upi_vpa")]);
	});
});

describe("refunds", () => {
	let shop: TestMerchant;

	beforeAll(async () => {
		shop = await createMerchant(database.pool("admin"), keys, { company_name: "Refunding Shop" });
	});

	const auditOf = (id: string) =>
		queryOne("select actor, action from public.audit_log where row_id = $1 order by id desc limit 1", [id]);

	it("are given by administrators, operators and finance, each under their name, and by nobody else", async () => {
		const { transaction_id } = await payPayment(database, shop);
		for (const role of ["support", "auditor"] as const) {
			const person = await studio.person(role);
			const refused = await person.request("POST", "/lightspeedpay/refunds", { transaction_id, amount: 100 });
			expect(refused.status, role).toBe(403);
			const seen = await person.request("GET", `/lightspeedpay/transactions/${transaction_id}/refunds`);
			expect(seen.body.data, role).toMatchObject({ may_refund: false, captured: 10_000, left: 10_000, refunds: [] });
		}
		for (const [index, role] of (["administrator", "operator", "finance"] as const).entries()) {
			const person = await studio.person(role);
			const given = await person.request("POST", "/lightspeedpay/refunds", {
				transaction_id,
				amount: 1_000,
				reason: " Torn ",
			});
			expect(given.status, given.text).toBe(200);
			expect(given.body.data).toMatchObject({ status: "pending", amount: 1_000, reason: "Torn" });
			expect(
				await queryOne("select requested_by from public.refunds where id = $1", [given.body.data.refund_id]),
			).toEqual({ requested_by: person.id });
			expect(await auditOf(transaction_id)).toEqual({ actor: person.id, action: "create_refund" });
			const seen = await person.request("GET", `/lightspeedpay/transactions/${transaction_id}/refunds`);
			expect(seen.body.data).toMatchObject({
				may_refund: true,
				under_way: 1_000 * (index + 1),
				left: 9_000 - 1_000 * index,
			});
			expect(seen.body.data.refunds).toHaveLength(index + 1);
		}
	});

	it("are refused with what to do", async () => {
		const { transaction_id } = await payPayment(database, shop);
		const unpaid = await startPayment(database, shop);
		const operator = await studio.person("operator");
		const refund = (body: object) => operator.request("POST", "/lightspeedpay/refunds", body);
		const cases: [object, number, string][] = [
			[{ transaction_id, amount: 10_001 }, 409, "Only ₹100.00 is left"],
			[{ transaction_id: unpaid.transaction_id, amount: 1 }, 409, "Only what was paid"],
			[{ transaction_id, amount: 0 }, 400, "amount"],
			[{ transaction_id, amount: 1.5 }, 400, "amount"],
			[{ transaction_id, amount: "100" }, 400, "amount"],
			[{ transaction_id, amount: 100, reason: "x".repeat(501) }, 400, "reason"],
			[{ transaction_id: "1" }, 400, "transaction_id"],
			[{ transaction_id: NOWHERE, amount: 1 }, 403, "permission"],
		];
		for (const [body, status, words] of cases) {
			const answer = await refund(body);
			expect([answer.status, answer.text], JSON.stringify(body)).toEqual([status, expect.stringContaining(words)]);
		}
		expect((await refund({ transaction_id })).body.data).toMatchObject({ amount: 10_000 });
		const again = await refund({ transaction_id });
		expect([again.status, again.body.errors[0].extensions.code]).toEqual([409, "REFUND_EXCEEDS_AMOUNT"]);
		expect(again.text).toContain("Nothing is left");
	});

	it("that cannot be settled by themselves are settled by whoever may refund, with a reason", async () => {
		const { transaction_id } = await payPayment(database, shop);
		const finance = await studio.person("finance");
		const given = await finance.request("POST", "/lightspeedpay/refunds", { transaction_id, amount: 4_000 });
		const id: string = given.body.data.refund_id;
		const resolve = async (role: RoleName, body: object) =>
			(await studio.person(role)).request("POST", `/lightspeedpay/refunds/${id}/resolve`, body);
		const body = { outcome: "succeeded", bank_reference: "512345678901", reason: "Paid by bank transfer" };
		for (const role of ["support", "auditor"] as const) expect((await resolve(role, body)).status, role).toBe(403);
		expect((await resolve("finance", { ...body, reason: " " })).status).toBe(400);
		expect((await resolve("finance", { ...body, outcome: "pending" })).status).toBe(400);
		const resolved = await resolve("finance", body);
		expect(resolved.body.data, resolved.text).toMatchObject({ status: "succeeded", bank_reference: "512345678901" });
		expect(await auditOf(id)).toEqual({ actor: finance.id, action: "resolve_refund" });
		expect((await resolve("operator", body)).status).toBe(409);
		const seen = await finance.request("GET", `/lightspeedpay/transactions/${transaction_id}/refunds`);
		expect(seen.body.data).toMatchObject({ status: "partially_refunded", refunded: 4_000, left: 6_000 });
	});

	it("are out of reach at once for somebody who lost the role, though the token is good", async () => {
		const { transaction_id } = await payPayment(database, shop);
		const clerk = {
			databaseUrl: database.url("studio"),
			email: "clerk@example.com",
			password: "correct horse battery",
		};
		await ensureUser({ ...clerk, role: "finance" });
		const login = await studio.nobody.request("POST", "/auth/login", { email: clerk.email, password: clerk.password });
		const headers = { authorization: `Bearer ${login.body.data.access_token}` };
		const refund = () =>
			studio.nobody.request("POST", "/lightspeedpay/refunds", { transaction_id, amount: 100 }, headers);
		expect((await refund()).status).toBe(200);
		await ensureUser({ ...clerk, role: "auditor" });
		expect((await refund()).status).toBe(403);
	});
});

describe("payment links", () => {
	const link = () => ({ client_id: merchant.id, amount: 49_900, description: "Two lamps" });

	it("are made by operators and administrators, with an address that the database makes", async () => {
		const expected = { administrator: 200, operator: 200, finance: 403, support: 403, auditor: 403 };
		for (const role of ROLE_NAMES) {
			const person = await studio.person(role);
			const made = await person.request("POST", "/items/payment_links", link());
			expect(made.status, `${role}: ${made.text}`).toBe(expected[role]);
			if (made.status !== 200) continue;
			const shared = await person.request("GET", `/lightspeedpay/payment-links/${made.body.data.id}`);
			expect(shared.body.data).toMatchObject({
				url: `${CHECKOUT_URL}/l/${made.body.data.code}`,
				closed_because: null,
				payments: [],
			});
			expect(shared.body.data.qr_svg).toMatch(/^<svg/);
		}
		const operator = await studio.person("operator");
		const chosen = await operator.request("POST", "/items/payment_links", { ...link(), code: "aaaaaaaaaaaaaaaa" });
		expect(chosen.status).toBe(403);
		const admin = await studio.person("administrator");
		expect((await admin.request("POST", "/items/payment_links", { ...link(), code: "aaaaaaaaaaaaaaaa" })).status).toBe(
			400,
		);
	});

	it("are refused with the field's name when a value breaks a rule of the table", async () => {
		const operator = await studio.person("operator");
		for (const [change, field] of [
			[{ amount: 0 }, "amount"],
			[{ usage: "twice" }, "usage"],
			[{ redirect_url: "javascript:alert(1)" }, "redirect_url"],
			[{ description: "x".repeat(251) }, "description"],
			[{ reference: "x".repeat(101) }, "reference"],
		] as const) {
			const answer = await operator.request("POST", "/items/payment_links", { ...link(), ...change });
			expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(field)]);
		}
	});

	it("are refused with what to do next where they lead elsewhere than the merchant's URLs", async () => {
		const operator = await studio.person("operator");
		const astray = { ...link(), redirect_url: "https://elsewhere.example/return" };
		const answer = await operator.request("POST", "/items/payment_links", astray);
		expect([answer.status, answer.body.errors[0].message]).toEqual([
			400,
			expect.stringMatching(/ not registered for this merchant\. Enter one of .+ there first\.$/),
		]);
	});

	it("are disabled, but keep amount and client", async () => {
		const operator = await studio.person("operator");
		const made = await operator.request("POST", "/items/payment_links", link());
		const path = `/items/payment_links/${made.body.data.id}`;
		expect((await operator.request("PATCH", path, { amount: 1 })).status).toBe(403);
		expect((await (await studio.person("administrator")).request("PATCH", path, { amount: 1 })).status).toBe(400);
		const disable = {
			query: `mutation { update_payment_links_item(id: "${made.body.data.id}", data: {is_disabled: true}) { is_disabled } }`,
		};
		for (const role of ["finance", "support", "auditor"] as const) {
			expect((await (await studio.person(role)).request("POST", "/graphql", disable)).body.errors, role).toBeDefined();
		}
		const graph = await operator.request("POST", "/graphql", disable);
		expect(graph.body, graph.text).toEqual({ data: { update_payment_links_item: { is_disabled: true } } });
		const shared = await operator.request("GET", path.replace("/items/payment_links", "/lightspeedpay/payment-links"));
		expect(shared.body.data.closed_because).toBe("disabled");
	});
});

describe("the desk for direct UPI", () => {
	let shop: TestMerchant;
	let gatewayId: string;

	beforeAll(async () => {
		shop = await createMerchant(database.pool("admin"), keys, { company_name: "Lamp Shop" }, [
			{ provider: "upi", api_key: "lamps@okbank", api_secret: null, webhook_secret: null, settings: {} },
		]);
		gatewayId = shop.gateways[0]!.id;
	});

	/** A payment of ₹500.00 that waits for a transfer with this reference. */
	async function waiting(reference: string): Promise<{ transaction_id: string; attempt_id: string }> {
		const started = await startPayment(database, shop, { amount: 50_000 });
		await beginPspOrder(database.pool("jobs"), started.attempt_id);
		await recordPspOrder(database.pool("jobs"), {
			attempt_id: started.attempt_id,
			psp_order_id: reference,
			presentation: { kind: "upi", reference },
			latency_ms: 1,
		});
		return started;
	}

	async function claimed(reference: string, utr: string): Promise<{ transaction_id: string; claim_id: string }> {
		const { transaction_id } = await waiting(reference);
		await submitUtr(database.pool("checkout"), transaction_id, utr);
		const { id } = await queryOne<{ id: string }>("select id from public.utr_claims where utr = $1", [utr]);
		return { transaction_id, claim_id: id };
	}

	const statusOf = async (transaction_id: string) =>
		(await queryOne<{ status: string }>("select status from public.transactions where id = $1", [transaction_id]))
			.status;

	const upload = async (person: Person, csv: string, type = "application/octet-stream") => {
		const response = await fetch(
			`${studio.url}/lightspeedpay/gateways/${gatewayId}/statements?file_name=november.csv`,
			{
				method: "POST",
				headers: { authorization: `Bearer ${person.token}`, "content-type": type },
				body: csv,
			},
		);
		const text = await response.text();
		return { status: response.status, text, data: JSON.parse(text).data };
	};
	const today = new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Kolkata" }).format(new Date());
	const statement = (...rows: string[]) =>
		["Date,Narration,Ref No,Debit,Credit", ...rows.map((row) => `${today},${row}`)].join("\n");

	it("approves a payer's UTR, by operators and administrators only, once and under their name", async () => {
		const { transaction_id, claim_id } = await claimed("LS0000000000000001", "400000000001");
		const path = `/lightspeedpay/utr-claims/${claim_id}`;
		for (const role of ["finance", "support", "auditor"] as const) {
			const person = await studio.person(role);
			expect((await person.request("GET", path)).body.data, role).toMatchObject({ may_decide: false, line: null });
			expect((await person.request("POST", `${path}/decide`, { approve: true })).status, role).toBe(403);
		}
		const operator = await studio.person("operator");
		expect((await operator.request("GET", path)).body.data).toMatchObject({
			utr: "400000000001",
			may_decide: true,
			transaction_id: { status: "pending" },
		});
		const approved = await operator.request("POST", `${path}/decide`, { approve: true });
		expect(approved.status, approved.text).toBe(200);
		expect(await statusOf(transaction_id)).toBe("paid");
		expect(
			await queryOne("select actor, action from public.audit_log where row_id = $1 order by id desc limit 1", [
				claim_id,
			]),
		).toEqual({ actor: operator.id, action: "approve_utr" });
		const again = await operator.request("POST", `${path}/decide`, { approve: false, reason: "No" });
		expect([again.status, again.body.errors[0].extensions.code]).toEqual([409, "ALREADY_DECIDED"]);
	});

	it("rejects a UTR with a reason only", async () => {
		const { transaction_id, claim_id } = await claimed("LS0000000000000002", "400000000002");
		const operator = await studio.person("operator");
		const decide = (body: object) => operator.request("POST", `/lightspeedpay/utr-claims/${claim_id}/decide`, body);
		expect((await decide({ approve: false, reason: " " })).status).toBe(400);
		expect((await decide({ approve: "yes" })).status).toBe(400);
		expect((await decide({ approve: false, reason: "Not in the account" })).body.data).toMatchObject({
			status: "rejected",
		});
		expect(await statusOf(transaction_id)).toBe("pending");
	});

	it("imports a statement: matches what is certain, keeps exceptions, and resolves them", async () => {
		const certain = await waiting("LS0000000000000003");
		const open = await waiting("LS0000000000000004");
		const csv = statement(
			"UPI/CR/400000000003/LS0000000000000003,400000000003,,500.00",
			"UPI/CR/400000000004/A friend,400000000004,,500.00",
			"UPI/CR/400000000005/A stranger,400000000005,,12.00",
			"BANK CHARGES,,17.70,",
			"UPI/CR/400000000006/x,400000000006,,five",
		);
		const finance = await studio.person("finance");
		expect((await upload(finance, csv)).status).toBe(403);
		const operator = await studio.person("operator");
		const imported = await upload(operator, csv);
		expect(imported.status, imported.text).toBe(200);
		expect(imported.data).toMatchObject({ lines: 3, matched: 1, exceptions: 2, repeated: 0 });
		expect(imported.data.unreadable).toEqual([{ line_no: 6, message: expect.stringContaining("no amount") }]);
		expect(imported.data.open_lines.map(({ amount }: { amount: string }) => Number(amount))).toEqual([50_000, 1_200]);
		expect(await statusOf(certain.transaction_id)).toBe("paid");
		expect((await upload(operator, csv)).data).toMatchObject({ matched: 0, exceptions: 0, repeated: 3 });

		const [first, second] = imported.data.open_lines as { id: string }[];
		const path = `/lightspeedpay/statement-lines/${first!.id}`;
		const seen = (await operator.request("GET", path)).body.data;
		expect(seen.may_decide).toBe(true);
		expect(seen.candidates.map(({ id }: { id: string }) => id)).toContain(open.attempt_id);
		expect((await finance.request("GET", path)).body.data).toMatchObject({ may_decide: false, candidates: [] });
		const resolution = { attempt_id: open.attempt_id, reason: "The payer's friend paid" };
		expect((await finance.request("POST", `${path}/resolve`, resolution)).status).toBe(403);
		expect((await operator.request("POST", `${path}/resolve`, { ...resolution, reason: "" })).status).toBe(400);
		const resolved = await operator.request("POST", `${path}/resolve`, resolution);
		expect(resolved.status, resolved.text).toBe(200);
		expect(await statusOf(open.transaction_id)).toBe("paid");

		const other = `/lightspeedpay/statement-lines/${second!.id}/resolve`;
		const wrong = await operator.request("POST", other, { attempt_id: open.attempt_id, reason: "Try" });
		expect([wrong.status, wrong.body.errors[0].extensions.code]).toEqual([409, "LINE_DOES_NOT_FIT"]);
		const ignored = await operator.request("POST", other, { attempt_id: null, reason: "A private transfer" });
		expect(ignored.body.data).toMatchObject({ status: "ignored" });
		expect(
			await queryOne("select resolved_by, resolution from public.bank_statement_lines where id = $1", [second!.id]),
		).toEqual({ resolved_by: operator.id, resolution: "A private transfer" });
	});

	it("refuses what is no statement, saying what to do instead", async () => {
		const operator = await studio.person("operator");
		expect((await upload(operator, "Dear customer,\nthank you.")).text).toContain("No line names the columns");
		expect((await upload(operator, "PK\u0003\u0004\0\0")).text).toContain("CSV UTF-8");
		expect((await upload(operator, statement("BANK CHARGES,,17.70,"))).text).toContain("no credit in this file");
		expect((await upload(operator, statement(), "text/csv")).status).toBe(415);
		const large = await upload(operator, statement("x".repeat(6 * 1024 * 1024)));
		expect(large.status).toBe(413);
		const elsewhere = await operator.request("GET", `/lightspeedpay/gateways/${merchant.gateways[0]!.id}`);
		expect(elsewhere.body.data.webhook_url).toContain(`/${merchant.gateways[0]!.id}`);
		const wrongGateway = await fetch(
			`${studio.url}/lightspeedpay/gateways/${merchant.gateways[0]!.id}/statements?file_name=a.csv`,
			{
				method: "POST",
				headers: { authorization: `Bearer ${operator.token}`, "content-type": "application/octet-stream" },
				body: statement("UPI/CR/400000000009/x,400000000009,,1.00"),
			},
		);
		expect(wrongGateway.status).toBe(403);
	});
});

describe("what routing would do", () => {
	it("is told to administrators, operators and auditors, with what-ifs", async () => {
		const shop = await createMerchant(database.pool("admin"), keys, {}, [
			{ name: "First", priority: 5 },
			{ name: "Second", priority: 1 },
			{ name: "Off", is_active: false },
		]);
		const ask = async (role: RoleName, query: string) =>
			(await studio.person(role)).request("GET", `/lightspeedpay/clients/${shop.id}/routing?${query}`);
		for (const role of ["administrator", "operator", "auditor"] as const) {
			const { body } = await ask(role, "amount=50000");
			expect(
				body.data.map(({ position, name, skipped_because }: Record<string, unknown>) => [
					position,
					name,
					skipped_because,
				]),
			).toEqual([
				[1, "First", null],
				[2, "Second", null],
				[null, "Off", "inactive"],
			]);
		}
		const without = await ask("operator", `amount=50000&mode=dynamic&method=upi&without=${shop.gateways[0]!.id}`);
		expect(without.body.data.find(({ name }: { name: string }) => name === "First").skipped_because).toBe("left_out");
		for (const role of ["finance", "support"] as const) expect((await ask(role, "amount=1")).status).toBe(403);
		for (const query of ["", "amount=1.5", "amount=1&currency=rupee", "amount=1&mode=magic", "amount=1&without=x"]) {
			expect((await ask("operator", query)).status, query).toBe(400);
		}
	});
});
