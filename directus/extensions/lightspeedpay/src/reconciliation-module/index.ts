import { defineModule } from "@directus/extensions-sdk";
import Differences from "./differences.vue";
import Exception from "./exception.vue";
import Gateway from "./gateway.vue";
import Settlement from "./settlement.vue";
import Settlements from "./settlements.vue";

export default defineModule({
	id: "reconciliation",
	name: "Reconciliation",
	icon: "fact_check",
	routes: [
		{ path: "", component: Differences },
		{ path: "settlements", component: Settlements },
		{ path: "settlements/:id", component: Settlement, props: true },
		{ path: "gateways/:id", component: Gateway, props: true },
		{ path: "exceptions/:id", component: Exception, props: true },
	],
});
