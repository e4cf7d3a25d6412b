/** Facts about a gateway that are no column of it, and what routing would do with a payment. */
import { POLICIES } from "../../../../config/policies.ts";
import { callDatabase, isUuid, itemsOf, type Router, readId, refuse, type Studio } from "./context.ts";
import { addRoute } from "./routes.ts";

/** Volumes and limits of every account are shown. */
const PLANNERS = [POLICIES.operator, POLICIES.auditor];
const MODES = ["smart", "round_robin", "weighted", "dynamic"];

export function addGatewayRoutes(router: Router, studio: Studio, checkoutUrl: string): void {
	addRoute(router, studio, {
		method: "get",
		path: "/gateways/:id",
		who: "reader",
		answer: async (req) => {
			const gateway = await itemsOf(studio, req, "payment_gateways").readOne(readId(req, "gateways"), {
				fields: ["id", "client_id.client_key"],
			});
			const { client_key } = gateway.client_id as { client_key: string };
			return { webhook_url: `${checkoutUrl}/webhook/${client_key}/${gateway.id}` };
		},
	});

	addRoute(router, studio, {
		method: "get",
		path: "/clients/:id/routing",
		who: PLANNERS,
		answer: async (req) => {
			const { amount, currency = "INR", method = "", mode = "", without = "" } = req.query;
			if (typeof amount !== "string" || !/^[1-9][0-9]{0,14}$/.test(amount)) refuse(`"amount" must be whole paise`);
			if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) refuse(`"currency" must be like INR`);
			if (typeof method !== "string" || !/^[a-z_]{0,30}$/.test(method)) refuse(`"method" must be like upi`);
			if (mode !== "" && !MODES.includes(mode as string)) refuse(`"mode" must be one of ${MODES.join(", ")}`);
			const left_out = String(without).split(",").filter(Boolean);
			if (!left_out.every(isUuid)) refuse(`"without" must be ids of gateways`);
			return await callDatabase(
				studio,
				"select * from public.explain_routing(?::uuid, ?::bigint, ?, ?, ?, ?::uuid[])",
				[readId(req, "clients"), amount, currency, method || null, mode || null, left_out],
			);
		},
	});
}
