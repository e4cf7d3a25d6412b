/** Turns what the database knows about a payment into exactly what the template prints. */
import type { PayPage } from "../../../db/client/payments.ts";
import type { Presentation } from "../../../psp/adapter.ts";
import { formatAmount, formatDuration, formatMoment } from "./formats.ts";
import { fillText, LANGUAGES, type Language, TEXTS } from "./languages.ts";
import { logoPath } from "./logos.ts";
import { isLive, isWaiting, type PageState, pageState, type Visit } from "./page-state.ts";
import type { Texts } from "./texts/en.ts";
import { type Theme, themeOf } from "./theme.ts";
import type { Platform } from "./upi.ts";
import { type UpiModel, type UtrModel, upiModel, utrModel } from "./upi-model.ts";

export interface PageInput {
	page: Omit<PayPage, "presentation"> & { presentation: Presentation | null };
	visit: Visit;
	language: Language;
	token: string;
	/** What the payer's device runs. */
	platform: Platform;
	/** The merchant's URL with the signed result; null when it has none. Asked for only where the page links there. */
	resultUrl: () => string | null;
}

export type Icon = "waiting" | "arrow" | "check" | "cross" | "clock" | "back";
export type Tone = "neutral" | "good" | "bad" | "warn";

const LOOKS: Record<PageState, { icon: Icon; tone: Tone }> = {
	preparing: { icon: "waiting", tone: "neutral" },
	ready: { icon: "arrow", tone: "neutral" },
	left: { icon: "back", tone: "warn" },
	scan: { icon: "arrow", tone: "neutral" },
	code_over: { icon: "clock", tone: "warn" },
	checking: { icon: "waiting", tone: "neutral" },
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
	merchant: Merchant;
	theme: Theme | null;
	languages: { language: Language; name: string; href: string }[];
	amount: { label: string; text: string };
	trust: string;
	state: {
		name: PageState;
		icon: Icon;
		tone: Tone;
		heading: string;
		lines: string[];
		notices: Notice[];
		note: string | null;
	};
	/** Direct UPI: what to scan, to open or to type. */
	upi: UpiModel | null;
	/** The way to the PSP; null when the payer has nothing to do there (any more). */
	pay: {
		url: string;
		/** What the form posts; null where a link leads there. */
		form: { fields: { name: string; value: string }[] } | null;
		label: string;
		primary: boolean;
	} | null;
	/** Asks for another gateway. */
	retry: { url: string; label: string; primary: boolean } | null;
	utr: UtrModel | null;
	back: { href: string; label: string; primary: boolean; returning: string | null } | null;
	/** There is nothing more to do and nowhere to go. */
	closable: boolean;
	details: {
		order_id: string;
		description: string | null;
		/** Without `left` where the clock of a code runs. */
		pay_by: { text: string; machine: string; left: string | null } | null;
		facts: { label: string; text: string }[];
	};
	/** Seconds between reloads where no script runs; null when there is nothing to wait for. */
	refresh_seconds: number | null;
	/** Whether who has no script may want to look again. */
	can_check: boolean;
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

export interface Merchant {
	name: string;
	initial: string;
	/** Its address. */
	logo: string | null;
}

/** What each part of the page is made from. */
export interface Face {
	page: PageInput["page"];
	visit: Visit;
	state: PageState;
	texts: Texts;
	platform: Platform;
	values: Record<"merchant" | "amount" | "order_amount" | "refunded" | "expiry" | "utr", string>;
	/** Until the time to pay ends, in milliseconds. */
	remaining: number;
	/** Since the payment began, in milliseconds. */
	age: number;
	/** A path of this payment, with its token. */
	address: (place: string) => string;
	money: (amount: number) => string;
}

/** What must not be overlooked; urgent where the payer has to mind it. */
export interface Notice {
	text: string;
	is_urgent: boolean;
}

/** Where no script runs. */
const REFRESH_MS = 4_000;
const RETURN_AFTER_SECONDS = 8;
/** From then on a payment that is still being prepared is late. */
const SLOW_AFTER_MS = 20_000;
const POLL_MS = 15_000;
/** Money that was under way when the time ended arrives within minutes, if at all. */
const LATE_POLL_MS = 60_000;
const LATE_POLL_UNTIL_MS = 15 * 60_000;
/** While the payer moves on to another gateway, of which the status stream need not tell. */
const MOVE_POLL_MS = 3_000;

export function pageModel(input: PageInput, form_action: string): PageModel {
	const { page, language, token } = input;
	const { view, presentation } = page;
	const face = faceOf(input);
	const { state, texts, values, remaining } = face;
	const words: { heading: string; note?: string } = texts.states[state];
	const is_moving = view.status === "failed" || page.attempt_is_moving;
	const slow = state === "preparing" && !is_moving && face.age > SLOW_AFTER_MS;
	const paid = view.paid_at !== null;
	const code = upiModel(face);
	const retry = retryModel(face);
	const pay = retry?.primary ? null : payModel(face);
	const utr = utrModel(face, retry);
	const closes = pay === null && retry === null && !isWaiting(state) && state !== "scan" && state !== "checking";
	const result_url = state === "ready" || (state === "preparing" && !is_moving && !slow) ? null : input.resultUrl();
	// Nothing can be paid where only a number may be entered.
	const counts_down = isLive(state) && !closes && state !== "checking" && remaining > 0;
	const refresh_ms = isWaiting(state) ? REFRESH_MS : code === null ? null : code.left_ms + 1_000;
	const heading = fillText(texts.document_title, { heading: words.heading, merchant: page.company_name });
	const now = new Date(page.database_time);

	return {
		language,
		texts,
		title: utr?.refused ? `${texts.utr.error}: ${heading}` : heading,
		merchant: merchantOf(page),
		theme: themeOf(page.theme_color),
		languages: otherLanguages(language, { token, ...visitQuery(input.visit) }),
		amount: {
			label: paid ? texts.amount_paid : closes || NOT_TO_PAY.has(state) ? texts.amount : texts.amount_to_pay,
			text: values.amount,
		},
		trust: presentation?.kind === "upi" ? texts.trust_upi : texts.trust,
		state: {
			name: state,
			...LOOKS[state],
			heading: words.heading,
			lines: [...linesOf(face, retry !== null), ...(slow ? [texts.states.preparing.slow] : [])],
			notices: [...(code?.notices ?? []), ...(paid ? refundNotices(face) : [])],
			note: words.note === undefined || (state === "code_over" && retry !== null) ? null : fillText(words.note, values),
		},
		upi: code,
		pay,
		retry,
		utr,
		back:
			result_url === null
				? null
				: {
						href: result_url,
						label: fillText(texts.back_to_merchant, values),
						primary: closes && !utr?.primary,
						returning: state === "paid" ? fillText(texts.returning, { ...values, seconds: "{seconds}" }) : null,
					},
		closable: closes && result_url === null,
		details: {
			order_id: view.order_id,
			description: page.description,
			pay_by: counts_down
				? {
						text: values.expiry,
						machine: view.expires_at,
						left: code === null ? formatDuration(remaining) : null,
					}
				: null,
			facts: [
				...(values.amount !== values.order_amount ? [{ label: texts.order_amount, text: values.order_amount }] : []),
				...(view.paid_at === null
					? []
					: [{ label: texts.paid_at, text: formatMoment(new Date(view.paid_at), now, language) }]),
				...(paid && view.method !== null ? [{ label: texts.paid_with, text: methodName(view.method, texts) }] : []),
				...(view.amount_refunded > 0 ? [{ label: texts.refunded_amount, text: values.refunded }] : []),
			],
		},
		refresh_seconds: refresh_ms === null ? null : Math.ceil(refresh_ms / 1000),
		can_check: isLive(state),
		script: {
			version: String(page.version),
			stream:
				isLive(state) && (state !== "checking" || remaining > 0)
					? `/status/${view.transaction_id}/stream?${new URLSearchParams({ token })}`
					: "",
			remaining_ms: counts_down ? String(code?.left_ms ?? remaining) : "",
			poll_ms: pollInterval(state, is_moving, -remaining),
			open: state === "ready" && utr?.refused == null ? page.attempt_id : "",
			return_after: state === "paid" && result_url !== null ? String(RETURN_AFTER_SECONDS) : "",
			form_action,
		},
	};
}

function faceOf({ page, visit, language, token, platform }: PageInput): Face {
	const { view, presentation } = page;
	const now = Date.parse(page.database_time);
	const money = (amount: number) => formatAmount(amount, view.currency, language);
	return {
		page,
		visit,
		state: pageState(page, visit),
		texts: TEXTS[language],
		platform,
		values: {
			merchant: page.company_name,
			amount: money(presentation?.kind === "upi" ? presentation.amount : view.amount),
			order_amount: money(view.amount),
			refunded: money(view.amount_refunded),
			expiry: formatMoment(new Date(view.expires_at), new Date(now), language),
			utr: page.utr_claim?.utr ?? "",
		},
		money,
		remaining: Date.parse(view.expires_at) - now,
		age: now - Date.parse(view.created_at),
		address: (place) => `/pay/${view.transaction_id}${place}?${new URLSearchParams({ token })}`,
	};
}

/** In which there is nothing to pay now, or not any more. */
const NOT_TO_PAY = new Set<PageState>(["confirming", "checking"]);

function linesOf({ page, state, texts, values, platform }: Face, may_retry: boolean): string[] {
	const { states } = texts;
	const text = state === "scan" && platform !== "other" ? states.scan.text_phone : states[state].text;
	return [
		...(state === "declined" || state === "failed" ? reasonOf(page.view.error?.code, texts) : []),
		fillText(text, values),
		...(state === "code_over" && may_retry ? [fillText(states.code_over.other, values)] : []),
		...(state === "paid" && page.late ? [states.paid.late] : []),
	];
}

/** What the payer should know of money that goes back, where nothing else on the page says it. */
function refundNotices({ page, texts, money }: Face): Notice[] {
	return page.refunds.flatMap(({ amount, status, kind }) => {
		const values = { amount: money(amount) };
		if (kind === "duplicate_payment") {
			return [{ text: fillText(texts.refunds[`duplicate_${status}`], values), is_urgent: status === "failed" }];
		}
		return status === "pending" ? [{ text: fillText(texts.refunds.requested_pending, values), is_urgent: false }] : [];
	});
}

function retryModel({ page, state, texts, values, address }: Face): PageModel["retry"] {
	if (!page.can_move) return null;
	const url = address("/retry");
	switch (state) {
		case "declined":
			return { url, label: fillText(texts.try_again, values), primary: true };
		case "code_over":
			return { url, label: texts.pay_another_way, primary: true };
		case "left":
		case "scan":
			return { url, label: texts.pay_another_way, primary: false };
		default:
			return null;
	}
}

/** The page's own address, without the language. */
export function visitQuery(visit: Visit): Record<string, string> {
	return {
		...(visit.returned !== null && { returned: visit.returned }),
		...(visit.left && { left: "1" }),
		...(visit.utr !== null && { utr: visit.utr.refusal, entered: visit.utr.entered }),
	};
}

function payModel({ page, state, texts, values, address }: Face): PageModel["pay"] {
	const { presentation } = page;
	// Authorised: the payer has done their part.
	if (presentation === null || presentation.kind === "upi" || page.attempt_status === "authorized") return null;
	if (!isLive(state) || state === "preparing" || state === "checking") return null;
	const label =
		state === "confirming"
			? texts.back_to_payment
			: fillText(state === "declined" ? texts.try_again : texts.continue_to_pay, values);
	return { ...wayTo(presentation, address("/open")), label, primary: state !== "confirming" };
}

function wayTo(
	presentation: Exclude<Presentation, { kind: "upi" }>,
	script_url: string,
): Pick<NonNullable<PageModel["pay"]>, "url" | "form"> {
	switch (presentation.kind) {
		case "redirect":
			return { url: presentation.url, form: null };
		case "form":
			return {
				url: presentation.url,
				form: { fields: Object.entries(presentation.fields).map(([name, value]) => ({ name, value })) },
			};
		case "script":
			return { url: script_url, form: null };
	}
}

function pollInterval(state: PageState, is_moving: boolean, expired_for_ms: number): string {
	if (state === "preparing" && is_moving) return String(MOVE_POLL_MS);
	if (isWaiting(state)) return String(POLL_MS);
	if (state === "checking") return String(LATE_POLL_MS);
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

export function merchantOf({
	company_name: name,
	logo_sha256,
}: {
	company_name: string;
	logo_sha256: string | null;
}): Merchant {
	return { name, initial: initialOf(name), logo: logoPath(logo_sha256) };
}

/** Links to the same page in the other languages. */
export function otherLanguages(language: Language, query: Record<string, string>): PageModel["languages"] {
	return LANGUAGES.filter((other) => other !== language).map((other) => ({
		language: other,
		name: TEXTS[other].name,
		href: `?${new URLSearchParams({ ...query, lang: other })}`,
	}));
}

/** The first letter as a reader sees it: a Devanagari letter keeps its vowel sign. */
function initialOf(name: string): string {
	const [first] = new Intl.Segmenter("hi", { granularity: "grapheme" }).segment(name.trim());
	return (first?.segment ?? "").toLocaleUpperCase("en-IN");
}
