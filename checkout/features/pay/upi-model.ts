/** What the payment page prints for direct UPI: the code, the ways into an app, and the form for the UTR. */
import { formatDuration } from "./formats.ts";
import { fillText } from "./languages.ts";
import type { Face, Notice, PageModel } from "./page-model.ts";
import type { PageState } from "./page-state.ts";
import { type QrCode, qrCode, upiAppLinks } from "./upi.ts";

export interface UpiModel {
	qr: QrCode;
	uri: string;
	apps: { name: string; href: string }[];
	/** The device asks which app, so that is the first choice; else the apps by name are. */
	asks: boolean;
	/** Whether this is a phone for sure. */
	is_phone: boolean;
	/** Until the code is gone. */
	left: string;
	left_ms: number;
	/** What can be copied: `copied` is what an app's field takes. */
	rows: { name: string; label: string; text: string; copied: string; copy_label: string }[];
	payee_name: string;
	notices: Notice[];
}

/** Null where there is no code to show, or not any more. */
export function upiModel({ page, state, texts, values, platform, remaining }: Face): UpiModel | null {
	const { presentation: upi, view } = page;
	if (upi?.kind !== "upi" || state !== "scan") return null;
	const left_ms = Math.min(Date.parse(upi.expires_at) - Date.parse(page.database_time), remaining);
	const rupees = `${Math.floor(upi.amount / 100)}.${String(upi.amount % 100).padStart(2, "0")}`;
	return {
		qr: qrCode(upi.uri),
		uri: upi.uri,
		apps: upiAppLinks(upi.uri, platform),
		asks: platform !== "ios",
		is_phone: platform !== "other",
		left: formatDuration(left_ms),
		left_ms,
		rows: [
			{
				name: "exact-amount",
				label: texts.amount,
				text: values.amount,
				copied: rupees,
				copy_label: texts.copy_amount,
			},
			{
				name: "upi-id",
				label: texts.upi.id,
				text: upi.payee_vpa,
				copied: upi.payee_vpa,
				copy_label: texts.copy_upi_id,
			},
		],
		payee_name: upi.payee_name,
		notices: upi.amount === view.amount ? [] : [{ text: fillText(texts.upi.exact, values), is_urgent: true }],
	};
}

export interface UtrModel {
	url: string;
	heading: string;
	/** Behind a summary to open. */
	is_folded: boolean;
	primary: boolean;
	error: string | null;
	/** The number before was not taken: it stands in the field again. */
	refused: { entered: string } | null;
}

/** In which the payer may tell the number of a payment that was made; also when the payment has moved on from direct UPI. */
const UTR_STATES = new Set<PageState>([
	"scan",
	"code_over",
	"ready",
	"left",
	"declined",
	"checking",
	"expired",
	"failed",
	"unavailable",
]);

/** Null where no UTR is taken. */
export function utrModel(
	{ page, visit, state, texts, values, platform, address }: Face,
	retry: PageModel["retry"],
): UtrModel | null {
	if (!page.takes_utr || !UTR_STATES.has(state)) return null;
	const { utr } = texts;
	const rejected = page.utr_claim?.status === "rejected" ? fillText(utr.rejected, values) : null;
	const headings: Partial<Record<PageState, string>> = { scan: utr.heading, checking: utr.heading_again };
	return {
		url: address("/utr"),
		heading: headings[state] ?? utr.heading_late,
		is_folded: state === "checking" || page.presentation?.kind !== "upi",
		// On a phone opening an app comes first.
		primary: (state === "scan" && platform === "other") || (state === "code_over" && retry === null),
		error: visit.utr === null ? rejected : utr.refusals[visit.utr.refusal],
		refused: visit.utr === null ? null : { entered: visit.utr.entered },
	};
}
