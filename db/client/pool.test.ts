import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createPool } from "./pool.ts";

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
	// What a sequence counts is not undone with the statement.
	await database.pool("admin").query(
		`create sequence tries;
		create function fail(p_sqlstate text, p_times integer) returns bigint language plpgsql as $$
		declare
			v_try constant bigint := nextval('tries');
		begin
			if v_try <= p_times then
				raise exception using errcode = p_sqlstate;
			end if;
			return v_try;
		end
		$$`,
	);
});
afterAll(() => database?.drop());

const failing = async (sqlstate: string, times: number) => {
	await database.pool("admin").query("alter sequence tries restart");
	return database.pool("admin").query<{ tries: number }>("select fail($1, $2) as tries", [sqlstate, times]);
};
const tries = async () =>
	(await database.pool("admin").query<{ tries: number }>("select last_value as tries from tries")).rows[0]!.tries;

it.each(["40P01", "40001"])("asks again for what the database gave up for others' sake (%s)", async (sqlstate) => {
	expect((await failing(sqlstate, 3)).rows).toEqual([{ tries: 4 }]);
});

it("does not ask for ever", async () => {
	await expect(failing("40P01", 100)).rejects.toThrow(expect.objectContaining({ code: "40P01" }));
	expect(await tries()).toBe(4);
});

it("asks once for what is refused", async () => {
	await expect(failing("23505", 1)).rejects.toThrow(expect.objectContaining({ code: "23505" }));
	expect(await tries()).toBe(1);
});

it("leaves to whoever holds a transaction what it asks in it", async () => {
	const client = await database.pool("admin").connect();
	try {
		await client.query("alter sequence tries restart");
		await client.query("begin");
		await expect(client.query("select fail('40P01', 1)")).rejects.toThrow(expect.objectContaining({ code: "40P01" }));
		expect(await tries()).toBe(1);
	} finally {
		await client.query("rollback");
		client.release();
	}
});

it("outlives a connection that breaks while it is lent out", async () => {
	const broken: string[] = [];
	const onBroken = ({ message }: Error) => broken.push(message);
	const pool = createPool({ connectionString: database.url("jobs"), application_name: "test-broken", onBroken });
	const lent = await pool.connect();
	const { rows } = await lent.query<{ pid: number }>("select pg_backend_pid() as pid");
	const ended = new Promise<void>((resolve) => lent.once("end", resolve));
	await database.pool("admin").query("select pg_terminate_backend($1)", [rows[0]!.pid]);
	await ended;
	await expect(lent.query("select").finally(() => lent.release())).rejects.toThrow(/not queryable|closed|terminated/);
	expect(broken).toContainEqual(expect.stringContaining("terminating connection"));
	expect((await pool.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
	await pool.end();
});
