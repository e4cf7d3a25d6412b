/**
 * PayU's webhooks. Payments come as a form with the hash of a browser's return in it, by some settings as JSON, plain or
 * inside an envelope; refunds as JSON without any proof; disputes as JSON with a signature in a header. Docs:
 * webhook-events-and-sample-payloads, refund-status-callback, webhooks-for-chargeback.
 */

import { createHash } from "node:crypto";
import type { PspAccount, WebhookEvent, WebhookRequest, WebhookVerification } from "../adapter.ts";
import { disputeSchema, disputeState, isSignedDispute } from "./dispute.ts";
import { isSaidByPayu } from "./hash.ts";
import { postedRefundSchema, postedRefundState, postedState } from "./transform.ts";

/** docs.payu.in webhook setup (production and its stand-by site, then test). */
export const webhookNetworks: readonly string[] = [
	"3.7.89.1/32",
	"3.7.89.2/32",
	"3.7.89.3/32",
	"3.7.89.8/32",
	"3.7.89.9/32",
	"3.7.89.10/32",
	"52.140.8.88/32",
	"52.140.8.89/32",
	"52.140.8.64/32",
	"52.140.8.65/32",
	"180.179.165.250/32",
	"180.179.174.1/32",
	"180.179.174.2/32",
	"3.6.73.183/32",
	"3.6.83.44/32",
];

/**
 * No body but that of a dispute counts as proven. The hash leaves out PayU's payment id and what the status stands for (taken or only held), and
 * every payer gets one: the browser's return is the same message. Refunds have no hash at all.
 */
const body_proven = false;

export function verifyWebhook(account: PspAccount, request: WebhookRequest): WebhookVerification {
	if (account.api_secret === "") return { valid: false, reason: "no salt is set for this gateway" };
	const message = readMessage(request);
	if (message === null) return { valid: false, reason: "neither a form nor JSON of PayU's" };
	const refund = postedRefundSchema.safeParse(message);
	if (refund.success) {
		if (refund.data.key !== account.api_key) return { valid: false, reason: "the refund is of another merchant key" };
		const { request_id, status, mihpayid, token, bank_ref_num, bank_arn } = refund.data;
		return {
			valid: true,
			// With the bank's numbers, so that nobody can take the place of PayU's own message by sending one before it.
			dedupe_key: keyOf("refund", request_id, status, mihpayid, token, bank_ref_num, bank_arn),
			event_type: `refund.${word(status)}`,
			body_proven,
		};
	}
	const dispute = disputeSchema.safeParse(message);
	if (dispute.success) {
		const signature = request.headers["x-payu-dispute-webhook-signature-v2"];
		if (signature === undefined) {
			return { valid: false, reason: "the dispute is not signed: ask PayU to sign this account's dispute webhooks" };
		}
		if (!isSignedDispute(account, dispute.data, signature)) {
			return { valid: false, reason: "X-PayU-Dispute-Webhook-Signature-V2 does not match the body" };
		}
		const { cb_id, cb_status, cb_type, cb_amount, updated_at } = dispute.data;
		return {
			valid: true,
			dedupe_key: keyOf("dispute", cb_id, cb_status, cb_type, cb_amount, updated_at),
			event_type: "dispute",
			body_proven: true,
		};
	}
	const fields = textFieldsOf(message);
	if (!isSaidByPayu(account, fields)) return { valid: false, reason: "hash does not match the body" };
	const { mihpayid, status, unmappedstatus } = fields;
	return {
		valid: true,
		dedupe_key: keyOf("payment", mihpayid, status, unmappedstatus, fields.hash),
		event_type: `payment.${word(status)}`,
		body_proven,
	};
}

export function parseWebhook(request: WebhookRequest): WebhookEvent {
	const message = readMessage(request);
	if (message === null) return { kind: "ignored", event_type: "unreadable" };
	const refund = postedRefundSchema.safeParse(message);
	if (refund.success) {
		const event_type = `refund.${word(refund.data.status)}`;
		return { kind: "refund", event_type, refund: postedRefundState(refund.data) };
	}
	const dispute = disputeSchema.safeParse(message);
	if (dispute.success) return { kind: "dispute", event_type: "dispute", dispute: disputeState(dispute.data) };
	const payment = postedState(message);
	if (payment === null) return { kind: "ignored", event_type: "unreadable" };
	return { kind: "payment", event_type: `payment.${word(message.status)}`, payment };
}

/** The fields of a form, or of a JSON object, or of the object inside PayU's envelope. */
function readMessage({ raw_body }: WebhookRequest): Record<string, unknown> | null {
	const body = raw_body.toString("utf8");
	if (!/^\s*[{[]/.test(body)) return fieldsOf(body);
	const json = parseKeepingDigits(body);
	if (!isObject(json)) return null;
	return isObject(json.event_payload) ? json.event_payload : json;
}

/** As forms are read: the last of two values with one name counts, on PayU's side (PHP) as here. */
export function fieldsOf(form: string): Record<string, string> {
	return Object.fromEntries(new URLSearchParams(form));
}

/** Numbers as they are written: PayU's payment ids have more digits than a number can hold, and "10.00" is not "10". */
function parseKeepingDigits(body: string): unknown {
	const keep = (_: string, value: unknown, context?: { source?: string }) =>
		typeof value === "number" ? (context?.source ?? String(value)) : value;
	try {
		return JSON.parse(body, keep as Parameters<typeof JSON.parse>[1]);
	} catch {
		return null;
	}
}

/** What is hashed as text. An object (splitInfo in JSON) is hashed as its own JSON. */
function textFieldsOf(message: Record<string, unknown>): Record<string, string> {
	const texts = Object.entries(message).flatMap(([name, value]) => {
		if (typeof value === "string") return [[name, value] as const];
		return value === null || value === undefined ? [] : [[name, JSON.stringify(value)] as const];
	});
	return Object.fromEntries(texts);
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A digest, since nothing vouches for the length or the letters of these parts. */
function keyOf(kind: string, ...parts: (string | null | undefined)[]): string {
	return `${kind}:${createHash("sha256").update(JSON.stringify(parts)).digest("hex")}`;
}

/** For names of events: nothing that the sender has made up. */
function word(value: unknown): string {
	const text = String(value).toLowerCase();
	return ["success", "failure", "failed", "pending"].includes(text) ? text : "other";
}
