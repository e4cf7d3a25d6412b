import { createHash } from "node:crypto";
import type { Dispute } from "../disputes.ts";
import { randomAlphanumeric } from "../ids.ts";
import type { PayInstruction } from "../provider.ts";
import type { Account } from "../registry.ts";
import type { OutgoingWebhook, WebhookSender } from "../webhook-sender.ts";
import { type Fields, responseHash } from "./hash.ts";
import { istTime, type Payment, type Refund, rupees, type StoredOrder } from "./store.ts";

interface OutgoingEvent {
	event: string;
	event_id: string;
	type: string;
	body: string;
	headers?: Record<string, string>;
}

type Manner = PayInstruction["webhook"];

export const PLAIN_MANNER: Manner = { duplicate: 0, delay_ms: 0, skip: false, forge: false, reorder: false };

/** What PayU says of a payment, to the payer's browser and by webhook alike. */
export function responseFields(
	{ api_key, api_secret, settings }: Account,
	{ form, splits }: StoredOrder,
	payment: Payment,
	salt = api_secret,
): Fields {
	const { productinfo = "", firstname = "", email = "", phone = "", txnid = "" } = form;
	const { additional_charges } = settings;
	const fields: Fields = {
		mihpayid: payment.mihpayid,
		mode: payment.mode,
		status: payment.status,
		unmappedstatus: payment.unmappedstatus,
		key: api_key,
		txnid,
		amount: rupees(payment.amount),
		discount: "0.00",
		net_amount_debit: payment.status === "success" ? String(payment.amount / 100) : "0",
		addedon: istTime(payment.added_on),
		productinfo,
		firstname,
		lastname: "",
		email,
		phone,
		udf1: form.udf1 ?? "",
		udf2: form.udf2 ?? "",
		udf3: form.udf3 ?? "",
		udf4: form.udf4 ?? "",
		udf5: form.udf5 ?? "",
		field9: payment.error_Message,
		payment_source: "payu",
		PG_TYPE: payment.PG_TYPE,
		bank_ref_num: payment.bank_ref_num,
		bankcode: payment.bankcode,
		error: payment.error,
		error_Message: payment.error_Message,
	};
	if (typeof additional_charges === "string") fields.additionalCharges = additional_charges;
	if (form.splitRequest !== undefined) {
		const segments = splits.map(({ merchantKey, amount, aggregatorSubTxnId }) => ({
			merchantKey,
			amount: amount / 100,
			txnId: aggregatorSubTxnId,
		}));
		fields.splitInfo = JSON.stringify({ splitStatus: "success", splitSegments: segments });
	}
	return { ...fields, hash: responseHash(api_key, salt, fields) };
}

/** A payment that is undecided has no event. */
export function sendPaymentEvent(
	sender: WebhookSender,
	account: Account,
	stored: StoredOrder,
	payment: Payment,
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	if (payment.status === "pending") return [];
	const fields = responseFields(account, stored, payment, manner.forge ? randomAlphanumeric(20) : account.api_secret);
	const event = payment.status === "success" ? "Successful" : "Failed";
	const event_id = `${payment.mihpayid}:${payment.unmappedstatus}`;
	if (account.settings.webhook_format !== "json") {
		const type = "application/x-www-form-urlencoded";
		return send(sender, account, manner, { event, event_id, type, body: new URLSearchParams(fields).toString() });
	}
	const body = JSON.stringify({
		timestamp: `${istTime(payment.added_on)}.000000`,
		request_identifier: payment.mihpayid,
		event_type: "payment",
		status: event,
		http_method: "POST",
		event_payload: fields,
	});
	return send(sender, account, manner, { event, event_id, type: "application/json", body });
}

/** Without a hash, as PayU's own is. A forged one is of a payment that does not exist. */
export function sendRefundEvent(
	sender: WebhookSender,
	account: Account,
	stored: StoredOrder,
	payment: Payment,
	refund: Refund,
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	const body = JSON.stringify({
		additionalValue1: null,
		bank_arn: refund.bank_arn,
		refund_mode: "Back to Source",
		bank_ref_num: refund.bank_ref_num,
		key: manner.forge ? randomAlphanumeric(6) : account.api_key,
		amt: rupees(refund.amount),
		remark: null,
		status: refund.status,
		token: refund.token,
		mihpayid: payment.mihpayid,
		request_id: refund.request_id,
		merchantTxnId: stored.form.txnid,
		additionalValue2: null,
		action: "refund",
	});
	const event_id = `${refund.request_id}:${refund.status}`;
	return send(sender, account, manner, { event: "Refund", event_id, type: "application/json", body });
}

const CB_STATUS = {
	opened: "New",
	under_review: "Submitted to Bank",
	won: "Closed in Merchant Favour",
	lost: "Closed Customer Favour",
	closed: "Closed under Fraud Liability",
};
const CB_TYPE = { chargeback: "Chargeback", pre_arbitration: "Pre-Arbitration", arbitration: "Arbitration" };

/** Signed in a header; the status goes into the signature without its spaces. */
export function sendDisputeEvent(
	sender: WebhookSender,
	account: Account,
	dispute: Dispute,
	manner: Manner = PLAIN_MANNER,
): { event: string; event_id: string }[] {
	const { api_key, api_secret, settings } = account;
	const cb_id = [...dispute.number]
		.map((letter) => letter.charCodeAt(0) % 10)
		.join("")
		.replace(/^0+/, "1")
		.slice(0, 12);
	const cb_amount = `${dispute.amount / 100}${dispute.amount % 100 === 0 ? ".0" : ""}`;
	const cb_type = CB_TYPE[dispute.phase];
	const cb_status = CB_STATUS[dispute.state];
	const body = JSON.stringify({
		type: "payments",
		event: "dispute",
		reason_code: "Fraud - Card Not Present Environment",
		created_at: dispute.opened_at.toISOString().replace("Z", "+00:00"),
		updated_at: dispute.updated_at.toISOString().replace("Z", "+00:00"),
		mid: String(settings.mid ?? "8235901"),
		cb_id: Number(cb_id),
		txn_id: dispute.payment_id,
		cb_type,
		due_date: istTime(dispute.respond_by.getTime()).slice(0, 10),
		cb_amount,
		cb_status,
	});
	const salt = manner.forge ? randomAlphanumeric(20) : api_secret;
	const signed = [api_key, dispute.payment_id, cb_amount, cb_id, cb_type, cb_status.replaceAll(" ", ""), salt].join(
		"|",
	);
	const signature = createHash("sha512").update(signed).digest("hex");
	return send(sender, account, manner, {
		event: "Dispute",
		event_id: `${cb_id}:${cb_status}`,
		type: "application/json",
		body,
		headers: {
			"x-payu-dispute-webhook-signature-algorithm": "SHA512",
			"x-payu-dispute-webhook-signature-v1": signature,
			"x-payu-dispute-webhook-signature-v2": signature,
		},
	});
}

/** Rendered by now, so that a later change of the payment does not alter what is still to be sent. */
function send(
	sender: WebhookSender,
	account: Account,
	manner: Manner,
	{ event, event_id, type, body, headers = {} }: OutgoingEvent,
): { event: string; event_id: string }[] {
	if (manner.skip || !account.webhook_url) return [];
	const webhook: OutgoingWebhook = {
		service: "payu",
		event_id,
		event_type: event,
		url: account.webhook_url,
		headers: { "content-type": type, "user-agent": "PayU-Webhook", ...headers },
		body,
	};
	void sender.sendInOrder(Array<OutgoingWebhook>(1 + manner.duplicate).fill(webhook), manner.delay_ms);
	return [{ event, event_id }];
}
