import { useI18n } from "vue-i18n";

/** Says a thing in the language that the person reads the studio in. */
export function useLanguage() {
	const { locale } = useI18n();
	const say = (english: string, hindi: string): string => (String(locale.value).startsWith("hi") ? hindi : english);
	return {
		say,
		sayLabel: (label: { en: string; hi: string }): string => say(label.en, label.hi),
	};
}
