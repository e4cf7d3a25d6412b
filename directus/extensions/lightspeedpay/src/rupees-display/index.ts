import { defineDisplay } from "@directus/extensions-sdk";
import { h } from "vue";
import { formatRupees } from "../rupees.ts";

export default defineDisplay({
	id: "lightspeedpay-rupees",
	name: "Rupees",
	description: "An amount in paise, shown in rupees",
	icon: "currency_rupee",
	component: (props: { value: unknown }) =>
		h("span", { style: "font-variant-numeric: tabular-nums; white-space: nowrap" }, formatRupees(props.value) ?? "–"),
	handler: (value: unknown) => formatRupees(value) ?? "",
	options: [],
	types: ["bigInteger", "integer"],
});
