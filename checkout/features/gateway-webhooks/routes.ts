import { Router } from "express";
import { DomainError } from "../../../db/client/errors.ts";
import type { Dependencies } from "../../dependencies.ts";
import { readBody } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { createEventAcceptance } from "./acceptance.ts";
import { comesFrom, GatewayDirectory, type KnownGateway } from "./gateway-directory.ts";
import { toWebhookRequest } from "./webhook-request.ts";

/** Not kept with the event: what proves a sender must not lie around. */
const UNKEPT_HEADERS = new Set(["authorization", "proxy-authorization", "cookie"]);

export function gatewayWebhookRoutes(dependencies: Dependencies): Router {
	const { pool, keys, listener, logger, adapters, metrics } = dependencies;
	const directory = new GatewayDirectory(pool, keys, listener, logger, (result) =>
		metrics.cache.inc({ cache: "gateways", result }),
	);
	const accept = createEventAcceptance(pool, logger);
	const router = Router();

	router.post("/webhook/:client_key{/:gateway_id}", readBody, async (req, res) => {
		const { client_key, gateway_id } = req.params as { client_key: string; gateway_id?: string };
		const gateways = await findCandidates(client_key, gateway_id);
		const request = toWebhookRequest(req);
		// Gateways may share a secret, and each check reads the whole body of a sender not known yet.
		const checked = new Set<string>();
		for (const gateway of gateways) {
			const { provider, account } = gateway;
			// Without a secret of their own, webhooks are proven by that of the API.
			const proof = JSON.stringify([provider, account.webhook_secret ?? [account.api_secret], account.settings]);
			if (checked.has(proof)) continue;
			checked.add(proof);
			const verification = adapters.get(provider)?.verifyWebhook(account, request);
			if (!verification?.valid) continue;
			const { duplicate } = await accept({
				gateway_id: gateway.id,
				dedupe_key: verification.dedupe_key,
				event_type: verification.event_type,
				headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !UNKEPT_HEADERS.has(name))),
				raw_body: request.raw_body,
				body_proven: verification.body_proven,
			});
			metrics.gateway_webhooks.inc({ result: duplicate ? "duplicate" : "accepted" });
			sendJson(res, 200, { received: true });
			return;
		}
		metrics.gateway_webhooks.inc({ result: "refused" });
		logger.warn({ request_id: req.id, source: req.ip, gateways: gateways.length }, "refused a PSP's webhook");
		throw new DomainError("invalid_credentials", { message: "The webhook's signature or source is not valid." });

		async function findCandidates(key: string, id: string | undefined): Promise<KnownGateway[]> {
			const known = await directory.find(key);
			const named = known?.gateways.filter((gateway) => id === undefined || gateway.id === id) ?? [];
			if (known === null || (id !== undefined && named.length === 0)) {
				metrics.gateway_webhooks.inc({ result: "unknown" });
				throw new DomainError("not_found", { message: "No merchant receives webhooks at this address." });
			}
			return named.filter((gateway) => comesFrom(gateway.networks, req.ip ?? ""));
		}
	});

	return router;
}
