import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, Histogram, type Registry } from "prom-client";
import { createRegistry } from "../telemetry/metrics.ts";

/** What a worker shows of its work. Labels have few values: never an id. */
export interface JobsMetrics {
	registry: Registry;
	psp_requests: Histogram<"provider" | "operation" | "outcome">;
	jobs: Histogram<"task" | "outcome">;
	schedules: Histogram<"schedule" | "outcome">;
	deliveries: Histogram<"outcome">;
	wa_sent: Counter<"provider" | "template">;
	wa_failed: Counter<"provider" | "reason">;
}

export function createJobsMetrics(): JobsMetrics {
	const registry = createRegistry();
	const registers = [registry];
	return {
		registry,
		psp_requests: new Histogram({
			name: "lightspeedpay_psp_request_duration_seconds",
			help: "Time of one call to a payment service provider, by what it answered",
			labelNames: ["provider", "operation", "outcome"],
			buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
			registers,
		}),
		jobs: new Histogram({
			name: "lightspeedpay_job_duration_seconds",
			help: "Time of one run of a job",
			labelNames: ["task", "outcome"],
			buckets: [0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 15, 60],
			registers,
		}),
		schedules: new Histogram({
			name: "lightspeedpay_schedule_duration_seconds",
			help: "Time of one run of a schedule",
			labelNames: ["schedule", "outcome"],
			buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 30, 120, 600],
			registers,
		}),
		deliveries: new Histogram({
			name: "lightspeedpay_webhook_delivery_duration_seconds",
			help: "Time of one try to deliver an event to a merchant, by the class of the answer",
			labelNames: ["outcome"],
			buckets: [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15],
			registers,
		}),
		wa_sent: new Counter({
			name: "lightspeedpay_wa_sent_total",
			help: "WhatsApp messages that the provider accepted",
			labelNames: ["provider", "template"],
			registers,
		}),
		wa_failed: new Counter({
			name: "lightspeedpay_wa_failed_total",
			help: "WhatsApp messages that the provider did not accept, or not for sure",
			labelNames: ["provider", "reason"],
			registers,
		}),
	};
}

export interface MetricsServer {
	port: number;
	close(): Promise<void>;
}

/** Serves /metrics, to whoever brings the token, or without one to this machine only. */
export async function serveMetrics(
	registry: Registry,
	{ port, host, token }: { port: number; host: string; token: string | undefined },
): Promise<MetricsServer> {
	const server = createServer(async ({ url, headers }, response) => {
		if (url !== "/metrics" || (token !== undefined && !isEqual(headers.authorization ?? "", `Bearer ${token}`))) {
			response.writeHead(404).end();
			return;
		}
		const text = await registry.metrics();
		response.writeHead(200, { "content-type": registry.contentType }).end(text);
	});
	server.listen(port, token === undefined ? "127.0.0.1" : host);
	await once(server, "listening");
	return {
		port: (server.address() as AddressInfo).port,
		async close() {
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
}

function isEqual(given: string, expected: string): boolean {
	const digest = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(digest(given), digest(expected));
}
