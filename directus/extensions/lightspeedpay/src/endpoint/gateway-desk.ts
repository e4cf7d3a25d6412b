/** The gateways of all merchants: a page of them, what changes on those, what they did of late, and ending a cool-down. */
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

const OPERATORS = [POLICIES.operator];
/** Support sees which gateways work, and not how much money goes through them. */
const SEES_VOLUME = [POLICIES.operator, POLICIES.auditor];
const FILTERS = ["attention", "cooling", "inactive"];
const PAGE = 25;
const MOST_WATCHED = 100;
const LOG_ENTRIES = 50;

type Figures = Record<string, unknown>;

function withoutVolume({ volume, monthly_limit, ...others }: Figures): Figures {
	return others;
}

export function addGatewayDeskRoutes(router: Router, studio: Studio): void {
	const who = areaOf("gateways").policies;

	addRoute(router, studio, {
		method: "get",
		path: "/gateway-desk",
		who,
		answer: async (req, actor) => {
			const client = readClient(req);
			// Not "filter": Directus reads that itself, on every address, and wants JSON.
			const { search = "", show = "", after = "" } = req.query;
			if (typeof search !== "string" || search.length > 100)
				refuse(`"search" must be a text of at most 100 characters`);
			if (show !== "" && !FILTERS.includes(show as string)) refuse(`"show" must be one of ${FILTERS.join(", ")}`);
			const [rows, sees_volume, may_edit] = await Promise.all([
				callDatabase(studio, "select *, now() as read_at from public.studio_gateways(?::uuid, ?, ?, ?::jsonb, ?)", [
					client,
					search || null,
					show || null,
					readPlace(after),
					PAGE + 1,
				]),
				holdsPolicy(studio, actor, SEES_VOLUME),
				holdsPolicy(studio, actor, OPERATORS),
			]);
			const shown = rows.slice(0, PAGE);
			const last = shown.at(-1);
			const fees = new Map<unknown, unknown>();
			if (sees_volume && shown.length > 0) {
				const ids = shown.map(({ gateway_id }) => gateway_id);
				for (const { row } of await callDatabase(studio, "select public.gateway_fees(?::uuid[]) as row", [ids])) {
					fees.set((row as Figures).gateway_id, row);
				}
			}
			return {
				gateways: sees_volume
					? shown.map((row) => ({ ...row, fees: fees.get(row.gateway_id) ?? null }))
					: shown.map((row) => ({ ...row, figures: withoutVolume(row.figures as Figures) })),
				next:
					rows.length > PAGE && last
						? JSON.stringify([last.company_name, last.client_id, last.name, last.gateway_id])
						: null,
				may_edit,
				may_plan: sees_volume,
			};
		},
	});

	addLive(router, studio, {
		path: "/gateway-desk/figures",
		who,
		view: async (actor) => ((await holdsPolicy(studio, actor, SEES_VOLUME)) ? "all" : "without volume"),
		read: async (req, _actor, view) => {
			const ids = String(req.query.ids ?? "")
				.split(",")
				.filter(Boolean);
			if (ids.length > MOST_WATCHED || !ids.every(isUuid))
				refuse(`"ids" must be at most ${MOST_WATCHED} ids of gateways`);
			const [row] = await callDatabase(studio, "select public.studio_gateway_figures(?::uuid[]) as figures", [ids]);
			const figures = row!.figures as Record<string, Figures>;
			if (view === "all") return figures;
			return Object.fromEntries(Object.entries(figures).map(([id, each]) => [id, withoutVolume(each)]));
		},
	});

	addLive(router, studio, {
		path: "/gateway-desk/log",
		who,
		read: async (req) => {
			const [row] = await callDatabase(studio, "select public.gateway_feed(?::uuid, ?) as feed", [
				readClient(req),
				LOG_ENTRIES,
			]);
			return row!.feed;
		},
	});

	addRoute(router, studio, {
		method: "post",
		path: "/gateways/:id/clear-cooldown",
		who: OPERATORS,
		answer: async (req, actor) => {
			const body = readBody(req);
			const full = body.full ?? false;
			if (typeof full !== "boolean") refuse(`"full" must be true or false`);
			const reason = readText(body, "reason", 500);
			if (reason === null) refuse("Say why: it is kept in the audit log");
			const [row] = await callDatabase(studio, "select public.clear_cooldown(?::uuid, ?, ?, ?) as cleared", [
				readId(req, "gateways"),
				full,
				reason,
				actor,
			]);
			return { cleared: row!.cleared };
		},
	});
}

function readClient(req: Request): string | null {
	const client = req.query.client ?? "";
	if (client === "") return null;
	if (!isUuid(client)) refuse(`"client" must be the id of a client`);
	return client;
}

/** Where the page before ended, as its answer said in `next`. */
function readPlace(text: unknown): string | null {
	if (text === "") return null;
	let place: unknown;
	try {
		place = JSON.parse(String(text));
	} catch {
		place = null;
	}
	const [company_name, client_id, name, gateway_id] = Array.isArray(place) ? place : [];
	if (typeof company_name !== "string" || typeof name !== "string" || !isUuid(client_id) || !isUuid(gateway_id)) {
		refuse(`"after" must be what "next" of the page before was`);
	}
	return JSON.stringify({ company_name, client_id, name, gateway_id });
}
