import { createHmac, randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestSandbox } from "../test-sandbox.ts";

const test = await startTestSandbox();
const webhook_secret = `whsec_${randomBytes(24).toString("base64")}`;
const client_salt = "salt of Kaveri Books";

function send(path: string, id: string, { secret = webhook_secret, at = new Date() } = {}) {
	const body = JSON.stringify({ id, type: "payment.paid", timestamp: at.toISOString(), data: { amount: 100 } });
	return fetch(`${test.url}${path}`, {
		method: "POST",
		headers: {
			"content-type": "application/json",
			"webhook-id": id,
			"webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
			"webhook-signature": new Webhook(secret).sign(id, at, body),
		},
		body,
	});
}

const eventsOf = async (id: string) => (await test.control("GET", `merchant/events?id=${id}`)).body;

beforeAll(async () => {
	const { body } = await test.control("PUT", "merchants", { name: "Kaveri Books", webhook_secret, client_salt });
	expect(body).toMatchObject({ slug: "kaveri-books", webhook_path: "/merchant/webhook/kaveri-books" });
});
afterAll(() => test.close());

describe("the merchant's endpoint", () => {
	it.each(["/merchant/webhook/kaveri-books", "/merchant/webhook"])("verifies what comes to %s", async (path) => {
		const id = `evt_${path.length}`;
		expect((await send(path, id)).status).toBe(200);
		const [event] = await eventsOf(id);
		expect(event).toMatchObject({ id, type: "payment.paid", verified: true, merchant: "Kaveri Books", path });
		expect(event.body.data).toEqual({ amount: 100 });
		expect(new Webhook(webhook_secret).verify(event.raw, event.headers)).toEqual(event.body);
	});

	it("refuses and records what another secret signed", async () => {
		const secret = `whsec_${randomBytes(24).toString("base64")}`;
		expect((await send("/merchant/webhook/kaveri-books", "evt_forged", { secret })).status).toBe(401);
		expect(await eventsOf("evt_forged")).toMatchObject([{ verified: false, merchant: null }]);
	});

	it("refuses a signature that is too old", async () => {
		const at = new Date(Date.now() - 10 * 60_000);
		expect((await send("/merchant/webhook/kaveri-books", "evt_old", { at })).status).toBe(401);
	});

	it("takes what nobody's secret is known for, unverified", async () => {
		expect((await send("/merchant/webhook/unknown", "evt_unknown", { secret: "whsec_b3RoZXIgc2VjcmV0" })).status).toBe(
			200,
		);
		expect(await eventsOf("evt_unknown")).toMatchObject([{ verified: false }]);
	});

	it.each([
		[500, {}],
		[410, {}],
		[503, { retry_after: 3 }],
	])("can be made to answer %i, without taking note", async (status, more) => {
		await test.control("POST", "faults", { service: "merchant", path: "/webhook", kind: "status", status, ...more });
		expect((await send("/merchant/webhook", `evt_${status}`)).status).toBe(status);
		expect(await eventsOf(`evt_${status}`)).toEqual([]);
		expect((await send("/merchant/webhook", `evt_${status}`)).status).toBe(200);
		expect(await eventsOf(`evt_${status}`)).toHaveLength(1);
	});

	it("forgets its events when told so", async () => {
		expect((await test.control("DELETE", "merchant/events")).status).toBe(204);
		expect((await test.control("GET", "merchant/events")).body).toEqual([]);
	});
});

describe("the merchant's return page", () => {
	const result = {
		transaction_id: "t-1",
		order_id: "KB <1>",
		status: "paid",
		amount: "49900",
		timestamp: "1795242000",
	};
	const signature = createHmac("sha256", client_salt).update("1795242000.t-1.KB <1>.paid.49900").digest("hex");

	it.each([
		["true", { ...result, signature }, "Thank you, your order is paid"],
		["false", { ...result, amount: "1", signature }, "This result cannot be trusted"],
		["false", { ...result, signature: "" }, "This result cannot be trusted"],
	])("says %s of the signature", async (verdict, query, heading) => {
		const page = await (await fetch(`${test.url}/merchant/return?${new URLSearchParams(query)}`)).text();
		expect(page).toContain(`data-verified="${verdict}"`);
		expect(page).toContain(heading);
		expect(page).toContain("KB &lt;1&gt;");
	});
});
