import type { Pool } from "pg";
import type { Logger } from "pino";
import { closeBillingMonth, listBillingDue } from "../../db/client/invoices.ts";
import { raiseAlert } from "../../db/client/operations.ts";

/** SQLSTATE profile_incomplete. */
const PROFILE_INCOMPLETE = "LS086";

/**
 * Closes every month that is over, of every merchant, oldest first; each in a transaction of its own, so a run that is cut
 * short has lost nothing and the next one goes on. What cannot be invoiced does not keep the others waiting.
 */
export async function issueInvoices(database: Pool, log: Logger): Promise<{ months: number; documents: number }> {
	const done = { months: 0, documents: 0 };
	let failure: unknown = null;
	for (const client_id of await listBillingDue(database)) {
		try {
			for (;;) {
				const closed = await closeBillingMonth(database, client_id);
				if (closed === null) break;
				done.months += 1;
				done.documents += closed.documents.length;
				log.info({ ...closed }, "month closed");
			}
		} catch (error) {
			if ((error as { code?: string }).code === PROFILE_INCOMPLETE) {
				await raiseAlert(database, {
					kind: "invoices_wait",
					severity: "warning",
					message:
						"Invoices wait: the company's name, address or GSTIN is not filled in. An administrator does so under Commission, Company; they are issued within the hour after that.",
					details: {},
					dedupe_key: "invoices_wait",
				});
				return done;
			}
			log.error({ err: error, client_id }, "a month could not be closed");
			failure = error;
		}
	}
	if (failure !== null) throw failure;
	return done;
}
