import { Router } from "express";
import { admitRequest } from "../../../db/client/clients.ts";
import { DomainError } from "../../../db/client/errors.ts";
import { listTransactions, readTransaction, type TransactionRecord } from "../../../db/client/payments.ts";
import type { Dependencies } from "../../dependencies.ts";
import { authenticate } from "../../middleware/authentication.ts";
import { sendJson } from "../../middleware/send-json.ts";
import { parseWith } from "../../middleware/validation.ts";
import { isStatusToken } from "../../status-token.ts";
import { TransactionId, TransactionQuery, TransactionsQuery } from "./schema.ts";

export function transactionRoutes(dependencies: Dependencies): Router {
	const { pool } = dependencies;
	const router = Router();
	const authenticated = authenticate(dependencies);

	router.get("/transaction/:id", async (req, res, next) => {
		if (req.query.token === undefined) return next();
		const { token = "" } = parseWith(TransactionQuery, req.query);
		const record = await readWithToken(dependencies, req.params.id, token);
		sendJson(res, 200, record.view);
	});

	router.get("/transaction/:id", authenticated, async (req, res) => {
		parseWith(TransactionQuery, req.query);
		await admitRequest(pool, req.merchant.id, req.merchant.client_key);
		const id = String(req.params.id);
		const record = TransactionId.safeParse(id).success ? await readTransaction(pool, id) : null;
		// Another merchant's transaction does not exist for this one.
		if (record === null || record.client_id !== req.merchant.id) throw new DomainError("not_found");
		sendJson(res, 200, record.view);
	});

	router.get("/transactions", authenticated, async (req, res) => {
		const filter = parseWith(TransactionsQuery, req.query);
		await admitRequest(pool, req.merchant.id, req.merchant.client_key);
		sendJson(res, 200, await listTransactions(pool, req.merchant.id, filter));
	});

	return router;
}

/** The transaction that a status token was made for; the token is checked before the database is asked. */
export async function readWithToken(
	{ pool, env }: Pick<Dependencies, "pool" | "env">,
	transaction_id: string,
	token: string,
): Promise<TransactionRecord> {
	if (!isStatusToken(env.STATUS_TOKEN_KEY, transaction_id, token)) {
		throw new DomainError("invalid_credentials", { message: "The status token is not valid.", param: "token" });
	}
	const record = TransactionId.safeParse(transaction_id).success ? await readTransaction(pool, transaction_id) : null;
	if (record === null) throw new DomainError("not_found");
	return record;
}
