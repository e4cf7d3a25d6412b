import argon2 from "argon2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { roles } from "./config/roles.ts";
import { prepareStudio } from "./prepare.ts";
import { ensureUser } from "./users.ts";

let database: TestDatabase;
const person = () => ({ databaseUrl: database.url("studio"), email: "Meera@Example.com", password: "first password" });

async function read() {
	const { rows } = await database
		.pool("admin")
		.query("select id, role, status, password from directus.directus_users where email = 'meera@example.com'");
	return rows;
}

beforeAll(async () => {
	database = await createTestDatabase();
	await prepareStudio({
		databaseUrl: database.url("studio"),
		admin: { email: "admin@example.com", password: "correct horse battery staple" },
	});
});
afterAll(() => database.drop());

describe("ensureUser", () => {
	it("makes a person who can log in, whatever the case of the address", async () => {
		const id = await ensureUser({ ...person(), role: "support" });
		const [row, ...others] = await read();
		expect(others).toEqual([]);
		expect(row).toMatchObject({ id, role: roles.support.id, status: "active" });
		expect(await argon2.verify(row.password, "first password")).toBe(true);
	});

	it("gives a person who exists the role, and leaves the password they have", async () => {
		const id = await ensureUser({ ...person(), role: "support" });
		expect(await ensureUser({ ...person(), password: "second password", role: "operator" })).toBe(id);
		const [row] = await read();
		expect(row.role).toBe(roles.operator.id);
		expect(await argon2.verify(row.password, "first password")).toBe(true);
	});

	it.each(["admin@lightspeedpay.example", "admin@localhost", "admin"])(
		"refuses %s, which could not log in",
		async (email) => {
			await expect(ensureUser({ ...person(), email, role: "support" })).rejects.toThrow(`${email} could not log in`);
		},
	);
});
