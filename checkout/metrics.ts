import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

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
}

export function createMetrics(): Metrics {
	const registry = new Registry();
	const registers = [registry];
	collectDefaultMetrics({ register: registry });
	return {
		registry,
		requests: new Histogram({
			name: "checkout_request_seconds",
			help: "Time from a request's head to the end of its answer",
			labelNames: ["method", "route", "status"],
			buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5],
			registers,
		}),
		batch_size: new Histogram({
			name: "checkout_initiation_batch_size",
			help: "Payments initiated by one database call",
			buckets: [1, 2, 5, 10, 20, 50, 100],
			registers,
		}),
		batch_seconds: new Histogram({
			name: "checkout_initiation_batch_seconds",
			help: "Time of one database call that initiates payments",
			buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
			registers,
		}),
		initiations_shed: new Counter({
			name: "checkout_initiations_shed_total",
			help: "Initiations refused because this process had too many waiting, or they waited too long",
			labelNames: ["reason"],
			registers,
		}),
		initiations_waiting: new Gauge({
			name: "checkout_initiations_waiting",
			help: "Initiations that wait for a database call to become free",
			registers,
		}),
		streams: new Gauge({ name: "checkout_status_streams", help: "Open status streams", registers }),
		gateway_webhooks: new Counter({
			name: "checkout_gateway_webhooks_total",
			help: "Webhooks received from payment service providers",
			labelNames: ["result"],
			registers,
		}),
		payout_webhooks: new Counter({
			name: "checkout_payout_webhooks_total",
			help: "Webhooks received about payouts that collect dues",
			labelNames: ["result"],
			registers,
		}),
		whatsapp_webhooks: new Counter({
			name: "checkout_whatsapp_webhooks_total",
			help: "Webhooks received from WhatsApp providers",
			labelNames: ["provider", "result"],
			registers,
		}),
		listener_connected: new Gauge({
			name: "checkout_listener_connected",
			help: "1 while the process hears the database's announcements",
			registers,
		}),
	};
}
