import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPaymentLink, disablePaymentLink, type PaymentLinkRequest } from "../../../db/client/links.ts";
import { readPayPage } from "../../../db/client/payments.ts";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { startTraceReceiver } from "../../../test/trace-receiver.ts";
import { post, startTestCheckout, type TestCheckout } from "../../test-checkout.ts";
import { TEXTS } from "../pay/languages.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;

beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), keys, { company_name: "Kaveri & Sons" });
	checkout = await startTestCheckout(database);
});
afterAll(async () => {
	await checkout?.stop();
	await database?.drop();
});

function link(request: Partial<PaymentLinkRequest> = {}) {
	return createPaymentLink(database.pool("checkout"), {
		client_id: merchant.id,
		amount: 250_000,
		currency: "INR",
		description: 'School fees "second" term',
		reference: null,
		usage: "single",
		expires_at: null,
		redirect_url: null,
		...request,
	});
}

const look = (code: string, headers: Record<string, string> = {}, query = "") =>
	fetch(`${checkout.url}/l/${code}${query}`, { headers: { "Accept-Language": "en", ...headers }, redirect: "manual" });
const follow = (code: string, query = "") =>
	fetch(`${checkout.url}/l/${code}${query}`, { method: "POST", redirect: "manual" });

async function paymentsOf(): Promise<number> {
	const { rows } = await database.pool("admin").query("select count(*)::int as count from transactions");
	return rows[0].count;
}

const transactionOf = (response: Response) =>
	/^\/pay\/([0-9a-f-]{36})\?token=[\w-]+&lang=\w+$/.exec(response.headers.get("Location") ?? "")?.[1];

describe("GET /l/:code", () => {
	it("shows who asks for how much and what for, to people and to apps that preview it, and makes nothing", async () => {
		const { code } = await link({ reference: "INV-7", expires_at: "2030-12-01T00:00:00Z" });
		const before = await paymentsOf();
		const response = await look(code, { "User-Agent": "WhatsApp/2.24 A" });
		expect(response.status).toBe(200);
		expect(response.headers.get("Cache-Control")).toBe("no-store");
		expect(response.headers.get("Content-Security-Policy")).toMatch(/default-src 'none'.*form-action 'self';/);
		const html = await response.text();
		expect(html).toContain('property="og:title" content="Pay ₹2,500.00 to Kaveri &amp; Sons"');
		expect(html).toContain('property="og:description" content="School fees &quot;second&quot; term"');
		expect(html).toContain(`property="og:url" content="http://pay.test/l/${code}"`);
		expect(html).toContain(`<form class="pay" method="post" action="/l/${code}?lang&#x3D;en">`);
		expect(html).toContain("INV-7");
		expect(html).toContain("1 Dec 2030, 5:30 am IST");
		expect(html).not.toMatch(/<script|\{\w+\}|undefined/);
		expect(await paymentsOf()).toBe(before);
	});

	it("is in Hindi for who wants that, and stays so on the way to the payment", async () => {
		const { code } = await link();
		const response = await look(code, {}, "?lang=hi");
		expect(await response.text()).toContain(TEXTS.hi.link.note);
		expect(response.headers.getSetCookie()[0]).toMatch(/^lang=hi;.*Path=\/l;/);
		expect((await follow(code, "?lang=hi")).headers.get("Location")).toMatch(/&lang=hi$/);
	});
});

describe("POST /l/:code", () => {
	it("makes the payment and leads to its page", async () => {
		const { code } = await link();
		const response = await follow(code);
		expect(response.status).toBe(303);
		expect(response.headers.get("Cache-Control")).toBe("no-store");
		const id = transactionOf(response)!;
		const page = await readPayPage(database.pool("checkout"), id);
		expect(page).toMatchObject({ client_id: merchant.id, view: { amount: 250_000, status: "created" } });
		const shown = await fetch(checkout.url + response.headers.get("Location"));
		expect(shown.status).toBe(200);
		expect(await shown.text()).toContain("₹2,500.00");
	});

	it("leads everybody to the one payment of a link for a single use, and each to their own of others", async () => {
		const [single, multiple] = [await link(), await link({ usage: "multiple" })];
		const followed = async (code: string) =>
			new Set((await Promise.all([1, 2, 3].map(() => follow(code)))).map(transactionOf));
		expect((await followed(single.code)).size).toBe(1);
		expect((await followed(multiple.code)).size).toBe(3);
	});

	it("begins the payment's trace, once however many follow the link", async () => {
		const receiver = await startTraceReceiver();
		const traced = await startTestCheckout(database, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
		const { code } = await link();
		const followed = await Promise.all(
			[1, 2].map(() => fetch(`${traced.url}/l/${code}`, { method: "POST", redirect: "manual" })),
		);
		const begun = await post(
			traced,
			merchant,
			"/payment/initiate",
			{ order_id: "traced", amount: 100, currency: "INR" },
			{
				traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			},
		);
		await traced.stop();
		await receiver.stop();
		const hex = (id: string) => id.replaceAll("-", "");
		const [by_link, by_request] = [hex(transactionOf(followed[0]!)!), hex(begun.body.transaction_id)];
		expect(receiver.spans).toEqual([
			expect.objectContaining({ name: "POST /l/:code", traceId: by_link, spanId: by_link.slice(16), links: [] }),
			expect.objectContaining({
				name: "POST /payment/initiate",
				traceId: by_request,
				links: [expect.objectContaining({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" })],
			}),
		]);
	});

	it("says that payment is not possible now when the merchant cannot take it", async () => {
		const nobody = await createMerchant(database.pool("admin"), keys, { company_name: "Nobody" }, []);
		const { code } = await link({ client_id: nobody.id });
		const response = await follow(code);
		expect(response.status).toBe(503);
		expect(Number(response.headers.get("Retry-After"))).toBeGreaterThan(0);
		const html = await response.text();
		expect(html).toContain(TEXTS.en.problems.link_refused.heading);
		expect(html).toContain("Nobody");
		expect(html).toContain(TEXTS.en.reload);
	});
});

describe("a link that is closed", () => {
	it.each<[string, "link_expired" | "link_disabled" | "link_completed", () => Promise<string>]>([
		["has expired", "link_expired", async () => (await link({ expires_at: "2030-01-01T00:00:00Z" })).code],
		["was disabled", "link_disabled", async () => (await link()).code],
		["was paid", "link_completed", async () => (await link()).code],
	])("says that it %s, to who looks and to who presses", async (_, problem, create) => {
		const code = await create();
		const admin = database.pool("admin");
		if (problem === "link_expired") {
			await admin.query("update payment_links set expires_at = now() - interval '1 minute' where code = $1", [code]);
		} else if (problem === "link_disabled") {
			const { rows } = await admin.query("select id from payment_links where code = $1", [code]);
			await disablePaymentLink(database.pool("checkout"), merchant.id, rows[0].id);
		} else {
			const id = transactionOf(await follow(code));
			await admin.query("update transactions set status = 'paid', paid_at = now() where id = $1", [id]);
		}
		const before = await paymentsOf();
		for (const response of [await look(code), await follow(code)]) {
			expect(response.status).toBe(410);
			expect(response.headers.get("Cache-Control")).toBe("no-store");
			const html = await response.text();
			expect(html).toContain(TEXTS.en.problems[problem].heading);
			expect(html).toContain("Kaveri &amp; Sons");
			expect(html).not.toMatch(/<form|\{\w+\}/);
		}
		expect(await paymentsOf()).toBe(before);
	});

	it("is not found when there is none", async () => {
		for (const code of ["nosuchlink0000000", "%00", "a".repeat(300)]) {
			for (const response of [await look(code), await follow(code)]) {
				expect(response.status, code.slice(0, 10)).toBe(404);
				expect(await response.text()).toContain(TEXTS.en.problems.link_not_found.heading);
			}
		}
	});
});
