import { defineModule } from "@directus/extensions-sdk";
import Merchant from "./merchant.vue";
import Merchants from "./merchants.vue";

export default defineModule({
	id: "integration",
	name: "Integration",
	icon: "integration_instructions",
	routes: [
		{ path: "", component: Merchants },
		{ path: ":id", component: Merchant, props: true },
	],
});
