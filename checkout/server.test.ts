import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parseEncryptionKeys } from "../db/client/secrets.ts";
import { createTestDatabase, type TestDatabase } from "../test/database.ts";
import { createMerchant, TEST_ENCRYPTION_KEYS } from "../test/merchants.ts";
import { ask, signedHeaders, TEST_STATUS_TOKEN_KEY } from "./test-checkout.ts";

const SERVER = fileURLToPath(new URL("server.ts", import.meta.url));

let database: TestDatabase;
let child: ChildProcess;
let output = "";

beforeAll(async () => {
	database = await createTestDatabase();
});
afterEach(() => {
	child?.kill("SIGKILL");
});
afterAll(async () => {
	await database?.drop();
});

const environment = (overrides: Record<string, string> = {}) => ({
	PATH: process.env.PATH,
	DATABASE_URL: database.url("checkout"),
	ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
	STATUS_TOKEN_KEY: TEST_STATUS_TOKEN_KEY,
	PUBLIC_CHECKOUT_URL: "http://pay.test",
	PORT: "0",
	...overrides,
});

/** Plain Node, as in production: it refuses TypeScript that the test runner would take. */
async function start(): Promise<string> {
	output = "";
	child = fork(SERVER, { env: environment(), stdio: ["ignore", "pipe", "pipe", "ipc"] });
	child.stdout!.on("data", (chunk) => {
		output += chunk;
	});
	const [message] = await once(child, "message");
	expect(message).toEqual({ ready: true, port: expect.any(Number) });
	return `http://127.0.0.1:${message.port}`;
}

async function failure(overrides: Record<string, string>): Promise<{ code: number; stderr: string }> {
	child = spawn(process.execPath, [SERVER], { env: environment(overrides), stdio: ["ignore", "pipe", "pipe"] });
	let stderr = "";
	child.stderr!.on("data", (chunk) => {
		stderr += chunk;
	});
	const [code] = await once(child, "close");
	return { code, stderr };
}

describe("checkout/server.ts", () => {
	it("serves under plain Node, writes a line a request without secrets, and stops on SIGTERM with streams open", async () => {
		const url = await start();
		const merchant = await createMerchant(database.pool("admin"), parseEncryptionKeys(TEST_ENCRYPTION_KEYS));
		const body = JSON.stringify({ amount: 49900, order_id: "A-1", customer: { email: "asha@example.com" } });
		const headers = signedHeaders(merchant, "POST", "/payment/initiate", body);
		const { body: payment } = await ask(`${url}/payment/initiate`, {
			method: "POST",
			headers: { "content-type": "application/json", "x-request-id": "request-4711", ...headers },
			body,
		});
		const stream = await fetch(`${url}/status/${payment.transaction_id}/stream?token=${payment.status_token}`);
		expect(stream.status).toBe(200);
		const closed = once(child, "close");
		child.kill("SIGTERM");
		await stream.text();
		const [code] = await closed;
		expect(code).toBe(0);
		const lines = output
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(lines[0]).toMatchObject({ part: "checkout", msg: "checkout is listening", port: expect.any(Number) });
		expect(lines).toContainEqual(
			expect.objectContaining({
				request_id: "request-4711",
				method: "POST",
				path: "/payment/initiate",
				status: 200,
				ms: expect.any(Number),
				client_id: merchant.id,
			}),
		);
		for (const secret of [merchant.client_salt, headers["x-signature"]!, payment.status_token, "asha@example.com"]) {
			expect(output).not.toContain(secret);
		}
	});

	it("stops when the process that started it is gone", async () => {
		await start();
		child.disconnect();
		const [code] = await once(child, "exit");
		expect(code).toBe(0);
	});

	it("says in one sentence what is wrong with its variables, its port or its database, and exits non-zero", async () => {
		const variables = await failure({ STATUS_TOKEN_KEY: "" });
		expect(variables).toEqual({
			code: 1,
			stderr: "checkout cannot start: STATUS_TOKEN_KEY is not set: it must be base64 of 32 random bytes.\n",
		});
		const taken = createServer().listen(0, "127.0.0.1");
		await once(taken, "listening");
		const port = await failure({ PORT: String((taken.address() as AddressInfo).port) });
		taken.close();
		expect(port.code).toBe(1);
		expect(port.stderr).toMatch(/^checkout cannot start: Port \d+ is taken: set PORT to a free one\.\n$/);
		const unreachable = await failure({ DATABASE_URL: "postgres://checkout@127.0.0.1:1/x" });
		expect(unreachable.code).toBe(1);
		expect(unreachable.stderr).toMatch(/^checkout cannot start: .*ECONNREFUSED.*\n$/);
	});
});
