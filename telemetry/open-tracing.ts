import {
	type Context,
	createTraceState,
	isSpanContextValid,
	ROOT_CONTEXT,
	type SpanContext,
	SpanKind,
	SpanStatusCode,
	TraceFlags,
	trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
	BasicTracerProvider,
	BatchSpanProcessor,
	type IdGenerator,
	RandomIdGenerator,
	TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import type { FinishedSpan, Tracing, TracingOptions } from "./tracing.ts";

const KINDS = {
	server: SpanKind.SERVER,
	client: SpanKind.CLIENT,
	consumer: SpanKind.CONSUMER,
	internal: SpanKind.INTERNAL,
};

/** Random ids, except for the one span for which they were chosen. */
class ChosenIds implements IdGenerator {
	readonly #random = new RandomIdGenerator();
	#chosen: { trace_id: string; span_id: string } | null = null;

	/** For the span that is started within. */
	choose<Result>(trace_id: string, span_id: string, start: () => Result): Result {
		this.#chosen = { trace_id, span_id };
		try {
			return start();
		} finally {
			this.#chosen = null;
		}
	}
	generateTraceId = (): string => this.#chosen?.trace_id ?? this.#random.generateTraceId();
	generateSpanId = (): string => this.#chosen?.span_id ?? this.#random.generateSpanId();
}

export function openTracing(endpoint: string, { part, headers, ratio = 1 }: TracingOptions): Tracing {
	const ids = new ChosenIds();
	const sampler = new TraceIdRatioBasedSampler(ratio);
	const provider = new BasicTracerProvider({
		resource: resourceFromAttributes({ "service.name": `lightspeedpay-${part}` }),
		idGenerator: ids,
		sampler,
		spanProcessors: [
			new BatchSpanProcessor(
				new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, headers: parseHeaders(headers), timeoutMillis: 5000 }),
				// What a receiver that is down leaves behind is thrown away, never memory.
				{ maxQueueSize: 4096, scheduledDelayMillis: 1000 },
			),
		],
	});
	const tracer = provider.getTracer("lightspeedpay");

	const start = ({ name, kind, started_at, attributes, caused_by }: FinishedSpan, parent: Context) => {
		const cause = parseCause(caused_by);
		const links = cause === null ? [] : [{ context: cause }];
		return tracer.startSpan(name, { kind: KINDS[kind], startTime: started_at, attributes, links }, parent);
	};
	const write = (span: FinishedSpan, parent: Context, made = start(span, parent)) => {
		if (span.error !== undefined) made.setStatus({ code: SpanStatusCode.ERROR, message: span.error });
		for (const child of span.children ?? []) write(child, trace.setSpan(ROOT_CONTEXT, made));
		made.end(span.ended_at);
	};

	return {
		recordPayment(transaction_id, span) {
			const { traceId, spanId } = firstSpanOf(transaction_id);
			write(
				span,
				ROOT_CONTEXT,
				ids.choose(traceId, spanId, () => start(span, ROOT_CONTEXT)),
			);
		},
		record(transaction_id, span) {
			const first = firstSpanOf(transaction_id);
			// As that span itself was decided upon.
			if (sampler.shouldSample(ROOT_CONTEXT, first.traceId).decision === 0) return;
			write(span, trace.setSpanContext(ROOT_CONTEXT, first));
		},
		close: () => provider.shutdown().catch(() => {}),
	};
}

function firstSpanOf(transaction_id: string) {
	const traceId = transaction_id.replaceAll("-", "").toLowerCase();
	return { traceId, spanId: traceId.slice(16), traceFlags: TraceFlags.SAMPLED, isRemote: true };
}

/** W3C Trace Context; later versions may add fields at the end. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Null: none, or not as the standard has it, which then counts as none. */
function parseCause(caused_by: FinishedSpan["caused_by"]): SpanContext | null {
	const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(caused_by?.traceparent ?? "") ?? [];
	if (version === undefined || (version === "00" && more !== undefined)) return null;
	const context = { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16), isRemote: true };
	if (!isSpanContextValid(context)) return null;
	// More than 512 characters or 32 members are not taken.
	return caused_by?.tracestate ? { ...context, traceState: createTraceState(caused_by.tracestate) } : context;
}

function parseHeaders(text: string | undefined): Record<string, string> {
	const pairs = (text ?? "").split(",").filter((pair) => pair.includes("="));
	return Object.fromEntries(
		pairs.map((pair) => {
			const [name = "", ...value] = pair.split("=");
			return [name.trim(), decodeURIComponent(value.join("=").trim())];
		}),
	);
}
