import { defineModule } from "@directus/extensions-sdk";
import Account from "./account.vue";
import Company from "./company.vue";
import Merchants from "./merchants.vue";

export default defineModule({
	id: "commission",
	name: "Commission",
	icon: "percent",
	routes: [
		{ path: "", component: Merchants },
		{ path: "company", component: Company },
		{ path: ":id", component: Account, props: true },
	],
});
