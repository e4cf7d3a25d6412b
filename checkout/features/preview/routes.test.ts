import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../../../db/client/secrets.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import { createTestDatabase, type TestDatabase } from "../../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../../test/merchants.ts";
import { payPayment } from "../../../test/payments.ts";
import { ask, startTestCheckout, TEST_STATUS_TOKEN_KEY, type TestCheckout } from "../../test-checkout.ts";

const STUDIO = "https://studio.example";
// One transparent pixel.
const LOGO = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
	"base64",
);
const SHA256 = createHash("sha256").update(LOGO).digest("hex");

let database: TestDatabase;
let checkout: TestCheckout;
let merchant: TestMerchant;
beforeAll(async () => {
	database = await createTestDatabase();
	merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {
		company_name: "Kaveri <Books>",
	});
	await database
		.pool("studio")
		.query("select public.store_client_logo($1, 'image/png', $2, 'someone')", [merchant.id, LOGO]);
	checkout = await startTestCheckout(database, { PUBLIC_STUDIO_URL: `${STUDIO}/admin` });
});
afterAll(async () => {
	await checkout.stop();
	await database.drop();
});

const save = (theme_color: string | null, logo: string | null) =>
	database
		.pool("studio")
		.query("update public.clients set theme_color = $2, logo_sha256 = $3 where id = $1", [
			merchant.id,
			theme_color,
			logo,
		]);
const preview = (query: Record<string, string> = {}, id = merchant.id) =>
	ask(`${checkout.url}/preview/${id}?${new URLSearchParams(query)}`);

describe("the preview of a payment page", () => {
	it("is framed by the studio alone, and nothing in it runs, opens or is sent", async () => {
		const { status, headers } = await preview();
		expect(status).toBe(200);
		const policy = headers.get("content-security-policy")!.split("; ");
		expect(policy).toContain(`frame-ancestors ${STUDIO}`);
		expect(policy).toContain("sandbox allow-same-origin");
		expect(policy).toContain("form-action 'none'");
		expect(policy).toContain("default-src 'none'");
		expect(headers.get("x-frame-options")).toBeNull();
		expect(headers.get("cache-control")).toBe("no-store");
	});

	it("makes no payment and asks for nothing but its own files", async () => {
		const count = async () =>
			(await database.pool("admin").query("select count(*)::int as n from public.transactions")).rows[0].n;
		const before = await count();
		for (const state of ["ready", "declined", "paid"]) {
			const { body } = await preview({ state });
			expect(body).not.toMatch(/<script|http-equiv|src="(?!\/logos\/)/);
			expect(body).toContain("nothing can be paid here");
			expect(body).toContain("Kaveri &lt;Books&gt;");
		}
		expect(await count()).toBe(before);
	});

	it("shows what is saved, and over it what is not saved yet", async () => {
		await save("#aa3300", SHA256);
		const saved = (await preview()).body;
		expect(saved).toContain("--brand:#aa3300");
		expect(saved).toContain(`<img class="logo" src="/logos/${SHA256}" alt="">`);
		const other = (await preview({ color: "#00aa33", logo: "none" })).body;
		expect(other).toContain("--brand:#00aa33");
		expect(other).toContain('<span class="monogram" aria-hidden="true">K</span>');
		expect((await preview({ color: "none" })).body).not.toContain("--brand:");
	});

	it("takes no colour, hash or state that is none, whatever the address says", async () => {
		const { status, body } = await preview({
			color: "red;}body{background:url(//x)",
			logo: "../x",
			state: "x",
			scheme: "x",
		});
		expect(status).toBe(200);
		expect(body).not.toMatch(/url\(|\.\.\/x/);
	});

	it("shows one scheme where asked, in the language asked", async () => {
		const { body } = await preview({ scheme: "dark", lang: "hi", color: "#00aa33" });
		expect(body).toContain('<html lang="hi">');
		expect(body).toMatch(/"\/assets\/pay-dark\.[\w-]{12}\.css"/);
		expect(body).toContain(`?scheme&#x3D;dark&amp;lang&#x3D;en&amp;color&#x3D;%2300aa33`);
		const style = (await ask(checkout.url + /\/assets\/pay-dark\.[\w-]{12}\.css/.exec(body)![0])).body;
		expect(style).not.toContain("prefers-color-scheme");
		expect(style).toContain("color-scheme: dark");
	});

	it("is no page for a merchant that does not exist, or where no studio may frame it", async () => {
		expect((await preview({}, "0190a7c0-0000-7000-8000-000000000000")).status).toBe(404);
		expect((await preview({}, "x")).status).toBe(404);
		const alone = await startTestCheckout(database);
		try {
			expect((await ask(`${alone.url}/preview/${merchant.id}`)).status).toBe(404);
		} finally {
			await alone.stop();
		}
	});
});

describe("a logo", () => {
	it("is served by its content, kept for good, and is nothing but an image", async () => {
		const response = await fetch(`${checkout.url}/logos/${SHA256}`);
		expect(response.status).toBe(200);
		expect(response.headers.get("content-type")).toBe("image/png");
		expect(response.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
		expect(response.headers.get("x-content-type-options")).toBe("nosniff");
		expect(response.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
		expect(Buffer.from(await response.arrayBuffer())).toEqual(LOGO);
		expect((await ask(`${checkout.url}/logos/${"0".repeat(64)}`)).status).toBe(404);
		expect((await ask(`${checkout.url}/logos/x`)).status).toBe(404);
	});
});

it("a payer's page has the merchant's colour and logo, still strict, and still far below 100 KB", async () => {
	await save("#ffe14d", SHA256);
	const { transaction_id } = await payPayment(database, merchant);
	const token = createStatusToken(Buffer.from(TEST_STATUS_TOKEN_KEY, "base64"), transaction_id);
	const { body, headers } = await ask(`${checkout.url}/pay/${transaction_id}?token=${token}`);
	expect(body).toContain('<meta name="theme-color" content="#ffe14d">');
	expect(body).toContain("--brand:#ffe14d;--brand-ink:#000000");
	expect(body).toContain(`src="/logos/${SHA256}"`);
	const policy = headers.get("content-security-policy")!;
	const nonce = /'nonce-([\w-]+)'/.exec(policy)![1];
	expect(policy).toContain(`style-src 'nonce-${nonce}'`);
	expect(policy).toContain("frame-ancestors 'none'");
	expect(headers.get("x-frame-options")).toBe("DENY");
	expect(body).toContain(`<style nonce="${nonce}">:root{`);
	// With the largest logo there may be.
	expect(gzipSync(body).length + 32_768 + 20_000).toBeLessThan(60_000);
});
