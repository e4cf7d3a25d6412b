import pg from "pg";
import { type Logger, pino } from "pino";
import type { Queryable } from "../db/client/call.ts";
import { DomainError } from "../db/client/errors.ts";
import { LOG_REDACTION } from "../db/client/log-redaction.ts";
import { createPool } from "../db/client/pool.ts";
import type { EncryptionKeys } from "../db/client/secrets.ts";
import type { PspAdapter } from "../psp/adapter.ts";
import { createPspAdapters } from "../psp/providers.ts";
import { type ErrorReports, reportingHooks, startErrorReports } from "../telemetry/error-reports.ts";
import { watchPools } from "../telemetry/metrics.ts";
import { telemetryOptions } from "../telemetry/settings.ts";
import { startTracing, type Tracing } from "../telemetry/tracing.ts";
import { AddressGuard } from "./address-guard.ts";
import { ClientDirectory } from "./client-directory.ts";
import { type DatabaseClock, startDatabaseClock } from "./database-clock.ts";
import { DatabaseListener } from "./database-listener.ts";
import type { Env } from "./env.ts";
import { addDatabaseMetrics } from "./features/metrics/database-metrics.ts";
import { BATCHES_AT_ONCE } from "./features/payments/service.ts";
import { StatusHub } from "./features/status/hub.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

/** What the routes are built from; made once by server.ts, or by a test. */
export interface Dependencies {
	env: Env;
	logger: Logger;
	/** For reads and single calls. A database that cannot be reached rejects with DomainError service_unavailable. */
	pool: Queryable;
	/** Connections that only initiations use, so that nothing else makes them wait. */
	initiationPool: Queryable;
	keys: EncryptionKeys;
	/** By provider. */
	adapters: ReadonlyMap<string, PspAdapter>;
	clock: DatabaseClock;
	listener: DatabaseListener;
	clients: ClientDirectory;
	hub: StatusHub;
	addresses: AddressGuard;
	metrics: Metrics;
	/** Brings the figures of the database up to date. */
	refreshMetrics(): Promise<void>;
	/** Null: nobody traces. */
	tracing: Tracing | null;
	close(): Promise<void>;
}

/** Connects to the database; rejects when that fails. */
export async function createDependencies(env: Env): Promise<Dependencies> {
	const telemetry = telemetryOptions("checkout", env);
	const [tracing, reports] = await Promise.all([startTracing(telemetry.tracing), startErrorReports(telemetry.errors)]);
	const logger = createLogger(env, reports);
	// The first for pages, look-ups and webhooks, each a millisecond or two: ten answer some 5,000 a second, more than this process
	// parses. Initiations share calls and need no more connections than calls run at once; batcher.ts sheds what is too much.
	const pools = [
		createPool({ connectionString: env.DATABASE_URL, application_name: "checkout", max: 10 }),
		createPool({ connectionString: env.DATABASE_URL, application_name: "checkout-initiate", max: BATCHES_AT_ONCE }),
	] as const;
	const pool = reachable(pools[0]);
	const listener = new DatabaseListener(env.DATABASE_URL, logger);
	const metrics = createMetrics();
	watchPools(metrics.registry, { main: pools[0], initiate: pools[1] });
	const clients = new ClientDirectory(pool, env.ENCRYPTION_KEYS, listener, (result) =>
		metrics.cache.inc({ cache: "clients", result }),
	);
	const hub = new StatusHub(pool, listener, (err) => logger.error({ err }, "cannot read a transaction for its stream"));
	listener.on("connected", () => metrics.listener_connected.set(1));
	listener.on("disconnected", () => metrics.listener_connected.set(0));
	const endPools = () => Promise.all(pools.map((each) => each.end()));
	let clock: DatabaseClock;
	try {
		clock = await startDatabaseClock(pool, (err) => logger.warn({ err }, "cannot measure the database's time"));
		await listener.start();
	} catch (error) {
		await endPools();
		throw error;
	}
	const addresses = new AddressGuard(
		pool,
		() => clock.now(),
		(err) => logger.warn({ err }, "cannot share what was counted of addresses"),
	);
	await addresses.share();
	addresses.start();
	return {
		env,
		logger,
		pool,
		initiationPool: reachable(pools[1]),
		keys: env.ENCRYPTION_KEYS,
		adapters: new Map(Object.entries(createPspAdapters({ sandbox_url: env.SANDBOX_URL }))),
		clock,
		listener,
		clients,
		hub,
		addresses,
		metrics,
		refreshMetrics: addDatabaseMetrics(metrics.registry, pool),
		tracing,
		async close() {
			await addresses.stop();
			clock.stop();
			await listener.stop();
			await endPools();
			await Promise.all([tracing?.close(), reports?.close(REPORT_MS)]);
		},
	};
}

/** What stopping waits for the last reports of faults. */
const REPORT_MS = 1_000;

/** SQLSTATE classes (and codes) of a database that cannot answer now: connection, resources, shut-down, time-out, deadlock. */
const UNREACHABLE = /^(08|40|53|55P03|57)/;

/**
 * A database that cannot answer now is a 503 that the caller may repeat. Only errors with an SQLSTATE of another class are
 * about the statement; the driver's own (no connection, connection lost, none free in time) have no SQLSTATE.
 */
function reachable(pool: pg.Pool): Queryable {
	const query = async (config: pg.QueryConfig): Promise<pg.QueryResult> => {
		try {
			return await pool.query(config);
		} catch (cause) {
			const sqlstate = cause instanceof pg.DatabaseError ? cause.code : undefined;
			if (sqlstate !== undefined && !UNREACHABLE.test(sqlstate)) throw cause;
			throw new DomainError("service_unavailable", {
				message: "The service cannot answer now. Try again as Retry-After says.",
				retry_after_seconds: 2,
				cause,
			});
		}
	};
	return { query: query as Queryable["query"] };
}

/** Lines are written by the kilobyte: one write a request would cost more than the request's own work. */
function createLogger(env: Env, reports: ErrorReports | null): Logger {
	const destination = pino.destination({ dest: 1, sync: false, minLength: 4096, periodicFlush: 200 });
	return pino(
		{ level: env.LOG_LEVEL, base: { part: "checkout" }, ...LOG_REDACTION, ...reportingHooks(reports) },
		destination,
	);
}
