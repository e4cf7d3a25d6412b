import { afterAll, beforeAll, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../test/database.ts";
import { createConnection } from "./connection.ts";

let database: TestDatabase;
beforeAll(async () => {
	database = await createTestDatabase();
});
afterAll(() => database?.drop());

it("tells of a lost connection in the next question, and ends no process", async () => {
	const connection = createConnection({ connectionString: database.url("jobs") });
	await connection.connect();
	const { rows } = await connection.query<{ pid: number }>("select pg_backend_pid() as pid");
	const ended = new Promise<void>((resolve) => connection.once("end", resolve));
	await database.pool("admin").query("select pg_terminate_backend($1)", [rows[0]!.pid]);
	await ended;
	await expect(connection.query("select")).rejects.toThrow(/not queryable|closed|terminated/);
	await connection.end();
});
