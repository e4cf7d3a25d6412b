import { defineInterface } from "@directus/extensions-sdk";
import Rupees from "./rupees.vue";

export default defineInterface({
	id: "lightspeedpay-rupees",
	name: "Rupees",
	description: "An amount in paise, entered in rupees",
	icon: "currency_rupee",
	component: Rupees,
	options: [],
	types: ["bigInteger", "integer"],
});
