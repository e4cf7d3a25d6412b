import { callRows, callValue, type Queryable } from "./call.ts";
import type { ClientTheme } from "./clients.ts";
import { DomainError, type ErrorCode } from "./errors.ts";

/** As merchants see it. */
export interface PaymentLink {
	link_id: string;
	/** The last part of its address; who has it may pay. */
	code: string;
	/** Paise. */
	amount: number;
	currency: string;
	description: string | null;
	/** The merchant's own id of it. */
	reference: string | null;
	usage: "single" | "multiple";
	status: "active" | "completed" | "expired" | "disabled";
	paid_count: number;
	redirect_url: string | null;
	expires_at: string | null;
	created_at: string;
}

export interface PaymentLinkRequest {
	client_id: string;
	amount: number;
	currency: string;
	description: string | null;
	reference: string | null;
	usage: PaymentLink["usage"];
	expires_at: string | null;
	redirect_url: string | null;
}

/** The same reference with the same content answers with the link made before; with other content: idempotency_key_conflict. */
export function createPaymentLink(database: Queryable, request: PaymentLinkRequest): Promise<PaymentLink> {
	return callValue(
		database,
		"create_payment_link",
		"select public.create_payment_link($1, $2, $3, $4, $5, $6, $7, $8) as value",
		[
			request.client_id,
			request.amount,
			request.currency,
			request.description,
			request.reference,
			request.usage,
			request.expires_at,
			request.redirect_url,
		],
	);
}

export function readPaymentLink(database: Queryable, client_id: string, link_id: string): Promise<PaymentLink | null> {
	return callValue(database, "read_payment_link", "select public.read_payment_link($1, $2) as value", [
		client_id,
		link_id,
	]);
}

export function disablePaymentLink(
	database: Queryable,
	client_id: string,
	link_id: string,
): Promise<PaymentLink | null> {
	return callValue(database, "disable_payment_link", "select public.disable_payment_link($1, $2) as value", [
		client_id,
		link_id,
	]);
}

/** What the landing page shows. */
export function readLinkPage(
	database: Queryable,
	code: string,
): Promise<(PaymentLink & ClientTheme & { client_id: string; company_name: string }) | null> {
	return callValue(database, "read_link_page", "select public.read_link_page($1) as value", [code]);
}

/** The payment to pay through a link; is_new: it was begun for this. Throws not_found, link_closed, or what initiating a payment throws. */
export async function openPaymentLink(
	database: Queryable,
	code: string,
): Promise<{ transaction_id: string; is_new: boolean }> {
	const [opened] = await callRows<{
		transaction_id: string;
		is_new: boolean;
		error_code: ErrorCode | null;
		error_param: string | null;
		retry_after_seconds: number | null;
	}>(database, "open_payment_link", "select * from public.open_payment_link($1)", [code]);
	const { transaction_id, is_new, error_code, error_param, retry_after_seconds } = opened!;
	if (error_code === null) return { transaction_id, is_new };
	throw new DomainError(error_code, {
		param: error_param ?? undefined,
		retry_after_seconds: retry_after_seconds ?? undefined,
	});
}
