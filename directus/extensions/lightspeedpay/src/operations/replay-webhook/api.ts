import { defineOperationApi } from "@directus/extensions-sdk";
import { actorOf, callFor, type FlowContext, readLine, readUuid } from "../flow.ts";

interface Options {
	event_id?: unknown;
	reason?: unknown;
}

export default defineOperationApi<Options>({
	id: "lightspeedpay-replay-webhook",
	handler: async ({ event_id, reason }, context) => {
		const flow = context as unknown as FlowContext;
		const id = readUuid("event_id", event_id);
		await callFor(flow, "public.replay_webhook_event(?::uuid, ?, ?)", [
			id,
			readLine("reason", reason, 500),
			actorOf(flow),
		]);
		return { event_id: id };
	},
});
