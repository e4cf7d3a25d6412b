/** The queue monitor: who waits, what failed, and what a person can do about it. */
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import {
	callDatabase,
	holdsPolicy,
	type Request,
	type Router,
	readBody,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { namesOf } from "./names.ts";
import { addLive, addRoute } from "./routes.ts";

const SEES = areaOf("queues").policies;
const ACTS = [POLICIES.operator];

const A_DAY_MINUTES = 1440;

interface Queues {
	queues: { paused: { by: string } | null }[];
}

export function addQueueRoutes(router: Router, studio: Studio): void {
	addLive(router, studio, {
		path: "/queues",
		who: SEES,
		view: async (actor) => ((await holdsPolicy(studio, actor, ACTS)) ? "acts" : "reads"),
		async read(_req, _actor, view) {
			const [row] = await callDatabase(studio, "select public.read_queues() as monitor", []);
			const monitor = row!.monitor as Queues;
			const paused = monitor.queues.flatMap(({ paused }) => paused ?? []);
			const nameOf = await namesOf(
				studio,
				paused.map(({ by }) => by),
			);
			for (const pause of paused) pause.by = nameOf(pause.by);
			return { ...monitor, may_act: view === "acts" };
		},
	});

	addLive(router, studio, {
		path: "/queues/history",
		who: SEES,
		// As often as there is a new point.
		everyMs: 5_000,
		async read(req) {
			const minutes = Number(req.query.minutes ?? 60);
			if (!Number.isInteger(minutes) || minutes < 1 || minutes > A_DAY_MINUTES) {
				refuse(`"minutes" must be a whole number from 1 to ${A_DAY_MINUTES}`);
			}
			const queue = typeof req.query.queue === "string" ? req.query.queue : null;
			const [row] = await callDatabase(studio, "select public.read_queue_history(?, ?::integer) as history", [
				queue,
				minutes,
			]);
			return row!.history;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/queues/:queue/jobs",
		who: SEES,
		async answer(req) {
			const { state = "dead", before = null } = req.query;
			if (state !== "dead" && state !== "failed") refuse(`"state" must be dead or failed`);
			if (before !== null && !/^\d{1,18}$/.test(String(before))) refuse(`"before" must be the id of a job`);
			const [row] = await callDatabase(studio, "select public.list_queue_jobs(?, ?, ?::bigint) as jobs", [
				req.params.queue,
				state,
				before,
			]);
			return row!.jobs;
		},
	});

	const addAction = (name: string, act: (req: Request, reason: string, actor: string) => Promise<unknown>) => {
		addRoute(router, studio, {
			method: "post",
			path: `/queues/:queue/${name}`,
			who: ACTS,
			async answer(req, actor) {
				const reason = readText(readBody(req), "reason", 500);
				if (reason === null) refuse("Say why: the reason is kept in the audit trail");
				return await act(req, reason, actor);
			},
		});
	};
	const call = async (expression: string, values: unknown[]) => {
		const [row] = await callDatabase(studio, `select ${expression} as result`, values);
		return row!.result || null;
	};
	addAction("pause", (req, reason, actor) => call("public.pause_queue(?, ?, ?)", [req.params.queue, reason, actor]));
	addAction("resume", (req, reason, actor) => call("public.resume_queue(?, ?, ?)", [req.params.queue, reason, actor]));
	addAction("drain", (req, reason, actor) => call("public.drain_queue(?, ?, ?)", [req.params.queue, reason, actor]));
	for (const [name, state] of [
		["retry", "failed"],
		["redrive", "dead"],
	] as const) {
		// One job, or without "job_id" all of them.
		addAction(name, (req, reason, actor) =>
			call("public.rerun_jobs(?, ?, ?, ?, ?)", [
				req.params.queue,
				state,
				readText(readBody(req), "job_id", 40),
				reason,
				actor,
			]),
		);
	}
}
