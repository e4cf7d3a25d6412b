import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { queryAs } from "../../test/payments.ts";
import { markAlertNotified, raiseAlert, readAlert } from "../client/operations.ts";

const ASHA = "01890000-0000-7000-8000-00000000a5aa";
let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database.drop());

const rows = queryAs(() => database.pool("admin"));
const asStudio = queryAs(() => database.pool("studio"));

const raise = (dedupe_key: string) =>
	raiseAlert(database.pool("jobs"), {
		kind: "test",
		severity: "warning",
		message: "A test's alert",
		details: {},
		dedupe_key,
	});

async function openAlert(dedupe_key: string = randomUUID()): Promise<string> {
	await raise(dedupe_key);
	const [alert] = await rows<{ id: string }>("select id from alerts where dedupe_key = $1 and status <> 'resolved'", [
		dedupe_key,
	]);
	return alert!.id;
}

/** When it will be sent, in seconds from now, as the queue has it. */
const sendings = async (alert_id: string) =>
	(
		await rows<{ seconds: number }>(
			`select greatest(0, round(extract(epoch from run_at - now())))::integer as seconds
				from graphile_worker._private_jobs where payload ->> 'alert_id' = $1 order by run_at`,
			[alert_id],
		)
	).map(({ seconds }) => seconds);

const call = async (statement: string, values: unknown[]) =>
	(await asStudio<{ alert: Record<string, unknown> }>(`select ${statement} as alert`, values))[0]!.alert;
const acknowledge = (id: string) => call("acknowledge_alert($1, 'I am on it', $2)", [id, ASHA]);
const resolve = (id: string, reason: string | null = "Restarted it") =>
	call("resolve_alert($1, $2, $3)", [id, reason, ASHA]);
const silence = (id: string, minutes: number) => call("silence_alert($1, $2, 'Known', $3)", [id, minutes, ASHA]);
const endSilence = (id: string) => call("end_silence($1, $2)", [id, ASHA]);
const audited = (id: string) =>
	rows(
		"select actor, action, after ->> 'reason' as reason from audit_log where table_name = 'alerts' and row_id = $1 order by id",
		[id],
	);

describe("an alert", () => {
	test("is a new one when the one that was open is resolved in the moment it is raised again", async () => {
		const key = randomUUID();
		const before = await openAlert(key);
		// As somebody else's commit would, after it was found that there is one and before it is counted.
		await rows(`create function public.resolve_meanwhile() returns trigger language plpgsql security definer as $$
			begin
				update public.alerts set status = 'resolved' where id = '${before}' and status <> 'resolved';
				return null;
			end $$`);
		await rows(
			"create trigger resolve_meanwhile after insert on alerts for each statement execute function public.resolve_meanwhile()",
		);
		try {
			await raise(key);
		} finally {
			await rows("drop function public.resolve_meanwhile cascade");
		}
		expect(await rows("select status, count from alerts where dedupe_key = $1 order by id", [key])).toEqual([
			{ status: "resolved", count: 1 },
			{ status: "open", count: 1 },
		]);
	});

	test("is acknowledged by a person, once, and keeps who, when and what they said", async () => {
		const id = await openAlert();
		const first = await acknowledge(id);
		expect(first).toMatchObject({ status: "acknowledged", acknowledged_by: ASHA, note: "I am on it" });
		expect(await acknowledge(id)).toEqual(first);
		expect(await audited(id)).toEqual([{ actor: ASHA, action: "acknowledge_alert", reason: null }]);
	});

	test("is resolved with a reason only, and comes back as a new one", async () => {
		const key = randomUUID();
		const id = await openAlert(key);
		await expect(resolve(id, " ")).rejects.toMatchObject({ code: "LS044" });
		expect(await resolve(id)).toMatchObject({ status: "resolved", resolved_by: ASHA, note: "Restarted it" });
		await expect(resolve(id)).rejects.toMatchObject({ code: "LS181" });
		await expect(acknowledge(id)).rejects.toMatchObject({ code: "LS181" });
		expect(await audited(id)).toEqual([{ actor: ASHA, action: "resolve_alert", reason: "Restarted it" }]);
		expect(await openAlert(key)).not.toBe(id);
	});

	test("that the machinery resolves says when, and by nobody", async () => {
		const id = await openAlert();
		await rows("update alerts set status = 'resolved' where id = $1", [id]);
		expect(
			await rows("select resolved_at is not null as is_stamped, resolved_by from alerts where id = $1", [id]),
		).toEqual([{ is_stamped: true, resolved_by: null }]);
	});

	test("that does not exist is refused", async () => {
		for (const act of [acknowledge, resolve, endSilence, (id: string) => silence(id, 5)]) {
			await expect(act(randomUUID())).rejects.toMatchObject({ code: "LS180" });
		}
	});
});

describe("a silence", () => {
	test("holds an alert that was not sent yet back until it ends", async () => {
		const id = await openAlert();
		await silence(id, 30);
		expect(await readAlert(database.pool("jobs"), id)).toBeNull();
		expect(await sendings(id)).toEqual([0, 1800]);
	});

	test("counts what comes meanwhile, also as a new alert, and sends it when it ends", async () => {
		const key = randomUUID();
		const id = await openAlert(key);
		await markAlertNotified(database.pool("jobs"), id);
		await silence(id, 60);
		await rows(
			"update alerts set last_at = now() - interval '2 hours', notified_at = now() - interval '2 hours' where id = $1",
			[id],
		);
		await raise(key);
		expect(await rows("select count, notified_at from alerts where id = $1", [id])).toEqual([
			{ count: 2, notified_at: null },
		]);
		expect(await sendings(id)).toEqual([0, 3600]);
		await resolve(id);
		expect(await sendings(await openAlert(key))).toEqual([3600]);
	});

	test("can be prolonged, and ended early: then what it held back is sent at once", async () => {
		const key = randomUUID();
		const id = await openAlert(key);
		await silence(id, 10);
		expect(await silence(id, 20)).toMatchObject({ silence: { by: ASHA, reason: "Known" } });
		expect(await sendings(id)).toEqual([0, 1200]);
		expect(await endSilence(id)).toMatchObject({ silence: null });
		expect(await readAlert(database.pool("jobs"), id)).toMatchObject({ id });
		expect(await sendings(id)).toEqual([0, 0, 1200]);
		expect((await audited(id)).map((entry) => (entry as { action: string }).action)).toEqual([
			"silence_alert",
			"silence_alert",
			"end_silence",
		]);
	});

	test.each([0, -5, 43_201])("of %i minutes is refused", async (minutes) => {
		await expect(silence(await openAlert(), minutes)).rejects.toMatchObject({ code: "LS182" });
	});
});

test("the list counts what waits by severity and state, filters it, and pages what was resolved", async () => {
	await rows("delete from alerts");
	const list = async (
		status: string | null,
		more: { severity?: string; search?: string; before?: unknown[]; limit?: number } = {},
	) =>
		(
			await asStudio<{
				list: {
					alerts: { id: string; last_at: string }[];
					next: { at: string; id: string } | null;
					warning: number;
					acknowledged: number;
					silenced: number;
				};
			}>("select list_alerts($1, $2, null, $3, $4, $5, $6) as list", [
				status,
				more.severity ?? null,
				more.search ?? null,
				...(more.before ?? [null, null]),
				more.limit ?? 50,
			])
		)[0]!.list;
	const [open, taken, quiet, done] = [await openAlert(), await openAlert(), await openAlert(), await openAlert()];
	await acknowledge(taken);
	await silence(quiet, 5);
	await resolve(done);
	expect(await list(null)).toMatchObject({ warning: 1, acknowledged: 1, silenced: 1, next: null });
	const ids = async (...asked: Parameters<typeof list>) => (await list(...asked)).alerts.map(({ id }) => id);
	expect(await ids(null)).toEqual([quiet, taken, open]);
	expect(await ids("open")).toEqual([open]);
	expect(await ids("acknowledged")).toEqual([taken]);
	expect(await ids("silenced")).toEqual([quiet]);
	expect(await ids("resolved")).toEqual([done]);
	expect(await ids(null, { severity: "critical" })).toEqual([]);
	expect(await ids(null, { search: "test's" })).toEqual([quiet, taken, open]);
	const first = await list(null, { limit: 2 });
	expect(first.next).toMatchObject({ id: taken });
	expect(await ids(null, { before: [first.next!.at, first.next!.id] })).toEqual([open]);
});

test("an alert is read with what people did about it, newest first", async () => {
	const id = await openAlert();
	await acknowledge(id);
	await silence(id, 5);
	expect(await call("read_alert_for_operator($1)", [id])).toMatchObject({
		id,
		history: [
			{ by: ASHA, action: "silence_alert", reason: "Known", until: expect.any(String) },
			{ by: ASHA, action: "acknowledge_alert", reason: "I am on it", until: null },
		],
	});
	expect(await call("read_alert_for_operator($1)", [randomUUID()])).toBeNull();
});

test("the studio may change an alert through these functions only", async () => {
	await expect(asStudio("update alerts set status = 'resolved'")).rejects.toMatchObject({ code: "42501" });
});

describe("a runbook", () => {
	const RUNBOOKS = join(import.meta.dirname, "../../docs/runbooks");
	const pages = readdirSync(RUNBOOKS).filter((page) => page !== "README.md");

	test.each(pages)("(%s) asks the database for what it has, and owner may read", async (page) => {
		const text = readFileSync(join(RUNBOOKS, page), "utf8");
		const blocks = [...text.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, block]) => block!);
		const statements = blocks.flatMap((block) => block.split(/;\n/)).filter((statement) => statement.trim() !== "");
		const client = await database.connection("admin");
		for (const statement of statements) {
			await client.query(statement.includes("-- as the server's administrator") ? "reset role" : "set role owner");
			// Planned, which names what is not there, and not run.
			await client.query(`explain ${statement.replaceAll(/<[a-z_][^>]*>/g, "00000000-0000-0000-0000-000000000000")}`);
		}
	});
});
