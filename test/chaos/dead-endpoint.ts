/** One merchant's endpoint is dead for ten thousand events, while the events of the others are to arrive as ever. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Disaster, isReady } from "./disasters.ts";
import { sendOrder } from "./floods.ts";
import type { Stage } from "./payer.ts";
import type { World } from "./world.ts";

const EVENTS = 10_000;
const DEAD_MS = 20_000;
/** How long others' events may take, all but one in a hundred. */
const BOUND_SECONDS = 5;

export const deadEndpoint = (at: number): Disaster => ({
	name: "an endpoint dead for 10,000 events",
	at,
	patience_seconds: 240,
	async strike(stage) {
		const { world } = stage;
		const { admin, receiver } = world;
		const dead = await world.openMerchant({
			name: "dead",
			columns: { rotation_mode: "smart", webhook_url: receiver.url },
			gateways: ["razorpay"],
		});
		receiver.secret = dead.webhook_secret;
		receiver.mode = "hangs";
		const { body } = await sendOrder(stage, dead, { order_id: `F${stage.seed}-dead`, amount: 100 });
		const { rows } = await admin.query<{ now: string }>("select clock_timestamp()::text as now");
		for (let written = 0; written < EVENTS; written += 500) {
			await admin.query(
				"select public.write_transaction_events(array[t]) from public.transactions t, generate_series(1, 500) where t.id = $1",
				[body.transaction_id],
			);
		}
		await sleep(DEAD_MS / 2);
		receiver.mode = "refuses";
		await sleep(DEAD_MS / 2);
		const others = await delaysOf(stage, dead.id, rows[0]!.now);
		const tries = receiver.tries;
		receiver.mode = "takes";
		return {
			injected: EVENTS,
			survived: EVENTS,
			note: `${tries} tries; ${others.count} events of others: p50 ${others.p50} s, p99 ${others.p99} s, most ${others.most} s`,
			faults: others.p99 > BOUND_SECONDS ? [`events of others took ${others.p99} s (p99)`] : [],
		};
	},
	async isOver(world) {
		await bringForward(world);
		return (await isReady(world)) && world.receiver.taken.size >= EVENTS;
	},
});

/** From the event to its arrival, of merchants whose endpoint had not been told to fail. */
async function delaysOf(
	{ world }: Stage,
	dead_id: string,
	since: string,
): Promise<{ count: number; p50: number; p99: number; most: number }> {
	const { rows } = await world.admin.query(
		`with seen as (
			select extract(epoch from coalesce(delivered_at, clock_timestamp()) - created_at) as seconds from public.webhook_events
				where client_id <> $1 and created_at >= $2::timestamptz and created_at < clock_timestamp() - interval '${BOUND_SECONDS} seconds'
					and attempts < 2)
		select count(*)::int as count, coalesce(round(percentile_cont(0.5) within group (order by seconds)::numeric, 2), 0)::float as p50,
			coalesce(round(percentile_cont(0.99) within group (order by seconds)::numeric, 2), 0)::float as p99,
			coalesce(round(max(seconds), 2), 0)::float as most from seen`,
		[dead_id, since],
	);
	return rows[0];
}

/** What tried in vain waits for minutes and hours; its rest the endpoint has in full. */
async function bringForward({ admin }: World): Promise<void> {
	await admin.query(
		`update graphile_worker._private_jobs set run_at = now() where run_at > now() and locked_at is null
			and key like 'deliver_webhook:%'`,
	);
}
