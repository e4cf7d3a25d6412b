import { z } from "zod";

/** Variables that every process has; each stands in the schema of the process's own. */
export const TELEMETRY = {
	/** Where traces go: the base URL of an OTLP receiver over HTTP; without it there are none. */
	OTEL_EXPORTER_OTLP_ENDPOINT: z
		.string()
		.regex(/^https?:\/\/[^/]/, "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL, e.g. http://127.0.0.1:4318.")
		.transform((text) => text.replace(/\/+$/, ""))
		.optional(),
	OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
	/** The share of payments that is traced. */
	OTEL_TRACES_SAMPLER_ARG: z.coerce
		.number("OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.")
		.min(0, "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.")
		.max(1, "OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1.")
		.default(1),
	/** Where faults are reported, by the Sentry protocol; without it nowhere. */
	SENTRY_DSN: z
		.string()
		.regex(/^https?:\/\/[^@/]+@[^/]+\/.*\d+$/, "SENTRY_DSN must look like https://key@host/project.")
		.optional(),
	SENTRY_ENVIRONMENT: z.string().default("production"),
};

export interface TelemetryVariables {
	OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
	OTEL_EXPORTER_OTLP_HEADERS?: string | undefined;
	OTEL_TRACES_SAMPLER_ARG: number;
	SENTRY_DSN?: string | undefined;
	SENTRY_ENVIRONMENT: string;
}

/** As startTracing and startErrorReports take them. */
export function telemetryOptions(part: string, env: TelemetryVariables) {
	return {
		tracing: {
			part,
			endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
			headers: env.OTEL_EXPORTER_OTLP_HEADERS,
			ratio: env.OTEL_TRACES_SAMPLER_ARG,
		},
		errors: { part, dsn: env.SENTRY_DSN ?? null, environment: env.SENTRY_ENVIRONMENT },
	};
}
