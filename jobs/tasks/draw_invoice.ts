import { z } from "zod";
import { readInvoice, storeInvoiceDocument } from "../../db/client/invoices.ts";
import { drawInvoice, LAYOUT } from "../invoices/draw.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ invoice_id: z.uuid() });

/** Drawn again, by a run after a killed one, it is the same bytes: the database refuses others. */
export default async function drawAndStore(
	{ invoice_id }: z.infer<typeof payload>,
	{ database, log }: Pick<TaskContext, "database" | "log">,
): Promise<void> {
	const invoice = await readInvoice(database, invoice_id);
	if (invoice === null) throw new Error(`There is no invoice ${invoice_id}.`);
	const sha256 = await storeInvoiceDocument(database, invoice_id, LAYOUT, await drawInvoice(invoice));
	log.info({ invoice_id, document_no: invoice.document_no, sha256 }, "invoice drawn");
}
