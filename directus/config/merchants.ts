import { providers } from "../../psp/providers.ts";
import {
	type Collection,
	type Condition,
	choice,
	type Field,
	hiddenUnless,
	identifier,
	json,
	label,
	money,
	nameOf,
	number,
	panel,
	pattern,
	section,
	tags,
	text,
	time,
	toggle,
	toMany,
	toOne,
	unreachable,
	written,
} from "./fields.ts";
import { PROVIDERS, providerName } from "./providers.ts";

/** Providers whose accounts need this credential, and those that are not described. */
const withCredential = (credential: "api_secret" | "webhook_secret"): string[] =>
	Object.keys(providers).filter((provider) => PROVIDERS[provider]?.[credential] !== null);

const withSettings = Object.keys(providers).filter((provider) => PROVIDERS[provider]?.settings.length !== 0);

/** Those that settle a part of a payment to another account. */
const SPLITTING = ["razorpay", "cashfree", "payu"];

/** What the provider calls this credential, as a hint in the empty field. */
const hints = (credential: "api_key" | "api_secret" | "webhook_secret"): Condition[] =>
	Object.entries(PROVIDERS).flatMap(([provider, description]) => {
		const wanted = description[credential];
		if (wanted === null) return [];
		const placeholder = wanted.example === undefined ? wanted.name : `${wanted.name}, ${wanted.example}`;
		return [
			{ name: provider, rule: { _and: [{ provider: { _eq: provider } }] }, hidden: false, options: { placeholder } },
		];
	});

/** Hidden where the provider has none; for one that is not described it is shown without a hint. */
const credentialFor = (credential: "api_secret" | "webhook_secret"): Pick<Field, "hidden" | "conditions"> => {
	const shown = hiddenUnless("provider", withCredential(credential));
	return { ...shown, conditions: [...(shown.conditions ?? []), ...hints(credential)] };
};

const clients: Collection = {
	collection: "clients",
	label: label("Clients", "व्यापारी"),
	singular: label("Client", "व्यापारी"),
	icon: "storefront",
	note: "Merchants and their terms",
	folder: "merchants",
	template: "{{company_name}}",
	fields: [
		section("section_integration", label("Integration", "एकीकरण"), "integration_instructions"),
		{
			field: "integration",
			label: label("Keys and addresses", "कुंजियाँ और पते"),
			special: ["alias", "no-data"],
			interface: "lightspeedpay-integration",
			width: "full",
			group: "section_integration",
		},
		section("section_profile", label("Profile", "परिचय"), "badge"),
		text("company_name", label("Company", "कंपनी"), {
			group: "section_profile",
			required: true,
			options: { trim: true, iconLeft: "storefront", placeholder: "As payers know it" },
			validation: { company_name: { _regex: "^.{1,200}$" } },
			validationMessage: "Enter a name of at most 200 characters.",
		}),
		choice(
			"status",
			label("Status", "स्थिति"),
			[
				["active", "Active", "green"],
				["suspended", "Suspended", "amber"],
				["disabled", "Disabled", "red"],
			],
			{ group: "section_profile", note: "Suspended and disabled clients cannot take payments." },
		),
		text("legal_name", label("Legal name", "कानूनी नाम"), { group: "section_profile" }),
		pattern(
			"gstin",
			label("GSTIN", "जीएसटीआईएन"),
			"^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$",
			"A GSTIN has 15 characters, like 27AAPFU0939F1ZV.",
			{ group: "section_profile", options: { trim: true, font: "monospace", placeholder: "27AAPFU0939F1ZV" } },
		),
		pattern("email", label("E-mail", "ई-मेल"), "^[^@\\s]+@[^@\\s]+$", "Enter an e-mail address.", {
			group: "section_profile",
			options: { trim: true, iconLeft: "mail" },
		}),
		text("phone", label("Phone", "फ़ोन"), { group: "section_profile", options: { trim: true, iconLeft: "call" } }),
		pattern("state_code", label("GST state code", "जीएसटी राज्य कोड"), "^[0-9]{2}$", "Two digits, such as 27.", {
			group: "section_profile",
			options: { trim: true, placeholder: "27" },
		}),
		choice(
			"kyc_status",
			label("KYC", "केवाईसी"),
			[
				["pending", "Pending", "grey"],
				["submitted", "Submitted", "blue"],
				["verified", "Verified", "green"],
				["rejected", "Rejected", "red"],
			],
			{ group: "section_profile" },
		),
		json("address", label("Address", "पता"), { group: "section_profile" }),
		section("section_addresses", label("Webhooks and links", "वेबहुक और लिंक"), "webhook"),
		// Plain http only for the sandbox's endpoints on this machine, which the demo's clients have: a client that is edited
		// in a drawer is checked as a whole, not only where it was changed.
		pattern(
			"webhook_url",
			label("Webhook URL", "वेबहुक यूआरएल"),
			"^(https://[^\\s/]|http://127\\.0\\.0\\.1:[0-9]+/merchant/webhook/)",
			"Enter an address that starts with https://. Events are not sent over plain http.",
			{
				group: "section_addresses",
				width: "full",
				note: "Where this client receives payment events: its first endpoint. More of them, filters and their state are under Integration.",
				options: { trim: true, iconLeft: "link", placeholder: "https://" },
			},
		),
		time("previous_webhook_secret_until", label("Previous webhook secret signs until", "पिछला वेबहुक सीक्रेट मान्य"), {
			group: "section_addresses",
			note: "After regenerating, events carry a signature for the old secret too, for 24 hours or more.",
		}),
		tags("redirect_urls", label("Redirect URLs", "वापसी यूआरएल"), "https://… then Enter", {
			group: "section_addresses",
			note: "Where payers may be sent back to.",
		}),
		section("section_commission", label("Commission", "कमीशन"), "percent"),
		number(
			"fee_percent",
			label("Fee (percent)", "शुल्क (प्रतिशत)"),
			{ min: 0, max: 100 },
			"Enter a percentage from 0 to 100.",
			{ group: "section_commission", options: { min: 0, max: 100, step: 0.001, iconRight: "percent" } },
		),
		money("suspend_threshold", label("Refuse payments when due reaches", "इतना बकाया होने पर भुगतान रोकें"), {
			group: "section_commission",
			note: "Leave empty for never.",
		}),
		toggle("reverse_commission_on_refund", label("Reverse commission on refund", "रिफ़ंड पर कमीशन लौटाएँ"), {
			group: "section_commission",
		}),
		toMany("wallet", label("Wallet", "वॉलेट"), ["balance_due", "warn_threshold", "updated_at"], {
			group: "section_commission",
		}),
		section("section_routing", label("Routing", "रूटिंग"), "alt_route"),
		choice(
			"rotation_mode",
			label("Rotation", "रोटेशन"),
			[
				["smart", "Smart: priority, then success rate", "blue"],
				["round_robin", "Round robin: least recently used", "grey"],
				["weighted", "Weighted: drawn by weight", "purple"],
				["dynamic", "Dynamic: learns what succeeds, and keeps exploring", "green"],
			],
			{ group: "section_routing" },
		),
		number(
			"max_rpm_per_gateway",
			label("Payments a minute per gateway", "प्रति गेटवे प्रति मिनट भुगतान"),
			{ min: 1 },
			"At least 1, or empty for no limit.",
			{ group: "section_routing", note: "Leave empty for no limit." },
		),
		number(
			"cooldown_seconds",
			label("Cool-down (seconds)", "विराम (सेकंड)"),
			{ min: 1, max: 86400 },
			"From 1 to 86400 seconds.",
			{ group: "section_routing", note: "How long a failing gateway rests." },
		),
		number(
			"payment_expiry_seconds",
			label("Payment expires after (seconds)", "भुगतान की अवधि (सेकंड)"),
			{ min: 60, max: 86400 },
			"From 60 to 86400 seconds.",
			{ group: "section_routing" },
		),
		toMany("gateways", label("Gateways", "गेटवे"), ["name", "provider", "is_active", "priority", "state"], {
			group: "section_routing",
		}),
		panel("what_if", label("What would routing do now?", "रूटिंग अभी क्या करेगी?"), "lightspeedpay-what-if", {
			group: "section_routing",
		}),
		section("section_limits", label("Limits", "सीमाएँ"), "speed", "closed"),
		choice(
			"rate_plan",
			label("Plan of API requests", "एपीआई अनुरोधों की योजना"),
			[
				["starter", "Starter", "grey"],
				["growth", "Growth", "blue"],
				["scale", "Scale", "purple"],
				["enterprise", "Enterprise", "green"],
			],
			{ group: "section_limits", note: "Empty: the two limits below are this merchant's own." },
		),
		number("burst_per_second", label("API requests at once", "एक साथ एपीआई अनुरोध"), { min: 1 }, "At least 1.", {
			group: "section_limits",
		}),
		number(
			"rate_limit_per_minute",
			label("API requests a minute", "प्रति मिनट एपीआई अनुरोध"),
			{ min: 1 },
			"At least 1.",
			{ group: "section_limits" },
		),
		money("max_transaction_amount", label("Largest payment", "अधिकतम भुगतान"), { group: "section_limits" }),
		number("daily_count_cap", label("Payments a day", "प्रतिदिन भुगतान"), { min: 1 }, "At least 1.", {
			group: "section_limits",
		}),
		money("daily_amount_cap", label("Amount a day", "प्रतिदिन राशि"), { group: "section_limits" }),
		money("monthly_amount_cap", label("Amount a month", "प्रतिमाह राशि"), { group: "section_limits" }),
		toggle("allow_plain_salt", label("Allow plain key and salt", "सादी कुंजी और सॉल्ट की अनुमति"), {
			group: "section_limits",
			note: "Weaker than signed requests: the salt travels with each request.",
		}),
		section("section_page", label("Payment page", "भुगतान पृष्ठ"), "palette", "closed"),
		pattern(
			"theme_color",
			label("Colour", "रंग"),
			"^#[0-9a-f]{6}$",
			"Six hexadecimal digits after #, in small letters, like #1f2b60.",
			{
				group: "section_page",
				note: "Checkout settings shows the page with it. Its shades are made readable whatever it is.",
				options: { trim: true, font: "monospace", placeholder: "#1f2b60" },
				display: "color",
			},
		),
		text("logo_sha256", label("Logo", "लोगो"), {
			group: "section_page",
			readonly: true,
			note: "The image's fingerprint; uploaded in Checkout settings.",
			options: { font: "monospace" },
		}),
		section("section_record", label("Record", "अभिलेख"), "history", "closed"),
		identifier({ group: "section_record" }),
		text("client_key", label("Client key", "क्लाइंट कुंजी"), {
			group: "section_record",
			readonly: true,
			note: "Made by the studio; changed only by regenerating.",
			options: { font: "monospace" },
			display: "formatted-value",
			displayOptions: { font: "monospace" },
		}),
		text("previous_client_key", label("Previous client key", "पिछली क्लाइंट कुंजी"), {
			group: "section_record",
			readonly: true,
			note: "With its salt it is valid beside the new pair until the overlap ends.",
			options: { font: "monospace" },
			display: "formatted-value",
			displayOptions: { font: "monospace" },
		}),
		time("previous_credentials_until", label("Previous pair valid until", "पिछली जोड़ी मान्य"), {
			group: "section_record",
		}),
		time("created_at", label("Created", "बनाया गया"), { group: "section_record" }),
		time("updated_at", label("Changed", "बदला गया"), { group: "section_record" }),
		unreachable("client_salt"),
		unreachable("previous_client_salt"),
		unreachable("webhook_secret"),
		unreachable("previous_webhook_secret"),
		{ ...unreachable("new_client_salt"), special: ["conceal"] },
		{ ...unreachable("new_webhook_secret"), special: ["conceal"] },
	],
	list: {
		fields: ["company_name", "status", "kyc_status", "fee_percent", "wallet", "created_at"],
		sort: "company_name",
		widths: { company_name: 260, status: 130, kyc_status: 130, fee_percent: 130, wallet: 150, created_at: 170 },
	},
	bookmarks: [
		{
			name: "Suspended or disabled",
			icon: "block",
			color: "var(--theme--warning)",
			filter: { status: { _neq: "active" } },
		},
		{ name: "KYC to check", icon: "fact_check", filter: { kyc_status: { _eq: "submitted" } } },
	],
};

const gateways: Collection = {
	collection: "payment_gateways",
	label: label("Gateways", "गेटवे"),
	singular: label("Gateway", "गेटवे"),
	icon: "alt_route",
	note: "Merchants' own accounts at payment providers",
	folder: "merchants",
	template: "{{name}}",
	fields: [
		section("section_account", label("Account", "खाता"), "account_balance"),
		toOne("client_id", label("Client", "व्यापारी"), "{{company_name}}", {
			group: "section_account",
			required: true,
			note: "A gateway stays with its client.",
		}),
		text("name", label("Name", "नाम"), {
			group: "section_account",
			required: true,
			validation: { name: { _regex: "^.{1,100}$" } },
			validationMessage: "Enter a name of at most 100 characters.",
		}),
		choice(
			"provider",
			label("Provider", "प्रदाता"),
			Object.keys(providers).map((key) => [key, providerName(key), "grey"]),
			{ group: "section_account", required: true, note: "Cannot be changed afterwards." },
		),
		toggle("is_active", label("Active", "सक्रिय"), {
			group: "section_account",
			note: "Takes effect on the very next payment.",
		}),
		panel("account_guide", label("What to enter", "क्या भरें"), "lightspeedpay-account-guide", {
			group: "section_account",
		}),
		text("api_key", label("API key", "एपीआई कुंजी"), {
			group: "section_account",
			required: true,
			options: { trim: true, font: "monospace" },
			conditions: hints("api_key"),
		}),
		text("new_api_secret", label("API secret", "एपीआई गुप्त कुंजी"), {
			special: ["conceal"],
			group: "section_account",
			note: "Write-only. Stored encrypted and never shown again; leave empty to keep it.",
			options: { trim: true, masked: true, placeholder: "Enter to set or replace", iconLeft: "lock" },
			display: "raw",
			searchable: false,
			...credentialFor("api_secret"),
		}),
		text("new_webhook_secret", label("Webhook secret", "वेबहुक गुप्त कुंजी"), {
			special: ["conceal"],
			group: "section_account",
			note: "Write-only. Verifies the provider's webhooks; leave empty to keep it.",
			options: { trim: true, masked: true, placeholder: "Enter to set or replace", iconLeft: "lock" },
			display: "raw",
			searchable: false,
			...credentialFor("webhook_secret"),
		}),
		toggle("has_webhook_secret", label("Webhook secret is set", "वेबहुक गुप्त कुंजी है"), {
			group: "section_account",
			readonly: true,
			options: { label: "Set" },
			...hiddenUnless("provider", withCredential("webhook_secret")),
		}),
		{
			field: "settings",
			label: label("Settings", "सेटिंग्स"),
			special: ["cast-json"],
			interface: "lightspeedpay-gateway-settings",
			display: "formatted-json-value",
			width: "full",
			group: "section_account",
			...hiddenUnless("provider", withSettings),
		},
		{
			...section("section_statement", label("Bank statement", "बैंक विवरण"), "account_balance"),
			...hiddenUnless("provider", ["upi"]),
		},
		panel("statement_import", label("Import a statement", "विवरण आयात करें"), "lightspeedpay-statement-import", {
			group: "section_statement",
			...hiddenUnless("provider", ["upi"]),
		}),
		{
			...section("section_split", label("Our commission", "हमारा कमीशन"), "call_split"),
			...hiddenUnless("provider", SPLITTING),
		},
		toggle("split_enabled", label("Split it off", "अलग कराएँ"), {
			group: "section_split",
			note: "The provider settles commission and GST of each payment to us by itself.",
		}),
		pattern(
			"split_account",
			label("Our account there", "वहाँ हमारा खाता"),
			"^[A-Za-z0-9_]{1,50}$",
			"Letters, digits and _ only.",
			{
				group: "section_split",
				note: "Razorpay: linked account (acc_…), and webhooks transfer.processed and transfer.failed. Cashfree: vendor id. PayU: our merchant key; refunds of split payments are made on PayU's dashboard.",
				options: { trim: true, font: "monospace" },
			},
		),
		section("section_health", label("Health", "स्वास्थ्य"), "monitor_heart"),
		toMany(
			"state",
			label("Health", "स्वास्थ्य"),
			["success_rate", "volume", "window_count", "last_used_at", "cooldown_until", "last_response_code"],
			{ group: "section_health", display: "lightspeedpay-gateway-health" },
		),
		section("section_selection", label("Selection", "चयन"), "tune"),
		number("priority", label("Priority", "प्राथमिकता"), {}, "", {
			group: "section_selection",
			note: "Higher goes first.",
		}),
		number("weight", label("Weight", "भार"), { min: 1, max: 1000 }, "From 1 to 1000.", {
			group: "section_selection",
			note: "For weighted rotation.",
		}),
		money("monthly_limit", label("Limit a month", "मासिक सीमा"), {
			group: "section_selection",
			note: "Leave empty for no limit.",
		}),
		pattern(
			"egress_group",
			label("Egress group", "निर्गम समूह"),
			"^(?!default$)[a-z][a-z0-9_-]{0,30}$",
			"Small letters, digits, - and _, beginning with a letter; not the word default.",
			{
				group: "section_selection",
				note: "Only workers of this group call the provider for this account. Leave empty for any worker.",
				options: { trim: true, font: "monospace", placeholder: "mumbai-1" },
			},
		),
		money("min_amount", label("Smallest payment", "न्यूनतम भुगतान"), { group: "section_selection" }),
		money("max_amount", label("Largest payment", "अधिकतम भुगतान"), { group: "section_selection" }),
		{
			field: "methods",
			label: label("Methods", "तरीके"),
			special: ["cast-json"],
			interface: "select-multiple-checkbox",
			options: {
				choices: [
					["upi", "UPI"],
					["card", "Card"],
					["netbanking", "Netbanking"],
					["wallet", "Wallet"],
					["emi", "EMI"],
					["bank_transfer", "Bank transfer"],
				].map(([value, caption]) => ({ value, text: caption })),
			},
			display: "labels",
			note: "None chosen means every method.",
			width: "half",
			group: "section_selection",
		},
		tags("currencies", label("Currencies", "मुद्राएँ"), "INR", { group: "section_selection", width: "half" }),
		section("section_wire", label("Connection", "कनेक्शन"), "settings_ethernet", "closed"),
		tags("webhook_networks", label("Webhook source networks", "वेबहुक स्रोत नेटवर्क"), "203.0.113.0/24 then Enter", {
			group: "section_wire",
			note: "Addresses that the provider's webhooks come from; empty means anywhere.",
		}),
		identifier({ group: "section_wire" }),
		time("created_at", label("Created", "बनाया गया"), { group: "section_wire" }),
		time("updated_at", label("Changed", "बदला गया"), { group: "section_wire" }),
		unreachable("api_secret"),
		unreachable("webhook_secret"),
	],
	list: {
		fields: ["name", "is_active", "state", "client_id", "provider", "priority", "monthly_limit"],
		sort: "name",
		widths: {
			name: 180,
			is_active: 90,
			state: 290,
			client_id: 170,
			provider: 120,
			priority: 100,
			monthly_limit: 160,
		},
		refreshSeconds: 30,
	},
	bookmarks: [
		{
			name: "Cooling down",
			icon: "ac_unit",
			color: "var(--theme--warning)",
			filter: { state: { _some: { cooldown_until: { _gt: "$NOW" } } } },
		},
		{ name: "Switched off", icon: "power_settings_new", filter: { is_active: { _eq: false } } },
	],
};

const states: Collection = {
	collection: "gateway_states",
	label: label("Gateway health", "गेटवे स्वास्थ्य"),
	icon: "monitor_heart",
	folder: "merchants",
	hidden: true,
	template: "{{success_rate}} %",
	fields: written([
		nameOf("gateway_id", label("Gateway", "गेटवे"), "payment_gateways", "name"),
		nameOf("client_id", label("Client", "व्यापारी"), "clients", "company_name"),
		number("success_rate", label("Success rate (%)", "सफलता दर (%)"), {}, ""),
		money("volume", label("Volume this month", "इस माह की राशि"), { readonly: true }),
		{
			field: "volume_month",
			label: label("Month counted", "गिना गया माह"),
			interface: "datetime",
			display: "datetime",
			displayOptions: { format: "short" },
			width: "half",
		},
		number("window_count", label("Requests this minute", "इस मिनट अनुरोध"), {}, ""),
		time("window_started_at", label("Minute began", "मिनट शुरू")),
		time("last_used_at", label("Last used", "पिछला उपयोग")),
		time("cooldown_until", label("Cooling down until", "विराम तक")),
		number("last_response_code", label("Last response", "पिछला उत्तर"), {}, ""),
		number("outcomes", label("Outcomes behind the rate", "दर के पीछे परिणाम"), {}, ""),
		json("method_rates", label("Success rate by method", "तरीके के अनुसार सफलता दर")),
		number("cooldowns_in_row", label("Cool-downs in a row", "लगातार विराम"), {}, ""),
		number("probe_stage", label("Stage of return", "वापसी का चरण"), {}, "", {
			note: "Empty: takes its full share. 0: one request at a time; 1 to 3: a growing share.",
		}),
		number("probe_passes", label("Successes at this stage", "इस चरण में सफलताएँ"), {}, ""),
		time("probe_sent_at", label("Single request sent", "अकेला अनुरोध भेजा")),
		...["beliefs", "believed_at", "belief_half_life"].map(unreachable),
	]),
	list: {
		fields: ["gateway_id", "client_id", "success_rate", "volume", "last_used_at", "cooldown_until"],
		sort: "-last_used_at",
	},
};

const log: Collection = {
	collection: "gateway_log",
	label: label("Gateway log", "गेटवे लॉग"),
	icon: "toggle_on",
	note: "Gateways switched, cooling down and returning",
	folder: "merchants",
	fields: written([
		identifier(),
		time("created_at", label("When", "कब")),
		toOne("gateway_id", label("Gateway", "गेटवे"), "{{name}}"),
		toOne("client_id", label("Client", "व्यापारी"), "{{company_name}}"),
		choice("kind", label("What", "क्या"), [
			["cooled_down", "Cooled down", "amber"],
			["returned", "Back on trial", "blue"],
			["recovered", "Recovered", "green"],
			["cleared", "Cool-down ended by hand", "blue"],
			["activated", "Switched on", "blue"],
			["deactivated", "Switched off", "grey"],
		]),
		json("details", label("Details", "विवरण")),
	]),
	list: { fields: ["created_at", "kind", "gateway_id", "client_id"], sort: "-id", refreshSeconds: 10 },
};

export const merchants = [clients, gateways, states, log];
