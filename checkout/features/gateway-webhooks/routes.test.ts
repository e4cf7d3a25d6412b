import { createHmac } from "node:crypto";
import { on } from "node:events";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { encryptSecret, parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { type Answer, ask, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;
let body: string;
let events = 0;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys, {}, [{}, {}]);
	checkout = await startTestCheckout(database, { TRUSTED_PROXIES: "127.0.0.1" });
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});
beforeEach(() => {
	events++;
	body = JSON.stringify({
		entity: "event",
		event: "payment.captured",
		contains: ["payment"],
		// Bytes that JSON would write otherwise: the signature is over what was sent.
		payload: { payment: { entity: { id: `pay_${events}`, notes: [], description: "caf\u00e9  spaced" } } },
		created_at: 1_700_000_000,
	}).replace('"notes":[]', '"notes":  [ ]');
});

const address = (gateway?: { id: string }, { client_key } = merchant) =>
	`${checkout.url}/webhook/${client_key}${gateway === undefined ? "" : `/${gateway.id}`}`;

function signed(secret: string, content: string | Buffer = body, event_id = `evt_${events}`): Record<string, string> {
	return {
		"content-type": "application/json",
		"x-razorpay-event-id": event_id,
		"x-razorpay-signature": createHmac("sha256", secret).update(content).digest("hex"),
	};
}

const post = (
	url: string,
	headers: Record<string, string>,
	content: string | Buffer<ArrayBuffer> = body,
): Promise<Answer> => ask(url, { method: "POST", headers, body: content });

async function stored(): Promise<Record<string, unknown>[]> {
	const { rows } = await database
		.pool("admin")
		.query("select * from public.gateway_events where dedupe_key like '%' || $1", [`evt_${events}`]);
	return rows;
}
async function jobs(): Promise<number> {
	const { rows } = await database
		.pool("admin")
		.query("select count(*)::int as n from graphile_worker.jobs where task_identifier = 'process_gateway_event'");
	return rows[0].n;
}

describe("POST /webhook/:client_key/:gateway_id", () => {
	it("stores the exact bytes and their job before it answers, and keeps no credentials", async () => {
		const gateway = merchant.gateways[0]!;
		const before = await jobs();
		const answer = await post(address(gateway), {
			...signed(gateway.webhook_secret),
			authorization: "Basic c2VjcmV0",
			cookie: "a=b",
		});
		expect([answer.status, answer.body]).toEqual([200, { received: true }]);
		const [event, ...others] = await stored();
		expect(others).toEqual([]);
		expect(event).toMatchObject({
			gateway_id: gateway.id,
			client_id: merchant.id,
			provider: "razorpay",
			event_type: "payment.captured",
			verified: true,
		});
		expect((event!.raw_body as Buffer).toString()).toBe(body);
		expect(event!.headers).toHaveProperty("x-razorpay-event-id");
		expect(event!.headers).not.toHaveProperty("authorization");
		expect(event!.headers).not.toHaveProperty("cookie");
		expect(await jobs()).toBe(before + 1);
	});

	it("stores what PostgreSQL has no place for in text as something that it has", async () => {
		const gateway = merchant.gateways[0]!;
		body = JSON.stringify({ event: "payment.\0captured\ud800", payload: {} });
		expect((await post(address(gateway), signed(gateway.webhook_secret))).status).toBe(200);
		expect(await stored()).toMatchObject([{ event_type: "payment.\ufffdcaptured\ufffd", raw_body: Buffer.from(body) }]);
	});

	it("answers a hundred copies sent at once alike, and stores one", async () => {
		const gateway = merchant.gateways[0]!;
		const before = await jobs();
		const answers = await Promise.all(
			Array.from({ length: 100 }, () => post(address(gateway), signed(gateway.webhook_secret))),
		);
		expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
		expect(await stored()).toHaveLength(1);
		expect(await jobs()).toBe(before + 1);
	});

	it.each([
		["the secret of the merchant's other gateway", () => signed(merchant.gateways[1]!.webhook_secret)],
		["another body", () => signed(merchant.gateways[0]!.webhook_secret, `${body} `)],
		["nothing", () => ({ "content-type": "application/json", "x-razorpay-event-id": `evt_${events}` })],
		["rubbish", () => ({ ...signed(merchant.gateways[0]!.webhook_secret), "x-razorpay-signature": "zz" })],
		["the empty secret", () => signed("")],
	])("refuses what is signed with %s, and stores nothing", async (_name, headers) => {
		const answer = await post(address(merchant.gateways[0]), headers());
		expect([answer.status, answer.body.error.code]).toEqual([401, "invalid_credentials"]);
		expect(await stored()).toEqual([]);
	});

	it("takes what the PSP of the collection account tells of payouts, signed with that account's secret", async () => {
		const url = `${checkout.url}/webhook/${merchant.client_key}/payouts`;
		const unknown = await post(url, signed("their secret"));
		expect([unknown.status, unknown.body.error.code]).toEqual([404, "not_found"]);
		const seal = (column: string, secret: string) =>
			encryptSecret(keys, secret, { table: "collection_accounts", column, row: merchant.id });
		await database.pool("admin").query(
			`insert into collection_accounts (client_id, provider, api_key, api_secret, webhook_secret, source_account, destination)
				values ($1, 'razorpay', 'rzp_test_x', $2, $3, '7878780080316316', 'fa_00000000000001')`,
			[merchant.id, seal("api_secret", "key secret"), seal("webhook_secret", "their secret")],
		);
		const { rows: made } = await database.pool("admin").query<{ id: string }>(
			`insert into payouts (client_id, collected_for, amount, provider, status, started_at)
				values ($1, current_date, 500, 'razorpay', 'processing', now()) returning id`,
			[merchant.id],
		);
		const told = JSON.stringify({
			event: "payout.processed",
			payload: { payout: { entity: { id: "pout_00000000000001", reference_id: made[0]!.id } } },
		});
		const forged = await post(url, signed(merchant.gateways[0]!.webhook_secret, told), told);
		expect([forged.status, forged.body.error.code]).toEqual([401, "invalid_credentials"]);
		for (let copy = 0; copy < 2; copy++) {
			expect((await post(url, signed("their secret", told), told)).status).toBe(200);
		}
		const { rows } = await database.pool("admin").query(
			`select e.event_type, (select count(*)::int from graphile_worker.jobs where task_identifier = 'collect_payout') as jobs
				from payout_events e where e.payout_id = $1`,
			[made[0]!.id],
		);
		expect(rows).toEqual([{ event_type: "payout.processed", jobs: 1 }]);
	});

	it("knows no address of an unknown key, an unknown gateway, or another merchant's gateway", async () => {
		const other = await createMerchant(database.pool("admin"), keys);
		const { webhook_secret } = merchant.gateways[0]!;
		for (const url of [
			address(merchant.gateways[0], { ...merchant, client_key: "lsp_nobody_here" }),
			address({ id: "0198c0de-0000-7000-8000-000000000000" }),
			address({ id: "no-id" }),
			address(other.gateways[0]),
		]) {
			const answer = await post(url, signed(webhook_secret));
			expect([answer.status, answer.body.error.code]).toEqual([404, "not_found"]);
		}
		expect(await stored()).toEqual([]);
	});

	it("refuses more than 1 MiB, and takes exactly that", async () => {
		const gateway = merchant.gateways[0]!;
		const large = Buffer.alloc(1024 * 1024 + 1, 32);
		const refused = await post(address(gateway), signed(gateway.webhook_secret, large), large);
		expect([refused.status, refused.body.error.code]).toEqual([413, "payload_too_large"]);
		expect(await stored()).toEqual([]);
		const most = Buffer.from(body.padEnd(1024 * 1024 - Buffer.byteLength(body) + body.length, " "));
		expect(most).toHaveLength(1024 * 1024);
		expect((await post(address(gateway), signed(gateway.webhook_secret, most), most)).status).toBe(200);
	});

	it("receives for a gateway that is switched off, since its payments still settle", async () => {
		const off = await createMerchant(database.pool("admin"), keys, { status: "suspended" }, [{ is_active: false }]);
		const gateway = off.gateways[0]!;
		expect((await post(address(gateway, off), signed(gateway.webhook_secret))).status).toBe(200);
	});

	it("refuses everything for a gateway without webhook secret", async () => {
		const bare = await createMerchant(database.pool("admin"), keys, {}, [{ webhook_secret: null }]);
		const answer = await post(address(bare.gateways[0], bare), signed(""));
		expect(answer.status).toBe(401);
	});

	it("takes it only from the gateway's address list, where one is set", async () => {
		const listed = await createMerchant(database.pool("admin"), keys, {}, [
			{ webhook_networks: ["52.66.75.174", "18.96.225.0/26", "2001:db8::/32"] },
		]);
		const gateway = listed.gateways[0]!;
		const from = async (source: string) => {
			events++;
			const headers = { ...signed(gateway.webhook_secret), "x-forwarded-for": source };
			return (await post(address(gateway, listed), headers)).status;
		};
		expect(await from("52.66.75.174")).toBe(200);
		expect(await from("::ffff:18.96.225.63")).toBe(200);
		expect(await from("2001:db8:1::1")).toBe(200);
		expect(await from("18.96.225.64")).toBe(401);
		expect(await from("2001:db9::1")).toBe(401);
		// The address before a proxy we trust counts, not one that the sender wrote in front of it.
		expect(await from("52.66.75.174, 203.0.113.9")).toBe(401);
	});

	it.each<[string, unknown[], string, number]>([
		["lets in who the good entries name", ["not-a-network", 7, "52.66.75.174/32"], "52.66.75.174", 200],
		["keeps out who they do not name", ["not-a-network", "52.66.75.174/32"], "203.0.113.9", 401],
		["lets nobody in when no entry is good", ["not-a-network", "300.1.1.1/8"], "52.66.75.174", 401],
	])("whose address list has an unreadable entry %s", async (_name, webhook_networks, source, status) => {
		const listed = await createMerchant(database.pool("admin"), keys);
		const gateway = listed.gateways[0]!;
		// Past the trigger that refuses such a list.
		const admin = await database.connection("admin");
		await admin.query("set session_replication_role = replica");
		await admin.query("update public.payment_gateways set webhook_networks = $2 where id = $1", [
			gateway.id,
			JSON.stringify(webhook_networks),
		]);
		const headers = { ...signed(gateway.webhook_secret), "x-forwarded-for": source };
		expect((await post(address(gateway, listed), headers)).status).toBe(status);
	});

	it("verifies with a changed secret as soon as the process has heard of it", async () => {
		const gateway = merchant.gateways[1]!;
		expect((await post(address(gateway), signed(gateway.webhook_secret))).status).toBe(200);
		const heard = (async () => {
			for await (const [client_id] of on(checkout.dependencies.listener, "gateway_changed")) {
				if (client_id === merchant.id) return;
			}
		})();
		const place = { table: "payment_gateways", column: "webhook_secret", row: gateway.id };
		await database
			.pool("admin")
			.query("update public.payment_gateways set webhook_secret = $2 where id = $1", [
				gateway.id,
				encryptSecret(keys, "a-new-secret", place),
			]);
		await heard;
		events++;
		expect((await post(address(gateway), signed(gateway.webhook_secret))).status).toBe(401);
		expect((await post(address(gateway), signed("a-new-secret"))).status).toBe(200);
		gateway.webhook_secret = "a-new-secret";
	});
});

describe("POST /webhook/:client_key", () => {
	it("finds the gateway by the signature", async () => {
		const gateway = merchant.gateways[1]!;
		const answer = await post(address(), signed(gateway.webhook_secret));
		expect([answer.status, answer.body]).toEqual([200, { received: true }]);
		expect(await stored()).toEqual([expect.objectContaining({ gateway_id: gateway.id })]);
	});

	it("checks a body once for all gateways that share a secret, and refuses it alike", async () => {
		const admin = database.pool("admin");
		const many = await createMerchant(
			admin,
			keys,
			{},
			Array.from({ length: 12 }, () => ({})),
		);
		for (const { id } of many.gateways.slice(0, 10)) {
			const shared = encryptSecret(keys, "shared", { table: "payment_gateways", column: "webhook_secret", row: id });
			await admin.query("update public.payment_gateways set webhook_secret = $2 where id = $1", [id, shared]);
		}
		const verify = vi.spyOn(checkout.dependencies.adapters.get("razorpay")!, "verifyWebhook");
		try {
			expect((await post(address(undefined, many), signed("none of theirs"))).status).toBe(401);
			expect(verify).toHaveBeenCalledTimes(3);
			for (const secret of ["shared", many.gateways[11]!.webhook_secret]) {
				events++;
				expect((await post(address(undefined, many), signed(secret))).status).toBe(200);
			}
		} finally {
			verify.mockRestore();
		}
	});

	it("finds the gateway by its API secret where that is what proves webhooks", async () => {
		const cashfree = { provider: "cashfree", webhook_secret: null };
		const several = await createMerchant(database.pool("admin"), keys, {}, [cashfree, cashfree]);
		const gateway = several.gateways[1]!;
		const timestamp = String(Date.now());
		const answer = await post(address(undefined, several), {
			"content-type": "application/json",
			"x-webhook-timestamp": timestamp,
			"x-webhook-signature": createHmac("sha256", gateway.api_secret).update(`${timestamp}${body}`).digest("base64"),
			"x-idempotency-key": `cashfree-evt_${events}`,
		});
		expect(answer.status).toBe(200);
		expect(await stored()).toEqual([expect.objectContaining({ gateway_id: gateway.id })]);
	});

	it("refuses a signature of none of the merchant's gateways", async () => {
		expect((await post(address(), signed("some-secret"))).status).toBe(401);
		expect(await stored()).toEqual([]);
	});

	it("goes on receiving at the address of a key that was regenerated", async () => {
		const old = await createMerchant(database.pool("admin"), keys);
		await database
			.pool("admin")
			.query("update public.clients set client_key = client_key || '_new' where id = $1", [old.id]);
		const secret = old.gateways[0]!.webhook_secret;
		expect((await post(address(undefined, old), signed(secret))).status).toBe(200);
		const duplicate = await post(address(undefined, { ...old, client_key: `${old.client_key}_new` }), signed(secret));
		expect(duplicate.status).toBe(200);
		expect(await stored()).toHaveLength(1);
	});

	it("still receives for a merchant's good gateways when the secrets of another do not open", async () => {
		const mixed = await createMerchant(database.pool("admin"), keys, {}, [{}, { webhook_secret: "v1.lost.aaaa.bbbb" }]);
		const answer = await post(address(undefined, mixed), signed(mixed.gateways[0]!.webhook_secret));
		expect(answer.status).toBe(200);
	});
});
