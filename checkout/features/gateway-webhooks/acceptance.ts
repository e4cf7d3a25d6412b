import type { Logger } from "pino";
import { Batcher, togetherOrAlone } from "../../../db/client/batcher.ts";
import type { Queryable } from "../../../db/client/call.ts";
import { type AcceptedEvent, acceptGatewayEvents, type GatewayEventInput } from "../../../db/client/payments.ts";

/** Of so large a body (PSPs send some kilobytes) one at a time is in the memory of a call. */
const LARGE_BYTES = 64 * 1024;

/**
 * Stores webhooks durably before they are answered, those that arrive together in one call: each commit wakes the workers,
 * and commits that wake somebody wait for each other. A lone one waits for nobody.
 */
export function createEventAcceptance(
	database: Queryable,
	logger: Logger,
): (event: GatewayEventInput) => Promise<AcceptedEvent> {
	const accept = (events: GatewayEventInput[]) => acceptGatewayEvents(database, events);
	const batcher = new Batcher<GatewayEventInput, AcceptedEvent>({
		run: (events) =>
			togetherOrAlone(events, accept, (err) =>
				logger.error({ err, events: events.length }, "a batch of PSPs' webhooks failed; trying each alone"),
			),
		// One prepares while the other commits.
		batches_at_once: 2,
		// A payer is told by the page on which the PSP sends him back; this may be a blink later.
		apart_ms: 50,
		most_in_batch: 100,
		most_waiting: 2_000,
		// PSPs give up after five seconds, and send it again.
		timeout_ms: 5_000,
	});
	return async (event) => {
		if (event.raw_body.length <= LARGE_BYTES) return batcher.submit(event);
		return (await accept([event]))[0]!;
	};
}
