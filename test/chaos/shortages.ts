/** The database is there and yet cannot: no room on its disk, no connection left, locks that others hold. */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createConnection } from "../../db/client/connection.ts";
import { type Blow, type Disaster, isReady } from "./disasters.ts";
import { sendOrder } from "./floods.ts";
import { merchantCall, type Stage } from "./payer.ts";
import { MERCHANT_COUNT, type World } from "./world.ts";

const HELD_MS = 8_000;
const DEADLOCKS = 6;

/** Somebody else has all connections but those kept for superusers; what the product loses it does not get back. */
export const connectionsTaken = (at: number): Disaster => ({
	name: "every connection of the server taken by others",
	at,
	breaks_connections: true,
	async strike({ world }) {
		const greedy: pg.Client[] = [];
		try {
			for (const until = Date.now() + HELD_MS; Date.now() < until; await sleep(50)) {
				await world.admin.query(
					"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename in ('checkout', 'jobs')",
				);
				while (greedy.length < 1_000 && (await takeConnection(world, greedy)));
			}
		} finally {
			await Promise.all(greedy.map((client) => client.end().catch(() => {})));
		}
		return null;
	},
	isOver: isReady,
});

async function takeConnection({ database }: World, greedy: pg.Client[]): Promise<boolean> {
	const client = createConnection({ connectionString: database.url("finance") });
	try {
		await client.connect();
	} catch {
		return false;
	}
	greedy.push(client);
	return true;
}

/** Whoever asks waits, until every connection of checkout's and the workers' pools does. */
export const poolsStarved = (at: number): Disaster => ({
	name: "the table of payments locked, pools starved",
	at,
	breaks_connections: true,
	async strike({ world }) {
		await inSession(world, async (session) => {
			await session.query("begin");
			await session.query("lock table public.transactions in access exclusive mode");
			await sleep(HELD_MS);
			await session.query("rollback");
		});
		return null;
	},
	isOver: isReady,
});

/**
 * Somebody takes the locks in the wrong order, and waits longer than anybody else: so the one that the database gives up is
 * a payment, in turn one that is settled and one that is initiated. Not for ever: each wait is looked at once, a second after
 * it began, and a cycle that closed later would be found by nobody but the session.
 */
export const deadlocks = (at: number): Disaster => ({
	name: "deadlocks with other sessions",
	at,
	breaks_connections: true,
	async strike(stage) {
		const { world } = stage;
		const before = await countDeadlocks(world);
		const orders: Promise<unknown>[] = [];
		let given_in = 0;
		await inSession(world, async (session) => {
			await session.query("set deadlock_timeout = '3s'");
			for (let round = 1; round <= DEADLOCKS; round++) {
				const [first, second] =
					round % 2 === 0
						? [
								"select from public.wallets for update",
								"select from public.transactions where paid_at is null for update",
							]
						: ["select from public.gateway_states for update", "select from public.client_usage for update"];
				await session.query("begin");
				await session.query(first!);
				for (const merchant of world.merchants.slice(0, MERCHANT_COUNT)) {
					orders.push(
						sendOrder(stage, merchant, { order_id: `F${stage.seed}-deadlock-${orders.length}`, amount: 45_600 }),
					);
				}
				await untilBlocking(world, session);
				await session.query(second!).catch(() => {
					given_in += 1;
				});
				await session.query("rollback");
			}
		});
		await Promise.all(orders);
		// What the server counts is told a moment later.
		await sleep(2_000);
		const injected = (await countDeadlocks(world)) - before - given_in;
		return {
			injected,
			survived: injected,
			note: `${given_in} more that the other session gave in to`,
			faults: injected === 0 ? ["no deadlock came about"] : [],
		};
	},
	isOver: isReady,
});

async function countDeadlocks({ admin }: World): Promise<number> {
	const { rows } = await admin.query<{ count: number }>(
		"select deadlocks::int as count from pg_stat_database where datname = current_database()",
	);
	return rows[0]!.count;
}

/** Until one of ours waits for the session; not for ever, as none may have a reason to. */
async function untilBlocking({ admin }: World, session: pg.Client): Promise<void> {
	const { processID: pid } = session as unknown as { processID: number };
	for (const until = Date.now() + 5_000; Date.now() < until; await sleep(20)) {
		const { rowCount } = await admin.query(
			`select from pg_stat_activity where usename in ('checkout', 'jobs') and wait_event_type = 'Lock'
				and $1::int = any (pg_blocking_pids(pid))`,
			[pid],
		);
		if (rowCount !== null && rowCount > 0) return;
	}
}

async function inSession(world: World, work: (session: pg.Client) => Promise<void>): Promise<void> {
	const session = createConnection({ connectionString: world.database.adminUrl });
	await session.connect();
	try {
		await work(session);
	} finally {
		await session.end().catch(() => {});
	}
}

const FULL_MS = 10_000;

/** No table can grow. What a merchant was told stands; the others are told to come again. */
export const diskFull = (at: number): Disaster => ({
	name: "disk full: no table can grow",
	at,
	breaks_connections: true,
	async strike(stage) {
		const { disk } = stage.world.database;
		await disk!.fill();
		try {
			return await insist(stage, FULL_MS);
		} finally {
			await disk!.free();
		}
	},
	isOver: isReady,
});

/** No log can be written: the server gives up, and again whenever it is started. */
export const logDiskFull = (at: number): Disaster => ({
	name: "disk full: the server goes down",
	at,
	breaks_connections: true,
	async strike({ world }) {
		const { disk, adminUrl } = world.database;
		const session = createConnection({ connectionString: adminUrl });
		await session.connect();
		await disk!.fill();
		try {
			// Segments that were kept for later are used up first.
			for (const until = Date.now() + FULL_MS; Date.now() < until; ) {
				await session.query("select pg_logical_emit_message(false, 'chaos', 'x'), pg_switch_wal()");
			}
			return { injected: 1, survived: 1, faults: ["the server went on"] };
		} catch {
			// As long as somebody takes to make room.
			await sleep(FULL_MS / 2);
		} finally {
			await session.end().catch(() => {});
			await disk!.free();
		}
		return null;
	},
	isOver: isReady,
});

/** Orders, one after the other, of which each is taken for good or refused with the time to come again. */
async function insist(stage: Stage, for_ms: number): Promise<Blow> {
	const { world, seed } = stage;
	const merchant = world.merchants[0]!;
	const faults: string[] = [];
	let refused = 0;
	for (let number = 1, until = Date.now() + for_ms; Date.now() < until; number++) {
		const order = { order_id: `F${seed}-full-${number}`, amount: 12_300 };
		const { status, headers, body } = await merchantCall(world, merchant, "POST", "/payment/initiate", order, 0);
		if (status === 200) {
			world.others.push({ id: String(body.transaction_id), client_id: merchant.id, ...order });
		} else if (status === 503 && headers.has("retry-after")) {
			refused += 1;
			await sleep(100);
		} else {
			faults.push(`on a full disk an order was answered ${status} ${JSON.stringify(body)}`);
		}
	}
	if (refused === 0) faults.push("the full disk was noticed by nobody");
	return { injected: 1, survived: 1, note: `${refused} orders told to come again`, faults };
}
