import { defineInterface } from "@directus/extensions-sdk";
import Refund from "./refund.vue";

export default defineInterface({
	id: "lightspeedpay-refund",
	name: "Refunds of a payment",
	description: "What was given back, what is left, and a new refund",
	icon: "undo",
	component: Refund,
	options: [],
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
