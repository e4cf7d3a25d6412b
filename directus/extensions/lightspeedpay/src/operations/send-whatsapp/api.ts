import { defineOperationApi } from "@directus/extensions-sdk";
import { actorOf, callFor, type FlowContext, readLine, readUuid } from "../flow.ts";

interface Options {
	client_id?: unknown;
	template?: unknown;
	variables?: unknown;
}

export default defineOperationApi<Options>({
	id: "lightspeedpay-send-whatsapp",
	handler: async ({ client_id, template, variables }, context) => {
		const flow = context as unknown as FlowContext;
		const given = typeof variables === "string" && variables.trim() !== "" ? JSON.parse(variables) : (variables ?? {});
		const notification_id = await callFor(flow, "public.send_whatsapp(?::uuid, ?, ?::jsonb, ?)", [
			readUuid("client_id", client_id),
			readLine("template", template, 100),
			JSON.stringify(given),
			actorOf(flow),
		]);
		return { notification_id };
	},
});
