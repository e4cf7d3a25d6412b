/** Turns what the database knows about a payment into exactly what the template prints. */
import type { PayPage } from "../../../db/client/payments.ts";
import type { Presentation } from "../../../psp/adapter.ts";
import { formatAmount, formatDuration, formatMoment } from "./formats.ts";
import { fillText, LANGUAGES, type Language, TEXTS } from "./languages.ts";
import { isLive, isWaiting, type PageState, pageState, type Visit } from "./page-state.ts";
import type { Texts } from "./texts/en.ts";

export interface PageInput {
	page: Omit<PayPage, "presentation"> & { presentation: Presentation | null };
	visit: Visit;
	language: Language;
	token: string;
	/** The merchant's URL with the signed result; null when it has none. Asked for only where the page links there. */
	resultUrl: () => string | null;
}

export type Icon = "waiting" | "arrow" | "check" | "cross" | "clock" | "back";
export type Tone = "neutral" | "good" | "bad" | "warn";

const LOOKS: Record<PageState, { icon: Icon; tone: Tone }> = {
	preparing: { icon: "waiting", tone: "neutral" },
	ready: { icon: "arrow", tone: "neutral" },
	left: { icon: "back", tone: "warn" },
	confirming: { icon: "waiting", tone: "neutral" },
	declined: { icon: "cross", tone: "bad" },
	paid: { icon: "check", tone: "good" },
	expired: { icon: "clock", tone: "warn" },
	failed: { icon: "cross", tone: "bad" },
	unavailable: { icon: "cross", tone: "warn" },
	refunded: { icon: "back", tone: "good" },
	partially_refunded: { icon: "back", tone: "good" },
};

export interface PageModel {
	language: Language;
	texts: Texts;
	title: string;
	merchant: { name: string; initial: string };
	languages: { language: Language; name: string; href: string }[];
	amount: { label: string; text: string };
	state: { name: PageState; icon: Icon; tone: Tone; heading: string; lines: string[]; note: string | null };
	/** The way to the PSP; null when the payer has nothing to do there (any more). */
	pay: {
		url: string;
		/** What the form posts; null where a link leads there. */
		form: { fields: { name: string; value: string }[] } | null;
		label: string;
		primary: boolean;
	} | null;
	back: { href: string; label: string; primary: boolean; returning: string | null } | null;
	/** There is nothing more to do and nowhere to go. */
	closable: boolean;
	details: {
		order_id: string;
		description: string | null;
		pay_by: { text: string; machine: string; left: string } | null;
		facts: { label: string; text: string }[];
	};
	/** Seconds between reloads where no script runs; null when there is nothing to wait for. */
	refresh_seconds: number | null;
	/** Read by pay.js. */
	script: {
		version: string;
		stream: string;
		remaining_ms: string;
		/** Milliseconds between looks, beside the stream; empty when there is nothing to look for. */
		poll_ms: string;
		/** The attempt that may be opened without a press of the button; empty when none may. */
		open: string;
		/** Seconds until the browser is taken back to the merchant; empty when it stays. */
		return_after: string;
		form_action: string;
	};
}

const RETURN_AFTER_SECONDS = 8;
/** From then on a payment that is still being prepared is late. */
const SLOW_AFTER_MS = 20_000;
const POLL_MS = 15_000;
/** Money that was under way when the time ended arrives within minutes, if at all. */
const LATE_POLL_MS = 60_000;
const LATE_POLL_UNTIL_MS = 15 * 60_000;

export function pageModel(input: PageInput, form_action: string): PageModel {
	const { page, visit, language, token } = input;
	const { view } = page;
	const texts = TEXTS[language];
	const state = pageState(page, visit);
	const now = new Date(page.database_time);
	const expires_at = new Date(view.expires_at);
	const money = (amount: number) => formatAmount(amount, view.currency, language);
	const values = {
		merchant: page.company_name,
		amount: money(view.amount),
		refunded: money(view.amount_refunded),
		expiry: formatMoment(expires_at, now, language),
	};
	const words: { heading: string; text: string; note?: string; slow?: string } = texts.states[state];
	const pay = payModel(page, state, texts, values.amount);
	const slow = state === "preparing" && now.getTime() - Date.parse(view.created_at) > SLOW_AFTER_MS;
	const paid = view.paid_at !== null;
	const closes = pay === null && !isWaiting(state);
	const remaining = expires_at.getTime() - now.getTime();
	const result_url = state === "ready" || (state === "preparing" && !slow) ? null : input.resultUrl();
	const counts_down = isLive(state) && remaining > 0;

	return {
		language,
		texts,
		title: fillText(texts.document_title, { heading: words.heading, merchant: page.company_name }),
		merchant: { name: page.company_name, initial: initialOf(page.company_name) },
		languages: LANGUAGES.filter((other) => other !== language).map((other) => ({
			language: other,
			name: TEXTS[other].name,
			href: `?${new URLSearchParams({ token, ...visitQuery(visit), lang: other })}`,
		})),
		amount: {
			label: paid ? texts.amount_paid : closes || state === "confirming" ? texts.amount : texts.amount_to_pay,
			text: values.amount,
		},
		state: {
			name: state,
			...LOOKS[state],
			heading: words.heading,
			lines: [
				...(state === "declined" || state === "failed" ? reasonOf(view.error?.code, texts) : []),
				fillText(words.text, values),
				...(state === "paid" && page.late ? [texts.states.paid.late] : []),
				...(slow ? [texts.states.preparing.slow] : []),
			],
			note: words.note === undefined ? null : fillText(words.note, values),
		},
		pay,
		back:
			result_url === null
				? null
				: {
						href: result_url,
						label: fillText(texts.back_to_merchant, values),
						primary: closes,
						returning: state === "paid" ? fillText(texts.returning, { ...values, seconds: "{seconds}" }) : null,
					},
		closable: closes && result_url === null,
		details: {
			order_id: view.order_id,
			description: page.description,
			pay_by: counts_down ? { text: values.expiry, machine: view.expires_at, left: formatDuration(remaining) } : null,
			facts: [
				...(view.paid_at === null
					? []
					: [{ label: texts.paid_at, text: formatMoment(new Date(view.paid_at), now, language) }]),
				...(paid && view.method !== null ? [{ label: texts.paid_with, text: methodName(view.method, texts) }] : []),
				...(view.amount_refunded > 0 ? [{ label: texts.refunded_amount, text: values.refunded }] : []),
			],
		},
		refresh_seconds: isWaiting(state) ? 4 : null,
		script: {
			version: String(page.version),
			stream: isLive(state) ? `/status/${view.transaction_id}/stream?${new URLSearchParams({ token })}` : "",
			remaining_ms: counts_down ? String(remaining) : "",
			poll_ms: pollInterval(state, -remaining),
			open: state === "ready" ? page.attempt_id : "",
			return_after: state === "paid" && result_url !== null ? String(RETURN_AFTER_SECONDS) : "",
			form_action,
		},
	};
}

/** The page's own address, without the language. */
export function visitQuery(visit: Visit): Record<string, string> {
	return { ...(visit.returned !== null && { returned: visit.returned }), ...(visit.left && { left: "1" }) };
}

function payModel(page: PageInput["page"], state: PageState, texts: Texts, amount: string): PageModel["pay"] {
	const { presentation } = page;
	// Authorised: the payer has done their part.
	if (presentation === null || presentation.kind === "script" || presentation.kind === "upi") return null;
	if (!isLive(state) || page.attempt_status === "authorized") return null;
	const label =
		state === "confirming"
			? texts.back_to_payment
			: fillText(state === "declined" ? texts.try_again : texts.continue_to_pay, { amount });
	const look = { label, primary: state !== "confirming" };
	const form =
		presentation.kind === "redirect"
			? null
			: { fields: Object.entries(presentation.fields).map(([name, value]) => ({ name, value })) };
	return { url: presentation.url, form, ...look };
}

function pollInterval(state: PageState, expired_for_ms: number): string {
	if (isWaiting(state)) return String(POLL_MS);
	return state === "expired" && expired_for_ms < LATE_POLL_UNTIL_MS ? String(LATE_POLL_MS) : "";
}

function reasonOf(code: string | undefined, texts: Texts): string[] {
	const reasons: Partial<Record<string, string>> = texts.reasons;
	const reason = code === undefined ? undefined : reasons[code];
	return reason === undefined ? [] : [reason];
}

function methodName(method: string, texts: Texts): string {
	const methods: Partial<Record<string, string>> = texts.methods;
	return methods[method] ?? method;
}

/** The first letter as a reader sees it: a Devanagari letter keeps its vowel sign. */
function initialOf(name: string): string {
	const [first] = new Intl.Segmenter("hi", { granularity: "grapheme" }).segment(name.trim());
	return (first?.segment ?? "").toLocaleUpperCase("en-IN");
}
