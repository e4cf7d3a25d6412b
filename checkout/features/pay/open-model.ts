import { formatAmount } from "./formats.ts";
import { fillText, type Language } from "./languages.ts";
import { merchantOf, otherLanguages } from "./page-model.ts";
import type { OpenedPage, ScriptToRun } from "./service.ts";
import type { OpenModel } from "./templates.ts";
import type { Texts } from "./texts/en.ts";
import { themeOf } from "./theme.ts";

/** What the page prints that runs a provider's script. */
export function openModel(
	page: OpenedPage,
	script: ScriptToRun,
	token: string,
	language: Language,
	texts: Texts,
): OpenModel {
	const { view, company_name } = page;
	const amount = formatAmount(view.amount, view.currency, language);
	const address = (place: string, query: Record<string, string> = {}) =>
		`/pay/${view.transaction_id}${place}?${new URLSearchParams({ token, ...query })}`;
	return {
		language,
		texts,
		title: fillText(texts.document_title, { heading: texts.open.heading, merchant: company_name }),
		merchant: merchantOf(page),
		theme: themeOf(page.theme_color),
		languages: otherLanguages(language, { token }),
		amount: { label: texts.amount_to_pay, text: amount },
		trust: texts.trust,
		script_url: script.url,
		glue: script.glue,
		session: JSON.stringify(script.session),
		page_url: address("", { left: "1" }),
		move_url: page.can_move ? address("/retry") : null,
		continue_label: fillText(texts.continue_to_pay, { amount }),
	};
}
