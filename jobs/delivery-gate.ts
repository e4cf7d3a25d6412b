/**
 * Who may be sent how many events at a time, so that one endpoint that is dead, slow or swallows what it is sent (15 s a
 * try) leaves room for all others. Of the lane's width:
 *
 *   an endpoint    a sixth (8 of 50), by all processes together
 *   a merchant     a third (16 of 50) by all processes together, however many endpoints it has
 *   the troubled   half (25 of 50) of this process's: endpoints that did not take the last event, or took 3 s or more to
 *                  answer; so however many hang at once, the other half stays with those that answer
 *
 * Processes share the first two out evenly: each learns with its heartbeat how many they are, and the share of one that was
 * killed goes to the others as its jobs do. Each has one at least. An exact count would be a row of the merchant's, written
 * and flushed twice by a delivery that otherwise begins without a write.
 */
/** How wide the lane of deliveries is, unless DELIVERIES_AT_ONCE says otherwise. */
export const DELIVERIES_AT_ONCE = 50;

export interface GateWidths {
	endpoint: number;
	merchant: number;
	troubled: number;
}

export interface DeliveryGate {
	/** Among how many processes, this one included, endpoints and merchants are shared out. */
	shareWith(processes: number): void;
	/** How many are inside. */
	readonly inside: number;
	/** Null: there is no room now. */
	enter(delivery: { endpoint_id: string; client_id: string; is_troubled: boolean; is_probe: boolean }): Place | null;
}

export interface Place {
	leave(): void;
}

const SLOW_MS = 3000;
/** More are not remembered: the longest known are forgotten first. */
const MOST_REMEMBERED = 10_000;

export function gateWidths(lane: number): GateWidths {
	const share = (parts: number) => Math.max(1, Math.floor(lane / parts));
	return { endpoint: share(6), merchant: share(3), troubled: share(2) };
}

export function createDeliveryGate(widths: GateWidths): DeliveryGate {
	const endpoints = new Map<string, number>();
	const merchants = new Map<string, number>();
	const slow = new Set<string>();
	let inside = 0;
	let troubled = 0;
	let { endpoint, merchant } = widths;

	return {
		shareWith(processes) {
			const share = (width: number) => Math.max(1, Math.floor(width / Math.max(1, processes)));
			endpoint = share(widths.endpoint);
			merchant = share(widths.merchant);
		},
		get inside() {
			return inside;
		},
		enter({ endpoint_id, client_id, is_troubled, is_probe }) {
			const is_suspect = is_troubled || slow.has(endpoint_id);
			const is_full =
				countOf(endpoints, endpoint_id) >= endpoint ||
				countOf(merchants, client_id) >= merchant ||
				(is_suspect && troubled >= widths.troubled);
			// The one that goes ahead after a rest has been promised to the others that wait for it.
			if (is_full && !is_probe) return null;
			const started_at = performance.now();
			inside += 1;
			add(endpoints, endpoint_id, 1);
			add(merchants, client_id, 1);
			if (is_suspect) troubled += 1;
			return {
				leave() {
					inside -= 1;
					add(endpoints, endpoint_id, -1);
					add(merchants, client_id, -1);
					if (is_suspect) troubled -= 1;
					slow.delete(endpoint_id);
					if (performance.now() - started_at < SLOW_MS) return;
					slow.add(endpoint_id);
					if (slow.size > MOST_REMEMBERED) slow.delete(slow.values().next().value!);
				},
			};
		},
	};
}

const countOf = (counts: ReadonlyMap<string, number>, id: string) => counts.get(id) ?? 0;

function add(counts: Map<string, number>, id: string, change: number): void {
	const count = countOf(counts, id) + change;
	if (count === 0) counts.delete(id);
	else counts.set(id, count);
}
