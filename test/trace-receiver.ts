/** Takes traces as an OpenTelemetry collector does, over HTTP on a free port. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedSpan {
	traceId: string;
	spanId: string;
	parentSpanId?: string;
	name: string;
	links?: { traceId: string; spanId: string }[];
}

export interface TraceReceiver {
	url: string;
	spans: ReceivedSpan[];
	stop(): Promise<void>;
}

export async function startTraceReceiver(): Promise<TraceReceiver> {
	const spans: ReceivedSpan[] = [];
	const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
		const { resourceSpans } = JSON.parse(Buffer.concat(await request.toArray()).toString());
		for (const { scopeSpans } of resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
		response.writeHead(200, { "content-type": "application/json" }).end("{}");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		spans,
		async stop() {
			server.closeAllConnections();
			server.close();
			await once(server, "close");
		},
	};
}
