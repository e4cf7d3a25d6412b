import { Router } from "express";
import { admitRequest } from "../../../db/client/clients.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { listTransactions } from "../../../db/client/payments.ts";
import type { Dependencies } from "../../dependencies.ts";
import { authenticate } from "../../middleware/authentication.ts";
import { showRate } from "../../middleware/rate-headers.ts";
import { allowAnyOrigin } from "../../middleware/security-headers.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { parseWith } from "../../middleware/validation.ts";
import { TransactionQuery, TransactionsQuery } from "./schema.ts";
import { readExistingTransaction, requireStatusToken } from "./service.ts";

export function transactionRoutes(dependencies: Dependencies): Router {
	const { pool, env } = dependencies;
	const router = Router();
	const authenticated = authenticate(dependencies);

	router.get("/transaction/:id", async (req, res, next) => {
		if (req.query.token === undefined) return next();
		allowAnyOrigin(res);
		const { token } = parseWith(TransactionQuery, req.query);
		requireStatusToken(env.STATUS_TOKEN_KEY, req.params.id, token);
		const { view } = await readExistingTransaction(pool, req.params.id);
		sendJson(res, 200, view);
	});

	router.get("/transaction/:id", authenticated, async (req, res) => {
		parseWith(TransactionQuery, req.query);
		showRate(res, await admitRequest(pool, req.merchant.id, req.merchant.client_key));
		const { view, client_id } = await readExistingTransaction(pool, String(req.params.id));
		// Another merchant's transaction does not exist for this one.
		if (client_id !== req.merchant.id) throw new DomainError("not_found");
		sendJson(res, 200, view);
	});

	router.get("/transactions", authenticated, async (req, res) => {
		const filter = parseWith(TransactionsQuery, req.query);
		showRate(res, await admitRequest(pool, req.merchant.id, req.merchant.client_key));
		sendJson(res, 200, await listTransactions(pool, req.merchant.id, filter));
	});

	return router;
}
