/** Meta's Cloud API as far as template messages and tokens go. */
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { randomAlphanumeric } from "../ids.ts";
import { fillIn, META_TOKEN_SECONDS, type Outcome, type WhatsappMessage, type WhatsappStore } from "./store.ts";

const messageSchema = z.object({
	messaging_product: z.literal("whatsapp"),
	to: z.string().regex(/^\+?[0-9]{7,15}$/),
	type: z.literal("template"),
	biz_opaque_callback_data: z.string().max(512).optional(),
	template: z.object({
		name: z.string(),
		language: z.object({ code: z.string() }),
		components: z
			.array(
				z.object({
					type: z.literal("body"),
					parameters: z.array(z.object({ type: z.literal("text"), text: z.string().min(1).max(1024) })),
				}),
			)
			.default([]),
	}),
});

/** `accept` decides what happens to a message once it is kept. */
export function createMetaApi(
	store: WhatsappStore,
	accept: (message: WhatsappMessage, outcome: Outcome | null) => void,
) {
	const router = Router();

	router.get("/:version/oauth/access_token", (req, res) => {
		const account = store.account("meta");
		const { client_id, client_secret, fb_exchange_token, grant_type } = req.query as Record<string, string>;
		if (
			account === undefined ||
			client_id !== account.app_id ||
			client_secret !== account.app_secret ||
			grant_type !== "fb_exchange_token" ||
			!fb_exchange_token
		) {
			sendError(res, 400, 100, "Error validating application or token");
			return;
		}
		res.json({ access_token: store.issueToken("meta"), token_type: "bearer", expires_in: META_TOKEN_SECONDS });
	});

	router.post("/:version/:phone_number_id/messages", (req, res) => {
		const account = store.account("meta");
		const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? "")?.[1] ?? "";
		if (account === undefined || !store.isGood("meta", token)) {
			sendError(res, 401, 190, "Error validating access token: Session has expired");
			return;
		}
		if (req.params.phone_number_id !== account.phone_number_id) {
			sendError(res, 400, 33, "Unsupported post request. Object does not exist");
			return;
		}
		const parsed = messageSchema.safeParse(parseJson(req));
		if (!parsed.success) {
			const issue = parsed.error.issues[0]!;
			sendError(res, 400, 100, `Invalid parameter: ${issue.path.join(".")} ${issue.message}`);
			return;
		}
		const { to, template, biz_opaque_callback_data } = parsed.data;
		const known = account.templates.find(
			({ name, language }) => name === template.name && language === template.language.code,
		);
		if (known === undefined) {
			sendError(res, 404, 132001, `template name (${template.name}) does not exist in ${template.language.code}`);
			return;
		}
		const parameters = template.components.flatMap((component) => component.parameters.map(({ text }) => text));
		if (parameters.length !== known.parameters) {
			const count = `number of localizable_params (${parameters.length}) does not match the expected number of params (${known.parameters})`;
			sendError(res, 400, 132000, count);
			return;
		}
		const recipient = to.replace("+", "");
		const outcome = store.takeOutcome("meta", recipient);
		if (outcome?.at === "answer") {
			if (outcome.retry_after !== undefined) res.set("Retry-After", String(outcome.retry_after));
			sendError(res, outcome.http_status, outcome.code, outcome.message);
			return;
		}
		const message = store.keep({
			provider: "meta",
			recipient,
			template: template.name,
			language: template.language.code,
			parameters,
			text: fillIn(known.body, parameters),
			reference: biz_opaque_callback_data ?? null,
		});
		res.json({
			messaging_product: "whatsapp",
			contacts: [{ input: to, wa_id: recipient }],
			messages: [{ id: message.id }],
		});
		accept(message, outcome);
	});

	router.use((_req, res) => sendError(res, 404, 100, "Unknown path components"));
	return router;
}

export function metaError(code: number, message: string): object {
	return {
		error: {
			message: `(#${code}) ${message}`,
			type: "OAuthException",
			code,
			error_data: { messaging_product: "whatsapp", details: message },
			fbtrace_id: randomAlphanumeric(11),
		},
	};
}

function sendError(res: Response, status: number, code: number, message: string): void {
	res.status(status).json(metaError(code, message));
}

function parseJson(req: Request): unknown {
	try {
		return JSON.parse((req.body as Buffer).toString("utf8"));
	} catch {
		return null;
	}
}
