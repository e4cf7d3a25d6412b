import { defineInterface } from "@directus/extensions-sdk";
import StatementLine from "./statement-line.vue";

export default defineInterface({
	id: "lightspeedpay-statement-line",
	name: "Statement line",
	description: "Resolves a credit that matched no payment by itself",
	icon: "rule",
	component: StatementLine,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
