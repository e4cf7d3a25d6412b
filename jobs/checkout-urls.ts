import { createStatusToken } from "../db/client/status-token.ts";

/** Where a PSP sends the payer's browser (pages of checkout, which lets in whoever holds the payment's status token) and its webhooks. */
export interface CheckoutUrls {
	return_url(transaction_id: string): string;
	cancel_url(transaction_id: string): string;
	webhook_url(client_key: string, gateway_id: string): string;
}

export function createCheckoutUrls(options: { checkout_url: string; status_token_key: Buffer }): CheckoutUrls {
	const page = (transaction_id: string, place: "return" | "cancel") => {
		const token = createStatusToken(options.status_token_key, transaction_id);
		return `${options.checkout_url}/pay/${transaction_id}/${place}?token=${token}`;
	};
	return {
		return_url: (transaction_id) => page(transaction_id, "return"),
		cancel_url: (transaction_id) => page(transaction_id, "cancel"),
		webhook_url: (client_key, gateway_id) => `${options.checkout_url}/webhook/${client_key}/${gateway_id}`,
	};
}
