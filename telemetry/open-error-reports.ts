import {
	createStackParser,
	createTransport,
	type ErrorEvent,
	nodeStackLineParser,
	Scope,
	ServerRuntimeClient,
} from "@sentry/core";
import { type ErrorReportOptions, type ErrorReports, tagsOf, withoutSecrets } from "./error-reports.ts";

const SEND_TIMEOUT_MS = 5000;

export function openErrorReports(dsn: string, { part, environment }: ErrorReportOptions): ErrorReports {
	const client = new ServerRuntimeClient({
		dsn,
		environment,
		platform: "node",
		runtime: { name: "node", version: process.version },
		integrations: [],
		stackParser: createStackParser(nodeStackLineParser()),
		sendClientReports: false,
		// A request is made by nobody else, so nothing of it is here to be collected.
		sendDefaultPii: false,
		beforeSend: clean,
		transport: (options) =>
			createTransport(options, async ({ body }) => {
				const response = await fetch(options.url, {
					method: "POST",
					headers: { "content-type": "application/x-sentry-envelope" },
					body: body as string,
					signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
				});
				await response.arrayBuffer();
				return {
					statusCode: response.status,
					headers: {
						"x-sentry-rate-limits": response.headers.get("x-sentry-rate-limits"),
						"retry-after": response.headers.get("retry-after"),
					},
				};
			}),
	});
	client.init();

	return {
		report(error, message, fields) {
			const scope = new Scope();
			scope.setClient(client);
			scope.setTags({ part, ...tagsOf(fields) });
			scope.setExtra("log_message", withoutSecrets(message));
			client.captureException(error, {}, scope);
		},
		async close(timeout_ms) {
			await client.close(timeout_ms);
		},
	};
}

/** Only what is named here leaves; a field that a later version of the library adds does not. */
function clean(event: ErrorEvent): ErrorEvent {
	const { type, event_id, timestamp, platform, level, environment, tags, extra, contexts, sdk } = event;
	return {
		type,
		event_id,
		timestamp,
		platform,
		level,
		environment,
		tags,
		extra,
		sdk,
		contexts: contexts?.runtime === undefined ? {} : { runtime: contexts.runtime },
		exception: {
			values: (event.exception?.values ?? []).map(({ type, value, stacktrace, mechanism }) => ({
				type,
				value: value === undefined ? value : withoutSecrets(value).slice(0, 1000),
				stacktrace: stacktrace && {
					frames: stacktrace.frames?.map(({ filename, function: name, lineno, colno, in_app, module }) => ({
						filename,
						function: name,
						lineno,
						colno,
						in_app,
						module,
					})),
				},
				mechanism,
			})),
		},
	} as ErrorEvent;
}
