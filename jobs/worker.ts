/** The jobs process: `node jobs/worker.ts`. Any number of them may run beside each other. */
import type { Pool } from "pg";
import { registerQueues } from "../db/client/operations.ts";
import { createPool, type PoolOptions } from "../db/client/pool.ts";
import { configureWhatsapp } from "../db/client/whatsapp.ts";
import { createPayoutAdapters } from "../psp/payout-providers.ts";
import { createPspAdapters } from "../psp/providers.ts";
import { startErrorReports } from "../telemetry/error-reports.ts";
import { watchPools } from "../telemetry/metrics.ts";
import { telemetryOptions } from "../telemetry/settings.ts";
import { startTracing } from "../telemetry/tracing.ts";
import { createAlertChannels } from "./alerts/channel.ts";
import { createCheckoutUrls } from "./checkout-urls.ts";
import { createDeliveryGate, gateWidths } from "./delivery-gate.ts";
import { EnvError, type JobsEnv, readEnv } from "./env.ts";
import { type BeatingWorker, startHeartbeat } from "./heartbeat.ts";
import { createLogger } from "./log.ts";
import { createJobsMetrics, serveMetrics } from "./metrics.ts";
import { observeAdapters } from "./observed-adapters.ts";
import { createOutbound } from "./outbound.ts";
import { openQueueDesk } from "./queue-desk.ts";
import { type StartedLane, startLane } from "./runner.ts";
import { describeSchedules, startClock } from "./schedules.ts";
import { createSharedCalls } from "./shared-calls.ts";
import { createStudioClient } from "./studio.ts";
import type { Services, WhatsappChannel } from "./task.ts";
import { DELIVERIES, isDiscardable, lanesFor } from "./task-list.ts";
import { WakeUpCall } from "./wake-up-call.ts";
import { createWhatsappAdapter } from "./whatsapp/settings.ts";
import { TokenKeeper } from "./whatsapp/token-keeper.ts";

/** Of the ten seconds a process has to stop; the rest is for handing back what did not finish. */
const FINISH_MS = 8000;
const STOP_MS = 9800;
/** For the last reports of faults. */
const REPORT_MS = 1000;
/** A PSP that takes as long is told of. */
const SLOW_MS = 5000;

function readEnvOrExit(): JobsEnv {
	try {
		return readEnv(process.env);
	} catch (error) {
		if (!(error instanceof EnvError)) throw error;
		console.error(error.message);
		process.exit(1);
	}
}

const env = readEnvOrExit();
const telemetry = telemetryOptions("jobs", env.telemetry);
const [tracing, reports] = await Promise.all([startTracing(telemetry.tracing), startErrorReports(telemetry.errors)]);
const log = createLogger(env.log_level, reports);
let is_stopping = false;

/** A worker that cannot go on must not look alive: whoever started it starts another. */
function fail(error: unknown, message: string): void {
	if (is_stopping) return;
	log.fatal({ err: error }, message);
	if (reports === null) process.exit(1);
	is_stopping = true;
	reports.close(REPORT_MS).finally(() => process.exit(1));
}
process.on("uncaughtException", (error) => fail(error, "uncaught exception"));
process.on("unhandledRejection", (error) => fail(error, "unhandled rejection"));

const own_lanes = lanesFor(env.egress_groups, env.deliveries_at_once);
// For jobs, which hold a connection only while a statement runs. Where somebody's lock keeps all of them waiting, the next job
// waits too, as long as a statement may: to give up would cost it one of its tries.
const pool = connect("lightspeedpay-jobs", 15, { connectionTimeoutMillis: 60_000 });
// For taking jobs and writing down that they are done; one of them listens for all lanes. Nobody waits for these commits to reach the
// disk: what a job does is durable in commits of its own, which also flush all before them, and a crash of the server that
// loses the note of a job taken or done leaves a job that runs again.
const lane_pool = connect("lightspeedpay-lanes", 6, { options: "-c synchronous_commit=off" });

function connect(application_name: string, max: number, more: Partial<PoolOptions> = {}): Pool {
	const onBroken = (error: Error) => log.debug({ err: error }, "a connection broke");
	return createPool({ connectionString: env.database_url, application_name, max, onBroken, ...more });
}

// A connection of its own: a busy worker is not a dead one. One more, so that a beat never waits for a report.
const heartbeat_pool = connect("lightspeedpay-heartbeat", 2);
const tasks = own_lanes.flatMap((lane) => Object.keys(lane.tasks));
await registerQueues(heartbeat_pool, [
	...tasks.map((queue) => ({
		queue,
		kind: "task" as const,
		period: null,
		is_discardable: isDiscardable(queue),
		is_pausable: true,
	})),
	...describeSchedules(),
]);
const metrics = createJobsMetrics();
watchPools(metrics.registry, { main: pool, lanes: lane_pool, heartbeat: heartbeat_pool });
const metrics_server = env.metrics === null ? null : await serveMetrics(metrics.registry, env.metrics);
const desk = await openQueueDesk({ database: heartbeat_pool, log });
const clock = await startClock({
	connection_string: env.database_url,
	database: pool,
	backups: env.backups,
	desk,
	metrics,
	log,
	onLost: (error) => fail(error, "the clock stopped"),
});
const gate = createDeliveryGate(gateWidths(env.deliveries_at_once));
const outbound = createOutbound({ allowed_hosts: env.outbound_allowed_hosts });
const services: Services = {
	database: pool,
	shared: createSharedCalls(pool, log, () => gate.inside),
	keys: env.encryption_keys,
	adapters: observeAdapters(
		createPspAdapters(env.sandbox_url === null ? {} : { sandbox_url: env.sandbox_url }),
		metrics.psp_requests,
		SLOW_MS,
	),
	payout_adapters: createPayoutAdapters(env.sandbox_url === null ? {} : { sandbox_url: env.sandbox_url }),
	urls: createCheckoutUrls(env),
	outbound,
	alert_channels: createAlertChannels(env.alerts, outbound),
	gate,
	whatsapp: openWhatsapp(),
	studio: createStudioClient(env.studio_url, env.encryption_keys),
	clock,
	metrics,
	tracing,
	log,
};
const { provider = null, sender = null, is_sandbox = false } = services.whatsapp?.adapter ?? {};
// What a worker says that sends no notices is not what the studio wants to know.
if (own_lanes.some(({ name }) => name === "notices")) await configureWhatsapp(pool, provider, sender, is_sandbox);

function openWhatsapp(): WhatsappChannel | null {
	if (env.whatsapp === null) return null;
	const adapter = createWhatsappAdapter(env.whatsapp, env.sandbox_url);
	return { adapter, tokens: new TokenKeeper(pool, env.encryption_keys, adapter) };
}

const beating: BeatingWorker[] = [];
const heartbeat = await startHeartbeat({
	database: heartbeat_pool,
	workers: beating,
	beat_seconds: env.worker_beat_seconds,
	log,
	onPeers: (lane, count) => lane === DELIVERIES && services.gate.shareWith(count),
	onLost: (error) => fail(error, "this worker may have lost its jobs to others"),
});
const lanes: StartedLane[] = [];

async function startLanes(): Promise<void> {
	const wake_up = new WakeUpCall(lane_pool);
	for (const each of own_lanes) {
		if (is_stopping) return;
		const lane = await startLane(each, services, desk, wake_up, (worker) => beating.push(worker));
		// The runner's promise resolves as well when it gave up after losing its database.
		lane.ended.then(
			() => fail(undefined, `the lane ${lane.name} stopped without having been asked`),
			(error: unknown) => fail(error, `the lane ${lane.name} stopped`),
		);
		// Whoever stops the others knows nothing of it yet.
		if (is_stopping) return lane.stop(FINISH_MS);
		lanes.push(lane);
	}
}

async function stop(reason: string): Promise<void> {
	if (is_stopping) return;
	is_stopping = true;
	log.info({ reason }, "stopping");
	setTimeout(() => {
		log.error("could not stop in time; other workers take over what is left");
		process.exit(1);
	}, STOP_MS).unref();
	try {
		// Beats go on until the last job is finished or handed back.
		await Promise.all([clock.stop(FINISH_MS), starting, ...lanes.map((lane) => lane.stop(FINISH_MS))]);
		await Promise.all([heartbeat.stop(), desk.stop()]);
		for (const channel of services.alert_channels) channel.close();
		await services.outbound.close();
		await Promise.all([metrics_server?.close(), tracing?.close(), reports?.close(REPORT_MS)]);
		await Promise.all([heartbeat_pool.end(), lane_pool.end(), pool.end()]);
	} catch (error) {
		log.error({ err: error }, "stopping failed");
		process.exit(1);
	}
	log.info("stopped");
	process.exit(0);
}
// From here on there may be jobs to finish or to hand back.
process.on("SIGTERM", () => stop("SIGTERM"));
process.on("SIGINT", () => stop("SIGINT"));
// Whoever started us over IPC is gone.
process.on("disconnect", () => stop("disconnect"));

const starting = startLanes();
await starting;
if (!is_stopping) {
	log.info(
		{
			lanes: Object.fromEntries(own_lanes.map(({ name, tasks }) => [name, Object.keys(tasks)])),
			sandbox: env.sandbox_url,
			whatsapp: provider,
		},
		"working",
	);
	process.send?.({ ready: true });
}
