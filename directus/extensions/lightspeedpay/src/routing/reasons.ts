/** The words for what routing says of a gateway. */
type Say = (english: string, hindi: string) => string;

/** Why a gateway was passed over: what gateway_obstacle() in the database answers. */
export function skipReason(say: Say, reason: string): string {
	const words: Record<string, string> = {
		inactive: say("switched off", "बंद है"),
		cooling_down: say("cooling down after failures", "असफलताओं के बाद विराम में"),
		currency_not_supported: say("does not take this currency", "यह मुद्रा नहीं लेता"),
		method_not_supported: say("does not take this method", "यह तरीका नहीं लेता"),
		amount_below_minimum: say("amount below its smallest payment", "राशि इसके न्यूनतम से कम"),
		amount_above_maximum: say("amount above its largest payment", "राशि इसके अधिकतम से अधिक"),
		monthly_limit_reached: say("its limit for the month is reached", "मासिक सीमा पूरी"),
		rpm_limit_reached: say("its payments of this minute are used", "इस मिनट की सीमा पूरी"),
		left_out: say("left out of this question", "इस प्रश्न से बाहर"),
	};
	return words[reason] ?? reason.replaceAll("_", " ");
}

export function modeName(say: Say, mode: string): string {
	const words: Record<string, string> = {
		smart: say("Smart", "स्मार्ट"),
		round_robin: say("Round robin", "बारी-बारी"),
		weighted: say("Weighted", "भारित"),
		dynamic: say("Dynamic", "गतिशील"),
	};
	return words[mode] ?? mode;
}

export const percent = (rate: number | string): string =>
	`${Number(rate).toLocaleString("en-IN", { maximumFractionDigits: 1 })} %`;
