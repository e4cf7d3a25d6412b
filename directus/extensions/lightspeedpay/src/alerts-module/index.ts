import { defineModule } from "@directus/extensions-sdk";
import Alert from "./alert.vue";
import Alerts from "./alerts.vue";

export default defineModule({
	id: "alerts",
	name: "Alerts",
	icon: "notifications",
	routes: [
		{ path: "", component: Alerts },
		{ path: ":id", component: Alert, props: true },
	],
});
