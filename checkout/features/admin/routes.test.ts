import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registerQueues } from "../../../db/client/operations.ts";
import { decryptSecret, parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createStudioDatabase, type Studio, startStudio } from "../../../directus/tests/studio-process.ts";
import type { TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { payPayment } from "../../../test/payments.ts";
import { type Answer, ask, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let studio: Studio;
let checkout: TestCheckout;
let merchant: TestMerchant;
let addresses = 0;

beforeAll(async () => {
	database = await createStudioDatabase();
	merchant = await createMerchant(database.pool("admin"), keys);
	await payPayment(database, merchant);
	studio = await startStudio(database.url("studio"));
	checkout = await startTestCheckout(database, { STUDIO_URL: studio.url, TRUSTED_PROXIES: "127.0.0.1" });
	await registerQueues(database.pool("jobs"), [
		{ queue: "refund_payment", kind: "task", period: null, is_discardable: false, is_pausable: true },
	]);
});
afterAll(async () => {
	await checkout?.stop();
	await studio?.stop();
	await database?.drop();
});

interface Call {
	token?: string;
	content?: unknown;
	address?: string;
	at?: TestCheckout;
}

/** From an address of its own, unless one is given. */
function call(method: string, path: string, { token, content, address, at = checkout }: Call = {}): Promise<Answer> {
	return ask(`${at.url}/admin${path}`, {
		method,
		headers: {
			"x-forwarded-for": address ?? `203.0.113.${(addresses++ % 250) + 1}`,
			...(token !== undefined && { authorization: `Bearer ${token}` }),
			...(content !== undefined && { "content-type": "application/json" }),
		},
		...(content !== undefined && { body: JSON.stringify(content) }),
	});
}

const tokenOf = async (role: Parameters<Studio["person"]>[0]) => (await studio.person(role)).token;
const rows = async <Row>(text: string, values: unknown[] = []) =>
	(await database.pool("admin").query(text, values)).rows as Row[];

describe("/admin", () => {
	it("says that there is no studio where none is set, and that it does not answer where it does not", async () => {
		const without = await startTestCheckout(database);
		const astray = await startTestCheckout(database, { STUDIO_URL: "http://127.0.0.1:9" });
		try {
			for (const at of [without, astray]) {
				const { status, headers, body } = await call("GET", "/gateways", {
					token: "a token of the studio".replaceAll(" ", "-"),
					at,
				});
				expect([status, body.error.code]).toEqual([503, "studio_unavailable"]);
				expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
			}
		} finally {
			await Promise.all([without.stop(), astray.stop()]);
		}
	});

	it("answers nobody without a token that the studio knows, and stops whoever tries many", async () => {
		const address = "198.51.100.7";
		const none = await call("GET", "/gateways", { address });
		expect([none.status, none.body.error.code, none.body.error.param]).toEqual([
			401,
			"invalid_credentials",
			"Authorization",
		]);
		for (let n = 0; n < 20; n++) {
			const { status } = await call("GET", "/queues", { token: `guess-${randomUUID()}`, address });
			expect(status).toBe(401);
		}
		const stopped = await call("GET", "/queues", { token: await tokenOf("operator"), address });
		expect([stopped.status, stopped.body.error.code]).toEqual([429, "rate_limited"]);
		expect((await call("GET", "/queues", { token: await tokenOf("operator") })).status).toBe(200);
	});

	it("lets no address ask more than 120 times a minute", async () => {
		const address = "198.51.100.8";
		const answers = await Promise.all(Array.from({ length: 121 }, () => call("GET", "/nothing-here/", { address })));
		// Only what /admin answers is counted.
		expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
		const counted = await Promise.all(Array.from({ length: 121 }, () => call("GET", "/gateways", { address })));
		expect(counted.filter(({ status }) => status === 429)).toHaveLength(1);
	});

	it("takes a token away at once: none is remembered", async () => {
		const { id, token } = await studio.person("finance");
		expect((await call("GET", "/commission/ledger", { token })).status).toBe(200);
		await rows("update directus.directus_users set status = 'suspended' where id = $1", [id]);
		expect((await call("GET", "/commission/ledger", { token })).status).toBe(401);
		await rows("update directus.directus_users set status = 'active' where id = $1", [id]);
		expect((await call("GET", "/commission/ledger", { token })).status).toBe(200);
	});
});

describe("/admin/gateways", () => {
	it("lets an operator make, read, change and switch a gateway; secrets go in and never come out", async () => {
		const token = await tokenOf("operator");
		const content = {
			client_id: merchant.id,
			provider: "razorpay",
			name: "Made by a program",
			api_key: "rzp_test_made",
			api_secret: "the secret of the account",
			webhook_secret: "the secret of its webhooks",
			monthly_limit: 50_000_000,
			is_active: false,
		};
		const made = await call("POST", "/gateways", { token, content });
		expect(made).toMatchObject({
			status: 200,
			body: { name: "Made by a program", monthly_limit: 50_000_000, is_active: false, has_webhook_secret: true },
		});
		expect(JSON.stringify(made.body)).not.toContain("secret of");
		expect(Object.keys(made.body).filter((field) => /^new_|_secret$/.test(field))).toEqual(["has_webhook_secret"]);
		const { id } = made.body;
		const [stored] = await rows<{ api_secret: string }>("select api_secret from payment_gateways where id = $1", [id]);
		expect(decryptSecret(keys, stored!.api_secret, { table: "payment_gateways", column: "api_secret", row: id })).toBe(
			content.api_secret,
		);
		expect((await call("PATCH", `/gateways/${id}`, { token, content: { priority: 7 } })).body.priority).toBe(7);
		expect((await call("POST", `/gateways/${id}/toggle`, { token })).body.is_active).toBe(true);
		expect((await call("POST", `/gateways/${id}/toggle`, { token, content: { is_active: true } })).body.is_active).toBe(
			true,
		);
		expect((await call("GET", `/gateways/${id}`, { token })).body).toMatchObject({ id, priority: 7, is_active: true });
		expect(
			await rows("select distinct actor from audit_log where table_name = 'payment_gateways' and row_id = $1", [id]),
		).toEqual([{ actor: (await studio.person("operator")).id }]);
	});

	it("pages and filters", async () => {
		const token = await tokenOf("operator");
		const first = await call("GET", `/gateways?client_id=${merchant.id}&limit=1`, { token });
		expect(first.body).toMatchObject({ has_more: true, data: [{ client_id: merchant.id }] });
		const second = await call("GET", `/gateways?client_id=${merchant.id}&limit=1&page=2`, { token });
		expect(second.body.data[0].id).not.toBe(first.body.data[0].id);
		expect((await call("GET", `/gateways?client_id=${randomUUID()}`, { token })).body).toEqual({
			data: [],
			has_more: false,
		});
	});

	it("shows each role what it may see, and refuses what it may not do", async () => {
		const gateway = merchant.gateways[0]!.id;
		const support = await tokenOf("support");
		const seen = await call("GET", `/gateways/${gateway}`, { token: support });
		expect(Object.keys(seen.body).sort()).toEqual(["client_id", "id", "is_active", "name", "provider"]);
		for (const role of ["support", "finance", "auditor"] as const) {
			const refused = await call("POST", `/gateways/${gateway}/toggle`, {
				token: await tokenOf(role),
				content: { is_active: false },
			});
			expect([role, refused.status, refused.body.error.code]).toEqual([role, 403, "forbidden"]);
		}
		expect(await rows("select is_active from payment_gateways where id = $1", [gateway])).toEqual([
			{ is_active: true },
		]);
	});

	it("names the field that is wrong, whether the schema finds it or the studio", async () => {
		const token = await tokenOf("operator");
		const gateway = merchant.gateways[0]!.id;
		const unknown = await call("PATCH", `/gateways/${gateway}`, { token, content: { owner: "x" } });
		expect([unknown.status, unknown.body.error]).toMatchObject([400, { code: "invalid_request", param: "owner" }]);
		const theirs = await call("PATCH", `/gateways/${gateway}`, { token, content: { egress_group: "NOT A GROUP" } });
		expect([theirs.status, theirs.body.error]).toMatchObject([400, { code: "invalid_request", param: "egress_group" }]);
		expect((await call("GET", "/gateways/not-an-id", { token })).status).toBe(404);
		expect((await call("GET", `/gateways/${randomUUID()}`, { token })).status).toBe(403);
	});
});

describe("/admin/queues", () => {
	it("lets an operator pause, resume and redrive, and refuses to drain what moves money", async () => {
		const token = await tokenOf("operator");
		const act = (action: string, more: object = {}) =>
			call("POST", `/queues/${action}`, {
				token,
				content: { queue: "refund_payment", reason: "the bank asked", ...more },
			});
		const paused = await act("pause");
		expect(paused).toMatchObject({ status: 200, body: {} });
		const queues = await call("GET", "/queues", { token });
		const shown = queues.body.queues.find(({ queue }: { queue: string }) => queue === "refund_payment");
		expect(shown).toMatchObject({ kind: "task", paused: { reason: "the bank asked", by: expect.any(String) } });
		expect(await act("pause")).toMatchObject({
			status: 409,
			body: { error: { code: "studio_refused", param: "already_paused" } },
		});
		expect((await act("resume")).status).toBe(200);
		expect(await act("drain")).toMatchObject({ status: 409, body: { error: { param: "not_drainable" } } });
		await rows(
			"select graphile_worker.add_job('refund_payment', json_build_object('refund_id', gen_random_uuid()), max_attempts => 1)",
		);
		await rows(
			"update graphile_worker._private_jobs set attempts = 1, last_error = 'refused' where task_id = (select id from graphile_worker._private_tasks where identifier = 'refund_payment')",
		);
		const dead = await call("GET", "/queues/jobs?queue=refund_payment", { token });
		expect(dead.body.data).toMatchObject([{ last_error: "refused", ids: { refund_id: expect.any(String) } }]);
		expect(await act("redrive", { job_id: dead.body.data[0].id })).toMatchObject({
			status: 200,
			body: { jobs: 1, more: false },
		});
		expect(
			await rows("select distinct after ->> 'reason' as reason from audit_log where table_name = 'queues'"),
		).toEqual([{ reason: "the bank asked" }]);
	});

	it("refuses an action without a reason, one that does not exist, and whoever may only look", async () => {
		const token = await tokenOf("operator");
		const without = await call("POST", "/queues/pause", { token, content: { queue: "refund_payment" } });
		expect([without.status, without.body.error.param]).toEqual([400, "reason"]);
		const content = { queue: "refund_payment", reason: "x" };
		expect((await call("POST", "/queues/explode", { token, content })).status).toBe(404);
		const auditor = await tokenOf("auditor");
		expect((await call("GET", "/queues", { token: auditor })).body.may_act).toBe(false);
		expect((await call("POST", "/queues/pause", { token: auditor, content })).status).toBe(403);
		expect((await call("GET", "/queues", { token: await tokenOf("support") })).status).toBe(403);
	});
});

describe("what is kept", () => {
	it("is read by who may: the ledger by finance, the audit trail by auditors, messages by both", async () => {
		const [finance, auditor] = [await tokenOf("finance"), await tokenOf("auditor")];
		const ledger = await call("GET", `/commission/ledger?client_id=${merchant.id}`, { token: finance });
		expect(ledger.body.data.map(({ type }: { type: string }) => type).sort()).toEqual(["COMMISSION", "COMMISSION_GST"]);
		expect(ledger.body.data[0].amount).toBeTypeOf("number");
		expect((await call("GET", "/commission/ledger?type=ADJUSTMENT", { token: finance })).body.data).toEqual([]);
		const audit = await call("GET", "/audit?table_name=queues&limit=2", { token: auditor });
		expect(audit.body).toMatchObject({ has_more: true, data: [{ action: expect.any(String) }, {}] });
		expect((await call("GET", "/audit", { token: finance })).status).toBe(403);
		expect((await call("GET", "/whatsapp?status=failed", { token: finance })).body).toEqual({
			data: [],
			has_more: false,
		});
		const later = await call("GET", "/audit?created_gte=2999-01-01T00:00:00Z", { token: auditor });
		expect(later.body.data).toEqual([]);
	});
});
