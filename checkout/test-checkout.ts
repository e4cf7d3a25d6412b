/** The checkout application on a test's own database, listening on a free port. */
import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestDatabase } from "../test/database.ts";
import { TEST_ENCRYPTION_KEYS, type TestMerchant } from "../test/merchants.ts";
import { buildApp } from "./app.ts";
import { createDependencies, type Dependencies } from "./dependencies.ts";
import { readEnv } from "./env.ts";

export interface TestCheckout {
	url: string;
	server: Server;
	dependencies: Dependencies;
	stop(): Promise<void>;
}

export const TEST_STATUS_TOKEN_KEY = Buffer.alloc(32, 9).toString("base64");

export async function startTestCheckout(
	database: TestDatabase,
	variables: Record<string, string> = {},
): Promise<TestCheckout> {
	const dependencies = await createDependencies(
		readEnv({
			DATABASE_URL: database.url("checkout"),
			ENCRYPTION_KEYS: TEST_ENCRYPTION_KEYS,
			STATUS_TOKEN_KEY: TEST_STATUS_TOKEN_KEY,
			PUBLIC_CHECKOUT_URL: "http://pay.test",
			LOG_LEVEL: "silent",
			...variables,
		}),
	);
	const server = createServer({ keepAliveTimeout: 600_000 }, buildApp(dependencies));
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		server,
		dependencies,
		async stop() {
			dependencies.hub.endAll();
			const closed = new Promise((resolve) => server.close(resolve));
			server.closeAllConnections();
			await closed;
			await dependencies.close();
		},
	};
}

type Credentials = Pick<TestMerchant, "client_key" | "client_salt">;

/** The headers that sign a request; `at` is in seconds since 1970. */
export function signedHeaders(
	{ client_key, client_salt }: Credentials,
	method: string,
	path: string,
	body: string | Buffer = "",
	at = Math.floor(Date.now() / 1000),
): Record<string, string> {
	const signature = createHmac("sha256", client_salt).update(`${at}.${method}.${path}.`).update(body).digest("hex");
	return { "x-client-key": client_key, "x-timestamp": String(at), "x-signature": signature };
}

export interface Answer {
	status: number;
	headers: Headers;
	// biome-ignore lint/suspicious/noExplicitAny: whatever was answered is what tests look at
	body: any;
}

export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
	const response = await fetch(url, { redirect: "manual", ...init });
	const text = await response.text();
	const is_json = response.headers.get("content-type")?.startsWith("application/json") ?? false;
	return { status: response.status, headers: response.headers, body: is_json ? JSON.parse(text) : text };
}

/** POST, signed; a string is sent as it is, and undefined as no body at all. */
export function post(
	checkout: TestCheckout,
	merchant: Credentials,
	path: string,
	content: unknown,
	headers: Record<string, string> = {},
): Promise<Answer> {
	const body = typeof content === "string" ? content : (JSON.stringify(content) ?? "");
	return ask(checkout.url + path, {
		method: "POST",
		headers: {
			...(content !== undefined && { "content-type": "application/json" }),
			...signedHeaders(merchant, "POST", path, body),
			...headers,
		},
		...(content !== undefined && { body }),
	});
}

/** POST /payment/initiate, signed; a string is sent as it is. */
export function initiate(checkout: TestCheckout, merchant: Credentials, payment: unknown): Promise<Answer> {
	return post(checkout, merchant, "/payment/initiate", payment);
}

/** GET, signed. */
export function get(checkout: TestCheckout, merchant: Credentials, path: string): Promise<Answer> {
	return ask(checkout.url + path, { headers: signedHeaders(merchant, "GET", path) });
}
