/** The result that the payer's browser carries back to the merchant; the merchant's server can check it with its salt. */
import { createHmac } from "node:crypto";

export interface ResultInput {
	redirect_url: string;
	/** The salt that every server of the merchant has. */
	client_salt: string;
	/** The one that takes its place, while the merchant changes over. */
	next_client_salt?: string | null;
	transaction_id: string;
	order_id: string;
	status: string;
	amount: number;
	/** The database's time. */
	now: Date;
}

/** Null when the merchant's URL is not one that a browser may be sent to. */
export function signedResultUrl(input: ResultInput): string | null {
	const url = URL.parse(input.redirect_url);
	if (url === null || !["https:", "http:"].includes(url.protocol)) return null;
	const timestamp = Math.floor(input.now.getTime() / 1000);
	const { transaction_id, order_id, status, amount } = input;
	const message = `${timestamp}.${transaction_id}.${order_id}.${status}.${amount}`;
	const sign = (salt: string) => createHmac("sha256", salt).update(message).digest("hex");
	const result = {
		transaction_id,
		order_id,
		status,
		amount: String(amount),
		timestamp: String(timestamp),
		signature: sign(input.client_salt),
		...(input.next_client_salt && { next_signature: sign(input.next_client_salt) }),
	};
	for (const [name, value] of Object.entries(result)) url.searchParams.set(name, value);
	return url.href;
}
