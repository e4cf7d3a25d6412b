import { z } from "zod";
import {
	type AttemptError,
	type AttemptWork,
	recordPspOrderFailure,
	recordPspOrderUnknown,
	refuseSplit,
} from "../../db/client/attempts.ts";
import type { TransactionStatus } from "../../db/client/payments.ts";
import { openGatewaySecrets } from "../../db/client/secrets.ts";
import type { CreateOrderInput, CreateOrderResult, PspAccount, PspAdapter, PspError } from "../../psp/adapter.ts";
import type { CheckoutUrls } from "../checkout-urls.ts";
import { about } from "../job-scope.ts";
import { adapterOf } from "../psp-adapter.ts";
import type { TaskContext } from "../task.ts";

export const payload = z.strictObject({ attempt_id: z.uuid() });

const SECOND_LOOKUP = 2;

/** A payment that failed is open to another try until it expires, and this attempt may be it. */
const OPEN: ReadonlySet<TransactionStatus> = new Set(["created", "pending", "failed"]);

/**
 * Makes the order at the PSP that an attempt stands for, at most one.
 *
 * The attempt is marked started in a transaction of its own before the PSP is called. A run that finds the mark does not
 * know whether an order exists (the worker was killed, the reply was lost), so it looks the order up by our reference and
 * makes one only when the PSP says that there is none.
 */
export default async function createPspOrder(
	{ attempt_id }: z.infer<typeof payload>,
	context: TaskContext,
): Promise<void> {
	const work = await context.shared.beginPspOrder(attempt_id);
	if (work === null) return;
	const log = about(context.log, {
		attempt_id,
		transaction_id: work.transaction.id,
		gateway_id: work.gateway.id,
	});
	const started_at = performance.now();

	const result = await obtainOrder(work, context);
	const latency_ms = performance.now() - started_at;

	switch (result.outcome) {
		case "succeeded":
			await context.shared.recordPspOrder({
				attempt_id,
				psp_order_id: result.psp_order_id,
				presentation: result.presentation,
				latency_ms,
			});
			log.debug({ psp_order_id: result.psp_order_id, latency_ms }, "order made at the PSP");
			return;
		case "failed": {
			const { next_attempt_id } = await recordPspOrderFailure(context.database, {
				attempt_id,
				error: toAttemptError(result.error),
				latency_ms,
			});
			log.warn({ error: result.error, next_attempt_id }, "the PSP refused the order");
			return;
		}
		case "unknown":
			await recordPspOrderUnknown(context.database, { attempt_id, error: toAttemptError(result.error), latency_ms });
			// From here the rhythm of look-ups goes on (poll_pending), the first of them in seconds.
			log.warn({ error: result.error }, "the PSP may or may not have the order");
	}
}

async function obtainOrder(work: AttemptWork, context: TaskContext): Promise<CreateOrderResult> {
	let adapter: PspAdapter;
	let account: PspAccount;
	try {
		adapter = adapterOf(context.adapters, work.gateway.provider);
		account = openGatewaySecrets(context.keys, work.gateway);
	} catch (error) {
		// If an earlier run reached the PSP, only a run that can look the order up may say what became of it.
		if (work.started_before) throw error;
		return failure("authentication_failed", (error as Error).message);
	}
	const input = orderInput(work, context.urls);
	if (!work.started_before) return create();

	const found = await adapter.findOrder(account, input);
	if (found.outcome !== "failed" || found.error.code !== "not_found") return found;
	if (!OPEN.has(work.transaction.status)) return found;
	// An attempt whose call was lost gets one more through the same gateway, often the only one the merchant has; then the
	// payment moves on to another.
	if (work.attempt_status === "unknown" && work.lookups >= SECOND_LOOKUP) {
		return failure("timed_out", "The provider did not answer, and has no such order.");
	}
	return create();

	/** A payment is not lost for our part of it: an order that the PSP refuses with a split is made without. */
	async function create(): Promise<CreateOrderResult> {
		const result = await adapter.createOrder(account, input);
		const is_refused = result.outcome === "failed" && SPLIT_MAY_BE_WHY.has(result.error.code);
		if (!is_refused || input.splits.length === 0) return result;
		await refuseSplit(context.database, work.attempt_id, toAttemptError(result.error));
		return adapter.createOrder(account, { ...input, splits: [] });
	}
}

/** What a PSP says of an account that it does not know, or may not split to. */
const SPLIT_MAY_BE_WHY: ReadonlySet<PspError["code"]> = new Set(["invalid_request", "not_found"]);

function failure(code: PspError["code"], message: string): CreateOrderResult {
	return {
		outcome: "failed",
		error: { code, message, psp_code: null, http_status: null, retry_after_seconds: null },
		raw: null,
	};
}

function orderInput(
	{ attempt_id, transaction, client, gateway, split }: AttemptWork,
	urls: CheckoutUrls,
): CreateOrderInput {
	return {
		reference: attempt_id,
		amount: transaction.amount,
		currency: transaction.currency,
		order_id: transaction.order_id,
		merchant_name: client.company_name,
		description: transaction.description,
		customer: transaction.customer,
		method: transaction.method,
		return_url: urls.return_url(transaction.id),
		cancel_url: urls.cancel_url(transaction.id),
		webhook_url: urls.webhook_url(client.client_key, gateway.id),
		expires_at: transaction.expires_at,
		splits: split === null ? [] : [split],
	};
}

function toAttemptError({ code, message, http_status, retry_after_seconds }: PspError): AttemptError {
	return { code, message, http_status, retry_after_seconds };
}
