import type { ConformanceKit } from "../conformance.ts";
import { parseBankStatement } from "./statement.ts";

const nothing_is_sent = "nothing is sent to anybody: an order is a link made up here";
const nobody_to_ask = "nobody can be asked: the bank's statement tells";
const no_return = "no page of anybody else's is opened, so no browser comes back";
const no_webhooks = "there is nobody who would send webhooks";
const no_refunds = "money goes back by bank transfer, from the merchant's own account";

export const conformanceKit: ConformanceKit = {
	createAccount: (suffix) => ({
		api_key: `kaveri.${suffix}@sandboxbank`,
		// A stored account has none; the suite wants one to look for in what is kept.
		api_secret: `never-used-${suffix}`,
		webhook_secret: null,
		settings: { payee_name: "Kaveri Books", mcc: "5942" },
	}),
	paths: { create_order: "/none", refund: "/none" },
	statement: {
		path: ({ api_key }) => `/statement.csv?${new URLSearchParams({ vpa: api_key, bank: "hdfc" })}`,
		read(content) {
			const statement = parseBankStatement(content);
			if (statement.outcome !== "read") throw new Error(statement.message);
			return statement.credits;
		},
	},
	no_disputes: "a transfer between bank accounts is disputed with the banks; no webhook tells of it",
	not_applicable: {
		"create: refused for an amount that the PSP does not take": nothing_is_sent,
		"create: refused with a wrong secret": nothing_is_sent,
		"create: a lost reply is unknown, and the order is found and not made twice": nothing_is_sent,
		"create: 429 is a refusal by rate": nothing_is_sent,
		"create: 500 is unknown, since the order may exist": nothing_is_sent,
		"create: 502 is unknown, since the order may exist": nothing_is_sent,
		"create: 503 is unknown, since the order may exist": nothing_is_sent,
		"create: an HTML page with status 502 is unknown": nothing_is_sent,
		"create: an HTML page with status 200 is unknown": nothing_is_sent,
		"create: no answer in time is unknown, and no order is found when none was made": nothing_is_sent,
		"create: an answer that comes too late is unknown, and the order is found": nothing_is_sent,
		"create: an answer that is slow but in time is taken": nothing_is_sent,
		"create: a refused connection was never sent": nothing_is_sent,
		"create: an answer bent anywhere is unknown, unless it shows another amount": nothing_is_sent,
		"find: none was ever made": nothing_is_sent,
		"find: a lookup answered with 429 says nothing": nothing_is_sent,
		"find: a lookup answered with 500 says nothing": nothing_is_sent,
		"status: paid, with amount, currency, method and the bank's reference as the PSP says": nobody_to_ask,
		"status: declined, with a reason": nobody_to_ask,
		"status: declined and then paid is paid": nobody_to_ask,
		"status: money held and not taken is authorized": nobody_to_ask,
		"status: another amount than asked for is told as the PSP says": nobody_to_ask,
		"status: another currency than asked for is told as the PSP says": nobody_to_ask,
		"status: told to the account that was paid and to no other": nobody_to_ask,
		"status: an answer bent anywhere never turns a payment into a failed one": nobody_to_ask,
		"status: a lookup answered with 429 is unknown": nobody_to_ask,
		"status: a lookup answered with 500 is unknown": nobody_to_ask,
		"return: signed by the PSP for this order": no_return,
		"return: forged, or of another order, proves nothing": no_return,
		"return: a failure is shown, never proven": no_return,
		"return: without a webhook, the payment is known by asking": no_return,
		"webhook: a payment, with amount and currency as the PSP says": no_webhooks,
		"webhook: another amount than asked for is told as the PSP says": no_webhooks,
		"webhook: one that overtakes the reply to the create call names our reference": no_webhooks,
		"webhook: one that comes late is proven all the same": no_webhooks,
		"webhook: last to first, they come to the same": no_webhooks,
		"webhook: a decline that comes after the success it came before undoes nothing": no_webhooks,
		"webhook: a decline": no_webhooks,
		"webhook: a refund, by our reference": no_webhooks,
		"webhook: forged is refused": no_webhooks,
		"webhook: signed for one account is refused by another": no_webhooks,
		"webhook: a body that was trimmed or changed is refused": no_webhooks,
		"webhook: a repeated one has the same dedupe key, another event another": no_webhooks,
		"webhook: nothing is accepted without a secret": no_webhooks,
		"webhook: one bent anywhere throws nothing, and states no amount that is none": no_webhooks,
		"refund: in full": no_refunds,
		"refund: in parts, and never beyond the amount": no_refunds,
		"refund: more than was paid is refused, and what was paid is not": no_refunds,
		"refund: repeated with the same key is one refund": no_refunds,
		"refund: a key used for another amount is refused": no_refunds,
		"refund: a lost reply is unknown, and asking again with the key gives the one refund": no_refunds,
		"refund: no answer in time is unknown, and asking again with the key makes the one refund": no_refunds,
		"refund: 429 names the rate, 500 is unknown, and asking again makes the refund": no_refunds,
		"refund: an answer bent anywhere never turns a refund that was made into a failed one": no_refunds,
		"refund: its status can be asked for": no_refunds,
		"settlement: every line of the day, following the pages": nobody_to_ask,
		"settlement: a report that breaks off is not given in part": nobody_to_ask,
		"secrets: never in what is kept": "there are no secrets",
	},
	signReturn: (_account, psp_order_id) => ({ query: {}, form: {}, psp_order_id }),
	failedReturn: (psp_order_id) => ({ query: {}, form: {}, psp_order_id }),
};
