import { randomUUID } from "node:crypto";
import argon2 from "argon2";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";
import { type RoleName, roles } from "./config/roles.ts";

export interface UserOptions {
	/** The studio role's connection. */
	databaseUrl: string;
	email: string;
	/** Used when the user is made; one that exists keeps the password they chose. */
	password: string;
	role: RoleName;
	firstName?: string;
	lastName?: string;
}

/** Makes a person of the studio, or gives one that exists the role. Answers their id. */
export async function ensureUser(options: UserOptions): Promise<string> {
	const client = createConnection({ connectionString: options.databaseUrl, application_name: "lightspeedpay-prepare" });
	await client.connect();
	try {
		return await ensureUserOn(client, options);
	} finally {
		await client.end();
	}
}

export async function ensureUserOn(client: pg.Client, options: Omit<UserOptions, "databaseUrl">): Promise<string> {
	const email = options.email.toLowerCase();
	if (!/^[^@\s]+@[^@\s]+\.[a-z]{2,}$/.test(email) || /\.(local|localhost|test|example|invalid|internal)$/.test(email)) {
		throw new Error(
			`${options.email} could not log in: Directus wants an e-mail address with a public ending, e.g. example.com.`,
		);
	}
	const role = roles[options.role];
	const { rows } = await client.query<{ id: string; role: string | null }>(
		"select id, role from directus.directus_users where lower(email) = $1",
		[email],
	);
	const existing = rows[0];
	if (existing !== undefined) {
		if (existing.role !== role.id) {
			await client.query("update directus.directus_users set role = $2 where id = $1", [existing.id, role.id]);
		}
		return existing.id;
	}
	const id = randomUUID();
	await client.query(
		`insert into directus.directus_users (id, first_name, last_name, email, password, status, role, provider, text_direction, last_page)
		values ($1, $2, $3, $4, $5, 'active', $6, 'default', 'auto', '/home')`,
		[id, options.firstName ?? role.name, options.lastName ?? null, email, await argon2.hash(options.password), role.id],
	);
	return id;
}
