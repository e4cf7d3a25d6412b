import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { PspAccount } from "../../psp/adapter.ts";

export interface LoggedRequest {
	method: string;
	path: string;
	status: number | null;
	fault: string | null;
	body: unknown;
}

export interface MerchantEvent {
	id: string;
	type: string;
	body: unknown;
	verified: boolean;
}

/** The real sandbox in a process of its own, driven through its control paths. */
export interface Sandbox {
	url: string;
	host: string;
	/** refunds "later": they stay pending until decideRefund says what becomes of them. */
	registerAccount(
		provider: string,
		account: PspAccount,
		manner: { webhook_url?: string; refunds?: "at_once" | "later" },
	): Promise<void>;
	/** Returns the URL of the merchant's endpoint. */
	registerMerchant(name: string, webhook_secret: string): Promise<string>;
	addFault(fault: Record<string, unknown>): Promise<void>;
	clearFaults(): Promise<void>;
	pay(order: string, outcome: string, webhook?: Record<string, unknown>, provider?: string): Promise<void>;
	decideRefund(
		refund: string,
		outcome: "success" | "failure",
		webhook?: Record<string, unknown>,
		provider?: string,
	): Promise<void>;
	requests(method: string, path: string): Promise<LoggedRequest[]>;
	merchantEvents(): Promise<MerchantEvent[]>;
	stop(): Promise<void>;
}

export async function startSandbox(): Promise<Sandbox> {
	const child = spawn(process.execPath, [join(import.meta.dirname, "../../sandbox/server.ts")], {
		env: {
			PATH: process.env.PATH,
			NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
			PORT: "0",
			HOST: "127.0.0.1",
			LOG_LEVEL: "warn",
		},
		stdio: ["ignore", "ignore", "inherit", "ipc"],
	});
	const exited = once(child, "exit");
	const message = await Promise.race([once(child, "message"), exited.then(() => null)]);
	if (message === null) throw new Error("The sandbox ended before it was ready.");
	const [{ port }] = message as [{ port: number }];
	const host = `127.0.0.1:${port}`;
	const url = `http://${host}`;

	async function control<T>(method: string, path: string, body?: unknown): Promise<T> {
		const response = await fetch(`${url}/_control${path}`, {
			method,
			...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
		return (text === "" ? null : JSON.parse(text)) as T;
	}

	return {
		url,
		host,
		async registerAccount(provider, account, manner) {
			await control("PUT", "/accounts", { provider, ...account, ...manner });
		},
		async registerMerchant(name, webhook_secret) {
			await control("PUT", "/merchants", { name, webhook_secret });
			return `${url}/merchant/webhook/${name.toLowerCase().replaceAll(" ", "-")}`;
		},
		async addFault(fault) {
			await control("POST", "/faults", fault);
		},
		async clearFaults() {
			await control("DELETE", "/faults");
		},
		async pay(order, outcome, webhook = {}, provider = "razorpay") {
			await control("POST", "/pay", { provider, order, outcome, webhook });
		},
		async decideRefund(refund, outcome, webhook = {}, provider = "razorpay") {
			await control("POST", "/refund", { provider, refund, outcome, webhook });
		},
		async requests(method, path) {
			const log = await control<LoggedRequest[]>("GET", `/log?service=razorpay&method=${method}`);
			return log.filter((entry) => entry.path.split("?")[0] === `/razorpay${path}`);
		},
		merchantEvents: () => control("GET", "/merchant/events"),
		async stop() {
			child.kill("SIGKILL");
			await exited;
		},
	};
}
