import { describe, expect, it } from "vitest";
import type { TransactionStatus } from "../../../db/client/payments.ts";
import { type PageState, pageState, type StatefulPage, type Visit } from "./page-state.ts";

const OPEN = "2026-11-21T06:30:00.000Z";
const OVER = "2026-11-21T06:19:59.000Z";
const presentation = { kind: "redirect", url: "https://psp.example/pay" } as const;
const fresh: Visit = { returned: null, left: false };

function page(
	status: TransactionStatus,
	rest: { expires_at?: string; code?: string; bare?: true; attempt_status?: string } = {},
): StatefulPage {
	return {
		database_time: "2026-11-21T06:20:00.000Z",
		attempt_status: rest.attempt_status ?? "pending",
		presentation: rest.bare ? null : presentation,
		view: {
			status,
			expires_at: rest.expires_at ?? OPEN,
			...(rest.code !== undefined && { error: { code: rest.code, message: null } }),
		},
	};
}

describe("pageState", () => {
	it.each<[string, StatefulPage, Visit, PageState]>([
		["waits for the PSP's order", page("created", { bare: true }), fresh, "preparing"],
		["leads to the PSP", page("pending"), fresh, "ready"],
		["offers to go on after leaving", page("pending"), { returned: null, left: true }, "left"],
		["never believes a claimed success", page("pending"), { returned: "succeeded", left: false }, "confirming"],
		["never believes a claimed failure", page("pending"), { returned: "failed", left: false }, "confirming"],
		["waits for the bank's last word", page("pending", { attempt_status: "authorized" }), fresh, "confirming"],
		["ends with the time", page("pending", { expires_at: OVER }), fresh, "expired"],
		[
			"still confirms a return after the time",
			page("pending", { expires_at: OVER }),
			{ returned: "unknown", left: false },
			"confirming",
		],
		["offers another try", page("failed", { code: "declined" }), fresh, "declined"],
		["shows a decline to who comes back with it", page("failed"), { returned: "failed", left: false }, "declined"],
		[
			"does not show the old decline after a second try",
			page("failed"),
			{ returned: "succeeded", left: false },
			"confirming",
		],
		[
			"asks for no second payment while the bank holds one of a later try",
			page("failed", { code: "declined", attempt_status: "authorized" }),
			fresh,
			"confirming",
		],
		[
			"waits for the bank's last word though the time is over",
			page("failed", { code: "declined", attempt_status: "authorized", expires_at: OVER }),
			{ returned: "failed", left: false },
			"confirming",
		],
		["offers no try after the time", page("failed", { expires_at: OVER }), fresh, "failed"],
		["offers no try where none helps", page("failed", { code: "amount_mismatch" }), fresh, "failed"],
		["says when no PSP took the order", page("failed", { bare: true, code: "psp_unavailable" }), fresh, "unavailable"],
		["is paid whatever the address says", page("paid"), { returned: "failed", left: true }, "paid"],
		["is expired", page("expired"), fresh, "expired"],
		["is refunded", page("refunded"), fresh, "refunded"],
		["is partly refunded", page("partially_refunded"), fresh, "partially_refunded"],
	])("%s", (_, stateful, visit, state) => {
		expect(pageState(stateful, visit)).toBe(state);
	});
});
