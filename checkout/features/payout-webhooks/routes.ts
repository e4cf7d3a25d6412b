import { Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import { acceptPayoutEvent, findCollectionAccount, openCollectionSecrets } from "../../../db/client/payouts.ts";
import { createPayoutAdapters } from "../../../psp/payout-providers.ts";
import type { Dependencies } from "../../dependencies.ts";
import { readBody } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { toWebhookRequest } from "../gateway-webhooks/webhook-request.ts";

/**
 * What the PSP of a merchant's collection account tells of payouts. A few a night, so the account is read each time. Signed or
 * not, it is stored only with its job, and what it says is asked of the PSP before anything is booked.
 */
export function payoutWebhookRoutes({ pool, keys, logger, metrics }: Dependencies): Router {
	const adapters = createPayoutAdapters();
	const router = Router();

	router.post("/webhook/:client_key/payouts", readBody, async (req, res) => {
		const sealed = await findCollectionAccount(pool, req.params.client_key as string);
		const adapter = sealed === null ? undefined : adapters.get(sealed.provider);
		if (sealed === null || adapter === undefined) {
			metrics.payout_webhooks.inc({ result: "unknown" });
			throw new DomainError("not_found", { message: "No merchant receives webhooks of payouts at this address." });
		}
		const request = toWebhookRequest(req);
		const verification = adapter.verifyWebhook(openCollectionSecrets(keys, sealed), request);
		if (!verification.valid) {
			metrics.payout_webhooks.inc({ result: "refused" });
			logger.warn({ request_id: req.id, source: req.ip, client_id: sealed.client_id }, "refused a webhook of payouts");
			throw new DomainError("invalid_credentials", { message: "The webhook's signature is not valid." });
		}
		const is_new = await acceptPayoutEvent(pool, {
			client_id: sealed.client_id,
			provider: sealed.provider,
			dedupe_key: verification.dedupe_key,
			event_type: verification.event_type,
			raw_body: request.raw_body,
			payout_id: verification.reference,
		});
		metrics.payout_webhooks.inc({ result: is_new ? "accepted" : "duplicate" });
		sendJson(res, 200, { received: true });
	});

	return router;
}
