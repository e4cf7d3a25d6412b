import type { Request } from "express";
import type { WebhookRequest } from "../../../psp/adapter.ts";

export function toWebhookRequest(req: Request): WebhookRequest {
	const headers: Record<string, string> = {};
	for (const [name, value] of Object.entries(req.headers)) {
		if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
	}
	return { raw_body: req.raw_body, headers };
}
