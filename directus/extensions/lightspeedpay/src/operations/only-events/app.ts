import { defineOperationApp } from "@directus/extensions-sdk";
import { EVENTS } from "../../../../../config/events.ts";
import { overview, severalOf, speak, words } from "../form.ts";

const choices = EVENTS.map(({ type, label }): [string, typeof label] => [type, label]);

export default defineOperationApp({
	id: "lightspeedpay-only-events",
	get name() {
		return speak(words("Only these events", "केवल ये घटनाएँ"));
	},
	icon: "bolt",
	get description() {
		return speak(
			words(
				"First in a flow on the collection Events: goes on for the events chosen, and tells the database which are wanted",
				"घटनाओं पर चलने वाले फ़्लो में सबसे पहले: चुनी गई घटनाओं पर आगे बढ़ता है",
			),
		);
	},
	overview: ({ types }: { types?: string[] }) =>
		overview([
			words("Events", "घटनाएँ"),
			choices
				.filter(([type]) => types?.includes(type))
				.map(([type]) => type)
				.join(", ") || null,
		]),
	options: () => [
		severalOf("types", words("Events", "घटनाएँ"), choices, {
			required: true,
			note: words(
				"What happened is $trigger.payload.data in the steps that follow.",
				"आगे के चरणों में घटना का विवरण $trigger.payload.data में मिलता है।",
			),
		}),
	],
});
