import type { z } from "zod";
import { Batcher, togetherOrAlone } from "../../../db/client/batcher.ts";
import { type InitiateRequest, type InitiateResult, initiatePayments } from "../../../db/client/payments.ts";
import type { Rate } from "../../../db/client/rates.ts";
import { createStatusToken } from "../../../db/client/status-token.ts";
import { type KnownClient, registeredUrl } from "../../client-directory.ts";
import type { Dependencies } from "../../dependencies.ts";
import type { InitiatedPayment, InitiatePayment } from "./schema.ts";

/**
 * Database calls that initiate payments at the same time, and connections for them. One prepares while the other waits for the
 * disk; more gain nothing, since commits that notify take turns and one merchant's calls wait for each other. A call costs about
 * as much as seven payments, so that a second one starts only when it is worth it.
 */
export const BATCHES_AT_ONCE = 2;
const WORTH_A_SECOND_CALL = 16;

/**
 * A thousand requests are a quarter of a second's work; who would wait for much longer than that is better told to come back.
 * With what a statement may take (5 s) it stays below the patience.
 */
const LONGEST_WAIT_MS = 2_000;
const PATIENCE_MS = 8_000;

export type PaymentInitiation = (
	merchant: KnownClient,
	payment: z.output<typeof InitiatePayment>,
) => Promise<{ payment: z.output<typeof InitiatedPayment>; rate: Rate | null }>;

export function createPaymentInitiation({ initiationPool, env, metrics, logger }: Dependencies): PaymentInitiation {
	const batcher = new Batcher<InitiateRequest, InitiateResult>({
		run: (requests) =>
			togetherOrAlone(
				requests,
				(some) => initiatePayments(initiationPool, some),
				(err) => logger.error({ err, payments: requests.length }, "a batch of payments failed; trying each alone"),
			),
		batches_at_once: BATCHES_AT_ONCE,
		least_beside: WORTH_A_SECOND_CALL,
		most_in_batch: 100,
		most_waiting: 5_000,
		longest_wait_ms: LONGEST_WAIT_MS,
		timeout_ms: PATIENCE_MS,
		onBatch: (size, seconds) => {
			metrics.batch_size.observe(size);
			metrics.batch_seconds.observe(seconds);
			metrics.initiations_waiting.set(batcher.waiting);
		},
		onShed: (reason) => metrics.initiations_shed.inc({ reason }),
	});

	return async (merchant, { redirect_url, ...payment }) => {
		const result = await batcher.submit({
			...payment,
			...(redirect_url !== undefined && { redirect_url: registeredUrl(merchant, redirect_url) }),
			client_id: merchant.id,
			client_key: merchant.client_key,
		});
		if (!result.ok) throw result.error;
		const status_token = createStatusToken(env.STATUS_TOKEN_KEY, result.transaction_id);
		const initiated = {
			transaction_id: result.transaction_id,
			status: result.status,
			order_id: result.order_id,
			amount: result.amount,
			currency: result.currency,
			checkout_url: `${env.PUBLIC_CHECKOUT_URL}/pay/${result.transaction_id}?token=${status_token}`,
			status_token,
			expires_at: result.expires_at,
			...(result.replayed && { replayed: true as const }),
		};
		return { payment: initiated, rate: result.rate };
	};
}
