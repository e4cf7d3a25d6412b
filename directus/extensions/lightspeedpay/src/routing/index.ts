import { defineInterface } from "@directus/extensions-sdk";
import Routing from "./routing.vue";

export default defineInterface({
	id: "lightspeedpay-routing",
	name: "Routing decision",
	description: "Why an attempt went to its gateway, and why others were passed over",
	icon: "alt_route",
	component: Routing,
	options: [],
	types: ["json"],
});
