import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, payPayment, queryAs, startPayment } from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import { raiseAlert, refreshPaymentFigures } from "../client/operations.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

interface Figures {
	payments: number;
	amount: number;
	success_rate: number | null;
	commission?: number;
}

interface Home {
	today: Figures;
	yesterday: Figures;
	last_week: Figures;
	hours: [number, number | null, number][];
	alerts: { open: number; critical: number; newest?: { message: string }[] };
	gateways: { cooling_down: number; failing: number; worst?: { name: string; merchant: string }[] };
	jobs: { waiting: number; running: number; dead: number; is_all: boolean };
}

const databases: TestDatabase[] = [];
let database: TestDatabase;
let merchant: TestMerchant;
beforeEach(async () => {
	database = await createTestDatabase();
	databases.push(database);
	merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS), {
		company_name: "Kaveri Books",
	});
});
afterAll(async () => {
	for (const each of databases) await each.drop();
});

const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));

async function readHome(with_commission = true, with_operations = true): Promise<Home> {
	const [row] = await asStudio<{ home: Home }>("select public.studio_home($1, $2) as home", [
		with_commission,
		with_operations,
	]);
	return row!.home;
}

/** Everything up to now, as if the minutes were over. */
const close = () => rows("select public.refresh_payment_figures(1440, '-2 minutes')");

async function fail(error: { code: string; message: string }): Promise<void> {
	const started = await startPayment(database, merchant);
	await settleAttempt(database.pool("jobs"), started.attempt_id, attemptState("failed", { error }));
}

/** Moves what happened so far into the past. */
async function shift(by: string): Promise<void> {
	await rows("update public.transactions set paid_at = paid_at - $1::interval", [by]);
	await rows("update public.payment_attempts set settled_at = settled_at - $1::interval", [by]);
}

describe("the figures of Home", () => {
	it("are the same whether minutes are closed or not, and closing them again changes nothing", async () => {
		const hourOf = (ms: number) => Math.floor((ms / 1_000 + 19_800) / 3_600) * 3_600 - 19_800;
		const first = hourOf(Date.now());
		for (let payment = 0; payment < 3; payment++) await payPayment(database, merchant);
		await fail({ code: "declined", message: "The bank declined." });
		await fail({ code: "cancelled_by_payer", message: "The payer went back." });
		const open = await readHome();
		expect(open.today).toEqual({ payments: 3, amount: 30_000, commission: 1_050, success_rate: 75 });
		expect(open.yesterday).toEqual({ payments: 0, amount: 0, commission: 0, success_rate: null });
		expect(open.hours).toHaveLength(24);
		// An hour may have ended meanwhile.
		const lately = open.hours.filter(([at]) => at >= first && at <= hourOf(Date.now()));
		expect(lately.reduce((sum, [, payments]) => sum + (payments ?? 0), 0)).toBe(3);
		expect(lately.map(([, , yesterday]) => yesterday)).toEqual(lately.map(() => 0));

		await close();
		expect({ ...(await readHome()), jobs: null }).toEqual({ ...open, jobs: null });
		await close();
		expect(await refreshPaymentFigures(database.pool("jobs"))).toBe(0);
		expect(
			await rows(
				`select sum(payments)::int as payments, sum(amount)::int as amount, sum(succeeded)::int as succeeded, sum(failed)::int as failed
					from public.payment_hours`,
			),
		).toEqual([{ payments: 3, amount: 30_000, succeeded: 3, failed: 1 }]);
		expect(
			await rows("select sum(commission)::int as commission, sum(gst)::int as gst from public.commission_hours"),
		).toEqual([{ commission: 1_050, gst: 189 }]);
	});

	it("compare today with yesterday and last week up to the same minute only", async () => {
		await payPayment(database, merchant);
		// a little earlier on the day, a little later
		await shift("1 day 2 minutes");
		await payPayment(database, merchant);
		await rows(
			"update public.transactions set paid_at = paid_at - interval '23 hours 50 minutes' where paid_at > now() - interval '1 hour'",
		);
		await close();
		const midnight = "date_trunc('day', now() at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata'";
		const [expected] = await rows<{ yesterday: number; today: number }>(
			`select count(*) filter (where paid_at >= ${midnight} - interval '1 day' and paid_at < now() - interval '1 day')::int as yesterday,
				count(*) filter (where paid_at >= ${midnight})::int as today from public.transactions`,
		);
		const home = await readHome();
		expect({ yesterday: home.yesterday.payments, today: home.today.payments }).toEqual(expected);
		expect(home.last_week.payments).toBe(0);
	});

	it("keep from support what is earned, and from finance what is wrong with whom", async () => {
		await payPayment(database, merchant);
		const alert = { kind: "test", severity: "critical", details: {}, dedupe_key: "test" } as const;
		await raiseAlert(database.pool("jobs"), { ...alert, message: "Something is on fire." });
		await rows("update public.gateway_states set success_rate = 12, cooldown_until = now() + interval '5 minutes'");

		const support = await readHome(false, true);
		expect(support.today.commission).toBeUndefined();
		expect(support.alerts).toMatchObject({ open: 1, critical: 1, newest: [{ message: "Something is on fire." }] });
		expect(support.gateways).toMatchObject({ cooling_down: 1, failing: 1, worst: [{ merchant: "Kaveri Books" }] });
		const finance = await readHome(true, false);
		expect(finance.today.commission).toBe(350);
		expect(finance.alerts).toEqual({ open: 1, critical: 1 });
		expect(finance.gateways).toEqual({ cooling_down: 1, failing: 1 });
	});
});
