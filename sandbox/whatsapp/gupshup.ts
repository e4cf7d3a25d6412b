/** Gupshup as far as template messages and the partner's tokens go. */
import { type Request, type Response, Router } from "express";
import { z } from "zod";
import { fillIn, type Outcome, type WhatsappMessage, type WhatsappStore } from "./store.ts";

const formSchema = z.object({
	channel: z.literal("whatsapp"),
	source: z.string(),
	destination: z.string().regex(/^[0-9]{7,15}$/),
	"src.name": z.string(),
	template: z.string(),
});
const templateSchema = z.object({ id: z.string(), params: z.array(z.string()).default([]) });

/** `accept` decides what happens to a message once it is kept. */
export function createGupshupApi(
	store: WhatsappStore,
	accept: (message: WhatsappMessage, outcome: Outcome | null) => void,
) {
	const router = Router();

	router.post("/wa/api/v1/template/msg", (req, res) => send(req, res, String(req.headers.apikey ?? "")));
	router.post("/partner/app/:app_id/template/msg", (req, res) => {
		if (req.params.app_id !== store.account("gupshup")?.app_id) sendError(res, 400, "Invalid App Details");
		else send(req, res, req.headers.authorization ?? "");
	});

	router.post("/partner/account/login", (req, res) => {
		const partner = store.account("gupshup")?.partner;
		const { email, password } = readForm(req);
		if (!partner || email !== partner.email || password !== partner.secret) {
			sendError(res, 401, "Authentication Failed");
			return;
		}
		res.json({ token: store.openSession(), id: 1, name: "Sandbox partner", email });
	});
	router.get("/partner/app/:app_id/token", (req, res) => {
		if (!store.hasSession(String(req.headers.token ?? ""))) {
			sendError(res, 401, "Authentication Failed");
			return;
		}
		const expiresOn = Date.now() + 86_400_000;
		res.json({ status: "success", token: { token: store.issueToken("gupshup"), active: true, expiresOn } });
	});

	router.use((_req, res) => sendError(res, 404, "Not Found"));
	return router;

	function send(req: Request, res: Response, token: string): void {
		const account = store.account("gupshup");
		if (account === undefined || !store.isGood("gupshup", token)) {
			sendError(res, 401, "Authentication Failed");
			return;
		}
		const form = formSchema.safeParse(readForm(req));
		if (!form.success) {
			const field = form.error.issues[0]!.path[0];
			sendError(res, 400, field === "destination" ? "Invalid Destination" : `Invalid ${String(field)}`);
			return;
		}
		const { source, destination } = form.data;
		if (source !== account.source || form.data["src.name"] !== account.app_name) {
			sendError(res, 400, "Invalid App Details");
			return;
		}
		const template = templateSchema.safeParse(parseJson(form.data.template));
		const known = template.success ? account.templates.find(({ id }) => id === template.data.id) : undefined;
		if (!template.success || known === undefined) {
			sendError(res, 400, "Template Does not exist");
			return;
		}
		const { id, params } = template.data;
		if (params.length !== known.parameters) {
			sendError(res, 400, "Template params do not match");
			return;
		}
		const outcome = store.takeOutcome("gupshup", destination);
		if (outcome?.at === "answer") {
			if (outcome.retry_after !== undefined) res.set("Retry-After", String(outcome.retry_after));
			sendError(res, outcome.http_status, outcome.message);
			return;
		}
		const message = store.keep({
			provider: "gupshup",
			recipient: destination,
			template: id,
			language: "",
			parameters: params,
			text: fillIn(known.body, params),
			reference: null,
		});
		res.status(202).json({ status: "submitted", messageId: message.id });
		accept(message, outcome);
	}
}

function sendError(res: Response, status: number, message: string): void {
	res.status(status).json({ status: "error", message });
}

function readForm(req: Request): Record<string, string> {
	return Object.fromEntries(new URLSearchParams(Buffer.isBuffer(req.body) ? req.body.toString("utf8") : ""));
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
