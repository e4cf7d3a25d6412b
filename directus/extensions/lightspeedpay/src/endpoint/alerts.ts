/** What needs a person: the alerts that wait, one of them with what was done about it, and what a person can do. */
import { RouteNotFoundError } from "@directus/errors";
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import {
	callDatabase,
	holdsPolicy,
	isUuid,
	type Request,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { namesOf } from "./names.ts";
import { addLive, addRoute } from "./routes.ts";

const SEES = areaOf("alerts").policies;
const ACTS = [POLICIES.operator];

const STATES = ["open", "acknowledged", "silenced", "resolved"];
const SEVERITIES = ["critical", "warning", "info"];
const PAGE = 25;
const LONGEST_SEARCH = 100;

interface Alert {
	acknowledged_by: string | null;
	resolved_by: string | null;
	silence: { by: string } | null;
	history?: { by: string }[];
}

export function addAlertRoutes(router: Router, studio: Studio): void {
	const view = async (actor: string) => ((await holdsPolicy(studio, actor, ACTS)) ? "acts" : "reads");

	// A page; the first one stays new by itself.
	addLive(router, studio, {
		path: "/alerts",
		who: SEES,
		view,
		async read(req, _actor, view) {
			const { status, severity, client_id, search, before } = readFilter(req);
			const [row] = await callDatabase(
				studio,
				"select public.list_alerts(?, ?, ?::uuid, ?, ?::timestamptz, ?::uuid, ?::integer) as list",
				[status, severity, client_id, search, before?.at ?? null, before?.id ?? null, PAGE],
			);
			const list = row!.list as { alerts: Alert[]; next: { at: string; id: string } | null };
			await nameThem(studio, list.alerts);
			return { ...list, next: list.next && `${list.next.at} ${list.next.id}`, may_act: view === "acts" };
		},
	});

	// Before the alert of an id: "blocks" is none.
	addLive(router, studio, {
		path: "/alerts/blocks",
		who: SEES,
		view,
		async read(_req, _actor, view) {
			const [row] = await callDatabase(studio, "select public.list_address_blocks() as blocks", []);
			const blocks = row!.blocks as { lifted_by: string | null }[];
			const nameOf = await namesOf(
				studio,
				blocks.map(({ lifted_by }) => lifted_by),
			);
			for (const block of blocks) if (block.lifted_by !== null) block.lifted_by = nameOf(block.lifted_by);
			return { blocks, may_act: view === "acts" };
		},
	});
	addRoute(router, studio, {
		method: "post",
		path: "/alerts/blocks/:id/lift",
		who: ACTS,
		async answer(req, actor) {
			await callDatabase(studio, "select public.lift_address_block(?::uuid, ?, ?)", [
				readId(req, "alerts"),
				readReason(req),
				actor,
			]);
			return { is_blocked: false };
		},
	});

	addLive(router, studio, {
		path: "/alerts/limits",
		who: SEES,
		view,
		async read(_req, _actor, view) {
			const [row] = await callDatabase(studio, "select public.read_limits() as limits", []);
			return { ...(row!.limits as object), may_act: view === "acts" };
		},
	});
	addRoute(router, studio, {
		method: "patch",
		path: "/alerts/limits/plan",
		who: ACTS,
		async answer(req, actor) {
			const body = readBody(req);
			const [requests_per_minute, burst_per_second] = readWhole(body, ["requests_per_minute", "burst_per_second"]);
			await callDatabase(studio, "select public.save_rate_plan(?, ?::integer, ?::integer, ?, ?)", [
				readText(body, "name", 40),
				requests_per_minute,
				burst_per_second,
				readReason(req),
				actor,
			]);
			return { is_saved: true };
		},
	});
	addRoute(router, studio, {
		method: "post",
		path: "/alerts/limits/plan/remove",
		who: ACTS,
		async answer(req, actor) {
			await callDatabase(studio, "select public.remove_rate_plan(?, ?, ?)", [
				readText(readBody(req), "name", 40),
				readReason(req),
				actor,
			]);
			return { is_removed: true };
		},
	});
	addRoute(router, studio, {
		method: "patch",
		path: "/alerts/limits/addresses",
		who: ACTS,
		async answer(req, actor) {
			const given = readWhole(readBody(req), ADDRESS_LIMITS);
			const policy = Object.fromEntries(ADDRESS_LIMITS.map((name, place) => [name, given[place]]));
			await callDatabase(studio, "select public.save_address_policy(?::jsonb, ?, ?)", [
				JSON.stringify(policy),
				readReason(req),
				actor,
			]);
			return { is_saved: true };
		},
	});

	addLive(router, studio, {
		path: "/alerts/:id",
		who: SEES,
		view,
		async read(req, _actor, view) {
			const id = readId(req, "alerts");
			const [row] = await callDatabase(studio, "select public.read_alert_for_operator(?::uuid) as alert", [id]);
			if (row!.alert === null) throw new RouteNotFoundError({ path: `/lightspeedpay/alerts/${id}` });
			const alert = row!.alert as Alert;
			await nameThem(studio, [alert]);
			return { ...alert, may_act: view === "acts" };
		},
	});

	const addAction = (
		name: string,
		act: (req: Request, id: string, actor: string) => [call: string, values: unknown[]],
	) =>
		addRoute(router, studio, {
			method: "post",
			path: `/alerts/:id/${name}`,
			who: ACTS,
			async answer(req, actor) {
				const [call, values] = act(req, readId(req, "alerts"), actor);
				const [row] = await callDatabase(studio, `select (public.${call} ->> 'status') as status`, values);
				return { status: row!.status };
			},
		});

	addRoute(router, studio, {
		method: "post",
		path: "/alerts/test",
		who: ACTS,
		async answer(req, actor) {
			readBody(req);
			const [row] = await callDatabase(studio, "select (public.request_test_alert(?) ->> 'id') as id", [actor]);
			return { id: row!.id };
		},
	});

	addAction("acknowledge", (req, id, actor) => [
		"acknowledge_alert(?::uuid, ?, ?)",
		[id, readText(readBody(req), "reason", 500), actor],
	]);
	addAction("resolve", (req, id, actor) => ["resolve_alert(?::uuid, ?, ?)", [id, readReason(req), actor]]);
	addAction("silence", (req, id, actor) => {
		const { minutes } = readBody(req);
		if (!Number.isSafeInteger(minutes)) refuse(`"minutes" must be a whole number`);
		return ["silence_alert(?::uuid, ?::integer, ?, ?)", [id, minutes, readReason(req), actor]];
	});
	addAction("end-silence", (req, id, actor) => {
		readBody(req);
		return ["end_silence(?::uuid, ?)", [id, actor]];
	});
}

/** As the columns are called. */
const ADDRESS_LIMITS = [
	"requests_per_minute",
	"burst_per_second",
	"most_strikes",
	"flood_factor",
	"block_seconds",
	"longest_block_seconds",
];

function readWhole(body: Record<string, unknown>, names: string[]): number[] {
	return names.map((name) => {
		const value = body[name];
		if (!Number.isSafeInteger(value) || (value as number) > 2_147_483_647) refuse(`"${name}" must be a whole number`);
		return value as number;
	});
}

function readReason(req: Request): string {
	const reason = readText(readBody(req), "reason", 500);
	if (reason === null) refuse("Say why: the reason is kept in the audit trail");
	return reason;
}

function readFilter({ query }: Request) {
	const take = (name: string, fits: (value: string) => boolean, rule: string): string | null => {
		const value = query[name];
		if (value === undefined || value === "") return null;
		if (typeof value !== "string" || !fits(value)) refuse(`"${name}" must be ${rule}`);
		return value;
	};
	const before = take("before", (value) => CURSOR.test(value), `what "next" of the page before says`);
	const [at, id] = before?.split(" ") ?? [];
	return {
		status: take("status", (value) => STATES.includes(value), `one of ${STATES.join(", ")}`),
		severity: take("severity", (value) => SEVERITIES.includes(value), `one of ${SEVERITIES.join(", ")}`),
		client_id: take("client_id", isUuid, "the id of a client"),
		search: take("search", (value) => value.length <= LONGEST_SEARCH, `at most ${LONGEST_SEARCH} characters long`),
		before: before === null ? null : { at, id },
	};
}

const CURSOR = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d:\d\d [0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function nameThem(studio: Studio, alerts: Alert[]): Promise<void> {
	const nameOf = await namesOf(
		studio,
		alerts.flatMap(({ acknowledged_by, resolved_by, silence, history = [] }) => [
			acknowledged_by,
			resolved_by,
			silence?.by ?? null,
			...history.map(({ by }) => by),
		]),
	);
	for (const alert of alerts) {
		if (alert.acknowledged_by !== null) alert.acknowledged_by = nameOf(alert.acknowledged_by);
		if (alert.resolved_by !== null) alert.resolved_by = nameOf(alert.resolved_by);
		if (alert.silence !== null) alert.silence.by = nameOf(alert.silence.by);
		for (const step of alert.history ?? []) step.by = nameOf(step.by);
	}
}
