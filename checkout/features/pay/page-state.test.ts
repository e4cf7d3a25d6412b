import { describe, expect, it } from "vitest";
import type { TransactionStatus } from "../../../db/client/payments.ts";
import type { Presentation } from "../../../psp/adapter.ts";
import { type PageState, pageState, type StatefulPage, type Visit } from "./page-state.ts";

const OPEN = "2026-11-21T06:30:00.000Z";
const OVER = "2026-11-21T06:19:59.000Z";
const presentation = { kind: "redirect", url: "https://psp.example/pay" } as const;
const fresh: Visit = { returned: null, left: false, utr: null };
const upi = {
	kind: "upi",
	uri: "upi://pay?pa=kaveri@okbank",
	payee_vpa: "kaveri@okbank",
	payee_name: "Kaveri Books",
	amount: 49_897,
	reference: "LSP1",
	expires_at: "2026-11-21T06:29:00.000Z",
} as const;
const over = { ...upi, expires_at: OVER };

function page(
	status: TransactionStatus,
	rest: {
		expires_at?: string;
		code?: string;
		bare?: true;
		attempt_status?: string;
		moving?: true;
		upi?: Presentation;
		claim?: "submitted" | "approved" | "rejected";
	} = {},
): StatefulPage {
	return {
		database_time: "2026-11-21T06:20:00.000Z",
		attempt_status: rest.attempt_status ?? (status === "failed" ? "failed" : "pending"),
		attempt_is_moving: rest.moving ?? false,
		presentation: rest.bare ? null : (rest.upi ?? presentation),
		utr_claim: rest.claim === undefined ? null : { utr: "412345678901", status: rest.claim },
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
		["offers to go on after leaving", page("pending"), { ...fresh, left: true }, "left"],
		["never believes a claimed success", page("pending"), { ...fresh, returned: "succeeded" }, "confirming"],
		["never believes a claimed failure", page("pending"), { ...fresh, returned: "failed" }, "confirming"],
		["waits for the bank's last word", page("pending", { attempt_status: "authorized" }), fresh, "confirming"],
		["ends with the time", page("pending", { expires_at: OVER }), fresh, "expired"],
		[
			"still confirms a return after the time",
			page("pending", { expires_at: OVER }),
			{ ...fresh, returned: "unknown" },
			"confirming",
		],
		["offers another try", page("failed", { code: "declined" }), fresh, "declined"],
		["shows a decline to who comes back with it", page("failed"), { ...fresh, returned: "failed" }, "declined"],
		[
			"does not show the old decline after a second try",
			page("failed"),
			{ ...fresh, returned: "succeeded" },
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
			{ ...fresh, returned: "failed" },
			"confirming",
		],
		["offers no try after the time", page("failed", { expires_at: OVER }), fresh, "failed"],
		["offers no try where none helps", page("failed", { code: "amount_mismatch" }), fresh, "failed"],
		["says when no PSP took the order", page("failed", { bare: true, code: "psp_unavailable" }), fresh, "unavailable"],
		["prepares another gateway after a decline", page("failed", { moving: true }), fresh, "preparing"],
		[
			"prepares another gateway after leaving",
			page("pending", { moving: true }),
			{ ...fresh, left: true },
			"preparing",
		],
		[
			"waits for the other gateway's order",
			page("failed", { bare: true, attempt_status: "created" }),
			fresh,
			"preparing",
		],
		[
			"waits for the other gateway's order while it is unknown",
			page("failed", { bare: true, attempt_status: "unknown" }),
			fresh,
			"preparing",
		],
		["leads to the other gateway", page("failed", { attempt_status: "pending" }), fresh, "ready"],
		[
			"confirms a return from the other gateway",
			page("failed", { attempt_status: "pending" }),
			{ ...fresh, returned: "failed" },
			"confirming",
		],
		["shows a UPI code", page("pending", { upi }), fresh, "scan"],
		["shows a UPI code whatever the address says", page("pending", { upi }), { ...fresh, returned: "failed" }, "scan"],
		["takes the code away before the payment ends", page("pending", { upi: over }), fresh, "code_over"],
		["has no code for an attempt that ended", page("failed", { upi }), fresh, "code_over"],
		["has no code after the payment's time", page("pending", { upi, expires_at: OVER }), fresh, "expired"],
		["waits for the bank once a UTR is known", page("pending", { upi, claim: "submitted" }), fresh, "checking"],
		["waits for the bank after the time", page("expired", { upi: over, claim: "submitted" }), fresh, "checking"],
		["shows the code again after a wrong UTR", page("pending", { upi, claim: "rejected" }), fresh, "scan"],
		["is paid whatever was claimed", page("paid", { upi, claim: "submitted" }), fresh, "paid"],
		["is paid whatever the address says", page("paid"), { ...fresh, returned: "failed", left: true }, "paid"],
		["is expired", page("expired"), fresh, "expired"],
		["is refunded", page("refunded"), fresh, "refunded"],
		["is partly refunded", page("partially_refunded"), fresh, "partially_refunded"],
	])("%s", (_, stateful, visit, state) => {
		expect(pageState(stateful, visit)).toBe(state);
	});
});
