import type { BrowserReturn, PspAccount } from "../adapter.ts";
import type { ConformanceKit } from "../conformance.ts";
import { closeScenarios } from "../not-applicable.ts";
import { reverseHash } from "./hash.ts";

const no_call = "the payer's browser brings the order to PayU; nothing is called before";
const no_lookup = "the form is made anew and is the same; nothing is looked up";
const no_close = "a form that was handed out cannot be called back";

/** As PayU's page sends the payer's browser back. */
export function signedReturn(account: PspAccount, psp_order_id: string, fields: Record<string, string>): BrowserReturn {
	const form = {
		key: account.api_key,
		txnid: psp_order_id,
		amount: "499.00",
		productinfo: "Order KB-1",
		firstname: "Asha Rao",
		email: "asha.rao@example.com",
		phone: "9000012345",
		udf1: "",
		...fields,
	};
	return { query: { token: "t" }, form: { ...form, hash: reverseHash(account, form) }, psp_order_id };
}

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `payu${suffix}`,
		api_secret: `salt-of-payu-${suffix}`,
		// PayU proves its webhooks by the salt.
		webhook_secret: null,
		settings: {},
	}),
	paths: { create_order: "/_payment", refund: "/merchant/postservice.php" },
	not_applicable: {
		"create: refused with a wrong secret": no_call,
		"create: a lost reply is unknown, and the order is found and not made twice": no_call,
		"create: 429 is a refusal by rate": no_call,
		"create: 500 is unknown, since the order may exist": no_call,
		"create: 502 is unknown, since the order may exist": no_call,
		"create: 503 is unknown, since the order may exist": no_call,
		"create: an HTML page with status 502 is unknown": no_call,
		"create: an HTML page with status 200 is unknown": no_call,
		"create: no answer in time is unknown, and no order is found when none was made": no_call,
		"create: an answer that comes too late is unknown, and the order is found": no_call,
		"create: an answer that is slow but in time is taken": no_call,
		"create: a refused connection was never sent": no_call,
		"create: an answer bent anywhere is unknown, unless it shows another amount": no_call,
		"find: none was ever made": no_lookup,
		"find: a lookup answered with 429 says nothing": no_lookup,
		"find: a lookup answered with 500 says nothing": no_lookup,
		[closeScenarios.unpaid]: no_close,
		[closeScenarios.paid]: no_close,
		[closeScenarios.lost]: no_close,
		"status: another currency than asked for is told as the PSP says": "PayU India takes rupees and states no currency",
		"webhook: one that overtakes the reply to the create call names our reference": no_call,
		"webhook: a body that was trimmed or changed is refused":
			"the hash covers some of the fields; every webhook is confirmed by asking",
	},
	split_account: "P41sCY",
	no_split_events: "webhooks tell of payments, refunds and disputes, never of a part",
	divides_once: true,
	signReturn: (account, psp_order_id, psp_payment_id) =>
		signedReturn(account, psp_order_id, { mihpayid: psp_payment_id, status: "success", unmappedstatus: "captured" }),
	failedReturn: (psp_order_id) => ({
		query: { token: "t" },
		form: { txnid: psp_order_id, status: "failure", unmappedstatus: "failed", error: "E500", hash: "" },
		psp_order_id,
	}),
};
