import { createHmac } from "node:crypto";
import autocannon from "autocannon";
import type { Throughput } from "./goal.ts";
import type { BenchMerchant } from "./merchants.ts";

let sequence = 0;
const run = Date.now().toString(36);

/** Signed POST /payment/initiate from `connections` connections, each waiting for its answer before the next request. */
export async function loadInitiate(
	url: string,
	merchants: BenchMerchant[],
	options: { connections: number; seconds: number; with_ids?: boolean },
): Promise<Throughput> {
	const result = await autocannon({
		url,
		connections: options.connections,
		duration: options.seconds,
		requests: [
			{
				method: "POST",
				path: "/payment/initiate",
				setupRequest(request) {
					const number = sequence++;
					const merchant = merchants[number % merchants.length]!;
					const order = { order_id: `${run}-${number}`, amount: 10_000 + (number % 1_000), currency: "INR" };
					const body = JSON.stringify(
						options.with_ids ? { ...order, client_id: merchant.id, client_key: merchant.client_key } : order,
					);
					const timestamp = Math.floor(Date.now() / 1_000);
					const signature = createHmac("sha256", merchant.client_salt)
						.update(`${timestamp}.POST./payment/initiate.${body}`)
						.digest("hex");
					request.body = body;
					request.headers = {
						"content-type": "application/json",
						"x-client-key": merchant.client_key,
						"x-timestamp": String(timestamp),
						"x-signature": signature,
					};
					return request;
				},
			},
		],
	});
	return {
		per_second: result["2xx"] / result.duration,
		p50: result.latency.p50,
		p99: result.latency.p99,
		refused: result.non2xx + result.errors + result.timeouts,
	};
}

/** Calls `work` from `connections` loops for so many seconds; `work` says how many payments a call took. */
export async function loadCalls(
	options: { connections: number; seconds: number },
	work: () => Promise<number>,
): Promise<Throughput> {
	const latencies: number[] = [];
	let taken = 0;
	const start = performance.now();
	const end = start + options.seconds * 1_000;
	await Promise.all(
		Array.from({ length: options.connections }, async () => {
			for (let before = performance.now(); before < end; before = performance.now()) {
				const took = await work();
				taken += took;
				latencies.push(performance.now() - before);
			}
		}),
	);
	const seconds = (performance.now() - start) / 1_000;
	latencies.sort((a, b) => a - b);
	const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
	return { per_second: taken / seconds, p50: at(0.5), p99: at(0.99), refused: 0 };
}
