/** Which of its faces the payment page shows. */
import type { PayPage } from "../../../db/client/payments.ts";
import type { Presentation } from "../../../psp/adapter.ts";

export const PAGE_STATES = [
	"preparing",
	"ready",
	"left",
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

/** How the payer came to the page; from its address, so it decides about words and never about money. */
export interface Visit {
	/** What the PSP's return claimed, when the payer comes from there. */
	returned: "succeeded" | "failed" | "unknown" | null;
	/** The payer gave up on the PSP's page. */
	left: boolean;
}

export type StatefulPage = Pick<PayPage, "database_time" | "attempt_status"> & {
	presentation: Presentation | null;
	view: Pick<PayPage["view"], "status" | "expires_at" | "error">;
};

/** Declines that another try cannot mend. */
const NOT_RETRYABLE = new Set(["amount_mismatch", "duplicate_request", "invalid_request"]);

export function pageState(page: StatefulPage, visit: Visit): PageState {
	const open = Date.parse(page.database_time) < Date.parse(page.view.expires_at);
	switch (page.view.status) {
		case "paid":
		case "refunded":
		case "partially_refunded":
		case "expired":
			return page.view.status;
		case "failed":
			// A later try holds the money already: only the bank's last word is missing.
			if (page.attempt_status === "authorized") return "confirming";
			if (page.presentation === null) return "unavailable";
			if (!open || NOT_RETRYABLE.has(page.view.error?.code ?? "")) return "failed";
			// A second try may just have succeeded: the status still tells of the first one until the PSP confirms.
			return visit.returned === "succeeded" || visit.returned === "unknown" ? "confirming" : "declined";
		case "created":
		case "pending":
			if (visit.returned !== null || page.attempt_status === "authorized") return "confirming";
			if (!open) return "expired";
			if (page.presentation === null) return "preparing";
			return visit.left ? "left" : "ready";
	}
}

/** States that end by themselves, which the page waits for. */
export function isWaiting(state: PageState): boolean {
	return state === "preparing" || state === "confirming";
}

/** States in which money may still arrive, so that the page keeps listening. */
export function isLive(state: PageState): boolean {
	return isWaiting(state) || state === "ready" || state === "left" || state === "declined";
}
