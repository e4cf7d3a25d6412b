import { randomBytes, randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { settleAttempt } from "../../db/client/attempts.ts";
import { checkInvariants } from "../../db/client/invariants.ts";
import { enqueuePendingLookups } from "../../db/client/operations.ts";
import { acceptPayoutEvent, collectCommissions } from "../../db/client/payouts.ts";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createPayoutAdapters } from "../../psp/payout-providers.ts";
import { createPspAdapters } from "../../psp/providers.ts";
import { startReceiver, startTestSandbox } from "../../sandbox/test-sandbox.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { acceptGatewayEvent, attemptState, queryAs, startPayment } from "../../test/payments.ts";
import { createCheckoutUrls } from "../checkout-urls.ts";
import { createDeliveryGate, gateWidths } from "../delivery-gate.ts";
import { createJobsMetrics } from "../metrics.ts";
import { createOutbound } from "../outbound.ts";
import { createSharedCalls } from "../shared-calls.ts";
import { createStudioClient } from "../studio.ts";
import type { TaskContext } from "../task.ts";
import collectPayout from "../tasks/collect_payout.ts";
import confirmAttempt from "../tasks/confirm_attempt.ts";
import createPspOrder from "../tasks/create_psp_order.ts";
import processGatewayEvent from "../tasks/process_gateway_event.ts";
import { kitOf } from "./payment-scene.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const PROVIDERS = ["razorpay", "cashfree"] as const;
type Provider = (typeof PROVIDERS)[number];
const PATHS = { razorpay: "/v1/payouts", cashfree: "/payout/transfers" };
const DUE = 41_300;

let database: TestDatabase;
let sandbox: Awaited<ReturnType<typeof startTestSandbox>>;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
beforeAll(async () => {
	[database, sandbox, receiver] = await Promise.all([createTestDatabase(), startTestSandbox(), startReceiver()]);
});
afterAll(async () => {
	expect(await checkInvariants(database.pool("jobs"))).toEqual([]);
	await Promise.all([sandbox?.close(), receiver?.close()]);
	await database?.drop();
});
const rows = queryAs(() => database.pool("admin"));
beforeEach(async () => {
	await rows("delete from collection_nights");
	await rows("update collection_accounts set is_enabled = false");
	await rows("delete from graphile_worker._private_jobs");
	await sandbox.control("DELETE", "faults");
});

interface Collected extends TestMerchant {
	provider: Provider;
	account: { api_key: string; api_secret: string; webhook_secret: string; source_account: string };
}

/** A merchant that owes ₹413 and is collected from when it owes ₹100. */
async function merchant(provider: Provider, settings: object = {}, columns: object = {}): Promise<Collected> {
	const made = await createMerchant(database.pool("admin"), keys, { suspend_threshold: 40_000 });
	const account = {
		api_key: `key_${randomBytes(6).toString("hex")}`,
		api_secret: randomBytes(12).toString("hex"),
		webhook_secret: randomBytes(12).toString("hex"),
		source_account: "7878780080316316",
	};
	const { source_account: _, ...known } = account;
	await sandbox.control("PUT", "accounts", { provider, ...known, webhook_url: receiver.url, settings });
	const seal = (column: string, secret: string) =>
		encryptSecret(keys, secret, { table: "collection_accounts", column, row: made.id });
	await database.pool("studio").query("select save_collection_account($1, $2, $3, $4, 'first entered', 'asha')", [
		made.id,
		{
			provider,
			api_key: account.api_key,
			source_account: account.source_account,
			destination: provider === "razorpay" ? "fa_00000000000001" : "LIGHTSPEEDPAY",
			mode: "NEFT",
			threshold: 10_000,
			is_enabled: true,
			...columns,
		},
		seal("api_secret", account.api_secret),
		seal("webhook_secret", account.webhook_secret),
	]);
	const { attempt_id } = await startPayment(database, made, { amount: 1_000_000 });
	const state = attemptState("succeeded", { psp_payment_id: `pay_${attempt_id}`, amount: 1_000_000 });
	await settleAttempt(database.pool("jobs"), attempt_id, state);
	return { ...made, provider, account };
}

const sweep = () => collectCommissions(database.pool("jobs"));
const payoutsOf = ({ id }: TestMerchant) =>
	rows<{ id: string; status: string; amount: number; error_code: string | null; psp_payout_id: string | null }>(
		"select id, status, amount, error_code, psp_payout_id from payouts where client_id = $1 order by id",
		[id],
	);
const lastOf = async (of: TestMerchant) => (await payoutsOf(of)).at(-1)!;
const balanceOf = async ({ id }: TestMerchant) =>
	(await rows<{ balance_due: number }>("select balance_due from wallets where client_id = $1", [id]))[0]!.balance_due;
const alertsOf = async ({ id }: TestMerchant) =>
	(
		await rows<{ kind: string }>(
			"select kind from alerts where client_id = $1 and status <> 'resolved' order by kind",
			[id],
		)
	).map(({ kind }) => kind);
/** How often the PSP was asked to pay. */
async function asked({ provider }: Collected, reference: string): Promise<number> {
	const { body } = await sandbox.control("GET", `log?service=${provider}&method=POST`);
	return body.filter((entry: unknown) =>
		[reference, reference.replaceAll("-", "")].some((name) => JSON.stringify(entry).includes(name)),
	).length;
}
const decide = ({ provider }: Collected, payout: string, outcome: string, more: object = {}) =>
	sandbox.control("POST", "payout", { provider, payout, outcome, ...more });

/** One run of the task in this process. */
const run = (payout_id: string): Promise<void> => collectPayout({ payout_id }, context());

function context(): TaskContext {
	return {
		database: database.pool("jobs"),
		shared: createSharedCalls(database.pool("jobs"), pino({ enabled: false })),
		keys,
		payout_adapters: createPayoutAdapters({ sandbox_url: sandbox.url, timeout_ms: 60_000 }),
		adapters: createPspAdapters({ sandbox_url: sandbox.url, timeout_ms: 60_000 }),
		urls: createCheckoutUrls({ checkout_url: "http://127.0.0.1:3000", status_token_key: Buffer.alloc(32, 9) }),
		outbound: createOutbound({ allowed_hosts: new Set() }),
		gate: createDeliveryGate(gateWidths(50)),
		studio: createStudioClient(null, keys),
		clock: { offer: async () => 0 },
		metrics: createJobsMetrics(),
		tracing: null,
		alert_channels: [],
		whatsapp: null,
		log: pino({ level: "silent" }),
		job: { id: "1", attempt: 1, is_last_attempt: true, is_urgent: false },
	};
}
const nextNight = () =>
	rows("update payouts set collected_for = collected_for - 1, created_at = created_at - interval '1 day'");

describe("the nightly sweep", () => {
	it("makes one payout a merchant and night, however many sweep at once, and none under the threshold", async () => {
		const [owing, under] = [await merchant("razorpay"), await merchant("cashfree", {}, { threshold: DUE + 1 })];
		const swept = await Promise.all(Array.from({ length: 8 }, sweep));
		expect(swept.filter(({ payouts }) => payouts !== null)).toMatchObject([{ payouts: 1, amount: DUE }]);
		expect(await payoutsOf(owing)).toMatchObject([{ status: "queued", amount: DUE }]);
		expect(await payoutsOf(under)).toEqual([]);
		const jobs = await rows<{ n: number }>(
			"select count(*)::int as n from graphile_worker.jobs where task_identifier = 'collect_payout'",
		);
		expect(jobs).toEqual([{ n: 1 }]);
	});

	it("leaves dues alone that are being collected, and takes a failed one up the next night", async () => {
		const of = await merchant("razorpay", { payouts: "later" });
		await sweep();
		await run((await lastOf(of)).id);
		await rows("delete from collection_nights");
		await nextNight();
		expect(await sweep()).toMatchObject({ payouts: 0 });
		const first = await lastOf(of);
		await decide(of, first.id, "failed", { webhook: { skip: true } });
		await run(first.id);
		expect([await lastOf(of), await balanceOf(of), await alertsOf(of)]).toMatchObject([
			{ status: "failed", error_code: "invalid_request" },
			DUE,
			["collection_failed", "dues_outstanding"],
		]);
		await rows("delete from collection_nights");
		expect(await sweep()).toMatchObject({ payouts: 1 });
		const second = await lastOf(of);
		await run(second.id);
		await decide(of, second.id, "processed", { webhook: { skip: true } });
		await run(second.id);
		expect([(await lastOf(of)).status, await balanceOf(of), await alertsOf(of)]).toEqual(["processed", 0, []]);
	});
});

describe.each(PROVIDERS)("a payout through %s", (provider) => {
	it("is booked when the PSP says that it is processed, told by its webhook, and releases the merchant", async () => {
		const of = await merchant(provider);
		expect(await alertsOf(of)).toEqual(["dues_outstanding"]);
		await sweep();
		const { id } = await lastOf(of);
		const before = receiver.received.length;
		await run(id);
		expect([(await lastOf(of)).status, await balanceOf(of)]).toEqual(["processing", DUE]);

		const { headers, body } = (await receiver.until(before + 1)).at(-1)!;
		const request = { raw_body: Buffer.from(body), headers: headers as Record<string, string> };
		const verified = createPayoutAdapters().get(provider)!.verifyWebhook(of.account, request);
		expect(verified).toMatchObject({ valid: true, reference: id });
		const forged = { ...request, raw_body: Buffer.from(body.replace(String(DUE), "1").replace("413", "1")) };
		expect(createPayoutAdapters().get(provider)!.verifyWebhook(of.account, forged).valid).toBe(false);
		if (!verified.valid) throw new Error(verified.reason);
		const event = { client_id: of.id, provider, ...verified, raw_body: request.raw_body, payout_id: id };
		expect(await acceptPayoutEvent(database.pool("checkout"), event)).toBe(true);
		expect(await acceptPayoutEvent(database.pool("checkout"), event)).toBe(false);
		await run(id);
		await run(id);
		expect([(await lastOf(of)).status, await balanceOf(of), await alertsOf(of)]).toEqual(["processed", 0, []]);
		expect(await asked(of, id)).toBe(1);
	});

	it("that comes back is due again", async () => {
		const of = await merchant(provider);
		await sweep();
		const { id } = await lastOf(of);
		await run(id);
		await run(id);
		expect(await balanceOf(of)).toBe(0);
		await decide(of, id, "reversed", { webhook: { skip: true } });
		await run(id);
		await run(id);
		expect([(await lastOf(of)).status, await balanceOf(of), await alertsOf(of)]).toEqual([
			"reversed",
			DUE,
			["collection_failed", "dues_outstanding"],
		]);
	});

	it("whose answer was lost is looked up and never asked for twice", async () => {
		const of = await merchant(provider);
		await sweep();
		const { id } = await lastOf(of);
		await sandbox.control("POST", "faults", { service: provider, path: PATHS[provider], kind: "drop_after_success" });
		await run(id);
		expect([(await lastOf(of)).status, await balanceOf(of)]).toEqual(["processing", DUE]);
		await rows("update payouts set next_lookup_at = now() where id = $1", [id]);
		expect(await enqueuePendingLookups(database.pool("jobs"))).toBe(1);
		await run(id);
		expect([(await lastOf(of)).status, await balanceOf(of), await asked(of, id)]).toEqual(["processed", 0, 1]);
	});

	it("that never reached the PSP is asked for again, unless it was settled meanwhile", async () => {
		const [once, settled] = [await merchant(provider), await merchant(provider)];
		await sweep();
		for (const each of [once, settled]) {
			await sandbox.control("POST", "faults", { service: provider, path: PATHS[provider], kind: "drop_before" });
			await run((await lastOf(each)).id);
			expect((await lastOf(each)).status).toBe("processing");
		}
		await database
			.pool("studio")
			.query("select record_manual_settlement($1, 41300, $2, 'upi', current_date - 1, null, 'asha')", [
				settled.id,
				`UTR ${randomUUID().slice(0, 8)}`,
			]);
		for (const each of [once, settled]) await run((await lastOf(each)).id);
		await run((await lastOf(once)).id);
		expect([(await lastOf(once)).status, await balanceOf(once)]).toEqual(["processed", 0]);
		expect([await lastOf(settled), await balanceOf(settled), await alertsOf(settled)]).toMatchObject([
			{ status: "failed", error_code: "no_longer_due" },
			0,
			[],
		]);
	});

	it("fails when the account is empty, and waits when the PSP has too much to do", async () => {
		const [empty, busy] = [await merchant(provider, { payout_balance: 100 }), await merchant(provider)];
		await sweep();
		await run((await lastOf(empty)).id);
		expect([await lastOf(empty), await balanceOf(empty), await alertsOf(empty)]).toMatchObject([
			{ status: "failed", error_code: "insufficient_funds" },
			DUE,
			["collection_failed", "dues_outstanding"],
		]);
		await sandbox.control("POST", "faults", { service: provider, path: PATHS[provider], kind: "status", status: 429 });
		await run((await lastOf(busy)).id);
		expect(await lastOf(busy)).toMatchObject({ status: "processing", error_code: "rate_limited" });
	});
});

describe("what operators do", () => {
	const ask = (of: TestMerchant, reason = "asked by finance") =>
		database.pool("studio").query("select request_payout($1, $2, 'asha') as payout", [of.id, reason]);

	it("collects at once, with a reason, once at a time", async () => {
		const of = await merchant("razorpay");
		await expect(ask(of, " ")).rejects.toMatchObject({ code: "LS044" });
		await rows("update collection_accounts set is_enabled = true where client_id = $1", [of.id]);
		const { rows: answers } = await ask(of);
		expect(answers[0].payout).toMatchObject({ kind: "asked", amount: DUE, status: "queued", asked_by: "asha" });
		await expect(ask(of)).rejects.toMatchObject({ code: "LS271" });
		await run((await lastOf(of)).id);
		await run((await lastOf(of)).id);
		await expect(ask(of)).rejects.toMatchObject({ code: "LS272" });
	});

	it("says what came of a collection that nothing ends by itself, and the next one can be made", async () => {
		const owing = await merchant("razorpay");
		const resolve = (id: string, received: number | null, reason = "Bank statement of the 3rd") =>
			database.pool("studio").query("select resolve_payout($1, $2, $3, 'asha')", [id, received, reason]);
		const tell = (id: string, amount: number) =>
			database
				.pool("jobs")
				.query("select settle_payout($1, $2)", [
					id,
					JSON.stringify({ outcome: "processed", psp_payout_id: `pout_${id}`, amount }),
				]);
		const hold = async () => {
			await ask(owing);
			const { id } = await lastOf(owing);
			await database.pool("jobs").query("select begin_payout($1)", [id]);
			await expect(resolve(id, 0)).rejects.toMatchObject({ code: "LS275" });
			await tell(id, DUE - 1_000);
			await expect(ask(owing)).rejects.toMatchObject({ code: "LS271" });
			return id;
		};
		const payoutAlerts = async () => (await alertsOf(owing)).filter((kind) => kind.startsWith("payout_"));
		const nothing = await hold();
		expect(await payoutAlerts()).toEqual(["payout_amount_mismatch"]);
		await expect(resolve(nothing, 0, " ")).rejects.toMatchObject({ code: "LS044" });
		for (const wrong of [null, -1, 99, DUE * 11]) {
			await expect(resolve(nothing, wrong)).rejects.toMatchObject({ code: "LS276" });
		}
		await resolve(nothing, 0);
		expect(await lastOf(owing)).toMatchObject({ status: "failed", amount: DUE, error_code: "closed_by_operator" });
		expect([await balanceOf(owing), await payoutAlerts()]).toEqual([DUE, []]);
		await expect(resolve(nothing, 0)).rejects.toMatchObject({ code: "LS275" });

		const part = await hold();
		await resolve(part, DUE - 1_000);
		expect(await lastOf(owing)).toMatchObject({ status: "processed", amount: DUE - 1_000 });
		expect([await balanceOf(owing), await payoutAlerts()]).toEqual([1_000, []]);
		// what the PSP says again is known
		await tell(part, DUE - 1_000);
		expect([await balanceOf(owing), await payoutAlerts()]).toEqual([1_000, []]);
		await ask(owing);
		expect(await lastOf(owing)).toMatchObject({ status: "queued", amount: 1_000 });
		expect(await checkInvariants(database.pool("admin"))).toEqual([]);
		expect(
			await rows(
				"select actor, after ->> 'received' as received from audit_log where action = 'resolve_payout' order by id",
			),
		).toEqual([
			{ actor: "asha", received: "0" },
			{ actor: "asha", received: String(DUE - 1_000) },
		]);
	});

	it("enters accounts that belong to one merchant, and leaves them alone while they are in use", async () => {
		const [of, other] = [await merchant("razorpay", { payouts: "later" }), await merchant("cashfree")];
		const save = (client: TestMerchant, account: object, secret: string | null = null) =>
			database
				.pool("studio")
				.query("select save_collection_account($1, $2, $3, null, 'changed', 'asha')", [client.id, account, secret]);
		const { api_key, source_account } = of.account;
		const same = { provider: "razorpay", api_key, source_account, destination: "fa_00000000000001" };
		await expect(save(other, same, "v1.x")).rejects.toMatchObject({ code: "LS274" });
		await expect(save(of, { api_key: "another" })).rejects.toMatchObject({ code: "LS274", detail: "api_secret" });
		await expect(save(of, { destination: "acc_1" })).rejects.toMatchObject({ code: "LS274" });
		await save(of, { threshold: 500 });
		await sweep();
		await expect(save(of, { source_account: "4564563559247998" })).rejects.toMatchObject({ code: "LS271" });
		const { rows: shown } = await database
			.pool("studio")
			.query("select read_collection($1, null, 10) as collection", [of.id]);
		expect(shown[0].collection).toMatchObject({
			account: { threshold: 500, has_webhook_secret: true },
			payouts: [{ status: "queued" }],
		});
		expect(JSON.stringify(shown)).not.toContain("v1.");
	});
});

describe("a payment whose commission is split off", () => {
	/** Orders ₹10,000 through a gateway that splits to that account, and pays it. */
	async function paidThrough(
		provider: "razorpay" | "cashfree" | "payu",
		split_account: string,
		{ made: given, fails = false }: { made?: TestMerchant; fails?: boolean } = {},
	) {
		const kit = await kitOf(provider);
		const account = kit.createAccount(randomBytes(4).toString("hex"));
		await sandbox.control("PUT", "accounts", { provider, ...account, webhook_url: receiver.url });
		const made = given ?? (await createMerchant(database.pool("admin"), keys));
		const [{ id }] = made.gateways as [TestMerchant["gateways"][0]];
		const seal = (column: string, secret: string | null) =>
			secret === null ? null : encryptSecret(keys, secret, { table: "payment_gateways", column, row: id });
		await rows(
			`update payment_gateways set provider = $2, api_key = $3, api_secret = $4, webhook_secret = $5, settings = $6,
				split_account = $7, split_enabled = true where id = $1`,
			[
				id,
				provider,
				account.api_key,
				seal("api_secret", account.api_secret),
				seal("webhook_secret", account.webhook_secret),
				JSON.stringify(account.settings),
				split_account,
			],
		);
		const customer = { name: "Asha Rao", email: "asha@example.com", phone: "+919876543210" };
		const { transaction_id, attempt_id } = await startPayment(database, made, { amount: 1_000_000, customer });
		await createPspOrder({ attempt_id }, context());
		const [attempt] = await rows<{
			psp_order_id: string;
			presentation: { kind: string; url: string; fields: Record<string, string> };
		}>("select psp_order_id, presentation from payment_attempts where id = $1", [attempt_id]);
		const { psp_order_id, presentation } = attempt!;
		if (presentation.kind === "form") {
			await fetch(presentation.url, {
				method: "POST",
				body: new URLSearchParams(presentation.fields),
				redirect: "manual",
			});
		}
		if (fails) await sandbox.control("POST", "transfer", { provider, order: psp_order_id, outcome: "failure" });
		await sandbox.control("POST", "pay", { provider, order: psp_order_id, outcome: "success" });
		await confirmAttempt({ attempt_id }, context());
		const entries = await rows<{ type: string; amount: number }>(
			"select type, amount from wallet_entries where transaction_id = $1 order by entry_no",
			[transaction_id],
		);
		const ask = async (path: string, headers: Record<string, string>) =>
			(await fetch(`${sandbox.url}/${provider}${path}`, { headers })).json() as Promise<Record<string, unknown>>;
		return { made, account, psp_order_id, presentation, entries, ask };
	}

	/** Takes Razorpay's webhook of that order as checkout does, and processes it. */
	async function hears({ made, account, psp_order_id }: Awaited<ReturnType<typeof paidThrough>>, event: string) {
		const adapter = context().adapters.razorpay;
		for (let place = 0; ; place++) {
			const { body, headers } = (await receiver.until(place + 1))[place]!;
			if (!body.includes(`"${event}"`) || !body.includes(psp_order_id)) continue;
			const request = { raw_body: Buffer.from(body), headers: headers as Record<string, string> };
			const verified = adapter.verifyWebhook(account, request);
			if (!verified.valid) throw new Error(verified.reason);
			const { dedupe_key, event_type, body_proven } = verified;
			const gateway_id = made.gateways[0]!.id;
			const { event_id } = await acceptGatewayEvent(database.pool("checkout"), {
				gateway_id,
				dedupe_key,
				event_type,
				headers: {},
				body_proven,
				raw_body: request.raw_body,
			});
			await processGatewayEvent({ event_id }, context());
			const [stored] = await rows("select processed_at is not null as done, error from gateway_events where id = $1", [
				event_id,
			]);
			expect(stored).toEqual({ done: true, error: null });
			return;
		}
	}
	const BOOKED = [
		{ type: "COMMISSION_SPLIT", amount: -DUE },
		{ type: "COMMISSION", amount: 35_000 },
		{ type: "COMMISSION_GST", amount: 6_300 },
	];

	it("is settled to us by Razorpay Route", async () => {
		const { made, account, psp_order_id, entries, ask } = await paidThrough("razorpay", "acc_IROu8Nod6PXPtZ");
		expect([entries, await balanceOf(made)]).toEqual([BOOKED, 0]);
		const authorization = `Basic ${Buffer.from(`${account.api_key}:${account.api_secret}`).toString("base64")}`;
		const payments = await ask(`/v1/orders/${psp_order_id}/payments`, { authorization });
		expect(payments).toMatchObject({ items: [{ amount: 1_000_000, amount_transferred: DUE }] });
	});

	it("is collected at night where Razorpay could not settle it to us, and is in advance when it comes after all", async () => {
		const made = await merchant("razorpay");
		await rows("update clients set suspend_threshold = $2 where id = $1", [made.id, 2 * DUE]);
		const paid = await paidThrough("razorpay", "acc_IROu8Nod6PXPtZ", { made, fails: true });
		expect([paid.entries, await balanceOf(made)]).toEqual([BOOKED, DUE]);
		await hears(paid, "transfer.failed");
		expect([await balanceOf(made), await alertsOf(made)]).toEqual([2 * DUE, ["dues_outstanding", "split_failed"]]);
		await sweep();
		const { id, amount } = await lastOf(made);
		expect(amount).toBe(2 * DUE);
		await run(id);
		await run(id);
		expect([await balanceOf(made), await alertsOf(made)]).toEqual([0, ["split_failed"]]);
		await sandbox.control("POST", "transfer", {
			provider: "razorpay",
			order: paid.psp_order_id,
			outcome: "success",
		});
		await hears(paid, "transfer.processed");
		expect(await balanceOf(made)).toBe(-DUE);
	});

	it("is settled to us by Cashfree Easy Split, and by nobody where Cashfree does not know us", async () => {
		const { made, account, psp_order_id, entries, ask } = await paidThrough("cashfree", "vendor_lightspeed");
		expect([entries, await balanceOf(made)]).toEqual([BOOKED, 0]);
		const headers = {
			"x-client-id": account.api_key,
			"x-client-secret": account.api_secret,
			"x-api-version": "2025-01-01",
		};
		expect(await ask(`/pg/orders/${psp_order_id}`, headers)).toMatchObject({
			order_amount: 10_000,
			order_splits: [{ vendor_id: "vendor_lightspeed", amount: 413 }],
		});
		const refused = await paidThrough("cashfree", "nobody_there");
		expect([refused.entries, await balanceOf(refused.made), await alertsOf(refused.made)]).toEqual([
			BOOKED.slice(1),
			DUE,
			["split_refused"],
		]);
	});

	it("is settled to us by PayU", async () => {
		const { made, entries, presentation } = await paidThrough("payu", "P41sCY");
		expect([entries, await balanceOf(made)]).toEqual([BOOKED, 0]);
		expect(JSON.parse(presentation.fields.splitRequest!)).toMatchObject({
			splitInfo: { P41sCY: { aggregatorSubAmt: "413.00", aggregatorCharges: "9587.00" } },
		});
	});
});
