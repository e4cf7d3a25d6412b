/** Messages by WhatsApp: the log, one message, sending one again, what a merchant wants, and how the provider is. */
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
import { addLive, addRoute } from "./routes.ts";

const READERS = areaOf("notices").policies;
const SENDERS = [POLICIES.operator];

const STATUSES = ["queued", "sending", "accepted", "sent", "delivered", "read", "failed", "unknown", "skipped"];
const CAUSES = ["low_balance", "transaction", "request", "resend"];
const PAGE = 25;
const USAGE_DAYS = 30;

export function addNoticeRoutes(router: Router, studio: Studio): void {
	// Changes with every message, so what follows it need not be read more often than this.
	addLive(router, studio, {
		path: "/notices/state",
		who: READERS,
		view: async (actor) => ((await holdsPolicy(studio, actor, SENDERS)) ? "may act" : "reads"),
		read: async (_req, _actor, view) => {
			const [row] = await callDatabase(studio, "select public.whatsapp_state() as state", []);
			return { ...(row!.state as object), may_act: view === "may act" };
		},
		everyMs: 1_000,
	});

	addLive(router, studio, {
		path: "/notices/usage",
		who: READERS,
		read: async () => {
			const [row] = await callDatabase(studio, "select public.whatsapp_usage(?) as usage", [USAGE_DAYS]);
			return row!.usage;
		},
		everyMs: 5_000,
	});

	// A page of the log; the first one stays new by itself.
	addLive(router, studio, {
		path: "/notices/messages",
		who: READERS,
		read: async (req) => {
			const { filter, before } = readFilter(req);
			const rows = await callDatabase(studio, "select * from public.list_whatsapp(?, ?, ?)", [
				JSON.stringify(filter),
				PAGE + 1,
				before,
			]);
			return { messages: rows.slice(0, PAGE), has_more: rows.length > PAGE };
		},
		everyMs: 1_000,
	});

	addLive(router, studio, {
		path: "/notices/messages/:id",
		who: READERS,
		read: async (req) => {
			const id = readId(req, "notices/messages");
			const [row] = await callDatabase(studio, "select public.read_whatsapp(?::uuid) as message", [id]);
			if (row!.message === null) throw new RouteNotFoundError({ path: `/lightspeedpay/notices/messages/${id}` });
			return row!.message;
		},
		everyMs: 1_000,
	});

	addRoute(router, studio, {
		method: "post",
		path: "/notices/messages/:id/resend",
		who: SENDERS,
		answer: async (req, actor) => {
			const reason = readText(readBody(req), "reason", 500);
			const [row] = await callDatabase(studio, "select public.resend_whatsapp(?::uuid, ?, ?) as id", [
				readId(req, "notices/messages"),
				reason,
				actor,
			]);
			return { id: row!.id };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/notices/merchants/:id",
		who: READERS,
		answer: async (req, actor) => {
			const id = readId(req, "notices/merchants");
			const [row] = await callDatabase(studio, "select public.read_whatsapp_preferences(?::uuid) as preferences", [id]);
			if (row!.preferences === null) throw new RouteNotFoundError({ path: `/lightspeedpay/notices/merchants/${id}` });
			return { ...(row!.preferences as object), may_act: await holdsPolicy(studio, actor, SENDERS) };
		},
	});

	addRoute(router, studio, {
		method: "patch",
		path: "/notices/merchants/:id",
		who: SENDERS,
		answer: async (req, actor) => {
			const { reason: _, ...preferences } = readBody(req);
			const reason = readText(readBody(req), "reason", 500);
			const sql = "select public.set_whatsapp_preferences(?::uuid, ?, ?, ?) as preferences";
			const [row] = await callDatabase(studio, sql, [
				readId(req, "notices/merchants"),
				JSON.stringify(preferences),
				reason,
				actor,
			]);
			return { ...(row!.preferences as object), may_act: true };
		},
	});
}

function readFilter({ query }: Request): { filter: Record<string, string>; before: string | null } {
	const filter: Record<string, string> = {};
	const take = (name: string, fits: (value: string) => boolean, rule: string) => {
		const value = query[name];
		if (value === undefined || value === "") return;
		if (typeof value !== "string" || !fits(value)) refuse(`"${name}" must be ${rule}`);
		filter[name] = value;
	};
	const isTime = (value: string) =>
		/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value));
	take("status", (value) => STATUSES.includes(value), `one of ${STATUSES.join(", ")}`);
	take("cause", (value) => CAUSES.includes(value), `one of ${CAUSES.join(", ")}`);
	take("template", (value) => /^[a-z0-9_]{1,64}$/.test(value), "a template's name");
	take("client_id", isUuid, "the id of a client");
	take("recipient", (value) => value.length <= 30, "a phone number");
	take("from", isTime, "a time like 2026-11-21T00:00:00Z");
	take("until", isTime, "a time like 2026-11-21T00:00:00Z");
	const { before } = query;
	if (before !== undefined && !isUuid(before)) refuse(`"before" must be the id of a message`);
	return { filter, before: before ?? null };
}
