/**
 * Minutes of steady load, watched: what grows with time is found here and not after a week. From the second third on finance reads
 * for as long as its role's time limits let it, which holds back the clean-up of every hot row: dead ones pile up until the limit
 * ends it, are cleared, and pile up again. What must not grow are these heights. In less than five minutes there are too few to tell.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { createConnection } from "../db/client/connection.ts";
import { readReports, runReport } from "../scripts/reports.ts";
import type { RunOptions } from "./goal.ts";
import { loadInitiate } from "./load.ts";
import type { Part } from "./parts.ts";
import type { Scene } from "./scene.ts";
import { median } from "./verdict.ts";

export type SoakFigures = {
	per_second: number;
	p50: number;
	/** Of the minute with the highest. */
	worst_p99: number;
	errors: number;
	/** The processes' memory: the last quarter beside the second. */
	memory_growth: number;
	memory_mb: number;
	/** Of the hot tables, before finance reads. */
	dead_rows: number;
	/** And at their most while it does: the second half of that time beside the first. */
	dead_row_growth: number;
	most_dead_rows: number;
	/** Jobs that were due, in the last quarter. */
	due_jobs: number;
	jobs_per_second: number;
	/** Of finance's, ended by its limits. */
	reports_ended: number;
};

interface Sample {
	/** MB by process. */
	memory: Record<string, number>;
	dead_rows: Record<string, number>;
	due_jobs: number;
	done_jobs: number;
}

const EVERY_MS = 5_000;
/** Their rows are updated by each payment; dead ones are a share of them however many payments there have been. */
const HOT = ["gateway_states", "client_usage", "_private_jobs"];
/** Grow with each payment; what counts is how many of their rows are dead. */
const GROWING = ["transactions", "payment_attempts"];

export async function soak(
	scene: Scene,
	parts: Part[],
	rate: number,
	seconds: number,
	options: RunOptions,
): Promise<SoakFigures> {
	const [checkout] = parts;
	const admin = createConnection({ connectionString: scene.admin_url });
	await admin.connect();
	const samples: Sample[] = [];
	const slices: Awaited<ReturnType<typeof loadInitiate>>[] = [];
	const finance = { ended: 0, is_over: false };
	let reads_from = 0;
	let is_over = false;
	try {
		const slice = { connections: options.connections, seconds: Math.min(60, seconds / 10), rate };
		const url = scene.of(checkout!).url;
		// What starts up, and the plans and caches of the first payments, are no growth.
		await loadInitiate(url, scene.merchants, { ...slice, seconds: Math.min(20, seconds / 5) });
		const watching = (async () => {
			while (!is_over) {
				samples.push(await takeSample(admin, scene, parts));
				await sleep(EVERY_MS);
			}
		})();
		// A process that is gone is told of when its load has ended; until then this must not end the bench.
		watching.catch(() => {});
		let reading: Promise<void> | undefined;
		for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
			slices.push(await loadInitiate(url, scene.merchants, slice));
			const { per_second, p50, p99, refused } = slices.at(-1)!;
			const { memory, dead_rows, due_jobs } = samples.at(-1)!;
			options.report(
				`${Math.round(per_second)}/s, p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms, refused ${refused}, ${due_jobs} jobs due, MB ${words(memory)}, dead rows ${words(dead_rows)}`,
			);
			if (reading === undefined && performance.now() > end - (seconds * 2_000) / 3) {
				options.report("finance reads from here on");
				reads_from = samples.length;
				reading = readWithoutEnd(scene.url("finance"), finance);
			}
		}
		is_over = true;
		finance.is_over = true;
		await Promise.all([watching, reading]);
	} finally {
		is_over = true;
		finance.is_over = true;
		await admin.end();
	}
	const memoryOf = (sample: Sample) => sum(Object.values(sample.memory));
	const hotRowsOf = ({ dead_rows }: Sample) => sum(HOT.map((table) => dead_rows[table] ?? 0));
	const quarter = (number: number) =>
		samples.slice(Math.floor((samples.length * (number - 1)) / 4), Math.ceil((samples.length * number) / 4));
	const usual = (of: Sample[], figure: (sample: Sample) => number) => median(of.map(figure));
	const halfway = Math.floor((reads_from + samples.length) / 2);
	const most = (of: Sample[]) => Math.max(...of.map(hotRowsOf));
	const last = quarter(4);
	return {
		per_second: median(slices.map(({ per_second }) => per_second)),
		p50: median(slices.map(({ p50 }) => p50)),
		worst_p99: Math.max(...slices.map(({ p99 }) => p99)),
		errors: sum(slices.map(({ refused }) => refused)),
		memory_growth: usual(last, memoryOf) / usual(quarter(2), memoryOf),
		memory_mb: usual(last, memoryOf),
		dead_rows: usual(samples.slice(0, reads_from), hotRowsOf),
		dead_row_growth: most(samples.slice(halfway)) / most(samples.slice(reads_from, halfway)),
		most_dead_rows: most(samples.slice(reads_from)),
		due_jobs: usual(last, ({ due_jobs }) => due_jobs),
		jobs_per_second: ((samples.at(-1)!.done_jobs - samples[0]!.done_jobs) / (samples.length - 1) / EVERY_MS) * 1_000,
		reports_ended: finance.ended,
	};
}

async function takeSample(admin: pg.Client, scene: Scene, parts: Part[]): Promise<Sample> {
	const { rows: tables } = await admin.query<{ table: string; dead: number }>(
		`select relname as "table", n_dead_tup::float8 as dead from pg_stat_user_tables where relname = any ($1)`,
		[[...HOT, ...GROWING]],
	);
	const { rows } = await admin.query<{ due: number; done: number; server: number; passing: number[] }>(
		`select (select count(*)::float8 from graphile_worker._private_jobs where run_at <= now()) as due,
			(select n_tup_del::float8 from pg_stat_user_tables where relname = '_private_jobs') as done, pg_backend_pid() as server,
			array(select pid from pg_stat_activity where usename = 'finance' or backend_type = 'autovacuum worker') as passing`,
	);
	const { due, done, server, passing } = rows[0]!;
	const memory = Object.fromEntries(parts.map((part) => [part.name, residentMegabytes(scene.of(part).pid)]));
	return {
		memory: { ...memory, postgres: serverMegabytes(server, passing) },
		dead_rows: Object.fromEntries(tables.map(({ table, dead }) => [table, dead])),
		due_jobs: due,
		done_jobs: done,
	};
}

function residentMegabytes(pid: number): number {
	return kilobytes(readFileSync(`/proc/${pid}/status`, "utf8"), "VmRSS") / 1_024;
}

/**
 * What the server's processes have for themselves, without those that come and go; the pages they share are its fixed size.
 */
function serverMegabytes(backend: number, passing: number[]): number {
	const parentOf = (pid: string | number) =>
		/ (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!)?.[1];
	const postmaster = parentOf(backend);
	let total = 0;
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			if (parentOf(pid) === postmaster && !passing.includes(Number(pid)))
				total += kilobytes(readFileSync(`/proc/${pid}/status`, "utf8"), "RssAnon");
		} catch {
			// It ended meanwhile.
		}
	}
	return total / 1_024;
}

function kilobytes(status: string, field: string): number {
	return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}

/** One report after the other in a transaction that is never finished: its limits end it, and it starts again. */
async function readWithoutEnd(url: string, state: { ended: number; is_over: boolean }): Promise<void> {
	const reports = readReports().filter(({ parameters }) => !parameters.includes("client (required)"));
	while (!state.is_over) {
		const finance = createConnection({ connectionString: url });
		try {
			await finance.connect();
			await finance.query("begin isolation level repeatable read");
			const { rows } = await finance.query<{ today: string; year_ago: string }>(
				"select current_date::text as today, (current_date - 365)::text as year_ago",
			);
			while (!state.is_over) {
				for (const report of reports) {
					await runReport(finance, report, { from: rows[0]!.year_ago, to: rows[0]!.today });
				}
				await sleep(1_000);
			}
		} catch {
			state.ended++;
		} finally {
			await finance.end();
		}
	}
}

function sum(numbers: number[]): number {
	return numbers.reduce((total, each) => total + each, 0);
}

function words(figures: Record<string, number>): string {
	return Object.entries(figures)
		.map(([name, figure]) => `${name} ${Math.round(figure)}`)
		.join(", ");
}
