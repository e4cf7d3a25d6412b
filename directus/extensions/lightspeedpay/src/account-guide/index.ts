import { defineInterface } from "@directus/extensions-sdk";
import AccountGuide from "./account-guide.vue";

export default defineInterface({
	id: "lightspeedpay-account-guide",
	name: "Account guide",
	description: "Which of a provider's credentials goes where, and the webhook address to enter there",
	icon: "help",
	component: AccountGuide,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
