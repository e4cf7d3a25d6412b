/** Shapes that take payments, for the goals that compare them. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { initiatePayments } from "../db/client/payments.ts";
import { createPool } from "../db/client/pool.ts";
import { asWritten, bullmqWorker, redis, tuned, withRules } from "./bullmq.ts";
import type { RunOptions, Shape, Throughput } from "./goal.ts";
import { loadCalls, loadInitiate } from "./load.ts";
import { checkout, oneCall, otherCheckout, statements } from "./parts.ts";
import type { Scene } from "./scene.ts";

function initiations(
	name: string,
	needs: Shape["needs"],
	measure: (scene: Scene, options: RunOptions) => Promise<Throughput>,
): Shape<Throughput> {
	return { name, needs, when: "each round", measure };
}

export const ourCheckout = initiations("checkout, many merchants", [checkout], (scene, options) =>
	loadInitiate(scene.of(checkout).url, scene.merchants, options),
);

/** Half of the connections to each. */
export const twoCheckouts = initiations("two checkouts, many merchants", [checkout, otherCheckout], (scene, options) =>
	loadInitiate([scene.of(checkout).url, scene.of(otherCheckout).url], scene.merchants, options),
);

/** All payments take turns on one merchant's row. */
export const oneMerchant = initiations("checkout, one merchant", [checkout], (scene, options) =>
	loadInitiate(scene.of(checkout).url, scene.merchants.slice(0, 1), options),
);

/** And on one gateway's. */
export const oneGateway = initiations(
	"checkout, one merchant with one gateway, 200 connections",
	[checkout],
	(scene, options) => loadInitiate(scene.of(checkout).url, [scene.lone], { ...options, connections: 200 }),
);

export const oneConnection = initiations("checkout, one connection", [checkout], (scene, options) =>
	loadInitiate(scene.of(checkout).url, scene.merchants, { ...options, connections: 1 }),
);

export const oneCallEach = initiations("peer: our function, one call a request", [oneCall], (scene, options) =>
	loadInitiate(scene.of(oneCall).url, scene.merchants, { ...options, with_ids: true }),
);

export const statementByStatement = initiations("peer: statement by statement", [statements], (scene, options) =>
	loadInitiate(scene.of(statements).url, scene.merchants, { ...options, with_ids: true }),
);

export const bullmqAsWritten = initiations("peer: BullMQ as people write it", [redis, asWritten], (scene, options) =>
	loadInitiate(scene.of(asWritten).url, scene.merchants, options),
);

export const bullmqTuned = initiations("peer: BullMQ tuned", [redis, tuned], (scene, options) =>
	loadInitiate(scene.of(tuned).url, scene.merchants, options),
);

export const bullmqWithRules = initiations(
	"peer: BullMQ tuned, with a rate limit, a cap and attempts",
	[redis, withRules],
	(scene, options) => loadInitiate(scene.of(withRules).url, scene.merchants, options),
);

/** Its five gateways are all locked most of the time, and `skip locked` takes a locked one for a missing one. */
export const bullmqTunedOneMerchant = initiations(
	"peer: BullMQ tuned, one merchant",
	[redis, tuned],
	(scene, options) => loadInitiate(scene.of(tuned).url, scene.merchants.slice(0, 1), options),
);

export const bullmqTunedDraining = initiations(
	"peer: BullMQ tuned, a worker taking its jobs",
	[redis, tuned, bullmqWorker],
	(scene, options) => loadInitiate(scene.of(tuned).url, scene.merchants, options),
);

export const batchesAlone = initiations("function alone, 32 a call, 2 connections", [], (scene, options) =>
	callFunction(scene, options, 32, 2),
);

export const callsAlone = initiations("function alone, 1 a call, 8 connections", [], (scene, options) =>
	callFunction(scene, options, 1, 8),
);

async function callFunction(scene: Scene, options: RunOptions, size: number, connections: number): Promise<Throughput> {
	const pool: pg.Pool = createPool({
		connectionString: scene.url("checkout"),
		application_name: "bench",
		max: connections,
	});
	const payment = () => {
		const { id, client_key } = scene.merchants[Math.floor(Math.random() * scene.merchants.length)]!;
		return { client_id: id, client_key, order_id: randomUUID(), amount: 10_000, currency: "INR" };
	};
	try {
		return await loadCalls({ connections, seconds: options.seconds }, async () => {
			const results = await initiatePayments(pool, Array.from({ length: size }, payment));
			return results.filter(({ ok }) => ok).length;
		});
	} finally {
		await pool.end();
	}
}
