import { Router } from "express";
import type { Dependencies } from "../../dependencies.ts";
import { authenticateBody } from "../../middleware/authentication.ts";
import { showRate } from "../../middleware/rate-headers.ts";
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
		const { payment, rate } = await initiate(merchant, parseWith(InitiatePayment, body));
		if (rate !== null) showRate(res, rate);
		sendJson(res, 200, payment);
	});
	return router;
}
