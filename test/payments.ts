/** Payments for tests of the database: what a merchant asks for, and what a PSP says became of it. */
import { randomUUID } from "node:crypto";
import type pg from "pg";
import { type AttemptState, settleAttempt } from "../db/client/attempts.ts";
import type { Queryable } from "../db/client/call.ts";
import type { DisputeReport } from "../db/client/disputes.ts";
import {
	type AcceptedEvent,
	acceptGatewayEvents,
	type GatewayEventInput,
	type InitiateRequest,
	initiatePayments,
} from "../db/client/payments.ts";
import type { TestDatabase } from "./database.ts";
import type { TestMerchant } from "./merchants.ts";

/** ₹100.00 under a new order id, unless more is said. */
export function initiateRequest(of: TestMerchant, more: Partial<InitiateRequest> = {}): InitiateRequest {
	return {
		client_id: of.id,
		client_key: of.client_key,
		order_id: randomUUID(),
		amount: 10_000,
		currency: "INR",
		...more,
	};
}

/** A PSP's word on ₹100.00 by UPI, unless more is said; a failure is a decline. */
export function attemptState(outcome: AttemptState["outcome"], more: Partial<AttemptState> = {}): AttemptState {
	return {
		outcome,
		psp_payment_id: "pay_1",
		amount: 10_000,
		currency: "INR",
		method: "upi",
		bank_reference: null,
		fee: null,
		error: outcome === "failed" ? { code: "declined", message: "The bank declined." } : null,
		raw: { id: "pay_1" },
		...more,
	};
}

export interface StartedPayment {
	transaction_id: string;
	attempt_id: string;
}

/** Throws the error that the merchant would get. */
export async function startPayment(
	database: TestDatabase,
	of: TestMerchant,
	more: Partial<InitiateRequest> = {},
): Promise<StartedPayment> {
	const [result] = await initiatePayments(database.pool("checkout"), [initiateRequest(of, more)]);
	if (!result?.ok) throw result?.error;
	const { transaction_id } = result;
	const { rows } = await database
		.pool("admin")
		.query<{ id: string }>("select id from payment_attempts where transaction_id = $1", [transaction_id]);
	return { transaction_id, attempt_id: rows[0]!.id };
}

export async function payPayment(database: TestDatabase, of: TestMerchant): Promise<StartedPayment> {
	const started = await startPayment(database, of);
	await settleAttempt(database.pool("jobs"), started.attempt_id, attemptState("succeeded"));
	return started;
}

/** A statement as the superuser. */
export function queryAs(pool: () => pg.Pool) {
	return async <Row>(text: string, values: unknown[] = []): Promise<Row[]> =>
		(await pool().query(text, values)).rows as Row[];
}

/** Stores one webhook of a PSP as checkout does. */
export async function acceptGatewayEvent(database: Queryable, event: GatewayEventInput): Promise<AcceptedEvent> {
	return (await acceptGatewayEvents(database, [event]))[0]!;
}

/** What a PSP says of a dispute of ₹100.00, opened on the first of November; `day` of the message. */
export function disputeReport(
	status: DisputeReport["status"],
	day: number,
	more: Partial<DisputeReport> = {},
): DisputeReport {
	return {
		status,
		psp_dispute_id: "disp_1",
		psp_payment_id: "pay_1",
		amount: 10_000,
		currency: "INR",
		phase: "chargeback",
		psp_status: status,
		reason_code: "10.4",
		reason: "Fraud, card absent",
		respond_by: "2026-11-20T18:29:59Z",
		opened_at: "2026-11-01T10:00:00Z",
		occurred_at: `2026-11-${String(day).padStart(2, "0")}T10:00:00Z`,
		amount_deducted: null,
		raw: {},
		...more,
	};
}
