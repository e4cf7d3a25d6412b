/** Gupshup: with the key of an app, or with tokens of the Partner API. */
import { z } from "zod";
import type { WhatsappStatusReport, WhatsappWork } from "../../db/client/whatsapp.ts";
import { callOverHttp, type Exchange, readRetryAfter } from "../../psp/exchange.ts";
import {
	type RenewedToken,
	type SendAnswer,
	type WebhookContent,
	type WhatsappAdapter,
	withoutAnswer,
} from "./adapter.ts";
import { gupshupFailureRule, gupshupRule } from "./gupshup-errors.ts";

export interface GupshupSettings {
	provider: "gupshup";
	app_name: string;
	/** The number that messages come from. */
	source: string;
	access: { kind: "api_key"; api_key: string } | { kind: "partner"; email: string; secret: string; app_id: string };
}

/** A partner's tokens are good for 24 hours. */
const PARTNER_TOKEN_SECONDS = 86_400;

export function createGupshup(settings: GupshupSettings, sandbox_url: string | null): WhatsappAdapter {
	const { access } = settings;
	const host = (name: string) => (sandbox_url === null ? `https://${name}.gupshup.io` : `${sandbox_url}/gupshup`);
	const partner = host("partner");
	return {
		provider: "gupshup",
		sender: settings.source,
		is_sandbox: sandbox_url !== null,
		token:
			access.kind === "api_key"
				? { initial: access.api_key, identity: access.api_key, renew_before_seconds: 0, renew: null }
				: {
						initial: null,
						identity: `${access.email}:${access.app_id}:${access.secret}`,
						renew_before_seconds: 600,
						renew: () => fetchPartnerToken(partner, access),
					},
		async send(token, message) {
			const [url, headers] =
				access.kind === "api_key"
					? [`${host("api")}/wa/api/v1/template/msg`, { apikey: token }]
					: [`${partner}/partner/app/${access.app_id}/template/msg`, { authorization: token }];
			const exchange = await callOverHttp(url, { method: "POST", headers, body: toForm(settings, message) });
			return readAnswer(exchange);
		},
		readWebhook,
	};
}

function toForm({ source, app_name }: GupshupSettings, { recipient, template, parameters }: WhatsappWork) {
	return new URLSearchParams({
		channel: "whatsapp",
		source,
		destination: recipient,
		"src.name": app_name,
		template: JSON.stringify({ id: template, params: parameters }),
	});
}

const acceptedSchema = z.union([
	z.object({ status: z.literal("submitted"), messageId: z.string().min(1) }).transform(({ messageId }) => messageId),
	z
		.object({ messages: z.array(z.object({ id: z.string().min(1) })).min(1) })
		.transform(({ messages }) => messages[0]!.id),
]);
const errorSchema = z.object({
	status: z.literal("error"),
	message: z.union([z.string(), z.unknown().transform((value) => JSON.stringify(value) ?? "")]),
});

function readAnswer(exchange: Exchange): SendAnswer {
	if (exchange.kind !== "answered") return withoutAnswer(exchange);
	const { http_status, body } = exchange;
	const accepted = acceptedSchema.safeParse(body);
	if (http_status < 300 && accepted.success) {
		return { outcome: "accepted", http_status, provider_message_id: accepted.data };
	}
	const refused = errorSchema.safeParse(body);
	if (refused.success || http_status === 401) {
		const message = refused.success ? refused.data.message : "Unauthorized";
		const rule = gupshupRule(http_status, message);
		const retry_after = readRetryAfter(exchange.headers);
		return {
			outcome: "refused",
			...rule,
			...(retry_after !== null && { delay_seconds: Math.max(retry_after, rule.delay_seconds ?? 0) }),
			http_status,
			code: String(http_status),
			message,
			is_token_refused: http_status === 401,
		};
	}
	// A proxy's page, or a success without an id: whether Gupshup has acted is anybody's guess.
	return {
		outcome: "unknown",
		fault_of: "provider",
		http_status,
		code: "unreadable_answer",
		message: `HTTP ${http_status} without what the API promises`,
	};
}

const loginSchema = z.object({ token: z.string().min(1) });
const appTokenSchema = z.object({ token: z.object({ token: z.string().min(1) }) });

/** Logs in as the partner, then asks for the token of the app. */
async function fetchPartnerToken(
	partner: string,
	{ email, secret, app_id }: { email: string; secret: string; app_id: string },
): Promise<RenewedToken | null> {
	const login = await callOverHttp(`${partner}/partner/account/login`, {
		method: "POST",
		body: new URLSearchParams({ email, password: secret }),
	});
	const session = loginSchema.safeParse(login.kind === "answered" ? login.body : null);
	if (!session.success) return null;
	const answer = await callOverHttp(`${partner}/partner/app/${app_id}/token`, {
		method: "GET",
		headers: { token: session.data.token },
	});
	const app = appTokenSchema.safeParse(answer.kind === "answered" ? answer.body : null);
	return app.success ? { token: app.data.token.token, expires_in_seconds: PARTNER_TOKEN_SECONDS } : null;
}

const eventSchema = z.object({
	type: z.literal("message-event"),
	timestamp: z.number().optional(),
	payload: z.object({
		id: z.string().min(1),
		/** Gupshup's own id, where `id` is WhatsApp's. */
		gsId: z.string().min(1).optional(),
		type: z.string(),
		destination: z.string().default(""),
		payload: z
			.object({ code: z.coerce.number().optional(), reason: z.string().optional(), ts: z.coerce.number().optional() })
			.optional(),
	}),
});
const answerSchema = z.object({
	type: z.literal("message"),
	payload: z.object({ source: z.string(), payload: z.object({ text: z.string() }) }),
});

const STATUSES: Readonly<Record<string, WhatsappStatusReport["status"] | undefined>> = {
	enqueued: "accepted",
	sent: "sent",
	delivered: "delivered",
	read: "read",
	failed: "failed",
};
/** Told, and nothing to do about. */
const UNNEEDED = new Set(["deleted", "mismatch"]);

function readWebhook(raw_body: Buffer): WebhookContent {
	const content: WebhookContent = { reports: [], answers: [], unreadable: 0 };
	const body = parseJson(raw_body);
	const event = eventSchema.safeParse(body);
	if (event.success) {
		const { id, gsId, type, destination, payload } = event.data.payload;
		const status = STATUSES[type];
		if (status === undefined) return UNNEEDED.has(type) ? content : { ...content, unreadable: 1 };
		const seconds = payload?.ts ?? (event.data.timestamp === undefined ? null : event.data.timestamp / 1000);
		const report = { message_id: gsId ?? id, reference: null, status, at: seconds, recipient: destination };
		const { action, delay_seconds } = gupshupFailureRule(payload?.code ?? 0);
		content.reports.push(
			status === "failed"
				? {
						...report,
						code: String(payload?.code ?? "failed"),
						message: payload?.reason ?? "No reason was given.",
						action,
						...(delay_seconds !== undefined && { delay_seconds }),
					}
				: report,
		);
		return content;
	}
	const answer = answerSchema.safeParse(body);
	if (answer.success) {
		content.answers.push({ from: answer.data.payload.source, text: answer.data.payload.payload.text });
	} else if ((body as { type?: unknown } | null)?.type === "message-event" || body === null) {
		content.unreadable = 1;
	}
	return content;
}

function parseJson(raw_body: Buffer): unknown {
	try {
		return JSON.parse(raw_body.toString("utf8"));
	} catch {
		return null;
	}
}
