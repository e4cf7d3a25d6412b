import { computed, type Ref } from "vue";
import { useLanguage } from "../language.ts";
import { parseRupees } from "../rupees.ts";

/** An amount that a person types in rupees; `problem` says what is wrong with it, null while it is empty. */
export function useAmount(typed: Ref<string | null>) {
	const { say } = useLanguage();
	const paise = computed(() => parseRupees(typed.value ?? ""));
	const problem = computed(() => {
		if (paise.value === null) return null;
		if (paise.value === undefined)
			return say("Enter an amount in rupees, like 1250.50.", "राशि रुपये में लिखें, जैसे 1250.50।");
		return paise.value < 1 ? say("Enter an amount above zero.", "शून्य से अधिक राशि लिखें।") : null;
	});
	const isThere = computed(() => typeof paise.value === "number" && paise.value >= 1);
	return { paise, problem, isThere };
}
