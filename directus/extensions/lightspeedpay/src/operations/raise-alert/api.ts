import { defineOperationApi } from "@directus/extensions-sdk";
import { SUBJECTS } from "../../alerts-module/subjects.ts";
import { callFor, type FlowContext, flowId, readLine, readOptionalUuid } from "../flow.ts";

interface Options {
	severity?: unknown;
	message?: unknown;
	client_id?: unknown;
	about?: unknown;
	about_id?: unknown;
	dedupe_key?: unknown;
}

export default defineOperationApi<Options>({
	id: "lightspeedpay-raise-alert",
	handler: async ({ severity, message, client_id, about, about_id, dedupe_key }, context) => {
		const flow = context as unknown as FlowContext;
		const subject = SUBJECTS.find(({ collection }) => collection === about);
		const id = readOptionalUuid("about_id", about_id);
		await callFor(flow, "public.raise_flow_alert(?::uuid, ?, ?, ?::jsonb, ?, ?::uuid)", [
			flowId(flow),
			severity,
			readLine("message", message, 500),
			JSON.stringify(subject !== undefined && id !== null ? { [subject.key]: id } : {}),
			dedupe_key ? String(dedupe_key) : null,
			readOptionalUuid("client_id", client_id),
		]);
		return null;
	},
});
