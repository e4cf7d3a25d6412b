import { defineModule } from "@directus/extensions-sdk";
import Home from "./home.vue";

export default defineModule({
	id: "home",
	name: "Home",
	icon: "home",
	routes: [{ path: "", component: Home }],
});
