import { defineInterface } from "@directus/extensions-sdk";
import Integration from "./integration.vue";

export default defineInterface({
	id: "lightspeedpay-integration",
	name: "Integration",
	description: "A client's keys, secrets and addresses",
	icon: "integration_instructions",
	component: Integration,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
