import { Router } from "express";
import type { Dependencies } from "../../dependencies.ts";
import { authenticateBody } from "../../middleware/authentication.ts";
import { readBody, requireJson } from "../../middleware/raw-body.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { parseWith } from "../../middleware/validation.ts";
import { InitiatePayment } from "./schema.ts";
import { createPaymentInitiation } from "./service.ts";

export function paymentRoutes(dependencies: Dependencies): Router {
	const initiate = createPaymentInitiation(dependencies);
	const router = Router();
	router.post("/payment/initiate", requireJson, readBody, async (req, res) => {
		const { merchant, body } = await authenticateBody(req, dependencies);
		sendJson(res, 200, await initiate(merchant, parseWith(InitiatePayment, body)));
	});
	return router;
}
