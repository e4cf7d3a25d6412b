/** Initiations on a database with a year of payments, and on one with the same merchants and none: in turn, medians of the rounds. */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";
import type { RunOptions } from "./goal.ts";
import { type History, isRandom, openHistory, orderIdOf } from "./history.ts";
import { loadInitiate } from "./load.ts";
import { checkout } from "./parts.ts";
import { openScene, type Scene } from "./scene.ts";
import { median } from "./verdict.ts";

export type GrowthFigures = {
	per_second_empty: number;
	per_second: number;
	p99_empty: number;
	p99: number;
	refused: number;
	/** Bytes of the write-ahead log for each payment. */
	log_bytes_empty: number;
	log_bytes: number;
};

interface Side {
	scene: Scene;
	admin: pg.Client;
	rounds: { per_second: number; p99: number; refused: number; log_bytes: number }[];
}

const MERCHANTS = 10_000;
const WARM_UP_SECONDS = 8;

export async function compareGrown(transactions: number, options: RunOptions): Promise<GrowthFigures> {
	// What is kept is the large one: an empty one is empty once.
	const home = await mkdtemp(join(tmpdir(), "lightspeedpay-grown-"));
	const large = options.grown_directory ?? home;
	const histories: History[] = [];
	const sides: Side[] = [];
	try {
		// As root the servers run as another user, which must get through.
		await chmod(home, 0o711);
		for (const [directory, count] of [
			[join(home, "empty"), 0],
			[join(large, "full"), transactions],
		] as const) {
			const history = await openHistory(directory, { transactions: count, merchants: MERCHANTS }, options.report);
			histories.push(history);
			const admin = createConnection({ connectionString: history.ground.admin_url });
			await admin.connect();
			sides.push({ scene: await openScene(history.ground, [checkout]), admin, rounds: [] });
		}
		for (const { admin, scene } of sides) await readHotPages(admin, scene);
		// After a checkpoint the first change of each page is written whole to the log. The next one is minutes away, and the merchants'
		// newest pages are all changed within some seconds of it, here while it warms up; those of random order ids go on through the rounds.
		for (const { admin } of sides) await admin.query("checkpoint");
		for (const { scene } of sides) {
			await initiate(scene, options, WARM_UP_SECONDS);
			await scene.analyze();
		}
		for (let round = 0; round < options.rounds; round++) {
			// Who comes first changes, as whoever comes second may find the machine warmer, or its disk busy with what the first wrote.
			for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
				const before = await logPosition(side.admin);
				const { per_second, p99, refused } = await initiate(side.scene, options, options.seconds);
				const log_bytes = ((await logPosition(side.admin)) - before) / (per_second * options.seconds);
				side.rounds.push({ per_second, p99, refused, log_bytes });
				options.report(
					`${side === sides[0] ? "empty" : "grown"}: ${Math.round(per_second)}/s, p99 ${p99.toFixed(1)} ms, refused ${refused}, ${Math.round(log_bytes)} bytes of log a payment`,
				);
			}
		}
	} finally {
		for (const { scene, admin } of sides) {
			await admin.end();
			await scene.close();
		}
		for (const history of histories) await history.close();
		await rm(home, { recursive: true, force: true });
	}
	const [empty, full] = sides as [Side, Side];
	const of = (side: Side, figure: "per_second" | "p99" | "log_bytes") =>
		median(side.rounds.map((round) => round[figure]));
	return {
		per_second_empty: of(empty, "per_second"),
		per_second: of(full, "per_second"),
		p99_empty: of(empty, "p99"),
		p99: of(full, "p99"),
		refused: sides.flatMap(({ rounds }) => rounds).reduce((total, { refused }) => total + refused, 0),
		log_bytes_empty: of(empty, "log_bytes"),
		log_bytes: of(full, "log_bytes"),
	};
}

/**
 * A server that has taken payments for a day has the index pages in memory that the next ones go to; this one was just started. They
 * are the last of each merchant, and all of those whose order ids are random.
 */
async function readHotPages(admin: pg.Client, { merchants }: Scene): Promise<void> {
	await admin.query("set enable_seqscan = off; set enable_bitmapscan = off");
	const last = (column: "id" | "order_id") =>
		`select max(t.${column}::text) from public.clients c cross join lateral
			(select ${column} from public.transactions where client_id = c.id order by client_id desc, ${column} desc limit 1) t`;
	await admin.query("select count(order_id) from public.transactions where client_id = any ($1::uuid[])", [
		merchants.filter((_, place) => isRandom(place)).map(({ id }) => id),
	]);
	await admin.query(last("order_id"));
	await admin.query(last("id"));
}

function initiate(scene: Scene, { connections }: RunOptions, seconds: number) {
	return loadInitiate(scene.of(checkout).url, scene.merchants, { connections, seconds, orderId: orderIdOf });
}

async function logPosition(admin: pg.Client): Promise<number> {
	const { rows } = await admin.query<{ at: number }>("select (pg_current_wal_insert_lsn() - '0/0')::float8 as at");
	return rows[0]!.at;
}
