import http from "node:http";
import type { AddressInfo } from "node:net";
import type { PspAccount, WebhookRequest } from "./adapter.ts";

/** The sandbox as the conformance suite uses it: its control interface over HTTP, and an endpoint for its webhooks. */
export interface SandboxDriver {
	/** Where this provider's API is. */
	readonly api_url: string;
	registerAccount(account: PspAccount): Promise<void>;
	/** Upsets the next `times` calls to paths that begin with `path`. */
	fault(fault: SandboxFault): Promise<void>;
	clearFaults(): Promise<void>;
	/** What a payer does with an order, by the PSP's id of it or ours; resolves when the PSP has taken note of it. */
	pay(order: string, outcome: PayOutcome, manner?: PayManner): Promise<void>;
	/** What becomes of an order's parts for other accounts when it is paid; of those that failed, when they are tried again. */
	decideTransfer(order: string, outcome: "success" | "failure", manner?: Pick<PayManner, "webhook">): Promise<void>;
	/** What the payer's bank says of a dispute about an order that was paid; as `pay` else. */
	dispute(order: string, outcome: DisputeOutcome, manner?: DisputeManner): Promise<void>;
	/** Answers the `count` webhooks (or more) that name any of these ids, once so many have come in. */
	webhooksAbout(ids: string | readonly string[], count: number): Promise<WebhookRequest[]>;
	/** How many calls to paths that begin with `path` the PSP has seen. */
	countRequests(method: string, path: string): Promise<number>;
	close(): Promise<void>;
}

export type DisputeOutcome = "opened" | "under_review" | "won" | "lost" | "closed";

export interface DisputeManner {
	phase?: "chargeback" | "pre_arbitration" | "arbitration";
	/** The whole payment unless said. */
	amount?: number;
	webhook?: NonNullable<PayManner["webhook"]>;
}

export type PayOutcome = "success" | "failure" | "pending" | "authorized";

export interface SandboxFault {
	path?: string;
	/** slow: does it after delay_ms. drop_after_success: does it, and hangs up in place of an answer after delay_ms. */
	kind: "status" | "slow" | "drop_after_success" | "timeout";
	status?: number;
	/** Answers `status` with a page instead of the PSP's own error. */
	html?: boolean;
	/** Seconds for the Retry-After header. */
	retry_after?: number;
	delay_ms?: number;
	times: number;
}

export interface PayManner {
	/** UPI unless said. */
	method?: "upi" | "card" | "netbanking";
	/** Other than the order says. */
	amount?: number;
	/** Likewise. */
	currency?: string;
	webhook?: {
		/** Sends each event twice. */
		duplicate?: boolean;
		delay_ms?: number;
		skip?: boolean;
		/** Signs with a secret that is not the account's. */
		forge?: boolean;
		/** Sends the events last to first. */
		reorder?: boolean;
	};
}

const WEBHOOK_PATIENCE_MS = 10_000;

export async function connectSandbox(sandbox_url: string, provider: string): Promise<SandboxDriver> {
	const received: WebhookRequest[] = [];
	const arrivals = new Set<() => void>();
	const endpoint = http.createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const headers: Record<string, string> = {};
		for (const [name, value] of Object.entries(request.headers)) {
			if (typeof value === "string") headers[name] = value;
		}
		received.push({ raw_body: Buffer.concat(chunks), headers });
		response.writeHead(200).end();
		for (const arrived of arrivals) arrived();
	});
	await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
	const webhook_url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/webhook`;

	async function control(method: string, path: string, body?: unknown): Promise<unknown> {
		const response = await fetch(`${sandbox_url}/_control/${path}`, {
			method,
			...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
		});
		const text = await response.text();
		if (!response.ok) throw new Error(`the sandbox answered ${response.status} to ${method} ${path}: ${text}`);
		return text === "" ? null : JSON.parse(text);
	}

	return {
		api_url: `${sandbox_url}/${provider}`,
		async registerAccount({ api_key, api_secret, webhook_secret, settings }) {
			await control("PUT", "accounts", { provider, api_key, api_secret, webhook_secret, webhook_url, settings });
		},
		async fault(fault) {
			await control("POST", "faults", { service: provider, ...fault });
		},
		async clearFaults() {
			await control("DELETE", "faults");
		},
		async pay(order, outcome, manner = {}) {
			await control("POST", "pay", { provider, order, outcome, ...manner });
		},
		async decideTransfer(order, outcome, manner = {}) {
			await control("POST", "transfer", { provider, order, outcome, ...manner });
		},
		async dispute(order, outcome, manner = {}) {
			await control("POST", "dispute", { provider, order, outcome, ...manner });
		},
		async webhooksAbout(ids, count) {
			const about = () => received.filter(({ raw_body }) => [ids].flat().some((id) => raw_body.includes(id)));
			const deadline = AbortSignal.timeout(WEBHOOK_PATIENCE_MS);
			while (about().length < count) {
				if (deadline.aborted) throw new Error(`${about().length} of ${count} webhooks about ${ids} came`);
				const arrival = Promise.withResolvers<void>();
				arrivals.add(arrival.resolve);
				deadline.addEventListener("abort", () => arrival.resolve(), { once: true });
				await arrival.promise;
				arrivals.delete(arrival.resolve);
			}
			return about();
		},
		async countRequests(method, path) {
			const log = await control("GET", `log?${new URLSearchParams({ service: provider, method, path })}`);
			return (log as unknown[]).length;
		},
		async close() {
			endpoint.closeAllConnections();
			await new Promise((resolve) => endpoint.close(resolve));
		},
	};
}
