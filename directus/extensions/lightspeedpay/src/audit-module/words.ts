/** What the pages call what was done. */
import { useStores } from "@directus/extensions-sdk";
import { useLanguage } from "../language.ts";
import { formatRupees } from "../rupees.ts";
import { isNothing } from "./trail.ts";

interface Words {
	en: string;
	hi: string;
}

const ACTIONS: Record<string, Words> = {
	resolve_payout: { en: "Said what came of a collection", hi: "वसूली में क्या आया बताया" },
	save_address_policy: { en: "Changed the limits of addresses", hi: "पतों की सीमाएँ बदलीं" },
	remove_rate_plan: { en: "Removed a plan", hi: "योजना हटाई" },
	save_rate_plan: { en: "Changed a plan's limits", hi: "योजना की सीमाएँ बदलीं" },
	acknowledge_alert: { en: "Acknowledged an alert", hi: "चेतावनी स्वीकारी" },
	add_webhook_endpoint: { en: "Added a webhook endpoint", hi: "वेबहुक एंडपॉइंट जोड़ा" },
	approve_utr: { en: "Approved a UTR", hi: "यूटीआर स्वीकारा" },
	book_adjustment: { en: "Booked an adjustment", hi: "समायोजन दर्ज किया" },
	change_webhook_endpoint: { en: "Changed a webhook endpoint", hi: "वेबहुक एंडपॉइंट बदला" },
	clear_cooldown: { en: "Ended a cool-down", hi: "विराम समाप्त किया" },
	create_refund: { en: "Gave a refund", hi: "रिफ़ंड दिया" },
	decide_adjustment: { en: "Decided on an adjustment", hi: "समायोजन पर निर्णय" },
	delete: { en: "Deleted", hi: "हटाया" },
	disable_webhook_endpoint: { en: "Disabled a webhook endpoint", hi: "वेबहुक एंडपॉइंट बंद किया" },
	drain_queue: { en: "Drained a queue", hi: "कतार खाली की" },
	enable_webhook_endpoint: { en: "Enabled a webhook endpoint", hi: "वेबहुक एंडपॉइंट चालू किया" },
	end_credential_overlap: { en: "Ended old credentials", hi: "पुरानी कुंजियाँ समाप्त कीं" },
	end_session: { en: "Ended a session", hi: "सत्र समाप्त किया" },
	end_silence: { en: "Ended a silence", hi: "शांति समाप्त की" },
	export_audit: { en: "Exported the audit log", hi: "लेखा-परीक्षा निर्यात की" },
	import_bank_statement: { en: "Imported a bank statement", hi: "बैंक विवरण आयात किया" },
	insert: { en: "Made", hi: "बनाया" },
	pause_gateway: { en: "Paused a gateway", hi: "गेटवे रोका" },
	pause_queue: { en: "Paused a queue", hi: "कतार रोकी" },
	propose_adjustment: { en: "Proposed an adjustment", hi: "समायोजन का प्रस्ताव" },
	record_manual_settlement: { en: "Settled a payment by hand", hi: "भुगतान हाथ से निपटाया" },
	redrive_jobs: { en: "Redrove dead jobs", hi: "मृत काम फिर चलाए" },
	regenerate_credentials: { en: "Regenerated credentials", hi: "नई कुंजियाँ बनाईं" },
	reject_utr: { en: "Rejected a UTR", hi: "यूटीआर ठुकराया" },
	release_client: { en: "Released a merchant", hi: "व्यापारी का रोक हटाया" },
	remove_webhook_endpoint: { en: "Removed a webhook endpoint", hi: "वेबहुक एंडपॉइंट हटाया" },
	replay_webhook: { en: "Sent a webhook again", hi: "वेबहुक फिर भेजा" },
	resend_whatsapp: { en: "Sent a message again", hi: "संदेश फिर भेजा" },
	resolve_alert: { en: "Resolved an alert", hi: "चेतावनी सुलझाई" },
	resolve_statement_line: { en: "Resolved a statement line", hi: "विवरण पंक्ति सुलझाई" },
	resume_queue: { en: "Resumed a queue", hi: "कतार फिर चलाई" },
	retry_jobs: { en: "Retried failed jobs", hi: "विफल काम फिर आज़माए" },
	reveal_webhook_secret: { en: "Revealed a webhook secret", hi: "वेबहुक सीक्रेट देखा" },
	rotate_webhook_secret: { en: "Replaced a webhook secret", hi: "वेबहुक सीक्रेट बदला" },
	reveal_secrets: { en: "Revealed secrets", hi: "गुप्त कुंजियाँ देखीं" },
	send_whatsapp: { en: "Sent a message", hi: "संदेश भेजा" },
	set_whatsapp_preferences: { en: "Set message preferences", hi: "संदेश वरीयताएँ बदलीं" },
	silence_alert: { en: "Silenced an alert", hi: "चेतावनी शांत की" },
	start_webhook_replay: { en: "Began to send webhooks again", hi: "वेबहुक फिर भेजना शुरू किया" },
	stop_webhook_replay: { en: "Stopped sending webhooks again", hi: "वेबहुक फिर भेजना रोका" },
	suspend_client: { en: "Suspended a merchant", hi: "व्यापारी रोका" },
	test_webhook: { en: "Tested a webhook endpoint", hi: "वेबहुक एंडपॉइंट जाँचा" },
	update: { en: "Changed", hi: "बदला" },
	upload_logo: { en: "Uploaded a logo", hi: "लोगो अपलोड किया" },
	whatsapp_opt_in: { en: "Opted in to messages", hi: "संदेश चालू किए" },
	whatsapp_opt_out: { en: "Opted out of messages", hi: "संदेश बंद किए" },
};

const plain = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");

/** Of what Directus knows nothing about; paise. */
const AMOUNTS = ["amount", "balance_due", "paid", "due"];

export function useWords() {
	const { say, sayLabel } = useLanguage();
	const { useCollectionsStore, useFieldsStore } = useStores();
	const collections = useCollectionsStore();
	const fields = useFieldsStore();
	return {
		say,
		actionText: (action: string): string => (ACTIONS[action] ? sayLabel(ACTIONS[action]) : plain(action)),
		/** As the studio calls collection and field, in the person's language. */
		tableText: (table: string): string => collections.getCollection(table)?.name ?? plain(table),
		fieldText: (table: string, field: string): string => fields.getField(table, field)?.name ?? plain(field),
		valueText: (table: string, field: string, value: unknown): string => {
			if (isNothing(value)) return "–";
			const isAmount =
				fields.getField(table, field)?.meta?.display === "lightspeedpay-rupees" || AMOUNTS.includes(field);
			if (isAmount && /^-?\d+$/.test(String(value))) return formatRupees(value)!;
			if (typeof value === "boolean") return value ? say("yes", "हाँ") : say("no", "नहीं");
			return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
		},
	};
}
