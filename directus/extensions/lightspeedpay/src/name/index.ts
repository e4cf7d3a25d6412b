import { defineDisplay } from "@directus/extensions-sdk";
import Name from "./name.vue";

export default defineDisplay({
	id: "lightspeedpay-name",
	name: "Name of a row",
	description: "The name of what an id stands for, where there is no relation",
	icon: "badge",
	component: Name,
	options: [
		{ field: "rowsOf", name: "Collection", type: "string", meta: { interface: "system-collection" } },
		{ field: "caption", name: "Field", type: "string", meta: { interface: "input" } },
	],
	types: ["uuid", "string", "text"],
});
