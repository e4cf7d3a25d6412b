import { defineInterface } from "@directus/extensions-sdk";
import WhatIf from "./what-if.vue";

export default defineInterface({
	id: "lightspeedpay-what-if",
	name: "Routing what-if",
	description: "What routing would do with a payment now",
	icon: "alt_route",
	component: WhatIf,
	options: [],
	hideLabel: false,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
