/** What befalls the processes and the database while payments are played, and how long until all is well again. */
import { setTimeout as sleep } from "node:timers/promises";
import { deadEndpoint } from "./dead-endpoint.ts";
import { fiftyOrders, fiftyRefunds, hundredWebhooks } from "./floods.ts";
import type { Stage } from "./payer.ts";
import { absurdWebhooks, hostileOrders, poisonedJobs } from "./poison.ts";
import { connectionsTaken, deadlocks, diskFull, logDiskFull, poolsStarved } from "./shortages.ts";
import { studioKilled } from "./studio.ts";
import type { World } from "./world.ts";

export interface Disaster {
	name: string;
	/** Of the way through the storm. */
	at: number;
	/** Whoever loses its connections, or finds them timed out, says so in its log. */
	breaks_connections?: true;
	/** How long it may take, where that is longer than MOST_SECONDS. */
	patience_seconds?: number;
	/** Null where it is one blow, of which all that counts is that it ends. */
	strike(stage: Stage): Promise<Blow | null>;
	/** Asked until it says so. Told of the jobs that were under way when it struck. */
	isOver(world: World, under_way: ReadonlySet<string>): Promise<boolean>;
}

/** Of a disaster that is many at once. */
export interface Blow {
	injected: number;
	survived: number;
	/** What was measured. */
	note?: string;
	/** What must not have happened. */
	faults: string[];
}

export interface Survived extends Blow {
	name: string;
	/** By this machine's clock, as logs have it. */
	struck_at: number;
	breaks_connections: boolean;
	/** Null: it was not well again in time. */
	seconds: number | null;
}

const MOST_SECONDS = 90;

/** Database, notifications and workers, as checkout sees them. */
export async function isReady({ checkout_url }: World): Promise<boolean> {
	const response = await fetch(`${checkout_url}/readyz`).catch(() => null);
	await response?.arrayBuffer().catch(() => null);
	return response?.status === 200;
}

/** Nobody is left with a job of whoever is gone. */
async function isTakenOver({ admin }: World, under_way: ReadonlySet<string>): Promise<boolean> {
	return [...(await jobsUnderWay(admin))].every((job) => !under_way.has(job));
}

export async function jobsUnderWay(admin: World["admin"], worker = ""): Promise<Set<string>> {
	const { rows } = await admin.query<{ job: string }>(
		`select id || ' ' || locked_by || ' ' || attempts as job from graphile_worker._private_jobs
			where locked_at is not null and ($1 = '' or locked_by like '%' || $1 || '%')`,
		[worker],
	);
	return new Set(rows.map(({ job }) => job));
}

const kill = (at: number, part: "checkout" | "jobs-1" | "jobs-2"): Disaster => ({
	name: `kill -9 of ${part}`,
	at,
	strike: ({ world }) => world.restart(part, "SIGKILL").then(() => null),
	isOver: async (world, under_way) =>
		(await isReady(world)) && (part === "checkout" || (await isTakenOver(world, under_way))),
});

const connections = (at: number): Disaster => ({
	name: "every connection terminated",
	at,
	breaks_connections: true,
	async strike({ world }) {
		await world.admin.query(
			"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename in ('checkout', 'jobs')",
		);
		return null;
	},
	isOver: isReady,
});

const crash = (at: number): Disaster => ({
	name: "pg_ctl stop -m immediate",
	at,
	breaks_connections: true,
	strike: ({ world }) => world.crashDatabase().then(() => null),
	isOver: isReady,
});

const standstill = (at: number): Disaster => ({
	name: "a worker stands still for 20 s",
	at,
	breaks_connections: true,
	async strike({ world }) {
		await world.signal("jobs-2", "SIGSTOP");
		await sleep(20_000);
		await world.signal("jobs-2", "SIGCONT");
		return null;
	},
	isOver: isTakenOver,
});

const stop = (at: number): Disaster => ({
	name: "SIGTERM of checkout in mid-payment",
	at,
	strike: ({ world }) => world.restart("checkout", "SIGTERM").then(() => null),
	isOver: isReady,
});

export const SHORT: readonly Disaster[] = [
	fiftyOrders(0.1),
	absurdWebhooks(0.15),
	hostileOrders(0.2),
	poisonedJobs(0.25),
	kill(0.35, "jobs-1"),
	kill(0.5, "checkout"),
	connections(0.6),
	kill(0.7, "jobs-2"),
	hundredWebhooks(0.8),
];

/** Those that need a server, a disk or a studio of their own are left out where there is none. */
export function longDisasters({ database, studio }: World): Disaster[] {
	return [
		fiftyOrders(0.03),
		hundredWebhooks(0.06),
		kill(0.09, "checkout"),
		poisonedJobs(0.13),
		kill(0.17, "jobs-1"),
		absurdWebhooks(0.21),
		hostileOrders(0.24),
		deadlocks(0.28),
		connections(0.33),
		connectionsTaken(0.38),
		crash(0.44),
		poolsStarved(0.5),
		...(database.disk ? [diskFull(0.55), logDiskFull(0.6)] : []),
		standstill(0.66),
		...(studio === null ? [] : [studioKilled(0.71)]),
		fiftyRefunds(0.75),
		stop(0.79),
		deadEndpoint(0.83),
		kill(0.92, "jobs-2"),
	];
}

/** Strikes, and waits until it is over. */
export async function survive(stage: Stage, disaster: Disaster): Promise<Survived> {
	const { world } = stage;
	const under_way = await jobsUnderWay(world.admin);
	const struck_at = Date.now();
	const { name, breaks_connections = false, patience_seconds = MOST_SECONDS } = disaster;
	let blow: Blow;
	try {
		blow = (await disaster.strike(stage)) ?? { injected: 1, survived: 1, faults: [] };
	} catch (error) {
		blow = { injected: 1, survived: 0, faults: [`it broke off: ${(error as Error).stack}`] };
	}
	const survived = { name, struck_at, breaks_connections, ...blow };
	for (const deadline = Date.now() + patience_seconds * 1000; Date.now() < deadline; await sleep(100)) {
		if (!(await disaster.isOver(world, under_way))) continue;
		return { ...survived, seconds: Math.round((Date.now() - struck_at) / 100) / 10 };
	}
	return { ...survived, survived: 0, seconds: null };
}
