import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { ask, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";

const SECRETS = {
	WHATSAPP_META_APP_SECRET: "the app's secret at Meta",
	WHATSAPP_META_VERIFY_TOKEN: "a token that was agreed on",
	WHATSAPP_GUPSHUP_WEBHOOK_KEY: "a key in the address",
};
let database: TestDatabase;
let checkout: TestCheckout;

beforeAll(async () => {
	database = await createTestDatabase();
	checkout = await startTestCheckout(database, SECRETS);
});
afterAll(async () => {
	await checkout.stop();
	await database.drop();
});

const events = async (provider: string) =>
	(
		await database.pool("admin").query<{ body: string; jobs: number }>(
			`select convert_from(raw_body, 'UTF8') as body, (select count(*) from graphile_worker._private_jobs
					where payload ->> 'event_id' = e.id::text) as jobs
				from whatsapp_events e where provider = $1 order by id`,
			[provider],
		)
	).rows;

const status = (id: string) => JSON.stringify({ object: "whatsapp_business_account", entry: [{ id, changes: [] }] });

function postMeta(body: string, signed = body, secret = SECRETS.WHATSAPP_META_APP_SECRET) {
	const signature = createHmac("sha256", secret).update(signed).digest("hex");
	return ask(`${checkout.url}/whatsapp/meta`, {
		method: "POST",
		headers: { "content-type": "application/json", "x-hub-signature-256": `sha256=${signature}` },
		body,
	});
}

describe("a webhook of Meta", () => {
	it("is stored with its job before it is answered, and a repetition once", async () => {
		const copies = await Promise.all(Array.from({ length: 5 }, () => postMeta(status("1"))));
		expect(copies.map((answer) => [answer.status, answer.body])).toEqual(copies.map(() => [200, { received: true }]));
		expect(await events("meta")).toEqual([{ body: status("1"), jobs: 1 }]);
	});

	it("is refused when its bytes are not what was signed, by whom it should be", async () => {
		expect((await postMeta(status("2"), status("3"))).status).toBe(401);
		expect((await postMeta(status("2"), status("2"), "somebody else")).status).toBe(401);
		const bare = await ask(`${checkout.url}/whatsapp/meta`, { method: "POST", body: status("2") });
		expect([bare.status, bare.body.error.code]).toEqual([401, "invalid_credentials"]);
		expect((await events("meta")).map(({ body }) => body)).not.toContain(status("2"));
	});

	it("is not acknowledged when it could not be stored", async () => {
		await database.pool("admin").query("alter table whatsapp_events rename to whatsapp_events_away");
		try {
			expect((await postMeta(status("4"))).status).toBe(500);
		} finally {
			await database.pool("admin").query("alter table whatsapp_events_away rename to whatsapp_events");
		}
		expect((await postMeta(status("4"))).status).toBe(200);
	});

	it("may come to an address that gives Meta's challenge back, for the agreed token only", async () => {
		const verify = (token: string) =>
			ask(
				`${checkout.url}/whatsapp/meta?${new URLSearchParams({ "hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444" })}`,
			);
		const verified = await verify(SECRETS.WHATSAPP_META_VERIFY_TOKEN);
		expect([verified.status, verified.body]).toEqual([200, "1158201444"]);
		expect(verified.headers.get("content-type")).toMatch("text/plain");
		expect((await verify("guessed")).status).toBe(401);
	});
});

describe("a webhook of Gupshup", () => {
	it("is believed for the key in its address", async () => {
		const body = '{"type":"message-event"}';
		const post = (key: string) =>
			ask(`${checkout.url}/whatsapp/gupshup?${new URLSearchParams({ key })}`, { method: "POST", body });
		expect((await post("guessed")).status).toBe(401);
		expect((await post(SECRETS.WHATSAPP_GUPSHUP_WEBHOOK_KEY)).status).toBe(200);
		expect(await events("gupshup")).toEqual([{ body, jobs: 1 }]);
	});
});

describe("without configuration", () => {
	it("there is nothing at these addresses", async () => {
		const bare = await startTestCheckout(database);
		for (const [path, method] of [
			["/whatsapp/meta", "POST"],
			["/whatsapp/meta?hub.mode=subscribe", "GET"],
			["/whatsapp/gupshup?key=undefined", "POST"],
		] as const) {
			expect((await ask(bare.url + path, { method })).status, path).toBe(404);
		}
		await bare.stop();
	});
});
