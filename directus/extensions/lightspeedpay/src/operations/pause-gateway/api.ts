import { defineOperationApi } from "@directus/extensions-sdk";
import { actorOf, callFor, type FlowContext, readLine, readUuid } from "../flow.ts";

interface Options {
	gateway_id?: unknown;
	minutes?: unknown;
	reason?: unknown;
}

export default defineOperationApi<Options>({
	id: "lightspeedpay-pause-gateway",
	handler: async ({ gateway_id, minutes, reason }, context) => {
		const flow = context as unknown as FlowContext;
		const until = await callFor(flow, "public.pause_gateway(?::uuid, ?::integer, ?, ?)", [
			readUuid("gateway_id", gateway_id),
			Math.round(Number(minutes)) || null,
			readLine("reason", reason, 500),
			actorOf(flow),
		]);
		return { until };
	},
});
