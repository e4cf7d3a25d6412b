/** What befalls the processes and the database while payments are played, and how long until all is well again. */
import { setTimeout as sleep } from "node:timers/promises";
import type { World } from "./world.ts";

export interface Disaster {
	name: string;
	/** Of the way through the storm. */
	at: number;
	/** Whoever loses its connections, or finds them timed out, says so in its log. */
	breaks_connections?: true;
	strike(world: World): Promise<void>;
	/** Asked until it says so. Told of the jobs that were under way when it struck. */
	isOver(world: World, under_way: ReadonlySet<string>): Promise<boolean>;
}

export interface Survived {
	name: string;
	/** By this machine's clock, as logs have it. */
	struck_at: number;
	breaks_connections: boolean;
	/** Null: it was not well again in time. */
	seconds: number | null;
}

const MOST_SECONDS = 90;

/** Database, notifications and workers, as checkout sees them. */
async function isReady({ checkout_url }: World): Promise<boolean> {
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
	strike: (world) => world.restart(part, "SIGKILL"),
	isOver: async (world, under_way) =>
		(await isReady(world)) && (part === "checkout" || (await isTakenOver(world, under_way))),
});

const connections = (at: number): Disaster => ({
	name: "every connection terminated",
	at,
	breaks_connections: true,
	async strike({ admin }) {
		await admin.query(
			"select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename in ('checkout', 'jobs')",
		);
	},
	isOver: isReady,
});

export const SHORT: readonly Disaster[] = [
	kill(0.35, "jobs-1"),
	kill(0.5, "checkout"),
	connections(0.6),
	kill(0.7, "jobs-2"),
];

export const LONG: readonly Disaster[] = [
	kill(0.1, "checkout"),
	kill(0.2, "jobs-1"),
	connections(0.35),
	{
		name: "pg_ctl stop -m immediate",
		at: 0.45,
		breaks_connections: true,
		strike: (world) => world.crashDatabase(),
		isOver: isReady,
	},
	{
		name: "a worker stands still for 20 s",
		at: 0.6,
		breaks_connections: true,
		async strike(world) {
			world.signal("jobs-2", "SIGSTOP");
			await sleep(20_000);
			world.signal("jobs-2", "SIGCONT");
		},
		isOver: isTakenOver,
	},
	{
		name: "SIGTERM of checkout in mid-payment",
		at: 0.75,
		strike: (world) => world.restart("checkout", "SIGTERM"),
		isOver: isReady,
	},
	kill(0.85, "jobs-2"),
];

/** Strikes, and waits until it is over. */
export async function survive(world: World, disaster: Disaster): Promise<Survived> {
	const under_way = await jobsUnderWay(world.admin);
	const struck_at = Date.now();
	const { name, breaks_connections = false } = disaster;
	await disaster.strike(world);
	for (const deadline = struck_at + MOST_SECONDS * 1000; Date.now() < deadline; await sleep(100)) {
		if (!(await disaster.isOver(world, under_way))) continue;
		return { name, struck_at, breaks_connections, seconds: Math.round((Date.now() - struck_at) / 100) / 10 };
	}
	return { name, struck_at, breaks_connections, seconds: null };
}
