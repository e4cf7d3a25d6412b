import { defineModule } from "@directus/extensions-sdk";
import Alert from "./alert.vue";
import Alerts from "./alerts.vue";
import Limits from "./limits.vue";
import Runbook from "./runbook.vue";

export default defineModule({
	id: "alerts",
	name: "Alerts",
	icon: "notifications",
	routes: [
		{ path: "", component: Alerts },
		{ path: "runbooks/:kind", component: Runbook, props: true },
		{ path: "limits", component: Limits },
		{ path: ":id", component: Alert, props: true },
	],
});
