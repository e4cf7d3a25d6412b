/** What an endpoint's refusal says to a person. */
export function explain(error: unknown): string {
	const answer = error as { response?: { data?: { errors?: { message?: string }[] } }; message?: string };
	return answer.response?.data?.errors?.[0]?.message ?? answer.message ?? "The studio did not answer.";
}

/** Its code, e.g. REFUND_EXCEEDS_AMOUNT; null when there was no answer at all. */
export function codeOf(error: unknown): string | null {
	const answer = error as { response?: { data?: { errors?: { extensions?: { code?: string } }[] } } };
	return answer.response?.data?.errors?.[0]?.extensions?.code ?? null;
}
