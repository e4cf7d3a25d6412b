/** Which of its faces the payment page shows. */
import type { PayPage } from "../../../db/client/payments.ts";
import type { Presentation } from "../../../psp/adapter.ts";

export const PAGE_STATES = [
	"preparing",
	"ready",
	"left",
	"scan",
	"code_over",
	"checking",
	"confirming",
	"declined",
	"paid",
	"expired",
	"failed",
	"unavailable",
	"refunded",
	"partially_refunded",
] as const;
export type PageState = (typeof PAGE_STATES)[number];

export const UTR_REFUSALS = ["invalid", "used", "too_many"] as const;
export type UtrRefusal = (typeof UTR_REFUSALS)[number];

/** How the payer came to the page; from its address, so it decides about words and never about money. */
export interface Visit {
	/** What the PSP's return claimed, when the payer comes from there. */
	returned: "succeeded" | "failed" | "unknown" | null;
	/** The payer gave up on the PSP's page. */
	left: boolean;
	/** Why the number that the payer just entered was not taken, and that number. */
	utr: { refusal: UtrRefusal; entered: string } | null;
}

export type StatefulPage = Pick<PayPage, "database_time" | "attempt_status" | "attempt_is_moving" | "utr_claim"> & {
	presentation: Presentation | null;
	view: Pick<PayPage["view"], "status" | "expires_at" | "error">;
};

/** Declines that another try cannot mend. */
const NOT_RETRYABLE = new Set(["amount_mismatch", "duplicate_request", "invalid_request"]);

/** Of an attempt that has not ended. */
const UNDER_WAY = new Set(["created", "unknown", "pending"]);

export function pageState(page: StatefulPage, visit: Visit): PageState {
	const { status } = page.view;
	if (status === "paid" || status === "refunded" || status === "partially_refunded") return status;
	// A claim about money that moved outlives the time to pay.
	if (page.utr_claim !== null && page.utr_claim.status !== "rejected") return "checking";
	if (status === "expired") return "expired";
	// The money of a try is held already: only the bank's last word is missing.
	if (page.attempt_status === "authorized") return "confirming";
	const open = Date.parse(page.database_time) < Date.parse(page.view.expires_at);
	if (status === "failed") {
		const under_way = page.attempt_is_moving || UNDER_WAY.has(page.attempt_status);
		if (!under_way && page.presentation === null) return "unavailable";
		if (!open || NOT_RETRYABLE.has(page.view.error?.code ?? "")) return "failed";
		// The status still tells of the try before: the payer moves on to another gateway, or is there already.
		if (under_way) return openState(page, visit);
		if (page.presentation?.kind === "upi") return "code_over";
		// A second try may just have succeeded: the status still tells of the first one until the PSP confirms.
		return visit.returned === "succeeded" || visit.returned === "unknown" ? "confirming" : "declined";
	}
	if (page.presentation?.kind !== "upi" && visit.returned !== null) return "confirming";
	return open ? openState(page, visit) : "expired";
}

/** Of a payment that can be paid now. */
function openState(page: StatefulPage, visit: Visit): PageState {
	const { presentation } = page;
	if (page.attempt_is_moving || presentation === null) return "preparing";
	if (presentation.kind === "upi") {
		return Date.parse(page.database_time) < Date.parse(presentation.expires_at) ? "scan" : "code_over";
	}
	if (visit.returned !== null) return "confirming";
	return visit.left ? "left" : "ready";
}

/** States that end by themselves, which the page waits for. */
export function isWaiting(state: PageState): boolean {
	return state === "preparing" || state === "confirming";
}

/** States in which money may still arrive, so that the page keeps listening. */
export function isLive(state: PageState): boolean {
	return isWaiting(state) || LISTENING.has(state);
}

const LISTENING = new Set<PageState>(["ready", "left", "scan", "code_over", "checking", "declined"]);
