import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type Request, Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import { acceptWhatsappEvent, type WhatsappProvider } from "../../../db/client/whatsapp.ts";
import type { Dependencies } from "../../dependencies.ts";
import { readBody } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";

/**
 * What the WhatsApp provider tells of messages. Meta signs the bytes; Gupshup signs nothing, so its address carries a key
 * (in the query, which no log keeps). Stored before it is answered; the jobs read it.
 */
export function whatsappWebhookRoutes({ env, pool, logger, metrics }: Dependencies): Router {
	const router = Router();
	const { WHATSAPP_META_APP_SECRET: app_secret, WHATSAPP_META_VERIFY_TOKEN: verify_token } = env;
	const { WHATSAPP_GUPSHUP_WEBHOOK_KEY: webhook_key } = env;

	// Meta's test of the address, when it is entered in its dashboard.
	router.get("/whatsapp/meta", (req, res) => {
		const { "hub.mode": mode, "hub.verify_token": given, "hub.challenge": challenge } = req.query;
		if (verify_token === undefined) throw notConfigured();
		if (mode !== "subscribe" || !isSame(given, verify_token)) throw refused(req);
		// Given back as text: a browser that is sent here must not take it for a page.
		res.type("text/plain").send(String(challenge ?? "").slice(0, 200));
	});

	router.post("/whatsapp/meta", readBody, async (req, res) => {
		if (app_secret === undefined) throw notConfigured();
		const signature = createHmac("sha256", app_secret).update(req.raw_body).digest("hex");
		if (!isSame(req.headers["x-hub-signature-256"], `sha256=${signature}`)) throw refused(req);
		sendJson(res, 200, { received: await accept("meta", req) });
	});

	router.post("/whatsapp/gupshup", readBody, async (req, res) => {
		if (webhook_key === undefined) throw notConfigured();
		if (!isSame(req.query.key, webhook_key)) throw refused(req);
		// Its test of the address has no body.
		sendJson(res, 200, { received: req.raw_body.length === 0 || (await accept("gupshup", req)) });
	});

	return router;

	async function accept(provider: WhatsappProvider, req: Request): Promise<true> {
		const dedupe_key = createHash("sha256").update(req.raw_body).digest("hex");
		const is_new = await acceptWhatsappEvent(pool, provider, dedupe_key, req.raw_body);
		metrics.whatsapp_webhooks.inc({ provider, result: is_new ? "accepted" : "duplicate" });
		return true;
	}

	function refused(req: Request): DomainError {
		metrics.whatsapp_webhooks.inc({ provider: req.path.endsWith("/meta") ? "meta" : "gupshup", result: "refused" });
		logger.warn({ request_id: req.id, source: req.ip }, "refused a WhatsApp webhook");
		return new DomainError("invalid_credentials", { message: "The webhook's signature or key is not valid." });
	}
}

function notConfigured(): DomainError {
	return new DomainError("not_found", { message: "No webhooks are received at this address." });
}

/** Compares without telling by its time how much of it was right. */
function isSame(given: unknown, expected: string): boolean {
	if (typeof given !== "string") return false;
	const digest = (text: string) => createHash("sha256").update(text).digest();
	return timingSafeEqual(digest(given), digest(expected));
}
