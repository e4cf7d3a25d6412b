import { defineInterface } from "@directus/extensions-sdk";
import Sessions from "./sessions.vue";

export default defineInterface({
	id: "lightspeedpay-sessions",
	name: "Sessions",
	description: "Where a person is logged in, and an end to it",
	icon: "devices",
	component: Sessions,
	options: [],
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
	hideLabel: true,
});
