/** Events reach the studio's flows once, with two studios at work, killed ones and retries. */
import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settleAttempt } from "../../db/client/attempts.ts";
import { raiseAlert } from "../../db/client/operations.ts";
import { createRefund, settleRefund } from "../../db/client/refunds.ts";
import { parseEncryptionKeys, proveKeys } from "../../db/client/secrets.ts";
import { createStudioClient } from "../../jobs/studio.ts";
import type { TaskContext } from "../../jobs/task.ts";
import emitStudioEvent from "../../jobs/tasks/emit_studio_event.ts";
import { startWorker, type WorkerProcess } from "../../jobs/tests/worker-process.ts";
import type { TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { attemptState, queryAs, startPayment } from "../../test/payments.ts";
import { EVENTS } from "../config/events.ts";
import { flows } from "../config/flows.ts";
import { prepareStudio } from "../prepare.ts";
import { createStudioDatabase, type Person, type Studio, startStudio } from "./studio-process.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let kaveri: TestMerchant;
let studio: Studio;
let other: Studio;
let admin: Person;

beforeAll(async () => {
	database = await createStudioDatabase();
	kaveri = await createMerchant(database.pool("admin"), keys, { company_name: "Kaveri Books" }, [{}, {}]);
	studio = await startStudio(database.url("studio"));
	[other, admin] = await Promise.all([startStudio(database.url("studio")), studio.person("administrator")]);
});
afterAll(async () => {
	await studio?.stop();
	await database?.drop();
});

const rows = queryAs(() => database.pool("admin"));

/** Saves a flow as the Flows page does, with its operations in a row. Answers its id. */
async function saveFlow(
	operations: { key: string; type: string; options: object }[],
	by: Person = admin,
): Promise<string> {
	const flow = await by.request("POST", "/flows", {
		name: "A test's flow",
		status: "active",
		trigger: "event",
		accountability: "all",
		options: { type: "action", scope: ["items.create"], collections: ["studio_events"] },
	});
	expect(flow.status, flow.text).toBe(200);
	const { id } = flow.body.data;
	let resolve: string | null = null;
	for (const [at, operation] of [...operations.entries()].reverse()) {
		const saved = await by.request("POST", "/operations", {
			...operation,
			name: operation.key,
			flow: id,
			resolve,
			position_x: 1 + at * 20,
			position_y: 1,
		});
		expect(saved.status, saved.text).toBe(200);
		resolve = saved.body.data.id;
	}
	const first = await by.request("PATCH", `/flows/${id}`, { operation: resolve });
	expect(first.status, first.text).toBe(200);
	return id;
}

const only = (...types: string[]) => ({ key: "only", type: "lightspeedpay-only-events", options: { types } });
const alarm = (message: string) => ({
	key: "alarm",
	type: "lightspeedpay-raise-alert",
	options: { severity: "info", message, dedupe_key: "{{$trigger.key}}" },
});

async function suspend(merchant: TestMerchant): Promise<string> {
	await rows("update clients set status = 'suspended' where id = $1", [merchant.id]);
	await rows("update clients set status = 'active' where id = $1", [merchant.id]);
	const [event] = await rows<{ id: string }>(
		"select id from studio_events where type = 'client.suspended' order by id desc limit 1",
	);
	return event!.id;
}

async function emit(at: Studio, event_id: string, proof?: string) {
	const path = `/lightspeedpay/studio-events/${event_id}`;
	const response = await fetch(at.url + path, {
		method: "POST",
		headers: { "x-lightspeedpay-proof": proof ?? proveKeys(keys, path) },
	});
	return { status: response.status, body: (await response.json()) as { data?: { state: string } } };
}

const alertsOf = (flow_id: string) =>
	rows<{ message: string; client_id: string | null; severity: string; details: Record<string, string> }>(
		"select message, client_id, severity, details from alerts where kind = 'raised_by_flow' and details ->> 'flow_id' = $1 order by id",
		[flow_id],
	);
const wanted = async () =>
	(await rows<{ type: string }>("select type from studio_event_types where is_wanted order by type")).map(
		({ type }) => type,
	);

const SHIPPED = ["alert.raised", "gateway.cooled_down", "refund.succeeded"];

it("the events offered in the Flows page are those the database knows", async () => {
	const known = await rows<{ type: string }>("select type from studio_event_types");
	expect(EVENTS.map(({ type }) => type).sort()).toEqual(known.map(({ type }) => type).sort());
});

describe("the database writes an event", () => {
	it("that an active flow begins with, and no other", async () => {
		expect(await wanted()).toEqual(SHIPPED);
		const id = await saveFlow([only("client.suspended", "payment.paid"), alarm("x")]);
		expect(await wanted()).toEqual([...SHIPPED, "client.suspended", "payment.paid"].sort());
		await admin.request("PATCH", `/flows/${id}`, { status: "inactive" });
		expect(await wanted()).toEqual(SHIPPED);
		const all = await saveFlow([alarm("x")]);
		expect(await wanted()).toHaveLength(EVENTS.length);
		for (const each of [id, all]) await admin.request("DELETE", `/flows/${each}`);
		expect(await wanted()).toEqual(SHIPPED);
	});
});

describe("a flow", () => {
	it("saved in one studio runs in another, once for each event, however often and wherever it is brought", async () => {
		const id = await saveFlow([
			only("client.suspended"),
			alarm("{{$trigger.payload.data.company_name}} is {{$trigger.payload.data.status}}"),
		]);
		const event_id = await suspend(kaveri);
		const answers = await Promise.all(
			Array.from({ length: 20 }, (_, at) => emit(at % 2 === 0 ? other : studio, event_id)),
		);
		expect(answers.every(({ status }) => status === 200)).toBe(true);
		await expect.poll(async () => (await emit(other, event_id)).body.data?.state).toBe("over");
		expect((await alertsOf(id)).map(({ message }) => message)).toEqual(["Kaveri Books is suspended"]);
		expect(
			await rows(
				"select status, count(*)::integer from studio_event_runs where event_id = $1 and flow_id = $2 group by 1",
				[event_id, id],
			),
		).toEqual([{ status: "finished", count: 1 }]);
		expect(await rows("select closed_at is not null as closed from studio_events where id = $1", [event_id])).toEqual([
			{ closed: true },
		]);
		await admin.request("DELETE", `/flows/${id}`);
	});

	it("may be made by an administrator only, and is checked when it is saved", async () => {
		for (const role of ["operator", "finance", "support", "auditor"] as const) {
			const person = await studio.person(role);
			expect((await person.request("POST", "/flows", { name: "Mine", trigger: "manual" })).status, role).toBe(403);
			expect((await person.request("PATCH", `/flows/${flows[0]!.id}`, { status: "inactive" })).status, role).toBe(403);
		}
		const save = (type: string, options: object) =>
			admin.request("POST", "/operations", {
				flow: flows[0]!.id,
				key: "k",
				name: "k",
				type,
				options,
				position_x: 1,
				position_y: 1,
			});
		const refused: [string, object, string][] = [
			["lightspeedpay-only-events", { types: ["payment.stolen"] }, "types"],
			["lightspeedpay-pause-gateway", { gateway_id: "{{$last.id}}", minutes: 9999, reason: "r" }, "minutes"],
			["lightspeedpay-pause-gateway", { gateway_id: "all", minutes: 5, reason: "r" }, "gateway_id"],
			["lightspeedpay-raise-alert", { severity: "red", message: "m" }, "severity"],
			["lightspeedpay-replay-webhook", { event_id: "{{$trigger.key}}" }, "reason"],
			["lightspeedpay-send-whatsapp", { client_id: "{{$trigger.payload.client_id}}", template: " " }, "template"],
		];
		for (const [type, options, field] of refused) {
			const answer = await save(type, options);
			expect(answer.status, answer.text).toBe(400);
			expect(answer.text).toContain(field);
		}
	});
});

it("nobody brings an event but a process that holds our keys", async () => {
	const event_id = randomUUID();
	expect((await emit(studio, event_id, "0".repeat(64))).status).toBe(403);
	expect((await emit(studio, event_id, proveKeys(keys, "/lightspeedpay/studio-events/another"))).status).toBe(403);
	expect((await admin.request("POST", `/lightspeedpay/studio-events/${event_id}`)).status).toBe(403);
	expect((await emit(studio, event_id)).body).toEqual({ data: { state: "over" } });
});

it("while no studio answers, an event waits and its job leaves another behind", async () => {
	await raiseAlert(database.pool("jobs"), {
		kind: "no_gateway",
		severity: "info",
		message: "m",
		details: {},
		dedupe_key: "waits",
	});
	const [event] = await rows<{ id: string }>("select id from studio_events where data ->> 'kind' = 'no_gateway'");
	const due = () =>
		rows<{ seconds: number }>(
			"select extract(epoch from run_at - now())::float as seconds from graphile_worker.jobs where key = $1",
			[`emit_studio_event:${event!.id}`],
		);
	await rows("update studio_events set created_at = now() - interval '5 minutes' where id = $1", [event!.id]);
	for (const url of [null, "http://127.0.0.1:1"]) {
		await emitStudioEvent({ event_id: event!.id }, {
			database: database.pool("jobs"),
			studio: createStudioClient(url, keys),
			log: pino({ level: "silent" }),
		} as unknown as TaskContext);
		const [job] = await due();
		expect(job!.seconds).toBeGreaterThan(50);
		expect(job!.seconds).toBeLessThanOrEqual(60);
	}
});

describe("of the flows that ship, with a worker bringing the events,", () => {
	let worker: WorkerProcess;
	beforeAll(async () => {
		worker = await startWorker({ DATABASE_URL: database.url("jobs"), STUDIO_URL: other.url });
	});
	afterAll(async () => {
		worker?.kill("SIGTERM");
		await worker?.exited;
	});

	it("one tells administrators and operators of a critical alert", async () => {
		const operator = await studio.person("operator");
		await raiseAlert(database.pool("jobs"), {
			kind: "test",
			severity: "warning",
			message: "Not this one",
			details: {},
			dedupe_key: "warn",
		});
		await raiseAlert(database.pool("jobs"), {
			kind: "test",
			severity: "critical",
			message: "The roof is on fire",
			details: {},
			dedupe_key: "fire",
		});
		await expect
			.poll(() => rows("select recipient, message, collection from directus.directus_notifications order by recipient"))
			.toEqual(
				[admin.id, operator.id]
					.sort()
					.map((recipient) => ({ recipient, message: "The roof is on fire", collection: "alerts" })),
			);
	});

	it("one raises an alert for a large refund", async () => {
		const started = await startPayment(database, kaveri, { amount: 6_000_000 });
		await settleAttempt(database.pool("jobs"), started.attempt_id, attemptState("succeeded", { amount: 6_000_000 }));
		for (const amount of [900_000, 5_000_000]) {
			const { refund } = await createRefund(database.pool("checkout"), {
				client_id: kaveri.id,
				transaction_id: started.transaction_id,
				amount,
				reason: null,
				idempotency_key: null,
			});
			await settleRefund(database.pool("jobs"), refund.refund_id, {
				outcome: "succeeded",
				psp_refund_id: `rfnd_${amount}`,
				amount,
				bank_reference: null,
				error: null,
				raw: {},
			});
		}
		await expect
			.poll(() => alertsOf(flows[1]!.id))
			.toMatchObject([
				{
					severity: "warning",
					client_id: kaveri.id,
					message: expect.stringContaining("5000000"),
					details: { transaction_id: started.transaction_id },
				},
			]);
	});

	it("one rests a gateway whose credentials are refused", async () => {
		const [first, second] = kaveri.gateways;
		await rows(
			"select cool_gateway($1, 'authentication_failed', 401, null), cool_gateway($2, 'timed_out', 504, null)",
			[first!.id, second!.id],
		);
		const minutes = () =>
			rows<{ minutes: number }>(
				"select round(extract(epoch from cooldown_until - now()) / 60)::integer as minutes from gateway_states order by cooldown_until desc",
			);
		await expect.poll(minutes).toEqual([{ minutes: 60 }, { minutes: 5 }]);
		expect(await rows("select actor from audit_log where action = 'pause_gateway'")).toEqual([
			{ actor: `flow:${flows[2]!.id}` },
		]);
	});
});

it("a shipped flow that was switched off stays off when the studio starts, and what else was changed comes back", async () => {
	const { id, name } = flows[1]!;
	await admin.request("PATCH", `/flows/${id}`, { status: "inactive", name: "Mine" });
	await prepareStudio({
		databaseUrl: database.url("studio"),
		admin: { email: admin.email, password: admin.password },
		requireSecondFactor: false,
	});
	expect(await rows("select status, name from directus.directus_flows where id = $1", [id])).toEqual([
		{ status: "inactive", name },
	]);
	expect(await wanted()).toEqual(["alert.raised", "gateway.cooled_down"]);
});

it("a flow is cut off when its studio is killed, is not run again, and somebody is told; the others go on", async () => {
	const slow = await saveFlow([
		only("client.suspended"),
		{ key: "sleep", type: "sleep", options: { milliseconds: "60000" } },
		alarm("slow"),
	]);
	const quick = await saveFlow([only("client.suspended"), alarm("quick")]);
	const event_id = await suspend(kaveri);
	const cut = emit(other, event_id).catch(() => null);
	await expect.poll(() => alertsOf(quick)).toHaveLength(1);
	await other.kill();
	expect(await cut).toBeNull();
	expect((await emit(studio, event_id)).body.data?.state).toBe("running");
	await rows("update studio_event_runs set started_at = started_at - interval '11 minutes' where status = 'started'");
	expect((await emit(studio, event_id)).body.data?.state).toBe("over");
	expect(await alertsOf(slow)).toEqual([]);
	expect(await alertsOf(quick)).toHaveLength(1);
	expect(
		await rows("select from alerts where kind = 'flow_interrupted' and details ->> 'flow_id' = $1", [slow]),
	).toHaveLength(1);
	for (const each of [slow, quick]) await admin.request("DELETE", `/flows/${each}`);
});
