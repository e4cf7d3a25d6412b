import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { createRegistry } from "../telemetry/metrics.ts";

/** What /metrics shows. Labels have few values: never an id, a path as sent, or a merchant. */
export interface Metrics {
	registry: Registry;
	requests: Histogram<"method" | "route" | "status">;
	batch_size: Histogram;
	batch_seconds: Histogram;
	initiations_shed: Counter<"reason">;
	initiations_waiting: Gauge;
	streams: Gauge;
	gateway_webhooks: Counter<"result">;
	payout_webhooks: Counter<"result">;
	whatsapp_webhooks: Counter<"provider" | "result">;
	listener_connected: Gauge;
	cache: Counter<"cache" | "result">;
}

export function createMetrics(): Metrics {
	const registry = createRegistry();
	const registers = [registry];
	return {
		registry,
		requests: new Histogram({
			name: "lightspeedpay_http_request_duration_seconds",
			help: "Time from a request's head to the end of its answer",
			labelNames: ["method", "route", "status"],
			buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
			registers,
		}),
		batch_size: new Histogram({
			name: "lightspeedpay_initiation_batch_payments",
			help: "Payments initiated by one database call",
			buckets: [1, 2, 5, 10, 20, 50, 100],
			registers,
		}),
		batch_seconds: new Histogram({
			name: "lightspeedpay_initiation_batch_duration_seconds",
			help: "Time of one database call that initiates payments",
			buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
			registers,
		}),
		initiations_shed: new Counter({
			name: "lightspeedpay_initiations_shed_total",
			help: "Initiations refused because this process had too many waiting, or they waited too long",
			labelNames: ["reason"],
			registers,
		}),
		initiations_waiting: new Gauge({
			name: "lightspeedpay_initiations_waiting",
			help: "Initiations that wait for a database call to become free",
			registers,
		}),
		streams: new Gauge({ name: "lightspeedpay_status_streams", help: "Open status streams", registers }),
		gateway_webhooks: new Counter({
			name: "lightspeedpay_gateway_webhooks_total",
			help: "Webhooks received from payment service providers",
			labelNames: ["result"],
			registers,
		}),
		payout_webhooks: new Counter({
			name: "lightspeedpay_payout_webhooks_total",
			help: "Webhooks received about payouts that collect dues",
			labelNames: ["result"],
			registers,
		}),
		whatsapp_webhooks: new Counter({
			name: "lightspeedpay_whatsapp_webhooks_total",
			help: "Webhooks received from WhatsApp providers",
			labelNames: ["provider", "result"],
			registers,
		}),
		listener_connected: new Gauge({
			name: "lightspeedpay_listener_connected",
			help: "1 while the process hears the database's announcements",
			registers,
		}),
		cache: new Counter({
			name: "lightspeedpay_cache_requests_total",
			help: "Look-ups of merchants and gateways, by whether the process had them already",
			labelNames: ["cache", "result"],
			registers,
		}),
	};
}
