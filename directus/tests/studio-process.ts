/** A studio for tests: installed in a test's database, started as in production (plain node, its own process). */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestDatabase, makeTemplate, type TestDatabase } from "../../test/database.ts";
import { TEST_ENCRYPTION_KEYS } from "../../test/merchants.ts";
import { buildExtensions } from "../build-extensions.mjs";
import type { RoleName } from "../config/roles.ts";
import { REPOSITORY } from "../env.ts";
import { prepareStudio } from "../prepare.ts";
import { ensureUser } from "../users.ts";

export const CHECKOUT_URL = "https://pay.example.com";
const PASSWORD = "correct horse battery staple";
const TEMPLATE = "template_lightspeedpay_studio";
const ADMINISTRATOR = "administrator@example.com";

export interface Answer {
	status: number;
	// biome-ignore lint/suspicious/noExplicitAny: the answers of a REST API, as tests look into them
	body: any;
	text: string;
}

export interface Person {
	id: string;
	email: string;
	password: string;
	token: string;
	request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export interface Studio {
	url: string;
	/** Everything the process wrote so far. */
	output(): string;
	nobody: Person;
	person(role: RoleName): Promise<Person>;
	stop(): Promise<number | null>;
	/** Ends it in the middle of whatever it does. */
	kill(): Promise<void>;
}

export interface StudioOptions {
	/** Beside what every studio of the tests has. */
	env?: Record<string, string>;
}

/** A database in which the studio is installed, which takes seconds where it is not. */
export async function createStudioDatabase(): Promise<TestDatabase> {
	await makeTemplate(TEMPLATE, (database) => prepare(database.url("studio")));
	return createTestDatabase(TEMPLATE);
}

/** Nobody needs a second factor in it. */
export async function startStudio(databaseUrl: string, { env = {} }: StudioOptions = {}): Promise<Studio> {
	buildExtensions();
	await prepare(databaseUrl);
	const uploads = await mkdtemp(join(tmpdir(), "studio-"));
	const child = spawn(process.execPath, [join(REPOSITORY, "directus", "server.ts")], {
		// Somewhere else on purpose: the studio must not depend on where it is started.
		cwd: uploads,
		env: {
			PATH: process.env.PATH,
			NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
			HOME: uploads,
			DATABASE_URL: databaseUrl,
			STUDIO_SECRET: "a secret of the studio that is only for tests",
			ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
			PUBLIC_CHECKOUT_URL: CHECKOUT_URL,
			STUDIO_UPLOADS: uploads,
			PORT: "0",
			...env,
		},
		stdio: ["ignore", "pipe", "pipe", "ipc"],
	});
	let output = "";
	child.stdout?.on("data", (chunk) => {
		output += chunk;
	});
	child.stderr?.on("data", (chunk) => {
		output += chunk;
	});
	const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
	const url = `http://127.0.0.1:${await listening(child, () => output)}`;
	const people = new Map<RoleName, Promise<Person>>();

	async function makePerson(role: RoleName): Promise<Person> {
		const email = `${role}@example.com`;
		const id = await ensureUser({ databaseUrl, email, password: PASSWORD, role });
		const answer = await request(url, null, "POST", "/auth/login", { email, password: PASSWORD });
		if (answer.status !== 200) throw new Error(`${email} cannot log in: ${answer.text}`);
		const token: string = answer.body.data.access_token;
		return { id, email, password: PASSWORD, token, request: (...call) => request(url, token, ...call) };
	}

	return {
		url,
		output: () => output,
		nobody: { id: "", email: "", password: "", token: "", request: (...call) => request(url, null, ...call) },
		person(role) {
			const known = people.get(role) ?? makePerson(role);
			people.set(role, known);
			return known;
		},
		async stop() {
			child.kill("SIGTERM");
			const code = await exited;
			await rm(uploads, { recursive: true, force: true });
			return code;
		},
		async kill() {
			child.kill("SIGKILL");
			await exited;
			await rm(uploads, { recursive: true, force: true });
		},
	};
}

function prepare(databaseUrl: string): Promise<unknown> {
	const admin = { email: ADMINISTRATOR, password: PASSWORD };
	return prepareStudio({ databaseUrl, admin, requireSecondFactor: false });
}

function listening(child: ChildProcess, output: () => string): Promise<number> {
	return new Promise((resolve, reject) => {
		child.on("message", (message: { ready?: boolean; port?: number }) => {
			if (message.ready && message.port) resolve(message.port);
		});
		child.once("exit", (code) => reject(new Error(`The studio ended with ${code}:\n${output()}`)));
	});
}

async function request(
	url: string,
	token: string | null,
	method: string,
	path: string,
	body?: unknown,
	headers: Record<string, string> = {},
): Promise<Answer> {
	const response = await fetch(url + path, {
		method,
		headers: {
			...(body === undefined ? {} : { "content-type": "application/json" }),
			...(token === null ? {} : { authorization: `Bearer ${token}` }),
			...headers,
		},
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	const text = await response.text();
	let parsed: unknown = null;
	try {
		parsed = JSON.parse(text);
	} catch {
		// Some answers are empty or no JSON; text says what they are.
	}
	return { status: response.status, body: parsed, text };
}
