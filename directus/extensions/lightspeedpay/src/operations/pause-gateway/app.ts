import { defineOperationApp } from "@directus/extensions-sdk";
import { line, overview, speak, whole, words } from "../form.ts";

export default defineOperationApp({
	id: "lightspeedpay-pause-gateway",
	get name() {
		return speak(words("Pause a gateway", "गेटवे रोकें"));
	},
	icon: "pause_circle",
	get description() {
		return speak(
			words(
				"Keeps a gateway out of routing for a time; it comes back by probes",
				"गेटवे को कुछ समय के लिए रूटिंग से बाहर रखता है",
			),
		);
	},
	overview: ({ gateway_id, minutes, reason }: Record<string, unknown>) =>
		overview(
			[words("Gateway", "गेटवे"), gateway_id],
			[words("Minutes", "मिनट"), minutes],
			[words("Reason", "कारण"), reason],
		),
	options: () => [
		line("gateway_id", words("Gateway's id", "गेटवे की आईडी"), {
			required: true,
			placeholder: "{{$trigger.payload.data.gateway_id}}",
		}),
		whole("minutes", words("Minutes (up to a day)", "मिनट (अधिकतम एक दिन)"), 1, 1440, {
			required: true,
			width: "half",
			preset: 15,
		}),
		line("reason", words("Reason", "कारण"), {
			required: true,
			note: words("Kept in the gateway's log and in the audit log.", "गेटवे के लॉग और लेखा-परीक्षा में रहता है।"),
		}),
	],
});
