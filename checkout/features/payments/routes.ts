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
	const { tracing } = dependencies;
	const initiate = createPaymentInitiation(dependencies);
	const router = Router();
	router.post("/payment/initiate", requireJson, readBody, async (req, res) => {
		const started_at = tracing === null ? 0 : performance.timeOrigin + performance.now();
		const { merchant, body } = await authenticateBody(req, dependencies);
		const { payment, rate } = await initiate(merchant, parseWith(InitiatePayment, body));
		req.transaction_id = payment.transaction_id;
		if (rate !== null) showRate(res, rate);
		sendJson(res, 200, payment);
		if (tracing === null || payment.replayed === true) return;
		tracing.recordPayment(payment.transaction_id, {
			name: "POST /payment/initiate",
			kind: "server",
			started_at,
			ended_at: performance.timeOrigin + performance.now(),
			caused_by: { traceparent: req.get("traceparent"), tracestate: req.get("tracestate") },
			attributes: { "request.id": req.id, "client.id": merchant.id, "transaction.id": payment.transaction_id },
		});
	});
	return router;
}
