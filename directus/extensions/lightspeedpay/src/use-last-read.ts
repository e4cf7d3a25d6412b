import { type Ref, shallowRef, watch } from "vue";

/** What a live page showed last, which stays where it is while another choice is on its way; gone once it may not be seen. */
export function useLastRead<T>(data: Ref<T | null>, error: Ref<string | null>): Ref<T | null> {
	const last = shallowRef<T | null>(data.value) as Ref<T | null>;
	watch([data, error], ([now, why]) => {
		if (now !== null || why !== null) last.value = now;
	});
	return last;
}
