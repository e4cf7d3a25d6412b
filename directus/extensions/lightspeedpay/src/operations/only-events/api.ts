import { defineOperationApi } from "@directus/extensions-sdk";

interface Options {
	types?: string[] | null;
}

/** Goes on when the event that started the flow is one of those chosen; else to the other way out. */
export default defineOperationApi<Options>({
	id: "lightspeedpay-only-events",
	handler: ({ types }, { data }) => {
		const trigger = data.$trigger as { payload?: { type?: string } } | null;
		const type = trigger?.payload?.type;
		if (type === undefined || !types?.includes(type)) {
			throw new Error(`The event ${type ?? "without a type"} is not one of: ${types?.join(", ") ?? "none"}`);
		}
		return { type };
	},
});
