import { defineDisplay } from "@directus/extensions-sdk";
import GatewayHealth from "./gateway-health.vue";

export default defineDisplay({
	id: "lightspeedpay-gateway-health",
	name: "Gateway health",
	description: "Success rate, volume of the month and cool-down left",
	icon: "monitor_heart",
	component: GatewayHealth,
	options: [],
	types: ["alias"],
	localTypes: ["o2m"],
	fields: ["success_rate", "volume", "volume_month", "last_used_at", "cooldown_until"],
});
