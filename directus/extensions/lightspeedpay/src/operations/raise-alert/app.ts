import { defineOperationApp } from "@directus/extensions-sdk";
import { SUBJECTS } from "../../alerts-module/subjects.ts";
import { line, oneOf, overview, speak, words } from "../form.ts";

export default defineOperationApp({
	id: "lightspeedpay-raise-alert",
	get name() {
		return speak(words("Raise an alert", "चेतावनी उठाएँ"));
	},
	icon: "notification_add",
	get description() {
		return speak(
			words(
				"Shown in the module Alerts and sent like any alert; while it is open, repetitions are counted",
				"चेतावनी मॉड्यूल में दिखती है और बाकी चेतावनियों की तरह भेजी जाती है",
			),
		);
	},
	overview: ({ severity, message }: Record<string, unknown>) =>
		overview([words("Severity", "गंभीरता"), severity], [words("Message", "संदेश"), message]),
	options: () => [
		oneOf(
			"severity",
			words("Severity", "गंभीरता"),
			[
				["info", words("Info", "जानकारी")],
				["warning", words("Warning", "चेतावनी")],
				["critical", words("Critical", "गंभीर")],
			],
			{ required: true, width: "half", preset: "warning" },
		),
		line("message", words("Message", "संदेश"), { required: true }),
		line("client_id", words("Client's id", "व्यापारी की आईडी"), { placeholder: "{{$trigger.payload.client_id}}" }),
		oneOf(
			"about",
			words("About", "किस बारे में"),
			SUBJECTS.map(({ collection, label }) => [collection, label]),
			{ width: "half" },
		),
		line("about_id", words("Its id", "उसकी आईडी"), {
			width: "half",
			placeholder: "{{$trigger.payload.data.transaction_id}}",
		}),
		line("dedupe_key", words("One alert for each", "हर इसके लिए एक चेतावनी"), {
			note: words("Empty: one open alert for the whole flow.", "खाली: पूरे फ़्लो के लिए एक खुली चेतावनी।"),
		}),
	],
});
