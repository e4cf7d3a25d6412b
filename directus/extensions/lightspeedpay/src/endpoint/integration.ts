/** The integration centre: a merchant's endpoint tested, its events looked at and delivered anew. */
import { POLICIES } from "../../../../config/policies.ts";
import { areaOf } from "../areas.ts";
import {
	callDatabase,
	isUuid,
	itemsOf,
	type Request,
	type Router,
	readBody,
	readId,
	readText,
	refuse,
	type Studio,
} from "./context.ts";
import { REPLAYERS } from "./credentials.ts";
import { addLive, addRoute } from "./routes.ts";

const MANAGERS = [POLICIES.operator];
const READERS = areaOf("integration").policies;

const PAGE = 25;
const MOST_FOUND = 30;

export function addIntegrationRoutes(router: Router, studio: Studio): void {
	addRoute(router, studio, {
		method: "get",
		path: "/integration/clients",
		who: READERS,
		answer: (req) => {
			const search = String(req.query.search ?? "").trim();
			return itemsOf(studio, req, "clients").readByQuery({
				fields: ["id", "company_name", "status", "client_key", "webhook_url", "webhook_disabled_at"],
				...(search !== "" && {
					filter: {
						_or: [
							{ company_name: { _icontains: search } },
							{ client_key: { _starts_with: search } },
							{ webhook_url: { _icontains: search } },
							...(isUuid(search) ? [{ id: { _eq: search } }] : []),
						],
					},
				}),
				sort: ["company_name"],
				limit: MOST_FOUND,
			});
		},
	});

	addLive(router, studio, {
		path: "/clients/:id/webhooks",
		who: READERS,
		everyMs: 1_000,
		read: async (req) => {
			const id = readId(req, "clients");
			const { which, order_id } = readChoice(req.query);
			const [row] = await callDatabase(studio, "select public.read_webhook_desk(?::uuid, ?, ?, ?) as desk", [
				id,
				which,
				order_id,
				PAGE,
			]);
			return row!.desk;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id/webhook-log",
		who: READERS,
		answer: async (req) => {
			const { which, order_id } = readChoice(req.query);
			if (!isUuid(req.query.before)) refuse(`"before" must be the id of an event`);
			const [row] = await callDatabase(studio, "select public.read_webhook_log(?::uuid, ?, ?, ?::uuid, ?) as events", [
				readId(req, "clients"),
				which,
				order_id,
				req.query.before,
				PAGE,
			]);
			return row!.events;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/webhook-events/:id",
		who: READERS,
		answer: async (req) => {
			const id = readId(req, "webhook-events");
			const [row] = await callDatabase(studio, "select public.read_webhook_event(?::uuid) as event", [id]);
			return row!.event;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-events/:id/replay",
		who: REPLAYERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.replay_webhook_event(?::uuid, ?, ?)", [
				readId(req, "webhook-events"),
				readReason(req),
				actor,
			]);
			return null;
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id/replay-count",
		who: MANAGERS,
		answer: async (req) => {
			const { which, from, to } = readRange(req.query);
			const [row] = await callDatabase(
				studio,
				"select public.count_webhook_replay(?::uuid, ?, ?::timestamptz, ?::timestamptz) as count",
				[readId(req, "clients"), which, from, to],
			);
			return row!.count;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/replays",
		who: MANAGERS,
		answer: async (req, actor) => {
			const { which, from, to } = readRange(readBody(req));
			const [row] = await callDatabase(
				studio,
				"select public.start_webhook_replay(?::uuid, ?, ?::timestamptz, ?::timestamptz, ?, ?) as id",
				[readId(req, "clients"), which, from, to, readReason(req), actor],
			);
			return row!.id;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/webhook-replays/:id/stop",
		who: MANAGERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.stop_webhook_replay(?::uuid, ?, ?)", [
				readId(req, "webhook-replays"),
				readReason(req),
				actor,
			]);
			return null;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/webhook-test",
		who: MANAGERS,
		answer: async (req, actor) => {
			const [row] = await callDatabase(studio, "select public.request_webhook_test(?::uuid, ?) as id", [
				readId(req, "clients"),
				actor,
			]);
			return row!.id;
		},
	});

	// What an endpoint answers may hold anything: for who may test it only.
	addLive(router, studio, {
		path: "/clients/:id/webhook-test",
		who: MANAGERS,
		read: async (req) => {
			const [row] = await callDatabase(studio, "select public.read_webhook_test(?::uuid) as test", [
				readId(req, "clients"),
			]);
			return row!.test;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/clients/:id/enable-webhook",
		who: MANAGERS,
		answer: async (req, actor) => {
			await callDatabase(studio, "select public.enable_webhook_endpoint(?::uuid, ?, ?)", [
				readId(req, "clients"),
				readReason(req),
				actor,
			]);
			return null;
		},
	});
}

const readReason = (req: Request) => readText(readBody(req), "reason", 500);

function readChoice(given: Record<string, unknown>): { which: "all" | "failed"; order_id: string | null } {
	const which = given.which ?? "all";
	if (which !== "all" && which !== "failed") refuse(`"which" must be all or failed`);
	return { which, order_id: readText(given, "order_id", 100) };
}

function readRange(given: Record<string, unknown>) {
	return { which: readChoice(given).which, from: readTime(given, "from"), to: readTime(given, "to") };
}

function readTime(given: Record<string, unknown>, name: string): string | null {
	const text = readText(given, name, 40);
	if (text === null) return null;
	const time = new Date(text);
	if (Number.isNaN(time.getTime())) refuse(`"${name}" must be a time, e.g. 2026-11-21T09:00:00Z`);
	return time.toISOString();
}
