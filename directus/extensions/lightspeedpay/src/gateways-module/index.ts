import { defineModule } from "@directus/extensions-sdk";
import Gateways from "./gateways.vue";

export default defineModule({
	id: "gateways",
	name: "Gateways",
	icon: "alt_route",
	routes: [
		{ path: "", component: Gateways },
		{ path: ":client", component: Gateways, props: true },
	],
});
