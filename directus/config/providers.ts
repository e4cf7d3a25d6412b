/**
 * What a person enters for an account at each provider. Data only: the gateway's page shows it, and the hook that guards
 * payment_gateways.settings checks with it. A provider that is missing here is shown as it is keyed, with settings as JSON.
 */
import { type Label, label } from "./fields.ts";

export interface Credential {
	/** What the provider calls it. */
	name: string;
	example?: string;
	note?: Label;
}

export interface Setting {
	key: string;
	label: Label;
	note?: Label;
	required?: boolean;
	/** Written when a new gateway says nothing. */
	preset?: string;
	placeholder?: string;
	choices?: { value: string; label: Label }[];
	/** Of the whole value. */
	pattern?: string;
	/** What is wrong when the pattern does not fit. */
	message?: Label;
	/** Asked for only where another setting has this value. */
	onlyWith?: { key: string; value: string };
}

export interface ProviderDescription {
	name: string;
	api_key: Credential;
	/** Null: this provider has none. */
	api_secret: Credential | null;
	webhook_secret: Credential | null;
	/** Where the provider is told our webhook address; null: it sends none. */
	webhook: Label | null;
	settings: Setting[];
}

export const PROVIDERS: Record<string, ProviderDescription> = {
	razorpay: {
		name: "Razorpay",
		api_key: { name: "Key ID", example: "rzp_live_…" },
		api_secret: { name: "Key secret" },
		webhook_secret: {
			name: "Webhook's secret",
			note: label("The one chosen when the webhook is made there.", "वही जो वहाँ वेबहुक बनाते समय चुना गया।"),
		},
		webhook: label(
			"Dashboard → Account & Settings → Webhooks, with the payment, order and refund events.",
			"डैशबोर्ड → Account & Settings → Webhooks; payment, order और refund घटनाएँ चुनें।",
		),
		settings: [],
	},
	payu: {
		name: "PayU",
		api_key: { name: "Merchant key" },
		api_secret: { name: "Merchant salt" },
		webhook_secret: null,
		webhook: label(
			"Dashboard → Developer tools → Webhooks, for successful, failed and refund. The salt proves them.",
			"डैशबोर्ड → Developer tools → Webhooks; successful, failed और refund के लिए। सॉल्ट से प्रमाणित।",
		),
		settings: [],
	},
	cashfree: {
		name: "Cashfree",
		api_key: { name: "App ID (client ID)" },
		api_secret: { name: "Secret key (client secret)" },
		webhook_secret: {
			name: "Leave empty",
			note: label(
				"Webhooks are signed with the secret key; set only while they still come with an older one.",
				"वेबहुक पर गुप्त कुंजी से ही हस्ताक्षर होता है; केवल तब भरें जब वे पुरानी कुंजी से आ रहे हों।",
			),
		},
		webhook: label(
			"Dashboard → Developers → Webhooks, version 2025-01-01 or newer.",
			"डैशबोर्ड → Developers → Webhooks, संस्करण 2025-01-01 या नया।",
		),
		settings: [],
	},
	phonepe: {
		name: "PhonePe",
		api_key: { name: "Client ID" },
		api_secret: { name: "Client secret" },
		webhook_secret: {
			name: "Webhook's password, or its HMAC secret key",
			note: label("Which of the two is chosen below.", "दोनों में से कौन-सा, यह नीचे चुनें।"),
		},
		webhook: label(
			"Business dashboard → Developer settings → Webhooks, for checkout order and refund events.",
			"Business dashboard → Developer settings → Webhooks; checkout order और refund घटनाएँ।",
		),
		settings: [
			{
				key: "client_version",
				label: label("Client version", "क्लाइंट संस्करण"),
				note: label("Shown beside the client ID.", "क्लाइंट आईडी के पास लिखा होता है।"),
				required: true,
				preset: "1",
				pattern: "^[1-9][0-9]{0,5}$",
				message: label("A whole number such as 1.", "पूरी संख्या, जैसे 1।"),
			},
			{
				key: "environment",
				label: label("Environment", "परिवेश"),
				preset: "production",
				choices: [
					{ value: "production", label: label("Production", "असली") },
					{ value: "sandbox", label: label("PhonePe's own sandbox", "PhonePe का सैंडबॉक्स") },
				],
			},
			{
				key: "merchant_id",
				label: label("Merchant ID", "मर्चेंट आईडी"),
				note: label("Only with the credentials of a partner.", "केवल पार्टनर की कुंजियों के साथ।"),
				pattern: "^[A-Za-z0-9_.-]{1,64}$",
				message: label("Letters, digits, - _ and .", "अक्षर, अंक, - _ और ."),
			},
			{
				key: "webhook_mode",
				label: label("Webhooks are proven by", "वेबहुक का प्रमाण"),
				preset: "hmac",
				choices: [
					{ value: "hmac", label: label("HMAC secret key", "एचमैक गुप्त कुंजी") },
					{ value: "basic", label: label("User name and password", "यूज़रनेम और पासवर्ड") },
				],
			},
			{
				key: "webhook_username",
				label: label("Webhook user name", "वेबहुक यूज़रनेम"),
				note: label("5 to 20 letters, digits and _.", "5 से 20 अक्षर, अंक और _।"),
				onlyWith: { key: "webhook_mode", value: "basic" },
				required: true,
				pattern: "^[A-Za-z0-9_]{5,20}$",
				message: label("5 to 20 letters, digits and _.", "5 से 20 अक्षर, अंक और _।"),
			},
		],
	},
	stripe: {
		name: "Stripe",
		api_key: { name: "Publishable key", example: "pk_live_…" },
		api_secret: {
			name: "Secret or restricted key",
			example: "sk_live_…",
			note: label(
				"Rights needed: checkout sessions, refunds, payment intents.",
				"अधिकार: checkout sessions, refunds, payment intents।",
			),
		},
		webhook_secret: { name: "Endpoint's signing secret", example: "whsec_…" },
		webhook: label(
			"Workbench → Webhooks → Add destination, with the checkout.session, payment_intent and refund events.",
			"Workbench → Webhooks → Add destination; checkout.session, payment_intent और refund घटनाएँ।",
		),
		settings: [],
	},
	upi: {
		name: "Direct UPI",
		api_key: { name: "The merchant's VPA", example: "name@bank" },
		api_secret: null,
		webhook_secret: null,
		webhook: null,
		settings: [
			{
				key: "payee_name",
				label: label("Payee name", "प्राप्तकर्ता का नाम"),
				note: label(
					"As the bank has it; payers see it in their app. Empty: the client's name.",
					"जैसा बैंक में है; भुगतानकर्ता अपने ऐप में देखते हैं। खाली: व्यापारी का नाम।",
				),
				pattern: "^.{1,99}$",
				message: label("At most 99 characters.", "अधिकतम 99 अक्षर।"),
			},
			{
				key: "mcc",
				label: label("Merchant category code", "मर्चेंट श्रेणी कोड"),
				placeholder: "5942",
				pattern: "^[0-9]{4}$",
				message: label("Four digits.", "चार अंक।"),
			},
			{
				key: "match_by",
				label: label("Payments are told apart by", "भुगतान की पहचान"),
				note: label(
					"Amount: a few paise less make each open payment unique. Reference: where the bank's statement shows it.",
					"राशि: कुछ पैसे कम, ताकि हर खुला भुगतान अलग हो। संदर्भ: जहाँ बैंक विवरण उसे दिखाता है।",
				),
				preset: "reference",
				choices: [
					{ value: "reference", label: label("Reference on the statement", "विवरण में संदर्भ") },
					{ value: "amount", label: label("Unique amount", "अलग राशि") },
				],
			},
		],
	},
};

export const providerName = (provider: string): string => PROVIDERS[provider]?.name ?? provider;

/** Settings as they are to be stored: presets filled in, empty ones and those out of place left out. */
export function completeSettings(provider: string, given: Record<string, unknown>): Record<string, unknown> {
	const description = PROVIDERS[provider];
	if (description === undefined) return given;
	const settings: Record<string, unknown> = { ...given };
	for (const { key, preset } of description.settings) {
		// A number is as good as its digits.
		if (typeof settings[key] === "string" || typeof settings[key] === "number")
			settings[key] = String(settings[key]).trim();
		if (settings[key] === undefined || settings[key] === null || settings[key] === "") {
			if (preset === undefined) delete settings[key];
			else settings[key] = preset;
		}
	}
	for (const { key, onlyWith } of description.settings) {
		if (onlyWith !== undefined && settings[onlyWith.key] !== onlyWith.value) delete settings[key];
	}
	return settings;
}

export interface SettingProblem {
	key: string;
	message: Label;
}

/** What is wrong with settings that completeSettings() made; empty when nothing is. */
export function findSettingProblems(provider: string, settings: Record<string, unknown>): SettingProblem[] {
	const description = PROVIDERS[provider];
	if (description === undefined) return [];
	const problems: SettingProblem[] = [];
	const known = description.settings.map(({ key }) => key);
	for (const key of Object.keys(settings)) {
		if (!known.includes(key)) {
			problems.push({
				key,
				message: label(
					`${description.name} has no such setting. Secrets belong in the fields for secrets.`,
					`${description.name} में ऐसी कोई सेटिंग नहीं है। गुप्त बातें गुप्त फ़ील्ड में लिखें।`,
				),
			});
		}
	}
	for (const { key, required, pattern, message, choices, onlyWith } of description.settings) {
		const value = settings[key];
		if (value === undefined) {
			if (required && (onlyWith === undefined || settings[onlyWith.key] === onlyWith.value))
				problems.push({ key, message: label("Needed.", "ज़रूरी है।") });
			continue;
		}
		const fits =
			typeof value === "string" &&
			(pattern === undefined || new RegExp(pattern).test(value)) &&
			(choices === undefined || choices.some((choice) => choice.value === value));
		if (!fits) problems.push({ key, message: message ?? label("Not one of the choices.", "विकल्पों में से नहीं।") });
	}
	return problems;
}
