import { defineModule } from "@directus/extensions-sdk";
import Audit from "./audit.vue";
import Entry from "./entry.vue";

export default defineModule({
	id: "audit",
	name: "Audit log",
	icon: "history",
	routes: [
		{ path: "", component: Audit },
		{ path: ":id", component: Entry, props: true },
	],
});
