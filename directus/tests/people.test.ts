/** Who gets in, and how fast somebody is out again: two studio processes on one database, over REST, GraphQL and our endpoints. */
import { authenticator } from "otplib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestDatabase } from "../../test/database.ts";
import { type RoleName, roles } from "../config/roles.ts";
import { ensureUser } from "../users.ts";
import { type Answer, createStudioDatabase, type Person, type Studio, startStudio } from "./studio-process.ts";

const PASSWORD = "correct horse battery staple";

let database: TestDatabase;
/** Believes no proxy, and has no mail. */
let studio: Studio;
/** Another process, behind a proxy on this machine, with mail that goes nowhere. */
let other: Studio;
let administrator: Person;

beforeAll(async () => {
	database = await createStudioDatabase();
	studio = await startStudio(database.url("studio"));
	other = await startStudio(database.url("studio"), {
		env: {
			STUDIO_TRUSTED_PROXIES: "127.0.0.1",
			EMAIL_TRANSPORT: "smtp",
			EMAIL_SMTP_HOST: "127.0.0.1",
			EMAIL_SMTP_PORT: "1",
			EMAIL_FROM: "studio@example.com",
			EMAIL_VERIFY_SETUP: "false",
		},
	});
	administrator = await studio.person("administrator");
});

afterAll(async () => {
	await Promise.all([studio?.stop(), other?.stop()]);
	await database.drop();
});

interface Login {
	id: string;
	token: string;
	refreshToken: string;
}

let made = 0;
/** Somebody new, logged in as a program does (tokens) or as a browser does (a cookie, taken here as the token it is). */
async function arrive(role: RoleName, mode: "json" | "session" = "json"): Promise<Login & { email: string }> {
	const email = `${role}-${++made}@example.com`;
	const id = await ensureUser({ databaseUrl: database.url("studio"), email, password: PASSWORD, role });
	return { ...(await logIn(email, mode)), id, email };
}

async function logIn(email: string, mode: "json" | "session" = "json", otp?: string): Promise<Login> {
	const response = await fetch(`${studio.url}/auth/login`, {
		method: "POST",
		headers: { "content-type": "application/json", "user-agent": `Test browser (${mode})` },
		body: JSON.stringify({ email, password: PASSWORD, mode, otp }),
	});
	const { data } = (await response.json()) as { data: { access_token: string; refresh_token: string } };
	expect(response.status, JSON.stringify(data)).toBe(200);
	const cookie = /directus_session_token=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")?.[1];
	return { id: "", token: mode === "session" ? cookie! : data.access_token, refreshToken: data.refresh_token };
}

function call(at: Studio, token: string, method: string, path: string, body?: unknown, forwarded?: string) {
	return at.nobody.request(method, path, body, {
		authorization: `Bearer ${token}`,
		...(forwarded === undefined ? {} : { "x-forwarded-for": forwarded }),
	});
}

const codeOf = (answer: Answer) => answer.body?.errors?.[0]?.extensions?.code;
const graphql = { query: "{ clients { id } }" };

describe("rights on every process", () => {
	it("a role taken away or given counts on the next request, with the token of before", async () => {
		const person = await arrive("operator");
		for (const at of [studio, other]) {
			expect((await call(at, person.token, "GET", "/items/alerts")).status).toBe(200);
			expect((await call(at, person.token, "GET", "/items/audit_log")).status).toBe(403);
		}
		const demoted = await administrator.request("PATCH", `/users/${person.id}`, { role: roles.auditor.id });
		expect(demoted.status, demoted.text).toBe(200);
		for (const at of [studio, other]) {
			expect((await call(at, person.token, "GET", "/items/audit_log")).status).toBe(200);
			expect((await call(at, person.token, "PATCH", "/items/alerts/x", { status: "resolved" })).status).toBe(403);
			const mutation = { query: `mutation { update_alerts_items(ids: [], data: {status: "resolved"}) { id } }` };
			expect((await call(at, person.token, "POST", "/graphql", mutation)).body.errors).toBeDefined();
		}
		// By SQL, past every process.
		await database
			.pool("studio")
			.query("update directus_users set role = $2 where id = $1", [person.id, roles.finance.id]);
		for (const at of [studio, other]) {
			expect((await call(at, person.token, "GET", "/items/audit_log")).status).toBe(403);
			expect((await call(at, person.token, "GET", "/items/wallets")).status).toBe(200);
		}
	});

	it("a permission changed on one process, or by SQL, counts on the next request of the other", async () => {
		const { token } = await arrive("finance");
		const read = async (at: Studio) => (await call(at, token, "GET", "/items/alerts")).status;
		expect([await read(studio), await read(other)]).toEqual([403, 403]);
		const given = await administrator.request("POST", "/permissions", {
			policy: roles.finance.policy,
			collection: "alerts",
			action: "read",
			fields: ["*"],
		});
		expect(given.status, given.text).toBe(200);
		expect([await read(other), await read(studio)]).toEqual([200, 200]);
		await database.pool("studio").query("delete from directus_permissions where id = $1", [given.body.data.id]);
		expect([await read(other), await read(studio)]).toEqual([403, 403]);
	});

	it("somebody suspended is out at once, whatever they hold", async () => {
		const person = await arrive("support");
		const browser = await logIn(person.email, "session");
		for (const token of [person.token, browser.token]) {
			expect((await call(other, token, "GET", "/items/alerts")).status).toBe(200);
		}
		await administrator.request("PATCH", `/users/${person.id}`, { status: "suspended" });
		for (const at of [studio, other]) {
			for (const token of [person.token, browser.token]) {
				expect((await call(at, token, "GET", "/items/alerts")).status).toBe(401);
				expect((await call(at, token, "GET", "/lightspeedpay/sessions")).status).toBe(401);
			}
			const renewed = await at.nobody.request("POST", "/auth/refresh", { refresh_token: person.refreshToken });
			expect(renewed.status).toBe(401);
		}
	});
});

describe("the second factor", () => {
	const flag = async (policy: string, enforce_tfa: boolean) => {
		const answer = await administrator.request("PATCH", `/policies/${policy}`, { enforce_tfa });
		expect(answer.status, answer.text).toBe(200);
	};

	it("is asked for by everything but enrolment, until it is there", async () => {
		await flag(roles.support.policy, true);
		try {
			const person = await arrive("support");
			const ask = (method: string, path: string, body?: unknown) => call(studio, person.token, method, path, body);
			const closed: [string, string, unknown?][] = [
				["GET", "/items/clients"],
				["SEARCH", "/items/clients", {}],
				["POST", "/graphql", graphql],
				["GET", `/graphql?query=${encodeURIComponent("{ clients { id } }")}`],
				["POST", "/graphql/system", { query: "{ users_me { id } }" }],
				["GET", "/lightspeedpay/sessions"],
				["GET", "/assets/01900000-0000-7000-8000-000000000000"],
				["GET", "/activity"],
				["GET", "/notifications"],
				["GET", "/notifications?aggregate[count]=*&groupBy=message"],
				["GET", "/extensions/sources/index.js/../../../items/clients"],
				["GET", "/collections/clients"],
				["SEARCH", "/presets", {}],
				["POST", "/presets", {}],
				["GET", "/users"],
				["PATCH", "/users/me", { first_name: "New" }],
				["GET", "/USERS/ME/../../items/clients"],
				["GET", "//items/clients"],
			];
			for (const [method, path, body] of closed) {
				const answer = await ask(method, path, body);
				expect([path, answer.status, codeOf(answer)]).toEqual([path, 403, "SECOND_FACTOR_NEEDED"]);
			}
			const me = await ask("GET", "/users/me?fields=id,tfa_secret");
			expect(me.body.data).toEqual({ id: person.id, tfa_secret: null });
			expect((await ask("GET", "/policies/me/globals")).body.data.enforce_tfa).toBe(true);

			const generated = await ask("POST", "/users/me/tfa/generate", { password: PASSWORD });
			expect(generated.status, generated.text).toBe(200);
			const { secret } = generated.body.data;
			const wrong = await ask("POST", "/users/me/tfa/enable", { secret, otp: "000000" });
			expect(wrong.status).toBe(400);
			expect((await ask("GET", "/items/clients")).status).toBe(403);
			const otp = authenticator.generate(secret);
			expect((await ask("POST", "/users/me/tfa/enable", { secret, otp })).status).toBe(204);
			expect((await ask("GET", "/items/clients")).status).toBe(200);
			expect((await call(other, person.token, "GET", "/items/clients")).status).toBe(200);

			const without = await studio.nobody.request("POST", "/auth/login", { email: person.email, password: PASSWORD });
			expect([without.status, codeOf(without)]).toEqual([401, "INVALID_OTP"]);
			const { token } = await logIn(person.email, "json", authenticator.generate(secret));
			expect((await call(studio, token, "GET", "/items/clients")).status).toBe(200);
			await ask("POST", "/users/me/tfa/disable", { otp: authenticator.generate(secret) });
			expect((await ask("GET", "/items/clients")).status).toBe(403);
		} finally {
			await flag(roles.support.policy, false);
		}
	});

	it("is asked for where the flag sits on a parent's policy or on the person's own", async () => {
		const policy = await administrator.request("POST", "/policies", {
			name: "Second factor",
			icon: "lock",
			app_access: false,
			enforce_tfa: true,
		});
		const policyId: string = policy.body.data.id;
		const parent = await administrator.request("POST", "/roles", { name: "Careful" });
		await administrator.request("POST", "/access", { role: parent.body.data.id, policy: policyId });
		const child = await arrive("auditor", "session");
		const own = await arrive("auditor", "session");
		for (const { token } of [child, own]) {
			expect((await call(other, token, "GET", "/items/audit_log")).status).toBe(200);
		}
		await administrator.request("POST", "/access", { user: own.id, policy: policyId });
		await administrator.request("PATCH", `/roles/${roles.auditor.id}`, { parent: parent.body.data.id });
		try {
			for (const { token } of [child, own]) {
				for (const at of [studio, other]) {
					const answer = await call(at, token, "GET", "/items/audit_log");
					expect([answer.status, codeOf(answer)]).toEqual([403, "SECOND_FACTOR_NEEDED"]);
				}
			}
		} finally {
			await administrator.request("PATCH", `/roles/${roles.auditor.id}`, { parent: null });
		}
		expect((await call(other, child.token, "GET", "/items/audit_log")).status).toBe(200);
		expect((await call(other, own.token, "GET", "/items/audit_log")).status).toBe(403);
	});
});

describe("a policy's list of addresses", () => {
	it("counts for rows, GraphQL and our own endpoints, and nobody talks themselves past it", async () => {
		const { token } = await arrive("finance");
		const list = async (ip_access: string[] | null) => {
			const answer = await administrator.request("PATCH", `/policies/${roles.finance.policy}`, { ip_access });
			expect(answer.status, answer.text).toBe(200);
		};
		const nowhere = "01900000-0000-7000-8000-000000000000";
		const refund = { transaction_id: nowhere, amount: 1 };
		/** Whether rows, GraphQL and an endpoint let the person in. */
		const reach = async (at: Studio, forwarded?: string) => {
			const rows = await call(at, token, "GET", "/items/wallets", undefined, forwarded);
			const graph = await call(at, token, "POST", "/graphql", { query: "{ wallets { balance_due } }" }, forwarded);
			const own = await call(at, token, "POST", "/lightspeedpay/refunds", { ...refund, amount: "x" }, forwarded);
			return [rows.status, codeOf(graph) ?? "answered", own.status];
		};
		const open = [200, "answered", 400];
		const shut = [403, "GRAPHQL_VALIDATION", 403];
		try {
			await list(["10.20.0.0/16"]);
			expect(await reach(studio)).toEqual(shut);
			expect(await reach(studio, "10.20.1.1")).toEqual(shut);
			// Behind its proxy the address is the one that the proxy saw, and not what was sent to the proxy.
			expect(await reach(other, "10.20.1.1")).toEqual(open);
			expect(await reach(other, "10.20.1.1, 203.0.113.9")).toEqual(shut);
			// Not with what GraphQL keeps of the same person's requests from elsewhere either.
			expect(await reach(other, "10.20.1.1")).toEqual(open);
			expect(await reach(other, "203.0.113.9")).toEqual(shut);
			await list(["10.20.0.0-10.20.255.255", "127.0.0.1"]);
			expect(await reach(studio)).toEqual(open);
			expect(await reach(studio, "203.0.113.9")).toEqual(open);
			expect(await reach(other, "203.0.113.9")).toEqual(shut);
		} finally {
			await list(null);
		}
	});

	it("counts for what a policy opens altogether: administrators, and the app", async () => {
		const { token, id } = await arrive("finance");
		const made = await administrator.request("POST", "/policies", {
			name: "Administrator from the office",
			admin_access: true,
			app_access: true,
			ip_access: ["10.30.0.0/16"],
		});
		expect(made.status, made.text).toBe(200);
		const policy: string = made.body.data.id;
		const listed = await administrator.request("PATCH", `/policies/${roles.finance.policy}`, {
			ip_access: ["10.30.0.0/16"],
		});
		expect(listed.status, listed.text).toBe(200);
		const given = await administrator.request("PATCH", `/users/${id}`, { policies: { create: [{ policy }] } });
		expect(given.status, given.text).toBe(200);
		const globals = async (address: string) =>
			(await call(other, token, "GET", "/policies/me/globals", undefined, address)).body.data;
		const reach = async (address: string) => [
			(await call(other, token, "GET", "/policies", undefined, address)).status,
			(await call(other, token, "PATCH", `/policies/${policy}`, { icon: "badge" }, address)).status,
			await globals(address),
		];
		const inside = [200, 200, expect.objectContaining({ admin_access: true, app_access: true })];
		try {
			for (const [address, expected] of [
				["10.30.1.1", inside],
				["203.0.113.9", [403, 403, expect.objectContaining({ admin_access: false, app_access: false })]],
				["10.30.1.1", inside],
			] as const)
				expect(await reach(address)).toEqual(expected);
		} finally {
			await administrator.request("PATCH", `/policies/${roles.finance.policy}`, { ip_access: null });
			await administrator.request("DELETE", `/policies/${policy}`);
		}
	});
});

describe("sessions", () => {
	const listOf = async (token: string, query = "") =>
		(await call(studio, token, "GET", `/lightspeedpay/sessions${query}`)).body.data;

	it("are listed with device, address and times, and without what opens the studio", async () => {
		const person = await arrive("operator");
		const browser = await logIn(person.email, "session");
		const answer = await call(studio, browser.token, "GET", "/lightspeedpay/sessions");
		expect(answer.body.data.sessions).toHaveLength(2);
		const mine = answer.body.data.sessions.filter((each: { is_this: boolean }) => each.is_this);
		expect(mine).toEqual([
			expect.objectContaining({ device: "Test browser (session)", address: "127.0.0.1", is_this: true }),
		]);
		expect(Date.parse(mine[0].last_used_at)).toBeGreaterThan(Date.now() - 60_000);
		expect(Date.parse(mine[0].started_at)).toBeLessThanOrEqual(Date.parse(mine[0].last_used_at));
		const { rows } = await database
			.pool("studio")
			.query<{ token: string }>(`select token from directus_sessions where "user" = $1`, [person.id]);
		for (const { token } of rows) expect(answer.text).not.toContain(token);
		expect((await listOf(browser.token, `?user=${administrator.id}`))?.sessions).toBeUndefined();
	});

	it("keep their place in the list when they are renewed", async () => {
		const person = await arrive("operator");
		const [before] = (await listOf(person.token)).sessions;
		const renewed = await studio.nobody.request("POST", "/auth/refresh", {
			refresh_token: person.refreshToken,
			mode: "json",
		});
		const { sessions } = await listOf(renewed.body.data.access_token);
		expect(sessions).toHaveLength(1);
		expect(sessions[0].started_at).toBe(before.started_at);
	});

	it("that a person ends are refused at once everywhere, their access tokens too, and the others live on", async () => {
		const person = await arrive("operator");
		const browser = await logIn(person.email, "session");
		const { sessions } = await listOf(browser.token);
		const [program] = sessions.filter((each: { is_this: boolean }) => !each.is_this);
		const ended = await call(studio, browser.token, "POST", `/lightspeedpay/sessions/${program.id}/end`, {});
		expect([ended.status, ended.body.data]).toEqual([200, { ended: 1 }]);
		for (const at of [studio, other]) {
			expect((await call(at, person.token, "GET", "/items/alerts")).status).toBe(401);
			expect((await call(at, browser.token, "GET", "/items/alerts")).status).toBe(200);
		}
		const renewed = await other.nobody.request("POST", "/auth/refresh", { refresh_token: person.refreshToken });
		expect(renewed.status).toBe(401);
		const { rows } = await database
			.pool("admin")
			.query("select actor, after from public.audit_log where action = 'end_session' and row_id = $1", [person.id]);
		expect(rows).toEqual([{ actor: person.id, after: { sessions: 1, reason: null } }]);
		// Whoever logs in again is in, also within the same second.
		expect((await call(studio, (await logIn(person.email)).token, "GET", "/items/alerts")).status).toBe(200);
	});

	it("of anybody are ended by an administrator, with a reason, and by nobody else", async () => {
		const person = await arrive("operator");
		const browser = await logIn(person.email, "session");
		const colleague = await arrive("operator");
		const { sessions } = (await administrator.request("GET", `/lightspeedpay/sessions?user=${person.id}`)).body.data;
		expect(sessions).toHaveLength(2);
		const end = `/lightspeedpay/sessions/${sessions[0].id}/end`;
		for (const role of ["operator", "finance", "support", "auditor"] as const) {
			const { token } = role === "operator" ? colleague : await arrive(role);
			expect((await call(studio, token, "GET", `/lightspeedpay/sessions?user=${person.id}`)).status).toBe(403);
			expect((await call(studio, token, "POST", end, { user: person.id, reason: "x" })).status).toBe(403);
			expect((await call(studio, token, "POST", end, {})).status).toBe(403);
			const all = await call(studio, token, "POST", "/lightspeedpay/sessions/end", { user: person.id, reason: "x" });
			expect(all.status).toBe(403);
		}
		const unexplained = await administrator.request("POST", "/lightspeedpay/sessions/end", { user: person.id });
		expect(unexplained.status).toBe(400);
		const all = await administrator.request("POST", "/lightspeedpay/sessions/end", {
			user: person.id,
			reason: "Laptop lost",
		});
		expect(all.body.data).toEqual({ ended: 2 });
		for (const { token } of [person, browser]) {
			for (const at of [studio, other]) expect((await call(at, token, "GET", "/items/alerts")).status).toBe(401);
		}
	});

	it("end with a new password, tokens of programs included", async () => {
		const person = await arrive("support");
		const browser = await logIn(person.email, "session");
		const changed = await call(studio, browser.token, "PATCH", "/users/me", { password: "another long password" });
		expect(changed.status, changed.text).toBe(200);
		expect((await call(other, person.token, "GET", "/items/alerts")).status).toBe(401);
		expect((await call(other, browser.token, "GET", "/items/alerts")).status).toBe(200);
	});
});

describe("people come by invitation only", () => {
	const invitation = (email: string, more: object = {}) => ({ email, role: roles.support.id, ...more });

	it("and nobody lets themselves in", async () => {
		const answer = await studio.nobody.request("POST", "/users/register", {
			email: "x@example.com",
			password: PASSWORD,
		});
		expect(answer.status).toBe(403);
		for (const role of ["operator", "finance", "support", "auditor"] as const) {
			const { token } = await arrive(role);
			const invited = await call(other, token, "POST", "/users/invite", invitation("y@example.com"));
			expect(invited.status, role).toBe(403);
		}
		const token = (await administrator.request("GET", "/users?filter[email][_eq]=y@example.com")).body.data;
		expect(token).toEqual([]);
	});

	it("an invitation without mail says what to do, and makes nobody", async () => {
		const answer = await administrator.request("POST", "/users/invite", invitation("meera@example.com"));
		expect([answer.status, codeOf(answer)]).toEqual([503, "MAIL_NOT_SET_UP"]);
		expect(answer.text).toContain("EMAIL_TRANSPORT");
		const graph = await administrator.request("POST", "/graphql/system", {
			query: `mutation { users_invite(email: "meera@example.com", role: "${roles.support.id}") }`,
		});
		expect(graph.text).toContain("MAIL_NOT_SET_UP");
		const { rowCount } = await database.pool("studio").query("select from directus_users where email like 'meera@%'");
		expect(rowCount).toBe(0);
	});

	it("an invitation leads to this studio only, and is taken once", async () => {
		const admin = (body: object) => call(other, administrator.token, "POST", "/users/invite", body);
		const elsewhere = await admin(invitation("ravi@example.com", { invite_url: "https://evil.example.net/accept" }));
		expect(elsewhere.status).toBe(400);
		expect((await admin(invitation("ravi@example.com"))).status).toBe(204);
		const { rows } = await database
			.pool("studio")
			.query("select status, role, password from directus_users where email = 'ravi@example.com'");
		expect(rows).toEqual([{ status: "invited", role: roles.support.id, password: null }]);
		const forged = await studio.nobody.request("POST", "/users/invite/accept", {
			token: "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6InJhdmlAZXhhbXBsZS5jb20iLCJzY29wZSI6Imludml0ZSJ9.",
			password: PASSWORD,
		});
		expect([401, 403]).toContain(forged.status);
	});
});

describe("what a person does to another's access", () => {
	it("is in the audit log, without passwords and tokens", async () => {
		const person = await arrive("support");
		await administrator.request("PATCH", `/users/${person.id}`, { role: roles.finance.id, token: "a-token-CANARY-1" });
		await administrator.request("PATCH", `/users/${person.id}`, { password: "canary password" });
		const { rows } = await database
			.pool("admin")
			.query(
				"select actor, address, before, after from public.audit_log where row_id = $1 and action = 'update' order by id",
				[person.id],
			);
		expect(rows[0]).toMatchObject({
			actor: administrator.id,
			address: "127.0.0.1",
			before: { role: roles.support.id, has_token: false },
			after: { role: roles.finance.id, has_token: true },
		});
		expect(rows[1].after.password).toBe("(new password)");
		expect(JSON.stringify(rows)).not.toMatch(/CANARY|argon2|canary/);
	});
});
