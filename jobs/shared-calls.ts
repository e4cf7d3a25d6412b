/**
 * Database calls that jobs running at the same time share. A payment takes three jobs and five such calls; made one by one,
 * most of what a worker does is waking a server process and being woken by it, and each commit that tells somebody something
 * waits for all others that do. So what is asked for while a call is under way goes together into the next: one round trip
 * and one commit. Jobs that were taken together begin together; what comes back from PSPs and endpoints trickles in: a lone
 * answer waits for nobody, the second for some milliseconds for more.
 *
 * Where a call for many fails (one of them is not to be had, or somebody holds one of its rows for longer than a quarter of
 * a second), each is done by itself, all at the same time: none fails or waits for another's sake.
 */
import type { Pool } from "pg";
import type { Logger } from "pino";
import {
	type AttemptWork,
	beginPspOrder,
	beginPspOrders,
	findAttemptForEvent,
	type GatewayEvent,
	type GatewayEventClaim,
	markGatewayEvent,
	type PspOrder,
	readGatewayEvents,
	recordPspOrder,
	recordPspOrders,
	type SettledEvent,
	settleAttempt,
	settleGatewayEvents,
} from "../db/client/attempts.ts";
import { Batcher, type BatcherOptions } from "../db/client/batcher.ts";
import {
	beginDeliveries,
	beginDelivery,
	type Delivery,
	type DeliveryResult,
	recordDeliveries,
	recordDelivery,
	type WebhookEventStatus,
} from "../db/client/deliveries.ts";

export interface SharedCalls {
	beginPspOrder(attempt_id: string): Promise<AttemptWork | null>;
	recordPspOrder(order: PspOrder): Promise<void>;
	readGatewayEvent(event_id: string): Promise<GatewayEvent | null>;
	/** Null where there is no attempt that the event is about. */
	settleGatewayEvent(claim: GatewayEventClaim): Promise<SettledEvent | null>;
	beginDelivery(event_id: string): Promise<Delivery | null>;
	recordDelivery(result: DeliveryResult): Promise<WebhookEventStatus>;
}

export function createSharedCalls(
	database: Pool,
	log: Logger,
	/** How many deliveries are under way: when all have their answers, none of these waits for more. */
	deliveries_under_way?: () => number,
): SharedCalls {
	const begin = share(
		(ids: string[]) => beginPspOrders(database, ids),
		(id) => beginPspOrder(database, id),
		log,
	);
	return {
		async beginPspOrder(attempt_id) {
			// Left out where nothing is left to do, which is rare, and where it is direct UPI, which is begun alone.
			return (await begin(attempt_id)) ?? beginPspOrder(database, attempt_id);
		},
		recordPspOrder: share(
			(orders: PspOrder[]) => recordPspOrders(database, orders).then(() => orders.map(() => undefined)),
			(order) => recordPspOrder(database, order),
			log,
			{ apart_ms: ORDERS_APART_MS },
		),
		readGatewayEvent: share(
			(ids: string[]) => readGatewayEvents(database, ids),
			async (id) => (await readGatewayEvents(database, [id]))[0]!,
			log,
		),
		settleGatewayEvent: share(
			(claims: GatewayEventClaim[]) => settleGatewayEvents(database, claims),
			(claim) => settleAlone(database, claim),
			log,
		),
		beginDelivery: share(
			(ids: string[]) => beginDeliveries(database, ids),
			(id) => beginDelivery(database, id),
			log,
		),
		recordDelivery: share(
			(results: DeliveryResult[]) => recordDeliveries(database, results),
			(result) => recordDelivery(database, result),
			log,
			{ apart_ms: DELIVERIES_APART_MS, ...(deliveries_under_way && { callers: deliveries_under_way }) },
		),
	};
}

/** A payer waits for the record of an order, nobody for that of a delivery. */
const ORDERS_APART_MS = 25;
const DELIVERIES_APART_MS = 50;

function share<Request, Result>(
	together: (requests: Request[]) => Promise<Result[]>,
	alone: (request: Request) => Promise<Result>,
	log: Logger,
	pace: Pick<BatcherOptions<Request, Result>, "apart_ms" | "callers"> = {},
): (request: Request) => Promise<Result> {
	const batcher = new Batcher<Request, Result>({
		async run(requests) {
			try {
				return await together(requests);
			} catch (err) {
				log.info({ err, jobs: requests.length }, "a call for many jobs failed; doing each by itself");
				throw err;
			}
		},
		// One prepares while the other commits.
		batches_at_once: 2,
		most_in_batch: 50,
		...pace,
		// No more than the lanes are wide ever wait, nor for longer than a statement may take.
		most_waiting: Number.POSITIVE_INFINITY,
		timeout_ms: 60_000,
	});
	return (request) => batcher.submit(request).catch(() => alone(request));
}

async function settleAlone(
	database: Pool,
	{ event_id, gateway_id, state }: GatewayEventClaim,
): Promise<SettledEvent | null> {
	const { psp_order_id, reference } = state;
	const attempt_id = await findAttemptForEvent(database, { gateway_id, psp_order_id, reference });
	if (attempt_id === null) return null;
	const settled = await settleAttempt(database, attempt_id, state);
	await markGatewayEvent(database, event_id, null);
	return { attempt_id, transaction_id: null, ...settled };
}
