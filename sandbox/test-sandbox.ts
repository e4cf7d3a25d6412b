import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { createSandbox, type SandboxOptions } from "./app.ts";

export interface ReceivedWebhook {
	headers: IncomingHttpHeaders;
	body: string;
}

/** An endpoint of ours that a provider's webhooks reach; `answers` are the statuses of the first ones, 200 after. */
export async function startReceiver(answers: number[] = []) {
	const received: ReceivedWebhook[] = [];
	const arrivals = new Set<() => void>();
	const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		received.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
		response.writeHead(answers[received.length - 1] ?? 200).end();
		for (const arrived of arrivals) arrived();
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
		received,
		/** Resolves when so many have come; the test's own time-out bounds it. */
		async until(count: number): Promise<ReceivedWebhook[]> {
			while (received.length < count) {
				const arrival = Promise.withResolvers<void>();
				arrivals.add(arrival.resolve);
				await arrival.promise;
				arrivals.delete(arrival.resolve);
			}
			return received;
		},
		async close(): Promise<void> {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

export const TEST_ACCOUNT = {
	provider: "razorpay",
	api_key: "rzp_test_kaveri",
	api_secret: "key secret",
	webhook_secret: "webhook secret",
};

export async function startTestSandbox(options: SandboxOptions = {}) {
	const sandbox = createSandbox({ webhook_retry_base_ms: 5, ...options });
	const url = await sandbox.listen(0);
	async function control(method: string, path: string, body?: unknown) {
		const response = await fetch(`${url}/_control/${path}`, {
			method,
			...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
		});
		const text = await response.text();
		return { status: response.status, body: text === "" ? null : JSON.parse(text) };
	}
	return { sandbox, url, control, close: () => sandbox.close() };
}
