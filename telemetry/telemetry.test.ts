/** What receivers of traces and of error reports get. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { reportingHooks, startErrorReports, withoutSecrets } from "./error-reports.ts";
import { startTracing } from "./tracing.ts";

let server: Server;
let url: string;
const received: { path: string; body: string; headers: Record<string, unknown> }[] = [];

beforeAll(async () => {
	server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
		let body = "";
		request.setEncoding("utf8").on("data", (chunk: string) => {
			body += chunk;
		});
		request.on("end", () => {
			received.push({ path: request.url!, body, headers: request.headers });
			response.writeHead(200, { "content-type": "application/json" }).end("{}");
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	url = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
	received.length = 0;
});
afterAll(() => {
	server.closeAllConnections();
	server.close();
});

const at = Date.UTC(2026, 0, 5, 10);
const span = (name: string, kind: "server" | "consumer" | "client") => ({
	name,
	kind,
	started_at: at,
	ended_at: at + 20,
	attributes: {},
});

interface Sent {
	traceId: string;
	spanId: string;
	parentSpanId?: string;
	name: string;
	links?: object[];
}

const spans = () =>
	received.flatMap(({ body }) =>
		JSON.parse(body).resourceSpans.flatMap((resource: { scopeSpans: { spans: Sent[] }[] }) =>
			resource.scopeSpans.flatMap((scope) => scope.spans),
		),
	) as Sent[];

describe("traces", () => {
	it("of what processes do for a payment are one, known by the payment's id", async () => {
		const transaction_id = "019b8f00-1111-7222-8333-444455556666";
		const options = { endpoint: `http://${url}`, headers: "x-key=a%20b" };
		const checkout = (await startTracing({ ...options, part: "checkout" }))!;
		const jobs = (await startTracing({ ...options, part: "jobs" }))!;
		checkout.recordPayment(transaction_id, span("POST /payment/initiate", "server"));
		jobs.record(transaction_id, {
			...span("create_psp_order", "consumer"),
			children: [span("razorpay createOrder", "client")],
		});
		jobs.record(transaction_id, span("deliver_webhook", "consumer"));
		await Promise.all([checkout.close(), jobs.close()]);

		expect(received[0]).toMatchObject({ path: "/v1/traces", headers: { "x-key": "a b" } });
		const byName = new Map(spans().map((each) => [each.name, each]));
		expect([...byName.values()].map(({ traceId }) => traceId)).toEqual(
			Array(4).fill("019b8f00111172228333444455556666"),
		);
		const first = byName.get("POST /payment/initiate")!;
		expect(first).toMatchObject({ spanId: "8333444455556666" });
		expect(first.parentSpanId ?? "").toBe("");
		expect(byName.get("create_psp_order")!.parentSpanId).toBe(first.spanId);
		expect(byName.get("deliver_webhook")!.parentSpanId).toBe(first.spanId);
		expect(byName.get("razorpay createOrder")!.parentSpanId).toBe(byName.get("create_psp_order")!.spanId);
		expect(received.map(({ body }) => /lightspeedpay-\w+/.exec(body)![0]).sort()).toEqual([
			"lightspeedpay-checkout",
			"lightspeedpay-jobs",
		]);
	});

	it("of a share of payments are whole: all processes choose the same", async () => {
		const options = { endpoint: `http://${url}`, ratio: 0.3 };
		const checkout = (await startTracing({ ...options, part: "checkout" }))!;
		const jobs = (await startTracing({ ...options, part: "jobs" }))!;
		for (let n = 0; n < 100; n++) {
			const id = randomUUID();
			checkout.recordPayment(id, span("first", "server"));
			jobs.record(id, span("second", "consumer"));
		}
		await Promise.all([checkout.close(), jobs.close()]);
		const of = (name: string) =>
			spans()
				.filter((each) => each.name === name)
				.map(({ traceId }) => traceId)
				.sort();
		expect(of("first")).toEqual(of("second"));
		expect(of("first").length).toBeGreaterThan(5);
		expect(of("first").length).toBeLessThan(70);
	});

	it.each([
		["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true],
		["01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", true],
		["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later", false],
		["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false],
		["00-00000000000000000000000000000000-00f067aa0ba902b7-01", false],
		["00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false],
		["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false],
		["nonsense", false],
	])("of a caller that sent the traceparent %s are linked to: %s", async (traceparent, is_linked) => {
		const checkout = (await startTracing({ endpoint: `http://${url}`, part: "checkout" }))!;
		checkout.recordPayment(randomUUID(), {
			...span("first", "server"),
			caused_by: { traceparent, tracestate: undefined },
		});
		await checkout.close();
		const cause = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
		expect(spans()[0]!.links).toEqual(is_linked ? [expect.objectContaining(cause)] : []);
	});

	it.each([
		["vendor=t61rcWkgMzE,rojo=00f067aa0ba902b7", "vendor=t61rcWkgMzE,rojo=00f067aa0ba902b7"],
		[`vendor=${"a".repeat(600)}`, ""],
	])("keep the tracestate of a caller, up to 512 characters", async (tracestate, kept) => {
		const checkout = (await startTracing({ endpoint: `http://${url}`, part: "checkout" }))!;
		const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
		checkout.recordPayment(randomUUID(), { ...span("first", "server"), caused_by: { traceparent, tracestate } });
		await checkout.close();
		const [link] = spans()[0]!.links as { traceState?: string }[];
		expect(link!.traceState ?? "").toBe(kept);
	});

	it("are off without a receiver", async () => {
		expect(await startTracing({ endpoint: null, part: "jobs" })).toBeNull();
	});
});

describe("an error report", () => {
	it("says what failed, where and about what, and nothing of payers or keys", async () => {
		const reports = (await startErrorReports({
			dsn: `http://publickey@${url}/42`,
			part: "jobs",
			environment: "test",
		}))!;
		const log = pino({ level: "silent", ...reportingHooks(reports) });
		log.level = "error";
		const quiet = log.child({ task: "refund_payment", attempt_id: "0198-attempt" });
		const error = Object.assign(new TypeError("payer asha@example.com, api_secret=rzp_live_abcdef123456, 9845012345"), {
			detail: "Key (email)=(asha@example.com)",
			request: { body: "4111111111111111" },
		});
		quiet.error({ err: error, payload: { customer: { email: "asha@example.com" } } }, "job failed");
		quiet.error({ reason: "no error object" }, "not reported");
		await reports.close(2000);

		expect(received).toHaveLength(1);
		expect(received[0]!.path).toMatch(/^\/api\/42\/envelope\/\?.*sentry_key=publickey/);
		const [, header, item] = received[0]!.body.split("\n");
		expect(JSON.parse(header!)).toMatchObject({ type: "event" });
		const event = JSON.parse(item!);
		expect(event).toMatchObject({
			platform: "node",
			environment: "test",
			tags: { part: "jobs", task: "refund_payment", attempt_id: "0198-attempt" },
			extra: { log_message: "job failed" },
		});
		const [exception] = event.exception.values;
		expect(exception).toMatchObject({
			type: "TypeError",
			value: "payer [e-mail], api_secret=[redacted], [number]",
		});
		expect(JSON.stringify(exception.stacktrace.frames)).toContain("telemetry.test.ts");
		expect(received[0]!.body).not.toMatch(/asha|rzp_live|9845012345|4111/);
	});

	it.each([
		["postgres://jobs:hunter2@db/x refused", "postgres://[login]@db/x refused"],
		["Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"],
		["card 4111 1111 1111 1111 declined", "card [number] declined"],
		["attempt 019b8f00-1111-7222-8333-444455556666 is gone", "attempt 019b8f00-1111-7222-8333-444455556666 is gone"],
	])("keeps of %j: %j", (text, kept) => {
		expect(withoutSecrets(text)).toBe(kept);
	});
});
