import type { readLinkPage } from "../../../db/client/links.ts";
import { formatAmount, formatMoment } from "../pay/formats.ts";
import { fillText, type Language, LOCALES, TEXTS } from "../pay/languages.ts";
import { merchantOf, otherLanguages } from "../pay/page-model.ts";
import type { LinkModel } from "../pay/templates.ts";
import { themeOf } from "../pay/theme.ts";

export type LinkPage = NonNullable<Awaited<ReturnType<typeof readLinkPage>>>;

/** What the landing page of a link prints. `url` is the link as it is shared. */
export function linkModel(link: LinkPage, language: Language, url: string, now: Date): LinkModel {
	const texts = TEXTS[language];
	const values = { merchant: link.company_name, amount: formatAmount(link.amount, link.currency, language) };
	const heading = fillText(texts.link.heading, values);
	const facts = [
		...(link.description === null ? [] : [{ label: texts.for_what, text: link.description }]),
		...(link.reference === null ? [] : [{ label: texts.link.reference, text: link.reference }]),
		...(link.expires_at === null
			? []
			: [{ label: texts.link.valid_until, text: formatMoment(new Date(link.expires_at), now, language) }]),
	];
	return {
		language,
		texts,
		title: fillText(texts.link.preview_title, values),
		merchant: merchantOf(link),
		theme: themeOf(link.theme_color),
		languages: otherLanguages(language, {}),
		amount: { label: texts.amount_to_pay, text: values.amount },
		trust: texts.trust,
		heading,
		text: fillText(texts.link.text, values),
		url: `/l/${link.code}?${new URLSearchParams({ lang: language })}`,
		pay: fillText(texts.link.pay, values),
		facts,
		preview: {
			site: link.company_name,
			title: fillText(texts.link.preview_title, values),
			text: link.description ?? fillText(texts.link.preview_text, values),
			url,
			locale: LOCALES[language].replace("-", "_"),
		},
	};
}
