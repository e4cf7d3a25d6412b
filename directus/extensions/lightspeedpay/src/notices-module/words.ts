/** What the module's pages call things, in both languages. */
import { useLanguage } from "../language.ts";

export type Status =
	| "queued"
	| "sending"
	| "accepted"
	| "sent"
	| "delivered"
	| "read"
	| "failed"
	| "unknown"
	| "skipped";

type Tone = "good" | "busy" | "warning" | "bad" | "idle";

export const STATUS_LABELS: Record<Status, { en: string; hi: string; tone: Tone }> = {
	queued: { en: "Waiting", hi: "प्रतीक्षा में", tone: "idle" },
	sending: { en: "Being sent", hi: "भेजा जा रहा है", tone: "busy" },
	accepted: { en: "Accepted", hi: "स्वीकार हुआ", tone: "busy" },
	sent: { en: "Sent", hi: "भेजा गया", tone: "busy" },
	delivered: { en: "Delivered", hi: "पहुँचा", tone: "good" },
	read: { en: "Read", hi: "पढ़ा गया", tone: "good" },
	failed: { en: "Failed", hi: "नहीं पहुँचा", tone: "bad" },
	unknown: { en: "Not known", hi: "पता नहीं", tone: "warning" },
	skipped: { en: "Not sent", hi: "नहीं भेजा", tone: "idle" },
};

export const CAUSE_LABELS: Record<string, { en: string; hi: string }> = {
	low_balance: { en: "Low balance", hi: "कम बैलेंस" },
	transaction: { en: "Payment or refund", hi: "भुगतान या रिफ़ंड" },
	request: { en: "Asked for", hi: "किसी ने भेजा" },
	resend: { en: "Sent again", hi: "फिर भेजा" },
};

export const EVENT_LABELS: Record<string, { en: string; hi: string }> = {
	"payment.paid": { en: "A payment was received", hi: "भुगतान मिला" },
	"payment.failed": { en: "A payment failed", hi: "भुगतान नहीं हुआ" },
	"refund.succeeded": { en: "A refund was made", hi: "रिफ़ंड हुआ" },
	"refund.failed": { en: "A refund failed", hi: "रिफ़ंड नहीं हुआ" },
};

export const PROVIDERS: Record<string, string> = { meta: "Meta Cloud API", gupshup: "Gupshup" };

/** Why a message was not sent on purpose, by its error code. */
const REASONS: Record<string, { en: string; hi: string }> = {
	not_configured: { en: "No provider is configured.", hi: "कोई प्रदाता सेट नहीं है।" },
	opted_out: { en: "The merchant wants no messages.", hi: "व्यापारी संदेश नहीं चाहता।" },
	too_old: { en: "It had waited for a day.", hi: "यह एक दिन से रुका था।" },
	template_not_approved: {
		en: "The provider in use does not know the template.",
		hi: "मौजूदा प्रदाता इस टेम्पलेट को नहीं जानता।",
	},
	no_answer: {
		en: "The provider's answer was lost: it may have been sent.",
		hi: "प्रदाता का जवाब नहीं मिला: संदेश शायद भेजा गया।",
	},
	unreadable_answer: {
		en: "The provider's answer could not be read: it may have been sent.",
		hi: "प्रदाता का जवाब समझ नहीं आया: संदेश शायद भेजा गया।",
	},
	worker_lost: {
		en: "A worker ended in the middle: it may have been sent.",
		hi: "बीच में वर्कर बंद हुआ: संदेश शायद भेजा गया।",
	},
	no_connection: { en: "The provider could not be reached.", hi: "प्रदाता तक नहीं पहुँच सके।" },
};

/** "low_balance" as a person reads it. */
export const nameOfTemplate = (template: string): string => {
	const words = template.replaceAll("_", " ");
	return words.charAt(0).toUpperCase() + words.slice(1);
};

export const phoneText = (recipient: string): string => `+${recipient}`;

export function useWords() {
	const { say, sayLabel } = useLanguage();
	return {
		say,
		sayLabel,
		/** Ours in words; the provider's as it was told. */
		errorText: (code: string | null, message: string | null): string | null => {
			if (code === null) return null;
			const reason = REASONS[code];
			return reason ? sayLabel(reason) : `${message ?? ""} (${code})`.trim();
		},
	};
}
