/** What the first page shows, and which areas there are for a person. */
import { POLICIES } from "../../../../config/policies.ts";
import { AREAS, areaOf } from "../areas.ts";
import { callDatabase, holdsPolicy, type Router, type Studio } from "./context.ts";
import { addLive, addRoute } from "./routes.ts";

/** Support answers questions about payments; what is earned with them is not its business. */
const SEES_COMMISSION = [POLICIES.operator, POLICIES.finance, POLICIES.auditor];
/** Whose business single alerts and gateways are. */
const SEES_OPERATIONS = [POLICIES.operator, POLICIES.support, POLICIES.auditor];

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
		view: async (actor) =>
			JSON.stringify(
				await Promise.all([holdsPolicy(studio, actor, SEES_COMMISSION), holdsPolicy(studio, actor, SEES_OPERATIONS)]),
			),
		read: async (_req, _actor, view) => {
			const [row] = await callDatabase(
				studio,
				"select public.studio_home(?, ?) as home",
				JSON.parse(view) as boolean[],
			);
			return row!.home;
		},
	});
}
