import { defineInterface } from "@directus/extensions-sdk";
import GatewaySettings from "./gateway-settings.vue";

export default defineInterface({
	id: "lightspeedpay-gateway-settings",
	name: "Gateway settings",
	description: "A provider's own settings as fields",
	icon: "tune",
	component: GatewaySettings,
	options: [],
	types: ["json"],
});
