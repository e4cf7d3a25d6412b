/**
 * The same payment taken with BullMQ on Redis beside PostgreSQL, for comparison. Run as a process of its own:
 *   node bench/bullmq-peers.ts written|tuned|rules|worker     (DATABASE_URL, REDIS_PORT; tells its port over IPC)
 *
 *   written  as people write it: Express, the merchant looked up by its key, a transaction of single statements, queue.add
 *   tuned    merchants in memory, one prepared statement a payment, the jobs of a tick in one addBulk, ioredis pipelines by itself
 *   rules    tuned, and its statement also keeps a rate limit and a daily cap and writes the attempt, as ours does (peer.take)
 *   worker   takes the jobs and does nothing
 *
 * All verify the signature as we do, are idempotent by the merchant's order id and choose the gateway unused for longest. They
 * have lean tables of their own (bullmq.ts) with salts in plain text; the first two have neither caps, rate limits nor attempts:
 * what that would cost, they are spared. All lose something that we do not: a crash after the commit and
 * before the job is in Redis leaves a payment without its job, and a crash of Redis takes up to a second of jobs with it.
 */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { Queue, Worker } from "bullmq";
import express, { type Request } from "express";
import { Redis } from "ioredis";
import pg from "pg";

interface Merchant {
	id: string;
	client_key: string;
	client_salt: string;
}

interface Payment {
	merchant_id: string;
	order_id: string;
	amount: number;
	currency: string;
}

const QUEUE = "psp-orders";
const WINDOW_SECONDS = 300;

const kind = process.argv[2];
const redis = {
	host: "127.0.0.1",
	port: Number(process.env.REDIS_PORT),
	// BullMQ's own rule for workers.
	maxRetriesPerRequest: null,
};
process.on("disconnect", () => process.exit(0));
process.on("SIGTERM", () => process.exit(0));

/** Null: no gateway was found free. */
type Take = (payment: Payment) => Promise<string | null>;

function asWritten(pool: pg.Pool): Take {
	const queue = new Queue(QUEUE, { connection: new Redis(redis) });
	return async ({ merchant_id, order_id, amount, currency }) => {
		const client = await pool.connect();
		let id: string;
		try {
			await client.query("begin");
			const { rows: gateways } = await client.query<{ id: string }>(
				`select id from peer.gateways where merchant_id = $1 and is_active
				order by last_used_at nulls first limit 1 for update skip locked`,
				[merchant_id],
			);
			const gateway = gateways[0];
			if (gateway === undefined) {
				await client.query("rollback");
				return null;
			}
			await client.query("update peer.gateways set volume = volume + $2, last_used_at = now() where id = $1", [
				gateway.id,
				amount,
			]);
			id = randomUUID();
			const { rowCount } = await client.query(
				`insert into peer.transactions (id, merchant_id, order_id, gateway_id, amount, currency)
				values ($1, $2, $3, $4, $5, $6) on conflict (merchant_id, order_id) do nothing`,
				[id, merchant_id, order_id, gateway.id, amount, currency],
			);
			if (rowCount === 0) {
				await client.query("rollback");
				return await findPayment(client, merchant_id, order_id);
			}
			await client.query("commit");
		} catch (error) {
			await client.query("rollback");
			throw error;
		} finally {
			client.release();
		}
		await queue.add("create_psp_order", { transaction_id: id }, { removeOnComplete: true });
		return id;
	};
}

/** The jobs of a tick go together; resolves when Redis has them. */
function bulkQueue(): (transaction_id: string) => Promise<unknown> {
	const queue = new Queue(QUEUE, { connection: new Redis({ ...redis, enableAutoPipelining: true }) });
	let waiting: string[] = [];
	let added: Promise<unknown> | null = null;
	return (id) => {
		waiting.push(id);
		added ??= new Promise((resolve, reject) => {
			setImmediate(() => {
				const jobs = waiting.map((transaction_id) => ({
					name: "create_psp_order",
					data: { transaction_id },
					opts: { removeOnComplete: true },
				}));
				waiting = [];
				added = null;
				queue.addBulk(jobs).then(resolve, reject);
			});
		});
		return added;
	};
}

function tuned(pool: pg.Pool): Take {
	const enqueue = bulkQueue();
	return async ({ merchant_id, order_id, amount, currency }) => {
		const { rows } = await pool.query<{ id: string }>({
			name: "take",
			text: `with free as (
					select id from peer.gateways where merchant_id = $1 and is_active
					order by last_used_at nulls first limit 1 for update skip locked
				), used as (
					update peer.gateways g set volume = volume + $3, last_used_at = now() from free where g.id = free.id returning g.id
				)
				insert into peer.transactions (id, merchant_id, order_id, gateway_id, amount, currency)
				select uuidv7(), $1, $2, used.id, $3, $4 from used on conflict (merchant_id, order_id) do nothing returning id`,
			values: [merchant_id, order_id, amount, currency],
		});
		const made = rows[0];
		if (made === undefined) return findPayment(pool, merchant_id, order_id);
		await enqueue(made.id);
		return made.id;
	};
}

function withRules(pool: pg.Pool): Take {
	const enqueue = bulkQueue();
	return async ({ merchant_id, order_id, amount, currency }) => {
		const { rows } = await pool.query<{ id: string | null }>({
			name: "take",
			text: "select peer.take($1, $2, $3, $4) as id",
			values: [merchant_id, order_id, amount, currency],
		});
		const { id } = rows[0]!;
		if (id !== null) await enqueue(id);
		return id;
	};
}

async function findPayment(database: pg.Pool | pg.PoolClient, merchant_id: string, order_id: string) {
	const { rows } = await database.query<{ id: string }>(
		"select id from peer.transactions where merchant_id = $1 and order_id = $2",
		[merchant_id, order_id],
	);
	return rows[0]?.id ?? null;
}

type Find = (client_key: string) => Merchant | undefined | Promise<Merchant | undefined>;

function lookUpMerchants(pool: pg.Pool): Find {
	return async (client_key) => {
		const { rows } = await pool.query<Merchant>(
			"select id, client_key, client_salt from peer.merchants where client_key = $1",
			[client_key],
		);
		return rows[0];
	};
}

async function rememberMerchants(pool: pg.Pool): Promise<Find> {
	const { rows } = await pool.query<Merchant>("select id, client_key, client_salt from peer.merchants");
	const merchants = new Map(rows.map((merchant) => [merchant.client_key, merchant]));
	return (client_key) => merchants.get(client_key);
}

function isSigned(merchant: Merchant, request: Request): boolean {
	const timestamp = request.get("x-timestamp") ?? "";
	if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > WINDOW_SECONDS) return false;
	const expected = createHmac("sha256", merchant.client_salt)
		.update(`${timestamp}.POST./payment/initiate.`)
		.update((request as Request & { raw: Buffer }).raw)
		.digest();
	const given = Buffer.from(request.get("x-signature") ?? "", "hex");
	return given.length === expected.length && timingSafeEqual(given, expected);
}

async function serve(): Promise<void> {
	// Enough to keep two processors and their disk busy; more only wait for each other.
	const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
	pool.on("error", () => {});
	const find = kind === "written" ? lookUpMerchants(pool) : await rememberMerchants(pool);
	const take = kind === "written" ? asWritten(pool) : kind === "tuned" ? tuned(pool) : withRules(pool);
	const app = express();
	app.use(
		express.json({
			verify: (request, _response, raw) => {
				Object.assign(request, { raw });
			},
		}),
	);
	app.post("/payment/initiate", async (request, response) => {
		const merchant = await find(request.get("x-client-key") ?? "");
		if (merchant === undefined || !isSigned(merchant, request)) {
			response.status(401).json({ error: "unauthorized" });
			return;
		}
		const { order_id, amount, currency } = request.body;
		if (typeof order_id !== "string" || !Number.isSafeInteger(amount) || amount <= 0 || currency !== "INR") {
			response.status(400).json({ error: "invalid_request" });
			return;
		}
		const transaction_id = await take({ merchant_id: merchant.id, order_id, amount, currency });
		if (transaction_id === null) response.status(503).json({ error: "no_gateway" });
		else response.json({ transaction_id, status: "created", order_id, amount, currency });
	});
	const server = app.listen(0, "127.0.0.1", () => {
		process.send?.({ ready: true, port: (server.address() as AddressInfo).port });
	});
}

async function work(): Promise<void> {
	const worker = new Worker(QUEUE, async () => {}, { connection: new Redis(redis), concurrency: 50 });
	await worker.waitUntilReady();
	process.send?.({ ready: true });
}

await (kind === "worker" ? work() : serve());
