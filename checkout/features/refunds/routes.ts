import { Router } from "express";
import { admitRequest } from "../../../db/client/clients.ts";
import type { Dependencies } from "../../dependencies.ts";
import { authenticate, authenticateBody } from "../../middleware/authentication.ts";
import { showRate } from "../../middleware/rate-headers.ts";
import { readBody, requireJson } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { NOTHING, parseWith } from "../../middleware/validation.ts";
import { CreateRefund } from "./schema.ts";
import { idempotencyKeyOf, readExistingRefund, refundPayment } from "./service.ts";

export function refundRoutes(dependencies: Dependencies): Router {
	const { pool } = dependencies;
	const router = Router();

	router.post("/refund", requireJson, readBody, async (req, res) => {
		const { merchant, body } = await authenticateBody(req, dependencies);
		const refund = parseWith(CreateRefund, body);
		const idempotency_key = idempotencyKeyOf(req, refund.idempotency_key);
		showRate(res, await admitRequest(pool, merchant.id, merchant.client_key));
		sendJson(res, 200, await refundPayment(pool, merchant.id, refund, idempotency_key));
	});

	router.get("/refund/:id", authenticate(dependencies), async (req, res) => {
		parseWith(NOTHING, req.query);
		showRate(res, await admitRequest(pool, req.merchant.id, req.merchant.client_key));
		sendJson(res, 200, await readExistingRefund(pool, req.merchant.id, String(req.params.id)));
	});

	return router;
}
