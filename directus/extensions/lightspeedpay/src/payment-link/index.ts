import { defineInterface } from "@directus/extensions-sdk";
import PaymentLink from "./payment-link.vue";

export default defineInterface({
	id: "lightspeedpay-payment-link",
	name: "Payment link",
	description: "The address of a payment link, and a code to scan",
	icon: "link",
	component: PaymentLink,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
