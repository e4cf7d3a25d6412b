/**
 * Traces by OpenTelemetry, sent where OTEL_EXPORTER_OTLP_ENDPOINT says; without it nothing is loaded and nothing is done.
 *
 * A payment's trace has the payment's own id: 128 bits, as trace ids are, of which the last 62 are random. So every process
 * that knows which payment it works on knows the trace, and no job, outbox row or request has to carry it: what happens days
 * later (a late webhook, a refund, a delivery's last try) joins the same trace. Its first span, made where the payment is
 * initiated, has the id's last eight bytes. docs/adr/0017-a-payment-is-its-trace.md says more.
 */
import type { Attributes } from "@opentelemetry/api";

export interface FinishedSpan {
	name: string;
	kind: "server" | "client" | "consumer" | "internal";
	/** Milliseconds since 1970. */
	started_at: number;
	ended_at: number;
	attributes: Attributes;
	/** What went wrong. */
	error?: string | undefined;
	/** What the caller sent of its own trace, of which this one is a consequence; its tracing system's own words in `tracestate`. */
	caused_by?: { traceparent: string | undefined; tracestate: string | undefined } | undefined;
	/** What was done within. */
	children?: readonly FinishedSpan[];
}

export interface Tracing {
	/** The first span of a payment's trace. */
	recordPayment(transaction_id: string, span: FinishedSpan): void;
	/** A span under the payment's first. */
	record(transaction_id: string, span: FinishedSpan): void;
	/** Sends what is left. */
	close(): Promise<void>;
}

export interface TracingOptions {
	/** Base URL of an OTLP receiver over HTTP, e.g. http://otel-collector:4318. Null: off. */
	endpoint: string | null;
	/** Of the process: checkout or jobs. */
	part: string;
	/** "name=value,…" for the receiver, as the standard has it. */
	headers?: string | undefined;
	/** Of all payments, from 0 to 1; decided by the payment's id, so that all processes decide alike. */
	ratio?: number;
}

/** Null when it is off. */
export async function startTracing(options: TracingOptions): Promise<Tracing | null> {
	if (options.endpoint === null) return null;
	const { openTracing } = await import("./open-tracing.ts");
	return openTracing(options.endpoint, options);
}
