import { REFUSALS_IN_HINDI } from "./refusals-in-hindi.ts";

/** What an endpoint's refusal says to a person. Directus writes the person's language on the document. */
export function explain(error: unknown): string {
	if (document.documentElement.lang.startsWith("hi")) {
		const code = codeOf(error);
		if (code === null) return "स्टूडियो ने उत्तर नहीं दिया।";
		// Without words of its own it says which value is wrong, and that is said in English only.
		if (code in REFUSALS_IN_HINDI) return REFUSALS_IN_HINDI[code]!;
	}
	const answer = error as { response?: { data?: { errors?: { message?: string }[] } }; message?: string };
	return answer.response?.data?.errors?.[0]?.message ?? answer.message ?? "The studio did not answer.";
}

/** Its code, e.g. REFUND_EXCEEDS_AMOUNT; null when there was no answer at all. */
export function codeOf(error: unknown): string | null {
	const answer = error as { response?: { data?: { errors?: { extensions?: { code?: string } }[] } } };
	return answer.response?.data?.errors?.[0]?.extensions?.code ?? null;
}
