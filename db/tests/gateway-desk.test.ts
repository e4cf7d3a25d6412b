import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, payPayment, queryAs, startPayment } from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import { readClientTheme, readLogo } from "../client/clients.ts";
import { readMetrics } from "../client/metrics.ts";
import { closeGatewayHours, watchSuccessRates } from "../client/operations.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
const ACTOR = "b1e5d2c0-0000-4000-8000-000000000001";
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));
const merchant = (company_name: string, gateways: Record<string, unknown>[] = [{}], columns = {}) =>
	createMerchant(database.pool("admin"), keys, { company_name, ...columns }, gateways);

interface Listed {
	gateway_id: string;
	name: string;
	client_id: string;
	company_name: string;
	active_gateways: number;
	figures: {
		circuit: string;
		volume: number;
		used_this_minute: number;
		max_rpm: number | null;
		cooldown_until: string | null;
		points_under_last_week: number | null;
	};
	sparkline: number[];
}

interface Question {
	client_id?: string;
	search?: string;
	filter?: string;
	after?: Listed;
	limit?: number;
}

const list = ({ client_id, search, filter, after, limit = 50 }: Question = {}) =>
	asStudio<Listed>("select * from public.studio_gateways($1, $2, $3, $4, $5)", [
		client_id ?? null,
		search ?? null,
		filter ?? null,
		after === undefined ? null : JSON.stringify(after),
		limit,
	]);

const cool = (of: TestMerchant, index: number) =>
	rows("select public.cool_gateway($1, 'timed_out', 504, null)", [of.gateways[index]!.id]);

const clear = async (of: TestMerchant, index: number, reason: string, full = false) =>
	(
		await asStudio<{ cleared: boolean }>("select public.clear_cooldown($1, $2, $3, $4) as cleared", [
			of.gateways[index]!.id,
			full,
			reason,
			ACTOR,
		])
	)[0]!.cleared;

const gatewayOf = async (of: TestMerchant): Promise<string> => {
	const { transaction_id } = await startPayment(database, of);
	const [row] = await rows<{ gateway_id: string }>("select gateway_id from transactions where id = $1", [
		transaction_id,
	]);
	return row!.gateway_id;
};

describe("studio_gateways", () => {
	let zebra: TestMerchant;
	let apple: TestMerchant;
	beforeAll(async () => {
		zebra = await merchant("zebra Toys", [{ name: "Second" }, { name: "first", monthly_limit: 100_000 }]);
		apple = await merchant("Apple 100%_Juice", [{ name: "UPI desk" }, { name: "Spare", is_active: false }], {
			max_rpm_per_gateway: 5,
		});
	});

	it("goes through all gateways by merchant and name, page by page, each once", async () => {
		const seen: string[] = [];
		let after: Listed | undefined;
		for (;;) {
			const page = await list({ limit: 1, ...(after && { after }) });
			if (page.length === 0) break;
			after = page[0]!;
			seen.push(`${after.company_name}: ${after.name}`);
		}
		expect(seen).toEqual([
			"Apple 100%_Juice: Spare",
			"Apple 100%_Juice: UPI desk",
			"zebra Toys: first",
			"zebra Toys: Second",
		]);
	});

	it("finds by a part of either name, taking signs as they are, and by whole keys", async () => {
		const names = async (search: string) => (await list({ search })).map(({ name }) => name);
		expect(await names("ZEBRA")).toEqual(["first", "Second"]);
		expect(await names(" desk ")).toEqual(["UPI desk"]);
		expect(await names("100%_j")).toEqual(["Spare", "UPI desk"]);
		expect(await names("%")).toEqual(["Spare", "UPI desk"]);
		expect(await names(zebra.client_key)).toEqual(["first", "Second"]);
		expect(await names(zebra.gateways[0]!.id)).toEqual(["Second"]);
		expect(await names("\\")).toEqual([]);
	});

	it("shows one merchant's gateways with volume, requests of the minute, and how many are switched on", async () => {
		await startPayment(database, apple);
		const listed = await list({ client_id: apple.id });
		expect(listed.map(({ name, active_gateways }) => ({ name, active_gateways }))).toEqual([
			{ name: "Spare", active_gateways: 1 },
			{ name: "UPI desk", active_gateways: 1 },
		]);
		expect(listed[1]!.figures).toMatchObject({ volume: 10_000, used_this_minute: 1, max_rpm: 5, circuit: "closed" });
	});

	it("keeps what needs attention: cooling down, failing, close to the limit; not what is switched off", async () => {
		const names = async (filter: string) => (await list({ filter })).map(({ name }) => name);
		expect(await names("attention")).toEqual([]);
		expect(await names("inactive")).toEqual(["Spare"]);
		await cool(zebra, 0);
		expect(await names("cooling")).toEqual(["Second"]);
		await rows(
			"update gateway_states set volume = 90000, volume_month = public.month_in_india(now()) where gateway_id = $1",
			[zebra.gateways[1]!.id],
		);
		await rows("update gateway_states set success_rate = 62.5, outcomes = 5 where gateway_id = any ($1)", [
			apple.gateways.map(({ id }) => id),
		]);
		expect(await names("attention")).toEqual(["UPI desk", "first", "Second"]);
		const [, second] = await list({ client_id: zebra.id });
		expect(second!.figures.circuit).toBe("open");
		expect(Date.parse(second!.figures.cooldown_until!)).toBeGreaterThan(Date.now() + 200_000);
	});

	it("draws the success of the newest payments, five to a point, without what the payer gave up", async () => {
		const shop = await merchant("Spark Shop");
		for (let n = 0; n < 5; n++) await payPayment(database, shop);
		for (const code of ["declined", "cancelled_by_payer", "declined", "psp_unavailable", "declined", "declined"]) {
			const { attempt_id } = await startPayment(database, shop);
			await settleAttempt(
				database.pool("jobs"),
				attempt_id,
				attemptState("failed", { error: { code: code as "declined", message: "no" } }),
			);
		}
		expect((await list({ client_id: shop.id }))[0]!.sparkline).toEqual([100, 0]);
	});

	it("tells only what moves when asked for that, and nothing of secrets", async () => {
		const ids = zebra.gateways.map(({ id }) => id);
		const [answer] = await asStudio<{ figures: Record<string, object> }>(
			"select public.studio_gateway_figures($1) as figures",
			[ids],
		);
		expect(Object.keys(answer!.figures).sort()).toEqual([...ids].sort());
		expect(JSON.stringify([answer, await list()])).not.toMatch(/v1\.|api_key|secret/);
	});
});

describe("clear_cooldown", () => {
	it("lets the very next payment through as a probe, resolves the alert, and is logged and audited with the reason", async () => {
		const shop = await merchant("Cool Shop", [{ name: "Only" }]);
		await cool(shop, 0);
		await expect(startPayment(database, shop)).rejects.toMatchObject({ code: "service_unavailable" });
		expect(await clear(shop, 0, " The bank is back ")).toBe(true);
		expect(await gatewayOf(shop)).toBe(shop.gateways[0]!.id);
		const [attempt] = await rows<{ routing: object }>("select routing from payment_attempts where client_id = $1", [
			shop.id,
		]);
		expect(attempt!.routing).toMatchObject({ probe: true });
		expect(
			await rows("select status from alerts where kind = 'gateway_cooled_down' and client_id = $1", [shop.id]),
		).toEqual([{ status: "resolved" }]);
		const reason = "The bank is back";
		expect(
			await rows(
				"select kind, details ->> 'reason' as reason from gateway_log where client_id = $1 order by id desc limit 1",
				[shop.id],
			),
		).toEqual([{ kind: "cleared", reason }]);
		expect(
			await rows(
				"select actor, action, after ->> 'reason' as reason from audit_log where row_id = $1 order by id desc limit 1",
				[shop.gateways[0]!.id],
			),
		).toEqual([{ actor: ACTOR, action: "clear_cooldown", reason }]);
	});

	it("gives its full share at once where that is asked, also to one on its way back", async () => {
		const shop = await merchant("Full Shop", [{ name: "Only" }]);
		await cool(shop, 0);
		await rows("update gateway_states set cooldown_until = now() where gateway_id = $1", [shop.gateways[0]!.id]);
		expect(await clear(shop, 0, "not cooling any more")).toBe(false);
		expect(await clear(shop, 0, "seen it work", true)).toBe(true);
		expect(
			await rows("select probe_stage, cooldowns_in_row, cooldown_until from gateway_states where client_id = $1", [
				shop.id,
			]),
		).toEqual([{ probe_stage: null, cooldowns_in_row: 0, cooldown_until: null }]);
		expect(await clear(shop, 0, "once more", true)).toBe(false);
	});

	it("needs a reason and a gateway", async () => {
		const shop = await merchant("Reason Shop");
		await cool(shop, 0);
		await expect(clear(shop, 0, "  ")).rejects.toMatchObject({ code: "LS044" });
		await expect(
			asStudio("select public.clear_cooldown(gen_random_uuid(), false, 'why', $1)", [ACTOR]),
		).rejects.toMatchObject({ code: "LS050" });
	});
});

it("a gateway that is switched off takes no further payment, and the next after it is switched on again does", async () => {
	const shop = await merchant("Switch Shop", [{ priority: 9 }, {}]);
	const [first, second] = shop.gateways.map(({ id }) => id);
	const set = (is_active: boolean) =>
		asStudio("update public.payment_gateways set is_active = $2 where id = $1", [first, is_active]);
	expect(await gatewayOf(shop)).toBe(first);
	await set(false);
	expect(await gatewayOf(shop)).toBe(second);
	await set(true);
	expect(await gatewayOf(shop)).toBe(first);
});

describe("gateway_feed", () => {
	interface Entry {
		kind: string;
		gateway: string;
		company_name: string;
		order_id?: string;
		skipped?: { gateway: string; reason: string }[];
		skipped_count?: number;
	}
	const feed = async (client_id: string | null, limit = 50) =>
		(await asStudio<{ feed: Entry[] }>("select public.gateway_feed($1, $2) as feed", [client_id, limit]))[0]!.feed;

	it("tells cool-downs, returns, switches, and payments for which gateways were passed over, newest first", async () => {
		const shop = await merchant("Feed Shop", [{ name: "Main", priority: 9 }, { name: "Reserve" }, { name: "Old" }]);
		await rows("update payment_gateways set is_active = false where id = $1", [shop.gateways[2]!.id]);
		await startPayment(database, shop);
		await cool(shop, 0);
		await startPayment(database, shop, { order_id: "FEED-1" });
		await clear(shop, 0, "back");
		const entries = await feed(shop.id);
		expect(entries.map(({ kind, gateway }) => [kind, gateway])).toEqual([
			["cleared", "Main"],
			["skipped", "Reserve"],
			["cooled_down", "Main"],
			["deactivated", "Old"],
		]);
		expect(entries[1]).toMatchObject({
			order_id: "FEED-1",
			company_name: "Feed Shop",
			skipped: [{ gateway: "Main", reason: "cooling_down" }],
			skipped_count: 1,
		});
		expect((await feed(null)).slice(0, 4)).toEqual(entries);
		expect(await feed(shop.id, 1)).toEqual(entries.slice(0, 2));
	});

	it("names ten of many that were passed over, and counts all", async () => {
		const shop = await merchant(
			"Many Shop",
			Array.from({ length: 13 }, (_, n) => ({
				name: `G${n}`,
				priority: n === 12 ? 9 : 0,
				min_amount: n === 12 ? null : 20_000,
			})),
		);
		await startPayment(database, shop);
		const [entry] = await feed(shop.id);
		expect(entry).toMatchObject({ kind: "skipped", gateway: "G12", skipped_count: 12 });
		expect(entry!.skipped).toHaveLength(10);
	});
});

describe("logos", () => {
	const store = async (client_id: string, content: Buffer) =>
		(
			await asStudio<{ sha256: string }>("select public.store_client_logo($1, 'image/png', $2, $3) as sha256", [
				client_id,
				content,
				ACTOR,
			])
		)[0]!.sha256;
	const put = (client_id: string, sha256: string | null) =>
		asStudio("update public.clients set logo_sha256 = $2 where id = $1", [client_id, sha256]);

	it("count for a merchant once chosen, and only its own may be", async () => {
		const [shop, other] = [await merchant("Logo Shop"), await merchant("Other Shop")];
		const sha256 = await store(shop.id, Buffer.from("image"));
		expect(await readLogo(database.pool("checkout"), sha256)).toEqual({
			media_type: "image/png",
			content: Buffer.from("image"),
		});
		await expect(put(other.id, sha256)).rejects.toMatchObject({ constraint: "clients_id_logo_sha256_fkey" });
		await put(shop.id, sha256);
		await asStudio("update public.clients set theme_color = '#aa3300' where id = $1", [shop.id]);
		expect(await readClientTheme(database.pool("checkout"), shop.id)).toEqual({
			company_name: "Logo Shop",
			theme_color: "#aa3300",
			logo_sha256: sha256,
		});
		expect(await readLogo(database.pool("checkout"), "0".repeat(64))).toBeNull();
	});

	it("are kept small and few: the five newest and the one in force", async () => {
		const shop = await merchant("Many Logos");
		const first = await store(shop.id, Buffer.from("first"));
		await put(shop.id, first);
		for (let n = 0; n < 7; n++) await store(shop.id, Buffer.from(`logo ${n}`));
		const kept = await rows<{ sha256: string }>("select sha256 from client_logos where client_id = $1", [shop.id]);
		expect(kept).toHaveLength(6);
		expect(kept).toContainEqual({ sha256: first });
		await expect(store(shop.id, Buffer.alloc(32_769))).rejects.toMatchObject({
			constraint: "client_logos_content_check",
		});
	});
});

describe("a gateway's success beside the same hour of last week", () => {
	const closeHours = async () => closeGatewayHours(database.pool("jobs"));
	const watch = () => watchSuccessRates(database.pool("jobs"));
	const lastHour = "public.hour_in_india(now() - interval '2 minutes') - interval '1 hour'";
	const write = (of: TestMerchant, index: number, [succeeded, failed]: [number, number], before = "0") =>
		rows(
			`insert into gateway_hours (hour, gateway_id, client_id, succeeded, failed) values (${lastHour} - $1::interval, $2, $3, $4, $5)
				on conflict (hour, gateway_id) do update set succeeded = excluded.succeeded, failed = excluded.failed`,
			[before, of.gateways[index]!.id, of.id, succeeded, failed],
		);
	const alerts = (of: TestMerchant) =>
		rows<{ message: string; status: string }>(
			"select message, status from alerts where kind = 'success_rate_dropped' and client_id = $1 order by first_at",
			[of.id],
		);

	it("is counted once the hour is over, without what the payer gave up", async () => {
		const shop = await merchant("Hourly Shop", [{}]);
		await payPayment(database, shop);
		for (const code of ["declined", "cancelled_by_payer"]) {
			const { attempt_id } = await startPayment(database, shop);
			await settleAttempt(
				database.pool("jobs"),
				attempt_id,
				attemptState("failed", { error: { code, message: "No." } }),
			);
		}
		await rows(`update payment_attempts set settled_at = ${lastHour} + interval '59 minutes' where client_id = $1`, [
			shop.id,
		]);
		await payPayment(database, shop);
		await closeHours();
		expect(await closeHours()).toBe(0);
		expect(
			await rows(`select hour = ${lastHour} as is_last, succeeded, failed from gateway_hours where client_id = $1`, [
				shop.id,
			]),
		).toEqual([{ is_last: true, succeeded: 1, failed: 1 }]);
	});

	it("raises an alert that names merchant and gateway, and takes it back", async () => {
		const shop = await merchant("Falling Shop", [{ name: "Falls" }, { name: "Holds" }]);
		await write(shop, 0, [90, 10], "7 days");
		await write(shop, 0, [70, 30]);
		await write(shop, 1, [90, 10], "7 days");
		await write(shop, 1, [85, 15]);
		expect(await watch()).toBe(1);
		expect(await watch()).toBe(1);
		expect(await alerts(shop)).toEqual([
			{
				message:
					'Payments of Falling Shop through "Falls" (razorpay) succeed 20.0 points less often than in the same hour last week: 70.0 % of 100, then 90.0 % of 100.',
				status: "open",
			},
		]);
		const [falls, holds] = await list({ client_id: shop.id });
		expect([falls!.figures, holds!.figures]).toMatchObject([
			{ points_under_last_week: 20 },
			{ points_under_last_week: null },
		]);
		expect((await readMetrics(database.pool("checkout"))).gateways_under_last_week).toBe(1);

		// too few to say that it is well again
		await write(shop, 0, [10, 0]);
		expect(await watch()).toBe(0);
		expect(await alerts(shop)).toMatchObject([{ status: "open" }]);
		await write(shop, 0, [82, 18]);
		expect(await watch()).toBe(0);
		expect(await alerts(shop)).toMatchObject([{ status: "resolved" }]);
	});

	it.each<[string, [number, number], [number, number]]>([
		["fewer than 20 payments now", [90, 10], [3, 16]],
		["fewer than 20 payments then", [19, 0], [50, 50]],
		["a drop that chance makes as well", [18, 2], [15, 5]],
		["exactly ten points", [900, 100], [800, 200]],
	])("says nothing of %s", async (_, before, now) => {
		const shop = await merchant("Quiet Shop");
		await write(shop, 0, before, "7 days");
		await write(shop, 0, now);
		await watch();
		expect(await alerts(shop)).toEqual([]);
	});

	it("has its alert taken back when for a day there was nothing to compare", async () => {
		const shop = await merchant("Silent Shop");
		await write(shop, 0, [90, 10], "7 days");
		await write(shop, 0, [0, 100]);
		await watch();
		await rows("delete from gateway_hours where client_id = $1", [shop.id]);
		await watch();
		expect(await alerts(shop)).toMatchObject([{ status: "open" }]);
		await rows("update alerts set last_at = last_at - interval '25 hours' where client_id = $1", [shop.id]);
		await watch();
		expect(await alerts(shop)).toMatchObject([{ status: "resolved" }]);
	});
});
