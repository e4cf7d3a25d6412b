import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import type { ErrorCode } from "../../../db/client/errors.ts";
import { ErrorBody, HTTP_STATUS } from "../../middleware/errors.ts";
import {
	ActOnQueue,
	AuditPage,
	AuditQuery,
	CreateGateway,
	Gateway,
	GatewayId,
	GatewaysPage,
	GatewaysQuery,
	LedgerPage,
	LedgerQuery,
	QueueAction,
	QueueJobs,
	QueueJobsQuery,
	QueueResult,
	Queues,
	ToggleGateway,
	UpdateGateway,
	WhatsappPage,
	WhatsappQuery,
} from "../admin/schema.ts";
import { Readiness } from "../health/schema.ts";
import { CreatePaymentLink, LinkId, PaymentLink } from "../payment-links/schema.ts";
import { InitiatedPayment, InitiatePayment } from "../payments/schema.ts";
import { CreatedRefund, CreateRefund, Refund, RefundHeaders, RefundId } from "../refunds/schema.ts";
import {
	Transaction,
	TransactionId,
	TransactionQuery,
	TransactionsPage,
	TransactionsQuery,
} from "../transactions/schema.ts";

export type OpenApiDocument = ReturnType<OpenApiGeneratorV31["generateDocument"]>;

const AUTHENTICATION = `Sign each request (the default) with three headers:

- \`X-Client-Key\`: your key;
- \`X-Timestamp\`: the time in whole seconds since 1970, at most 300 seconds away from ours;
- \`X-Signature\`: lower-case hex of HMAC-SHA256 with your salt over \`timestamp.METHOD.path with query.raw body\`.

Where your operator allows it, \`X-Client-Key\` and \`X-Client-Salt\` as headers, or \`client_key\` and \`client_salt\` in the JSON
body, stand in for the signature. A status token shows its bearer one transaction.`;

const SIGNED: RouteConfig["security"] = [
	{ clientKey: [], timestamp: [], signature: [] },
	{ clientKey: [], clientSalt: [] },
];
const TOKEN: RouteConfig["security"] = [{ statusToken: [] }];

const json = (schema: z.ZodType, description: string) => ({
	description,
	content: { "application/json": { schema } },
});

/** One entry a status, with the codes that it may carry. */
function errors(codes: readonly ErrorCode[]): RouteConfig["responses"] {
	const by_status = new Map<number, ErrorCode[]>();
	for (const code of [...codes, "internal_error"] as const) {
		by_status.set(HTTP_STATUS[code], [...(by_status.get(HTTP_STATUS[code]) ?? []), code]);
	}
	return Object.fromEntries(
		[...by_status].map(([status, named]) => [
			status,
			{
				...json(ErrorBody, named.join(" or ")),
				...((status === 429 || status === 503) && {
					headers: { "Retry-After": { schema: { type: "integer" as const }, description: "Seconds to wait." } },
				}),
			},
		]),
	);
}

const AUTHENTICATED = ["invalid_credentials", "timestamp_out_of_range", "client_suspended", "rate_limited"] as const;
/** Of a POST with a JSON body; key and salt may be in it. */
const BODY_SIGNED = [...SIGNED, {}];
const BODY_REFUSED = ["invalid_request", "payload_too_large", "unsupported_media_type"] as const;
const body = (schema: z.ZodType) => ({ required: true, content: { "application/json": { schema } } });
const transactionParams = z.object({ id: TransactionId });
const linkParams = z.object({ id: LinkId });
const { token } = TransactionQuery.shape;

const gatewayParams = z.object({ id: GatewayId });
const ADMIN_REFUSED = [
	"invalid_request",
	"invalid_credentials",
	"forbidden",
	"rate_limited",
	"studio_unavailable",
] as const;
const ADMIN_BODY_REFUSED = [...ADMIN_REFUSED, "payload_too_large", "unsupported_media_type"] as const;

/** What operators' programs call, with a token of the studio. */
const ADMIN_ROUTES: RouteConfig[] = (
	[
		{
			method: "get",
			path: "/admin/gateways",
			operationId: "listGateways",
			summary: "Gateways",
			request: { query: GatewaysQuery },
			responses: { 200: json(GatewaysPage, "A page of them."), ...errors(ADMIN_REFUSED) },
		},
		{
			method: "post",
			path: "/admin/gateways",
			operationId: "createGateway",
			summary: "Add a gateway",
			request: { body: body(CreateGateway) },
			responses: { 200: json(Gateway, "The gateway."), ...errors([...ADMIN_BODY_REFUSED, "studio_refused"]) },
		},
		{
			method: "get",
			path: "/admin/gateways/{id}",
			operationId: "getGateway",
			summary: "One gateway",
			request: { params: gatewayParams },
			responses: { 200: json(Gateway, "The gateway as it is now."), ...errors([...ADMIN_REFUSED, "not_found"]) },
		},
		{
			method: "patch",
			path: "/admin/gateways/{id}",
			operationId: "updateGateway",
			summary: "Change a gateway",
			request: { params: gatewayParams, body: body(UpdateGateway) },
			responses: {
				200: json(Gateway, "The gateway."),
				...errors([...ADMIN_BODY_REFUSED, "not_found", "studio_refused"]),
			},
		},
		{
			method: "post",
			path: "/admin/gateways/{id}/toggle",
			operationId: "toggleGateway",
			summary: "Switch a gateway on or off",
			description: "Takes effect on the very next payment.",
			request: {
				params: gatewayParams,
				body: { content: { "application/json": { schema: ToggleGateway } } },
			},
			responses: {
				200: json(Gateway, "The gateway."),
				...errors([...ADMIN_REFUSED, "not_found", "payload_too_large", "unsupported_media_type", "studio_refused"]),
			},
		},
		{
			method: "get",
			path: "/admin/queues",
			operationId: "getQueues",
			summary: "What waits, runs and has failed",
			responses: { 200: json(Queues, "Every queue as it is now."), ...errors(ADMIN_REFUSED) },
		},
		{
			method: "get",
			path: "/admin/queues/jobs",
			operationId: "listFailedJobs",
			summary: "Failed jobs of a queue",
			request: { query: QueueJobsQuery },
			responses: { 200: json(QueueJobs, "The newest fifty; the next with `before`."), ...errors(ADMIN_REFUSED) },
		},
		{
			method: "post",
			path: "/admin/queues/{action}",
			operationId: "actOnQueue",
			summary: "Pause, resume, retry, redrive or drain a queue",
			description:
				"`pause`: workers take no more of its jobs within a second. `retry`: failed jobs now instead of later. `redrive`: dead jobs again, with all their tries. `drain`: jobs that are not at work are thrown away, where nothing is lost by it.",
			request: { params: z.object({ action: QueueAction }), body: body(ActOnQueue) },
			responses: {
				200: json(QueueResult, "Done."),
				...errors([...ADMIN_BODY_REFUSED, "not_found", "studio_refused"]),
			},
		},
		{
			method: "get",
			path: "/admin/whatsapp",
			operationId: "listWhatsappMessages",
			summary: "WhatsApp messages, newest first",
			request: { query: WhatsappQuery },
			responses: { 200: json(WhatsappPage, "A page of them."), ...errors(ADMIN_REFUSED) },
		},
		{
			method: "get",
			path: "/admin/commission/ledger",
			operationId: "listLedgerEntries",
			summary: "Commission entries, newest first",
			request: { query: LedgerQuery },
			responses: { 200: json(LedgerPage, "A page of them."), ...errors(ADMIN_REFUSED) },
		},
		{
			method: "get",
			path: "/admin/audit",
			operationId: "listAuditEntries",
			summary: "The audit trail, newest first",
			request: { query: AuditQuery },
			responses: { 200: json(AuditPage, "A page of it."), ...errors(ADMIN_REFUSED) },
		},
	] satisfies Omit<RouteConfig, "tags" | "security">[]
).map((route) => ({ ...route, tags: ["Administration"], security: [{ studioToken: [] }] }));

const ROUTES: RouteConfig[] = [
	{
		method: "post",
		path: "/payment/initiate",
		operationId: "initiatePayment",
		tags: ["Payments"],
		summary: "Start a payment",
		description:
			"Send the payer's browser to `checkout_url`. The same `order_id` with the same amount and currency answers with the same transaction, however often it is sent; with another amount or currency it is refused.",
		security: BODY_SIGNED,
		request: { body: body(InitiatePayment) },
		responses: {
			200: json(InitiatedPayment, "Started, or started before (`replayed`)."),
			...errors([
				...BODY_REFUSED,
				...AUTHENTICATED,
				"dues_outstanding",
				"order_id_conflict",
				"cap_exceeded",
				"service_unavailable",
			]),
		},
	},
	{
		method: "get",
		path: "/transaction/{id}",
		operationId: "getTransaction",
		tags: ["Payments"],
		summary: "One transaction",
		security: [...SIGNED, ...TOKEN],
		request: { params: transactionParams, query: z.object({ token }) },
		responses: {
			200: json(Transaction, "The transaction as it is now."),
			...errors(["invalid_request", ...AUTHENTICATED, "not_found", "service_unavailable"]),
		},
	},
	{
		method: "get",
		path: "/transactions",
		operationId: "listTransactions",
		tags: ["Payments"],
		summary: "Your transactions, newest first",
		security: SIGNED,
		request: { query: TransactionsQuery },
		responses: {
			200: json(TransactionsPage, "A page; when `has_more`, ask again with `starting_after` = the last one's id."),
			...errors(["invalid_request", ...AUTHENTICATED, "service_unavailable"]),
		},
	},
	{
		method: "get",
		path: "/status/{id}/stream",
		operationId: "followTransaction",
		tags: ["Payments"],
		summary: "Follow a transaction by server-sent events",
		description:
			"`event: status` with the transaction as `data` and an increasing `id`; resume with `Last-Event-ID`. The stream ends after a state that is final, and a reconnection then gets 204.",
		security: TOKEN,
		request: {
			params: transactionParams,
			query: z.object({ token: token.unwrap() }),
			headers: z.object({ "Last-Event-ID": z.string().optional() }),
		},
		responses: {
			200: { description: "The stream.", content: { "text/event-stream": { schema: z.string() } } },
			204: { description: "Nothing is left to tell: do not reconnect." },
			...errors(["invalid_request", "invalid_credentials", "not_found", "rate_limited", "service_unavailable"]),
		},
	},
	{
		method: "post",
		path: "/refund",
		operationId: "createRefund",
		tags: ["Refunds"],
		summary: "Give a payment back, in full or in part",
		description:
			"The answer says that the refund is booked; the payment service provider is asked next, and `refund.succeeded` or `refund.failed` tells the end. The same idempotency key is one refund, however often it is sent.",
		security: BODY_SIGNED,
		request: { headers: RefundHeaders, body: body(CreateRefund) },
		responses: {
			200: json(CreatedRefund, "Booked, now or before (`replayed`)."),
			...errors([
				...BODY_REFUSED,
				...AUTHENTICATED,
				"not_found",
				"not_refundable",
				"refund_exceeds_amount",
				"idempotency_key_conflict",
				"service_unavailable",
			]),
		},
	},
	{
		method: "get",
		path: "/refund/{id}",
		operationId: "getRefund",
		tags: ["Refunds"],
		summary: "One refund",
		security: SIGNED,
		request: { params: z.object({ id: RefundId }) },
		responses: {
			200: json(Refund, "The refund as it is now."),
			...errors(["invalid_request", ...AUTHENTICATED, "not_found", "service_unavailable"]),
		},
	},
	{
		method: "post",
		path: "/payment-links",
		operationId: "createPaymentLink",
		tags: ["Payment links"],
		summary: "Make a link that somebody can pay",
		description:
			"Share `url`. Each payment begun through it is a transaction of yours and tells you by the same events; its `order_id` is `link_`, the last part of `url`, `_` and a number.",
		security: BODY_SIGNED,
		request: { body: body(CreatePaymentLink) },
		responses: {
			200: json(PaymentLink, "The link; with a `reference` used before, the link made then."),
			...errors([...BODY_REFUSED, ...AUTHENTICATED, "idempotency_key_conflict", "service_unavailable"]),
		},
	},
	{
		method: "get",
		path: "/payment-links/{id}",
		operationId: "getPaymentLink",
		tags: ["Payment links"],
		summary: "One payment link",
		security: SIGNED,
		request: { params: linkParams },
		responses: {
			200: json(PaymentLink, "The link as it is now."),
			...errors(["invalid_request", ...AUTHENTICATED, "not_found", "service_unavailable"]),
		},
	},
	{
		method: "post",
		path: "/payment-links/{id}/disable",
		operationId: "disablePaymentLink",
		tags: ["Payment links"],
		summary: "Take a payment link back",
		description: "For good. A payment that was begun before may still be paid.",
		security: BODY_SIGNED,
		request: { params: linkParams },
		responses: {
			200: json(PaymentLink, "The link; once paid, a link for one payment stays `completed`."),
			...errors(["invalid_request", ...AUTHENTICATED, "not_found", "payload_too_large", "service_unavailable"]),
		},
	},
	...(["/webhook/{client_key}", "/webhook/{client_key}/{gateway_id}"] as const).map(
		(path): RouteConfig => ({
			method: "post",
			path,
			operationId: path.endsWith("{gateway_id}") ? "receiveGatewayWebhook" : "receiveWebhook",
			tags: ["For payment service providers"],
			summary: path.endsWith("{gateway_id}") ? "A PSP's webhook for one gateway" : "A PSP's webhook",
			security: [],
			request: {
				params: z.object({
					client_key: z.string(),
					...(path.endsWith("{gateway_id}") && { gateway_id: z.uuid() }),
				}),
				body: { description: "As the PSP sends it.", content: { "*/*": { schema: z.unknown() } } },
			},
			responses: {
				200: json(z.object({ received: z.literal(true) }), "Stored, now or before."),
				...errors(["invalid_credentials", "not_found", "payload_too_large", "service_unavailable"]),
			},
		}),
	),
	{
		method: "post",
		path: "/webhook/{client_key}/payouts",
		operationId: "receivePayoutWebhook",
		tags: ["For payment service providers"],
		summary: "A PSP's webhook about payouts that collect a merchant's dues",
		security: [],
		request: {
			params: z.object({ client_key: z.string() }),
			body: { description: "As the PSP sends it.", content: { "*/*": { schema: z.unknown() } } },
		},
		responses: {
			200: json(z.object({ received: z.literal(true) }), "Stored, now or before."),
			...errors(["invalid_credentials", "not_found", "payload_too_large", "service_unavailable"]),
		},
	},
	...(["meta", "gupshup"] as const).map(
		(provider): RouteConfig => ({
			method: "post",
			path: `/whatsapp/${provider}`,
			operationId: provider === "meta" ? "receiveMetaWebhook" : "receiveGupshupWebhook",
			tags: ["For WhatsApp providers"],
			summary: provider === "meta" ? "A webhook of Meta's Cloud API, signed by it" : "A webhook of Gupshup",
			security: [],
			request: {
				...(provider === "gupshup" && {
					query: z.object({ key: z.string().describe("WHATSAPP_GUPSHUP_WEBHOOK_KEY, for Gupshup signs nothing.") }),
				}),
				body: { description: "As the provider sends it.", content: { "*/*": { schema: z.unknown() } } },
			},
			responses: {
				200: json(z.object({ received: z.literal(true) }), "Stored, now or before."),
				...errors(["invalid_credentials", "not_found", "payload_too_large", "service_unavailable"]),
			},
		}),
	),
	{
		method: "get",
		path: "/whatsapp/meta",
		operationId: "verifyMetaWebhookAddress",
		tags: ["For WhatsApp providers"],
		summary: "Meta's test of the webhook address",
		security: [],
		request: {
			query: z.object({
				"hub.mode": z.literal("subscribe"),
				"hub.verify_token": z.string(),
				"hub.challenge": z.string(),
			}),
		},
		responses: {
			200: { description: "The challenge, given back.", content: { "text/plain": { schema: z.string() } } },
			...errors(["invalid_credentials", "not_found"]),
		},
	},
	...ADMIN_ROUTES,
	{
		method: "get",
		path: "/healthz",
		operationId: "isAlive",
		tags: ["Operation"],
		summary: "Whether the process runs",
		security: [],
		responses: { 200: json(z.object({ status: z.literal("ok") }), "It does.") },
	},
	{
		method: "get",
		path: "/readyz",
		operationId: "isReady",
		tags: ["Operation"],
		summary: "Whether every part works",
		security: [],
		responses: {
			200: json(Readiness, "Requests are served: all is well, or degraded."),
			503: json(Readiness, "Requests cannot be served."),
		},
	},
	{
		method: "get",
		path: "/metrics",
		operationId: "getMetrics",
		tags: ["Operation"],
		summary: "Measurements for Prometheus",
		security: [{ metricsToken: [] }, {}],
		responses: {
			200: { description: "Text format.", content: { "text/plain": { schema: z.string() } } },
			...errors(["not_found"]),
		},
	},
];

const ENDPOINT_DISABLED = z.object({
	endpoint_id: z.uuid(),
	url: z.string(),
	reason: z.enum(["gone", "failing", "operator"]),
	failing_since: z.string().nullable(),
});

/** What we post to merchants' endpoints. */
const EVENTS: { type: string; summary: string; data: z.ZodType }[] = [
	{ type: "payment.paid", summary: "The money is taken: ship", data: Transaction },
	{ type: "payment.failed", summary: "A payment was declined", data: Transaction },
	{ type: "payment.expired", summary: "A payment's time is over", data: Transaction },
	{ type: "refund.succeeded", summary: "A refund was made", data: Refund },
	{ type: "refund.failed", summary: "A refund could not be made", data: Refund },
	{ type: "endpoint.disabled", summary: "One of your other endpoints was disabled", data: ENDPOINT_DISABLED },
];

function toWebhook({ type, summary, data }: (typeof EVENTS)[number]): RouteConfig {
	return {
		method: "post",
		path: type,
		operationId: type.replace(/\.(.)/, (_, letter: string) => letter.toUpperCase()),
		tags: ["Events"],
		summary,
		description:
			"Signed as Standard Webhooks says, once for each secret that is valid. Answer 2xx within 15 seconds. Anything else is tried again over about 75 hours; `Retry-After` is honoured, and 410 disables the endpoint.",
		security: [],
		request: {
			headers: z.object({
				"webhook-id": z.string().describe("The event's id, the same on every try and for every endpoint."),
				"webhook-timestamp": z.string().describe("Of this try, in whole seconds."),
				"webhook-signature": z
					.string()
					.describe("`v1,` and base64, several separated by spaces while a secret is replaced."),
			}),
			body: body(z.object({ id: z.uuid(), type: z.literal(type), timestamp: z.string(), data })),
		},
		responses: {
			"2XX": { description: "Taken." },
			410: { description: "Nothing more is sent to this endpoint." },
		},
	};
}

/** OpenAPI 3.1, made from the schemas that validate. */
export function createOpenApiDocument(server_url: string): OpenApiDocument {
	const registry = new OpenAPIRegistry();
	const header = (name: string) => ({ type: "apiKey" as const, in: "header" as const, name });
	registry.registerComponent("securitySchemes", "clientKey", header("X-Client-Key"));
	registry.registerComponent("securitySchemes", "timestamp", header("X-Timestamp"));
	registry.registerComponent("securitySchemes", "signature", header("X-Signature"));
	registry.registerComponent("securitySchemes", "clientSalt", header("X-Client-Salt"));
	registry.registerComponent("securitySchemes", "statusToken", { type: "apiKey", in: "query", name: "token" });
	registry.registerComponent("securitySchemes", "metricsToken", { type: "http", scheme: "bearer" });
	registry.registerComponent("securitySchemes", "studioToken", {
		type: "http",
		scheme: "bearer",
		description: "A token of the studio: a person's own, or one from its /auth/login.",
	});
	for (const route of ROUTES) registry.registerPath(route);
	for (const event of EVENTS) registry.registerWebhook(toWebhook(event));
	return new OpenApiGeneratorV31(registry.definitions).generateDocument({
		openapi: "3.1.0",
		info: {
			title: "LightSpeedPay merchant API",
			version: "1.0.0",
			description: `Amounts are integer paise. Every answer carries \`X-Request-Id\`; an error repeats it.\n\n${AUTHENTICATION}`,
			license: { name: "Apache-2.0", identifier: "Apache-2.0" },
		},
		servers: [{ url: server_url }],
	});
}
