/** Meta's WhatsApp Cloud API. */
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
import { metaRule } from "./meta-errors.ts";

export interface MetaSettings {
	provider: "meta";
	phone_number_id: string;
	token: string;
	/** Both, or no token can be renewed. */
	app_id: string | null;
	app_secret: string | null;
	api_version: string;
}

const DAY_SECONDS = 86_400;

export function createMeta(settings: MetaSettings, sandbox_url: string | null): WhatsappAdapter {
	const { phone_number_id, app_id, app_secret, token } = settings;
	const base = `${sandbox_url === null ? "https://graph.facebook.com" : `${sandbox_url}/meta`}/${settings.api_version}`;
	return {
		provider: "meta",
		sender: phone_number_id,
		is_sandbox: sandbox_url !== null,
		token: {
			initial: token,
			identity: token,
			// An expired one cannot be exchanged any more, so it is done while there is time.
			renew_before_seconds: 7 * DAY_SECONDS,
			renew:
				app_id === null || app_secret === null ? null : (current) => exchangeToken(base, app_id, app_secret, current),
		},
		async send(current, message) {
			const exchange = await callOverHttp(`${base}/${phone_number_id}/messages`, {
				method: "POST",
				headers: { authorization: `Bearer ${current}`, "content-type": "application/json" },
				body: JSON.stringify(toMessage(message)),
			});
			return readAnswer(exchange);
		},
		readWebhook,
	};
}

function toMessage({ id, recipient, template, language, parameters }: WhatsappWork): object {
	return {
		messaging_product: "whatsapp",
		recipient_type: "individual",
		to: recipient,
		type: "template",
		// Comes back with every status, so that a message whose answer was lost is found again.
		biz_opaque_callback_data: id,
		template: {
			name: template,
			language: { code: language },
			components: [{ type: "body", parameters: parameters.map((text) => ({ type: "text", text })) }],
		},
	};
}

const acceptedSchema = z.object({ messages: z.array(z.object({ id: z.string().min(1) })).min(1) });
const errorSchema = z.object({
	error: z.object({
		code: z.number(),
		message: z.string().default(""),
		error_data: z.object({ details: z.string().optional() }).optional(),
	}),
});

function readAnswer(exchange: Exchange): SendAnswer {
	if (exchange.kind !== "answered") return withoutAnswer(exchange);
	const { http_status, body } = exchange;
	const accepted = acceptedSchema.safeParse(body);
	if (http_status < 300 && accepted.success) {
		return { outcome: "accepted", http_status, provider_message_id: accepted.data.messages[0]!.id };
	}
	const refused = errorSchema.safeParse(body);
	if (refused.success) {
		const { code, message, error_data } = refused.data.error;
		const retry_after = readRetryAfter(exchange.headers);
		const rule = metaRule(code, http_status);
		return {
			outcome: "refused",
			...rule,
			...(retry_after !== null && { delay_seconds: Math.max(retry_after, rule.delay_seconds ?? 0) }),
			http_status,
			code: String(code),
			message: error_data?.details ?? message,
			is_token_refused: http_status === 401 || code === 190,
		};
	}
	if (http_status === 401) {
		return { ...NOT_AUTHORISED, http_status, is_token_refused: true };
	}
	// A proxy's page, or a success without an id: whether Meta has acted is anybody's guess.
	return {
		outcome: "unknown",
		fault_of: "provider",
		http_status,
		code: "unreadable_answer",
		message: `HTTP ${http_status} without what the API promises`,
	};
}

const NOT_AUTHORISED: SendAnswer = { outcome: "refused", ...metaRule(190, 401), code: "190", message: "Unauthorized" };

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive().optional() });

async function exchangeToken(
	base: string,
	client_id: string,
	client_secret: string,
	token: string | null,
): Promise<RenewedToken | null> {
	if (token === null) return null;
	const query = new URLSearchParams({
		grant_type: "fb_exchange_token",
		client_id,
		client_secret,
		set_token_expires_in_60_days: "true",
		fb_exchange_token: token,
	});
	const exchange = await callOverHttp(`${base}/oauth/access_token?${query}`, { method: "GET" });
	const parsed = tokenSchema.safeParse(
		exchange.kind === "answered" && exchange.http_status === 200 ? exchange.body : null,
	);
	return parsed.success
		? { token: parsed.data.access_token, expires_in_seconds: parsed.data.expires_in ?? null }
		: null;
}

const statusSchema = z.object({
	id: z.string().min(1),
	status: z.string(),
	timestamp: z.coerce.number().optional(),
	recipient_id: z.string().default(""),
	biz_opaque_callback_data: z.string().optional(),
	errors: z
		.array(
			z.object({
				code: z.number(),
				title: z.string().optional(),
				message: z.string().optional(),
				error_data: z.object({ details: z.string().optional() }).optional(),
			}),
		)
		.optional(),
});
const answerSchema = z.object({ from: z.string(), text: z.object({ body: z.string() }) });
const bodySchema = z.object({
	entry: z.array(
		z.object({
			changes: z.array(
				z.object({
					value: z.object({ statuses: z.array(z.unknown()).default([]), messages: z.array(z.unknown()).default([]) }),
				}),
			),
		}),
	),
});

const STATUSES: Readonly<Record<string, WhatsappStatusReport["status"] | undefined>> = {
	sent: "sent",
	delivered: "delivered",
	read: "read",
	// a voice message that was listened to
	played: "read",
	failed: "failed",
};

function readWebhook(raw_body: Buffer): WebhookContent {
	const content: WebhookContent = { reports: [], answers: [], unreadable: 0 };
	const body = bodySchema.safeParse(parseJson(raw_body));
	if (!body.success) return { ...content, unreadable: 1 };
	for (const { value } of body.data.entry.flatMap(({ changes }) => changes)) {
		for (const entry of value.statuses) {
			const status = statusSchema.safeParse(entry);
			const meaning = status.success ? STATUSES[status.data.status] : undefined;
			if (!status.success || meaning === undefined) content.unreadable += 1;
			else content.reports.push(toReport(status.data, meaning));
		}
		for (const entry of value.messages) {
			// Pictures, reactions and the like say nothing that is acted on.
			const answer = answerSchema.safeParse(entry);
			if (answer.success) content.answers.push({ from: answer.data.from, text: answer.data.text.body });
		}
	}
	return content;
}

function toReport(
	{ id, timestamp, recipient_id, biz_opaque_callback_data, errors }: z.output<typeof statusSchema>,
	status: WhatsappStatusReport["status"],
): WhatsappStatusReport {
	const error = errors?.[0];
	const report = {
		message_id: id,
		reference: biz_opaque_callback_data ?? null,
		status,
		at: timestamp ?? null,
		recipient: recipient_id,
	};
	if (status !== "failed") return report;
	if (error === undefined) return { ...report, code: "failed", message: "No reason was given.", action: "stop" };
	const { action, delay_seconds } = metaRule(error.code, null);
	return {
		...report,
		code: String(error.code),
		message: error.error_data?.details ?? error.message ?? error.title ?? "",
		action,
		...(delay_seconds !== undefined && { delay_seconds }),
	};
}

function parseJson(raw_body: Buffer): unknown {
	try {
		return JSON.parse(raw_body.toString("utf8"));
	} catch {
		return null;
	}
}
