import { defineOperationApp } from "@directus/extensions-sdk";
import { line, object, overview, speak, words } from "../form.ts";

export default defineOperationApp({
	id: "lightspeedpay-send-whatsapp",
	get name() {
		return speak(words("Send a WhatsApp message", "व्हाट्सऐप संदेश भेजें"));
	},
	icon: "chat",
	get description() {
		return speak(
			words(
				"A template message to a merchant, unless they want none; the same within ten minutes is one",
				"व्यापारी को टेम्पलेट संदेश; दस मिनट में वही संदेश एक ही बार जाता है",
			),
		);
	},
	overview: ({ client_id, template }: Record<string, unknown>) =>
		overview([words("Client", "व्यापारी"), client_id], [words("Template", "टेम्पलेट"), template]),
	options: () => [
		line("client_id", words("Client's id", "व्यापारी की आईडी"), {
			required: true,
			placeholder: "{{$trigger.payload.client_id}}",
		}),
		line("template", words("Template", "टेम्पलेट"), {
			required: true,
			note: words("Its name, as the module Notices lists it.", "उसका नाम, जैसा सूचना मॉड्यूल में है।"),
		}),
		object("variables", words("Variables by name", "नाम से चर"), {
			placeholder: '{ "amount": "{{$trigger.payload.data.amount}}" }',
		}),
	],
});
