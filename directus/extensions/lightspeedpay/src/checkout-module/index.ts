import { defineModule } from "@directus/extensions-sdk";
import Merchants from "./merchants.vue";
import Settings from "./settings.vue";

export default defineModule({
	id: "checkout",
	name: "Checkout",
	icon: "shopping_cart_checkout",
	routes: [
		{ path: "", component: Merchants },
		{ path: ":id", component: Settings, props: true },
	],
});
