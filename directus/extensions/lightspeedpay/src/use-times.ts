import { useLanguage } from "./language.ts";
import { timesIn } from "./times.ts";

/** Ways to write a moment in the person's language. */
export function useTimes() {
	const { say } = useLanguage();
	return timesIn(say("en-IN", "hi-IN"));
}
