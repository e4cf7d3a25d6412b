import { defineInterface } from "@directus/extensions-sdk";
import UtrDecision from "./utr-decision.vue";

export default defineInterface({
	id: "lightspeedpay-utr-decision",
	name: "UTR decision",
	description: "Approves or rejects what a payer says they paid with",
	icon: "fact_check",
	component: UtrDecision,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
