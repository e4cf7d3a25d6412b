import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, payPayment, queryAs, startPayment } from "../../test/payments.ts";
import { settleAttempt } from "../client/attempts.ts";
import { clearCooldowns, raiseAlert } from "../client/operations.ts";
import { createRefund, settleRefund } from "../client/refunds.ts";
import { parseEncryptionKeys } from "../client/secrets.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let kaveri: TestMerchant;
beforeAll(async () => {
	database = await createTestDatabase();
	kaveri = await createMerchant(database.pool("admin"), keys, { company_name: "Kaveri Books" });
});
afterAll(() => database.drop());
beforeEach(async () => {
	await rows("delete from studio_events");
	await want("*");
});

const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));
const want = (...types: string[]) => asStudio("select want_studio_events($1)", [types]);

interface Event {
	id: string;
	type: string;
	client_id: string | null;
	data: Record<string, unknown>;
	jobs: number;
}
const events = () =>
	rows<Event>(`select e.id, type, client_id, data,
		(select count(*)::integer from graphile_worker.jobs where key = 'emit_studio_event:' || e.id) as jobs
		from studio_events e order by id`);

const alert = (kind: string) =>
	raiseAlert(database.pool("jobs"), {
		kind,
		severity: "critical",
		message: "m",
		details: { a: 1 },
		dedupe_key: randomUUID(),
	});

describe("a change of state is an event for the studio, with its job, in the same transaction:", () => {
	test("a payment paid", async () => {
		const { transaction_id } = await payPayment(database, kaveri);
		expect(await events()).toMatchObject([
			{ type: "payment.paid", client_id: kaveri.id, data: { transaction_id, amount: 10_000, status: "paid" }, jobs: 1 },
		]);
	});

	test("a payment failed", async () => {
		const { attempt_id } = await startPayment(database, kaveri);
		await settleAttempt(database.pool("jobs"), attempt_id, attemptState("failed"));
		expect(await events()).toMatchObject([{ type: "payment.failed", data: { error: { code: "declined" } } }]);
	});

	test("a refund succeeded", async () => {
		const { transaction_id } = await payPayment(database, kaveri);
		const { refund } = await createRefund(database.pool("checkout"), {
			client_id: kaveri.id,
			transaction_id,
			amount: 4_000,
			reason: null,
			idempotency_key: null,
		});
		await settleRefund(database.pool("jobs"), refund.refund_id, {
			outcome: "succeeded",
			psp_refund_id: "rfnd_1",
			amount: 4_000,
			bank_reference: null,
			error: null,
			raw: {},
		});
		expect((await events()).slice(1)).toMatchObject([
			{ type: "refund.succeeded", data: { amount: 4_000, transaction_id } },
		]);
	});

	test("a gateway cooled down, and returned", async () => {
		const gateway_id = kaveri.gateways[0]!.id;
		await rows("select cool_gateway($1, 'timed_out', 504, null)", [gateway_id]);
		await rows("update gateway_states set cooldown_until = now() - interval '1 second' where gateway_id = $1", [
			gateway_id,
		]);
		await clearCooldowns(database.pool("jobs"));
		expect(await events()).toMatchObject([
			{ type: "gateway.cooled_down", data: { gateway_id, reason: "timed_out", name: "Gateway 1" } },
			{ type: "alert.raised", data: { kind: "gateway_cooled_down", severity: "warning" } },
			{ type: "gateway.returned", data: { gateway_id } },
		]);
	});

	test("a merchant suspended, and let in again", async () => {
		await rows("update clients set status = 'suspended' where id = $1", [kaveri.id]);
		await rows("update clients set phone = '+919800000000' where id = $1", [kaveri.id]);
		await rows("update clients set status = 'active' where id = $1", [kaveri.id]);
		expect(await events()).toMatchObject([
			{
				type: "client.suspended",
				data: { status: "suspended", status_before: "active", company_name: "Kaveri Books" },
			},
			{ type: "client.activated", data: { status: "active" } },
		]);
	});

	test("an alert raised, once while it is open, and never one that a flow raised or that is silenced", async () => {
		await alert("no_gateway");
		await alert("raised_by_flow");
		await rows(
			"insert into alert_silences (dedupe_key, silenced_until, silenced_by, reason) values ('quiet', now() + interval '1 hour', 'asha', 'known')",
		);
		await rows("select raise_alert('test', 'info', 'm', '{}', 'quiet')");
		expect(await events()).toMatchObject([
			{ type: "alert.raised", data: { kind: "no_gateway", severity: "critical", details: { a: 1 } } },
		]);
	});
});

test("what no flow wants is not written", async () => {
	await want("refund.failed");
	await payPayment(database, kaveri);
	await alert("no_gateway");
	expect(await events()).toEqual([]);
});

test("a transaction that is rolled back leaves no event", async () => {
	const client = await database.connection("admin");
	await client.query("begin");
	await client.query("select raise_alert('test', 'info', 'm', '{}', 'gone')");
	await client.query("rollback");
	expect(await events()).toEqual([]);
});

describe("a flow", () => {
	const claim = async (event_id: string, flow_id: string, patience = "10 minutes", by = "studio-1") =>
		(
			await asStudio<{ answer: string }>("select claim_event_run($1, $2, $3, $4) as answer", [
				event_id,
				flow_id,
				by,
				patience,
			])
		)[0]!.answer;
	async function event(): Promise<string> {
		await alert("no_gateway");
		return (await events())[0]!.id;
	}

	test("is started once for an event, by one of fifty studios that try at the same time", async () => {
		const id = await event();
		const flow_id = randomUUID();
		const answers = await Promise.all(
			Array.from({ length: 50 }, (_, at) => claim(id, flow_id, "10 minutes", `studio-${at}`)),
		);
		expect(answers.filter((answer) => answer === "start")).toHaveLength(1);
		expect(answers.filter((answer) => answer === "running")).toHaveLength(49);
		await asStudio("select finish_event_run($1, $2, null)", [id, flow_id]);
		expect(await claim(id, flow_id)).toBe("over");
	});

	test("whose studio died in the middle is not started again: it is alerted", async () => {
		const id = await event();
		const flow_id = randomUUID();
		expect(await claim(id, flow_id)).toBe("start");
		expect(await claim(id, flow_id, "0 seconds", "studio-2")).toBe("over");
		expect(await rows("select status from studio_event_runs where flow_id = $1", [flow_id])).toEqual([
			{ status: "interrupted" },
		]);
		expect(await rows("select kind from alerts where dedupe_key = $1", [`flow_interrupted:${flow_id}`])).toEqual([
			{ kind: "flow_interrupted" },
		]);
	});
});

test("an event that nobody takes waits longer and longer, alerts, and is given up after three days", async () => {
	await alert("no_gateway");
	const [{ id }] = (await events()) as [Event];
	const postpone = async (age: string) => {
		await rows("update studio_events set created_at = now() - $1::interval where id = $2", [age, id]);
		const [row] = await queryAs(() => database.pool("jobs"))<{ seconds: number | null }>(
			"select postpone_studio_event($1, 'connection refused') as seconds",
			[id],
		);
		return row!.seconds;
	};
	expect(await postpone("0 seconds")).toBe(1);
	expect(await postpone("20 seconds")).toBe(20);
	expect(await postpone("9 minutes")).toBe(60);
	expect(await rows("select from alerts where kind = 'studio_unreachable'")).toEqual([]);
	expect(await postpone("11 minutes")).toBe(60);
	expect(await rows("select from alerts where kind = 'studio_unreachable'")).toHaveLength(1);
	expect(await postpone("73 hours")).toBeNull();
	expect(await rows("select closed_at is not null as is_closed from studio_events where id = $1", [id])).toEqual([
		{ is_closed: true },
	]);
});

test("closed events are forgotten after thirty days, with their runs", async () => {
	await alert("no_gateway");
	await rows("update studio_events set created_at = now() - interval '31 days'");
	const forget = async () =>
		(await queryAs(() => database.pool("jobs"))<{ count: number }>("select forget_studio_events() as count"))[0]!.count;
	expect(await forget()).toBe(0);
	await rows("update studio_events set closed_at = now()");
	expect(await forget()).toBe(1);
});

describe("a flow's operations", () => {
	test("pause a gateway for a bounded time, with a reason, logged and audited", async () => {
		const { id: gateway_id } = kaveri.gateways[0]!;
		const pause = (minutes: number, reason: string | null) =>
			asStudio("select pause_gateway($1, $2, $3, 'flow:1')", [gateway_id, minutes, reason]);
		await pause(15, "Too many failures");
		expect(
			await rows(
				"select round(extract(epoch from cooldown_until - now()) / 60)::integer as minutes from gateway_states where gateway_id = $1",
				[gateway_id],
			),
		).toEqual([{ minutes: 15 }]);
		expect(
			await rows("select kind from gateway_log where gateway_id = $1 order by id desc limit 1", [gateway_id]),
		).toEqual([{ kind: "paused" }]);
		expect(
			await rows("select actor from audit_log where action = 'pause_gateway' and row_id = $1", [gateway_id]),
		).toEqual([{ actor: "flow:1" }]);
		await expect(pause(1441, "Too long")).rejects.toMatchObject({ code: "LS182" });
		await expect(pause(5, "")).rejects.toMatchObject({ code: "LS044" });
		await expect(asStudio("select pause_gateway($1, 5, 'r', 'a')", [randomUUID()])).rejects.toMatchObject({
			code: "LS050",
		});
	});

	test("raise an alert, one a key", async () => {
		const flow_id = randomUUID();
		const raise = (message: string) =>
			asStudio("select raise_flow_alert($1, 'warning', $2, '{}', 'k', $3)", [flow_id, message, kaveri.id]);
		await raise("First");
		await raise("Second");
		expect(
			await rows("select message, client_id from alerts where kind = 'raised_by_flow' and details ->> 'flow_id' = $1", [
				flow_id,
			]),
		).toEqual([{ message: "First", client_id: kaveri.id }]);
		await expect(raise(" ")).rejects.toMatchObject({ code: "LS184" });
	});
});
