import type { ClientTheme } from "../../../db/client/clients.ts";
import type { Language } from "../pay/languages.ts";
import { otherLanguages, type PageModel, pageModel } from "../pay/page-model.ts";
import type { PREVIEW_STATES } from "./schema.ts";

const MINUTES_LEFT = 14;
const NO_ONE = "00000000-0000-0000-0000-000000000000";

/** The payment page of this merchant over a payment that does not exist. `query`: the preview's own address. */
export function previewModel(
	client: ClientTheme & { company_name: string },
	state: (typeof PREVIEW_STATES)[number],
	language: Language,
	query: Record<string, string>,
	now: Date,
): PageModel {
	const at = now.toISOString();
	const model = pageModel(
		{
			page: {
				...client,
				client_id: NO_ONE,
				client_key: "",
				client_salt: "",
				previous_client_salt: null,
				redirect_url: null,
				description: null,
				late: false,
				version: 1,
				attempt_id: "",
				attempt_status: state === "declined" ? "failed" : "pending",
				psp_order_id: null,
				presentation: { kind: "form", url: "#", fields: {} },
				attempt_is_moving: false,
				can_move: false,
				utr_claim: null,
				takes_utr: false,
				refunds: [],
				gateway: { id: NO_ONE, provider: "", api_key: "", api_secret: "", webhook_secret: null, settings: {} },
				database_time: at,
				view: {
					transaction_id: NO_ONE,
					order_id: "ORDER-1001",
					status: state === "ready" ? "pending" : state === "declined" ? "failed" : "paid",
					amount: 49_900,
					amount_refunded: 0,
					currency: "INR",
					provider: "",
					method: "upi",
					...(state === "declined" && { error: { code: "declined", message: null } }),
					created_at: at,
					paid_at: state === "paid" ? at : null,
					expires_at: new Date(now.getTime() + MINUTES_LEFT * 60_000).toISOString(),
				},
			},
			visit: { returned: null, left: false, utr: null },
			language,
			token: "",
			platform: "other",
			resultUrl: () => null,
		},
		"'none'",
	);
	return { ...model, languages: otherLanguages(language, query), refresh_seconds: null, can_check: false };
}
