import { randomBytes, randomUUID } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { settleAttempt } from "../../db/client/attempts.ts";
import { initiatePayments } from "../../db/client/payments.ts";
import { encryptSecret, parseEncryptionKeys } from "../../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS, type TestMerchant } from "../../test/merchants.ts";
import { inTransaction } from "../transaction.ts";
import {
	type Endpoint,
	QUICK_HEART,
	type ReceivedRequest,
	spawnWorker,
	startEndpoint,
	startWorker,
	type WorkerProcess,
} from "./worker-process.ts";

const keys = parseEncryptionKeys(TEST_ENCRYPTION_KEYS);
let database: TestDatabase;
let endpoint: Endpoint;
let merchant: TestMerchant;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
	database = await createTestDatabase();
	endpoint = await startEndpoint();
	merchant = await createMerchant(database.pool("admin"), keys, { webhook_url: endpoint.url });
});
afterEach(async () => {
	for (const worker of workers.splice(0)) {
		worker.kill("SIGKILL");
		await worker.exited;
	}
	await database.pool("admin").query("delete from graphile_worker._private_jobs");
});
afterAll(async () => {
	await endpoint.close();
	await database.drop();
});

const environment = () => ({
	DATABASE_URL: database.url("jobs"),
	// Nobody is there.
	SANDBOX_URL: "http://127.0.0.1:9",
	OUTBOUND_ALLOWED_HOSTS: endpoint.host,
});

async function start(env: Record<string, string> = {}): Promise<WorkerProcess> {
	const worker = await startWorker({ ...environment(), ...env });
	workers.push(worker);
	return worker;
}

/** Does not wait until it is ready. */
function spawn(): WorkerProcess {
	const worker = spawnWorker(environment());
	workers.push(worker);
	return worker;
}

/** Until it is let go nobody who does not know it learns what the task `deliver_webhook` is called in the database. */
async function holdLookup(): Promise<{ breakOff(worker: WorkerProcess): Promise<void>; letGo(): Promise<void> }> {
	const holder = await database.connection("admin");
	await holder.query(`select pg_advisory_lock(4712);
		delete from graphile_worker._private_tasks where identifier = 'deliver_webhook';
		create function public.wait_for_test() returns trigger language plpgsql as $$
			begin perform pg_advisory_xact_lock(4712); return new; end $$;
		create trigger wait_for_test before insert on graphile_worker._private_tasks
			for each row when (new.identifier = 'deliver_webhook') execute function public.wait_for_test()`);
	return {
		async breakOff(worker) {
			await expect
				.poll(() =>
					rows(
						`select pg_terminate_backend(pid) from pg_stat_activity
							where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`,
					),
				)
				.toHaveLength(1);
			await worker.line(
				({ lane, msg }) => lane === "deliveries" && String(msg).startsWith("Error occurred fetching jobs"),
			);
		},
		async letGo() {
			await holder.query("select pg_advisory_unlock(4712)");
			await holder.query(
				"drop trigger wait_for_test on graphile_worker._private_tasks; drop function public.wait_for_test()",
			);
		},
	};
}

async function rows<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
	return (await database.pool("admin").query(text, values)).rows as Row[];
}

/** A payment that was paid: its event is in the outbox. No order is made at a PSP, which is none of these tests' business. */
function payOnce(): Promise<{ transaction_id: string; event_id: string }> {
	return inTransaction(database.pool("admin"), async (client) => {
		const [result] = await initiatePayments(client, [
			{
				client_id: merchant.id,
				client_key: merchant.client_key,
				order_id: randomUUID(),
				amount: 12_345,
				currency: "INR",
			},
		]);
		if (!result?.ok) throw result?.error;
		const { transaction_id } = result;
		const { rows: attempts } = await client.query<{ id: string }>(
			"select id from payment_attempts where transaction_id = $1",
			[transaction_id],
		);
		await client.query("delete from graphile_worker._private_jobs where payload ->> 'attempt_id' = $1", [
			attempts[0]!.id,
		]);
		await settleAttempt(client, attempts[0]!.id, {
			outcome: "succeeded",
			psp_payment_id: `pay_${randomUUID()}`,
			amount: 12_345,
			currency: "INR",
			method: "upi",
			bank_reference: null,
			fee: null,
			error: null,
			raw: {},
		});
		const { rows: events } = await client.query<{ id: string }>(
			"select id from webhook_events where transaction_id = $1",
			[transaction_id],
		);
		return { transaction_id, event_id: events[0]!.id };
	});
}

const sent = (event_id: string) => (line: Record<string, unknown>) =>
	line.msg === "webhook sent" && line.event_id === event_id;

async function deliverOnce(worker: WorkerProcess): Promise<void> {
	const { event_id } = await payOnce();
	(await endpoint.next()).response.writeHead(200).end();
	await worker.line(sent(event_id));
}

const deliveriesOf = (event_id: string) =>
	rows<{ attempt_no: number; status_code: number | null; error: string | null }>(
		"select attempt_no, status_code, error from webhook_deliveries where event_id = $1 order by attempt_no",
		[event_id],
	);

describe("the jobs process", () => {
	it("delivers an event that the standardwebhooks package verifies, body for body", async () => {
		const worker = await start();
		const { event_id, transaction_id } = await payOnce();
		const request = await endpoint.next();
		request.response.writeHead(204).end();
		const verified = new Webhook(merchant.webhook_secret).verify(
			request.body,
			request.headers as Record<string, string>,
		);
		expect(verified).toMatchObject({ id: event_id, type: "payment.paid", data: { transaction_id, amount: 12_345 } });
		expect(request.headers).toMatchObject({ "webhook-id": event_id, "content-type": "application/json" });
		await worker.line(sent(event_id));
		expect(await deliveriesOf(event_id)).toEqual([{ attempt_no: 1, status_code: 204, error: null }]);
		expect(await rows("select status, last_error from webhook_events where id = $1", [event_id])).toEqual([
			{ status: "delivered", last_error: null },
		]);
	});

	it("tries again after a 500, with the same id and a signature of its own time", async () => {
		const worker = await start();
		const { event_id } = await payOnce();
		const first = await endpoint.next();
		first.response.writeHead(500, { "retry-after": "1" }).end("out of order");
		const second = await endpoint.next();
		second.response.writeHead(200).end();
		expect(second.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
		expect(second.body).toBe(first.body);
		new Webhook(merchant.webhook_secret).verify(second.body, second.headers as Record<string, string>);
		await worker.line((line) => sent(event_id)(line) && line.status === "delivered");
		expect(await deliveriesOf(event_id)).toEqual([
			{ attempt_no: 1, status_code: 500, error: null },
			{ attempt_no: 2, status_code: 200, error: null },
		]);
	});

	it("signs for both secrets while a merchant changes from one to the other, and for the new one alone after that", async () => {
		const usual = merchant;
		merchant = await createMerchant(database.pool("admin"), keys, { webhook_url: endpoint.url });
		const made = `whsec_${randomBytes(32).toString("base64")}`;
		const sealed = encryptSecret(keys, made, { table: "clients", column: "webhook_secret", row: merchant.id });
		const verifies = (secret: string, { body, headers }: ReceivedRequest) =>
			new Webhook(secret).verify(body, headers as Record<string, string>);
		try {
			await start();
			await rows("update clients set new_webhook_secret = $2 where id = $1", [merchant.id, sealed]);
			const { event_id } = await payOnce();
			const during = await endpoint.next();
			during.response.writeHead(204).end();
			expect(during.headers["webhook-signature"]).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/);
			expect(verifies(made, during)).toMatchObject({ id: event_id });
			expect(verifies(merchant.webhook_secret, during)).toMatchObject({ id: event_id });

			await rows("update clients set previous_webhook_secret_until = now() where id = $1", [merchant.id]);
			await payOnce();
			const after = await endpoint.next();
			after.response.writeHead(204).end();
			expect(verifies(made, after)).toMatchObject({ type: "payment.paid" });
			expect(() => verifies(merchant.webhook_secret, after)).toThrow();
		} finally {
			merchant = usual;
		}
	});

	it("sends nothing more to an endpoint that answered 410", async () => {
		const gone = await createMerchant(database.pool("admin"), keys, { webhook_url: endpoint.url });
		const usual = merchant;
		merchant = gone;
		try {
			const worker = await start();
			const { event_id } = await payOnce();
			(await endpoint.next()).response.writeHead(410).end();
			await worker.line(sent(event_id));
			const later = await payOnce();
			expect(await rows("select id, status from webhook_events where client_id = $1 order by id", [gone.id])).toEqual([
				{ id: event_id, status: "disabled" },
				{ id: later.event_id, status: "disabled" },
			]);
			const alert = await worker.line((line) => line.alert === "webhook_endpoint_disabled");
			expect(alert).toMatchObject({ level: 50, client_id: gone.id });
		} finally {
			merchant = usual;
		}
	});

	it("goes on delivering to others while an endpoint never answers, also with few places", async () => {
		const silent = await startEndpoint();
		const usual = merchant;
		try {
			const dead = await createMerchant(database.pool("admin"), keys, { webhook_url: silent.url });
			merchant = dead;
			for (let i = 0; i < 8; i++) await payOnce();
			merchant = usual;
			const told = await payOnce();
			const worker = await start({
				DELIVERIES_AT_ONCE: "4",
				OUTBOUND_ALLOWED_HOSTS: `${endpoint.host},${silent.host}`,
			});
			await silent.next();
			const later = await payOnce();
			const heard: unknown[] = [];
			for (const _ of [told, later]) {
				const { headers, response } = await endpoint.next();
				heard.push(headers["webhook-id"]);
				response.writeHead(204).end();
			}
			expect(heard.sort()).toEqual([told.event_id, later.event_id].sort());
			// One of the eight is under way, and hangs still; the others wait in the database and not in anybody's place.
			expect(worker.lines.filter(({ msg, error }) => msg === "webhook sent" && error)).toEqual([]);
			await expect
				.poll(() =>
					rows("select status, count(*)::int from webhook_events where client_id = $1 group by 1 order by 1", [
						dead.id,
					]),
				)
				.toEqual([
					{ status: "pending", count: 1 },
					{ status: "waiting", count: 7 },
				]);
		} finally {
			merchant = usual;
			await rows("update webhook_events set status = 'dead' where status = 'waiting'");
			await silent.close();
		}
	});

	it("does not connect to an address that is neither public nor allowed", async () => {
		const worker = await start({ OUTBOUND_ALLOWED_HOSTS: "" });
		const { event_id } = await payOnce();
		await worker.line(sent(event_id));
		expect(await deliveriesOf(event_id)).toEqual([
			{ attempt_no: 1, status_code: null, error: "The address is not an https URL." },
		]);
	});

	it("takes over the jobs of a worker that was killed", async () => {
		const killed = await start(QUICK_HEART);
		const { event_id } = await payOnce();
		const cut_off = await endpoint.next();
		const heir = await start(QUICK_HEART);
		killed.kill("SIGKILL");
		await killed.exited;
		cut_off.response.destroy();
		// eight beats of a second until the dead are known, and a look every beat
		const taken_over = await endpoint.next();
		taken_over.response.writeHead(200).end();
		expect(taken_over.headers["webhook-id"]).toBe(event_id);
		await heir.line(sent(event_id));
		expect(heir.lines.find(({ msg }) => msg === "workers went silent: their jobs are back in the queue")).toBeDefined();
		expect(await deliveriesOf(event_id)).toEqual([{ attempt_no: 1, status_code: 200, error: null }]);
	});

	it("finishes what it works on when it is told to stop, and takes nothing new", async () => {
		const worker = await start();
		const { event_id } = await payOnce();
		const request = await endpoint.next();
		worker.kill("SIGTERM");
		await worker.line(({ msg }) => msg === "stopping");
		const untouched = await payOnce();
		request.response.writeHead(200).end();
		expect(await worker.exited).toEqual({ code: 0, signal: null });
		expect(await deliveriesOf(event_id)).toEqual([{ attempt_no: 1, status_code: 200, error: null }]);
		expect(await rows("select attempts, locked_by from graphile_worker.jobs")).toEqual([
			{ attempts: 0, locked_by: null },
		]);
		expect(await deliveriesOf(untouched.event_id)).toEqual([]);
	});

	it("hands back what does not finish within ten seconds, the try uncounted", async () => {
		const worker = await start();
		await payOnce();
		const request = await endpoint.next();
		worker.kill("SIGTERM");
		expect(await worker.exited).toEqual({ code: 0, signal: null });
		request.response.destroy();
		expect(await rows("select attempts, locked_by, locked_at from graphile_worker.jobs")).toEqual([
			{ attempts: 0, locked_by: null, locked_at: null },
		]);
	});

	it("stops when whoever started it is gone", async () => {
		const worker = await start();
		worker.child.disconnect();
		expect(await worker.exited).toEqual({ code: 0, signal: null });
	});

	it("ends with a non-zero code when it loses its database for longer than it may", async () => {
		const worker = await start(QUICK_HEART);
		await rows(`revoke connect on database ${database.name} from jobs`);
		try {
			await rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jobs' and datname = $1", [
				database.name,
			]);
			const { code } = await worker.exited;
			expect(code).toBe(1);
			// What was under way at the time says afterwards that it failed.
			expect(worker.lines).toContainEqual(expect.objectContaining({ level: 60 }));
		} finally {
			await rows(`grant connect on database ${database.name} to jobs`);
		}
	});

	it("survives a loss of all its connections", async () => {
		const worker = await start();
		await rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'jobs' and datname = $1", [
			database.name,
		]);
		await deliverOnce(worker);
		expect(worker.child.exitCode).toBeNull();
	});

	it("looks its tasks up again where the first look for jobs failed, whose error Graphile Worker would keep", async () => {
		const lookup = await holdLookup();
		const worker = await start();
		await lookup.breakOff(worker);
		await lookup.letGo();
		await deliverOnce(worker);
		expect(worker.child.exitCode).toBeNull();
	});

	it("looks its tasks up again where that failed when a queue was opened again", async () => {
		const worker = await start();
		const hears = (is_paused: boolean) =>
			worker.line(({ paused }) => Array.isArray(paused) && paused.includes("deliver_webhook") === is_paused);
		// Nobody needs its id; a look for the other tasks finds it a new one.
		await rows("delete from graphile_worker._private_tasks where identifier = 'replay_webhooks'");
		await rows(
			"insert into paused_queues (queue, reason, paused_by) values ('deliver_webhook', 'a look', 'an operator')",
		);
		await hears(true);
		await expect
			.poll(() => rows("select from graphile_worker._private_tasks where identifier = 'replay_webhooks'"))
			.toHaveLength(1);
		const lookup = await holdLookup();
		await rows("delete from paused_queues");
		await hears(false);
		await lookup.breakOff(worker);
		await lookup.letGo();
		await deliverOnce(worker);
	});

	it("beats for lanes that are at work while others have not started yet, and gives back what they hold when it is stopped", async () => {
		await rows(`create function public.wait_for_test() returns trigger language plpgsql as $$
			begin perform pg_advisory_xact_lock(4711); return new; end $$;
			create trigger wait_for_test before insert on public.worker_heartbeats
				for each row when (new.lane = 'documents') execute function public.wait_for_test()`);
		const holder = await database.pool("admin").connect();
		try {
			await holder.query("select pg_advisory_lock(4711)");
			const { event_id } = await payOnce();
			const worker = spawn();
			const request = await endpoint.next();
			const lastBeat = async () => {
				const text = "select max(beat_at) as beat_at from worker_heartbeats where lane = 'deliveries'";
				return (await rows<{ beat_at: Date }>(text))[0]!.beat_at.getTime();
			};
			const first = await lastBeat();
			await expect.poll(lastBeat).toBeGreaterThan(first);
			worker.kill("SIGTERM");
			await worker.line(({ msg }) => msg === "stopping");
			request.response.writeHead(200).end();
			await worker.line(sent(event_id));
			await holder.query("select pg_advisory_unlock(4711)");
			expect(await worker.exited).toEqual({ code: 0, signal: null });
			expect(worker.lines.map(({ msg }) => msg)).not.toContain("working");
			expect(await rows("select locked_by from graphile_worker._private_jobs where locked_by is not null")).toEqual([]);
		} finally {
			holder.release(true);
			await rows("drop trigger wait_for_test on public.worker_heartbeats; drop function public.wait_for_test()");
		}
	});

	it("refuses to start with one sentence when a variable is missing, or the database is not there", async () => {
		const without = spawnWorker({ DATABASE_URL: "" });
		workers.push(without);
		expect((await without.exited).code).toBe(1);
		expect(without.stderr()).toBe("DATABASE_URL is not set: give it the connection URL of the database role jobs.\n");
		const nowhere = spawnWorker({ DATABASE_URL: "postgres://jobs:x@127.0.0.1:9/none" });
		workers.push(nowhere);
		expect((await nowhere.exited).code).toBe(1);
	});

	it("tells operators that the database has no room, and goes on by itself once it has", async () => {
		const admin = database.pool("admin");
		await admin.query(`create function public.refuse_to_grow() returns trigger language plpgsql as $$
			begin raise exception using errcode = 'disk_full', message = 'could not extend file'; end $$;
			create trigger full_disk before insert on public.webhook_deliveries execute function public.refuse_to_grow()`);
		const worker = await start();
		const { event_id } = await payOnce();
		(await endpoint.next()).response.writeHead(200).end();
		await worker.line(({ msg, task }) => msg === "job failed" && task === "deliver_webhook");
		await expect
			.poll(() => rows("select severity from alerts where kind = 'disk_full'"))
			.toEqual([{ severity: "critical" }]);
		await admin.query("drop trigger full_disk on public.webhook_deliveries");
		await admin.query("update graphile_worker._private_jobs set run_at = now() where key = $1", [
			`deliver_webhook:${event_id}`,
		]);
		(await endpoint.next()).response.writeHead(200).end();
		await worker.line(sent(event_id));
		expect(await deliveriesOf(event_id)).toMatchObject([{ attempt_no: 1, status_code: 200 }]);
	});

	it("logs neither payloads nor secrets", async () => {
		const worker = await start();
		await deliverOnce(worker);
		expect(worker.stderr()).toBe("");
		const log = JSON.stringify(worker.lines);
		for (const secret of [merchant.webhook_secret, merchant.client_salt, merchant.gateways[0]!.api_secret]) {
			expect(log).not.toContain(secret);
		}
		expect(log).not.toContain(new URL(database.url("jobs")).password);
	});
});
