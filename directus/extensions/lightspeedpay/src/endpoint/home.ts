/** What the first page shows, and which areas there are for a person. */
import { POLICIES } from "../../../../config/policies.ts";
import { AREAS, areaOf } from "../areas.ts";
import { callDatabase, holdsPolicy, type Router, type Studio } from "./context.ts";
import { addLive, addRoute } from "./routes.ts";

/** Support answers questions about payments; what we earn with them is not its business. */
const SEES_COMMISSION = [POLICIES.operator, POLICIES.finance, POLICIES.auditor];

export function addHomeRoutes(router: Router, studio: Studio): void {
	addRoute(router, studio, {
		method: "get",
		path: "/areas",
		who: "reader",
		answer: async (_req, actor) => {
			const seen = await Promise.all(AREAS.map(({ policies }) => holdsPolicy(studio, actor, policies)));
			return AREAS.filter((_area, position) => seen[position]).map(({ id }) => id);
		},
	});

	addLive(router, studio, {
		path: "/home",
		who: areaOf("home").policies,
		view: async (actor) => ((await holdsPolicy(studio, actor, SEES_COMMISSION)) ? "all" : "without commission"),
		read: async (_req, _actor, view) => {
			const [row] = await callDatabase(studio, "select public.studio_home(?) as home", [view === "all"]);
			return row!.home;
		},
	});
}
