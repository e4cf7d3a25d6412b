import { defineInterface } from "@directus/extensions-sdk";
import StatementImport from "./statement-import.vue";

export default defineInterface({
	id: "lightspeedpay-statement-import",
	name: "Statement import",
	description: "Takes a bank statement's credits to a direct UPI account",
	icon: "upload_file",
	component: StatementImport,
	options: [],
	hideLabel: true,
	types: ["alias"],
	localTypes: ["presentation"],
	group: "presentation",
});
