import { defineOperationApp } from "@directus/extensions-sdk";
import { line, overview, speak, words } from "../form.ts";

export default defineOperationApp({
	id: "lightspeedpay-replay-webhook",
	get name() {
		return speak(words("Send a merchant's webhook again", "व्यापारी का वेबहुक फिर भेजें"));
	},
	icon: "replay",
	get description() {
		return speak(
			words("Delivers one webhook event to its merchant once more", "एक वेबहुक घटना व्यापारी को दोबारा पहुँचाता है"),
		);
	},
	overview: ({ event_id }: Record<string, unknown>) => overview([words("Webhook event", "वेबहुक घटना"), event_id]),
	options: () => [
		line("event_id", words("Webhook event's id", "वेबहुक घटना की आईडी"), {
			required: true,
			placeholder: "{{$trigger.payload.data.details.event_id}}",
		}),
		line("reason", words("Reason", "कारण"), { required: true }),
	],
});
