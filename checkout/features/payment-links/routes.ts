import { Router } from "express";
import { admitRequest } from "../../../db/client/clients.ts";
import type { Dependencies } from "../../dependencies.ts";
import { authenticate, authenticateBody } from "../../middleware/authentication.ts";
import { showRate } from "../../middleware/rate-headers.ts";
import { readBody, requireJson } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { NOTHING, parseWith } from "../../middleware/validation.ts";
import { CreatePaymentLink } from "./schema.ts";
import { createPaymentLinks } from "./service.ts";

export function paymentLinkRoutes(dependencies: Dependencies): Router {
	const { pool } = dependencies;
	const links = createPaymentLinks(dependencies);
	const router = Router();

	router.post("/payment-links", requireJson, readBody, async (req, res) => {
		const { merchant, body } = await authenticateBody(req, dependencies);
		const link = parseWith(CreatePaymentLink, body);
		showRate(res, await admitRequest(pool, merchant.id, merchant.client_key));
		sendJson(res, 200, await links.create(merchant, link));
	});

	router.get("/payment-links/:id", authenticate(dependencies), async (req, res) => {
		parseWith(NOTHING, req.query);
		showRate(res, await admitRequest(pool, req.merchant.id, req.merchant.client_key));
		sendJson(res, 200, await links.read(req.merchant, String(req.params.id)));
	});

	router.post("/payment-links/:id/disable", readBody, async (req, res) => {
		const { merchant, body } = await authenticateBody(req, dependencies);
		parseWith(NOTHING, body);
		showRate(res, await admitRequest(pool, merchant.id, merchant.client_key));
		sendJson(res, 200, await links.disable(merchant, String(req.params.id)));
	});

	return router;
}
