/** What the pages of this area call things. */
import { useApi } from "@directus/extensions-sdk";
import { onMounted, ref } from "vue";
import { download } from "../commission-module/download.ts";

type Say = (en: string, hi: string) => string;

export interface Exception {
	id: string;
	kind: string;
	status: "open" | "resolved";
	client_id: string;
	company_name: string;
	gateway_id: string;
	gateway_name: string;
	provider: string;
	line_id: string | null;
	settlement_id: string | null;
	psp_settlement_id: string | null;
	line_kind: string | null;
	psp_id: string | null;
	currency: string | null;
	transaction_id: string | null;
	order_id: string | null;
	refund_id: string | null;
	expected: number | null;
	stated: number | null;
	details: Record<string, string>;
	owner: string | null;
	note: string | null;
	opened_at: string;
	resolution: string | null;
	resolution_reason: string | null;
	resolved_by: string | null;
	resolved_at: string | null;
}

export interface Line {
	id: string;
	kind: string;
	psp_kind: string | null;
	psp_id: string;
	amount: number;
	credit: number;
	debit: number;
	fee: number;
	tax: number;
	status: "matched" | "open" | "informative";
	transaction_id: string | null;
	order_id: string | null;
	settlement_id: string;
	settled_at: string | null;
	details: Record<string, unknown>;
	earlier: Record<string, unknown>[] | null;
	open_exceptions: { id: string; kind: string }[];
}

export const KINDS = ["missing_with_us", "missing_there", "amount", "fee", "state", "duplicate"] as const;

export function kindName(say: Say, kind: string): string {
	switch (kind) {
		case "missing_with_us":
			return say("Missing with us", "हमारे यहाँ नहीं");
		case "missing_there":
			return say("Missing in reports", "रिपोर्ट में नहीं");
		case "amount":
			return say("Amount differs", "राशि अलग");
		case "fee":
			return say("Fee differs", "शुल्क अलग");
		case "state":
			return say("State differs", "स्थिति अलग");
		case "duplicate":
			return say("Settled twice", "दो बार निपटा");
		default:
			return kind;
	}
}

/** What it means and what to do about it. */
export function kindHelp(say: Say, kind: string): string {
	switch (kind) {
		case "missing_with_us":
			return say(
				"The PSP has settled something that no payment or refund of ours fits. Look it up in the PSP's dashboard: it may have been made there by hand.",
				"PSP ने ऐसा कुछ निपटाया है जो हमारे किसी भुगतान या रिफ़ंड से नहीं मिलता। PSP के डैशबोर्ड में देखें: शायद वहीं हाथ से किया गया हो।",
			);
		case "missing_there":
			return say(
				"It is paid or refunded with us, and no report has it though the PSP's time is over. Ask the PSP when it will settle it.",
				"हमारे यहाँ चुकाया या लौटाया गया है, पर समय बीतने पर भी किसी रिपोर्ट में नहीं है। PSP से पूछें कि कब निपटाएगा।",
			);
		case "amount":
			return say(
				"The report states another amount or currency than was ordered, or its own sum does not add up.",
				"रिपोर्ट में राशि या मुद्रा अलग है, या उसका अपना जोड़ नहीं मिलता।",
			);
		case "fee":
			return say(
				"The PSP has kept more or less than its terms, or than it stated at the payment.",
				"PSP ने अपनी शर्तों से, या भुगतान के समय बताए से, कम या ज़्यादा शुल्क रखा।",
			);
		case "state":
			return say(
				"The PSP has settled what is not paid or refunded with us. It was asked about it; once both agree this resolves itself.",
				"PSP ने वह निपटाया है जो हमारे यहाँ चुकाया या लौटाया नहीं है। उससे पूछा गया है; दोनों सहमत होते ही यह अपने-आप सुलझेगा।",
			);
		default:
			return say(
				"The PSP has settled it twice, or a second payment of one order was settled and not given back.",
				"PSP ने इसे दो बार निपटाया, या एक ऑर्डर का दूसरा भुगतान निपटा और लौटाया नहीं गया।",
			);
	}
}

export function resolutionName(say: Say, resolution: string): string {
	switch (resolution) {
		case "explained":
			return say("Explained by itself", "अपने-आप स्पष्ट");
		case "psp_corrects":
			return say("The PSP will correct it", "PSP ठीक करेगा");
		case "corrected":
			return say("Corrected with us", "हमारे यहाँ ठीक किया");
		case "accepted":
			return say("Accepted as it is", "जैसा है स्वीकार");
		default:
			return say("None of ours", "हमारा नहीं");
	}
}

export const RESOLUTIONS = ["psp_corrects", "corrected", "accepted", "not_ours"] as const;

/** Why it resolved itself; a person's own words stay as they are. */
export function reasonText(say: Say, { kind, resolved_by, resolution_reason }: Exception): string {
	if (resolved_by !== "system") return resolution_reason ?? "";
	switch (kind) {
		case "missing_with_us":
			return say("What the line is about is known with us now.", "पंक्ति जिसके बारे में है, वह अब हमारे यहाँ ज्ञात है।");
		case "missing_there":
			return say("A later report has it.", "बाद की रिपोर्ट में यह है।");
		case "state":
			return say("Our state agrees with the PSP's now.", "हमारी स्थिति अब PSP से मिलती है।");
		case "duplicate":
			return say("It was given back or taken back.", "यह लौटाया या वापस लिया गया।");
		default:
			return say("A later report or new terms agree with our figures.", "बाद की रिपोर्ट या नई शर्तें हमारे आँकड़ों से मिलती हैं।");
	}
}

export function lineKind(say: Say, { kind, psp_kind }: Pick<Line, "kind" | "psp_kind">): string {
	switch (kind) {
		case "payment":
			return say("Payment", "भुगतान");
		case "refund":
			return say("Refund", "रिफ़ंड");
		case "transfer":
			return say("Transfer", "स्थानांतरण");
		default:
			return psp_kind ?? say("Adjustment", "समायोजन");
	}
}

/** Whole days since then. */
export const ageOf = (time: string): number => Math.floor((Date.now() - Date.parse(time)) / 86_400_000);

interface Rights {
	user: string;
	may_act: boolean;
	people: { id: string; name: string }[];
}

/** What the person may do here, so that nothing is offered in vain; the endpoints check again. */
export function useRights() {
	const api = useApi();
	const rights = ref<Rights>({ user: "", may_act: false, people: [] });
	onMounted(async () => {
		const { data } = await api.get("/lightspeedpay/reconciliation-rights");
		rights.value = data.data;
	});
	return rights;
}

/** Asks on until the last part and hands the person one file. `url` ends so that a parameter may follow. */
export async function downloadAll(api: ReturnType<typeof useApi>, url: string, file_name: string): Promise<void> {
	const parts: string[] = [];
	let after: string | null = "";
	while (after !== null) {
		const { data }: { data: { data: { csv: string; next: string | null } } } = await api.get(`${url}after=${after}`);
		const { csv, next } = data.data;
		parts.push(parts.length === 0 ? csv : csv.slice(csv.indexOf("\n") + 1));
		after = next;
	}
	download(file_name, "text/csv", parts);
}
