import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs } from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import {
	createPaymentLink,
	disablePaymentLink,
	openPaymentLink,
	type PaymentLinkRequest,
	readLinkPage,
	readPaymentLink,
} from "../client/links.ts";
import { readTransaction } from "../client/payments.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const checkout = () => database.pool("checkout");
const rows = queryAs(() => database.pool("admin"));
const merchant = (columns = {}) => createMerchant(database.pool("admin"), keys, columns);

const create = (of: TestMerchant, more: Partial<PaymentLinkRequest> = {}) =>
	createPaymentLink(checkout(), {
		client_id: of.id,
		amount: 25_000,
		currency: "INR",
		description: "Two books",
		reference: null,
		usage: "single",
		expires_at: null,
		redirect_url: null,
		...more,
	});

async function attemptOf(transaction_id: string): Promise<string> {
	const [attempt] = await rows<{ id: string }>("select id from payment_attempts where transaction_id = $1", [
		transaction_id,
	]);
	return attempt!.id;
}

async function pay(transaction_id: string): Promise<void> {
	await settleAttempt(
		database.pool("jobs"),
		await attemptOf(transaction_id),
		attemptState("succeeded", { amount: 25_000 }),
	);
}

describe("a payment link", () => {
	test("leads to a payment of its amount", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri, { reference: "INV-7" });
		expect(link).toMatchObject({ status: "active", paid_count: 0, usage: "single", reference: "INV-7" });
		expect(link.code).toMatch(/^[a-z0-9]{24}$/);
		expect(await readLinkPage(checkout(), link.code)).toMatchObject({ company_name: "Test Merchant", amount: 25_000 });
		const { transaction_id } = await openPaymentLink(checkout(), link.code);
		expect((await readTransaction(checkout(), transaction_id))?.view).toMatchObject({
			amount: 25_000,
			order_id: `link_${link.code}_1`,
		});
	});

	test("for single use leads everybody to one payment, and is completed when that is paid", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri);
		const opened = await Promise.all(Array.from({ length: 20 }, () => openPaymentLink(checkout(), link.code)));
		expect(new Set(opened.map(({ transaction_id }) => transaction_id)).size).toBe(1);
		expect(opened.filter(({ is_new }) => is_new)).toHaveLength(1);
		await pay(opened[0]!.transaction_id);
		expect(await readPaymentLink(checkout(), kaveri.id, link.link_id)).toMatchObject({
			status: "completed",
			paid_count: 1,
		});
		await expect(openPaymentLink(checkout(), link.code)).rejects.toMatchObject({ code: "link_closed" });
	});

	test("for single use makes a new payment once the one before is over", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri);
		const first = await openPaymentLink(checkout(), link.code);
		await rows("update transactions set status = 'expired', expires_at = now() where id = $1", [first.transaction_id]);
		const second = await openPaymentLink(checkout(), link.code);
		expect(second.transaction_id).not.toBe(first.transaction_id);
	});

	test("for many uses makes a payment each time", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri, { usage: "multiple" });
		const opened = await Promise.all(Array.from({ length: 5 }, () => openPaymentLink(checkout(), link.code)));
		expect(new Set(opened.map(({ transaction_id }) => transaction_id)).size).toBe(5);
		for (const { transaction_id } of opened.slice(0, 2)) await pay(transaction_id);
		expect(await readPaymentLink(checkout(), kaveri.id, link.link_id)).toMatchObject({
			status: "active",
			paid_count: 2,
		});
	});

	test("for single use that is paid twice after all is told to operators", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri);
		const first = await openPaymentLink(checkout(), link.code);
		await rows("update transactions set status = 'expired', expires_at = now() where id = $1", [first.transaction_id]);
		const second = await openPaymentLink(checkout(), link.code);
		await pay(second.transaction_id);
		await pay(first.transaction_id);
		expect(await rows("select kind from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "link_paid_twice" },
		]);
	});

	test("for single use that is paid twice at the same moment is told of too where no commission is booked", async () => {
		const kaveri = await merchant({ fee_percent: 0 });
		const link = await create(kaveri);
		const first = await openPaymentLink(checkout(), link.code);
		await rows("update transactions set status = 'expired', expires_at = now() where id = $1", [first.transaction_id]);
		const second = await openPaymentLink(checkout(), link.code);
		const earlier = await database.connection("jobs");
		const attempt = await attemptOf(first.transaction_id);
		await earlier.query("begin");
		await settleAttempt(earlier, attempt, attemptState("succeeded", { amount: 25_000 }));
		let is_paid = false;
		const later = pay(second.transaction_id).then(() => {
			is_paid = true;
		});
		// Either it waits, or it has gone by.
		await expect
			.poll(
				async () =>
					is_paid ||
					(
						await rows(
							"select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
						)
					).length > 0,
			)
			.toBe(true);
		await earlier.query("commit");
		await later;
		expect(await rows("select kind from alerts where client_id = $1", [kaveri.id])).toEqual([
			{ kind: "link_paid_twice" },
		]);
	});

	test("for single use: links of payments that are settled together take their turns in one order", async () => {
		const kaveri = await merchant();
		const links = [await create(kaveri), await create(kaveri)].sort((a, b) => (a.link_id < b.link_id ? -1 : 1));
		const opened = await Promise.all(links.map(({ code }) => openPaymentLink(checkout(), code)));
		const [first, last] = await Promise.all(opened.map(({ transaction_id }) => attemptOf(transaction_id)));
		const turn = "hashtextextended('payment_link:' || $1::text, 0)";
		const holder = await database.connection("admin");
		await holder.query("begin");
		await holder.query(`select pg_advisory_xact_lock(${turn})`, [links[0]!.link_id]);
		const state = attemptState("succeeded", { amount: 25_000 });
		const settled = rows("select * from settle_attempts($1, $2::jsonb[])", [
			[last, first],
			[state, state],
		]);
		await expect.poll(() => rows("select from pg_locks where locktype = 'advisory' and not granted")).toHaveLength(1);
		// Somebody who has the second link's turn and comes for the first one's would wait for ever otherwise.
		expect(await rows(`select pg_try_advisory_xact_lock(${turn}) as is_free`, [links[1]!.link_id])).toEqual([
			{ is_free: true },
		]);
		await holder.query("commit");
		await settled;
	});

	test("for many uses: payments that are settled do not wait for each other", async () => {
		// Without a commission, as these meet in the merchant's wallet.
		const kaveri = await merchant({ fee_percent: 0 });
		const link = await create(kaveri, { usage: "multiple" });
		const opened = [await openPaymentLink(checkout(), link.code), await openPaymentLink(checkout(), link.code)];
		const first = await attemptOf(opened[0]!.transaction_id);
		const earlier = await database.connection("jobs");
		await earlier.query("begin");
		await settleAttempt(earlier, first, attemptState("succeeded", { amount: 25_000 }));
		await pay(opened[1]!.transaction_id);
		await earlier.query("commit");
	});

	test("begins sixty payments a minute at most", async () => {
		const kaveri = await merchant();
		const link = await create(kaveri, { usage: "multiple" });
		for (let n = 0; n < 60; n++) await openPaymentLink(checkout(), link.code);
		await expect(openPaymentLink(checkout(), link.code)).rejects.toMatchObject({
			code: "rate_limited",
			retry_after_seconds: 60,
		});
	});

	test("that is disabled or expired takes no payment", async () => {
		const kaveri = await merchant();
		const disabled = await create(kaveri);
		expect(await disablePaymentLink(checkout(), kaveri.id, disabled.link_id)).toMatchObject({ status: "disabled" });
		await expect(openPaymentLink(checkout(), disabled.code)).rejects.toMatchObject({ code: "link_closed" });
		const expired = await create(kaveri, { expires_at: "2026-01-01T00:00:00.000Z" });
		expect(expired.status).toBe("expired");
		await expect(openPaymentLink(checkout(), expired.code)).rejects.toMatchObject({ code: "link_closed" });
		await expect(openPaymentLink(checkout(), "nosuchlinkatall0")).rejects.toMatchObject({ code: "not_found" });
	});

	test("asked for twice under one reference is one link; with other content a conflict", async () => {
		const kaveri = await merchant();
		const [first, again] = await Promise.all([
			create(kaveri, { reference: "A-1" }),
			create(kaveri, { reference: "A-1" }),
		]);
		expect(again.link_id).toBe(first.link_id);
		await expect(create(kaveri, { reference: "A-1", amount: 1 })).rejects.toMatchObject({
			code: "idempotency_key_conflict",
		});
	});

	test("made in the studio sends payers only to a registered URL, as the API does", async () => {
		const kaveri = await merchant({
			redirect_urls: JSON.stringify(["https://kaveri.example/return", "http://shop.kaveri.example:8080", "nonsense"]),
		});
		const studio = queryAs(() => database.pool("studio"));
		const make = (redirect_url: string | null) =>
			studio<{ id: string }>(
				"insert into public.payment_links (client_id, amount, redirect_url) values ($1, 100, $2) returning id",
				[kaveri.id, redirect_url],
			);
		for (const registered of [
			null,
			"https://kaveri.example/return",
			"https://KAVERI.example:443/return?from=link#top",
			"http://shop.kaveri.example:8080/",
		]) {
			expect(await make(registered)).toHaveLength(1);
		}
		for (const other of [
			"https://kaveri.example/return/",
			"https://kaveri.example/Return",
			"http://kaveri.example/return",
			"https://kaveri.example:8443/return",
			"https://kaveri.example@evil.example/return",
			"https://evil.example\\@kaveri.example/return",
			"https://kaveri.example.evil.example/return",
			"https://kaveri.example/return\\..\\..",
			"http://nonsense",
		]) {
			await expect(make(other), other).rejects.toMatchObject({ code: "LS035", hint: expect.any(String) });
		}
		const [link] = await make(null);
		const change = (column: string, value: string) =>
			studio(`update public.payment_links set ${column} = $2 where id = $1`, [link!.id, value]);
		await expect(change("redirect_url", "https://evil.example/")).rejects.toMatchObject({ code: "LS035" });
		await rows("update clients set redirect_urls = '[]' where id = $1", [kaveri.id]);
		await change("description", "Two lamps");
	});

	test("of another merchant is neither read nor disabled", async () => {
		const link = await create(await merchant());
		const other = await merchant();
		expect(await readPaymentLink(checkout(), other.id, link.link_id)).toBeNull();
		expect(await disablePaymentLink(checkout(), other.id, link.link_id)).toBeNull();
	});

	test("answers as initiating does when the merchant cannot take the payment", async () => {
		const suspended = await merchant({ status: "suspended" });
		const link = await create(suspended);
		await expect(openPaymentLink(checkout(), link.code)).rejects.toMatchObject({ code: "client_suspended" });
		const capped = await create(await merchant({ max_transaction_amount: 100 }));
		await expect(openPaymentLink(checkout(), capped.code)).rejects.toMatchObject({
			code: "cap_exceeded",
			param: "max_transaction_amount",
		});
	});
});
