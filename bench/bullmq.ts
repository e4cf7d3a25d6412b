/** Redis, and the peers that use it (bullmq-peers.ts). */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createConnection } from "../db/client/connection.ts";
import { freePort } from "../db/cluster.ts";
import { NotHere } from "./goal.ts";
import { type Part, type Running, startScript } from "./parts.ts";
import type { Ground } from "./scene.ts";

const PATIENCE_MS = 10_000;

/** As people run it for queues: every write in its log, which is flushed once a second. */
export const redis: Part = {
	name: "redis",
	async start(ground) {
		if (spawnSync("redis-server", ["--version"]).error !== undefined) {
			throw new NotHere("redis-server is missing: install it with `apt-get install redis-server`");
		}
		const port = await freePort();
		const directory = join(ground.home, `redis-${port}`);
		await mkdir(directory);
		const settings = { port, bind: "127.0.0.1", dir: directory, appendonly: "yes", appendfsync: "everysec", save: "" };
		const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
		// The shell waits on our pipe, so that the server ends with us however we end.
		const shell = spawn("sh", ["-c", '"$@" & read -r _; kill $!; wait $!', "sh", "redis-server", ...args], {
			stdio: ["pipe", "ignore", "ignore"],
			detached: true,
		});
		const ended = once(shell, "exit");
		const stop = async () => {
			shell.stdin.end();
			await ended;
		};
		try {
			await untilItListens(port);
		} catch (error) {
			await stop();
			throw error;
		}
		return { url: `redis://127.0.0.1:${port}`, pid: shell.pid!, stop };
	},
};

async function untilItListens(port: number): Promise<void> {
	for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
		const socket = connect(port, "127.0.0.1");
		const opened = await once(socket, "connect").then(
			() => true,
			() => false,
		);
		socket.destroy();
		if (opened) return;
	}
	throw new Error(`redis-server does not listen after ${PATIENCE_MS / 1_000} s.`);
}

export const asWritten = bullmqPart("written");
export const tuned = bullmqPart("tuned");
/** Tuned, and does what ours does for each payment besides. */
export const withRules = bullmqPart("rules");
/** Takes the jobs of any and does nothing. */
export const bullmqWorker = bullmqPart("worker");

function bullmqPart(kind: string): Part {
	return {
		name: `bullmq ${kind}`,
		async start(ground, running): Promise<Running> {
			await makePeerTables(ground);
			return startScript(ground, `bullmq ${kind}`, "bench/bullmq-peers.ts", [kind], {
				DATABASE_URL: ground.url("owner"),
				REDIS_PORT: new URL(running(redis)!.url).port,
			});
		},
	};
}

/** The same merchants and gateways, with what the peers read of them; the row that each payment updates is kept narrow. */
async function makePeerTables(ground: Ground): Promise<void> {
	const owner = createConnection({ connectionString: ground.url("owner") });
	await owner.connect();
	try {
		const { rows } = await owner.query("select to_regclass('peer.merchants') is not null as made");
		if (rows[0].made) return;
		await owner.query(`
			create schema peer;
			create table peer.merchants (id uuid primary key, client_key text not null unique, client_salt text not null);
			create table peer.gateways (
				id uuid primary key,
				merchant_id uuid not null references peer.merchants,
				is_active boolean not null default true,
				volume bigint not null default 0,
				last_used_at timestamptz
			) with (fillfactor = 70);
			create index on peer.gateways (merchant_id);
			create table peer.transactions (
				id uuid primary key,
				merchant_id uuid not null references peer.merchants,
				order_id text not null,
				gateway_id uuid not null references peer.gateways,
				amount bigint not null check (amount > 0),
				currency text not null,
				status text not null default 'created',
				created_at timestamptz not null default now(),
				unique (merchant_id, order_id)
			);
			create table peer.usage (
				merchant_id uuid primary key references peer.merchants,
				rate_limit integer not null default 2000000000,
				window_started_at timestamptz not null default now(),
				window_count integer not null default 0,
				daily_cap bigint,
				day date not null default current_date,
				day_amount bigint not null default 0
			) with (fillfactor = 70);
			create table peer.attempts (
				id uuid primary key,
				transaction_id uuid not null references peer.transactions,
				gateway_id uuid not null references peer.gateways,
				status text not null default 'created',
				created_at timestamptz not null default now()
			);
			create index on peer.attempts (transaction_id);
			create function peer.take(p_merchant_id uuid, p_order_id text, p_amount bigint, p_currency text) returns uuid
			language plpgsql as $$
			declare
				v_id uuid;
				v_gateway_id uuid;
			begin
				select id into v_id from peer.transactions where merchant_id = p_merchant_id and order_id = p_order_id;
				if found then
					return v_id;
				end if;
				update peer.usage set
						window_count = 1 + case when window_started_at > now() - interval '1 minute' then window_count else 0 end,
						window_started_at = case when window_started_at > now() - interval '1 minute' then window_started_at else now() end,
						day_amount = p_amount + case day when current_date then day_amount else 0 end,
						day = current_date
					where merchant_id = p_merchant_id
						and (window_count < rate_limit or window_started_at <= now() - interval '1 minute')
						and (daily_cap is null or p_amount + case day when current_date then day_amount else 0 end <= daily_cap);
				if not found then
					return null;
				end if;
				select id into v_gateway_id from peer.gateways where merchant_id = p_merchant_id and is_active
					order by last_used_at nulls first limit 1 for update skip locked;
				if not found then
					raise exception 'no gateway';
				end if;
				update peer.gateways set volume = volume + p_amount, last_used_at = now() where id = v_gateway_id;
				insert into peer.transactions (id, merchant_id, order_id, gateway_id, amount, currency)
					values (uuidv7(), p_merchant_id, p_order_id, v_gateway_id, p_amount, p_currency) returning id into v_id;
				insert into peer.attempts (id, transaction_id, gateway_id) values (uuidv7(), v_id, v_gateway_id);
				return v_id;
			end
			$$`);
		await owner.query(
			`insert into peer.merchants select id, client_key, client_salt
				from jsonb_to_recordset($1) r (id uuid, client_key text, client_salt text)`,
			[JSON.stringify(ground.merchants)],
		);
		await owner.query(
			"insert into peer.gateways (id, merchant_id) select g.id, g.client_id from public.payment_gateways g join peer.merchants m on m.id = g.client_id",
		);
		await owner.query("insert into peer.usage (merchant_id) select id from peer.merchants");
		await owner.query("analyze peer.merchants, peer.gateways, peer.usage");
	} finally {
		await owner.end();
	}
}
